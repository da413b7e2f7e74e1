"""What one cell of a sheet holds. Cells never change: writing puts a new one in the old one's place."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import NamedTuple

from sandbox.google.rich_text import Rich, link_format
from sandbox.http.messages import Json, JsonObject

type Scalar = str | float | bool

# Wording of https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/other#ErrorType
ERROR_TEXTS = {
    "ERROR": "#ERROR!",
    "NULL_VALUE": "#NULL!",
    "DIVIDE_BY_ZERO": "#DIV/0!",
    "VALUE": "#VALUE!",
    "REF": "#REF!",
    "NAME": "#NAME?",
    "NUM": "#NUM!",
    "N_A": "#N/A",
    "LOADING": "Loading...",
}
ERROR_TYPES = {text: kind for kind, text in ERROR_TEXTS.items()}

EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001 - sheets have no time zone in their cells
MAX_CELL_CHARACTERS = 50_000
_URL = re.compile(r"https?://\S+")
_HYPERLINK = re.compile(r'=HYPERLINK\(\s*"([^"]*)"\s*(?:[,;]\s*"([^"]*)"\s*)?\)', re.IGNORECASE)
_IMAGE = re.compile(r"=IMAGE\(.*\)", re.IGNORECASE | re.DOTALL)


class NumberFormat(NamedTuple):
    """A cell's number format; an empty pattern means the locale's own for that type."""

    type: str
    pattern: str = ""


class ErrorValue(NamedTuple):
    """The value of a cell whose formula failed."""

    type: str
    message: str = ""

    @property
    def text(self) -> str:
        return ERROR_TEXTS[self.type]


class Cell(NamedTuple):
    """One cell: its value, and how it came about."""

    value: Scalar | ErrorValue | None = None
    """What the cell evaluates to; numbers are always float, as in Sheets."""
    formula: str | None = None
    format: JsonObject | None = None
    """The `userEnteredFormat` as Sheets spells it; never changed in place."""
    note: str = ""
    link: str | None = None
    """What a HYPERLINK formula or a typed address points at; a link set on the cell is part of `format`."""
    runs: list[JsonObject] | None = None
    """The `textFormatRuns` as Sheets returns them; never changed in place."""
    chips: list[JsonObject] | None = None
    """The `chipRuns` as Sheets returns them, with the runs between the chips; never changed in place."""

    @property
    def number_format(self) -> NumberFormat | None:
        wanted = (self.format or {}).get("numberFormat")
        return NumberFormat(wanted.get("type", ""), wanted.get("pattern", "")) if wanted else None

    @property
    def is_text(self) -> bool:
        """Whether typed-in text stays text here, as in a cell formatted as plain text."""
        wanted = self.number_format
        return wanted is not None and wanted.type == "TEXT"

    @property
    def empty(self) -> bool:
        return self.value is None and self.formula is None

    def with_content(self, other: "Cell") -> "Cell":
        """This cell with the content of `other`; the other's number format only where this one has none."""
        formatted = other.format if self.number_format is None and other.number_format is not None else None
        merged = {**(self.format or {}), **formatted} if formatted else self.format
        return other._replace(format=merged, note=self.note)

    def cleared(self) -> "Cell":
        """This cell without content: clearing leaves formats and notes."""
        return self.with_value_of(BLANK)

    def with_value_of(self, other: "Cell") -> "Cell":
        """This cell with value, formula, links and runs of `other`, and its own format and note."""
        return other._replace(format=self.format, note=self.note)

    def with_text_format(self, **more: Json) -> "Cell":
        """This cell with more in the `textFormat` of its format."""
        entered = self.format or {}
        return self._replace(format={**entered, "textFormat": {**entered.get("textFormat", {}), **more}})


BLANK = Cell()


NOT_COMPUTED = ErrorValue("ERROR", "The sandbox does not compute formulas.")


