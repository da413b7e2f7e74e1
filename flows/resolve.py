"""Carry out what a person decided about a row: `python flows/resolve.py PLAN ROW --key CP-12`, `--create`, `--forget-issue CP-12`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

import asyncio
import dataclasses
import re
from typing import Any

from prefect import runtime

from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK
from flows import arguments, clients
from flows.client_plan import ClientResult, Project, make_issues, open_plan
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Run, run_in_folder
from lib.errors import FixInputError
from lib.exactly_once.resolving import PlanResolve
from lib.formats import Month
from lib.plan.client_list import Client
from lib.plan.plan_files import read_plan_name
from lib.run import run_folder

NAME = "content-plan-resolve"


def _run_name() -> str:
    given = runtime.flow_run.parameters
    decision = "create" if given.get("create") else f"key {given.get('key')}"
    if given.get("forget_issue"):
        decision = f"forget {given['forget_issue']}"
    return f"{NAME} {given.get('plan', '')} {given.get('row') or ''} · {decision}"


@reporting_flow(name=NAME, flow_run_name=_run_name)
async def content_plan_resolve(
    plan: str,
    row: int | None = None,
    *,
    key: str | None = None,
    create: bool = False,
    forget_issue: str | None = None,
    delay_seconds: tuple[float, float] = (5.0, 10.0),
    settle_seconds: float | None = None,
    tab: str | None = None,
    google_credentials_block_name: str = GOOGLE_BLOCK,
    jira_credentials_block_name: str = JIRA_BLOCK,
    output_dir: str | None = None,
    break_lock: bool = False,
) -> Result:
    """
    Carry out what a person decided about a flagged or uncertain row, with the locks and checks of content-plan-to-jira.

    Exactly one of `key`, `create` and `forget_issue` is given.

    Args:
        plan: The plan: its spreadsheet's id or address.
        row: Number of the row in the sheet; not needed with forget_issue.
        key: This issue is the row's: the row gets its key, the issue the plan's label.
        create: Make an issue for the row, although another one looks like it or something else stands in its Key cell.
        forget_issue: This issue does not belong to the plan: it loses the plan's labels, and its key leaves the plan.
        delay_seconds: Shortest and longest random pause between the steps of a plan, in seconds.
        settle_seconds: How long after its being sent Jira may still apply a request; SETTLE_SECONDS (300) when left out.
        tab: Title of the tab that holds the plan; the one that names the month when left out.
        google_credentials_block_name: Block with Google's credentials; the environment counts when there is none.
        jira_credentials_block_name: Block with Jira's credentials; the environment counts when there is none.
        output_dir: Where the run folder goes; OUTPUT_DIR (output) when left out.
        break_lock: Take over a plan whose lock another run holds. While that run lives, both would make issues.

    Example:
        python flows/resolve.py https://docs.google.com/spreadsheets/d/1abc/edit 12 --key CP-12

    Returns:
        `start_time`, `end_time`, `flow`, `parameters`, `run_folder`; `done`: what was done, one sentence; `summary` and `data`
        as of content-plan-to-jira, for the row alone; `error` when it could not be done.

    Side effects:
        The row's Key cell; the issue's labels and its property `content-plan.row`; with `create` an issue. A run folder.
    """

    async def work(run: Run) -> dict[str, Any]:
        arguments.check_decision(row, key, forget_issue, create=create)
        return await _resolve(run, _read_id(plan), row or 0, key, forget_issue)

    return await run_in_folder(
        NAME,
        work,
        delay_seconds=delay_seconds,
        settle_seconds=settle_seconds,
        tab=tab,
        google_block=google_credentials_block_name,
        jira_block=jira_credentials_block_name,
        output_dir=output_dir,
        break_lock=break_lock,
        source=_read_id(plan),
    )


async def _resolve(
    run: Run, spreadsheet_id: str, row: int, key: str | None, forget_issue: str | None
) -> dict[str, Any]:
    """The parts of the flow's result: what was done, and how the row stands now."""
    title = (await run.google.read_spreadsheet(spreadsheet_id)).title
    client_name, month = _read_title(title)
    run = dataclasses.replace(run, month=month)
    account = await run.jira.read_myself()
    client = Client(client_name, "", "")
    folder = run_folder.client_folder(run.folder, client_name)
    resolve = await open_plan(PlanResolve, run, account.site, client, spreadsheet_id, folder)
    run.begun.months = [str(month)]
    try:
        if forget_issue is not None:
            done = await resolve.forget(forget_issue)
        elif key is not None:
            done = await resolve.set_key(row, key)
        else:
            screen = await run.jira.read_fields(run.settings.jira_project_key, run.settings.jira_issue_type_id)
            project = Project(account.site, screen)
            resolve.want(row)
            await make_issues(run, project, client, resolve, folder)
            done = resolve.say_created(row)
    except asyncio.CancelledError:
        resolve.result.by_row = {number: one for number, one in resolve.result.by_row.items() if number == row}
        run.begun.clients.append(ClientResult(client_name, account.site, folder.name, resolve.plan, resolve.result))
        raise
    run.log.info("%s", done)
    ended = ClientResult(client_name, account.site, folder.name, resolve.plan, resolve.result)
    return {"done": done, **clients.add_up([ended])}


def _read_id(plan: str) -> str:
    """The spreadsheet's id, also from its address."""
    match = re.search(r"/d/([A-Za-z0-9_-]+)", plan)
    return match[1] if match else plan.strip()


def _read_title(title: str) -> tuple[str, Month]:
    found = read_plan_name(title)
    if found is None:
        raise FixInputError(
            repr(title), "is not named like a plan; rename it: Content Plan - <client> - <month> <year>"
        )
    return found
