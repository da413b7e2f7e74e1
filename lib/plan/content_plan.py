"""A content plan: its columns by the names that people know them by, and its rows. `lib.plan.parsing` makes it from cells."""

import functools
import hashlib
import json

from pydantic import BaseModel, ConfigDict, Field

from lib.dates import parse_date
from lib.formats import FormatError, is_seen, match_key
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue

HEADER_SEARCH_ROWS = 20
REQUIRED = ("Tanggal", "Bentuk", "Topik")
KEY = "Key"
TIME = "Waktu"
# Column -> other names that people give it. Order and case do not matter; a column of the first name goes before one of
# the others.
COLUMNS: dict[str, tuple[str, ...]] = {
    "No": ("No.", "Nomor", "#"),
    "Tanggal": ("Tgl", "Tgl.", "Tanggal Publikasi", "Tanggal Posting", "Tanggal Tayang", "Publication Date", "Date"),
    "Waktu": ("Jam", "Jam Tayang", "Waktu Posting", "Waktu Tayang", "Time"),
    "Bentuk": ("Bentuk Konten", "Jenis Konten", "Content Form", "Form"),
    "Creator": ("Kreator",),
    "Format": ("Format Konten",),
    "Purpose/Theme": ("Purpose / Theme", "Purpose", "Theme", "Tema", "Tujuan/Tema"),
    "Strategic Application": (),
    "Kebutuhan Personil": ("Kebutuhan Personel", "Personil", "Personel"),
    "Topik": ("Topic", "Topik Konten", "Judul", "Judul Konten"),
    "Shoot Guide": ("Panduan Shoot",),
    "Visualisasi Konten": ("Visualisasi", "Visual"),
    "Reference": ("Referensi", "References"),
    "Asset": ("Aset", "Assets"),
    "Caption": ("Captions",),
    "Approval": ("Persetujuan", "Status Approval"),
    "Link Referensi": ("Link Reference", "Tautan Referensi"),
    KEY: ("Jira Key", "Issue Key", "Kunci Jira"),
}
STATUS, LINK, ASSIGNEE = "Status Jira", "Link Jira", "Penanggung Jawab"
# Columns that updates write what Jira says into, and their other names. What stands there is no content of a row.
STATUS_COLUMNS: dict[str, tuple[str, ...]] = {STATUS: ("Jira Status", "Status Produksi"), LINK: (), ASSIGNEE: ()}


def status_column(label: str) -> str | None:
    """Which of STATUS_COLUMNS a header names; None for any other column."""
    named = match_key(label)
    return next((name for name, others in STATUS_COLUMNS.items() if named in map(match_key, (name, *others))), None)


class Column(BaseModel):
    """One column of the plan; `index` counts from 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    index: int
    label: str = Field(description="The header as people wrote it; unique in the plan.")
    name: str | None = Field(default=None, description="The known column it is, such as Tanggal; None for any other.")
    data_type: str = Field(default="empty", description="number, text, boolean, mixed or empty.")


class PlanRow(BaseModel):
    """
    One row, its cells by label.

    Attributes:
        values: As Sheets stores them (a date is a serial number); texts are clean, and None when nothing is left of them.
        texts: What people see of numbers, dates and ticks; a cell that holds a text shows that.
        linked: Texts with the addresses behind their words, `moodboard (https://…)`, of cells that have such.
        notes: Notes on its cells. They are no content: who changes one does not change the row.
        struck: Labels of the cells whose whole text is struck through.
        hidden: How the row was hidden, `by hand` or `by a filter`; empty when people see it.
        shares_key_of: Another row with whose Key cell its own is merged; 0 for none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    row: int = Field(ge=1, description="The sheet's own row number.")
    key: str = Field(default="", description="What stands in the Key column.")
    values: dict[str, CellValue]
    texts: dict[str, str]
    linked: dict[str, str] = {}
    notes: dict[str, str] = {}
    struck: list[str] = []
    hidden: str = ""
    shares_key_of: int = 0

    def content(self, label: str) -> str:
        """The text of the cell under that header with the addresses behind its words."""
        return self.linked.get(label) or self.text(label)

    def text(self, label: str) -> str:
        """What people see in the cell under that header; empty when there is nothing, or no such column."""
        value = self.values.get(label)
        return value if isinstance(value, str) else self.texts.get(label, "")

    @functools.cached_property
    def fingerprint(self) -> str:
        """Hash of the content without key and number: the same content anywhere in the plan has the same one."""
        texts = {label: self.linked.get(label) or canonical(value) for label, value in self.values.items()}
        cells = sorted((label, text) for label, text in texts.items() if text != "")
        return hashlib.sha256(json.dumps(cells, ensure_ascii=False).encode()).hexdigest()


