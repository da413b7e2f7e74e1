"""The arguments of a command: a flag per parameter of its flow, read and checked before Prefect is imported, which takes seconds.

A flow's file calls `refuse_early(__file__)` before its imports: that reads the flow's signature from the file, without running
it. `flows.command_line` reads the same arguments again from the flow itself.
"""

import argparse
import ast
import importlib
import inspect
import math
import os
import re
import shutil
import socket
import sys
import tomllib
import types
import typing
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from pydantic import TypeAdapter, ValidationError

from lib import error_line, files
from lib.errors import FixInputError
from lib.formats import FormatError, parse_month
from lib.run import run_record
from lib.settings import ROOT, Settings, in_sandbox

EXIT_CODES = (
    "Exit code: 0 done; 1 failed, or a client could not be read or finished; "
    "2 an argument was refused; or rows were rejected, are uncertain or flagged; or the check found what would block."
)
STATE = ROOT / ".sandbox"
OWN = ("sandbox", "sandbox_state", "keep_open")
LEAST_SPACE = 1_000_000  # bytes; the smallest run leaves some 100 kB
LONGEST_PAUSE_S = 3600
LONGEST_SETTLE_S = 86_400
LAST_PORT = 65_535
MOST_DAYS = 36_500
MOST_ROWS = 10_000_000  # cells of a spreadsheet
_NOTHING = inspect.Parameter.empty


@dataclass(frozen=True)
class Parameter:
    """One parameter of a flow; `default` is `inspect.Parameter.empty` where it has none."""

    name: str
    hint: Any
    default: Any


@dataclass(frozen=True)
class Described:
    """What a command line is made of: the flow's docstring and parameters, and those that go without a flag."""

    docstring: str
    parameters: tuple[Parameter, ...]
    positional: tuple[str, ...] = ()

    def flag(self, name: str) -> str:
        """How people write the parameter."""
        return name.upper() if name in self.positional else f"--{name.replace('_', '-')}"


# --- What a flow's command line is made of ----------------------------------------------------------------------------


def of_function(function: Callable[..., Any], positional: Sequence[str] = ()) -> Described:
    """As the function itself says it."""
    hints = typing.get_type_hints(function)
    parameters = (
        Parameter(name, hints[name], one.default) for name, one in inspect.signature(function).parameters.items()
    )
    return Described(inspect.getdoc(function) or "", tuple(parameters), tuple(positional))


def of_file(path: Path) -> Described | None:
    """As the file of a flow says it, without running it; None where only running it can tell."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    flows = [
        node
        for node in tree.body
        if isinstance(node, ast.AsyncFunctionDef)
        and any("reporting_flow" in ast.unparse(one) for one in node.decorator_list)
    ]
    if len(flows) != 1:
        return None
    [flow] = flows
    names, given = _Names(tree), flow.args
    defaults: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
    try:
        parameters = [
            Parameter(one.arg, names.value(one.annotation), _NOTHING if default is None else names.value(default))
            for one, default in zip(
                (*given.args, *given.kwonlyargs), (*defaults, *given.defaults, *given.kw_defaults), strict=True
            )
        ]
        positional = [names.value(value) for value in _said_to_main(tree, "positional")]
    except Exception:  # noqa: BLE001  # whatever it is, the flow itself can tell
        return None
    return Described(ast.get_docstring(flow) or "", tuple(parameters), tuple(*positional))


def _said_to_main(tree: ast.Module, keyword: str) -> list[ast.expr]:
    """What the file hands to `command_line.main` under this keyword."""
    calls = (
        node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "command_line.main"
    )
    return [one.value for call in calls for one in call.keywords if one.arg == keyword]


class _Names(dict[str, Any]):
    """What the names of a file mean: its own constants, those of the project's other files, and Python's own modules."""

    def __init__(self, tree: ast.Module) -> None:
        super().__init__()
        self._tree = tree

    def value(self, node: ast.expr | None) -> Any:
        """What the expression of an annotation or a default is."""
        if node is None:
            raise KeyError
        return eval(compile(ast.Expression(node), "<parameter>", "eval"), {}, self)  # noqa: S307  # the project's own code

    def __missing__(self, name: str) -> Any:
        for node in self._tree.body:
            if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
                return self.value(node.value)
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        return _imported(node.module if isinstance(node, ast.ImportFrom) else None, alias.name)
        raise KeyError(name)


def _imported(module: str | None, name: str) -> Any:
    source = module or name
    if source.partition(".")[0] in sys.stdlib_module_names:
        found = importlib.import_module(source)
        return getattr(found, name) if module else found
    return _Names(ast.parse((ROOT / f"{source.replace('.', '/')}.py").read_text(encoding="utf-8")))[name]


# --- The parser -------------------------------------------------------------------------------------------------------


def parser(described: Described) -> argparse.ArgumentParser:
    """One flag per parameter, described as in the flow's docstring."""
    helps = _helps(described.docstring)
    made = error_line.OneLineParser(
        description=described.docstring.partition("\n\n")[0],
        epilog=EXIT_CODES,
        allow_abbrev=False,  # a new flag must not change what an old command line means
    )
    for one in described.parameters:
        default = None if one.default is _NOTHING else one.default
        told = f"{helps.get(one.name, '')}{_shown(default)}".replace("%", "%%")
        options = {"help": told, "default": default, **_kind(one.hint)}
        if one.name in described.positional:
            optional = {} if one.default is _NOTHING else {"nargs": "?"}
            made.add_argument(one.name, **{**options, "metavar": one.name.upper(), **optional})
        else:
            made.add_argument(described.flag(one.name), dest=one.name, **options)
    sandbox = made.add_argument_group("sandbox", "a local Google and Jira with invented clients; needs no credentials")
    sandbox.add_argument(
        "--sandbox", action="store_true", help="start it and run there; nothing else is read or reached"
    )
    add_sandbox_state(sandbox)
    return made


