"""The Drive API v3, as far as finding files goes.

https://developers.google.com/workspace/drive/api/reference/rest/v3/files
"""

import base64
import binascii
import datetime as dt
import hashlib
import json
from collections.abc import Callable

from sandbox.google import drive_query, field_mask
from sandbox.google.errors import drive_invalid, drive_reply, file_not_found
from sandbox.google.field_mask import Mask
from sandbox.google.google import Google
from sandbox.google.oauth_routes import signed_in
from sandbox.google.schema import unknown_path
from sandbox.google.state import FOLDER, DriveFile, GoogleState
from sandbox.http.messages import Call, JsonObject, Refusal, Reply
from sandbox.http.operations import Operations

drive = Operations(authenticate=signed_in)

_FILE_FIELDS: Mask = {name: {} for name in ("kind", "id", "name", "mimeType")}
_LIST_FIELDS: Mask = {"kind": {}, "incompleteSearch": {}, "nextPageToken": {}, "files": _FILE_FIELDS}
_ORDERS: dict[str, Callable[[DriveFile], str | float | bool]] = {
    "createdTime": lambda file: file.created_at,
    "folder": lambda file: file.mime_type != FOLDER,
    "modifiedTime": lambda file: file.modified_at,
    "name": lambda file: file.name.casefold(),
    "name_natural": lambda file: file.name.casefold(),
    "recency": lambda file: file.modified_at,
}


@drive("drive.files.list", "GET", "/drive/v3/files")
def files_list(google: Google, call: Call) -> Reply:
    state = google.state
    mask = _mask(call, "FileList") or _LIST_FIELDS
    in_view = _view(state, call)
    query = _query(call)
    for folder in query.parents:
        if folder != "root" and folder not in state.drives and not _exists(state, folder):
            raise file_not_found("")  # Drive does not say which one, cf. ivanvermeyen/laravel-google-drive-demo#49
    found = [file for file in state.files.values() if in_view(file) and query.matches(file)]
    start, size = _page_start(call), _page_size(call)
    page = _ordered(found, call)[start : start + size]
    answer: JsonObject = {"kind": "drive#fileList"}
    if start + size < len(found):
        answer["nextPageToken"] = _page_token(call, start + size)
    answer["incompleteSearch"] = state.incomplete_search and call.one("corpora") == "allDrives"
    answer["files"] = [file_json(state, file, google.base_url) for file in page]
    return Reply(200, field_mask.cut(answer, mask))


@drive("drive.files.get", "GET", "/drive/v3/files/{fileId}")
def files_get(google: Google, call: Call) -> Reply:
    state, wanted = google.state, call.params["fileId"]
    mask = _mask(call, "File") or _FILE_FIELDS
    file = state.files.get(wanted)
    if file is None or not file.visible or (file.drive_id and not _all_drives(call)):
        raise file_not_found(wanted)
    return Reply(200, field_mask.cut(file_json(state, file, google.base_url), mask))


def file_json(state: GoogleState, file: DriveFile, base_url: str) -> JsonObject:
    """The whole file resource, before `fields` cuts it down."""
    body: JsonObject = {
        "kind": "drive#file",
        "id": file.id,
        "name": file.name,
        "mimeType": file.mime_type,
        "starred": False,
        "trashed": file.trashed,
        "explicitlyTrashed": file.trashed,
        "spaces": ["drive"],
        "version": str(file.version),
        "createdTime": _rfc3339(file.created_at),
        "modifiedTime": _rfc3339(file.modified_at),
        "webViewLink": f"{base_url}/spreadsheets/{file.id}",
        "capabilities": {"canEdit": file.editable, "canRename": file.editable, "canTrash": False},
    }
    if file.parent:
        body["parents"] = [file.parent]
    if file.drive_id:
        body |= {"driveId": file.drive_id, "teamDriveId": file.drive_id}
    if file.target_id:
        target = state.files.get(file.target_id)
        kind = target.mime_type if target else "application/vnd.google-apps.unknown"
        body["shortcutDetails"] = {"targetId": file.target_id, "targetMimeType": kind}
    return body


