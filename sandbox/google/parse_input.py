"""What Sheets makes of text that is typed into a cell: a number, a date, a formula, or the text itself.

This is `USER_ENTERED` of https://developers.google.com/workspace/sheets/api/reference/rest/v4/ValueInputOption and also
what happens to the replacement of a find and replace: `MAR-12` becomes the twelfth of March unless the cell is
formatted as plain text.
"""

import datetime as dt
import re

from sandbox.google import locales
from sandbox.google.cells import ERROR_TYPES, Cell, ErrorValue, cell_of, formula_cell, text_cell
from sandbox.google.locales import Locale

_TIME = r"(?P<hour>\d{1,2})[SEP](?P<minute>\d{2})(?:[SEP](?P<second>\d{2}))?\s*(?P<half>[AaPp][Mm])?"
_NUMERIC_DATE = re.compile(r"(?P<a>\d{1,2})(?P<mark>[/-])(?P<b>\d{1,2})(?:(?P=mark)(?P<year>\d{4}|\d{2}))?")
_ISO_DATE = re.compile(r"(?P<year>\d{4})([/-])(?P<month>\d{1,2})\2(?P<day>\d{1,2})")
_DAY_MONTH = re.compile(r"(?P<day>\d{1,2})[ -](?P<month>[^\W\d_]{3,})\.?(?:,?[ -](?P<year>\d{4}|\d{2}))?")
_MONTH_DAY = re.compile(r"(?P<month>[^\W\d_]{3,})\.?[ -](?P<day>\d{1,2})(?:(?:, ?|[ -])(?P<year>\d{4}|\d{2}))?")
_MONTH_YEAR = re.compile(r"(?P<month>[^\W\d_]{3,})\.?[ -](?P<year>\d{4}|\d{2})")
_FIRST_YEAR = 1900


def parse_input(text: str, cell: Cell, locale_name: str, today: dt.date) -> Cell:
    """`cell` after `text` is typed into it."""
    if text == "":
        return cell.cleared()
    if cell.is_text:
        return cell.with_content(Cell(text))
    if text.startswith("'"):
        return cell.with_content(Cell(text[1:]))
    return cell.with_content(_read(text, locales.of(locale_name), today))


def _read(text: str, locale: Locale, today: dt.date) -> Cell:
    stripped = text.strip()
    if text.startswith("="):
        return formula_cell(text)
    if stripped.upper() in {"TRUE", "FALSE"}:
        return Cell(stripped.upper() == "TRUE")
    if stripped in ERROR_TYPES and stripped.startswith("#"):
        return cell_of(ErrorValue(ERROR_TYPES[stripped]))
    found = _number(stripped, locale) or _moment(stripped, locale, today)
    if found is not None:
        return found
    if text[0] in "+-" and len(text) > 1:  # a person typing +x or -x starts a formula too
        return formula_cell("=" + text)
    return text_cell(text)


def _number(text: str, locale: Locale) -> Cell | None:
    sign, rest = ("-", text[1:]) if text.startswith("-") else ("", text.removeprefix("+"))
    if rest.startswith("(") and rest.endswith(")") and not sign:
        sign, rest = "-", rest[1:-1]
    kind = ""
    for symbol in locale.currency_symbols:
        if rest.casefold().startswith(symbol.casefold()):
            kind, rest = "CURRENCY", rest[len(symbol) :].strip()
    if rest.endswith("%") and not kind:
        kind, rest = "PERCENT", rest[:-1].strip()
    group, decimal = re.escape(locale.group), re.escape(locale.decimal)
    plain = rf"(?:\d+|\d{{1,3}}(?:{group}\d{{3}})+)(?:{decimal}\d*)?|{decimal}\d+"
    shape = re.fullmatch(rf"(?P<digits>{plain})(?P<power>[eE][+-]?\d{{1,3}})?", rest)
    if shape is None:
        return None
    digits = shape["digits"].replace(locale.group, "").replace(locale.decimal, ".")
    value = float(f"{sign}{digits}{shape['power'] or ''}")
    if shape["power"] and not kind:
        kind = "SCIENTIFIC"
    if kind == "PERCENT":
        value = round(value / 100, 12)
    return Cell(value, format={"numberFormat": {"type": kind}} if kind else None)


def _moment(text: str, locale: Locale, today: dt.date) -> Cell | None:
    time_shape = _TIME.replace("SEP", locale.time_separators)
    time = re.fullmatch(time_shape, text)
    if time:
        clock = _time(time)
        return None if clock is None else cell_of(clock)
    both = re.fullmatch(rf"(?P<date>.+?),?[ T](?P<time>{time_shape})", text)
    day = _date(both["date"] if both else text, locale, today)
    if day is None:
        return None
    clock = _time(both) if both else None
    if clock is not None:
        return cell_of(dt.datetime.combine(day, clock))
    return None if both else cell_of(day)


def _time(found: re.Match[str]) -> dt.time | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"].lower() == "pm" else 0)
    return dt.time(hour, minute, second) if hour < 24 and minute < 60 and second < 60 else None


def _date(text: str, locale: Locale, today: dt.date) -> dt.date | None:
    if found := _ISO_DATE.fullmatch(text):
        return _day(int(found["year"]), int(found["month"]), int(found["day"]))
    if found := _NUMERIC_DATE.fullmatch(text):
        first, second = int(found["a"]), int(found["b"])
        month, day = (second, first) if locale.day_first else (first, second)
        return _day(_year(found["year"], today), month, day)
    for shape in (_DAY_MONTH, _MONTH_DAY):
        if (found := shape.fullmatch(text)) and (number := _month(found["month"], locale)):
            day_found = _day(_year(found["year"], today), number, int(found["day"]))
            if day_found is not None:
                return day_found
    if (found := _MONTH_YEAR.fullmatch(text)) and (number := _month(found["month"], locale)):
        return _day(_year(found["year"], today), number, 1)
    return None


def _month(name: str, locale: Locale) -> int:
    """1 to 12, or 0 if `name` is no month; English names are understood everywhere."""
    english = locales.of("en_US")
    for names in (locale.months, locale.short_months, english.months, english.short_months):
        for number, candidate in enumerate(names, start=1):
            if candidate.casefold() == name.casefold():
                return number
    return 0


def _year(text: str | None, today: dt.date) -> int:
    if text is None:
        return today.year
    year = int(text)
    if len(text) == 4:
        return year
    return 2000 + year if year < 30 else 1900 + year


def _day(year: int, month: int, day: int) -> dt.date | None:
    if year < _FIRST_YEAR:
        return None
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
