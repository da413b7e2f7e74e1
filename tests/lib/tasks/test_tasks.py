"""The tasks: their names, what is run again, and that each asks its service."""

import asyncio
import inspect
import json
import os
import re
import threading
from types import SimpleNamespace

import anyio
import pytest
from prefect import Task, flow
from prefect.cache_policies import NO_CACHE

from blocks.google_credentials import GoogleCredentials
from blocks.jira_credentials import JiraCredentials
from flows import clients
from lib.errors import CredentialsError, RefusedError, TryLaterError, UncertainWriteError, WorkflowError
from lib.services import api_calls, retry
from lib.services.google_api import GoogleApi
from lib.services.jira_api import JiraApi
from lib.services.models import Google, Jira
from lib.tasks import api_tasks, google_tasks, jira_tasks, utility_tasks
from lib.tasks.api_tasks import ClientOfTasks, api_task
from sandbox.seed import seed

MODULES = (google_tasks, jira_tasks, utility_tasks)
TASKS = {
    task.name: task
    for module in MODULES
    for _, task in inspect.getmembers(module, lambda found: isinstance(found, Task))
}
API_TASKS = {name: task for name, task in TASKS.items() if not name.startswith("utility.")}


def test_the_tasks_that_others_rely_on_are_there():
    assert TASKS.keys() >= {
        "google.sheets.read-data", "google.sheets.write-keys", "google.drive.find-files", "google.connection.test", "jira.issue.create",
        "jira.issue.bulk-create", "jira.issue.find", "jira.project.read-fields", "jira.connection.test", "utility.notebook.run", "utility.json.save",
    }  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_a_task_is_named_by_group_resource_and_action_and_never_answers_from_a_cache(name):
    assert re.fullmatch(r"(google|jira|utility)\.[a-z]+\.[a-z-]+", name)
    assert TASKS[name].cache_policy == NO_CACHE
    assert inspect.iscoroutinefunction(TASKS[name].fn)
    assert TASKS[name].fn.__doc__


@pytest.mark.parametrize("name", API_TASKS)
def test_a_task_that_calls_a_service_is_run_again_twice_after_half_a_minute(name):
    task = API_TASKS[name]
    retries = 0 if name == "jira.issue.bulk-create" else 2  # whose caller looks, before each try, whether it still may
    assert (task.retries, task.retry_delay_seconds, task.retry_jitter_factor) == (retries, 30, 0.5)
    assert "credentials_block_name" in inspect.signature(task.fn).parameters


@pytest.mark.parametrize(
    ("offered", "clients", "module"),
    [(Google, (GoogleApi, GoogleCredentials), google_tasks), (Jira, (JiraApi, JiraCredentials), jira_tasks)],
)
def test_flows_are_offered_the_clients_calls_as_the_clients_take_them_and_a_task_for_each(offered, clients, module):
    client = module.client("none", 0)
    for name, call in inspect.getmembers(offered, inspect.isfunction):
        if name.startswith("_"):
            continue
        if name == "acquire_to_create":
            assert inspect.iscoroutinefunction(getattr(client, name))
            continue
        method = next(found for owner in clients if (found := getattr(owner, name, None)))
        assert inspect.signature(call) == inspect.signature(method), name
        task = getattr(client, name)
        assert task.keywords == {"credentials_block_name": "none"}
        taken = list(inspect.signature(task.args[0].fn).parameters)
        assert taken == [*list(inspect.signature(method).parameters)[1:], "credentials_block_name"]
    with pytest.raises(AttributeError, match="remove"):
        client.remove  # noqa: B018


class Untouched(list):
    """Rows that nobody may look through."""

    def __iter__(self):
        raise AssertionError("looked through")


def test_prefect_does_not_look_through_what_a_call_is_given(services):
    taken = []

    class Client:
        def write(self, rows, *, more):
            taken.extend([rows, more])

    async def connect(_name):
        return Client()

    client = ClientOfTasks([api_task("google.rows.write", connect)(Client.write)], "none", 0)
    rows, more = Untouched(), Untouched()

    @flow
    async def go():
        await client.write(rows, more=more)

    asyncio.run(go())
    assert [id(each) for each in taken] == [id(rows), id(more)]


