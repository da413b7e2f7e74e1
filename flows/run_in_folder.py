"""What every flow here does around its own work: read the settings, make the run folder, and save how it ended."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prefect import runtime
from prefect.logging import get_run_logger

from flows import clients
from flows.reporting_flow import Result
from lib import run_folder
from lib.clock import Clock, SystemClock
from lib.errors import WorkflowError
from lib.formats import Month, this_month
from lib.google_tasks import GoogleTasks
from lib.jira_tasks import JiraTasks
from lib.pace import Pace
from lib.plan_sheet import Log
from lib.run_folder import iso_utc
from lib.settings import ROOT, Settings
from lib.utility_tasks import save_json

CANCELLED = "cancelled before it was finished; run it again"


@dataclass(frozen=True)
class Run:
    """What all parts of one run share."""

    name: str
    month: Month
    folder: Path
    settings: Settings
    google: GoogleTasks
    jira: JiraTasks
    clock: Clock
    pace: Pace
    settle_s: float
    flow_run: uuid.UUID | None
    log: Log
    validate_only: bool = False
    break_lock: bool = False
    forecast: Literal["error", "warning"] = "warning"  # how much a mismatch with the create screen counts
    begun: list[clients.Ended] = field(default_factory=list)  # clients that a cancelled run can tell of


async def run_in_folder(
    name: str,
    work: Callable[[Run], Awaitable[dict[str, Any]]],
    *,
    target_month: str | None = None,
    delay_seconds: tuple[float, float],
    settle_seconds: float | None = None,
    google_block: str,
    jira_block: str,
    output_dir: str | None,
    **options: Any,
) -> Result:
    """
    Do the work of one flow run; its result, saved as `result.json` beside a manifest, however it ended.

    Args:
        name: Of the flow.
        work: Gives the parts of the result that are its own: `summary`, `data` and what else there is, `error` if it failed.
        target_month: As a person wrote it; the next month when left out.
        delay_seconds: Shortest and longest pause.
        settle_seconds: SETTLE_SECONDS when left out.
        google_block: Name of the block with Google's credentials.
        jira_block: Name of the block with Jira's credentials.
        output_dir: Where the run folder goes; OUTPUT_DIR when left out.
        options: Further fields of the Run.
    """
    log: Log = get_run_logger()
    clock = SystemClock()
    started = clock.now()
    settings = Settings.read()
    folder = run_folder.create(Path(output_dir) if output_dir else ROOT / settings.output_dir, name, started)
    log.info("run folder: %s", folder)
    begun: list[clients.Ended] = []
    cancelled: asyncio.CancelledError | None = None
    try:
        run = Run(
            name=name,
            month=clients.read_month(target_month) if target_month else this_month(started).next(),
            folder=folder,
            settings=clients.check(settings),
            google=GoogleTasks(google_block, settings.retry_delay_seconds),
            jira=JiraTasks(jira_block, settings.retry_delay_seconds),
            clock=clock,
            pace=Pace(*delay_seconds, clock),
            settle_s=settings.settle_seconds if settle_seconds is None else settle_seconds,
            flow_run=uuid.UUID(runtime.flow_run.id) if runtime.flow_run.id else None,
            log=log,
            begun=begun,
            **options,
        )
        parts = await work(run)
    except asyncio.CancelledError as error:  # Ctrl-C, or Prefect's cancel; raised again once the folder tells of it
        cancelled, parts = error, clients.add_up(begun, f"{name}: {CANCELLED}")
    except Exception as failed:  # noqa: BLE001  # the result says it
        log_error(log, str(failed), failed)
        parts = clients.add_up([], str(failed) or type(failed).__name__)
    result: Result = {
        "start_time": iso_utc(started),
        "end_time": iso_utc(clock.now()),
        "flow": name,
        "parameters": dict(runtime.flow_run.parameters or {}),
        "run_folder": str(folder),
        **parts,
    }
    sections = {section: value for section, value in result.items() if section != "data"}
    await save_json(folder / "result.json", result["data"], name, settings.clients_spreadsheet_id, sections)
    run_folder.write_manifest(folder, workflow=name, parameters=result["parameters"])
    if cancelled is not None:
        raise cancelled
    return result


def log_error(log: Log, said: str, failed: Exception) -> None:
    """Log an error; with its traceback when it is none of ours."""
    log.error("%s", said, exc_info=None if isinstance(failed, WorkflowError) else failed)
