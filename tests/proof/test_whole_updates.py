"""The update through everything: the command in a process of its own, Prefect's engine, the kernel; stopped and killed."""

import asyncio
import signal

import pytest

from flows.content_plan_update import content_plan_update
from tests.desk import TAB
from tests.proof.test_whole_runs import MONTH, SCRIPT, office, shared_engine

__all__ = ["office"]
SEND = "editIssue"


class Changed:
    """An office whose issues are made: a topic was changed in the plan, another one on both sides, a third one in Jira."""

    def __init__(self, office):
        self.office, self.box = office, office.box
        assert office.finish()["summary"]["created"] == 5
        self.keys = [row[-1] for row in self.box.google.grid(office.plan, TAB)[1:]]
        for cell, text in (("D2", "Dari rencana 1"), ("D3", "Dari rencana 2")):
            self.box.google.write(office.plan, f"{TAB}!{cell}", [[text]], typed=False)
        for key, text in zip(self.keys[1:3], ("Dari produksi 2", "Dari produksi 3"), strict=True):
            self.box.jira.edit_issue(key, summary=text)

    def start(self):
        script = SCRIPT.with_name("content_plan_update.py")
        return self.office.start(script=script, **shared_engine())

    def run(self):
        given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(self.office.folder / "finished")}
        return asyncio.run(content_plan_update(**given))

    def assert_at_rest(self):
        """After a calm pass the plan's change is there, each person's words are, and the next pass sends nothing."""
        self.run()
        sent = self.box.calls(SEND)
        last = self.run()
        assert self.box.calls(SEND) == sent
        told = {name: count for name, count in last["summary"].items() if isinstance(count, int) and count}
        assert (last.get("error"), told) == (None, {"rows": 5, "existing": 4, "flagged": 1})
        summaries = [self.box.jira.issue(key).summary for key in self.keys[:3]]
        assert summaries == ["Dari rencana 1", "Dari produksi 2", "Dari produksi 3"]
        assert len([one for one in self.box.jira.issue(self.keys[0]).histories if "summary" in str(one)]) == 1


@pytest.fixture
def changed(office):
    return Changed(office)


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGKILL])
def test_an_update_that_is_stopped_once_jira_has_the_change_is_finished_by_the_next(changed, signum):
    process = changed.start()
    changed.box.fault(SEND, "edit", edit=lambda: process.send_signal(signum), when="after")
    said = changed.office.end(process)
    assert process.returncode not in (0, 2), said
    if signum is not signal.SIGKILL:
        result, manifest = changed.office.saved()
        assert result["state"] == "cancelled"
        assert {"result.json", "audit.html"} <= {entry["path"] for entry in manifest["data"]}
    changed.assert_at_rest()
