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
from collections.abc import Awaitable, Callable
from typing import Any

import tenacity

from lib.clock import parse_http_date
from lib.errors import TryLaterError
from lib.services import api_calls

ATTEMPTS = 5
LONGEST_WAIT_S = 90.0
LONGEST_TASK_WAIT_S = 3600.0  # Jira's hourly quota is the longest that a service asks for

type Sleep = Callable[[float], None]
type AsyncSleep = Callable[[float], Awaitable[None]]

_log = logging.getLogger(__name__)


def call[Result](
    service: str, request: Callable[[], Result], *, sleep: Sleep = time.sleep, attempts: int = ATTEMPTS
) -> Result:
    """
    The result of a request to the service, trying again after a TryLaterError.

    Raises:
        TryLaterError: The last attempt's, when none went through.
    """
    return tenacity.Retrying(sleep=sleep, **_rule(service, attempts, LONGEST_WAIT_S))(request)


async def call_again[Result](
    service: str, request: Callable[[], Awaitable[Result]], *, sleep: AsyncSleep, attempts: int = ATTEMPTS
) -> Result:
    """
    The same for a request that looks, before each try, whether it may still be sent: its waits are as long as a quota asks.

    Raises:
        TryLaterError: The last attempt's, when none went through.
    """

    async def attempt() -> Result:  # tenacity asks whether the function itself is async
        return await request()

    return await tenacity.AsyncRetrying(sleep=sleep, **_rule(service, attempts, LONGEST_TASK_WAIT_S))(attempt)


def retry_after_s(header: str | None) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date; 0 of the past; None when there is no readable one."""
    if not header:
        return None
    with contextlib.suppress(ValueError):
        seconds = float(header)
        return max(0.0, seconds) if math.isfinite(seconds) else None
    until = parse_http_date(header)
    return None if until is None else max(0.0, (until - dt.datetime.now(dt.UTC)).total_seconds())


_backoff = tenacity.wait_exponential_jitter(initial=1, max=60, jitter=1)


def _rule(service: str, attempts: int, longest_s: float) -> dict[str, Any]:
    """The one rule, as tenacity's options, for waits of at most so many seconds."""
    return {
        "stop": tenacity.stop_after_attempt(attempts),
        "wait": _wait,
        "retry": tenacity.retry_if_exception(lambda error: _worth_waiting_for(error, longest_s)),
        "before_sleep": lambda state: _say(service, state),
        "reraise": True,
    }


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, TryLaterError) else None
    return max(asked or 0.0, _backoff(state))


def _worth_waiting_for(error: BaseException, longest_s: float) -> bool:
    return isinstance(error, TryLaterError) and (error.retry_after_s or 0.0) <= longest_s


def _say(service: str, state: tenacity.RetryCallState) -> None:
    api_calls.of(service).repeated += 1
    error = state.outcome.exception() if state.outcome else None
    wait = state.next_action.sleep if state.next_action else 0.0
    asked = ", as long as it asks" if isinstance(error, TryLaterError) and error.retry_after_s == wait else ""
    _log.warning("%s; trying again in %.1f s%s (attempt %d)", error, wait, asked, state.attempt_number + 1)
