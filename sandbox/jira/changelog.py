"""A change of a field as Jira's changelog tells it: by id, and as people read it."""

import datetime as dt
from collections.abc import Callable, Iterator

from sandbox.http.messages import Json, JsonObject
from sandbox.jira import adf
from sandbox.jira.fields import FIELDS, PRIORITIES, STATUSES
from sandbox.jira.state import Change, JiraState

type _Told = tuple[str | None, str | None]


def items(state: JiraState, change: Change) -> Iterator[JsonObject]:
    """One ChangeDetails for the field; of components one for each that came or went."""
    known = FIELDS[change.field]
    custom = "custom" in known.schema
    named = {
        "field": known.name if custom else change.field,
        "fieldtype": "custom" if custom else "jira",
        "fieldId": change.field,
    }
    for (old, old_text), (new, new_text) in _pairs(state, change):
        told = {"from": old, "fromString": old_text, "to": new, "toString": new_text}
        yield {**named, **{name: value for name, value in told.items() if value is not None}}


def _pairs(state: JiraState, change: Change) -> Iterator[tuple[_Told, _Told]]:
    if change.field != "components":
        yield _told(state, change.field, change.old), _told(state, change.field, change.new)
        return
    names = {component.id: component.name for project in state.projects.values() for component in project.components}
    old, new = ([item["id"] for item in value or []] for value in (change.old, change.new))
    for number in (one for one in old if one not in new):
        yield (number, names.get(number)), (None, None)
    for number in (one for one in new if one not in old):
        yield (None, None), (number, names.get(number))


def _told(state: JiraState, field_id: str, value: Json) -> _Told:
    """A value by id and as text; texts, documents and labels have no id."""
    if value is None:
        return None, None
    if adf.is_document(value):
        return None, adf.plain_text(value)
    tell = _TELL.get(FIELDS[field_id].schema["type"])
    return tell(state, field_id, value) if tell else (None, " ".join(value) if isinstance(value, list) else str(value))


def _user(state: JiraState, _: str, value: Json) -> _Told:
    user = state.users.get(value["accountId"])
    return value["accountId"], user.name if user else None


def _project(state: JiraState, _: str, value: Json) -> _Told:
    return value["id"], next((one.name for one in state.projects.values() if one.id == value["id"]), None)


def _date(_: JiraState, _field: str, value: Json) -> _Told:
    day = dt.date.fromisoformat(value)
    return value, f"{day.day}/{day:%b/%y}"


_TELL: dict[str, Callable[[JiraState, str, Json], _Told]] = {
    "user": _user,
    "project": _project,
    "date": _date,
    "option": lambda state, field_id, value: (value["id"], state.options[field_id][value["id"]]),
    "priority": lambda _state, _field, value: (value["id"], PRIORITIES[value["id"]]),
    "status": lambda _state, _field, value: (value["id"], STATUSES[value["id"]]),
}
