"""From the cells of one tab to a content plan, and what is odd about it.

Blank rows are skipped and row numbers are kept, so `row` always is the sheet's own number. No named column is dropped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lib.dates import parse_date
from lib.formats import SHEETS_ERRORS, FormatError, clean_text, cut, match_key, one_line
from lib.plan import grid, header
from lib.plan.content_plan import REQUIRED, Column, ContentPlan, PlanRow, PlanSource
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue


def parse(
    source: PlanSource,
    values: list[list[CellValue]],
    texts: list[list[str]],
    merges: list[tuple[int, int, int, int]] | None = None,
) -> ContentPlan:
    """
    Turn a tab's cells into a plan.

    Args:
        source: Where the cells were read.
        values: One list per sheet row from row 1, as stored (UNFORMATTED_VALUE, SERIAL_NUMBER). Rows are ragged.
        texts: The same cells as people see them (FORMATTED_VALUE).
        merges: Merged cells as (first row, end row, first column, end column), from 0, ends excluded: the upper left
            cell's content counts for all of them, but not across the columns of a banner, which is all that its rows hold,
            nor from or into Key: what a run writes there must not change the content of a row.

    Raises:
        FixInputError: There is no header, a required column is missing, or a required column or Key stands there twice.
    """
    values = grid.filled(values, merges or [])
    texts = grid.filled(texts, merges or [])
    top = header.find(source, values)
    columns, key_column, problems = header.read_columns(source, values, texts, top)
    across = [m for m in merges or [] if m[2] != key_column and not grid.is_banner(values, m)]
    values = grid.filled_across(values, across, key_column)
    texts = grid.filled_across(texts, across, key_column)
    read = _read_rows(values, texts, top, columns, key_column)
    if read.templates:
        message = f"{len(read.templates)} rows hold only a number or an unticked box and count as blank: {_ranges(read.templates)}"
        problems.append(Problem(where=a1.quoted(source.tab), message=message, level="warning"))
    if read.notes:
        message = (
            f"rows without date, form and topic are notes and become no issue: {_shown_notes(read.notes, columns)}"
        )
        problems.append(Problem(where=a1.quoted(source.tab), message=message, level="warning"))
    rows = read.rows
    typed = [column.model_copy(update={"data_type": _data_type(rows, column.label)}) for column in columns]
    return ContentPlan(
        **source.model_dump(),
        header_row=top + 1,
        key_column=key_column,
        key_header=key_column is None or not grid.is_blank(grid.cell(values, top, key_column)),
        columns=typed,
        rows=rows,
        problems=problems,
    )


@dataclass
class _Read:
    """The rows below a header, and those that are none: numbers of rows like templates, and notes."""

    rows: list[PlanRow] = field(default_factory=list)
    templates: list[int] = field(default_factory=list)
    notes: list[PlanRow] = field(default_factory=list)


def _read_rows(
    values: list[list[CellValue]], texts: list[list[str]], top: int, columns: list[Column], key_column: int | None
) -> _Read:
    read = _Read()
    for index in range(top + 1, len(values)):
        cells = {column.label: _clean(grid.cell(values, index, column.index)) for column in columns}
        key = "" if key_column is None else one_line(grid.cell_text(values, texts, index, key_column))
        if all(grid.is_blank(cell) for cell in cells.values()) and not key:
            continue
        if not key and all(
            grid.is_blank(cells[c.label])
            or cells[c.label] is False
            or (c.name == "No" and not _WORD.search(str(cells[c.label])))
            for c in columns
        ):
            read.templates.append(index + 1)
            continue
        if _is_header(cells, key, columns):
            continue
        shown = {
            column.label: clean_text(grid.cell_text(values, texts, index, column.index))
            for column in columns
            if not isinstance(cells[column.label], str | None)
        }
        read.rows.append(PlanRow(row=index + 1, key=key, values=cells, texts=shown))
    by_name = {column.name: column.label for column in columns if column.name}
    forms = {
        match_key(row.values[by_name["Bentuk"]])
        for row in read.rows
        if _has_date(row, by_name) or _has(row, by_name, "Topik")
    }
    notes = {row.row for row in read.rows if _is_note(row, by_name, forms)}
    read.notes = [row for row in read.rows if row.row in notes]
    read.rows = [row for row in read.rows if row.row not in notes]
    return read


def _is_header(cells: Mapping[str, CellValue], key: str, columns: list[Column]) -> bool:
    """Whether a row says again what the header says, as for each week: its required columns, and nothing else."""
    named = [c for c in columns if not grid.is_blank(cells[c.label])]
    same = {c.name for c in named if header.names(c, cells[c.label])}
    return set(REQUIRED) <= same and len(same) == len({c.name for c in named}) and (not key or header.is_key(key))


def _is_note(row: PlanRow, by_name: Mapping[str, str], forms: set[str]) -> bool:
    """Whether a row holds words, such as the name of a week, but neither a date nor a topic, nor a form beside them."""
    if row.key or _has_date(row, by_name) or any(value in SHEETS_ERRORS for value in row.values.values()):
        return False
    number = row.values[by_name["No"]] if "No" in by_name else None
    if not grid.is_blank(number) and not _WORD.search(str(number)):
        return False
    filled = [label for label, value in row.values.items() if not grid.is_blank(value) and value is not False]
    if _has(row, by_name, "Topik"):
        return filled == [by_name["Topik"]] and _WEEK.match(match_key(row.values[filled[0]])) is not None
    return match_key(row.values[by_name["Bentuk"]]) not in forms - {""}


_SHOWN = 60  # characters of a note
_WORD = re.compile(r"[^\W\d_]{3}")  # a number of a row may be K01, too
_WEEK = re.compile(
    r"(minggu|pekan|week|w)( ?ke)?[ -]*([0-9]{1,2}|[ivx]+|pertama|kedua|ketiga|keempat|kelima|satu|dua|tiga|empat|lima)\b"
)


def _has(row: PlanRow, by_name: Mapping[str, str], name: str) -> bool:
    return not grid.is_blank(row.values[by_name[name]])


def _has_date(row: PlanRow, by_name: Mapping[str, str]) -> bool:
    try:
        parse_date(row.values[by_name["Tanggal"]])
    except FormatError:
        return False
    return True


def _shown_notes(notes: list[PlanRow], columns: list[Column]) -> str:
    """`A7 'MINGGU 1', B40 'Catatan: …'`: the first words of each row with their cells."""
    shown = []
    for row in notes:
        column = next(c for c in columns if one_line(row.text(c.label)))
        text = one_line(row.text(column.label))
        words = text if len(text) <= _SHOWN else f"{cut(text, _SHOWN)}…"
        shown.append(f"{a1.column_letter(column.index)}{row.row} {words!r}")
    return ", ".join(shown)


def _clean(value: CellValue) -> CellValue:
    return clean_text(value) or None if isinstance(value, str) else value


def _data_type(rows: list[PlanRow], label: str) -> str:
    kinds = {_kind(row.values[label]) for row in rows} - {"empty"}
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "empty"


def _kind(value: CellValue) -> str:
    if grid.is_blank(value):
        return "empty"
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def _ranges(numbers: list[int]) -> str:
    """`31-60, 62` for sorted row numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join("-".join(str(number) for number in run) for run in runs)