class PlanSource(BaseModel):
    """Where a plan's cells were read."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client: str
    spreadsheet_id: str
    title: str
    tab: str
    tab_id: int
    url: str = Field(default="", description="Where people open the spreadsheet.")
    locale: str = "id_ID"
    time_zone: str = "Asia/Jakarta"


class ContentPlan(PlanSource):
    """The rows of one client's month, in sheet order."""

    header_row: int
    key_column: int | None = Field(default=None, description="Index of the Key column; None when there is none yet.")
    key_header: bool = Field(default=True, description="Whether the Key column has its header; a run writes it.")
    columns: list[Column] = Field(description="All columns but Key and those of Jira's state, in sheet order.")
    status_columns: list[Column] = Field(default_factory=list, description="Those that Jira's state is written into.")
    rows: list[PlanRow]
    problems: list[Problem] = Field(default_factory=list, description="What is odd about the plan as a whole.")

    @functools.cached_property
    def _named(self) -> dict[str, Column]:
        """Known name, label, and label without regard to case -> its column; a known name goes before a label."""
        by_label = {column.label: column for column in self.columns}
        by_name = {column.name: column for column in self.columns if column.name}
        return {**{match_key(label): column for label, column in by_label.items()}, **by_label, **by_name}

    def _column(self, name: str) -> Column | None:
        return self._named.get(name) or self._named.get(match_key(name))

    def label(self, name: str) -> str | None:
        """The header that stands for a known column, or for one called exactly so."""
        column = self._column(name)
        return column.label if column else None

    def address(self, row: int, name: str) -> str:
        """Address of a row's cell in the column of that name or label; of the row's first cell if there is none."""
        if name == KEY:
            return a1.address(self.tab, row, self.key_column if self.key_column is not None else self.new_key_column)
        column = self._column(name)
        return a1.address(self.tab, row, column.index if column else 0)

    @property
    def new_key_column(self) -> int:
        """Where a plan without a Key column gets one: right of its last column."""
        return max((column.index for column in (*self.columns, *self.status_columns)), default=-1) + 1

    @property
    def new_column(self) -> int:
        """Where any other column is added: right of all that are there."""
        return max(self.new_key_column, -1 if self.key_column is None else self.key_column + 1)

    def value(self, row: PlanRow, name: str) -> CellValue:
        """What is stored in the row's cell of that column, or its key; None when the cell or the column is missing."""
        label = self._read_label(name)
        value = row.key if name == KEY else row.values.get(label)
        return None if isinstance(value, str) and not is_seen(value) else value

    def text(self, row: PlanRow, name: str) -> str:
        """
        What people see in the row's cell of that column, or its key; empty when there is none.

        For an empty Waktu, or a plan without that column, it is the time in Tanggal.
        """
        label = self._read_label(name)
        text = row.key if name == KEY else row.text(label)
        is_time = (label or name) == (self.label(TIME) or TIME)
        return self.time_in_date(row) or text if is_time and not is_seen(text) else text

    def time_in_date(self, row: PlanRow) -> str:
        """The time of day that was written into the row's cell Tanggal, as it was typed; empty without one."""
        try:
            return parse_date(self.value(row, "Tanggal")).time
        except FormatError:
            return ""

    def _read_label(self, name: str) -> str:
        """
        The label under which a row has the column; empty for one of COLUMNS that this plan has not.

        Raises:
            LookupError: It is neither in COLUMNS nor a label of this plan. Whoever wrote the call mends it, not the planner.
        """
        label = self.label(name)
        if label is None and name not in COLUMNS:
            others = [column.label for column in self.columns if column.name is None]
            raise LookupError(
                f"'{name}' is no column; there are {', '.join([*COLUMNS, *others])}. "
                "One that only some plans have is named in COLUMNS of lib/plan/content_plan.py"
            )
        return label or ""


def plan_hash(plan: ContentPlan) -> str:
    """Hash of a plan's content: the same rows in the same order have the same one, whatever stands in the Key column."""
    return hashlib.sha256("".join(row.fingerprint for row in plan.rows).encode()).hexdigest()


def canonical(value: CellValue) -> str:
    """A stored value as text that is the same however Sheets hands the value out."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)
