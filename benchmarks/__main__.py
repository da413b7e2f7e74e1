"""Time the project beside other ways to do the same: `python -m benchmarks --help`."""

import datetime as dt
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from lib import command

LONGEST_MS = 60_000
RESULTS = Path(__file__).with_name("results")


def bench(
    *,
    works: list[Literal["W1", "W2", "W3"]] | None = None,
    latency_ms: list[int] | None = None,
    peers: list[str] | None = None,
    with_: Annotated[list[Literal["dagstermill"]] | None, Parameter(name="--with")] = None,
    runs: int = 3,
    large_runs: int | None = None,
    limit_s: float = 600,
    growth: Literal["some", "all", "none"] = "some",
    results_dir: str | None = None,
) -> None:
    """
    Time the main job beside other ways to do the same work, on sandboxes of their own; nothing fails for a figure.

    W1 is 12 clients of 40 rows, W2 one plan of 3,000 rows, W3 100 clients of 40 rows. Results go to a folder named by the time.

    Args:
        works: Works to do; all when left out.
        latency_ms: How late the services answer each call, in milliseconds; 0 and 300 when left out.
        peers: limit, papermill, naive-flow, ours, ours-running, empty-flow, empty-flow-running, help; all when left out.
        with_: Peers beyond these, each with packages of its own, which uv fetches.
        runs: Rounds, of which the medians are told.
        large_runs: Rounds of W2 and W3; as many as of W1 when left out.
        limit_s: Seconds after which a run is ended.
        growth: How many sizes are tried to see how time and memory grow; all of them take hours.
        results_dir: Where the folder of results goes; benchmarks/results when left out.

    Example:
        python -m benchmarks --works W1 --runs 3 --growth none
    """


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    given = command.read(bench, argv, program="python -m benchmarks")
    _check(given)
    from benchmarks import results_page, rounds, runs, works  # noqa: PLC0415  # what a wrong flag need not wait for

    peers = _peers(given["peers"], given["with_"], runs)
    at = dt.datetime.now(dt.UTC)
    results = Path(given["results_dir"] or RESULTS)
    before = results_page.newest(results)
    kept = results_page.Results(results_page.machine(at, given), [], [])
    folder = results / at.strftime("%Y%m%d_%H%M%S")
    chosen = [work for name, work in works.WORKS.items() if given["works"] is None or name in given["works"]]
    with runs.bench(given["limit_s"]) as opened:
        for run in rounds.compare(
            opened,
            peers,
            chosen,
            given["latency_ms"] or [0, 300],
            runs=given["runs"],
            large_runs=given["large_runs"] or given["runs"],
            say=_say,
        ):
            kept.runs.append(run)
            results_page.save(kept, folder, before)  # what was measured is kept, also when it is stopped
        growing = {name: peer for name, peer in peers.items() if name in rounds.GROWTH}
        for run in rounds.grow(opened, growing, rounds.growth_works(given["growth"]), say=_say):
            kept.growth.append(run)
            results_page.save(kept, folder, before)
    print((folder / results_page.PAGE).read_text())
    print(f"Results: {folder}")
    return 0


def _check(given: dict[str, Any]) -> None:
    for name in ("runs", "large_runs"):
        if given[name] is not None and given[name] < 1:
            command.refuse(f"--{name.replace('_', '-')}: {given[name]} cannot be used; write a number from 1")
    if not given["limit_s"] >= 1:
        command.refuse(f"--limit-s: {given['limit_s']} cannot be used; write a number of seconds from 1")
    if any(not 0 <= latency <= LONGEST_MS for latency in given["latency_ms"] or []):
        command.refuse(f"--latency-ms: cannot be used; write milliseconds from 0 to {LONGEST_MS}")
    if importlib.util.find_spec("psutil") is None:
        command.refuse("psutil is not installed, which the benchmark needs; set the project up with make setup")
    if given["with_"] and shutil.which("uv") is None:
        command.refuse("--with: needs uv on the PATH, which fetches that peer's packages")


def _peers(names: list[str] | None, more: list[str] | None, runs: Any) -> dict[str, Any]:
    known = runs.PEERS
    for name in names or []:
        if name not in known:
            command.refuse(f"--peers: there is no {name!r}; there are {', '.join(known)}")
    chosen = {name: peer for name, peer in known.items() if names is None or name in names}
    if more:
        _say("fetching the packages of dagstermill …")
        chosen["dagstermill"] = runs.dagstermill()
    return chosen


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
