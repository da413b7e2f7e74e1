"""Run a finished run again with its recorded parameters and some of them changed: `python flows/rerun.py --help`."""

if __name__ == "__main__":  # before Prefect is imported
    from flows import arguments, rerun_arguments
    from lib import error_line

    error_line.show_all()
    rerun_arguments.read()
    arguments.import_prefect()

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import tags

from flows import command_line, library_log, prefect_api, printing, progress, rerun_arguments
from flows.content_plan_check import content_plan_check
from flows.content_plan_to_jira import content_plan_to_jira
from flows.content_plan_watch import content_plan_watch
from flows.reporting_flow import Result, exit_code, run_to_end
from flows.resolve import content_plan_resolve
from flows.run_in_folder import RERUN_TAG
from lib import error_line
from lib.errors import WorkflowError
from lib.run.run_record import RunRecord
from lib.terminal import steady

FLOWS = {
    flow.name: flow for flow in (content_plan_to_jira, content_plan_watch, content_plan_check, content_plan_resolve)
}


def rerun(record: RunRecord, changes: Mapping[str, Any]) -> Result:
    """
    Run the same flow, from the project's notebooks as they are now, into a folder of its own that names the run it repeats.

    Raises:
        FixInputError: The flow does not exist any more; nothing was run.
    """
    recorded = rerun_arguments.parameters_of(record, rerun_arguments.describe(record))
    with tags(f"{RERUN_TAG}{record.name}"):
        return run_to_end(FLOWS[record.flow], **{**recorded, **changes})


@steady()
def main(argv: Sequence[str] | None = None) -> int:
    """The command; exit codes as of the flows."""
    asked = rerun_arguments.read(argv)
    record = asked.record
    if asked.in_new_sandbox:
        settings = [f"--set={name}={json.dumps(value)}" for name, value in asked.changes.items()]
        command = [sys.executable, str(Path(__file__).resolve()), str(record.folder), *settings]
        return command_line.run_in_sandbox(command, state=asked.sandbox_state, keep_open=asked.keep_open)
    library_log.show()  # before anything is logged
    with error_line.shown(WorkflowError):
        prefect_api.check()
    with progress.shown_on_terminal():
        result = rerun(record, asked.changes)
    printing.say(printing.console(), f"Rerun of {record.name}")
    printing.show_outcomes(result)
    return exit_code(result)


if __name__ == "__main__":
    raise SystemExit(main())
