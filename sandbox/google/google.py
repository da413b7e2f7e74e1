"""The state of the sandbox's Google and how tests, the seed and people at a sheet change it without HTTP."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal
from zoneinfo import ZoneInfo

from sandbox.google import sheets_requests, sheets_tabs, sheets_values
from sandbox.google.a1 import Span
from sandbox.google.cells import Cell, Content, cell_of
from sandbox.google.sheets_values import Rendering, rendered
from sandbox.google.state import FOLDER, SHEET, SHORTCUT, XLSX, DriveFile, GoogleState, GridRange, Spreadsheet, Token
from sandbox.http.messages import Json, JsonObject
from sandbox.http.timeline import Timeline

SPREADSHEETS_SCOPE = "https://www.googleapis.com/auth/spreadsheets"
DRIVE_SCOPES = (
    "https://www.googleapis.com/auth/drive.readonly",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
)


class Google:
    """Spreadsheets, Drive files and accounts. Its methods take the box's lock themselves."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.base_url = ""
        self.state = GoogleState()

    def now(self) -> float:
        """Seconds since the epoch."""
        return self._timeline.now()

    @property
    def spreadsheets(self) -> dict[str, Spreadsheet]:
        """Every spreadsheet by its id, late writes that are due included; a changed one is another object: look again."""
        self._timeline.settle()
        return self.state.spreadsheets

    @property
    def files(self) -> dict[str, DriveFile]:
        """Every Drive file by its id."""
        self._timeline.settle()
        return self.state.files

    # Accounts

    def add_account(
        self,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        email: str = "bot@agency.example",
        scopes: Iterable[str] = (SPREADSHEETS_SCOPE, *DRIVE_SCOPES),
    ) -> None:
        """A person who has consented: the client's id and secret, and the refresh token it was given."""
        self.state.clients[client_id] = client_secret
        self.state.refresh_tokens[refresh_token] = Token(email, list(scopes), float("inf"))

    def add_service_account(self, email: str, scopes: Iterable[str] = (SPREADSHEETS_SCOPE, *DRIVE_SCOPES)) -> None:
        self.state.service_accounts[email] = list(scopes)

    def expire_tokens(self) -> None:
        """Make every access token that was handed out a stranger: the next request is answered 401."""
        with self._timeline.lock:
            self.state.access_tokens.clear()

    # Files

    def add_drive(self, name: str, *, drive_id: str = "") -> str:
        """A shared drive; its id may be used as a folder's parent."""
        with self._timeline.lock:
            drive_id = drive_id or "0A" + self._fresh_id()[:17]
            self.state.drives[drive_id] = name
            return drive_id

    def add_folder(self, name: str, *, parent: str = "", folder_id: str = "") -> str:
        """A folder, in My Drive unless `parent` is a folder or a shared drive."""
        return self._add_file(name, FOLDER, parent, folder_id)

    def add_spreadsheet(
        self,
        title: str,
        folder_id: str = "",
        tabs: Mapping[str, Sequence[Sequence[Content]]] | None = None,
        *,
        locale: str = "id_ID",
        time_zone: str = "Asia/Jakarta",
        access: str = "write",
        trashed: bool = False,
        spreadsheet_id: str = "",
    ) -> str:
        """A spreadsheet with the given tabs, each at least 1,000 rows by 26 columns as Sheets makes them.

        The tabs hold rows of plain values. Text that starts with `=` is a formula and text like `#REF!` an error;
        `cells.Text` keeps either as text, `cells.Formatted` adds a number format. `access` is what we may do: `write`,
        `read`, or `none` (Sheets answers 403, Drive hides the file).
        """
        with self._timeline.lock:
            spreadsheet_id = self._add_file(title, SHEET, folder_id, spreadsheet_id)
            contents = tabs or {"Sheet1": []}
            made = [
                sheets_tabs.filled(place and place * 7919, name, rows)
                for place, (name, rows) in enumerate(contents.items())
            ]
            self.state.spreadsheets[spreadsheet_id] = Spreadsheet(spreadsheet_id, title, made, locale, time_zone)
            self.set_access(spreadsheet_id, access)
            self.state.files[spreadsheet_id].trashed = trashed
            return spreadsheet_id

    def add_office_file(self, name: str, folder_id: str = "", *, mime_type: str = XLSX, file_id: str = "") -> str:
        """An uploaded spreadsheet, of one of `OFFICE_TYPES`: listed by Drive, not opened by Sheets."""
        return self._add_file(name, mime_type, folder_id, file_id)

    def add_shortcut(self, name: str, folder_id: str, target_id: str, *, file_id: str = "") -> str:
        with self._timeline.lock:
            made = self._add_file(name, SHORTCUT, folder_id, file_id)
            self.state.files[made].target_id = target_id
            return made

    def set_access(self, spreadsheet_id: str, access: str) -> None:
        """`write`, `read` or `none`."""
        if access not in {"write", "read", "none"}:
            raise ValueError(f"access must be write, read or none, not {access!r}")
        with self._timeline.lock:
            self.state.spreadsheets[spreadsheet_id].access = access
            file = self.state.files[spreadsheet_id]
            file.visible, file.editable = access != "none", access == "write"

    def rename(self, file_id: str, name: str) -> None:
        with self._timeline.lock:
            self.state.files[file_id].name = name
            if file_id in self.state.spreadsheets:
                self.state.spreadsheets[file_id].title = name
            self.touch(file_id)

    def trash(self, file_id: str, *, trashed: bool = True) -> None:
        with self._timeline.lock:
            self.state.files[file_id].trashed = trashed
            self.touch(file_id)

    def touch(self, file_id: str) -> None:
        """Note a change of the file: its version and time of modification move on."""
        file = self.state.files[file_id]
        file.version += 1
        file.modified_at = self._timeline.now()

    # What a person at the sheet does

    def edit(self, spreadsheet_id: str, requests: list[JsonObject]) -> list[JsonObject]:
        """Carry out `batchUpdate` requests as a person with all rights; their replies."""
        with self._timeline.lock:
            book = self.spreadsheets[spreadsheet_id]
            changed, replies = sheets_requests.carried_out(book, requests, self.today(book))
            self.state.spreadsheets[spreadsheet_id] = changed
            self.touch(spreadsheet_id)
            return replies

    def write(self, spreadsheet_id: str, a1_range: str, values: list[list[Json]], *, typed: bool = True) -> None:
        """Put values into a range as a person types them, or unparsed if `typed` is false."""
        with self._timeline.lock:
            book = self.spreadsheets[spreadsheet_id]
            writer = sheets_values.Writer(book, "USER_ENTERED" if typed else "RAW", self.today(book))
            writer.write(a1_range, {"values": values})
            self.state.spreadsheets[spreadsheet_id] = writer.book
            self.touch(spreadsheet_id)

    def put(self, spreadsheet_id: str, address: str, content: Content) -> None:
        """Replace one cell, e.g. `Plan!K5`, by any content that `add_spreadsheet` takes; its old format and note go."""
        with self._changed_copy(spreadsheet_id) as book:
            area = sheets_values.resolve(book, address)
            area.tab.put(area.top, area.left, cell_of(content))

    def hide_rows(
        self,
        spreadsheet_id: str,
        tab: str,
        first: int,
        last: int | None = None,
        *,
        by: Literal["user", "filter"] = "user",
    ) -> None:
        """Hide rows `first` to `last` (from 1, both included), as a person does or as a filter does."""
        with self._changed_copy(spreadsheet_id) as book:
            book.tab(tab).hidden_rows.update(dict.fromkeys(range(first - 1, last or first), by))

    def hide_tab(self, spreadsheet_id: str, tab: str, *, hidden: bool = True) -> None:
        sheet_id = self.spreadsheets[spreadsheet_id].tab(tab).sheet_id
        properties = {"sheetId": sheet_id, "hidden": hidden}
        self.edit(spreadsheet_id, [{"updateSheetProperties": {"properties": properties, "fields": "hidden"}}])

    def protect(
        self, spreadsheet_id: str, a1_range: str, *, editors: Iterable[str] = (), warning: bool = False
    ) -> None:
        """Protect a range, e.g. `Plan!G2:G9`, as a person does: from all others but the editors, or with a warning only."""
        where = self._where(spreadsheet_id, a1_range)
        may: JsonObject = {"warningOnly": True} if warning else {"editors": {"users": list(editors)}}
        self.edit(spreadsheet_id, [{"addProtectedRange": {"protectedRange": {"range": where, **may}}}])

    def merge(self, spreadsheet_id: str, a1_range: str) -> None:
        """Merge a range, e.g. `Plan!A2:A4`; its first cell keeps its content, the others lose theirs."""
        where = self._where(spreadsheet_id, a1_range)
        self.edit(spreadsheet_id, [{"mergeCells": {"range": where, "mergeType": "MERGE_ALL"}}])

    def _where(self, spreadsheet_id: str, a1_range: str) -> JsonObject:
        area = sheets_values.resolve(self.spreadsheets[spreadsheet_id], a1_range)
        return GridRange(area.tab.sheet_id, Span(area.top, area.bottom, area.left, area.right)).to_json()

    @contextmanager
    def _changed_copy(self, spreadsheet_id: str) -> Iterator[Spreadsheet]:
        """A copy to change; it replaces the spreadsheet unless an error is raised."""
        with self._timeline.lock:
            book = self.spreadsheets[spreadsheet_id].copy()
            yield book
            self.state.spreadsheets[spreadsheet_id] = book
            self.touch(spreadsheet_id)

    def insert_rows(self, spreadsheet_id: str, tab: str, before: int, count: int = 1) -> None:
        """Insert blank rows before row number `before` (from 1, as the sheet shows it)."""
        self._rows(spreadsheet_id, tab, "insertDimension", before, before + count - 1)

    def delete_rows(self, spreadsheet_id: str, tab: str, first: int, last: int | None = None) -> None:
        """Delete rows `first` to `last` (from 1, both included)."""
        self._rows(spreadsheet_id, tab, "deleteDimension", first, last or first)

    def move_rows(self, spreadsheet_id: str, tab: str, first: int, last: int, before: int) -> None:
        """Move rows `first` to `last` (from 1, both included) before row `before`."""
        sheet_id = self.spreadsheets[spreadsheet_id].tab(tab).sheet_id
        source = {"sheetId": sheet_id, "dimension": "ROWS", "startIndex": first - 1, "endIndex": last}
        self.edit(spreadsheet_id, [{"moveDimension": {"source": source, "destinationIndex": before - 1}}])

    def sort_rows(
        self, spreadsheet_id: str, tab: str, first: int, last: int, column: int, *, descending: bool = False
    ) -> None:
        """Sort rows `first` to `last` (from 1, both included) by a column (A is 1)."""
        sheet_id = self.spreadsheets[spreadsheet_id].tab(tab).sheet_id
        spec = {"dimensionIndex": column - 1, "sortOrder": "DESCENDING" if descending else "ASCENDING"}
        area = {"sheetId": sheet_id, "startRowIndex": first - 1, "endRowIndex": last}
        self.edit(spreadsheet_id, [{"sortRange": {"range": area, "sortSpecs": [spec]}}])

    def _rows(self, spreadsheet_id: str, tab: str, kind: str, first: int, last: int) -> None:
        sheet_id = self.spreadsheets[spreadsheet_id].tab(tab).sheet_id
        lines = {"sheetId": sheet_id, "dimension": "ROWS", "startIndex": first - 1, "endIndex": last}
        self.edit(spreadsheet_id, [{kind: {"range": lines}}])

    def grid(self, spreadsheet_id: str, tab: str) -> list[list[Json]]:
        """
        The unformatted values of a tab as a rectangle, blank cells as empty text.

        Dates are serial numbers and errors their text, as `UNFORMATTED_VALUE` gives them.
        """
        with self._timeline.lock:
            book, unformatted = self.spreadsheets[spreadsheet_id], Rendering("UNFORMATTED_VALUE")
            values = [[rendered(cell, book.locale, unformatted) for cell in row] for row in book.tab(tab).rows]
        while values and not any(value != "" for value in values[-1]):
            values.pop()
        width = max((place + 1 for row in values for place, value in enumerate(row) if value != ""), default=0)
        return [(row + [""] * width)[:width] for row in values]

    def cell(self, spreadsheet_id: str, address: str) -> Cell:
        """One cell, e.g. `Plan!K5`, with its format and note."""
        book = self.spreadsheets[spreadsheet_id]
        area = sheets_values.resolve(book, address)
        return area.tab.cell(area.top, area.left)

    def today(self, book: Spreadsheet) -> dt.date:
        """The day it is where the spreadsheet is."""
        return dt.datetime.fromtimestamp(self._timeline.now(), ZoneInfo(book.time_zone)).date()

    def fresh_token(self) -> str:
        return "ya29.sandbox-" + self._fresh_id()

    def _add_file(self, name: str, mime_type: str, parent: str, file_id: str) -> str:
        with self._timeline.lock:
            if parent and parent not in self.state.drives and parent not in self.state.files:
                raise KeyError(f"no folder or shared drive {parent}")
            file_id = file_id or self._fresh_id()
            drive = parent if parent in self.state.drives else ""
            if not drive and parent:
                drive = self.state.files[parent].drive_id
            now = self._timeline.now()
            self.state.files[file_id] = DriveFile(file_id, name, mime_type, parent, drive, now, now)
            return file_id

    def _fresh_id(self) -> str:
        """An id that looks like Google's and is the same in every run."""
        self.state.counter += 1
        digest = hashlib.sha256(f"sandbox {self.state.counter}".encode()).digest()
        return "1" + base64.urlsafe_b64encode(digest).decode().rstrip("=")[:43]