def add_sandbox_state(parser: argparse._ActionsContainer) -> None:
    """The flags for where the sandbox keeps its state, and for how long it is open."""
    parser.add_argument(
        "--sandbox-state",
        type=error_line.path,
        default=STATE,
        help=f"folder that keeps its state (default: {STATE.name})",
    )
    parser.add_argument("--keep-open", action="store_true", help="after the run, keep it open for a look until Ctrl-C")


def _helps(docstring: str) -> dict[str, str]:
    """What a docstring says of each parameter under `Args`."""
    section = re.search(r"^Args:\n(.*?)(?=^\S|\Z)", docstring, re.DOTALL | re.MULTILINE)
    entries = re.findall(r"^    (\w+): (.*\n(?:     .*\n)*)", f"{section[1]}\n" if section else "", re.MULTILINE)
    return {name: " ".join(told.split()) for name, told in entries}


def _shown(default: Any) -> str:
    """A default as the help tells it; nothing for one that says nothing."""
    if default is None or default is False or default in ("", (), []):
        return ""
    told = " ".join(str(part) for part in default) if isinstance(default, list | tuple) else default
    return f" (default: {told})"


def plain(hint: Any) -> Any:
    """The type without its `| None`."""
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        return next(part for part in typing.get_args(hint) if part is not type(None))
    return hint


def _kind(hint: Any) -> dict[str, Any]:
    """How argparse reads a value of this type."""
    hint = plain(hint)
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


# --- Reading and refusing ---------------------------------------------------------------------------------------------


def refuse_early(path: str) -> None:
    """
    Read the command line of the flow in this file, if it can be read without Prefect.

    Raises:
        SystemExit: Help was asked for; or an argument or a setting cannot be used, exit code 2.
    """
    error_line.show_all()
    described = of_file(Path(path))
    if described is not None:
        read(described)
    import_prefect()


def server_port(default: int, host: str) -> int:
    """
    The port that the standing server was asked to listen on, of those that are free.

    Raises:
        SystemExit: Help was asked for; or the port cannot be used, exit code 2.
    """
    made = error_line.OneLineParser(
        description="Start Prefect's server on this machine, with a login and a database of your own."
    )
    made.add_argument("--port", type=int, default=default, help=f"(default: {default})")
    port = cast("int", made.parse_args().port)
    if not 1 <= port <= LAST_PORT:
        made.error(f"--port: {port} is no port; write a number from 1 to {LAST_PORT}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            made.error(
                f"--port: {host}:{port} cannot be listened on ({error.strerror}); end what does, or name another"
            )
    return port


