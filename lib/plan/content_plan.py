"""A content plan: from the cells of one tab to rows with named columns, and what is odd about them.

Blank rows are skipped and row numbers are kept, so `row` always is the sheet's own number. No named column is dropped.
"""

import functools
import hashlib
import json
from typing import cast

from pydantic import BaseModel, ConfigDict, Field

from lib.errors import FixInputError
from lib.formats import clean_text, match_key, one_line
from lib.plan.keys import is_token, read_key
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue

HEADER_SEARCH_ROWS = 20
REQUIRED = ("Tanggal", "Bentuk", "Topik")
KEY = "Key"
# Column -> other names that people give it. Order and case do not matter; a column of the first name goes before one of
# the others.
COLUMNS: dict[str, tuple[str, ...]] = {
    "No": ("No.", "Nomor", "#"),
    "Tanggal": ("Tgl", "Tgl.", "Tanggal Publikasi", "Tanggal Posting", "Tanggal Tayang", "Publication Date", "Date"),
    "Waktu": ("Jam", "Jam Tayang", "Waktu Posting", "Waktu Tayang", "Time"),
    "Bentuk": ("Bentuk Konten", "Jenis Konten", "Content Form", "Form"),
    "Creator": ("Kreator",),
    "Format": ("Format Konten",),
    "Purpose/Theme": ("Purpose / Theme", "Purpose", "Theme", "Tema", "Tujuan/Tema"),
    "Strategic Application": (),
    "Kebutuhan Personil": ("Kebutuhan Personel", "Personil", "Personel"),
    "Topik": ("Topic", "Topik Konten", "Judul", "Judul Konten"),
    "Shoot Guide": ("Panduan Shoot",),
    "Visualisasi Konten": ("Visualisasi", "Visual"),
    "Reference": ("Referensi", "References"),
    "Asset": ("Aset", "Assets"),
    "Caption": ("Captions",),
    "Approval": ("Persetujuan", "Status Approval"),
    "Link Referensi": ("Link Reference", "Tautan Referensi"),
    KEY: ("Jira Key", "Issue Key", "Kunci Jira"),
}


class Column(BaseModel):
    """One column of the plan; `index` counts from 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    label: str = Field(description="The header as people wrote it; unique in the plan.")
    name: str | None = Field(default=None, description="The known column it is, such as Tanggal; None for any other.")
    data_type: str = Field(default="empty", description="number, text, boolean, mixed or empty.")


class PlanRow(BaseModel):
    """One row: `values` as Sheets stores them (a date is a serial number), `texts` as people see them, by label."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: int = Field(ge=1, description="The sheet's own row number.")
    key: str = Field(default="", description="What stands in the Key column.")
    values: dict[str, CellValue]
    texts: dict[str, str]


class PlanSource(BaseModel):
    """Where a plan's cells were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str
    spreadsheet_id: str
    title: str
    tab: str
    tab_id: int
    url: str = Field(default="", description="Where people open the spreadsheet.")
    locale: str = "id_ID"
    time_zone: str = "Asia/Jakarta"


class ContentPlan(PlanSource):
    """The rows of one client's month, in sheet order."""

    header_row: int
    key_column: int | None = Field(default=None, description="Index of the Key column; None when there is none yet.")
    key_header: bool = Field(default=True, description="Whether the Key column has its header; a run writes it.")
    columns: list[Column] = Field(description="All columns but Key, in sheet order.")
    rows: list[PlanRow]
    problems: list[Problem] = Field(default_factory=list, description="What is odd about the plan as a whole.")

    @functools.cached_property
    def _named(self) -> dict[str, Column]:
        """Known name, label, and label without regard to case -> its column; a known name goes before a label."""
        by_label = {column.label: column for column in self.columns}
        by_name = {column.name: column for column in self.columns if column.name}
        return {**{match_key(label): column for label, column in by_label.items()}, **by_label, **by_name}

    def _column(self, name: str) -> Column | None:
        return self._named.get(name) or self._named.get(match_key(name))

    def label(self, name: str) -> str | None:
        """The header that stands for a known column, or for one called exactly so."""
        column = self._column(name)
        return column.label if column else None

    def address(self, row: int, name: str) -> str:
        """Address of a row's cell in the column of that name or label; of the row's first cell if there is none."""
        if name == KEY:
            return a1.address(self.tab, row, self.key_column if self.key_column is not None else self.new_key_column)
        column = self._column(name)
        return a1.address(self.tab, row, column.index if column else 0)

    @property
    def new_key_column(self) -> int:
        """Where a plan without a Key column gets one: right of its last column."""
        return max((column.index for column in self.columns), default=-1) + 1

    def value(self, row: PlanRow, name: str) -> CellValue:
        """What is stored in the row's cell of that column, or its key; None when the cell or the column is missing."""
        label = self._read_label(name)
        value = row.key if name == KEY else row.values.get(label)
        return None if isinstance(value, str) and not clean_text(value) else value

    def text(self, row: PlanRow, name: str) -> str:
        """What people see in the row's cell of that column, cleaned, or its key; empty when there is none."""
        label = self._read_label(name)
        return clean_text(row.key if name == KEY else row.texts.get(label))

    def _read_label(self, name: str) -> str:
        """
        The label under which a row has the column; empty for one of COLUMNS that this plan has not.

        Raises:
            LookupError: It is neither in COLUMNS nor a label of this plan. Whoever wrote the call mends it, not the planner.
        """
        label = self.label(name)
        if label is None and name not in COLUMNS:
            others = [column.label for column in self.columns if column.name is None]
            raise LookupError(
                f"{name!r} is no column; there are {', '.join([*COLUMNS, *others])}. "
                "One that only some plans have is named in COLUMNS of lib/plan/content_plan.py"
            )
        return label or ""


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
    values = _filled(values, merges or [])
    texts = _filled(texts, merges or [])
    header = _find_header(source, values)
    columns, key_column, problems = _read_columns(source, values, texts, header)
    across = [m for m in merges or [] if m[2] != key_column and not _is_banner(values, m)]
    values, texts = (_filled_across(grid, across, key_column) for grid in (values, texts))
    rows, templates = _read_rows(values, texts, header, columns, key_column)
    if templates:
        problems.append(
            Problem(
                where=a1.quoted(source.tab),
                message=f"{len(templates)} rows hold only a number or an unticked box and count as blank: {_ranges(templates)}",
                level="warning",
            )
        )
    typed = [column.model_copy(update={"data_type": _data_type(rows, column.label)}) for column in columns]
    return ContentPlan(
        **source.model_dump(),
        header_row=header + 1,
        key_column=key_column,
        key_header=key_column is None or not _is_blank(_cell(values, header, key_column)),
        columns=typed,
        rows=rows,
        problems=problems,
    )


