"""The port of the standing server, read before Prefect is imported."""

import socket
from collections.abc import Sequence

from lib import command

HOST = "127.0.0.1"
_LAST_PORT = 65_535


def serve(*, port: int = 4200) -> None:
    """
    Start Prefect's server on this machine, with a login and a database of your own.

    Args:
        port: Where it listens.

    Example:
        python flows/prefect_server.py --port 4201
    """


def read(argv: Sequence[str] | None = None) -> int:
    """
    The port that the server was asked to listen on, of those that are free.

    Raises:
        SystemExit: Help was asked for; or the port cannot be used, exit code 2.
    """
    port: int = command.read(serve, argv, program="python flows/prefect_server.py")["port"]
    if not 1 <= port <= _LAST_PORT:
        command.refuse(f"--port: {port} is no port; write a number from 1 to {_LAST_PORT}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            command.refuse(
                f"--port: {HOST}:{port} cannot be listened on ({error.strerror}); end what does, or name another"
            )
    return port
