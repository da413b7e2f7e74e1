"""A flow as a command: one flag per parameter, the sandbox on request, a summary at the end, an exit code.

Exit codes: 0 done; 1 the run failed, or a client could not be read or finished; 2 rows were rejected, are uncertain or flagged.
"""

import argparse
import contextlib
import inspect
import os
import signal
import socket
import subprocess
import sys
import threading
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from prefect import get_client
from prefect.utilities.callables import parameter_docstrings
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from flows import progress
from flows.reporting_flow import ReportingFlow, Result, exit_code, run_to_end
from flows.run_in_folder import output_folder
from lib.formats import plural
from lib.reconcile import NEEDS_A_PERSON, Outcome
from lib.run_index import INDEX
from lib.settings import ROOT, SANDBOX_SWITCH, Settings, in_sandbox

EXIT_CODES = "Exit code: 0 done; 1 failed, or a client could not be read or finished; 2 rows were rejected, are uncertain or flagged."
STATE = ROOT / ".sandbox"
SANDBOX_PORT = 8089
_PLAIN_WIDTH = 130  # where output is no terminal
_PROBLEMS_SHOWN = 10
_TOLD = (Outcome.REFUSED, *NEEDS_A_PERSON)
_OWN = ("sandbox", "sandbox_state", "keep_open")
_SERVICES = ("GOOGLE_", "JIRA_", "PREFECT_", "CLIENTS_SPREADSHEET_ID", "OAUTHLIB_")


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
        SystemExit: Ctrl-C; the message says where the report of what was done is.
    """
    given = vars(parser(flow, positional).parse_args(argv))
    parameters = {name: value for name, value in given.items() if name not in _OWN and value is not None}
    if given["sandbox"] and not in_sandbox():
        command = _command(flow, parameters, positional)
        return run_in_sandbox(command, state=given["sandbox_state"], keep_open=given["keep_open"])
    try:
        _start_server()
        with progress.shown_on_terminal():
            result = run_to_end(flow, **parameters)
    except KeyboardInterrupt:
        index = output_folder(parameters.get("output_dir"), Settings.read()) / INDEX
        sys.exit(f"Stopped. {index} has the report of what was done until then; run the command again to go on.")
    (show or show_outcomes)(result)
    return exit_code(result)


def _start_server() -> None:
    """
    Let Prefect start its temporary server, if there is no other, out of the reach of Ctrl-C.

    A terminal sends Ctrl-C to all processes of a command, and a run without its server waits minutes for it before it ends.
    """
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a process inherits
    try:
        with get_client(sync_client=True):
            pass
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def parser(flow: ReportingFlow, positional: Sequence[str] = ()) -> argparse.ArgumentParser:
    """One flag per parameter, described as in the flow's docstring; those of `positional` go without."""
    described = inspect.getdoc(flow.fn) or ""
    helps = parameter_docstrings(described)
    made = argparse.ArgumentParser(
        description=described.partition("\n\n")[0],
        epilog=EXIT_CODES,
        allow_abbrev=False,  # a new flag must not change what an old command line means
    )
    hints = typing.get_type_hints(flow.fn)
    for name, parameter in inspect.signature(flow.fn).parameters.items():
        default = None if parameter.default is parameter.empty else parameter.default
        told = f"{helps.get(name, '')}{_shown(default)}".replace("%", "%%")
        options = {"help": told, "default": default, **_kind(hints[name])}
        if name in positional:
            optional = {} if parameter.default is parameter.empty else {"nargs": "?"}
            made.add_argument(name, **{**options, "metavar": name.upper(), **optional})
        else:
            made.add_argument(f"--{name.replace('_', '-')}", dest=name, **options)
    sandbox = made.add_argument_group("sandbox", "a local Google and Jira with invented clients; needs no credentials")
    sandbox.add_argument(
        "--sandbox", action="store_true", help="start it and run there; nothing else is read or reached"
    )
    add_sandbox_state(sandbox)
    return made


def add_sandbox_state(parser: argparse._ActionsContainer) -> None:
    """The flags for where the sandbox keeps its state, and for how long it is open."""
    parser.add_argument(
        "--sandbox-state", type=Path, default=STATE, help=f"folder that keeps its state (default: {STATE.name})"
    )
    parser.add_argument("--keep-open", action="store_true", help="after the run, keep it open for a look until Ctrl-C")


def _shown(default: Any) -> str:
    """A default as the help tells it; nothing for one that says nothing."""
    if default is None or default is False or default in ("", (), []):
        return ""
    told = " ".join(str(part) for part in default) if isinstance(default, list | tuple) else default
    return f" (default: {told})"


