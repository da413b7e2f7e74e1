"""Creating and editing issues from the body of a request; all invalid fields are reported at once."""

from collections.abc import Iterator

from sandbox.http.messages import Call, Json, JsonObject
from sandbox.jira.errors import ElementError, FieldError
from sandbox.jira.fields import (
    DEFAULT_PRIORITY,
    DEFAULT_STATUS,
    FIELDS,
    FieldContext,
    check_component,
    check_label,
    compact_json,
    not_on_screen,
    utf16_length,
)
from sandbox.jira.jira import Jira
from sandbox.jira.state import Issue, IssueType, JiraState, Project

MAX_PROPERTY_KEY, MAX_PROPERTY_VALUE = 255, 32_768
_NOT_MAPS = "Can not deserialize instance of java.util.Map: 'fields' and 'update' must be objects"
_NOT_EDITABLE = "You do not have permission to edit issues in this project."
_ANONYMOUS = "Anonymous users do not have permission to create issues in this project. Please try logging in first."


class _Problems:
    """The error messages collected for one issue."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.errors: dict[str, str] = {}
        self.hint = ""

    def add(self, field_id: str, error: FieldError) -> None:
        self.hint = self.hint or error.hint
        if error.whole:
            self.messages.append(error.message)
        else:
            self.errors[field_id] = error.message

    def raise_any(self) -> None:
        if self.messages or self.errors:
            raise ElementError(400, self.messages, self.errors, self.hint)


def create(jira: Jira, call: Call, body: Json, refused: JsonObject | None = None) -> Issue:
    """Create one issue, or raise ElementError without using up a key.

    `refused`: errors by field that a fault adds to valid fields.
    """
    if not isinstance(body, dict) or not ("fields" in body or "update" in body):
        raise ElementError(400, ["one of 'fields' or 'update' required"], {})
    given, changes = body.get("fields", {}), body.get("update", {})
    if not isinstance(given, dict) or not isinstance(changes, dict):
        raise ElementError(400, [_NOT_MAPS], {})
    state = jira.state
    project, issue_type = _project_and_type(state, call.caller, given)
    problems = _Problems()
    fields = _check_fields(jira, project, issue_type, given, problems)
    for field_id, verbs in changes.items():
        if field_id in given:
            problems.errors[field_id] = f"Field '{field_id}' cannot appear in both 'fields' and 'update'"
        elif field_id not in issue_type.screen:
            problems.errors[field_id] = not_on_screen(field_id)
        else:
            _apply(jira, project, field_id, verbs, fields, problems)
    for field_id in _missing(issue_type, fields):
        problems.errors.setdefault(field_id, _required(field_id))
    properties = _properties(body.get("properties", []), problems)
    problems.errors |= refused or {}
    problems.raise_any()
    complete = {**_defaults(call.caller), **fields, "project": {"id": project.id}, "issuetype": {"id": issue_type.id}}
    return jira.store_new(project, complete, properties, call.caller)


def edit(jira: Jira, call: Call, issue: Issue, body: Json) -> None:
    """Change an issue as a PUT says; all or nothing."""
    if not isinstance(body, dict) or not ("fields" in body or "update" in body or "properties" in body):
        raise ElementError(400, ["one of 'fields' or 'update' required"], {})
    given, changes = body.get("fields", {}), body.get("update", {})
    if not isinstance(given, dict) or not isinstance(changes, dict):
        raise ElementError(400, [_NOT_MAPS], {})
    if not issue.editable:
        raise ElementError(400, [_NOT_EDITABLE], {})
    project = jira.state.projects[issue.project]
    problems = _Problems()
    fields = dict(issue.fields)
    for field_id, value in given.items():
        known = FIELDS.get(field_id)
        if known is None or not known.settable or field_id in {"project", "issuetype"}:
            problems.errors[field_id] = not_on_screen(field_id)
            continue
        _set(jira, project, field_id, value, fields, problems)
    for field_id, verbs in changes.items():
        if field_id in given:
            problems.errors[field_id] = f"Field '{field_id}' cannot appear in both 'fields' and 'update'"
        else:
            _apply(jira, project, field_id, verbs, fields, problems)
    properties = _properties(body.get("properties", []), problems)
    problems.errors |= call.refused.get(0) or {}
    problems.raise_any()
    jira.store_fields(issue, fields, call.caller)
    issue.properties.update(properties)


def _project_and_type(state: JiraState, caller: str, given: JsonObject) -> tuple[Project, IssueType]:
    """The project and issue type of a new issue, on which all other checks depend."""
    wanted = given.get("project")
    project = None
    if isinstance(wanted, dict):
        project = state.project_of(str(wanted.get("id", wanted.get("key", ""))))
    if project is None or "BROWSE_PROJECTS" not in project.permissions:
        raise ElementError(400, [], {"project": "Specify a valid project ID or key"})
    if not caller:
        raise ElementError(400, [], {"project": _ANONYMOUS})
    if "CREATE_ISSUES" not in project.permissions:
        raise ElementError(403, ["You do not have permission to create issues in this project."], {})
    kind = given.get("issuetype")
    if isinstance(kind, dict):
        for issue_type in project.issue_types:
            if str(kind.get("id", "")) == issue_type.id or ("id" not in kind and kind.get("name") == issue_type.name):
                return project, issue_type
    raise ElementError(400, [], {"issuetype": "Specify a valid issue type"})


def _check_fields(
    jira: Jira, project: Project, issue_type: IssueType, given: JsonObject, problems: _Problems
) -> JsonObject:
    fields: JsonObject = {}
    for field_id, value in given.items():
        if field_id in {"project", "issuetype"}:
            continue
        if field_id not in issue_type.screen:
            problems.errors[field_id] = not_on_screen(field_id)
            continue
        _set(jira, project, field_id, value, fields, problems)
    return fields


def _set(jira: Jira, project: Project, field_id: str, value: Json, fields: JsonObject, problems: _Problems) -> None:
    context = FieldContext(jira.state, project, field_id)
    try:
        fields[field_id] = FIELDS[field_id].check(context, value)
    except FieldError as error:
        problems.add(field_id, error)


def _apply(jira: Jira, project: Project, field_id: str, verbs: Json, fields: JsonObject, problems: _Problems) -> None:
    """Apply the operations of `update` to one field."""
    known = FIELDS.get(field_id)
    if known is None or not known.settable or field_id in {"project", "issuetype"}:
        problems.errors[field_id] = not_on_screen(field_id)
        return
    for verb, value in _operations(verbs, field_id, problems):
        if verb not in known.operations:
            problems.errors[field_id] = f"Field '{field_id}' does not support update '{verb}'"
        elif verb == "set":
            _set(jira, project, field_id, value, fields, problems)
        else:
            _add_or_remove(jira, project, field_id, verb, value, fields, problems)


def _operations(verbs: Json, field_id: str, problems: _Problems) -> Iterator[tuple[str, Json]]:
    if not isinstance(verbs, list) or not all(isinstance(verb, dict) for verb in verbs):
        problems.errors[field_id] = "data was not an array"
        return
    for verb in verbs:
        yield from verb.items()


def _add_or_remove(
    jira: Jira, project: Project, field_id: str, verb: str, value: Json, fields: JsonObject, problems: _Problems
) -> None:
    context = FieldContext(jira.state, project, field_id)
    try:
        if field_id == "labels":
            item: Json = check_label(value)
        else:
            item = check_component(context, value)
    except FieldError as error:
        problems.add(field_id, error)
        return
    others = [one for one in fields.get(field_id, []) if one != item]
    kept = [*others, item] if verb == "add" else others
    fields[field_id] = sorted(kept) if field_id == "labels" else kept


def _missing(issue_type: IssueType, fields: JsonObject) -> Iterator[str]:
    """The required fields of the create screen that are empty."""
    for field_id in issue_type.screen:
        known = FIELDS[field_id]
        needed = (known.required and not known.has_default) or field_id in issue_type.required
        if needed and field_id not in {"project", "issuetype"} and fields.get(field_id) in (None, [], ""):
            yield field_id


def _required(field_id: str) -> str:
    if field_id == "summary":
        return "You must specify a summary of the issue."
    return f"{FIELDS[field_id].name} is required."


def _defaults(caller: str) -> JsonObject:
    return {
        "priority": {"id": DEFAULT_PRIORITY},
        "reporter": {"accountId": caller},
        "status": {"id": DEFAULT_STATUS},
        "labels": [],
        "components": [],
    }


def _properties(given: Json, problems: _Problems) -> dict[str, Json]:
    try:
        return read_properties(given)
    except FieldError as error:
        problems.messages.append(error.message)
        return {}


def read_properties(given: Json) -> dict[str, Json]:
    """The entity properties in the body of an issue or a comment: key -> value."""
    if not isinstance(given, list):
        raise FieldError("properties: data was not an array")
    properties: dict[str, Json] = {}
    for item in given:
        if not isinstance(item, dict) or not isinstance(item.get("key"), str) or "value" not in item:
            raise FieldError("Each property needs a key and a value.")
        check_property(item["key"], item["value"])
        properties[item["key"]] = item["value"]
    return properties


def check_property(key: str, value: Json) -> None:
    """https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-properties/ names both limits."""
    if not key or utf16_length(key) > MAX_PROPERTY_KEY:
        raise FieldError("The property key must not be empty and must not exceed 255 characters.")
    if utf16_length(compact_json(value)) > MAX_PROPERTY_VALUE:
        raise FieldError("The property value must not exceed 32768 characters.")
