"""
A fleet on one machine: PostgreSQL, a Prefect server, workers, a sandbox; each can be killed and started again.

Runs find the sandbox by the blocks on that server, as they find Google and Jira: the switch of the sandbox would skip them.
"""

import asyncio
import contextlib
import datetime as dt
import json
import os
import signal
import sys
import uuid
from pathlib import Path

import pytest
from prefect import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Cancelling
from pydantic import SecretStr

from flows import deploy
from lib.services import rate_limits
from lib.settings import ROOT
from sandbox.server import Sandbox
from tests.desk import add_clients, made
from tests.processes import wait_until
from tests.servers import (
    Database,
    free_port,
    pause_schedules,
    process,
    save_credentials,
    settings_beside_blocks,
    wait_for,
)

MONTH = "Juli 2026"
GONE_AFTER = dt.timedelta(seconds=130)  # two heartbeats and a bit
LONG_S = 1200


class Fleet:
    """Clients with a plan each, and all that it takes to make their issues on workers."""

    def __init__(self, folder, box, clients, rows):
        self.folder, self.box, self.rows = folder, box, rows
        listed, self.plans = add_clients(box.google, clients, rows, MONTH)
        self.output = folder / "output"
        self.port = free_port()
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.database = Database(folder)
        self.job = {
            **settings_beside_blocks(box.environment()),
            "CLIENTS_SPREADSHEET_ID": listed,
            "RETRY_DELAY_SECONDS": "1",
            "SETTLE_SECONDS": "3",
        }
        self._server = contextlib.ExitStack()
        self._workers = {}

    # What runs

    def start_server(self):
        environment = {
            **_without_prefect(),
            "PREFECT_HOME": str(self.folder / "server"),
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": self.database.url,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "10",
        }
        command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(self.port)]
        self.server = self._server.enter_context(process(command, self.folder / "server.log", environment))
        wait_for(f"{self.api}/ready", self.server)

    def kill_server(self):
        self.server.send_signal(signal.SIGKILL)
        self._server.close()

    def start_worker(self, name):
        mark = uuid.uuid4().hex
        environment = {
            **_without_prefect(),
            **self.job,
            "MARK_OF_WORKER": mark,
            "KERNEL_ENVIRONMENT": "MARK_OF_WORKER",
            "PREFECT_HOME": str(self.folder / name),
            "PREFECT_API_URL": self.api,
            "PREFECT_WORKER_QUERY_SECONDS": "2",
        }
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", deploy.POOL, "--type", "process"]
        command += ["--limit", "5"]  # or the one that asks first takes all runs
        running = contextlib.ExitStack()
        running.enter_context(process([*command, "--name", name], self.folder / f"{name}.log", environment))
        self._workers[name] = (mark, running)

    def kill_worker(self, name):
        """The worker and all that it started, at once, as when its machine goes."""
        mark, running = self._workers.pop(name)
        for number in _wearing(mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        running.close()

    def worker_of(self, flow_run):
        """The worker whose machine a flow run is on; None before it has begun."""
        on = _wearing(str(flow_run))
        return next((name for name, (mark, _) in self._workers.items() if on & _wearing(mark)), None)

    def close(self):
        for name in list(self._workers):
            self.kill_worker(name)
        self._server.close()
        self.database.remove()

    # What is asked of it

    def deploy(self, alert_url):
        save_credentials(self.box)
        asyncio.run(deploy.deploy(SecretStr(alert_url), str(ROOT), gone_after=GONE_AFTER))
        pause_schedules()

    def limit(self, **quota):
        """The fleet's limits, by the names of lib.services.rate_limits: (at once, a second)."""

        async def put():
            async with get_client() as prefect:
                for name, (burst, per_second) in quota.items():
                    name = getattr(rate_limits, name).name  # noqa: PLW2901
                    await prefect.upsert_global_concurrency_limit_by_name(name, burst, per_second)

        asyncio.run(put())

    def start(self, deployment="content-plan-to-jira/create", **parameters):
        """Ask for a run; its id."""
        given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(self.output), **parameters}

        async def ask():
            async with get_client() as prefect:
                known = await prefect.read_deployment_by_name(deployment)
                return (await prefect.create_flow_run_from_deployment(known.id, parameters=given)).id

        return asyncio.run(ask())

    def state(self, flow_run):
        async def read():
            async with get_client() as prefect:
                return (await prefect.read_flow_run(flow_run)).state

        return asyncio.run(read())

    def wait(self, flow_run, limit_s=LONG_S):
        wait_until(lambda: self.state(flow_run).is_final(), limit_s, pause_s=2)
        return self.state(flow_run)

    def cancel(self, flow_run):
        """As the button on its page does."""

        async def put():
            async with get_client() as prefect:
                await prefect.set_flow_run_state(flow_run, Cancelling())

        asyncio.run(put())

    def client_runs(self):
        """The runs of single clients, by id with their states."""

        async def read():
            async with get_client() as prefect:
                runs = await prefect.read_flow_runs(limit=200)
            return {run.id: run.state for run in runs if deploy.PART_TAG in run.tags}

        return asyncio.run(read())

    def result(self, flow_run):
        for path in self.output.glob("*/result.json"):
            result = json.loads(path.read_text())
            if result["flow_run_id"] == str(flow_run):
                return result
        raise AssertionError(f"{flow_run} left no result; workers said {self.said()}")

    def said(self):
        return {path.name: path.read_text()[-3000:] for path in self.folder.glob("*.log")}

    def assert_every_row_once(self):
        wanted = {f"Topik {n}": len(self.plans) for n in range(1, self.rows + 1)}
        assert {topic: len(keys) for topic, keys in made(self.box).items()} == wanted
        keys = [row[-1] for plan in self.plans for row in self.box.google.grid(plan, "Juli")[1:]]
        assert sorted(keys) == sorted(key for found in made(self.box).values() for key in found)


def _without_prefect():
    kept = settings_beside_blocks(os.environ)
    kept = {name: value for name, value in kept.items() if not name.startswith("PREFECT_")}
    return {**kept, "DO_NOT_TRACK": "1"}


def _wearing(mark):
    """Processes that have this text in their environment."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (path / "environ").read_bytes():
                found.add(int(path.name))
    return found


@pytest.fixture
def fleet(tmp_path):
    """A fleet without workers, set up and deployed."""
    made_fleets = []

    def make(clients, rows, workers=(), alert_url="", **limits):
        box = stack.enter_context(Sandbox(index_lag_s=1, seed=False))
        fleet = Fleet(tmp_path, box, clients, rows)
        made_fleets.append(fleet)
        fleet.database.start()
        fleet.start_server()
        stack.enter_context(temporary_settings({PREFECT_API_URL: fleet.api}))
        fleet.deploy(alert_url)
        fleet.limit(**limits)
        for name in workers:
            fleet.start_worker(name)
        return fleet

    with contextlib.ExitStack() as stack:
        yield make
        for one in made_fleets:
            one.close()
