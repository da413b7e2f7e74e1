"""The same promise through everything: the command in a process of its own, Prefect's engine, the kernel; killed, doubled, cancelled."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL

from flows.content_plan_to_jira import content_plan_to_jira
from lib import files
from lib.exactly_once import plan_lock, plan_run
from lib.run import run_record
from sandbox.server import Sandbox
from tests.desk import TAB, add_clients, assert_whole, cells, made
from tests.processes import none_is_left, own_mark, processes_with, wait_until
from tests.servers import Databases

MONTH = "Juli 2026"
ROWS = 5
SETTLE_S = 3
FENCE_S = 3  # a command that was killed sends nothing later
SOON_S = 120
SCRIPT = Path(__file__).parents[2] / "flows/content_plan_to_jira.py"
COMMAND = """
import runpy, sys
from pathlib import Path
from lib.exactly_once import plan_lock
locks, script, *arguments = sys.argv[1:]
plan_lock.lock_folder = lambda: Path(locks)  # another folder of locks is another machine
sys.argv = [script, *arguments]
runpy.run_path(script, run_name="__main__")
"""


class Office:
    """One client's plan on a sandbox with the computer's clock, and runs over it as commands or in this process."""

    def __init__(self, box: Sandbox, folder: Path) -> None:
        self.box, self.folder = box, folder
        listed, [self.plan] = add_clients(box.google, 1, ROWS, MONTH)
        self.environment = {
            **box.environment(),
            "CLIENTS_SPREADSHEET_ID": listed,
            "RETRY_DELAY_SECONDS": "0",
            "SETTLE_SECONDS": str(SETTLE_S),
        }
        self.processes: list[subprocess.Popen[str]] = []

    def start(
        self, *flags: str, machine: str = "this", script: Path = SCRIPT, **environment: str
    ) -> subprocess.Popen[str]:
        """The command, in a process group of its own."""
        locks, output = self.folder / "locks" / machine, self.folder / "output" / machine
        arguments = ["--target-month", MONTH, "--delay-seconds", "0", "0", "--output-dir", str(output), *flags]
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(locks), str(script), *arguments],
            env={**os.environ, **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> str:
        """What it printed, once it has ended."""
        return process.communicate(timeout=SOON_S)[0]

    def finish(self, **parameters):
        """A run in this process, in which nothing fails; its result."""
        given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(self.folder / "finished")}
        return asyncio.run(content_plan_to_jira(**given, **parameters))

    def saved(self, machine: str = "this"):
        [folder] = run_record.run_folders(self.folder / "output" / machine)
        return json.loads((folder / "result.json").read_text()), json.loads((folder / "manifest.json").read_text())

    def assert_once(self) -> None:
        assert not {topic: keys for topic, keys in made(self.box).items() if len(keys) > 1}

    def assert_whole(self, extra: int = 0) -> None:
        assert_whole(self.box, self.plan, ROWS + extra)


@pytest.fixture
def office(tmp_path, monkeypatch, prefect_engine):
    with Sandbox(index_lag_s=1) as box:
        opened = Office(box, tmp_path)
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(plan_lock, "lock_folder", lambda: tmp_path / "locks/this")
        monkeypatch.setattr(plan_run, "FENCE_S", FENCE_S)
        yield opened
        for process in opened.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # a Prefect server outlives a command that was killed
            process.communicate()
        assert box.faults_left == {}, "a fault was set up but never reached"


def shared_engine() -> dict[str, str]:
    """The session's Prefect server also for commands: they need not start one each."""
    return {"PREFECT_API_URL": str(PREFECT_API_URL.value())}


def insert_row(office):
    office.box.google.insert_rows(office.plan, TAB, 2)
    office.box.google.write(office.plan, f"{TAB}!A2", [cells(ROWS + 1)[-1]], typed=False)


UPDATE, CLAIM, CREATE = "sheets.spreadsheets.batchUpdate", "sheets.spreadsheets.values.batchUpdate", "createIssues"


@pytest.mark.parametrize(
    ("killed_at", "when", "lost", "edit"),
    [
        pytest.param((CLAIM, 0), "after", None, insert_row, id="after-the-claim-and-a-row-inserted"),
        pytest.param((CREATE, 0), "before", None, None, id="as-jira-makes-the-issues"),
        pytest.param((CREATE, 0), "after", None, insert_row, id="after-jira-made-them-and-a-row-inserted"),
        pytest.param(("bulkFetchIssues", 0), "before", "reset-after", None, id="while-settling-a-lost-answer"),
        pytest.param((UPDATE, 1), "after", None, None, id="between-write-back-and-unlock"),
    ],
)
def test_a_killed_command_is_finished_by_the_next_run(office, killed_at, when, lost, edit):
    operation, after = killed_at
    if lost:
        office.box.fault(CREATE, lost)
    process = office.start(**shared_engine())
    office.box.fault(operation, "edit", edit=process.kill, when=when, after=after)
    said = office.end(process)
    assert process.returncode == -signal.SIGKILL, said
    office.assert_once()
    if edit:
        edit(office)
    for _ in range(2):  # the first one may leave to the second what Jira's search does not show yet
        result = office.finish()
    assert result.get("error") is None
    office.assert_whole(extra=1 if edit else 0)


def test_a_run_killed_on_another_machine_is_named_and_its_lock_is_broken_only_on_demand(office):
    process = office.start(machine="other", **shared_engine())
    office.box.fault(CREATE, "edit", edit=process.kill, when="after")
    office.end(process)
    stopped = office.finish()
    assert "since" in stopped["error"]
    assert "--break-lock" in stopped["error"]
    assert stopped["summary"]["created"] == 0
    office.finish(break_lock=True)
    office.finish()
    office.assert_whole()


