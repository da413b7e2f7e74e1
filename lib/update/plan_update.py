"""One plan and its issues in step: read, compare, send what the plan alone changed, see afterwards what fell between.

Jira has no conditional write. So an issue is read right before it is sent to, the request carries fields and memory together, and
the issue's history is read afterwards: an edit by a person that fell between is told with what it said. A lost answer is settled by
reading; the same is sent once more only when reading shows that it was not applied.
"""

import datetime as dt
import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lib.errors import FixInputError, RefusedError, UncertainWriteError
from lib.exactly_once.lookup import Snapshot
from lib.exactly_once.plan_lock import LOCK_ID
from lib.exactly_once.plan_run import PlanRun, RowResult
from lib.exactly_once.reconcile import Outcome, decide, row_property
from lib.files import iso_utc
from lib.messages import NOTHING, say
from lib.plan.content_plan import ContentPlan
from lib.plan.issue_draft import Drafts, shown_field
from lib.plan.keys import read_key
from lib.plan.problems import Kind
from lib.services.models import FETCH_SIZE, Edit, Issue, IssueState
from lib.update import three_way
from lib.update.deleted_rows import DeletedRows, Todo, gone, many_gone, too_many
from lib.update.row_problems import cell_of, problems_of, shown_value
from lib.update.row_update import RowUpdate, columns_of, remembered
from lib.update.status_columns import Cell, Wanted, foreseen, wanted
from lib.update.status_writer import StatusWriter
from lib.update.three_way import Decision, State
from lib.update.update_cache import is_settled

PERMISSIONS = ("BROWSE_PROJECTS", "EDIT_ISSUES")
TOLD_FOR = dt.timedelta(days=7)  # how long a person's edit that was replaced is told
_LOOKS_S = (2, 5, 10)  # pauses between looks for a change whose answer was lost
_TRIES = 4


