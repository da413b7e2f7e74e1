"""Dates and times as people type them in an Indonesian plan.

Nothing here guesses: what has more than one reading, or none, is refused with `FormatError`, whose text says what to write
instead. Two readings of which only the plan's month can tell the right one are both handed on (`ReadDate.others`).
"""

import datetime as dt
import difflib
import functools
import re
from dataclasses import dataclass

from babel.dates import get_day_names

from lib.formats import FIRST_YEAR, LAST_YEAR, FormatError, find_month, month_names, plain_line, show_date
from lib.messages import NOTHING, Said, join, say

SHEETS_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  # https://developers.google.com/workspace/sheets/api/guides/formats


@dataclass(frozen=True)
class ReadDate:
    """
    A date read from a cell.

    Attributes:
        day: The date.
        time: The time of day that stands beside it, as it was typed; of a real date `10.30`. Empty without one.
        others: Other days that were meant, if day and month, or day and year, were swapped.
        note: What is odd about it; empty when nothing is.
    """

    day: dt.date
    time: str = ""
    others: tuple[dt.date, ...] = ()
    note: Said = NOTHING


# --- Dates ------------------------------------------------------------------------------------------------------------


def parse_date(value: object) -> ReadDate:
    """
    Read a publication date: a serial number (a real date in the sheet) or text.

    Text is day, month, year in that order, or ISO 8601; months by number or by name, Indonesian or English; a weekday
    and a time of day may stand before or behind it. A year has four digits, or two from 20 to 79.

    Raises:
        FormatError: There is no such day, or the text has more than one reading, or none.
    """
    if isinstance(value, bool):
        raise _no_date(str(value).upper())
    if isinstance(value, int | float):
        return _date_of_serial(value)
    text = plain_line("" if value is None else str(value))
    if not text:
        raise FormatError(say("is empty; write day, month and year, such as 5 Juli 2026 or 05/07/2026"))
    rest, weekdays, times = _take_apart(text)
    read = _date_of_numbers(text, rest) or _date_of_names(text, rest)
    if read is None or len(weekdays) > 1 or len(times) > 1:
        raise _no_date(text)
    notes = [read.note] if read.note else []
    if weekdays - {read.day.weekday()}:
        notes.append(say("'{text}' names another weekday: that day is {day}", text=text, day=show_date(read.day)))
    return ReadDate(read.day, "".join(times), read.others, join("; ", notes))


def _no_date(text: str) -> FormatError:
    return FormatError(
        say("'{text}' is not a date; write day, month and year, such as 5 Juli 2026 or 05/07/2026", text=text)
    )


def moment_of(serial: float) -> dt.datetime:
    """The local moment of a serial number; to the second, since a sum of hours may miss a day by a hair."""
    return SHEETS_EPOCH + dt.timedelta(seconds=round(serial * 86_400))


def _date_of_serial(serial: float) -> ReadDate:
    days = round(serial * 86_400) / 86_400
    first, last = ((dt.datetime(year, 1, 1) - SHEETS_EPOCH).days for year in (FIRST_YEAR, LAST_YEAR + 1))  # noqa: DTZ001
    if not first <= days < last:
        raise FormatError(
            say(
                "the number {number} is not a date; write day, month and year, such as 5 Juli 2026 or 05/07/2026",
                number=f"{serial:g}",
            )
        )
    moment = moment_of(serial)
    time = moment.strftime("%H.%M.%S").removesuffix(".00") if moment.time() != dt.time() else ""
    return ReadDate(moment.date(), time, _swapped(moment.date()))


def _swapped(day: dt.date) -> tuple[dt.date, ...]:
    """The other day with the same two numbers for day and month, if there is one."""
    if day.day > 12 or day.day == day.month:  # noqa: PLR2004
        return ()
    return (day.replace(month=day.day, day=day.month),)


