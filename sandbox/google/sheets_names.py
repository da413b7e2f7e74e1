"""Named ranges and developer metadata.

https://developers.google.com/workspace/sheets/api/guides/named-ranges and
https://developers.google.com/workspace/sheets/api/guides/metadata
"""

import re

from sandbox.google import field_mask
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.state import Anchor, GridRange, NamedRange, Spreadsheet
from sandbox.http.messages import JsonObject

_NAME = re.compile(r"[^\W\d]\w{0,249}")
_LIKE_A_CELL = re.compile(r"[A-Za-z]{1,3}\d+|[Rr]\d*[Cc]\d*|true|false", re.IGNORECASE)


def add_named_range(batch: Batch, request: JsonObject) -> JsonObject:
    body = request.get("namedRange", {})
    name, wanted_id = _checked_name(body.get("name", "")), body.get("namedRangeId", "")
    book = batch.spreadsheet
    if any(named.id == wanted_id for named in book.named_ranges):
        raise RequestError(f"Cannot add named range with id: {wanted_id}, a named range with that id already exists.")
    _check_free(book, name)
    named = NamedRange(wanted_id or str(book.fresh_id()), name, _checked_range(batch, body))
    book.named_ranges.append(named)
    return {"addNamedRange": {"namedRange": named_range_json(named)}}


def update_named_range(batch: Batch, request: JsonObject) -> JsonObject:
    body, mask = request.get("namedRange", {}), _mask(request)
    named = _find(batch.spreadsheet, body.get("namedRangeId", ""))
    if "name" in mask or "*" in mask:
        name = _checked_name(body.get("name", ""))
        if name.casefold() != named.name.casefold():
            _check_free(batch.spreadsheet, name)
        named.name = name
    if "range" in mask or "*" in mask:
        named.range = _checked_range(batch, body)
    return {}


def delete_named_range(batch: Batch, request: JsonObject) -> JsonObject:
    named = _find(batch.spreadsheet, request.get("namedRangeId", ""))
    batch.spreadsheet.named_ranges.remove(named)
    return {}


def named_range_json(named: NamedRange) -> JsonObject:
    where = {} if named.range is None else {"range": named.range.to_json()}
    return {"namedRangeId": named.id, "name": named.name, **where}


def _mask(request: JsonObject) -> field_mask.Mask:
    text = request.get("fields", "")
    if not text:
        raise RequestError("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    try:
        return field_mask.parse(text)
    except ValueError:
        raise RequestError(f"Invalid field mask: {text}") from None


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name) or _LIKE_A_CELL.fullmatch(name):
        raise RequestError(
            f"Invalid name: {name}. A name must start with a letter or underscore, must not look like a cell reference, "
            "and may hold letters, numbers and underscores only."
        )
    return name


def _check_free(book: Spreadsheet, name: str) -> None:
    if any(named.name.casefold() == name.casefold() for named in book.named_ranges):
        raise RequestError(f"Cannot add named range with name: {name}, a named range with that name already exists.")


def _checked_range(batch: Batch, body: JsonObject) -> GridRange:
    if "range" not in body:
        raise RequestError("A range must be specified.")
    batch.area(body["range"])
    return GridRange.from_json(body["range"])


def _find(book: Spreadsheet, wanted_id: str) -> NamedRange:
    for named in book.named_ranges:
        if named.id == wanted_id:
            return named
    raise RequestError(f"Cannot find named range with id: {wanted_id}")


def create_developer_metadata(batch: Batch, request: JsonObject) -> JsonObject:
    body = request.get("developerMetadata", {})
    location, book = body.get("location", {}), batch.spreadsheet
    if not body.get("metadataKey") or body.get("visibility") not in {"DOCUMENT", "PROJECT"}:
        raise RequestError("Developer metadata needs a metadataKey and a visibility of DOCUMENT or PROJECT.")
    anchor = Anchor(
        int(body.get("metadataId") or book.fresh_id()),
        body["metadataKey"],
        body.get("metadataValue", ""),
        body["visibility"],
    )
    if any(known.id == anchor.id for known in book.anchors):
        raise RequestError(f"Developer metadata with id {anchor.id} already exists.")
    if "dimensionRange" in location:
        _place(batch, anchor, location["dimensionRange"])
    elif "sheetId" in location:
        anchor.sheet_id = batch.tab(location["sheetId"]).sheet_id
    elif not location.get("spreadsheet"):
        raise RequestError("Developer metadata needs a location.")
    book.anchors.append(anchor)
    return {"createDeveloperMetadata": {"developerMetadata": anchor_json(anchor)}}


def delete_developer_metadata(batch: Batch, request: JsonObject) -> JsonObject:
    lookup = request.get("dataFilter", {}).get("developerMetadataLookup")
    if not lookup:
        raise RequestError("The sandbox deletes developer metadata by developerMetadataLookup only.")
    gone = [anchor for anchor in batch.spreadsheet.anchors if matches(anchor, lookup)]
    batch.spreadsheet.anchors = [anchor for anchor in batch.spreadsheet.anchors if anchor not in gone]
    return {"deleteDeveloperMetadata": {"deletedDeveloperMetadata": [anchor_json(anchor) for anchor in gone]}}


def _place(batch: Batch, anchor: Anchor, body: JsonObject) -> None:
    tab = batch.tab(body.get("sheetId"))
    start, end = int(body.get("startIndex", 0)), int(body.get("endIndex", 0))
    rows = body.get("dimension") == "ROWS"
    if end != start + 1 or not 0 <= start < (tab.row_count if rows else tab.column_count):
        raise RequestError("Developer metadata must be on exactly one row or column of the grid.")
    anchor.sheet_id = tab.sheet_id
    if rows:
        anchor.row = start
    else:
        anchor.column = start


def anchor_json(anchor: Anchor) -> JsonObject:
    line = anchor.row if anchor.row is not None else anchor.column
    if line is not None:
        dimension = "ROWS" if anchor.row is not None else "COLUMNS"
        where: JsonObject = {
            "locationType": dimension.removesuffix("S"),
            "dimensionRange": {
                "sheetId": anchor.sheet_id, "dimension": dimension, "startIndex": line, "endIndex": line + 1,
            },
        }  # fmt: skip
    elif anchor.sheet_id is not None:
        where = {"locationType": "SHEET", "sheetId": anchor.sheet_id}
    else:
        where = {"locationType": "SPREADSHEET", "spreadsheet": True}
    value = {"metadataValue": anchor.value} if anchor.value else {}
    return {"metadataId": anchor.id, "metadataKey": anchor.key, **value, "location": where,
            "visibility": anchor.visibility}  # fmt: skip


def matches(anchor: Anchor, lookup: JsonObject) -> bool:
    """Whether a DeveloperMetadataLookup finds the anchor; locations are matched by their type only."""
    wanted = {
        "metadataId": anchor.id,
        "metadataKey": anchor.key,
        "metadataValue": anchor.value,
        "visibility": anchor.visibility,
        "locationType": anchor_json(anchor)["location"]["locationType"],
    }
    return all(wanted[name] == value for name, value in lookup.items() if name in wanted)
