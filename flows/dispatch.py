"""Clients spread over workers: one run of the deployment `content-plan-to-jira/client` per client, gathered by the run that asked.

A client's run is a whole run of its own, with folder and report, on whichever worker takes it; all workers share the output
folder. The gathering run outlives its server's absence, and starts the run of a worker that died once more: rows that have
their issues are left alone.
"""

import asyncio
import dataclasses
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefect import get_client
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import State, StateType, Worker, WorkerStatus
from prefect.deployments import arun_deployment
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelling

from flows import run_names
from flows.clients import side_by_side
from flows.progress import Progress
from flows.run_in_folder import Run
from lib.error_record import CANCELLED, UNFORESEEN, ErrorRecord
from lib.errors import FixInputError
from lib.exactly_once.plan_run import PlanResult, RowResult
from lib.exactly_once.plan_sheet import Log
from lib.exactly_once.reconcile import Outcome
from lib.plan.client_list import Client
from lib.plan.problems import Problem
from lib.run import run_record
from lib.run.run_record import RunRecord

POOL = "content-plans"
DEPLOYMENT = "content-plan-to-jira/client"
PREFECT = "prefect"
STARTS = 2  # of a client's run, when its worker dies
POLL_S = 5.0
_NOT_WELL = 500  # and above: the server's own trouble, such as a database that is away


@dataclass
class ClientRun:
    """How one client's run on a worker ended, as the files that it left say; `result` adds up with those of others."""

    client: str
    result: PlanResult
    flow_run: uuid.UUID | None = None
    record: RunRecord | None = None

    @property
    def name(self) -> str:
        """The client's."""
        return self.client

    def summary(self) -> dict[str, Any]:
        """What the client's run says of the plan, with its folder as seen from the gathering run's, and the flow run."""
        plan = self.record.plans.get(self.client, {}) if self.record else {}
        folder = f"../{self.record.name}/{plan['folder']}" if self.record and plan.get("folder") else None
        return {
            **self.result.counts(),
            **plan,
            "folder": folder,
            "flow_run_id": str(self.flow_run) if self.flow_run else None,
            "run": self.record.name if self.record else None,
            **({"error": self.result.error.message} if self.result.error else {}),
        }

    def data(self) -> list[dict[str, Any]]:
        """One record per row, as the client's run has them."""
        return self.record.rows if self.record else []


async def run_on_workers(
    run: Run, clients: Sequence[Client], parameters: Mapping[str, Any], max_concurrent: int
) -> list[ClientRun]:
    """
    Run each client on a worker, and gather what their runs left in the output folder; in the order given.

    Args:
        run: The gathering run.
        clients: The clients.
        parameters: Of a client's run, but for its name.
        max_concurrent: How many runs are started or going on at any time.

    Raises:
        FixInputError: There is no such deployment; nothing was started.
    """
    await _check(run.log)
    progress, places = Progress(len(clients)), asyncio.Semaphore(max_concurrent)

    async def one(client: Client) -> ClientRun:
        async with places:
            started = _Started(client.name, run)
            try:
                ended = await started.run({**parameters, "client_names": [client.name]}, progress)
            except asyncio.CancelledError:
                run.begun.clients.append(started.stopped("cancelled before its run on a worker had ended", CANCELLED))
                await started.cancel()
                raise
            except Exception as error:  # noqa: BLE001  # whatever it is, the other clients go on
                run.log.error("%s: %s", client.name, error)  # noqa: TRY400  # the message says all
                ended = started.stopped(str(error))
            run.begun.clients.append(ended)
            await progress.end(client.name, len(ended.result.rows), run.log)
            return ended

    return await side_by_side(one(client) for client in clients)


