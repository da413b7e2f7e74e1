"""The lines of a run: those of `lib` beside the flow's own, and a terminal that cannot end the run."""

import logging
from typing import TextIO, cast

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler, PrefectConsoleHandler

from lib.terminal import SteadyStream

LIBRARY = "lib"


def show() -> None:
    """Let the loggers of `lib` speak as Prefect's own do, on a console that is steady; again and again does no harm."""
    library = logging.getLogger(LIBRARY)
    library.setLevel(logging.getLogger("prefect.flow_runs").getEffectiveLevel())
    if not any(isinstance(handler, APILogHandler) for handler in library.handlers):
        handler = APILogHandler()
        handler.addFilter(_in_a_run)  # the handler complains of lines that belong to no run
        library.addHandler(handler)
    for console in consoles():
        _steady(console)


def consoles() -> list[PrefectConsoleHandler]:
    """The handlers that write Prefect's lines to the terminal."""
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, PrefectConsoleHandler)]


def _steady(handler: PrefectConsoleHandler) -> None:
    """Rich ends a process whose output is closed, which no run may end by: a worker that is killed closes that of its runs."""
    if not isinstance(handler.stream, SteadyStream):
        steady = cast("TextIO", SteadyStream(handler.stream))
        handler.stream = handler.console.file = steady


def _in_a_run(_record: logging.LogRecord) -> bool:
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None
