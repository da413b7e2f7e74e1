"""Clients on workers, as far as no worker is needed; tests/fleet has them for real."""

import asyncio
import logging
from types import SimpleNamespace

import httpx
import pytest
from prefect import flow, get_client
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Cancelling, Running

from flows import command_line, content_plan_to_jira, dispatch
from lib.run import run_record
from tests import runs


def test_without_the_deployment_nothing_is_started_and_the_message_says_what_to_do(run, services):
    result = run(dispatch="workers")
    assert result["error"] == (
        "dispatch: there is no deployment content-plan-to-jira/client on the server; run `make deploy`, or leave dispatch out"
    )
    assert services.calls("createIssues") == 0


def test_another_way_than_these_two_is_refused_on_the_command_line(capsys):
    with pytest.raises(SystemExit):
        command_line.main(content_plan_to_jira.__file__, ["--dispatch", "elsewhere"])
    assert 'Choose from: "here", "workers"' in capsys.readouterr().err


def status_error(code):
    request = httpx.Request("GET", "http://127.0.0.1/api")
    return PrefectHTTPStatusError("no", request=request, response=httpx.Response(code, request=request))


@pytest.fixture
def started(monkeypatch, tmp_path):
    monkeypatch.setattr(dispatch, "POLL_S", 0)
    folder = tmp_path / "20260625_010000_content-plan-to-jira"
    return dispatch._Started("Kopi Senja", SimpleNamespace(log=logging.getLogger("test"), folder=folder))


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("refused"), httpx.ReadTimeout("late"), status_error(503), status_error(500)], ids=repr
)
def test_a_server_that_is_away_is_asked_until_it_is_back_and_told_once(started, caplog, error):
    answers = iter([error, error, "here"])

    async def ask():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert asyncio.run(started._answered(ask)) == "here"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize("error", [status_error(409), status_error(401), ValueError("no such parameter")], ids=repr)
def test_what_the_server_refuses_is_not_asked_again(started, error):
    async def ask():
        raise error

    with pytest.raises(type(error)):
        asyncio.run(started._answered(ask))


@flow
def stands_for_any():
    """A flow that is never run."""


@pytest.mark.parametrize(
    ("deployed", "its_state", "becomes"),
    [
        (True, Running(), "RUNNING"),
        (True, Cancelling(), "CANCELLING"),
        (True, Cancelled(), "CANCELLING"),
        (False, Running(), "CANCELLING"),
    ],
    ids=["worker-stopped", "being-cancelled", "cancelled", "ctrl-c-at-the-terminal"],
)
def test_a_clients_run_is_cancelled_with_the_gathering_run_and_left_alone_when_only_its_worker_stops(
    prefect_engine, started, deployed, its_state, becomes
):
    async def stop():
        async with get_client() as prefect:
            known = await prefect.create_deployment(await prefect.create_flow(stands_for_any), "any")
            gathering = (
                await prefect.create_flow_run_from_deployment(known)
                if deployed
                else await prefect.create_flow_run(stands_for_any)
            )
            await prefect.set_flow_run_state(gathering.id, its_state, force=True)
            client = await prefect.create_flow_run_from_deployment(known)
            await prefect.set_flow_run_state(client.id, Running(), force=True)
            started._run.flow_run, started.flow_run = gathering.id, client.id
            await started.cancel()
            return (await prefect.read_flow_run(client.id)).state.type.value

    assert asyncio.run(stop()) == becomes


def test_a_clients_run_is_found_by_its_flow_run_and_adds_up_as_one_of_this_process(tmp_path):
    other = runs.leave(tmp_path, [runs.row(2)], flow_run_id="another")
    rows = [runs.row(2), runs.row(3, "rejected", problems=[runs.problem("Jira: summary: no")])]
    runs.leave(tmp_path, rows, flow_run_id="this", plans={"Kopi Senja": {"folder": "kopi-senja"}})
    record = run_record.find_flow_run(tmp_path, "this", runs.START)
    ended = dispatch.ClientRun("Kopi Senja", dispatch._result(record, "Kopi Senja"), None, record)
    assert ended.result.counts()["rejected"] == 1
    assert ended.data() == rows
    assert ended.summary()["folder"] == f"../{record.name}/kopi-senja"
    assert run_record.find_flow_run(tmp_path, "nobody's", runs.START) is None
    assert record.name != other.name