def fingerprint(row: PlanRow) -> str:
    """Hash of a row's content without its key and its number: the same content anywhere in the plan has the same one."""
    cells = sorted((label, _canonical(value)) for label, value in row.values.items() if _canonical(value) != "")
    return hashlib.sha256(json.dumps(cells, ensure_ascii=False).encode()).hexdigest()


def plan_hash(plan: ContentPlan) -> str:
    """Hash of a plan's content: the same rows in the same order have the same one, whatever stands in the Key column."""
    return hashlib.sha256("".join(fingerprint(row) for row in plan.rows).encode()).hexdigest()


# --- From cells to columns and rows -----------------------------------------------------------------------------------


def _find_header(source: PlanSource, values: list[list[CellValue]]) -> int:
    names = _names()
    found = [
        len({names[match_key(cell)] for cell in row if match_key(cell) in names}) for row in values[:HEADER_SEARCH_ROWS]
    ]
    best = max(found, default=0)
    if best < 2:  # noqa: PLR2004  # one familiar word is no header
        raise FixInputError(
            f"{source.title}, tab {a1.quoted(source.tab)}",
            f"no header among the first {HEADER_SEARCH_ROWS} rows; one row must name the columns {', '.join(REQUIRED)}",
        )
    return found.index(best)


def _names() -> dict[str, str]:
    return {match_key(spelling): name for name, others in COLUMNS.items() for spelling in (name, *others)}


def _read_columns(
    source: PlanSource, values: list[list[CellValue]], texts: list[list[str]], header: int
) -> tuple[list[Column], int | None, list[Problem]]:
    width = max((len(row) for row in values[header:]), default=0)
    headers = [one_line(_cell_text(values, texts, header, index)) for index in range(width)]
    known = _known_columns(source, header, headers)
    problems: list[Problem] = []
    if KEY not in known.values() and (headless := _find_headless_keys(values, header)) is not None:
        known[headless] = KEY
        message = f"the header {KEY} is gone from this column of keys; it counts as {KEY}, and the run writes the header again"
        problems.append(Problem(where=a1.address(source.tab, header + 1, headless), message=message, level="warning"))
    missing = [name for name in REQUIRED if name not in known.values()]
    if missing:
        raise FixInputError(
            f"{source.title}, tab {a1.quoted(source.tab)}, row {header + 1}",
            f"there is no column {' and no column '.join(missing)}; add it, or rename the one that is meant. "
            f"Seen: {', '.join(label for label in headers if label)}",
        )
    columns: list[Column] = []
    for index, label in enumerate(headers):
        if known.get(index) == KEY:
            continue
        if not label and all(_is_blank(_cell(values, row, index)) for row in range(header + 1, len(values))):
            continue
        unique = _unique(label or f"(column {a1.column_letter(index)})", [column.label for column in columns])
        if unique != label:
            problem = f"another column is called {label!r} too" if label else "has content below but no header"
            cell = a1.address(source.tab, header + 1, index)
            problems.append(Problem(where=cell, message=f"{problem}; taken as {unique!r}", level="warning"))
        columns.append(Column(index=index, label=unique, name=known.get(index)))
    key_column = next((index for index, name in known.items() if name == KEY), None)
    return columns, key_column, problems


