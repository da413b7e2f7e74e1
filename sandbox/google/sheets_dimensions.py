"""Rows and columns inserted, deleted, moved and appended, and everything that points at them moved along.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from collections.abc import Callable
from typing import NamedTuple

from sandbox.google.a1 import Span
from sandbox.google.cells import BLANK, Cell
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.sheets_protection import check_lines
from sandbox.google.state import GridRange, Tab
from sandbox.http.messages import JsonObject

type Ends = tuple[int | None, int | None]
type Shift = Callable[[Ends], Ends | None]


class _Lines(NamedTuple):
    """A stretch of rows or columns of one tab."""

    tab: Tab
    rows: bool
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.tab.row_count if self.rows else self.tab.column_count


def insert_dimension(batch: Batch, request: JsonObject) -> JsonObject:
    lines = _lines(batch, request.get("range"), past_end=True)
    before = bool(request.get("inheritFromBefore"))
    if before and lines.start == 0:
        raise RequestError("inheritFromBefore cannot be true when inserting at the first row or column.")
    _check(batch, lines, insert=True)
    _insert(lines, model=lines.start - 1 if before else lines.start)
    _move_references(batch, lines, lambda ends: after_insert(ends, lines.start, lines.end - lines.start))
    return {}


def delete_dimension(batch: Batch, request: JsonObject) -> JsonObject:
    lines = _lines(batch, request.get("range"))
    if lines.start == 0 and lines.end == lines.size:
        raise RequestError(f"You can't delete all the {'rows' if lines.rows else 'columns'} on the sheet.")
    _check(batch, lines)
    _take_out(lines)
    _resize(lines, lines.start - lines.end)
    _move_references(batch, lines, lambda ends: after_delete(ends, lines.start, lines.end))
    return {}


def move_dimension(batch: Batch, request: JsonObject) -> JsonObject:
    lines = _lines(batch, request.get("source"))
    target = int(request.get("destinationIndex", 0))
    if lines.start < target < lines.end or not 0 <= target <= lines.size:
        raise RequestError(f"destinationIndex {target} lies inside the source range or outside the grid.")
    _check(batch, lines)
    _check(batch, lines._replace(start=target, end=target), insert=True)
    taken = _take_out(lines)
    landing = target if target <= lines.start else target - len(taken)
    _put_in(lines, landing, taken)

    def moved(ends: Ends) -> Ends | None:
        start, end = ends
        if start is not None and end is not None and lines.start <= start and end <= lines.end:
            return start - lines.start + landing, end - lines.start + landing
        rest = after_delete(ends, lines.start, lines.end)
        return None if rest is None else after_insert(rest, landing, lines.end - lines.start)

    _move_references(batch, lines, moved)
    return {}


def append_dimension(batch: Batch, request: JsonObject) -> JsonObject:
    tab = batch.tab(request.get("sheetId"))
    length = int(request.get("length", 0))
    if length < 1:
        raise RequestError("length must be greater than zero.")
    _resize(_Lines(tab, _is_rows(request), 0, 0), length)
    return {}


def update_dimension_properties(batch: Batch, request: JsonObject) -> JsonObject:
    """Hide or show rows or columns; a row that a filter hides stays hidden by it."""
    lines, fields = _lines(batch, request.get("range")), request.get("fields", "")
    if not fields:
        raise RequestError("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    if unknown := set(fields.split(",")) - {"hiddenByUser", "pixelSize", "*"}:
        raise RequestError(f"The sandbox does not know how to change {', '.join(sorted(unknown))} of rows or columns.")
    if fields != "pixelSize":
        hidden = lines.tab.hidden_rows if lines.rows else lines.tab.hidden_columns
        for place in range(lines.start, lines.end):
            if request.get("properties", {}).get("hiddenByUser"):
                hidden[place] = "user"
            elif hidden.get(place) == "user":
                del hidden[place]
    return {}


def after_insert(ends: Ends, at: int, count: int) -> Ends:
    start, end = ends
    return (
        start + count if start is not None and start >= at else start,
        end + count if end is not None and end > at else end,
    )


def after_delete(ends: Ends, first: int, last: int) -> Ends | None:
    """Where the stretch lies once [first, last) is gone; None if nothing of it is left."""

    def place(position: int) -> int:
        return position if position <= first else max(first, position - (last - first))

    start, end = ends
    start, end = None if start is None else place(start), None if end is None else place(end)
    return None if start is not None and start == end else (start, end)


def _check(batch: Batch, lines: _Lines, *, insert: bool = False) -> None:
    check_lines(lines.tab, batch.by, rows=lines.rows, start=lines.start, end=lines.end, insert=insert)


def _is_rows(body: JsonObject) -> bool:
    dimension = body.get("dimension")
    if dimension not in {"ROWS", "COLUMNS"}:
        raise RequestError("A dimension must be specified.")
    return bool(dimension == "ROWS")


def _lines(batch: Batch, body: JsonObject | None, *, past_end: bool = False) -> _Lines:
    if body is None:
        raise RequestError("A range must be specified.")
    tab, rows = batch.tab(body.get("sheetId")), _is_rows(body)
    size = tab.row_count if rows else tab.column_count
    start, end = int(body.get("startIndex", 0)), int(body.get("endIndex", size))
    word = "rows" if rows else "columns"
    if not 0 <= start < end:
        raise RequestError(f"endIndex must be greater than startIndex and both not negative, but was {start}, {end}.")
    if start > size or (not past_end and end > size):
        raise RequestError(f"range.endIndex {end} exceeds the grid: it has {size} {word}.")
    return _Lines(tab, rows, start, end)


def _resize(lines: _Lines, difference: int) -> None:
    if lines.rows:
        lines.tab.row_count += difference
    else:
        lines.tab.column_count += difference


def _like(cell: Cell) -> Cell:
    """What a new cell beside `cell` starts as: its format without its content."""
    return Cell(format=cell.format) if cell.format else BLANK


def _insert(lines: _Lines, model: int) -> None:
    tab, count = lines.tab, lines.end - lines.start
    _resize(lines, count)
    if lines.rows:
        pattern = [_like(cell) for cell in tab.rows[model]] if model < len(tab.rows) else []
        if lines.start < len(tab.rows) or any(cell is not BLANK for cell in pattern):
            tab.rows.extend([] for _ in range(lines.start - len(tab.rows)))
            tab.rows[lines.start : lines.start] = [list(pattern) for _ in range(count)]
        return
    for row in tab.rows:
        fresh = _like(row[model]) if model < len(row) else BLANK
        if lines.start < len(row) or fresh is not BLANK:
            row[lines.start : lines.start] = [fresh] * count


def _take_out(lines: _Lines) -> list[list[Cell]]:
    """Remove the stretch from the cells; what was removed, one list per row or column."""
    rows, first, last = lines.tab.rows, lines.start, lines.end
    if lines.rows:
        taken = [list(row) for row in rows[first:last]]
        del rows[first:last]
        return taken + [[] for _ in range(last - first - len(taken))]
    taken = [[row[place] if place < len(row) else BLANK for row in rows] for place in range(first, last)]
    for row in rows:
        del row[first:last]
    return taken


def _put_in(lines: _Lines, at: int, taken: list[list[Cell]]) -> None:
    rows = lines.tab.rows
    if lines.rows:
        rows.extend([] for _ in range(at - len(rows)))
        rows[at:at] = taken
        return
    for place, row in enumerate(rows):
        cells = [column[place] for column in taken]
        if at < len(row) or any(cell is not BLANK for cell in cells):
            row.extend([BLANK] * (at - len(row)))
            row[at:at] = cells


def _move_references(batch: Batch, lines: _Lines, shift: Shift) -> None:
    """Named ranges, merges and developer metadata follow the cells they belong to, or go with them."""
    tab, first = lines.tab, 0 if lines.rows else 2

    def shifted(span: Span) -> Span | None:
        if span[first] is None and span[first + 1] is None:
            return span
        ends = shift((span[first], span[first + 1]))
        if ends is None:
            return None
        return span._replace(top=ends[0], bottom=ends[1]) if lines.rows else span._replace(left=ends[0], right=ends[1])

    tab.merges = [moved for span in tab.merges if (moved := shifted(span))]
    for one in tab.protections:
        one.unprotected = [moved for span in one.unprotected if (moved := shifted(span))]
    kept_protections = [(one, moved) for one in tab.protections if (moved := shifted(one.span))]
    tab.protections = [one for one, _ in kept_protections]
    for one, moved_span in kept_protections:
        one.span = moved_span
    hidden = tab.hidden_rows if lines.rows else tab.hidden_columns
    places = {place: shift((place, place + 1)) for place in hidden}
    moved_to = {ends[0]: hidden[place] for place, ends in places.items() if ends and ends[0] is not None}
    hidden.clear()
    hidden.update(moved_to)
    for named in batch.spreadsheet.named_ranges:
        if named.range is not None and named.range.sheet_id == tab.sheet_id:
            span = shifted(named.range.span)
            named.range = None if span is None else GridRange(tab.sheet_id, span)
    kept = []
    for anchor in batch.spreadsheet.anchors:
        line = anchor.row if lines.rows else anchor.column
        if anchor.sheet_id == tab.sheet_id and line is not None:
            ends = shift((line, line + 1))
            if ends is None:
                continue
            if lines.rows:
                anchor.row = ends[0]
            else:
                anchor.column = ends[0]
        kept.append(anchor)
    batch.spreadsheet.anchors = kept
