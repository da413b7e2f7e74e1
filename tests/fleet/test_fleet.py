"""Many clients on several workers: every row once, within the limits, whatever is killed. `make fleet-test`; takes minutes."""

import time

import pytest

from lib.run import run_record
from sandbox.server import Sandbox
from tests.processes import wait_until
from tests.servers import webhook

pytestmark = pytest.mark.timeout(1800)
WORKERS = ("worker-1", "worker-2", "worker-3")
READS = {"sheets.spreadsheets.get"}


def assert_held(box: Sandbox, operations, burst, per_second, slack=2):
    """In no span of time more calls than the limit allows; a call's turn and its arrival may lie apart for a moment."""
    times = sorted(entry.at for entry in box.journal if entry.operation in operations)
    assert times
    for first, begun in enumerate(times):
        for number, at in enumerate(times[first:], start=1):
            assert number <= burst + slack + per_second * (at - begun + 1), f"{number} calls in {at - begun:.2f} s"


def test_40_clients_on_3_workers_make_every_row_once_within_the_limits(fleet):
    limits = {"SHEETS_READS": (10, 6.0), "JIRA_WRITES": (3, 1.0)}
    team = fleet(clients=40, rows=3, workers=WORKERS, **limits)
    run = team.start(dispatch="workers")
    state = team.wait(run)
    result = team.result(run)
    assert (state.name, result.get("error")) == ("Completed", None), team.said()
    assert result["summary"]["created"] == 120
    assert len({plan["run"] for plan in result["clients"].values()}) == 40
    team.assert_every_row_once()
    assert all(team.folder.joinpath(f"{name}.log").read_text().count("Completed") for name in WORKERS), "one stood idle"
    assert_held(team.box, READS, *limits["SHEETS_READS"])
    assert_held(team.box, {"createIssues"}, *limits["JIRA_WRITES"])
    record = run_record.read(team.output / run_record.run_folders(team.output)[-1].name)
    assert len([ending for ending in record.notebooks if ending.status == "completed"]) >= 40


def test_a_worker_killed_in_the_middle_loses_nothing_and_its_clients_are_started_once_more(fleet):
    team = fleet(clients=6, rows=3, workers=WORKERS)
    parent = team.start(dispatch="workers")
    wait_until(lambda: busy_beside(team, parent), 300, pause_s=1)
    team.kill_worker(busy_beside(team, parent))
    state = team.wait(parent)
    result = team.result(parent)
    assert (state.name, result.get("error")) == ("Completed", None), team.said()
    assert any(state.is_crashed() for state in team.client_runs().values()), (
        "it was to be killed in the middle of a run"
    )
    team.assert_every_row_once()


def busy_beside(team, parent):
    """A worker that has a client's run, and not the gathering one."""
    running = [team.worker_of(run) for run, state in team.client_runs().items() if state.is_running()]
    return next((name for name in running if name and name != team.worker_of(parent)), None)


def test_the_gathering_runs_worker_killed_is_seen_and_told_and_the_next_run_goes_on(fleet):
    with webhook() as (address, received):
        team = fleet(clients=3, rows=3, workers=WORKERS[:2], alert_url=address)
        parent = team.start(dispatch="workers")
        wait_until(lambda: team.box.calls("createIssues") >= 1, 300)
        team.kill_worker(team.worker_of(parent))
        assert team.wait(parent).is_crashed()
        wait_until(lambda: all(state.is_final() for state in team.client_runs().values()), 300, pause_s=2)
        again = team.start(dispatch="workers")
        state = team.wait(again)
        assert (state.name, team.result(again).get("error")) == ("Completed", None), team.said()
        team.assert_every_row_once()
        told = [message["message"] for message in received]
        [message] = [
            text for text in told if not text.splitlines()[0].endswith(": Late")
        ]  # on a busy machine any run is
        assert "Crashed" in message
        assert "heartbeats stopped" in message


@pytest.mark.parametrize("killed", ["server", "database"])
def test_the_server_or_its_database_killed_in_the_middle_loses_nothing(fleet, killed):
    team = fleet(clients=4, rows=3, workers=WORKERS[:2])
    parent = team.start(dispatch="workers")
    wait_until(lambda: team.box.calls("createIssues") >= 1, 300)
    if killed == "server":
        team.kill_server()
        time.sleep(10)  # long enough that somebody asks it in vain
        team.start_server()
    else:
        team.database.kill()
        team.database.start()
    state = team.wait(parent)
    assert state.name in ("Completed", "Failed", "Crashed"), "its state is to be seen"
    again = team.start(dispatch="workers")
    state = team.wait(again)
    assert (state.name, team.result(again).get("error")) == ("Completed", None), team.said()
    team.assert_every_row_once()


def test_a_cancelled_gathering_run_cancels_its_clients_runs_too(fleet):
    team = fleet(clients=2, rows=3, workers=WORKERS[:1])
    parent = team.start(dispatch="workers", delay_seconds=(20, 20))
    wait_until(lambda: team.box.calls("sheets.spreadsheets.values.batchUpdate") >= 1, 300)
    team.cancel(parent)
    assert team.wait(parent, 200).is_cancelled()
    wait_until(lambda: all(state.is_cancelled() for state in team.client_runs().values()), 200, pause_s=2)
    result = team.result(parent)
    assert result["state"] == "cancelled"
    assert [plan["error"].partition(": ")[2] for plan in result["clients"].values()] == [
        "cancelled before its run on a worker had ended"
    ] * 2
    again = team.start(dispatch="workers")
    assert team.wait(again).name == "Completed", team.said()
    team.assert_every_row_once()