class PlanUpdate(PlanRun):
    """
    A run over one plan that keeps the issues it has in step.

    Attributes:
        updates: Its rows that have an issue, by their numbers.
        status_cells: The cells of its status columns that were written, or would be.
    """

    permissions = PERMISSIONS
    claims = False

    def __init__(
        self,
        *args: Any,
        add_status_columns: bool = False,
        deleted_rows: str = "",
        many_deleted_rows: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._site: str = options["site"]
        self._status = StatusWriter(self._sheet, self._client, add=add_status_columns, log=self._log)
        self.status_cells: list[Cell] = []
        self.updates: dict[int, RowUpdate] = {}
        self._project_key: str = options["project_key"]
        self._gone: list[Todo] = []
        self._held_back = 0  # issues of deleted rows with which nothing is done, since there are so many
        self.deleted_rows = deleted_rows
        self._many_deleted_rows = many_deleted_rows
        self._me = ""
        self._names: list[str] = []
        self._fence = 0.0
        self._written: dict[int, set[str]] = {}  # row -> fields sent to its issue; none when it had only to remember
        self._found: list[Issue] = []  # all that Jira has of the plan
        self._is_touched = False  # the plan was locked

    async def is_to_write(self) -> bool:
        """Whether anything is to be written, for which the plan must be locked; also what a run that died left in the plan is to go."""
        if self.has_changes or self.status_differs or self.has_deleted:
            return True
        is_locked = LOCK_ID in self._sheet.named_ranges
        return await self._sheet.is_left_locked() if is_locked else self._status.has_ranges

    @property
    def has_changes(self) -> bool:
        """Whether there is something to send."""
        return any(update.is_to_send for update in self.updates.values())

    async def seen(self) -> tuple[str, dict[str, str]] | None:
        """
        When nothing is left to do: the Drive version that the plan has then, and when each of its issues was updated, by id.

        The version is empty when nothing was written to the plan: then it is the one from before it was read. Otherwise it is
        read before the plan is read again, so that whatever anybody changes later has another one; None when the plan is not
        as this run compared it, when a run holds it, whose lock may be to be taken away, or when something was sent to Jira or may
        still have to be.
        """
        settled = is_settled(row.outcome for row in self.result.rows)
        replaced = any(d.state is State.REPLACED for u in self.updates.values() for d in u.decisions)
        open_rows = self._gone or self._held_back or self.has_changes or replaced or not settled
        if self._written or open_rows or self.result.error:
            return None
        issues = {one.id: "" for one in self._found if self._label in one.labels}
        issues |= {u.issue.id: u.state.updated for u in self.updates.values() if u.state and u.issue.id in issues}
        if not self._is_touched:
            is_at_rest = not self.status_differs and LOCK_ID not in self._sheet.named_ranges
            return ("", issues) if is_at_rest else None
        belongs = self._state_of_issues()
        version = await self._sheet.read_version()
        now = await self._sheet.read_again()
        return (version, issues) if self._is_as_compared(now) and not self._status.look(now, belongs) else None

    @property
    def has_deleted(self) -> bool:
        """Whether something is to be done with issues of deleted rows."""
        return bool(self._gone)

    def _hold_back(self, todo: list[Todo], kept: int) -> list[Todo]:
        """What is done although many rows may be gone by mistake: what was begun already, else all of it."""
        new = sum(one.mark for one in todo)
        self._held_back = 0 if self._many_deleted_rows or not too_many(new, kept) else new
        if not self._held_back:
            return todo
        self.result.problems.append(many_gone(self._read(), new, kept))
        return [one for one in todo if not one.mark]

    async def is_same(self) -> bool:
        """Whether the plan, which must be locked by now, still stands as it was compared: then nothing is to be drafted again."""
        return self._is_as_compared(await self._sheet.read())

    def _is_as_compared(self, now: ContentPlan) -> bool:
        compared = self._read()
        return (now.rows, now.columns) == (compared.rows, compared.columns)

    async def settle_deleted(self) -> None:
        """Do what is wanted with the issues of deleted rows. The plan must be locked, and compared since."""
        if not self._gone:
            return
        with self.step("issues of deleted rows"):
            await self._deleted.carry_out(self._read(), self._gone)
        self.result.problems += self._deleted.problems

    @property
    def status_differs(self) -> bool:
        """Whether the plan's status columns say something else than Jira did when it was compared."""
        return bool(self.status_cells)

    async def compare(self, snapshot: Snapshot, drafts: Drafts) -> None:
        """
        See which fields the plan changed, which a person in Jira, which both. Nothing is written.

        Raises:
            WorkflowError: Jira cannot be read.
        """
        plan = self._read()
        self._found = snapshot.issues
        self._me = self._lookup.account_id
        self._field_names = drafts.field_names
        by_row = {draft.row: draft for draft in drafts.data}
        rows = {row.row: row for row in plan.rows}
        issues = {issue.key: issue for issue in snapshot.issues}
        decision = decide(plan, {}, snapshot.issues)
        self.result.problems = [*drafts.problems, *decision.problems]
        self.result.by_row = {a.row: RowResult(a.row, a.outcome, a.key, list(a.problems)) for a in decision.actions}
        self._files.actions(decision.actions)
        self._deleted = DeletedRows(
            self._jira,
            self.deleted_rows,
            project_key=self._project_key,
            client=self._client,
            me=self._me,
            clock=self._clock,
            log=self._log,
        )
        kept = sum(action.key in issues for action in decision.actions)
        self._gone = self._hold_back(await self._deleted.look(gone(plan, decision)), kept)
        self.updates = {
            action.row: RowUpdate(rows[action.row], by_row[action.row], issues[action.key])
            for action in decision.actions
            if action.outcome is Outcome.EXISTING and not action.token and action.key in issues
        }
        self._names = sorted({name for draft in drafts.data for name in (*draft.drafted, *draft.cells)})
        states = await self._read_states([update.issue.key for update in self.updates.values()], self._names)
        for update in self.updates.values():
            self._decide_row(update, states.get(update.issue.key))
        await self._look_between(self._recently_written())
        self._say_outcomes()
        self.status_cells = self._status.look(plan, self._state_of_issues())

    async def send(self) -> None:
        """
        Write to each issue what the plan alone changed. The plan must be locked.

        Raises:
            WorkflowError: The run could not go on; what was sent until then stands in `updates`, and the next run sees it.
        """
        todo = [update for update in self.updates.values() if update.is_to_send]
        if not todo:
            return
        edits = await self._edits(todo)
        try:
            for update in todo:
                found = edits.get(update.issue.id, [])
                await self._send_row(update, found[-1].id if found else 0)
            await self._look_between(todo)
        finally:
            self._say_outcomes(sending=True)

    def foresee_status(self) -> None:
        """Say what would be written into the plan's status columns, and done with issues of deleted rows; nothing is."""
        self.result.problems += [*self._status.problems, *foreseen(self._read(), self.status_cells)]
        self.result.problems += self._deleted.foresee(self._read(), self._gone)

    async def fill_status(self) -> None:
        """
        Write what Jira says into the plan's status columns, and leave none of our named ranges there. The plan must be locked.

        Raises:
            WorkflowError: The plan or Jira cannot be read, or the plan cannot be written.
        """
        self._is_touched = True
        if self._status.has_columns(self._read()):
            with self.step("write status columns"):
                keys = [self.updates[row].issue.key for row in sorted(self._written)]
                belongs = self._state_of_issues(await self._read_states(keys, []))
                self.status_cells = await self._status.write(await self._sheet.read(), belongs)
            self.result.problems += self._status.problems
        await self._status.tidy()

    def issue_of(self, cell: Cell) -> str:
        """The key, as it is today, of the issue that a status cell tells of; empty of a header."""
        keys = {read_key(update.row.key): update.issue.key for update in self.updates.values()}
        return keys.get(cell.key, cell.key)

    def _state_of_issues(self, since: Mapping[str, IssueState] | None = None) -> Wanted:
        """What belongs beside each key of the plan; `since` is how some issues stand by now."""
        states = {
            read_key(update.row.key) or "": (since or {}).get(update.issue.key, update.state)
            for update in self.updates.values()
        }
        return wanted({key: state for key, state in states.items() if key and state}, self._site)

    async def _read_states(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, IssueState]:
        states: dict[str, IssueState] = {}
        for start in range(0, len(keys), FETCH_SIZE):
            states |= await self._jira.read_states(keys[start : start + FETCH_SIZE], fields)
        return states

    def changes(self) -> dict[int, list[dict[str, Any]]]:
        """Row -> its fields that somebody changed: what was done with each, and its value as sent, in the plan and in Jira."""
        return {
            row: [
                {
                    "field": self._shown(one.field),
                    "cell": cell_of(self._read(), update, one.field),
                    "state": self._state(update, one).value,
                    "sent": shown_value(one.sent),
                    "plan": shown_value(one.plan),
                    "jira": shown_value(one.jira),
                }
                for one in update.decisions
            ]
            for row, update in self.updates.items()
            if update.decisions
        }

    # --- Deciding -----------------------------------------------------------------------------------------------------

    def _decide_row(self, update: RowUpdate, state: IssueState | None) -> None:
        """Compare the row's draft with how its issue stands now."""
        plan, draft = self._read(), update.draft
        update.state = state
        told = {one.field: one for one in update.decisions if one.state is State.REPLACED}
        if state is None:
            update.untouched, update.decisions = say("it was moved, archived, or cannot be read"), []
            return
        issue = replace(update.issue, row=state.row)
        if state.row.get("shortened") and draft.sections:
            draft = draft.shortened()
        found = three_way.compare(draft, remembered(plan, update.row, draft, issue), state.fields)
        update.decisions = [
            replace(one, state=State.REJECTED, why=update.rejected[one.field]) if one.field in update.rejected else one
            for one in found
            if one.field not in told
        ]
        update.decisions += told.values()
        wanted = draft.drafted.get("project")
        home = wanted.get("key") if isinstance(wanted, dict) else None
        if state.done:
            update.untouched = say("it is {status}", status=state.status)
        elif home and state.project != home:
            update.untouched = say("it was moved to {project}", project=state.project)
        else:
            update.untouched = NOTHING

    # --- Sending ------------------------------------------------------------------------------------------------------

    async def _send_row(self, update: RowUpdate, after: int) -> None:
        """Read the issue, decide anew, and send; without what Jira refuses when it names it, and once more when it was lost."""
        for attempt in range(_TRIES):
            if time.monotonic() >= self._fence:
                self._fence = await self._sheet.check_ours()
            await self._read_row(update)
            if not update.is_to_send or (update.lost and attempt > 1):
                return
            fields = three_way.fields_to_send(update.decisions)
            mark = uuid.uuid4().hex
            row = self._new_row(update, list(fields), after, mark)
            try:
                await self._jira.update_issue(update.issue.key, fields, row)
            except UncertainWriteError as error:
                self._log.warning("%s: %s", self._client, error)
                update.lost = not await self._arrived(update, mark)
                if update.lost:
                    continue
            except FixInputError as error:
                if await self._is_refused(update, fields, error):
                    continue
                return
            update.lost = False
            self._written.setdefault(update.row.row, set()).update(fields)
            return

    async def _is_refused(self, update: RowUpdate, fields: Mapping[str, Any], error: FixInputError) -> bool:
        """Take down what Jira does not let us write; whether the rest of the row is worth another try."""
        if not isinstance(error, RefusedError):
            await self._jira.read_myself()  # raises when it is not about this issue
        if not fields:
            update.not_remembered = error.problem
            return False
        if isinstance(error, RefusedError):
            named = {name: why for name, why in error.reasons.items() if name in fields}
            update.rejected |= named or dict.fromkeys(fields, error.problem)
            return True
        update.rejected |= dict.fromkeys(fields, str(error))
        await self._read_row(update)
        return False

    async def _read_row(self, update: RowUpdate) -> None:
        states = await self._jira.read_states([update.issue.key], self._names)
        self._decide_row(update, states.get(update.issue.key))

    async def _arrived(self, update: RowUpdate, mark: str) -> bool:
        """Whether a change whose answer was lost is to be seen, after a while."""
        for pause in _LOOKS_S:
            await self._clock.sleep(pause)
            states = await self._jira.read_states([update.issue.key], [])
            if any(state.row.get("update") == mark for state in states.values()):
                return True
        return False

    def _new_row(self, update: RowUpdate, fields: Sequence[str], after: int, mark: str) -> dict[str, Any]:
        """What the issue remembers once this is applied: of fields that stay open, what it did before."""
        plan, old = self._read(), dict(update.state.row if update.state else {})
        known = remembered(plan, update.row, update.draft, replace(update.issue, row=old))
        columns = columns_of(plan, update.row, update.draft)
        still_open = {column for d in update.decisions if d.state in three_way.OPEN for column in columns(d.field)}
        now = row_property(
            plan,
            update.row,
            str(old.get("token", "")),
            self._run,
            fields=three_way.remember(known, update.decisions),
        )
        if still_open:
            cells, hashes = dict(old.get("cells") or {}), dict(old.get("cut") or {})
            kept = {label: text for label, text in now["cells"].items() if label not in still_open}
            now["cells"] = {**kept, **{label: text for label, text in cells.items() if label in still_open}}
            now["cut"] = {label: h for label, h in now["cut"].items() if label not in still_open}
            now["cut"] |= {label: h for label, h in hashes.items() if label in still_open}
            now |= {name: old[name] for name in ("content_hash", "topic", "date", "form") if name in old}
        at = iso_utc(self._clock.now())
        written = dict(old.get("written") or {})
        settled = [one.field for one in update.decisions if one.state is State.SETTLED and one.field in written]
        written |= {name: {"after": after, "at": at} for name in (*fields, *settled)}
        return {**old, **now, "written": written, "update": mark}

    # --- Afterwards ---------------------------------------------------------------------------------------------------

    def _recently_written(self) -> list[RowUpdate]:
        since = iso_utc(self._clock.now() - TOLD_FOR)
        return [u for u in self.updates.values() if any(w["at"] >= since for w in u.written.values())]

    async def _edits(self, updates: Sequence[RowUpdate]) -> dict[str, list[Edit]]:
        edits: dict[str, list[Edit]] = {}
        for start in range(0, len(updates), FETCH_SIZE):
            edits |= await self._jira.read_edits([u.issue.key for u in updates[start : start + FETCH_SIZE]])
        return edits

    async def _look_between(self, updates: Sequence[RowUpdate]) -> None:
        """Find what people wrote into a field while it was sent, and what is not there any more because of that."""
        if not updates:
            return
        edits = await self._edits(updates)
        for update in updates:
            written = update.written
            if update.row.row in self._written:
                states = await self._jira.read_states([update.issue.key], [])
                written = dict(next((s.row for s in states.values()), {}).get("written") or {})
            for name, sending in written.items():
                lost = self._replaced(edits.get(update.issue.id, []), name, int(sending["after"]))
                if lost is None:
                    continue
                others = [one for one in update.decisions if one.field != name]
                plan = update.draft.drafted.get(name)
                update.decisions = [*others, Decision(name, State.REPLACED, plan, plan, lost)]

    def _replaced(self, edits: Iterable[Edit], name: str, after: int) -> str | None:
        """What a person wrote after that edit, and ours replaced; None when nobody did, or somebody has edited it since."""
        theirs = lost = None
        for edit in edits:
            if edit.id <= after or name not in edit.fields:
                continue
            if edit.author != self._me:
                theirs, lost = edit.fields[name], None
            elif theirs is not None:
                lost = theirs
        return lost

    # --- Saying -------------------------------------------------------------------------------------------------------

    def _say_outcomes(self, *, sending: bool = False) -> None:
        for update in self.updates.values():
            result = self._result(update.row.row)
            result.problems = [p for p in result.problems if p.kind is not Kind.CONFLICT]
            result.outcome, result.problems = (
                self._outcome(update, sending=sending),
                problems_of(self._read(), update, self._field_names),
            )

    def _outcome(self, update: RowUpdate, *, sending: bool) -> Outcome:
        states = {decision.state for decision in update.decisions}
        if states & {State.CONFLICT, State.REPLACED} and not (update.untouched and State.REPLACED not in states):
            return Outcome.FLAGGED
        if update.untouched:
            return Outcome.EXISTING
        if State.REJECTED in states:
            return Outcome.REJECTED
        if State.REFUSED in states:
            return Outcome.REFUSED
        if update.lost:
            return Outcome.UNCERTAIN
        if self._written.get(update.row.row):
            return Outcome.UPDATED
        return Outcome.READY if State.UPDATED in states and not sending else Outcome.EXISTING

    def _shown(self, name: str) -> str:
        return shown_field(name, self._field_names)

    def _state(self, update: RowUpdate, decision: Decision) -> State:
        """What became of a field: what was to be sent and was not waits."""
        to_send = decision.state is State.UPDATED or (update.untouched and decision.state is State.CONFLICT)
        sent_now = decision.field in self._written.get(update.row.row, ())
        return State.WAITING if to_send and not sent_now else decision.state
