"""Carry out what a person decided about a row: `python flows/resolve.py PLAN ROW --key CP-12`, `--create`, `--take plan`, `--forget-issue CP-12`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

import asyncio
import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from prefect import runtime

from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK
from flows import arguments, clients
from flows.client_plan import ClientResult, Project, make_issues, open_plan
from flows.content_plan_update import UpdatedPlan, compare
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Run, run_in_folder
from lib.errors import FixInputError
from lib.exactly_once.resolving import PlanResolve
from lib.formats import Month
from lib.messages import say
from lib.plan.client_list import Client
from lib.plan.plan_files import read_plan_name
from lib.run import run_folder
from lib.update.plan_take import PlanTake

NAME = "content-plan-resolve"


def _run_name() -> str:
    given = runtime.flow_run.parameters
    decision = "create" if given.get("create") else f"key {given.get('key')}"
    if given.get("take"):
        decision = f"take {given['take']}"
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
    take: Literal["plan", "jira"] | None = None,
    field: str | None = None,
    forget_issue: str | None = None,
    validate_only: bool = False,
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

    Exactly one of `key`, `create`, `take` and `forget_issue` is given.

    Args:
        plan: The plan: its spreadsheet's id or address.
        row: Number of the row in the sheet; not needed with forget_issue.
        key: This issue is the row's: the row gets its key, the issue the plan's label.
        create: Make an issue for the row, although another one looks like it or something else stands in its Key cell.
        take: What content-plan-update flagged: the plan's value is sent, or Jira's is kept and not flagged again.
        field: With take: this field alone, as the message names it; all that wait in the row when left out.
        forget_issue: This issue does not belong to the plan: it loses the plan's labels, and its key leaves the plan.
        validate_only: With take: say what would be done; write nothing to Google or Jira.
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
        as of content-plan-to-jira, for the row alone (with `take` as of content-plan-update); `error` when it could not be done.

    Side effects:
        The row's Key cell; the issue's labels and its property `content-plan.row`; with `create` an issue, with `take` fields of
        the issue. A run folder.
    """
    asked = {
        "row": row,
        "key": key,
        "create": create,
        "take": take,
        "field": field,
        "forget_issue": forget_issue,
        "validate_only": validate_only,
    }

    async def work(run: Run) -> dict[str, Any]:
        arguments.check_decision(asked)
        return await _resolve(run, _read_id(plan), asked)

    return await run_in_folder(
        NAME,
        work,
        delay_seconds=delay_seconds,
        settle_seconds=settle_seconds,
        tab=tab,
        google_block=google_credentials_block_name,
        jira_block=jira_credentials_block_name,
        output_dir=output_dir,
        validate_only=validate_only,
        break_lock=break_lock,
        source=_read_id(plan),
    )


async def _resolve(run: Run, spreadsheet_id: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the flow's result: what was done, and how the row stands now."""
    title = (await run.google.read_spreadsheet(spreadsheet_id)).title
    client_name, month = _read_title(title)
    run = dataclasses.replace(run, month=month)
    account = await run.jira.read_myself()
    client = Client(client_name, "", "")
    folder = run_folder.client_folder(run.folder, client_name)
    run.begun.months = [str(month)]
    screen = []
    if asked["create"] or asked["take"]:
        screen = await run.jira.read_fields(run.settings.jira_project_key, run.settings.jira_issue_type_id)
    project = Project(account.site, screen)
    plan_run: PlanResolve | PlanTake
    ended: ClientResult = ClientResult(client_name, account.site, folder.name)
    if asked["take"]:
        plan_run = await open_plan(PlanTake, run, project, client, spreadsheet_id, folder)
        ended = UpdatedPlan(client_name, account.site, folder.name)
    else:
        plan_run = await open_plan(PlanResolve, run, project, client, spreadsheet_id, folder)
    try:
        if isinstance(plan_run, PlanTake):
            done = await _take(run, project, client, plan_run, folder, asked)
        else:
            done = await _carry_out(run, project, client, plan_run, folder, asked)
    except asyncio.CancelledError:
        rows = plan_run.result.by_row
        plan_run.result.by_row = {number: one for number, one in rows.items() if number == asked["row"]}
        ended.take(plan_run)
        run.begun.clients.append(ended)
        raise
    run.log.info("%s", done)
    ended.take(plan_run)
    return {"done": done, **clients.add_up([ended])}


async def _carry_out(
    run: Run, project: Project, client: Client, resolve: PlanResolve, folder: Path, asked: Mapping[str, Any]
) -> str:
    """What was decided about a row and its issue; what was done."""
    if asked["forget_issue"] is not None:
        return await resolve.forget(asked["forget_issue"])
    if asked["key"] is not None:
        return await resolve.set_key(asked["row"], asked["key"])
    resolve.want(asked["row"])
    await make_issues(run, project, client, resolve, folder)
    return resolve.say_created(asked["row"])


async def _take(
    run: Run, project: Project, client: Client, take: PlanTake, folder: Path, asked: Mapping[str, Any]
) -> str:
    """What was decided about fields of a row's issue; what was done."""
    take.want(asked["row"], asked["take"], asked["field"])
    if run.validate_only:
        await compare(run, project, client, take, folder)
    else:
        async with take.locked():
            await compare(run, project, client, take, folder)
            await take.send()
    return take.say_taken(validate_only=run.validate_only)


def _read_id(plan: str) -> str:
    """The spreadsheet's id, also from its address."""
    match = re.search(r"/d/([A-Za-z0-9_-]+)", plan)
    return match[1] if match else plan.strip()


def _read_title(title: str) -> tuple[str, Month]:
    found = read_plan_name(title)
    if found is None:
        problem = say("is not named like a plan; rename it: Content Plan - <client> - <month> <year>")
        raise FixInputError(f"'{title}'", problem)
    return found
