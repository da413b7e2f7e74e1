"""A1 notation: what a range's text means in a spreadsheet, and how Sheets writes a range back.

https://developers.google.com/workspace/sheets/api/guides/concepts#cell
"""

import re
from typing import NamedTuple

_REF = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9]\d{0,7})?(?::\$?([A-Za-z]{1,3})?\$?([1-9]\d{0,7})?)?")
_PLAIN_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_LIKE_CELL = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr]\d*[Cc]\d*")


class Span(NamedTuple):
    """Rows and columns, from 0, ends not included; None is open: the edge of the grid."""

    top: int | None = None
    bottom: int | None = None
    left: int | None = None
    right: int | None = None


def column_letters(column: int) -> str:
    """`0` is A, `26` is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_index(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def quoted(title: str) -> str:
    """The title as Sheets writes it before the `!`: in quotes only if it must be."""
    if _PLAIN_TITLE.fullmatch(title) and not _LOOKS_LIKE_CELL.fullmatch(title):
        return title
    return "'" + title.replace("'", "''") + "'"


def split_title(text: str) -> tuple[str | None, str]:
    """A range's sheet title, if it names one, and the rest; ValueError if the quotes do not match."""
    if text.startswith("'"):
        found = re.fullmatch(r"'((?:[^']|'')*)'(?:!(.*))?", text, re.DOTALL)
        if not found:
            raise ValueError(text)
        return found[1].replace("''", "'"), found[2] or ""
    title, mark, rest = text.rpartition("!")
    return (title, rest) if mark else (None, text)


def parse_span(text: str) -> Span | None:
    """The rows and columns of `A1`, `A1:B2`, `A:C`, `2:5`, `A5:C` or `A1:1`; None for anything else."""
    found = _REF.fullmatch(text)
    if not found or not text or text.endswith(":"):
        return None
    first_column, first_row, last_column, last_row = found.groups()
    if ":" not in text:
        if first_column is None or first_row is None:
            return None
        last_column, last_row = first_column, first_row
    elif (first_column is None and first_row is None) or (last_column is None and last_row is None):
        return None
    left, right = _ends(first_column and column_index(first_column), last_column and column_index(last_column))
    top, bottom = _ends(first_row and int(first_row) - 1, last_row and int(last_row) - 1)
    return Span(top, bottom, left, right)


def _ends(first: int | str | None, last: int | str | None) -> tuple[int | None, int | None]:
    start, end = (first if isinstance(first, int) else None), (last if isinstance(last, int) else None)
    if start is not None and end is not None and start > end:
        start, end = end, start
    return start, None if end is None else end + 1


def write(title: str, span: Span) -> str:
    """The range the way Sheets writes it, open ends left open: `Sheet1!A1:B2`, `T!A1001:B`, `Sheet1`."""
    top, bottom, left, right = span
    start = ("" if left is None else column_letters(left)) + ("" if top is None else str(top + 1))
    end = ("" if right is None else column_letters(right - 1)) + ("" if bottom is None else str(bottom))
    if not start and not end:
        return quoted(title)
    if not start:
        start = "A1"
    return f"{quoted(title)}!{start}" + (f":{end}" if end and end != start else "")
