"""Serve the sandbox until Ctrl-C: `python -m sandbox --help`."""

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import NoReturn

from sandbox.server import Sandbox
from sandbox.state_file import StateFileError

_DESCRIPTION = """\
A local Google (OAuth, Sheets v4, Drive v3) and Jira Cloud (REST v3) over real HTTP, for development and tests.
Nothing leaves this machine. Open the printed address in a browser to look at plans, issues and the journal."""

_EPILOG = """\
example:
  python -m sandbox --state .sandbox/state.json      keep what is done between two starts
  python -m sandbox -- jupyter lab                    JupyterLab on the sandbox
  curl -X POST http://127.0.0.1:8089/sandbox/faults -d '{"operation": "createIssues", "kind": "reset-after"}'
"""


class _Parser(argparse.ArgumentParser):
    """Refuses in one line; the usage would hide what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {' '.join(message.split()).removeprefix('argument ')}; see --help\n")


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; write a number from 0 (any) to 65535")
    return port


def _path(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; write a path")
    return Path(text)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text} cannot be used; write a number of seconds from 0 to 3600")
    return seconds


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = _Parser(
        prog="python -m sandbox",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8089, help="port to listen on, 0 for any (default: %(default)s)")
    parser.add_argument("--state", type=_path, metavar="PATH", help="JSON file that keeps the state between two starts")
    parser.add_argument("--index-lag", type=_seconds, default=2.0, metavar="SECONDS",
                        help="how long Jira's search takes to see a change (default: %(default)s)")  # fmt: skip
    parser.add_argument("--reset", action="store_true", help="forget what the state file holds and begin anew")
    parser.add_argument("--no-seed", action="store_true", help="begin without client lists, plans and issues")
    parser.add_argument(
        "command", nargs="*", help="after --: a program to run with the sandbox's settings; both end together"
    )
    chosen = parser.parse_args(arguments)
    if chosen.command and shutil.which(chosen.command[0]) is None:
        parser.error(f"there is no program {chosen.command[0]!r}; write its name or path behind --")
    try:
        if chosen.reset and chosen.state is not None:
            chosen.state.unlink(missing_ok=True)
        if chosen.state is not None:
            chosen.state.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _fail(f"--state {chosen.state}: {error.strerror}; name a file in a folder that this user may write to")
    try:
        box = Sandbox(
            chosen.port, chosen.state, chosen.index_lag, seed=not chosen.no_seed, host=chosen.host
        )  # fmt: skip
        return _run(box, chosen.command) if chosen.command else _serve(box)
    except StateFileError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"cannot listen on {chosen.host}:{chosen.port}: {error.strerror or error}; name another --port")


def _serve(box: Sandbox) -> int:
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    with box:
        print(f"The sandbox is at {box.url}. Point a client at it with:\n", flush=True)  # noqa: T201 - a command line
        for name, value in box.environment().items():
            print(f"export {name}={shlex.quote(value)}", flush=True)  # noqa: T201 - a command line
        print("\nCtrl-C ends it.", flush=True)  # noqa: T201 - a command line
        stop.wait()
    return 0


def _run(box: Sandbox, command: list[str]) -> int:
    """Run a program that finds the sandbox in its environment, and only the sandbox; its exit code."""
    with box:
        print(f"The sandbox is at {box.url}", flush=True)  # noqa: T201 - a command line
        environment = {**os.environ, **box.environment(), "CONTENT_PLAN_SANDBOX": "1"}
        program = subprocess.Popen(command, env=environment)  # noqa: S603 - what the person typed
        signal.signal(signal.SIGTERM, lambda *_: program.terminate())
        signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the program itself, which may ask before it ends
        return program.wait()


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)  # noqa: T201 - a command line
    return 1


if __name__ == "__main__":
    sys.exit(main())
