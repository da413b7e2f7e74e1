"""`spreadsheets.batchUpdate`: the requests of a batch, in order, all of them or none.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate
"""

import datetime as dt
from collections.abc import Callable

from sandbox.google import (
    sheets_cells,
    sheets_dimensions,
    sheets_find,
    sheets_merges,
    sheets_names,
    sheets_protection,
    sheets_tabs,
)
from sandbox.google.errors import bad_request, invalid
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.state import Spreadsheet
from sandbox.http.messages import JsonObject

KINDS: dict[str, Callable[[Batch, JsonObject], JsonObject]] = {
    "addNamedRange": sheets_names.add_named_range,
    "addProtectedRange": sheets_protection.add_protected_range,
    "addSheet": sheets_tabs.add_sheet,
    "appendDimension": sheets_dimensions.append_dimension,
    "copyPaste": sheets_cells.copy_paste,
    "createDeveloperMetadata": sheets_names.create_developer_metadata,
    "cutPaste": sheets_cells.cut_paste,
    "deleteDeveloperMetadata": sheets_names.delete_developer_metadata,
    "deleteDimension": sheets_dimensions.delete_dimension,
    "deleteNamedRange": sheets_names.delete_named_range,
    "deleteProtectedRange": sheets_protection.delete_protected_range,
    "deleteSheet": sheets_tabs.delete_sheet,
    "findReplace": sheets_find.find_replace,
    "insertDimension": sheets_dimensions.insert_dimension,
    "mergeCells": sheets_merges.merge_cells,
    "moveDimension": sheets_dimensions.move_dimension,
    "repeatCell": sheets_cells.repeat_cell,
    "sortRange": sheets_cells.sort_range,
    "unmergeCells": sheets_merges.unmerge_cells,
    "updateCells": sheets_cells.update_cells,
    "updateDimensionProperties": sheets_dimensions.update_dimension_properties,
    "updateNamedRange": sheets_names.update_named_range,
    "updateProtectedRange": sheets_protection.update_protected_range,
    "updateSheetProperties": sheets_tabs.update_sheet_properties,
}


def carried_out(
    spreadsheet: Spreadsheet, requests: list[JsonObject], today: dt.date, by: str = ""
) -> tuple[Spreadsheet, list[JsonObject]]:
    """
    The spreadsheet after all requests, and their replies in the same order.

    The given spreadsheet stays as it is, so that nothing has happened when a request is refused.
    """
    batch = Batch(spreadsheet.copy(), today, by)
    if not requests:
        raise invalid("Must specify at least one request.")
    replies = []
    for place, request in enumerate(requests):
        kind = _kind(request, place)
        if kind != "findReplace":
            batch.rows_by_text.clear()
        try:
            replies.append(_carry_out(batch, kind, request[kind]))
        except RequestError as error:
            raise invalid(f"Invalid requests[{place}].{kind}: {error}") from error
    return batch.spreadsheet, replies


def _carry_out(batch: Batch, kind: str, request: JsonObject) -> JsonObject:
    """One request, which must not change a cell that is protected from who sends it; dimensions see to that themselves."""
    moves = kind in _MOVES
    before = {} if moves else sheets_protection.protected_cells(batch.spreadsheet, batch.by)
    reply = KINDS[kind](batch, request)
    tabs = {tab.sheet_id: tab for tab in batch.spreadsheet.tabs}
    for (sheet_id, row, column), cell in before.items():
        if sheet_id in tabs and tabs[sheet_id].cell(row, column) != cell:
            raise RequestError(sheets_protection.REFUSED)
    return reply


_MOVES = {"insertDimension", "deleteDimension", "moveDimension"}


def _kind(request: JsonObject, place: int) -> str:
    kinds = list(request)
    if not kinds:
        raise invalid(f"Invalid requests[{place}]: No request set.")
    if len(kinds) > 1:
        text = (
            f"Invalid value at 'requests[{place}]' (oneof), oneof field 'kind' is already set. Cannot set '{kinds[1]}'"
        )
        raise bad_request([(f"requests[{place}]", text)])
    if kinds[0] not in KINDS:
        raise invalid(
            f"Invalid requests[{place}].{kinds[0]}: the sandbox does not know this kind of request. "
            f"It knows {', '.join(sorted(KINDS))}."
        )
    return kinds[0]
