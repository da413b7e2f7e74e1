"""How far a run is: told to the terminal as a bar, and to Prefect as an artifact."""

import contextlib
import logging
import sys
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging.configuration import setup_logging
from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from lib.plan_sheet import Log

ARTIFACT = "progress"
_DOING = 80  # characters of what is happening now


def _nobody(_progress: "Progress") -> None:
    """Hear nothing: nobody looks on."""


_LISTENER: ContextVar[Callable[["Progress"], None]] = ContextVar("progress listener", default=_nobody)


@dataclass
class Progress:
    """How many of its clients a run has ended, their rows, and what is happening now; `listener` hears of every change."""

    clients: int
    ended: int = 0
    rows: dict[str, int] = field(default_factory=dict)  # read so far, by client
    rows_ended: int = 0
    now: dict[str, str] = field(default_factory=dict)  # step, by client
    listener: Callable[["Progress"], None] = field(default_factory=_LISTENER.get)
    _artifact: uuid.UUID | None = None

    def tell(self, client: str, step: str, rows: int) -> None:
        """What begins for a client, and how many rows of it are known."""
        self.now[client], self.rows[client] = step, rows
        self.listener(self)

    async def end(self, client: str, rows: int, log: Log) -> None:
        """A client has ended, with so many rows."""
        self.ended += 1
        self.rows[client] = rows
        self.rows_ended += rows
        self.now.pop(client, None)
        self.listener(self)
        try:
            await self._publish()
        except Exception as failed:  # noqa: BLE001  # no run fails for it
            log.debug("progress was not told to Prefect: %s", failed)

    async def _publish(self) -> None:
        done = 100.0 * self.ended / max(self.clients, 1)
        if self._artifact is None:
            told = f"clients ended, of {self.clients}"
            self._artifact = await acreate_progress_artifact(done, key=ARTIFACT, description=told)
        else:
            await aupdate_progress_artifact(self._artifact, progress=done)


@contextlib.contextmanager
def shown_on_terminal() -> Iterator[None]:
    """While it lasts, runs of this process show a bar below their log lines; nothing where there is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    doing = TextColumn("{task.fields[doing]}", markup=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        doing,
    )
    setup_logging()  # before the flow does it: its handler then stays the one whose console we share
    with Bars(*columns, console=_console(), transient=True) as bars:
        clients = bars.add_task("clients", total=None, doing="")
        rows = bars.add_task("rows", total=None, doing="")

        def show(progress: Progress) -> None:
            now = " · ".join(f"{client}: {step}" for client, step in progress.now.items())
            bars.update(
                clients,
                total=progress.clients,
                completed=progress.ended,
                doing=now if len(now) <= _DOING else f"{now[:_DOING]}…",
            )
            bars.update(rows, total=sum(progress.rows.values()) or None, completed=progress.rows_ended)

        token = _LISTENER.set(show)
        try:
            yield
        finally:
            _LISTENER.reset(token)


def _console() -> Console:
    """The console that Prefect logs to, so that its lines and the bar do not overwrite each other."""
    handlers = logging.getLogger().handlers
    consoles = (handler.console for handler in handlers if isinstance(handler, PrefectConsoleHandler))
    return next(consoles, Console(stderr=True))
