"""The sandbox's Jira from the inside: what a test or the seed sets up, and what people on the site do."""

from sandbox.http.timeline import Timeline
from sandbox.http.wire import Json, JsonObject
from sandbox.jira.jira_state import Component, Indexed, Issue, IssueType, JiraState, Project, User

ALL_PERMISSIONS = (
    "ADD_COMMENTS", "ASSIGNABLE_USER", "ASSIGN_ISSUES", "BROWSE_PROJECTS", "CLOSE_ISSUES", "CREATE_ATTACHMENTS",
    "CREATE_ISSUES", "DELETE_ISSUES", "DELETE_OWN_COMMENTS", "EDIT_ISSUES", "EDIT_OWN_COMMENTS", "LINK_ISSUES",
    "MODIFY_REPORTER", "RESOLVE_ISSUES", "SCHEDULE_ISSUES", "TRANSITION_ISSUES",
)  # fmt: skip


class Jira:
    """Users, projects and issues. Its methods take the box's lock themselves."""

    def __init__(self, timeline: Timeline, index_lag_s: float) -> None:
        self._timeline = timeline
        self.index_lag_s = index_lag_s
        """How long the search index takes to see a change."""
        self.state = JiraState()

    @property
    def issues(self) -> list[Issue]:
        """Every issue in the order of creation, late writes that are due included."""
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
        """A user; one with a token can sign in with e-mail and token."""
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
        """A project in which signed-in users may do everything but `without`."""
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
        """An issue that somebody made: nothing of it is checked. Labels and the rest as Jira keeps them."""
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
            return self.keep_new(home, {**basics, **fields}, dict(properties or {}), reporter)

    def edit_issue(self, key: str, **fields: Json) -> None:
        """Change fields as a person with all rights."""
        with self._timeline.lock:
            issue = self.issue(key)
            self.keep_changed(issue, {**issue.fields, **fields})

    def delete_issue(self, key: str) -> None:
        """Delete an issue; the search index still shows it until it has noticed."""
        with self._timeline.lock:
            issue = self.issue(key)
            del self.state.issues[issue.id]
            for known in (issue.key, *issue.old_keys):
                self.state.keys.pop(known, None)
            now = self._timeline.now()
            issue.index.append(Indexed(now + self.index_lag_s, issue.key, None, now))
            self.state.deleted[issue.id] = issue

    def move_issue(self, key: str, project: str) -> str:
        """Move an issue to another project; its new key. The old key still finds it."""
        with self._timeline.lock:
            issue, target = self.issue(key), self.state.projects[project]
            issue.old_keys.append(issue.key)
            issue.key, issue.project = self._next_key(target), project
            self.state.keys[issue.key] = issue.id
            self.keep_changed(issue, {**issue.fields, "project": {"id": target.id}})
            return issue.key

    def keep_new(self, project: Project, fields: JsonObject, properties: dict[str, Json], creator: str) -> Issue:
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

    def keep_changed(self, issue: Issue, fields: JsonObject) -> None:
        """Give an issue other fields; the index sees them later."""
        issue.fields = fields
        issue.updated_at = self._timeline.now()
        self._index(issue)

    def comment_id(self) -> str:
        self.state.next_comment_id += 1
        return str(self.state.next_comment_id - 1)

    def _next_key(self, project: Project) -> str:
        project.next_number += 1
        return f"{project.key}-{project.next_number - 1}"

    def _index(self, issue: Issue) -> None:
        visible_at = self._timeline.now() + self.index_lag_s
        issue.index.append(Indexed(visible_at, issue.key, dict(issue.fields), issue.updated_at))
