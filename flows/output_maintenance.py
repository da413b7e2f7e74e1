"""Old run folders into verified zip files: `python flows/output_maintenance.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect.logging import get_run_logger

from flows import printing
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import keep_folder, log_error, output_folder
from lib import error_line
from lib.error_record import UNFORESEEN, ErrorRecord, in_result
from lib.errors import FixInputError, TryLaterError
from lib.exactly_once.plan_run import PlanResult
from lib.files import utc_now
from lib.run import archive, run_folder
from lib.run.archive import Candidate
from lib.settings import Settings

NAME = "output-maintenance"
_NAMED = 5  # odd entries that the sentence names; the data has all


@reporting_flow(name=NAME, flow_run_name=NAME)
async def output_maintenance(
    *, keep_days: int = 90, keep_failed_days: int = 365, output_dir: str | None = None
) -> Result:
    """
    Archive old run folders: each into a zip file that is read back before the folder is removed.

    Runs that failed, were cancelled or need attention are kept longer, unless an earlier one told all of it. A run without a result may still be going on and is
    never touched. What cannot be read, or only looks like a run, stays and is named; all others are archived as ever.

    Args:
        keep_days: For how many days folders of completed runs stay.
        keep_failed_days: For how many days those of all other runs stay.
        output_dir: Where the run folders are; OUTPUT_DIR (output) when left out.

    Example:
        python flows/output_maintenance.py --keep-days 30 --keep-failed-days 180

    Returns:
        `start_time`, `end_time`, `flow`, `parameters`, `run_folder`; `done`: what was done, one sentence; `summary`: runs
        archived and kept, and bytes removed; `data`: one record per run with state, what became of it, and why; `error` when
        one could not be archived.

    Side effects:
        Files `archive/<run>.zip` in the output folder; the archived folders are removed.
    """

    async def work(folder: Path, _settings: Settings) -> dict[str, Any]:
        if min(keep_days, keep_failed_days) < 1:
            raise FixInputError(NAME, "keep_days and keep_failed_days must be at least 1")
        keep = {"keep": dt.timedelta(days=keep_days), "keep_failed": dt.timedelta(days=keep_failed_days)}
        leftovers = await asyncio.to_thread(archive.remove_leftovers, folder.parent)
        found = list(archive.candidates(folder.parent, utc_now(), **keep, own=folder))
        records = [await _archive(one) for one in found]
        done, gone = "archived", [record for record in records if record["became"] == "archived"]
        failed = [f"{record['run']}: {record['why']}" for record in records if record["became"] == "failed"]
        freed = sum(record["bytes"] for record in gone)
        summary = {done: len(gone), "kept": len(records) - len(gone), "bytes": freed}
        told = f"{len(gone)} runs were archived, {summary['kept']} are kept; {freed / 1e6:,.1f} MB became zip files."
        return {
            "done": " ".join(filter(None, (told, _name_odd([one for one in found if one.odd])))),
            "summary": {**PlanResult().counts(), **summary, "clients": {}},
            "data": records,
            **in_result(ErrorRecord(problem, UNFORESEEN) for problem in (*leftovers, *failed)),
        }

    source = str(output_folder(output_dir, Settings.read()))
    return await keep_folder(NAME, work, output_dir=output_dir, source=source)


def _name_odd(found: Sequence[Candidate]) -> str:
    """Which entries of the output folder need a person; empty when none does."""
    if not found:
        return ""
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"Look at what cannot be read there: {', '.join(one.name for one in found[:_NAMED])}{more}."


async def _archive(one: Candidate) -> dict[str, Any]:
    """What became of one run."""
    record = {"run": one.name, "state": one.state, "became": "kept", "why": one.kept, "bytes": 0}
    log = get_run_logger()
    if one.kept:
        if one.odd:
            log.warning("%s stays: %s", one.name, one.kept)
        return record
    try:
        size = sum(path.stat().st_size for path in run_folder.files_of(one.folder).values())
        path = await asyncio.to_thread(archive.archive, one.folder)
    except TryLaterError as other:  # the next one does it
        return {**record, "why": other.problem}
    except Exception as failed:  # noqa: BLE001  # the others go on
        if isinstance(failed, FileNotFoundError) and not one.folder.exists():
            return {**record, "why": "another archiving was faster"}
        why = error_line.message_of(failed)
        log_error(log, f"{one.name}: {why}", failed)
        return {**record, "became": "failed", "why": why}
    log.info("%s: archived", one.name)
    return {**record, "became": "archived", "why": f"{path.parent.name}/{path.name}", "bytes": size}


def show(result: Result) -> None:
    """Print what was done."""
    printing.show_end(printing.console(), result)
