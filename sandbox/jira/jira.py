"""The state of the sandbox's Jira and how tests, the seed and people on the site change it without HTTP."""

from sandbox.http.messages import Json, JsonObject
from sandbox.http.timeline import Timeline
from sandbox.jira.state import Change, Component, History, IndexEntry, Issue, IssueType, JiraState, Project, User

ALL_PERMISSIONS = (
    "ADD_COMMENTS", "ASSIGNABLE_USER", "ASSIGN_ISSUES", "BROWSE_PROJECTS", "CLOSE_ISSUES", "CREATE_ATTACHMENTS",
    "CREATE_ISSUES", "DELETE_ISSUES", "DELETE_OWN_COMMENTS", "EDIT_ISSUES", "EDIT_OWN_COMMENTS", "LINK_ISSUES",
    "MODIFY_REPORTER", "RESOLVE_ISSUES", "SCHEDULE_ISSUES", "TRANSITION_ISSUES",
)  # fmt: skip


class Jira:
    """Users, projects and issues. Its methods take the box's lock themselves."""

    def __init__(self, timeline: Timeline, index_lag_s: float) -> None:
        self._timeline = timeline
        self.base_url = ""
        self.index_lag_s = index_lag_s
        """Seconds until the search index shows a change."""
        self.names_callers = True
        """Whether answers say for whom they were given; switched off, the site answers as behind a proxy that takes that out."""
        self.state = JiraState()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._timeline.now()

    @property
    def issues(self) -> list[Issue]:
        """Every issue in the order of creation, after applying the late writes that are due."""
        self._timeline.settle()
        return list(self.state.issues.values())

    def issue(self, key: str) -> Issue:
        """The issue with this key or former key; KeyError if there is none."""
        self._timeline.settle()
        found = self.state.find(key)
        if found is None:
            raise KeyError(key)
        return found

    # The site

    def add_user(
        self,
        account_id: str,
        name: str,
        *,
        email: str = "",
        active: bool = True,
        token: str = "",
        kind: str = "atlassian",
    ) -> None:
        """Add a user; one with a token can sign in with e-mail and token."""
        user = User(account_id, name, email, active=active, token=token, kind=kind)
        self.state.users[account_id] = user

    def add_project(
        self,
        key: str,
        name: str,
        issue_types: list[IssueType],
        *,
        project_id: str,
        without: tuple[str, ...] = (),
        lead: str = "",
    ) -> Project:
        """Add a project in which signed-in users have all permissions except `without`."""
        permissions = [name for name in ALL_PERMISSIONS if name not in without]
        project = Project(project_id, key, name, issue_types, permissions, lead=lead)
        self.state.projects[key] = project
        return project

    def add_component(self, project: str, component_id: str, name: str) -> None:
        self.state.projects[project].components.append(Component(component_id, name, project))

    # Issues

    def add_issue(
        self, project: str, fields: JsonObject, *, properties: dict[str, Json] | None = None, reporter: str = ""
    ) -> Issue:
        """Create an issue as another person; the fields are stored unchecked, in the shape of `Issue.fields`."""
        with self._timeline.lock:
            home = self.state.projects[project]
            basics = {
                "summary": "Untitled",
                "priority": {"id": "3"},
                "status": {"id": "10000"},
                "labels": [],
                "components": [],
                "reporter": {"accountId": reporter},
                "project": {"id": home.id},
                "issuetype": {"id": home.issue_types[0].id},
            }
            return self.store_new(home, {**basics, **fields}, dict(properties or {}), reporter)

    def edit_issue(self, key: str, *, by: str = "", **fields: Json) -> None:
        """Change fields as a person with all rights; as somebody who signs in nowhere when it is not said who."""
        with self._timeline.lock:
            issue = self.issue(key)
            self.store_fields(issue, {**issue.fields, **fields}, by or self.somebody())

    def somebody(self) -> str:
        """Account id of the first active person who has no token; empty if there is none."""
        people = (user for user in self.state.users.values() if user.active and not user.token)
        return next((user.account_id for user in people if user.kind == "atlassian"), "")

    def delete_issue(self, key: str) -> None:
        """Delete an issue; search still finds it for `index_lag_s`."""
        with self._timeline.lock:
            issue = self.issue(key)
            del self.state.issues[issue.id]
            for known in (issue.key, *issue.old_keys):
                self.state.keys.pop(known, None)
            now = self._timeline.now()
            issue.index.append(IndexEntry(now + self.index_lag_s, issue.key, None, now))
            self.state.deleted[issue.id] = issue

    def move_issue(self, key: str, project: str) -> str:
        """Move an issue to another project and return its new key; the old key still finds it."""
        with self._timeline.lock:
            issue, target = self.issue(key), self.state.projects[project]
            issue.old_keys.append(issue.key)
            issue.key, issue.project = self._next_key(target), project
            self.state.keys[issue.key] = issue.id
            self.store_fields(issue, {**issue.fields, "project": {"id": target.id}}, self.somebody())
            return issue.key

    def store_new(self, project: Project, fields: JsonObject, properties: dict[str, Json], creator: str) -> Issue:
        """Store a new issue under the project's next key."""
        now = self._timeline.now()
        issue = Issue(
            self.state.next_issue_id, self._next_key(project), project.key, fields, now, now, creator, properties
        )
        self.state.next_issue_id += 1
        self.state.issues[issue.id] = issue
        self.state.keys[issue.key] = issue.id
        self._index(issue)
        return issue

    def store_fields(self, issue: Issue, fields: JsonObject, author: str) -> None:
        """Replace the fields of an issue, and put down what changed; the index shows them after its lag."""
        named = [*issue.fields, *(name for name in fields if name not in issue.fields)]
        changed = [name for name in named if issue.fields.get(name) != fields.get(name)]
        if changes := [Change(name, issue.fields.get(name), fields.get(name)) for name in changed]:
            history = History(str(self.state.next_history_id), author, self._timeline.now(), changes)
            issue.histories.append(history)
            self.state.next_history_id += 1
        issue.fields = fields
        issue.updated_at = self._timeline.now()
        self._index(issue)

    def next_comment_id(self) -> str:
        self.state.next_comment_id += 1
        return str(self.state.next_comment_id - 1)

    def _next_key(self, project: Project) -> str:
        project.next_number += 1
        return f"{project.key}-{project.next_number - 1}"

    def _index(self, issue: Issue) -> None:
        visible_at = self._timeline.now() + self.index_lag_s
        issue.index.append(IndexEntry(visible_at, issue.key, dict(issue.fields), issue.updated_at))
