"""How often a run asked the services, and how long it waited for them; each call is also a line at DEBUG, without its content."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from lib.errors import TooManyRequestsError, TryLaterError, UncertainWriteError

GOOGLE, JIRA = "google", "jira"  # the services

_log = logging.getLogger(__name__)


@dataclass
class ApiCalls:
    """
    The requests that one run sent to one service.

    Attributes:
        calls: All of them.
        too_many_requests: Those that the service refused since there were too many.
        repeated: Those that were another try of the one before.
        failed: Those that got no good answer for another reason; a refusal is an answer.
        task_retries: How often Prefect ran a task again, since all tries of its client had come to nothing.
        seconds: How long all of them took together.
        by_quota: How many of them counted against each quota, by the name that it has in `rate_limits`.
    """

    calls: int = 0
    too_many_requests: int = 0
    repeated: int = 0
    failed: int = 0
    task_retries: int = 0
    seconds: float = 0.0
    by_quota: dict[str, int] = field(default_factory=dict)


_COUNTED: ContextVar[dict[str, ApiCalls] | None] = ContextVar("api calls of this run", default=None)


@contextmanager
def counted() -> Iterator[dict[str, ApiCalls]]:
    """Count the calls that are made in this context, threads and tasks that it starts included; service -> its calls."""
    counts: dict[str, ApiCalls] = {}
    token = _COUNTED.set(counts)
    try:
        yield counts
    finally:
        _COUNTED.reset(token)


def send[Answer](service: str, where: str, request: Callable[[], Answer], *, quota: str = "") -> Answer:
    """Send the request; count and log it even if it fails. `where` is logged: it holds no secrets. `quota` is what it counts against."""
    calls, began, told = of(service), time.monotonic(), "answered"
    calls.calls += 1
    if quota:
        calls.by_quota[quota] = calls.by_quota.get(quota, 0) + 1
    try:
        return request()
    except Exception as error:
        told = type(error).__name__
        if isinstance(error, TooManyRequestsError):
            calls.too_many_requests += 1
        elif isinstance(error, TryLaterError | UncertainWriteError):
            calls.failed += 1
        raise
    finally:
        seconds = time.monotonic() - began
        calls.seconds += seconds
        _log.debug("%s: %s after %.0f ms", where, told, 1000 * seconds)


def of(service: str) -> ApiCalls:
    """What this context counts of the service; nobody hears of it where nobody counts."""
    counts = _COUNTED.get()
    return ApiCalls() if counts is None else counts.setdefault(service, ApiCalls())
