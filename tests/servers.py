"""Servers that tests start themselves, on this machine, for as long as the test lasts."""

import asyncio
import contextlib
import http.server
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import filelock
import pytest
from prefect import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from blocks.google_credentials import GoogleCredentials
from blocks.jira_credentials import JiraCredentials
from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address, process, limit_s=120):
    """Until the server answers well."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"{address} did not answer within {limit_s} s")


class Databases:
    """Prefect's own database as a new server makes it: that takes 5 s of work, so it is made once for all test processes."""

    made_in: Path  # set when the session begins

    @classmethod
    def copy_to(cls, home: Path) -> Path:
        """Make a PREFECT_HOME with such a database."""
        made = cls.made_in / "prefect.db"
        with filelock.FileLock(cls.made_in / "prefect.lock"):
            if not made.exists():
                draft = cls.made_in / "draft"
                command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
                subprocess.run(command, env=environment_of(draft), capture_output=True, check=True)
                (draft / "prefect.db").rename(made)
        home.mkdir(parents=True)
        shutil.copy(made, home)
        return home


def environment_of(home: Path, **settings: str) -> dict[str, str]:
    """This process's environment with nothing of Prefect in it but that home and these settings."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return {**others, "PREFECT_HOME": str(home), "DO_NOT_TRACK": "1", **settings}


@contextlib.contextmanager
def prefect_server(folder, port=None, **settings):
    """A Prefect server with its pages, which the flows of this process report to; the address of its pages."""
    port = port or free_port()
    site = f"http://127.0.0.1:{port}"
    home = folder / "prefect"
    if not home.exists() and "PREFECT_SERVER_DATABASE_CONNECTION_URL" not in settings:
        Databases.copy_to(home)
    own = {"PREFECT_API_URL": f"{site}/api", "PREFECT_SERVER_ANALYTICS_ENABLED": "false", **settings}
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with process(command, folder / "server.log", environment_of(home, **own)) as server:
        wait_for(f"{site}/api/ready", server)
        with temporary_settings({PREFECT_API_URL: f"{site}/api"}):
            yield site


def save_credentials(box):
    """Register blocks that speak to the sandbox; what a run then needs from its environment beside them."""
    given = box.environment()
    google = GoogleCredentials(
        client_id=given["GOOGLE_CLIENT_ID"],
        client_secret=given["GOOGLE_CLIENT_SECRET"],
        refresh_token=given["GOOGLE_REFRESH_TOKEN"],
        api_endpoint=given["GOOGLE_API_ENDPOINT"],
        token_uri=given["GOOGLE_TOKEN_URI"],
    )
    jira = JiraCredentials(url=given["JIRA_URL"], username=given["JIRA_USERNAME"], token=given["JIRA_TOKEN"])

    async def save():
        await google.asave(GOOGLE_BLOCK, overwrite=True)
        await jira.asave(JIRA_BLOCK, overwrite=True)

    asyncio.run(save())
    return settings_beside_blocks(given)


def settings_beside_blocks(environment):
    """The environment without the sandbox's credentials and switch."""
    credentials = ("GOOGLE_", "JIRA_URL", "JIRA_USERNAME", "JIRA_TOKEN", "CONTENT_PLAN_SANDBOX")
    return {name: value for name, value in environment.items() if not name.startswith(credentials)}


def pause_schedules():
    """No schedule begins a run from now on: a quarter of an hour may strike in any test."""

    async def pause():
        async with get_client() as prefect:
            for deployment in await prefect.read_deployments():
                for schedule in deployment.schedules:
                    await prefect.update_deployment_schedule(deployment.id, schedule.id, active=False)

    asyncio.run(pause())


@contextlib.contextmanager
def process(command, log, environment=None):
    """A program for as long as the block lasts; asked to end, and killed when it does not."""
    with log.open("w") as file:
        started = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
        try:
            yield started
        finally:
            started.terminate()
            try:
                started.wait(30)
            except subprocess.TimeoutExpired:
                started.kill()
                started.wait()


class Gate:
    """The way to a server, which can be shut: as if it were away, without its being stopped."""

    def __init__(self, port):
        self._there, self.port, self._open = port, free_port(), []
        self._door = None
        self.open()

    def open(self):
        if self._door is not None:
            return
        self._door = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._let_in, args=(self._door,), daemon=True).start()

    def shut(self):
        for one in (self._door, *self._open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open.clear()
        self._door = None

    def _let_in(self, door):
        with contextlib.suppress(OSError):
            while True:
                here, _ = door.accept()
                there = socket.create_connection(("127.0.0.1", self._there))
                self._open += [here, there]
                for pair in ((here, there), (there, here)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    @staticmethod
    def _carry(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


class Database:
    """A PostgreSQL of Debian's package with an empty database, which can be killed and started again; `url` is for Prefect."""

    def __init__(self, folder):
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
        if not programs:
            missing("postgresql", "PostgreSQL")
        self._log, self._port, self._binaries = folder / "postgres.log", free_port(), programs[-1].parent
        self._as_owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        self._data = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest's own folders are closed to other users
        self._running = contextlib.ExitStack()
        self.url = f"postgresql+asyncpg://postgres@127.0.0.1:{self._port}/postgres"
        if self._as_owner:
            os.chown(self._data, pwd.getpwnam("postgres").pw_uid, -1)
        subprocess.run(
            [*self._as_owner, self._program("initdb"), "-D", self._data / "db", "-A", "trust", "-U", "postgres"],
            check=True,
            capture_output=True,
            cwd="/",
        )

    def _program(self, name):
        return str(self._binaries / name)

    def start(self):
        options = [
            "-p",
            str(self._port),
            "-c",
            "listen_addresses=127.0.0.1",
            "-k",
            self._data,
            "-c",
            "max_connections=200",
        ]
        command = [*self._as_owner, self._program("postgres"), "-D", self._data / "db", *options]
        ready = [self._program("pg_isready"), "-h", "127.0.0.1", "-p", str(self._port)]
        until = time.monotonic() + 60
        self._server = None
        while subprocess.run(ready, check=False, capture_output=True).returncode:
            assert time.monotonic() < until, self._log.read_text()
            if self._server is None or self._server.poll() is not None:  # one that was killed may still be going
                self._server = self._running.enter_context(process(command, self._log))
            time.sleep(0.2)

    def kill(self):
        """As if its machine lost power, or nearly: nothing is written any more."""
        first = int((self._data / "db/postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        self._server.wait(30)
        self._running.close()

    def remove(self):
        self._running.close()
        shutil.rmtree(self._data, ignore_errors=True)


@contextlib.contextmanager
def postgres(folder):
    """A PostgreSQL with an empty database; its address for Prefect."""
    database = Database(folder)
    try:
        database.start()
        yield database.url
    finally:
        database.remove()


def missing(package, name):
    """A package of the system is not there: the test is skipped, or fails where all of them are wanted."""
    message = f"{name} is not installed: apt-get install {package}"
    if os.environ.get("SYSTEM_PACKAGES") == "required":
        pytest.fail(message)
    pytest.skip(message)


@contextlib.contextmanager
def webhook():
    """A receiver of webhooks: its address, and what it was sent."""
    received = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_given):
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_address[1]}/", received
        server.shutdown()
