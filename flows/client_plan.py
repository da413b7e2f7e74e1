"""One client's plan inside a flow: its rows through the notebook to drafts, and on to issues."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

import hashmap
from flows import clients
from flows.progress import Progress
from flows.run_in_folder import Run, log_error
from lib.dates import parse_date
from lib.error_record import ErrorRecord, record_of
from lib.errors import WorkflowError
from lib.exactly_once.plan_run import PlanResult, PlanRun
from lib.exactly_once.plan_sheet import LockTerms, PlanSheet
from lib.exactly_once.step_files import StepFiles
from lib.files import DRAFTS
from lib.formats import FormatError, one_line
from lib.plan import assignees, create_screen, issue_draft, transform
from lib.plan.client_list import Client
from lib.plan.content_plan import KEY, ContentPlan, PlanRow, plan_hash
from lib.plan.issue_draft import Drafts
from lib.plan.plan_files import find_plan
from lib.plan.problems import Problem
from lib.run import run_folder
from lib.services import web_pages
from lib.services.models import CreateField, DriveFile
from lib.settings import GoogleEnvironment
from lib.tasks import utility_tasks

NOTEBOOK_TIMEOUT_S = 600


@dataclass(frozen=True)
class Project:
    """
    Where issues are made.

    Attributes:
        site: The site's address.
        screen: The fields of the project's create screen.
        assignable: Account id -> whether it can be assigned issues; asked for once a run, when the first draft wants it.
        asking: Held by the client that asks for them.
    """

    site: str
    screen: Sequence[CreateField]
    assignable: dict[str, bool] = field(default_factory=dict)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass
class ClientResult:
    """How one client's plan ended."""

    client: str
    site: str = ""
    folder: str = ""  # its part of the run folder
    plan: ContentPlan | None = None
    result: PlanResult = field(default_factory=PlanResult)
    folder_url: str = ""  # where people open its Drive folder
    sheet: tuple[str, str] | None = None  # title and address of its spreadsheet, also when that cannot be read

    @property
    def name(self) -> str:
        """The client's."""
        return self.client

    def stop(self, error: ErrorRecord) -> None:
        """Put down the error that ended it."""
        self.result.error = error

    def summary(self) -> dict[str, Any]:
        """The client's part of the flow's result."""
        plan = self.plan
        title, url = self.sheet or (None, None)
        return {
            **self.result.counts(),
            "spreadsheet_id": plan.spreadsheet_id if plan else None,
            "title": plan.title if plan else title,
            "tab": plan.tab if plan else None,
            "tab_id": plan.tab_id if plan else None,
            "url": plan.url if plan else url,
            "folder_url": self.folder_url or None,
            "content_sha256": plan_hash(plan) if plan else None,
            "folder": self.folder or None,
            "seconds": self.result.seconds,
            "batches": [asdict(batch) for batch in self.result.batches],
            "problems": [problem.model_dump() for problem in self.result.problems],
            **({"error": self.result.error.message} if self.result.error else {}),
        }

    def data(self) -> list[dict[str, Any]]:
        """One record per row, in sheet order."""
        plan = self.plan
        if plan is None:
            return []
        read = {row.row: row for row in plan.rows}
        return [
            {
                "client": self.client,
                "spreadsheet_id": plan.spreadsheet_id,
                "tab": plan.tab,
                "row": row.row,
                "topic": one_line(plan.text(read[row.row], "Topik")),
                "publication_date": _publication_date(plan, read[row.row]),
                "form": plan.text(read[row.row], "Bentuk"),
                "outcome": row.outcome.value,
                "key": row.key or None,
                "url": f"{self.site}/browse/{row.key}" if row.key and self.site else None,
                "problems": [problem.model_dump() for problem in row.problems],
            }
            for row in self.result.rows
        ]


def _publication_date(plan: ContentPlan, row: PlanRow) -> str | None:
    """`YYYY-MM-DD`; None when the cell holds no date."""
    try:
        return parse_date(plan.value(row, "Tanggal")).day.isoformat()
    except FormatError:
        return None


async def run_client(
    run: Run, project: Project, client: Client, files: Sequence[DriveFile], progress: Progress
) -> ClientResult:
    """Everything for one client; an error ends it here, with what was done so far, and never reaches the others."""
    endpoint = GoogleEnvironment.read().google_api_endpoint
    ended = ClientResult(client.name, project.site, folder_url=web_pages.folder(client.folder_id, endpoint))
    run.begun.clients.append(ended)
    plan_run: PlanRun | None = None
    try:
        plan_file = find_plan(files, client, run.month)
        ended.sheet = (plan_file.name, web_pages.spreadsheet(plan_file.id, endpoint))
        folder = run_folder.client_folder(run.folder, client.name)
        ended.folder = folder.name
        plan_run = await open_plan(PlanRun, run, project.site, client, plan_file.id, folder)
        result = ended.result = plan_run.result
        result.on_step = lambda step: progress.tell(client.name, step, len(result.rows))
        await (check_plan if run.validate_only else make_issues)(run, project, client, plan_run, folder)
    except asyncio.CancelledError:
        (plan_run or ended).stop(clients.cancelled(client.name))
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, the other clients go on
        stopped_by = record_of(error, client.name)
        log_error(run.log, str(stopped_by), error)
        (plan_run or ended).stop(stopped_by)
    finally:
        if plan_run is not None:
            ended.plan, ended.result = plan_run.plan, plan_run.result
    if run.validate_only and ended.plan and ended.plan.key_column is None:
        ended.result.problems.append(_no_key_column(ended.plan))
    clients.warn(client.name, ended.result, run.log)
    run.log.info("%s: %s", client.name, _told(ended.result))
    return ended


