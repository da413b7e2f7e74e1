"""Which runs are made in which order: every peer once a round, so that whatever else the machine does meets all of them alike."""

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.runs import Bench, Peer, Run
from benchmarks.works import Work

MANY_ROWS = 1_000  # works with more are large
GROWTH = ("limit", "ours-running")
ROWS_A_CLIENT = 40
PLAN_ROWS = (100, 300, 1_000, 3_000)
PLAN_ROWS_ALL = (*PLAN_ROWS, 10_000, 30_000, 100_000)
CLIENTS = (1, 3, 12, 50)
CLIENTS_ALL = (*CLIENTS, 100, 250, 500, 2_500)

type Say = Callable[[str], None]


@dataclass(frozen=True)
class Medians:
    """The middle of the runs of one peer over one work."""

    peer: str
    work: str
    clients: int
    rows: int
    latency_ms: int
    runs: int
    ended: str
    wall_s: float
    cpu_s: float
    server_cpu_s: float
    peak_mb: float
    peak_rss_mb: float
    calls: int
    rows_done: int

    @property
    def of(self) -> tuple[str, str, int, int]:
        """What makes it the same measurement as one of another day."""
        return self.peer, self.work, self.rows, self.latency_ms


def compare(
    bench: Bench,
    peers: dict[str, Peer],
    works: Sequence[Work],
    latencies_ms: Sequence[int],
    *,
    runs: int,
    large_runs: int,
    say: Say,
) -> Iterator[Run]:
    """
    All runs, round by round. A peer that did not end well with a work is not run on it again.

    Args:
        bench: Where they are made.
        peers: Name -> the peer.
        works: What each does.
        latencies_ms: How late the services answer.
        runs: Rounds.
        large_runs: Rounds of works with more than 1,000 rows.
        say: Told before each run.
    """
    given_up: set[tuple[str, str, int]] = set()
    alone = [(name, peer, None, 0) for name, peer in peers.items() if not peer.works]
    each = [
        (name, peer, work, latency)
        for work in works
        for latency in latencies_ms
        for name, peer in peers.items()
        if peer.works
    ]
    for number in range(1, max(runs, large_runs) + 1):
        for name, peer, work, latency in [*alone, *each]:
            if number > (large_runs if work and work.all_rows > MANY_ROWS else runs):
                continue
            this = (name, work.name if work else "", latency)
            if this in given_up:
                continue
            where = f" on {work.name}, {latency} ms a call" if work else ""
            say(f"round {number}: {peer.title}{where} …")
            run = bench.run(name, peer, work, latency_ms=latency, number=number)
            say(f"  {run.ended}: {run.wall_s:.1f} s")
            if run.ended != "done":
                given_up.add(this)
            yield run


def grow(bench: Bench, peers: dict[str, Peer], works: Iterable[Work], *, say: Say) -> Iterator[Run]:
    """One run of each peer over each work, from small to large; a peer that did not end well stops there."""
    given_up: set[tuple[str, str]] = set()
    for work in works:
        for name, peer in peers.items():
            kind = "one plan" if work.clients == 1 and work.name == "rows" else "clients"
            if (name, kind) in given_up:
                continue
            say(f"growth: {peer.title}, {work} …")
            run = bench.run(name, peer, work)
            say(f"  {run.ended}: {run.wall_s:.1f} s")
            if run.ended != "done":
                given_up.add((name, kind))
            yield run


def growth_works(sizes: str) -> list[Work]:
    """`rows`: one plan of more and more rows; `clients`: more and more clients of 40 rows. Sizes: `some`, `all` or `none`."""
    rows = {"some": PLAN_ROWS, "all": PLAN_ROWS_ALL}.get(sizes, ())
    clients = {"some": CLIENTS, "all": CLIENTS_ALL}.get(sizes, ())
    return [*(Work("rows", 1, count) for count in rows), *(Work("clients", count, ROWS_A_CLIENT) for count in clients)]


def medians(runs: Iterable[Run]) -> list[Medians]:
    """The middle of each peer's runs over each work, in the order of the first of them; of those that ended well, if any did."""
    groups: dict[tuple[str, str, int, int], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.peer, run.work, run.rows, run.latency_ms), []).append(run)
    return [_median(group) for group in groups.values()]


def _median(group: list[Run]) -> Medians:
    good = [run for run in group if run.ended == "done"] or group

    def middle(measure: Callable[[Run], float]) -> float:
        return round(statistics.median(measure(run) for run in good), 3)

    return Medians(
        peer=group[0].peer,
        work=group[0].work,
        clients=group[0].clients,
        rows=group[0].rows,
        latency_ms=group[0].latency_ms,
        runs=len(good),
        ended=next((run.ended for run in group if run.ended != "done"), "done"),
        wall_s=middle(lambda run: run.wall_s),
        cpu_s=middle(lambda run: run.cpu_s),
        server_cpu_s=middle(lambda run: run.server_cpu_s),
        peak_mb=middle(lambda run: run.peak_mb),
        peak_rss_mb=middle(lambda run: run.peak_rss_mb),
        calls=int(middle(lambda run: run.all_calls)),
        rows_done=min(run.rows_done for run in group),
    )
