"""Run a finished run again with its recorded parameters and some of them changed: `python flows/rerun.py --help`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from flows import command_line
from flows.command_line import KeepOpen, SandboxState
from lib import command, error_line
from lib.terminal import steady

if TYPE_CHECKING:
    from flows.reporting_flow import Result
    from flows.rerun_arguments import Asked


def again(  # noqa: D417  # the others say it of themselves
    run: str,
    *,
    changes: Annotated[list[str] | None, Parameter(name="--set")] = None,
    sandbox: Annotated[bool, Parameter(show=False)] = False,
    sandbox_state: SandboxState = None,
    keep_open: KeepOpen = False,
) -> None:
    """
    Run a finished run again, with its flow and the project's notebooks as they are now; one of the sandbox runs there again.

    Args:
        run: Its run folder.
        changes: Change a parameter: NAME=VALUE, such as validate_only=true or client_names='["Kopi Senja"]'; may be given again.

    Example:
        python flows/rerun.py output/20260705_100000_content-plan-to-jira --set validate_only=true
    """


@steady()
def main(argv: Sequence[str] | None = None) -> int:
    """The command; exit codes as of the flows."""
    error_line.show_all()
    given = command.read(again, argv, program="python flows/rerun.py")
    from flows import rerun_arguments  # noqa: PLC0415  # what a wrong flag need not wait for

    asked = rerun_arguments.read(given)
    if asked.in_new_sandbox:
        settings = [f"--set={name}={json.dumps(value)}" for name, value in asked.changes.items()]
        run = [sys.executable, str(Path(__file__).resolve()), str(asked.record.folder), *settings]
        return command_line.run_in_sandbox(run, state=asked.sandbox_state, keep_open=given["keep_open"])
    return rerun(asked)


def rerun(asked: "Asked") -> int:
    """Run it, into a folder of its own that names the run it repeats; the exit code."""
    with command_line.imported_flow(asked.file) as module:
        from prefect import tags  # noqa: PLC0415  # only now that it runs

        from flows import printing, run_command  # noqa: PLC0415
        from flows.reporting_flow import RERUN_TAG  # noqa: PLC0415

        def show(result: "Result") -> None:
            printing.say(printing.console(), f"Rerun of {asked.record.name}")
            getattr(module, "show", printing.show_outcomes)(result)

        flow: Any = getattr(module, asked.flow.__name__)
        with tags(f"{RERUN_TAG}{asked.record.name}"):
            return run_command.run(flow, asked.parameters, show)


if __name__ == "__main__":
    raise SystemExit(main())
