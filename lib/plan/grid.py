"""A tab's cells as lists of rows, which may be of any length, and what its merged cells hold."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import cast

from lib.formats import is_seen
from lib.plan.content_plan import canonical
from lib.services.models import CellValue, Place, TabCells

type Merge = tuple[int, int, int, int]  # first row, end row, first column, end column: from 0, ends excluded


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


class Grid:
    """
    A tab's cells, with the content of merged ones in each of their rows and columns.

    Attributes:
        values: As stored, one list per row.
        texts: As people see them.
    """

    def __init__(self, cells: TabCells, merges: Sequence[Merge]) -> None:
        self._cells = cells
        self._merges = merges
        self._above: dict[Place, Place] = {}  # a cell below the first one of a merge -> that one
        self._beside: dict[Place, Place] = {}  # a cell of a merge's further columns -> the first one in its row
        for first_row, end_row, column, _ in merges:
            for row in range(first_row + 1, min(end_row, len(cells.values))):
                self._above[row, column] = (first_row, column)
        self._tops = frozenset(self._above.values())
        self._noted = {row for row, _ in cells.notes} | {
            row for (row, _), top in self._above.items() if top in cells.notes
        }
        self.values = _filled(cells.values, self._above, cast("CellValue", ""))
        self.texts = _filled(cells.texts, self._above, "")

    def fill_across(self, ours: Container[int | None]) -> None:
        """
        Let the content of merged cells count in each of their columns, too.

        Not across a banner, which is all that its rows hold, nor from or into the columns that are `ours`: what a run
        writes there must not change the content of a row.
        """
        for merge in self._merges:
            first_row, end_row, column, end_column = merge
            if column in ours or is_banner(self.values, merge):
                continue
            for row in range(first_row, min(end_row, len(self.values))):
                if column < len(self.values[row]):
                    inside = (other for other in range(column + 1, end_column) if other not in ours)
                    self._beside.update({(row, other): (row, column) for other in inside})
        self.values = _filled(self.values, self._beside, cast("CellValue", ""))
        self.texts = _filled(self.texts, self._beside, "")

    @property
    def notes(self) -> Mapping[Place, str]:
        """The notes on cells; of merged ones on the first."""
        return self._cells.notes

    def has_notes(self, rows: Iterable[int]) -> bool:
        """Whether a note belongs to a cell of these rows, be it on the first of merged ones."""
        return not self._noted.isdisjoint(rows)

    @property
    def has_struck(self) -> bool:
        """Whether the whole text of any cell is struck through."""
        return bool(self._cells.struck)

    @property
    def linked_places(self) -> Container[Place]:
        """The cells that hold more than their value."""
        return self._cells.linked

    def top(self, row: int, column: int) -> Place:
        """The first of the rows that a cell is merged over, in its column."""
        return self._above.get((row, column), (row, column))

    def _first(self, row: int, column: int) -> Place:
        """The first of all cells that a cell is merged with."""
        if not self._merges:
            return row, column
        return self.top(*self._beside.get((row, column), (row, column)))

    def is_own(self, row: int, column: int) -> bool:
        """Whether a cell holds something, be it an image, and not what a cell above it holds that it is merged with."""
        first = self._first(row, column)
        return first[0] == row and (not is_blank(cell(self.values, *first)) or first in self._cells.linked)

    def goes_down(self, row: int, column: int) -> bool:
        """Whether a cell is the first of several rows that are merged."""
        return (row, column) in self._tops

    def row_above(self, row: int, column: int) -> int | None:
        """The first row of the merged cells that this one belongs to, where that is another row."""
        first_row = self._first(row, column)[0]
        return first_row if first_row != row else None

    def text(self, row: int, column: int) -> str:
        """What people see in a cell."""
        return cell_text(self.values, self.texts, row, column)

    def linked(self, row: int, column: int) -> str:
        """The text with the addresses behind its words; empty where there are none."""
        return self._cells.linked.get(self._first(row, column), "") if self._cells.linked else ""

    def is_struck(self, row: int, column: int) -> bool:
        """Whether the whole text of a cell is struck through."""
        return self._first(row, column) in self._cells.struck

    def hidden(self, row: int) -> str:
        """How a row was hidden; empty for one that people see."""
        return self._cells.hidden.get(row, "")


def _filled[Cell: CellValue](grid: list[list[Cell]], sources: Mapping[Place, Place], empty: Cell) -> list[list[Cell]]:
    """The grid with the content of its source in each of these cells."""
    filled = [list(row) for row in grid]
    for (row, column), (source_row, source_column) in sources.items():
        if row < len(filled) and source_row < len(grid) and source_column < len(grid[source_row]):
            filled[row].extend([empty] * (column + 1 - len(filled[row])))
            filled[row][column] = grid[source_row][source_column]
    return filled


def is_banner(values: list[list[CellValue]], merge: Merge) -> bool:
    """Whether merged cells are all that their rows hold."""
    first_row, end_row, column, end_column = merge
    beside = (cell for row in values[first_row:end_row] for cell in (*row[:column], *row[end_column:]))
    return all(is_blank(cell) for cell in beside)
