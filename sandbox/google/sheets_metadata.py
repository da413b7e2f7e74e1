"""A spreadsheet as `spreadsheets.get` shows it.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets#Spreadsheet
"""

from sandbox.google import field_mask, locales
from sandbox.google.a1 import Span
from sandbox.google.cells import BLANK, Cell, ErrorValue, json_number
from sandbox.google.field_mask import Mask
from sandbox.google.number_format import default_pattern, formatted_value
from sandbox.google.rich_text import whole_link
from sandbox.google.sheets_names import named_range_json
from sandbox.google.sheets_protection import protection_json
from sandbox.google.sheets_tabs import tab_json
from sandbox.google.sheets_values import Area, resolve
from sandbox.google.state import GridRange, Spreadsheet, Tab
from sandbox.http.messages import Json, JsonObject

_ROW_PIXELS, _COLUMN_PIXELS = 21, 100
_DEFAULT_TEXT_FORMAT = {
    "foregroundColor": {},
    "fontFamily": "Arial",
    "fontSize": 10,
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "foregroundColorStyle": {"rgbColor": {}},
}


def spreadsheet_json(
    book: Spreadsheet, base_url: str, mask: Mask, *, ranges: list[str] | None = None, grid: bool = False, by: str = ""
) -> JsonObject:
    """The whole answer, already cut to `mask`.

    Only tabs that one of `ranges` touches are shown, with only these cells. `grid` asks for cells; with a mask, only the
    mask decides. `by` is the account that reads it.
    """
    areas = [resolve(book, text) for text in ranges or []]
    with_cells = field_mask.wants(mask, "sheets", "data") if mask else grid
    in_sheets = field_mask.inside(mask, "sheets")
    sheets: list[JsonObject] = []
    for index, tab in enumerate(book.tabs):
        inside = [area for area in areas if area.tab is tab]
        if areas and not inside:
            continue
        sheets.append(field_mask.cut(_sheet(tab, index, by), in_sheets))
        if with_cells:
            blocks = inside or [Area(tab, Span(), 0, tab.row_count, 0, tab.column_count)]
            sheets[-1]["data"] = [_grid_data(book, area, mask) for area in blocks]
    answer: JsonObject = {
        "spreadsheetId": book.id,
        "properties": {
            "title": book.title,
            "locale": book.locale,
            "autoRecalc": "ON_CHANGE",
            "timeZone": book.time_zone,
        },
        "spreadsheetUrl": f"{base_url}/spreadsheets/{book.id}",
    }
    named = [named_range_json(one) for one in book.named_ranges if one.range is not None]
    if named:
        answer["namedRanges"] = named
    cut: JsonObject = field_mask.cut(answer, mask)
    return cut | ({"sheets": sheets} if field_mask.wants(mask, "sheets") else {})


def _sheet(tab: Tab, index: int, by: str) -> JsonObject:
    merges = {"merges": [GridRange(tab.sheet_id, span).to_json() for span in tab.merges]} if tab.merges else {}
    protected = [protection_json(tab, one, by) for one in tab.protections]
    return {"properties": tab_json(tab, index), **merges, **({"protectedRanges": protected} if protected else {})}


def _grid_data(book: Spreadsheet, area: Area, mask: Mask) -> JsonObject:
    """GridData of the area, already cut to the mask of the whole answer."""
    starts = {"startRow": area.top, "startColumn": area.left}
    data: JsonObject = {name: start for name, start in starts.items() if start}
    if field_mask.wants(mask, "sheets", "data", "rowMetadata"):
        pixels = _ROW_PIXELS if field_mask.wants(mask, "sheets", "data", "rowMetadata", "pixelSize") else 0
        data["rowMetadata"] = _dimensions(pixels, range(area.top, area.bottom), area.tab.hidden_rows)
    if field_mask.wants(mask, "sheets", "data", "columnMetadata"):
        data["columnMetadata"] = _dimensions(_COLUMN_PIXELS, range(area.left, area.right), area.tab.hidden_columns)
    cut: JsonObject = field_mask.cut(data, field_mask.inside(mask, "sheets", "data"))
    if field_mask.wants(mask, "sheets", "data", "rowData") and (rows := _rows(book, area, mask)):
        cut["rowData"] = rows
    return cut


