"""Status columns of a plan: filled beside the keys, whatever people do at that moment, and nothing else is written."""

import itertools

import pytest

from lib.exactly_once.reconcile import Outcome
from lib.services.models import PROPERTY
from lib.update.status_columns import NOTE
from lib.watch import plan_watch
from sandbox.google.cells import Formula, Text
from tests.desk import HEADER, TAB, cells, outcomes
from tests.direct import Killed, Mortal
from tests.lib.update.test_plan_update import Office

WRITE, POINT, READ = (
    "sheets.spreadsheets.values.batchUpdate",
    "sheets.spreadsheets.batchUpdate",
    "sheets.spreadsheets.get",
)
STATUS, LINK, ASSIGNEE = 6, 7, 8  # columns, from 0
WHO = "Associate Pagi"
NAMES = ["Jira Status", "Link Jira", "Penanggung Jawab"]
ADDED = {"Status Jira": "G1", "Link Jira": "H1", "Penanggung Jawab": "I1"}


class Board(Office):
    """A plan of so many rows that has the three columns, and its issues."""

    def __init__(self, desk, rows=3, names=NAMES):
        self.desk, self.box = desk, desk.box
        table = cells(rows)
        table[0] = [*HEADER, *names]
        desk.plan(table).run()
        self.keys = {topic: keys[0] for topic, keys in desk.made.items()}
        self.key = self.keys["Topik 1"]

    def update(self, *, add=False, **options):
        made = super().update(**options)
        made.plan_run._status._add = add
        return made

    @property
    def column(self):
        """Topic -> what stands in its row's status columns."""
        width = STATUS + 3
        rows = [[*row, *[""] * (width - len(row))] for row in self.desk.grid[1:]]
        return {row[3]: row[STATUS:width] for row in rows}

    def should_stand(self, **statuses):
        def belongs(topic):
            return [statuses.get(topic, "To Do"), f"sandbox/browse/{self.keys[topic]}", WHO]

        return {topic: belongs(topic) for topic in self.keys}

    def writes(self):
        return self.box.calls(WRITE)

    def between(self, edit, operation=WRITE, when="before", **options):
        self.box.fault(operation, "edit", edit=edit, when=when, **options)


@pytest.fixture
def board(desk):
    return Board(desk)


def warnings(result):
    return [problem.message for problem in result.problems]


def test_each_row_says_status_link_and_assignee_of_its_issue_and_only_once(board):
    board.edit(status={"id": "3"}, assignee={"accountId": board.box.jira.somebody()})
    name = board.box.jira.state.users[board.box.jira.somebody()].name
    before = board.writes()
    assert outcomes(board.run()) == {"rows": 3, "existing": 3}
    expected = board.should_stand()
    expected["Topik 1"] = ["In Progress", f"sandbox/browse/{board.key}", name]
    assert board.column == expected
    assert board.writes() - before == 1
    assert board.named_ranges() == []
    board.is_calm()
    board.edit(status={"id": "10001"}, assignee=None)
    board.run()
    expected["Topik 1"] = ["Done", f"sandbox/browse/{board.key}", ""]
    assert board.column == expected
    board.is_calm()


def test_what_update_itself_changes_is_what_stands_there(board):
    account = board.box.jira.state.users
    board.edit(status={"id": "3"})
    board.write("D2", "Topik baru")
    assert outcomes(board.run()) == {"rows": 3, "existing": 2, "updated": 1}
    assert board.column["Topik baru"][0] == "In Progress"
    assert account
    board.is_calm()


def test_a_plan_without_such_a_column_is_not_written(office_without):
    board = office_without
    before = board.box.google.files[board.desk.id].version
    board.edit(status={"id": "3"})
    board.run()
    assert board.box.google.files[board.desk.id].version == before


@pytest.fixture
def office_without(desk):
    return Board(desk, names=[])


def test_columns_are_added_where_that_was_said_right_of_all_others(office_without):
    board = office_without
    board.update(add=True).run()
    assert board.desk.grid[0][STATUS:] == ["Status Jira", "Link Jira", "Penanggung Jawab"]
    assert board.column == board.should_stand()
    version = board.box.google.files[board.desk.id].version
    board.update(add=True).run()
    assert board.box.google.files[board.desk.id].version == version


