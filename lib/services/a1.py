"""Cell addresses as people read them: `'Juli 2026'!B7`."""

import re

_CORNER = re.compile(r"([A-Z]+)?([0-9]+)?(?::.*)?")


def column_letter(index: int) -> str:
    """Letters of the column at `index`, counted from 0: 0 is A, 26 is AA."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def corner(written: str) -> tuple[int, int]:
    """Row and column, from 0, of the upper left cell of a range as Sheets writes it: `'Juli 2026'!B7:B90` is (6, 1)."""
    match = _CORNER.fullmatch(written.rpartition("!")[2])
    letters, number = match.groups() if match and "!" in written else (None, None)
    column = 0
    for letter in letters or "":
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(number or 1) - 1, max(column, 1) - 1


def quoted(tab: str) -> str:
    """A tab's title as A1 notation wants it: always in quotes, quotes in it doubled."""
    return "'" + tab.replace("'", "''") + "'"


def address(tab: str, row: int, column: int) -> str:
    """Address of one cell; `row` is the sheet's own number (from 1), `column` counts from 0."""
    return f"{quoted(tab)}!{column_letter(column)}{row}"