def _rows(book: Spreadsheet, area: Area, mask: Mask) -> list[JsonObject]:
    """
    Its rows without the empty ones at the end, each without the empty cells at its end.

    A column that is formatted to its end makes a thousand cells of one format, which are made once.
    """
    place = ("sheets", "data", "rowData", "values")
    wanted, with_values = field_mask.inside(mask, *place), field_mask.wants(mask, *place)
    formatted: dict[str, JsonObject] = {}

    def show(cell: Cell) -> JsonObject | None:
        """What is asked for of a cell; None of an empty one."""
        if cell is BLANK:
            return None
        key = repr(cell.format) if cell == Cell(format=cell.format) else ""
        if key not in formatted:
            whole = cell_json(book, cell)
            if not key or not whole:
                return field_mask.cut(whole, wanted) if whole else None
            formatted[key] = field_mask.cut(whole, wanted)
        return formatted[key]

    rows = [[show(cell) for cell in row[area.left : area.right]] for row in area.tab.rows[area.top : area.bottom]]
    for cells in rows:
        while cells and cells[-1] is None:
            cells.pop()
    while rows and not rows[-1]:
        rows.pop()
    return [{"values": [cell or {} for cell in cells]} if cells and with_values else {} for cells in rows]


def _dimensions(pixels: int, places: range, hidden: dict[int, str]) -> list[JsonObject]:
    names = {"user": "hiddenByUser", "filter": "hiddenByFilter"}
    size: JsonObject = {"pixelSize": pixels} if pixels else {}
    return [{names[hidden[place]]: True} | size if place in hidden else size for place in places]


def cell_json(book: Spreadsheet, cell: Cell) -> JsonObject:
    """CellData; an untouched cell is an empty object."""
    if cell is BLANK:
        return {}
    body: JsonObject = {}
    if not cell.empty:
        effective = _extended(cell.value)
        body["userEnteredValue"] = effective if cell.formula is None else {"formulaValue": cell.formula}
        if effective:
            body["effectiveValue"] = effective
        if cell.value is not None:  # IMAGE shows no text
            body["formattedValue"] = formatted_value(cell, book.locale)
    if cell.format:
        body["userEnteredFormat"] = cell.format
    if cell.format or not cell.empty:
        body["effectiveFormat"] = _effective_format(book, cell.format or {})
    more = {"hyperlink": _hyperlink(cell), "note": cell.note, "textFormatRuns": cell.runs, "chipRuns": cell.chips}
    return body | {name: value for name, value in more.items() if value}


def _hyperlink(cell: Cell) -> str | None:
    """What the whole cell links to; nothing if its text has several links, or one on a part only."""
    if cell.link:
        return cell.link
    if any("link" in run["format"] for run in cell.runs or []):
        return whole_link(cell.runs or [])
    uri: str | None = (cell.format or {}).get("textFormat", {}).get("link", {}).get("uri")
    return uri


def _extended(value: Json) -> JsonObject:
    if value is None:
        return {}
    if isinstance(value, ErrorValue):
        return {"errorValue": {"type": value.type, "message": value.message}}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {"numberValue": json_number(value)}


def _effective_format(book: Spreadsheet, entered: JsonObject) -> JsonObject:
    """The entered format on top of the spreadsheet's own, with the locale's pattern where none was given."""
    effective = {**entered, "textFormat": {**_DEFAULT_TEXT_FORMAT, **entered.get("textFormat", {})}}
    wanted = entered.get("numberFormat")
    if not wanted or wanted.get("pattern"):
        return effective
    pattern = default_pattern(wanted.get("type", ""), locales.of(book.locale))
    return {**effective, "numberFormat": {**wanted, "pattern": pattern}} if pattern else effective
