"""What runs took, added up from the folders that they left."""

import datetime as dt
import json

import pytest

from lib.errors import FixInputError
from lib.report import performance
from tests.runs import START, leave, row

UNTIL = START + dt.timedelta(days=1)


def plan(*, seconds=None, batches=(), **more):
    return {
        "seconds": seconds or {},
        "batches": [{"rows": rows, "seconds": took} for rows, took in batches],
        **more,
    }


def calls(count, *, refused=0, failed=0, seconds=1.0, **more):
    return {
        "calls": count,
        "too_many_requests": refused,
        "repeated": refused,
        "failed": failed,
        "seconds": seconds,
        **more,
    }


def sheets(reads, writes):
    return {"content-plans-sheets-reads": reads, "content-plans-sheets-writes": writes, "content-plans-drive": 2}


def seen(tmp_path, days=7):
    return performance.read(tmp_path, days, UNTIL)


def test_durations_and_endings_are_told_for_each_flow(tmp_path):
    for number, seconds in enumerate((10, 20, 90)):
        leave(tmp_path, [row(1), row(2)], seconds=seconds, at=START + dt.timedelta(hours=number))
    leave(tmp_path, [], flow="content-plan-check", seconds=5, error="Jira: no")
    check, main = seen(tmp_path).flows
    assert (check["flow"], check["runs"], check["failed"]) == ("content-plan-check", 1, 1)
    assert (main["runs"], main["completed"], main["failed"]) == (3, 3, 0)
    assert (main["median_s"], main["longest_s"], main["p95_s"]) == (20, 90, 83)
    assert main["rows_per_minute"] == 3  # 6 rows in 2 minutes


def test_only_runs_within_the_days_count_and_those_without_a_result_are_named(tmp_path):
    leave(tmp_path, [row(1)], at=UNTIL - dt.timedelta(days=7, seconds=1))
    leave(tmp_path, [row(1)], at=UNTIL - dt.timedelta(days=7))
    leave(tmp_path, [row(1)], at=UNTIL)
    (tmp_path / "20260625_020000_content-plan-watch").mkdir()
    found = seen(tmp_path)
    assert (found.runs, found.unfinished) == (1, ["20260625_020000_content-plan-watch"])


def test_the_longest_step_comes_first_with_its_slowest_plan(tmp_path):
    rows = [row(1), row(1, client="Toko Rimba")]
    plans = {
        "Kopi Senja": plan(seconds={"read the plan": 1.0, "run the notebook": 4.0}),
        "Toko Rimba": plan(seconds={"read the plan": 2.0, "run the notebook": 9.0}),
    }
    folder = leave(tmp_path, rows, plans=plans)
    notebook, reading = seen(tmp_path).steps
    assert notebook["step"] == "run the notebook"
    assert (notebook["plans"], notebook["total_s"], notebook["share"]) == (2, 13, "81%")
    assert (reading["median_s"], reading["longest_s"]) == (1.5, 2)
    assert notebook["slowest"] == f"Toko Rimba, {folder.name}"


def test_a_plan_made_on_a_worker_counts_once_with_its_own_run(tmp_path):
    own = plan(seconds={"read the plan": 3.0}, batches=[(1, 1.0)])
    child = leave(tmp_path, [row(1)], plans={"Kopi Senja": own})
    spread = {"Kopi Senja": {**own, "run": child.name}}
    leave(tmp_path, [row(1)], plans=spread, parameters={"dispatch": "workers"}, at=START + dt.timedelta(hours=1))
    found = seen(tmp_path)
    assert found.steps[0]["total_s"] == 3
    assert found.batches[0]["batches"] == 1
    assert {flow["flow"]: flow["rows_per_minute"] > 0 for flow in found.flows} == {
        "content-plan-to-jira": True,
        "content-plan-to-jira (on workers)": False,
    }


def test_calls_are_added_up_for_each_service_and_the_busiest_run_is_named(tmp_path):
    leave(tmp_path, [row(1)], seconds=60, api_calls={"google": calls(30, seconds=3.0)})
    busy = leave(
        tmp_path,
        [row(1)],
        seconds=60,
        at=START + dt.timedelta(hours=1),
        api_calls={"google": calls(90, refused=2, failed=1, seconds=9.0)},
    )
    [google] = seen(tmp_path).apis
    assert (google["runs"], google["calls"], google["too_many_requests"], google["failed"]) == (2, 120, 2, 1)
    assert (google["mean_ms"], google["busiest_per_minute"], google["busiest_run"]) == (100, 90, busy.name)


