"""A live plan for an analyst: listed, read, and put through the transform notebook. Nothing here writes to Google or Jira."""

import logging
from collections.abc import Sequence
from typing import cast

from IPython.display import HTML

from lib.clock import SystemClock
from lib.errors import FixInputError
from lib.exactly_once.plan_sheet import PlanSheet
from lib.files import DRAFTS, ROWS, make_folder
from lib.formats import Month, match_key, parse_month, this_month
from lib.notebook import runner
from lib.plan import client_list, issue_draft, rows_file
from lib.plan.client_list import Client
from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.issue_draft import Drafts
from lib.plan.plan_files import NoPlanError, find_plan, read_plan_name
from lib.plan.transform import NOTEBOOK, parameters
from lib.report.html_report import sentence
from lib.run.run_folder import client_folder
from lib.services.models import DriveFile, Google
from lib.services.reading import GoogleReader
from lib.settings import ROOT, Settings, environment_without_secrets

TRANSFORM = ROOT / "notebooks" / f"{NOTEBOOK}.ipynb"
SCRATCH = ROOT / "output" / "scratch"


async def read_clients(google: GoogleReader) -> list[Client]:
    """
    The client list that the settings name.

    Raises:
        FixInputError: It is not named, cannot be read, or lists nobody.
    """
    spreadsheet_id = Settings.read().clients_spreadsheet_id
    if not spreadsheet_id:
        raise FixInputError("CLIENTS_SPREADSHEET_ID", "is not set; fill .env, or start with `make lab-sandbox`")
    return await client_list.read(google, spreadsheet_id)


async def read_plan(
    google: GoogleReader, clients: Sequence[Client], name: str, month: str, tab: str = ""
) -> ContentPlan:
    """
    A client's plan of a month.

    Where the month is empty: of the next month in Jakarta, or else the newest that the client has. Where the name is empty:
    of the first client that has one. The tab is that of the title `tab`, or else the one that a run would take.

    Raises:
        FixInputError: There is no such client or plan, or the plan cannot be read.
    """
    chosen, problems = client_list.select(clients, [name] if name else None)
    with_folder = [client for client in chosen if client.folder_id]
    if not with_folder:
        raise FixInputError(name or "The client list", problems.get(name, "names no folder for it"))
    client, file, wanted = await _find(google, with_folder, month)
    return await PlanSheet(
        cast("Google", google),
        SystemClock(),
        client=client.name,
        spreadsheet_id=file.id,
        month=wanted,
        tab=tab or client.tab,
        log=logging.getLogger(__name__),
    ).read()


async def _find(google: GoogleReader, clients: Sequence[Client], month: str) -> tuple[Client, DriveFile, Month]:
    """The plan's file and month, of the first of these clients that has one."""
    none: NoPlanError | None = None
    for client in clients:
        files = await google.find_files([client.folder_id])
        try:
            wanted = _month_for(month, files, client)
            return client, find_plan(files, client, wanted), wanted
        except NoPlanError as error:
            none = none or error
    raise none or NoPlanError("The client list", "names nobody")


def _month_for(text: str, files: Sequence[DriveFile], client: Client) -> Month:
    """The month asked for; the next one, or else the newest that the client has a plan of, when the text is empty."""
    wanted = read_month(text)
    names = [read_plan_name(file.name) for file in files]
    planned = [named[1] for named in names if named and match_key(named[0]) == match_key(client.name)]
    if text or wanted in planned or not planned:
        return wanted
    return max(planned, key=lambda month: (month.year, month.month))


def heading(plan: ContentPlan, month: str) -> HTML:
    """Which plan was read, and why when it is none that was asked for."""
    text, wanted, own = f"{plan.title}, {len(plan.rows)} rows", read_month(month), month_of(plan, month)
    return sentence(text if own == wanted else f"{text}: the newest plan; there is none for {wanted} yet.")


def month_of(plan: ContentPlan, month: str) -> Month:
    """The month that a plan's name tells; the one asked for where it tells none."""
    named = read_plan_name(plan.title)
    return named[1] if named else read_month(month)


def read_month(text: str) -> Month:
    """The month; the next one in Jakarta when the text is empty."""
    return parse_month(text) if text else this_month(SystemClock().now()).next()


async def transform(plan: ContentPlan, month: str, rows: Sequence[PlanRow]) -> Drafts:
    """
    Run the transform notebook, as it is saved now, on these rows of the plan.

    Its executed copy lies in `output/scratch`.

    Raises:
        NotebookError: The notebook did not run to its end.
    """
    few = plan.model_copy(update={"rows": [*rows]})
    make_folder(SCRATCH, exist_ok=True)
    folder = client_folder(SCRATCH, plan.client)
    rows_file.save(few, folder / ROWS, workflow="explore")
    given = parameters(Settings.read(), folder, month_of(plan, month), {}, "explore")  # a few rows fill no quota
    executed, environment = folder / TRANSFORM.name, environment_without_secrets()
    await runner.run_notebook(TRANSFORM, executed, given, working_dir=ROOT, environment=environment)
    return issue_draft.load(folder / DRAFTS, few.rows, notebook=f"notebooks/{TRANSFORM.name}")
