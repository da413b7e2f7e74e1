"""What a person decided about a conflict, while answers are lost, processes die and people go on editing."""

import itertools

import pytest

from lib.errors import FixInputError
from lib.plan import adf
from lib.services.models import PROPERTY
from tests.desk import outcomes
from tests.direct import DirectTake, Killed, Mortal
from tests.lib.update.test_plan_update import DUE, office, told

__all__ = ["office"]
CALM = {"rows": 2, "existing": 2}
FLAGGED = {"rows": 2, "existing": 1, "flagged": 1}


@pytest.fixture
def conflict(office):
    """Summary and due date were changed on both sides, the caption in the plan alone."""
    office.write("D2", "Topik baru")
    office.write("B2", "20 Juli 2026")
    office.write("E2", "Caption baru")
    office.edit(summary="Dari produksi", **{DUE: "2026-07-30"})
    return office


def decide(office, *given, **options):
    take = office.update(DirectTake, **options)
    return take.decide(2, *given), take.plan_run


def test_the_plans_value_is_sent_for_all_that_waits_and_nothing_else(conflict):
    said, run = decide(conflict, "plan")
    fields = conflict.issue.fields
    assert (fields["summary"], fields[DUE], conflict.sent()) == ("Topik baru", "2026-07-19", 1)
    assert "Caption baru" not in adf.plain_text(fields["description"])
    assert f"summary of {conflict.key} is 'Topik baru' now, in place of 'Dari produksi'" in said
    assert "duedate" in said
    assert outcomes(run.result) == {"rows": 1, "updated": 1}
    states = {one["field"]: one["state"] for one in run.changes()[2]}
    assert (states["summary"], states[DUE], states["description"]) == ("updated", "updated", "waiting")
    assert outcomes(conflict.run()) == {"rows": 2, "existing": 1, "updated": 1}
    assert outcomes(conflict.is_calm()) == CALM


def test_jiras_value_is_kept_and_not_flagged_again_until_the_plan_changes_anew(conflict):
    said, run = decide(conflict, "jira")
    assert f"summary of {conflict.key} stays 'Dari produksi'; the plan's 'Topik baru' is not sent" in said
    assert (conflict.issue.summary, conflict.issue.histories[-1].author) != ("Topik baru", run._me)
    assert outcomes(run.result) == {"rows": 1, "existing": 1}
    assert outcomes(conflict.run()) == {"rows": 2, "existing": 1, "updated": 1}
    assert outcomes(conflict.is_calm()) == CALM
    assert conflict.issue.summary == "Dari produksi"
    conflict.write("D2", "Topik lain")
    assert outcomes(conflict.is_calm()) == FLAGGED


@pytest.mark.parametrize("named", ["summary", " SUMMARY"])
@pytest.mark.parametrize(("side", "text"), [("plan", "Topik baru"), ("jira", "Dari produksi")])
def test_one_field_alone_is_decided(conflict, side, text, named):
    _, run = decide(conflict, side, named)
    assert (conflict.issue.summary, conflict.issue.fields[DUE]) == (text, "2026-07-30")
    assert outcomes(run.result) == {"rows": 1, "flagged": 1}
    conflict.run()
    [message] = told(conflict.is_calm())
    assert "duedate" in message


def test_the_message_of_a_conflict_names_the_command(conflict):
    messages = told(conflict.run())
    command = f".venv/bin/python flows/resolve.py {conflict.desk.id} 2 --field summary --take plan, or jira"
    assert any(command in message for message in messages)


def test_a_second_decision_finds_nothing_to_decide(conflict):
    decide(conflict, "plan")
    before = conflict.sent()
    said, run = decide(conflict, "plan")
    assert said.endswith(f"there is nothing to decide between the plan and {conflict.key}")
    assert conflict.sent() == before, "what the plan changed alone is the update's to send"
    assert outcomes(run.result) == {"rows": 1, "existing": 1}


@pytest.mark.parametrize("side", ["plan", "jira"])
def test_validate_only_says_what_would_be_done_and_writes_nothing(conflict, side):
    before = conflict.box.google.files[conflict.desk.id].version
    take = conflict.update(DirectTake)
    said = take.decide(2, side, validate_only=True)
    assert "would become" in said if side == "plan" else "would stay" in said
    assert (conflict.sent(), conflict.box.google.files[conflict.desk.id].version) == (0, before)


@pytest.mark.parametrize(
    ("row", "field", "said"),
    [
        (9, None, "row 9: holds no content"),
        (2, "prioritas", "is no field that the plan fills; it fills .*summary"),
    ],
)
def test_what_cannot_be_decided_is_refused(conflict, row, field, said):
    with pytest.raises(FixInputError, match=said):
        conflict.update(DirectTake).decide(row, "plan", field)
    assert conflict.sent() == 0


