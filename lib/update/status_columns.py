"""What Jira says of each row's issue, in the columns of the plan that are there for it: which cells differ. Pure.

The columns are ours, as Key is. What stands in a cell is compared with what belongs beside the row's key; cells with a formula, cells
that are protected from us and those hidden in a merge are left as they are.
"""

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lib.formats import cut, one_line
from lib.messages import Said, say
from lib.plan import grid
from lib.plan.content_plan import ASSIGNEE, LINK, STATUS, STATUS_COLUMNS, Column, ContentPlan
from lib.plan.keys import read_key
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue, IssueState, Tab, TabCells

NOTE = "This column is written by the content-plan-update run with what Jira says: do not edit it."
_SHOWN_CELLS = 8  # of a column in a message
_SHOWN_TEXT = 40

type Read = tuple[ContentPlan, Tab]  # a plan, and the tab that it was read from, with its cells
type Wanted = Mapping[str, Mapping[str, str]]  # issue key -> column of STATUS_COLUMNS -> what belongs there


@dataclass(frozen=True)
class Cell:
    """One cell: its row (from 1), its row's key, its column, what stands there, what belongs there; `formula` if that is one."""

    row: int
    key: str
    column: Column
    old: CellValue
    new: CellValue
    formula: str = ""

    @property
    def name(self) -> str:
        """The cell without its tab: `G7`."""
        return a1.cell(self.row - 1, self.column.index)

    def __str__(self) -> str:
        """Both texts, shortened."""
        old, new = (cut(one_line(text), _SHOWN_TEXT) if text else "(empty)" for text in (self.old, self.new))
        return f"{self.name} {old} → {new}"


@dataclass
class Differences:
    """The cells to write, and those that are left alone: column and reason -> where."""

    cells: list[Cell] = field(default_factory=list)
    left: dict[tuple[str, Said], list[str]] = field(default_factory=dict)

    def problems(self, plan: ContentPlan) -> list[Problem]:
        """What was left alone, one warning a column and reason."""
        return [
            Problem.of(
                f"{a1.quoted(plan.tab)}!{cells[0]}",
                say("{column}: {cells} {reason}, left as it is", column=label, cells=_listed(cells), reason=reason),
                level="warning",
            )
            for (label, reason), cells in self.left.items()
        ]


def wanted(states: Mapping[str, IssueState], site: str) -> Wanted:
    """What belongs beside each key; an issue that was moved has another one by now, to which its link leads."""
    return {
        key: {
            STATUS: one_line(state.status),
            LINK: f"{site}/browse/{state.key}",
            ASSIGNEE: one_line(state.assignee),
        }
        for key, state in states.items()
    }


def columns_of(plan: ContentPlan, *, add: bool) -> list[Column]:
    """The status columns that the plan has; with `add` also those that it would get."""
    return [*plan.status_columns, *(_missing(plan) if add else ())]


def _missing(plan: ContentPlan) -> list[Column]:
    there = {column.name for column in plan.status_columns}
    names = [name for name in STATUS_COLUMNS if name not in there]
    return [Column(index=index, label=name, name=name) for index, name in enumerate(names, start=plan.new_column)]


def differences(read: Read, wanted: Wanted, *, add: bool) -> Differences:
    """
    Which cells say something else than Jira.

    With `add` also those of columns that the plan is to get, headers first: all that it lacks as soon as one of its rows has its
    issue, whether or not anything is to stand below the header yet.
    """
    plan, tab = read
    found, cells = Differences(), _cells(tab)
    hidden = {
        (row, column)
        for top, bottom, left, right in tab.merges
        for row in range(top, min(bottom, len(cells.values)))
        for column in range(left, right)
        if (row, column) != (top, left)
    }

    def take(cell: Cell) -> bool:
        """Put a cell with those to write, unless it is to be left alone."""
        place = (cell.row - 1, cell.column.index)
        if place in cells.formulas:
            reason = say("holds a formula")
        elif place in hidden:
            reason = say("is merged with another cell")
        elif any(place in protected for protected in tab.protected):
            reason = say("is protected")
        else:
            found.cells.append(cell)
            return True
        found.left.setdefault((cell.column.label, reason), []).append(cell.name)
        return False

    belongs = {row.row: texts for row in plan.rows if (texts := wanted.get(read_key(row.key) or ""))}
    headers = [Cell(plan.header_row, "", one, "", one.label) for one in _missing(plan)] if add and belongs else []
    columns = [*plan.status_columns, *(header.column for header in headers if take(header))]
    for row in plan.rows:
        for column in columns if row.row in belongs else ():
            place = (row.row - 1, column.index)
            old, new = grid.cell(cells.values, *place) or "", belongs[row.row][column.name or ""]
            if old != new or place in cells.formulas:
                take(Cell(row.row, read_key(row.key) or "", column, old, new))
    return found


