"""A flow as a command: its arguments (`flows.arguments`), the sandbox on request, a summary at the end, an exit code.

Exit codes: 0 done; 1 the run failed, or a client could not be read or finished; 2 an argument was refused, or rows were
rejected, are uncertain or flagged.
"""

import contextlib
import inspect
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows import arguments, library_log, prefect_api, prefect_server, printing, progress
from flows.reporting_flow import ReportingFlow, Result, exit_code, run_to_end
from flows.run_in_folder import output_folder
from lib import error_line
from lib.errors import FixInputError, WorkflowError
from lib.settings import ROOT, SANDBOX_SWITCH, Settings, in_sandbox
from lib.terminal import steady

SANDBOX_PORT = 8089
_SERVICES = ("GOOGLE_", "JIRA_", "PREFECT_", "CLIENTS_SPREADSHEET_ID", "OAUTHLIB_")


@steady()
def main(
    flow: ReportingFlow,
    argv: Sequence[str] | None = None,
    *,
    positional: Sequence[str] = (),
    show: Callable[[Result], None] | None = None,
) -> int:
    """
    Run the flow with the parameters of the command line (`positional` without flags); show what came of it; the exit code.

    Raises:
        SystemExit: An argument or a setting cannot be used; or Ctrl-C, and the message says what there is of the run.
    """
    given = arguments.read(arguments.of_function(flow.fn, positional), argv)
    parameters = {name: value for name, value in given.items() if name not in arguments.OWN and value is not None}
    if given["sandbox"] and not in_sandbox():
        command = _command(flow, parameters, positional)
        return run_in_sandbox(command, state=given["sandbox_state"], keep_open=given["keep_open"])
    library_log.show()  # before anything is logged
    with error_line.shown(WorkflowError):
        prefect_api.check()
    output = output_folder(parameters.get("output_dir"), Settings.read())
    before = printing.runs(output, flow.name)
    try:
        prefect_server.start_temporary()
        with progress.shown_on_terminal():
            result = run_to_end(flow, **parameters)
    except KeyboardInterrupt:
        sys.exit(printing.stopped(printing.runs(output, flow.name) - before))
    (show or printing.show_outcomes)(result)
    return exit_code(result)


def _command(flow: ReportingFlow, parameters: Mapping[str, Any], positional: Sequence[str]) -> list[str]:
    """The command line that runs the flow in the sandbox with these parameters."""
    from sandbox.seed import seed  # noqa: PLC0415  # only who asks for the sandbox pays for it

    names = inspect.signature(flow.fn).parameters
    known = {"target_month": seed.MONTH, "output_dir": os.environ.get("OUTPUT_DIR") or str(ROOT / "output")}
    given = {**{name: value for name, value in known.items() if name in names}, **parameters}
    if "delay_seconds" in names and given["delay_seconds"] == names["delay_seconds"].default:
        given["delay_seconds"] = (0, 0)
    given["output_dir"] = str(Path(given["output_dir"]).resolve())
    return [sys.executable, inspect.getfile(inspect.unwrap(flow.fn)), *_flags(given, positional)]


def run_in_sandbox(command: Sequence[str], *, state: Path, keep_open: bool) -> int:
    """Run the command in a process that knows nothing but the sandbox; its exit code."""
    from sandbox.server import Sandbox  # noqa: PLC0415
    from sandbox.state_file import StateFileError  # noqa: PLC0415

    state = state.resolve()
    with contextlib.ExitStack() as opened:
        try:
            (state / "prefect").mkdir(mode=0o700, parents=True, exist_ok=True)
            box = opened.enter_context(Sandbox(port=_free_port(), state_path=state / "state.json"))
        except StateFileError as error:
            problem = str(error).partition(";")[0]
            error_line.show(FixInputError("--sandbox-state", f"{problem}; remove it, or name another folder"))
            return 1
        print(f"The sandbox of this run is at {box.url}", flush=True)
        with subprocess.Popen(command, env=_environment(box.environment(), state), cwd=state) as run:  # noqa: S603  # our own command
            code, stopped = _wait(run)
        keep_open = keep_open and not stopped
        print(
            f"Sandbox: {box.url} shows the sheets and the issues{'' if keep_open else '; `make sandbox` opens it again'}"
        )
        if keep_open:
            print("Ctrl-C closes it.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    return code


def _wait(run: "subprocess.Popen[bytes]") -> tuple[int, bool]:
    """Its exit code, and whether Ctrl-C was pressed: that is for the run, which saves what it has done while we wait on."""
    stopped = False
    while True:
        try:
            return run.wait(), stopped
        except KeyboardInterrupt:
            stopped = True


def _free_port() -> int:
    """The sandbox's usual port, or any when that one is taken."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", SANDBOX_PORT))
        except OSError:
            return 0
    return SANDBOX_PORT


def _flags(parameters: Mapping[str, Any], positional: Sequence[str] = ()) -> list[str]:
    """The command line that gives a flow these parameters."""
    flags = [str(parameters[name]) for name in positional if parameters.get(name) is not None]
    for name, value in parameters.items():
        if value is None or name in positional:
            continue
        flag = f"--{'no-' if value is False else ''}{name.replace('_', '-')}"
        values = [] if isinstance(value, bool) else value if isinstance(value, list | tuple) else [value]
        flags += [flag, *(str(part) for part in values)]
    return flags


def _environment(sandbox: Mapping[str, str], state: Path) -> dict[str, str]:
    """The environment without anybody's services, and with the sandbox's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_SERVICES) or name == "PREFECT_LOGGING_LEVEL"
    }
    prefect = {
        "PREFECT_HOME": str(state / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return {**kept, **prefect, **sandbox, SANDBOX_SWITCH: "1"}
