"""What the making of a plan needs of Google and Jira: flows give it Prefect tasks, tests give it the clients themselves."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

type CellValue = str | int | float | bool | None


# Spreadsheets of other programs that lie in Drive as they were uploaded: Sheets' API does not read them.
EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OFFICE = (
    EXCEL,
    "application/vnd.ms-excel",
    "application/vnd.ms-excel.sheet.macroenabled.12",
    "application/vnd.oasis.opendocument.spreadsheet",
)
FETCH_SIZE = 100  # issues a bulkfetch
UPDATED_SIZE = 1000  # issues a bulkfetch of nothing but a few small fields
CREATE_SIZE = 45  # issues a bulk create; Jira takes 50
PROPERTY = "content-plan.row"  # of an issue: which plan and row it was made from


type Place = tuple[int, int]  # row and column of a cell, both from 0
type Area = tuple[int, int, int, int]  # first row, end row, first column, end column: from 0, ends excluded


@dataclass(frozen=True)
class TabCells:
    """
    All cells of a tab at one moment, one ragged list per row from row 1; empty cells before others are empty texts.

    Attributes:
        values: As stored; dates are serial numbers, an error is what it shows.
        texts: As people see them.
        linked: Texts with the addresses that stand behind their words: `moodboard (https://…)`; images as `(image: https://…)`.
        notes: Notes on cells.
        struck: Cells whose whole text is struck through.
        hidden: Row, from 0 -> how it was hidden.
        formulas: Cells that hold a formula, as it was typed.
    """

    values: list[list[CellValue]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    linked: dict[Place, str] = field(default_factory=dict)
    notes: dict[Place, str] = field(default_factory=dict)
    struck: set[Place] = field(default_factory=set)
    hidden: dict[int, str] = field(default_factory=dict)
    formulas: dict[Place, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Protected:
    """A range that is not ours to write, but for the parts of it in `free`."""

    area: Area
    free: tuple[Area, ...] = ()

    def __contains__(self, place: Place) -> bool:
        """Whether a cell is protected."""
        return _is_in(place, self.area) and not any(_is_in(place, area) for area in self.free)


def _is_in(place: Place, area: Area) -> bool:
    return area[0] <= place[0] < area[1] and area[2] <= place[1] < area[3]


@dataclass(frozen=True)
class Tab:
    """One sheet of a spreadsheet; `cells` are there when they were asked for."""

    id: int
    title: str
    columns: int
    merges: list[Area] = field(default_factory=list)
    hidden: bool = False
    cells: TabCells | None = None
    protected: list[Protected] = field(default_factory=list)
    rows: int = 1000


@dataclass(frozen=True)
class Spreadsheet:
    """
    What a spreadsheet is; `tabs` in their order, `named_ranges` as id -> name, `corners` as name -> its upper left cell.

    `endpoint` is the service that it was read from; empty for Google's own. `read_at` is when it was read by the service's
    own clock; None when it did not say.
    """

    id: str
    title: str
    url: str
    locale: str
    time_zone: str
    tabs: list[Tab]
    named_ranges: dict[str, str]
    corners: dict[str, Place] = field(default_factory=dict)
    endpoint: str = ""
    read_at: dt.datetime | None = None


@dataclass(frozen=True)
class DriveFile:
    """A file in a Drive folder. For a shortcut, `id` and `mime_type` are its target's, whose `version` is not known."""

    id: str
    name: str
    mime_type: str
    parents: tuple[str, ...]
    version: str


@dataclass(frozen=True)
class Account:
    """
    Who Jira says we are, where, and in which time zone.

    `read_at` is when, by Jira's own clock (None when it did not say); `named` is whether each answer says that it was given to us.
    """

    account_id: str
    name: str
    site: str
    read_at: dt.datetime | None = field(default=None, compare=False)
    time_zone: str = field(default="", compare=False)
    named: bool = field(default=False, compare=False)


@dataclass(frozen=True)
class Found:
    """
    Ids of the issues that a search found, in its order, and when it was answered by Jira's own clock (None if it did not say).

    `keys` as the index has them, where they were asked for; empty texts where Jira did not say them.
    """

    ids: list[str]
    read_at: dt.datetime | None
    keys: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CreateField:
    """One field of a project's create screen; `options` are the names or values that it takes, if it says so."""

    id: str
    name: str
    required: bool
    type: str
    items: str = ""
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class Issue:
    """
    What Jira has of an issue.

    `row` is the property that says which plan and row it was made from; `old_keys` are those of the keys that were asked for
    under which it answered although it has another one by now: it was moved.
    """

    id: str
    key: str
    summary: str
    labels: tuple[str, ...]
    row: Mapping[str, Any] = field(default_factory=dict)
    old_keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class IssueState:
    """How an issue stands now: its fields as Jira says them, where and whose it is, and what it remembers of its row."""

    id: str
    key: str
    project: str
    status: str
    done: bool
    fields: Mapping[str, Any]
    row: Mapping[str, Any] = field(default_factory=dict)
    assignee: str = ""
    updated: str = ""


