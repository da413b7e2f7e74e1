"""One row that has its issue: what is known of both, what the issue was sent, and from which columns its fields are made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lib.messages import NOTHING, Said
from lib.plan import sent
from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.issue_draft import IssueDraft
from lib.plan.sent import DESCRIPTION, Remembered
from lib.services.models import Issue, IssueState
from lib.update.three_way import UNKNOWN, Decision, State
from lib.watch.plan_watch import changes_of


@dataclass
class RowUpdate:
    """
    One row that has its issue.

    Attributes:
        row: The row.
        draft: What the notebook makes of it now.
        issue: Its issue as it was looked up.
        state: How the issue stands; None where it cannot be read.
        decisions: The fields that somebody changed.
        untouched: Why nothing is sent to it, whatever changed; empty when something may be.
        lost: The answer was lost, and the change was not to be seen.
        rejected: Field -> why Jira refused it.
        not_remembered: Why Jira refused a request that changes no field, only what the issue remembers.
    """

    row: PlanRow
    draft: IssueDraft
    issue: Issue
    state: IssueState | None = None
    decisions: list[Decision] = field(default_factory=list)
    untouched: Said = NOTHING
    lost: bool = False
    rejected: dict[str, str] = field(default_factory=dict)
    not_remembered: str = ""

    @property
    def is_to_send(self) -> bool:
        """Whether something is to be written to the issue."""
        return not self.untouched and any(d.state in (State.UPDATED, State.SETTLED) for d in self.decisions)

    @property
    def written(self) -> dict[str, Any]:
        """What the issue remembers of our last writes: field -> the request's mark, its time, and the edit after which to look."""
        return dict((self.state.row if self.state else {}).get("written") or {})


def remembered(plan: ContentPlan, row: PlanRow, draft: IssueDraft, issue: Issue) -> Remembered:
    """
    What the issue was sent.

    One that was made before issues remembered that knows its row's cells: a field whose column is as it was then was sent what
    is drafted now, and of any other nobody knows.
    """
    held = issue.row.get("fields")
    if isinstance(held, Mapping):
        return dict(held)
    changed = {change.column for change in changes_of(plan, row, issue)}
    columns = columns_of(plan, row, draft)
    same = sent.remember(draft.drafted)
    named = (*same, *draft.cells)
    return {name: UNKNOWN if changed & set(columns(name)) else same[name] for name in named if name in same or changed}


def columns_of(plan: ContentPlan, row: PlanRow, draft: IssueDraft) -> Any:
    """Field -> the columns that it is made from; those of no field make the description."""
    by_cell = {plan.address(row.row, column.label): column.label for column in plan.columns}
    used = {by_cell[cell] for cell in draft.cells.values() if cell in by_cell}

    def columns(name: str) -> list[str]:
        if name == DESCRIPTION:
            return [column.label for column in plan.columns if column.label not in used]
        cell = draft.cells.get(name, "")
        return [by_cell[cell]] if cell in by_cell else []

    return columns
