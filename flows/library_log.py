"""What `lib` logs, such as a wait for a busy service, where the flow's own lines are: on the terminal and in Prefect, at its level."""

import logging

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler

LIBRARY = "lib"


def show() -> None:
    """Let the loggers of `lib` speak as Prefect's own do; again and again does no harm."""
    library = logging.getLogger(LIBRARY)
    library.setLevel(logging.getLogger("prefect.flow_runs").getEffectiveLevel())
    if not any(isinstance(handler, APILogHandler) for handler in library.handlers):
        handler = APILogHandler()
        handler.addFilter(_in_a_run)  # the handler complains of lines that belong to no run
        library.addHandler(handler)


def _in_a_run(_record: logging.LogRecord) -> bool:
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None
