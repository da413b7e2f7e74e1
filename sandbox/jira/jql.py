"""The part of JQL that the sandbox supports: comparisons joined by AND, and ORDER BY.

https://support.atlassian.com/jira-software-cloud/docs/jql-fields/ names the fields. Whatever else Jira takes is refused as
unsupported, so that no query finds other issues than in Jira. Values stand in double quotes, which
Jira takes everywhere; without them it would refuse some hundred words and characters.
"""

import datetime as dt
import operator
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sandbox.jira.auth import has_permission
from sandbox.jira.errors import UnsupportedError, refusal
from sandbox.jira.render import View
from sandbox.jira.state import JiraState

type Test = Callable[[View], bool]

_VALUE = r'"[^"\\]*"'
_CLAUSE = re.compile(
    rf"\s*(?P<field>\w+)\s*(?:(?P<operator>=|[<>]=?)\s*(?P<value>{_VALUE})"
    rf"|\bin\s*\(\s*(?P<list>{_VALUE}(?:\s*,\s*{_VALUE})*)\s*\))\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\b", re.IGNORECASE)
_ORDER_BY = re.compile(r"\s*order\s+by\s+(?P<fields>\S.*)", re.IGNORECASE | re.DOTALL)
_ORDER_FIELD = re.compile(r"\s*(?P<field>\w+)(?:\s+(?P<direction>asc|desc))?\s*", re.IGNORECASE)
_TIME = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?: (\d{1,2}):(\d{2}))?")
_PERIOD = re.compile(r"[+-]?\d+[wdhm].*")
_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_OPERATORS = {
    "project": {"=", "in"},
    "key": {"=", "in"},
    "labels": {"=", "in"},
    "created": set(_COMPARE),
    "updated": set(_COMPARE),
}
_ALIASES = {"issuekey": "key"}
_SORT_KEYS: dict[str, Callable[[View], tuple[str, float]]] = {
    "key": lambda view: _key_order(view.key),
    "created": lambda view: ("", view.issue.created_at),
    "updated": lambda view: ("", view.updated_at),
}


class Clause(NamedTuple):
    """One comparison: the field's name as written and in full, the operator in small letters, the values."""

    written: str
    field: str
    operator: str
    values: list[str]


class Query(NamedTuple):
    """A query: comparisons that must all hold, and the fields to order by, each with whether it descends."""

    clauses: list[Clause]
    order: list[tuple[str, bool]]


def parse(text: str) -> Query:
    """
    The query in its parts.

    Raises:
        Refusal: It restricts nothing.
        UnsupportedError: It holds something that the sandbox does not support.
    """
    clauses: list[Clause] = []
    rest = text
    expecting_clause = bool(rest.strip()) and not _ORDER_BY.match(rest)
    while expecting_clause:
        found = _CLAUSE.match(rest)
        if found is None:
            raise _unsupported(rest)
        clauses.append(_clause(found))
        rest = rest[found.end() :]
        joined = _AND.match(rest)
        expecting_clause = joined is not None
        rest = rest[joined.end() :] if joined else rest
    order = _order(rest)
    if not clauses:
        raise refusal(400, "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.")
    return Query(clauses, order)


def _unsupported(rest: str) -> UnsupportedError:
    return UnsupportedError(
        f"the JQL at {rest.strip()!r}; it supports {', '.join(_OPERATORS)} with {', '.join(['=', 'in', *_COMPARE])} and "
        "values in double quotes, joined by AND, and ORDER BY"
    )


def _clause(found: re.Match[str]) -> Clause:
    written = found["field"]
    name = _ALIASES.get(written.lower(), written.lower())
    sign = found["operator"] or "in"
    if sign not in _OPERATORS.get(name, ()):
        raise UnsupportedError(f"{written} {sign} in JQL")
    values = re.findall(_VALUE, found["value"] or found["list"])
    return Clause(written, name, sign, [value.strip('"') for value in values])


def _order(text: str) -> list[tuple[str, bool]]:
    if not text.strip():
        return []
    order = _ORDER_BY.fullmatch(text)
    if order is None:
        raise _unsupported(text)
    found = [_ORDER_FIELD.fullmatch(part) for part in order["fields"].split(",")]
    named = [(_ALIASES.get(one["field"].lower(), one["field"].lower()), one["direction"]) for one in found if one]
    if len(named) < len(found) or any(name not in _SORT_KEYS for name, _ in named):
        raise UnsupportedError(f"ORDER BY {order['fields']} in JQL; it orders by {', '.join(_SORT_KEYS)}")
    return [(name, (direction or "").lower() == "desc") for name, direction in named]


def select(query: Query, views: Iterable[View], state: JiraState, caller: str) -> list[View]:
    """
    The issues that the query finds, in its order; without one, the newest first.

    Raises:
        Refusal: The caller knows no such project or issue, or a time cannot be read.
    """
    tests = [_test(clause, state, caller) for clause in query.clauses]
    found = [view for view in views if all(test(view) for test in tests)]
    found.sort(key=lambda view: view.issue.id, reverse=True)
    for name, descending in reversed(query.order):
        found.sort(key=_SORT_KEYS[name], reverse=descending)
    return found


def _test(clause: Clause, state: JiraState, caller: str) -> Test:
    match clause.field:
        case "labels":
            return lambda view: bool(set(clause.values) & set(view.fields.get("labels", [])))
        case "project":
            projects = {_project_id(value, clause.written, state, caller) for value in clause.values}
            return lambda view: view.fields["project"]["id"] in projects
        case "key":
            issues = {_issue_id(value, clause.written, state, caller) for value in clause.values}
            return lambda view: view.issue.id in issues
    compare, limit = _COMPARE[clause.operator], _time(clause, ZoneInfo(state.users[caller].time_zone))
    created = clause.field == "created"
    return lambda view: compare((view.issue.created_at if created else view.updated_at) // 60 * 60, limit)


def _project_id(text: str, written: str, state: JiraState, caller: str) -> str:
    for project in state.projects.values():
        named = text in {project.id, project.name} or text.upper() == project.key
        if named and has_permission(caller, project, "BROWSE_PROJECTS"):
            return project.id
    if text.isdecimal():
        raise refusal(400, f"A value with ID '{text}' does not exist for the field '{written}'.")
    raise refusal(400, f"The value '{text}' does not exist for the field '{written}'.")


def _issue_id(text: str, written: str, state: JiraState, caller: str) -> int:
    issue = state.find(text)
    if issue is None or not has_permission(caller, state.projects[issue.project], "BROWSE_PROJECTS"):
        raise refusal(400, f"An issue with key '{text}' does not exist for field '{written}'.")
    return issue.id


def _time(clause: Clause, zone: ZoneInfo) -> float:
    """A time in a query: to the minute, in the caller's time zone."""
    if _PERIOD.fullmatch(clause.values[0]):
        raise UnsupportedError(f"periods such as {clause.values[0]} in JQL")
    found = _TIME.fullmatch(clause.values[0])
    try:
        year, month, day, hour, minute = (int(part or 0) for part in found.groups()) if found else (0, 0, 0, 0, 0)
        return dt.datetime(year, month, day, hour, minute, tzinfo=zone).timestamp()
    except ValueError:
        raise refusal(
            400,
            f"Date value '{clause.values[0]}' for field '{clause.written}' is invalid. Valid formats include: "
            "'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
        ) from None


def _key_order(key: str) -> tuple[str, float]:
    project, _, number = key.rpartition("-")
    return project, float(number)
