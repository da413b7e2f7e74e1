"""The fields of the site: their schema, and the validation of their values with Jira's messages.

Field shapes: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post.
Jira counts characters as Java does, so that an emoji outside the basic plane counts twice.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.http.messages import Json, JsonObject
from sandbox.jira import adf
from sandbox.jira.auth import can_be_assigned
from sandbox.jira.errors import FieldError
from sandbox.jira.state import JiraState, Project, User

PRIORITIES = {"1": "Highest", "2": "High", "3": "Medium", "4": "Low", "5": "Lowest"}
STATUSES = {"10000": "To Do", "3": "In Progress", "10001": "Done", "10002": "Cancelled"}
STATUS_CATEGORIES = {
    "10000": (2, "new", "To Do"),
    "3": (4, "indeterminate", "In Progress"),
    "10001": (3, "done", "Done"),
    "10002": (3, "done", "Done"),
}
"""Status -> its category's id, key and name."""
DEFAULT_PRIORITY, DEFAULT_STATUS = "3", "10000"
MAX_SUMMARY, MAX_LABEL, MAX_TEXT = 255, 255, 32_767

_GDPR = "'accountId' must be the only user identifying query parameter in GDPR strict mode."
_CUSTOM = "com.atlassian.jira.plugin.system.customfieldtypes:"


class FieldContext(NamedTuple):
    """The field that a value is for."""

    state: JiraState
    project: Project
    field_id: str


type Check = Callable[[FieldContext, Json], Json]
"""Returns the value as it is stored; FieldError if Jira refuses it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the site."""

    id: str
    name: str
    schema: JsonObject
    check: Check
    jql_names: tuple[str, ...] = ()
    """Its names in JQL; empty if it cannot be searched."""
    required: bool = False
    has_default: bool = False
    operations: tuple[str, ...] = ("set",)
    settable: bool = True


