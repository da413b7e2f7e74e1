"""What a look at Jira shows of each plan, how few calls it costs, and when it is not believed."""

import asyncio
import functools
import math
from dataclasses import replace

import pytest

from lib.errors import FixInputError, TryLaterError, WorkflowError
from lib.exactly_once.lookup import GAP, Lookup, ProjectLookup
from lib.exactly_once.reconcile import plan_label
from lib.services import retry
from lib.services.models import FETCH_SIZE
from tests.direct import DirectJira, jira_api

SEARCH, FETCH, MYSELF, PERMISSIONS = (
    "searchAndReconsileIssuesUsingJqlPost",
    "bulkFetchIssues",
    "getCurrentUser",
    "getMyPermissions",
)
PLANS = ("plan-a", "plan-b", "plan-c")


class Project:
    """The sandbox's project, in which each of three plans has issues, and looks at it."""

    def __init__(self, box, opened, run_clock):
        self.box, self.clock = box, run_clock._clock
        self.jira = DirectJira(opened(jira_api(box.environment(), sleep=run_clock._clock.move)))
        self.made = {plan: [self.add(plan) for _ in range(3)] for plan in PLANS}
        self.clock.move(60)  # the index shows them

    def add(self, plan):
        return self.box.jira.add_issue("CP", {"summary": "Topik", "labels": [plan_label(plan)]}).key

    def look(self, project, *plans, keys=()):
        """Keys of the issues that a shared look shows of each plan."""

        async def go():
            asks = [Lookup(project, plan).snapshot(keys) for plan in plans]
            return [{issue.key for issue in seen.issues} for seen in await asyncio.gather(*asks)]

        return asyncio.run(go())

    def calls(self):
        return [self.box.calls(operation) for operation in (MYSELF, PERMISSIONS, SEARCH, FETCH)]


@pytest.fixture
def project(box, opened, run_clock):
    return Project(box, opened, run_clock)


class NoTime:
    """A clock that lets others go on, and no time pass."""

    async def sleep(self, _seconds):
        await asyncio.sleep(0)


@pytest.fixture
def lookup(project):
    return ProjectLookup(project.jira, "CP", gathers=NoTime())


def test_plans_share_a_look_and_each_sees_its_own(project, lookup):
    assert project.look(lookup, *PLANS) == [set(project.made[plan]) for plan in PLANS]
    _, permissions, searches, _ = project.calls()
    assert (permissions, searches) == (1, 2), "one for all labels, one for the newest issue"


def test_a_look_waits_for_more_plans_until_one_that_wants_it_has_nothing_else_to_do(project, lookup):
    async def go():
        works = [asyncio.get_running_loop().create_future() for _ in PLANS]

        async def wants(plan, work):
            with lookup.meanwhile(work):
                return await Lookup(lookup, plan).snapshot()

        wanting = []
        for plan, work in zip(PLANS, works, strict=True):
            wanting.append(asyncio.ensure_future(wants(plan, work)))
            for _ in range(20):  # more than a look that waits for nothing
                await asyncio.sleep(0)
            assert project.calls()[2] == 0
        works[1].set_result(None)
        seen = await asyncio.gather(*wanting)
        return [{issue.key for issue in each.issues} for each in seen]

    assert asyncio.run(go()) == [set(project.made[plan]) for plan in PLANS]
    assert project.calls()[2] == 2, "one for all labels, one for the newest issue"


def test_a_look_is_begun_once_all_plans_that_are_under_way_wait_for_it(project, lookup):
    async def go():
        never = asyncio.get_running_loop().create_future()

        async def wants(plan):
            with lookup.taking_part(), lookup.meanwhile(never):
                await asyncio.sleep(0)  # the others begin
                return await Lookup(lookup, plan).snapshot()

        seen = await asyncio.gather(*map(wants, PLANS))
        return [{issue.key for issue in each.issues} for each in seen]

    assert asyncio.run(go()) == [set(project.made[plan]) for plan in PLANS]
    assert project.calls()[2] == 2, "one for all labels, one for the newest issue"


