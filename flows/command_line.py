"""
A flow as a command: its arguments, the sandbox on request, a summary at the end, an exit code (`lib.command.EXIT_CODES`).

Prefect takes seconds to import. So the file of a flow hands itself to `main` before its imports, and is imported only when its
command line can be used: `of_file` takes parameters and docstring from the text of the file.
"""

import ast
import contextlib
import errno
import gc
import importlib
import inspect
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Group, Parameter

from lib import command, error_line
from lib.errors import FixInputError
from lib.terminal import steady

if TYPE_CHECKING:
    from sandbox.server import Sandbox

type Function = Callable[..., Any]

SANDBOX_PORT = 8089
_SERVICES = ("GOOGLE_", "JIRA_", "PREFECT_", "CLIENTS_SPREADSHEET_ID", "OAUTHLIB_")
_GROUP = Group("Sandbox: a local Google and Jira, no credentials")
_STATE_HELP = "Folder that keeps its state; .sandbox of the project when left out."
SandboxState = Annotated[str | None, Parameter(group=_GROUP, help=_STATE_HELP)]
KeepOpen = Annotated[bool, Parameter(group=_GROUP, help="After the run, keep it open for a look until Ctrl-C.")]
_Sandbox = Annotated[bool, Parameter(group=_GROUP, help="Start it and run there; nothing else is read or reached.")]


@steady()
def main(path: str, argv: Sequence[str] | None = None) -> int:
    """
    Run the flow in this file of `flows/` with the parameters of the command line; the exit code.

    What came of it is shown by the file's own `show`, if it has one.

    Raises:
        SystemExit: Help was asked for; an argument or a setting cannot be used; or Ctrl-C, and the message says what there is
            of the run.
    """
    error_line.show_all()
    name, function = Path(path).stem, of_file(Path(path))
    given = command.read(_with_sandbox(function), argv, program=f"python flows/{name}.py")
    sandbox, state, keep_open = (given.pop(one) for one in ("sandbox", "sandbox_state", "keep_open"))
    from flows import arguments  # noqa: PLC0415  # each step imports what those before it need not wait for

    try:
        arguments.check([*command.signature(function).parameters.values()], given)
        from flows import surroundings  # noqa: PLC0415
        from lib.settings import in_sandbox  # noqa: PLC0415

        to_sandbox = state_folder(state) if sandbox and not in_sandbox() else None
        surroundings.check(given.keys(), given, sandbox_state=to_sandbox)
    except FixInputError as error:
        command.refuse(str(error))
    parameters = {one: value for one, value in given.items() if value is not None}
    if to_sandbox:
        own = _in_sandbox(function, parameters)
        return run_in_sandbox(
            [sys.executable, str(Path(path).resolve()), *flags(function, own)], state=to_sandbox, keep_open=keep_open
        )
    with imported_flow(name) as module:
        from flows import printing, run_command  # noqa: PLC0415  # they import Prefect

        show = getattr(module, "show", printing.show_outcomes)
        return run_command.run(getattr(module, function.__name__), parameters, show)


@contextlib.contextmanager
def imported_flow(name: str) -> Iterator[Any]:
    """
    The module of a flow, now that it is going to run; kernels for its notebooks and a temporary server get ready meanwhile.

    Raises:
        SystemExit: Prefect cannot use one of its settings, or its database; exit code 1.
    """
    print(f"flows/{name}.py begins: Prefect is imported", file=sys.stderr, flush=True)
    from lib.notebook import kernel_server  # noqa: PLC0415
    from lib.settings import environment_without_secrets  # noqa: PLC0415

    with kernel_server.kept() as server:
        with contextlib.suppress(FixInputError):  # a notebook that is to be run says it
            server.start(environment_without_secrets())
        with _without_collections():
            from flows import prefect_settings  # noqa: PLC0415

            prefect_settings.import_prefect()
            from flows import server_choice  # noqa: PLC0415

            with error_line.shown(FixInputError):
                server_choice.choose()
            module = importlib.import_module(f"flows.{name}")
        yield module


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Collect no garbage while modules are imported, which stay anyway; nor ever look through them again, nor often later."""
    from lib.notebook import fork_kernels  # noqa: PLC0415

    gc.disable()
    try:
        yield
    finally:
        fork_kernels.collect_rarely()
        gc.enable()


def of_file(path: Path) -> Function:
    """
    The flow of a file as a function without a body, which has its name, parameters and docstring; what it needs of the file alone is run.

    Raises:
        ValueError: The file has no flow, or several.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    flows = [
        node
        for node in tree.body
        if isinstance(node, ast.AsyncFunctionDef)
        and any("reporting_flow" in ast.unparse(d) for d in node.decorator_list)
    ]
    if len(flows) != 1:
        raise ValueError(f"{path} has {len(flows)} flows; a command has one")
    [flow] = flows
    flow.decorator_list, flow.returns = [], None
    flow.body = [ast.Expr(ast.Constant(_unwrapped(ast.get_docstring(flow) or "")))]
    needed: list[ast.stmt] = [flow]
    for node in reversed(tree.body[: tree.body.index(flow)]):
        if _binds(node) & {name.id for one in needed for name in ast.walk(one) if isinstance(name, ast.Name)}:
            needed.insert(0, node)
    names: dict[str, Any] = {"__name__": f"flows.{path.stem}"}
    module = ast.fix_missing_locations(ast.Module(needed, []))
    exec(compile(module, path, "exec"), names)  # noqa: S102  # the project's own code
    function: Function = names[flow.name]
    return function