def test_a_column_that_was_asked_for_is_there_before_anything_is_to_stand_in_it(desk):
    board = Board(desk, names=NAMES[:2])
    for key in board.keys.values():
        board.box.jira.edit_issue(key, assignee=None)
    board.run()
    assert board.desk.grid[0][STATUS:] == NAMES[:2]
    board.update(add=True).run()
    assert board.desk.grid[0][STATUS:] == NAMES
    assert {texts[2] for texts in board.column.values()} == {""}
    version = board.box.google.files[desk.id].version
    board.update(add=True).run()
    assert board.box.google.files[desk.id].version == version


def test_a_plan_without_any_issue_gets_no_column(office_without):
    board = office_without
    for cell in ("F2", "F3", "F4"):
        board.write(cell, "")
    before = board.box.google.files[board.desk.id].version
    board.update(add=True).run()
    assert board.box.google.files[board.desk.id].version == before


def test_nothing_is_written_below_a_header_that_is_protected(office_without):
    board = office_without
    board.box.google.protect(board.desk.id, f"{TAB}!A1:Z1")
    result = board.update(add=True).run()
    assert warnings(result) == [f"{name}: {cell} is protected, left as it is" for name, cell in ADDED.items()]
    assert board.column == {topic: ["", "", ""] for topic in board.keys}


def test_a_column_added_by_somebody_at_that_moment_is_kept(office_without):
    board = office_without
    board.between(lambda: board.write("G1:G2", "Catatan"), POINT, after=1)
    board.update(add=True).run()
    assert board.desk.grid[0][STATUS:] == ["Catatan", "Status Jira", "Link Jira", "Penanggung Jawab"]
    assert board.desk.grid[1][STATUS + 1 : STATUS + 3] == ["To Do", f"sandbox/browse/{board.key}"]


def test_one_column_alone_is_filled_and_the_others_are_not_added(desk):
    board = Board(desk, names=["Status Produksi"])
    board.run()
    assert [row[STATUS:] for row in board.desk.grid] == [["Status Produksi"], *[["To Do"]] * 3]


def test_the_columns_are_no_content(board):
    hashes = [
        issue.properties[PROPERTY]["content_hash"] for issue in board.box.jira.issues if PROPERTY in issue.properties
    ]
    board.write("G2:G4", "apa saja")
    update = board.update()
    update.run()
    plan = update.plan_run.plan
    assert [row.fingerprint for row in plan.rows] == hashes
    assert not {"Jira Status", "Link Jira", "Penanggung Jawab"} & {label for row in plan.rows for label in row.values}
    for issue in board.box.jira.issues:
        assert "apa saja" not in str(issue.fields.get("description"))
    assert plan_watch.compare(plan, update.plan_run._found).data[0].changes == []


def test_an_issue_that_remembers_such_a_column_as_content_did_not_change(board):
    board.run()
    remembered = board.issue.properties[PROPERTY]
    remembered["cells"]["Status Produksi"], remembered["content_hash"] = "Siap", "another"
    update = board.update()
    update.run()
    issues = update.plan_run._found
    assert [finding.changes for finding in plan_watch.compare(update.plan_run.plan, issues).data] == [[], [], []]


def test_a_key_column_that_is_made_later_stands_beside_them(desk):
    rows = [[*row[:5], *(NAMES if number == 0 else [])] for number, row in enumerate(cells(2))]
    desk.plan(rows).run()
    assert desk.grid[0] == [*HEADER[:5], *NAMES, "Key"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda board: board.box.google.sort_rows(board.desk.id, TAB, 2, 4, 1, descending=True),
        lambda board: board.box.google.insert_rows(board.desk.id, TAB, 3),
        lambda board: board.box.google.insert_rows(board.desk.id, TAB, 1, 2),
        lambda board: board.box.google.move_rows(board.desk.id, TAB, 4, 4, 2),
        lambda board: board.box.google.edit(
            board.desk.id,
            [{"insertDimension": {"range": {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 2, "endIndex": 4}}}],
        ),
    ],
    ids=["sort", "insert", "insert above", "move", "columns"],
)
@pytest.mark.parametrize("operation", [WRITE, POINT])
def test_rows_and_columns_that_move_meanwhile_are_put_right_in_the_same_pass(board, edit, when, operation):
    board.edit(status={"id": "3"})
    board.write("A6", "hanya catatan")
    board.write("G6", "milik orang")
    board.between(lambda: edit(board), operation, when, after=1 if operation == POINT else 0)
    result = board.run()
    grid = board.desk.grid
    top = next(n for n, row in enumerate(grid) if "Topik" in row)
    header = grid[top]
    assert header.count("Jira Status") == header.count("Link Jira") == 1
    places = [header.index(name) for name in ("Topik", "Key", *NAMES)]
    by_topic = {row[places[0]]: [row[place] for place in places[1:]] for row in grid[top + 1 :] if row[places[0]]}
    for topic, key in board.keys.items():
        status = "In Progress" if key == board.key else "To Do"
        assert by_topic[topic] == [key, status, f"sandbox/browse/{key}", WHO]
    note = next(row for row in grid if "hanya catatan" in row)
    assert note[places[2]] == "milik orang"
    assert [row for row in grid[top + 1 :] if any(row) and not row[places[0]]] == [note]
    assert outcomes(result) == {"rows": 3, "existing": 3}
    assert board.named_ranges() == []
    board.is_calm()


