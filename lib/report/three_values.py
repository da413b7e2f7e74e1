"""One row and its issue for an analyst: what each field was sent, what the plan says now, what Jira says now. Nothing is written."""

from collections.abc import Mapping
from dataclasses import replace

from IPython.display import HTML

from lib.errors import FixInputError
from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.keys import read_key
from lib.plan.sent import NOT_COMPARED
from lib.report import explore, html_report
from lib.services.reading import JiraReader
from lib.update import three_way
from lib.update.row_problems import shown_value
from lib.update.row_update import remembered

AS_SENT = "as sent"
_SHOWN = 200  # characters of a value


async def show(jira: JiraReader, plan: ContentPlan, month: str, custom_fields: Mapping[str, str], row: int = 0) -> HTML:
    """
    A row's fields three ways, and what an update would do with each.

    Args:
        jira: Jira.
        plan: The plan.
        month: Its month, as it was asked for.
        custom_fields: Fields' names -> their ids.
        row: The row's number in the sheet; 0 for the first that has its issue.

    Raises:
        FixInputError: There is no such row, it has no issue yet, or Jira does not show that.
        NotebookError: The transform notebook did not run to its end.
    """
    own = _find(plan, row)
    if own is None:
        return html_report.sentence("No row of this plan has its issue yet.")
    key = read_key(own.key) or ""
    where = f"{plan.title}, row {own.row}"
    if not key:
        raise FixInputError(where, "has no issue yet; name one with a key")
    drafts = await explore.transform(plan, month, [own])
    [draft] = drafts.data
    names = sorted({*draft.drafted, *draft.cells, *draft.emptied} - NOT_COMPARED)
    found, states = await jira.fetch([key]), await jira.read_states([key], names)
    if not found or key not in states:
        raise FixInputError(where, f"Jira does not show its issue {key}: it was deleted or moved, or we may not see it")
    sent = remembered(plan, own, draft, replace(found[0], row=states[key].row))
    decided = {one.field: one.state for one in three_way.compare(draft, sent, states[key].fields)}
    known = {identifier: name for name, identifier in custom_fields.items()}
    values = [(sent.get(name), draft.drafted.get(name), states[key].fields.get(name)) for name in names]
    rows = [
        [known.get(name, name), *(shown_value(value, _SHOWN) for value in three), decided.get(name, AS_SENT)]
        for name, three in zip(names, values, strict=True)
    ]
    told = html_report.sentence(f"Row {own.row} and {key}: an update sends what is `updated`, and nothing else.")
    return HTML(told.data + html_report.table(["field", "sent", "plan", "Jira", "an update"], rows).data)


def _find(plan: ContentPlan, number: int) -> PlanRow | None:
    """The row of that number, or the first with a key; None where no row has one."""
    if not number:
        return next((row for row in plan.rows if read_key(row.key)), None)
    found = next((row for row in plan.rows if row.row == number), None)
    if found is None:
        raise FixInputError(f"{plan.title}, row {number}", "holds no content; write the number of another row")
    return found
