"""How fast the runs of the last days were, and what to do about it: `python flows/performance_report.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

import dataclasses
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from flows import printing
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Report, keep_folder, output_folder
from lib.exactly_once.plan_run import PlanResult
from lib.files import iso_utc, utc_now
from lib.report import performance
from lib.report.performance_report import bottom_line
from lib.settings import Settings

NAME = "performance-report"


@reporting_flow(name=NAME, flow_run_name=NAME)
async def performance_report(*, days: int = 30, output_dir: str | None = None) -> Result:
    """
    Report how long flows took, their slow steps, calls of the services and their 429s, and batch sizes; with advice.

    Args:
        days: How many days back; runs that began within them count.
        output_dir: Where the run folders are; OUTPUT_DIR (output) when left out.

    Example:
        python flows/performance_report.py --days 7

    Returns:
        `start_time`, `end_time`, `flow`, `parameters`, `run_folder`; `done`: one sentence; `summary`: how many runs; `data`: one
        record per flow with how its runs ended, seconds and rows per minute; `steps`, `quotas`, `apis`, `batches`: the same of those;
        `advice`: sentences; `unfinished`: runs that left no result; `error` when `days` cannot be used.

    Side effects:
        A folder with the executed notebook `performance.ipynb` and the page `performance.html`. Nothing else is written.
    """
    until = utc_now().replace(microsecond=0)  # so that this run is not among those that it reports on
    runs = output_folder(output_dir, Settings.read()).resolve()

    async def work(_folder: Path, _settings: Settings) -> dict[str, Any]:
        seen = performance.read(runs, days, until)
        told = {name: value for name, value in dataclasses.asdict(seen).items() if name not in ("runs", "flows")}
        return {
            "done": bottom_line(seen),
            "summary": {**PlanResult().counts(), "runs": seen.runs, "clients": {}},
            **told,
            "data": seen.flows,
        }

    given: dict[str, JsonValue] = {"output_dir": str(runs), "days": days, "until": iso_utc(until)}
    report = Report("performance_report", "performance", lambda _folder: given)
    return await keep_folder(NAME, work, output_dir=output_dir, report=report, source=str(runs))


def show(result: Result) -> None:
    """Print the advice, and where the report is."""
    to = printing.console()
    for hint in result.get("advice", []):
        printing.say(to, f"- {hint}")
    printing.show_end(to, result)
