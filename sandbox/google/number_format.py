"""A number as a sheet shows it: number formats, date formats and the locale's own habits.

The patterns are those of https://developers.google.com/workspace/sheets/api/guides/formats, as far as plans use them.
"""

import functools
import re

from sandbox.google import locales
from sandbox.google.cells import Cell, ErrorValue, NumberFormat, from_serial
from sandbox.google.locales import Locale

DATE_TYPES = {"DATE", "TIME", "DATE_TIME"}
_MAX_SERIAL = 2_958_466  # the day after 9999-12-31
_DATE_TOKEN = re.compile(r'"[^"]*"|\\.|y+|m+|d+|h+|s+|am/pm|a/p|.', re.IGNORECASE)
_NUMBER_TOKEN = re.compile(r'"[^"]*"|\\.|[#0?][#0?,.]*|%|.')


def formatted_value(cell: Cell, locale_name: str) -> str:
    """The text a person sees in the cell."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, ErrorValue):
        return value.text
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str):
        return value
    return number_text(float(value), cell.number_format, locales.of(locale_name))


def number_text(value: float, wanted: NumberFormat | None, locale: Locale) -> str:
    if wanted is None or wanted.type == "TEXT":
        return _general(value, locale)
    pattern = wanted.pattern or default_pattern(wanted.type, locale)
    if wanted.type in DATE_TYPES:
        return _date_text(value, pattern, locale) if 0 <= value < _MAX_SERIAL else _general(value, locale)
    return _patterned(value, pattern, locale)


def default_pattern(kind: str, locale: Locale) -> str:
    """The pattern of a type that comes without one."""
    return {
        "DATE": locale.date,
        "TIME": locale.time,
        "DATE_TIME": f"{locale.date} {locale.time}",
        "PERCENT": "0.00%",
        "CURRENCY": locale.currency,
        "SCIENTIFIC": "0.00E+00",
        "NUMBER": "#,##0.00",
    }.get(kind, "")


def _general(value: float, locale: Locale) -> str:
    text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.10g}"
    return text.replace("e", "E").replace(".", locale.decimal)


def _date_text(value: float, pattern: str, locale: Locale) -> str:
    moment = from_serial(value)
    tokens = _date_tokens(pattern)
    twelve_hours = any(token.lower() in {"am/pm", "a/p"} for token, _ in tokens)
    parts: list[str] = []
    for token, minutes in tokens:
        kind, width = token[0].lower(), len(token)
        if token.startswith(('"', "\\")):
            parts.append(token.strip('"') if token.startswith('"') else token[1:])
        elif token.lower() in {"am/pm", "a/p"}:
            parts.append(("AM", "PM")[moment.hour >= 12])
        elif kind == "y":
            parts.append(f"{moment.year:04d}" if width > 2 else f"{moment.year % 100:02d}")
        elif kind == "m" and not minutes:
            parts.append(_name_or_number(moment.month, width, locale.months, locale.short_months, moment.month - 1))
        elif kind == "d":
            parts.append(_name_or_number(moment.day, width, locale.days, locale.short_days, moment.weekday()))
        elif kind == "h":
            parts.append(f"{(moment.hour % 12 or 12) if twelve_hours else moment.hour:0{min(width, 2)}d}")
        elif kind in {"m", "s"}:
            parts.append(f"{moment.minute if kind == 'm' else moment.second:0{min(width, 2)}d}")
        else:
            parts.append(token)
    return "".join(parts)


@functools.cache  # a sheet has few patterns and many dates
def _date_tokens(pattern: str) -> list[tuple[str, bool]]:
    """Each token of a pattern, and whether an `m` there means minutes: it does after hours and before seconds."""
    tokens = _DATE_TOKEN.findall(pattern)
    letters = [token[0].lower() if re.match(r"[ymdhs]+$", token, re.IGNORECASE) else "" for token in tokens]
    parts = []
    for place, token in enumerate(tokens):
        before = next((letter for letter in reversed(letters[:place]) if letter), "")
        after = next((letter for letter in letters[place + 1 :] if letter), "")
        parts.append((token, letters[place] == "m" and (before == "h" or after == "s")))
    return parts


def _name_or_number(number: int, width: int, names: tuple[str, ...], short_names: tuple[str, ...], place: int) -> str:
    if width >= 4:
        return names[place]
    return short_names[place] if width == 3 else f"{number:0{width}d}"


def _patterned(value: float, pattern: str, locale: Locale) -> str:
    sections = pattern.split(";")
    section, sign = sections[0], "-" if value < 0 else ""
    if value < 0 and len(sections) > 1:
        section, sign = sections[1], ""
    if "E+" in section:
        return f"{value:.2E}".replace(".", locale.decimal)
    scale = 100 if "%" in section else 1
    parts: list[str] = []
    for token in _NUMBER_TOKEN.findall(section):
        if token[0] == '"':
            parts.append(token[1:-1])
        elif token[0] == "\\":
            parts.append(token[1:])
        else:
            parts.append(_digits(abs(value) * scale, token, locale) if token[0] in "#0?" else token)
    return sign + "".join(parts)


def _digits(value: float, token: str, locale: Locale) -> str:
    whole, _, fraction = token.rstrip(",").partition(".")
    least, most = fraction.count("0"), len(fraction)
    digits, _, decimals = f"{value:,.{most}f}".partition(".")
    while len(decimals) > least and decimals.endswith("0"):
        decimals = decimals[:-1]
    digits = digits.replace(",", locale.group if "," in whole else "").zfill(whole.count("0"))
    return f"{digits}{locale.decimal}{decimals}" if decimals else digits
