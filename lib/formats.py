"""Dates, times, text and numbers as people type them in an Indonesian plan, and as Jira wants them.

Nothing here guesses: what has more than one reading is refused with `FormatError`, whose text says what to write instead.
The caller knows the cell and adds its address.

Written by hand since the libraries were measured and change values in silence: dateparser swaps the day and the month of
`5/13/2026`, price-parser drops the minus of `(1.200)` (docs/decisions.md).
"""

import datetime as dt
import functools
import re
import unicodedata
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_day_names, get_month_names
from babel.numbers import get_decimal_symbol

JAKARTA = ZoneInfo("Asia/Jakarta")
SHEETS_EPOCH = dt.date(1899, 12, 30)  # https://developers.google.com/workspace/sheets/api/guides/formats
SHEETS_ERRORS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#ERROR!", "Loading..."}
)  # as the values API shows an error cell; `Loading...` is an import that is not ready

_FIRST_YEAR, _LAST_YEAR = 2000, 2099


class FormatError(ValueError):
    """A cell's content cannot be read; the text says what is wrong and what to write instead."""


# --- Dates ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, order=True)
class Month:
    """One month of one year."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{get_month_names('wide', locale='id')[self.month]} {self.year}"

    def __contains__(self, day: dt.date) -> bool:
        return (day.year, day.month) == (self.year, self.month)

    def next(self) -> "Month":
        """The month after this one."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)


def this_month(now: dt.datetime) -> Month:
    """The month that `now` (aware) lies in, on a clock in Jakarta."""
    local = now.astimezone(JAKARTA)
    return Month(local.year, local.month)


def parse_month(text: str) -> Month:
    """Read `Juli 2026`, `July 2026` or `2026-07`."""
    plain = _plain(text).casefold()
    if match := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})", plain):
        year, month = int(match[1]), int(match[2])
    elif match := re.fullmatch(r"([a-z]+)\.? ([0-9]{4})", plain):
        year, month = int(match[2]), _months().get(match[1], 0)
    else:
        year, month = 0, 0
    if not 1 <= month <= 12 or not _FIRST_YEAR <= year <= _LAST_YEAR:  # noqa: PLR2004
        raise FormatError(f"{text!r} is not a month; write it as Juli 2026, July 2026 or 2026-07")
    return Month(year, month)


def show_date(day: dt.date) -> str:
    """As people in the agency read it: `Minggu, 5 Juli 2026`."""
    return format_date(day, "EEEE, d MMMM y", locale="id")


def show_moment(moment: dt.datetime) -> str:
    """An aware moment on a clock in Jakarta: `5 Juli 2026 pukul 14.05 WIB`."""
    return format_datetime(moment, "d MMMM y 'pukul' HH.mm 'WIB'", tzinfo=JAKARTA, locale="id")


@dataclass(frozen=True)
class ReadDate:
    """A date read from a cell, and what was odd about it (`note`, empty when nothing was)."""

    day: dt.date
    note: str = ""


def parse_date(value: object) -> ReadDate:
    """
    Read a publication date: a serial number (a real date in the sheet) or text.

    Text is day, month, year in that order, or ISO 8601; months by number or by name, Indonesian or English; a weekday
    may stand before it, a time after it. A year has four digits, or two from 20 to 79.

    Raises:
        FormatError: There is no such day, or the text has more than one reading, or none.
    """
    if isinstance(value, bool):
        raise FormatError(f"{value!r} is not a date; {_DATE_ADVICE}")
    if isinstance(value, int | float):
        return _date_of_serial(value)
    text = _plain("" if value is None else str(value))
    if not text:
        raise FormatError(f"is empty; {_DATE_ADVICE}")
    weekday, rest = _split_weekday(re.sub(r"^(tgl|tanggal)\.? ", "", text.casefold()))
    rest, time = _split_time(rest.rstrip(" ,."))
    day = _date_of_numbers(text, rest) or _date_of_names(text, rest)
    if day is None:
        raise FormatError(f"{text!r} is not a date; {_DATE_ADVICE}")
    notes = []
    if weekday is not None and weekday != day.weekday():
        notes.append(f"{text!r} names another weekday: that day is {show_date(day)}")
    if time:
        notes.append(f"the time in {text!r} is not used here; write it under Waktu")
    return ReadDate(day, "; ".join(notes))


_DATE_ADVICE = "write day, month and year, such as 5 Juli 2026 or 05/07/2026"
_WORD = r"[a-z']+"
_TIME = r"(?:pukul |jam |pk\.? )?[0-9]{1,2}[:.][0-9]{2}(?:[:.][0-9]{2})?(?:\.[0-9]+)? ?(?:wib|wita|wit)?"


