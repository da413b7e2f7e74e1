"""Rows × what Jira has → one action per row."""

import json
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.exactly_once.reconcile import Outcome, decide, plan_label, row_property
from lib.formats import Month
from lib.plan import plan_checks
from lib.plan.field_mapping import date, fixed, summary
from lib.plan.issue_draft import make_drafts
from lib.plan.keys import is_token, new_token, read_key
from lib.services.models import Issue
from tests.lib.plans import HEADER, plan, row

TOKEN = "cp-abcdefghijklm"
OTHER_TOKEN = "cp-nopqrstuvwxyz"
LABEL = plan_label("sheet-1")


def issue(key, read=None, number=None, *, token=OTHER_TOKEN, labels=None, **changed) -> Issue:
    """An issue of this plan, made from the row with that number."""
    made_from = next((r for r in read.rows if r.row == number), None) if read else None
    remembered = row_property(read, made_from, token, "run") if made_from else {}
    title = str(remembered.get("topic", "something else"))
    return Issue(f"id-{key}", key, title, tuple(labels or (LABEL, token)), {**remembered, **changed})


def actions(read, issues=(), free=()):
    mapping = {
        "summary": summary("Topik"),
        "duedate": date("Tanggal"),
        "project": fixed({"key": "CP"}),
        "issuetype": fixed({"id": "1"}),
    }
    checks = partial(plan_checks.check, read, month=Month(2026, 7), forms=("Post", "Story"))
    drafts = {draft.row: draft for draft in make_drafts(read, mapping, {}, checks).data}
    return decide(read, drafts, issues, free=free)


def only(read, issues=(), free=()):
    [action] = actions(read, issues, free).actions
    return action


def test_a_good_row_without_key_is_to_be_made():
    assert only(plan(row(1))).outcome is Outcome.READY


def test_a_bad_row_without_key_is_refused_and_its_free_token_taken_out():
    action = only(plan(row(1, "", key=TOKEN)), free=[TOKEN])
    assert (action.outcome, action.token) == (Outcome.REFUSED, TOKEN)


def test_a_row_whose_key_is_of_this_plan_has_its_issue():
    read = plan(row(1, key="CP-1"))
    assert only(read, [issue("CP-1", read, 2)]).outcome is Outcome.EXISTING


@pytest.mark.parametrize("typed", ["cp-1", " CP-1 ", "https://site.example/browse/CP-1"])
def test_a_key_is_known_however_it_was_pasted(typed):
    read = plan(row(1, key=typed))
    assert only(read, [issue("CP-1", read, 2)]).key == "CP-1"


def test_a_row_that_has_its_issue_keeps_it_when_it_is_no_good_any_more():
    read = plan(row(1, "", key="CP-1"))
    action = only(read, [issue("CP-1", read, 2)])
    assert action.outcome is Outcome.EXISTING
    assert {problem.level for problem in action.problems} == {"warning"}


@pytest.mark.parametrize(
    ("key", "issues", "says"),
    [
        ("CP-9", [], "shows no issue CP-9"),
        ("CP-9", [issue("CP-9", labels=["by-hand"])], "by hand"),
        (
            "CP-9",
            [issue("CP-9", labels=[plan_label("sheet-2"), OTHER_TOKEN], title="Content Plan - Juni")],
            "Content Plan - Juni",
        ),
        ("TBD", [], "no Jira key"),
        ("46204", [], "no Jira key"),
    ],
    ids=["deleted", "by-hand", "other-plan", "remark", "turned-into-a-date"],
)
def test_a_key_that_is_not_this_rows_is_flagged_and_nothing_is_made(key, issues, says):
    action = only(plan(row(1, key=key)), issues)
    assert action.outcome is Outcome.FLAGGED
    assert says in action.problems[0].message
    assert action.problems[0].where == "'Juli'!F2"


def test_a_key_copied_to_a_second_row_flags_the_copy_alone():
    read = plan(row(1, key="CP-1"), row(2, "Lain", key="CP-1"))
    found = actions(read, [issue("CP-1", read, 2)]).actions
    assert [action.outcome for action in found] == [Outcome.EXISTING, Outcome.FLAGGED]
    assert "rows 2 and 3" in found[1].problems[0].message


def test_a_key_on_two_rows_of_the_same_content_flags_both():
    read = plan(row(1, key="CP-1"), row(1, key="CP-1"))
    assert {action.outcome for action in actions(read, [issue("CP-1", read, 2)]).actions} == {Outcome.FLAGGED}


