"""From the cells of one tab to a content plan, and what is odd about it.

Blank rows are skipped and row numbers are kept, so `row` always is the sheet's own number. No named column is dropped.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from lib.dates import parse_date
from lib.formats import SHEETS_ERRORS, FormatError, cut, match_key, one_line
from lib.messages import Said, say
from lib.plan import contents, grid, header
from lib.plan.content_plan import REQUIRED, STATUS_COLUMNS, Column, ContentPlan, PlanRow, PlanSource
from lib.plan.grid import Grid, Merge
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue, Place, TabCells


def parse(source: PlanSource, cells: TabCells, merges: Sequence[Merge] = ()) -> ContentPlan:
    """
    Turn a tab's cells into a plan.

    Args:
        source: Where the cells were read.
        cells: All cells of the tab.
        merges: Merged cells: the upper left cell's content counts for all of them (`lib.plan.grid.Grid`), and a content
            whose cells are merged over several rows is one row, the first of them (`lib.plan.contents`).

    Raises:
        FixInputError: There is no header, a required column is missing, or a required column or Key stands there twice.
    """
    filled = Grid(cells, merges)
    top = header.find(source, filled.values)
    read_columns, key_column, problems = header.read_columns(
        source, filled.values, filled.texts, top, filled.linked_places, filled.notes
    )
    status_columns = [column for column in read_columns if column.name in STATUS_COLUMNS]
    columns = [column for column in read_columns if column.name not in STATUS_COLUMNS]
    filled.fill_across({key_column, *(column.index for column in status_columns)})
    read = _read_rows(filled, top, columns, key_column)
    problems += [Problem.of(a1.quoted(source.tab), message, level="warning") for message in _left_out(read, columns)]
    rows = read.rows
    typed = [column.model_copy(update={"data_type": _data_type(rows, column.label)}) for column in columns]
    return ContentPlan(
        **source.model_dump(),
        header_row=top + 1,
        key_column=key_column,
        key_header=key_column is None or not grid.is_blank(grid.cell(filled.values, top, key_column)),
        columns=typed,
        status_columns=status_columns,
        rows=rows,
        problems=problems,
    )


@dataclass
class _Read:
    """The rows below a header, and those that are none: numbers of rows like templates, and notes; notes on cells of none."""

    rows: list[PlanRow] = field(default_factory=list)
    templates: list[int] = field(default_factory=list)
    notes: list[PlanRow] = field(default_factory=list)
    lost_notes: dict[Place, str] = field(default_factory=dict)


def _left_out(read: _Read, columns: list[Column]) -> Iterator[Said]:
    """What stands below the header and becomes no issue."""
    if read.templates:
        yield say(
            "{count} rows hold only a number or an unticked box and count as blank: {rows}",
            count=len(read.templates),
            rows=_ranges(read.templates),
        )
    if read.notes:
        yield say(
            "rows without date, form and topic are notes and become no issue: {notes}",
            notes=_shown_notes(read.notes, columns),
        )
    if read.lost_notes:
        shown = ", ".join(f"{a1.cell(*place)} '{_words(text)}'" for place, text in sorted(read.lost_notes.items()))
        yield say("notes on cells that belong to no content go into no issue: {notes}", notes=shown)


def _read_rows(filled: Grid, top: int, columns: list[Column], key_column: int | None) -> _Read:
    read = _Read()
    merged = contents.find(filled, top, columns, key_column)
    index = top + 1
    while index < len(filled.values):
        rows = merged.get(index, range(index, index + 1))
        index = rows[-1] + 1
        own = [c for c in columns if any(filled.is_own(row, c.index) for row in rows)]
        has_key = key_column is not None and any(filled.is_own(row, key_column) for row in rows)
        if not has_key and _is_empty_slot(filled, rows, own):
            continue
        row = _read_row(filled, rows, columns, key_column)
        if not row.key and all(
            row.values[c.label] is False or (c.name == "No" and not _WORD.search(str(row.values[c.label]))) for c in own
        ):
            read.templates.append(row.row)
        elif not _is_header(row.values, row.key, columns):
            read.rows.append(row)
    by_name = {column.name: column.label for column in columns if column.name}
    dated = {row.row for row in read.rows if _has_date(row, by_name)}
    forms = {
        match_key(row.values[by_name["Bentuk"]]) for row in read.rows if row.row in dated or _has(row, by_name, "Topik")
    }
    notes = {row.row for row in read.rows if row.row not in dated and _is_note(row, by_name, forms)}
    read.notes = [row for row in read.rows if row.row in notes]
    read.rows = [row for row in read.rows if row.row not in notes]
    if below := {place: text for place, text in filled.notes.items() if place[0] > top}:
        indexes = [index for row in read.rows for index in merged.get(row.row - 1, (row.row - 1,))]
        kept = {filled.top(index, column.index) for index in indexes for column in columns}
        read.lost_notes = {place: text for place, text in below.items() if place not in kept}
    return read


def _is_empty_slot(filled: Grid, rows: range, own: list[Column]) -> bool:
    """Whether nothing stands in a row but, in the first one of a day, what is merged over all of its slots."""
    return all(c.name in _OF_A_DAY and filled.goes_down(rows[0], c.index) for c in own) and len(rows) == 1


_OF_A_DAY = ("No", "Tanggal", "Waktu", "Bentuk")


def _read_row(filled: Grid, rows: range, columns: list[Column], key_column: int | None) -> PlanRow:
    """One content; its row is the first of those that it stands in."""
    first = rows[0]
    read = [(column, contents.read(filled, rows, column.index)) for column in columns]
    above = None if key_column is None else filled.row_above(first, key_column)
    return PlanRow(
        row=first + 1,
        key="" if key_column is None or above is not None else one_line(filled.text(first, key_column)),
        values={column.label: cell.value for column, cell in read},
        texts={column.label: cell.text for column, cell in read if not isinstance(cell.value, str | None)},
        linked={column.label: cell.linked for column, cell in read if cell.linked},
        notes=_notes(filled, rows, columns) if filled.has_notes(rows) else {},
        struck=_struck(filled, rows, columns) if filled.has_struck else [],
        hidden=next(filter(None, map(filled.hidden, rows)), ""),
        shares_key_of=0 if above is None else above + 1,
    )


def _notes(filled: Grid, rows: range, columns: list[Column]) -> dict[str, str]:
    return {c.label: text for c in columns if (text := contents.note(filled, rows, c.index))}


def _struck(filled: Grid, rows: range, columns: list[Column]) -> list[str]:
    def is_struck(row: int, column: int) -> bool:
        return filled.is_struck(row, column) and (row == rows[0] or filled.is_own(row, column))

    return [c.label for c in columns if any(is_struck(row, c.index) for row in rows)]


def _is_header(cells: Mapping[str, CellValue], key: str, columns: list[Column]) -> bool:
    """Whether a row says again what the header says, as for each week: its required columns, and nothing else."""
    if not all(header.names(c, cells[c.label]) for c in columns if c.name in REQUIRED):
        return False
    named = [c for c in columns if not grid.is_blank(cells[c.label])]
    same = {c.name for c in named if header.names(c, cells[c.label])}
    return len(same) == len({c.name for c in named}) and (not key or header.is_key(key))


def _is_note(row: PlanRow, by_name: Mapping[str, str], forms: set[str]) -> bool:
    """Whether a row without a date holds words, such as the name of a week, but no topic, nor a form beside them."""
    if row.key or any(value in SHEETS_ERRORS for value in row.values.values()):
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
        column = next(c for c in columns if one_line(row.content(c.label)))
        shown.append(f"{a1.cell(row.row - 1, column.index)} '{_words(row.content(column.label))}'")
    return ", ".join(shown)


def _words(text: str) -> str:
    """The first words of a text."""
    line = one_line(text)
    return line if len(line) <= _SHOWN else f"{cut(line, _SHOWN)}…"


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