_BESIDE = " ,;|/-"
_LABEL = re.compile(r"(?:tgl|tanggal|hari|date|pada)\b[.:]* ?", re.IGNORECASE)
_FIRST_WORD = re.compile(rf"([a-z]+)\b[.:{_BESIDE}]*", re.IGNORECASE)
_LAST_WORD = re.compile(rf"[{_BESIDE}]+([a-z]+)$", re.IGNORECASE)
_BETWEEN = re.compile(rf"[@{_BESIDE}]+|(?<=[0-9])T(?=[0-9])", re.IGNORECASE)
_TIME = re.compile(
    r"(?P<before>(?:pukul|pkl|pk|jam|at)[.:]? ?)?"
    r"(?P<hour>[0-9]{1,2})(?:(?P<point>[:.])(?P<minute>[0-9]{2})(?:[:.][0-9]{2}(?:\.[0-9]+)?)?)?"
    r"(?P<half> ?[ap]\.?m\b\.?)?(?P<part> ?(?:pagi|siang|sore|malam)\b)?(?P<zone> ?(?:wib|wita|wit)\b)?",
    re.IGNORECASE,
)
_UNTIL = re.compile(" ?(?:-|s/d|sd|sampai|hingga) ?", re.IGNORECASE)


def _take_apart(text: str) -> tuple[str, set[int], list[str]]:
    """What is left of a text without the weekdays and times at its ends, the weekdays (0 is Monday), and the times."""
    rest = re.sub(r"[()\[\]{}]", " ", re.sub(r"(?i)\bjum[' ]+at\b", "jumat", text))
    rest, weekdays, times, before = " ".join(rest.split()), set[int](), list[str](), ""
    while rest != before:
        before = rest = rest.strip(" ,;|").rstrip(".")
        rest = _LABEL.sub("", rest, count=1) if _LABEL.match(rest) else rest
        for match in (_FIRST_WORD.match(rest), _LAST_WORD.search(rest)):
            if match and (weekday := _find_weekday(match[1])) is not None:
                weekdays.add(weekday)
                rest = rest[match.end() :] if match.start() == 0 else rest[: match.start()]
                break
        else:
            rest, time = _split_time(rest)
            times += [time] if time else []
    return rest, weekdays, times


def _split_time(text: str) -> tuple[str, str]:
    """A text without the time of day (or the span of time) at one of its ends, and that one; empty without one."""
    gaps = list(_BETWEEN.finditer(text))
    for gap in gaps:
        in_letters = re.search("(?i)[a-z]", text[: gap.start()])
        if _is_time(text[gap.end() :], sure=not in_letters and not gap[0].isspace()):
            return text[: gap.start()], _shown_time(text[gap.end() :])
    for gap in reversed(gaps):
        if _is_time(text[: gap.start()], sure=True):
            return text[gap.end() :], _shown_time(text[: gap.start()])
    return text, ""


def _is_time(text: str, *, sure: bool) -> bool:
    """Whether it is a time of day, or two; when `sure`, not one that could be a day and a month, as `05.07` could."""
    times = [_TIME.fullmatch(part) for part in _UNTIL.split(text, maxsplit=1)]
    if not all(t and int(t["hour"]) <= 24 and int(t["minute"] or 0) < 60 for t in times):  # noqa: PLR2004
        return False
    found = [t for t in times if t]
    dotted = [t for t in found if t["point"] == "." and not (sure and 1 <= int(t["minute"]) <= 12)]  # noqa: PLR2004
    return bool(dotted) or any(t["point"] == ":" or any(t.group("before", "half", "part", "zone")) for t in found)


def _shown_time(text: str) -> str:
    """The time without `pukul`, unless nothing else says what the number is."""
    match = _TIME.fullmatch(text)
    return text[match.end("before") :] if match and match["before"] and match["minute"] else text


def _date_of_numbers(shown: str, text: str) -> ReadDate | None:
    if match := re.fullmatch(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})", text):
        return ReadDate(_day(shown, match[1], int(match[3]), match[4]))
    match = re.fullmatch(r"([0-9]{1,2}) ?([-/. ]) ?([0-9]{1,2}) ?\2 ?([0-9]{4}|[0-9]{2})", text)
    if match is None:
        return None
    day = _day(shown, match[4], int(match[3]), match[1])
    others = _swapped(day)
    if len(match[4]) == 2 and len(match[1]) == 2 and match[1] != match[4]:  # noqa: PLR2004
        try:
            others += (_day(shown, match[1], int(match[3]), match[4]),)
        except FormatError:
            return ReadDate(day, others=others)
    return ReadDate(day, others=others)