def _kind(hint: Any) -> dict[str, Any]:
    """How argparse reads a value of this type."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        hint = next(part for part in typing.get_args(hint) if part is not type(None))
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return {"choices": parts}
    if origin is list:
        return {"nargs": "+", "type": _reader(parts[0]), "metavar": "NAME"}
    if origin is tuple:
        return {"nargs": len(parts), "type": _reader(parts[0]), "metavar": ("SHORTEST", "LONGEST")}
    return {"type": _reader(hint), "metavar": "VALUE"}


def _reader(hint: Any) -> Callable[[str], Any]:
    """What reads a text as this type: the type itself where argparse can say what is wrong, pydantic for any other."""
    if hint in (str, int, float):
        return cast("Callable[[str], Any]", hint)
    adapter = TypeAdapter(hint)

    def read(text: str) -> Any:
        try:
            return adapter.validate_strings(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(f"{error.errors()[0]['msg']}, not {text!r}") from None

    return read


def show_outcomes(result: Result) -> None:
    """Print a table of rows per outcome and client if there are any, what people have to look at, and how it ended."""
    to = console()
    if result["summary"]["clients"]:
        _show_counts(to, result)
    _show_problems(to, result)
    show_end(to, result)


def _show_counts(to: Console, result: Result) -> None:
    summary = result["summary"]
    outcomes = [outcome.value for outcome in Outcome]
    table = Table(title=str(result.get("flow", "")), title_justify="left")
    table.add_column("client", no_wrap=True)
    for name in ("rows", *outcomes):
        table.add_column(name, justify="right", no_wrap=True)
    for client, counts in summary["clients"].items():
        table.add_row(client, *(str(counts.get(name) or "·") for name in ("rows", *outcomes)))
    table.add_section()
    table.add_row("all", *(str(summary.get(name, 0)) for name in ("rows", *outcomes)))
    to.print(table)


def console() -> Console:
    """Standard output; wide enough for the table where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)


def show_end(to: Console, result: Result) -> None:
    """Print what was done, what failed, and where the report is."""
    said = result.get("bottom_line") or f"The run failed: {result.get('error')}"
    to.print(said, style="red" if result.get("error") else "bold", markup=False, highlight=False, soft_wrap=True)
    if result.get("run_folder"):
        to.print(f"Run folder: {result['run_folder']}", markup=False, soft_wrap=True)
        for page in sorted(Path(result["run_folder"]).glob("*.html")):
            to.print(f"Report: {page}", markup=False, soft_wrap=True)


def _show_problems(to: Console, result: Mapping[str, Any]) -> None:
    """What people have to look at: where, and what to do; the first ones of each kind."""
    failed = [
        {"client": "", "cell": "", "message": plan["error"]}
        for plan in result.get("clients", {}).values()
        if plan.get("error")
    ]
    told = {name: result.get(name, []) for name in ("blocking", "warnings")}
    if not any(told.values()):
        told = {
            outcome: [
                {"client": record["client"], "row": record["row"], **problem}
                for record in result["data"]
                if record.get("outcome") == outcome
                for problem in record["problems"]
                if problem["level"] == "error"
            ]
            for outcome in _TOLD
        }
    for name, found in {"failed": failed, **told}.items():
        rows = {(problem["client"], problem["row"]) for problem in found if "row" in problem}
        if found:
            in_rows = f" in {plural(len(rows), 'row')}" if len(found) > len(rows) > 0 else ""
            to.print(f"{name}: {len(found)}{in_rows}", style="bold", markup=False)
        for problem in found[:_PROBLEMS_SHOWN]:
            where = ", ".join(filter(None, (problem["client"], problem["cell"])))
            to.print(
                f"  {': '.join(filter(None, (where, problem['message'])))}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )
        if len(found) > _PROBLEMS_SHOWN:
            to.print(f"  … and {len(found) - _PROBLEMS_SHOWN} more in result.json", markup=False)


def _command(flow: ReportingFlow, parameters: Mapping[str, Any], positional: Sequence[str]) -> list[str]:
    """The command line that runs the flow in the sandbox with these parameters."""
    from sandbox import seed  # noqa: PLC0415  # only who asks for the sandbox pays for it

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

    state = state.resolve()
    (state / "prefect").mkdir(parents=True, exist_ok=True)
    with Sandbox(port=_free_port(), state_path=state / "state.json") as box:
        print(f"Sandbox: {box.url}", flush=True)
        with subprocess.Popen(command, env=_environment(box.environment(), state), cwd=state) as run:  # noqa: S603  # our own command
            code = _wait(run)
        print(
            f"Sandbox: {box.url} shows the sheets and the issues{'' if keep_open else '; `make sandbox` opens it again'}"
        )
        if keep_open:
            print("Ctrl-C closes it.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    return code


def _wait(run: "subprocess.Popen[bytes]") -> int:
    """Its exit code; Ctrl-C is for the run, which saves what it has done while we wait on."""
    while True:
        with contextlib.suppress(KeyboardInterrupt):
            return run.wait()


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
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_SERVICES)}
    prefect = {
        "PREFECT_HOME": str(state / "prefect"),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    return {**kept, **prefect, **sandbox, SANDBOX_SWITCH: "1"}
