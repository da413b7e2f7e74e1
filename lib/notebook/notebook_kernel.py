"""One kernel process per run, of the Python that runs this: started, greeted, asked to leave, and gone with all it started."""

import asyncio
import fcntl
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any, cast

from ipykernel.kernelspec import RESOURCES, get_kernel_dict
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from lib import files
from lib.notebook.fork_kernels import MARK
from lib.notebook.kernel_server import ForkedKernel, KernelServer

LOGGER = logging.getLogger(__name__)

LEAVE_S = 5.0
LOG_LIMIT = 10_000  # characters of what a kernel wrote outside of any cell

_POLL_S = 0.02
_IPC_PATH_LIMIT = 90  # Unix sockets have paths of at most 107 bytes, on macOS 103
_FOLDER = re.compile(r"kernel-[a-z0-9_]{8}")
_OWNER = "owner"  # locked in a kernel's folder for as long as the process lives that started it
_OURS = re.compile(r"new|log|ipython|k\.json|k-ipc-[0-9]+")  # what a folder may hold that has no owner
_LEFT_AFTER_S = 86_400  # such a folder may just be made
# A kernel drops output that comes faster than it is taken in, unless its socket is told to wait.
# At its exit ipykernel (7.4) ends the thread that sends what it says while the control thread may still report that it is idle,
# which then waits for ever; and a kernel may wait 10 s for a thread that is gone, and 14 s for child processes that are already
# dead. It would be killed before it has written what is left of the notebook's open files.
_KERNEL_SETUP = """
def setup():
    import atexit

    import zmq
    from ipykernel import iostream, kernelapp, kernelbase

    app = kernelapp.IPKernelApp.instance()
    iopub = app.iopub_thread  # the only thread that may touch the socket
    iopub.schedule(lambda: iopub.socket.setsockopt(zmq.XPUB_NODROP, 1))
    atexit.register(setattr, iostream.OutStream, "flush_timeout", 0.5)
    atexit.register(app.control_thread.join)  # what is registered last is done first
    atexit.register(app.control_thread.stop)
    children = kernelbase.Kernel._process_children
    kernelbase.Kernel._process_children = lambda self: [each for each in children(self) if each.status() != "zombie"]

setup()
del setup
"""


def _kernel_arguments() -> list[str]:
    closed = 0o777 & ~files.folder_mode()  # to whom the run's folder is closed, files that a notebook writes are
    return [
        "--HistoryManager.hist_file=:memory:",
        "--IPKernelApp.exec_PYTHONSTARTUP=False",
        f"--IPKernelApp.exec_lines={_KERNEL_SETUP}__import__('os').umask({closed:#o})",
    ]