def import_prefect() -> None:
    """
    Import Prefect, which reads settings of its own.

    Raises:
        SystemExit: It cannot use one; exit code 1.
    """
    stream, sys.stderr = sys.stderr, cast("Any", _WithoutPlugins(sys.stderr))
    try:
        with warnings.catch_warnings(record=True) as warned:
            importlib.import_module("prefect.settings").get_current_settings()
    except ValidationError as error:
        with error_line.shown(FixInputError):
            raise _refused_setting(error) from None
    except tomllib.TOMLDecodeError as error:
        with error_line.shown(FixInputError):
            told = "; ".join(str(one.message) for one in warned) or "Prefect's settings"
            raise FixInputError(told.partition(". ")[0], f"{error}; correct the file") from None
    finally:
        sys.stderr = stream
    for one in warned:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def _refused_setting(error: ValidationError) -> FixInputError:
    """Which setting of Prefect's: it tells the value, and its class in place of its name."""
    first = error.errors()[0]
    value = str(first["input"])
    names = [name for name, text in os.environ.items() if name.startswith("PREFECT_") and text.upper() == value.upper()]
    where = names[0] if names else f"Prefect's setting {'.'.join(map(str, first['loc']))}"
    advice = "correct it where it is set: the environment, .env, or Prefect's profile (`prefect config view`)"
    return FixInputError(where, f"{first['msg']}, not {value!r}; {advice}")


class _WithoutPlugins:
    """Standard error without what Prefect writes of a setting before it raises it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._within = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write it, but for that."""
        self._within = text.startswith("Failed to initialize plugins:") or (self._within and text == "\n")
        if not self._within:
            self._stream.write(text)
        return len(text)


def read(described: Described, argv: Sequence[str] | None = None) -> dict[str, Any]:
    """
    The arguments, as they can be used.

    Raises:
        SystemExit: As of `refuse_early`.
    """
    made = parser(described)
    given = vars(made.parse_args(argv))
    try:
        check(described, given)
        check_surroundings(described, given)
    except FixInputError as error:
        made.error(str(error))
    return given


def check(described: Described, given: Mapping[str, Any]) -> None:
    """
    Refuse values of the right type that mean nothing.

    Raises:
        FixInputError: Where, what is wrong, and what to write instead.
    """
    for one in described.parameters:
        value = given.get(one.name)
        if value is None or value == one.default:
            continue
        flag = described.flag(one.name)
        for text in value if isinstance(value, list | tuple) else [value]:
            if isinstance(text, str) and not text.strip():
                raise FixInputError(flag, "is empty; write a value, or leave it out")
        if problem := CHECKS.get((one.name, plain(one.hint)), _nothing)(value):
            raise FixInputError(flag, problem)
    if {"key", "create", "forget_issue"} <= given.keys():
        check_decision(given.get("row"), given["key"], given["forget_issue"], create=given["create"])


def check_decision(row: int | None, key: str | None, forget_issue: str | None, *, create: bool) -> None:
    """
    Whether a person decided one thing about a row.

    Raises:
        FixInputError: None or several, or the row is missing.
    """
    if sum((key is not None, create, forget_issue is not None)) != 1:
        raise FixInputError("content-plan-resolve", "needs exactly one of --key, --create and --forget-issue")
    if row is None and forget_issue is None:
        raise FixInputError("content-plan-resolve", "needs the number of the row in the sheet, behind the plan")


def _nothing(_value: Any) -> str:
    return ""


def _month(text: str) -> str:
    try:
        parse_month(text)
    except FormatError as error:
        return str(error)
    return ""


def _months(texts: Sequence[str]) -> str:
    return next(filter(None, map(_month, texts)), "")


def _pause(pair: Sequence[float]) -> str:
    shortest, longest = pair
    if 0 <= shortest <= longest <= LONGEST_PAUSE_S:
        return ""
    return f"{shortest:g} {longest:g} is no pause; write the shortest and the longest in seconds, such as 5 10 (at most {LONGEST_PAUSE_S})"


def _seconds(value: float) -> str:
    if math.isfinite(value) and 0 <= value <= LONGEST_SETTLE_S:
        return ""
    return f"{value:g} cannot be used; write a number of seconds from 0 to {LONGEST_SETTLE_S}"


def _from_1_to(most: int, what: str) -> Callable[[int], str]:
    def problem(value: int) -> str:
        return "" if 1 <= value <= most else f"{value} cannot be used; write {what} from 1 to {most}"

    return problem


