"""Jira is looked at while the notebook runs: which of them counts when one fails, or the plan changes meanwhile."""

import asyncio
from contextlib import nullcontext

import pytest

from flows import client_plan
from lib.errors import NotebookError, TryLaterError
from tests.lib.plans import plan, row

READ, REPAIRED = plan(row(1, "Satu", key="cp-aaaaaaaaaaaaa")), plan(row(1, "Satu"))


class Looks:
    """Stands for a run over a plan: how its look ends, and what the notebook was given and how it ended."""

    def __init__(self, monkeypatch, *, finds=READ, error=None, fails=False):
        self.finds, self.error, self.fails = finds, error, fails
        self.drafted, self.ends = [], []
        self.begun = asyncio.Event()
        monkeypatch.setattr(client_plan, "make_drafts", self.make_drafts)

    async def read(self):
        return READ

    async def look_up(self, **_settle):
        await self.begun.wait()
        if self.error:
            raise self.error
        return self.finds, "snapshot"

    def step(self, _name):
        return nullcontext()

    async def make_drafts(self, _run, _project, _client, given, _folder):
        self.drafted.append(given)
        self.begun.set()
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            self.ends.append("cancelled")
            raise
        self.ends.append("ended")
        if self.fails:
            raise NotebookError("content_plan_to_jira", "failed", 3, "ValueError")
        return f"drafts {len(self.drafted)}"

    def work(self):
        return client_plan.look_and_draft(None, client_plan.Project("", []), None, self, None, settle=True)

    def go(self):
        return asyncio.run(self.work())


def test_the_notebook_runs_while_jira_is_looked_at(monkeypatch):
    looks = Looks(monkeypatch)  # whose look waits for the notebook's begin
    assert looks.go() == ("snapshot", "drafts 1")


@pytest.mark.parametrize("fails", [False, True])
def test_a_plan_from_which_claims_were_taken_out_is_drafted_again_when_the_notebook_has_ended(monkeypatch, fails):
    looks = Looks(monkeypatch, finds=REPAIRED)
    looks.fails = fails
    if fails:
        with pytest.raises(NotebookError):
            looks.go()
    else:
        assert looks.go() == ("snapshot", "drafts 2")
    assert (looks.drafted, looks.ends) == ([READ, REPAIRED], ["ended", "ended"])


def test_an_error_of_the_look_comes_first_when_the_notebook_has_ended(monkeypatch):
    looks = Looks(monkeypatch, error=TryLaterError("Jira", "is away"), fails=True)
    with pytest.raises(TryLaterError):
        looks.go()
    assert looks.ends == ["ended"]


def test_an_error_of_the_notebook_is_told(monkeypatch):
    with pytest.raises(NotebookError):
        Looks(monkeypatch, fails=True).go()


def test_whoever_cancels_ends_the_notebook_too(monkeypatch):
    looks = Looks(monkeypatch)

    async def cancelled():
        going = asyncio.ensure_future(looks.work())
        await looks.begun.wait()
        going.cancel()
        with pytest.raises(asyncio.CancelledError):
            await going

    looks.look_up = lambda **_settle: asyncio.Event().wait()
    asyncio.run(cancelled())
    assert looks.ends == ["cancelled"]