def _exists(state: GoogleState, file_id: str) -> bool:
    file = state.files.get(file_id)
    return file is not None and file.visible


def _all_drives(call: Call) -> bool:
    return call.flag("supportsAllDrives") or call.flag("supportsTeamDrives")


def _view(state: GoogleState, call: Call) -> Callable[[DriveFile], bool]:
    """Which files the call may see at all: shared drives only for those who say they know of them."""
    corpora, drive_id = call.one("corpora") or "user", call.one("driveId")
    if corpora not in {"user", "domain", "drive", "allDrives"}:
        raise drive_invalid("Invalid Value", "corpora")
    if (corpora == "drive") != bool(drive_id):
        raise drive_invalid("The driveId must be specified if and only if corpora is set to drive.", "driveId")
    everywhere = call.flag("includeItemsFromAllDrives") or call.flag("includeTeamDriveItems")
    if everywhere and not _all_drives(call):
        text = "The supportsAllDrives parameter must be set to true when includeItemsFromAllDrives is true."
        raise Refusal(drive_reply(403, text, "teamDrivesParameterRequired", "supportsAllDrives"))
    if corpora in {"drive", "allDrives"} and not everywhere:
        text = f"The includeItemsFromAllDrives parameter must be set to true when corpora is set to {corpora}."
        raise Refusal(drive_reply(403, text, "teamDriveIncludeItemsRequired", "includeItemsFromAllDrives"))
    if drive_id and drive_id not in state.drives:
        raise Refusal(drive_reply(404, f"Shared drive not found: {drive_id}", "notFound", "driveId"))
    return lambda file: file.visible and (file.drive_id == drive_id if drive_id else everywhere or not file.drive_id)


def _query(call: Call) -> drive_query.Query:
    try:
        return drive_query.parse(call.one("q"))
    except drive_query.QueryError:
        raise drive_invalid("Invalid Value", "q") from None


def _mask(call: Call, schema: str) -> Mask:
    text = call.one("fields")
    if not text:
        return {}
    try:
        mask = field_mask.parse(text)
    except ValueError:
        raise drive_invalid(f"Invalid field selection {text}", "fields", "invalidParameter") from None
    unknown = unknown_path(mask, "drive.v3", schema)
    if unknown:
        raise drive_invalid(f"Invalid field selection {unknown.rpartition('.')[2]}", "fields", "invalidParameter")
    return {"*": {}} if "*" in mask else mask


def _ordered(files: list[DriveFile], call: Call) -> list[DriveFile]:
    files = sorted(files, key=lambda file: file.modified_at, reverse=True)
    for key in reversed(call.one("orderBy").split(",")):
        name, *rest = key.split() or [""]
        if not name:
            continue
        if name not in _ORDERS or rest not in ([], ["desc"], ["asc"]):
            raise drive_invalid(f"Invalid value '{key.strip()}' for orderBy", "orderBy")
        files.sort(key=_ORDERS[name], reverse=rest == ["desc"])
    return files


def _page_size(call: Call) -> int:
    text = call.one("pageSize", "100")
    if not text.isdecimal() or not 1 <= int(text) <= 1000:
        message = f"Invalid value '{text}'. Values must be within the range: [1, 1000]"
        raise drive_invalid(message, "pageSize", "invalidParameter")
    return int(text)


def _asked(call: Call) -> str:
    """What must stay the same from page to page."""
    names = ("q", "corpora", "driveId", "orderBy", "includeItemsFromAllDrives")
    return hashlib.sha256(repr([call.one(name) for name in names]).encode()).hexdigest()[:16]


def _page_token(call: Call, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, _asked(call)]).encode()).decode()


def _page_start(call: Call) -> int:
    text = call.one("pageToken")
    if not text:
        return 0
    try:
        start, asked = json.loads(base64.urlsafe_b64decode(text))
    except (ValueError, binascii.Error):
        raise drive_invalid("Invalid Value", "pageToken") from None
    if asked != _asked(call) or not isinstance(start, int):
        raise drive_invalid("Invalid Value", "pageToken")
    return start


def _rfc3339(moment: float) -> str:
    return dt.datetime.fromtimestamp(moment, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