@pytest.mark.parametrize("machine", ["this", "other"])
def test_a_run_that_comes_while_another_holds_the_plan_says_since_when_and_makes_nothing(office, machine):
    """The holder stands still in the middle of its making, so that the two certainly meet."""
    holder = office.start(machine=machine, **shared_engine())
    office.box.fault(CREATE, "edit", edit=lambda: holder.send_signal(signal.SIGSTOP), when="after")
    wait_until(lambda: office.box.calls(CREATE) == 1, SOON_S)
    stopped = office.finish()
    holder.send_signal(signal.SIGCONT)
    said = office.end(holder)
    assert "since" in stopped["error"]
    assert stopped["summary"]["created"] == 0
    assert holder.returncode == 0, said
    office.assert_whole()


@pytest.mark.parametrize("machines", [("this", "this"), ("one", "other")], ids=["one-machine", "two-machines"])
def test_two_commands_at_once_make_one_issue_per_row(office, machines, tmp_path):
    """They share Google and Jira, and nothing of Prefect; each one's own server has recorded all task runs, to the last, when it has ended."""
    homes = [Databases.copy_to(tmp_path / f"prefect-{number}") for number in range(len(machines))]
    both = [
        office.start(machine=machine, PREFECT_HOME=str(home), PREFECT_API_URL="")
        for machine, home in zip(machines, homes, strict=True)
    ]
    said = [office.end(process) for process in both]
    for home in homes:
        with contextlib.closing(sqlite3.connect(home / "prefect.db")) as database:
            states = dict(database.execute("SELECT name, state_type FROM task_run"))
        assert set(states.values()) <= {"COMPLETED", "FAILED"}
        assert any(name.startswith("utility.notebook.to-html") for name in states), "a run's last task"
    office.assert_once()
    assert any(process.returncode == 0 for process in both), said
    office.assert_whole()


def as_jira_makes_the_issues(office, end):
    office.box.fault(CREATE, "edit", edit=end, when="before")


def while_the_notebook_runs(office, end):
    """A kernel is a process of its own, or a fork beside the server that it comes from, which forks for its imports, too."""

    def runs():
        if not any((office.folder / "output").rglob(files.ROWS)):
            return False
        commands = processes_with(own_mark())
        forked = [command for command in commands if b"fork_kernels" in command]
        return len(forked) > 1 or any(b"ipykernel" in command for command in commands)

    wait_until(runs, SOON_S)
    end()


@pytest.mark.parametrize(
    ("operation", "after", "when", "signum"),
    [
        pytest.param("getCurrentUser", 0, "before", signal.SIGTERM, id="at-the-first-request"),
        pytest.param(UPDATE, 0, "after", signal.SIGTERM, id="as-the-plan-is-locked"),
        pytest.param(CLAIM, 0, "before", signal.SIGTERM, id="as-rows-are-claimed"),
        pytest.param(CREATE, 0, "after", signal.SIGTERM, id="as-jira-has-made-the-issues"),
        pytest.param(UPDATE, 1, "before", signal.SIGINT, id="as-keys-are-written"),
        pytest.param(UPDATE, 1, "after", signal.SIGTERM, id="as-the-lock-is-given-back"),
    ],
)
def test_a_signal_at_any_request_leaves_a_finished_folder(office, operation, after, when, signum):
    """Struck right as a request goes out, when the main thread is busy: the signal must not be lost or end what saves."""
    process = office.start(**shared_engine())
    office.box.fault(operation, "edit", edit=lambda: process.send_signal(signum), when=when, after=after)
    said = office.end(process)
    assert process.returncode not in (0, 2), said
    result, manifest = office.saved()
    assert result["state"] == "cancelled"
    assert {"result.json", "audit.html"} <= {entry["path"] for entry in manifest["data"]}
    for _ in range(2):
        office.finish()
    office.assert_whole()


def test_a_second_signal_leaves_out_the_report_and_nothing_else(office):
    process = office.start(**shared_engine())
    office.box.fault(CREATE, "edit", edit=lambda: process.send_signal(signal.SIGINT), when="before")
    wait_until(lambda: any((office.folder / "output").rglob("result.json")), SOON_S)
    process.send_signal(signal.SIGINT)
    office.end(process)
    result, manifest = office.saved()
    assert result["state"] == "cancelled"
    assert "result.json" in {entry["path"] for entry in manifest["data"]}
    for _ in range(2):
        office.finish()
    office.assert_whole()


@pytest.mark.parametrize(
    ("moment", "outcome"), [(as_jira_makes_the_issues, "uncertain"), (while_the_notebook_runs, "ready")]
)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "cancel"])
def test_a_run_that_is_cancelled_leaves_a_readable_folder_and_no_kernel(office, monkeypatch, signum, moment, outcome):
    """Prefect's runner cancels a flow run with SIGTERM."""
    with none_is_left(monkeypatch, SOON_S):
        process = office.start(**shared_engine())
        moment(office, lambda: process.send_signal(signum))
        said = office.end(process)
    assert process.returncode not in (0, 2), said
    result, manifest = office.saved()
    assert "cancelled" in result["error"]
    assert "cancelled" in result["clients"]["Klien 1"]["error"]
    assert {record["outcome"] for record in result["data"]} == {outcome}
    if outcome == "uncertain":
        assert all("was stopped while Jira was making" in row["problems"][-1]["message"] for row in result["data"])
    assert result["metadata"]["record_count"] == len(result["data"]) == ROWS
    assert {"result.json", "audit.html"} <= {entry["path"] for entry in manifest["data"]}
    assert "The run was cancelled" in (Path(result["run_folder"]) / "audit.html").read_text()
    for _ in range(2):
        office.finish()
    office.assert_whole()
