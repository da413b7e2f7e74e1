"""Which plans a pass need not look at: those of which neither Drive nor Jira says anything new."""

import asyncio
import datetime as dt
from dataclasses import replace

import pytest

from lib.exactly_once.reconcile import Outcome, plan_label
from lib.update.update_cache import SeenPlan, UpdateCache, is_settled, unchanged

PLANS = [f"spreadsheet-{number}" for number in range(100)]


class Pass:
    """A site with issues of a hundred plans, and what a pass that saw them keeps."""

    def __init__(self, desk, folder):
        self.box, self.jira, self.folder = desk.box, desk.jira, folder
        self.account = asyncio.run(self.jira.read_myself())
        self.issues = {plan: self.add(plan) for plan in PLANS}
        self.clock = desk.clock._clock
        self.clock.move(60)
        ids = [str(issue.id) for issue in self.issues.values()]
        updated = asyncio.run(self.jira.read_updated(ids))
        cache = UpdateCache(folder, "same")
        for plan, issue in self.issues.items():
            cache.keep_plan(
                plan,
                SeenPlan(
                    version="7",
                    looked_at=self.account.read_at,
                    issues={str(issue.id): updated[str(issue.id)]},
                    summary={},
                    data=[],
                ),
            )
        cache.save()

    def add(self, plan):
        return self.box.jira.add_issue("CP", {"labels": [plan_label(plan)], "summary": plan})

    def look(self, versions=None, made_for="same", account=None):
        cache = UpdateCache(self.folder, made_for)
        account = account or asyncio.run(self.jira.read_myself())
        before = len(self.box.journal)
        found = asyncio.run(unchanged(cache, self.jira, versions or dict.fromkeys(PLANS, "7"), account))
        cache.save()
        self.calls = len(self.box.journal) - before
        return set(found)


@pytest.fixture
def a_pass(desk, tmp_path):
    return Pass(desk, tmp_path)


def test_a_hundred_plans_cost_three_calls(a_pass):
    assert a_pass.look() == set(PLANS)
    assert a_pass.calls == 3


def test_long_after_nothing_was_edited_two_calls_do(a_pass):
    a_pass.clock.move(3600)
    a_pass.look()
    a_pass.clock.move(3600)
    assert a_pass.look() == set(PLANS)
    assert a_pass.calls == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda one, key: one.box.jira.edit_issue(key, summary="Diketik orang"),
        lambda one, key: one.box.jira.delete_issue(key),
        lambda one, key: one.box.jira.edit_issue(key, labels=[]),
        lambda one, key: one.box.jira.move_issue(key, "MAR"),
        lambda one, _key: one.add(PLANS[3]),
    ],
    ids=["edited", "deleted", "label taken off", "moved", "another one"],
)
def test_an_issue_that_changed_came_or_went_is_a_change_of_its_plan_alone(a_pass, change):
    change(a_pass, a_pass.issues[PLANS[3]].key)
    a_pass.clock.move(30)
    assert a_pass.look() == set(PLANS) - {PLANS[3]}
    assert a_pass.look() == set(PLANS) - {PLANS[3]}, "until a pass has looked at it"


def test_a_change_that_the_index_shows_late_is_seen_by_the_next_pass(a_pass):
    a_pass.clock.move(3600)
    a_pass.look()
    a_pass.clock.move(3600)
    a_pass.box.jira.index_lag_s, usual = 300, a_pass.box.jira.index_lag_s
    try:
        a_pass.box.jira.edit_issue(a_pass.issues[PLANS[3]].key, summary="Diketik orang")
    finally:
        a_pass.box.jira.index_lag_s = usual
    assert a_pass.look() == set(PLANS)
    a_pass.clock.move(600)
    assert a_pass.look() == set(PLANS) - {PLANS[3]}


def test_another_version_no_version_another_notebook_and_no_clock_of_jira_are_looked_at(a_pass):
    versions = {**dict.fromkeys(PLANS, "7"), PLANS[0]: "8", PLANS[1]: ""}
    assert a_pass.look(versions) == set(PLANS[2:])
    assert a_pass.look(account=replace(a_pass.account, read_at=None)) == set()
    assert a_pass.look(made_for="another") == set()


def test_without_a_known_time_zone_the_look_begins_early_enough(a_pass):
    a_pass.box.jira.edit_issue(a_pass.issues[PLANS[3]].key, summary="Diketik orang")
    a_pass.clock.move(30)
    account = replace(a_pass.account, time_zone="", read_at=a_pass.account.read_at + dt.timedelta(minutes=2))
    assert a_pass.look(account=account) == set(PLANS) - {PLANS[3]}


def test_who_sees_nothing_in_jira_looks_at_every_plan(a_pass):
    a_pass.box.jira.state.projects["CP"].permissions.remove("BROWSE_PROJECTS")
    assert a_pass.look() == set()


def test_what_may_end_otherwise_next_time_is_not_settled():
    assert is_settled([Outcome.EXISTING, Outcome.FLAGGED])
    assert not any(
        is_settled([Outcome.EXISTING, one]) for one in (Outcome.UNCERTAIN, Outcome.REJECTED, Outcome.UPDATED)
    )
