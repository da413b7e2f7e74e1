"""What would go wrong before the first issue is made: `python flows/content_plan_check.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import hashmap
from blocks.loading import not_connected
from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK
from flows import clients, run_names
from flows.client_plan import PLANS_TO_JIRA, ClientResult, run_clients
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Run, run_in_folder
from lib.error_record import ErrorRecord, record_of
from lib.errors import WorkflowError
from lib.exactly_once.lookup import PERMISSIONS
from lib.messages import say
from lib.plan import site_checks
from lib.plan.problems import Kind, Problem
from lib.services.jira_api import USERS_SIZE

NAME = "content-plan-check"


@reporting_flow(name=NAME, flow_run_name=run_names.of_plans(NAME, 1))
async def content_plan_check(
    *,
    target_month: str | None = None,
    client_names: list[str] | None = None,
    delay_seconds: tuple[float, float] = (5.0, 10.0),
    tab: str | None = None,
    google_credentials_block_name: str = GOOGLE_BLOCK,
    jira_credentials_block_name: str = JIRA_BLOCK,
    output_dir: str | None = None,
) -> Result:
    """
    Check everything that could go wrong before the first issue of a month is made; nothing is written to Google or Jira.

    Credentials and permissions, the project's create screen against the fields that are sent, every id of hashmap.py, and
    every plan of the month. All is looked at, whatever else is wrong, as far as the credentials let it.

    Args:
        target_month: Month of the plans: Juli 2026, July 2026 or 2026-07; the next month in Jakarta when left out.
        client_names: Clients to take, whatever their case and spaces; all when left out.
        delay_seconds: Shortest and longest random pause between plans, in seconds.
        tab: Title of the tab that holds the plans; that of the client list, or the one that names the month, when left out.
        google_credentials_block_name: Block with Google's credentials; the environment counts when there is none.
        jira_credentials_block_name: Block with Jira's credentials; the environment counts when there is none.
        output_dir: Where the run folder goes; OUTPUT_DIR (output) when left out.

    Example:
        python flows/content_plan_check.py --target-month "Juli 2026"

    Returns:
        `start_time`, `end_time`, `flow`, `parameters`, `run_folder`; `blocking` and `warnings`: problems with `client`,
        `where`, `kind` and `message`; `summary`, `clients` and `data` as of content-plan-to-jira with `validate_only`; `error` when a service or a
        plan could not be looked at.

    Side effects:
        A run folder. Nothing is written to Google or Jira.
    """

    async def work(run: Run) -> dict[str, Any]:
        google = await _connect("Google", run.google.check_connection)
        jira = await _connect("Jira", run.jira.check_connection)
        errors = [error for error in (google, jira) if error]
        site = [] if jira else await _check_site(run)
        ended: list[ClientResult] = []
        try:
            ended = [] if errors else await run_clients(run, client_names, PLANS_TO_JIRA)
        except WorkflowError as failed:  # what was found until then still counts
            errors.append(record_of(failed))
        found = _records(site, ended)
        return {
            "blocking": [problem for problem in found if problem["level"] == "error"],
            "warnings": [problem for problem in found if problem["level"] == "warning"],
            **clients.add_up(ended, errors),
        }

    return await run_in_folder(
        NAME,
        work,
        target_month=target_month,
        delay_seconds=delay_seconds,
        tab=tab,
        google_block=google_credentials_block_name,
        jira_block=jira_credentials_block_name,
        output_dir=output_dir,
        validate_only=True,
        forecast="error",
    )


async def _connect(service: str, ask: Callable[[], Awaitable[Any]]) -> ErrorRecord | None:
    """Why the service cannot be used; None when it can."""
    try:
        await ask()
    except WorkflowError as error:
        problem = str(not_connected(service, error)["problem"])
        return ErrorRecord(problem, error.kind, service=service.lower())
    return None


async def _check_site(run: Run) -> list[Problem]:
    """Permissions, and every id of hashmap.py; what cannot be looked at is a problem like any other."""
    key = run.settings.jira_project_key

    async def permissions() -> list[Problem]:
        granted = await run.jira.read_permissions(key, PERMISSIONS)
        message = say("we do not have it; ask the project's administrator")
        return [
            Problem.of(f"Jira, project {key}, {name}", message, kind=Kind.SITE)
            for name in PERMISSIONS
            if name not in granted
        ]

    async def components() -> list[Problem]:
        return site_checks.check_components(hashmap.COMPONENTS, await run.jira.read_components(key), key)

    async def accounts() -> list[Problem]:
        wanted = sorted(set(hashmap.WORKERS.values()))
        active: dict[str, bool] = {}
        for start in range(0, len(wanted), USERS_SIZE):
            active |= await run.jira.read_active_accounts(wanted[start : start + USERS_SIZE])
        return site_checks.check_accounts(hashmap.WORKERS, active)

    async def custom_fields() -> list[Problem]:
        return site_checks.check_custom_fields(hashmap.CUSTOM_FIELDS, await run.jira.read_field_names())

    checks: Sequence[Callable[[], Awaitable[list[Problem]]]] = (permissions, components, accounts, custom_fields)
    found = site_checks.check_names(hashmap.CONTENT_EDITOR, hashmap.FIELD_ASSOCIATE, hashmap.WORKERS)
    for check in checks:
        try:
            found += await check()
        except WorkflowError as error:
            where = f"Jira, {check.__name__.replace('_', ' ')}"
            found.append(Problem.of(where, error.said, kind=Kind.SITE))
    return found


def _records(site: Sequence[Problem], ended: Sequence[ClientResult]) -> list[dict[str, Any]]:
    """All problems in the order found, each once: whose plan it is in (empty for the site), cell, message, level."""
    found = [("", problem) for problem in site]
    for client in ended:
        rows = [problem for row in client.result.rows for problem in row.problems]
        found += [(client.client if p.kind is Kind.CELL else "", p) for p in (*client.result.problems, *rows)]
    return [{"client": client, **problem.model_dump()} for client, problem in dict.fromkeys(found)]