class Failed:
    """A task run's state; its data is the error."""

    def __init__(self, error):
        self.data = error


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (TryLaterError("x", "y"), True),
        (CredentialsError("x", "y"), False),
        (RefusedError("x", "y", {}), False),
        (UncertainWriteError("x", "y"), False),
        (ValueError("x"), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_wrote_nothing_and_may_go_through_later_is_run_again(error, again):
    assert asyncio.run(api_tasks.retryable(google_tasks.read_data, None, Failed(error))) is again


def test_a_servers_retry_after_is_waited_for_beyond_the_tasks_own_delay(monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(api_tasks, "asyncio", SimpleNamespace(sleep=sleep))  # not that of servers in other threads
    asyncio.run(api_tasks.retryable(google_tasks.read_data, None, Failed(TryLaterError("x", "y", 75.0))))
    asyncio.run(api_tasks.retryable(google_tasks.read_data, None, Failed(TryLaterError("x", "y", 20.0))))
    assert slept == [45.0]


def test_prefect_runs_a_task_again_and_it_goes_through(services, monkeypatch):
    monkeypatch.setattr(retry, "LONGEST_WAIT_S", 0.1)  # the client leaves the wait to the task
    services.fault("sheets.spreadsheets.get", "429", retry_after=1)

    @flow
    async def reading():
        return await google_tasks.client("none", 0).read_tab(seed.CLIENTS_SPREADSHEET_ID, "Clients")

    with api_calls.counted() as calls:
        assert len(asyncio.run(reading()).tabs[0].cells.values) > 6
    assert calls["google"].task_retries == 1
    answers = [entry.status for entry in services.journal if entry.operation == "sheets.spreadsheets.get"]
    assert [status for status in answers if status != 401] == [429, 200], (
        "a token of an earlier test may be renewed first"
    )


class Blocking:
    """A client whose calls end when as many are under way as it was told, or when they are let go."""

    def __init__(self, together):
        self.all_here, self.begun = threading.Barrier(together), threading.Event()

    def call(self):
        self.begun.set()
        self.all_here.wait(30)

    async def connect(self, _block):
        return self


def test_calls_of_as_many_plans_as_go_at_once_wait_side_by_side(monkeypatch):
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2)
    plans = clients.at_once()
    client = Blocking(plans)
    asked = api_task("google.rows.read", client.connect)(Blocking.call)

    async def go():
        await asyncio.gather(*(asked.fn() for _ in range(plans)))

    asyncio.run(go())  # else the barrier is broken


def test_who_is_cancelled_does_not_wait_for_the_answer():
    client = Blocking(2)
    asked = api_task("google.rows.read", client.connect)(Blocking.call)

    async def go():
        async with anyio.create_task_group() as group:  # which Prefect cancels by, too
            group.start_soon(asked.fn)
            while not client.begun.is_set():  # noqa: ASYNC110  # it is a thread that sets it
                await asyncio.sleep(0.01)
            group.cancel_scope.cancel()
        assert client.all_here.n_waiting == 1, "the request is still under way"
        client.all_here.wait(30)

    asyncio.run(go())


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    ("task", "argument", "service"),
    [(google_tasks.read_metadata, "no-such-spreadsheet", "google"), (jira_tasks.read_components, "NOPE", "jira")],
    ids=["google", "jira"],
)
def test_an_error_says_which_service_it_came_from(task, argument, service):
    with pytest.raises(WorkflowError) as raised:
        asyncio.run(task.fn(argument))
    assert raised.value.service == service


@pytest.mark.usefixtures("services")
def test_each_task_asks_its_service(box, tmp_path):
    async def ask():
        sheet = await google_tasks.read_metadata.fn(seed.CLIENTS_SPREADSHEET_ID)
        return {
            "google": await google_tasks.test_connection.fn(),
            "jira": await jira_tasks.test_connection.fn(),
            "title": sheet.title,
            "me": (await jira_tasks.read_myself.fn()).account_id,
            "may": await jira_tasks.read_permissions.fn("CP", ["CREATE_ISSUES"]),
            "fields": {field.id for field in await jira_tasks.read_fields.fn("CP", "10001")},
            "key": await jira_tasks.create_issue.fn(
                {"project": {"key": "CP"}, "issuetype": {"id": "10001"}, "summary": "Satu"}
            ),
            "file": json.loads(
                (await utility_tasks.save_json.fn(tmp_path / "a.json", [{"x": 1}], "flow", "source")).read_text()
            ),
        }

    found = asyncio.run(ask())
    assert found["google"]["ok"]
    assert found["jira"]["ok"]
    assert found["title"] == "Client List"
    assert found["may"] == {"CREATE_ISSUES"}
    assert "summary" in found["fields"]
    assert box.jira.issue(found["key"]).fields["summary"] == "Satu"
    assert found["file"]["data"] == [{"x": 1}]