def overwritten(before: Read, now: Read, wanted: Wanted, ours: Iterable[CellValue]) -> list[Cell]:
    """
    Cells that were not to be written and hold one of our texts now, since rows moved while we wrote: what to put back.

    A row is known again by its key; one without by all that stands in it beside the status columns.
    """
    texts = {text for text in ours if text}
    was: defaultdict[tuple[object, str], deque[Cell]] = defaultdict(deque)
    for row, cell in _all_cells(before):
        was[row, cell.column.label].append(cell)
    found = []
    for row, cell in _all_cells(now):
        queue = was[row, cell.column.label]
        held = queue.popleft() if queue else None
        formula, old = (held.formula, held.old) if held else ("", "")
        if cell.old in texts and not cell.formula and (formula or (cell.key not in wanted and cell.old != old)):
            found.append(replace(cell, new=old, formula=_moved(formula, held.row if held else 0, cell.row)))
    return found


def foreseen(plan: ContentPlan, cells: Sequence[Cell]) -> list[Problem]:
    """What would be written, one sentence a plan."""
    if not cells:
        return []
    listed = _listed([str(cell) for cell in cells])
    message = say("cells of status columns that would be written: {count} ({cells})", count=len(cells), cells=listed)
    return [Problem.of(a1.quoted(plan.tab), message, level="warning")]


def replaced(plan: ContentPlan, cells: Iterable[Cell]) -> list[Problem]:
    """Of columns that were not ours until now: the texts that are replaced, which may be a person's."""
    theirs: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.old:
            theirs.setdefault(cell.column.label, []).append(cell)
    return [
        Problem.of(
            f"{a1.quoted(plan.tab)}!{those[0].name}",
            say(
                "{column} says what Jira says from now on; replaced was {cells}",
                column=label,
                cells=", ".join(map(str, those)),
            ),
            level="warning",
        )
        for label, those in theirs.items()
    ]


def _all_cells(read: Read) -> Iterator[tuple[object, Cell]]:
    """Each cell of a status column below the header, with what its row is known by."""
    plan, tab = read
    cells, own = _cells(tab), {column.index for column in plan.status_columns}
    labels = {column.index: column.label for column in plan.columns}
    keys = {row.row: read_key(row.key) or "" for row in plan.rows}
    for row in range(plan.header_row, len(cells.values)):
        key = keys.get(row + 1, "")
        rest = ((labels.get(n, ""), v) for n, v in enumerate(cells.values[row]) if n not in own and v not in ("", None))
        known = key or tuple(rest)
        for column in plan.status_columns:
            place = (row, column.index)
            old, formula = grid.cell(cells.values, *place) or "", cells.formulas.get(place, "")
            yield known, Cell(row + 1, key, column, old, "", formula)


def _moved(formula: str, row: int, to: int) -> str:
    """A formula whose references to its own row point at the row where it stands now."""
    return re.sub(rf"(?<![A-Za-z0-9_$!])(\$?[A-Za-z]{{1,3}}){row}(?![0-9(])", rf"\g<1>{to}", formula) if formula else ""


def _cells(tab: Tab) -> TabCells:
    if tab.cells is None:
        raise RuntimeError("read the plan's cells first")
    return tab.cells


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN_CELLS
    return ", ".join(texts[:_SHOWN_CELLS]) + (f" and {more} more" if more > 0 else "")
