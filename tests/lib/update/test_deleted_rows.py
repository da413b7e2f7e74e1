"""What becomes of issues whose row was deleted: what was asked for, once, and never back."""

import asyncio
import itertools

import pytest

from lib.plan import adf
from lib.services.models import PROPERTY
from lib.update.deleted_rows import DELETED_LABEL, too_many
from sandbox.jira.state import Transition
from tests.desk import TAB, cells, outcomes
from tests.direct import Killed, Mortal
from tests.lib.update.test_plan_update import Office

CANCELLED = {"id": "10002"}


class Cleared(Office):
    """A plan of two rows, of which the first one was deleted after their issues were made."""

    def __init__(self, desk, how):
        super().__init__(desk)
        self.how = how
        self.box.google.delete_rows(desk.id, TAB, 2)

    def update(self, **options):
        made = super().update(**options)
        made.plan_run.deleted_rows = self.how
        return made

    @property
    def status(self):
        return self.issue.fields["status"]

    def comments(self):
        return [adf.plain_text(comment.body) for comment in self.issue.comments]

    def is_done(self):
        """Labelled or moved once, and told once."""
        [told] = self.comments()
        assert "was deleted from the content plan" in told
        if self.how == "label":
            assert self.issue.labels.count(DELETED_LABEL) == 1
            return True
        moves = [change for history in self.issue.histories for change in history.changes if change.field == "status"]
        assert [change.new for change in moves] == [CANCELLED]
        return True


def told(result):
    return [problem.message for problem in result.problems if "row was deleted" in problem.message]


@pytest.fixture(params=["label", "Cancelled"])
def cleared(desk, request):
    return Cleared(desk, request.param)


@pytest.mark.parametrize("how", ["", "flag"])
def test_nothing_is_done_unless_it_was_asked_for(desk, how):
    cleared = Cleared(desk, how)
    assert outcomes(cleared.is_calm()) == {"rows": 1, "existing": 1}
    assert (cleared.comments(), cleared.status, DELETED_LABEL in cleared.issue.labels) == ([], {"id": "10000"}, False)


def test_it_is_done_once_and_told_once(cleared):
    result = cleared.run()
    assert outcomes(result) == {"rows": 1, "existing": 1}
    assert [f"{cleared.key} (" in message and "with a comment" in message for message in told(result)] == [True]
    assert cleared.is_done()
    assert told(cleared.is_calm()) == []
    assert cleared.is_done()


def test_what_a_person_takes_back_stays_taken_back(cleared):
    cleared.run()
    if cleared.how == "label":
        cleared.edit(labels=[label for label in cleared.issue.labels if label != DELETED_LABEL])
    else:
        cleared.edit(status={"id": "3"})
    assert told(cleared.is_calm()) == []
    assert (DELETED_LABEL in cleared.issue.labels, cleared.status == CANCELLED) == (False, False)


def test_a_row_that_comes_back_takes_nothing_back(cleared):
    cleared.run()
    cleared.box.google.write(
        cleared.desk.id, f"{TAB}!A4:F4", [[1, "2 Juli 2026", "Post", "Topik 1", "Caption 1", cleared.key]], typed=False
    )
    cleared.run()
    assert cleared.is_done()


@pytest.mark.parametrize("end", ["done", "moved", "deleted", "forgotten"])
def test_an_issue_that_is_done_moved_or_not_ours_is_not_touched(cleared, end):
    if end == "done":
        cleared.edit(status={"id": "10001"})
    elif end == "moved":
        cleared.box.jira.move_issue(cleared.key, "MAR")
    elif end == "deleted":
        cleared.box.jira.delete_issue(cleared.key)
    else:
        cleared.edit(labels=[])
    assert told(cleared.is_calm()) == []


def test_a_key_that_was_erased_is_no_deleted_row(desk):
    cleared = Cleared(desk, "label")
    cleared.key = desk.made["Topik 2"][0]
    cleared.write("F2", "")
    cleared.run()
    assert DELETED_LABEL not in cleared.issue.labels


def test_a_look_without_writing_says_what_would_be_done(cleared):
    before = cleared.sent()
    update = cleared.update()

    async def look():
        await update.sheet.open()
        await update._compare()
        update.plan_run.foresee_status()

    asyncio.run(look())
    assert ["would" in message for message in told(update.plan_run.result)] == [True]
    assert (cleared.sent(), cleared.comments()) == (before, [])


def test_a_transition_that_is_not_there_is_told_and_tried_again_when_it_is(desk):
    cleared = Cleared(desk, "Cancelled")
    usual = cleared.box.jira.state.transitions
    cleared.box.jira.state.transitions = usual[:3]
    assert "has no transition 'Cancelled' from 'To Do'" in told(cleared.run())[0]
    assert PROPERTY in cleared.issue.properties
    cleared.box.jira.state.transitions = usual
    cleared.run()
    assert cleared.is_done()


