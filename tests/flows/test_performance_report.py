"""The report on how fast runs were, made by its flow."""

import asyncio
import datetime as dt
import json
from pathlib import Path

import pytest

from flows.performance_report import performance_report
from lib.files import utc_now
from tests.runs import leave, row


@pytest.fixture
def report(prefect_engine, tmp_path):
    def go(**parameters):
        return asyncio.run(performance_report(output_dir=str(tmp_path), **parameters))

    return go


@pytest.mark.report
def test_the_page_tells_what_the_result_tells_and_leaves_its_own_run_out(report, tmp_path):
    calls = {"calls": 10, "too_many_requests": 3, "repeated": 3, "failed": 0, "task_retries": 2, "seconds": 1.0}
    calls["by_quota"] = {"content-plans-sheets-reads": 7}
    leave(tmp_path, [row(1)], at=utc_now() - dt.timedelta(hours=1), api_calls={"google": calls}, seconds=75)
    result = report(days=1)
    page = (Path(result["run_folder"]) / "performance.html").read_text()
    assert (result.get("error"), result["summary"]["runs"]) == (None, 1)
    assert result["done"] in page
    assert len(result["advice"]) == 4
    assert any("again 2 times" in hint and "RETRY_DELAY_SECONDS" in hint for hint in result["advice"])
    for hint in result["advice"]:
        assert hint in page
    assert [flow["longest_s"] for flow in result["data"]] == [75]
    saved = json.loads((Path(result["run_folder"]) / "result.json").read_text())
    assert [quotas["sheets_reads_per_plan"] for quotas in saved["quotas"]] == [7]
    assert "minutes by the quotas alone" in page
    assert (saved["apis"][0]["too_many_requests"], saved["apis"][0]["task_retries"]) == (3, 2)
    assert saved["metadata"]["source"] == str(tmp_path)


def test_days_that_cannot_be_used_fail_the_run_with_what_to_write(report):
    assert "days: must be 1 or more, not 0" in report(days=0)["error"]
