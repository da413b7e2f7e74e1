"""The results of one bench as a folder: every run as JSON, tables to read as Markdown, plots."""

import datetime as dt
import json
import os
import platform
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmarks import plots, rounds
from benchmarks.rounds import Medians
from benchmarks.runs import ROOT, Run, title_of

RUNS, PAGE = "bench.json", "bench.md"
OURS = ("ours", "ours-running")
# What is aimed at: (peer, work, ms a call) -> wall seconds; (work,) -> calls.
WALL_GOALS = {
    ("ours", "W1", 0): 14.0,
    ("ours-running", "W1", 0): 5.0,
    ("ours-running", "W1", 300): 11.0,
    ("ours-running", "W2", 0): 12.0,
    ("ours-running", "W3", 0): 47.0,
}
CALL_GOALS = {"W1": 92, "W3": 720}
MEMORY_GOALS = {("ours", "W1"): 500.0}
HELP_GOAL_S = 0.4  # of processor time


@dataclass(frozen=True)
class Results:
    """One bench: where and when, its runs, and those that show how the time grows."""

    machine: dict[str, Any]
    runs: list[Run]
    growth: list[Run]

    @property
    def at(self) -> str:
        return str(self.machine["at"])


def machine(at: dt.datetime, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Where and when the bench was made."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "commit": said.stdout.strip(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "arguments": dict(arguments),
    }


