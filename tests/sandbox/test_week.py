"""The week that people spend at a plan whose issues were made, for `make demo-update`."""

from pathlib import Path

import pytest

from sandbox import week
from sandbox.google.a1 import column_letters
from sandbox.seed.seed_plans import TINI

ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(box):
    """Each row of the plan has an issue, whose key stands in it."""
    key = column_letters(TINI.columns.index("Key"))
    document = {"type": "doc", "version": 1, "content": []}
    for row in range(2, 10):
        issue = box.jira.add_issue("CP", {"summary": f"Baris {row}", "description": document})
        box.google.write(TINI.spreadsheet_id, f"'{TINI.tab}'!{key}{row}", [[issue.key]], typed=False)
    return box


def test_people_edit_the_plan_and_its_issues(made):
    keys = [row[TINI.columns.index("Key")] for row in made.google.grid(TINI.spreadsheet_id, TINI.tab)]
    before = made.google.grid(TINI.spreadsheet_id, TINI.tab)
    did = week.happen(made.google, made.jira)
    after = made.google.grid(TINI.spreadsheet_id, TINI.tab)
    assert [n for n in range(len(before)) if before[n] != after[n]] == [1, 2, 3, 4, 6]
    assert [key for key in keys[1:] if made.jira.issue(key).histories] == [keys[3], keys[4], keys[5], keys[6]]
    assert len(did) == 9


def test_it_needs_a_plan_whose_issues_were_made(box, tmp_path, capsys):
    with pytest.raises(ValueError, match="has no issues yet"):
        week.happen(box.google, box.jira)
    assert week.play(str(tmp_path / "state.json")) == 1
    assert capsys.readouterr().err.startswith(f"error: {tmp_path}/state.json: ")
