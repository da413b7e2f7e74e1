"""Run a flow for a command line: Prefect's server before, progress meanwhile, and what is said at the end."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from flows import library_log, prefect_api, printing, progress
from flows.reporting_flow import ReportingFlow, Result, exit_code, run_to_end
from flows.run_in_folder import output_folder
from lib import error_line
from lib.errors import WorkflowError
from lib.settings import Settings


def run(flow: ReportingFlow, parameters: Mapping[str, Any], show: Callable[[Result], None]) -> int:
    """
    Run the flow; show what came of it; the exit code.

    Raises:
        SystemExit: Prefect cannot be used; or Ctrl-C, and the message says what there is of the run.
    """
    library_log.show()  # before anything is logged
    output = output_folder(parameters.get("output_dir"), Settings.read())
    before = printing.runs(output, flow.name)
    try:
        with error_line.shown(WorkflowError):
            prefect_api.check()
        with progress.shown_on_terminal():
            result = run_to_end(flow, **parameters)
    except KeyboardInterrupt:
        sys.exit(printing.stopped(printing.runs(output, flow.name) - before))
    show(result)
    return exit_code(result)
