"""Protected ranges: who may write where.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/sheets#ProtectedRange
"""

from collections.abc import Iterable, Iterator

from sandbox.google import field_mask
from sandbox.google.a1 import Span
from sandbox.google.cells import Cell
from sandbox.google.schema import unknown_path
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.state import GridRange, Protection, Spreadsheet, Tab
from sandbox.http.messages import JsonObject

REFUSED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove protection if "
    "you need to edit."
)
_KNOWN = {"range", "description", "warningOnly", "editors", "unprotectedRanges"}


def add_protected_range(batch: Batch, request: JsonObject) -> JsonObject:
    body, book = request.get("protectedRange", {}), batch.spreadsheet
    wanted = body.get("protectedRangeId")
    if any(one.id == wanted for tab in book.tabs for one in tab.protections):
        raise RequestError(f"A protected range with id {wanted} already exists.")
    tab, _ = batch.area(body.get("range", {}))
    made = Protection(int(wanted or book.fresh_id()), Span())
    _write(batch, made, tab, body, {*_KNOWN})
    if batch.by and not made.warning_only and batch.by not in made.editors:
        made.editors.append(batch.by)
    tab.protections.append(made)
    return {"addProtectedRange": {"protectedRange": protection_json(tab, made, batch.by)}}


def update_protected_range(batch: Batch, request: JsonObject) -> JsonObject:
    body, fields = request.get("protectedRange", {}), request.get("fields", "")
    tab, found = _find(batch, body.get("protectedRangeId"))
    try:
        mask = field_mask.parse(fields)
    except ValueError:
        raise RequestError(f"Invalid field mask: {fields}") from None
    if not mask:
        raise RequestError("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    if unknown := unknown_path(mask, "sheets.v4", "ProtectedRange"):
        raise RequestError(f"Invalid field: {unknown}")
    _check_allowed(batch, found)
    _write(batch, found, tab, body, _KNOWN if "*" in mask else set(mask) & _KNOWN)
    return {}


def delete_protected_range(batch: Batch, request: JsonObject) -> JsonObject:
    tab, found = _find(batch, request.get("protectedRangeId"))
    _check_allowed(batch, found)
    tab.protections.remove(found)
    return {}


def protection_json(tab: Tab, one: Protection, by: str) -> JsonObject:
    """The range as whoever is called `by` sees it; somebody without a name may do everything."""
    may = allows(one, by)
    more: JsonObject = {"editors": {"users": one.editors}} if may and one.editors else {}
    more |= {"requestingUserCanEdit": True} if may else {}
    more |= {"warningOnly": True} if one.warning_only else {}
    more |= {"description": one.description} if one.description else {}
    if one.unprotected:
        more["unprotectedRanges"] = [GridRange(tab.sheet_id, span).to_json() for span in one.unprotected]
    return {"protectedRangeId": one.id, "range": GridRange(tab.sheet_id, one.span).to_json(), **more}


def allows(one: Protection, by: str) -> bool:
    return not by or one.warning_only or by in one.editors


def protected_cells(book: Spreadsheet, by: str) -> dict[tuple[int, int, int], Cell]:
    """What stands where `by` may not write: tab, row and column -> the cell."""
    return {
        (tab.sheet_id, row, column): tab.cell(row, column)
        for tab in book.tabs
        for row, column in dict.fromkeys(
            place for one in tab.protections if not allows(one, by) for place in _in(tab, one)
        )
    }


def check_lines(tab: Tab, by: str, *, rows: bool, start: int, end: int, insert: bool) -> None:
    """Refuse to take rows or columns out of a protected range, or to put some inside of it."""
    for one in tab.protections:
        top, bottom, left, right = tab.bounds(one.span)
        first, last = (top, bottom) if rows else (left, right)
        hit = first < start < last if insert else first < end and start < last
        if hit and not allows(one, by):
            raise RequestError(REFUSED)


def _in(tab: Tab, one: Protection) -> Iterator[tuple[int, int]]:
    top, bottom, left, right = tab.bounds(one.span)
    free = [tab.bounds(span) for span in one.unprotected]
    for row in range(top, bottom):
        for column in range(left, right):
            if not any(a <= row < b and c <= column < d for a, b, c, d in free):
                yield row, column


def _find(batch: Batch, wanted: int | None) -> tuple[Tab, Protection]:
    for tab in batch.spreadsheet.tabs:
        for one in tab.protections:
            if one.id == wanted:
                return tab, one
    raise RequestError(f"No protected range with id: {wanted}")


def _check_allowed(batch: Batch, one: Protection) -> None:
    if not allows(one, batch.by):
        raise RequestError(REFUSED)


def _write(batch: Batch, one: Protection, tab: Tab, body: JsonObject, names: Iterable[str]) -> None:
    if {"namedRangeId", "tableId"} & body.keys():
        raise RequestError("The sandbox protects ranges by range only.")
    if body.get("warningOnly") and body.get("editors"):
        raise RequestError("Editors are not supported with warning_only protection.")
    for name in names:
        match name:
            case "range":
                home, _ = batch.area(body.get("range", {}))
                if home is not tab:
                    raise RequestError("A protected range cannot be moved to another sheet.")
                one.span = GridRange.from_json(body["range"]).span
            case "description":
                one.description = body.get("description", "")
            case "warningOnly":
                one.warning_only = bool(body.get("warningOnly"))
            case "editors":
                one.editors = list(body.get("editors", {}).get("users", []))
            case "unprotectedRanges":
                one.unprotected = [GridRange.from_json(each).span for each in body.get("unprotectedRanges", [])]
    if one.unprotected and one.span != Span():
        raise RequestError("Unprotected ranges are only supported on protected sheets.")
