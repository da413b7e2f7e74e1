"""Reading and writing cell values by A1 ranges.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values
"""

import datetime as dt
import json
from typing import NamedTuple

from sandbox.google import a1
from sandbox.google.a1 import Span
from sandbox.google.cells import MAX_CELL_CHARACTERS, Cell, ErrorValue, json_number
from sandbox.google.errors import invalid
from sandbox.google.number_format import DATE_TYPES, formatted_value
from sandbox.google.parse_input import parse_input
from sandbox.google.sheets_batch import beyond_grid
from sandbox.google.sheets_protection import REFUSED, protected_cells
from sandbox.google.state import Spreadsheet, Tab
from sandbox.http.messages import Json, JsonObject


class Area(NamedTuple):
    """A range of a spreadsheet, cut at the grid's edge."""

    tab: Tab
    span: Span
    top: int
    bottom: int
    left: int
    right: int

    @property
    def single(self) -> bool:
        return self.bottom - self.top == 1 and self.right - self.left == 1

    @property
    def text(self) -> str:
        return a1.write(self.tab.title, Span(self.top, self.bottom, self.left, self.right))


class Rendering(NamedTuple):
    """How values are read out."""

    value: str = "FORMATTED_VALUE"
    moment: str = "SERIAL_NUMBER"
    by_columns: bool = False


def resolve(book: Spreadsheet, text: str, prefix: str = "") -> Area:
    """The range that `text` names. `prefix` is what Google's error says before its own words."""
    tab, span = _find(book, text, prefix)
    if (span.top or 0) >= tab.row_count or (span.left or 0) >= tab.column_count:
        raise invalid(prefix + beyond_grid(tab, span))
    return Area(tab, span, *tab.bounds(span))


def _find(book: Spreadsheet, text: str, prefix: str) -> tuple[Tab, Span]:
    try:
        title, rest = a1.split_title(text)
    except ValueError:
        raise _unreadable(text, prefix) from None
    if title is None:
        span = a1.parse_span(rest)
        if span is not None:
            return book.tabs[0], span
        for named in book.named_ranges:
            if named.name.casefold() == rest.casefold() and named.range is not None:
                tab = book.by_id(named.range.sheet_id)
                if tab is not None:
                    return tab, named.range.span
        title, rest = rest, ""
    try:
        tab = book.tab(title)
    except KeyError:
        raise _unreadable(text, prefix) from None
    span = a1.parse_span(rest) if rest else Span()
    if span is None:
        raise _unreadable(text, prefix)
    return tab, span


def _unreadable(text: str, prefix: str) -> Exception:
    return invalid(f"{prefix}Unable to parse range: {text}")


def read(book: Spreadsheet, area: Area, rendering: Rendering) -> JsonObject:
    """A ValueRange: rows are ragged, and an empty range has no `values` at all."""
    rows = _trimmed(
        [
            [rendered(cell, book.locale, rendering) for cell in row[area.left : area.right]]
            for row in area.tab.rows[area.top : area.bottom]
        ]
    )
    if rendering.by_columns:
        width = max((len(row) for row in rows), default=0)
        rows = _trimmed([[row[place] if place < len(row) else "" for row in rows] for place in range(width)])
    answer: JsonObject = {
        "range": area.text,
        "majorDimension": "COLUMNS" if rendering.by_columns else "ROWS",
    }
    return {**answer, "values": rows} if rows else answer


def _trimmed(rows: list[list[Json]]) -> list[list[Json]]:
    for row in rows:
        while row and row[-1] == "":
            row.pop()
    while rows and not rows[-1]:
        rows.pop()
    return rows


def rendered(cell: Cell, locale: str, rendering: Rendering) -> Json:
    """One cell's value: text, number, boolean; an empty string for a blank one."""
    if cell.empty:
        return ""
    if rendering.value == "FORMULA" and cell.formula is not None:
        return cell.formula
    value = cell.value
    if rendering.value == "FORMATTED_VALUE" or isinstance(value, ErrorValue) or value is None:
        return formatted_value(cell, locale)
    if isinstance(value, str | bool):
        return value
    wanted = cell.number_format
    if rendering.moment == "FORMATTED_STRING" and wanted is not None and wanted.type in DATE_TYPES:
        return formatted_value(cell, locale)
    return json_number(float(value))


