"""Calls of the services, counted for each run, and the rate limits that all runs share."""

import asyncio
import inspect
import logging
import threading
import time

import pytest
from prefect import get_client
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from lib.errors import RefusedError, TooManyRequestsError, UncertainWriteError
from lib.services import api_calls, rate_limits
from lib.services.jira_api import JiraApi
from lib.services.rate_limits import RateLimit
from lib.tasks import api_tasks, jira_tasks
from sandbox.seed import seed
from tests.lib.tasks.test_tasks import API_TASKS


@pytest.fixture
def jira(box, opened):
    environment = box.environment()
    given = (environment["JIRA_URL"], environment["JIRA_USERNAME"], environment["JIRA_TOKEN"])
    return opened(JiraApi(*given, sleep=lambda _seconds: None))


def test_calls_are_counted_by_what_came_of_them(box, jira):
    box.fault("getCurrentUser", "429", retry_after=0)
    box.fault("createIssue", "500")
    with api_calls.counted() as counts:
        jira.read_myself()
        with pytest.raises(UncertainWriteError):
            jira.create({"summary": "a"})
        with pytest.raises(RefusedError):
            jira.create({"summary": "two\nlines"})
    told = counts["jira"]
    assert (told.calls, told.too_many_requests, told.repeated, told.failed) == (4, 1, 1, 1)
    assert told.seconds > 0


def test_what_threads_of_a_run_send_counts_for_that_run_alone(box, jira):
    async def run(times):
        with api_calls.counted() as counts:
            for _ in range(times):
                await asyncio.to_thread(jira.read_myself)
        return counts["jira"].calls

    async def both():
        return await asyncio.gather(run(2), run(3))

    assert asyncio.run(both()) == [2, 3]


def test_nobody_counts_outside_of_a_run(box, jira):
    jira.read_myself()
    assert api_calls.of("jira").calls == 0


def test_too_many_requests_is_an_error_of_its_own_at_google_too(box, services):
    from blocks.google_credentials import GoogleCredentials  # noqa: PLC0415

    api = GoogleCredentials().get_client()
    box.fault("sheets.spreadsheets.get", "429", times=1, retry_after=1000)
    with api_calls.counted() as counts, pytest.raises(TooManyRequestsError):
        api.read_spreadsheet(services.environment()["CLIENTS_SPREADSHEET_ID"])
    assert counts["google"].too_many_requests == 1


def test_each_call_of_google_counts_against_its_quota_another_try_too(box, services):
    from blocks.google_credentials import GoogleCredentials  # noqa: PLC0415

    api, listed = GoogleCredentials().get_client(), services.environment()["CLIENTS_SPREADSHEET_ID"]
    box.fault("sheets.spreadsheets.get", "503-before", retry_after=0)
    with api_calls.counted() as counts:
        api.read_spreadsheet(listed)
        api.find_files([seed.CLIENTS_FOLDER_ID])
        api.update_and_read(
            listed, [{"addNamedRange": {"namedRange": {"name": "here", "range": {"sheetId": 0}}}}], "Clients"
        )
    expected = {rate_limits.SHEETS_READS.name: 2, rate_limits.DRIVE.name: 1, rate_limits.SHEETS_WRITES.name: 1}
    assert counts["google"].by_quota == expected
    assert counts["google"].calls == sum(expected.values())


def test_all_runs_of_a_server_keep_within_a_limit_of_it(prefect_engine):
    limit = RateLimit("test-limit", burst=2, per_second=4.0)

    async def put():
        async with get_client() as prefect:
            await prefect.upsert_global_concurrency_limit_by_name(limit.name, limit.burst, limit.per_second)

    async def calls():
        await asyncio.gather(*(api_tasks.acquire(limit) for _ in range(3)))

    asyncio.run(put())
    began = time.monotonic()
    runs = [threading.Thread(target=lambda: asyncio.run(calls())) for _ in range(3)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert time.monotonic() - began > (9 - limit.burst) / limit.per_second * 0.8


def test_without_a_limit_on_the_server_a_run_goes_on_and_says_so_once(prefect_engine, caplog):
    limit = RateLimit("test-no-limit", burst=1, per_second=0.001)
    with caplog.at_level(logging.WARNING, logger="lib.tasks.api_tasks"):
        for _ in range(3):
            asyncio.run(api_tasks.acquire(limit))
    [line] = [record.getMessage() for record in caplog.records if record.name == "lib.tasks.api_tasks"]
    assert line.startswith("test-no-limit: not asked for 60 s")
    assert rate_limits.DRIVE.name in line, "one look finds all that are missing"
    with caplog.at_level(logging.WARNING, logger="lib.tasks.api_tasks"):
        asyncio.run(api_tasks.acquire(rate_limits.DRIVE))
    assert len([record for record in caplog.records if record.name == "lib.tasks.api_tasks"]) == 1


def test_a_limit_that_goes_missing_is_said_and_the_run_goes_on(prefect_engine, caplog):
    limit = RateLimit("test-limit-that-goes", burst=5, per_second=5.0)

    async def change():
        async with get_client() as prefect:
            await prefect.upsert_global_concurrency_limit_by_name(limit.name, limit.burst, limit.per_second)
            await api_tasks.acquire(limit)
            await prefect.delete_global_concurrency_limit_by_name(limit.name)
            await api_tasks.acquire(limit)

    with caplog.at_level(logging.WARNING, logger="lib.tasks.api_tasks"):
        asyncio.run(change())
    assert any(record.getMessage().startswith(f"{limit.name}: not asked for 60 s") for record in caplog.records)


def test_a_server_that_is_away_is_said_and_the_run_goes_on(caplog):
    limit = RateLimit("test-limit-nobody-there", burst=1, per_second=1.0)
    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api", PREFECT_CLIENT_MAX_RETRIES: 0}),
        caplog.at_level(logging.WARNING, logger="lib.tasks.api_tasks"),
    ):
        asyncio.run(api_tasks.acquire(limit))
    [line] = [record.getMessage() for record in caplog.records if record.name == "lib.tasks.api_tasks"]
    assert line.startswith(f"{limit.name}: not asked for 60 s")


@pytest.mark.parametrize("name", sorted(API_TASKS))
def test_every_call_of_a_service_acquires_its_rate_limit_first(name, monkeypatch):
    """For the bulk create its maker waits, before it looks whether the plan is still its own."""
    waited = []

    class AcquireError(Exception):
        pass

    async def acquire(limit):
        waited.append(limit)
        raise AcquireError

    monkeypatch.setattr(api_tasks, "acquire", acquire)
    task = API_TASKS[name]
    given = [
        None for parameter in inspect.signature(task.fn).parameters.values() if parameter.default is parameter.empty
    ]
    if name == "jira.issue.bulk-create":
        monkeypatch.setattr(jira_tasks, "acquire", acquire)
        called = jira_tasks.client("x", 0).acquire_to_create()
    else:
        called = task.fn(*given)
    with pytest.raises(AcquireError):
        asyncio.run(called)
    assert waited[0] in rate_limits.ALL
