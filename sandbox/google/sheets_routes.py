"""The Sheets API v4.

https://developers.google.com/workspace/sheets/api/reference/rest
"""

from typing import Literal

from sandbox.google import field_mask
from sandbox.google.errors import forbidden, invalid, not_found, office_file
from sandbox.google.google import Google
from sandbox.google.oauth_routes import signed_in
from sandbox.google.schema import check_query, read_body, read_mask
from sandbox.google.sheets_metadata import spreadsheet_json
from sandbox.google.sheets_names import anchor_json, matches
from sandbox.google.sheets_requests import carried_out
from sandbox.google.sheets_values import Rendering, Writer, clear, read, resolve
from sandbox.google.state import OFFICE_TYPES, Spreadsheet
from sandbox.http.messages import Call, JsonObject, Reply
from sandbox.http.operations import Operations

sheets = Operations(authenticate=signed_in)

_BOOK = "/v4/spreadsheets/{spreadsheetId}"


@sheets("sheets.spreadsheets.get", "GET", _BOOK)
def spreadsheets_get(google: Google, call: Call) -> Reply:
    book = _open(google, call, "read")
    mask = read_mask(call.one("fields"), "Spreadsheet")
    grid, ranges = call.flag("includeGridData"), call.many("ranges")
    return Reply(200, spreadsheet_json(book, google.base_url, mask, ranges=ranges, grid=grid, by=call.caller))


@sheets("sheets.spreadsheets.batchUpdate", "POST", f"{_BOOK}:batchUpdate")
def spreadsheets_batch_update(google: Google, call: Call) -> Reply:
    body = read_body(call, "BatchUpdateSpreadsheetRequest")
    book = _open(google, call, "write")
    mask = read_mask(call.one("fields"), "BatchUpdateSpreadsheetResponse")
    changed, replies = carried_out(book, body.get("requests", []), google.today(book), call.caller)
    answer: JsonObject = {"spreadsheetId": book.id, "replies": replies}
    if body.get("includeSpreadsheetInResponse") and field_mask.wants(mask, "updatedSpreadsheet"):
        grid, ranges = bool(body.get("responseIncludeGridData")), body.get("responseRanges", [])
        inner = (mask.get("updatedSpreadsheet") or {"*": {}}) if mask else {}
        answer["updatedSpreadsheet"] = spreadsheet_json(
            changed, google.base_url, inner, ranges=ranges, grid=grid, by=call.caller
        )
    _keep(google, changed)
    return Reply(200, field_mask.cut(answer, mask))


@sheets("sheets.spreadsheets.values.batchGet", "GET", f"{_BOOK}/values:batchGet")
def values_batch_get(google: Google, call: Call) -> Reply:
    book = _open(google, call, "read")
    mask, rendering = read_mask(call.one("fields"), "BatchGetValuesResponse"), _rendering(call)
    found = [read(book, resolve(book, text), rendering) for text in call.many("ranges")]
    answer: JsonObject = {"spreadsheetId": book.id, **({"valueRanges": found} if found else {})}
    return Reply(200, field_mask.cut(answer, mask))


@sheets("sheets.spreadsheets.values.batchUpdate", "POST", f"{_BOOK}/values:batchUpdate")
def values_batch_update(google: Google, call: Call) -> Reply:
    body = read_body(call, "BatchUpdateValuesRequest")
    book = _open(google, call, "write")
    mask = read_mask(call.one("fields"), "BatchUpdateValuesResponse")
    writer = Writer(book, body.get("valueInputOption", ""), google.today(book), call.caller)
    responses = [
        writer.write(_agreed_range("", data, f"Invalid data[{place}]: "), data, f"Invalid data[{place}]: ")
        for place, data in enumerate(body.get("data", []))
    ]
    if body.get("includeValuesInResponse"):
        value, moment = body.get("responseValueRenderOption", ""), body.get("responseDateTimeRenderOption", "")
        _add_values(writer, responses, value, moment)
    _keep(google, writer.book)
    totals = {
        name: sum(response.get(f"updated{name}", 0) for response in responses) for name in ("Rows", "Columns", "Cells")
    }
    totals["Sheets"] = len({area.tab.sheet_id for area in writer.areas})
    kept = {f"totalUpdated{name}": total for name, total in totals.items() if total}
    return Reply(200, field_mask.cut({"spreadsheetId": book.id, **kept, "responses": responses}, mask))


