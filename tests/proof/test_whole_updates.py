"""The update through everything: the command in a process of its own, Prefect's engine, the kernel; stopped and killed.

`python -m pytest tests/proof/test_whole_updates.py --every-request` stops it at each request that it sends, which takes most of an hour.
"""

import asyncio
import signal
from pathlib import Path

import pytest

from flows.content_plan_update import content_plan_update
from lib.run import run_folder
from tests.desk import TAB
from tests.proof.test_whole_runs import MONTH, SCRIPT, office, shared_engine

__all__ = ["office"]
SEND, COMMENT, TOKEN = "editIssue", "addComment", "oauth.token"
REQUESTS = 42  # of the command with what `Changed` leaves to it
SOME = (
    (17, "after"),
    (30, "after"),
    (39, "before"),
)  # as the plan is locked, an issue is sent to, status columns are written
DELETED = "label"


class Changed:
    """
    An office whose issues are made, and the plan has a status column now.

    A topic was changed in the plan, another one on both sides, a third one in Jira; the last row was deleted.
    """

    def __init__(self, office):
        self.office, self.box = office, office.box
        assert office.finish()["summary"]["created"] == 5
        self.keys = [row[-1] for row in self.box.google.grid(office.plan, TAB)[1:]]
        for cell, text in (("D2", "Dari rencana 1"), ("D3", "Dari rencana 2"), ("G1", "Status Jira")):
            self.box.google.write(office.plan, f"{TAB}!{cell}", [[text]], typed=False)
        self.box.google.delete_rows(office.plan, TAB, 6)
        for key, text in zip(self.keys[1:3], ("Dari produksi 2", "Dari produksi 3"), strict=True):
            self.box.jira.edit_issue(key, summary=text)

    def start(self):
        script = SCRIPT.with_name("content_plan_update.py")
        return self.office.start("--deleted-rows", DELETED, script=script, **shared_engine())

    def run(self):
        given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(self.office.folder / "finished")}
        return asyncio.run(content_plan_update(**given, deleted_rows=DELETED))

    def written(self):
        """What was sent to Jira, and the plan's version, which grows with each change."""
        return self.box.calls(SEND), self.box.calls(COMMENT), self.box.google.files[self.office.plan].version

    def assert_at_rest(self):
        """
        After one calm pass all of it is done, once, each person's words are there, and the next pass writes nothing.

        How many requests that one pass took.
        """
        begun = len(self.box.journal)
        self.run()
        requests, before = len(self.box.journal) - begun, self.written()
        last = self.run()
        assert self.written() == before
        told = {name: count for name, count in last["summary"].items() if isinstance(count, int) and count}
        assert (last.get("error"), told) == (None, {"rows": 4, "existing": 3, "flagged": 1})
        summaries = [self.box.jira.issue(key).summary for key in self.keys[:3]]
        assert summaries == ["Dari rencana 1", "Dari produksi 2", "Dari produksi 3"]
        assert len([one for one in self.box.jira.issue(self.keys[0]).histories if "summary" in str(one)]) == 1
        dropped = self.box.jira.issue(self.keys[4])
        assert (dropped.labels[-1], len(dropped.comments)) == ("row-deleted-from-plan", 1)
        assert [row[6] for row in self.box.google.grid(self.office.plan, TAB)] == ["Status Jira", *["To Do"] * 4]
        assert self.box.google.spreadsheets[self.office.plan].named_ranges == []
        return requests


@pytest.fixture
def changed(office):
    return Changed(office)


class Strike:
    """A signal for a process, before or after one of its requests, which are counted from 0, is carried out."""

    def __init__(self, box, process, moment, when, signum):
        self.box, self.process, self.signum = box, process, signum
        self.left, self.at = moment, None
        for operation in box._service.faults.operations:
            box.fault(operation, "edit", edit=self.come, when=when, times=10 * REQUESTS)

    def come(self):
        if self.left == 0:
            self.at = len(self.box.journal)
            self.process.send_signal(self.signum)
        self.left -= 1

    def after(self):
        """What the process asked for afterwards; of a call whose token was fetched first nobody can say that it began later."""
        assert self.at is not None, "there was no such request"
        later = [entry.operation for entry in self.box.journal[self.at :]]
        return later[1:] if self.box.journal[self.at - 1].operation == TOKEN else later


def pytest_generate_tests(metafunc):
    if "moment" in metafunc.fixturenames:
        every = [(moment, when) for moment in range(REQUESTS) for when in ("before", "after")]
        moments = every if metafunc.config.getoption("--every-request") else SOME
        metafunc.parametrize(("moment", "when"), moments)


def test_a_signal_at_any_request_ends_an_update_in_order_and_the_next_one_finishes_it(changed, moment, when):
    signum = signal.SIGTERM if (moment % 2 == 0) == (when == "before") else signal.SIGINT
    process = changed.start()
    strike = Strike(changed.box, process, moment, when, signum)
    said = changed.office.end(process)
    changed.box.clear_faults()
    assert process.returncode not in (0, 2), said
    assert strike.after() == []
    result, manifest = changed.office.saved()
    assert result["state"] == "cancelled"
    assert {"result.json", "audit.html"} <= {entry["path"] for entry in manifest["data"]}
    assert run_folder.verify(Path(result["run_folder"])).altered == []
    assert changed.assert_at_rest() <= REQUESTS, "the last of them are struck at no moment"


def test_an_update_that_is_killed_once_jira_has_the_change_is_finished_by_the_next(changed):
    process = changed.start()
    changed.box.fault(SEND, "edit", edit=process.kill, when="after")
    said = changed.office.end(process)
    assert process.returncode == -signal.SIGKILL, said
    changed.assert_at_rest()
