"""Servers that tests start themselves, on this machine, for as long as the test lasts."""

import contextlib
import http.server
import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(address, process, limit_s=120):
    """Until the server answers well."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        assert process.poll() is None, "the server ended"
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(address, timeout=5):
            return
        time.sleep(0.2)
    raise AssertionError(f"{address} did not answer within {limit_s} s")


@contextlib.contextmanager
def prefect_server(folder, **settings):
    """A Prefect server with its pages, which the flows of this process report to; the address of its pages."""
    port = free_port()
    site = f"http://127.0.0.1:{port}"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"{site}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        **settings,
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with process(command, folder / "server.log", environment) as server:
        wait_for(f"{site}/api/ready", server)
        with temporary_settings({PREFECT_API_URL: f"{site}/api"}):
            yield site


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


@contextlib.contextmanager
def postgres(folder):
    """A PostgreSQL of Debian's package with an empty database; its address for Prefect."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not programs:
        message = "PostgreSQL is not installed: apt-get install postgresql"
        if os.environ.get("SYSTEM_PACKAGES") == "required":
            pytest.fail(message)
        pytest.skip(message)
    binaries, port = programs[-1].parent, free_port()
    as_owner = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    data = Path(tempfile.mkdtemp(prefix="postgres-"))  # pytest's own folders are closed to other users
    try:
        if as_owner:
            os.chown(data, pwd.getpwnam("postgres").pw_uid, -1)
        initdb = [*as_owner, str(binaries / "initdb"), "-D", str(data / "db"), "-A", "trust", "-U", "postgres"]
        subprocess.run(initdb, check=True, capture_output=True, cwd="/")
        options = ["-p", str(port), "-c", "listen_addresses=127.0.0.1", "-k", str(data), "-c", "max_connections=200"]
        with process(
            [*as_owner, str(binaries / "postgres"), "-D", str(data / "db"), *options], folder / "postgres.log"
        ):
            ready = [str(binaries / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
            until = time.monotonic() + 60
            while subprocess.run(ready, check=False, capture_output=True).returncode:
                assert time.monotonic() < until, (folder / "postgres.log").read_text()
                time.sleep(0.2)
            yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(data, ignore_errors=True)


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
