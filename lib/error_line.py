"""How a command ends that cannot do what it was told: one line with where, what is wrong, and what to do instead.

`PREFECT_LOGGING_LEVEL=DEBUG` shows the traceback, too.
"""

import argparse
import contextlib
import errno
import os
import sqlite3
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import NoReturn

from lib.errors import WorkflowError
from lib.terminal import printable, printable_lines

DEBUG_HINT = "PREFECT_LOGGING_LEVEL=DEBUG shows where"
MISUSE = 2
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)


class OneLineParser(argparse.ArgumentParser):
    """Reads a command line, and refuses one in one line: the usage of a command with many flags hides what is wrong."""

    def error(self, message: str) -> NoReturn:
        """End with the message on one line; exit code 2."""
        said = printable(" ".join(message.split())).removeprefix("argument ")
        self.exit(MISUSE, f"error: {said.rstrip('.')}; see --help\n")


def wants_traceback() -> bool:
    """Whether the person asked for everything."""
    return "DEBUG" in (os.environ.get("PREFECT_LOGGING_LEVEL", "").upper(), os.environ.get("LOG_LEVEL", "").upper())


def line_of(error: BaseException) -> str:
    """The error as one line for a person at a terminal."""
    if isinstance(error, WorkflowError):
        said = str(error)
    elif isinstance(error, OSError) and error.errno is not None:
        said = _of_the_system(error)
    elif isinstance(error, sqlite3.DatabaseError):
        said = f"Database: {error}; {DEBUG_HINT}"
    else:
        said = (
            f"{type(error).__name__}: {error}; {DEBUG_HINT}" if str(error) else f"{type(error).__name__}; {DEBUG_HINT}"
        )
    return printable(" ".join(said.split()))


def _of_the_system(error: OSError) -> str:
    names = [str(name) for name in (error.filename, error.filename2) if name is not None]
    where = " → ".join(names)
    reason = error.strerror or type(error).__name__
    if error.errno in _FULL:
        advice = "no space is left there; make room, or write elsewhere with --output-dir or OUTPUT_DIR, and run the command again"
    elif error.errno in _FORBIDDEN:
        advice = f"{reason}; let this user read and write it, or name another path"
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        advice = f"{reason}; name a folder"
    else:
        advice = f"{reason}; {DEBUG_HINT}"
    return f"{where}: {advice}" if where else advice


def show(error: BaseException) -> None:
    """Print the error on standard error: one line, below its traceback where that is wanted."""
    if wants_traceback():
        print(printable_lines("".join(traceback.format_exception(error)).rstrip()), file=sys.stderr)  # noqa: T201
    print(f"error: {line_of(error)}", file=sys.stderr)  # noqa: T201  # a command line prints


def show_all() -> None:
    """From now on an error that nobody catches ends this command with its line, in place of a traceback."""

    def hook(_kind: type[BaseException], error: BaseException, _where: TracebackType | None) -> None:
        if isinstance(error, KeyboardInterrupt):
            print("Stopped.", file=sys.stderr)  # noqa: T201
        else:
            show(error)

    sys.excepthook = hook


@contextlib.contextmanager
def shown(*kinds: type[Exception]) -> Iterator[None]:
    """
    Errors of these kinds end the command with one line.

    Raises:
        SystemExit: One was raised; exit code 1.
    """
    try:
        yield
    except kinds as error:
        show(error)
        raise SystemExit(1) from None
