"""What changed in content plans after their issues were made: `python flows/content_plan_watch.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK
from flows import clients, prefect_page, run_names
from flows.progress import Progress
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Run, log_error, run_in_folder
from lib import files
from lib.clock import SystemClock
from lib.error_record import record_of
from lib.errors import ConflictError, FixInputError, UncertainWriteError
from lib.exactly_once.lookup import Lookup, ProjectLookup
from lib.exactly_once.plan_lock import LocalLock
from lib.exactly_once.plan_run import PlanResult, RowResult
from lib.exactly_once.plan_sheet import PlanSheet
from lib.exactly_once.reconcile import NEEDS_A_PERSON
from lib.exactly_once.step_files import StepFiles
from lib.files import FINDINGS, ROWS, SEEN_ISSUES
from lib.formats import Month, plural, this_month
from lib.messages import Said, say
from lib.plan import client_list
from lib.plan.client_list import Client
from lib.plan.content_plan import KEY, ContentPlan
from lib.plan.keys import read_key
from lib.plan.plan_files import NoPlanError, find_files, find_plan
from lib.plan.problems import Level, Problem
from lib.report import audit
from lib.run import run_folder
from lib.services.models import DriveFile
from lib.settings import ROOT
from lib.tasks import utility_tasks
from lib.watch import plan_watch
from lib.watch.plan_watch import Finding, Findings
from lib.watch.refusals import Refusals
from lib.watch.watch_cache import SeenPlan, WatchCache

NAME = "content-plan-watch"
NOTEBOOK = "content_plan_watch"
NOTEBOOK_TIMEOUT_S = 600
PERMISSIONS = ("BROWSE_PROJECTS", "ADD_COMMENTS")


@dataclass
class WatchedPlan:
    """How the watch over one plan ended; `findings` are also those of an earlier pass when nothing changed since."""

    client: str
    month: Month
    spreadsheet_id: str = ""
    title: str = ""
    tab: str = ""
    tab_id: int | None = None  # not known of a plan that was not read again, and so is its address
    url: str = ""
    site: str = ""
    folder: str = ""
    findings: Findings = field(default_factory=lambda: Findings(data=[]))
    commented: list[str] = field(default_factory=list)
    state: str = "compared"
    result: PlanResult = field(default_factory=PlanResult)

    @property
    def name(self) -> str:
        """The plan as people call it."""
        return f"{self.client}, {self.month}"

    def take(self, findings: Findings) -> None:
        """From now on these are the plan's findings."""
        self.findings = findings
        self.result.by_row = {
            n: RowResult(f.row or 0, f.outcome, f.key, f.problems) for n, f in enumerate(findings.data)
        }

    def findings_for_people(self) -> list[str]:
        """What a person should hear of, without the cells: rows move."""
        rows = [
            f"{finding.key or finding.row} {problem.message}"
            for finding in self.findings.data
            if finding.outcome in NEEDS_A_PERSON
            for problem in finding.problems
        ]
        return [*rows, str(self.result.error)] if self.result.error else rows

    def summary(self) -> dict[str, Any]:
        """The plan's part of the flow's result."""
        return {
            **self.result.counts(),
            "client": self.client,
            "month": str(self.month),
            "spreadsheet_id": self.spreadsheet_id or None,
            "title": self.title or None,
            "tab": self.tab or None,
            "tab_id": self.tab_id,
            "url": self.url or None,
            "folder": self.folder or None,
            "seconds": self.result.seconds,
            "state": self.state,
            "commented": self.commented,
            "problems": [problem.model_dump() for problem in (*self.findings.problems, *self.result.problems)],
            **({"error": self.result.error.message} if self.result.error else {}),
        }

    def data(self) -> list[dict[str, Any]]:
        """One record per row in sheet order, then one per deleted row, whose `row` is null."""
        where = {"client": self.client, "spreadsheet_id": self.spreadsheet_id, "tab": self.tab}
        return [
            {
                **where,
                "row": finding.row,
                "outcome": finding.outcome.value,
                "key": finding.key or None,
                "url": f"{self.site}/browse/{finding.key}" if finding.key and self.site else None,
                "problems": [problem.model_dump() for problem in finding.problems],
                "changes": [change.model_dump() for change in finding.changes],
            }
            for finding in self.findings.data
        ]


def _default_months() -> tuple[Month, Month]:
    month = this_month(SystemClock().now())
    return month, month.next()


