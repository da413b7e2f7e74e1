"""The header of a plan's tab: which row it is, and which column each of its cells names."""

import functools
from collections.abc import Container, Mapping
from types import MappingProxyType

from lib.errors import FixInputError
from lib.formats import match_key, one_line
from lib.messages import Said, join, say
from lib.plan import grid
from lib.plan.content_plan import COLUMNS, HEADER_SEARCH_ROWS, KEY, REQUIRED, Column, PlanSource, status_column
from lib.plan.keys import is_header_note, is_token, read_key
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue, Place


def find(source: PlanSource, values: list[list[CellValue]]) -> int:
    """
    Index of the row that names most known columns but Key, which may have been cleared; of the uppermost, when several do.

    Raises:
        FixInputError: None among the first 20 rows names two of them.
    """
    names = _names()
    found = [
        {names[match_key(cell)] for cell in row if match_key(cell) in names} for row in values[:HEADER_SEARCH_ROWS]
    ]
    best = max(found, key=lambda named: len(named - {KEY}), default=set[str]())
    if len(best) < 2:  # noqa: PLR2004  # one familiar word is no header
        raise FixInputError(
            f"{source.title}, tab {a1.quoted(source.tab)}",
            say(
                "no header among the first {count} rows; one row must name the columns {columns}",
                count=HEADER_SEARCH_ROWS,
                columns=", ".join(REQUIRED),
            ),
        )
    return found.index(best)


def names(column: Column, cell: CellValue) -> bool:
    """Whether a cell below the header says the name of its column again, in whatever spelling."""
    typed = match_key(cell)
    return typed == match_key(column.label) or (column.name is not None and _names().get(typed) == column.name)


def is_key(text: str) -> bool:
    """Whether this is the header of the column Key, and no key."""
    return _names().get(match_key(text)) == KEY


@functools.cache
def _names() -> dict[str, str]:
    return {match_key(spelling): name for name, others in COLUMNS.items() for spelling in (name, *others)}


def read_columns(
    source: PlanSource,
    values: list[list[CellValue]],
    texts: list[list[str]],
    header: int,
    linked: Container[Place] = (),
    notes: Mapping[Place, str] = MappingProxyType({}),
) -> tuple[list[Column], int | None, list[Problem]]:
    """
    The columns that the header names, the index of the column Key (None without one), and what is odd about them.

    `linked` are cells that hold something beside their value, such as an image; `notes` are those on cells.

    Raises:
        FixInputError: A required column is missing, or one of them or Key stands there twice.
    """
    width = max((len(row) for row in values[header:]), default=0)
    headers = [one_line(grid.cell_text(values, texts, header, index)) for index in range(width)]
    known = _known_columns(source, header, headers)
    problems: list[Problem] = []
    if KEY not in known.values() and (headless := _find_headless_keys(values, header, notes)) is not None:
        known[headless] = KEY
        message = say(
            "the header {key} is gone from this column of keys; it counts as {key}, and content-plan-to-jira writes the "
            "header again",
            key=KEY,
        )
        problems.append(Problem.of(a1.address(source.tab, header + 1, headless), message, level="warning"))
    if missing := [name for name in REQUIRED if name not in known.values()]:
        raise _lacks(source, header, missing, headers)
    columns: list[Column] = []
    for index, label in enumerate(headers):
        if known.get(index) == KEY:
            continue
        below = range(header + 1, len(values))
        if not label and all(grid.is_blank(grid.cell(values, r, index)) and (r, index) not in linked for r in below):
            continue
        unique = _unique(label or f"(column {a1.column_letter(index)})", [column.label for column in columns])
        if unique != label:
            message = _taken_as(unique, label)
            problems.append(Problem.of(a1.address(source.tab, header + 1, index), message, level="warning"))
        columns.append(Column(index=index, label=unique, name=known.get(index) or status_column(label)))
    key_column = next((index for index, name in known.items() if name == KEY), None)
    return columns, key_column, problems


def _lacks(source: PlanSource, header: int, missing: list[str], headers: list[str]) -> FixInputError:
    where = say("{plan}, tab {tab}, row {row}", plan=source.title, tab=a1.quoted(source.tab), row=header + 1)
    problem = say(
        "there is no column {missing}; add it, or rename the one that is meant. Seen: {seen}",
        missing=join(say(" and no column "), missing),
        seen=", ".join(label for label in headers if label),
    )
    return FixInputError(where, problem)


def _taken_as(name: str, label: str) -> Said:
    if label:
        return say("another column is called '{label}' too; taken as '{name}'", label=label, name=name)
    return say("has content below but no header; taken as '{name}'", name=name)


def _find_headless_keys(values: list[list[CellValue]], header: int, notes: Mapping[Place, str]) -> int | None:
    """
    A Key column whose header was cleared: claim tokens or keys stand there, and nothing else but repeated headers, or our note is on it.

    Clearing a cell leaves its note, and people may have typed something into the column before. The note alone says nothing: when
    columns were moved while it was written, another one has it.
    """
    noted = {column for (row, column), note in notes.items() if row == header and is_header_note(note)}
    found = []
    for index in range(max((len(row) for row in values[header:]), default=0)):
        cells = [grid.cell(values, row, index) for row in range(header, len(values))]
        texts = [cell for cell in cells[1:] if not grid.is_blank(cell) and not (isinstance(cell, str) and is_key(cell))]
        keys = [isinstance(text, str) and (is_token(text) or read_key(text) is not None) for text in texts]
        if grid.is_blank(cells[0]) and any(keys) and (index in noted or all(keys)):
            found.append((index not in noted, index))
    return min(found)[1] if found else None


def _known_columns(source: PlanSource, header: int, headers: list[str]) -> dict[int, str]:
    """Index -> known name. A header of the very name goes before other names for it, the first one before the next."""
    names = _names()
    candidates: dict[str, list[int]] = {}
    for index, label in enumerate(headers):
        if name := names.get(match_key(label)):
            candidates.setdefault(name, []).append(index)
    known = {}
    for name, indexes in candidates.items():
        exact = [index for index in indexes if match_key(headers[index]) == match_key(name)]
        meant = exact or indexes
        if len(meant) > 1 and name in (*REQUIRED, KEY):
            cells = join(say(" and "), (a1.address(source.tab, header + 1, index) for index in meant))
            where = say("{plan}, {cells}", plan=source.title, cells=cells)
            raise FixInputError(where, say("both are called {name}; rename one of them", name=name))
        known[meant[0]] = name
    return known


def _unique(label: str, taken: list[str]) -> str:
    candidates = (label, *(f"{label} ({number})" for number in range(2, len(taken) + 3)))
    return next(
        candidate for candidate in candidates if candidate not in taken and match_key(candidate) != match_key(KEY)
    )
