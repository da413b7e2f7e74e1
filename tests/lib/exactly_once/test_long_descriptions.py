"""Descriptions that Jira has no room for: what fits is sent, the rest stands in comments, once, whatever fails between."""

import re

import pytest

from lib.exactly_once.reconcile import Outcome
from lib.plan import adf
from lib.plan.keys import is_token, read_key
from tests.desk import cells, outcomes
from tests.direct import Killed, Mortal

COMMENT = "addComment"
BY_TEXT, BY_JSON = False, True
FITS_BY_TEXT = "\n".join(["baris"] * 4_000)  # 24,000 characters, and 200,000 of JSON
TOO_LONG = "kata " * 9_000


def long_plan(desk, caption):
    rows = cells(2)
    rows[1][4] = caption
    return desk.plan(rows)


def written(desk):
    """The description of the first row's issue, and its comments, as texts."""
    [issue] = [issue for issue in desk.box.jira.issues if issue.fields["summary"] == "Topik 1"]
    return adf.plain_text(issue.fields["description"]), [adf.plain_text(c.body) for c in issue.comments]


def words(text):
    return re.sub(r"\s|…|\[cut: .*?\]|Caption( \(continued\))?: |No: 1", "", text)


def assert_nothing_lost(desk, caption):
    description, comments = written(desk)
    assert words("".join([description, *comments])) == words(caption)
    desk.assert_whole(2)


def test_what_fits_by_its_text_is_sent_whole_where_jira_counts_the_text(desk):
    desk.box.jira.state.counts_json = BY_TEXT
    result = long_plan(desk, FITS_BY_TEXT).run()
    assert outcomes(result) == {"rows": 2, "created": 2}
    assert written(desk)[1] == []
    assert [row.problems for row in result.rows] == [[], []]
    assert desk.box.calls(COMMENT) == 0
    assert_nothing_lost(desk, FITS_BY_TEXT)


@pytest.mark.parametrize(("counts", "caption"), [(BY_JSON, FITS_BY_TEXT), (BY_JSON, TOO_LONG), (BY_TEXT, TOO_LONG)])
def test_what_jira_has_no_room_for_stands_in_comments(desk, counts, caption):
    desk.box.jira.state.counts_json = counts
    assert outcomes(long_plan(desk, caption).run()) == {"rows": 2, "created": 2}
    assert_nothing_lost(desk, caption)
    assert written(desk)[1]
    assert outcomes(desk.run()) == {"rows": 2, "existing": 2}
    assert_nothing_lost(desk, caption)


def test_only_the_row_that_jira_refuses_for_its_length_is_sent_again_and_shorter(desk):
    long_plan(desk, FITS_BY_TEXT).run()
    assert desk.box.calls("createIssues") == 2
    made = [issue for issue in desk.box.jira.issues if issue.fields["summary"] in ("Topik 1", "Topik 2")]
    assert [bool(issue.properties["content-plan.row"].get("shortened")) for issue in made] == [False, True]
    assert [issue.fields["summary"] for issue in made] == ["Topik 2", "Topik 1"]


@pytest.mark.parametrize("kind", ["500", "503-after", "reset-before", "reset-after", "truncated", "429"])
@pytest.mark.parametrize("caption", [TOO_LONG, "x" * 50_000])
def test_a_lost_answer_to_a_comment_makes_no_second_one(desk, kind, caption):
    desk.box.fault(COMMENT, kind)
    long_plan(desk, caption).run()
    desk.run()
    assert_nothing_lost(desk, caption)


@pytest.mark.parametrize("at", range(1, 9))
def test_a_run_that_dies_between_issue_and_comments_is_finished_by_the_next_one(desk, at):
    caption = "x" * 50_000
    long_plan(desk, caption)
    calls = ("create_in_bulk", "add_comment", "read_change_hashes")
    run = desk.next_run(jira=Mortal(desk.jira, iter(range(1, 1000)), at, calls))
    with pytest.raises(Killed):
        run.run()
    run.local.release()
    result = desk.run()
    assert {row.outcome for row in result.rows} <= {Outcome.CREATED, Outcome.EXISTING}
    assert_nothing_lost(desk, caption)


def test_a_row_whose_comments_cannot_be_written_now_keeps_its_token_for_the_next_run(desk):
    desk.box.fault(COMMENT, "500", times=30)
    result = long_plan(desk, TOO_LONG).run()
    assert outcomes(result) == {"rows": 2, "created": 1, "uncertain": 1}
    assert "the next run does it" in result.rows[0].problems[-1].message
    assert [is_token(key) for key in desk.keys] == [True, False]
    desk.box.clear_faults()
    assert outcomes(desk.run()) == {"rows": 2, "existing": 2}
    assert_nothing_lost(desk, TOO_LONG)


def test_without_the_right_to_comment_the_key_is_written_and_the_row_says_what_is_missing(desk):
    desk.box.fault(COMMENT, "403")
    result = long_plan(desk, TOO_LONG).run()
    assert outcomes(result) == {"rows": 2, "created": 2}
    assert "could not be written into a comment" in result.rows[0].problems[-1].message
    assert all(read_key(key) for key in desk.keys)


def died_before_its_comments(desk):
    """A plan whose first issue was made, by a run that died before it wrote the rest of its description."""
    long_plan(desk, "x" * 50_000)
    run = desk.next_run(
        jira=Mortal(desk.jira, iter(range(1, 1000)), 4, ("create_in_bulk", "add_comment", "read_change_hashes"))
    )
    with pytest.raises(Killed):
        run.run()
    run.local.release()


def test_a_row_that_is_refused_by_then_gets_its_comments_all_the_same(desk):
    died_before_its_comments(desk)
    desk.box.google.edit(desk.id, [{"repeatCell": {
        "range": {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 2, "startColumnIndex": 3, "endColumnIndex": 4},
        "cell": {"userEnteredFormat": {"textFormat": {"strikethrough": True}}}, "fields": "userEnteredFormat.textFormat.strikethrough",
    }}])  # fmt: skip
    result = desk.run()
    assert any("struck through" in problem.message for problem in result.rows[0].problems)
    assert_nothing_lost(desk, "x" * 50_000)


def test_a_caption_that_is_changed_before_the_next_run_stands_whole_in_the_comments(desk):
    """The description has the beginning of the one before: what came after it would say nothing by itself."""
    died_before_its_comments(desk)
    desk.box.google.write(desk.id, "Juli!E2", [["y" * 50_000]])
    desk.run()
    description, comments = written(desk)
    assert set(words(description)) == {"x"}
    assert words("".join(comments)) == "y" * 50_000
