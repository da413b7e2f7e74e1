"""One plan, from lock to keys in their rows, against the sandbox with the real client libraries."""

import asyncio
import itertools
import json
from collections import Counter

import pytest

from lib.errors import ConflictError, CredentialsError, FixInputError, TryLaterError
from lib.exactly_once import plan_lock, plan_sheet
from lib.plan import parsing, sent
from lib.plan.keys import is_token
from tests.desk import HEADER, TAB, cells, outcomes
from tests.direct import Killed, Mortal

# --- Without trouble ----------------------------------------------------------------------------------------------------


def test_every_good_row_gets_its_issue_and_its_key(desk):
    result = desk.plan(cells(3)).run()
    assert outcomes(result) == {"rows": 3, "created": 3}
    desk.assert_whole(3)


def test_a_second_run_makes_nothing(desk):
    desk.plan(cells(3)).run()
    before = desk.box.calls("createIssues")
    assert outcomes(desk.run()) == {"rows": 3, "existing": 3}
    assert desk.box.calls("createIssues") == before
    desk.assert_whole(3)


def test_only_new_rows_are_made(desk):
    desk.plan(cells(2)).run()
    desk.box.google.write(desk.id, f"{TAB}!A4", [[3, "3 Juli 2026", "Story", "Topik 3", ""]])
    assert outcomes(desk.run()) == {"rows": 3, "existing": 2, "created": 1}
    desk.assert_whole(3)


def test_a_plan_of_3000_rows_is_made_whole_with_few_calls(desk):
    result = desk.plan(cells(3_000)).run()
    assert outcomes(result) == {"rows": 3_000, "created": 3_000}
    calls = {
        operation: desk.box.calls(operation)
        for operation in ("createIssues", "bulkFetchIssues", "createIssue", "getIssue")
    }
    assert calls == {"createIssues": 67, "bulkFetchIssues": 30 + 4, "createIssue": 0, "getIssue": 0}
    others = len(desk.box.journal) - sum(calls.values())
    assert others <= 30, "a constant number of calls, but for one write-back per 500 rows"
    assert len(set(desk.keys)) == 3_000


def test_a_plan_without_a_key_column_gets_one_right_of_its_last_column(desk):
    desk.plan([row[:-1] for row in cells(2)]).run()
    assert desk.grid[0] == HEADER
    desk.assert_whole(2)
    assert outcomes(desk.run()) == {"rows": 2, "existing": 2}


def test_keys_that_look_like_dates_stay_keys(desk):
    desk.plan(cells(2)).next_run(project_key="MAR", client="No Component").run()
    assert [key.startswith("MAR-") for key in desk.keys] == [True, True]


@pytest.mark.parametrize(("rows", "prepared"), [(4, 54), (970, 999)], ids=["with room below", "to the end of the tab"])
def test_key_cells_are_prepared_for_what_is_added_below_and_not_for_all_of_the_tab(desk, rows, prepared):
    desk.plan(cells(rows)).run()
    tab = desk.box.google.spreadsheets[desk.id].tabs[0]
    formats = [tab.cell(row, HEADER.index("Key")).format for row in range(1, tab.row_count)]
    assert [each is not None for each in formats] == [row <= prepared for row in range(1, tab.row_count)]


def test_nothing_but_the_key_column_is_touched(desk):
    before = [row[:-1] for row in desk.plan(cells(4)).grid]
    desk.run()
    assert [row[:-1] for row in desk.grid] == before


def test_the_key_header_says_whose_column_it_is(desk):
    desk.plan(cells(1)).run()
    note = desk.box.google.spreadsheets[desk.id].tabs[0].cell(0, 5).note
    assert "do not edit" in note


def test_a_healthy_plan_costs_few_calls(desk):
    desk.plan(cells(40)).run()
    calls = Counter(entry.operation for entry in desk.box.journal)
    assert calls == {
        "oauth.token": 1,
        "sheets.spreadsheets.get": 2,
        "sheets.spreadsheets.batchUpdate": 2,
        "sheets.spreadsheets.values.batchUpdate": 1,
        "getCurrentUser": 1,
        "getMyPermissions": 1,
        "searchAndReconsileIssuesUsingJqlPost": 2,
        "bulkFetchIssues": 5,  # the newest range of keys, and what was made
        "createIssues": 1,
    }


