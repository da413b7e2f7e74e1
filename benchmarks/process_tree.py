"""What a command and all processes that it starts take: seconds, processor seconds, memory."""

import contextlib
import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_EVERY_S = 0.2
_FIRST_S, _AT_FIRST_S = 2.0, 0.03  # small commands end before they are seen often enough
_LEAVE_S = 15.0  # to end after SIGTERM
_GONE = (psutil.NoSuchProcess, psutil.AccessDenied, OSError)


@dataclass(frozen=True)
class Usage:
    """
    What a command took.

    Attributes:
        wall_s: From its start to its end.
        cpu_s: User and system time of all its processes.
        peak_mb: Most memory of all its processes at one moment, what they share counted once (PSS).
        peak_rss_mb: The same with what they share counted for each (RSS).
        exit_code: As the shell has it; None when the time limit ended it.
        output: The end of what it printed.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    peak_rss_mb: float
    exit_code: int | None
    output: str


def measure(
    command: Sequence[str], *, environment: Mapping[str, str], folder: Path, limit_s: float, every_s: float = _EVERY_S
) -> Usage:
    """Run the command in that folder, for `limit_s` seconds at most; none of its processes is left."""
    log = folder / "output.txt"
    with log.open("wb") as output:
        began = time.monotonic()
        started = subprocess.Popen(
            command, env=environment, cwd=folder, stdout=output, stderr=output, start_new_session=True
        )
        tree, ended, code = _Tree(started.pid), None, None
        try:
            while ended is None and time.monotonic() - began < limit_s:
                tree.look()
                now = time.monotonic()
                pause = min(every_s, _AT_FIRST_S) if now - began < _FIRST_S else every_s
                ended = _ended(started, min(began + limit_s, now + pause))
            wall = time.monotonic() - began
            if ended is None:
                started.terminate()
                ended = _ended(started, time.monotonic() + _LEAVE_S)
            else:
                code = started.returncode
        finally:
            tree.end()
            ended = ended or _ended(started, time.monotonic() + _LEAVE_S)
    waited = ended.ru_utime + ended.ru_stime if ended else 0.0
    text = log.read_text(errors="replace")[-4000:]
    return Usage(wall, max(waited, tree.cpu_s), tree.peak / 1e6, tree.peak_rss / 1e6, code, text)


def _ended(process: "subprocess.Popen[bytes]", until: float) -> resource.struct_rusage | None:
    """What the process and its children that were waited for took, when it ends before `until`."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() >= until:
            return None
        time.sleep(0.005)


class _Tree:
    """The processes of a command, those too whose parent has ended; what was seen of them."""

    def __init__(self, pid: int) -> None:
        self.peak = self.peak_rss = 0
        self._known: dict[int, psutil.Process] = {}
        self._cpu: dict[int, float] = {}
        with contextlib.suppress(*_GONE):
            self._known[pid] = psutil.Process(pid)

    @property
    def cpu_s(self) -> float:
        return sum(self._cpu.values())

    def look(self) -> None:
        """Find its processes, and add up what they take now."""
        for process in list(self._known.values()):
            with contextlib.suppress(*_GONE):
                for child in process.children(recursive=True):
                    self._known.setdefault(child.pid, child)
        shared_once = each = 0
        for pid, process in list(self._known.items()):
            try:
                with process.oneshot():
                    times, rss = process.cpu_times(), process.memory_info().rss
            except _GONE:
                del self._known[pid]
                continue
            self._cpu[pid] = times.user + times.system
            each += rss
            shared_once += _pss(pid, rss)
        self.peak, self.peak_rss = max(self.peak, shared_once), max(self.peak_rss, each)

    def end(self) -> None:
        """Kill what is left of it."""
        self.look()
        for process in self._known.values():
            with contextlib.suppress(*_GONE):
                process.kill()


def _pss(pid: int, otherwise: int) -> int:
    """Bytes of the process with what it shares divided among those that share it."""
    with contextlib.suppress(OSError, ValueError, IndexError), Path(f"/proc/{pid}/smaps_rollup").open() as file:
        return 1024 * sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return otherwise
