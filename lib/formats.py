"""Months, text and numbers as people type them in an Indonesian plan, and as Jira wants them; dates: `lib.dates`.

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

from babel.dates import format_date, format_datetime, get_month_names
from babel.numbers import get_decimal_symbol

from lib.messages import Said, as_said, say

JAKARTA = ZoneInfo("Asia/Jakarta")
SHEETS_ERRORS = frozenset(
    {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#ERROR!", "Loading..."}
)  # as the values API shows an error cell; `Loading...` is an import that is not ready

FIRST_YEAR, LAST_YEAR = 2000, 2099


class FormatError(ValueError):
    """A cell's content cannot be read; the text says what is wrong and what to write instead."""

    @property
    def said(self) -> Said:
        """The text in both languages."""
        return as_said(self.args[0])


# --- Months -----------------------------------------------------------------------------------------------------------


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
    """Read `Juli 2026`, `July 2026`, a short form such as `Jul 2026` or `Agt 2026`, or `2026-07`."""
    plain = plain_line(text).casefold()
    if match := re.fullmatch(r"([0-9]{4})-([0-9]{1,2})", plain):
        year, month = int(match[1]), int(match[2])
    elif match := re.fullmatch(r"([a-z]+)[ .,/-]*([0-9]{4})", plain):
        year, month = int(match[2]), find_month(match[1]) or 0
    else:
        year, month = 0, 0
    if not 1 <= month <= 12 or not FIRST_YEAR <= year <= LAST_YEAR:  # noqa: PLR2004
        raise FormatError(say("'{text}' is not a month; write it as Juli 2026, July 2026 or 2026-07", text=text))
    return Month(year, month)


def show_date(day: dt.date) -> str:
    """As people in the agency read it: `Minggu, 5 Juli 2026`."""
    return format_date(day, "EEEE, d MMMM y", locale="id")


def show_moment(moment: dt.datetime) -> str:
    """An aware moment on a clock in Jakarta: `5 Juli 2026 pukul 14.05 WIB`."""
    return format_datetime(moment, "d MMMM y 'pukul' HH.mm 'WIB'", tzinfo=JAKARTA, locale="id")


@functools.cache
def month_names() -> dict[str, int]:
    """
    Months in full as people write them, Indonesian (old spelling, too) and English, lower case -> 1 to 12.

    Source: the names of CLDR, by babel.
    """
    old = {"pebruari": 2, "nopember": 11, "djanuari": 1, "djuni": 6, "djuli": 7, "augustus": 8}
    return old | {n.casefold(): i for lang in ("id", "en") for i, n in get_month_names("wide", locale=lang).items()}


def find_month(word: str) -> int | None:
    """
    The month of a name or a short form of it, 1 to 12; None when it is none.

    A short form is the beginning of a name (`Agus`, `Nop`, `Sept`), or its first letter and consonants (`Mrt`, `Agst`), or
    the beginning of those; three letters at least.
    """
    return _short_months().get(word.casefold())


@functools.cache
def _short_months() -> dict[str, int]:
    short = {"agt": 8, "agts": 8, "mart": 3}
    for name, number in month_names().items():
        for written in (name, name[0] + re.sub("[aeiou]", "", name[1:])):
            short |= {written[:length]: number for length in range(3, len(written) + 1)}
    return short


# --- Text -------------------------------------------------------------------------------------------------------------

