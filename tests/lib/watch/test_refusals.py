"""What the watch says of a row without an issue, when a run refused it as it stands."""

import datetime as dt

from lib.errors import FixInputError
from lib.plan import rows_file
from lib.watch import plan_watch
from lib.watch.refusals import Refusals
from tests import runs
from tests.lib.plans import plan, row
from tests.lib.watch.test_plan_watch import made_from

WRONG = runs.problem("'31 Juni 2026' is no day of the calendar; write day, month and year", "'Juli'!B3")
MAKES = "run content-plan-to-jira, which makes it or says what is wrong with the row"


def keyed(cells):
    return [*cells[:-1], "CP-1"]


BEFORE = plan(keyed(row(1, "Satu")), row(2, "Dua", date="31 Juni 2026"))


def refused(output, read=BEFORE, problem=WRONG, outcome="refused", **more):
    """A run that read the plan and refused its second row."""
    rows = [runs.row(2, "existing"), runs.row(3, outcome, problems=[problem])]
    for one in rows:
        one["spreadsheet_id"] = read.spreadsheet_id
    known = {"Kopi Senja": {"folder": "kopi-senja", "spreadsheet_id": read.spreadsheet_id}}
    folder = runs.leave(output, rows, plans=known, **more)
    rows_file.save(read, folder / "kopi-senja/01_rows.json", workflow="flow")
    return folder


def said(output, now=BEFORE):
    """What the watch says of the plan's last row, and in which cell."""
    found = plan_watch.compare(now, made_from(now)[:1])
    [problem] = Refusals(output, "content-plan-watch").explain(now, found).data[-1].problems
    return problem.where, problem.message


def test_a_row_that_was_refused_as_it_stands_says_why(tmp_path):
    refused(tmp_path)
    assert said(tmp_path) == ("'Juli'!B3", f"has no issue, since it was refused: {WRONG['message']}")


def test_it_is_known_by_its_content_in_whatever_row_it_stands(tmp_path):
    refused(tmp_path)
    moved = plan(keyed(row(1, "Satu")), keyed(row(3, "Tiga")), row(2, "Dua", date="31 Juni 2026"))
    found = plan_watch.compare(moved, made_from(BEFORE)[:1])
    [problem] = Refusals(tmp_path, "content-plan-watch").explain(moved, found).data[2].problems
    assert problem.where == "'Juli'!B4"


def test_a_row_that_was_corrected_since_is_sent_to_the_flow_that_says_more(tmp_path):
    refused(tmp_path)
    assert said(tmp_path, plan(keyed(row(1, "Satu")), row(2, "Dua")))[1] == f"has no issue; {MAKES}"


def test_so_is_one_that_was_not_refused(tmp_path):
    refused(tmp_path, outcome="rejected")
    assert said(tmp_path)[1] == f"has no issue; {MAKES}"


def test_so_is_one_of_a_run_whose_rows_are_not_there_any_more(tmp_path):
    (refused(tmp_path) / "kopi-senja/01_rows.json").unlink()
    assert said(tmp_path)[1] == f"has no issue; {MAKES}"


def test_passes_of_the_watch_and_other_plans_are_not_asked(tmp_path):
    refused(tmp_path, flow="content-plan-watch")
    other = BEFORE.model_copy(update={"spreadsheet_id": "another"})
    refused(tmp_path, read=other)
    assert said(tmp_path)[1] == f"has no issue; {MAKES}"


def test_a_run_that_cannot_be_read_is_passed_over(tmp_path):
    refused(tmp_path)
    (refused(tmp_path, at=runs.START + dt.timedelta(hours=1)) / "result.json").write_text("{")
    assert said(tmp_path)[0] == "'Juli'!B3"


def test_no_run_is_read_where_every_row_has_its_issue(tmp_path, monkeypatch):
    def never(_folder):
        raise FixInputError("a run", "was read")

    refused(tmp_path)
    monkeypatch.setattr("lib.run.run_record.run_folders", never)
    now = plan(keyed(row(1, "Satu")))
    assert Refusals(tmp_path, "w").explain(now, plan_watch.compare(now, made_from(now))).data[0].problems == []
