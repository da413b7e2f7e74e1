"""How a command ends that cannot do what was asked: one line with where, what is wrong, and what to do instead.

`PREFECT_LOGGING_LEVEL=DEBUG` shows the traceback, too.
"""

import contextlib
import errno
import os
import sys
import traceback
from collections.abc import Iterator
from types import TracebackType

from lib.errors import WorkflowError
from lib.terminal import printable, printable_lines

DEBUG_HINT = "PREFECT_LOGGING_LEVEL=DEBUG shows where"
_NO_SPACE = (
    "no space is left there; make room, or write elsewhere with --output-dir or OUTPUT_DIR, and run the command again"
)
_FORBIDDEN = "{reason}; let this user read and write it, or name another path"
_NO_FOLDER = "{reason}; name a folder"
_ADVICE = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EFBIG: _NO_SPACE,
    errno.EACCES: _FORBIDDEN,
    errno.EPERM: _FORBIDDEN,
    errno.EROFS: _FORBIDDEN,
    errno.ENOTDIR: _NO_FOLDER,
    errno.EEXIST: _NO_FOLDER,
    errno.EMFILE: "{reason}; let this user open more files (`ulimit -n 4096`) and run the command again",
}


def wants_traceback() -> bool:
    """Whether the person asked for everything."""
    return "DEBUG" in (os.environ.get("PREFECT_LOGGING_LEVEL", "").upper(), os.environ.get("LOG_LEVEL", "").upper())


def is_told(error: BaseException) -> bool:
    """Whether its message says all that a person needs: it is ours, or of a disk or a folder."""
    return isinstance(error, WorkflowError) or (isinstance(error, OSError) and error.errno in _ADVICE)


def message_of(error: BaseException) -> str:
    """The error for a person: where, what is wrong, and what to do where that is known; one line."""
    if isinstance(error, WorkflowError):
        text = str(error)
    elif isinstance(error, OSError) and error.errno is not None:
        where = " → ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
        reason = error.strerror or type(error).__name__
        text = ": ".join(filter(None, (where, _ADVICE.get(error.errno, "{reason}").format(reason=reason))))
    else:
        text = ": ".join(filter(None, (type(error).__name__, str(error))))
    return one_line(text)


def line_of(error: BaseException) -> str:
    """The same for the end of a command, and how to see more of an error that nobody foresaw."""
    return message_of(error) if is_told(error) else f"{message_of(error)}; {DEBUG_HINT}"


def one_line(text: str) -> str:
    """The text on one line, without what would act on a terminal."""
    return printable(" ".join(text.split()))


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
