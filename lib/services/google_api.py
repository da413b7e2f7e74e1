"""Google Sheets and Drive: endpoints, retries, errors. With `google_token` and `jira_api` the only places that speak HTTP.

One object serves many threads: requests are built from shared, read-only resources, and each thread sends through an
AuthorizedHttp of its own (https://googleapis.github.io/google-api-python-client/docs/thread_safety.html).

httplib2 sends a request again by itself when a kept connection was closed without an answer, whatever the method. Every
write here is therefore one that may be applied twice: values down a named range, find and replace of a text that stands there
once, a named range whose id may exist only once.
"""

import datetime as dt
import json
import ssl
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httplib2
from google.auth.exceptions import GoogleAuthError
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from lib.clock import parse_http_date
from lib.errors import (
    ConflictError,
    CredentialsError,
    FixInputError,
    TooManyRequestsError,
    TryLaterError,
    UncertainWriteError,
    WorkflowError,
)
from lib.messages import say
from lib.services import a1, api_calls, google_token, rate_limits, retry, tab_cells
from lib.services.models import OFFICE, Area, CellValue, DriveFile, Place, Protected, Spreadsheet, Tab
from lib.services.rate_limits import RateLimit

SERVICE = api_calls.GOOGLE
TIMEOUT_S = 180  # Google ends a request itself after this time
SPREADSHEET = "application/vnd.google-apps.spreadsheet"
SHORTCUT = "application/vnd.google-apps.shortcut"

_NOBODY_ANSWERED = frozenset({408, 425, 499})  # a time ran out, or somebody on the way gave up
_RATE_REASONS = frozenset({"userRateLimitExceeded", "rateLimitExceeded"})
_TOMORROW = "run it again tomorrow, or ask for a higher quota in the Google Cloud project"
# Reasons of a 403 that sharing does not mend (https://developers.google.com/workspace/drive/api/guides/handle-errors).
_FORBIDDEN = {
    "dailyLimitExceeded": f"the daily limit of the Google Cloud project is used up; {_TOMORROW}",
    "dailyLimitExceededUnreg": f"the daily limit without a Google Cloud project is used up; {_TOMORROW}",
    "domainPolicy": "the Workspace's rules forbid apps to use Drive; ask its administrator to allow ours",
    "downloadQuotaExceeded": "the file was downloaded too often today; run it again tomorrow, or use a copy of the file",
    "quotaExceeded": f"the quota of the Google Cloud project is used up; {_TOMORROW}",
}
_BOOK = (
    "spreadsheetId,spreadsheetUrl,properties(title,locale,timeZone),"
    "namedRanges(namedRangeId,name,range(startRowIndex,startColumnIndex))"
)
_SHEET = "properties(sheetId,title,index,hidden,sheetType,gridProperties(rowCount,columnCount)),merges,"
_SHEET += "protectedRanges(range,unprotectedRanges,requestingUserCanEdit,warningOnly)"
_METADATA = f"{_BOOK},sheets({_SHEET})"
_WITH_TEXTS = f"{_BOOK},sheets({_SHEET},data({tab_cells.TEXTS}))"
_WITH_CELLS = f"{_BOOK},sheets({_SHEET},data({tab_cells.FIELDS}))"
_FILES = "nextPageToken,incompleteSearch,files(id,name,mimeType,parents,version,shortcutDetails)"

_MOST, _MOST_ROWS = 18_278, 10_000_000  # columns and rows that a sheet may have at most

type NoAnswer = Callable[[str, str], WorkflowError]