def test_what_jira_refuses_is_told_and_not_commented_on(desk):
    cleared = Cleared(desk, "Cancelled")
    cleared.box.jira.state.transitions = [Transition("41", "Cancelled", "10002", required=["resolution"])]
    assert "Resolution is required." in told(cleared.run())[0]
    assert cleared.comments() == []
    cleared.box.jira.state.transitions = [Transition("41", "Batalkan", "10002")]
    cleared.run()
    assert cleared.is_done()


def test_a_person_who_moves_the_issue_first_is_not_told_of_it(desk):
    cleared = Cleared(desk, "Cancelled")
    cleared.box.fault("doTransition", "refuse", indices=[0], errors={"resolution": "perlu"})
    cleared.run()
    cleared.edit(status={"id": "10001"})
    assert told(cleared.is_calm()) == []
    assert (cleared.status, cleared.comments()) == ({"id": "10001"}, [])


@pytest.mark.parametrize("fault", ["reset-after", "503-before", "reset-before", "html"])
@pytest.mark.parametrize("operation", ["editIssue", "doTransition", "addComment"])
def test_a_lost_answer_is_settled_by_reading(cleared, operation, fault):
    if operation == "doTransition" and cleared.how == "label":
        pytest.skip("no transition is sent")
    cleared.box.fault(operation, fault)
    cleared.run()
    cleared.run()
    assert cleared.is_done()
    cleared.is_calm()


@pytest.mark.parametrize("at", range(1, 26, 3))
def test_a_pass_that_dies_anywhere_is_finished_by_the_next(cleared, at):
    counter = itertools.count(1)
    calls = (
        "read_states",
        "read_edits",
        "set_labels",
        "transition",
        "add_comment",
        "read_change_hashes",
        "update_and_read",
    )
    jira, google = (Mortal(port, counter, at, calls) for port in (cleared.desk.jira, cleared.desk.google))
    doomed = cleared.update(jira=jira, google=google)
    try:
        doomed.run()
    except Killed:
        doomed.local.release()
    cleared.run()
    assert cleared.is_done()
    cleared.is_calm()


@pytest.mark.parametrize(("new", "kept", "many"), [(5, 0, False), (6, 6, False), (6, 5, True), (30, 29, True)])
def test_too_many_are_more_than_five_and_more_than_half(new, kept, many):
    assert too_many(new, kept) == many


class Emptied(Office):
    """A plan of eight rows, of which all but the first one were deleted."""

    def __init__(self, desk, how):
        self.desk, self.box, self.how = desk, desk.box, how
        desk.plan(cells(8)).run()
        self.keys = [keys[0] for _, keys in sorted(desk.made.items())]
        self.box.google.delete_rows(desk.id, TAB, 3, 9)

    def update(self, *, many=False, **options):
        made = super().update(**options)
        made.plan_run.deleted_rows, made.plan_run._many_deleted_rows = self.how, many
        return made

    def touched(self):
        issues = [self.box.jira.issue(key) for key in self.keys]
        return [i.key for i in issues if i.comments or DELETED_LABEL in i.labels or i.fields["status"] == CANCELLED]


@pytest.mark.parametrize("how", ["label", "Cancelled"])
def test_many_rows_that_are_gone_at_once_are_a_mistake_until_somebody_says_otherwise(desk, how):
    emptied = Emptied(desk, how)
    held = emptied.update()
    [problem] = held.run().problems
    assert problem.message.startswith("7 of 8 rows with issues are gone at once")
    assert "--many-deleted-rows" in problem.message
    assert emptied.touched() == []
    assert asyncio.run(held.plan_run.seen()) is None, "the next pass must look again"
    assert [one.message for one in emptied.is_calm().problems] == [problem.message]
    emptied.update(many=True).run()
    assert emptied.touched() == emptied.keys[1:]
    assert emptied.is_calm().problems == []


def test_other_changes_of_a_plan_with_many_rows_gone_are_carried_over(desk):
    emptied = Emptied(desk, "label")
    emptied.write("D2", "Topik baru")
    assert outcomes(emptied.run()) == {"rows": 1, "updated": 1}
    assert (emptied.box.jira.issue(emptied.keys[0]).summary, emptied.touched()) == ("Topik baru", [])


def test_rows_that_were_dealt_with_before_do_not_count(desk):
    """One a day is no mistake, however few are left."""
    emptied = Emptied(desk, "label")
    emptied.update(many=True).run()
    emptied.box.google.delete_rows(desk.id, TAB, 2)
    emptied.box.google.write(
        desk.id, f"{TAB}!A2:E2", [[9, "20 Juli 2026", "Post", "Topik 9", "Caption 9"]], typed=False
    )
    assert [one.message for one in emptied.run().problems if "at once" in one.message] == []
    assert emptied.touched() == emptied.keys