def test_formulas_are_left_alone_and_told(board):
    board.box.google.put(board.desk.id, f"{TAB}!G3", Formula('=IF(A3>1,"x","y")', "x"))
    result = board.run()
    assert board.box.google.cell(board.desk.id, f"{TAB}!G3").formula == '=IF(A3>1,"x","y")'
    assert board.column["Topik 1"][0] == board.column["Topik 3"][0] == "To Do"
    assert warnings(result) == ["Jira Status: G3 holds a formula, left as it is"]
    board.is_calm()


@pytest.mark.parametrize("edit", ["sort", "insert"])
def test_a_formula_that_moves_under_our_writing_is_put_back_for_its_row(board, edit):
    board.box.google.put(board.desk.id, f"{TAB}!G3", Formula('=IF(A3>1,"x","y")', "x"))

    def move():
        if edit == "sort":
            board.box.google.move_rows(board.desk.id, TAB, 3, 3, 2)
        else:
            board.box.google.insert_rows(board.desk.id, TAB, 2)

    board.between(move)
    board.run()
    row = next(number for number, row in enumerate(board.desk.grid, start=1) if "Topik 2" in row)
    assert board.box.google.cell(board.desk.id, f"{TAB}!G{row}").formula == f'=IF(A{row}>1,"x","y")'
    assert {board.column[topic][0] for topic in ("Topik 1", "Topik 3")} == {"To Do"}


def test_protected_cells_are_left_alone_and_told(board):
    board.box.google.protect(board.desk.id, f"{TAB}!G2:G3")
    board.box.google.protect(board.desk.id, f"{TAB}!H4", warning=True)
    result = board.run()
    assert board.column["Topik 1"] == ["", f"sandbox/browse/{board.key}", WHO]
    assert board.column["Topik 3"] == ["To Do", "", WHO]
    assert warnings(result) == [
        "Jira Status: G2, G3 is protected, left as it is",
        "Link Jira: H4 is protected, left as it is",
    ]
    board.is_calm()


def test_a_column_protected_for_us_alone_is_filled(board):
    board.box.google.protect(board.desk.id, f"{TAB}!G1:G9", editors=["bot@agency.example"])
    assert warnings(board.run()) == []
    assert board.column == board.should_stand()


def test_a_column_that_is_protected_right_before_the_writing_is_told_and_the_rest_goes_on(board):
    board.between(lambda: board.box.google.protect(board.desk.id, f"{TAB}!G2:G4"))
    result = board.run()
    assert {tuple(texts[:1]) for texts in board.column.values()} == {("",)}
    assert board.column["Topik 1"][1] == f"sandbox/browse/{board.key}"
    assert warnings(result) == ["Jira Status: G2, G3, G4 is protected, left as it is"]
    assert board.named_ranges() == []


def test_merged_cells_hold_nothing_of_ours_but_in_the_first(board):
    board.box.google.merge(board.desk.id, f"{TAB}!G2:H2")
    assert warnings(board.run()) == ["Link Jira: H2 is merged with another cell, left as it is"]
    assert board.column["Topik 1"][0] == "To Do"
    board.is_calm()


def test_a_text_that_a_spreadsheet_would_run_is_a_text(board):
    somebody = board.box.jira.somebody()
    board.box.jira.state.users[somebody].name = '=IMPORTXML("https://evil.example","//a")'
    board.edit(assignee={"accountId": somebody})
    board.run()
    cell = board.box.google.cell(board.desk.id, f"{TAB}!I2")
    assert (cell.formula, cell.value) == (None, '=IMPORTXML("https://evil.example","//a")')
    board.is_calm()


@pytest.mark.parametrize("fault", ["reset-after", "503-after", "reset-before", "503-before", "html", "truncated"])
@pytest.mark.parametrize("operation", [WRITE, POINT])
def test_a_lost_answer_is_settled_by_reading(board, fault, operation):
    board.box.fault(operation, fault, after=1 if operation == POINT else 0)
    board.run()
    assert board.column == board.should_stand()
    assert board.named_ranges() == []
    board.is_calm()