def _date_of_serial(serial: float) -> ReadDate:
    first, last = ((dt.date(year, 1, 1) - SHEETS_EPOCH).days for year in (_FIRST_YEAR, _LAST_YEAR + 1))
    if not first <= serial < last:
        raise FormatError(f"the number {serial:g} is not a date; {_DATE_ADVICE}")
    note = "" if serial == int(serial) else "the time in this cell is not used here; write it under Waktu"
    return ReadDate(SHEETS_EPOCH + dt.timedelta(days=int(serial)), note)


def _split_weekday(text: str) -> tuple[int | None, str]:
    match = re.match(rf"({_WORD})(?:\. ?|, ?| )(?=[0-9a-z])", text)
    weekday = _weekdays().get(match[1]) if match else None
    return (None, text) if match is None or weekday is None else (weekday, text[match.end() :].lstrip(" ,"))


def _split_time(text: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?[0-9]{4}|[0-9]{4}-[0-9]{2}-[0-9]{2})(?:t|,? )(" + _TIME + ")", text)
    return (match[1], match[2]) if match else (text, "")


def _date_of_numbers(shown: str, text: str) -> dt.date | None:
    if match := re.fullmatch(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})", text):
        return _day(shown, match[1], int(match[3]), match[4])
    if match := re.fullmatch(r"([0-9]{1,2}) ?([-/. ]) ?([0-9]{1,2}) ?\2 ?([0-9]{4}|[0-9]{2})", text):
        return _day(shown, match[4], int(match[3]), match[1])
    return None


