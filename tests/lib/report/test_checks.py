"""The checks of a plan with their counts, those that found nothing too; the counts of each add up to what it looked at."""

from lib.report import checks
from lib.run import run_record
from tests import runs

CELLS = [
    ["Tanggal", "Bentuk", "Topik", "Caption", "Key"],
    *([f"{n} Juli 2026", "Post", f"T{n}", "c", ""] for n in (1, 2, 3)),
]


def draft(row, *problems):
    return {"row": row, "fields": None, "problems": list(problems)}


def leave(tmp_path, rows, drafts=(), **plan):
    folder = runs.leave(tmp_path, rows, plans={"Kopi Senja": {"folder": "kopi-senja", **plan}})
    if drafts:
        runs.leave_plan(folder, "Kopi Senja", CELLS, drafts)
    return {one.of: (one.passed, one.odd, one.stopped) for one in checks.read(run_record.read(folder), "Kopi Senja")}


def test_each_row_counts_once_in_each_check_by_the_worst_that_was_found(tmp_path):
    odd = runs.problem("lies outside", "'Juli'!A3", level="warning")
    wrong = [runs.problem("no day", "'Juli'!A4"), runs.problem("odd, too", "'Juli'!A4", level="warning")]
    formula = runs.problem("#REF!", "'Juli'!D4")
    drafts = [draft(2), draft(3, odd), draft(4, *wrong, formula)]
    found = leave(
        tmp_path, [runs.row(2), runs.row(3, "existing"), runs.row(4, "refused", problems=[*wrong, formula])], drafts
    )
    assert found["Tanggal"] == (1, 1, 1)
    assert found["Bentuk"] == found["Topik"] == (3, 0, 0)
    assert found["other columns"] == (2, 0, 1)
    assert found["Key"] == (3, 0, 0)
    assert "Waktu" not in found, "the plan has no such column"


def test_jira_is_asked_about_rows_that_were_sent(tmp_path):
    refusal = runs.problem("Jira: no", "'Juli'!E3", kind="rejected")
    copied = runs.problem("is on two rows", "'Juli'!E4")
    rows = [runs.row(2), runs.row(3, "rejected", problems=[refusal]), runs.row(4, "flagged", problems=[copied])]
    found = leave(tmp_path, rows, [draft(2), draft(3), draft(4)])
    assert found["Jira"] == (1, 0, 1)
    assert found["Key"] == (2, 0, 1)
    assert "Jira" not in leave(tmp_path, [runs.row(2, "existing")], [draft(2)])


def test_a_plan_as_a_whole_is_one(tmp_path):
    quota = runs.problem("20 rows of form Story", "'Juli'", level="warning")
    missing = runs.problem("there is no entry", "hashmap.py COMPONENTS", level="warning", kind="mapping")
    found = leave(tmp_path, [runs.row(2)], [draft(2)], problems=[quota, missing])
    assert (found["the plan as a whole"], found["mappings"], found["Jira's site"]) == ((0, 1, 0), (0, 1, 0), (1, 0, 0))


def test_a_run_that_was_stopped_before_the_checks_has_none(tmp_path):
    assert leave(tmp_path, [runs.row(2)], error="no access") == {}
