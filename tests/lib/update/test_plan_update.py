"""Passes over a plan whose people go on editing, on both sides, while answers are lost and processes die."""

import asyncio
import itertools
import uuid

import pytest

from lib.exactly_once import plan_lock
from lib.exactly_once.reconcile import Outcome
from lib.plan import adf
from lib.plan.problems import Kind
from lib.services.models import PROPERTY, Issue
from lib.watch import plan_watch
from tests.desk import TAB, cells, outcomes
from tests.direct import DirectUpdate, Killed, Mortal

DUE, CAPTION = "duedate", "Caption 1"


class Office:
    """A plan whose issues are made, and passes over it."""

    def __init__(self, desk):
        self.desk, self.box = desk, desk.box
        desk.plan(cells(2)).run()
        self.key = desk.made["Topik 1"][0]

    def write(self, cell, text):
        self.box.google.write(self.desk.id, f"{TAB}!{cell}", [[text]], typed=False)

    def edit(self, **fields):
        self.box.jira.edit_issue(self.key, **fields)

    def update(self, kind=DirectUpdate, **options):
        return kind(
            options.pop("google", self.desk.google),
            options.pop("jira", self.desk.jira),
            spreadsheet_id=self.desk.id,
            folder=self.desk.folder / f"update-{next(self.count)}",
            locks=self.desk.folder / options.pop("machine", "locks"),
            clock=self.desk.clock,
        )

    def run(self, **options):
        return self.update(**options).run()

    count = itertools.count(1)

    @property
    def issue(self):
        return self.box.jira.issue(self.key)

    @property
    def remembered(self):
        return self.issue.properties[PROPERTY]

    def sent(self):
        return self.box.calls("editIssue")

    def named_ranges(self):
        return [one.name for one in self.box.google.spreadsheets[self.desk.id].named_ranges]

    def is_calm(self):
        """A pass sends nothing and leaves nothing in the spreadsheet; its result."""
        before, version = self.sent(), self.box.google.files[self.desk.id].version
        result = self.run()
        assert self.sent() == before
        assert self.box.google.files[self.desk.id].version == version
        return result


@pytest.fixture
def office(desk):
    return Office(desk)


def told(result, kind=Kind.CONFLICT):
    return [problem.message for row in result.rows for problem in row.problems if problem.kind is kind]


def test_a_pass_over_what_is_in_step_writes_nothing_anywhere(office):
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 2}


def test_what_the_plan_changed_goes_into_the_issue_once(office):
    office.write("D2", "Topik baru")
    office.write("B2", "20 Juli 2026")
    office.write("E2", "Caption baru")
    assert outcomes(office.run()) == {"rows": 2, "existing": 1, "updated": 1}
    fields = office.issue.fields
    assert (fields["summary"], fields[DUE], fields["customfield_10040"]) == ("Topik baru", "2026-07-19", "2026-07-20")
    assert "Caption baru" in adf.plain_text(fields["description"])
    assert office.remembered["cells"]["Caption"] == "Caption baru"
    assert office.sent() == 1
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 2}


def test_the_watch_does_not_tell_what_was_carried_over(office):
    office.write("D2", "Topik baru")
    office.write("E2", "Caption baru")
    changed = office.update()
    changed.run()
    plan = changed.plan_run.plan
    row = office.issue.properties[PROPERTY]
    seen = Issue("1", office.key, office.issue.summary, tuple(office.issue.labels), row)
    assert plan_watch.changes_of(plan, plan.rows[0], seen) == []


def test_what_a_person_changed_in_jira_is_kept_and_told(office):
    office.edit(summary="Dari produksi", assignee=None)
    result = office.is_calm()
    assert (outcomes(result), office.issue.summary) == ({"rows": 2, "existing": 2}, "Dari produksi")
    assert "changed in Jira to 'Dari produksi', and kept" in " ".join(p.message for p in result.rows[0].problems)