def test_the_calls_of_a_plan_and_the_minutes_that_the_quotas_take_are_told(tmp_path):
    rows = [row(1), row(1, client="Toko Rimba")]
    few = {"google": calls(24, by_quota=sheets(14, 8)), "jira": calls(20)}
    many = {"google": calls(316, by_quota=sheets(180, 134)), "jira": calls(60)}
    leave(tmp_path, rows, seconds=60, api_calls=few)
    busy = leave(tmp_path, rows, seconds=240, at=START + dt.timedelta(hours=1), api_calls=many)
    leave(tmp_path, rows, at=START + dt.timedelta(hours=2), api_calls={"google": calls(900)})  # counted no quota yet
    [quotas] = seen(tmp_path).quotas
    assert (quotas["flow"], quotas["runs"], quotas["plans"]) == ("content-plan-to-jira", 2, 4)
    assert (quotas["google_per_plan"], quotas["jira_per_plan"]) == (85, 20)
    assert (quotas["sheets_reads_per_plan"], quotas["sheets_writes_per_plan"]) == (48.5, 35.5)
    assert (quotas["quota_minutes"], quotas["of_minutes"], quotas["most_in_run"]) == (3, 4, busy.name)


def test_batches_are_told_by_size_and_pace(tmp_path):
    leave(tmp_path, [row(1)], plans={"Kopi Senja": plan(batches=[(45, 2.0), (45, 2.0), (10, 1.0)])})
    [batches] = seen(tmp_path).batches
    assert (batches["batches"], batches["rows"], batches["largest_rows"]) == (3, 100, 45)
    assert (batches["median_rows_but_last"], batches["rows_per_s"]) == (45, 20)


@pytest.mark.parametrize(
    ("run", "advice"),
    [
        pytest.param({}, "There are few runs (1)", id="few-runs"),
        pytest.param({"error": "Jira: no"}, "1 of 1 runs of content-plan-to-jira failed", id="failed"),
        pytest.param({"api_calls": {"google": calls(10, refused=2)}}, "content-plans-drive", id="429-google"),
        pytest.param({"api_calls": {"jira": calls(10, refused=2)}}, "content-plans-jira-writes", id="429-jira"),
        pytest.param({"api_calls": {"jira": calls(10, failed=2)}}, "2 of 10 calls of jira failed", id="failing"),
        pytest.param(
            {"seconds": 240, "api_calls": {"google": calls(316, by_quota=sheets(180, 134))}},
            "Sheets' quotas alone take 3 of the 4 minutes",
            id="quotas",
        ),
        pytest.param({"flow": "content-plan-watch", "seconds": 1200}, "takes up to 20 minutes", id="slow-watch"),
        pytest.param(
            {"plans": {"Kopi Senja": plan(seconds={"run the notebook": 9.0, "read the plan": 1.0})}},
            "90% of the time of all steps is spent on “run the notebook”",
            id="long-step",
        ),
        pytest.param(
            {"plans": {"Kopi Senja": plan(batches=[(10, 1.0), (10, 1.0)])}}, "hold 10 rows where 45 fit", id="halves"
        ),
    ],
)
def test_what_stands_out_is_advised(tmp_path, run, advice):
    leave(tmp_path, [row(1)], **run)
    assert any(advice in hint for hint in seen(tmp_path).advice)


def test_nothing_is_advised_where_nothing_stands_out(tmp_path):
    even = plan(seconds={"read the plan": 1.0, "run the notebook": 1.0}, batches=[(45, 1.0), (3, 1.0)])
    for hour in range(performance.FEW_RUNS):
        leave(
            tmp_path,
            [row(1)],
            at=START + dt.timedelta(hours=hour),
            plans={"Kopi Senja": even},
            api_calls={"google": calls(10), "jira": calls(10)},
        )
    assert seen(tmp_path).advice == []


def test_runs_of_before_their_calls_were_counted_are_read_all_the_same(tmp_path):
    leave(tmp_path, [row(1)])
    found = seen(tmp_path)
    assert (found.runs, found.apis, found.quotas, found.batches) == (1, [], [], [])


def test_no_run_at_all_is_said_too(tmp_path):
    found = performance.read(tmp_path / "nowhere", 7, UNTIL)
    assert (found.runs, found.flows, found.steps) == (0, [], [])


def test_a_result_without_its_times_is_named_and_hides_no_other_run(tmp_path):
    leave(tmp_path, [row(1)])
    altered = leave(tmp_path, [row(1)], at=START + dt.timedelta(hours=1)) / "result.json"
    kept = {name: value for name, value in json.loads(altered.read_text()).items() if name != "end_time"}
    altered.write_text(json.dumps(kept))
    found = seen(tmp_path)
    assert (found.runs, found.unfinished) == (1, [altered.parent.name])


def test_days_before_the_calendar_begins_are_refused(tmp_path):
    with pytest.raises(FixInputError, match="write 365 for a year"):
        seen(tmp_path, days=1_000_000)


def test_days_that_cannot_be_used_are_refused(tmp_path):
    with pytest.raises(FixInputError, match="must be 1 or more, not 0"):
        seen(tmp_path, days=0)