@pytest.mark.parametrize("lost", [None, 1, 2, 3])
def test_keys_are_written_in_several_requests_and_the_plan_is_read_with_the_last(desk, monkeypatch, lost):
    monkeypatch.setattr(plan_sheet, "REPLACE_SIZE", 2)
    desk.plan(cells(5))
    if lost:
        desk.box.fault(WRITE_BACK, "503-after", after=lost)
    read = []
    monkeypatch.setattr(parsing, "parse", lambda *given, parse=parsing.parse: read.append(1) or parse(*given))
    assert outcomes(desk.run()) == {"rows": 5, "created": 5}
    desk.assert_whole(5)
    assert len(read) == 4, "opened, locked, before the claim, written"


def test_the_lock_is_given_back(desk):
    desk.plan(cells(1)).run()
    assert desk.google.api.read_spreadsheet(desk.id).named_ranges == {}


def test_a_check_writes_nothing_anywhere(desk):
    run = desk.plan(cells(2)).next_run()
    result = run.check()
    assert outcomes(result) == {"rows": 2, "ready": 2}
    assert {entry.operation for entry in desk.box.journal} == {
        "oauth.token",
        "sheets.spreadsheets.get",
        "getCurrentUser",
        "getMyPermissions",
        "searchAndReconsileIssuesUsingJqlPost",
        "bulkFetchIssues",
    }
    assert not list((desk.folder / "locks").glob("*.json"))


def test_an_issue_says_which_plan_and_row_it_was_made_from(desk):
    desk.plan(cells(1)).run()
    [issue] = [issue for issue in desk.box.jira.issues if issue.fields["summary"] == "Topik 1"]
    remembered = issue.properties["content-plan.row"]
    assert remembered["plan"] == desk.id
    assert remembered["token"] in issue.labels
    assert (remembered["topic"], remembered["date"], remembered["form"]) == ("Topik 1", "2026-07-02", "Post")
    assert remembered["cells"]["Caption"] == "Caption 1"
    assert (remembered["fields"]["summary"], remembered["fields"]["duedate"]) == ("Topik 1", "2026-07-01")
    assert sent.find(issue.fields["description"], remembered["fields"]["description"]) == ([], [])


def test_each_step_leaves_its_file(desk):
    desk.plan(cells(2)).run()
    names = sorted(path.name for path in (desk.folder / "run-1").iterdir())
    assert names == ["01_rows.json", "02_drafts.json", "03_actions.json", "04_claims.json", "05_issues.json"]
    issues = json.loads((desk.folder / "run-1/05_issues.json").read_text())["data"]
    assert [issue["key"] for issue in issues] == desk.keys


# --- Jira says no -------------------------------------------------------------------------------------------------------


def test_58_of_60_are_made_and_the_next_run_sends_only_the_two(desk):
    desk.box.fault("createIssues", "refuse", indices=[3, 7], errors={"customfield_10043": "Option 'Post' is not valid"})
    result = desk.plan(cells(60)).run()
    assert outcomes(result) == {"rows": 60, "created": 58, "rejected": 2}
    [problem] = next(row.problems for row in result.rows if row.row == 5)
    assert (problem.where, problem.message) == ("'Juli'!C5", "Jira: customfield_10043: Option 'Post' is not valid")
    assert [n for n, key in enumerate(desk.keys, start=2) if not key] == [5, 9]
    assert outcomes(desk.run()) == {"rows": 60, "existing": 58, "created": 2}
    desk.assert_whole(60)


def test_a_batch_refused_whole_is_halved_until_it_goes_through(desk):
    desk.box.fault("createIssues", "refuse-whole", times=3, messages=["too large"])
    assert outcomes(desk.plan(cells(8)).run()) == {"rows": 8, "created": 8}
    desk.assert_whole(8)


def test_a_refusal_of_every_single_row_stops_the_plan(desk):
    desk.box.fault("createIssues", "refuse-whole", times=45 + 44, messages=["The project is archived."])
    result, says = desk.plan(cells(60)).fail(FixInputError)
    assert "The project is archived." in says
    assert outcomes(result) == {"rows": 60, "rejected": 45, "ready": 15, "not_reached": 15}
    assert all("archived" in row.problems[-1].message for row in result.rows)
    assert set(desk.keys) == {""}