class GoogleApi:
    """
    Sheets v4 and Drive v3 with one set of credentials.

    Args:
        credentials: Of google-auth; refreshed when needed.
        endpoint: Base URL for development, such as http://127.0.0.1:8089; empty for Google's own.
        timeout_s: For one answer.
        sleep: What waits between attempts, in seconds.
    """

    def __init__(
        self,
        credentials: Any,
        *,
        endpoint: str = "",
        timeout_s: float = TIMEOUT_S,
        sleep: retry.Sleep = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._endpoint = endpoint.rstrip("/")
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._local = threading.local()
        self._lock = threading.Lock()
        self._resources: tuple[Any, Any, Any] | None = None
        self._opened: list[Any] = []

    def close(self) -> None:
        """Close the connections of all threads; the next request opens new ones."""
        with self._lock:
            self._local = threading.local()
            opened, self._opened = self._opened, []
        for http in opened:
            http.close()

    # --- Reading ------------------------------------------------------------------------------------------------------

    def read_spreadsheet(self, spreadsheet_id: str) -> Spreadsheet:
        """
        What the spreadsheet is: title, locale, tabs, merged cells, named ranges.

        Source: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/get
        """
        spreadsheets, _, _ = self._service()
        request = spreadsheets.get(spreadsheetId=spreadsheet_id, fields=_METADATA)
        return self._spreadsheet(spreadsheet_id, *self._dated(self._read, request, spreadsheet_id))

    def read_texts(self, spreadsheet_id: str) -> Spreadsheet:
        """The same, with what the cells of all tabs show: `values` and `texts` alike, and nothing else of the cells."""
        spreadsheets, _, _ = self._service()
        request = spreadsheets.get(spreadsheetId=spreadsheet_id, fields=_WITH_TEXTS)
        return self._spreadsheet(spreadsheet_id, *self._dated(self._read, request, spreadsheet_id))

    def read_tab(self, spreadsheet_id: str, tab: str) -> Spreadsheet:
        """
        The same of one tab alone, by its title, with all of its cells: everything as it was at one moment.

        Raises:
            ConflictError: There is no tab of that title (any more).
        """
        spreadsheets, _, _ = self._service()
        request = spreadsheets.get(spreadsheetId=spreadsheet_id, ranges=[a1.quoted(tab)], fields=_WITH_CELLS)
        return self._spreadsheet(spreadsheet_id, *self._dated(self._read, request, spreadsheet_id))

    def _spreadsheet(self, spreadsheet_id: str, answer: Mapping[str, Any], read_at: dt.datetime | None) -> Spreadsheet:
        url = answer.get("spreadsheetUrl", f"https://docs.google.com/spreadsheets/d/{spreadsheet_id}/edit")
        named = answer.get("namedRanges", [])
        properties = answer.get("properties", {})
        sheets = [sheet for sheet in answer.get("sheets", []) if _is_grid(sheet)]
        return Spreadsheet(
            id=spreadsheet_id,
            title=properties.get("title", ""),
            url=url,
            locale=properties.get("locale", "id_ID"),
            time_zone=properties.get("timeZone", "Asia/Jakarta"),
            tabs=[_tab(sheet, url) for sheet in sorted(sheets, key=lambda sheet: sheet["properties"].get("index", 0))],
            named_ranges={each["namedRangeId"]: each.get("name", "") for each in named},
            corners={each.get("name", ""): _corner(each.get("range", {})) for each in named},
            endpoint=self._endpoint,
            read_at=read_at,
        )

    def find_files(self, folder_ids: Sequence[str]) -> list[DriveFile]:
        """
        Spreadsheets (those of other programs and shortcuts to them too) right in any of the folders, My Drive or shared drives.

        Source: https://developers.google.com/workspace/drive/api/guides/search-files
        """
        _, _, files = self._service()
        folders = " or ".join(f"{_quoted(folder)} in parents" for folder in folder_ids)
        kinds = " or ".join(f"mimeType = {_quoted(kind)}" for kind in (SPREADSHEET, SHORTCUT, *OFFICE))
        found: list[DriveFile] = []
        page: str | None = None
        while True:
            request = files.list(
                q=f"({folders}) and ({kinds}) and trashed = false",
                fields=_FILES,
                pageSize=1000,
                pageToken=page,
                supportsAllDrives=True,
                includeItemsFromAllDrives=True,
            )
            answer = self._read(request, f"Drive folder {', '.join(folder_ids)}")
            found += [_drive_file(entry) for entry in answer.get("files", [])]
            page = answer.get("nextPageToken")
            if not page:
                return [file for file in found if file.mime_type in (SPREADSHEET, *OFFICE)]

    def read_version(self, file_id: str) -> str:
        """
        The file's version, which grows with every change to it.

        Source: https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get
        """
        _, _, files = self._service()
        request = files.get(fileId=file_id, fields="version", supportsAllDrives=True)
        return str(self._read(request, file_id).get("version", ""))

    # --- Writing ------------------------------------------------------------------------------------------------------

    def write_column(
        self, spreadsheet_id: str, named_range: str, texts: Sequence[str | None], tab: str
    ) -> list[list[str]] | None:
        """
        Write texts down a named range of one column, from its first cell, as they are (RAW: nothing turns into a date).

        Where the range has moved with its column, so has the write; where it is gone, nothing is written. A cell for which
        the text is None keeps what it holds.

        Returns:
            What the tab of that title shows right after it, one ragged list per row; None where Google does not say.

        Raises:
            ConflictError: There is no such range (any more), it is shorter, or there is no such tab; nothing was written.
            UncertainWriteError: No answer can be trusted; read the cells.

        Source: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/batchUpdate
        """
        return self.write_columns(spreadsheet_id, {named_range: texts}, tab=tab)

    def write_columns(
        self,
        spreadsheet_id: str,
        columns: Mapping[str, Sequence[CellValue]],
        *,
        typed: bool = False,
        tab: str | None = None,
    ) -> list[list[str]] | None:
        """
        The same for several named ranges, all or none of them; with `typed` as if somebody typed it in, for formulas.

        Without a tab it is not asked for what stands there afterwards.

        Raises:
            ConflictError: One of the ranges is gone or shorter, or is protected from us; nothing was written.
            UncertainWriteError: No answer can be trusted; read the cells.
        """
        _, values, _ = self._service()
        data = [
            {"range": name, "majorDimension": "COLUMNS", "values": [list(cells)]} for name, cells in columns.items()
        ]
        body: dict[str, Any] = {"valueInputOption": "USER_ENTERED" if typed else "RAW", "data": data}
        if tab is not None:
            data.append(
                {"range": a1.quoted(tab), "values": [[None]]}
            )  # writes nothing, and is answered with all of the tab
            body |= {"includeValuesInResponse": True, "responseValueRenderOption": "FORMATTED_VALUE"}
        request = values.batchUpdate(spreadsheetId=spreadsheet_id, body=body, fields="responses(updatedData(values))")
        responses = self._write(request, spreadsheet_id).get("responses", [])
        if tab is None or len(responses) < len(data) or "values" not in responses[-1].get("updatedData", {}):
            return None
        return [[str(text) for text in row] for row in responses[-1]["updatedData"]["values"]]

    def update(self, spreadsheet_id: str, requests: Sequence[Mapping[str, Any]]) -> None:
        """
        Apply the requests in order, all or none.

        Raises:
            ConflictError: Google refuses a request; nothing was applied.
            UncertainWriteError: No answer can be trusted; read what the requests should have changed.

        Source: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/batchUpdate
        """
        spreadsheets, _, _ = self._service()
        request = spreadsheets.batchUpdate(spreadsheetId=spreadsheet_id, body={"requests": list(requests)})
        self._write(request, spreadsheet_id)

    def update_and_read(self, spreadsheet_id: str, requests: Sequence[Mapping[str, Any]], tab: str) -> Spreadsheet:
        """
        The same; and the tab of that title, as `read_tab` has it, as it stands right after them.

        Raises:
            ConflictError: Google refuses a request, or there is no such tab; nothing was applied.
            UncertainWriteError: No answer can be trusted; read what the requests should have changed.
        """
        spreadsheets, _, _ = self._service()
        body = {
            "requests": list(requests),
            "includeSpreadsheetInResponse": True,
            "responseRanges": [a1.quoted(tab)],
            "responseIncludeGridData": True,
        }
        request = spreadsheets.batchUpdate(
            spreadsheetId=spreadsheet_id, body=body, fields=f"updatedSpreadsheet({_WITH_CELLS})"
        )
        answer, read_at = self._dated(self._write, request, spreadsheet_id)
        if "updatedSpreadsheet" not in answer:
            raise UncertainWriteError(f"Google, {spreadsheet_id}", "the answer does not say what stands there now")
        return self._spreadsheet(spreadsheet_id, answer["updatedSpreadsheet"], read_at)

    # --- Transport ----------------------------------------------------------------------------------------------------

    def _service(self) -> tuple[Any, Any, Any]:
        """The resources spreadsheets, values and files, made once."""
        with self._lock:
            if self._resources is None:
                spreadsheets = self._build("sheets", "v4", "").spreadsheets()
                files = self._build("drive", "v3", "/drive/v3/").files()
                self._resources = (spreadsheets, spreadsheets.values(), files)
            return self._resources

    def _build(self, api: str, version: str, path: str) -> Any:
        """
        One of Google's APIs, by the description of it that came with the library.

        Without its schemas: of them the library makes nothing but docstrings, of up to 5 MB, in half a second.
        """
        described = json.loads(get_static_doc(api, version))
        described["schemas"] = {name: {"id": name, "type": "object"} for name in described["schemas"]}
        options = {"api_endpoint": f"{self._endpoint}{path}"} if self._endpoint else {}
        return build_from_document(described, client_options=options, credentials=self._credentials)

    def _http(self) -> Any:
        if not hasattr(self._local, "http"):
            local = urllib.parse.urlsplit(self._endpoint).hostname in ("127.0.0.1", "localhost", "::1")
            proxy = {"proxy_info": None} if local else {}  # httplib2 minds proxy variables even for exempt hosts
            http = httplib2.Http(timeout=self._timeout_s, **proxy)
            http.follow_redirects = False  # a redirected POST would come back as a GET's "success"
            self._local.http = google_token.AuthorizedHttp(self._credentials, http)
            with self._lock:
                self._opened.append(self._local.http)
        return self._local.http

    def _read(self, request: Any, where: str) -> dict[str, Any]:
        return self._call(request, where, TryLaterError)

    def _dated(
        self, send: Callable[[Any, str], dict[str, Any]], request: Any, where: str
    ) -> tuple[dict[str, Any], dt.datetime | None]:
        """The answer, and when it was given by Google's own clock."""
        dates: list[dt.datetime | None] = []
        request.add_response_callback(lambda response: dates.append(parse_http_date(response.get("date"))))
        return send(request, where), dates[-1] if dates else None

    def _write(self, request: Any, where: str) -> dict[str, Any]:
        return self._call(request, where, UncertainWriteError)

    def _call(self, request: Any, where: str, no_answer: NoAnswer) -> dict[str, Any]:
        where = f"Google, {where}"

        def send() -> dict[str, Any]:
            return api_calls.send(
                SERVICE, where, lambda: self._send(request, where, no_answer), quota=_quota(request).name
            )

        return retry.call(SERVICE, send, sleep=self._sleep)

    def _send(self, request: Any, where: str, no_answer: NoAnswer) -> dict[str, Any]:
        """
        Send once.

        `no_answer` is the error for an answer that never came or cannot be read: a read may be tried again, a write may
        have been applied.
        """
        try:
            answer = request.execute(http=self._http(), num_retries=0)
        except HttpError as error:
            raise _http_error(error, where, no_answer) from None
        except GoogleAuthError as error:  # what the token service says comes as an error of ours
            raise CredentialsError(
                "Google", f"the credentials cannot be used: {error}; see README, Connecting"
            ) from None
        except ssl.SSLCertVerificationError:
            raise FixInputError(where, google_token.NOT_TRUSTED) from None
        except (httplib2.ServerNotFoundError, ConnectionRefusedError) as error:
            raise TryLaterError(where, f"cannot be reached ({type(error).__name__}); is the network up?") from None
        except (OSError, httplib2.HttpLib2Error, ValueError, EOFError) as error:
            self._http().close()  # the connection is in an unknown state
            raise no_answer(where, f"the answer was lost ({type(error).__name__})") from None
        except Exception as error:
            if type(error).__module__ != "http.client":  # IncompleteRead, BadStatusLine and their kin
                raise
            self._http().close()
            raise no_answer(where, f"the answer was lost ({type(error).__name__})") from None
        if not isinstance(answer, dict):
            raise no_answer(where, "the answer is not Google's")
        return answer


def _quota(request: Any) -> RateLimit:
    """What Google counts the request against."""
    if request.methodId.startswith("drive."):
        return rate_limits.DRIVE
    return rate_limits.SHEETS_READS if request.method == "GET" else rate_limits.SHEETS_WRITES


def _http_error(error: HttpError, where: str, no_answer: NoAnswer) -> WorkflowError:
    status, reasons = error.status_code, _reasons(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and reasons & _RATE_REASONS):
        return TooManyRequestsError(where, "too many requests", retry.retry_after_s(error.resp.get("retry-after")))
    if (
        status in _NOBODY_ANSWERED
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        or status < HTTPStatus.BAD_REQUEST
        or (no_answer is UncertainWriteError and not _is_googles(error))
    ):
        if no_answer is TryLaterError:
            return TryLaterError(where, f"answered {status}", retry.retry_after_s(error.resp.get("retry-after")))
        return no_answer(where, f"answered {status}")
    if no_answer is TryLaterError and not _is_googles(error):
        return FixInputError(
            where,
            f"answered {status}, and not in Google's words: a proxy, firewall or login page stands between. "
            "The credentials were not looked at",
        )
    return _refusal(status, reasons, where, f"{error.reason}".strip())


def _is_googles(error: HttpError) -> bool:
    """Whether the answer is an error as Google words it, and not a page of somebody in between."""
    try:
        body = json.loads(error.content)
    except ValueError:
        return False
    return isinstance(body, dict) and isinstance(body.get("error"), dict | str)


def _refusal(status: int, reasons: set[str], where: str, said: str) -> WorkflowError:
    """The error for a request that Google understood and will not carry out."""
    if status == HTTPStatus.UNAUTHORIZED:
        return CredentialsError(
            "Google",
            "the access token is refused; log in again (see README, Connecting), or make a new service account key",
        )
    if status == HTTPStatus.FORBIDDEN and reasons & {"ACCESS_TOKEN_SCOPE_INSUFFICIENT", "insufficientPermissions"}:
        return CredentialsError("Google", "a scope was not granted; log in again and tick Sheets and Drive")
    if status == HTTPStatus.FORBIDDEN and reasons & {"SERVICE_DISABLED", "accessNotConfigured"}:
        return CredentialsError("Google", "the Sheets or Drive API is off; enable both in the Google Cloud project")
    if status == HTTPStatus.FORBIDDEN and (known := reasons & _FORBIDDEN.keys()):
        return FixInputError(where, _FORBIDDEN[min(known)])
    if status == HTTPStatus.FORBIDDEN:
        return CredentialsError(
            where, say("no access ({said}); share it, with edit rights, with the Google account we use", said=said)
        )
    if status == HTTPStatus.NOT_FOUND:
        return FixInputError(
            where, say("not found; check the id, and that it is shared with the Google account we use")
        )
    if "not supported for this document" in said:
        return FixInputError(where, say("is an Excel file; open it and choose File > Save as Google Sheets"))
    return ConflictError(where, f"Google refuses the request: {said}")


def _reasons(error: HttpError) -> set[str]:
    details = error.error_details if isinstance(error.error_details, list) else []
    return {str(detail.get("reason", "")) for detail in details if isinstance(detail, Mapping)}


def _is_grid(sheet: Mapping[str, Any]) -> bool:
    return bool(sheet.get("properties", {}).get("sheetType", "GRID") == "GRID")


def _tab(sheet: Mapping[str, Any], url: str) -> Tab:
    properties = sheet["properties"]
    merges = [_area(merge) for merge in sheet.get("merges", [])]
    ours = [one for one in sheet.get("protectedRanges", []) if one.get("requestingUserCanEdit")]
    protected = [
        Protected(_area(one.get("range", {})), tuple(map(_area, one.get("unprotectedRanges", []))))
        for one in sheet.get("protectedRanges", [])
        if one not in ours or one.get("warningOnly")
    ]
    grid = properties.get("gridProperties", {})
    rows, columns = grid.get("rowCount", _MOST_ROWS), grid.get("columnCount", _MOST)
    hidden = properties.get("hidden", False)
    cells = tab_cells.read(sheet["data"], url) if "data" in sheet else None
    return Tab(
        properties.get("sheetId", 0), properties.get("title", ""), columns, merges, hidden, cells, protected, rows
    )


def _area(body: Mapping[str, Any]) -> Area:
    """A GridRange, whose open ends lie behind everything."""
    rows, columns = (body.get(f"end{of}Index", _MOST_ROWS if of == "Row" else _MOST) for of in ("Row", "Column"))
    return body.get("startRowIndex", 0), rows, body.get("startColumnIndex", 0), columns


def _corner(place: Mapping[str, Any]) -> Place:
    return place.get("startRowIndex", 0), place.get("startColumnIndex", 0)


def _drive_file(entry: Mapping[str, Any]) -> DriveFile:
    target = entry.get("shortcutDetails", {}) if entry.get("mimeType") == SHORTCUT else {}
    return DriveFile(
        id=target.get("targetId", entry["id"]),
        name=entry.get("name", ""),
        mime_type=target.get("targetMimeType", entry.get("mimeType", "")),
        parents=tuple(entry.get("parents", [])),
        version="" if target else str(entry.get("version", "")),
    )


def _quoted(text: str) -> str:
    """A string of Drive's query language."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