def test_what_both_changed_waits_for_a_person_and_the_rest_goes_on(office):
    office.write("D2", "Topik baru")
    office.write("E2", "Caption baru")
    office.edit(summary="Dari produksi")
    result = office.run()
    assert outcomes(result) == {"rows": 2, "existing": 1, "flagged": 1}
    [message] = told(result)
    assert "the plan says 'Topik baru', Jira says 'Dari produksi', sent was 'Topik 1'" in message
    assert office.issue.summary == "Dari produksi"
    assert (office.remembered["cells"]["Topik"], office.remembered["cells"]["Caption"]) == ("Topik 1", "Caption baru")
    assert "Caption baru" in adf.plain_text(office.issue.fields["description"])
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 1, "flagged": 1}
    office.write("D2", "Dari produksi")
    assert outcomes(office.run()) == {"rows": 2, "existing": 2}
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 2}


def test_a_conflict_has_both_values_whole_and_its_message_their_beginnings(office):
    theirs = "Naskah 'produksi' " * 100
    words = {"type": "paragraph", "content": [{"type": "text", "text": theirs.strip()}]}
    office.edit(description={"type": "doc", "version": 1, "content": [words]}, summary="O'Brien")
    office.write("E2", "Caption baru")
    office.write("D2", "Topik baru")
    update = office.update()
    messages = told(update.run())
    by_field = {one["field"]: one for one in update.plan_run.changes()[2]}
    assert by_field["description"]["jira"] == f"'{theirs.strip()}'"
    assert by_field["summary"]["jira"] == "'O'Brien'"
    assert [len(message) < 800 for message in messages] == [True, True]
    assert any("Jira says 'O'Brien'" in message for message in messages)


def test_what_people_wrote_around_a_description_stays(office):
    note = {"type": "paragraph", "content": [{"type": "text", "text": "Catatan produksi"}]}
    document = office.issue.fields["description"]
    office.edit(description={**document, "content": [note, *document["content"], note]})
    office.write("E2", "Caption baru")
    office.run()
    content = office.issue.fields["description"]["content"]
    assert (content[0], content[-1]) == (note, note)
    assert "Caption baru" in adf.plain_text(office.issue.fields["description"])
    assert CAPTION not in adf.plain_text(office.issue.fields["description"])


def test_a_person_s_edit_between_our_reading_and_writing_is_told_with_what_it_said(office):
    office.write("D2", "Topik baru")
    office.box.fault("editIssue", "edit", edit=lambda: office.edit(summary="Diketik orang"), when="before")
    for result in (office.run(), office.is_calm()):
        assert outcomes(result) == {"rows": 2, "existing": 1, "flagged": 1}
        [message] = told(result)
        assert "somebody wrote 'Diketik orang' while the plan's 'Topik baru' was sent" in message
    office.edit(summary="Diketik orang")
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 2}


def test_an_edit_right_before_the_last_reading_is_a_conflict_and_stays(office):
    office.write("D2", "Topik baru")
    office.box.fault("getBulkChangelogs", "edit", edit=lambda: office.edit(summary="Diketik orang"), when="after")
    result = office.run()
    assert (outcomes(result)["flagged"], office.issue.summary, office.sent()) == (1, "Diketik orang", 0)


@pytest.mark.parametrize(
    "fault", ["reset-after", "503-after", "truncated", "reset-before", "503-before", "html", "status-after"]
)
def test_a_lost_answer_is_settled_by_reading(office, fault):
    office.write("D2", "Topik baru")
    office.box.fault("editIssue", fault)
    assert outcomes(office.run()) == {"rows": 2, "existing": 1, "updated": 1}
    assert office.issue.summary == "Topik baru"
    assert len(office.issue.histories) == 1
    assert office.sent() == (2 if fault.endswith("before") else 1)
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 2}


def test_a_change_that_is_lost_twice_is_uncertain_and_the_next_pass_sends_it(office):
    office.write("D2", "Topik baru")
    office.box.fault("editIssue", "reset-before", times=2)
    assert outcomes(office.run()) == {"rows": 2, "existing": 1, "uncertain": 1}
    assert outcomes(office.run()) == {"rows": 2, "existing": 1, "updated": 1}


