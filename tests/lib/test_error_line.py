"""How a command ends that cannot go on: one line that names what to do; everything only where it is asked for."""

import errno
import os
import subprocess
import sys

import pytest

from lib import error_line
from lib.errors import FixInputError


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FixInputError("days", "is 0;\n  write at least 1"), "days: is 0; write at least 1"),
        (OSError(errno.ENOSPC, "No space left on device", "/mnt/a"), "/mnt/a: no space is left there; make room, or write elsewhere with --output-dir or OUTPUT_DIR, and run the command again"),
        (OSError(errno.EACCES, "Permission denied", "/mnt/a"), "/mnt/a: Permission denied; let this user read and write it, or name another path"),
        (OSError(errno.ENOTDIR, "Not a directory", "/mnt/a"), "/mnt/a: Not a directory; name a folder"),
        (OSError(errno.ENOENT, "No such file", "/mnt/a"), "/mnt/a: No such file; PREFECT_LOGGING_LEVEL=DEBUG shows where"),
        (FixInputError("a\x1b[31m", "b\x07"), r"a\x1b[31m: b\x07"),
        (KeyError("x"), "KeyError: 'x'; PREFECT_LOGGING_LEVEL=DEBUG shows where"),
        (ValueError(), "ValueError; PREFECT_LOGGING_LEVEL=DEBUG shows where"),
    ],
)  # fmt: skip
def test_an_error_is_one_line_that_says_where_and_what_to_do(error, says):
    assert error_line.line_of(error) == says


def raised(expression, **environment):
    code = f"from lib import error_line; error_line.show_all(); {expression}"
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_what_nobody_catches_ends_in_one_line_and_at_debug_with_its_traceback():
    ended = raised("open('/no/such')")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "error: /no/such: No such file or directory; PREFECT_LOGGING_LEVEL=DEBUG shows where\n"
    everything = raised("open('/no/such')", PREFECT_LOGGING_LEVEL="debug").stderr
    assert everything.startswith("Traceback (most recent call last)")
    assert everything.endswith(ended.stderr)


def test_ctrl_c_is_no_error_to_look_into():
    assert raised("raise KeyboardInterrupt").stderr == "Stopped.\n"
