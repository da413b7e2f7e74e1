"""Faults that an outside judge found, each by its smallest input: status codes, columns, journals, copies, clocks, erased keys."""

import asyncio
import uuid

import pytest

from lib.errors import ConflictError, CredentialsError
from lib.exactly_once import plan_lock
from lib.exactly_once.reconcile import plan_label
from tests.desk import TAB, cells, outcomes
from tests.direct import DirectRun, Killed, Mortal

CREATE, CLAIM = "createIssues", "sheets.spreadsheets.values.batchUpdate"
KEY = 5  # column F


@pytest.fixture
def plan(desk):
    return desk.plan(cells(2))


def on_machine(desk, name, clock=None, **ports):
    """A run of another machine, whose locks and journal are its own; its clock may be wrong."""
    desk.count += 1
    return DirectRun(
        ports.get("google", desk.google),
        ports.get("jira", desk.jira),
        spreadsheet_id=desk.id,
        folder=desk.folder / f"run-{desk.count}",
        locks=desk.folder / name,
        clock=clock or desk.clock,
    )


class Dying:
    """Jira of a process that dies during its n-th create, whatever comes of it."""

    def __init__(self, jira, at=1):
        self._jira, self._left = jira, at

    def __getattr__(self, name):
        return getattr(self._jira, name)

    async def create_in_bulk(self, *arguments):
        self._left -= 1
        try:
            return await self._jira.create_in_bulk(*arguments)
        finally:
            if not self._left:
                raise Killed


async def has_ended(_flow_run):
    return True


def make(run):
    try:
        asyncio.run(run.make(flow_run=uuid.uuid4(), has_ended=has_ended))
    finally:
        run.local.release()
    return run.plan_run.result


def die(run):
    with pytest.raises(Killed):
        make(run)


def insert(desk, dimension, at):
    place = {"sheetId": 0, "dimension": dimension, "startIndex": at, "endIndex": at + 1}
    desk.box.google.edit(desk.id, [{"insertDimension": {"range": place}}])


@pytest.mark.parametrize("status", [403, 404, 409, 413, 431, 499, 501, 520, 521, 530, 599])
def test_a_create_answered_with_any_status_after_it_was_applied_makes_no_second_issue(plan, status):
    plan.box.fault(CREATE, "status-after", status=status)
    assert outcomes(plan.run()) == {"rows": 2, "created": 2}
    plan.assert_whole(2)


def test_a_batch_that_is_too_large_for_a_proxy_goes_through_in_smaller_ones(desk):
    desk.plan(cells(8))
    desk.box.fault(CREATE, "413", times=2)
    assert outcomes(desk.run()) == {"rows": 8, "created": 8}
    desk.assert_whole(8)


def test_a_row_that_is_too_large_by_itself_is_rejected_and_keeps_nothing(desk):
    desk.plan(cells(1))
    desk.box.fault(CREATE, "413")
    assert outcomes(desk.run()) == {"rows": 1, "rejected": 1}
    assert desk.keys == [""]


@pytest.mark.parametrize("after", [0, 1], ids=["before-it-is-looked-for", "before-the-claim"])
@pytest.mark.parametrize("column", [0, 4, KEY], ids=["first", "before-caption", "before-key"])
def test_a_column_inserted_as_rows_are_claimed_costs_no_cell(plan, column, after):
    operation = CLAIM if after else "sheets.spreadsheets.batchUpdate"
    plan.box.fault(operation, "edit", edit=lambda: insert(plan, "COLUMNS", column), after=0 if after else 1)
    plan.run()
    plan.run()
    rows = [[cell for index, cell in enumerate(row) if index != column] for row in plan.grid]
    assert [row[:KEY] for row in rows] == [row[:KEY] for row in cells(2)]
    assert [[key] for key in (row[KEY] for row in rows[1:])] == list(plan.made.values())


def test_a_row_inserted_above_the_header_of_a_plan_without_a_key_column_holds_nothing(desk):
    desk.plan([row[:KEY] for row in cells(2)])
    desk.box.fault(CLAIM, "edit", edit=lambda: insert(desk, "ROWS", 0))
    desk.run()
    desk.run()
    assert set(desk.grid[0]) == {""}
    assert desk.grid[1][KEY] == "Key"