@pytest.mark.parametrize(("kind", "says"), [("401", "JIRA_TOKEN"), ("403", "the permission Create Issues")])
def test_a_refused_login_stops_the_plan_and_keeps_what_was_made(desk, kind, says):
    desk.box.fault("createIssues", kind, after=1)
    result, message = desk.plan(cells(60)).fail(CredentialsError)
    assert says in message
    assert outcomes(result) == {"rows": 60, "created": 45, "ready": 15, "not_reached": 15}
    assert all("not sent" in row.problems[-1].message for row in result.rows[45:])
    assert outcomes(desk.run()) == {"rows": 60, "existing": 45, "created": 15}
    desk.assert_whole(60)


def test_no_permission_to_create_stops_before_anything_is_written(desk):
    run = desk.plan(cells(2)).next_run(project_key="TEAM")
    with pytest.raises(CredentialsError, match="CREATE_ISSUES"):
        run.run()
    assert desk.box.calls("sheets.spreadsheets.values.batchUpdate") == 0
    assert desk.grid == cells(2)


# --- Lost answers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["503-after", "reset-after", "truncated", "html"])
def test_a_lost_answer_after_the_write_makes_no_second_issue(desk, kind):
    desk.box.fault("createIssues", kind)
    assert outcomes(desk.plan(cells(5)).run()) == {"rows": 5, "created": 5}
    assert desk.box.calls("createIssues") == 1
    desk.assert_whole(5)


@pytest.mark.parametrize("kind", ["500", "503-before", "reset-before", "redirect"])
def test_a_lost_request_is_sent_again_once_the_settle_time_is_over(desk, kind):
    desk.box.fault("createIssues", kind)
    assert outcomes(desk.plan(cells(5)).run()) == {"rows": 5, "created": 5}
    assert sum(desk.clock.slept) >= 300
    assert desk.box.calls("createIssues") == 2
    desk.assert_whole(5)


def test_a_write_applied_late_but_within_the_settle_time_makes_no_second_issue(desk):
    desk.box.fault("createIssues", "late-apply", delay_s=200)
    assert outcomes(desk.plan(cells(5)).run()) == {"rows": 5, "created": 5}
    desk.assert_whole(5)


@pytest.mark.parametrize("lag_s", [0, 60, 100_000])
def test_an_index_that_lags_makes_no_second_issue(desk, lag_s, monkeypatch):
    monkeypatch.setattr(desk.box.jira, "index_lag_s", lag_s)
    desk.box.fault("createIssues", "reset-after")
    assert outcomes(desk.plan(cells(5)).run()) == {"rows": 5, "created": 5}
    desk.assert_whole(5)


@pytest.mark.parametrize("kind", ["shuffle", "short", "other-issue"])
def test_an_answer_that_does_not_fit_is_settled_by_the_tokens(desk, kind):
    desk.box.fault("createIssues", kind)
    assert outcomes(desk.plan(cells(5)).run()) == {"rows": 5, "created": 5}
    desk.assert_whole(5)


def test_two_lost_answers_in_a_row_stop_the_sending(desk):
    desk.box.fault("createIssues", "reset-after", times=2)
    result, says = desk.plan(cells(100)).fail(TryLaterError)
    assert "answers in a row were lost" in says
    assert outcomes(result) == {"rows": 100, "created": 90, "ready": 10, "not_reached": 10}
    assert outcomes(desk.run()) == {"rows": 100, "existing": 90, "created": 10}
    desk.assert_whole(100)


searches_of_the_second_look = pytest.mark.parametrize("before", [2, 3], ids=["for the newest issue", "for the label"])


@searches_of_the_second_look
def test_a_lost_issue_that_cannot_be_looked_for_stays_uncertain_and_the_next_run_settles_it(desk, before):
    desk.plan(cells(5))
    desk.box.fault("createIssues", "reset-after")
    desk.box.fault("searchAndReconsileIssuesUsingJqlPost", "403", after=before, times=1)
    result = desk.run()
    assert outcomes(result) == {"rows": 5, "uncertain": 5}
    assert all("could not be looked for" in row.problems[-1].message for row in result.rows)
    assert all(is_token(key) for key in desk.keys)
    checked = desk.next_run().check()
    assert outcomes(checked) == {"rows": 5, "uncertain": 5}, "their keys are not in their rows yet"
    assert f"its issue {checked.rows[0].key} exists" in checked.rows[0].problems[-1].message
    assert outcomes(desk.run()) == {"rows": 5, "existing": 5}
    assert desk.box.calls("createIssues") == 1
    desk.assert_whole(5)