class _ThisEnvironment(KernelSpecManager):
    """Knows one kernel: the Python that runs this. Kernels of that name installed elsewhere do not count."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:  # noqa: ARG002  # the name is the base class's
        return KernelSpec(resource_dir=RESOURCES, **get_kernel_dict())


class _Manager(AsyncKernelManager):
    """Has the kernel forked where that can be, and started as a process by itself where not."""

    server: KernelServer | None = None

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        forked = self.server and await self.server.fork(
            kernel_cmd, options["cwd"], options["env"], options["stdout"].fileno()
        )
        if not forked:
            await super()._async_launch_kernel(kernel_cmd, **options)
            return
        provisioner: Any = self.provisioner
        provisioner.process, provisioner.pid, provisioner.pgid = forked, forked.pid, forked.pid
        self._reconcile_connection_info(provisioner.connection_info)


class Kernel:
    """One kernel process with a private folder, in a session of its own: forked by the server, if there is one and it can."""

    def __init__(self, server: KernelServer | None = None) -> None:
        self.dead: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.manager: Any = None
        self.client: Any = None
        self.killed = False
        self._server = server
        self._folder: Path | None = None
        self._held: int | None = None
        self._mark = uuid.uuid4().hex
        self._watcher: asyncio.Task[None] | None = None

    @property
    def process(self) -> subprocess.Popen[bytes] | ForkedKernel | None:
        """Known from its start on, which a cancelled `start` may not have seen through."""
        return self.manager and getattr(self.manager.provisioner, "process", None)

    async def start(self, working_dir: Path, environment: Mapping[str, str]) -> dict[str, Any]:
        """Start the process and wait until it answers; what it says of its language."""
        _remove_left()
        self._folder = folder = Path(tempfile.mkdtemp(prefix="kernel-"))
        self._held = _hold(folder)
        self.manager = _manager(folder, self._server)
        # A profile of its own: what analysts keep in ~/.ipython must not change a scheduled run.
        own = {MARK: self._mark, "IPYTHONDIR": str(folder / "ipython")}
        with (folder / "log").open("wb") as log:
            await self.manager.start_kernel(
                extra_arguments=_kernel_arguments(),
                cwd=str(working_dir),
                env={**environment, **own},
                stdout=log,
                stderr=log,
            )
        self._watcher = asyncio.create_task(self._watch())
        self.client = self.manager.client(context=self.manager.context)
        self.client.start_channels(stdin=False, hb=False)
        return await self._greet()

    async def _watch(self) -> None:
        while self.process and self.process.poll() is None:  # noqa: ASYNC110  # nobody else tells of its end
            await asyncio.sleep(_POLL_S)
        self.dead.set_result(None)

    async def _greet(self) -> dict[str, Any]:
        """Ask until an answer comes and its `idle` message, too: from then on no output is lost.

        jupyter_client's wait_for_ready listens for 0.2 s of silence instead, at every start.
        """
        while True:
            request = self.client.kernel_info()
            with suppress(Empty):
                while (reply := await self.client.get_shell_msg(timeout=1))["parent_header"].get("msg_id") != request:
                    pass
                while True:
                    message = await self.client.get_iopub_msg(timeout=0.2)
                    idle = message["content"].get("execution_state") == "idle"
                    if idle and message["parent_header"].get("msg_id") == request:
                        return cast("dict[str, Any]", reply["content"]["language_info"])

    def kill(self) -> None:
        """End the process and all that it started, also what left its process group."""
        self.killed = True
        if self.process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if f"{MARK}={self._mark}".encode() in environ.read_bytes():
                    os.kill(int(environ.parent.name), signal.SIGKILL)

    def epitaph(self) -> str:
        """How the process ended."""
        code = self.process.poll() if self.process else None
        if code is None or code >= 0:
            return f"the kernel ended with exit code {code}"
        name = signal.Signals(-code).name
        return f"the kernel was ended by {name}" + (", as happens when memory runs out" if name == "SIGKILL" else "")

    def log(self) -> str:
        """The end of what the process itself wrote, outside of any cell."""
        if self._folder is None:
            return ""
        return (self._folder / "log").read_text("utf-8", "replace")[-LOG_LIMIT:].strip()

    async def close(self, stopped: asyncio.Task[bool]) -> None:
        """Let the kernel write its files and leave, unless it was killed or that takes too long or somebody asks to stop."""
        if self.process and not self.killed and not self.dead.done():
            await self.manager.request_shutdown()
            await first_of({self.dead, stopped}, LEAVE_S)
            if not self.dead.done():
                LOGGER.warning(
                    "The kernel did not leave when asked and is killed; files it left open may be incomplete"
                )
        self.kill()
        if self.process:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(LEAVE_S)
        if self.client:
            self.client.stop_channels()
        if self.manager:
            await self.manager.cleanup_resources()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _hold(folder: Path) -> int:
    """Lock the folder's owner file until the descriptor is closed, as it is when this process ends, however it does."""
    held = os.open(folder / "new", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    fcntl.flock(held, fcntl.LOCK_EX)
    (folder / "new").rename(folder / _OWNER)  # nobody sees it unlocked
    return held


def _remove_left() -> None:
    """Remove this user's folders of kernels whose process was killed before it could."""
    for folder in Path(tempfile.gettempdir()).glob("kernel-*"):
        with suppress(OSError):
            found = folder.lstat()
            own = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and found.st_mode & 0o777 == stat.S_IRWXU
            if own and _FOLDER.fullmatch(folder.name) and _is_left(folder, found.st_mtime):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path, changed_at: float) -> bool:
    """Whether nobody holds the folder; one that was never held must be old, and have nothing in it but ours."""
    try:
        owner = os.open(folder / _OWNER, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        old = time.time() - changed_at > _LEFT_AFTER_S
        return old and all(_OURS.fullmatch(path.name) for path in folder.iterdir())
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        return True
    finally:
        os.close(owner)


def _manager(folder: Path, server: KernelServer | None) -> _Manager:
    # Sockets in a folder that only its owner may enter need no encryption; ipykernel warns of TCP without it.
    ipc = len(os.fsencode(folder)) < _IPC_PATH_LIMIT
    manager = _Manager(
        kernel_name=NATIVE_KERNEL_NAME,
        kernel_spec_manager=_ThisEnvironment(),
        connection_file=str(folder / "k.json"),
        transport="ipc" if ipc else "tcp",
        transport_encryption="disabled" if ipc else "auto",
    )
    manager.server = server
    manager.context.reconnect_ivl = 10  # ms; the default of 100 is waited for at each start
    return manager


async def first_of(futures: set[asyncio.Future[Any]], timeout_s: float | None) -> None:
    """Return when one of them is done, or after that time."""
    await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
