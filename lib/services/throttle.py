"""Random pauses between the steps of a run, so that it stays clear of the services' rate limits."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass

from lib.clock import Clock


@dataclass(frozen=True)
class Throttle:
    """
    Pauses of `shortest_s` to `longest_s` seconds.

    The caller pauses between two steps, never after the last one. No pause falls between a claim and its check: it would only
    widen the time in which people edit.
    """

    shortest_s: float
    longest_s: float
    clock: Clock
    draw: Callable[[float, float], float] = random.uniform

    async def pause(self, before: str, log: logging.Logger | logging.LoggerAdapter[logging.Logger]) -> None:
        """Let a random time pass, and say how long and before what."""
        if self.longest_s <= 0:
            return
        seconds = self.draw(self.shortest_s, self.longest_s)
        log.info("waiting %.1f s before %s", seconds, before)
        await self.clock.sleep(seconds)
