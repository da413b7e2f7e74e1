"""What is written for people to read on a terminal: text that stays text, and streams that cannot fail."""

import contextlib
import errno
import os
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO, cast

_GONE = (errno.EPIPE, errno.EIO, errno.EBADF)  # the reader has ended, the terminal is closed

_JOINERS = "\u200c\u200d"  # inside emoji, and in scripts whose letters join
_ACTS = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories of what a terminal obeys, hides, breaks a line at or cannot be sent


def printable(text: object) -> str:
    r"""
    Text of sheets, files and services on one line that a terminal shows and does not obey.

    Control characters, line breaks, marks that turn the direction of writing, and what is invisible become escapes such as
    `\x1b`, `\n` and `\u202e`.
    """
    return "".join(_escaped(sign) if _acts(sign) else sign for sign in str(text))


def printable_lines(text: str) -> str:
    """The same of several lines, such as a traceback: those below the first are set in, so that none passes for another line."""
    return "\n  ".join(printable(line) for line in text.split("\n"))


def _acts(sign: str) -> bool:
    return unicodedata.category(sign) in _ACTS and sign not in _JOINERS


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape", "backslashreplace").decode("ascii")


class SteadyStream:
    """
    A text stream that nobody fails for: what its terminal, pipe or disk does not take is lost.

    A run that makes issues must not end because somebody closed the window that its lines went to.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def isatty(self) -> bool:
        """Whether a person looks on; not when it is closed."""
        try:
            return bool(self._stream.isatty())
        except (OSError, ValueError):
            return False

    def write(self, text: str) -> int:
        """Write as much as can be; characters that its encoding has not become escapes."""
        try:
            try:
                self._stream.write(text)
            except UnicodeEncodeError:
                encoding = self._stream.encoding
                self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError) as lost:
            self._let_go(lost)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Send what was written, if anybody takes it."""
        try:
            self._stream.flush()
        except (OSError, ValueError) as lost:
            self._let_go(lost)

    def end(self) -> None:
        """Send the rest, or let it go: what is still held back makes Python complain, and exit with 120, as it ends."""
        try:
            self._stream.flush()
        except (OSError, ValueError):
            self._send_nowhere()
            self.flush()

    def _let_go(self, lost: OSError | ValueError) -> None:
        if isinstance(lost, OSError) and lost.errno in _GONE:
            self._send_nowhere()

    def _send_nowhere(self) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextlib.contextmanager
def steady() -> Iterator[None]:
    """While it lasts, nothing that is printed can fail: not on a closed output, a full disk, or an output of ASCII alone."""
    _open_missing()
    before = sys.stdout, sys.stderr
    steadied = [_steadied(stream) for stream in before]
    sys.stdout, sys.stderr = (cast("TextIO", stream) for stream in steadied)
    try:
        yield
    finally:
        for stream in steadied:
            stream.end()
        sys.stdout, sys.stderr = before


def _open_missing() -> None:
    """What was closed before the process began is opened to nowhere: programs that it starts cannot do without."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)
            os.dup2(nowhere, number)  # which a process inherits, also if it is the same number
            os.set_inheritable(number, True)  # has no name
            if nowhere != number:
                os.close(nowhere)


def _steadied(stream: Any) -> SteadyStream:
    """Python has None for what was closed before it began."""
    if stream is None:
        stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as the process lives
    return stream if isinstance(stream, SteadyStream) else SteadyStream(stream)
