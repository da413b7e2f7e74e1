"""Issues whose row was deleted from the plan: a label and a comment, or a transition and a comment, once, and never back.

What was begun stands in the issue's property before it happens, with the edit after which to look for it: a later pass sees in the
issue's history whether the transition was made, and in its comments whether it was told. Whatever a person does with the issue
afterwards stays.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lib.clock import Clock
from lib.errors import FixInputError, RefusedError, UncertainWriteError
from lib.exactly_once.plan_sheet import Log
from lib.exactly_once.reconcile import Decision, likeness, text_hash
from lib.files import iso_utc
from lib.formats import match_key
from lib.messages import Said, say
from lib.plan import adf
from lib.plan.content_plan import ContentPlan
from lib.plan.keys import read_key
from lib.plan.problems import Level, Problem
from lib.services import a1
from lib.services.models import FETCH_SIZE, Issue, IssueState, Jira, Transition

FLAG, LABEL = "flag", "label"
DELETED_LABEL = "row-deleted-from-plan"
FEW = 5  # rows that may always be gone at once
ALL_THE_SAME = "--many-deleted-rows"
_MARK = "deleted"  # in the issue's property
_LOOKS_S = (2, 5, 10)  # pauses between looks for a transition whose answer was lost


@dataclass(frozen=True)
class Todo:
    """What is still to be done with one issue."""

    issue: Issue
    state: IssueState
    mark: bool
    transition: bool
    comment: bool


def gone(plan: ContentPlan, decision: Decision) -> list[Issue]:
    """The plan's issues that stand in no row, but for second issues of a row and those that look like a row without a key."""
    doubles = {key for keys in decision.doubles.values() for key in keys}
    keyless = [row for row in plan.rows if not read_key(row.key)]
    return [
        issue
        for issue in decision.orphans
        if issue.key not in doubles and not any(likeness(plan, row, issue) for row in keyless)
    ]


def too_many(new: int, kept: int) -> bool:
    """Whether so many rows are gone at once that it may be a mistake: more than five, and more than half of those with issues."""
    return new > FEW and new > kept


def many_gone(plan: ContentPlan, new: int, kept: int) -> Problem:
    """Why nothing is done with the issues of so many rows, and how to go on."""
    message = say(
        "{count} of {all} rows with issues are gone at once, which may be a mistake: nothing is done with their issues. Bring the rows "
        "back (File > Version history); if they were to go, run again with {flag}",
        count=new,
        all=new + kept,
        flag=ALL_THE_SAME,
    )
    return Problem.of(a1.quoted(plan.tab), message)


