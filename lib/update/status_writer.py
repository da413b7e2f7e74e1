"""What Jira says of each row's issue, written into the plan's status columns: each text beside its key, or nowhere.

Sheets writes by address, and somebody may move columns or sort rows at that very moment. So named ranges are pointed at the columns
and seen there first: they move along with them. Rows are looked at afterwards by their keys, in the answer to the request that takes
the ranges away; what stands wrong then is put right at once.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lib.errors import ConflictError, UncertainWriteError
from lib.exactly_once.plan_sheet import Log, PlanSheet
from lib.messages import say
from lib.plan.content_plan import Column, ContentPlan
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import CellValue
from lib.update import status_columns
from lib.update.status_columns import NOTE, Cell, Read, Wanted

_RANGE = "cpstatus_"  # begins the ids and names of our named ranges
_TRIES = 4


class StatusWriter:
    """
    Writes one plan's status columns.

    Args:
        sheet: The plan's spreadsheet.
        client: Whose plan it is.
        add: Whether columns that the plan lacks are added.
        log: Gets the progress.
    """

    def __init__(self, sheet: PlanSheet, client: str, *, add: bool, log: Log) -> None:
        self._sheet = sheet
        self._client = client
        self._add = add
        self._log = log
        self._ours: set[CellValue] = set()
        self._begun: Read | None = None  # right before anything was written
        self._new: set[str] = set()  # headers of columns that were not ours until now
        self._left_alone: list[Problem] = []
        self._told: list[Problem] = []

    @property
    def problems(self) -> list[Problem]:
        """What people should know: cells that were left alone, texts that were replaced."""
        return [*self._left_alone, *self._told]

    def has_columns(self, plan: ContentPlan) -> bool:
        """Whether the plan has status columns, or is to get some."""
        return bool(self._columns(plan))

    @property
    def has_ranges(self) -> bool:
        """Whether named ranges of ours stood in the spreadsheet when it was last read."""
        return bool(self._ranges())

    async def tidy(self) -> None:
        """Take away the named ranges that a run that died left. The plan must be locked."""
        if self.has_ranges:
            await self._unpoint()

    def _ranges(self) -> list[str]:
        return [range_id for range_id in self._sheet.named_ranges if range_id.startswith(_RANGE)]

    def look(self, plan: ContentPlan, wanted: Wanted) -> list[Cell]:
        """The cells that say something else than Jira, in the plan as it was last read."""
        found = status_columns.differences((plan, self._sheet.tab), wanted, add=self._add)
        self._left_alone = found.problems(plan)
        return found.cells

    async def write(self, plan: ContentPlan, wanted: Wanted) -> list[Cell]:
        """
        Write what differs, and see that every text stands beside its key. The plan must be locked.

        Returns:
            The cells that were written, where they stood in `plan`.

        Raises:
            WorkflowError: The plan cannot be read or written at all.
        """
        cells = left = self.look(plan, wanted)
        why = "rows or columns were moved each time while they were written"
        for _ in range(_TRIES):
            if not left:
                break
            try:
                plan, left = await self._write_once(plan, wanted)
            except ConflictError as error:
                why = str(error)
                plan = await self._sheet.read_again()
                left = self.look(plan, wanted)
        if left:
            message = say(
                "cells of status columns that could not be written: {count} ({why}); the next run does it",
                count=len(left),
                why=why,
            )
            self._told.append(Problem.of(a1.quoted(plan.tab), message, level="warning"))
        open_cells = {(cell.key, cell.column.label) for cell in left}
        return [cell for cell in cells if (cell.key, cell.column.label) not in open_cells]

    async def _write_once(self, plan: ContentPlan, wanted: Wanted) -> tuple[ContentPlan, list[Cell]]:
        """Point, write, look; the plan afterwards, and the cells that are still to be written."""
        names = {column.label: f"{_RANGE}{n}" for n, column in enumerate(self._columns(plan))}
        plan = await self._point(plan, names)
        try:
            if self._is_pointed(plan, names):
                await self._send(self._to_write(plan, wanted), names)
        except Exception:
            await self._unpoint()
            raise
        now = await self._unpoint()
        return now, self._to_write(now, wanted)

    def _to_write(self, plan: ContentPlan, wanted: Wanted) -> list[Cell]:
        """What differs, and what our texts displaced where rows moved; of a cell that is both, the latter."""
        read, cells = (plan, self._sheet.tab), self.look(plan, wanted)
        if self._begun is None:
            self._begun = read
            self._told += status_columns.replaced(plan, [cell for cell in cells if cell.column.label in self._new])
        back = status_columns.overwritten(self._begun, read, wanted, self._ours)
        for cell in back:
            held = cell.formula or cell.new or "nothing"
            self._log.warning("%s: rows moved; %s, which held %s, gets it back", self._client, cell.name, held)
        return list({(cell.row, cell.column.label): cell for cell in (*cells, *back)}.values())

    def _columns(self, plan: ContentPlan) -> list[Column]:
        return status_columns.columns_of(plan, add=self._add)

    # --- Named ranges -------------------------------------------------------------------------------------------------

    async def _point(self, plan: ContentPlan, names: Mapping[str, str]) -> ContentPlan:
        """Point our named ranges at the columns, headers included, and note there whose they are; the plan right after that."""
        columns, tab = self._columns(plan), self._sheet.tab
        notes = tab.cells.notes if tab.cells else {}
        top = plan.header_row - 1
        marks: list[dict[str, Any]] = []
        requests: list[dict[str, Any]] = []
        missing = max(column.index for column in columns) + 1 - tab.columns
        if missing > 0:
            requests.append({"appendDimension": {"sheetId": tab.id, "dimension": "COLUMNS", "length": missing}})
        for column in columns:
            name = names[column.label]
            below = {
                "sheetId": tab.id,
                "startColumnIndex": column.index,
                "endColumnIndex": column.index + 1,
                "startRowIndex": top,
            }
            named = {"namedRange": {"namedRangeId": name, "name": name, "range": below}}
            is_there = name in self._sheet.named_ranges
            requests.append(
                {"updateNamedRange": {**named, "fields": "range"}} if is_there else {"addNamedRange": named}
            )
            if notes.get((top, column.index)) != NOTE:
                self._new.add(column.label)
                header = {**below, "endRowIndex": top + 1}
                marks.append({"repeatCell": {"range": header, "cell": {"note": NOTE}, "fields": "note"}})
        try:
            return await self._apply([*requests, *marks])
        except ConflictError as error:
            if not marks:
                raise
            self._log.warning("%s: the headers of status columns cannot be noted: %s", self._client, error)
            return await self._apply(requests)

    async def _apply(self, requests: Sequence[Mapping[str, Any]]) -> ContentPlan:
        try:
            return await self._sheet.apply(requests)
        except UncertainWriteError as error:
            self._log.warning("%s: %s; reading what stands in the plan", self._client, error)
            return await self._sheet.read_again()

    def _is_pointed(self, plan: ContentPlan, names: Mapping[str, str]) -> bool:
        """Whether each column has its range in the plan as it was last read."""
        corners = self._sheet.corners
        places = {column.label: corners.get(names.get(column.label, "")) for column in self._columns(plan)}
        return places.keys() == names.keys() and all(
            place is not None and place[0] < plan.header_row and place[1] == column.index
            for column, place in zip(self._columns(plan), places.values(), strict=True)
        )

    async def _unpoint(self) -> ContentPlan:
        """Take our named ranges away; the plan as it stands then."""
        for _ in range(_TRIES):
            if not (gone := self._ranges()):
                break
            try:
                return await self._sheet.apply([{"deleteNamedRange": {"namedRangeId": range_id}} for range_id in gone])
            except (ConflictError, UncertainWriteError) as error:
                self._log.warning("%s: named ranges of status columns: %s", self._client, error)
                await self._sheet.read_again()
        return await self._sheet.read_again()

    async def _send(self, cells: Sequence[Cell], names: Mapping[str, str]) -> None:
        """Write the cells into the named ranges; formulas that are put back as if somebody typed them in."""
        corners = self._sheet.corners
        self._ours |= {cell.new for cell in cells}
        for typed in (False, True):
            texts: dict[str, list[CellValue]] = {}
            for cell in (cell for cell in cells if bool(cell.formula) is typed):
                name = names[cell.column.label]
                top = corners[name][0]
                column = texts.setdefault(name, [])
                column += [None] * (cell.row - top - len(column))
                column[cell.row - 1 - top] = cell.formula or cell.new
            if not texts:
                continue
            try:
                await self._sheet.write_columns(texts, typed=typed)
            except UncertainWriteError as error:
                self._log.warning("%s: %s; reading what stands in the plan", self._client, error)
