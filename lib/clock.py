"""Time as a parameter, so that five minutes of waiting take no time in a test."""

import asyncio
import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def now(self) -> dt.datetime:
        """Now, aware, in UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds."""
        ...


def parse_http_date(text: str | None) -> dt.datetime | None:
    """The moment that a Date header names, in whole seconds and UTC; None when it names none."""
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or dt.UTC).astimezone(dt.UTC)


class SystemClock:
    """The machine's own time."""

    def now(self) -> dt.datetime:
        """Now, aware, in UTC."""
        return dt.datetime.now(dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after that many seconds, letting others go on meanwhile."""
        await asyncio.sleep(seconds)