class DeletedRows:
    """
    What is done with the issues of deleted rows of one plan.

    Args:
        jira: Jira.
        how: `flag` (nothing), `label`, or the name of a transition.
        project_key: Where the issues belong; those elsewhere were moved, and are not touched.
        client: Whose plan it is.
        me: Our account id.
        clock: Time.
        log: Gets the progress.
    """

    def __init__(self, jira: Jira, how: str, *, project_key: str, client: str, me: str, clock: Clock, log: Log) -> None:
        self._jira = jira
        self._how = how.strip()
        self._project_key = project_key
        self._client = client
        self._me = me
        self._clock = clock
        self._log = log
        self.problems: list[Problem] = []
        self.has_written = False

    @property
    def _labels(self) -> bool:
        return match_key(self._how) == LABEL

    async def look(self, issues: Sequence[Issue]) -> list[Todo]:
        """What is to be done with these issues. Nothing is written."""
        if match_key(self._how) in ("", FLAG):
            return []
        states: dict[str, IssueState] = {}
        for part in itertools.batched([issue.key for issue in issues], FETCH_SIZE, strict=False):
            states |= await self._jira.read_states(part, [])
        found = []
        for issue in issues:
            state = states.get(issue.key)
            if state is None or state.project != self._project_key:
                continue
            mark = dict(state.row.get(_MARK) or {})
            if not mark:
                if not state.done:
                    found.append(Todo(issue, state, mark=True, transition=not self._labels, comment=True))
                continue
            mover = "" if mark.get("labelled") else await self._mover(issue, mark)
            is_pending = not mark.get("labelled") and not mover and not state.done
            is_ours = is_pending or mark.get("labelled") or mover == self._me
            is_untold = is_ours and _change_hash(issue) not in await self._jira.read_change_hashes(issue.key)
            if is_pending or is_untold:
                found.append(Todo(issue, state, mark=False, transition=is_pending, comment=is_untold))
        return found

    async def _mover(self, issue: Issue, mark: dict[str, Any]) -> str:
        """Who changed the status since we began: we ourselves, or a person who decided otherwise; empty when nobody did."""
        edits = (await self._jira.read_edits([issue.key])).get(issue.id, [])
        after = (edit for edit in edits if edit.id > int(mark.get("after", 0)) and "status" in edit.fields)
        return next((edit.author or "somebody" for edit in after), "")

    def foresee(self, plan: ContentPlan, todo: Sequence[Todo]) -> list[Problem]:
        """Say what would be done."""
        done = (
            say("would get the label {label}, with a comment", label=DELETED_LABEL)
            if self._labels
            else say("would go through '{transition}', with a comment", transition=self._how)
        )
        return [_problem(plan, one.issue, done, "warning") for one in todo]

    async def carry_out(self, plan: ContentPlan, todo: Sequence[Todo]) -> None:
        """Do it, and say in `problems` what was done. The plan must be locked, and `todo` be of what was read since."""
        for one in todo:
            self.has_written = True
            try:
                said = await self._carry_out(plan, one)
            except UncertainWriteError as error:
                self._log.warning("%s: %s", self._client, error)
                self._say(plan, one.issue, say("the answer was lost; the next run looks what became of it"), "error")
            except (RefusedError, FixInputError) as error:
                self._say(plan, one.issue, say("Jira does not let us: {reason}", reason=error), "error")
            else:
                self._say(plan, one.issue, *said)

    async def _carry_out(self, plan: ContentPlan, one: Todo) -> tuple[Said, Level]:
        key = one.issue.key
        move = await self._find_transition(key) if one.transition else None
        if one.transition and move is None:
            message = say(
                "has no transition '{transition}' from '{status}'; it is left as it is",
                transition=self._how,
                status=one.state.status,
            )
            return message, "error"
        if one.mark:
            edits = (await self._jira.read_edits([key])).get(one.issue.id, [])
            mark = {
                "how": self._how,
                "labelled": self._labels,
                "after": edits[-1].id if edits else 0,
                "at": iso_utc(self._clock.now()),
            }
            labels = [DELETED_LABEL] if self._labels else []
            await self._jira.set_labels(key, labels, [], {**one.state.row, _MARK: mark})
        if move:
            await self._move(one, move)
        if one.comment:
            await self._jira.add_comment(key, _comment(plan), _change_hash(one.issue))
        if move:
            return say("went through '{transition}', with a comment", transition=self._how), "warning"
        if one.mark:
            return say("got the label {label}, with a comment", label=DELETED_LABEL), "warning"
        return say("was told in a comment"), "warning"

    async def _find_transition(self, key: str) -> Transition | None:
        """The transition of that name, or else the only one that leads to the status of that name."""
        there = await self._jira.read_transitions(key)
        wanted = match_key(self._how)
        named = [one for one in there if match_key(one.name) == wanted]
        leads = [one for one in there if match_key(one.to) == wanted]
        return named[0] if named else leads[0] if len(leads) == 1 else None

    async def _move(self, one: Todo, move: Transition) -> None:
        """Send the transition once; what became of it when the answer is lost is read in the history."""
        state = (await self._jira.read_states([one.issue.key], [])).get(one.issue.key)
        mark = dict((state.row if state else {}).get(_MARK) or {})
        try:
            await self._jira.transition(one.issue.key, move.id)
        except UncertainWriteError:
            for pause in _LOOKS_S:
                await self._clock.sleep(pause)
                if await self._mover(one.issue, mark):
                    return
            raise

    def _say(self, plan: ContentPlan, issue: Issue, message: Said, level: Level) -> None:
        self.problems.append(_problem(plan, issue, message, level))


def _problem(plan: ContentPlan, issue: Issue, done: Said, level: Level) -> Problem:
    message = say("{key} ('{summary}'), whose row was deleted, {done}", key=issue.key, summary=issue.summary, done=done)
    return Problem.of(a1.quoted(plan.tab), message, level=level)


def _change_hash(issue: Issue) -> str:
    return text_hash(f"row deleted {issue.id}")


def _comment(plan: ContentPlan) -> adf.Node:
    address = f"https://docs.google.com/spreadsheets/d/{plan.spreadsheet_id}/edit#gid={plan.tab_id}"
    text = f"{plan.title}, {address}\nWhatever becomes of this issue from now on is for people to decide."
    section = adf.Section("The row that this issue was made from was deleted from the content plan", text, address)
    return adf.describe([section]).document
