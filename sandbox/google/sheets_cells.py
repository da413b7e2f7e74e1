"""Cells written, repeated, sorted, cut and copied within a batch.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request
"""

from functools import cmp_to_key

from sandbox.google import field_mask
from sandbox.google.cells import BLANK, MAX_CELL_CHARACTERS, Cell, ErrorValue, formula_cell
from sandbox.google.field_mask import Mask
from sandbox.google.schema import unknown_path
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.sheets_runs import with_chip_runs, with_format_runs
from sandbox.google.state import Tab
from sandbox.http.messages import Json, JsonObject

_WRITABLE = {"userEnteredValue", "userEnteredFormat", "note", "textFormatRuns", "chipRuns"}
_PASTES = {"PASTE_NORMAL", "PASTE_VALUES", "PASTE_FORMAT", "PASTE_NO_BORDERS", "PASTE_FORMULA"}


def update_cells(batch: Batch, request: JsonObject) -> JsonObject:
    mask = read_cell_mask(request.get("fields", ""))
    rows = [row.get("values", []) for row in request.get("rows", [])]
    if "range" in request:
        tab, (top, bottom, left, right) = batch.area(request["range"])
        if len(rows) > bottom - top or any(len(row) > right - left for row in rows):
            raise RequestError("Attempting to write more rows or columns than the range has.")
        for row in range(top, bottom):
            given = rows[row - top] if row - top < len(rows) else []
            for column in range(left, right):
                body = given[column - left] if column - left < len(given) else {}
                tab.put(row, column, written(tab.cell(row, column), body, mask))
        return {}
    start = request.get("start", {})
    tab, top, left = batch.tab(start.get("sheetId")), start.get("rowIndex", 0), start.get("columnIndex", 0)
    for row, given in enumerate(rows, start=top):
        for column, body in enumerate(given, start=left):
            _check_inside(tab, row, column)
            tab.put(row, column, written(tab.cell(row, column), body, mask))
    return {}


def repeat_cell(batch: Batch, request: JsonObject) -> JsonObject:
    mask = read_cell_mask(request.get("fields", ""))
    if "range" not in request:
        raise RequestError("A range must be specified.")
    tab, (top, bottom, left, right) = batch.area(request["range"])
    body = request.get("cell", {})
    for row in range(top, bottom):
        for column in range(left, right):
            tab.put(row, column, written(tab.cell(row, column), body, mask))
    return {}


def sort_range(batch: Batch, request: JsonObject) -> JsonObject:
    tab, (top, bottom, left, right) = batch.area(request.get("range", {}))
    specs = [(int(spec.get("dimensionIndex", 0)), spec.get("sortOrder")) for spec in request.get("sortSpecs", [])]
    if not specs:
        raise RequestError("At least one sort spec must be given.")
    block = [[tab.cell(row, column) for column in range(left, right)] for row in range(top, min(bottom, len(tab.rows)))]
    for column, order in reversed(specs):
        if not left <= column < right:
            raise RequestError(f"Sort column {column} is outside of the range.")
        _sort(block, column - left, descending=order == "DESCENDING")
    _paste(tab, top, left, block)
    return {}


def cut_paste(batch: Batch, request: JsonObject) -> JsonObject:
    tab, (top, bottom, left, right) = batch.area(request.get("source", {}))
    target = request.get("destination", {})
    onto, row, column = batch.tab(target.get("sheetId")), target.get("rowIndex", 0), target.get("columnIndex", 0)
    if row + bottom - top > onto.row_count or column + right - left > onto.column_count:
        raise RequestError("The cut cells do not fit into the grid at the destination.")
    block = [[tab.cell(y, x) for x in range(left, right)] for y in range(top, bottom)]
    for y in range(top, min(bottom, len(tab.rows))):
        for x in range(left, right):
            tab.put(y, x, BLANK)
    _paste(onto, row, column, block)
    return {}


def copy_paste(batch: Batch, request: JsonObject) -> JsonObject:
    kind = request.get("pasteType", "PASTE_NORMAL")
    if kind not in _PASTES or request.get("pasteOrientation", "NORMAL") != "NORMAL":
        raise RequestError(
            "The sandbox pastes PASTE_NORMAL, PASTE_VALUES, PASTE_FORMULA or PASTE_FORMAT, untransposed."
        )
    tab, (top, bottom, left, right) = batch.area(request.get("source", {}))
    onto, (to_top, to_bottom, to_left, to_right) = batch.area(request.get("destination", {}))
    height, width = bottom - top, right - left
    block = [[tab.cell(y, x) for x in range(left, right)] for y in range(top, bottom)]
    tall = (to_bottom - to_top) // height * height or height
    wide = (to_right - to_left) // width * width or width
    for y in range(min(tall, onto.row_count - to_top)):
        for x in range(min(wide, onto.column_count - to_left)):
            old = onto.cell(to_top + y, to_left + x)
            onto.put(to_top + y, to_left + x, _pasted(old, block[y % height][x % width], kind))
    return {}


