"""Contents that stand in several rows of a plan, since their cells are merged: each is one row, and has one key."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lib.formats import clean_text
from lib.plan.content_plan import REQUIRED, Column
from lib.plan.grid import Grid, cell, is_blank
from lib.services.models import CellValue

_TOPIC = "Topik"
_SAID = ("Caption", "Shoot Guide", "Visualisasi Konten", "Reference", "Asset", "Link Referensi")  # of one content
_DAY = tuple(name for name in REQUIRED if name != _TOPIC)


class CellContent(NamedTuple):
    """What a content holds in one column: what is stored, what people see, and the same with its addresses, if any."""

    value: CellValue
    text: str
    linked: str


def find(grid: Grid, top: int, columns: Sequence[Column], key_column: int | None) -> dict[int, range]:
    """
    The contents of more than one row below the header: first row -> all of its rows.

    A row goes on with the content above when it has no key, date and form of its own, and its topic is merged with the one
    above; or its Key is, whatever its topic; or all but its topic is, its caption or the like among it. Cells of a date that
    are merged over the contents of a day make none of them one.
    """
    by_name = {column.name: column.index for column in columns if column.name}
    found: dict[int, range] = {}
    first = top + 1
    for row in range(top + 1, len(grid.values)):
        if _goes_on(grid, row, by_name, key_column):
            found[first] = range(first, row + 1)
        else:
            first = row
    return found


def _goes_on(grid: Grid, row: int, by_name: Mapping[str, int], key_column: int | None) -> bool:
    has_key = key_column is not None and grid.row_above(row, key_column) is not None
    if (key_column is not None and grid.is_own(row, key_column)) or any(grid.is_own(row, by_name[n]) for n in _DAY):
        return False
    merged = {
        name
        for name, column in by_name.items()
        if grid.row_above(row, column) is not None and not is_blank(cell(grid.values, row, column))
    }
    own = {name for name, column in by_name.items() if grid.is_own(row, column)}
    return (
        _TOPIC in merged
        or (has_key and not merged.isdisjoint(REQUIRED))
        or (own == {_TOPIC} and not merged.isdisjoint(_SAID) and merged >= set(_DAY))
    )


def read(grid: Grid, rows: range, column: int) -> CellContent:
    """What stands in the rows of a content in one column; texts that differ are joined in their order."""
    first = rows[0]
    if len(rows) == 1:
        return _part(grid, first, column)
    shown = [row for row in rows if grid.is_own(row, column) or row == first]
    parts = [_part(grid, row, column) for row in shown]
    filled = [part for part in parts if not is_blank(part.value) or part.linked] or parts[:1]
    if all(part == filled[0] for part in filled):
        return filled[0]
    text = "\n".join(part.text for part in filled)
    linked = "\n".join(part.linked or part.text for part in filled) if any(part.linked for part in filled) else ""
    return CellContent(text, text, linked)


def note(grid: Grid, rows: range, column: int) -> str:
    """The notes on the cells of a content in one column."""
    places = dict.fromkeys(grid.top(row, column) for row in rows)
    return "\n".join(filter(None, (clean_text(grid.notes[place]) for place in places if place in grid.notes)))


def _part(grid: Grid, row: int, column: int) -> CellContent:
    value = cell(grid.values, row, column)
    text, linked = clean_text(grid.text(row, column)), grid.linked(row, column)
    linked = clean_text(linked) if linked else ""
    return CellContent((text or None) if isinstance(value, str) else value, text, linked)