@searches_of_the_second_look
def test_a_search_as_nobody_is_never_believed(desk, before):
    """An expired login makes a search answer 200 with an empty list: it must not look like proof that nothing was made."""
    desk.plan(cells(5))
    desk.box.fault("createIssues", "reset-after")
    desk.box.fault("searchAndReconsileIssuesUsingJqlPost", "anonymous", after=before, times=100)
    assert outcomes(desk.run()) == {"rows": 5, "uncertain": 5}
    desk.box.clear_faults()
    assert outcomes(desk.run()) == {"rows": 5, "existing": 5}
    desk.assert_whole(5)


@searches_of_the_second_look
def test_a_search_as_nobody_is_never_believed_where_jira_does_not_say_whom_it_answers(desk, monkeypatch, before):
    monkeypatch.setattr(desk.box.jira, "names_callers", False)
    desk.plan(cells(5))
    desk.box.fault("createIssues", "reset-after")
    desk.box.fault("searchAndReconsileIssuesUsingJqlPost", "anonymous", after=before, times=1)
    desk.box.fault("getCurrentUser", "401", after=3, times=1)
    assert outcomes(desk.run()) == {"rows": 5, "uncertain": 5}
    assert outcomes(desk.run()) == {"rows": 5, "existing": 5}
    desk.assert_whole(5)


def test_keys_that_could_not_be_written_are_written_by_the_next_run(desk):
    desk.plan(cells(5))
    desk.box.fault("sheets.spreadsheets.batchUpdate", "403", after=1)
    result, _ = desk.fail(CredentialsError)
    assert outcomes(result) == {"rows": 5, "uncertain": 5}
    assert all(row.key for row in result.rows)
    assert outcomes(desk.run()) == {"rows": 5, "existing": 5}
    desk.assert_whole(5)


def test_a_column_that_is_protected_before_its_keys_are_written_is_named_and_the_lock_given_back(desk):
    """What Google refuses is not the lock, which is still ours."""
    desk.plan(cells(3))
    column = {"sheetId": 0, "startColumnIndex": 5, "endColumnIndex": 6}
    theirs = {"range": column, "protectedRangeId": 7, "editors": {"users": ["tini@agency.example"]}}
    protect, free = {"addProtectedRange": {"protectedRange": theirs}}, {"deleteProtectedRange": {"protectedRangeId": 7}}
    desk.box.fault("createIssues", "edit", edit=lambda: desk.box.google.edit(desk.id, [protect]), when="after")
    result, says = desk.fail(ConflictError)
    assert "protected" in says
    assert outcomes(result) == {"rows": 3, "uncertain": 3}
    assert plan_lock.LOCK_ID not in desk.google.api.read_spreadsheet(desk.id).named_ranges
    desk.box.google.edit(desk.id, [free])
    assert outcomes(desk.run()) == {"rows": 3, "existing": 3}
    desk.assert_whole(3)


@pytest.mark.parametrize("kind", ["500", "reset-before", "reset-after", "503-after", "html", "truncated"])
@pytest.mark.parametrize(
    ("key_column", "after"),
    [(True, 0), (True, 1), (False, 0), (False, 1), (False, 2)],
    ids=["lock", "write-back", "lock-without-key-column", "key-column", "write-back-after-key-column"],
)
def test_a_lost_answer_of_the_sheet_loses_nothing(desk, kind, key_column, after):
    desk.plan(cells(3) if key_column else [row[:-1] for row in cells(3)])
    desk.box.fault("sheets.spreadsheets.batchUpdate", kind, after=after)
    assert outcomes(desk.run()) == {"rows": 3, "created": 3}
    desk.assert_whole(3)
    assert outcomes(desk.run()) == {"rows": 3, "existing": 3}


@pytest.mark.parametrize("kind", ["500", "reset-before", "reset-after", "503-after", "html", "truncated"])
def test_a_lost_answer_when_a_plan_is_given_back_leaves_it_to_the_next_run(desk, kind):
    desk.plan(cells(3)).run()
    desk.box.fault("sheets.spreadsheets.batchUpdate", kind, after=1)
    assert outcomes(desk.run()) == {"rows": 3, "existing": 3}
    assert outcomes(desk.run()) == {"rows": 3, "existing": 3}


