"""Issues, users, projects and comments as JSON, in the shapes of Jira's OpenAPI document."""

import datetime as dt
from typing import NamedTuple

from sandbox.http.messages import Json, JsonObject
from sandbox.jira import changelog
from sandbox.jira.fields import FIELDS, PRIORITIES, STATUS_CATEGORIES, STATUSES, Field
from sandbox.jira.state import Comment, Component, History, Issue, IssueType, JiraState, Project, User

_NOT_NAVIGABLE = {"comment"}


class View(NamedTuple):
    """What an answer shows of an issue: its present state, or that of the search index."""

    issue: Issue
    key: str
    fields: JsonObject
    updated_at: float


def current_view(issue: Issue) -> View:
    return View(issue, issue.key, issue.fields, issue.updated_at)


class Renderer:
    """Makes JSON from the state; `base_url` is the site's address for links."""

    def __init__(self, state: JiraState, base_url: str) -> None:
        self._state = state
        self._api = f"{base_url}/rest/api/3"

    def issue(self, view: View, fields: list[str], properties: list[str]) -> JsonObject:
        """
        An IssueBean with the named fields (`field_ids` makes the names) and entity properties.

        With `id` as the only field it holds the id alone, as search answers without `fields`.
        """
        body: JsonObject = {"id": str(view.issue.id)}
        if fields == ["id"] and not properties:
            return body
        body = {"expand": "", **body, "self": f"{self._api}/issue/{view.issue.id}", "key": view.key}
        shown = {name: self._field(view, name) for name in fields if name in FIELDS}
        if shown:
            body["fields"] = shown
        if properties:
            known = view.issue.properties
            body["properties"] = (
                known if "*all" in properties else {key: known[key] for key in properties if key in known}
            )
        return body

    def _field(self, view: View, field_id: str) -> Json:
        value = view.fields.get(field_id)
        match field_id:
            case "project":
                return self.project_stub(self._state.projects[view.key.rpartition("-")[0]])
            case "issuetype":
                return self.issue_type(self._issue_type(view))
            case "components":
                return [self._component_of(view, item["id"]) for item in value or []]
            case "creator":
                return self.user(view.issue.creator)
            case "created" | "updated":
                return timestamp(view.issue.created_at if field_id == "created" else view.updated_at)
            case "comment":
                return self._comments(view.issue)
        return self._object(field_id, value) if isinstance(value, dict) else value

    def _object(self, field_id: str, value: JsonObject) -> Json:
        """The object whose id is stored as the value of a field."""
        match FIELDS[field_id].schema["type"]:
            case "user":
                return self.user(value["accountId"])
            case "option":
                return self.option(field_id, value["id"])
            case "priority":
                return self._named("priority", value["id"], PRIORITIES)
            case "status":
                return self.status(value["id"])
        return value

    def status(self, number: str) -> JsonObject:
        """A status with its category."""
        category, key, name = STATUS_CATEGORIES[number]
        shown = {"self": f"{self._api}/statuscategory/{category}", "id": category, "key": key, "name": name}
        return {**self._named("status", number, STATUSES), "statusCategory": shown}

    def _issue_type(self, view: View) -> IssueType:
        wanted = view.fields["issuetype"]["id"]
        kinds = [kind for project in self._state.projects.values() for kind in project.issue_types]
        return next(kind for kind in kinds if kind.id == wanted)

    def _named(self, kind: str, number: str, names: dict[str, str]) -> JsonObject:
        return {"self": f"{self._api}/{kind}/{number}", "id": number, "name": names[number]}

    def _component_of(self, view: View, component_id: str) -> JsonObject:
        for project in self._state.projects.values():
            for component in project.components:
                if component.id == component_id:
                    return {"self": f"{self._api}/component/{component.id}", "id": component.id,
                            "name": component.name}  # fmt: skip
        return {"id": component_id, "name": view.key}

    def _comments(self, issue: Issue) -> JsonObject:
        shown = [self.comment(issue, comment) for comment in issue.comments]
        return {"comments": shown, "maxResults": len(shown), "total": len(shown), "startAt": 0,
                "self": f"{self._api}/issue/{issue.id}/comment"}  # fmt: skip

    def comment(self, issue: Issue, comment: Comment, *, with_properties: bool = False) -> JsonObject:
        author = self.user(comment.author)
        body = {
            "self": f"{self._api}/issue/{issue.id}/comment/{comment.id}",
            "id": comment.id,
            "author": author,
            "body": comment.body,
            "updateAuthor": author,
            "created": timestamp(comment.created_at),
            "updated": timestamp(comment.created_at),
            "jsdPublic": True,
        }
        if with_properties:
            body["properties"] = [{"key": key, "value": value} for key, value in comment.properties.items()]
        return body

    def history(self, history: History) -> JsonObject:
        """A Changelog: what one edit changed."""
        return {
            "id": history.id,
            "author": self.user(history.author) or {},
            "created": timestamp(history.created_at),
            "items": [item for change in history.changes for item in changelog.items(self._state, change)],
        }

    def option(self, field_id: str, number: str) -> JsonObject:
        value = self._state.options[field_id][number]
        return {"self": f"{self._api}/customFieldOption/{number}", "value": value, "id": number}

    def user(self, account_id: str) -> Json:
        user = self._state.users.get(account_id)
        return None if user is None else self.user_details(user)

    def user_details(self, user: User, *, own: bool = False) -> JsonObject:
        """A user; the e-mail address is shown to its owner only."""
        mail = {"emailAddress": user.email} if own else {}
        return {
            "self": f"{self._api}/user?accountId={user.account_id}",
            "accountId": user.account_id,
            **mail,
            "displayName": user.name,
            "active": user.active,
            "timeZone": user.time_zone,
            "accountType": user.kind,
        }

    def issue_type(self, kind: IssueType) -> JsonObject:
        return {"self": f"{self._api}/issuetype/{kind.id}", "id": kind.id, "description": "", "name": kind.name,
                "subtask": False, "hierarchyLevel": 0}  # fmt: skip

    def project_stub(self, project: Project) -> JsonObject:
        return {"self": f"{self._api}/project/{project.id}", "id": project.id, "key": project.key,
                "name": project.name, "projectTypeKey": "business", "simplified": False}  # fmt: skip

    def component(self, project: Project, component: Component) -> JsonObject:
        return {"self": f"{self._api}/component/{component.id}", "id": component.id, "name": component.name,
                "assigneeType": "PROJECT_DEFAULT", "realAssigneeType": "PROJECT_DEFAULT",
                "isAssigneeTypeValid": False, "project": project.key, "projectId": int(project.id)}  # fmt: skip

    def create_field(self, project: Project, kind: IssueType, field: Field) -> JsonObject:
        """A FieldCreateMetadata: one field of a create screen in createmeta."""
        body: JsonObject = {
            "required": field.required or field.id in kind.required,
            "schema": field.schema,
            "name": field.name,
            "key": field.id,
            "hasDefaultValue": field.has_default,
            "operations": list(field.operations),
            "fieldId": field.id,
        }
        if field.schema["type"] == "user":
            path = "user/assignable/search?project=" + project.key if field.id == "assignee" else "user/search"
            body["autoCompleteUrl"] = f"{self._api}/{path}{'&' if '?' in path else '?'}query="
        allowed = self._allowed(project, kind, field)
        if allowed is not None:
            body["allowedValues"] = allowed
        if field.id == "priority":
            body["defaultValue"] = self._named("priority", "3", PRIORITIES)
        return body

    def _allowed(self, project: Project, kind: IssueType, field: Field) -> list[JsonObject] | None:
        match field.id:
            case "project":
                return [self.project_stub(project)]
            case "issuetype":
                return [self.issue_type(kind)]
            case "priority":
                return [self._named("priority", number, PRIORITIES) for number in PRIORITIES]
            case "components":
                return [self.component(project, component) for component in project.components]
        if field.schema["type"] == "option":
            return [self.option(field.id, number) for number in self._state.options.get(field.id, {})]
        return None


def field_ids(names: list[str], default: str) -> list[str]:
    """Field ids for a `fields` parameter: `*all`, `*navigable`, names, and names to leave out with a minus before."""
    asked = names or [default]
    chosen: dict[str, None] = {}
    if all(name.startswith("-") for name in asked):
        asked = [default, *asked]
    for name in asked:
        if name in {"*all", "*navigable"}:
            chosen |= dict.fromkeys(one for one in FIELDS if name == "*all" or one not in _NOT_NAVIGABLE)
        elif not name.startswith("-"):
            chosen[name] = None
    for name in asked:
        if name.startswith("-"):
            chosen.pop(name[1:], None)
    return list(chosen)


def timestamp(seconds: float) -> str:
    """A date and time as Jira writes it, in the site's time zone."""
    local = dt.datetime.fromtimestamp(seconds, dt.timezone(dt.timedelta(hours=7)))
    return local.strftime("%Y-%m-%dT%H:%M:%S.") + f"{local.microsecond // 1000:03d}" + local.strftime("%z")
