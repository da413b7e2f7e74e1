"""What the sandbox's Google remembers: spreadsheets, the Drive files they are, and the tokens it has handed out."""

from dataclasses import dataclass, field
from typing import NamedTuple, Self

from sandbox.google.a1 import Span
from sandbox.google.cells import BLANK, Cell
from sandbox.http.messages import JsonObject

FOLDER = "application/vnd.google-apps.folder"
SHEET = "application/vnd.google-apps.spreadsheet"
SHORTCUT = "application/vnd.google-apps.shortcut"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS, XLSM = "application/vnd.ms-excel", "application/vnd.ms-excel.sheet.macroenabled.12"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
OFFICE_TYPES = (XLSX, XLS, XLSM, ODS)


class GridRange(NamedTuple):
    """Part of one tab."""

    sheet_id: int
    span: Span

    @classmethod
    def from_json(cls, body: JsonObject) -> Self:
        return cls(
            body.get("sheetId", 0),
            Span(
                body.get("startRowIndex"),
                body.get("endRowIndex"),
                body.get("startColumnIndex"),
                body.get("endColumnIndex"),
            ),
        )

    def to_json(self) -> JsonObject:
        names = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")
        ends = {name: end for name, end in zip(names, self.span, strict=True) if end is not None}
        return {"sheetId": self.sheet_id, **ends}


@dataclass(slots=True)
class Protection:
    """A protected range; `editors` are the e-mail addresses of those who may write there, its owner's included."""

    id: int
    span: Span
    description: str = ""
    warning_only: bool = False
    editors: list[str] = field(default_factory=list)
    unprotected: list[Span] = field(default_factory=list)

    def copy(self) -> "Protection":
        return Protection(
            self.id, self.span, self.description, self.warning_only, list(self.editors), list(self.unprotected)
        )


@dataclass(slots=True)
class Tab:
    """One tab. `rows` is ragged: what it does not hold, up to the grid's size, is blank."""

    sheet_id: int
    title: str
    rows: list[list[Cell]] = field(default_factory=list)
    row_count: int = 1000
    column_count: int = 26
    hidden: bool = False
    frozen_rows: int = 0
    frozen_columns: int = 0
    merges: list[Span] = field(default_factory=list)
    hidden_rows: dict[int, str] = field(default_factory=dict)
    """Hidden rows, from 0: `user` or `filter`, depending on what hides it."""
    hidden_columns: dict[int, str] = field(default_factory=dict)
    protections: list[Protection] = field(default_factory=list)

    def cell(self, row: int, column: int) -> Cell:
        if row < len(self.rows) and column < len(self.rows[row]):
            return self.rows[row][column]
        return BLANK

    def put(self, row: int, column: int, cell: Cell) -> None:
        """Set one cell. The caller has checked that it lies inside the grid."""
        if cell is BLANK and (row >= len(self.rows) or column >= len(self.rows[row])):
            return
        while len(self.rows) <= row:
            self.rows.append([])
        cells = self.rows[row]
        if len(cells) <= column:
            cells.extend([BLANK] * (column + 1 - len(cells)))
        cells[column] = cell

    def bounds(self, span: Span) -> tuple[int, int, int, int]:
        """`span` with its open ends at the grid's edge, and nothing beyond the edge."""
        top, bottom, left, right = span
        return (
            top or 0,
            self.row_count if bottom is None else min(bottom, self.row_count),
            left or 0,
            self.column_count if right is None else min(right, self.column_count),
        )

    def copy(self) -> "Tab":
        """A tab of its own: cells never change, so that copying the lists of them is enough."""
        return Tab(
            self.sheet_id,
            self.title,
            [list(row) for row in self.rows],
            self.row_count,
            self.column_count,
            self.hidden,
            self.frozen_rows,
            self.frozen_columns,
            list(self.merges),
            dict(self.hidden_rows),
            dict(self.hidden_columns),
            [one.copy() for one in self.protections],
        )


@dataclass(slots=True)
class NamedRange:
    """A named range; `range` is None once the rows or columns it named are gone."""

    id: str
    name: str
    range: GridRange | None


@dataclass(slots=True)
class Anchor:
    """Developer metadata; `row` and `column` are None when it belongs to the tab or the spreadsheet."""

    id: int
    key: str
    value: str = ""
    visibility: str = "DOCUMENT"
    sheet_id: int | None = None
    row: int | None = None
    column: int | None = None


@dataclass(slots=True)
class Spreadsheet:
    """One spreadsheet as the Sheets API sees it. Its Drive side is the file of the same id."""

    id: str
    title: str
    tabs: list[Tab]
    locale: str = "id_ID"
    time_zone: str = "Asia/Jakarta"
    named_ranges: list[NamedRange] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    next_id: int = 1
    access: str = "write"
    """What we may do: `write`, `read` or `none`."""

    def tab(self, title: str) -> Tab:
        """The tab called `title`; KeyError if there is none."""
        for tab in self.tabs:
            if tab.title == title:
                return tab
        raise KeyError(title)

    def by_id(self, sheet_id: int) -> Tab | None:
        return next((tab for tab in self.tabs if tab.sheet_id == sheet_id), None)

    def fresh_id(self) -> int:
        """An id for a new tab, named range or metadata; never given twice."""
        self.next_id += 1
        return 1_000_003 * self.next_id % 2_000_000_011

    def copy(self) -> "Spreadsheet":
        """A spreadsheet to try requests on: the original stays as it is."""
        return Spreadsheet(
            self.id,
            self.title,
            [tab.copy() for tab in self.tabs],
            self.locale,
            self.time_zone,
            [NamedRange(named.id, named.name, named.range) for named in self.named_ranges],
            [Anchor(a.id, a.key, a.value, a.visibility, a.sheet_id, a.row, a.column) for a in self.anchors],
            self.next_id,
            self.access,
        )


@dataclass(slots=True)
class DriveFile:
    """One file in Drive. `parent` is a folder's id, a shared drive's id, or empty (shared with us, no folder)."""

    id: str
    name: str
    mime_type: str
    parent: str = ""
    drive_id: str = ""
    created_at: float = 0.0
    modified_at: float = 0.0
    version: int = 1
    trashed: bool = False
    target_id: str = ""
    """What a shortcut points at."""
    visible: bool = True
    editable: bool = True


@dataclass(slots=True)
class Token:
    """An access token that was handed out."""

    email: str
    scopes: list[str]
    expires_at: float


@dataclass(slots=True)
class GoogleState:
    """Everything Google remembers."""

    spreadsheets: dict[str, Spreadsheet] = field(default_factory=dict)
    files: dict[str, DriveFile] = field(default_factory=dict)
    drives: dict[str, str] = field(default_factory=dict)
    """Shared drives: id -> name."""
    clients: dict[str, str] = field(default_factory=dict)
    """OAuth clients: id -> secret."""
    refresh_tokens: dict[str, Token] = field(default_factory=dict)
    service_accounts: dict[str, list[str]] = field(default_factory=dict)
    """Service accounts: e-mail -> scopes they may ask for."""
    access_tokens: dict[str, Token] = field(default_factory=dict)
    incomplete_search: bool = False
    """Whether searches in all drives say that they did not look everywhere."""
    counter: int = 0
    """How many ids and tokens were made, so that each is new and the same in every run."""