def test_a_change_that_lands_late_over_a_person_s_is_told(office, clock):
    office.write("D2", "Topik baru")
    office.box.fault("editIssue", "late-apply", delay_s=120)
    office.run()
    office.edit(summary="Diketik orang")
    clock.move(200)
    result = office.run()
    assert office.issue.summary == "Topik baru"
    assert "somebody wrote 'Diketik orang'" in told(result)[0]


def test_what_jira_refuses_of_a_row_does_not_stop_its_other_fields(office):
    office.write("D2", "Topik baru")
    office.write("B2", "20 Juli 2026")
    office.box.fault("editIssue", "refuse", indices=[0], errors={DUE: "kosong"})
    result = office.run()
    assert outcomes(result) == {"rows": 2, "existing": 1, "rejected": 1}
    assert told(result, Kind.REJECTED) == ["Jira: duedate: kosong"]
    assert (office.issue.summary, office.issue.fields[DUE]) == ("Topik baru", "2026-07-01")
    assert outcomes(office.run()) == {"rows": 2, "existing": 1, "updated": 1}
    assert office.issue.fields[DUE] == "2026-07-19"


def test_a_plan_that_did_not_change_until_it_was_locked_is_drafted_once(office):
    office.write("D2", "Topik baru")
    update = office.update()
    drafted = []
    compare = update._compare

    async def counted():
        drafted.append(1)
        await compare()

    update._compare = counted
    assert outcomes(update.run()) == {"rows": 2, "existing": 1, "updated": 1}
    assert len(drafted) == 1
    office.write("D2", "Topik ketiga")
    update = office.update()
    compare, update._compare = update._compare, counted
    office.box.fault(
        "sheets.spreadsheets.batchUpdate", "edit", edit=lambda: office.write("E2", "Caption baru"), when="before"
    )
    update.run()
    assert len(drafted) == 3
    assert "Caption baru" in adf.plain_text(office.issue.fields["description"])


def test_a_memory_that_jira_refuses_is_told_once_and_asked_for_once(office):
    office.write("D2", "Topik baru")
    office.edit(summary="Topik baru")
    office.box.fault("editIssue", "refuse", indices=[0], errors={"": "tidak boleh"})
    result = office.run()
    assert (outcomes(result), office.sent()) == ({"rows": 2, "existing": 2}, 1)
    [message] = [p.message for p in result.rows[0].problems if p.level == "warning"]
    assert "does not let the issue remember it" in message
    assert outcomes(office.run()) == {"rows": 2, "existing": 2}
    assert office.sent() == 2
    office.is_calm()


def test_a_cell_that_cannot_be_read_clears_nothing(office):
    office.write("B2", "kapan-kapan")
    office.write("D2", "Topik baru")
    result = office.run()
    assert outcomes(result) == {"rows": 2, "existing": 1, "refused": 1}
    assert (office.issue.summary, office.issue.fields[DUE]) == ("Topik baru", "2026-07-01")
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 1, "refused": 1}


@pytest.mark.parametrize("end", ["done", "moved"])
def test_an_issue_that_is_done_or_moved_is_not_touched_and_the_row_says_so(office, end):
    office.write("D2", "Topik baru")
    if end == "done":
        office.edit(status={"id": "10001"})
    else:
        office.box.jira.move_issue(office.key, "MAR")
    result = office.is_calm()
    assert outcomes(result) == {"rows": 2, "existing": 2}
    assert "the plan's changes of summary are not carried over" in result.rows[0].problems[0].message


def test_an_issue_that_cannot_be_edited_is_told(office):
    office.write("D2", "Topik baru")
    office.issue.editable = False
    assert outcomes(office.run()) == {"rows": 2, "existing": 1, "rejected": 1}


def test_of_an_issue_made_before_it_remembered_nothing_is_guessed(office):
    del office.issue.properties[PROPERTY]["fields"]
    assert outcomes(office.is_calm()) == {"rows": 2, "existing": 2}
    office.write("D2", "Topik baru")
    result = office.is_calm()
    assert (outcomes(result)["flagged"], office.issue.summary) == (1, "Topik 1")
    office.edit(summary="Topik baru")
    assert outcomes(office.run()) == {"rows": 2, "existing": 2}
    office.write("D2", "Topik lain")
    assert outcomes(office.run()) == {"rows": 2, "existing": 1, "updated": 1}


