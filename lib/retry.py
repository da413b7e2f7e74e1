"""One retry rule for both services: what may be tried again is raised as TryLaterError, and only that is.

Waits grow from one second to a minute, with jitter, and are never shorter than the server's Retry-After. A server that asks
for more than `LONGEST_WAIT_S` is not waited for here: the error goes up with what it asked for, and Prefect's task retry
waits longer.
"""

import contextlib
import datetime as dt
import logging
import math
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import tenacity

from lib import api_calls
from lib.errors import TryLaterError

ATTEMPTS = 5
LONGEST_WAIT_S = 90.0

type Sleep = Callable[[float], None]

_log = logging.getLogger(__name__)


def call[Result](
    service: str, request: Callable[[], Result], *, sleep: Sleep = time.sleep, attempts: int = ATTEMPTS
) -> Result:
    """
    The result of a request to the service, trying again after a TryLaterError.

    Raises:
        TryLaterError: The last attempt's, when none went through.
    """
    return tenacity.Retrying(
        stop=tenacity.stop_after_attempt(attempts),
        wait=_wait,
        retry=tenacity.retry_if_exception(_worth_waiting_for),
        sleep=sleep,
        before_sleep=lambda state: _say(service, state),
        reraise=True,
    )(request)


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date; 0 of the past; None when there is no readable one."""
    if not header:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(header)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    until = until.replace(tzinfo=until.tzinfo or dt.UTC)
    return max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())


_backoff = tenacity.wait_exponential_jitter(initial=1, max=60, jitter=1)


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, TryLaterError) else None
    return max(asked or 0.0, _backoff(state))


def _worth_waiting_for(error: BaseException) -> bool:
    return isinstance(error, TryLaterError) and (error.retry_after_s or 0.0) <= LONGEST_WAIT_S


def _say(service: str, state: tenacity.RetryCallState) -> None:
    api_calls.of(service).repeated += 1
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0.0
    asked = ", as long as it asks" if isinstance(error, TryLaterError) and error.retry_after_s == wait else ""
    _log.warning("%s; trying again in %.1f s%s (attempt %d)", error, wait, asked, state.attempt_number + 1)