_LINE_BREAKS = re.compile("\r\n|[\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029]")
_APOSTROPHES = "[`\u00b4\u02b9-\u02bc\u02c8\u2018\u2019\u201b\u2032\uff40]"
_SPACES = re.compile(r"[^\S\n]+")
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff]"
)
_CLEAN = re.compile("(?:[!-~]+(?: [!-~]+)*)?")  # as most texts are
_INK = re.compile("[!-~]")
_WITHOUT_INK = re.compile(
    "[\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0"
    "\ufff0-\ufffc\U00013441\U00013442\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_JOINER_BESIDE_ASCII = re.compile("(?<![^\x00-\x7f])[\u200c\u200d]+|[\u200c\u200d]+(?![^\x00-\x7f])")


def clean_text(value: object) -> str:
    """
    Text for Jira: NFC, line feeds as line breaks, at most two in a row, single spaces, trimmed.

    Control and invisible characters are left out; the joiners and variation selectors inside emoji stay.
    """
    text = "" if value is None else str(value)
    if _CLEAN.fullmatch(text):
        return text
    text = unicodedata.normalize("NFC", text)
    text = _LINE_BREAKS.sub("\n", text)
    text = _JOINER_BESIDE_ASCII.sub("", _INVISIBLE.sub("", text))
    text = _SPACES.sub(" ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def is_seen(text: str) -> bool:
    """
    Whether a text shows anything; spaces, fillers, joiners and other characters without ink alone do not.

    Source: Default_Ignorable_Code_Point and White_Space of https://www.unicode.org/reports/tr44/, and the blank ones that
    have neither property: of Braille, musical notes, Egyptian hieroglyphs, and objects that did not come along.
    """
    if _INK.search(text):  # most texts, which need not be cleaned to know it
        return True
    return any(character not in " \n" for character in _WITHOUT_INK.sub("", clean_text(text)))


def one_line(value: object) -> str:
    """Clean text with its line breaks turned into spaces."""
    return clean_text(value).replace("\n\n", " ").replace("\n", " ")


def match_key(value: object) -> str:
    """What two spellings of one name have in common: case, spaces, dashes and compatibility forms do not count."""
    return _match_key("" if value is None else str(value))


@functools.lru_cache(maxsize=1024)  # headers, forms and names come again in every row
def _match_key(text: str) -> str:
    return " ".join(plain_line(text).casefold().split())


def length_in_jira(text: str) -> int:
    """Length as Jira counts it: UTF-16 code units, so an emoji is two or more."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


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


def plain_line(text: str) -> str:
    """One line with plain digits, dashes and apostrophes: what is typed in a date or a number."""
    text = one_line(text)
    if text.isascii():  # as most, in which only one character may change
        return text.replace("`", "'")
    text = re.sub(_APOSTROPHES, "'", text)
    return re.sub("[\u2010-\u2015\u2212]", "-", unicodedata.normalize("NFKC", text)).strip()


# --- Numbers ----------------------------------------------------------------------------------------------------------

_CURRENCY = "rp\\.?|idr|rupiah|us\\$|usd|a\\$|aud|s\\$|sgd|rm|myr|\\$|€|eur|£|gbp|¥|jpy"
_BEFORE, _BEHIND = re.compile(rf"^({_CURRENCY})\s*"), re.compile(rf"\s*({_CURRENCY})$")


def parse_number(value: object, *, locale: str = "id_ID") -> float | None:
    """
    Read a number; None for an empty cell.

    `Rp 1.500.000,00`, `1,500,000.50`, `(1.200)` and `-3` are numbers; `12,5%` is 0.125, as it is in a cell. A single
    separator before exactly three digits groups an amount of money, which has no three decimals: `Rp 500.000` and
    `US$ 1,500` in any locale. Without a currency it groups where the locale says so: `1.500` is 1500 in id_ID.

    Raises:
        FormatError: It is no number, or has two readings: `1.500` in en_US, where only a text can hold it.
    """
    if isinstance(value, bool):
        raise _no_number(str(value).upper())
    if isinstance(value, int | float):
        return float(value)
    text = plain_line("" if value is None else str(value)).casefold()
    if not text:
        return None
    sign, body, is_money = _split_sign(text)
    body, parts = (body[:-1].rstrip(), 100) if body.endswith("%") else (body, 1)
    digits = _plain_digits(body)
    if digits is None:
        raise _no_number(text)
    if match := re.fullmatch(r"([1-9][0-9]*)([.,])([0-9]{3})", body):
        whole, is_point = match[1], match[2] == get_decimal_symbol(locale.replace("-", "_").split("@")[0] or "id_ID")
        can_group = len(whole) <= 3  # noqa: PLR2004
        if can_group == (is_point and not is_money and parts == 1):
            raise _two_readings(text, f"{whole}{match[3]}", f"{whole}{match[2]}{match[3].rstrip('0') or '0'}")
        digits = f"{whole}{match[3]}" if can_group and not (is_point and parts > 1) else f"{whole}.{match[3]}"
    elif is_money and re.search(r"\..*,[0-9]{3}$|,.*\.[0-9]{3}$", body):
        raise FormatError(
            say(
                "'{text}' has three digits after its last separator and is no sum of money; write digits alone, such as 1500000",
                text=text,
            )
        )
    return sign * float(digits) / parts


def _no_number(text: str) -> FormatError:
    return FormatError(say("'{text}' is not a number; write digits alone, such as 1500000", text=text))


def _two_readings(text: str, one: str, other: str) -> FormatError:
    message = say(
        "'{text}' has two readings, {one} and {other}; write digits alone, such as 1500000",
        text=text,
        one=one,
        other=other,
    )
    return FormatError(message)


def _split_sign(text: str) -> tuple[int, str, bool]:
    """Sign, digits with their separators, and whether a currency stands beside them."""
    sign = 1
    if text.startswith("(") and text.endswith(")"):
        sign, text = -1, text[1:-1].strip()
    bare = _BEHIND.sub("", _BEFORE.sub("", text))
    if bare.startswith(("-", "+")):
        sign, bare = (-sign if bare[0] == "-" else sign), bare[1:].strip()
    number = _BEFORE.sub("", bare)
    is_money = bool(re.search(_CURRENCY, text))
    return sign, re.sub(r"[.,](-+|=)$", "", number).strip(), is_money  # `Rp 1.500.000,-` means no cents


def _plain_digits(text: str) -> str | None:
    """Digits with a point, or None; a single separator stands before decimals."""
    if re.fullmatch(r"[0-9]+", text):
        return text
    for point, group in ((",", "."), (".", ",")):
        if re.fullmatch(rf"(?=.*[0-9])([1-9][0-9]{{0,2}}(\{group}[0-9]{{3}})+|[0-9]*)(\{point}[0-9]+)?", text):
            return text.replace(group, "").replace(point, ".")
    spaced = text.replace(" ", "")
    return spaced if re.fullmatch(r"[0-9]{1,3}( [0-9]{3})+", text) else None
