"""A tab's cells as lists of rows, which may be of any length, and what its merged cells hold."""

from typing import cast

from lib.formats import is_seen
from lib.plan.content_plan import canonical
from lib.services.models import CellValue


def cell(values: list[list[CellValue]], row: int, column: int) -> CellValue:
    """What is stored in a cell, both counted from 0; None where the rows end before it."""
    return values[row][column] if row < len(values) and column < len(values[row]) else None


def cell_text(values: list[list[CellValue]], texts: list[list[str]], row: int, column: int) -> str:
    """Text cells show what they store; only numbers, dates and ticks are shown by their format."""
    value = cell(values, row, column)
    if value is None or isinstance(value, str):
        return value or ""
    return str(texts[row][column]) if row < len(texts) and column < len(texts[row]) else canonical(value)


def is_blank(value: CellValue) -> bool:
    """Whether nothing is seen of a value."""
    return value is None or (isinstance(value, str) and not is_seen(value))


def filled[Cell: CellValue](grid: list[list[Cell]], merges: list[tuple[int, int, int, int]]) -> list[list[Cell]]:
    """The grid with the content of merged cells in each of their rows."""
    filled = [list(row) for row in grid]
    for first_row, end_row, column, _end_column in merges:
        if first_row >= len(filled) or column >= len(filled[first_row]):
            continue
        for row in filled[first_row + 1 : min(end_row, len(filled))]:
            row.extend([cast("Cell", "")] * (column + 1 - len(row)))
            row[column] = filled[first_row][column]
    return filled


def filled_across[Cell: CellValue](
    grid: list[list[Cell]], merges: list[tuple[int, int, int, int]], key_column: int | None
) -> list[list[Cell]]:
    """The grid, filled in its rows, with the content of merged cells in each of their columns but Key."""
    filled = [list(row) for row in grid]
    for first_row, end_row, column, end_column in merges:
        for row in filled[first_row : min(end_row, len(filled))]:
            if column < len(row):
                row.extend([cast("Cell", "")] * (end_column - len(row)))
                row[column:end_column] = [row[c] if c == key_column else row[column] for c in range(column, end_column)]
    return filled


def is_banner(values: list[list[CellValue]], merge: tuple[int, int, int, int]) -> bool:
    """Whether merged cells are all that their rows hold."""
    first_row, end_row, column, end_column = merge
    beside = (cell for row in values[first_row:end_row] for cell in (*row[:column], *row[end_column:]))
    return all(is_blank(cell) for cell in beside)
