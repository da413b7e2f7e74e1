"""Serve the sandbox until Ctrl-C: `python -m sandbox --help`."""

import inspect
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from cyclopts import App, CycloptsError, Parameter

if TYPE_CHECKING:
    from sandbox.server import Sandbox

_EPILOG = """\
Examples:
  python -m sandbox --state .sandbox/state.json
  python -m sandbox -- jupyter lab
  curl -X POST http://127.0.0.1:8089/sandbox/faults \\
    -d '{"operation": "createIssues", "kind": "reset-after"}'

Exit codes:
  0  it was ended; with a program behind --, the program's own code
  1  it could not be opened
  2  an argument was refused"""


def sandbox(
    *command: str,
    host: str = "127.0.0.1",
    port: int = 8089,
    state: str | None = None,
    index_lag: float = 2.0,
    reset: bool = False,
    seed: bool = True,
) -> None:
    """
    A local Google (OAuth, Sheets v4, Drive v3) and Jira Cloud (REST v3) over real HTTP, for development and tests.

    Nothing leaves this machine. Open the printed address in a browser to look at plans, issues and the journal.

    Args:
        command: After --: a program to run with the sandbox's settings; both end together.
        host: Address to listen on.
        port: Port to listen on, 0 for any.
        state: JSON file that keeps the state between two starts.
        index_lag: How many seconds Jira's search takes to see a change.
        reset: Forget what the state file holds and begin anew.
        seed: Begin with client lists, plans and issues.
    """


def _read(argv: list[str] | None) -> dict[str, Any]:
    """The arguments, each as it can be used."""
    app = App(
        name="python -m sandbox",
        help="\n\n".join((inspect.getdoc(sandbox) or "").split("\n\n")[:2]),
        help_format="plaintext",
        help_epilogue=_EPILOG,
        version_flags=[],
        default_parameter=Parameter(allow_repeating=True, negative_iterable=()),
    )
    app.default(sandbox)
    try:
        called, bound, _ = app.parse_args(
            sys.argv[1:] if argv is None else argv, exit_on_error=False, print_error=False
        )
    except CycloptsError as error:
        _refuse(str(error))
    if called is not sandbox:  # that shows the help
        called(*bound.args, **bound.kwargs)
        raise SystemExit(0)
    bound.apply_defaults()
    given = bound.arguments
    if not 0 <= given["port"] <= 65535:
        _refuse(f"--port: {given['port']} is no port; write a number from 0 (any) to 65535")
    if not 0 <= given["index_lag"] <= 3600:
        _refuse(f"--index-lag: {given['index_lag']} cannot be used; write a number of seconds from 0 to 3600")
    if given["state"] is not None and not given["state"].strip():
        _refuse("--state: is empty; write a path")
    if given["command"] and shutil.which(given["command"][0]) is None:
        _refuse(f"there is no program {given['command'][0]!r}; write its name or path behind --")
    return {**given, "state": None if given["state"] is None else Path(given["state"])}


def _refuse(message: str) -> NoReturn:
    """End in one line; the usage would hide what is wrong."""
    said = "".join(one if one.isprintable() else repr(one)[1:-1] for one in " ".join(message.split())).rstrip(".")
    print(f"error: {said}{' See' if said.endswith('?') else '; see'} --help", file=sys.stderr)  # noqa: T201 - a command line
    raise SystemExit(2)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    chosen = _read(argv)
    from sandbox.server import Sandbox  # noqa: PLC0415 - what a wrong flag need not wait for
    from sandbox.state_file import StateFileError  # noqa: PLC0415

    state, command = chosen["state"], list(chosen["command"])
    try:
        if chosen["reset"] and state is not None:
            state.unlink(missing_ok=True)
        if state is not None:
            state.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _fail(f"--state {state}: {error.strerror}; name a file in a folder that this user may write to")
    try:
        box = Sandbox(chosen["port"], state, chosen["index_lag"], seed=chosen["seed"], host=chosen["host"])
        return _run(box, command) if command else _serve(box)
    except StateFileError as error:
        return _fail(str(error))
    except OSError as error:
        where = f"{chosen['host']}:{chosen['port']}"
        return _fail(f"cannot listen on {where}: {error.strerror or error}; name another --port")


def _serve(box: "Sandbox") -> int:
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


def _run(box: "Sandbox", command: list[str]) -> int:
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