def test_an_erased_key_flags_the_row_that_looks_like_its_issue():
    before = plan(row(1, key="CP-1"))
    action = only(plan(row(1)), [issue("CP-1", before, 2)])
    assert action.outcome is Outcome.FLAGGED
    assert "CP-1" in action.problems[0].message


def test_a_row_with_the_date_and_form_of_an_issue_without_row_is_flagged():
    before = plan(row(1, "Kopi pagi", key="CP-1"))
    assert only(plan(row(1, "Judul baru")), [issue("CP-1", before, 2)]).outcome is Outcome.FLAGGED
    assert only(plan(row(1, "Judul baru", date="6 Juli 2026")), [issue("CP-1", before, 2)]).outcome is Outcome.READY


def test_an_issue_without_row_that_looks_like_two_rows_flags_both_and_no_third():
    """Which of them it is of, a person says: the one that is not asked about would get a second issue."""
    before = plan(row(1, "Kopi pagi", key="CP-1"))
    topic, day_and_form = row(2, "Kopi pagi", date="9 Juli 2026"), row(3, "Judul baru")
    found = actions(plan(row(4, "Lain", date="8 Juli 2026"), topic, day_and_form), [issue("CP-1", before, 2)]).actions
    assert [(a.outcome, a.key) for a in found] == [
        (Outcome.READY, ""),
        (Outcome.FLAGGED, "CP-1"),
        (Outcome.FLAGGED, "CP-1"),
    ]
    assert "has the same topic" in found[1].problems[0].message
    assert "has the same date and form" in found[2].problems[0].message


def test_of_two_issues_without_row_that_look_like_a_row_the_first_is_named():
    before = plan(row(1, key="CP-1"), row(2, date="9 Juli 2026", key="CP-2"))
    action = only(plan(row(1)), [issue("CP-1", before, 2), issue("CP-2", before, 3, token=TOKEN)])
    assert (action.outcome, action.key) == (Outcome.FLAGGED, "CP-1")


def test_a_free_token_is_not_used_beside_an_issue_that_stands_in_no_row():
    before = plan(row(1, key="CP-1"))
    action = only(plan(row(1, key=TOKEN)), [issue("CP-1", before, 2)], free=[TOKEN])
    assert (action.outcome, action.token) == (Outcome.FLAGGED, TOKEN)


def test_an_issue_whose_row_was_deleted_flags_nobody_else():
    before = plan(row(1, "Dihapus", date="9 Juli 2026", key="CP-1"))
    assert only(plan(row(1)), [issue("CP-1", before, 2)]).outcome is Outcome.READY


def test_a_token_whose_issue_is_found_is_replaced_by_its_key():
    read = plan(row(1, key=TOKEN))
    action = only(read, [issue("CP-1", read, 2, token=TOKEN)])
    assert (action.outcome, action.key, action.token) == (Outcome.EXISTING, "CP-1", TOKEN)


def test_a_token_that_nobody_has_looked_for_long_enough_is_uncertain():
    action = only(plan(row(1, key=TOKEN)))
    assert (action.outcome, action.token) == (Outcome.UNCERTAIN, TOKEN)


def test_a_free_token_is_used_for_the_rows_issue():
    action = only(plan(row(1, key=TOKEN)), free=[TOKEN])
    assert (action.outcome, action.token) == (Outcome.READY, TOKEN)


def test_a_token_on_two_rows_flags_both():
    read = plan(row(1, key=TOKEN), row(2, "Lain", key=TOKEN))
    assert {action.outcome for action in actions(read, free=[TOKEN]).actions} == {Outcome.FLAGGED}


def test_an_issue_that_moved_to_another_project_is_still_its_rows():
    read = plan(row(1, key="CP-1"))
    action = only(read, [replace(issue("NEW-5", read, 2), old_keys=("CP-1",))])
    assert (action.outcome, action.key) == (Outcome.EXISTING, "NEW-5")


def test_an_unknown_key_of_the_same_project_is_not_a_moved_issue():
    read = plan(row(1, key="CP-999"))
    assert only(read, [issue("CP-5", read, 2)]).outcome is Outcome.FLAGGED