@pytest.mark.parametrize("at", range(1, 24))
def test_a_pass_that_dies_anywhere_is_finished_by_the_next(office, at):
    office.write("D2", "Topik baru")
    office.box.fault("editIssue", "edit", edit=lambda: office.edit(**{DUE: "2026-07-30"}), when="before")
    counter = itertools.count(1)
    calls = ("read_states", "read_edits", "update_issue", "update_and_read", "update", "read_myself", "read_tab")
    jira, google = (Mortal(port, counter, at, calls) for port in (office.desk.jira, office.desk.google))
    doomed = office.update(jira=jira, google=google)
    try:
        doomed.run()
    except Killed:
        doomed.local.release()
    office.run()
    office.run()
    office.box.clear_faults()
    assert office.issue.summary == "Topik baru"
    assert office.issue.fields[DUE] == "2026-07-30"
    assert office.is_calm().by_row[2].outcome is Outcome.EXISTING
    assert office.named_ranges() == []


class Dead:
    """A pass that was killed as it had locked the plan, of this machine or of another one; what it was to send was taken back."""

    flow_run = uuid.UUID(int=7)

    def __init__(self, office, machine, **terms):
        office.write("D2", "Topik baru")
        google = Mortal(office.desk.google, itertools.count(), 1, ("update_and_read",))
        pass_ = office.update(google=google, machine=machine)
        with pytest.raises(Killed):
            asyncio.run(pass_.make(flow_run=self.flow_run, **terms))
        pass_.local.release()
        office.write("D2", "Topik 1")
        assert len(office.named_ranges()) == 2
        self.office = office

    def next(self, **terms):
        """A pass that has nothing to send; its result, and whether another one need not look at the plan."""
        later = self.office.update()
        asyncio.run(later.make(**terms))
        return outcomes(later.plan_run.result), asyncio.run(later.plan_run.seen()) is not None


CALM = {"rows": 2, "existing": 2}


async def has_ended(flow_run):
    return flow_run == Dead.flow_run


@pytest.mark.parametrize(
    ("machine", "terms"), [("locks", {}), ("other", {"has_ended": has_ended}), ("other", {"break_lock": True})]
)
def test_the_lock_of_a_pass_that_is_gone_is_taken_away_by_one_that_has_nothing_to_send(office, machine, terms):
    dead = Dead(office, machine)
    assert dead.next(**terms) == (CALM, True)
    assert office.named_ranges() == []
    office.is_calm()


def test_what_a_run_that_makes_issues_left_under_way_outlives_the_passes_that_take_its_lock_over(office):
    local = plan_lock.LocalLock(office.desk.id, office.desk.folder / "third")
    maker = plan_lock.new_holder(local, office.desk.clock.now(), Dead.flow_run)
    office.desk.google.api.update(office.desk.id, plan_lock.request_lock(maker, 0))
    dead = Dead(office, "other", has_ended=has_ended)
    assert dead.next(break_lock=True) == (CALM, True)
    [left] = office.named_ranges()
    assert left.startswith("cpholder"), (
        "its requests may still be under way: the next run that makes issues waits for them"
    )
    assert office.desk.run().rows
    assert office.named_ranges() == []


def test_a_lock_whose_holder_may_live_stays_and_keeps_nobody_from_looking(office):
    dead = Dead(office, "other")
    version = office.box.google.files[office.desk.id].version
    assert dead.next() == (CALM, False), "the next pass must look again, or would never take it away"
    assert (len(office.named_ranges()), office.box.google.files[office.desk.id].version) == (2, version)


def test_a_lock_that_is_held_on_this_machine_stays(office):
    dead = Dead(office, "locks")
    holder = office.update()
    holder.local.acquire("the plan")
    try:
        assert dead.next() == (CALM, False)
    finally:
        holder.local.release()
    assert len(office.named_ranges()) == 2