class Writer:
    """Writes ValueRanges into a copy of a spreadsheet, so that a refused request leaves nothing behind."""

    def __init__(self, book: Spreadsheet, option: str, today: dt.date, by: str = "") -> None:
        if option not in {"RAW", "USER_ENTERED"}:
            raise invalid("'valueInputOption' is required but not specified")
        self.book = book.copy()
        self._typed = option == "USER_ENTERED"
        self._today = today
        self._protected = protected_cells(self.book, by)
        self.areas: list[Area] = []

    def write(self, text: str, body: JsonObject, prefix: str = "") -> JsonObject:
        """Write one ValueRange; the UpdateValuesResponse for it."""
        area = resolve(self.book, text, prefix)
        values: list[list[Json]] = body.get("values", [])
        for place, row in enumerate(values):
            if not isinstance(row, list):
                raise invalid(f"{prefix}Invalid values[{place}]: {json.dumps(row)}")
        if body.get("majorDimension") == "COLUMNS":
            height = max((len(column) for column in values), default=0)
            values = [[c[place] if place < len(c) else None for c in values] for place in range(height)]
        self._check_fit(area, values, prefix)
        changed = set()
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                if value is not None:
                    self._put(area, y, x, value, prefix)
                    changed.add((y, x))
        height, width = len(values), max((len(row) for row in values), default=0)
        touched = area._replace(bottom=area.top + max(height, 1), right=area.left + max(width, 1))
        self.areas.append(touched if area.single else area)
        counts = {
            "updatedRows": len({y for y, _ in changed}),
            "updatedColumns": len({x for _, x in changed}),
            "updatedCells": len(changed),
        }
        kept = {name: count for name, count in counts.items() if count}
        return {"spreadsheetId": self.book.id, "updatedRange": touched.text, **kept}

    def _check_fit(self, area: Area, values: list[list[Json]], prefix: str) -> None:
        """A single cell is where the writing starts; any larger range is also where it must end."""
        bottom, right = area.bottom, area.right
        if area.single:
            bottom, right = area.tab.row_count, area.tab.column_count
        where = f"{prefix}Requested writing within range [{a1.write(area.tab.title, area.span)}]"
        if area.top + len(values) > bottom:
            raise invalid(f"{where}, but tried writing to row [{bottom + 1}]")
        if any(area.left + len(row) > right for row in values):
            raise invalid(f"{where}, but tried writing to column [{a1.column_letters(right)}]")

    def _put(self, area: Area, y: int, x: int, value: Json, prefix: str) -> None:
        row, column = area.top + y, area.left + x
        cell = area.tab.cell(row, column)
        if (area.tab.sheet_id, row, column) in self._protected:
            raise invalid(f"{prefix}{REFUSED}")
        if isinstance(value, bool):
            cell = cell.with_content(Cell(value))
        elif isinstance(value, int | float):
            cell = cell.with_content(Cell(float(value)))
        elif not isinstance(value, str):
            raise invalid(f"{prefix}Invalid values[{y}][{x}]: {_as_proto(value)}")
        elif len(value) > MAX_CELL_CHARACTERS:
            raise invalid("Your input contains more than the maximum of 50000 characters in a single cell.")
        elif self._typed or value == "":
            cell = parse_input(value, cell, self.book.locale, self._today)
        else:
            cell = cell.with_content(Cell(value))
        area.tab.put(row, column, cell)


def _as_proto(value: Json) -> str:
    kind = "list_value" if isinstance(value, list) else "struct_value"
    return f"{kind} {json.dumps(value, ensure_ascii=False)}"


def clear(book: Spreadsheet, area: Area, by: str = "") -> Spreadsheet:
    """A spreadsheet whose cells in `area` hold nothing; formats and notes stay."""
    inside = {(area.tab.sheet_id, y, x) for y in range(area.top, area.bottom) for x in range(area.left, area.right)}
    if inside & protected_cells(book, by).keys():
        raise invalid(REFUSED)
    changed = book.copy()
    tab = changed.by_id(area.tab.sheet_id)
    if tab is not None:
        for row in tab.rows[area.top : area.bottom]:
            row[area.left : area.right] = [cell.cleared() for cell in row[area.left : area.right]]
    return changed
