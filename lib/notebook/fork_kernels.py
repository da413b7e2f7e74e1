"""
The process that kernels are forked from: it has imported third-party modules, and never any of the project's own.

A script, which `kernel_server` starts: what analysts edit must not be in it. Its one argument is the descriptor of a
SOCK_SEQPACKET socket. It says `ready` there, or why it cannot be; each message that it gets is a kernel to
start, as JSON, with three descriptors: standard input, the file for both outputs, and a socket. On that one the kernel says
`pid 123` once it is one, and this process `exit 0` when it has ended. Whoever closes a kernel's socket ends the kernel, and
all of them end with the process at the other end of the first one, however that ended.
"""

import builtins
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import threading
import types
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

# What kernels import at their start, and the shipped notebooks' modules of `lib` do. Not matplotlib, but what it imports: itself it
# looks at the working folder and at MPLBACKEND, which a kernel sets, and one notebook of a run draws.
MODULES = (
    *("ipykernel.kernelapp", "ipykernel.ipkernel", "ipykernel.zmqshell", "ipykernel.displayhook", "ipykernel.debugger"),
    *("IPython.core.completer", "IPython.core.debugger", "IPython.core.magics", "IPython.core.oinspect"),
    *("IPython.display", "IPython.core.completerlib", "IPython.core.logger", "IPython.extensions.storemagic"),
    *("tornado.platform.asyncio", "faulthandler", "sqlite3"),
    *("pandas", "pandas.io.formats.style", "numpy.random", "jinja2", "nh3", "linkify_it"),
    *("babel.dates", "babel.numbers", "pydantic", "pydantic_settings", "difflib"),
    *("PIL.Image", "PIL.PngImagePlugin", "pyparsing", "kiwisolver", "dateutil.rrule", "plistlib", "unittest"),
    *("cycler", "fontTools.agl", "PIL.features"),
)
LANGUAGES = ("en", "id")  # whose names of months and days babel has at hand
MARK = "NOTEBOOK_RUN_ID"
_SET_BY_MODULES = {"PYDEVD_USE_FRAME_EVAL"}  # as in every kernel, by debugpy
_MESSAGE_LIMIT = 1 << 18


@dataclass(frozen=True)
class Order:
    """A kernel to start: how `sys.argv` stands in it, where it works, and what is different in its environment, or not there."""

    argv: list[str]
    cwd: str
    environment: dict[str, str | None]
    stdin: int
    log: int
    status: int


def main(channel: socket.socket) -> None:
    """Start kernels until nobody asks any more. In each of them this returns when it has ended."""
    try:
        _preload()
    except BaseException as error:
        channel.send(f"{type(error).__name__}: {error}".encode()[:_MESSAGE_LIMIT])
        raise
    channel.send(b"ready")
    order = _Server(channel).serve()
    if order:
        _run(order)


def _preload() -> None:
    # Outside of a kernel pandas takes itself to be in a terminal, and cuts tables to its width.
    builtins.get_ipython = lambda: types.SimpleNamespace(kernel=None)  # type: ignore[attr-defined]
    environment = dict(os.environ)
    for name in MODULES:
        importlib.import_module(name)
    del builtins.get_ipython  # type: ignore[attr-defined]
    for language in LANGUAGES:
        sys.modules["babel.localedata"].load(language)
    sys.modules["linkify_it"].LinkifyIt().test("https://a.example")  # compiles its patterns
    changed = {name for name, _ in environment.items() ^ os.environ.items()}
    if not changed <= _SET_BY_MODULES or threading.active_count() > 1:
        raise RuntimeError("a module has changed the environment or started a thread; nothing can be forked after it")
    gc.collect()
    collect_rarely()  # a collection in a fork would write to all that it shares with the others


def collect_rarely() -> None:
    """
    Never look for garbage in what is there now, and rarely in what comes.

    Python's own thresholds are half of the time in which thousands of rows are read and drafted (`docs/decisions.md`).
    """
    gc.freeze()
    gc.set_threshold(
        50_000, 20, 100
    )  # objects; collections of the young before one of the older, of those before one of all


class _Server:
    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._poll = select.poll()
        self._poll.register(channel, select.POLLIN)
        self._kernels: dict[int, tuple[int, int]] = {}  # descriptor of the process -> its id, its socket
        self._sockets: dict[int, int] = {}  # socket -> id of the process

    def serve(self) -> Order | None:
        """The order, in the fork that is to carry it out; nothing, in this process, when it is no longer needed."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._kernels:
                    self._bury(descriptor)
                elif descriptor in self._sockets:
                    self._poll.unregister(descriptor)
                    _kill(self._sockets.pop(descriptor))
                elif descriptor == self._channel.fileno():
                    message, descriptors, _, _ = socket.recv_fds(self._channel, _MESSAGE_LIMIT, 3)
                    if not message:
                        for process, _ in self._kernels.values():
                            _kill(process)
                        return None
                    order = Order(*json.loads(message), *descriptors)
                    if self._fork(order):
                        return order

    def _fork(self, order: Order) -> bool:
        """Whether this is the new process. It keeps none of the descriptors by which this one serves the others."""
        process = os.fork()
        if process:
            os.close(order.stdin)
            os.close(order.log)
            watched = os.pidfd_open(process)
            self._kernels[watched] = (process, order.status)
            self._sockets[order.status] = process
            self._poll.register(watched, select.POLLIN)
            self._poll.register(order.status, select.POLLIN)
            return False
        self._channel.close()
        for watched, (_, status) in self._kernels.items():
            os.close(watched)
            os.close(status)
        return True

    def _bury(self, watched: int) -> None:
        process, status = self._kernels.pop(watched)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        if self._sockets.pop(status, None):
            self._poll.unregister(status)
            with suppress(OSError):  # nobody wants to know
                os.write(status, f"exit {code}".encode())
        self._poll.unregister(watched)
        os.close(watched)
        os.close(status)


def _kill(process: int) -> None:
    try:
        os.killpg(process, signal.SIGKILL)
    except ProcessLookupError:  # it leads no group yet
        os.kill(process, signal.SIGKILL)


def _run(order: Order) -> None:
    """Be a kernel: as if started for it, but with the modules at hand."""
    os.setsid()
    os.chdir(order.cwd)
    for descriptor, standard in ((order.stdin, 0), (order.log, 1), (order.log, 2)):
        os.dup2(descriptor, standard)
    os.close(order.stdin)
    os.close(order.log)
    _show_mark(order.environment[MARK] or "")
    for name, value in order.environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    numpy: Any = sys.modules["numpy"]
    numpy.random.seed()  # the standard library's generator does so by itself
    sys.argv = order.argv
    os.write(order.status, f"pid {os.getpid()}".encode())
    os.close(order.status)
    from ipykernel.kernelapp import IPKernelApp  # noqa: PLC0415  # after the script's folder has left the path

    IPKernelApp.launch_instance(parent_handle=os.getppid())


def _show_mark(mark: str) -> None:
    """Write over the mark that this process was started with: `/proc` shows that place, also of what only forks."""
    getenv = ctypes.CDLL(None).getenv
    getenv.restype = ctypes.c_void_p
    assert len(mark) == len(os.environ[MARK])
    ctypes.memmove(getenv(MARK.encode()), mark.encode(), len(mark))


if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]  # this folder, whose modules are no top-level ones
    main(socket.socket(fileno=int(sys.argv[1])))
