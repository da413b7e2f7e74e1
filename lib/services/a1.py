"""Cell addresses as people read them: `'Juli 2026'!B7`."""


def column_letter(index: int) -> str:
    """Letters of the column at `index`, counted from 0: 0 is A, 26 is AA."""
    letters = ""
    number = index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def quoted(tab: str) -> str:
    """A tab's title as A1 notation wants it: always in quotes, quotes in it doubled."""
    return "'" + tab.replace("'", "''") + "'"


def cell(row: int, column: int) -> str:
    """A cell without its tab, both counted from 0: `B7`."""
    return f"{column_letter(column)}{row + 1}"


def address(tab: str, row: int, column: int) -> str:
    """Address of one cell; `row` is the sheet's own number (from 1), `column` counts from 0."""
    return f"{quoted(tab)}!{column_letter(column)}{row}"
