"""The sandbox, running: a local Google and Jira on a port of 127.0.0.1."""

import socket
import threading
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn

from sandbox import control, pages, state_file
from sandbox.app import Service, build
from sandbox.faults.faults import Fault
from sandbox.google.google import Google
from sandbox.http.callers import OwnCallersOnly
from sandbox.http.connections import protocol_for
from sandbox.http.journal import Entry
from sandbox.http.timeline import Clock, SystemClock
from sandbox.jira.jira import Jira
from sandbox.seed import seed
from sandbox.state import SandboxState

_START_TIMEOUT_S = 10.0
_KEEP_ALIVE_S = 75


class Sandbox:
    """
    A local Google and Jira, spoken to over HTTP; a context manager that runs the server in a thread.

    Args:
        port: 0 takes any free port.
        state_path: A JSON file that keeps the state between starts; it is read if it exists.
        index_lag_s: How long Jira's search takes to see a change, in seconds of `clock`.
        seed: Whether there are client lists, plans and issues at the start. Accounts, users and projects always are.
        clock: Where time comes from; the computer's clock if None.
    """

    def __init__(
        self,
        port: int = 0,
        state_path: Path | str | None = None,
        index_lag_s: float = 2.0,
        seed: bool = True,
        clock: Clock | None = None,
        *,
        host: str = "127.0.0.1",
    ) -> None:
        self._state = SandboxState(clock or SystemClock(), index_lag_s=index_lag_s)
        self._service = Service(self._state)
        self._host, self._port, self._seeded, self._index_lag_s = host, port, seed, index_lag_s
        self._state_path = None if state_path is None else Path(state_path)
        self._saver: state_file.Saver | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._begin()

    def _begin(self) -> None:
        self._plant()
        self._beginning = self._state.snapshot()
        if self._state_path is not None and self._state_path.exists():
            state_file.load(self._state, self._state_path)

    def _plant(self) -> None:
        self._state.clear()
        seed.plant_site(self._state.google, self._state.jira)
        if self._seeded:
            seed.plant(self._state.google, self._state.jira)

    # Running

    def __enter__(self) -> Self:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        # asyncio sets TCP_NODELAY only where the protocol is named; without it every keep-alive answer takes 40 ms.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._port))
            listener.listen()  # now: until somebody listens, the system may give the same port to another process
        except OSError:
            listener.close()
            raise
        reachable = "127.0.0.1" if self._host == "0.0.0.0" else self._host  # noqa: S104 - compared, not bound
        self._state.base_url = f"http://{reachable}:{listener.getsockname()[1]}"
        routes = [*control.routes(self._service, self.reset), *pages.routes(self._service)]
        config = uvicorn.Config(
            OwnCallersOnly(build(self._service, routes), self._host),
            http=protocol_for(self._service.transports),
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            log_level="critical",
            access_log=False,
            date_header=False,  # the vendors' answers carry the box's own time
            timeout_keep_alive=_KEEP_ALIVE_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(listener,), name="sandbox", daemon=True)
        self._thread.start()
        self._await_start()
        if self._state_path is not None:
            self._saver = state_file.Saver(self._state, self._state_path, lambda: self._service.writes)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.should_exit = self._server.force_exit = True
        if self._thread is not None:
            self._thread.join()
        if self._saver is not None:
            self._saver.close()

    def _serve(self, listener: socket.socket) -> None:
        if self._server is not None:
            self._server.run(sockets=[listener])
        listener.close()

    def _await_start(self) -> None:
        started = threading.Event()
        for _ in range(int(_START_TIMEOUT_S / 0.005)):
            if self._server is not None and self._server.started:
                return
            started.wait(0.005)
        raise RuntimeError("the sandbox's server did not start")

    # What a client needs

    @property
    def url(self) -> str:
        """Where everything is, e.g. `http://127.0.0.1:43211`; empty until the server runs."""
        return self._state.base_url

    def environment(self) -> dict[str, str]:
        """The settings that point a client at this sandbox."""
        return {
            "GOOGLE_API_ENDPOINT": self.url,
            "GOOGLE_TOKEN_URI": f"{self.url}/token",
            "GOOGLE_CLIENT_ID": seed.GOOGLE_CLIENT_ID,
            "GOOGLE_CLIENT_SECRET": seed.GOOGLE_CLIENT_SECRET,
            "GOOGLE_REFRESH_TOKEN": seed.GOOGLE_REFRESH_TOKEN,
            "JIRA_URL": self.url,
            "JIRA_USERNAME": seed.JIRA_USERNAME,
            "JIRA_TOKEN": seed.JIRA_TOKEN,
            "CLIENTS_SPREADSHEET_ID": seed.CLIENTS_SPREADSHEET_ID,
            "JIRA_PROJECT_KEY": seed.PROJECT_KEY,
            "JIRA_ISSUE_TYPE_ID": seed.ISSUE_TYPE_ID,
            "JIRA_PRIORITY_ID": seed.PRIORITY_ID,
            "JIRA_REPORTER": seed.REPORTER,
        }

    # What a test sees and does

    @property
    def google(self) -> Google:
        return self._state.google

    @property
    def jira(self) -> Jira:
        return self._state.jira

    @property
    def lock(self) -> AbstractContextManager[bool]:
        """Held by whoever changes the state; take it to do several things at once."""
        return self._state.timeline.lock

    @property
    def clock(self) -> Clock:
        return self._state.timeline.clock

    @property
    def journal(self) -> list[Entry]:
        """What was asked and answered, in order of arrival."""
        return self._service.journal

    def calls(self, operation: str) -> int:
        """How many requests of an operation have arrived."""
        return sum(entry.operation == operation for entry in self._service.journal)

    def fault(self, operation: str, kind: str, *, times: int = 1, after: int = 0, **options: Any) -> Fault:
        """
        Queue a fault.

        Args:
            operation: A vendor's method id, e.g. `createIssues` or `drive.files.list`.
            kind: One of `faults.KINDS`, which also names the options of each kind.
            times: How many requests it happens to.
            after: How many requests it lets pass first.
            options: E.g. `delay_s=0.5`, `retry_after=7`, `indices=[1, 3]`, `errors={"summary": "no"}`, `edit=function`.
        """
        with self.lock:
            return self._service.faults.add(operation, kind, times=times, after=after, **options)

    @property
    def faults_left(self) -> dict[str, list[str]]:
        """The faults that no request has reached, by operation; empty when all have happened."""
        return self._service.faults.left

    def clear_faults(self) -> None:
        """Forget the faults that no request has reached."""
        with self.lock:
            self._service.faults.clear()

    def reset(self) -> None:
        """Back to the beginning: the state as first planted, its first index lag, no faults, an empty journal."""
        with self.lock:
            self._state.restore(self._beginning)
            self._state.jira.index_lag_s = self._index_lag_s
            self._service.faults.clear()
            self._service.journal.clear()
            self._service.writes += 1

    def snapshot(self) -> bytes:
        """A copy of the services' state, pending late writes included; faults and journal are not part of it."""
        return self._state.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Put the services back to a snapshot; requests still under way change nothing any more."""
        with self.lock:
            self._state.restore(snapshot)
            self._service.writes += 1
