"""Prefect for the commands that are timed: a database that is set up already, and a server that already runs."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from flows import prefect_settings

_START_S = 120
_OTHERS = ("PREFECT_", "GOOGLE_", "JIRA_", "CLIENTS_SPREADSHEET_ID", "OAUTHLIB_", "CONTENT_PLAN_", "OUTPUT_")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def environment(home: Path, more: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with nothing of anybody's services or servers in it but that home, and these settings."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_OTHERS) and name.lower() not in _PROXIES
    }
    prefect = {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": str(_START_S),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return {**kept, **prefect, **more}


def make_database(home: Path) -> None:
    """Set Prefect's database up in that home, as the first start of a server does."""
    command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
    subprocess.run(command, env=environment(home, {}), cwd=home.parent, capture_output=True, check=True)


def copy_home(made: Path, home: Path) -> Path:
    """A home of its own with that database."""
    home.mkdir()
    shutil.copy(made / "prefect.db", home)
    return home


@dataclass(frozen=True)
class RunningServer:
    """A Prefect server that runs."""

    url: str
    home: Path
    process: psutil.Process

    @property
    def cpu_s(self) -> float:
        """What it has used up to now."""
        total = 0.0
        for one in (self.process, *self.process.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system
        return total


@contextlib.contextmanager
def running(home: Path) -> Iterator[RunningServer]:
    """A server with the database in that home, for as long as the block lasts; it records task runs as that of `make server` does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command = [
        sys.executable,
        "-m",
        "prefect",
        "server",
        "start",
        "--no-ui",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (home.parent / "server.txt").open("wb") as log:
        settings = environment(home, {"PREFECT_API_URL": url, **prefect_settings.TASK_RUNS_TOGETHER})
        process = subprocess.Popen(command, env=settings, cwd=home.parent, stdout=log, stderr=log)
        try:
            _await(f"{url}/ready", process)
            yield RunningServer(url, home, psutil.Process(process.pid))
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await(address: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_S
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), opener.open(address, timeout=5):
            return
        time.sleep(0.2)
    raise RuntimeError("Prefect's server did not start")
