"""Cells merged and unmerged.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request#mergecellsrequest
"""

from sandbox.google.a1 import Span
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.state import Tab
from sandbox.http.messages import JsonObject

type Bounds = tuple[int, int, int, int]


def merge_cells(batch: Batch, request: JsonObject) -> JsonObject:
    """Merge a range as a whole, by columns or by rows; only the first cell of each merge keeps its content."""
    tab, (top, bottom, left, right) = batch.area(request.get("range", {}))
    _take_out_merges(tab, (top, bottom, left, right))
    match request.get("mergeType", "MERGE_ALL"):
        case "MERGE_COLUMNS":
            spans = [Span(top, bottom, column, column + 1) for column in range(left, right)]
        case "MERGE_ROWS":
            spans = [Span(row, row + 1, left, right) for row in range(top, bottom)]
        case _:
            spans = [Span(top, bottom, left, right)]
    for span in spans:
        _merge(tab, *tab.bounds(span))
    return {}


def unmerge_cells(batch: Batch, request: JsonObject) -> JsonObject:
    _take_out_merges(*batch.area(request.get("range", {})))
    return {}


def _merge(tab: Tab, top: int, bottom: int, left: int, right: int) -> None:
    if bottom - top == right - left == 1:
        return
    tab.merges.append(Span(top, bottom, left, right))
    for row in range(top, min(bottom, len(tab.rows))):
        for column in range(left, right):
            if (row, column) != (top, left):
                tab.put(row, column, tab.cell(row, column).cleared())


def _take_out_merges(tab: Tab, bounds: Bounds) -> None:
    """Remove the merges inside the range; one that lies there only in part refuses the request."""
    top, bottom, left, right = bounds
    kept = []
    for span in tab.merges:
        first_row, last_row, first_column, last_column = tab.bounds(span)
        if last_row <= top or bottom <= first_row or last_column <= left or right <= first_column:
            kept.append(span)
        elif not (top <= first_row and last_row <= bottom and left <= first_column and last_column <= right):
            raise RequestError("You must select all cells in a merged range to merge or unmerge them.")
    tab.merges = kept
