"""The performance of runs as a report."""

import datetime as dt
from pathlib import Path

from IPython.display import HTML, SVG

from lib.files import utc_now
from lib.report import html_report, performance, plots
from lib.report.performance import Performance, Records

_COLUMNS = {
    "needs_attention": "needs attention",
    "median_s": "median (s)",
    "p95_s": "95 % within (s)",
    "longest_s": "longest (s)",
    "rows_per_minute": "rows per minute",
    "total_s": "in all (s)",
    "too_many_requests": "too many requests",
    "task_retries": "tasks run again",
    "google_per_plan": "calls of Google a plan",
    "jira_per_plan": "calls of Jira a plan",
    "sheets_reads_per_plan": "Sheets reads a plan",
    "sheets_writes_per_plan": "Sheets writes a plan",
    "quota_minutes": "minutes by the quotas alone",
    "of_minutes": "of minutes",
    "most_in_run": "in run",
    "mean_ms": "mean (ms)",
    "busiest_per_minute": "most calls per minute",
    "busiest_run": "in run",
    "median_rows": "median rows",
    "largest_rows": "most rows",
    "median_rows_but_last": "median rows of full batches",
    "rows_per_s": "rows per second",
}


def read(output_dir: Path, days: int, until: str) -> Performance:
    """The runs of the days before that moment (ISO 8601); before now when it is empty."""
    return performance.read(output_dir, days, dt.datetime.fromisoformat(until) if until else utc_now())


def bottom_line(seen: Performance) -> str:
    """How many runs, and how many things to do; one sentence."""
    failed = sum(flow["failed"] for flow in seen.flows)
    return f"{seen.runs} runs, {failed} of them failed, {len(seen.unfinished)} are not finished; hints: {len(seen.advice)}."


def show_bottom_line(seen: Performance) -> HTML:
    """The bottom line, in green when there is nothing to do."""
    return html_report.sentence(bottom_line(seen), kind="attention" if seen.advice else "good")


def show_advice(seen: Performance) -> HTML:
    """What to do, a line each."""
    if not seen.advice:
        return html_report.nothing("Nothing stands out.")
    return html_report.table(["what to do"], [[hint] for hint in seen.advice])


def show_flows(seen: Performance) -> HTML:
    """How the runs of each flow ended, and how long they took."""
    return _table(seen.flows, "No run was found.")


def show_steps(seen: Performance) -> HTML:
    """Where the time of plans went, the longest step first."""
    return _table(seen.steps, "No step was timed.")


def plot_steps(seen: Performance) -> SVG | HTML:
    """The same as bars."""
    if not seen.steps:
        return html_report.nothing("No step was timed.")
    values = {record["step"]: record["total_s"] for record in seen.steps}
    return plots.bars("Time per step, all plans together (seconds)", values, "seconds")


def show_quotas(seen: Performance) -> HTML:
    """How many calls a plan costs, and the minutes that the quotas alone would take."""
    return _table(seen.quotas, "No run has counted its calls by quota.")


def show_apis(seen: Performance) -> HTML:
    """How often the services were asked."""
    return _table(seen.apis, "No run has counted its calls.")


def show_batches(seen: Performance) -> HTML:
    """How large the bulk creates were."""
    return _table(seen.batches, "No issue was made.")


def show_unfinished(seen: Performance) -> HTML:
    """The runs that count nowhere, since they left no result."""
    if not seen.unfinished:
        return html_report.nothing("All runs are finished.")
    return html_report.table(["run"], [[name] for name in seen.unfinished])


def _table(records: Records, otherwise: str) -> HTML:
    if not records:
        return html_report.nothing(otherwise)
    names = {name: _COLUMNS.get(name, name) for name in records[0]}
    numbers = [names[name] for name, value in records[0].items() if not isinstance(value, str)]
    rows = [list(record.values()) for record in records]
    return html_report.table(list(names.values()), rows, numbers=numbers, cards=True)