def _find_headless_keys(values: list[list[CellValue]], header: int) -> int | None:
    """The column without a header that holds nothing but marks and keys: a Key column whose header was cleared."""
    width = max((len(row) for row in values[header:]), default=0)
    for index in range(width):
        cells = [_cell(values, row, index) for row in range(header, len(values))]
        texts = [cell for cell in cells[1:] if not _is_blank(cell)]
        if texts and _is_blank(cells[0]) and all(isinstance(t, str) and (is_token(t) or read_key(t)) for t in texts):
            return index
    return None


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
            cells = " and ".join(a1.address(source.tab, header + 1, index) for index in meant)
            raise FixInputError(f"{source.title}, {cells}", f"both are called {name}; rename one of them")
        known[meant[0]] = name
    return known


def _unique(label: str, taken: list[str]) -> str:
    candidates = (label, *(f"{label} ({number})" for number in range(2, len(taken) + 3)))
    return next(
        candidate for candidate in candidates if candidate not in taken and match_key(candidate) != match_key(KEY)
    )


def _read_rows(
    values: list[list[CellValue]], texts: list[list[str]], header: int, columns: list[Column], key_column: int | None
) -> tuple[list[PlanRow], list[int]]:
    rows: list[PlanRow] = []
    templates: list[int] = []
    for index in range(header + 1, len(values)):
        cells = {column.label: _cell(values, index, column.index) for column in columns}
        key = "" if key_column is None else one_line(_cell_text(values, texts, index, key_column))
        if all(_is_blank(cell) for cell in cells.values()) and not key:
            continue
        if not key and all(_is_blank(cells[c.label]) or c.name == "No" or cells[c.label] is False for c in columns):
            templates.append(index + 1)
            continue
        shown = {column.label: _cell_text(values, texts, index, column.index) for column in columns}
        rows.append(PlanRow(row=index + 1, key=key, values=cells, texts=shown))
    return rows, templates


def _cell(values: list[list[CellValue]], row: int, column: int) -> CellValue:
    return values[row][column] if row < len(values) and column < len(values[row]) else None


def _cell_text(values: list[list[CellValue]], texts: list[list[str]], row: int, column: int) -> str:
    """Text cells show what they store; only numbers, dates and ticks are shown by their format."""
    value = _cell(values, row, column)
    if value is None or isinstance(value, str):
        return value or ""
    return str(texts[row][column]) if row < len(texts) and column < len(texts[row]) else _canonical(value)


def _is_blank(value: CellValue) -> bool:
    return value is None or (isinstance(value, str) and not clean_text(value))


def _canonical(value: CellValue) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return clean_text(value)


def _filled[Cell: CellValue](grid: list[list[Cell]], merges: list[tuple[int, int, int, int]]) -> list[list[Cell]]:
    """The grid with the content of merged cells in each of their rows."""
    filled = [list(row) for row in grid]
    for first_row, end_row, column, _end_column in merges:
        if first_row >= len(filled) or column >= len(filled[first_row]):
            continue
        for row in filled[first_row + 1 : min(end_row, len(filled))]:
            row.extend([cast("Cell", "")] * (column + 1 - len(row)))
            row[column] = filled[first_row][column]
    return filled


def _filled_across[Cell: CellValue](
    grid: list[list[Cell]], merges: list[tuple[int, int, int, int]], key_column: int | None
) -> list[list[Cell]]:
    """The grid, filled in its rows, with the content of merged cells in each of their columns but Key."""
    filled = [list(row) for row in grid]
    for first_row, end_row, column, end_column in merges:
        for row in filled[first_row : min(end_row, len(filled))]:
            if column < len(row):
                row.extend([cast("Cell", "")] * (end_column - len(row)))
                row[column:end_column] = [row[c] if c == key_column else row[column] for c in range(column, end_column)]
    return filled


def _is_banner(values: list[list[CellValue]], merge: tuple[int, int, int, int]) -> bool:
    first_row, end_row, column, end_column = merge
    beside = (cell for row in values[first_row:end_row] for cell in (*row[:column], *row[end_column:]))
    return all(_is_blank(cell) for cell in beside)


def _data_type(rows: list[PlanRow], label: str) -> str:
    kinds = {_kind(row.values[label]) for row in rows} - {"empty"}
    return kinds.pop() if len(kinds) == 1 else "mixed" if kinds else "empty"


def _kind(value: CellValue) -> str:
    if _is_blank(value):
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