def _pasted(old: Cell, new: Cell, kind: str) -> Cell:
    match kind:
        case "PASTE_VALUES":
            return old.with_value_of(new)._replace(formula=None)
        case "PASTE_FORMULA":
            return old.with_value_of(new)
        case "PASTE_FORMAT":
            return old._replace(format=new.format)
        case _:
            return new


def _paste(tab: Tab, top: int, left: int, block: list[list[Cell]]) -> None:
    for row, cells in enumerate(block, start=top):
        for column, cell in enumerate(cells, start=left):
            tab.put(row, column, cell)


def _check_inside(tab: Tab, row: int, column: int) -> None:
    if row >= tab.row_count:
        raise RequestError(f"Attempting to write row: {row}, beyond the last requested row of: {tab.row_count - 1}")
    if column >= tab.column_count:
        raise RequestError(
            f"Attempting to write column: {column}, beyond the last requested column of: {tab.column_count - 1}"
        )


def read_cell_mask(text: str) -> Mask:
    """The `fields` of a request that writes cells; only the parts in `_WRITABLE` are known to the sandbox."""
    if not text:
        raise RequestError("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    try:
        mask = field_mask.parse(text)
    except ValueError:
        raise RequestError(f"Invalid field mask: {text}") from None
    unknown = unknown_path(mask, "sheets.v4", "CellData")
    if unknown:
        raise RequestError(f"Invalid field: {unknown}")
    if "*" in mask:
        return {name: {} for name in sorted(_WRITABLE)}
    unknown_parts = mask.keys() - _WRITABLE
    if unknown_parts:
        raise RequestError(f"The sandbox does not know how to write {', '.join(sorted(unknown_parts))} of a cell.")
    return mask


def written(cell: Cell, body: JsonObject, mask: Mask) -> Cell:
    """`cell` with the masked parts of a CellData; what is masked and not given is cleared."""
    if "userEnteredValue" in mask:
        content = _value_cell(body.get("userEnteredValue", {}))
        cell = cell.with_value_of(content)
    if "userEnteredFormat" in mask:
        merged = _merged(cell.format, body.get("userEnteredFormat"), mask["userEnteredFormat"])
        cell = cell._replace(format=merged or None)
    if "note" in mask:
        cell = cell._replace(note=body.get("note", ""))
    if "textFormatRuns" in mask:
        cell = with_format_runs(cell, body.get("textFormatRuns", []))
    if "chipRuns" in mask:
        cell = with_chip_runs(cell, body.get("chipRuns", []))
    return BLANK if cell == BLANK else cell


def _merged(old: Json, new: Json, mask: Mask) -> Json:
    if not mask or "*" in mask:
        return new
    result = dict(old or {})
    for name, inner in mask.items():
        value = _merged(result.get(name), (new or {}).get(name), inner)
        if value in (None, {}):
            result.pop(name, None)
        else:
            result[name] = value
    return result


def _value_cell(value: JsonObject) -> Cell:
    if not value:
        return BLANK
    if len(value) > 1:
        raise RequestError("Only one of the values of an ExtendedValue may be set.")
    match next(iter(value.items())):
        case "numberValue", number:
            return Cell(float(number))
        case "boolValue", truth:
            return Cell(bool(truth))
        case "formulaValue", text:
            return formula_cell(text)
        case "stringValue", text:
            if len(text) > MAX_CELL_CHARACTERS:
                raise RequestError("Your input contains more than the maximum of 50000 characters in a single cell.")
            return Cell(text) if text else BLANK
    raise RequestError("An errorValue cannot be written.")


def _sort(block: list[list[Cell]], column: int, *, descending: bool) -> None:
    """Blank cells come last either way; numbers before text before booleans before errors."""

    def compare(left: list[Cell], right: list[Cell]) -> int:
        one, other = left[column], right[column]
        if one.empty or other.empty:
            return one.empty - other.empty
        first, second = _sort_key(one), _sort_key(other)
        order = (first > second) - (first < second)
        return -order if descending else order

    block.sort(key=cmp_to_key(compare))


def _sort_key(cell: Cell) -> tuple[int, float, str]:
    value = cell.value
    if isinstance(value, bool):
        return 2, float(value), ""
    if isinstance(value, float | int):
        return 0, float(value), ""
    if isinstance(value, ErrorValue):
        return 3, 0.0, ""
    return 1, 0.0, str(value).casefold()