def test_what_we_may_can_be_asked_before_the_first_look(project):
    early = ProjectLookup(project.jira, "CP", account=asyncio.run(project.jira.read_myself()))
    asyncio.run(early.ask_early())
    assert project.calls()[1] == 1
    project.look(early, "plan-a")
    assert project.calls()[1] == 1, "once a run"


def test_what_was_refused_early_is_asked_again_by_the_first_look_and_said(project):
    early = ProjectLookup(project.jira, "XX", account=asyncio.run(project.jira.read_myself()))
    asyncio.run(early.ask_early())
    with pytest.raises(WorkflowError):
        project.look(early, "plan-a")
    assert project.calls()[1] == 2


def test_where_a_search_says_no_keys_the_newest_issue_is_read(project, lookup):
    search = project.jira.search

    async def without_keys(*args, keys=False):
        found = await search(*args, keys=keys)
        return replace(found, keys=[""] * len(found.keys))

    for _ in range(GAP + 200):
        project.box.jira.delete_issue(project.box.jira.add_issue("CP", {"summary": "Topik"}).key)
    project.box.jira.add_issue("CP", {"summary": "Topik"})
    project.clock.move(60)
    made = project.add("plan-a")  # which the index lacks
    project.jira.search = without_keys
    assert project.look(lookup, "plan-a") == [{*project.made["plan-a"], made}]


@pytest.fixture
def most_at_once(project):
    """How many requests for issues were under way at once, at most."""
    fetch, going, most = project.jira.fetch, 0, [0]

    async def counted(keys):
        nonlocal going
        going += 1
        most[0] = max(*most, going)
        await asyncio.sleep(0)
        found = await fetch(keys)
        going -= 1
        return found

    project.jira.fetch = counted
    return most


def test_ranges_of_keys_are_read_side_by_side(project, lookup, most_at_once):
    project.look(lookup, "plan-a")
    assert most_at_once == [math.ceil((len(project.made) * 3 + GAP) / FETCH_SIZE)]


def test_many_keys_are_read_a_few_pages_at_once(project, lookup, most_at_once):
    keys = [project.add("plan-a") for _ in range(7 * FETCH_SIZE)]
    assert sorted(issue.key for issue in asyncio.run(lookup.read(keys))) == sorted(keys)
    assert most_at_once == [6]


def test_a_project_that_is_hidden_while_one_of_its_ranges_is_read_is_never_taken_for_empty(project, lookup):
    for _ in range(FETCH_SIZE):
        project.box.jira.add_issue("CP", {"summary": "Topik"})
    project.clock.move(60)
    project.add("plan-a")  # which the index lacks, and the second range has
    permissions = project.box.jira.state.projects["CP"].permissions
    hide = functools.partial(permissions.remove, "BROWSE_PROJECTS")
    project.box.fault(FETCH, "edit", edit=hide, when="before", after=2)  # the plan's issues, the first range
    with pytest.raises(FixInputError, match="mypermissions"):
        project.look(lookup, "plan-a")


def test_a_later_look_asks_neither_who_we_are_nor_what_we_may(project, lookup):
    project.look(lookup, "plan-a")
    before = project.calls()
    project.look(lookup, "plan-b")
    assert [after - was for after, was in zip(project.calls()[:3], before[:3], strict=True)] == [0, 0, 2]


@pytest.mark.parametrize("later", [0, 1, 2, 3, 4])
def test_a_project_that_is_hidden_at_any_request_of_a_later_look_is_never_taken_for_empty(project, lookup, later):
    project.look(lookup, "plan-a")
    project.add("plan-b")  # which the index lacks
    permissions = project.box.jira.state.projects["CP"].permissions
    hide = functools.partial(permissions.remove, "BROWSE_PROJECTS")
    operation, after = [(SEARCH, 0), (SEARCH, 1), (FETCH, 0), (FETCH, 1), (FETCH, 2)][later]
    project.box.fault(operation, "edit", edit=hide, when="before", after=after)
    with pytest.raises(FixInputError, match="mypermissions"):
        project.look(lookup, "plan-b")