def test_nothing_is_decided_of_an_issue_that_is_done(conflict):
    conflict.edit(status={"id": "10001"})
    assert "nothing to decide" in decide(conflict, "plan")[0]
    assert conflict.sent() == 0


def test_a_row_without_an_issue_has_nothing_to_decide(office):
    office.write("A4", "3")
    office.write("D4", "Topik 3")
    office.write("B4", "3 Juli 2026")
    with pytest.raises(FixInputError, match="has no issue yet"):
        office.update(DirectTake).decide(4, "plan")


@pytest.mark.parametrize("fault", ["reset-after", "503-after", "reset-before", "503-before", "html"])
def test_a_lost_answer_writes_once(conflict, fault):
    conflict.box.fault("editIssue", fault)
    _, run = decide(conflict, "plan", "summary")
    histories = [one for one in conflict.issue.histories if one.author == run._me]
    assert (conflict.issue.summary, len(histories)) == ("Topik baru", 1)
    assert outcomes(run.result) == {"rows": 1, "flagged": 1}, "the due date still waits"
    assert "nothing to decide" in decide(conflict, "plan", "summary")[0]


def test_what_is_lost_twice_says_to_run_it_again(conflict):
    conflict.box.fault("editIssue", "reset-before", times=2)
    said, _ = decide(conflict, "plan", "summary")
    assert "run this again" in said
    assert "is 'Topik baru' now" in decide(conflict, "plan", "summary")[0]


@pytest.mark.parametrize("side", ["plan", "jira"])
def test_what_jira_refuses_is_said(conflict, side):
    conflict.box.fault("editIssue", "refuse-whole", messages=["tidak"])
    said, run = decide(conflict, side, "summary")
    assert "summary: Jira refused it: " in said
    assert "tidak" in said
    assert run.changes()[2][0]["state"] == "rejected"


def test_an_edit_between_reading_and_writing_is_told_with_what_it_said(conflict):
    conflict.box.fault("editIssue", "edit", edit=lambda: conflict.edit(summary="Diketik orang"), when="before")
    said, run = decide(conflict, "plan", "summary")
    assert "somebody wrote 'Diketik orang' while it was sent, which it replaced" in said
    assert any("somebody wrote 'Diketik orang'" in message for message in told(run.result))
    assert any("somebody wrote 'Diketik orang'" in message for message in told(conflict.run()))


@pytest.fixture
def replaced(office):
    """A person's summary fell between, and the plan's replaced it."""
    office.write("D2", "Topik baru")
    office.box.fault("editIssue", "edit", edit=lambda: office.edit(summary="Diketik orang"), when="before")
    [message] = told(office.run())
    assert f"flows/resolve.py {office.desk.id} 2 --field summary --take plan" in message
    return office


@pytest.mark.parametrize("done", [False, True])
def test_what_was_replaced_is_let_go_when_a_person_says_so(replaced, done):
    if done:
        replaced.edit(status={"id": "10001"})
    said, _ = decide(replaced, "plan")
    assert "the plan's value now counts, and what it replaced is let go" in said
    assert outcomes(replaced.is_calm()) == CALM
    assert "nothing to decide" in decide(replaced, "plan")[0]


def test_what_was_replaced_cannot_be_brought_back_by_command(replaced):
    with pytest.raises(FixInputError, match=r"can only be written into CP-.* again, by hand .*'Diketik orang'"):
        decide(replaced, "jira")


def test_what_was_replaced_is_still_told_by_a_run_that_sends_another_field(replaced):
    replaced.write("E2", "Caption baru")
    replaced.write("D2", "Topik lain")
    [message] = told(replaced.run())
    assert "somebody wrote 'Diketik orang'" in message
    assert replaced.issue.summary == "Topik baru", "the field waits for the decision"
    assert replaced.remembered["cells"]["Topik"] == "Topik baru"
    decide(replaced, "plan")
    assert replaced.issue.summary == "Topik lain"
    assert outcomes(replaced.is_calm()) == CALM


@pytest.mark.parametrize("side", ["plan", "jira"])
@pytest.mark.parametrize("at", range(1, 24, 2))
def test_a_decision_that_dies_anywhere_is_carried_out_by_the_next(conflict, side, at):
    counter = itertools.count(1)
    calls = ("read_states", "read_edits", "update_issue", "update_and_read", "update", "read_myself", "read_tab")
    jira, google = (Mortal(port, counter, at, calls) for port in (conflict.desk.jira, conflict.desk.google))
    doomed = conflict.update(DirectTake, jira=jira, google=google)
    try:
        doomed.decide(2, side)
    except Killed:
        doomed.local.release()
    decide(conflict, side)
    conflict.run()
    assert outcomes(conflict.is_calm()) == CALM
    assert conflict.issue.summary == {"plan": "Topik baru", "jira": "Dari produksi"}[side]
    assert conflict.issue.properties[PROPERTY]["fields"]["summary"] == "Topik baru"