def _binds(node: ast.stmt) -> set[str]:
    """The names that a statement gives a meaning."""
    match node:
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {(one.asname or one.name).partition(".")[0] for one in names}
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)}


def _unwrapped(docstring: str) -> str:
    """The docstring with each parameter's words on one line."""
    return re.sub(r"\n {8,}(?=\S)", " ", docstring)


def _with_sandbox(function: Function) -> Function:
    """The same parameters, and those of the sandbox."""

    def own(*, sandbox: _Sandbox = False, sandbox_state: SandboxState = None, keep_open: KeepOpen = False) -> None: ...

    both = [one for each in (function, own) for one in command.signature(each).parameters.values()]
    return command.function_of(both, function.__doc__ or "")


def state_folder(given: str | None) -> Path:
    """Where the sandbox of a command keeps its state."""
    return Path(given) if given else Path(__file__).parents[1] / ".sandbox"


def _in_sandbox(function: Function, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The flow's parameters in the sandbox: its month, no pauses, and our own output folder, unless others were asked for."""
    from lib.settings import ROOT  # noqa: PLC0415
    from sandbox.seed import seed  # noqa: PLC0415  # only who asks for the sandbox pays for it

    there = inspect.signature(function).parameters
    known = {"target_month": seed.MONTH, "output_dir": os.environ.get("OUTPUT_DIR") or str(ROOT / "output")}
    given = {**{name: value for name, value in known.items() if name in there}, **parameters}
    if "delay_seconds" in there and given["delay_seconds"] == there["delay_seconds"].default:
        given["delay_seconds"] = (0, 0)
    given["output_dir"] = str(Path(given["output_dir"]).resolve())
    return given


def run_in_sandbox(command: Sequence[str], *, state: Path, keep_open: bool) -> int:
    """Run the command in a process that knows nothing but the sandbox; its exit code."""
    from sandbox.state_file import StateFileError  # noqa: PLC0415

    state = state.resolve()
    with contextlib.ExitStack() as opened:
        try:
            (state / "prefect").mkdir(mode=0o700, parents=True, exist_ok=True)
            box = _open_sandbox(opened, state / "state.json")
        except StateFileError as error:
            problem = str(error).partition(";")[0]
            error_line.show(FixInputError("--sandbox-state", f"{problem}; remove it, or name another folder"))
            return 1
        print(f"The sandbox of this run is at {box.url}", flush=True)
        with subprocess.Popen(command, env=_environment(box.environment(), state), cwd=state) as run:  # noqa: S603  # our own command
            code, stopped = _wait(run)
        keep_open = keep_open and not stopped
        again = "make sandbox" if state == state_folder(None) else f"python -m sandbox --state {state / 'state.json'}"
        print(f"Sandbox: {box.url} shows the sheets and the issues{'' if keep_open else f'; `{again}` opens it again'}")
        if keep_open:
            print("Ctrl-C closes it.", flush=True)
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()
    return code


def _open_sandbox(opened: contextlib.ExitStack, state_path: Path) -> "Sandbox":
    """At the sandbox's usual port, or any when that one is taken."""
    from sandbox.server import Sandbox  # noqa: PLC0415

    try:
        return opened.enter_context(Sandbox(port=SANDBOX_PORT, state_path=state_path))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        return opened.enter_context(Sandbox(port=0, state_path=state_path))


def _wait(run: "subprocess.Popen[bytes]") -> tuple[int, bool]:
    """Its exit code, and whether Ctrl-C was pressed: that is for the run, which saves what it has done while we wait on."""
    stopped = False
    while True:
        try:
            return run.wait(), stopped
        except KeyboardInterrupt:
            stopped = True


def flags(function: Function, parameters: Mapping[str, Any]) -> list[str]:
    """The command line that gives the function these parameters."""
    written = []
    for name, one in inspect.signature(function).parameters.items():
        value = parameters.get(name)
        if value is None:
            continue
        flag = command.flag(one)
        if isinstance(value, bool):
            written.append(flag if value else flag.replace("--", "--no-", 1))
            continue
        values = [str(part) for part in (value if isinstance(value, list | tuple) else [value])]
        written += values if one.kind is not inspect.Parameter.KEYWORD_ONLY else [flag, *values]
    return written


def _environment(sandbox: Mapping[str, str], state: Path) -> dict[str, str]:
    """The environment without anybody's services, and with the sandbox's."""
    from lib.settings import SANDBOX_SWITCH  # noqa: PLC0415

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
