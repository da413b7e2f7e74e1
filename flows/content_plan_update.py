"""Changes of content plans go into the issues made from them: `python flows/content_plan_update.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

import datetime as dt
import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK
from flows import clients, printing, run_names
from flows.client_plan import ClientResult, Job, Project, look_and_draft, run_clients
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Run, run_in_folder
from lib import files
from lib.clock import SystemClock
from lib.exactly_once.plan_run import PlanRun, RowResult
from lib.exactly_once.reconcile import Outcome
from lib.formats import this_month
from lib.plan import transform
from lib.plan.client_list import Client
from lib.plan.problems import Problem
from lib.services.models import Account, DriveFile
from lib.settings import ROOT
from lib.update.plan_update import PlanUpdate
from lib.update.update_cache import SeenPlan, UpdateCache, unchanged

NAME = "content-plan-update"


@dataclass
class UpdatedPlan(ClientResult):
    """
    How one client's plan ended.

    Attributes:
        changes: Row -> its fields that somebody changed.
        status_cells: Key -> the cells of its row's status columns that were written, or would be.
    """

    changes: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    status_cells: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    seen: SeenPlan | None = None  # what an earlier pass found, where nothing changed since

    @classmethod
    def again(cls, seen: SeenPlan) -> "UpdatedPlan":
        """As it ended when it was looked at, and would again."""
        ended = cls(str(seen.summary["client"]), seen=seen)
        ended.result.problems = [Problem(**problem) for problem in seen.summary["problems"]]
        ended.result.by_row = {
            row["row"]: RowResult(
                row["row"],
                Outcome(row["outcome"]),
                row["key"] or "",
                [Problem(**problem) for problem in row["problems"]],
            )
            for row in seen.data
        }
        return ended

    def take(self, plan_run: PlanRun) -> None:
        """How far the run over its plan came."""
        super().take(plan_run)
        if isinstance(plan_run, PlanUpdate):
            self.changes = plan_run.changes()
            for one in plan_run.status_cells:
                cell = {"column": one.column.label, "cell": one.name, "old": one.old, "new": one.new}
                self.status_cells.setdefault(plan_run.issue_of(one), []).append(cell)

    def summary(self) -> dict[str, Any]:
        """The client's part of the flow's result."""
        if self.seen:
            return {**self.seen.summary, "folder": None, "seconds": {}, "status_cells": 0, "state": "unchanged"}
        cells = sum(map(len, self.status_cells.values()))
        return {**super().summary(), "client": self.client, "status_cells": cells, "state": "compared"}

    def data(self) -> list[dict[str, Any]]:
        """One record per row, in sheet order."""
        if self.seen:
            return [{**record, "status_cells": []} for record in self.seen.data]
        return [
            {
                **record,
                "fields": self.changes.get(record["row"], []),
                "status_cells": self.status_cells.get(record["key"], []),
            }
            for record in super().data()
        ]


@reporting_flow(name=NAME, flow_run_name=run_names.of_plans(NAME, 0))
async def content_plan_update(
    *,
    target_month: str | None = None,
    client_names: list[str] | None = None,
    validate_only: bool = False,
    delay_seconds: tuple[float, float] = (5.0, 10.0),
    settle_seconds: float | None = None,
    tab: str | None = None,
    google_credentials_block_name: str = GOOGLE_BLOCK,
    jira_credentials_block_name: str = JIRA_BLOCK,
    output_dir: str | None = None,
    break_lock: bool = False,
    add_status_columns: bool = False,
    full: bool = False,
    deleted_rows: str | None = None,
    many_deleted_rows: bool = False,
) -> Result:
    """
    Carry changes of content plans over to the issues made from them; nothing that a person typed in Jira is overwritten unseen.

    Each field is compared three ways: what was sent, what the plan says, what Jira says. What the plan alone changed is sent,
    what a person changed in Jira is kept, what both changed is flagged. Issues that are done or were moved are not touched.

    Columns of a plan called Status Jira (or Jira Status, Status Produksi), Link Jira and Penanggung Jawab are filled from each
    row's issue: its status, its address, its assignee's name.

    Args:
        target_month: Month of the plans, such as Juli 2026; this month in Jakarta when left out.
        client_names: Clients to take, whatever their case and spaces; all when left out.
        validate_only: Read, compare and report; write nothing to Google or Jira.
        delay_seconds: Shortest and longest random pause between the steps of a plan, in seconds.
        settle_seconds: How long after its being sent Jira may still apply a request; SETTLE_SECONDS (300) when left out.
        tab: Title of the tab that holds the plans; that of the client list, or the one that names the month, when left out.
        google_credentials_block_name: Block with Google's credentials; the environment counts when there is none.
        jira_credentials_block_name: Block with Jira's credentials; the environment counts when there is none.
        output_dir: Where the run folder goes; OUTPUT_DIR (output) when left out.
        break_lock: Take over a plan whose lock another run holds.
        add_status_columns: Add those of the three columns that a plan lacks, once one of its rows has an issue.
        deleted_rows: What is done, once, with issues whose row was deleted: flag (left to the watch, which tells of them), label (a label and
            a comment), or the name of a transition such as Cancelled (and a comment); the client list's Deleted Rows, or flag, when left out.
        many_deleted_rows: Do so, too, where more than half of a plan's rows with issues, and more than 5, are gone at once. Without it
            nothing is done with their issues, since a tab may have been emptied by mistake.
        full: Look at every plan, also where neither its Drive version nor its issues changed since the last pass.

    Example:
        python flows/content_plan_update.py --target-month "Juli 2026" --validate-only

    Returns:
        As content-plan-to-jira; `updated` are issues that this run changed, `ready` rows whose changes were not sent, or that
        have no issue; each record of `data` has `fields`: field, state, and its value as sent, in the plan and in Jira;
        and `status_cells`: the cells of the plan that were written, or would be, with what stood there.

    Side effects:
        Fields of issues and their property `content-plan.row`; status columns of plans; a lock in a plan while it or its
        issues are written; a run folder; `content-plan-update.cache.json` in the output folder.
    """

    async def work(run: Run) -> dict[str, Any]:
        updates = _Pass({"tab": tab, "add_status_columns": add_status_columns}, deleted_rows, full=full)
        plan_update = functools.partial(
            PlanUpdate, add_status_columns=add_status_columns, many_deleted_rows=many_deleted_rows
        )
        try:
            job = Job(plan_update, updates.go, UpdatedPlan, PlanUpdate.permissions, updates.unchanged)
            return clients.add_up(await run_clients(run, client_names, job))
        finally:
            updates.save()

    return await run_in_folder(
        NAME,
        work,
        target_month=target_month or str(this_month(SystemClock().now())),
        delay_seconds=delay_seconds,
        settle_seconds=settle_seconds,
        tab=tab,
        google_block=google_credentials_block_name,
        jira_block=jira_credentials_block_name,
        output_dir=output_dir,
        validate_only=validate_only,
        break_lock=break_lock,
    )


class _Pass:
    """One pass over all plans; it remembers those with which it has nothing left to do."""

    def __init__(self, options: Mapping[str, Any], deleted_rows: str | None, *, full: bool) -> None:
        self._options = {**options, "deleted_rows": deleted_rows}
        self._deleted_rows = deleted_rows
        self._full = full
        self._cache: UpdateCache | None = None
        self._versions: dict[str, str] = {}  # spreadsheet -> its version in Drive when the pass began
        self._began: dt.datetime | None = None

    def save(self) -> None:
        """Write down what the next pass need not look at."""
        if self._cache:
            self._cache.save()

    async def unchanged(
        self, run: Run, account: Account, plans: Sequence[tuple[Client, DriveFile]]
    ) -> dict[str, ClientResult]:
        """How the plans ended of which nothing changed."""
        settings = run.settings.model_dump_json(include=set(_MATTERS))
        depends = [
            account.site,
            account.account_id,
            settings,
            *map(files.sha256, _CODE),
            *map(repr, self._options.items()),
        ]
        self._cache = UpdateCache(run.folder.parent, hashlib.sha256("\n".join(depends).encode()).hexdigest())
        self._versions, self._began = {plan.id: plan.version for _, plan in plans}, account.read_at
        versions = {plan.id: _version(client, plan.version) for client, plan in plans}
        seen = {} if self._full else await unchanged(self._cache, run.jira, versions, account)
        return {plan: UpdatedPlan.again(one) for plan, one in seen.items()}

    async def go(self, run: Run, project: Project, client: Client, update: PlanUpdate, folder: Path) -> None:
        """Keep one plan and its issues in step, and remember it if that is all."""
        update.deleted_rows = client.deleted_rows if self._deleted_rows is None else self._deleted_rows
        await _update(run, project, client, update, folder)
        if self._cache is None or self._began is None or not (plan := update.plan):
            return
        if (seen := await update.seen()) and (version := seen[0] or self._versions.get(plan.spreadsheet_id, "")):
            ended = UpdatedPlan(client.name, project.site)
            ended.take(update)
            self._cache.keep_plan(
                plan.spreadsheet_id,
                SeenPlan(
                    version=_version(client, version),
                    looked_at=self._began,
                    issues=seen[1],
                    summary=ended.summary(),
                    data=ended.data(),
                ),
            )


def _version(client: Client, version: str) -> str:
    """A plan's version together with what the client list says of the client; empty when it is not known."""
    return version and f"{version} {client.name} {client.tab} {client.deleted_rows} {sorted(client.quota.items())}"


_MATTERS = ("jira_project_key", "jira_issue_type_id", "jira_priority_id", "jira_reporter")
_CODE = (
    ROOT / "hashmap.py",
    ROOT / "notebooks" / f"{transform.NOTEBOOK}.ipynb",
    *sorted(path for room in ("plan", "update") for path in (ROOT / "lib" / room).glob("*.py")),
)


async def _update(run: Run, project: Project, client: Client, update: PlanUpdate, folder: Path) -> None:
    """See what changed, and send it while no other run may touch the plan."""
    await compare(run, project, client, update, folder)
    if run.validate_only or not await update.is_to_write():
        update.foresee_status()
        return
    async with update.locked():
        if update.has_deleted or (update.has_changes and not await update.is_same()):
            await compare(run, project, client, update, folder)
        await update.send()
        await update.settle_deleted()
        await update.fill_status()


async def compare(run: Run, project: Project, client: Client, update: PlanUpdate, folder: Path) -> None:
    """The rows through the transform notebook, and against their issues."""
    snapshot, drafts = await look_and_draft(run, project, client, update, folder, settle=False)
    with update.step("compare with Jira"):
        await update.compare(snapshot, drafts)


show = printing.show_updates