@pytest.mark.parametrize("kind", ["500", "reset-before", "reset-after", "503-after", "html"])
def test_a_lost_answer_of_a_claim_makes_no_second_issue(desk, kind):
    desk.plan(cells(3))
    desk.box.fault("sheets.spreadsheets.values.batchUpdate", kind)
    first = outcomes(desk.run())
    assert first in ({"rows": 3, "created": 3}, {"rows": 3, "ready": 3, "not_reached": 3})
    desk.run()
    desk.assert_whole(3)


# --- People keep editing ------------------------------------------------------------------------------------------------

CLAIM, CREATE = "sheets.spreadsheets.values.batchUpdate", "createIssues"
WRITE_BACK = "sheets.spreadsheets.batchUpdate"


def insert_row(desk, at=1):
    place = {"sheetId": 0, "dimension": "ROWS", "startIndex": at, "endIndex": at + 1}
    desk.box.google.edit(desk.id, [{"insertDimension": {"range": place}}])


def delete_row(desk, at=1):
    place = {"sheetId": 0, "dimension": "ROWS", "startIndex": at, "endIndex": at + 1}
    desk.box.google.edit(desk.id, [{"deleteDimension": {"range": place}}])


def sort_rows(desk):
    area = {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 6, "startColumnIndex": 0, "endColumnIndex": 6}
    desk.box.google.edit(
        desk.id, [{"sortRange": {"range": area, "sortSpecs": [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}]}}]
    )


def change_cell(desk):
    desk.box.google.write(desk.id, f"{TAB}!E3", [["diubah"]])


EDITS = {"insert": insert_row, "delete": delete_row, "sort": sort_rows, "change": change_cell}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("operation", "after"), [(CLAIM, 0), (CREATE, 0), (WRITE_BACK, 1)], ids=["claim", "create", "write-back"]
)
def test_rows_that_people_move_meanwhile_get_their_own_keys(desk, edit, when, operation, after):
    desk.plan(cells(5)).run()
    desk.box.google.write(
        desk.id, f"{TAB}!A7", [[n, f"{n} Juli 2026", "Post", f"Topik {n}", f"Caption {n}"] for n in (6, 7, 8)]
    )
    desk.box.fault(operation, "edit", edit=lambda *_: EDITS[edit](desk), when=when, after=after)
    desk.run()
    untouched = desk.run()
    kept = [row for row in desk.grid[1:] if any(row)]
    for row in kept:
        assert row[5] == desk.made[row[3]][0], f"{row[3]} has another row's key"
    assert all(len(keys) == 1 for keys in desk.made.values())
    assert not any(is_token(row[5]) for row in kept)
    assert untouched.counts()["rows"] == len(kept)


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize(("operation", "after"), [(CREATE, 0), (WRITE_BACK, 1)], ids=["create", "write-back"])
def test_many_rows_that_people_move_meanwhile_get_their_own_keys_too(desk, monkeypatch, edit, operation, after):
    """Each key is first looked for where its row stood."""
    monkeypatch.setattr(plan_sheet, "FEW", 2)
    desk.plan(cells(8))
    desk.box.fault(operation, "edit", edit=lambda *_: EDITS[edit](desk), when="before", after=after)
    desk.run()
    desk.run()
    kept = [row for row in desk.grid[1:] if any(row)]
    assert [row[5] for row in kept] == [desk.made[row[3]][0] for row in kept]
    assert all(len(keys) == 1 for keys in desk.made.values())


def test_a_row_changed_before_it_was_claimed_is_left_to_the_next_run(desk):
    desk.plan(cells(3))
    desk.box.fault("sheets.spreadsheets.get", "edit", edit=lambda *_: change_cell(desk), when="before", after=1)
    result = desk.run()
    assert outcomes(result) == {"rows": 3, "created": 2, "ready": 1, "not_reached": 1}
    assert "changed or moved" in result.rows[1].problems[-1].message
    assert outcomes(desk.run()) == {"rows": 3, "existing": 2, "created": 1}


def test_a_row_deleted_after_its_issue_was_made_is_flagged_with_its_key(desk):
    desk.plan(cells(3))
    desk.box.fault(CREATE, "edit", edit=lambda *_: delete_row(desk, 2), when="after")
    result = desk.run()
    assert outcomes(result) == {"rows": 3, "created": 2, "flagged": 1}
    assert result.rows[1].key in result.rows[1].problems[-1].message