@reporting_flow(name=NAME, flow_run_name=run_names.of_plans(NAME, 0, 1))
async def content_plan_watch(
    *,
    target_months: list[str] | None = None,
    client_names: list[str] | None = None,
    delay_seconds: tuple[float, float] = (5.0, 10.0),
    settle_seconds: float | None = None,
    tab: str | None = None,
    full: bool = False,
    google_credentials_block_name: str = GOOGLE_BLOCK,
    jira_credentials_block_name: str = JIRA_BLOCK,
    output_dir: str | None = None,
) -> Result:
    """
    Compare content plans with the issues made from them; tell each change once, as a comment on its issue.

    A row that was changed, deleted, or lost its key is flagged. No field of an issue is changed, nothing is written to a plan.
    Plans whose Drive version is that of the last pass are not read again: what was found in them then still counts.

    Args:
        target_months: Months to watch, such as Juli 2026; this month and the next one in Jakarta when left out.
        client_names: Clients to take, whatever their case and spaces; all when left out.
        delay_seconds: Shortest and longest random pause between plans that are read, in seconds.
        settle_seconds: How long a comment without an answer may still appear; SETTLE_SECONDS (300) when left out.
        tab: Title of the tab that holds the plans; that of the client list, or the one that names the month, when left out.
        full: Read every plan, whatever was seen in the last pass.
        google_credentials_block_name: Block with Google's credentials; the environment counts when there is none.
        jira_credentials_block_name: Block with Jira's credentials; the environment counts when there is none.
        output_dir: Where the run folder and the last-seen versions go; OUTPUT_DIR (output) when left out.

    Example:
        python flows/content_plan_watch.py --target-months "Juli 2026" "Agustus 2026"

    Returns:
        `start_time`, `end_time`, `flow`, `parameters`, `run_folder`; `summary`: rows and rows per outcome (existing: as its
        issue was made; flagged: changed, deleted, or a key that a person should look at; ready: no issue was made from the
        plan yet; uncertain: a run works on it), in all and under `clients` for each; `clients`: per client and month its state (compared,
        unchanged, busy, no plan) and the issues commented on; `data`: one record per row with its changes, and one per deleted
        row; `news`: comments written and new findings, one sentence; `nothing_new`: whether the last pass told all that this one
        found; `error` when the run or a plan could not be finished.

    Side effects:
        Comments on issues, one per change; a run folder; `content-plan-watch.cache.json` in the output folder.
    """

    async def work(run: Run) -> dict[str, Any]:
        months = [clients.read_month(text, parameter="target_months") for text in target_months or []]
        months = months or list(_default_months())
        run.begun.months = [str(month) for month in months]
        watched, news = await _watch_all(run, months, client_names, full=full)
        comments = sum(len(one.commented) for one in watched)
        return {
            "news": f"{plural(comments, 'comment')} written; {plural(news, 'finding')} new since the last pass.",
            "nothing_new": not news,
            **clients.add_up(watched),
        }

    return await run_in_folder(
        NAME,
        work,
        delay_seconds=delay_seconds,
        settle_seconds=settle_seconds,
        tab=tab,
        google_block=google_credentials_block_name,
        jira_block=jira_credentials_block_name,
        output_dir=output_dir,
    )


