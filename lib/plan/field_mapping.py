"""Where the fields of an issue get their values: the words in which a notebook writes its mapping.

`{"summary": summary("Topik"), "duedate": date("Tanggal", days=-1)}` reads as it works.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from pydantic import JsonValue

from lib.dates import parse_date
from lib.formats import FormatError, cut, length_in_jira, match_key, one_line, parse_number
from lib.messages import Said, join, say
from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.plan_checks import find_form
from lib.plan.problems import Kind, Problem

SUMMARY_LIMIT = 255


@dataclass(frozen=True)
class Reading:
    """One field's value; None leaves the field out. `repeat` puts the column's whole text into the description too."""

    value: JsonValue
    warning: str = ""
    repeat: bool = False


@dataclass(frozen=True)
class Source:
    """
    Where one Jira field gets its value from: a column of the row, or something that holds for the whole plan.

    `clears`: a cell that was emptied after the issue was made clears the field there.
    """

    read: Callable[[ContentPlan, PlanRow], Reading]
    column: str = ""
    problems: tuple[Problem, ...] = ()
    clears: bool = False


def clearing(source: Source) -> Source:
    """The same source, whose emptied cell clears the field of an issue that was made before: `clearing(text("Format"))`."""
    return replace(source, clears=True)


def summary(column: str) -> Source:
    """One line of at most 255 characters; what is longer is cut, and stands in the description in full."""

    def read(plan: ContentPlan, row: PlanRow) -> Reading:
        text = one_line(plan.text(row, column))
        if length_in_jira(text) <= SUMMARY_LIMIT:
            return Reading(text or None)
        warning = say(
            "has {length} characters, an issue's summary holds {limit}; cut there, the description has it in full",
            length=length_in_jira(text),
            limit=SUMMARY_LIMIT,
        )
        return Reading(f"{cut(text, SUMMARY_LIMIT - 1).rstrip()}…", warning, repeat=True)

    return Source(read, column)


def text(column: str) -> Source:
    """The cell's text on one line, for a text field."""
    return Source(lambda plan, row: Reading(one_line(plan.text(row, column)) or None), column)


def date(column: str, *, days: int = 0) -> Source:
    """The cell's date as `YYYY-MM-DD`, moved by `days`."""

    def read(plan: ContentPlan, row: PlanRow) -> Reading:
        value = plan.value(row, column)
        if value is None:
            return Reading(None)
        read = parse_date(value)
        moved = (read.day + dt.timedelta(days=days)).isoformat()
        if plan.label(column) == plan.label("Tanggal"):  # of which the checks say what is odd, and Waktu takes the time
            return Reading(moved)
        lost = say("the time '{time}' in this cell is not used", time=read.time) if read.time else ""
        return Reading(moved, join("; ", (read.note, lost)))

    return Source(read, column)


def number(column: str) -> Source:
    """The cell's number, read by the spreadsheet's locale."""
    return Source(lambda plan, row: Reading(parse_number(plan.value(row, column), locale=plan.locale)), column)


def option(column: str, options: tuple[str, ...]) -> Source:
    """One of the options of a select field; case, spaces and hyphens in the cell do not matter."""

    def read(plan: ContentPlan, row: PlanRow) -> Reading:
        typed = plan.value(row, column)
        found = find_form(typed, options)
        if found is None and typed is not None:
            message = say(
                "'{value}' is none of the options; write {options}", value=one_line(typed), options=", ".join(options)
            )
            raise FormatError(message)
        return Reading(None if found is None else {"value": found})

    return Source(read, column)


def fixed(value: JsonValue) -> Source:
    """The same value for every issue; None leaves the field out."""
    return Source(lambda _plan, _row: Reading(value))


def component(client: str, components: Mapping[str, str]) -> Source:
    """The client's component, by id."""
    found = look_up(components, client)
    if found is None:
        message = say(
            "there is no entry for '{name}'; add its component's id. Until then the issues get no component",
            name=client,
        )
        return _missing("COMPONENTS", message)
    return fixed([{"id": found}])


def worker(client: str, role: Mapping[str, str], workers: Mapping[str, str], role_name: str) -> Source:
    """The account of the worker who has this role for the client."""
    name = look_up(role, client)
    if name is None:
        message = say(
            "there is no entry for '{name}'; add a worker's name. Until then the issues get no {role}",
            name=client,
            role=_words(role_name),
        )
        return _missing(role_name, message)
    account = look_up(workers, name)
    if account is None:
        message = say(
            "there is no entry for '{name}'; add the Jira account id. Until then the issues get no {role}",
            name=name,
            role=_words(role_name),
        )
        return _missing("WORKERS", message)
    return fixed({"accountId": account})


def look_up(mapping: Mapping[str, str], name: str) -> str | None:
    """The entry for `name`, whatever its case and spaces; None when there is none."""
    return mapping.get(name) or {match_key(key): value for key, value in mapping.items()}.get(match_key(name)) or None


def _missing(dictionary: str, message: Said) -> Source:
    problem = Problem.of(f"hashmap.py {dictionary}", message, level="warning", kind=Kind.MAPPING)
    return Source(lambda _plan, _row: Reading(None), problems=(problem,))


def _words(constant: str) -> str:
    return constant.replace("_", " ").title()