@dataclass(frozen=True, slots=True)
class Text:
    """Text that is stored unparsed, even if it looks like a formula or a date."""

    text: str


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula and the value it shows: the sandbox does not compute formulas."""

    text: str
    value: "str | float | bool | ErrorValue" = NOT_COMPUTED


@dataclass(frozen=True, slots=True)
class Formatted:
    """A value with a number format of its own, e.g. `Formatted(1500000, "CURRENCY", '"Rp"#,##0')`."""

    value: "str | float | dt.date | None"
    type: str
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Styled:
    """Content with a note, struck through or with a link on the whole cell."""

    content: "Content"
    note: str = ""
    strikethrough: bool = False
    link: str = ""


type Content = (
    str
    | float
    | bool
    | dt.date
    | dt.datetime
    | dt.time
    | Cell
    | Text
    | Formula
    | Formatted
    | Rich
    | Styled
    | ErrorValue
    | None
)


def to_serial(moment: dt.date | dt.datetime | dt.time) -> float:
    """Days since 1899-12-30, the way Sheets counts."""
    if isinstance(moment, dt.time):
        return (moment.hour * 3600 + moment.minute * 60 + moment.second) / 86_400
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime.combine(moment, dt.time())
    return (moment.replace(tzinfo=None) - EPOCH) / dt.timedelta(days=1)


def from_serial(serial: float) -> dt.datetime:
    return EPOCH + dt.timedelta(seconds=round(serial * 86_400))


def cell_of(content: Content) -> Cell:
    """The cell that shows `content`: what `add_spreadsheet` and the seed write."""
    match content:
        case Cell():
            return content
        case Text() | Formula() | Rich() | Styled() | Formatted():
            return _described(content)
        case ErrorValue():
            return Cell(content, "=" + content.text)
        case dt.date() | dt.time():
            kind = "TIME" if isinstance(content, dt.time) else "DATE"
            kind = "DATE_TIME" if isinstance(content, dt.datetime) else kind
            return Cell(to_serial(content), format={"numberFormat": {"type": kind}})
        case str():
            return _from_string(content)
    return BLANK if content is None else Cell(_value(content))


def _described(content: "Text | Formula | Rich | Styled | Formatted") -> Cell:
    match content:
        case Text(text):
            return Cell(text)
        case Formula(text, value):
            return formula_cell(text, value)
        case Rich():
            return Cell(content.text, runs=content.format_runs(), chips=content.chip_runs())
        case Styled():
            return _styled_cell(content)
        case Formatted(value, kind, pattern):
            wanted = {"type": kind, "pattern": pattern} if pattern else {"type": kind}
            return cell_of(value)._replace(format={"numberFormat": wanted})


def _value(value: "str | float | bool | ErrorValue") -> "Scalar | ErrorValue":
    """Numbers as Sheets keeps them: double precision, whole or not."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _from_string(text: str) -> Cell:
    if not text:
        return BLANK
    if text in ERROR_TYPES:
        return Cell(ErrorValue(ERROR_TYPES[text]), "=" + text)
    if text.startswith("="):
        return formula_cell(text)
    return text_cell(text)


def text_cell(text: str) -> Cell:
    """The cell of a typed text; one that is nothing but an address becomes a link."""
    return Cell(text, link=text.strip() if _URL.fullmatch(text.strip()) else None)


def formula_cell(text: str, value: "str | float | bool | ErrorValue" = NOT_COMPUTED) -> Cell:
    """The cell of a formula; HYPERLINK and IMAGE with literal arguments get their values without one being given."""
    link = _HYPERLINK.fullmatch(text)
    if link:
        shown = value if value is not NOT_COMPUTED else link[2] or link[1]
        return Cell(_value(shown), text, link=link[1])
    if value is NOT_COMPUTED and _IMAGE.fullmatch(text):
        return Cell(None, text)
    return Cell(_value(value), text)


def _styled_cell(styled: Styled) -> Cell:
    cell = cell_of(styled.content)._replace(note=styled.note)
    if styled.strikethrough:
        cell = cell.with_text_format(strikethrough=True)
    return cell.with_text_format(**link_format(styled.link)) if styled.link else cell


def json_number(value: float) -> float | int:
    """Whole numbers are sent without a fraction, as Google writes them."""
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
