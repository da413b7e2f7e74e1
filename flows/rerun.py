"""Run a finished run again with its recorded parameters and some of them changed: `python flows/rerun.py --help`."""

import argparse
import inspect
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import tags

from flows import command_line, progress
from flows.content_plan_check import content_plan_check
from flows.content_plan_to_jira import content_plan_to_jira
from flows.content_plan_watch import content_plan_watch
from flows.reporting_flow import ReportingFlow, Result, exit_code, run_to_end
from flows.resolve import content_plan_resolve
from flows.run_in_folder import RERUN_TAG
from lib import run_record
from lib.errors import FixInputError
from lib.run_record import RunRecord
from lib.settings import in_sandbox

FLOWS = {
    flow.name: flow for flow in (content_plan_to_jira, content_plan_watch, content_plan_check, content_plan_resolve)
}


def rerun(record: RunRecord, changes: Mapping[str, Any]) -> Result:
    """
    Run the same flow, from the project's notebooks as they are now, into a folder of its own that names the run it repeats.

    A month that the run took from the calendar stays the month that it was. A lock that it broke is not broken again: that
    was a decision about another holder.

    Raises:
        FixInputError: The flow or a changed parameter does not exist; nothing was run.
    """
    flow = flow_of(record)
    known = inspect.signature(flow.fn).parameters
    if unknown := [name for name in changes if name not in known]:
        raise FixInputError(f"--set {unknown[0]}", f"{flow.name} has no such parameter; it has {', '.join(known)}")
    given = record.result.get("parameters", {})
    recorded = {name: value for name, value in given.items() if name in known and name != "break_lock"}
    for name, month in {"target_month": record.months[:1], "target_months": record.months}.items():
        if month and recorded.get(name, "") is None:
            recorded[name] = month if name == "target_months" else month[0]
    with tags(f"{RERUN_TAG}{record.name}"):
        return run_to_end(flow, **{**recorded, **changes})


def flow_of(record: RunRecord) -> ReportingFlow:
    """
    The flow that made a run.

    Raises:
        FixInputError: It cannot be run again.
    """
    if record.flow not in FLOWS:
        raise FixInputError(
            record.name, f"was made by {record.flow!r}; only runs of {', '.join(FLOWS)} can be run again"
        )
    return FLOWS[record.flow]


def read_changes(given: Sequence[str]) -> dict[str, Any]:
    """
    `name=value` pairs: values are JSON, or text that is none.

    Raises:
        FixInputError: One is no such pair.
    """
    changes: dict[str, Any] = {}
    for change in given:
        name, equals, value = change.partition("=")
        if not equals or not name.strip():
            raise FixInputError(f"--set {change}", "is not of the form name=value, such as validate_only=true")
        try:
            changes[name.strip().replace("-", "_")] = json.loads(value)
        except ValueError:
            changes[name.strip().replace("-", "_")] = value
    return changes


def main(argv: Sequence[str] | None = None) -> int:
    """The command; exit codes as of the flows."""
    parser = argparse.ArgumentParser(
        description="Run a finished run again: the same flow, the recorded parameters, the project's notebooks as they are now.",
        epilog="A run that was made on the sandbox runs there again. " + command_line.EXIT_CODES,
        allow_abbrev=False,
    )
    parser.add_argument("run", type=Path, help="its run folder")
    change_help = (
        "change a parameter, such as validate_only=true or client_names='[\"Kopi Senja\"]'; may be given again"
    )
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes", help=change_help)
    parser.add_argument("--sandbox", action="store_true", help=argparse.SUPPRESS)
    command_line.add_sandbox_state(parser)
    given = parser.parse_args(argv)
    if given.sandbox:
        parser.error("leave out --sandbox: a run that was made on the sandbox runs there again, and no other does")
    try:
        record = run_record.read_head(given.run.resolve())
        changes = read_changes(given.changes)
        flow_of(record)
        if record.result.get("sandbox") and not in_sandbox():
            settings = [f"--set={name}={json.dumps(value)}" for name, value in changes.items()]
            command = [sys.executable, str(Path(__file__).resolve()), str(record.folder), *settings]
            return command_line.run_in_sandbox(command, state=given.sandbox_state, keep_open=given.keep_open)
        with progress.shown_on_terminal():
            result = rerun(record, changes)
    except FixInputError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"Rerun of {record.name}")
    command_line.show_outcomes(result)
    return exit_code(result)


if __name__ == "__main__":
    raise SystemExit(main())