def utf16_length(text: str) -> int:
    """The length of a text as Jira counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def compact_json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _summary(_: FieldContext, value: Json) -> Json:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise FieldError("You must specify a summary of the issue.")
    if not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    if "\n" in value or "\r" in value:
        raise FieldError("The summary is invalid because it contains newline characters.")
    if utf16_length(value) > MAX_SUMMARY:
        raise FieldError("Summary can't exceed 255 characters.")
    return value


def check_document(context: FieldContext, value: Json) -> Json:
    """Validate an Atlassian Document for a field or a comment."""
    if value is None:
        return None
    if not adf.is_document(value):
        raise FieldError("Operation value must be an Atlassian Document (see the Atlassian Document Format)")
    if wrong := adf.problem(value):
        raise FieldError("INVALID_INPUT", whole=True, hint=f"{context.field_id}: {wrong}")
    counted = compact_json(value) if context.state.counts_json else adf.plain_text(value)
    if utf16_length(counted) > MAX_TEXT:
        raise FieldError("The entered text is too long. It exceeds the allowed limit of 32,767 characters.")
    return value


def check_label(value: Json) -> str:
    if not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    if not value or re.search(r"\s", value):
        raise FieldError(f"The label '{value}' contains spaces which is invalid.")
    if utf16_length(value) > MAX_LABEL:
        raise FieldError(f"The label '{value}' exceeds the maximum length of 255 characters.")
    return value


def _labels(_: FieldContext, value: Json) -> Json:
    if value is None:
        return []
    if not isinstance(value, list):
        raise FieldError("data was not an array")
    return sorted({check_label(label) for label in value})


def check_component(context: FieldContext, value: Json) -> JsonObject:
    if not isinstance(value, dict):
        raise FieldError("expected Object")
    known = context.project.components
    if "id" in value:
        found = next((component for component in known if component.id == str(value["id"])), None)
        wanted = f"Component id '{value['id']}' is not valid"
    elif "name" in value:
        found = next((component for component in known if component.name == value["name"]), None)
        wanted = f"Component name '{value['name']}' is not valid"
    else:
        raise FieldError("Could not find valid 'id' or 'name' in component object.")
    if found is None:
        raise FieldError(wanted)
    return {"id": found.id}


def _components(context: FieldContext, value: Json) -> Json:
    if value is None:
        return []
    if not isinstance(value, list):
        raise FieldError("data was not an array")
    return list({item["id"]: item for item in (check_component(context, one) for one in value)}.values())


def _named(values: dict[str, str], word: str) -> Check:
    """A check for an object with the id or the name of one of `values`, id -> name; `word` names the field in messages."""

    def check(_: FieldContext, value: Json) -> Json:
        if not isinstance(value, dict):
            raise FieldError("data was not an object")
        if "id" in value:
            if str(value["id"]) not in values:
                raise FieldError(f"{word} id '{value['id']}' is not valid")
            return {"id": str(value["id"])}
        if "name" in value:
            for number, name in values.items():
                if name.casefold() == str(value["name"]).casefold():
                    return {"id": number}
            raise FieldError(f"{word} name '{value['name']}' is not valid")
        raise FieldError(f"Could not find valid 'id' or 'name' in {word.lower()} object.")

    return check


def _account_id(value: Json) -> str | None:
    """The account id in the value of a user field; None for no user."""
    if value is None:
        return None
    if not isinstance(value, dict):
        raise FieldError("data was not an object")
    wanted = value.get("accountId", value.get("id"))
    if wanted is None and value.keys() & {"name", "key"}:
        raise FieldError(_GDPR)
    if wanted is not None and not isinstance(wanted, str):
        raise FieldError("data was not a string")
    return wanted


def _known_user(context: FieldContext, value: Json, message: str) -> User | None:
    account = _account_id(value)
    if account is None:
        return None
    user = context.state.users.get(account)
    if user is None:
        raise FieldError(message.format(account))
    return user


def _assignee(context: FieldContext, value: Json) -> Json:
    if "ASSIGN_ISSUES" not in context.project.permissions:
        raise FieldError(not_on_screen("assignee"))
    user = _known_user(context, value, "User '{}' does not exist.")
    if user is None:
        return None
    if not can_be_assigned(user, context.project):
        raise FieldError(f"User '{user.account_id}' cannot be assigned issues.")
    return {"accountId": user.account_id}


def _reporter(context: FieldContext, value: Json) -> Json:
    if "MODIFY_REPORTER" not in context.project.permissions:
        raise FieldError(not_on_screen("reporter"))
    user = _known_user(context, value, "The reporter specified is not a user.")
    if user is None:
        raise FieldError("Reporter is required.")
    return {"accountId": user.account_id}


def _user_picker(context: FieldContext, value: Json) -> Json:
    user = _known_user(context, value, "User '{}' was not found in the system.")
    return None if user is None else {"accountId": user.account_id}


def _date(_: FieldContext, value: Json) -> Json:
    if value is None:
        return None
    if not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value) or not _exists(value):
        raise FieldError(f"Error parsing date string: {value}")
    return value


def _exists(day: str) -> bool:
    try:
        dt.date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _option(context: FieldContext, value: Json) -> Json:
    if value is None:
        return None
    known = context.state.options.get(context.field_id, {})
    if not isinstance(value, dict) or not value.keys() & {"id", "value"}:
        raise FieldError("Could not find valid 'id' or 'value' in the Parent Option object.")
    if "id" in value:
        if str(value["id"]) not in known:
            raise FieldError(f"Option id '{value['id']}' is not valid")
        return {"id": str(value["id"])}
    for number, name in known.items():
        if name == value["value"]:
            return {"id": number}
    raise FieldError(f"Option value '{value['value']}' is not valid")


def _unsettable(context: FieldContext, _: Json) -> Json:
    raise FieldError(not_on_screen(context.field_id))


def _unchecked(_: FieldContext, value: Json) -> Json:
    """For project and issue type, which are validated before the other fields."""
    return value


def not_on_screen(field_id: str) -> str:
    return f"Field '{field_id}' cannot be set. It is not on the appropriate screen, or unknown."


def _system(name: str, kind: str, **more: str) -> JsonObject:
    return {"type": kind, "system": name, **more}


def _custom(number: int, kind: str, custom: str) -> JsonObject:
    return {"type": kind, "custom": _CUSTOM + custom, "customId": number}


_LIST_OPERATIONS = ("add", "set", "remove")
_ALL = (
    Field("summary", "Summary", _system("summary", "string"), _summary, ("summary",), required=True),
    Field("issuetype", "Issue Type", _system("issuetype", "issuetype"), _unchecked, ("issuetype", "type"),
          required=True, operations=()),
    Field("project", "Project", _system("project", "project"), _unchecked, ("project",), required=True),
    Field("description", "Description", _system("description", "string"), check_document),
    Field("priority", "Priority", _system("priority", "priority"), _named(PRIORITIES, "Priority"), ("priority",),
          has_default=True),
    Field("reporter", "Reporter", _system("reporter", "user"), _reporter, ("reporter",), required=True,
          has_default=True),
    Field("assignee", "Assignee", _system("assignee", "user"), _assignee, ("assignee",)),
    Field("labels", "Labels", _system("labels", "array", items="string"), _labels, ("labels",), operations=_LIST_OPERATIONS),
    Field("components", "Components", _system("components", "array", items="component"), _components, ("component",),
          operations=_LIST_OPERATIONS),
    Field("duedate", "Due date", _system("duedate", "date"), _date),
    Field("status", "Status", _system("status", "status"), _unsettable, ("status",), settable=False),
    Field("creator", "Creator", _system("creator", "user"), _unsettable, settable=False),
    Field("created", "Created", _system("created", "datetime"), _unsettable, ("created", "createdDate"),
          settable=False),
    Field("updated", "Updated", _system("updated", "datetime"), _unsettable, ("updated", "updatedDate"),
          settable=False),
    Field("comment", "Comment", _system("comment", "comments-page"), _unsettable, settable=False),
    Field("customfield_10015", "Start Date", _custom(10015, "date", "datepicker"), _date),
    Field("customfield_10040", "Publication Date", _custom(10040, "date", "datepicker"), _date),
    Field("customfield_10041", "Field Associate", _custom(10041, "user", "userpicker"), _user_picker),
    Field("customfield_10042", "Content Editor", _custom(10042, "user", "userpicker"), _user_picker),
    Field("customfield_10043", "Content Form", _custom(10043, "option", "select"), _option),
)  # fmt: skip
FIELDS: dict[str, Field] = {one.id: one for one in _ALL}