@pytest.mark.parametrize("is_locked", [True, False], ids=["with its lock", "its lock broken since"])
def test_named_ranges_that_a_pass_left_are_taken_away_by_one_that_has_nothing_to_write(board, is_locked):
    doomed = board.update(google=Mortal(board.desk.google, itertools.count(), 1, ("write_columns",)))
    with pytest.raises(Killed):
        doomed.run()
    doomed.local.release()
    assert board.column == board.should_stand()
    if not is_locked:
        ids = [one.id for one in board.box.google.spreadsheets[board.desk.id].named_ranges]
        left = [{"deleteNamedRange": {"namedRangeId": each}} for each in ids if not each.startswith("cpstatus")]
        board.box.google.edit(board.desk.id, left)
    written = board.writes()
    board.run()
    assert (board.writes(), board.named_ranges()) == (written, [])
    board.is_calm()


def test_a_plan_whose_status_columns_were_deleted_is_tidied_too(board):
    doomed = board.update(google=Mortal(board.desk.google, itertools.count(), 1, ("write_columns",)))
    with pytest.raises(Killed):
        doomed.run()
    doomed.local.release()
    board.write("G1:I1", "Catatan")
    board.run()
    assert board.named_ranges() == []


def test_what_a_person_had_there_is_told_when_the_column_becomes_ours_and_not_later(board):
    board.write("I2", "Raras")
    assert warnings(board.run()) == [
        "Penanggung Jawab says what Jira says from now on; replaced was I2 Raras → Associate Pagi"
    ]
    assert board.box.google.cell(board.desk.id, f"{TAB}!I1").note == NOTE
    board.write("I2", "Raras")
    assert warnings(board.run()) == []
    assert board.column["Topik 1"][2] == WHO


def test_a_row_without_a_key_keeps_what_stands_there(board):
    board.write("F2", "")
    board.write("G2", "milik orang")
    board.run()
    assert board.column["Topik 1"] == ["milik orang", "", ""]


def test_an_issue_that_is_not_to_be_read_leaves_its_row_as_it_is(board):
    board.run()
    board.box.jira.delete_issue(board.key)
    board.box.jira.edit_issue(board.keys["Topik 2"], status={"id": "3"})
    result = board.run()
    assert board.column == board.should_stand(**{"Topik 2": "In Progress"})
    assert result.by_row[2].outcome is Outcome.FLAGGED


def test_an_issue_that_was_moved_to_another_project_still_says_how_it_stands(board):
    board.run()
    moved = board.box.jira.move_issue(board.key, "MAR")
    board.box.jira.edit_issue(moved, status={"id": "3"})
    update = board.update()
    update.run()
    expected = board.should_stand()
    expected["Topik 1"] = ["In Progress", f"sandbox/browse/{moved}", WHO]
    assert board.column == expected
    assert {update.plan_run.issue_of(cell) for cell in update.plan_run.status_cells} == {moved}
    board.is_calm()


def test_an_issue_that_cannot_be_read_any_more_leaves_what_stands_there_and_its_row_says_so(board):
    class Blind:
        def __getattr__(self, name):
            return getattr(board.desk.jira, name)

        async def read_states(self, keys, fields):
            return await board.desk.jira.read_states([key for key in keys if key != board.key], fields)

    board.run()
    board.edit(status={"id": "3"})
    result = board.run(jira=Blind())
    assert board.column == board.should_stand()
    [problem] = result.by_row[2].problems
    assert "nothing is carried over to it, and its status columns stay as they are" in problem.message


def test_a_plan_that_is_moved_about_each_time_is_left_to_the_next_pass_with_nothing_lost(board):
    def shuffle():
        board.box.google.sort_rows(board.desk.id, TAB, 2, 4, 1, descending=shuffle.down)
        shuffle.down = not shuffle.down

    shuffle.down = True
    board.edit(status={"id": "3"})
    board.between(shuffle, times=4)
    [told] = warnings(board.run())
    assert "the next run does it" in told
    board.run()
    assert board.column == board.should_stand(**{"Topik 1": "In Progress"})


def test_a_number_that_stood_there_is_replaced_too(board):
    board.write("G2", 5)
    board.box.google.put(board.desk.id, f"{TAB}!G3", Text("=1"))
    board.run()
    assert board.column == board.should_stand()