def _date_of_names(shown: str, text: str) -> dt.date | None:
    if match := re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?[ ./-]*([a-z]+)[ ./,'-]*([0-9]{4}|[0-9]{2})", text):
        day, name, year = match[1], match[2], match[3]
    elif match := re.fullmatch(r"([a-z]+)\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})", text):
        day, name, year = match[2], match[1], match[3]
    else:
        return None
    month = _months().get(name)
    return None if month is None else _day(shown, year, month, day)


def _day(shown: str, year: str, month: int, day: str) -> dt.date:
    full_year = int(year) if len(year) == 4 else 2000 + int(year)  # noqa: PLR2004
    if len(year) == 2 and not 20 <= int(year) <= 79:  # noqa: PLR2004
        raise FormatError(f"{shown!r} has more than one reading; write the year with four digits, such as 5 Juli 2026")
    try:
        date = dt.date(full_year, month, int(day))
    except ValueError:
        raise FormatError(f"{shown!r} is no day of the calendar (read as day, month, year); {_DATE_ADVICE}") from None
    if not _FIRST_YEAR <= full_year <= _LAST_YEAR:
        raise FormatError(f"{shown!r} lies outside the years {_FIRST_YEAR} to {_LAST_YEAR}; {_DATE_ADVICE}")
    return date


@functools.cache
def _months() -> dict[str, int]:
    """Month names and short forms, lower case -> 1 to 12."""
    names = {"agt": 8, "ags": 8, "agust": 8, "peb": 2, "pebruari": 2, "nop": 11, "nopember": 11, "sept": 9}
    for language in ("id", "en"):
        for width in ("wide", "abbreviated"):
            names |= {n.casefold().rstrip("."): i for i, n in get_month_names(width, locale=language).items()}
    return names


@functools.cache
def _weekdays() -> dict[str, int]:
    """Weekday names and short forms, lower case -> 0 (Monday) to 6."""
    names = {"jum'at": 4, "ahad": 6}
    for language in ("id", "en"):
        for width in ("wide", "abbreviated"):
            names |= {n.casefold().rstrip("."): i for i, n in get_day_names(width, locale=language).items()}
    return names


# --- Times ------------------------------------------------------------------------------------------------------------


def parse_time(value: object) -> dt.time:
    """
    Read a time of day: a fraction of a day (a real time in the sheet), `10.00`, `10:00`, `10.00 WIB`.

    Raises:
        FormatError: It is no time of day.
    """
    advice = "write it as 10.00 or 10:00"
    if isinstance(value, bool):
        raise FormatError(f"{value!r} is not a time; {advice}")
    if isinstance(value, int | float) and 0 <= value < 1:
        minutes = round(value * 24 * 60) % (24 * 60)
        return dt.time(minutes // 60, minutes % 60)
    text = _plain("" if value is None else str(value)).casefold()
    if not text:
        raise FormatError(f"is empty; {advice}")
    match = re.fullmatch(
        r"(?:pukul |jam |pk\.? )?([0-9]{1,2})(?:[.:]([0-9]{2})(?:[.:][0-9]{2})?)? ?(wib|wita|wit)?", text
    )
    if match is None or int(match[1]) > 23 or int(match[2] or 0) > 59:  # noqa: PLR2004
        raise FormatError(f"{text!r} is not a time; {advice}")
    return dt.time(int(match[1]), int(match[2] or 0))


# --- Text -------------------------------------------------------------------------------------------------------------

_LINE_BREAKS = re.compile("\r\n|[\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_SPACES = re.compile(r"[^\S\n]+")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
)
_JOINER_BESIDE_ASCII = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")


def clean_text(value: object) -> str:
    """
    Text for Jira: NFC, line feeds as line breaks, at most two in a row, single spaces, trimmed.

    Control and invisible characters are left out; the joiners and variation selectors inside emoji stay.
    """
    text = unicodedata.normalize("NFC", "" if value is None else str(value))
    text = _LINE_BREAKS.sub("\n", text)
    text = _JOINER_BESIDE_ASCII.sub("", _INVISIBLE.sub("", text))
    text = _SPACES.sub(" ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def one_line(value: object) -> str:
    """Clean text with its line breaks turned into spaces."""
    return clean_text(value).replace("\n\n", " ").replace("\n", " ")


def match_key(value: object) -> str:
    """What two spellings of one name have in common: case, spaces, dashes and compatibility forms do not count."""
    return " ".join(_plain(str("" if value is None else value)).casefold().split())


def length_in_jira(text: str) -> int:
    """Length as Jira counts it: UTF-16 code units, so an emoji is two or more."""
    return len(text) + sum(character > "\uffff" for character in text)


def plural(count: int, word: str) -> str:
    """So many of them: `1 row`, `1,200 rows`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def cut(text: str, limit: int) -> str:
    """The longest beginning of `text` that has at most `limit` UTF-16 code units and ends between characters."""
    if length_in_jira(text) <= limit:
        return text
    units, end = 0, 0
    for end, character in enumerate(text):  # noqa: B007
        units += 2 if character > "\uffff" else 1
        if units > limit:
            break
    while end and (text[end] in "\u200d\ufe0f" or unicodedata.combining(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end]


def _plain(text: str) -> str:
    """One line with plain digits, dashes and apostrophes: what is typed in a date or a number."""
    plain = re.sub("[\u2010-\u2015\u2212]", "-", unicodedata.normalize("NFKC", one_line(text)))
    return re.sub("[\u2018\u2019]", "'", plain).strip()


# --- Numbers ----------------------------------------------------------------------------------------------------------

_CURRENCY = re.compile(r"^(rp\.?|idr|us\$|usd|\$|€|eur)\s*|\s*(idr|usd|eur|€|rupiah)$")


def parse_number(value: object, *, locale: str = "id_ID") -> float | None:
    """
    Read a number as Sheets would in a spreadsheet of that locale; None for an empty cell.

    `Rp 1.500.000,00`, `1,500,000.50`, `(1.200)` and `-3` are numbers; `12,5%` is 0.125, as it is in a cell. A single
    separator before exactly three digits is read by the locale: `1.500` is 1500 in id_ID and 1.5 in en_US.

    Raises:
        FormatError: It is no number.
    """
    if isinstance(value, bool):
        raise FormatError(f"{value!r} is not a number; write digits, such as 1500000")
    if isinstance(value, int | float):
        return float(value)
    text = _plain("" if value is None else str(value)).casefold()
    if not text:
        return None
    sign, body = _split_sign(text)
    body, parts = (body[:-1].rstrip(), 100) if body.endswith("%") else (body, 1)
    digits = _plain_digits(body, get_decimal_symbol(locale.replace("-", "_").split("@")[0] or "id_ID"))
    if digits is None:
        raise FormatError(f"{text!r} is not a number; write digits, such as 1500000")
    return sign * float(digits) / parts


def _split_sign(text: str) -> tuple[int, str]:
    sign = 1
    if text.startswith("(") and text.endswith(")"):
        sign, text = -1, text[1:-1].strip()
    text = _CURRENCY.sub("", text)
    if text.startswith(("-", "+")):
        sign, text = (-sign if text[0] == "-" else sign), text[1:].strip()
    text = re.sub(r",-$", "", _CURRENCY.sub("", text))  # `Rp 1.500.000,-` means no cents
    return sign, text.strip()


def _plain_digits(text: str, decimal: str) -> str | None:
    """Digits with a point, or None; `decimal` is what the locale writes before the cents."""
    grouping = "," if decimal == "." else "."
    if re.fullmatch(r"[0-9]+", text):
        return text
    for point, group in ((decimal, grouping), (grouping, decimal)):  # the locale's reading goes first
        if re.fullmatch(rf"(?=.*[0-9])([0-9]{{1,3}}(\{group}[0-9]{{3}})+|[0-9]*)(\{point}[0-9]+)?", text):
            return text.replace(group, "").replace(point, ".")
    spaced = text.replace(" ", "")
    return spaced if re.fullmatch(r"[0-9]{1,3}( [0-9]{3})+", text) else None
