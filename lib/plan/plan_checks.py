"""The checks of a plan: what stops a row (`error`) and what is only odd (`warning`), each with its cell and the remedy."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping

from lib.formats import (
    SHEETS_ERRORS,
    FormatError,
    Month,
    match_key,
    one_line,
    parse_date,
    parse_time,
    show_date,
)
from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.problems import Level, Problem
from lib.services import a1
from lib.services.models import CellValue


def check(plan: ContentPlan, row: PlanRow, month: Month, forms: tuple[str, ...]) -> list[Problem]:
    """What is wrong and what is odd about one row, in column order; nothing for a good row."""
    problems = [
        Problem(where=plan.address(row.row, column.label), message=f"the cell shows {value}; repair its formula")
        for column in plan.columns
        if (value := row.values.get(column.label)) in SHEETS_ERRORS
    ]
    broken = {problem.where for problem in problems}
    checks = {"Tanggal": _check_date, "Waktu": _check_time, "Bentuk": _check_form, "Topik": _check_topic}
    for name, check_cell in checks.items():
        cell = plan.address(row.row, name)
        if plan.label(name) is not None and cell not in broken:
            found = check_cell(plan.value(row, name), month, forms)
            problems += [Problem(where=cell, message=message, level=level) for level, message in found]
    return problems


def check_quota(plan: ContentPlan, quota: Mapping[str, int]) -> list[Problem]:
    """One warning per content form whose number of rows differs from what the client ordered."""
    counts = Counter(match_key(plan.text(row, "Bentuk")) for row in plan.rows)
    return [
        Problem(
            where=a1.quoted(plan.tab),
            message=f"{counts[match_key(form)]} rows of form {form}, the client's quota is {wanted}",
            level="warning",
        )
        for form, wanted in quota.items()
        if counts[match_key(form)] != wanted
    ]


type _Found = list[tuple[Level, str]]


def _check_date(value: CellValue, month: Month, _forms: tuple[str, ...]) -> _Found:
    if value is None:
        return [("error", "is empty; write the publication date, such as 5 Juli 2026")]
    try:
        read = parse_date(value)
    except FormatError as error:
        return [("error", str(error))]
    found: _Found = [("warning", read.note)] if read.note else []
    if read.day not in month:
        found.append(("warning", f"{show_date(read.day)} lies outside {month}"))
    return found


def _check_time(value: CellValue, _month: Month, _forms: tuple[str, ...]) -> _Found:
    if value is None:
        return []
    try:
        parse_time(value)
    except FormatError as error:
        return [("warning", f"{error}; it goes into the description as it stands")]
    return []


def _check_form(value: CellValue, _month: Month, forms: tuple[str, ...]) -> _Found:
    choice = f"{', '.join(forms[:-1])} or {forms[-1]}"
    if value is None:
        return [("error", f"is empty; write the content form: {choice}")]
    if find_form(value, forms) is None:
        return [("error", f"{one_line(value)!r} is not a content form; write {choice}")]
    return []


def _check_topic(value: CellValue, _month: Month, _forms: tuple[str, ...]) -> _Found:
    return [("error", "is empty; write the topic, it becomes the issue's summary")] if value is None else []


def find_form(value: CellValue, forms: tuple[str, ...]) -> str | None:
    """The content form that is meant, whatever its case, spaces and hyphens; None when it is none of them."""
    wanted = match_key(value).replace("-", " ")
    return next((form for form in forms if match_key(form).replace("-", " ") == wanted), None)


def read_day(plan: ContentPlan, row: PlanRow) -> dt.date | None:
    """The row's publication date; None when it cannot be read."""
    try:
        return parse_date(plan.value(row, "Tanggal")).day
    except FormatError:
        return None