def test_a_row_copied_after_it_was_claimed_is_flagged(desk):
    copy = [["", "", "", "", "", ""]]
    desk.plan([*cells(2), *copy])

    def copy_row(*_):
        desk.box.google.write(desk.id, f"{TAB}!A4", [desk.grid[1]])

    desk.box.fault(CREATE, "edit", edit=copy_row, when="after")
    result = desk.run()
    assert outcomes(result) == {"rows": 2, "created": 1, "flagged": 1}
    again = desk.run()
    assert again.counts()["created"] == 0
    assert len(desk.made["Topik 1"]) == 1


def test_a_key_typed_while_the_row_was_claimed_stays(desk):
    desk.plan(cells(3))
    desk.box.fault(
        "sheets.spreadsheets.get",
        "edit",
        edit=lambda *_: desk.box.google.write(desk.id, f"{TAB}!F3", [["milik saya"]]),
        when="before",
        after=1,
    )
    result = desk.run()
    assert outcomes(result) == {"rows": 3, "created": 2, "ready": 1, "not_reached": 1}
    assert desk.keys[1] == "milik saya"


# --- One run at a time --------------------------------------------------------------------------------------------------


def test_a_second_run_on_this_machine_stops_and_says_so(desk):
    desk.plan(cells(2))
    other = plan_lock.LocalLock(desk.id, desk.folder / "locks")
    other.acquire("x")
    _, says = desk.fail(ConflictError)
    other.release()
    assert "another run on this machine" in says
    assert desk.box.calls("createIssues") == 0


def held_by(desk, locks, **changed):
    """Somebody's lock in the spreadsheet."""
    local = plan_lock.LocalLock(desk.id, locks)
    holder = plan_lock.new_holder(local, desk.clock.now(), changed.get("flow_run"))
    desk.google.api.update(desk.id, plan_lock.request_lock(holder, 0))
    return holder


def test_who_leaves_its_range_gives_back_no_lock_but_its_own(desk):
    """Its own range is gone with the lock that somebody broke: then the lock is another's."""
    desk.plan(cells(2))
    holder = held_by(desk, desk.folder / "other-machine")
    own = f"{plan_lock.HOLDER_ID}{holder.nonce}"
    desk.google.api.update(desk.id, [{"deleteNamedRange": {"namedRangeId": own}}])
    with pytest.raises(ConflictError):
        desk.google.api.update(desk.id, plan_lock.request_unlock(holder.range_name, (), leave=True))
    assert plan_lock.LOCK_ID in desk.google.api.read_spreadsheet(desk.id).named_ranges


def test_who_leaves_its_range_gives_its_lock_back(desk):
    desk.plan(cells(2))
    holder = held_by(desk, desk.folder / "other-machine")
    desk.google.api.update(desk.id, plan_lock.request_unlock(holder.range_name, (), leave=True))
    assert desk.google.api.read_spreadsheet(desk.id).named_ranges == {
        f"{plan_lock.HOLDER_ID}{holder.nonce}": holder.own_range
    }


def test_a_run_on_another_machine_is_named_with_its_time_and_never_disturbed(desk):
    desk.plan(cells(2))
    holder = held_by(desk, desk.folder / "other-machine")
    _, says = desk.fail(ConflictError)
    assert str(holder) in says
    assert "--break-lock" in says
    assert desk.box.calls("createIssues") == 0
    assert desk.google.api.read_spreadsheet(desk.id).named_ranges[plan_lock.LOCK_ID] == holder.range_name


def test_a_lock_that_a_dead_run_of_this_machine_left_is_taken_over(desk):
    desk.plan(cells(2))
    held_by(desk, desk.folder / "locks")
    assert outcomes(desk.run()) == {"rows": 2, "created": 2}
    assert desk.google.api.read_spreadsheet(desk.id).named_ranges == {}


def test_a_lock_is_broken_on_demand(desk):
    desk.plan(cells(2))
    held_by(desk, desk.folder / "other-machine")
    assert outcomes(desk.next_run().run(break_lock=True)) == {"rows": 2, "created": 2}