def save(results: Results, folder: Path, before: Results | None) -> None:
    """Write the results into that folder of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": results.machine,
        "medians": [asdict(one) for one in rounds.medians(results.runs)],
        "runs": [asdict(run) for run in results.runs],
        "growth": [asdict(run) for run in results.growth],
    }
    (folder / RUNS).write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    drawn = plots.draw(rounds.medians(results.runs), results.growth, folder)
    (folder / PAGE).write_text(page(results, before, drawn))


def read(folder: Path) -> Results:
    """The results in that folder."""
    content = json.loads((folder / RUNS).read_text())
    known = {field.name for field in fields(Run)}

    def runs(section: str) -> list[Run]:
        return [Run(**{name: value for name, value in run.items() if name in known}) for run in content[section]]

    return Results(content["machine"], runs("runs"), runs("growth"))


def newest(folder: Path) -> Results | None:
    """The newest results of all that are kept in that folder."""
    found = sorted(folder.glob(f"*/{RUNS}")) if folder.is_dir() else []
    return read(found[-1].parent) if found else None


def page(results: Results, before: Results | None, drawn: Sequence[str] = ()) -> str:
    """The results for people."""
    middle = rounds.medians(results.runs)
    where = results.machine
    load = ", ".join(map(str, where["load_before"]))
    lines = [
        f"# Benchmark of {results.at}",
        "",
        f"Commit {where['commit']}, {where['processors']} processors, Python {where['python']}, {where['system']}; load before: {load}.",
        "Medians of the runs that ended well; the works and measures are explained in `benchmarks/README.md`.",
        "",
        *(line for name in drawn for line in (f"![{name.removesuffix('.svg')}]({name})", "")),
    ]
    for work, latency in dict.fromkeys((one.work, one.latency_ms) for one in middle if one.work):
        of = [one for one in middle if (one.work, one.latency_ms) == (work, latency)]
        size = f"{of[0].clients:,} × {of[0].rows // of[0].clients:,} rows"
        lines += [f"## {work} ({size}), {latency} ms a call", "", *_compared(of, before), ""]
    if alone := [one for one in middle if not one.work]:
        lines += ["## Without a work", "", *_compared(alone, before), ""]
    lines += [*_routes(results.runs), *_phases(results.runs), *_growth(results.growth), *_failures(results)]
    return "\n".join(lines).rstrip() + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    written = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    return [*written, *(f"| {' | '.join(map(str, row))} |" for row in rows)]


def _compared(of: Sequence[Medians], before: Results | None) -> list[str]:
    known = {one.of: one for one in rounds.medians(before.runs)} if before else {}
    head = ["peer", "wall s", "CPU s", "server's CPU s", "memory MB", "(RSS MB)", "calls", "runs"]
    head += ["wall s before", "calls before"] if before else []
    goals = any(_goals(one) for one in of)
    rows = []
    for one in of:
        wall = f"{one.wall_s:.1f}" if one.ended == "done" else f"{_short(one)} after {one.wall_s:.0f}"
        row = [title_of(one.peer), wall, f"{one.cpu_s:.1f}", f"{one.server_cpu_s:.1f}" if one.server_cpu_s else "–"]
        row += [f"{one.peak_mb:.0f}", f"{one.peak_rss_mb:.0f}", f"{one.calls:,}" if one.work else "–", str(one.runs)]
        if before:
            old = known.get(one.of)
            well = old is not None and old.ended == "done"
            row += [f"{old.wall_s:.1f}", f"{old.calls:,}"] if old and well else ["–", "–"]
        rows.append([*row, *([_goals(one) or "–"] if goals else [])])
    told = [f"Before: {before.at}, commit {before.machine['commit']}.", ""] if before else []
    return [*told, *_table([*head, *(["goal"] if goals else [])], rows)]


def _short(one: Medians) -> str:
    """How it ended, and how far it had come."""
    return f"{one.ended.partition(':')[0]}, {one.rows_done:,} of {one.rows:,} rows"


def _goals(one: Medians) -> str:
    told = []
    if wall := WALL_GOALS.get((one.peer, one.work, one.latency_ms)):
        told.append(f"{wall:g} s")
    if one.peer in OURS and (calls := CALL_GOALS.get(one.work)):
        told.append(f"{calls} calls")
    if memory := MEMORY_GOALS.get((one.peer, one.work)):
        told.append(f"{memory:g} MB")
    if one.peer == "help":
        told.append(f"{HELP_GOAL_S:g} s CPU")
    return ", ".join(told)


def _routes(runs: Sequence[Run]) -> list[str]:
    """Calls by route, of the first run of each peer over each work."""
    first: dict[tuple[str, str], Run] = {}
    for run in runs:
        if run.work and run.ended == "done":
            first.setdefault((run.work, run.peer), run)
    lines = []
    for work in dict.fromkeys(work for work, _ in first):
        of = {peer: run for (its, peer), run in first.items() if its == work}
        total: Counter[str] = Counter()
        for run in of.values():
            total.update(run.calls)
        rows = [[route, *(run.calls.get(route) or "·" for run in of.values())] for route, _ in total.most_common()]
        rows.append(["all", *(run.all_calls for run in of.values())])
        rows.append(["a plan", *(f"{run.all_calls / run.clients:.1f}" for run in of.values())])
        lines += [f"## Calls by route, {work}", "", *_table(["route", *map(title_of, of)], rows), ""]
    return lines


def _phases(runs: Sequence[Run]) -> list[str]:
    """Where the time of our plans went, the last run of each that ended well."""
    last = {(run.work, run.latency_ms, run.peer): run for run in runs if run.seconds and run.ended == "done"}
    if not last:
        return []
    total: Counter[str] = Counter()
    for run in last.values():
        total.update(run.seconds)
    steps = [step for step, _ in total.most_common()]
    rows = []
    for (work, latency, peer), run in last.items():
        of_all = sum(run.seconds.values()) or 1
        shares = (f"{run.seconds.get(step, 0):.1f} ({run.seconds.get(step, 0) / of_all:.0%})" for step in steps)
        begun = run.wall_s - (run.plans_s or 0)
        rows.append([f"{work}, {latency} ms, {title_of(peer)}", f"{run.wall_s:.1f}", f"{begun:.0f}", *shares])
    said = "Seconds of all plans together, as the run's result has them: plans run side by side, so they add up to more than the wall time."
    return [
        "## What the time goes into",
        "",
        said,
        "",
        *_table(["run", "wall s", "start, report and end s", *steps], rows),
        "",
    ]


def _growth(runs: Sequence[Run]) -> list[str]:
    lines = []
    for kind, title in (("rows", "One plan of more and more rows"), ("clients", "More and more clients of 40 rows")):
        of = [run for run in runs if run.work == kind]
        if not of:
            continue
        rows = []
        for run in of:
            well = run.ended == "done"
            size = f"{run.rows:,}" if kind == "rows" else f"{run.clients:,} ({run.rows:,} rows)"
            a_row = f"{1000 * run.wall_s / run.rows:.1f}" if well else "–"
            beyond = f"{_beyond_first(run, of):.2f}" if well and run.clients > 1 else "–"
            ended = "" if well else f" ({run.ended.partition(':')[0]})"
            rows.append(
                [
                    title_of(run.peer),
                    size,
                    f"{run.wall_s:.1f}{ended}",
                    a_row,
                    f"{run.peak_mb:.0f}",
                    beyond,
                    run.all_calls,
                ]
            )
        head = ["peer", kind, "wall s", "ms a row", "memory MB", "MB for each further client", "calls"]
        lines += [f"## Growth: {title}", "", *_table(head, rows), ""]
    return lines


def _beyond_first(run: Run, of: Sequence[Run]) -> float:
    """How much more memory each client took than in the smallest run of the same peer."""
    first = next(one for one in of if one.peer == run.peer)
    return (run.peak_mb - first.peak_mb) / max(run.clients - first.clients, 1)


def _failures(results: Results) -> list[str]:
    failed = [run for run in [*results.runs, *results.growth] if run.ended.startswith("failed")]
    if not failed:
        return []
    told = [
        f"- {title_of(run.peer)}, {run.work or 'no work'}, {run.latency_ms} ms: {' '.join(run.ended.split())}"
        for run in failed
    ]
    return ["## What failed", "", *told, ""]