def test_a_key_moved_to_another_row_flags_both():
    before = plan(row(1, "Satu"), row(2, "Dua", date="9 Juli 2026"))
    after = plan(row(1, "Satu"), row(2, "Dua", date="9 Juli 2026", key="CP-1"))
    found = actions(after, [issue("CP-1", before, 2)]).actions
    assert [action.outcome for action in found] == [Outcome.FLAGGED] * 2
    assert "stands in row 3" in found[0].problems[0].message
    assert "what stands in row 2" in found[1].problems[0].message


def test_a_moved_key_is_noticed_when_its_row_was_edited_too():
    before = plan(row(1, "Satu"), row(2, "Dua", date="9 Juli 2026"))
    after = plan(row(1, "Satu", date="11 Juli 2026"), row(2, "Dua", date="9 Juli 2026", key="CP-1"))
    assert actions(after, [issue("CP-1", before, 2)]).actions[0].outcome is Outcome.FLAGGED


def test_keys_swapped_between_rows_flag_both():
    before = plan(row(1, "Satu"), row(2, "Dua"))
    after = plan(row(1, "Satu", key="CP-2"), row(2, "Dua", key="CP-1"))
    found = actions(after, [issue("CP-1", before, 2), issue("CP-2", before, 3, token=TOKEN)]).actions
    assert [action.outcome for action in found] == [Outcome.FLAGGED] * 2


def test_a_row_rewritten_after_its_issue_was_made_keeps_it():
    before = plan(row(1, "Satu"), row(2, "Dua"))
    after = plan(row(1, "Lain sekali", date="20 Juli 2026", key="CP-1"), row(2, "Dua", key="CP-2"))
    found = actions(after, [issue("CP-1", before, 2), issue("CP-2", before, 3, token=TOKEN)]).actions
    assert [action.outcome for action in found] == [Outcome.EXISTING] * 2


def test_a_plan_copied_with_its_keys_is_one_message_for_the_plan():
    june = [
        issue(f"CP-{n}", labels=[plan_label("june"), OTHER_TOKEN], title="Content Plan - Juni") for n in range(1, 6)
    ]
    read = plan(*(row(n, f"Topik {n}", key=f"CP-{n}") for n in range(1, 6)), row(6, "Baru", date="9 Juli 2026"))
    decision = actions(read, june)
    assert [p.message for p in decision.problems if "5 rows" in p.message and "Content Plan - Juni" in p.message]
    assert [action.outcome for action in decision.actions] == [Outcome.FLAGGED] * 5 + [Outcome.READY]


def test_two_rows_of_the_same_content_are_both_made():
    assert [action.outcome for action in actions(plan(row(1), row(1))).actions] == [Outcome.READY] * 2


@given(
    st.lists(
        st.tuples(st.sampled_from(["", TOKEN, OTHER_TOKEN, "CP-1", "CP-2", "x"]), st.sampled_from(["Kopi", "Teh", ""])),
        max_size=6,
    )
)
def test_each_row_gets_one_action_and_no_issue_is_made_twice(cells):
    read = plan(
        row(0, "Awal", date="1 Juli 2026"), *(row(n, topic, key=key) for n, (key, topic) in enumerate(cells, start=1))
    )
    issues = [issue("CP-1", read, 2, token=OTHER_TOKEN)]
    found = actions(read, issues, free=[TOKEN]).actions
    assert [action.row for action in found] == [row.row for row in read.rows]
    tokens = [action.token for action in found if action.outcome is Outcome.READY and action.token]
    assert len(tokens) == len(set(tokens))
    assert not [a for a in found if a.outcome is Outcome.READY and read.rows[a.row - 2].key.strip() not in ("", TOKEN)]


def test_tokens_are_labels_that_nobody_types():
    tokens = {new_token() for _ in range(1_000)}
    assert len(tokens) == 1_000
    assert all(is_token(token) and read_key(token) is None for token in tokens)
    assert not is_token(plan_label("x"))
    assert plan_label("x") != plan_label("X")


@pytest.mark.parametrize("cells", [1, 60], ids=["one-column", "sixty-columns"])
def test_what_an_issue_remembers_of_its_row_fits_into_a_property(cells):
    header = [*HEADER, *(f"Kolom {n}" for n in range(cells))]
    read = plan([*row(1), *(["kata 😀 " * 4_000] * cells)], header=header)
    remembered = row_property(read, read.rows[0], TOKEN, "run")
    assert len(json.dumps(remembered)) <= 32_768
    assert remembered["content_hash"] == read.rows[0].fingerprint
