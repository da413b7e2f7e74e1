"""The lines of a run on the terminal and in Prefect: those of `lib` beside the flow's own; none steers a terminal or ends a run by it."""

import copy
import logging
from typing import TextIO, cast

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler, PrefectConsoleHandler

from flows.reporting_flow import FlowFailedError
from lib.terminal import SteadyStream, printable, printable_lines

LIBRARY = "lib"
_TASKS = "prefect.task_runs"
_OF_RUNS = ("prefect.flow_runs", _TASKS, LIBRARY, "flows")


def show() -> None:
    """Let the loggers of `lib` speak as Prefect's own do, and the terminal show what is to be read; again and again does no harm."""
    library = logging.getLogger(LIBRARY)
    library.setLevel(logging.getLogger("prefect.flow_runs").getEffectiveLevel())
    if not any(isinstance(handler, APILogHandler) for handler in library.handlers):
        handler = APILogHandler()
        handler.addFilter(_in_a_run)  # the handler complains of lines that belong to no run
        library.addHandler(handler)
    for console in consoles():
        _mend(console)


def consoles() -> list[PrefectConsoleHandler]:
    """The handlers that write Prefect's lines to the terminal."""
    return [handler for handler in logging.getLogger().handlers if isinstance(handler, PrefectConsoleHandler)]


def _mend(handler: PrefectConsoleHandler) -> None:
    """Let it write what people can read, and never fail."""
    if _is_told in handler.filters:
        return
    if not isinstance(handler.stream, SteadyStream):  # a command makes its outputs so before it imports Prefect
        # Rich ends a process whose output is closed, as a worker that is killed closes that of its runs.
        handler.stream = handler.console.file = cast("TextIO", SteadyStream(handler.stream))
    handler.console._emoji = False  # noqa: SLF001  # has no other switch; `:coffee:` in a name stays what it is
    handler.setFormatter(_Printable(handler.formatter or logging.Formatter()))
    handler.addFilter(_is_told)


class _Printable(logging.Formatter):
    """Names and cells in a line can neither steer the terminal nor pass for lines of their own."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """The line; those of a traceback follow it, also without what acts on a terminal."""
        if record.name.startswith(_OF_RUNS):
            record = copy.copy(record)
            record.msg, record.args = printable(record.getMessage()), None
        return printable_lines(self._inner.format(record))


def _is_told(record: logging.LogRecord) -> bool:
    """
    What buries the other lines is shown at DEBUG alone.

    That is one line per finished task, and the traceback of the error by which a failed run ends in Prefect: what failed has
    been told.
    """
    if logging.getLogger(record.name).isEnabledFor(logging.DEBUG):
        return True
    finished = record.levelno == logging.INFO and record.getMessage().startswith("Finished in state")
    ended = record.exc_info and isinstance(record.exc_info[1], FlowFailedError)
    return not (ended or (finished and record.name.startswith(_TASKS)))


def _in_a_run(_record: logging.LogRecord) -> bool:
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None
