"""A real terminal (a pty) that says what stands in it."""

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time
from pathlib import Path

import pyte

ROOT = Path(__file__).parents[2]
LINES = 200  # so high that nothing scrolls out


class Window:
    """What commands, or streams of this process, show a person in a window so many characters wide."""

    def __init__(self, columns=80):
        self._ours, self._theirs = pty.openpty()
        self._screen = pyte.Screen(columns, LINES)
        self._reads = pyte.ByteStream(self._screen)
        self.raw = b""
        self.frames = []  # all that could be seen, one after the other
        self.resize(columns)
        self.stream = open(self._theirs, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # closed with the window
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def resize(self, columns):
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, columns, 0, 0))

    def _read(self):
        while True:
            try:
                data = os.read(self._ours, 65536)
            except (OSError, TypeError):  # it was closed
                return
            if not data:
                return
            self._reads.feed(data)
            self.frames.append(self.lines())
            self.raw += data

    def lines(self):
        """What stands there now, line by line."""
        return [line.rstrip() for line in self._screen.display if line.strip()]

    def text(self):
        return "\n".join(self.lines())

    def ever(self, text):
        """The frames in which a text stood, as lines."""
        return [frame for frame in list(self.frames) if any(text in line for line in frame)]

    def wait_for(self, text, limit_s=120):
        until = time.monotonic() + limit_s
        while not self.ever(text):
            assert time.monotonic() < until, f"{text!r} was not shown within {limit_s} s; there stands:\n{self.text()}"
            time.sleep(0.02)

    @contextlib.contextmanager
    def running(self, command, **options):
        """The command in this window, as a person starts it."""
        given = {"stdin": self._theirs, "stdout": self._theirs, "stderr": self._theirs, **options}
        with subprocess.Popen(
            command,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(self._theirs, termios.TIOCSCTTY, 0),  # noqa: PLW1509  # so that Ctrl-C comes to it
            pass_fds=(self._theirs,),
            **given,
        ) as process:
            try:
                yield process
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL) if process.poll() is None else None

    def run(self, command, limit_s=240, **options):
        """The exit code of the command, once all that it wrote has been read."""
        with self.running(command, **options) as process:
            code = process.wait(limit_s)
        self.settle()
        return code

    def settle(self):
        """Wait until all that was written has been read."""
        mark = f"\x1b]0;{time.monotonic_ns()}\x07".encode()  # a title: shown nowhere
        with contextlib.suppress(ValueError, OSError):
            self.stream.flush()
        os.write(self._theirs, mark)
        until = time.monotonic() + 30
        while mark not in self.raw:
            assert time.monotonic() < until, "the window does not read"
            time.sleep(0.01)
        self.raw = self.raw.replace(mark, b"")

    def press(self, keys):
        os.write(self._ours, keys)

    def close(self):
        """As a person closes it; nothing can be written from then on."""
        if self._ours is None:
            return
        with contextlib.suppress(OSError):
            self.stream.flush()
        os.close(self._ours)
        self._ours = None

    def end(self):
        self.settle() if self._ours is not None else None
        with contextlib.suppress(OSError, ValueError):
            self.stream.close()
        os.close(self._theirs)
        self._reader.join(5)
        if self._ours is not None:
            os.close(self._ours)
