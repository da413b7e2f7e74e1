"""Signals that end a run, as Prefect's own machinery sees them."""

import asyncio
import logging
import signal

from prefect.utilities import engine

from flows import stop_signals


def test_prefect_confirms_a_cancellation_while_a_run_has_a_folder_to_finish():
    """What it does not confirm ends as Crashed, with an alert."""
    confirmed = []

    def confirm():
        done = engine.commit_control_intent_and_ack(
            commit_intent=lambda: None, clear_intent=lambda: None, send_ack=lambda: None
        )
        confirmed.append(done)

    async def run():
        before = signal.getsignal(signal.SIGTERM)
        with engine.capture_sigterm():
            confirm()
            with stop_signals.caught(logging.getLogger("a run")):
                confirm()
            confirm()
        assert signal.getsignal(signal.SIGTERM) is before

    asyncio.run(run())
    assert confirmed == [True, True, True]
