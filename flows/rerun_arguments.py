"""The arguments of `flows/rerun.py`: a run, and changes of its parameters, read and checked before Prefect is imported."""

import argparse
import json
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from flows import arguments
from flows.arguments import Described
from lib import error_line
from lib.errors import FixInputError
from lib.files import RESULT
from lib.run import run_record
from lib.run.run_record import RunRecord
from lib.settings import ROOT, in_sandbox

_EXAMPLE = "output/20260705_100000_content-plan-to-jira"
FILES = {
    "content-plan-to-jira": "content_plan_to_jira.py",
    "content-plan-watch": "content_plan_watch.py",
    "content-plan-check": "content_plan_check.py",
    "content-plan-resolve": "resolve.py",
}
"""The flows whose runs can be run again, and the file of each."""


@dataclass(frozen=True)
class Asked:
    """What a rerun was asked for: the run, the changed parameters, and the sandbox's own flags."""

    record: RunRecord
    changes: dict[str, Any]
    sandbox_state: Path
    keep_open: bool

    @property
    def in_new_sandbox(self) -> bool:
        """Whether the run was made on the sandbox, and this process is not there yet."""
        return bool(self.record.result.get("sandbox")) and not in_sandbox()


def parser() -> argparse.ArgumentParser:
    """Its flags."""
    made = error_line.OneLineParser(
        description="Run a finished run again: the same flow, the recorded parameters, the project's notebooks as they are now.",
        epilog="A run that was made on the sandbox runs there again. " + arguments.EXIT_CODES,
        allow_abbrev=False,
    )
    made.add_argument("run", type=error_line.path, help="its run folder")
    change_help = (
        "change a parameter, such as validate_only=true or client_names='[\"Kopi Senja\"]'; may be given again"
    )
    made.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes", help=change_help)
    made.add_argument("--sandbox", action="store_true", help=argparse.SUPPRESS)
    arguments.add_sandbox_state(made)
    return made


def read(argv: Sequence[str] | None = None) -> Asked:
    """
    The run and the changes, as they can be used.

    Raises:
        SystemExit: Help was asked for; or an argument cannot be used, exit code 2.
    """
    made = parser()
    given = made.parse_args(argv)
    if given.sandbox:
        made.error("leave out --sandbox: a run that was made on the sandbox runs there again, and no other does")
    try:
        if problem := arguments.run_problem(str(given.run)):
            made.error(f"RUN: {problem}")
        if not run_record.is_run(given.run.resolve()):
            made.error(f"RUN: {given.run} is no run folder; write one, such as {_EXAMPLE}")
        record = run_record.read_head(given.run.resolve())
        described = describe(record)
        changes = read_changes(given.changes, described)
        recorded = parameters_of(record, described)
        check_recorded(record, {name: value for name, value in recorded.items() if name not in changes}, described)
        asked = Asked(record, changes, given.sandbox_state, given.keep_open)
        surroundings = {"sandbox": asked.in_new_sandbox, "sandbox_state": given.sandbox_state}
        arguments.check_surroundings(described, {**recorded, **changes, **surroundings})
    except FixInputError as error:
        made.error(str(error))
    return asked


def describe(record: RunRecord) -> Described:
    """
    The parameters of the flow that made a run.

    Raises:
        FixInputError: It cannot be run again.
    """
    if record.flow not in FILES:
        raise FixInputError(
            record.name, f"was made by {record.flow!r}; only runs of {', '.join(FILES)} can be run again"
        )
    described = arguments.of_file(ROOT / "flows" / FILES[record.flow])
    if described is None:
        raise FixInputError(
            FILES[record.flow], "does not say its parameters in a way that can be read without running it"
        )
    return described


def parameters_of(record: RunRecord, described: Described) -> dict[str, Any]:
    """
    The recorded parameters that the flow still has.

    A month that the run took from the calendar stays the month that it was. A lock that it broke is not broken again: that
    was a decision about another holder.
    """
    known = [one.name for one in described.parameters]
    given = record.result.get("parameters", {})
    recorded = {name: value for name, value in given.items() if name in known and name != "break_lock"}
    for name, month in {"target_month": record.months[:1], "target_months": record.months}.items():
        if month and recorded.get(name, "") is None:
            recorded[name] = month if name == "target_months" else month[0]
    return recorded


def read_changes(given: Sequence[str], described: Described) -> dict[str, Any]:
    """
    `name=value` pairs: values are JSON, or text that is none.

    Raises:
        FixInputError: One is no such pair, or the flow cannot use it.
    """
    changes: dict[str, Any] = {}
    hints = {one.name: one.hint for one in described.parameters}
    for change in given:
        name, equals, text = change.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name:
            raise FixInputError(f"--set {change}", "is not of the form name=value, such as validate_only=true")
        if name not in hints:
            raise FixInputError(f"--set {name}", f"the flow has no such parameter; it has {', '.join(hints)}")
        changes[name] = _read(name, text, hints[name])
    check_changes(changes, described)
    return changes


def check_recorded(record: RunRecord, recorded: Mapping[str, Any], described: Described) -> None:
    """
    Refuse recorded parameters that the flow cannot use, because somebody changed the file or the flow.

    Raises:
        FixInputError: Which, and how to go on.
    """
    for one in described.parameters:
        if one.name not in recorded:
            continue
        try:
            TypeAdapter(one.hint).validate_python(recorded[one.name])
            arguments.check(Described("", (one,)), recorded)
        except (ValidationError, FixInputError) as error:
            problem = error.problem if isinstance(error, FixInputError) else "it has not the type that the flow takes"
            told = f"{problem}; write another with --set {one.name}=VALUE"
            raise FixInputError(f"{record.folder / RESULT}: parameters.{one.name}", told) from None


def check_changes(changes: Mapping[str, Any], described: Described) -> None:
    """
    Refuse changes of the right type that mean nothing.

    Raises:
        FixInputError: Which, and what to write instead.
    """
    parameters = tuple(one for one in described.parameters if one.name in changes)
    try:
        arguments.check(Described("", parameters), changes)
    except FixInputError as error:
        raise FixInputError(f"--set {error.where.removeprefix('--').replace('-', '_')}", error.problem) from None


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
