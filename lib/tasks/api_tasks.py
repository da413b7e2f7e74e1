"""What all tasks that call a service have in common: retries, and no caching.

`retries=2, retry_delay_seconds=30`: the clients themselves try five times within a minute, so what still fails is an outage of
minutes, and two more rounds half a minute apart (with jitter) outlast most of them. Wrong credentials, refused requests and
writes of unknown outcome are not run again.

Where runs share a Prefect server, each call first acquires a slot of the limit that they share (`lib.services.rate_limits`). A run goes on without
where nobody can be asked: the limits keep 429s away, and those that come all the same are waited for, too.
"""

import asyncio
import contextlib
import functools
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Concatenate

import anyio.to_thread
from prefect import Task, get_client, task
from prefect.cache_policies import NO_CACHE
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError, rate_limit
from prefect.context import TaskRunContext
from prefect.exceptions import ObjectNotFound
from prefect.settings import get_current_settings

from blocks import own_server
from blocks.names import GOOGLE_BLOCK, JIRA_BLOCK
from lib.errors import TryLaterError, WorkflowError
from lib.services import api_calls, rate_limits, retry
from lib.services.rate_limits import RateLimit
from lib.tasks.quoting import as_it_is

BLOCKS = {"google": GOOGLE_BLOCK, "jira": JIRA_BLOCK}  # group of tasks -> the block that they load unless told another
RETRIES = 2
DELAY_S = 30.0
ASK_AGAIN_S = 60.0  # after the limits could not be asked

_log = logging.getLogger(__name__)
_there: set[tuple[str, str]] = set()  # server and limit: it has it
_not_asked: dict[tuple[str, str], float] = {}  # server and limit -> until when, by the monotonic clock


def api_task[Client](
    name: str, connect: Callable[[str], Awaitable[Client]], limit: RateLimit | None = None, *, retries: int = RETRIES
) -> Callable[[Callable[Concatenate[Client, ...], Any]], Task[..., Awaitable[Any]]]:
    """
    Make a client's method a task that takes the method's arguments and `credentials_block_name`. Results are never cached.

    Args:
        name: The task's name, `api-group.resource.action`.
        connect: Name of a credentials block -> the client.
        limit: What each try acquires first; None where the caller does.
        retries: How often Prefect runs it again; 0 where the caller does.
    """
    group = name.partition(".")[0]
    block = inspect.Parameter(
        "credentials_block_name", inspect.Parameter.KEYWORD_ONLY, default=BLOCKS[group], annotation=str
    )

    def decorate[Answer](method: Callable[Concatenate[Client, ...], Answer]) -> Task[..., Awaitable[Answer]]:
        @functools.wraps(method)
        async def call(*args: Any, credentials_block_name: str = block.default, **kwargs: Any) -> Answer:
            if (running := TaskRunContext.get()) and running.task_run.run_count > 1:
                api_calls.of(group).task_retries += 1
            if limit is not None:
                await acquire(limit)
            try:
                client = await connect(credentials_block_name)
                # Forty threads; `asyncio.to_thread` has as many as cores and four, fewer than plans that go at once.
                in_thread = functools.partial(method, client, *args, **kwargs)
                return await anyio.to_thread.run_sync(in_thread, abandon_on_cancel=True)
            except WorkflowError as error:
                error.service = group
                raise

        signature = inspect.signature(method)
        taken = [*list(signature.parameters.values())[1:], block]
        call.__signature__ = signature.replace(parameters=taken)  # type: ignore[attr-defined]  # Prefect binds by it
        options = task(
            name=name,
            retries=retries,
            retry_delay_seconds=DELAY_S,
            retry_jitter_factor=0.5,
            retry_condition_fn=retryable,
            cache_policy=NO_CACHE,
        )
        return options(call)

    return decorate


class ClientOfTasks:
    """
    A client whose calls are task runs, seen in Prefect and with retries of their own; it has the methods' names.

    Args:
        tasks: What `api_task` made of the client's methods.
        credentials_block_name: The block that each of them loads.
        retry_delay_s: Pause before Prefect runs one again.
    """

    def __init__(self, tasks: Iterable[object], credentials_block_name: str, retry_delay_s: float) -> None:
        self._tasks = {
            each.fn.__name__: functools.partial(
                _call,
                each.with_options(retry_delay_seconds=retry_delay_s),
                credentials_block_name=credentials_block_name,
            )
            for each in tasks
            if isinstance(each, Task)
        }

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """The task of the client's method of that name."""
        try:
            return self._tasks[name]
        except KeyError:
            raise AttributeError(name) from None


def _call(of: Task[..., Any], *args: Any, credentials_block_name: str, **kwargs: Any) -> Any:
    named = {name: as_it_is(value) for name, value in kwargs.items()}
    return of(*map(as_it_is, args), **named, credentials_block_name=credentials_block_name)


async def acquire(limit: RateLimit) -> None:
    """Wait until one more call keeps all runs of this server within the limit; return at once where that cannot be asked."""
    server = get_current_settings().api.url
    if server is None or own_server.is_temporary() or time.monotonic() < _not_asked.get((server, limit.name), 0):
        return
    if (server, limit.name) not in _there and not await _look_for(limit, server):
        return
    began = time.monotonic()
    try:
        await rate_limit(limit.name, strict=True)
    except ConcurrencySlotAcquisitionError as error:
        _go_on_without([limit], server, str(error))
    else:
        if (waited := time.monotonic() - began) > 1:
            _log.info("waited %.1f s for %s: other runs call, too", waited, limit.name)


async def _look_for(limit: RateLimit, server: str) -> bool:
    """
    Whether the server has that limit, looking for all others in the same breath.

    Prefect asks for a slot by a thread and a client of each limit's own, which take seconds to learn that a busy server
    has none of them.
    """
    wanted = [limit, *(each for each in rate_limits.ALL if each != limit)]
    try:
        async with get_client() as prefect:
            for each in wanted:
                with contextlib.suppress(ObjectNotFound):
                    await prefect.read_global_concurrency_limit_by_name(each.name)
                    _there.add((server, each.name))
    except Exception as error:  # noqa: BLE001  # a server that is away or refuses: no run fails for it
        _go_on_without([limit], server, str(error))
        return False
    if missing := [each for each in wanted if (server, each.name) not in _there]:
        names = ", ".join(each.name for each in missing)
        _go_on_without(missing, server, f"the server lacks {names}; `make deploy` makes them")
    return limit not in missing


def _go_on_without(missing: Sequence[RateLimit], server: str, reason: str) -> None:
    for limit in missing:
        _not_asked[server, limit.name] = time.monotonic() + ASK_AGAIN_S
    _log.warning("%s: not asked for %.0f s, this run's own pauses count (%s)", missing[0].name, ASK_AGAIN_S, reason)


async def retryable(failed: Task[..., Any], _run: object, state: Any) -> bool:
    """
    Whether another try makes sense: nothing was written, and the service may answer later.

    Waits here for what the server's Retry-After asks beyond the task's own delay; a server that asks for more than
    an hour is not asked again by this run: an earlier request would only be refused, too.
    """
    error = state.data
    if not isinstance(error, TryLaterError):
        return False
    asked = error.retry_after_s or 0.0
    if asked > retry.LONGEST_TASK_WAIT_S:
        _log.warning("%s: not waited for; run it again then", error)
        return False
    delay = failed.retry_delay_seconds if isinstance(failed.retry_delay_seconds, int | float) else DELAY_S
    if asked > delay:
        _log.warning("%s; waiting %.0f s before the task is tried again", error, asked)
        await asyncio.sleep(asked - delay)
    return True