async def make_issues(run: Run, project: Project, client: Client, plan_run: PlanRun, folder: Path) -> None:
    """Rows to drafts to issues, while no other run may touch the plan."""
    async with plan_run.locked():
        await plan_run.read()
        plan, snapshot = await plan_run.look_up(settle=True)
        with plan_run.step("run the notebook"):
            drafts = await make_drafts(run, project, client, plan, folder)
        actions = plan_run.decide(snapshot, drafts)
        await plan_run.execute(actions)


async def check_plan(run: Run, project: Project, client: Client, plan_run: PlanRun, folder: Path) -> None:
    """The same up to the decision; nothing is locked, settled or written."""
    await plan_run.read()
    plan, snapshot = await plan_run.look_up(settle=False)
    with plan_run.step("run the notebook"):
        drafts = await make_drafts(run, project, client, plan, folder)
    plan_run.foresee(plan_run.decide(snapshot, drafts))


async def open_plan[P: PlanRun](
    kind: type[P], run: Run, site: str, client: Client, spreadsheet_id: str, folder: Path
) -> P:
    """A run over one plan, whose spreadsheet is known to be there."""
    sheet = PlanSheet(
        run.google,
        run.clock,
        client=client.name,
        spreadsheet_id=spreadsheet_id,
        month=run.month,
        tab=run.tab or client.tab,
        run=run.folder.name,
        terms=LockTerms(run.flow_run, flow_run_ended, run.break_lock),
        log=run.log,
    )
    await sheet.open()
    return kind(
        sheet,
        run.jira,
        site=site,
        project_key=run.settings.jira_project_key,
        spreadsheet_id=spreadsheet_id,
        client=client.name,
        clock=run.clock,
        throttle=run.throttle,
        settle_s=run.settle_s,
        run=run.folder.name,
        files=StepFiles(folder, workflow=run.name, source=spreadsheet_id),
        log=run.log,
    )


async def make_drafts(run: Run, project: Project, client: Client, plan: ContentPlan, folder: Path) -> Drafts:
    """Run the transform notebook on the plan's rows, and fit what it drafted to the project's create screen."""
    settings = run.settings
    parameters = transform.parameters(settings, folder, run.month, client.quota, run.name)
    await utility_tasks.run_notebook(
        transform.NOTEBOOK, folder / f"{transform.NOTEBOOK}.ipynb", parameters, NOTEBOOK_TIMEOUT_S
    )
    drafts = issue_draft.load(folder / DRAFTS, plan.rows, notebook=f"notebooks/{transform.NOTEBOOK}.ipynb")
    where = f"Jira project {settings.jira_project_key}, issue type {settings.jira_issue_type_id}"
    names = {field_id: name for name, field_id in hashmap.CUSTOM_FIELDS.items()}
    names |= {screen_field.id: screen_field.name for screen_field in project.screen}
    assignable = await _assignable(run, project, assignees.wanted(drafts.data))
    return Drafts(
        data=assignees.fit(create_screen.fit(drafts.data, project.screen), assignable),
        problems=[
            *drafts.problems,
            *create_screen.compare(drafts.data, project.screen, where=where, names=names, level=run.forecast),
            *assignees.problems(assignable, hashmap.WORKERS, settings.jira_project_key),
        ],
        field_names=names,
    )


async def _assignable(run: Run, project: Project, accounts: Sequence[str]) -> dict[str, bool]:
    """Which of the accounts can be assigned issues; where Jira does not say, it decides when the issue is made."""
    async with project.asking:
        for account in (account for account in accounts if account not in project.assignable):
            try:
                can = await run.jira.read_assignable(run.settings.jira_project_key, account)
            except WorkflowError as error:
                run.log.warning("Whether %s can be assigned issues is not known: %s", account, error)
                can = True
            project.assignable[account] = can
    return {account: project.assignable[account] for account in accounts}


async def flow_run_ended(flow_run: uuid.UUID) -> bool:
    """Whether Prefect knows the flow run and knows that it has ended."""
    async with get_client() as prefect:
        try:
            state = (await prefect.read_flow_run(flow_run)).state
        except ObjectNotFound:
            return False
        except Exception as error:  # noqa: BLE001  # not known to have ended: the lock holds, and the message says what to do
            get_run_logger().warning("Prefect cannot be asked whether flow run %s has ended: %s", flow_run, error)
            return False
    return state is not None and state.is_final()


def _no_key_column(plan: ContentPlan) -> Problem:
    message = f"there is no column {KEY} yet; the run that makes the issues adds it here"
    return Problem(where=plan.address(plan.header_row, KEY), message=message, level="warning")


def _told(result: PlanResult) -> str:
    counts: Mapping[str, int] = result.counts()
    outcomes = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "rows" and count)
    seconds = sum(result.seconds.values())
    pace = f"{counts['rows']} rows in {seconds:.1f} s ({counts['rows'] / max(seconds, 0.001):.1f} rows/s)"
    return f"{pace}: {outcomes or 'nothing to say'}{f'; stopped: {result.error.message}' if result.error else ''}"
