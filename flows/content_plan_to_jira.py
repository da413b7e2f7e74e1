"""Content plans of a month become Jira issues, one per row, exactly once: `python flows/content_plan_to_jira.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

from collections.abc import Mapping
from typing import Any, Literal

from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK
from flows import clients, prefect_page, run_names
from flows.client_plan import PLANS_TO_JIRA, ClientResult, failed, run_clients
from flows.dispatch import ClientRun, run_on_workers
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Run, run_in_folder
from lib.plan import client_list

NAME = "content-plan-to-jira"


@reporting_flow(name=NAME, flow_run_name=run_names.of_plans(NAME, 1))
async def content_plan_to_jira(
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
    dispatch: Literal["here", "workers"] = "here",
) -> Result:
    """
    Make the Jira issues of a month's content plans and write their keys back, exactly once however often it runs.

    For each client: find the plan, read its rows, run the notebook that turns them into drafts, check, and create in batches
    of 45. A client whose plan cannot be read or finished never stops another.

    Args:
        target_month: Month of the plans: Juli 2026, July 2026 or 2026-07; the next month in Jakarta when left out.
        client_names: Clients to take, whatever their case and spaces; all when left out.
        validate_only: Read, check and report; write nothing to Google or Jira.
        delay_seconds: Shortest and longest random pause between the steps of a plan and between batches, in seconds.
        settle_seconds: How long after its being sent Jira may still apply a request; SETTLE_SECONDS (300) when left out.
        tab: Title of the tab that holds the plans; that of the client list, or the one that names the month, when left out.
        google_credentials_block_name: Block with Google's credentials; the environment counts when there is none.
        jira_credentials_block_name: Block with Jira's credentials; the environment counts when there is none.
        output_dir: Where the run folder goes; OUTPUT_DIR (output) when left out.
        break_lock: Take over a plan whose lock another run holds. While that run lives, both would make issues.
        dispatch: Whether the clients' plans are made in this process (here), or each by a run of its own on one of the workers
            that share the output folder (workers); DISPATCH_MAX_CONCURRENT says how many of those at once.

    Example:
        python flows/content_plan_to_jira.py --target-month "Juli 2026" --client-names "Kopi Senja" --validate-only

    Returns:
        `start_time`, `end_time`, `flow`, `parameters`, `run_folder`; `summary`: rows and rows per outcome (created, existing,
        ready, refused, rejected, uncertain, flagged), in all and under `clients` for each; `clients`: the same with the plan's
        spreadsheet, what is odd about it, and the error that stopped it; `data`: one record per row with client, spreadsheet_id,
        tab, row, outcome, key and problems; `error` when the run or a client could not be finished. With dispatch, each of
        `clients` names the run that made it.

    Side effects:
        Issues in Jira, keys in the plans' Key columns, and a folder with every intermediate result and the executed notebooks.
    """

    async def work(run: Run) -> dict[str, Any]:
        if dispatch == "here":
            return clients.add_up(await run_clients(run, client_names, PLANS_TO_JIRA))
        of_a_client = {
            "target_month": str(run.month),
            "validate_only": validate_only,
            "delay_seconds": delay_seconds,
            "settle_seconds": settle_seconds,
            "tab": tab,
            "google_credentials_block_name": google_credentials_block_name,
            "jira_credentials_block_name": jira_credentials_block_name,
            "output_dir": output_dir,
            "break_lock": break_lock,
        }
        return clients.add_up(await dispatch_clients(run, client_names, of_a_client))

    return await run_in_folder(
        NAME,
        work,
        target_month=target_month,
        delay_seconds=delay_seconds,
        settle_seconds=settle_seconds,
        tab=tab,
        google_block=google_credentials_block_name,
        jira_block=jira_credentials_block_name,
        output_dir=output_dir,
        validate_only=validate_only,
        break_lock=break_lock,
    )


async def dispatch_clients(
    run: Run, client_names: list[str] | None, parameters: Mapping[str, Any]
) -> list[ClientRun | ClientResult]:
    """All clients asked for, each by a run of its own on a worker, in the order of the list."""
    listed = await client_list.read(run.google, run.settings.clients_spreadsheet_id)
    asked, unknown = clients.choose(listed, client_names, run.log)
    await prefect_page.tag(run.flow_run, [str(run.month)], [client.name for client in asked], run.log)
    ended = await run_on_workers(run, asked, parameters, run.settings.dispatch_max_concurrent)
    return [*ended, *(failed(clients.left_out(name, problem)) for name, problem in unknown.items())]
