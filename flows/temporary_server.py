"""The process of a command's temporary Prefect server."""

import os
import subprocess
import sys

from prefect.server.api.server import SubprocessASGIServer
from prefect.settings import get_current_settings

from flows.server_port import HOST

# Ends with whoever started it, however that ended: the other end of its standard input is closed then.
_UNTIL_ALONE = """
import os, runpy, signal, threading, time
def end():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    os._exit(1)
threading.Thread(target=end, daemon=True).start()
runpy.run_module("uvicorn", run_name="__main__", alter_sys=True)
"""


class TemporaryServer(SubprocessASGIServer):
    """Prefect's temporary server that ends with this process also when that is killed."""

    def _run_uvicorn_command(self) -> "subprocess.Popen[bytes]":
        app = ["--factory", "prefect.server.api.server:create_app", "--lifespan", "on", "--log-level", "error"]
        return subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-c", _UNTIL_ALONE, *app, "--host", HOST, "--port", str(self.port)],
            stdin=subprocess.PIPE,
            env={
                **os.environ,
                "PREFECT_UI_ENABLED": "0",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
                **get_current_settings().to_environment_variables(exclude_unset=True),
            },
        )