async def _watch_all(
    run: Run, months: Sequence[Month], client_names: list[str] | None, *, full: bool
) -> tuple[list[WatchedPlan], int]:
    """
    All plans of these months, and how many findings and errors are new since the last pass.

    Two passes at the same time on one machine would tell a change twice.
    """
    lock = LocalLock(f"{NAME} {run.settings.clients_spreadsheet_id}")
    lock.acquire(NAME)
    try:
        notebook = ROOT / "notebooks" / f"{NOTEBOOK}.ipynb"
        account = await run.jira.read_myself()
        made_for = f"{account.site} {run.settings.jira_project_key} {files.sha256(notebook)}"
        cache = WatchCache(run.folder.parent, made_for)
        listed = await _read_list(run, cache, full=full)
        asked, unknown = clients.choose(listed, client_names, run.log)
        found, errors = await find_files(run.google, [client.folder_id for client in asked])
        tagged = [str(month) for month in months]
        await prefect_page.tag(run.flow_run, tagged, [client.name for client in asked], run.log)
        progress = Progress(len(asked) * len(months))
        places = asyncio.Semaphore(clients.at_once())
        refusals = Refusals(run.folder.parent, NAME)
        gathers = run.clock if len(asked) * len(months) > 1 else None
        key = run.settings.jira_project_key
        lookup = ProjectLookup(run.jira, key, PERMISSIONS, account=account, gathers=gathers)

        async def one(client: Client, month: Month) -> WatchedPlan:
            of_month = dataclasses.replace(run, month=month)
            watch = _Watch(of_month, cache, refusals, client, account.site, lookup, full=full)
            run.begun.clients.append(watch.watched)
            async with places:
                with lookup.taking_part():
                    await watch.go(found[client.folder_id], errors.get(client.folder_id))
                await progress.end(client.name, len(watch.watched.result.rows), run.log)
                return watch.watched

        left_out = [
            WatchedPlan(name, months[0], result=PlanResult(error=clients.left_out(name, problem)))
            for name, problem in unknown.items()
        ]
        run.begun.clients.extend(left_out)
        watched = await clients.side_by_side(one(client, month) for client in asked for month in months)
        watched += left_out
        news = sum(
            cache.count_news(one.name, one.findings_for_people(), finished=not one.result.error)
            for one in watched
            if one.state != "busy"
        )
        cache.save()
    finally:
        lock.release()
    return watched, news


async def _read_list(run: Run, cache: WatchCache, *, full: bool) -> list[Client]:
    """The client list; as it was last seen while its version is the same."""
    spreadsheet_id = run.settings.clients_spreadsheet_id
    try:
        version = await run.google.read_version(spreadsheet_id)
    except (FixInputError, ConflictError) as error:  # Sheets may show what Drive does not
        run.log.info("the client list's version is not known, so it is read: %s", error)
        version = ""
    seen = None if full else cache.clients(version)
    if seen is not None:
        return seen
    listed = await client_list.read(run.google, spreadsheet_id)
    cache.keep_clients(version, listed)
    return listed


