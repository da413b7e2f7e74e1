"""What a person decided about fields that the plan and Jira say differently of, carried out as an update of that row alone."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lib.errors import FixInputError
from lib.exactly_once.lookup import Snapshot
from lib.exactly_once.resolving import find_row, name_of
from lib.messages import NOTHING
from lib.plan.issue_draft import Drafts
from lib.services.models import IssueState
from lib.update import three_way
from lib.update.plan_update import PlanUpdate
from lib.update.row_problems import shown_value
from lib.update.row_update import RowUpdate
from lib.update.three_way import Decision, State, Take


class PlanTake(PlanUpdate):
    """A run over one plan that carries one decision out; `result` and `updates` are about its row alone."""

    _row: int
    _side: Take
    _field: str | None
    _taken: dict[str, Decision]  # field -> how it stood when it was decided
    _decides: bool  # no longer only looks what waits

    def want(self, row: int, side: Take, field: str | None) -> None:
        """From now on this side's values count, of one field of the row, named as people or Jira know it, or of all that wait."""
        self._row, self._side, self._field, self._taken = row, side, field, {}
        self._decides = False

    async def compare(self, snapshot: Snapshot, drafts: Drafts) -> None:
        """
        See what waits for a decision in the row, and decide it. Nothing is written.

        Raises:
            FixInputError: There is no such row or field, the row has no issue of its own, or what was decided cannot be carried out.
            WorkflowError: Jira cannot be read.
        """
        self._taken, self._decides = {}, False
        await super().compare(snapshot, drafts)
        row = find_row(self._read(), self._row)
        ended = self.result.by_row[self._row]
        self.result.by_row = {self._row: ended}
        self.updates = {number: update for number, update in self.updates.items() if number == self._row}
        if self._row not in self.updates:
            told = "; ".join(problem.message for problem in ended.problems if problem.level == "error")
            raise FixInputError(name_of(self._read(), row), told or "has no issue yet; nothing to decide")
        update = self.updates[self._row]
        field = self._find_field(update)
        waits = (State.REPLACED,) if update.untouched else (State.CONFLICT, State.REPLACED)
        taken = {one.field: one for one in update.decisions if one.state in waits and field in (None, one.field)}
        self._refuse_lost(update, taken)
        self._taken, self._decides = taken, True
        update.decisions = [one for one in update.decisions if one.field not in taken]
        self._decide_row(update, update.state)
        self._say_outcomes()

    def say_taken(self, *, validate_only: bool) -> str:
        """What was done, in a sentence."""
        update = self.updates[self._row]
        found = [self._tell(update, one, validate_only=validate_only) for one in self._taken.values()]
        told = "; ".join(found) or f"there is nothing to decide between the plan and {update.issue.key}"
        return f"{name_of(self._read(), update.row)}: {told}"

    def _decide_row(self, update: RowUpdate, state: IssueState | None) -> None:
        super()._decide_row(update, state)
        if self._decides:
            update.decisions = self._decided(update, update.decisions)
            if self._taken and state and all(one.state is State.REPLACED for one in self._taken.values()):
                update.untouched = NOTHING  # the issue has only to remember it

    async def _is_refused(self, update: RowUpdate, fields: Mapping[str, Any], error: FixInputError) -> bool:
        again = await super()._is_refused(update, fields, error)
        if not update.not_remembered:
            return again
        update.rejected |= dict.fromkeys(self._taken, update.not_remembered)  # to remember is all that was decided
        update.not_remembered = ""
        return True

    def _decided(self, update: RowUpdate, decisions: list[Decision]) -> list[Decision]:
        """The decisions, of which nothing goes out but what was decided; the rest waits for the next update."""
        waiting = [
            replace(one, state=State.WAITING)
            if one.field not in self._taken and one.state in (State.UPDATED, State.SETTLED)
            else one
            for one in decisions
        ]
        for name in self._taken:
            waiting = three_way.take(waiting, self._side, name)
        known = {one.field for one in waiting}
        plan = update.draft.drafted
        return waiting + [
            Decision(name, State.SETTLED, plan.get(name), plan.get(name), was.jira)
            for name, was in self._taken.items()
            if was.state is State.REPLACED and name not in known
        ]

    def _find_field(self, update: RowUpdate) -> str | None:
        """The field's id, as Jira knows it; None when all are meant."""
        if self._field is None:
            return None
        names = sorted({*update.draft.drafted, *update.draft.cells})
        wanted = self._field.strip().casefold()
        for name in names:
            if wanted in {name.casefold(), self._shown(name).casefold(), self._field_names.get(name, name).casefold()}:
                return name
        message = f"is no field that the plan fills; it fills {', '.join(map(self._shown, names))}"
        raise FixInputError(f"--field {self._field}", message)

    def _refuse_lost(self, update: RowUpdate, taken: dict[str, Decision]) -> None:
        """Refuse to bring back what the plan's value replaced: only a person can, who knows what it was."""
        lost = [one for one in taken.values() if one.state is State.REPLACED and self._side == "jira"]
        if lost:
            told = "; ".join(f"{self._shown(one.field)}: {shown_value(one.jira)}" for one in lost)
            message = f"what was replaced there can only be written into {update.issue.key} again, by hand ({told}); nothing was done"
            raise FixInputError("--take jira", message)

    def _tell(self, update: RowUpdate, was: Decision, *, validate_only: bool) -> str:
        """What became of one field."""
        name, key = self._shown(was.field), update.issue.key
        plan, jira = shown_value(was.plan), shown_value(was.jira)
        now = next((one for one in update.decisions if one.field == was.field), None)
        if update.lost:
            return f"{name}: the answer was lost, and the change is not to be seen; run this again"
        if now and now.state is State.REJECTED:
            return f"{name}: Jira refused it: {now.why}"
        if now and now.state in (State.CONFLICT, State.KEPT):
            return f"{name}: it was changed meanwhile, to {shown_value(now.jira)}; decide again"
        if now and now.state is State.REPLACED:
            return f"{name} of {key} is {plan} now; somebody wrote {shown_value(now.jira)} while it was sent, which it replaced"
        would = "would " if validate_only else ""
        if was.state is State.REPLACED:
            return f"{name} of {key}: the plan's value {would or 'now '}count{'' if would else 's'}, and what it replaced is let go"
        if self._side == "jira":
            return f"{name} of {key} {would}stay{'' if would else 's'} {jira}; the plan's {plan} is not sent"
        return (
            f"{name} of {key} {'would become' if would else 'is'} {plan}{'' if would else ' now'}, in place of {jira}"
        )
