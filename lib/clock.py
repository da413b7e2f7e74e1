"""Time as a parameter, so that five minutes of waiting take no time in a test."""

import asyncio
import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def now(self) -> dt.datetime:
        """Now, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> dt.datetime:
        """Now, aware, in UTC."""
        return dt.datetime.now(dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds, letting others go on meanwhile."""
        await asyncio.sleep(seconds)
