"""What flows over many clients share: the settings they need, the clients asked for, and the result that their parts add up to."""

import asyncio
import os
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lib import error_record
from lib.error_record import ErrorRecord
from lib.errors import FixInputError
from lib.exactly_once.plan_run import PlanResult, sum_up
from lib.exactly_once.plan_sheet import WRITES, Log
from lib.exactly_once.reconcile import Outcome
from lib.formats import FormatError, Month, parse_month
from lib.messages import Said, say
from lib.plan import client_list
from lib.plan.client_list import Client
from lib.services.rate_limits import SHEETS_PER_MINUTE

PER_CORE = 10  # clients: they wait for the services most of their time, and their notebooks for a core
WARNED = (Outcome.REFUSED, Outcome.REJECTED, Outcome.UNCERTAIN, Outcome.FLAGGED)
WARNINGS = 50  # lines a plan


class Ended(Protocol):
    """How one client ended, whatever the flow did."""

    client: str
    result: PlanResult

    @property
    def name(self) -> str: ...  # the client's, or that of one of its plans
    def summary(self) -> dict[str, Any]: ...
    def data(self) -> list[dict[str, Any]]: ...


@dataclass
class Begun:
    """What a run that is stopped can tell of: the months it is about, and its clients as far as they came."""

    months: list[str] = field(default_factory=list)
    clients: list[Ended] = field(default_factory=list)


def cancelled(client: str) -> ErrorRecord:
    """The error of a client whose plan was being worked on when the run was cancelled."""
    return ErrorRecord.of(say("cancelled before it was finished"), error_record.CANCELLED, client)


def run_cancelled(flow: str) -> ErrorRecord:
    """The error of a run that was cancelled."""
    return ErrorRecord(f"{flow}: cancelled before it was finished; run it again", error_record.CANCELLED)


def not_begun(client: str) -> ErrorRecord:
    """The error of a client that the run did not come to."""
    return ErrorRecord.of(say("not begun: the run ended before its turn"), error_record.NOT_BEGUN, client)


def left_out(client: str, problem: Said) -> ErrorRecord:
    """The error of a client whose plan cannot be looked for."""
    return ErrorRecord.of(problem, FixInputError.kind, client)


def read_month(text: str, *, parameter: str = "target_month") -> Month:
    """
    The month that a parameter names.

    Raises:
        FixInputError: It names none.
    """
    try:
        return parse_month(text)
    except FormatError as error:
        raise FixInputError(parameter, error.said) from None


def choose(listed: Sequence[Client], names: list[str] | None, log: Log) -> tuple[list[Client], dict[str, Said]]:
    """The clients to take that have a folder, and by name why another one asked for cannot be taken, which is logged."""
    chosen, problems = client_list.select(listed, names)
    empty = {
        client.name: say("{cell} is empty; write the id of the client's Drive folder there", cell=client.cell)
        for client in chosen
        if not client.folder_id
    }
    not_taken = {**empty, **problems}
    for name, problem in not_taken.items():
        log.warning("%s: %s", name, problem)
    return [client for client in chosen if client.folder_id], not_taken


def warn(client: str, result: PlanResult, log: Log) -> None:
    """Log what a person has to look at, a line per cell: the page of a scheduled run says it, too."""
    found = [
        (problem, row.outcome.value)
        for row in result.rows
        if row.outcome in WARNED
        for problem in row.problems
        if problem.level == "error" or row.outcome is Outcome.FLAGGED
    ]
    found += [(problem, "plan") for problem in result.problems]
    for problem, what in found[:WARNINGS]:
        log.warning("%s, %s, %s: %s", client, problem.where, what, problem.message)
    if len(found) > WARNINGS:
        log.warning("%s: %d more; the report lists them all", client, len(found) - WARNINGS)


async def side_by_side[Answer](works: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
    """
    The answers in the order of the works. Cancelled, it ends when all have ended, and so have said how far they came.

    `asyncio.gather` ends with the first that is cancelled, while the others still put down what they did.
    """
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return await asyncio.gather(*tasks)
    finally:
        left = [task for task in tasks if not task.done()]
        for task in left:
            if not task.cancelling():  # a second time would break off what it does to end well
                task.cancel()
        if left:
            await asyncio.wait(left)


def at_once() -> int:
    """How many clients are worked on at once: as many as keep the cores busy, and no more than Google's quota serves in a minute."""
    return min(PER_CORE * (os.process_cpu_count() or 1), SHEETS_PER_MINUTE // WRITES)


def add_up(ended: Iterable[Ended], errors: Iterable[ErrorRecord] = ()) -> dict[str, Any]:
    """The parts of a flow's result that its clients' results make, and the run's own errors; a client may have several."""
    all_ended = list(ended)
    all_errors = [*errors, *(one.result.error for one in all_ended if one.result.error)]
    by_client: dict[str, list[Ended]] = {}
    for one in all_ended:
        by_client.setdefault(one.client, []).append(one)
    counts = {client: sum_up(one.result for one in parts) for client, parts in by_client.items()}
    return {
        "summary": {**sum_up(one.result for one in all_ended), "clients": counts},
        "clients": {one.name: one.summary() for one in all_ended},
        "data": [record for one in all_ended for record in one.data()],
        **error_record.in_result(all_errors),
    }
