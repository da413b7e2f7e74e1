import datetime as dt
import json
import os

import pytest

from lib.errors import FixInputError
from lib.run import run_record
from tests import odd, runs


def test_a_run_is_read_back(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(3), runs.row(4, "refused")])
    record = run_record.read(folder)
    assert (record.flow, record.state, record.months) == ("content-plan-to-jira", "completed", ["Juli 2026"])
    assert (record.counts["rows"], record.counts["created"], record.counts["refused"]) == (2, 1, 1)
    assert record.client_names == ["Kopi Senja"]
    assert record.duration_s == 12
    assert [row["row"] for row in record.rows] == [3, 4]


def test_of_an_output_folder_the_newest_finished_run_is_read(tmp_path):
    runs.leave(tmp_path, [runs.row(1)])
    newest = runs.leave(tmp_path, [runs.row(1)])
    (tmp_path / "20260625_020000_content-plan-to-jira").mkdir()
    assert newest.name.endswith("_2")
    assert run_record.read(tmp_path).folder == newest


def test_the_head_of_a_run_is_its_result_without_the_rows(tmp_path):
    planted = '\n  "data": [ is no beginning'
    rows = [runs.row(n, topic="x" * 200, problems=[runs.problem(planted)]) for n in range(2000)]
    folder = runs.leave(tmp_path, rows, error=planted)
    head, whole = run_record.read_head(folder), run_record.read(folder)
    assert head.rows == []
    assert {k: v for k, v in head.result.items() if k != "data"} == {
        k: v for k, v in whole.result.items() if k != "data"
    }


@pytest.mark.parametrize("content", [None, "{", "[]", '{"metadata": 1'])
@pytest.mark.parametrize("read", [run_record.read, run_record.read_head])
def test_a_folder_without_a_result_is_refused_with_its_path(tmp_path, content, read):
    folder = tmp_path / "20260625_010000_content-plan-to-jira"
    folder.mkdir()
    if content is not None:
        (folder / "result.json").write_text(content)
    with pytest.raises(FixInputError, match=r"result\.json"):
        read(folder)


def test_runs_are_listed_newest_first_and_nothing_else_is(tmp_path):
    names = [
        "20260625_010000_content-plan-to-jira",
        "20260625_010000_content-plan-to-jira_2",
        "20260625_010000_content-plan-to-jira_10",
        "20260624_235959_content-plan-watch",
    ]
    for name in (*names, "scratch", "archive", "20260625_content-plan-to-jira"):
        (tmp_path / name).mkdir()
    (tmp_path / "20260625_010000_content-plan-check").write_text("a file")
    assert [path.name for path in run_record.run_folders(tmp_path)] == [names[2], names[1], names[0], names[3]]
    assert run_record.begun_at(tmp_path / names[2]) == dt.datetime(2026, 6, 25, 1, tzinfo=dt.UTC)
    assert run_record.flow_of(tmp_path / names[2]) == "content-plan-to-jira"


def test_how_each_notebook_ended_is_read_from_its_copy(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(1)])
    ended = {"status": "kernel died", "duration_s": 1.5, "cells": 20, "failed_cell": 7, "error": "DeadKernelError"}
    for client, metadata in {"a": {"run": ended}, "b": {}}.items():
        (folder / client).mkdir()
        (folder / client / "content_plan_to_jira.ipynb").write_text(json.dumps({"metadata": metadata, "cells": []}))
    first, second = run_record.read(folder).notebooks
    assert (first.client, first.status, first.failed_cell, first.error) == ("a", "kernel died", 7, "DeadKernelError")
    assert second.status == "did not end"


@pytest.mark.parametrize("name", ["output", "."])
def test_an_output_folder_without_a_finished_run_says_how_to_make_one(tmp_path, name):
    with pytest.raises(FixInputError, match=r"no run has finished here; make one \(`make demo`\)"):
        run_record.read(tmp_path / name)


@pytest.mark.parametrize(("make", "why"), odd.UNREADABLE.values(), ids=odd.UNREADABLE)
@pytest.mark.parametrize("read", [run_record.read, run_record.read_head])
def test_a_result_that_cannot_be_used_is_refused_with_its_path(tmp_path, make, why, read):
    make(tmp_path)
    with pytest.raises(FixInputError, match=r"result\.json"):
        read(tmp_path / odd.NAME)


def test_of_an_output_folder_the_newest_run_that_can_be_read_is_read(tmp_path):
    good = runs.leave(tmp_path, [runs.row(1)], at=runs.START - dt.timedelta(days=400))
    odd.leave_all(tmp_path)
    assert run_record.read(tmp_path).folder == good


@pytest.mark.parametrize(
    "content", ["[]", '{"metadata": []}', '{"metadata": {"run": 5}}', "[" * 200_000, None], ids=range(5)
)
def test_a_notebook_that_cannot_be_read_did_not_end(tmp_path, content):
    folder = runs.leave(tmp_path, [runs.row(1)])
    (folder / "a").mkdir()
    path = folder / "a/content_plan_to_jira.ipynb"
    path.write_text(content) if content is not None else os.mkfifo(path)
    [ending] = run_record.read(folder).notebooks
    assert ending.status == "did not end"


def test_a_run_is_found_by_its_flow_run_beside_folders_that_cannot_be_read(tmp_path):
    odd.leave_all(tmp_path)
    wanted = runs.leave(tmp_path, [runs.row(1)], flow_run_id="abc")
    found = run_record.find_flow_run(tmp_path, "abc", runs.START - dt.timedelta(days=900))
    assert found is not None
    assert found.folder == wanted
