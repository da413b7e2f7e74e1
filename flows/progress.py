"""How far a run is: told to the terminal as a bar, and to Prefect as an artifact."""

import contextlib
import logging
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.context import SettingsContext, get_settings_context
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, Settings
from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.segment import Segment
from rich.table import Column
from rich.theme import Theme

from flows import library_log
from lib.exactly_once.plan_sheet import Log
from lib.terminal import printable

ARTIFACT = "progress"
_EVERY_S = 1.0  # is Prefect told at most; people look less often
_ROOMY = 60  # columns of a terminal that has room for a bar of the width
_WIDE, _NARROW = 20, 8
_KEYS = 2  # columns in which a terminal shows ^C; in a full line it would begin another, which stays
_LOG = logging.getLogger(__name__)


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
    _settings: Settings | None = None
    _publish_at: float = 0.0  # not before, by the monotonic clock

    def tell(self, client: str, step: str, rows: int) -> None:
        """What begins for a client, and how many rows of it are known."""
        self.now[client], self.rows[client] = step, rows
        self._show()

    async def end(self, client: str, rows: int, log: Log) -> None:
        """A client has ended, with so many rows."""
        self.ended += 1
        self.rows[client] = rows
        self.rows_ended += rows
        self.now.pop(client, None)
        self._show()
        try:
            await self._publish()
        except Exception as failed:  # noqa: BLE001  # no run fails for it
            log.debug("progress was not told to Prefect: %s", failed)

    def _show(self) -> None:
        with _never_failing("follow"):
            self.listener(self)

    def _without_retries(self) -> SettingsContext:
        """Prefect's settings with which an API that is away does not hold the run up; made once, which takes a while."""
        current = get_settings_context()
        if self._settings is None:
            self._settings = current.settings.copy_with_update(updates={PREFECT_CLIENT_MAX_RETRIES: 0})
        return SettingsContext(profile=current.profile, settings=self._settings)

    async def _publish(self) -> None:
        if self.ended < self.clients and time.monotonic() < self._publish_at:
            return
        self._publish_at = time.monotonic() + _EVERY_S
        done = 100.0 * self.ended / max(self.clients, 1)
        with self._without_retries():
            if self._artifact is None:
                told = f"clients ended, of {self.clients}"
                self._artifact = await acreate_progress_artifact(done, key=ARTIFACT, description=told)
            else:
                await aupdate_progress_artifact(self._artifact, progress=done)


@contextlib.contextmanager
def shown_on_terminal() -> Iterator[None]:
    """While it lasts, runs of this process show a bar below their log lines; nothing where there is no terminal."""
    library_log.show()
    console = _console()
    if not (sys.stderr and sys.stderr.isatty() and console.is_terminal) or console.is_dumb_terminal:
        yield
        return
    bars = _Bars(console)
    token = _LISTENER.set(bars.show)
    try:
        with console.use_theme(Theme()):  # Prefect's console has the styles of its log lines alone
            with _never_failing("begin"):
                bars.start()
            try:
                yield
            finally:
                with _never_failing("end"):
                    bars.stop()
    finally:
        _LISTENER.reset(token)


class _Bars(Bars):
    """Bars that are whole in a narrow terminal, where what is happening is cut; what cannot be drawn is left out."""

    def __init__(self, console: Console) -> None:
        self._terminal = console
        self._bar = BarColumn(table_column=Column(no_wrap=True))
        doing = Column(ratio=1, no_wrap=True, overflow="ellipsis")
        super().__init__(
            TextColumn("{task.description}"),
            self._bar,
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            TimeElapsedColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[doing]}", markup=False, table_column=doing),
            console=console,
            transient=True,
            expand=True,
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),  # a pipe gets its own text
        )
        self._clients = self.add_task("clients", total=None, doing="")
        self._rows = self.add_task("rows", total=None, doing="")

    def show(self, progress: Progress) -> None:
        """Bring the bars up to date."""
        doing = printable(" · ".join(f"{client}: {step}" for client, step in progress.now.items()))
        self.update(self._clients, total=progress.clients, completed=progress.ended, doing=doing)
        self.update(self._rows, total=sum(progress.rows.values()) or None, completed=progress.rows_ended)

    def get_renderable(self) -> RenderableType:
        """The bars, for the width that the terminal has now."""
        self._bar.bar_width = _WIDE if self._terminal.width >= _ROOMY else _NARROW
        return _Attempt(super().get_renderable)


@dataclass
class _Attempt:
    """What rich draws if it can: each log line draws it anew, and so does a thread that nobody waits for."""

    get: Callable[[], RenderableType]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        with _never_failing(""):
            narrower = options.update_width(max(options.max_width - _KEYS, 1))
            yield from list(console.render(self.get(), narrower))


@contextlib.contextmanager
def _never_failing(doing: str) -> Iterator[None]:
    """No run fails for what it shows of itself."""
    try:
        yield
    except Exception as failed:  # noqa: BLE001
        if doing:  # while it is drawn, a line of ours would be drawn with it
            _LOG.debug("the progress bar did not %s: %s", doing, failed)


def _console() -> Console:
    """The console that Prefect logs to, so that its lines and the bar do not overwrite each other."""
    consoles = (handler.console for handler in library_log.consoles())
    return next(consoles, Console(stderr=True))
