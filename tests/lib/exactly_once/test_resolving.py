"""What a person decided about a row, carried out against the sandbox."""

import json

import pytest

from lib.errors import ConflictError, FixInputError
from lib.exactly_once.reconcile import plan_label
from lib.files import CLAIMS
from tests.desk import HEADER, TAB, cells, outcomes

KEY = HEADER.index("Key")


def write_key(desk, row, text):
    desk.box.google.write(desk.id, f"{TAB}!F{row}", [[text]], typed=False)


def test_an_erased_key_is_given_back(desk):
    desk.plan(cells(3)).run()
    key = desk.keys[1]
    write_key(desk, 3, "")
    assert outcomes(desk.run()) == {"rows": 3, "existing": 2, "flagged": 1}
    assert f"has {key}" in desk.next_run().resolve(row=3, key=key)
    assert outcomes(desk.run()) == {"rows": 3, "existing": 3}
    desk.assert_whole(3)


def test_an_issue_is_made_for_a_row_that_looks_like_an_orphan(desk):
    desk.plan(cells(2)).run()
    write_key(desk, 3, "")
    done = desk.next_run().resolve(row=3)
    assert "row 3 ('Topik 2'): created CP-" in done
    assert len(desk.made["Topik 2"]) == 2, "a person said so"
    assert desk.keys[1] == desk.made["Topik 2"][1]
    assert outcomes(desk.run()) == {"rows": 2, "existing": 2}


@pytest.mark.parametrize("typed", ["CP-99999", "selesai", "CP-1"])
def test_an_issue_is_made_for_a_row_with_a_foreign_key(desk, typed):
    desk.plan(cells(2)).run()
    desk.box.google.write(desk.id, f"{TAB}!A4", [[3, "3 Juli 2026", "Story", "Topik 3", "", typed]], typed=False)
    assert desk.run().rows[2].outcome == "flagged"
    run = desk.next_run()
    run.resolve(row=4)
    (claim,) = json.loads((run.folder / CLAIMS).read_bytes())["data"]
    assert (claim["row"], claim["before"]) == (4, typed), "what the mark displaced can be read"
    assert outcomes(desk.run()) == {"rows": 3, "existing": 3}
    desk.assert_whole(3)


def test_no_second_issue_is_made_for_a_row_that_has_its_own(desk):
    desk.plan(cells(2)).run()
    with pytest.raises(FixInputError, match=r"has its issue CP-\d+; to make another one"):
        desk.next_run().resolve(row=3)
    desk.assert_whole(2)


def test_only_the_row_that_is_meant_is_made(desk):
    desk.plan(cells(3))
    desk.next_run().resolve(row=3)
    assert [bool(key) for key in desk.keys] == [False, True, False]
    desk.run()
    desk.assert_whole(3)


def test_a_refused_row_is_not_made(desk):
    desk.plan([HEADER, [1, "31 Juni 2026", "Post", "Topik 1", "", ""]])
    with pytest.raises(FixInputError, match="is no day of the calendar"):
        desk.next_run().resolve(row=2)
    assert desk.made == {}


def test_an_issue_made_by_hand_becomes_the_rows(desk):
    desk.plan(cells(1))
    key = desk.box.jira.add_issue("CP", {"summary": "Dibuat sendiri"}).key
    desk.next_run().resolve(row=2, key=key)
    issue = desk.box.jira.issue(key)
    assert plan_label(desk.id) in issue.labels
    assert issue.fields["summary"] == "Dibuat sendiri", "no field is changed"
    assert desk.keys == [key]
    assert outcomes(desk.run()) == {"rows": 1, "existing": 1}


def test_a_key_that_stands_in_another_row_is_not_given_away(desk):
    desk.plan(cells(2)).run()
    before = desk.keys
    with pytest.raises(FixInputError, match="stands in row 2; clear that row's Key cell first"):
        desk.next_run().resolve(row=3, key=before[0])
    assert desk.keys == before


def test_an_issue_of_another_plan_must_first_be_forgotten_there(desk):
    desk.plan(cells(1)).run()
    june, key = desk.id, desk.keys[0]
    desk.plan(cells(1))
    with pytest.raises(FixInputError, match=rf"resolve.py {june} --forget-issue {key}"):
        desk.next_run().resolve(row=2, key=key)
    july, desk.id = desk.id, june
    assert "row 2 has no key now" in desk.next_run().resolve(forget=key)
    assert desk.keys == [""]
    desk.id = july
    desk.next_run().resolve(row=2, key=key)
    assert desk.keys == [key]


def test_a_forgotten_issue_does_not_hold_its_row_back_any_more(desk):
    desk.plan(cells(1)).run()
    key = desk.keys[0]
    write_key(desk, 2, "")
    assert desk.run().rows[0].outcome == "flagged"
    desk.next_run().resolve(forget=key)
    desk.clock._clock.move(5)
    assert outcomes(desk.run()) == {"rows": 1, "created": 1}
    assert desk.keys[0] != key
    assert desk.box.jira.issue(key).fields["summary"] == "Topik 1", "the issue itself is left alone"


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ({"row": 9}, "row 9: holds no content"),
        ({"row": 2, "key": "selesai"}, "is no Jira key"),
        ({"row": 2, "key": "CP-999"}, "Jira shows no such issue"),
        ({"forget": "CP-1"}, "was not made from"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_says_why_and_changes_nothing(desk, decision, said):
    before = desk.plan(cells(2)).grid
    with pytest.raises(FixInputError, match=said):
        desk.next_run().resolve(**decision)
    assert desk.grid == before
    assert desk.box.calls("editIssue") == 0


def test_a_decision_waits_for_nobody_who_holds_the_plan(desk):
    desk.plan(cells(1))
    run = desk.next_run()
    run.local.acquire("the plan")
    with pytest.raises(ConflictError, match="another run on this machine works on it"):
        desk.next_run().resolve(row=2)
    run.local.release()


@pytest.mark.parametrize("fault", ["503-after", "reset-after", "truncated"])
def test_marking_an_issue_is_safe_to_repeat(desk, fault):
    desk.plan(cells(1)).run()
    key = desk.keys[0]
    write_key(desk, 2, "")
    desk.box.fault("editIssue", fault)
    desk.next_run().resolve(row=2, key=key)
    assert desk.keys == [key]
    assert desk.box.jira.issue(key).labels.count(plan_label(desk.id)) == 1


def test_a_row_moved_while_it_is_resolved_keeps_its_place_for_the_key(desk):
    desk.plan(cells(3)).run()
    key = desk.keys[1]
    write_key(desk, 3, "")

    def insert():
        desk.box.google.insert_rows(desk.id, TAB, 2)

    desk.box.fault("sheets.spreadsheets.values.batchUpdate", "edit", edit=insert)
    with pytest.raises(ConflictError, match="changed or moved meanwhile"):
        desk.next_run().resolve(row=3, key=key)
    assert [row[KEY] for row in desk.grid if row[KEY] == key] == []
    desk.next_run().resolve(row=4, key=key)
    assert desk.grid[3][KEY] == key
