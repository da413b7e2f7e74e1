"""Servers that tests start themselves, on this machine, for as long as the test lasts."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

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
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"{site}/api/ready", process)
            with temporary_settings({PREFECT_API_URL: f"{site}/api"}):
                yield site
        finally:
            process.terminate()
            process.wait(30)