class _Watch:
    """The watch over one client's plan for one month."""

    def __init__(
        self,
        run: Run,
        cache: WatchCache,
        refusals: Refusals,
        client: Client,
        site: str,
        lookup: ProjectLookup,
        *,
        full: bool,
    ) -> None:
        self._run = run
        self._lookup = lookup
        self._cache = cache
        self._refusals = refusals
        self._full = full
        self._client = client
        waiting = PlanResult(error=clients.not_begun(client.name))
        self.watched = WatchedPlan(client.name, run.month, site=site, result=waiting)
        self._waiting = False  # a comment was sent and not heard of: the plan is not done with

    async def go(self, files: Sequence[DriveFile], unreadable: FixInputError | None) -> None:
        """Compare and comment; an error ends it here and never reaches the other plans."""
        if unreadable:
            self.watched.result.error = record_of(unreadable, self._client.name)
            return
        self.watched.result.error = None
        try:
            await self._compare(find_plan(files, self._client, self._run.month))
        except NoPlanError as error:
            self.watched.state = audit.NO_PLAN
            self._run.log.debug("%s", error)
        except asyncio.CancelledError:
            self.watched.result.error = clients.cancelled(self._client.name)
            raise
        except Exception as error:  # noqa: BLE001  # whatever it is, the other plans go on
            self.watched.result.error = record_of(error, self._client.name)
            log_error(self._run.log, str(self.watched.result.error), error)

    async def _compare(self, file: DriveFile) -> None:
        run, watched = self._run, self.watched
        watched.spreadsheet_id, watched.title = file.id, file.name
        seen = self._cache.plan(file.id, file.version)
        if seen and not self._full:
            watched.state, watched.title, watched.tab = "unchanged", seen.title, seen.tab
            watched.take(seen.findings)
            return
        await run.throttle.pause(f"reading the plan of {self._client.name}", run.log)
        sheet = PlanSheet(
            run.google,
            run.clock,
            client=self._client.name,
            spreadsheet_id=file.id,
            month=run.month,
            tab=run.tab or self._client.tab,
            log=run.log,
        )
        await sheet.open()
        try:
            sheet.check_idle()
        except ConflictError as error:
            watched.state = "busy"
            watched.result.problems.append(
                Problem.of(file.name, say("{why}; the next pass reads it", why=error.said), level="warning")
            )
            return
        with watched.result.step("read the plan", run.clock):
            plan = await sheet.read()
        watched.tab, watched.tab_id, watched.url = plan.tab, plan.tab_id, plan.url
        watched.take(plan_watch.not_compared(plan))
        watched.take(await self._find(plan))
        with watched.result.step("comment on changes", run.clock):
            await self._tell(plan, watched.findings)
        clients.warn(watched.name, watched.result, run.log)
        counts = watched.result.counts()
        run.log.info("%s, %s: %d rows, %d flagged", self._client.name, run.month, counts["rows"], counts["flagged"])
        if not self._waiting:
            self._cache.keep_plan(
                file.id,
                SeenPlan(version=file.version, title=plan.title, tab=plan.tab, findings=watched.findings),
            )

    async def _find(self, plan: ContentPlan) -> Findings:
        """Run the notebook on the plan and its issues."""
        run, result = self._run, self.watched.result
        folder = run_folder.client_folder(run.folder, f"{self._client.name} {run.month}")
        self.watched.folder = folder.name
        StepFiles(folder, workflow=NAME, source=plan.spreadsheet_id).rows(plan)
        lookup = Lookup(self._lookup, plan.spreadsheet_id)
        with result.step("look at Jira", run.clock):
            seen = await lookup.snapshot(key for row in plan.rows if (key := read_key(row.key)))
        plan_watch.save_issues(seen.issues, folder / SEEN_ISSUES, workflow=NAME, source=plan.spreadsheet_id)
        paths = {
            "rows_path": str(folder / ROWS),
            "issues_path": str(folder / SEEN_ISSUES),
            "findings_path": str(folder / FINDINGS),
        }
        with result.step("run the notebook", run.clock):
            await utility_tasks.run_notebook(NOTEBOOK, folder / f"{NOTEBOOK}.ipynb", {**paths}, NOTEBOOK_TIMEOUT_S)
        found = plan_watch.load(folder / FINDINGS, plan.rows, notebook=f"notebooks/{NOTEBOOK}.ipynb")
        return await asyncio.to_thread(self._refusals.explain, plan, found)

    async def _tell(self, plan: ContentPlan, findings: Findings) -> None:
        """
        Comment on every issue whose row was changed, unless a comment tells that change already.

        What Jira refuses for one issue does not stop the others; a later pass tries it again.
        """
        refused: list[str] = []
        changed = [finding for finding in findings.data if finding.changes and finding.key]
        for number, finding in enumerate(changed):
            written = len(self.watched.commented)
            try:
                await self._comment(plan, finding)
            except FixInputError as error:
                message = say("the change could not be told on {key}: {why}", key=finding.key, why=error.said)
                self._note(plan, finding, message, "error")
                refused.append(finding.key)
            if number + 1 < len(changed) and len(self.watched.commented) > written:
                await self._run.throttle.pause(f"the next comment for {self._client.name}", self._run.log)
        if refused:
            self._waiting = True
            untold = ConflictError(", ".join(refused), "the change could not be told there; see below")
            self.watched.result.error = record_of(untold, self._client.name)

    async def _comment(self, plan: ContentPlan, finding: Finding) -> None:
        run, change = self._run, finding.change_hash
        if change in await run.jira.read_change_hashes(finding.key):
            self._cache.note_answer(change)
            return
        sent_at = self._cache.sent_at(change)
        if sent_at and run.clock.now() < sent_at + dt.timedelta(seconds=run.settle_s):
            self._say_waiting(plan, finding)
            return
        self._cache.note_sending(change, run.clock.now())
        try:
            await run.jira.add_comment(finding.key, plan_watch.comment(plan, finding), change)
        except UncertainWriteError as error:
            run.log.warning("%s: %s", self._client.name, error)
            self._say_waiting(plan, finding)
            return
        except FixInputError:
            self._cache.note_answer(change)
            raise
        self._cache.note_answer(change)
        self.watched.commented.append(finding.key)

    def _say_waiting(self, plan: ContentPlan, finding: Finding) -> None:
        self._waiting = True
        message = say(
            "the answer to the comment on {key} was lost; a later pass looks for it before it writes again",
            key=finding.key,
        )
        self._note(plan, finding, message, "warning")

    def _note(self, plan: ContentPlan, finding: Finding, message: Said, level: Level) -> None:
        cell = plan.address(finding.row or 1, KEY)
        self.watched.result.problems.append(Problem.of(cell, message, level=level))
