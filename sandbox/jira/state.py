"""The state of the sandbox's Jira: users, projects, issues, and the search index."""

from dataclasses import dataclass, field

from sandbox.http.messages import Json, JsonObject


@dataclass(slots=True)
class User:
    """A person, or an app, with an account on the site."""

    account_id: str
    name: str
    email: str
    active: bool = True
    token: str = ""
    """The API token that signs this user in; empty if nobody signs in with it."""
    time_zone: str = "Asia/Jakarta"
    kind: str = "atlassian"
    scoped_token: str = ""
    """A token that signs this user in through the gateway; empty if there is none."""


@dataclass(slots=True)
class Component:
    """A component of a project."""

    id: str
    name: str
    project: str


@dataclass(slots=True)
class IssueType:
    """An issue type of a project, and the fields on its create screen."""

    id: str
    name: str
    screen: list[str]
    required: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Project:
    """A project; `permissions` are what signed-in users may do there."""

    id: str
    key: str
    name: str
    issue_types: list[IssueType]
    permissions: list[str]
    components: list[Component] = field(default_factory=list)
    lead: str = ""
    next_number: int = 1
    not_assignable: list[str] = field(default_factory=list)
    """Account ids of active users who lack the permission Assignable User here."""


@dataclass(slots=True)
class Comment:
    """A comment; its body is an Atlassian Document."""

    id: str
    author: str
    body: JsonObject
    created_at: float
    properties: dict[str, Json] = field(default_factory=dict)


@dataclass(slots=True)
class Change:
    """One field in a history: its values in the shape of `Issue.fields`."""

    field: str
    old: Json
    new: Json


@dataclass(slots=True)
class History:
    """What one edit changed, and who made it."""

    id: str
    author: str
    created_at: float
    changes: list[Change]


@dataclass(slots=True)
class IndexEntry:
    """What search finds of an issue from `visible_at` on, in epoch seconds; `fields` is None once it is deleted."""

    visible_at: float
    key: str
    fields: JsonObject | None
    updated_at: float


@dataclass(slots=True)
class Issue:
    """
    One issue.

    Fields are stored in the shape in which they are sent: `{"accountId": ...}` for a user, `{"id": ...}` for a
    priority, a list of `{"id": ...}` for components.
    """

    id: int
    key: str
    project: str
    fields: JsonObject
    created_at: float
    updated_at: float
    creator: str
    properties: dict[str, Json] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    old_keys: list[str] = field(default_factory=list)
    index: list[IndexEntry] = field(default_factory=list)
    histories: list[History] = field(default_factory=list)
    editable: bool = True
    """Whether its workflow status lets it be edited (property `jira.issue.editable`)."""

    @property
    def labels(self) -> list[str]:
        return list(self.fields.get("labels", []))

    @property
    def summary(self) -> str:
        return str(self.fields.get("summary", ""))

    def index_entry(self, now: float) -> IndexEntry | None:
        """The entry that search uses at `now`; None before the first."""
        while len(self.index) > 1 and self.index[1].visible_at <= now:
            del self.index[0]
        return self.index[0] if self.index and self.index[0].visible_at <= now else None


@dataclass(slots=True)
class Transition:
    """A way from one status to another: from any of `sources`, from everywhere when there are none."""

    id: str
    name: str
    to: str
    sources: list[str] = field(default_factory=list)
    required: list[str] = field(default_factory=list)
    """Fields on its screen that must be filled in."""


def _usual_transitions() -> list[Transition]:
    named = {
        "11": ("To Do", "10000"),
        "21": ("In Progress", "3"),
        "31": ("Done", "10001"),
        "41": ("Cancelled", "10002"),
    }
    return [Transition(number, name, to) for number, (name, to) in named.items()]


@dataclass(slots=True)
class JiraState:
    """The whole state."""

    users: dict[str, User] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    """Choices of select fields: field id -> option id -> value."""
    issues: dict[int, Issue] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    """Issue ids by key, the keys of moved issues' former projects included."""
    deleted: dict[int, Issue] = field(default_factory=dict)
    """Deleted issues that search may still find."""
    transitions: list[Transition] = field(default_factory=_usual_transitions)
    """The workflow of all issues."""
    counts_json: bool = True
    """Whether the 32,767 characters of a document are counted on its JSON, the stricter reading, or on its text."""
    next_issue_id: int = 10001
    next_comment_id: int = 20001
    next_history_id: int = 30001

    def find(self, id_or_key: str) -> Issue | None:
        """The issue with this id or key, past or present, in upper or lower case."""
        if id_or_key.isdecimal():
            return self.issues.get(int(id_or_key))
        number = self.keys.get(id_or_key.upper())
        return None if number is None else self.issues.get(number)

    def project_of(self, id_or_key: str) -> Project | None:
        """The project with this id or key; keys are case-sensitive."""
        if id_or_key in self.projects:
            return self.projects[id_or_key]
        return next((project for project in self.projects.values() if project.id == id_or_key), None)
