"""What a JQL query finds: its fields and values looked up on the site, its conditions tried on issues.

https://support.atlassian.com/jira-software-cloud/docs/jql-fields/
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sandbox.jira.jira_auth import may
from sandbox.jira.jira_fields import PRIORITIES, STATUSES
from sandbox.jira.jira_render import View
from sandbox.jira.jira_state import JiraState
from sandbox.jira.jql import Clause, Condition, Group, JqlError, Query, Value

type Test = Callable[[View], bool]

_EQUALITY = {"=", "!=", "IN", "NOT IN"}
_EMPTINESS = {"IS", "IS NOT"}
_ORDER = {"<", "<=", ">", ">="}
_ALIASES = {
    "issuekey": "key", "issue": "key", "id": "key", "type": "issuetype", "createddate": "created",
    "updateddate": "updated",
}  # fmt: skip
_OPERATORS = {
    "project": _EQUALITY,
    "key": _EQUALITY | _ORDER,
    "issuetype": _EQUALITY,
    "status": _EQUALITY,
    "priority": _EQUALITY,
    "labels": _EQUALITY | _EMPTINESS,
    "component": _EQUALITY | _EMPTINESS,
    "assignee": _EQUALITY | _EMPTINESS,
    "reporter": _EQUALITY | _EMPTINESS,
    "summary": {"~", "!~"},
    "created": {"=", "!="} | _ORDER,
    "updated": {"=", "!="} | _ORDER,
}
_RELATIVE = re.compile(r"([+-]?\d+)([wdhm])")
_DATE = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: (\d{1,2}):(\d{2}))?")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}
MAX_ORDER_FIELDS = 7


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks, and when."""

    state: JiraState
    caller: str
    now: float

    @property
    def zone(self) -> ZoneInfo:
        user = self.state.users.get(self.caller)
        return ZoneInfo(user.time_zone if user else "Asia/Jakarta")


