"""Tabs added, deleted and changed.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request#addsheetrequest
"""

from collections.abc import Sequence

from sandbox.google import field_mask
from sandbox.google.cells import Content, cell_of
from sandbox.google.schema import unknown_path
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.state import Spreadsheet, Tab
from sandbox.http.messages import JsonObject

_KNOWN = {
    "title",
    "index",
    "hidden",
    "gridProperties.rowCount",
    "gridProperties.columnCount",
    "gridProperties.frozenRowCount",
    "gridProperties.frozenColumnCount",
}


def add_sheet(batch: Batch, request: JsonObject) -> JsonObject:
    wanted, book = request.get("properties", {}), batch.spreadsheet
    if wanted.get("sheetType", "GRID") != "GRID":
        raise RequestError("The sandbox only has tabs of type GRID.")
    sheet_id = wanted.get("sheetId", book.fresh_id())
    if book.by_id(sheet_id) is not None:
        raise RequestError(f"A sheet with the id {sheet_id} already exists. Please use another id.")
    tab = Tab(sheet_id, _free_title(book, wanted.get("title", "")), hidden=bool(wanted.get("hidden")))
    grid = wanted.get("gridProperties", {})
    tab.row_count, tab.column_count = grid.get("rowCount", 1000), grid.get("columnCount", 26)
    tab.frozen_rows, tab.frozen_columns = grid.get("frozenRowCount", 0), grid.get("frozenColumnCount", 0)
    _check_grid(tab)
    book.tabs.insert(wanted.get("index", len(book.tabs)), tab)
    return {"addSheet": {"properties": tab_json(tab, book.tabs.index(tab))}}


def delete_sheet(batch: Batch, request: JsonObject) -> JsonObject:
    tab, book = batch.tab(request.get("sheetId")), batch.spreadsheet
    if not any(not other.hidden for other in book.tabs if other is not tab):
        raise RequestError("You can't remove all the visible sheets in a document.")
    book.tabs.remove(tab)
    book.named_ranges = [named for named in book.named_ranges
                         if named.range is None or named.range.sheet_id != tab.sheet_id]  # fmt: skip
    book.anchors = [anchor for anchor in book.anchors if anchor.sheet_id != tab.sheet_id]
    return {}


def update_sheet_properties(batch: Batch, request: JsonObject) -> JsonObject:
    wanted, book = request.get("properties", {}), batch.spreadsheet
    tab, grid = batch.tab(wanted.get("sheetId")), wanted.get("gridProperties", {})
    paths = _paths(request.get("fields", ""))
    if "title" in paths and wanted.get("title", "") != tab.title:
        tab.title = _free_title(book, wanted.get("title", ""), needed=True)
    if "hidden" in paths:
        tab.hidden = bool(wanted.get("hidden"))
    if "index" in paths:
        book.tabs.remove(tab)
        book.tabs.insert(wanted.get("index", 0), tab)
    if "gridProperties.rowCount" in paths:
        tab.row_count = grid.get("rowCount", 0)
        del tab.rows[max(tab.row_count, 0) :]
    if "gridProperties.columnCount" in paths:
        tab.column_count = grid.get("columnCount", 0)
        for row in tab.rows:
            del row[max(tab.column_count, 0) :]
    if "gridProperties.frozenRowCount" in paths:
        tab.frozen_rows = grid.get("frozenRowCount", 0)
    if "gridProperties.frozenColumnCount" in paths:
        tab.frozen_columns = grid.get("frozenColumnCount", 0)
    _check_grid(tab)
    if all(other.hidden for other in book.tabs):
        raise RequestError("You can't hide all the sheets in a document.")
    return {}


def filled(sheet_id: int, title: str, rows: Sequence[Sequence[Content]]) -> Tab:
    """A tab with these rows, at least as large as Sheets makes one."""
    cells = [[cell_of(content) for content in row] for row in rows]
    widest = max((len(row) for row in cells), default=0)
    return Tab(sheet_id, title, cells, max(1000, len(cells)), max(26, widest))


def tab_json(tab: Tab, index: int) -> JsonObject:
    """SheetProperties; what is false or zero by default is left out, as Google leaves it out."""
    grid = {"rowCount": tab.row_count, "columnCount": tab.column_count}
    if tab.frozen_rows:
        grid["frozenRowCount"] = tab.frozen_rows
    if tab.frozen_columns:
        grid["frozenColumnCount"] = tab.frozen_columns
    properties = {"sheetId": tab.sheet_id, "title": tab.title, "index": index, "sheetType": "GRID",
                  "gridProperties": grid}  # fmt: skip
    return {**properties, "hidden": True} if tab.hidden else properties


def _paths(fields: str) -> set[str]:
    if not fields:
        raise RequestError("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    try:
        mask = field_mask.parse(fields)
    except ValueError:
        raise RequestError(f"Invalid field mask: {fields}") from None
    unknown = unknown_path(mask, "sheets.v4", "SheetProperties")
    if unknown:
        raise RequestError(f"Invalid field: {unknown}")
    paths = set(field_mask.paths(mask))
    if "*" in paths:
        return set(_KNOWN)
    if "gridProperties" in paths:
        paths = paths - {"gridProperties"} | {path for path in _KNOWN if path.startswith("gridProperties.")}
    unsupported = paths - _KNOWN - {"sheetId"}
    if unsupported:
        raise RequestError(f"The sandbox does not know how to change {', '.join(sorted(unsupported))} of a tab.")
    return paths


def _free_title(book: Spreadsheet, title: str, *, needed: bool = False) -> str:
    if not title and not needed:
        title = f"Sheet{len(book.tabs) + 1}"
    if not title or len(title) > 100:
        raise RequestError("A sheet's title must have 1 to 100 characters.")
    if any(tab.title.casefold() == title.casefold() for tab in book.tabs):
        raise RequestError(f'A sheet with the name "{title}" already exists. Please enter another name.')
    return title


def _check_grid(tab: Tab) -> None:
    if tab.row_count < 1 or tab.column_count < 1:
        raise RequestError("A sheet must have at least one row and one column.")
    if tab.frozen_rows >= tab.row_count or tab.frozen_columns >= tab.column_count:
        raise RequestError("You can't freeze all the rows or columns of a sheet.")
