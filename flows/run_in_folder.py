"""What every flow here does around its own work: read the settings, make the run folder, and save how it ended."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from prefect import runtime
from prefect.logging import get_run_logger
from pydantic import JsonValue

from blocks import loading
from blocks.google_credentials import GoogleCredentials
from blocks.jira_credentials import JiraCredentials
from flows import clients, library_log, prefect_page, stop_signals
from flows.reporting_flow import Result, head, state
from lib import error_line, files
from lib.clock import Clock, SystemClock
from lib.error_record import UNFORESEEN, ErrorRecord, record_of, with_error
from lib.errors import FixInputError
from lib.exactly_once.plan_sheet import Log
from lib.files import RESULT, iso_utc, utc_now
from lib.formats import Month, this_month
from lib.notebook import kernel_server
from lib.report import audit, corrections, html_report, run_index
from lib.run import run_folder
from lib.run.run_folder import Sources
from lib.services import api_calls
from lib.services.models import Google, Jira
from lib.services.throttle import Throttle
from lib.settings import ROOT, Language, Settings, environment_without_secrets
from lib.tasks import google_tasks, jira_tasks
from lib.tasks.quoting import as_it_is
from lib.tasks.utility_tasks import notebook_to_html, run_notebook, save_json

REPORT_TIMEOUT_S = 300

type Forecast = Literal["error", "warning"]  # how much a mismatch with the create screen counts


@dataclass(frozen=True)
class Run:
    """What all parts of one run share."""

    name: str
    month: Month
    folder: Path
    settings: Settings
    google: Google
    jira: Jira
    clock: Clock
    throttle: Throttle
    settle_s: float
    flow_run: uuid.UUID | None
    log: Log
    validate_only: bool
    break_lock: bool
    tab: str
    forecast: Forecast
    begun: clients.Begun


def _run_folder(folder: Path) -> dict[str, JsonValue]:
    return {"run_folder": str(folder)}


@dataclass(frozen=True)
class Report:
    """
    A notebook that reports on a run: its executed copy and its page are called `name`, in kebab-case, in the run folder.

    `parameters` gives the notebook's, once the run folder is known: that folder as `run_folder` when left out.
    """

    notebook: str
    name: str
    parameters: Callable[[Path], Mapping[str, JsonValue]] = _run_folder


AUDIT = Report("content_plan_audit", "audit")


async def run_in_folder(
    name: str,
    work: Callable[[Run], Awaitable[dict[str, Any]]],
    *,
    target_month: str | None = None,
    delay_seconds: tuple[float, float],
    settle_seconds: float | None = None,
    tab: str | None = None,
    google_block: str,
    jira_block: str,
    output_dir: str | None,
    validate_only: bool = False,
    break_lock: bool = False,
    forecast: Forecast = "warning",
    report: Report = AUDIT,
    source: str = "",
) -> Result:
    """
    Do the work of one flow run; its result, saved as `result.json` beside a manifest, however it ended.

    Args:
        name: Of the flow.
        work: Gives the parts of the result that are its own: `summary`, `data` and what else there is, `error` if it failed.
        target_month: As a person wrote it; the next month when left out.
        delay_seconds: Shortest and longest pause.
        settle_seconds: SETTLE_SECONDS when left out.
        tab: Title of the tab that holds each plan, where the run was told one.
        google_block: Name of the block with Google's credentials.
        jira_block: Name of the block with Jira's credentials.
        output_dir: Where the run folder goes; OUTPUT_DIR when left out.
        validate_only: Nothing is written to Google or Jira.
        break_lock: Plans whose lock another run holds are taken over.
        forecast: How much a mismatch with the project's create screen counts.
        report: The notebook that reports on it.
        source: What was read, in the metadata of `result.json`; the client list when left out.
    """
    begun = clients.Begun()
    await _refuse_unusable(google_block, jira_block)

    async def in_folder(folder: Path, settings: Settings) -> dict[str, Any]:
        log: Log = get_run_logger()
        clock = SystemClock()
        run = Run(
            name=name,
            month=clients.read_month(target_month) if target_month else this_month(clock.now()).next(),
            folder=folder,
            settings=settings.check(),
            google=google_tasks.client(google_block, settings.retry_delay_seconds),
            jira=jira_tasks.client(jira_block, settings.retry_delay_seconds),
            clock=clock,
            throttle=Throttle(*delay_seconds, clock),
            settle_s=settings.settle_seconds if settle_seconds is None else settle_seconds,
            flow_run=uuid.UUID(runtime.flow_run.id) if runtime.flow_run.id else None,
            log=log,
            validate_only=validate_only,
            break_lock=break_lock,
            tab=tab or "",
            forecast=forecast,
            begun=begun,
        )
        begun.months = [str(run.month)]
        return await work(run)

    return await keep_folder(name, in_folder, output_dir=output_dir, begun=begun, report=report, source=source)


async def _refuse_unusable(google_block: str, jira_block: str) -> None:
    """
    Stop before there is a run folder where a block holds what cannot be used, such as an address without https://.

    Raises:
        FixInputError: Which block and field, and what to write.
    """
    for block_type, name in ((GoogleCredentials, google_block), (JiraCredentials, jira_block)):
        try:
            await loading.load(block_type, name, outage_s=0)
        except FixInputError:
            raise
        except Exception:  # noqa: BLE001  # Prefect's API is away: the tasks wait for it, and say it
            return


async def keep_folder(
    name: str,
    work: Callable[[Path, Settings], Awaitable[dict[str, Any]]],
    *,
    output_dir: str | None,
    begun: clients.Begun | None = None,
    report: Report = AUDIT,
    source: str = "",
) -> Result:
    """
    Make the run folder and do the work; leave result, report and manifest there, however it ended.

    Args:
        name: Of the flow.
        work: Gives the parts of the result that are its own.
        output_dir: Where the run folder goes; OUTPUT_DIR when left out.
        begun: What a cancelled run can tell of.
        report: The notebook that reports on it.
        source: What was read, in the metadata of `result.json`; the client list when left out.
    """
    log: Log = get_run_logger()
    library_log.show()
    with stop_signals.caught(log) as signals, kernels_kept():
        ended = await _keep_folder(
            name,
            work,
            output_dir=output_dir,
            begun=begun or clients.Begun(),
            report=report,
            source=source,
            log=log,
            signals=signals,
        )
    if isinstance(ended, asyncio.CancelledError):
        raise ended
    return ended


async def _keep_folder(
    name: str,
    work: Callable[[Path, Settings], Awaitable[dict[str, Any]]],
    *,
    output_dir: str | None,
    begun: clients.Begun,
    report: Report,
    source: str,
    log: Log,
    signals: stop_signals.StopSignals,
) -> Result | asyncio.CancelledError:
    """The result, or what cancelled the run; the folder is finished."""
    started, sources, settings = utc_now(), Sources.now(), Settings.read()
    folder = run_folder.create(output_folder(output_dir, settings), name, started)
    log.info("run folder: %s", folder)
    cancelled: asyncio.CancelledError | None = None
    with api_calls.counted() as calls:
        try:
            parts = await signals.cancellable(work(folder, settings))
        except asyncio.CancelledError as error:  # a signal, or a caller's cancel; raised once the folder tells of it
            cancelled, parts = error, clients.add_up(begun.clients, [clients.run_cancelled(name)])
        except Exception as failed:  # noqa: BLE001  # the result says it
            log_error(log, error_line.message_of(failed), failed)
            parts = clients.add_up(begun.clients, [record_of(failed)])
    if begun.months:
        parts = {"months": begun.months, **parts}
    if parts.get("error") and "nothing_new" in parts:
        parts["nothing_new"] = False  # open findings may be quiet, an error is not
    parts = {"api_calls": {service: asdict(count) for service, count in calls.items()}, **parts}
    result = _result(name, started, sources, parts, "cancelled" if cancelled else state(parts))
    result |= {"run_folder": str(folder), "report": prefect_page.link(folder, report.name, settings.output_url)}
    source = source or settings.clients_spreadsheet_id
    unsaved = await _save(result, folder, source)
    if unsaved:
        result["report"] = ""  # none can be made
    language = settings.report_language
    if problem := unsaved or await _make_report(folder, report, audit.title(result), language, log, signals):
        result = {**with_error(result, ErrorRecord(problem, UNFORESEEN)), "nothing_new": False}
        result["state"] = "cancelled" if cancelled else "failed"
        result["bottom_line"] = f"{result['bottom_line']} {problem}"
        await _save(result, folder, source)
    digest = ""
    try:
        written = run_folder.write_manifest(folder, workflow=name, parameters=result["parameters"], sources=sources)
        digest = files.sha256(written)
    except OSError as failed:  # the result tells of the same disk
        log_error(log, error_line.message_of(failed), failed)
    else:
        log.info("%s: %s; manifest %s", folder.name, result["state"], digest)
    with contextlib.suppress(asyncio.CancelledError):
        await signals.cancellable(_tell(result, report, folder, digest, language, log), patient=True)
    return cancelled or result


async def _tell(
    result: Result, report: Report, folder: Path, manifest_sha256: str, language: Language, log: Log
) -> None:
    """Show the finished run on Prefect's page and in the index of all runs; neither can fail it."""
    await _rebuild_index(folder.parent, language, log)
    await prefect_page.publish(result, report.name, manifest_sha256, log)


