"""What a person decided about one row, carried out with the same locks and checks as a run."""

from lib.errors import ConflictError, FixInputError
from lib.exactly_once.claims import Claim
from lib.exactly_once.plan_run import PlanRun, RowResult
from lib.exactly_once.reconcile import PLAN_LABEL, RESOLVE, Outcome, plan_label, plan_of, row_property, tokens_of
from lib.formats import cut, one_line
from lib.plan.content_plan import KEY, ContentPlan, PlanRow
from lib.plan.keys import is_token, new_token, read_key
from lib.services.models import Issue

_SHOWN = 60  # characters of a topic


class PlanResolve(PlanRun):
    """A run over one plan that carries one decision out; the methods give, in a sentence, what was done."""

    def want(self, row: int) -> None:
        """From now on an issue is to be made for this row alone, whatever looks like it and whatever stands in its Key cell."""
        self._wanted = row

    def say_created(self, row: int) -> str:
        """
        What became of the row that an issue was wanted for; `result` is about that row alone.

        Raises:
            FixInputError: There is no such row, it has its issue, or our checks refuse it; nothing was made.
        """
        plan = self._read()
        name = name_of(plan, find_row(plan, row))
        made = self.result.by_row[row]
        self.result.by_row = {row: made}
        if made.outcome is Outcome.EXISTING:
            message = f"has its issue {made.key}; to make another one, first forget that one: --forget-issue {made.key}"
            raise FixInputError(name, message)
        if made.outcome is Outcome.REFUSED:
            raise FixInputError(name, "; ".join(f"{p.where}: {p.message}" for p in made.problems if p.level == "error"))
        return f"{name}: {made.outcome.value} {made.key}".strip()

    async def set_key(self, row: int, key: str) -> str:
        """
        Make an issue that exists the row's own: it gets the plan's label and remembers the row, the row gets its key.

        Raises:
            FixInputError: There is no such row or issue, or it belongs to another row or plan; nothing was changed.
            ConflictError: The row was changed meanwhile; the issue has the label, the key is not in the row.
        """
        async with self.locked():
            plan = await self._sheet.read()
            self._take(plan)
            found = find_row(plan, row)
            issue = await self._find_issue(plan, key)
            self._check_free(plan, found, issue)
            displaced = found.key.strip()
            token = next(iter(tokens_of(issue)), "")
            beside = [str(key) for key in issue.row.get("beside", ())]
            memory = row_property(plan, found, token, self._run, beside=beside)
            await self._jira.set_labels(issue.key, [plan_label(plan.spreadsheet_id)], [], memory)
            if displaced != issue.key:
                await self._write_key(found, issue.key)
            self.result.by_row = {row: RowResult(row, Outcome.EXISTING, issue.key)}
            self._sheet.finish()
        instead = f", in place of '{displaced}'" if displaced not in ("", issue.key) else ""
        return f"{name_of(plan, found)}: has {issue.key} ('{issue.summary}') now{instead}"

    async def forget(self, key: str) -> str:
        """
        Take the plan's labels off an issue and its key out of the plan; everything else of the issue stays.

        Raises:
            FixInputError: There is no such issue, or it was not made from this plan; nothing was changed.
        """
        async with self.locked():
            plan = await self._sheet.read()
            self._take(plan)
            issue = await self._find_issue(plan, key)
            label = plan_label(plan.spreadsheet_id)
            if label not in issue.labels:
                raise FixInputError(issue.key, f"was not made from '{plan.title}'; nothing to forget")
            holders = [row for row in plan.rows if _holds(row, issue)]
            for row in holders:
                await self._write_key(row, "")
            await self._jira.set_labels(issue.key, [], [label, *tokens_of(issue)])
            self.result.by_row = {row.row: RowResult(row.row, Outcome.READY) for row in holders}
            self._sheet.finish()
        rows = f"; row {' and '.join(str(row.row) for row in holders)} has no key now" if holders else ""
        return f"{issue.key} ('{issue.summary}') no longer belongs to '{plan.title}'{rows}"

    async def _find_issue(self, plan: ContentPlan, key: str) -> Issue:
        wanted = read_key(key)
        if wanted is None:
            raise FixInputError(f"'{key}'", "is no Jira key; write it as CP-12")
        keys = {wanted, *(k for row in plan.rows if (k := read_key(row.key)))}
        seen = await self._lookup.snapshot(keys)
        found = next((issue for issue in seen.issues if issue.key == wanted), None)
        if found is None:
            raise FixInputError(wanted, "Jira shows no such issue: it was deleted or moved, or we may not see it")
        return found

    def _check_free(self, plan: ContentPlan, row: PlanRow, issue: Issue) -> None:
        """See that the issue belongs to no other row and no other plan."""
        if other := next((other for other in plan.rows if other is not row and _holds(other, issue)), None):
            raise FixInputError(issue.key, f"stands in row {other.row}; clear that row's Key cell first")
        plans = {label for label in issue.labels if label.startswith(PLAN_LABEL)}
        if plans - {plan_label(plan.spreadsheet_id)}:
            where = issue.row.get("plan", "<that plan>")
            message = (
                f"was made from '{plan_of(issue)}'; if it belongs here: {RESOLVE} {where} --forget-issue {issue.key}"
            )
            raise FixInputError(issue.key, f"{message}, then this again")

    async def _write_key(self, row: PlanRow, text: str) -> None:
        """Write into the row's Key cell by way of a claim token, so that it lands in that row and in no other."""
        token = new_token()
        wanted = [Claim(row.row, token, row.fingerprint)]
        claimed = await self._sheet.claim([row], wanted, newest=self._lookup.newest, overwrite=True)
        if not claimed:
            raise ConflictError(
                self._read().address(row.row, KEY), "the row was changed or moved meanwhile; run this again"
            )
        await self._sheet.replace({token: text})


def _holds(row: PlanRow, issue: Issue) -> bool:
    if is_token(row.key):
        return row.key.strip() in tokens_of(issue)
    return read_key(row.key) == issue.key


def find_row(plan: ContentPlan, number: int) -> PlanRow:
    """
    The row that a person named.

    Raises:
        FixInputError: It holds no content.
    """
    for row in plan.rows:
        if row.row == number:
            return row
    rows = ", ".join(str(row.row) for row in plan.rows[:5])
    raise FixInputError(f"{plan.title}, row {number}", f"holds no content; rows with content are {rows}, …")


def name_of(plan: ContentPlan, row: PlanRow) -> str:
    """The row as people know it."""
    return f"{plan.client}, row {row.row} ('{cut(one_line(plan.text(row, 'Topik')), _SHOWN)}')"
