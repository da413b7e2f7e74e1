"""Whether Prefect's API can be asked, or its temporary server started; reported in one line before anything is begun."""

import asyncio
import contextlib
import os
import queue
import sqlite3
import time
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.context import SettingsContext
from prefect.events.worker import EventsWorker
from prefect.exceptions import PrefectHTTPStatusError
from prefect.logging.handlers import APILogWorker
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, PREFECT_LOGGING_TO_API_ENABLED, get_current_settings
from prefect.utilities.urls import url_for

from blocks import own_server
from lib import error_line
from lib.errors import FixInputError
from lib.exactly_once.plan_sheet import Log

ANSWER_S = 10
LOCK_WAIT_S = 15  # a server that begins holds it for a second or two
QUICKLY_READ = 64_000_000  # bytes; larger ones take seconds
OUTAGE_S = 90.0  # how long the end of a run waits for an API that is away: a restart of the server takes less
STILL_AWAY_S = 60.0
PAUSE_S = 2.0
_FORBIDDEN = (401, 403)
_in_vain: dict[str, float] = {}  # address -> when it was last waited for in vain, by the monotonic clock


def address() -> str:
    """The address of Prefect's API as the environment or Prefect's profile says it; empty when there is none yet."""
    return get_current_settings().api.url or ""


def check() -> None:
    """
    Ask Prefect's server whether it can be used; a temporary one is waited for.

    Raises:
        FixInputError: It does not answer as Prefect's API does, or does not let us in.
    """
    asyncio.run(_check_server())


def check_own_database() -> None:
    """
    Look at the database of the server that a command starts for itself.

    Raises:
        FixInputError: It cannot be used.
    """
    if path := _database():
        check_database(path)


def _database() -> Path | None:
    """The file of the temporary server's database, if it is one."""
    settings = get_current_settings()
    url = settings.server.database.connection_url
    if url is None:
        return settings.home / "prefect.db"
    kind, _, path = url.get_secret_value().partition(":///")
    return Path(path) if kind.startswith("sqlite") and path and ":memory:" not in path else None


def check_database(path: Path) -> None:
    """
    Whether Prefect can use the file: its server would be waited for in vain for two minutes, and fail with a page of SQL.

    Raises:
        FixInputError: It cannot be used.
    """
    where = f"Prefect's database {path}"
    if not path.exists():
        _check_home(path.parent)
        return
    beginning_anew = "move the file away, and Prefect begins a new one; blocks and runs of the old one are lost"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=LOCK_WAIT_S)) as database:
            database.execute("BEGIN IMMEDIATE")
            _read_through(database, path)
            database.rollback()
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            advice = f"`fuser {path}` says which; end it, or name its server in PREFECT_API_URL"
            raise FixInputError(
                where, f"is locked by another process for more than {LOCK_WAIT_S} s; {advice}"
            ) from None
        advice = "make it a file that this user may read and write, or name another folder in PREFECT_HOME"
        raise FixInputError(where, f"cannot be opened ({error}); {advice}") from None
    except sqlite3.DatabaseError as error:
        raise FixInputError(where, f"is damaged ({error_line.one_line(str(error))}); {beginning_anew}") from None


def _read_through(database: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size < QUICKLY_READ:
        [(found,)] = database.execute("PRAGMA quick_check(1)")
        if found != "ok":
            raise sqlite3.DatabaseError(found)


def _check_home(folder: Path) -> None:
    there = next(one for one in (folder, *folder.parents) if os.path.lexists(one))
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        problem = "this user may not write there" if there.is_dir() else "it is a file"
        raise FixInputError(f"PREFECT_HOME {there}", f"{problem}; name a folder in which Prefect may keep its database")


async def wait_for_answer(patience_s: float, log: Log) -> str:
    """
    Wait until Prefect's API answers; why it does not, if it does not in that time.

    Who waited in vain a moment ago does not wait again.
    """
    begun = time.monotonic()
    until = begun if begun < _in_vain.get(address(), 0) + STILL_AWAY_S else begun + patience_s
    warned = False
    while failed := await _health():
        problem = f"Prefect's API cannot be asked ({' '.join(str(failed).split()) or type(failed).__name__})"
        if time.monotonic() >= until:
            _in_vain[address()] = time.monotonic()
            return f"{problem}; what the run did is in its folder: start Prefect's server before the next one"
        if not warned:
            log.warning("%s; asking again for %.0f s, to tell it how the run ended", problem, patience_s)
        warned = True
        await asyncio.sleep(PAUSE_S)
    return ""


async def _health() -> Exception | None:
    async with get_client(httpx_settings={"timeout": ANSWER_S}) as prefect:
        return await prefect.api_healthcheck()


def give_up() -> None:
    """
    From here on Prefect's clients in this task ask once: telling an API that is away how a run ended took minutes.

    What this process had still to tell is dropped: each event and log line would be tried for seconds, one after the other,
    before the process may end.
    """
    services: tuple[Any, ...] = (EventsWorker, APILogWorker)
    for waiting in [instance._queue for service in services for instance in list(service._instances.values())]:  # noqa: SLF001
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.get_nowait()
                waiting.task_done()
    context = SettingsContext.get()
    if context is not None:
        settings = context.settings.copy_with_update(
            {PREFECT_CLIENT_MAX_RETRIES: 0, PREFECT_LOGGING_TO_API_ENABLED: False}
        )
        SettingsContext(profile=context.profile, settings=settings).__enter__()  # to the end of the task


async def _check_server() -> None:
    where, patience_s = f"PREFECT_API_URL {address()}", ANSWER_S
    if own_server.is_temporary():
        where = "Prefect's temporary server"
        patience_s = get_current_settings().server.ephemeral.startup_timeout_seconds
    async with get_client(httpx_settings={"timeout": patience_s}) as prefect:
        if failed := await prefect.api_healthcheck():
            if isinstance(failed, PrefectHTTPStatusError):
                raise FixInputError(where, f"is no address of Prefect's API ({_status(failed)}); it ends in /api")
            problem = f"Prefect's API cannot be asked there ({' '.join(str(failed).split()) or type(failed).__name__})"
            raise FixInputError(where, f"{problem}; start the server (`make server`), or correct the address")
        try:
            await prefect.read_work_pools(limit=1)
        except PrefectHTTPStatusError as refused:
            status = _status(refused)
            if status in _FORBIDDEN:
                advice = "set PREFECT_API_AUTH_STRING to the server's PREFECT_SERVER_API_AUTH_STRING"
                raise FixInputError(where, f"the server does not let us in ({status}); {advice}") from None
            raise FixInputError(where, f"is no address of Prefect's API ({status}); it ends in /api") from None
        except ValueError:  # a page in place of JSON
            raise FixInputError(where, "is no address of Prefect's API; it ends in /api") from None


def _status(error: PrefectHTTPStatusError) -> int:
    return error.response.status_code


def page_of(flow_run_id: str | None) -> str | None:
    """Where a browser shows the flow run; None without a server that outlives the command."""
    if not flow_run_id or not address() or own_server.is_temporary():
        return None
    return url_for("flow-run", obj_id=flow_run_id)