@contextlib.contextmanager
def kernels_kept() -> Iterator[None]:
    """A server for the kernels of the run's notebooks; it gets ready while plans are read."""
    with kernel_server.kept() as server:
        with contextlib.suppress(FixInputError):  # a notebook that is to be run says it
            server.start(environment_without_secrets())
        yield


def output_folder(output_dir: str | None, settings: Settings) -> Path:
    """Where run folders go."""
    return Path(output_dir) if output_dir else ROOT / settings.output_dir


def _result(name: str, started: dt.datetime, sources: Sources, parts: Mapping[str, Any], ended: str) -> Result:
    """What every flow's result says, and the parts that are its own."""
    result: Result = {
        **head(name, iso_utc(started), ended, runtime.flow_run.parameters or {}),
        "sources": asdict(sources),
        **parts,
    }
    return {"bottom_line": audit.bottom_line(result), **result}


async def _rebuild_index(output_dir: Path, language: Language, log: Log) -> None:
    try:
        await asyncio.to_thread(run_index.rebuild, output_dir, language)
    except Exception as failed:  # noqa: BLE001  # no run fails for it; the next one rebuilds it
        log.warning("%s was not brought up to date: %s", output_dir / run_index.INDEX, failed)


async def _save(result: Result, folder: Path, source: str) -> str:
    """Save the result; why it is not saved where the disk does not take it: what was done is told all the same."""
    sections = {section: value for section, value in result.items() if section != "data"}
    try:
        await save_json(folder / RESULT, as_it_is(result["data"]), result["flow"], source, as_it_is(sections))
    except OSError as failed:
        return f"the result could not be saved: {error_line.message_of(failed)}"
    return ""


