"""One client's plan inside a flow: its rows through the notebook to drafts, and on to issues."""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.exceptions import ObjectNotFound
from prefect.logging import get_run_logger

import hashmap
from flows import clients, prefect_page
from flows.progress import Progress
from flows.run_in_folder import Run, log_error
from lib.dates import parse_date
from lib.error_record import ErrorRecord, record_of
from lib.errors import FixInputError, WorkflowError
from lib.exactly_once.lookup import PERMISSIONS, ProjectLookup, Snapshot
from lib.exactly_once.plan_run import PlanResult, PlanRun
from lib.exactly_once.plan_sheet import LockTerms, PlanSheet
from lib.exactly_once.step_files import StepFiles
from lib.exactly_once.together import all_answers
from lib.files import DRAFTS
from lib.formats import FormatError, one_line
from lib.messages import say
from lib.plan import assignees, client_list, create_screen, issue_draft, transform
from lib.plan.client_list import Client
from lib.plan.content_plan import KEY, ContentPlan, PlanRow, plan_hash
from lib.plan.issue_draft import Drafts
from lib.plan.plan_files import find_files, find_plan
from lib.plan.problems import Problem
from lib.run import run_folder
from lib.services import web_pages
from lib.services.models import Account, CreateField, DriveFile
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
        lookup: What the plans of the run know of it together; None where there is one plan.
        assignable: Account id -> whether it can be assigned issues; asked for once a run, when the first draft wants it.
        asking: Held by the client that asks for them.
    """

    site: str
    screen: Sequence[CreateField]
    lookup: ProjectLookup | None = None
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

    def take(self, plan_run: PlanRun) -> None:
        """How far the run over its plan came."""
        self.plan, self.result = plan_run.plan, plan_run.result

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


@dataclass(frozen=True)
class Job[P: PlanRun]:
    """
    What a flow does with each client's plan.

    Attributes:
        plan_run: The kind of its run over one plan.
        work: Its steps, with the plan opened; a client's folder is there.
        ended: The kind of what tells how it ended.
        permissions: What it needs in the Jira project.
        unchanged: Clients with their plans -> by spreadsheet, how those ended that need not be looked at again.
    """

    plan_run: Callable[..., P]
    work: Callable[[Run, Project, Client, P, Path], Awaitable[None]]
    ended: type[ClientResult] = ClientResult
    permissions: Sequence[str] = PERMISSIONS
    unchanged: (
        Callable[[Run, Account, Sequence[tuple[Client, DriveFile]]], Awaitable[Mapping[str, ClientResult]]] | None
    ) = None


async def run_clients[P: PlanRun](run: Run, client_names: list[str] | None, job: Job[P]) -> list[ClientResult]:
    """All clients asked for, a few at a time, in the order of the list."""
    account, screen, listed = await _first_answers(run, job)
    run.log.info("%s for %s, as %s at %s", run.name, run.month, account.name or account.account_id, account.site)
    asked, unknown = clients.choose(listed, client_names, run.log)
    gathers = run.clock if len(asked) > 1 else None
    lookup = ProjectLookup(run.jira, run.settings.jira_project_key, job.permissions, account=account, gathers=gathers)
    finding = asyncio.ensure_future(find_files(run.google, [client.folder_id for client in asked]))
    tagging = prefect_page.tag(run.flow_run, [str(run.month)], [client.name for client in asked], run.log)
    await all_answers([finding, tagging, *([] if job.unchanged else [lookup.ask_early()])])
    files, errors = finding.result()
    same = await job.unchanged(run, account, _plans(run, asked, files)) if job.unchanged else {}
    if screen is None:
        screen = await _read_screen(run) if len(same) < len(asked) else []
    project = Project(account.site, screen, lookup)
    progress = Progress(len(asked))
    places = asyncio.Semaphore(clients.at_once())

    run.begun.clients.extend(failed(clients.left_out(name, problem)) for name, problem in unknown.items())

    async def one(client: Client) -> ClientResult:
        waiting = failed(clients.not_begun(client.name))
        run.begun.clients.append(waiting)
        async with places:
            run.begun.clients.remove(waiting)
            if client.folder_id in errors:
                ended = failed(record_of(errors[client.folder_id], client.name))
                ended.folder_url = web_pages.folder(client.folder_id, GoogleEnvironment.read().google_api_endpoint)
                run.begun.clients.append(ended)
            else:
                with lookup.taking_part():
                    ended = await _run_client(run, project, client, files[client.folder_id], progress, job, same)
            await progress.end(client.name, len(ended.result.rows), run.log)
            return ended

    all_ended = await clients.side_by_side(one(client) for client in asked)
    return [*all_ended, *(failed(clients.left_out(name, problem)) for name, problem in unknown.items())]


async def _first_answers(run: Run, job: Job[Any]) -> tuple[Account, list[CreateField] | None, list[Client]]:
    """What needs no other answer, asked at once: who we are, the create screen where it is wanted for sure, the client list."""
    account = asyncio.ensure_future(run.jira.read_myself())
    listed = asyncio.ensure_future(client_list.read(run.google, run.settings.clients_spreadsheet_id))
    screen = None if job.unchanged else asyncio.ensure_future(_read_screen(run))
    await all_answers([account, *([screen] if screen else []), listed])
    return account.result(), screen.result() if screen else None, listed.result()


async def _read_screen(run: Run) -> list[CreateField]:
    return await run.jira.read_fields(run.settings.jira_project_key, run.settings.jira_issue_type_id)


def _plans(
    run: Run, asked: Sequence[Client], files: Mapping[str, Sequence[DriveFile]]
) -> list[tuple[Client, DriveFile]]:
    """The clients with their plans; one whose plan is not to be found is told later."""
    found = []
    for client in asked:
        with contextlib.suppress(FixInputError):
            found.append((client, find_plan(files.get(client.folder_id, ()), client, run.month)))
    return found


def failed(error: ErrorRecord) -> ClientResult:
    """How a client ended whose plan was not even opened."""
    return ClientResult(error.client, result=PlanResult(error=error))


async def _run_client[P: PlanRun](
    run: Run,
    project: Project,
    client: Client,
    files: Sequence[DriveFile],
    progress: Progress,
    job: Job[P],
    same: Mapping[str, ClientResult],
) -> ClientResult:
    """Everything for one client; an error ends it here, with what was done so far, and never reaches the others."""
    endpoint = GoogleEnvironment.read().google_api_endpoint
    ended = job.ended(client.name, project.site, folder_url=web_pages.folder(client.folder_id, endpoint))
    run.begun.clients.append(ended)
    plan_run: P | None = None
    try:
        plan_file = find_plan(files, client, run.month)
        ended.sheet = (plan_file.name, web_pages.spreadsheet(plan_file.id, endpoint))
        if known := same.get(plan_file.id):
            run.begun.clients[run.begun.clients.index(ended)] = known
            run.log.info("%s: neither the plan nor its issues changed", client.name)
            return known
        folder = run_folder.client_folder(run.folder, client.name)
        ended.folder = folder.name
        plan_run = await open_plan(job.plan_run, run, project, client, plan_file.id, folder)
        result = ended.result = plan_run.result
        result.on_step = lambda step: progress.tell(client.name, step, len(result.rows))
        await job.work(run, project, client, plan_run, folder)
    except asyncio.CancelledError:
        (plan_run or ended).stop(clients.cancelled(client.name))
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, the other clients go on
        stopped_by = record_of(error, client.name)
        log_error(run.log, str(stopped_by), error)
        (plan_run or ended).stop(stopped_by)
    finally:
        if plan_run is not None:
            ended.take(plan_run)
    clients.warn(client.name, ended.result, run.log)
    run.log.info("%s: %s", client.name, _told(ended.result))
    return ended


async def _make_or_check(run: Run, project: Project, client: Client, plan_run: PlanRun, folder: Path) -> None:
    if not run.validate_only:
        await make_issues(run, project, client, plan_run, folder)
        return
    try:
        await check_plan(run, project, client, plan_run, folder)
    finally:
        if plan_run.plan and plan_run.plan.key_column is None:
            plan_run.result.problems.append(_no_key_column(plan_run.plan))


async def make_issues(run: Run, project: Project, client: Client, plan_run: PlanRun, folder: Path) -> None:
    """Rows to drafts to issues, while no other run may touch the plan."""
    async with plan_run.locked():
        snapshot, drafts = await look_and_draft(run, project, client, plan_run, folder, settle=True)
        actions = plan_run.decide(snapshot, drafts)
        await plan_run.execute(actions)


async def check_plan(run: Run, project: Project, client: Client, plan_run: PlanRun, folder: Path) -> None:
    """The same up to the decision; nothing is locked, settled or written."""
    snapshot, drafts = await look_and_draft(run, project, client, plan_run, folder, settle=False)
    plan_run.foresee(plan_run.decide(snapshot, drafts))


async def look_and_draft(
    run: Run, project: Project, client: Client, plan_run: PlanRun, folder: Path, *, settle: bool
) -> tuple[Snapshot, Drafts]:
    """
    Read the plan, and look at Jira while the notebook drafts the plan's rows.

    It drafts them once more when the look had claims of a dead run taken out of the plan. An error of the look comes before one of the
    notebook, and is raised when that has ended.
    """
    read = await plan_run.read()
    drafting = asyncio.gather(make_drafts(run, project, client, read, folder), return_exceptions=True)
    try:
        with project.lookup.meanwhile(drafting) if project.lookup else contextlib.nullcontext():
            plan, snapshot = await plan_run.look_up(settle=settle)
    except asyncio.CancelledError:
        drafting.cancel()
        await asyncio.wait([drafting])
        raise
    except Exception:
        await drafting
        raise
    with plan_run.step("run the notebook"):  # what it takes longer than the look
        [drafts] = await drafting
        if plan is not read:
            drafts = await make_drafts(run, project, client, plan, folder)
    if isinstance(drafts, BaseException):
        raise drafts
    return snapshot, drafts


async def open_plan[P: PlanRun](
    kind: Callable[..., P], run: Run, project: Project, client: Client, spreadsheet_id: str, folder: Path
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
        site=project.site,
        project_key=run.settings.jira_project_key,
        spreadsheet_id=spreadsheet_id,
        client=client.name,
        clock=run.clock,
        throttle=run.throttle,
        settle_s=run.settle_s,
        run=run.folder.name,
        files=StepFiles(folder, workflow=run.name, source=spreadsheet_id),
        log=run.log,
        lookup=project.lookup,
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
    message = say("there is no column {key} yet; the run that makes the issues adds it here", key=KEY)
    return Problem.of(plan.address(plan.header_row, KEY), message, level="warning")


def _told(result: PlanResult) -> str:
    counts: Mapping[str, int] = result.counts()
    outcomes = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "rows" and count)
    seconds = sum(result.seconds.values())
    pace = f"{counts['rows']} rows in {seconds:.1f} s ({counts['rows'] / max(seconds, 0.001):.1f} rows/s)"
    return f"{pace}: {outcomes or 'nothing to say'}{f'; stopped: {result.error.message}' if result.error else ''}"


PLANS_TO_JIRA = Job(PlanRun, _make_or_check)
