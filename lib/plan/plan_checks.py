"""The checks of a plan: what stops a row (`error`) and what is only odd (`warning`), each with its cell and the remedy."""

import datetime as dt
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping

from lib.dates import is_same_time, parse_date, parse_time
from lib.formats import SHEETS_ERRORS, FormatError, Month, match_key, one_line, show_date
from lib.messages import Said, say
from lib.plan.content_plan import KEY, ContentPlan, PlanRow
from lib.plan.problems import Level, Problem
from lib.services import a1
from lib.services.models import CellValue
from lib.services.tab_cells import BY_HAND


def check(plan: ContentPlan, row: PlanRow, month: Month, forms: tuple[str, ...]) -> list[Problem]:
    """What is wrong and what is odd about one row, in column order; nothing for a good row."""
    problems = [
        Problem.of(plan.address(row.row, column.label), say("the cell shows {value}; repair its formula", value=value))
        for column in plan.columns
        if (value := row.values.get(column.label)) in SHEETS_ERRORS
    ]
    broken = {problem.where for problem in problems}
    problems += _check_looks(plan, row)
    checks = {
        "Tanggal": lambda value: _check_date(value, month),
        "Waktu": lambda value: _check_time(value, plan, row),
        "Bentuk": lambda value: _check_form(value, forms),
        "Topik": _check_topic,
    }
    for name, check_cell in checks.items():
        cell = plan.address(row.row, name)
        if plan.label(name) is not None and cell not in broken:
            found = check_cell(plan.value(row, name))
            problems += [Problem.of(cell, message, level=level) for level, message in found]
    return problems


def _check_looks(plan: ContentPlan, row: PlanRow) -> list[Problem]:
    """What is odd about how the row stands in the sheet: struck through, hidden, or one Key cell for several."""
    found: list[tuple[str, Level, Said]] = []
    topic = plan.label("Topik")
    for label in row.struck:
        if label == topic:
            found.append((label, "error", say("is struck through; delete the row, or remove the strike-through")))
        else:
            found.append((label, "warning", say("is struck through, and goes into the issue as it stands")))
    if row.hidden:
        message = (
            say("the row is hidden by hand; hidden rows get their issues, too")
            if row.hidden == BY_HAND
            else say("the row is hidden by a filter; hidden rows get their issues, too")
        )
        found.append((topic or "Topik", "warning", message))
    if row.shares_key_of:
        message = say(
            "is merged with that of row {row}; split the Key cells, each row has an issue of its own",
            row=row.shares_key_of,
        )
        found.append((KEY, "error", message))
    return [Problem.of(plan.address(row.row, label), message, level=level) for label, level, message in found]


def check_quota(plan: ContentPlan, quota: Mapping[str, int]) -> list[Problem]:
    """One warning per content form whose number of rows differs from what the client ordered."""
    counts = Counter(match_key(plan.text(row, "Bentuk")) for row in plan.rows)
    return [
        Problem.of(
            a1.quoted(plan.tab),
            say(
                "{count} rows of form {form}, the client's quota is {wanted}",
                count=counts[match_key(form)],
                form=form,
                wanted=wanted,
            ),
            level="warning",
        )
        for form, wanted in quota.items()
        if counts[match_key(form)] != wanted
    ]


_PLACEHOLDERS = frozenset(
    [
        "tba",
        "tbc",
        "tbd",
        "tbu",
        "t b a",
        "t b c",
        "t b d",
        "to be announced",
        "to be confirmed",
        "to be decided",
        "to be determined",
        "to do",
        "todo",
        "n a",
        "na",
        "none",
        "null",
        "nihil",
        "kosong",
        "belum",
        "belum ada",
        "belum fix",
        "belum ditentukan",
        "menyusul",
        "nyusul",
        "topik",
        "topic",
        "judul",
        "lorem ipsum",
        "placeholder",
    ]
)

type _Found = list[tuple[Level, Said]]


def _check_date(value: CellValue, month: Month) -> _Found:
    if value is None:
        return [("error", say("is empty; write the publication date, such as 5 Juli 2026"))]
    try:
        read = parse_date(value)
    except FormatError as error:
        return [("error", error.said)]
    found: _Found = [("warning", read.note)] if read.note else []
    if read.day in month:
        return found
    months = abs((read.day.year - month.year) * 12 + read.day.month - month.month)
    meant = next((day for day in read.others if day in month), None)
    if meant is not None:
        message = say(
            "has two readings: {day}, which lies outside {month}, and {meant}; "
            "write the one that is meant with its month as a word{as_text}",
            day=show_date(read.day),
            month=month,
            meant=show_date(meant),
            as_text="" if months > 1 else say(", as text (with an apostrophe before it)"),
        )
        return [*found, ("error", message)]
    if months > 1:
        message = say(
            "{day} lies {months} months outside {month}; correct it, or move the row to the plan of its month",
            day=show_date(read.day),
            months=months,
            month=month,
        )
        return [*found, ("error", message)]
    return [*found, ("warning", say("{day} lies outside {month}", day=show_date(read.day), month=month))]


def _check_time(value: CellValue, plan: ContentPlan, row: PlanRow) -> _Found:
    """What is wrong with the time in the cell Waktu, also beside the one that may stand in Tanggal."""
    if value is None:
        return []
    in_date, cell = plan.time_in_date(row), plan.address(row.row, "Tanggal")
    found: _Found = []
    try:
        parse_time(value)
        if in_date and not is_same_time(value, in_date):
            message = say(
                "is another time than '{time}' in {cell}; leave the one that is meant", time=in_date, cell=cell
            )
            return [("error", message)]
    except FormatError as error:
        found.append(("warning", say("{problem}; it goes into the description as it stands", problem=error.said)))
        if in_date:
            message = say(
                "'{time}' in {cell} is not used beside it; leave the one that is meant", time=in_date, cell=cell
            )
            found.append(("warning", message))
    return found


def _check_form(value: CellValue, forms: tuple[str, ...]) -> _Found:
    choice = say("{forms} or {last}", forms=", ".join(forms[:-1]), last=forms[-1])
    if value is None:
        return [("error", say("is empty; write the content form: {choice}", choice=choice))]
    if find_form(value, forms) is None:
        message = say("'{value}' is not a content form; write {choice}", value=one_line(value), choice=choice)
        return [("error", message)]
    return []


def _check_topic(value: CellValue) -> _Found:
    if value is None:
        return [("error", say("is empty; write the topic, it becomes the issue's summary"))]
    text = one_line(value)
    words = re.sub(r"[\W_]+", " ", match_key(text)).strip()
    is_sign = not words and not any(unicodedata.category(character) == "So" for character in text)  # emoji are a topic
    if is_sign or words in _PLACEHOLDERS or re.fullmatch(r"(\w)\1*", words):
        return [("warning", say("'{text}' says no topic; it becomes the issue's summary as it stands", text=text))]
    return []


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
