"""What `flows/rerun.py` is asked for: a run, and changes of its parameters, checked as the flow's own command line is."""

import inspect
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from flows import arguments, command_line, surroundings
from flows.command_line import Function
from lib import command
from lib.errors import FixInputError
from lib.files import RESULT
from lib.run import run_record
from lib.run.run_record import RunRecord
from lib.settings import in_sandbox

type Parameters = Mapping[str, inspect.Parameter]

_EXAMPLE = "output/20260705_100000_content-plan-to-jira"
FILES = {
    "content-plan-to-jira": "content_plan_to_jira",
    "content-plan-update": "content_plan_update",
    "content-plan-watch": "content_plan_watch",
    "content-plan-check": "content_plan_check",
    "content-plan-resolve": "resolve",
}
"""The flows whose runs can be run again, and the file of each."""


@dataclass(frozen=True)
class Asked:
    """What a rerun was asked for: the run, its flow as of its file, all parameters, those changed, and where a sandbox keeps its state."""

    record: RunRecord
    flow: Function
    parameters: dict[str, Any]
    changes: dict[str, Any]
    sandbox_state: Path

    @property
    def file(self) -> str:
        """The flow's file, without its ending."""
        return FILES[self.record.flow]

    @property
    def in_new_sandbox(self) -> bool:
        """Whether the run was made on the sandbox, and this process is not there yet."""
        return bool(self.record.result.get("sandbox")) and not in_sandbox()


def read(given: Mapping[str, Any]) -> Asked:
    """
    The run and the changes, as they can be used.

    Args:
        given: The parameters of `flows.rerun.again`.

    Raises:
        SystemExit: An argument cannot be used; exit code 2.
    """
    if given["sandbox"]:
        command.refuse(
            "--sandbox: leave it out: a run that was made on the sandbox runs there again, and no other does"
        )
    try:
        return _read_run(Path(given["run"]), given["changes"] or [], command_line.state_folder(given["sandbox_state"]))
    except FixInputError as error:
        command.refuse(str(error))


def _read_run(folder: Path, given: Sequence[str], state: Path) -> Asked:
    if problem := arguments.run_problem(str(folder)):
        raise FixInputError("RUN", problem)
    if not run_record.is_run(folder.resolve()):
        raise FixInputError("RUN", f"{folder} is no run folder; write one, such as {_EXAMPLE}")
    record = run_record.read_head(folder.resolve())
    flow = describe(record)
    parameters = command.signature(flow).parameters
    changes = read_changes(given, parameters)
    recorded = parameters_of(record, parameters)
    check_recorded(record, {name: value for name, value in recorded.items() if name not in changes}, parameters)
    asked = Asked(record, flow, {**recorded, **changes}, changes, state)
    surroundings.check(parameters, asked.parameters, sandbox_state=state if asked.in_new_sandbox else None)
    return asked


def describe(record: RunRecord) -> Function:
    """
    The flow that made a run, as of its file.

    Raises:
        FixInputError: It cannot be run again.
    """
    if record.flow not in FILES:
        raise FixInputError(
            record.name, f"was made by '{record.flow}'; only runs of {', '.join(FILES)} can be run again"
        )
    return command_line.of_file(Path(__file__).with_name(f"{FILES[record.flow]}.py"))


def parameters_of(record: RunRecord, parameters: Parameters) -> dict[str, Any]:
    """
    The recorded parameters that the flow still has.

    A month that the run took from the calendar stays the month that it was. A lock that it broke is not broken again: that
    was a decision about another holder.
    """
    given = record.result.get("parameters", {})
    recorded = {name: value for name, value in given.items() if name in parameters and name != "break_lock"}
    for name, month in {"target_month": record.months[:1], "target_months": record.months}.items():
        if month and recorded.get(name, "") is None:
            recorded[name] = month if name == "target_months" else month[0]
    return recorded


def read_changes(given: Sequence[str], parameters: Parameters) -> dict[str, Any]:
    """
    `name=value` pairs: values are JSON, or text that is none.

    Raises:
        FixInputError: One is no such pair, or the flow cannot use it.
    """
    changes: dict[str, Any] = {}
    hints = {name: one.annotation for name, one in parameters.items()}
    for change in given:
        name, equals, text = change.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise FixInputError(f"--set {change}", "is not of the form name=value, such as validate_only=true")
        if name not in hints:
            raise FixInputError(f"--set {name}", f"the flow has no such parameter; it has {', '.join(hints)}")
        changes[name] = _read(name, text, hints[name])
    check_changes(changes, parameters)
    return changes


def check_recorded(record: RunRecord, recorded: Mapping[str, Any], parameters: Parameters) -> None:
    """
    Refuse recorded parameters that the flow cannot use, because somebody changed the file or the flow.

    Raises:
        FixInputError: Which, and how to go on.
    """
    for one in parameters.values():
        if one.name not in recorded:
            continue
        try:
            TypeAdapter(one.annotation).validate_python(recorded[one.name])
            arguments.check([one], recorded)
        except (ValidationError, FixInputError) as error:
            problem = error.problem if isinstance(error, FixInputError) else "it has not the type that the flow takes"
            told = f"{problem}; write another with --set {one.name}=VALUE"
            raise FixInputError(f"{record.folder / RESULT}: parameters.{one.name}", told) from None


def check_changes(changes: Mapping[str, Any], parameters: Parameters) -> None:
    """
    Refuse changes of the right type that mean nothing.

    Raises:
        FixInputError: Which, and what to write instead.
    """
    try:
        arguments.check([one for name, one in parameters.items() if name in changes], changes)
    except FixInputError as error:
        raise FixInputError(
            f"--set {error.where.removeprefix('--').replace('-', '_').lower()}", error.problem
        ) from None


def _read(name: str, text: str, hint: Any) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if arguments.plain(hint) is str and value is not None and not isinstance(value, str):
        value = text  # a key or a month of digits alone
    try:
        TypeAdapter(hint).validate_python(value)
    except ValidationError:
        raise FixInputError(f"--set {name}={text}", f"cannot be used; write {_example(name, text, hint)}") from None
    return value


def _example(name: str, text: str, hint: Any) -> str:
    """How a value of the type is written, for a shell."""
    hint = arguments.plain(hint)
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        names = [part.strip() for part in text.split(",")] if parts == (str,) else []
        return f"a list of all of them, such as --set {name}='{json.dumps(names or [0], ensure_ascii=False)}'"
    if origin is tuple:
        return f"{len(parts)} numbers, such as --set {name}='[5, 10]'"
    if origin is Literal:
        return " or ".join(str(part) for part in parts)
    if hint is bool:
        return "true or false"
    return {int: "a whole number", float: "a number"}.get(
        hint, f"a value of the type {getattr(hint, '__name__', hint)}"
    )