def test_the_time_of_sending_is_that_of_the_last_try(desk):
    """Killed during the second try, which is applied 250 s later: the next run waits from that try on."""
    desk.plan(cells(1))
    desk.box.fault(CREATE, "429", retry_after=60)
    desk.box.fault(CREATE, "late-apply", after=0, delay_s=250)
    die(on_machine(desk, "a", jira=Dying(desk.jira, at=2)))
    make(on_machine(desk, "a"))
    make(on_machine(desk, "a"))
    desk.assert_whole(1)


def test_a_journal_is_not_believed_once_another_machine_has_held_the_plan(desk):
    desk.plan(cells(1))
    die(on_machine(desk, "a", jira=Mortal(desk.jira, iter(range(1, 99)), 1, ("create_in_bulk",))))
    desk.box.fault(CREATE, "late-apply", delay_s=250)
    die(on_machine(desk, "b", jira=Dying(desk.jira)))
    make(on_machine(desk, "a"))
    make(on_machine(desk, "a"))
    desk.assert_whole(1)


def test_a_run_that_waits_while_its_successor_settles_sends_nothing(desk):
    desk.plan(cells(1))
    desk.box.fault(CREATE, "429", retry_after=400)
    run = on_machine(desk, "a")

    async def overtaken(seconds):
        desk.clock._clock.move(seconds)
        if seconds >= 400:
            await asyncio.to_thread(make, on_machine(desk, "b"))

    run.plan_run._clock.sleep = overtaken
    with pytest.raises(ConflictError, match="taken the plan over"):
        make(run)
    desk.assert_whole(1)


def test_marks_that_were_copied_with_the_spreadsheet_belong_to_the_first_plan(desk):
    desk.plan(cells(1))
    die(on_machine(desk, "a", jira=Dying(desk.jira)))
    first, grid = desk.id, desk.grid
    desk.plan(grid)
    assert outcomes(make(on_machine(desk, "a"))) == {"rows": 1, "created": 1}
    [made] = [issue for issue in desk.box.jira.issues if plan_label(desk.id) in issue.labels]
    assert desk.keys == [made.key]
    desk.id = first
    assert outcomes(make(on_machine(desk, "a"))) == {"rows": 1, "existing": 1}


def test_an_erased_key_whose_issue_the_index_never_gets_makes_no_second_one(desk):
    desk.plan(cells(1))
    desk.run()
    issue = desk.box.jira.issue(desk.keys[0])
    for entry in issue.index:
        entry.visible_at = float("inf")
    for _ in range(130):
        desk.box.jira.add_issue("CP", {"summary": "of somebody else"})
    desk.clock._clock.move(10)
    desk.box.google.write(desk.id, f"{TAB}!F2", [[""]])
    assert outcomes(desk.run()) == {"rows": 1, "flagged": 1}
    assert list(desk.made.values()) == [[issue.key]]


def test_nothing_is_made_while_the_newest_issues_cannot_be_read(desk):
    desk.plan(cells(1))
    desk.run()
    desk.box.google.write(desk.id, f"{TAB}!F2", [[""]])
    desk.box.jira.index_lag_s = 10_000
    for entry in desk.box.jira.issue(next(iter(desk.made.values()))[0]).index:
        entry.visible_at = float("inf")
    desk.box.fault("searchAndReconsileIssuesUsingJqlPost", "refuse-whole")
    assert outcomes(desk.run()) == {"rows": 1, "uncertain": 1}
    assert len(desk.made) == 1


class AheadClock:
    """The machine's clock is a day ahead."""

    def __init__(self, clock):
        self._clock = clock

    def now(self):
        return self._clock.now().replace(year=2026, month=12)

    async def sleep(self, seconds):
        await self._clock.sleep(seconds)


def test_a_machine_whose_clock_is_ahead_frees_no_mark_early(desk):
    desk.plan(cells(1))
    desk.box.fault(CREATE, "late-apply", delay_s=250)
    die(on_machine(desk, "a", jira=Dying(desk.jira)))
    make(on_machine(desk, "a", clock=AheadClock(desk.clock)))
    make(on_machine(desk, "a"))
    desk.assert_whole(1)


def test_two_issues_of_one_row_are_flagged_with_both_keys(desk):
    desk.plan(cells(1))
    desk.run()
    [key] = desk.keys
    first = desk.box.jira.issue(key)
    second = desk.box.jira.add_issue("CP", dict(first.fields), properties=dict(first.properties))
    desk.clock._clock.move(10)
    for result in (desk.run(), desk.next_run().check()):
        assert outcomes(result) == {"rows": 1, "flagged": 1}
        assert f"{key} and {second.key}" in result.rows[0].problems[-1].message


