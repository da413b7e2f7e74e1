"""Signals that end a run: its work is cancelled, its folder is finished, and only then the signal has its usual effect.

Prefect raises `TerminationSignal`, and Python KeyboardInterrupt, in whatever line the main thread is at. Such an exception ends
up in some task or callback of the loop: it may pass all that saves what was done, or be lost. So while a run has a folder to
finish, both signals only cancel what goes on. Sent again, they leave out the report; result and manifest are always written.
"""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Awaitable, Iterator
from types import FrameType
from typing import Any

from prefect.utilities import engine

from lib.exactly_once.plan_sheet import Log

SIGNALS = (signal.SIGTERM, signal.SIGINT)

_log = logging.getLogger(__name__)


class StopSignals:
    """The signals of one run, caught by `caught`. `first` is the one that came first; None while none has."""

    def __init__(self, log: Log) -> None:
        self.first: signal.Signals | None = None
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._count = 0
        self._under_way: asyncio.Task[Any] | None = None
        self._patient = False

    async def cancellable[Answer](self, work: Awaitable[Answer], *, patient: bool = False) -> Answer:
        """
        The work's answer, unless a signal comes meanwhile; if `patient`, unless one comes that is not the first.

        Raises:
            asyncio.CancelledError: A signal, or somebody else, has cancelled it; what it began has ended.
        """
        task = asyncio.ensure_future(work)
        self._under_way, self._patient = task, patient
        try:
            return await task
        finally:
            self._under_way = None

    def come(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal: called by Python between two lines of whatever the main thread does."""
        came = signal.Signals(number)
        self.first = self.first or came
        self._count += 1
        self._loop.call_soon_threadsafe(self._cancel, came)

    def _cancel(self, came: signal.Signals) -> None:
        self._log.warning("%s: the run is ended; what was done until now is saved", came.name)
        if self._under_way is not None and not (self._patient and self._count == 1):
            self._under_way.cancel()


@contextlib.contextmanager
def caught(log: Log) -> Iterator[StopSignals]:
    """
    Catch the signals until the folder is finished; the first one is sent on at the end, to whoever was to have it.

    Prefect confirms a cancellation only while the handler of SIGTERM is the one that it knows as its own, so it is told that
    ours is. Outside the main thread, where Python takes no signals, nothing is caught.
    """
    signals = StopSignals(log)
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    prefects = engine._prefect_sigterm_handler  # noqa: SLF001
    stand_in = before[signal.SIGTERM] is prefects
    ours = signals.come  # one object: Prefect compares by identity, and each look at a method makes another
    with engine._prefect_sigterm_bridge_lock:  # noqa: SLF001
        if stand_in:
            engine._prefect_sigterm_handler = ours  # type: ignore[assignment]  # noqa: SLF001
        for number in SIGNALS:
            signal.signal(number, ours)
    try:
        yield signals
    finally:
        with engine._prefect_sigterm_bridge_lock:  # noqa: SLF001
            if stand_in:
                engine._prefect_sigterm_handler = prefects  # noqa: SLF001
            for number, handler in before.items():
                signal.signal(number, handler)
        if signals.first is not None:
            signal.raise_signal(signals.first)
