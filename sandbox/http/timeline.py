"""The box's time and its one lock, and the writes that arrive later than their requests.

Every change of state happens under `Timeline.lock`, whichever thread makes it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sandbox.http.messages import Call


class Clock(Protocol):
    """Where the box takes its time from, so that a test can own it."""

    def now(self) -> float:
        """Seconds since the epoch."""


class SystemClock:
    """The computer's clock."""

    def now(self) -> float:
        return time.time()


@dataclass(frozen=True, slots=True)
class LateWrite:
    """A write whose connection is gone and which the service applies at `due_at` all the same."""

    due_at: float
    call: Call


class Timeline:
    """Time as the services see it."""

    def __init__(self, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.late: list[LateWrite] = []
        self.apply: Callable[[Call], None] | None = None
        self._moment: float | None = None

    def now(self) -> float:
        """Seconds since the epoch; while a late write is applied, the moment it was due."""
        return self.clock.now() if self._moment is None else self._moment

    def keep(self, call: Call, delay_s: float) -> None:
        with self.lock:
            self.late.append(LateWrite(self.now() + delay_s, call))
            self.late.sort(key=lambda write: write.due_at)

    def settle(self) -> None:
        """Apply the late writes that are due, each with the time it was due as its own."""
        if not self.late:
            return
        with self.lock:
            while self.late and self._moment is None and self.late[0].due_at <= self.clock.now():
                write = self.late.pop(0)
                self._moment = write.due_at
                try:
                    if self.apply is not None:
                        self.apply(write.call)
                finally:
                    self._moment = None
