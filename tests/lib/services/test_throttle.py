"""Pauses between calls."""

import asyncio
import logging

import pytest

from lib.services.throttle import Throttle

LOG = logging.getLogger("throttle")


def test_a_pause_is_drawn_from_its_range_and_told(run_clock, caplog):
    with caplog.at_level(logging.INFO, logger="throttle"):
        asyncio.run(Throttle(5, 10, run_clock).pause("batch 2 of 3", LOG))
    assert 5 <= run_clock.slept[0] <= 10
    assert caplog.messages == [f"waiting {run_clock.slept[0]:.1f} s before batch 2 of 3"]


@pytest.mark.parametrize("longest", [0, 0.0])
def test_no_pause_takes_no_time(run_clock, longest):
    asyncio.run(Throttle(0, longest, run_clock).pause("x", LOG))
    assert run_clock.slept == []
