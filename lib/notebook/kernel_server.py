"""
Kernels of one run forked from a process that has pandas and the like at hand, which saves most of what a kernel's start costs.

Each notebook still has a fresh process of its own. Wherever forking is not possible or not safe (another system than Linux,
another environment or interpreter than the first notebook's, a server that did not start or has died) there is no fork, and
the caller starts a kernel as always.
"""

import asyncio
import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextvars import ContextVar
from pathlib import Path

import ipykernel

from lib.notebook import fork_kernels
from lib.settings import Settings

LOGGER = logging.getLogger(__name__)

START_S = 30.0
_FORK_S = 5.0
_LEAVE_S = 5.0
_POLL_S = 0.01
# What may differ in the environments of two kernels of one server, as nothing that it has imported reads it.
_OWN = {fork_kernels.MARK, "IPYTHONDIR", "JPY_PARENT_PID", *(name.upper() for name in Settings.model_fields)}
_LAUNCHER = Path(ipykernel.__file__).parents[1] / "ipykernel_launcher.py"
_SCRIPT = Path(__file__).with_name("fork_kernels.py")


class ForkedKernel:
    """What a kernel's owner knows of its process, as of a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, status: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """
        Its exit code, once it has ended.

        Raises:
            subprocess.TimeoutExpired: It has not, within that time in seconds.
        """
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(["kernel"], timeout or 0)
        return code

    def _ended_within(self, timeout_s: float | None) -> int | None:
        if self.returncode is None and _readable(self._status, timeout_s):
            said = self._status.recv(100)
            self._status.close()
            if not said:  # the server is gone, and its kernels must not stay
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self.pid, signal.SIGKILL)
            self.returncode = int(said.removeprefix(b"exit ")) if said else -signal.SIGKILL
        return self.returncode


class KernelServer:
    """One server process, started for the first notebook's environment and gone with `close`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # each notebook has a thread of its own
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._environment: dict[str, str] = {}
        self._ready_by = 0.0
        self._ready = False
        self._closed = False
        # A kernel computes nearly all of its time: more of them than cores take memory and no less time.
        self.places = asyncio.Semaphore((os.process_cpu_count() or 1) + 1)

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it, unless it was, for kernels with this environment; it is ready a second later."""
        with self._lock:
            if self._process or self._closed or not _can_fork(environment):
                return
            self._environment = {**environment, fork_kernels.MARK: "0" * 32}
            self._ready_by = time.monotonic() + START_S
            self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self._channel.setblocking(False)
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603  # our own script
                    [*_interpreter(), str(_SCRIPT), str(theirs.fileno())],
                    env=self._environment,
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )

    async def fork(
        self, command: Sequence[str], working_dir: str, environment: Mapping[str, str], log: int
    ) -> ForkedKernel | None:
        """
        A kernel that is as if started by the command; None when it must be.

        Args:
            command: Interpreter, its options, `-m ipykernel_launcher` and the kernel's arguments.
            working_dir: Where it works.
            environment: Its whole environment: the server's, but for what each kernel has of its own, and our own settings.
            log: The file that it writes to, outside of any cell.
        """
        self.start(environment)
        own = _difference(self._environment, environment)
        launcher = [*_interpreter(), "-m", "ipykernel_launcher"]
        if list(command[: len(launcher)]) != launcher or not own.keys() <= _OWN:
            return None
        try:
            while not self._is_ready():  # noqa: ASYNC110  # many threads may wait for it
                await asyncio.sleep(_POLL_S)
            argv = [str(_LAUNCHER), *command[len(launcher) :]]
            return self._fork(json.dumps([argv, working_dir, own]).encode(), log)
        except OSError as error:
            LOGGER.warning("The kernel is started by itself, since it cannot be forked: %s", error)
            return None

    def _is_ready(self) -> bool:
        with self._lock:
            if self._channel is None:
                raise OSError("there is no server")
            if not self._ready and _readable(self._channel, 0):
                said = self._channel.recv(1000)
                if said != b"ready":
                    raise OSError(said.decode("utf-8", "replace") or "the server has ended")
                self._ready = True
            if not self._ready and time.monotonic() > self._ready_by:
                raise OSError(f"the server was not ready within {START_S:g} s")
            return self._ready

    def _fork(self, order: bytes, log: int) -> ForkedKernel:
        assert self._channel
        status, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stdin, nobody = os.pipe()
        os.close(nobody)
        try:
            socket.send_fds(self._channel, [order], [stdin, log, theirs.fileno()])
        except OSError:
            status.close()
            raise
        finally:
            theirs.close()
            os.close(stdin)
        said = status.recv(100) if _readable(status, _FORK_S) else b""
        if not said.startswith(b"pid "):
            status.close()  # the server ends what has come of it
            raise OSError("the server has not forked it")
        return ForkedKernel(int(said.removeprefix(b"pid ")), status)

    def close(self) -> None:
        """End the server, and with it all kernels that are left."""
        with self._lock:
            self._closed = True
            if self._channel:
                self._channel.close()
                self._channel = None
            if self._process:
                try:
                    self._process.wait(_LEAVE_S)
                except subprocess.TimeoutExpired:
                    self._process.kill()
                    self._process.wait()


_CURRENT: ContextVar[KernelServer | None] = ContextVar("kernel server", default=None)


@contextlib.contextmanager
def kept() -> Iterator[KernelServer]:
    """A server for the notebooks that are run inside, also by tasks that are begun there: the one around it, or one of its own."""
    if outer := current():
        yield outer
        return
    server = KernelServer()
    token = _CURRENT.set(server)
    try:
        yield server
    finally:
        _CURRENT.reset(token)
        server.close()


def current() -> KernelServer | None:
    """The server that is kept around the caller, if any."""
    return _CURRENT.get()


@contextlib.asynccontextmanager
async def place() -> AsyncIterator[None]:
    """Wait until one more kernel may run beside those of the kept server; at once where none is kept."""
    server = current()
    async with server.places if server else contextlib.nullcontext():
        yield


def _difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str | None]:
    """What has another value, or none, in the second."""
    return {name: after.get(name) for name in {**before, **after} if before.get(name) != after.get(name)}


def _interpreter() -> list[str]:
    return [sys.executable]


def _can_fork(environment: Mapping[str, str]) -> bool:
    """Linux only; and a relative PYTHONPATH means another folder in each working folder."""
    paths = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and all(Path(each).is_absolute() for each in paths)


def _readable(channel: socket.socket, timeout_s: float | None) -> bool:
    waiting = select.poll()
    waiting.register(channel, select.POLLIN)
    return bool(waiting.poll(None if timeout_s is None else timeout_s * 1000))
