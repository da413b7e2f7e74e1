"""Two replicas of the API behind Redis, with the commands and the environment that docker-compose.yml gives them."""

import base64
import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml

from tests.servers import free_port, missing, postgres, process, wait_for

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    "COMPOSE_PROFILES": "redis",
    "PREFECT_AUTH_STRING": "team:secret",
    "POSTGRES_PASSWORD": "secret",
    "PREFECT_SERVER_ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
    "JUPYTER_TOKEN": "secret",
}
FLOW = """
import sys, time
from prefect import flow, task

@task
def wait(seconds):
    time.sleep(seconds)

@flow(flow_run_name="{name}")
def wait_in_a_task(name, seconds):
    wait(seconds)

wait_in_a_task(sys.argv[1], float(sys.argv[2]))
"""


def substituted(text):
    """As compose puts variables into the file: ${A}, ${A:-otherwise}, ${A:?message}, ${A:+if set}."""

    def value(match):
        name, how, word = match.groups()
        given = ENVIRONMENT.get(name, "")
        if how == ":+":
            return word if given else ""
        return given or (word if how == ":-" else "")

    return re.sub(r"\$\{(\w+)(?:(:[-?+])([^}]*))?\}", value, text)


COMPOSE = yaml.safe_load(substituted((ROOT / "docker-compose.yml").read_text()))


class Client:
    """A replica, as a flow and as a reader sees it."""

    def __init__(self, port):
        self.api = f"http://127.0.0.1:{port}/api"

    def run(self, name, seconds, folder):
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
            "PREFECT_API_URL": self.api,
            "PREFECT_API_AUTH_STRING": ENVIRONMENT["PREFECT_AUTH_STRING"],
            "PREFECT_HOME": str(folder / "client"),
        }
        script = folder / "flow.py"
        script.write_text(FLOW)
        return process([sys.executable, script, name, str(seconds)], folder / f"{name}.log", environment)

    def _read(self, kind):
        login = base64.b64encode(ENVIRONMENT["PREFECT_AUTH_STRING"].encode()).decode()
        headers = {"Authorization": f"Basic {login}", "Content-Type": "application/json"}
        asked = urllib.request.Request(f"{self.api}/{kind}/filter", b"{}", headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)

    def states(self):
        """By run: the state of the flow run, and of its task's run."""
        tasks = {task["flow_run_id"]: task["state_type"] for task in self._read("task_runs")}
        return {run["name"]: (run["state_type"], tasks.get(run["id"])) for run in self._read("flow_runs")}

    def wait_until(self, expected, limit_s=60):
        until = time.monotonic() + limit_s
        while not expected.items() <= (states := self.states()).items():
            assert time.monotonic() < until, states
            time.sleep(0.3)


@contextlib.contextmanager
def redis(folder):
    if shutil.which("redis-server") is None:
        missing("redis-server", "Redis")
    port = free_port()
    command = COMPOSE["services"]["redis"]["command"]
    place = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    with process([*command, *place], folder / "redis.log"):
        until = time.monotonic() + 30
        while subprocess.run(["redis-cli", "-p", str(port), "ping"], check=False, capture_output=True).returncode:
            assert time.monotonic() < until, (folder / "redis.log").read_text()
            time.sleep(0.1)
        yield port


@contextlib.contextmanager
def replica(service, database, redis_port, folder):
    """The service of compose as a process of this machine: only names of hosts and ports differ."""
    port, home = free_port(), folder / service
    command = COMPOSE["services"][service]["command"]
    command = shlex.split(command) if isinstance(command, str) else command
    here = {
        "0.0.0.0": "127.0.0.1",
        ".venv/bin/prefect": str(Path(sys.executable).with_name("prefect")),
    }
    command = [here.get(word, word).replace("redis:6379", f"127.0.0.1:{redis_port}") for word in command]
    given = COMPOSE["services"][service]["environment"]
    assert given["PREFECT_REDIS_MESSAGING_HOST"] == "redis"
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")},
        **{key: value.replace("redis:6379", f"127.0.0.1:{redis_port}") for key, value in given.items()},
        "PREFECT_API_DATABASE_CONNECTION_URL": database,
        "PREFECT_SERVER_API_HOST": "127.0.0.1",
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
        "PREFECT_REDIS_MESSAGING_HOST": "127.0.0.1",
        "PREFECT_REDIS_MESSAGING_PORT": str(redis_port),
        "PREFECT_HOME": str(home),
    }
    with process(command, folder / f"{service}.log", environment) as server:
        client = Client(port)
        wait_for(f"{client.api}/ready", server, 240)
        yield client, server


@pytest.mark.timeout(900)
def test_two_replicas_share_runs_and_one_goes_on_when_the_other_is_killed(tmp_path):
    both = ("COMPLETED", "COMPLETED")
    with redis(tmp_path) as redis_port, postgres(tmp_path) as database:
        with (
            replica("prefect", database, redis_port, tmp_path) as (first, _),
            replica("api", database, redis_port, tmp_path) as (second, second_server),
        ):
            for client, name in ((first, "one"), (second, "two")):
                with client.run(name, 0, tmp_path) as run:
                    assert run.wait(180) == 0, (tmp_path / f"{name}.log").read_text()
            # Task runs are made of events by the server alone: those of the second replica came through Redis.
            for client in (first, second):
                client.wait_until({"one": both, "two": both})

            with first.run("three", 15, tmp_path) as run:
                first.wait_until({"three": ("RUNNING", "RUNNING")}, 120)
                second_server.kill()
                second_server.wait()
                assert run.wait(180) == 0, (tmp_path / "three.log").read_text()
            first.wait_until({"three": both})
        for service in ("prefect", "api"):
            assert "Traceback" not in (tmp_path / f"{service}.log").read_text()
