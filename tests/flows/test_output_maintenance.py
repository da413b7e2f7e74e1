"""Upkeep of the output folder, as a flow."""

import asyncio
import datetime as dt
import json
from pathlib import Path

import pytest

from flows.output_maintenance import output_maintenance
from lib.files import utc_now
from tests import odd, runs


@pytest.mark.report
def test_old_runs_become_zip_files_and_the_report_says_so(prefect_engine, tmp_path):
    old = runs.leave(tmp_path, [runs.row(1)], at=utc_now() - dt.timedelta(days=91))
    young = runs.leave(tmp_path, [runs.row(1)], at=utc_now() - dt.timedelta(days=80))
    left = tmp_path / ".20260101_010000_content-plan-to-jira.removing"
    left.mkdir()
    result = asyncio.run(output_maintenance(output_dir=str(tmp_path)))
    assert result.get("error") is None
    assert {record["run"]: record["became"] for record in result["data"]} == {old.name: "archived", young.name: "kept"}
    assert (tmp_path / "archive" / f"{old.name}.zip").exists()
    assert not old.exists()
    assert not left.exists()
    assert young.exists()
    assert "1 runs were archived, 1 are kept" in (Path(result["run_folder"]) / "audit.html").read_text()
    assert old.name not in (tmp_path / "index.html").read_text()
    saved = json.loads((Path(result["run_folder"]) / "result.json").read_text())
    assert saved["metadata"]["source"] == str(tmp_path), "what was read, and no client list"


def test_an_archive_in_the_way_is_told_and_stops_no_other(prefect_engine, tmp_path):
    ages = (92, 91)
    first, second = (runs.leave(tmp_path, [runs.row(1)], at=utc_now() - dt.timedelta(days=age)) for age in ages)
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / f"{first.name}.zip").write_bytes(b"no zip")
    result = asyncio.run(output_maintenance(output_dir=str(tmp_path)))
    assert first.name in result["error"]
    assert (first.exists(), second.exists()) == (True, False)


def test_a_day_of_nothing_is_refused(prefect_engine, tmp_path):
    result = asyncio.run(output_maintenance(keep_days=0, output_dir=str(tmp_path)))
    assert "must be at least 1" in result["error"]


def test_odd_entries_stop_neither_the_archiving_nor_the_index_and_are_named(prefect_engine, tmp_path):
    names = odd.leave_all(tmp_path)
    old = runs.leave(tmp_path, [runs.row(1)], at=utc_now() - dt.timedelta(days=91))
    result = asyncio.run(output_maintenance(output_dir=str(tmp_path)))
    assert result.get("error") is None
    became = {record["run"]: record["became"] for record in result["data"]}
    assert became == {**dict.fromkeys(names, "kept"), old.name: "archived"}
    assert f"Look at what cannot be read there: {names[0]}, " in result["done"]
    assert f"and {len(names) - 5} more" in result["done"]
    html = (tmp_path / "index.html").read_text()
    assert html.count('<td class="state">unreadable') == len(odd.UNREADABLE)
    assert html.count("<li><code>") == len(odd.NO_RUNS)
    assert Path(result["run_folder"]).name in html


def test_two_upkeeps_at_once_archive_each_run_once_and_neither_fails(prefect_engine, tmp_path):
    ages = range(91, 97)
    old = {runs.leave(tmp_path, [runs.row(1)], at=utc_now() - dt.timedelta(days=age)).name for age in ages}

    async def both():
        return await asyncio.gather(*(output_maintenance(output_dir=str(tmp_path)) for _ in range(2)))

    results = asyncio.run(both())
    assert [result.get("error") for result in results] == [None, None]
    gone = [one["run"] for result in results for one in result["data"] if one["became"] == "archived"]
    assert sorted(gone) == sorted(old)
