"""What differs between two runs: `python flows/compare.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import command_line

    raise SystemExit(command_line.main(__file__))

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

from prefect import runtime
from prefect.logging import get_run_logger
from pydantic import JsonValue

from flows import printing
from flows.reporting_flow import Result, reporting_flow
from flows.run_in_folder import Report, keep_folder
from lib.report import comparison, comparison_report
from lib.settings import Settings

NAME = "compare-runs"
_SHOWN = 40  # differences on the terminal
_LONGEST = 100  # characters of a text there


def _run_name() -> str:
    given = runtime.flow_run.parameters
    return f"{NAME} {Path(str(given.get('run_a'))).name} · {Path(str(given.get('run_b'))).name}"


@reporting_flow(name=NAME, flow_run_name=_run_name)
async def compare_runs(run_a: str, run_b: str, *, output_dir: str | None = None) -> Result:
    """
    Compare two finished runs: which parameters, code, rows, drafts and outcomes differ.

    Args:
        run_a: Folder of the earlier run.
        run_b: Folder of the later run.
        output_dir: Where the run folder goes; OUTPUT_DIR (output) when left out.

    Example:
        python flows/compare.py output/20260705_100000_content-plan-to-jira output/20260706_100000_content-plan-to-jira

    Returns:
        `start_time`, `end_time`, `flow`, `parameters`, `run_folder`; `summary`: same rows, rows that went on as
        expected (from created to existing), and other differences per kind; `data`: one record per difference with kind, client,
        row, topic, what, then, now, and whether it was expected; `error` when a run cannot be read.

    Side effects:
        A folder with the executed notebook `comparison.ipynb` and the page `comparison.html`; none when a run cannot be read.
        Nothing else is written.
    """
    found = await asyncio.to_thread(comparison.read, Path(run_a), Path(run_b))

    async def work(_folder: Path, _settings: Settings) -> dict[str, Any]:
        sentence = comparison_report.bottom_line(found)
        get_run_logger().info("%s", sentence)
        summary = {**found.counts(), "clients": {}}
        return {"done": sentence, "summary": summary, "data": [dataclasses.asdict(one) for one in found.differences]}

    runs: dict[str, JsonValue] = {"run_a": _absolute(found.then.folder), "run_b": _absolute(found.now.folder)}
    report = Report("compare_runs", "comparison", lambda _folder: runs)
    source = f"{found.then.folder.name}, {found.now.folder.name}"
    return await keep_folder(NAME, work, output_dir=output_dir, report=report, source=source)


def _absolute(folder: Path) -> str:
    return str(folder.resolve())


def show(result: Result) -> None:
    """Print the differences, then and now beneath each other, and where the report is."""
    to = printing.console()
    news = [one for one in result["data"] if not one["expected"]]
    for one in news[:_SHOWN]:
        where = " ".join(filter(None, (one["client"], f"row {one['row']}" if one["row"] else "", one["topic"][:40])))
        printing.say(to, f"{one['kind']}: {where} {one['what']}", style="bold")
        printing.say(to, f"- {_one_line(one['then'])}", style="red", indent=2)
        printing.say(to, f"+ {_one_line(one['now'])}", style="green", indent=2)
    if len(news) > _SHOWN:
        printing.say(to, f"… and {len(news) - _SHOWN:,} more in the report")
    printing.show_end(to, result)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