def _key(text: str) -> str:
    if re.fullmatch(r"\s*[A-Za-z][A-Za-z0-9_]+-[0-9]+\s*", text):
        return ""
    return f"{text!r} is no key of an issue; write it as Jira shows it, such as CP-12"


def _block(text: str) -> str:
    if re.fullmatch(r"[a-z0-9-]+", text):
        return ""
    return f"{text!r} is no name of a block; it has lower-case letters, digits and dashes, as on Prefect's page Blocks"


def _plan(text: str) -> str:
    if re.search(r"/d/[A-Za-z0-9_-]+", text) or re.fullmatch(r"\s*[A-Za-z0-9_-]+\s*", text):
        return ""
    return f"{text!r} is no plan; write the spreadsheet's id, or its address from the browser"


def run_problem(text: str) -> str:
    """Why this is no run folder; empty when it may be one."""
    if not os.path.lexists(text):
        return f"{text} does not exist; write a run folder, such as output/20260705_100000_content-plan-to-jira"
    path = Path(text)
    if path.is_dir():
        return ""
    if path.is_symlink() and not path.exists():
        return f"{text} is a link that leads nowhere; write a run folder"
    if path.is_file():
        return f"{text} is a file; write the run folder that it lies in"
    return f"{text} is {files.kind_of(path)}; write a run folder"


def _compared(text: str) -> str:
    """Why this cannot be compared; a folder of runs can, when it is named twice."""
    if problem := run_problem(text):
        return problem
    folder = Path(text)
    try:
        if run_record.is_run(folder):
            run_record.read_head(folder)
        else:
            run_record.read(folder)
    except FixInputError as error:
        return str(error)
    return ""


CHECKS: dict[tuple[str, Any], Callable[[Any], str]] = {
    ("target_month", str): _month,
    ("target_months", list[str]): _months,
    ("delay_seconds", tuple[float, float]): _pause,
    ("settle_seconds", float): _seconds,
    ("days", int): _from_1_to(MOST_DAYS, "a number of days"),
    ("keep_days", int): _from_1_to(MOST_DAYS, "a number of days"),
    ("keep_failed_days", int): _from_1_to(MOST_DAYS, "a number of days"),
    ("row", int): _from_1_to(MOST_ROWS, "the number of a row"),
    ("key", str): _key,
    ("forget_issue", str): _key,
    ("google_credentials_block_name", str): _block,
    ("jira_credentials_block_name", str): _block,
    ("plan", str): _plan,
    ("run_a", str): _compared,
    ("run_b", str): _compared,
}
"""What is wrong with the value of a parameter of this name and type, in any flow; empty when nothing is."""


def check_surroundings(described: Described, given: Mapping[str, Any]) -> None:
    """
    Whether the folders and settings that the command will use can be used.

    Raises:
        FixInputError: One cannot.
    """
    names = {one.name for one in described.parameters}
    to_sandbox = given.get("sandbox") and not in_sandbox()
    if to_sandbox:
        check_folder("--sandbox-state", given["sandbox_state"])
    settings = None if to_sandbox else Settings.read()
    if settings and "google_credentials_block_name" in names:
        settings.check()
    if "output_dir" in names:
        where, folder = "--output-dir", given.get("output_dir")
        if not folder:
            where = "OUTPUT_DIR"
            folder = ROOT / (settings.output_dir if settings else os.environ.get("OUTPUT_DIR") or "output")
        check_folder(where, Path(folder))


def check_folder(where: str, folder: Path) -> None:
    """
    Whether files can be written into the folder, which need not be there yet.

    Raises:
        FixInputError: They cannot.
    """
    path = Path(os.path.abspath(folder))  # noqa: PTH100  # resolve() fails in a loop of links
    there = next(one for one in (path, *path.parents) if os.path.lexists(one))
    if not there.is_dir():
        kind = "leads nowhere" if there.is_symlink() and not there.exists() else "is a file"
        raise FixInputError(where, f"{there} {kind}; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FixInputError(where, f"this user may not write into {there}; name another folder, or let it write there")
    space = shutil.disk_usage(there)
    if space.total and space.free < LEAST_SPACE:
        raise FixInputError(where, f"no space is left for {path}; make room there, or name another folder")
