"""What earlier runs of the same flow and months left to a person, and what became of it. Pure: run folders are read."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib.errors import FixInputError
from lib.exactly_once.reconcile import Outcome
from lib.formats import match_key
from lib.report.same_rows import partners
from lib.run import run_record
from lib.run.run_record import RunRecord

MOST_RUNS = 12  # earlier ones that are read; what is open for longer is open since as many or more
_LOOKED_AT = 200  # folders of the flow whose heads are read to find them
WAITING = (Outcome.FLAGGED, Outcome.UNCERTAIN, Outcome.REJECTED, Outcome.REFUSED)  # most urgent first
GONE = "no longer in the plan"


@dataclass(frozen=True)
class Solved:
    """A row that waited for a person in the run before, and how it ended in this one."""

    client: str
    row: Mapping[str, Any]  # as the run before had it
    now: str


@dataclass(frozen=True)
class History:
    """
    What is new, solved and still open since the run before.

    Attributes:
        runs: Earlier runs of the same flow and months, newest first.
        since: Place of a waiting row among the run's rows -> in how many runs in a row it waited, this one included; 0 for a
            row of a plan that no earlier run read.
        solved: What the run before left, and is not to be done any more.
    """

    runs: list[RunRecord] = field(default_factory=list)
    since: dict[int, int] = field(default_factory=dict)
    solved: list[Solved] = field(default_factory=list)

    @property
    def new(self) -> int:
        """Waiting rows that did not wait in the run before."""
        return sum(runs == 1 for runs in self.since.values())

    @property
    def still_open(self) -> int:
        """Waiting rows that waited in the run before, too."""
        return sum(runs > 1 for runs in self.since.values())


def read(record: RunRecord) -> History:
    """The history of a run, by the runs that lie beside it."""
    return compare(record, list(_earlier(record)))


def compare(record: RunRecord, earlier: Sequence[RunRecord]) -> History:
    """
    The history of a run, given earlier ones, newest first.

    A row is the same row when it has the same issue, else the same topic, else the same number. A run that did not read a plan
    says nothing about its rows: they are as old as before.
    """
    found = History(list(earlier))
    places = {id(row): place for place, row in enumerate(record.rows)}
    rows, before = _by_plan(record), [_by_plan(run) for run in earlier]
    for plan, own in rows.items():
        past = [run[plan] for run in before if run.get(plan)]
        waiting: dict[int, Mapping[str, Any]] = {places[id(row)]: row for row in own if row["outcome"] in WAITING}
        found.since.update(dict.fromkeys(waiting, 1 if past else 0))
        for number, then in enumerate(past):
            left = [row for row in then if row["outcome"] in WAITING]
            was = _same_rows(list(waiting.values()), left)
            if number == 0:
                kept = {id(row) for row in was.values()}
                gone = [row for row in left if id(row) not in kept]
                now = _same_rows(gone, own)
                found.solved.extend(
                    Solved(row["client"], row, str(now[place]["outcome"]) if place in now else GONE)
                    for place, row in enumerate(gone)
                )
            waiting = {place: was[n] for n, place in enumerate(waiting) if n in was}
            for place in waiting:
                found.since[place] += 1
            if not waiting:
                break
    return found


def _same_rows(rows: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> dict[int, Mapping[str, Any]]:
    """Place of a row -> the row among the others that is the same one."""
    return partners(
        rows,
        others,
        (
            lambda row: row["key"],
            lambda row: row.get("topic") and (match_key(row["topic"]), row.get("form"), row["row"]),
            lambda row: match_key(row.get("topic")),
            lambda row: row["row"],
        ),
    )


def _by_plan(record: RunRecord) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in record.rows:
        found.setdefault(record.plan_name(row), []).append(row)
    return found


def _earlier(record: RunRecord) -> Iterator[RunRecord]:
    """Runs of the same flow and months that read one of the run's plans, newest first; not those of single clients on workers."""
    folders = run_record.run_folders(record.folder.parent)
    names = [path.name for path in folders]
    if record.name not in names:
        return
    of_flow = [path for path in folders[names.index(record.name) + 1 :] if run_record.flow_of(path) == record.flow]
    heads = [record, *filter(None, map(_head, of_flow[:_LOOKED_AT]))]
    parts = {plan.get("run") for head in heads for plan in head.plans.values()}  # of runs that were spread over workers
    fit = (head for head in heads[1:] if head.name not in parts and _is_like(head, record))
    for head in itertools.islice(fit, MOST_RUNS):
        with contextlib.suppress(FixInputError):
            yield run_record.read_result(head.folder)


def _head(folder: Path) -> RunRecord | None:
    try:
        return run_record.read_head(folder)
    except FixInputError:
        return None


def _is_like(head: RunRecord, record: RunRecord) -> bool:
    on_sandbox = {bool(each.result.get("sandbox")) for each in (head, record)}
    return head.months == record.months and len(on_sandbox) == 1 and not head.plans.keys().isdisjoint(record.plans)