@sheets("sheets.spreadsheets.values.clear", "POST", f"{_BOOK}/values/{{range:path}}:clear")
def values_clear(google: Google, call: Call) -> Reply:
    read_body(call, "ClearValuesRequest")
    book = _open(google, call, "write")
    mask = read_mask(call.one("fields"), "ClearValuesResponse")
    area = resolve(book, call.params["range"])
    _keep(google, clear(book, area, call.caller))
    return Reply(200, field_mask.cut({"spreadsheetId": book.id, "clearedRange": area.text}, mask))


@sheets("sheets.spreadsheets.values.get", "GET", f"{_BOOK}/values/{{range:path}}")
def values_get(google: Google, call: Call) -> Reply:
    book = _open(google, call, "read")
    mask, rendering = read_mask(call.one("fields"), "ValueRange"), _rendering(call)
    return Reply(200, field_mask.cut(read(book, resolve(book, call.params["range"]), rendering), mask))


@sheets("sheets.spreadsheets.values.update", "PUT", f"{_BOOK}/values/{{range:path}}")
def values_update(google: Google, call: Call) -> Reply:
    body = read_body(call, "ValueRange")
    book = _open(google, call, "write")
    mask = read_mask(call.one("fields"), "UpdateValuesResponse")
    writer = Writer(book, call.one("valueInputOption"), google.today(book), call.caller)
    answer = writer.write(_agreed_range(call.params["range"], body, ""), body)
    if call.flag("includeValuesInResponse"):
        _add_values(writer, [answer], call.one("responseValueRenderOption"), call.one("responseDateTimeRenderOption"))
    _keep(google, writer.book)
    return Reply(200, field_mask.cut(answer, mask))


@sheets("sheets.spreadsheets.developerMetadata.search", "POST", f"{_BOOK}/developerMetadata:search")
def developer_metadata_search(google: Google, call: Call) -> Reply:
    body = read_body(call, "SearchDeveloperMetadataRequest")
    book = _open(google, call, "write")
    matched: list[JsonObject] = []
    for wanted in body.get("dataFilters", []):
        lookup = wanted.get("developerMetadataLookup")
        if lookup is None:
            raise invalid("The sandbox searches developer metadata by developerMetadataLookup only.")
        matched += [
            {"developerMetadata": anchor_json(anchor), "dataFilters": [wanted]}
            for anchor in book.anchors
            if matches(anchor, lookup)
        ]
    mask = read_mask(call.one("fields"), "SearchDeveloperMetadataResponse")
    return Reply(200, field_mask.cut({"matchedDeveloperMetadata": matched} if matched else {}, mask))


def _open(google: Google, call: Call, need: Literal["read", "write"]) -> Spreadsheet:
    """The spreadsheet the call is about, if it exists and we may do what the call does."""
    check_query(call, call.operation)
    state, wanted = google.state, call.params["spreadsheetId"]
    file = state.files.get(wanted)
    if file is not None and file.visible and file.mime_type in OFFICE_TYPES:
        raise office_file()
    book = state.spreadsheets.get(wanted)
    if book is None:
        raise not_found()
    if book.access == "none" or (need == "write" and book.access == "read"):
        raise forbidden()
    return book


def _keep(google: Google, book: Spreadsheet) -> None:
    google.state.spreadsheets[book.id] = book
    google.touch(book.id)


def _rendering(call: Call) -> Rendering:
    return Rendering(
        call.one("valueRenderOption") or "FORMATTED_VALUE",
        call.one("dateTimeRenderOption") or "SERIAL_NUMBER",
        call.one("majorDimension") == "COLUMNS",
    )


def _agreed_range(path_range: str, body: JsonObject, prefix: str) -> str:
    """The range to write: a body may repeat the one in the path, and must not name another."""
    named: str = body.get("range", "")
    if path_range and named and path_range != named:
        raise invalid(f"{prefix}Requested writing within range [{path_range}], but the body names [{named}]")
    if not path_range and not named:
        raise invalid(f"{prefix}Unable to parse range: ")
    return path_range or named


def _add_values(writer: Writer, responses: list[JsonObject], value: str, moment: str) -> None:
    """Put what the written cells hold now into each response."""
    rendering = Rendering(value or "FORMATTED_VALUE", moment or "SERIAL_NUMBER")
    for area, response in zip(writer.areas, responses, strict=True):
        response["updatedData"] = read(writer.book, area, rendering)
