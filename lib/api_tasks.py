"""What all tasks that call a service have in common: retries, and no caching.

`retries=2, retry_delay_seconds=30`: the clients themselves try five times within a minute, so what still fails is an outage of
minutes, and two more rounds half a minute apart (with jitter) outlast most of them. Wrong credentials, refused requests and
writes of unknown outcome are not run again.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from lib.errors import TryLaterError

DELAY_S = 30.0
LONGEST_WAIT_S = 3600.0  # Jira's hourly quota is the longest that a service asks for


def api_task[**P, R](name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task named `api-group.resource.action` with this project's retries; the same call twice is asked twice."""
    return task(
        name=name,
        retries=2,
        retry_delay_seconds=DELAY_S,
        retry_jitter_factor=0.5,
        retry_condition_fn=retryable,
        cache_policy=NO_CACHE,
    )


async def retryable(failed: Task[..., Any], _run: object, state: Any) -> bool:
    """
    Whether another try makes sense: nothing was written, and the service may answer later.

    Waits here for what the server's Retry-After asks beyond the task's own delay.
    """
    error = state.data
    if not isinstance(error, TryLaterError):
        return False
    delay = failed.retry_delay_seconds if isinstance(failed.retry_delay_seconds, int | float) else DELAY_S
    if error.retry_after_s and error.retry_after_s > delay:
        await asyncio.sleep(min(error.retry_after_s, LONGEST_WAIT_S) - delay)
    return True