@dataclass(frozen=True)
class Transition:
    """A way on from an issue's status: its name, and the name of the status that it leads to."""

    id: str
    name: str
    to: str


@dataclass(frozen=True)
class Edit:
    """One edit in an issue's history: who made it, and field -> what it was changed to, as people read it."""

    id: int
    author: str
    fields: Mapping[str, str]


@dataclass(frozen=True)
class BulkAnswer:
    """What a bulk create said: keys of the issues made, and reasons by position in the request.

    Neither is trusted for which issue belongs to which row: that is read from the issues themselves.
    """

    keys: list[str]
    refused: dict[int, dict[str, str]]


class ReadsSheets(Protocol):
    """What reads of Sheets; `lib.services.google_api.GoogleApi` says what each call returns and raises."""

    async def read_spreadsheet(self, spreadsheet_id: str) -> Spreadsheet: ...
    async def read_texts(self, spreadsheet_id: str) -> Spreadsheet: ...
    async def read_tab(self, spreadsheet_id: str, tab: str) -> Spreadsheet: ...
    async def find_files(self, folder_ids: Sequence[str]) -> list[DriveFile]: ...


class Google(ReadsSheets, Protocol):
    """Sheets and Drive, one call or one batch at a time."""

    async def check_connection(self) -> dict[str, Any]: ...
    async def read_version(self, file_id: str) -> str: ...
    async def write_column(
        self, spreadsheet_id: str, named_range: str, texts: Sequence[str | None], tab: str
    ) -> list[list[str]] | None: ...
    async def write_columns(
        self,
        spreadsheet_id: str,
        columns: Mapping[str, Sequence[CellValue]],
        *,
        typed: bool = False,
        tab: str | None = None,
    ) -> list[list[str]] | None: ...
    async def update(self, spreadsheet_id: str, requests: Sequence[Mapping[str, Any]]) -> None: ...
    async def update_and_read(
        self, spreadsheet_id: str, requests: Sequence[Mapping[str, Any]], tab: str
    ) -> Spreadsheet: ...


class Jira(Protocol):
    """Jira, one call or one batch at a time; `lib.services.jira_api.JiraApi` says what each returns and raises."""

    async def check_connection(self) -> dict[str, Any]: ...
    async def read_myself(self) -> Account: ...
    async def read_permissions(self, project_key: str, names: Sequence[str]) -> set[str]: ...
    async def read_active_accounts(self, account_ids: Sequence[str]) -> dict[str, bool]: ...
    async def read_assignable(self, project_key: str, account_id: str) -> bool: ...
    async def read_fields(self, project_key: str, issue_type_id: str) -> list[CreateField]: ...
    async def read_components(self, project_key: str) -> dict[str, str]: ...
    async def read_field_names(self) -> dict[str, str]: ...
    async def search(self, jql: str, limit: int | None = None, *, keys: bool = False) -> Found: ...
    async def fetch(self, ids_or_keys: Sequence[str]) -> list[Issue]: ...
    async def acquire_to_create(self) -> None: ...  # wait until all runs together may create once more
    async def create_in_bulk(
        self, updates: Sequence[Mapping[str, Any]], send_before: float | None = None
    ) -> BulkAnswer: ...
    async def set_labels(
        self, key: str, add: Sequence[str], remove: Sequence[str], row: Mapping[str, Any] | None = None
    ) -> None: ...
    async def read_states(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, IssueState]: ...
    async def read_updated(self, ids: Sequence[str]) -> dict[str, str]: ...
    async def read_edits(self, keys: Sequence[str]) -> dict[str, list[Edit]]: ...
    async def update_issue(self, key: str, fields: Mapping[str, Any], row: Mapping[str, Any]) -> None: ...
    async def read_transitions(self, key: str) -> list[Transition]: ...
    async def transition(self, key: str, transition_id: str) -> None: ...
    async def read_change_hashes(self, key: str) -> set[str]: ...
    async def add_comment(self, key: str, body: Mapping[str, Any], change_hash: str) -> None: ...