def test_of_two_breakers_one_fails(desk):
    """Both saw the same dead holder; the second one must not delete the first one's lock."""
    desk.plan(cells(2))
    dead = held_by(desk, desk.folder / "other-machine")
    first = plan_lock.new_holder(plan_lock.LocalLock(desk.id, desk.folder / "a"), desk.clock.now(), None)
    second = plan_lock.new_holder(plan_lock.LocalLock(desk.id, desk.folder / "b"), desk.clock.now(), None)
    desk.google.api.update(desk.id, [*plan_lock.request_unlock(dead.range_name, ()), *plan_lock.request_lock(first, 0)])
    with pytest.raises(ConflictError):
        desk.google.api.update(
            desk.id, [*plan_lock.request_unlock(dead.range_name, ()), *plan_lock.request_lock(second, 0)]
        )
    assert desk.google.api.read_spreadsheet(desk.id).named_ranges[plan_lock.LOCK_ID] == first.range_name


def take_over(desk):
    """Another machine breaks the plan's lock and takes it."""
    name = desk.google.api.read_spreadsheet(desk.id).named_ranges[plan_lock.LOCK_ID]
    desk.google.api.update(desk.id, plan_lock.request_unlock(name, ()))
    held_by(desk, desk.folder / "other-machine")
    desk.clock._clock.move(120)


def test_a_run_whose_lock_was_broken_stops_before_it_creates(desk):
    desk.plan(cells(2))
    run = desk.next_run()
    original = run.sheet.claim

    async def claim(*arguments, **options):
        claimed = await original(*arguments, **options)
        take_over(desk)
        return claimed

    run.sheet.claim = claim
    with pytest.raises(ConflictError, match="taken the plan over"):
        run.run()
    assert desk.box.calls("createIssues") == 0


def test_a_run_whose_lock_was_broken_while_it_waited_for_its_rate_limit_creates_nothing(desk):
    desk.plan(cells(2))

    async def wait():
        take_over(desk)

    desk.jira.acquire_to_create = wait
    with pytest.raises(ConflictError, match="taken the plan over"):
        desk.next_run().run()
    assert desk.box.calls("createIssues") == 0


# --- Resume -------------------------------------------------------------------------------------------------------------


WRITES = ("update", "update_and_read", "write_column", "create_in_bulk")


@pytest.mark.parametrize("at", range(1, 11))
def test_a_run_killed_anywhere_is_finished_by_the_next_one(desk, at):
    desk.plan(cells(50))
    counter = itertools.count(1)
    run = desk.next_run(google=Mortal(desk.google, counter, at, WRITES), jira=Mortal(desk.jira, counter, at, WRITES))
    with pytest.raises(Killed):
        asyncio.run(run.make())
    run.local.release()
    result = desk.run()
    assert set(outcomes(result)) <= {"rows", "created", "existing"}
    desk.assert_whole(50)
    assert desk.google.api.read_spreadsheet(desk.id).named_ranges == {}


def test_a_hidden_tab_of_an_earlier_month_makes_no_issues(desk):
    earlier = [HEADER, [1, "1 Juni 2026", "Post", "Topik lama", "", ""]]
    desk.id = desk.box.google.add_spreadsheet(
        "Content Plan - Kopi Senja - Juli 2026", desk.plans, tabs={"Juni 2026": earlier, TAB: cells(2)}
    )
    first = desk.box.google.spreadsheets[desk.id].tabs[0].sheet_id
    hide = {"updateSheetProperties": {"properties": {"sheetId": first, "hidden": True}, "fields": "hidden"}}
    desk.box.google.edit(desk.id, [hide])
    assert outcomes(desk.run()) == {"rows": 2, "created": 2}
    assert set(desk.made) == {"Topik 1", "Topik 2"}


@pytest.mark.parametrize("operation", ["sheets.spreadsheets.batchUpdate", "createIssues"], ids=["lock", "create"])
def test_a_run_keeps_to_its_tab_when_another_is_put_before_it(desk, operation):
    """As the plan is locked the spreadsheet is read again after it."""
    desk.plan(cells(2))
    added = {"addSheet": {"properties": {"sheetId": 77, "title": "Juli 2026", "index": 0}}}
    desk.box.fault(operation, "edit", edit=lambda: desk.box.google.edit(desk.id, [added]), when="before")
    assert outcomes(desk.run()) == {"rows": 2, "created": 2}
    desk.assert_whole(2)
