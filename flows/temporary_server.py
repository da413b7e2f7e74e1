"""A command's temporary Prefect server, in a process of its own.

Prefect's own way to start one has the command import all of the server first, for seconds, and waits until it is ready.
"""

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

from prefect.settings import get_current_settings

from blocks import own_server
from flows import prefect_settings
from flows.server_port import HOST

STOP_S = 5

# Ends with whoever started it, however that ended: the other end of its standard input is closed then.
_UNTIL_ALONE = """
import os, signal, socket, sys, threading, time
def end():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(10)
    os._exit(1)
threading.Thread(target=end, daemon=True).start()
import uvicorn
server = uvicorn.Config("prefect.server.api.server:create_app", factory=True, lifespan="on", log_level="error")
uvicorn.Server(server).run(sockets=[socket.socket(fileno=int(sys.argv[1]))])
"""


def start() -> None:
    """
    Start one that ends with this process, after its last log, and make it the one of this process's Prefect.

    Who asks it before it is ready waits: its socket listens from now on. It is out of the reach of Ctrl-C: a terminal sends
    that to all processes of a command, and a run without its server waits minutes for it before it ends.
    """
    with (
        own_server.closed_to_others(),
        socket.create_server((HOST, 0)) as listening,
        _as_the_server_inherits_it(),
    ):
        settings = get_current_settings().to_environment_variables(exclude_unset=True)
        server = subprocess.Popen(  # noqa: S603  # our own command
            [sys.executable, "-c", _UNTIL_ALONE, str(listening.fileno())],
            stdin=subprocess.PIPE,
            pass_fds=[listening.fileno()],
            env={
                **prefect_settings.TASK_RUNS_TOGETHER,
                **os.environ,
                "PREFECT_UI_ENABLED": "0",
                "PREFECT__SERVER_EPHEMERAL": "1",
                "PREFECT__SERVER_FINAL": "1",
                **settings,
            },
        )
        port = listening.getsockname()[1]
    atexit.register(_stop, server)
    prefect_settings.use(own_server.settings_of_client(f"http://{HOST}:{port}/api"))


def _stop(server: "subprocess.Popen[bytes]") -> None:
    server.terminate()
    try:
        server.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


@contextlib.contextmanager
def _as_the_server_inherits_it() -> Iterator[None]:
    """Ctrl-C does not reach what is started here, and nobody else may read the files that it makes."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    modes = os.umask(own_server.OTHERS)
    try:
        yield
    finally:
        os.umask(modes)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