def test_keys_below_a_cleared_header_are_found_before_a_new_column_is_begun(desk):
    desk.plan([*cells(2), []])
    desk.run()
    desk.box.google.write(desk.id, f"{TAB}!F1", [[""]])
    desk.box.google.write(desk.id, f"{TAB}!A4:E4", [cells(3)[-1][:KEY]], typed=False)
    result = desk.run()
    assert outcomes(result) == {"rows": 3, "existing": 2, "created": 1}
    assert desk.grid[0][KEY] == "Key"
    desk.assert_whole(3)


@pytest.mark.parametrize("typed", ["", "selesai"])
def test_a_cleared_header_is_written_again_also_when_no_row_is_to_be_made(desk, typed):
    desk.plan(cells(2))
    desk.run()
    keys = list(desk.keys)
    desk.box.google.write(desk.id, f"{TAB}!F1", [[""]])
    if typed:
        desk.box.google.write(desk.id, f"{TAB}!F3", [[typed]])
    result = desk.run()
    assert outcomes(result) == {"rows": 2, **({"existing": 1, "flagged": 1} if typed else {"existing": 2})}
    assert [row[KEY:] for row in desk.grid] == [["Key"], [keys[0]], [typed or keys[1]]]


def test_a_cleared_header_is_written_again_also_when_all_rows_hold_claim_tokens(desk):
    desk.plan(cells(2))
    desk.box.fault(CREATE, "reset-before")
    desk.box.fault("searchAndReconsileIssuesUsingJqlPost", "403", after=2)
    assert outcomes(desk.run()) == {"rows": 2, "uncertain": 2}
    desk.box.google.write(desk.id, f"{TAB}!F1", [[""]])
    assert outcomes(desk.run()) == {"rows": 2, "created": 2}
    assert desk.grid[0][KEY] == "Key"
    desk.assert_whole(2)


@pytest.mark.parametrize("refused", ["403", "429"])
def test_a_cleared_header_that_cannot_be_written_stops_nothing(desk, refused):
    desk.plan(cells(2))
    desk.box.fault("sheets.spreadsheets.batchUpdate", "403", after=1)  # keys are not written back
    desk.fail(CredentialsError)
    desk.box.google.write(desk.id, f"{TAB}!F1", [[""]])
    desk.box.fault("sheets.spreadsheets.values.batchUpdate", refused, times=100)
    assert outcomes(desk.run()) == {"rows": 2, "existing": 2}
    desk.box.clear_faults()
    assert desk.grid[0][KEY:] in ([""], [])
    assert outcomes(desk.run()) == {"rows": 2, "existing": 2}
    assert desk.grid[0][KEY] == "Key"
    desk.assert_whole(2)


@pytest.mark.parametrize("cleared", [True, False], ids=["with a Key column", "without"])
def test_a_column_that_got_our_note_as_columns_were_moved_is_not_taken_for_key(desk, cleared):
    """A column of a person's own, without a header, beside which another one is inserted as our range is pointed."""
    people = [[*row[:KEY], name] for row, name in zip(cells(3), ("", "Sari", "Budi", "Sari"), strict=True)]
    desk.plan(people)
    if cleared:
        desk.run()
        desk.box.google.write(desk.id, f"{TAB}!G1", [[""]])
    place = {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 0, "endIndex": 1}
    insert = {"insertDimension": {"range": place, "inheritFromBefore": False}}
    desk.box.fault(
        "sheets.spreadsheets.batchUpdate",
        "edit",
        edit=lambda: desk.box.google.edit(desk.id, [insert]),
        when="before",
        after=1,
    )
    moved = {"rows": 3, "ready": 3, "not_reached": 3}  # the column is called after its letter
    assert outcomes(desk.run()) == ({"rows": 3, "existing": 3} if cleared else moved)
    assert outcomes(desk.run()) == {"rows": 3, ("existing" if cleared else "created"): 3}
    assert [row[KEY + 1] for row in desk.grid] == ["", "Sari", "Budi", "Sari"]
    assert desk.grid[0][KEY + 2] == "Key"


def test_no_holder_is_left_when_all_is_settled(plan):
    plan.run()
    named = plan.google.api.read_spreadsheet(plan.id).named_ranges
    assert not [each for each in named if each.startswith((plan_lock.LOCK_ID, plan_lock.HOLDER_ID))]