class _Started:
    """One client's run: started, waited for, started once more when its worker died, and read."""

    def __init__(self, client: str, run: Run) -> None:
        self.client = client
        self.flow_run: uuid.UUID | None = None
        self._run, self._log = run, run.log

    async def run(self, parameters: Mapping[str, Any], progress: Progress) -> ClientRun:
        for start in range(1, STARTS + 1):
            self.flow_run = await self._start(parameters, start)
            progress.tell(self.client, f"on a worker, flow run {self.flow_run}", 0)
            state = await self._end(self.flow_run)
            if not state.is_crashed() or start == STARTS:
                return self._read(state)
            self._log.warning("%s: its worker died (%s); starting it once more", self.client, state.message)
        raise AssertionError

    async def _start(self, parameters: Mapping[str, Any], start: int) -> uuid.UUID:
        """Start it; the key makes sure that an answer lost on the way does not start it twice."""
        name = run_names.named(self._run.name, self._run.month, [self.client])
        key = f"{self._run.flow_run}:{self._run.folder.name}:{self.client}:{start}"
        started = await self._answered(
            lambda: arun_deployment(
                DEPLOYMENT, parameters=dict(parameters), timeout=0, flow_run_name=name, idempotency_key=key
            )
        )
        self._log.info("%s: flow run %s is to run on a worker", self.client, started.id)
        return started.id

    async def _end(self, flow_run: uuid.UUID) -> State[Any]:
        """The state in which it ended."""

        async def read() -> State[Any] | None:
            async with get_client() as prefect:
                return (await prefect.read_flow_run(flow_run)).state

        while True:
            state = await self._answered(read)
            if state is not None and state.is_final():
                return state
            await asyncio.sleep(POLL_S)

    async def _answered[Answer](self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """The server's answer; a server that is away is asked until it is back: workers go on without it, and so do we."""
        away = False
        while True:
            try:
                return await ask()
            except Exception as error:
                if not _is_away(error):
                    raise
                if not away:
                    self._log.warning("%s: Prefect's server does not answer; asking on (%s)", self.client, error)
                away = True
            await asyncio.sleep(POLL_S)

    def _read(self, state: State[Any]) -> ClientRun:
        """What it left; of a run that left no result, how it ended."""
        output, since = self._run.folder.parent, run_record.begun_at(self._run.folder)
        record = run_record.find_flow_run(output, str(self.flow_run), since)
        if record is None:
            reason = f"its run on a worker ended as {state.name} and left no result in {output}"
            return self.stopped(f"{reason}: {state.message or 'no reason given'}")
        return ClientRun(self.client, _result(record, self.client), self.flow_run, record)

    def stopped(self, why: str, kind: str = UNFORESEEN) -> ClientRun:
        """How it ended when nothing is known of its rows."""
        return ClientRun(self.client, PlanResult(error=ErrorRecord(why, kind, self.client, PREFECT)), self.flow_run)

    async def cancel(self) -> None:
        """
        Let Prefect cancel it, if the gathering run was cancelled; it leaves its folder as any cancelled run.

        When only the gathering run's worker is stopped, it goes on, or is asked to end by that worker, too: asked a second
        time, it would not finish saving its folder.
        """
        if self.flow_run is None:
            return
        async with get_client() as prefect:
            state = (await prefect.read_flow_run(self.flow_run)).state
            if state is not None and not state.is_final() and await _was_cancelled(prefect, self._run.flow_run):
                await prefect.set_flow_run_state(self.flow_run, Cancelling())


async def _was_cancelled(prefect: PrefectClient, flow_run: uuid.UUID | None) -> bool:
    """Whether a person ended the run: on its page, or at the terminal, where no deployment runs."""
    if flow_run is None:
        return True
    run = await prefect.read_flow_run(flow_run)
    return run.deployment_id is None or run.state_type in (StateType.CANCELLING, StateType.CANCELLED)


def _is_away(error: Exception) -> bool:
    """Whether the server did not answer, or is not well; what it refuses stays refused."""
    if isinstance(error, PrefectHTTPStatusError):
        return error.response.status_code >= _NOT_WELL
    return type(error).__module__.partition(".")[0] == "httpx"  # Prefect's client lets its errors through


def _result(record: RunRecord, client: str) -> PlanResult:
    """The rows, as a run in this process would have them."""
    rows = [
        RowResult(
            row=row["row"],
            outcome=Outcome(row["outcome"]),
            key=row["key"] or "",
            problems=[Problem(**problem) for problem in row["problems"]],
        )
        for row in record.rows
    ]
    plan = record.plans.get(client, {})
    stopped_by = next((error for error in record.errors if error.client in ("", client)), None)
    error = dataclasses.replace(stopped_by, client=client) if stopped_by else None
    return PlanResult(by_row={row.row: row for row in rows}, error=error, seconds=plan.get("seconds", {}))


async def _check(log: Log) -> None:
    async with get_client() as prefect:
        try:
            await prefect.read_deployment_by_name(DEPLOYMENT)
        except ObjectNotFound:
            message = f"there is no deployment {DEPLOYMENT} on the server; run `make deploy`, or leave dispatch out"
            raise FixInputError("dispatch", message) from None
        if not await _workers_online(prefect):
            log.warning("no worker of the pool %s is online; the clients' runs wait until one is started", POOL)


async def _workers_online(prefect: PrefectClient) -> list[Worker]:
    try:
        known = await prefect.read_workers_for_work_pool(POOL)
    except ObjectNotFound:
        return []
    return [worker for worker in known if worker.status == WorkerStatus.ONLINE]