def _date_of_names(shown: str, text: str) -> ReadDate | None:
    plain = text.casefold()
    if match := re.fullmatch(r"([0-9]{1,2})(?:st|nd|rd|th)?[ ./-]*([a-z]+)[ ./,'-]*([0-9]{4}|[0-9]{2})", plain):
        day, name, year = match[1], match[2], match[3]
    elif match := re.fullmatch(r"([a-z]+)\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})", plain):
        day, name, year = match[2], match[1], match[3]
    else:
        return None
    month = find_month(name)
    if month is not None:
        return ReadDate(_day(shown, year, month, day))
    similar = {month_names()[n] for n in difflib.get_close_matches(name, month_names(), cutoff=0.8)}
    if len(name) < 5 or len(similar) != 1:  # noqa: PLR2004  # Juni and Juli differ in one letter
        return None
    read = _day(shown, year, similar.pop(), day)
    return ReadDate(read, note=say("'{text}' is read as {day}", text=text, day=show_date(read)))


def _day(shown: str, year: str, month: int, day: str) -> dt.date:
    full_year = int(year) if len(year) == 4 else 2000 + int(year)  # noqa: PLR2004
    if len(year) == 2 and not 20 <= int(year) <= 79:  # noqa: PLR2004
        raise FormatError(
            say("'{text}' has more than one reading; write the year with four digits, such as 5 Juli 2026", text=shown)
        )
    try:
        date = dt.date(full_year, month, int(day))
    except ValueError:
        raise FormatError(
            say(
                "'{text}' is no day of the calendar (read as day, month, year); "
                "write day, month and year, such as 5 Juli 2026 or 05/07/2026",
                text=shown,
            )
        ) from None
    if not FIRST_YEAR <= full_year <= LAST_YEAR:
        raise FormatError(
            say(
                "'{text}' lies outside the years {first} to {last}; "
                "write day, month and year, such as 5 Juli 2026 or 05/07/2026",
                text=shown,
                first=FIRST_YEAR,
                last=LAST_YEAR,
            )
        )
    return date


def _find_weekday(word: str) -> int | None:
    """The weekday of a name, or of the beginning of one (three letters at least), 0 (Monday) to 6."""
    return _short_weekdays().get(word.casefold())


@functools.cache
def _short_weekdays() -> dict[str, int]:
    names = {"senen": 0, "rebo": 2, "kemis": 3, "jumaat": 4, "saptu": 5, "ahad": 6, "mgg": 6}
    for language in ("id", "en"):
        names |= {name.casefold(): i for i, name in get_day_names("wide", locale=language).items()}
    return {name[:length]: number for name, number in names.items() for length in range(3, len(name) + 1)}


# --- Times ------------------------------------------------------------------------------------------------------------


def parse_time(value: object) -> dt.time:
    """
    Read a time of day, to the minute: a fraction of a day (a real time in the sheet), `10.00`, `10:00 AM`, `pkl 10.00 WIB`.

    Raises:
        FormatError: It is no time of day.
    """
    if isinstance(value, bool):
        raise _no_time(str(value).upper())
    if isinstance(value, int | float) and (0 <= value < 1 or (value >= 366 and value % 1)):  # noqa: PLR2004
        return moment_of(value).time().replace(second=0)
    text = plain_line("" if value is None else str(value))
    if not text:
        raise FormatError(say("is empty; write it as 10.00 or 10:00"))
    match = _TIME.fullmatch(" ".join(re.sub(r"[()]", " ", text).split()).rstrip("."))
    if match is None or match["part"]:
        raise _no_time(text)
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), (match["half"] or " ").strip()[:1].casefold()
    if half == "p" and 1 <= hour < 12:  # noqa: PLR2004
        hour += 12
    elif half == "a" and hour == 12:  # noqa: PLR2004
        hour = 0
    if hour > 23 or minute > 59 or (half == "a" and hour > 12) or (half == "p" and hour == 0):  # noqa: PLR2004
        raise _no_time(text)
    return dt.time(hour, minute)


def _no_time(text: str) -> FormatError:
    return FormatError(say("'{text}' is not a time; write it as 10.00 or 10:00", text=text))


def is_same_time(one: object, other: object) -> bool:
    """
    Whether two cells hold the same time of day; zones count when both say one.

    Raises:
        FormatError: One of them holds none.
    """
    zones = {match[0].casefold() for each in (one, other) if (match := re.search(r"(?i)\bwi(?:b|ta|t)\b", str(each)))}
    return parse_time(one) == parse_time(other) and len(zones) <= 1