async def _make_report(
    folder: Path, report: Report, title: str, language: Language, log: Log, signals: stop_signals.StopSignals
) -> str:
    """List the corrections, run the notebook that reports on the run, and write it as a page; what went wrong, if anything did."""
    executed = folder / f"{report.name}.ipynb"
    problems = []

    async def correct() -> None:
        await asyncio.to_thread(corrections.save, folder, language)

    async def make() -> None:
        getting_ready = asyncio.ensure_future(asyncio.to_thread(html_report.get_ready))  # while the kernel computes
        try:
            await run_notebook(report.notebook, executed, report.parameters(folder), REPORT_TIMEOUT_S)
        finally:
            await getting_ready

    async def show() -> None:
        if executed.exists():  # also when it stopped: the page then says where
            await notebook_to_html(executed, executed.with_suffix(".html"), title, language)

    for step in (correct, make, show):
        try:
            await signals.cancellable(step(), patient=True)
        except asyncio.CancelledError:  # asked a second time
            return "the report was left out: the run was asked to end while it was made"
        except Exception as failed:  # noqa: BLE001  # a report that fails must not hide how the run itself ended
            log_error(log, error_line.message_of(failed), failed)
            problems.append(f"the report could not be made: {error_line.message_of(failed)}")
    return "; ".join(problems)


def log_error(log: Log, text: str, failed: Exception) -> None:
    """Log an error; with its traceback when it is none of ours."""
    log.error("%s", text, exc_info=None if error_line.is_told(failed) else failed)