def test_for(query: Query, asking: Asking) -> Test:
    """Whether an issue is found; JqlError if the site does not know a field or a value."""
    if query.where is None:
        raise JqlError("Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    return _test(query.where, asking)


def sort(views: list[View], query: Query) -> list[View]:
    """The issues in the query's order; without one, the newest first."""
    if len(query.order) > MAX_ORDER_FIELDS:
        raise JqlError("The maximum number of ORDER BY fields is 7.")
    views = sorted(views, key=lambda view: view.issue.id, reverse=True)
    for name, descending in reversed(query.order):
        canonical = _ALIASES.get(name.lower(), name.lower())
        if canonical not in _OPERATORS:
            raise JqlError(f"Field '{name}' does not exist or you do not have permission to view it.")
        views.sort(key=_sort_key(canonical), reverse=descending)
    return views


def _sort_key(name: str) -> Callable[[View], tuple[str, float]]:
    match name:
        case "key":
            return lambda view: _key_order(view.key)
        case "created":
            return lambda view: ("", view.issue.created_at)
        case "updated":
            return lambda view: ("", view.updated_at)
        case _:
            return lambda view: (str(view.fields.get(name, "")), 0.0)


def _key_order(key: str) -> tuple[str, float]:
    project, _, number = key.rpartition("-")
    return project, float(number)


def _test(condition: Condition, asking: Asking) -> Test:
    if isinstance(condition, Group):
        tests = [_test(part, asking) for part in condition.parts]
        match condition.kind:
            case "not":
                return lambda view: not tests[0](view)
            case "and":
                return lambda view: all(test(view) for test in tests)
        return lambda view: any(test(view) for test in tests)
    return _clause(condition, asking)


def _clause(clause: Clause, asking: Asking) -> Test:
    name = _ALIASES.get(clause.field.lower(), clause.field.lower())
    if name not in _OPERATORS:
        raise JqlError(f"Field '{clause.field}' does not exist or you do not have permission to view it.")
    if clause.operator not in _OPERATORS[name]:
        raise JqlError(f"The operator '{clause.operator.lower()}' is not supported by the '{clause.field}' field.")
    if clause.operator in _EMPTINESS:
        if clause.values[0].kind != "empty":
            raise JqlError(f"The operator '{clause.operator.lower()}' is only supported with EMPTY.")
        return _in(name, {""}, negate=clause.operator == "IS NOT")
    if name == "summary":
        return _words(clause)
    if name in {"created", "updated"}:
        return _when(name, clause, asking)
    if clause.operator in _ORDER:
        return _by_key_order(clause, asking)
    wanted = {_lookup(name, clause.field, value, asking) for value in clause.values}
    return _in(name, wanted, negate=clause.operator in {"!=", "NOT IN"})


def _in(name: str, wanted: set[str], *, negate: bool) -> Test:
    """Whether one of a field's values is wanted; like Jira, `!=` does not find issues without a value."""

    def test(view: View) -> bool:
        values = _values(name, view) or {""}
        if negate:
            return not values & wanted and ("" in wanted or values != {""})
        return bool(values & wanted)

    return test


def _values(name: str, view: View) -> set[str]:
    fields = view.fields
    match name:
        case "key":
            return {str(view.issue.id)}
        case "labels":
            return set(fields.get("labels", []))
        case "component":
            return {item["id"] for item in fields.get("components", [])}
        case "assignee" | "reporter":
            return {(fields.get(name) or {}).get("accountId", "")}
    return {(fields.get(name) or {}).get("id", "")}


def _lookup(name: str, written: str, value: Value, asking: Asking) -> str:
    """The id that a value in a query stands for."""
    if value.kind == "empty":
        return ""
    if value.kind == "function":
        if name in {"assignee", "reporter"} and value.text.lower() == "currentuser":
            return asking.caller
        raise JqlError(f"Unable to find JQL function '{value.text}()'.")
    found = _known(name, value.text, asking)
    if found is None:
        raise _no_value(name, written, value.text)
    return found


def _known(name: str, text: str, asking: Asking) -> str | None:
    state = asking.state
    match name:
        case "labels":
            return text
        case "key":
            issue = state.find(text)
            seen = issue is not None and may(asking.caller, state.projects[issue.project], "BROWSE_PROJECTS")
            return str(issue.id) if issue is not None and seen else None
        case "project":
            named = [project for project in state.projects.values()
                     if text in {project.id, project.name} or text.upper() == project.key]  # fmt: skip
            return next((project.id for project in named if may(asking.caller, project, "BROWSE_PROJECTS")), None)
        case "assignee" | "reporter":
            return text if text in state.users else None
    return next(
        (number for number, label in _choices(name, state) if text.casefold() in {number, label.casefold()}), None
    )


def _choices(name: str, state: JiraState) -> list[tuple[str, str]]:
    match name:
        case "status":
            return list(STATUSES.items())
        case "priority":
            return list(PRIORITIES.items())
        case "issuetype":
            return [(kind.id, kind.name) for project in state.projects.values() for kind in project.issue_types]
    return [(one.id, one.name) for project in state.projects.values() for one in project.components]


def _no_value(name: str, written: str, text: str) -> JqlError:
    if name == "key":
        return JqlError(f"An issue with key '{text}' does not exist for field '{written}'.")
    if text.isdecimal():
        return JqlError(f"A value with ID '{text}' does not exist for the field '{written}'.")
    return JqlError(f"The value '{text}' does not exist for the field '{written}'.")


def _words(clause: Clause) -> Test:
    """Text search: every word of the query stands in the field, in any order; `*` at its end is a wildcard."""
    sought = re.findall(r"\w+\*?", clause.values[0].text.casefold())
    if not sought:
        raise JqlError("The field 'summary' does not support searching for an empty string.")

    def has(view: View) -> bool:
        words = re.findall(r"\w+", str(view.fields.get("summary", "")).casefold())
        return all(
            any(word.startswith(one[:-1]) for word in words) if one.endswith("*") else one in words for one in sought
        )

    return has if clause.operator == "~" else lambda view: not has(view)


def _when(name: str, clause: Clause, asking: Asking) -> Test:
    """Times are compared by the minute, in the caller's time zone."""
    limit = _moment(clause, asking)
    operator = clause.operator

    def test(view: View) -> bool:
        value = (view.issue.created_at if name == "created" else view.updated_at) // 60 * 60
        return {
            "=": value == limit,
            "!=": value != limit,
            "<": value < limit,
            "<=": value <= limit,
            ">": value > limit,
            ">=": value >= limit,
        }[operator]

    return test


def _moment(clause: Clause, asking: Asking) -> float:
    value = clause.values[0]
    if value.kind == "function" and value.text.lower() == "now":
        return asking.now // 60 * 60
    if value.kind == "text":
        if found := _RELATIVE.fullmatch(value.text):
            shift = dt.timedelta(**{_UNITS[found[2]]: int(found[1])})
            return (asking.now + shift.total_seconds()) // 60 * 60
        if found := _DATE.fullmatch(value.text):
            year, month, day, hour, minute = (int(part or 0) for part in found.groups())
            try:
                return dt.datetime(year, month, day, hour, minute, tzinfo=asking.zone).timestamp()
            except ValueError:
                pass
    raise JqlError(
        f"Date value '{value.text}' for field '{clause.field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _by_key_order(clause: Clause, asking: Asking) -> Test:
    """`key > CP-12`: within the project of the key."""
    number = _lookup("key", clause.field, clause.values[0], asking)
    issue = asking.state.issues[int(number)]
    project, limit = _key_order(issue.key)
    operator = clause.operator

    def test(view: View) -> bool:
        home, value = _key_order(view.key)
        order = (value > limit) - (value < limit)
        return home == project and {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]

    return test