def test_a_project_that_is_hidden_only_while_a_later_look_searches_is_never_taken_for_empty(project, lookup):
    project.look(lookup, "plan-a")
    permissions, fetch = project.box.jira.state.projects["CP"].permissions, project.jira.fetch

    async def fetch_and_show(keys):
        permissions.add("BROWSE_PROJECTS")
        return await fetch(keys)

    project.jira.fetch = fetch_and_show
    permissions.remove("BROWSE_PROJECTS")
    with pytest.raises(FixInputError, match="mypermissions"):
        project.look(lookup, "plan-b")


def test_looks_at_a_project_without_an_issue_ask_what_we_may_at_their_beginning_and_end(project, lookup):
    issues = project.box.jira.state.issues
    for key in [issue.key for issue in issues.values() if issue.key.startswith("CP-")]:
        project.box.jira.delete_issue(key)
    project.clock.move(60)
    for plan in PLANS:
        project.look(lookup, plan)
    assert project.calls()[1] == 2 * len(PLANS)


def test_where_answers_name_nobody_both_are_asked_before_and_after_each_look(project, lookup, monkeypatch):
    monkeypatch.setattr(project.box.jira, "names_callers", False)
    project.look(lookup, "plan-a")
    project.look(lookup, "plan-b")
    assert project.calls()[:2] == [4, 4]


def test_an_issue_that_an_earlier_look_saw_for_another_plan_is_read_again(project, lookup):
    project.look(lookup, "plan-a")
    gone, renamed = project.made["plan-b"][:2]
    project.box.jira.delete_issue(gone)
    project.box.jira.edit_issue(renamed, labels=[plan_label("plan-c")])
    assert project.look(lookup, "plan-b", "plan-c") == [
        {project.made["plan-b"][2]},
        {*project.made["plan-c"], renamed},
    ]


def test_an_issue_that_became_a_plans_since_it_was_seen_is_the_plans(project, lookup, run_clock):
    """It was read for no plan, before the plan was locked, and is not the newest, which each look reads."""
    other, _newest = (project.box.jira.add_issue("CP", {"summary": "Topik"}).key for _ in range(2))
    project.look(lookup, "plan-a")
    project.box.jira.edit_issue(other, labels=[plan_label("plan-c")])
    run_clock._clock.move(60)
    assert project.look(lookup, "plan-c") == [{*project.made["plan-c"], other}]


def test_a_key_whose_reading_failed_is_asked_for_again(project, lookup):
    moved = project.box.jira.add_issue("CP", {"summary": "Topik"}).key
    project.box.jira.move_issue(moved, "TEAM")
    project.box.fault(FETCH, "500", after=2, times=retry.ATTEMPTS)
    with pytest.raises(TryLaterError):
        project.look(lookup, "plan-a", keys=[moved])
    [seen] = project.look(lookup, "plan-a", keys=[moved])
    assert len(seen) == 1 + len(project.made["plan-a"])


def test_an_issue_made_since_the_last_look_is_seen_though_the_index_lags(project, lookup):
    project.look(lookup, "plan-a")
    new = project.add("plan-a")
    assert project.look(lookup, "plan-a") == [{*project.made["plan-a"], new}]


def test_a_key_of_another_plan_that_stands_in_the_sheet_is_shown(project, lookup):
    other = project.made["plan-b"][0]
    assert project.look(lookup, "plan-a", keys=[other]) == [{*project.made["plan-a"], other}]


@pytest.mark.parametrize("after", range(1, 8))
def test_a_project_that_is_hidden_while_it_is_looked_at_is_never_taken_for_empty(project, lookup, after):
    """Whatever call it happens at: the look fails, or it has seen everything."""
    project.look(lookup, "plan-a")
    permissions = project.box.jira.state.projects["CP"].permissions
    calls = project.box.calls

    def hide():
        permissions.remove("BROWSE_PROJECTS")

    operation = SEARCH if after < 3 else FETCH
    project.box.fault(operation, "edit", edit=hide, when="before", after=(after - 1) % 3)
    made = calls(operation)
    try:
        seen = project.look(lookup, *PLANS)
    except FixInputError:  # the project does not exist for who may not see it
        seen = None
    assert seen in (None, [set(project.made[plan]) for plan in PLANS])
    assert calls(operation) > made
    project.box.clear_faults()
