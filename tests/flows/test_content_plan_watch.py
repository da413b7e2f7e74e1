"""The watch for real: Prefect's engine, the sandbox over HTTP, and in some tests the kernel of the notebook."""

import asyncio
import datetime as dt
import json
import os
from pathlib import Path

import pytest

from flows.content_plan_to_jira import content_plan_to_jira
from flows.content_plan_watch import content_plan_watch
from flows.reporting_flow import exit_code
from lib.exactly_once import plan_lock
from lib.services.jira_api import CHANGE_PROPERTY
from lib.watch import watch_cache
from tests.desk import HEADER, TAB, add_clients
from tests.direct import DirectGoogle, DirectJira, DirectRun, google_api, jira_api

MONTH = "Juli 2026"
READS = ("sheets.spreadsheets.get",)
DRIVE = ("drive.files.list", "drive.files.get")


@pytest.fixture
def clients(services, monkeypatch):
    """As many clients as a test asks for, each with a plan of a few rows; the spreadsheets' ids."""

    def make(count, rows=2):
        listed, plans = add_clients(services.google, count, rows, MONTH)
        monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", listed)
        return plans

    return make


@pytest.fixture
def make(tmp_path):
    """Make the issues with the main flow; their keys."""

    def go():
        given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path / "made")}
        return [record["key"] for record in asyncio.run(content_plan_to_jira(**given))["data"]]

    return go


@pytest.fixture
def made(services, run_clock, tmp_path, opened):
    """Make the issues of these plans with the flow's own steps, without Prefect; their keys."""
    google, jira = (opened(make(services.environment())) for make in (google_api, jira_api))

    def go(*plans):
        runs = [
            DirectRun(
                DirectGoogle(google),
                DirectJira(jira),
                spreadsheet_id=plan,
                folder=tmp_path / f"made-{number}",
                locks=tmp_path / "locks",
                clock=run_clock,
                client=f"Klien {number}",
            )
            for number, plan in enumerate(plans, start=1)
        ]
        return [row.key for run in runs for row in run.run().rows]

    return go


@pytest.fixture
def watch(tmp_path, clock):
    def go(**parameters):
        clock.move(60)
        given = {"target_months": [MONTH], "delay_seconds": (0, 0), "output_dir": str(tmp_path / "seen"), **parameters}
        return asyncio.run(content_plan_watch(**given))

    return go


def comments(services):
    return {issue.key: issue.comments for issue in services.jira.issues if issue.comments}


def calls(services, operations):
    return sum(services.calls(operation) for operation in operations)


def change(services, plan, cell, text):
    services.google.write(plan, f"{TAB}!{cell}", [[text]], typed=False)


@pytest.mark.kernel
def test_a_change_is_told_once_and_no_field_of_the_issue_is_touched(clients, make, watch, services):
    [plan] = clients(1)
    key, _ = make()
    fields = dict(services.jira.issue(key).fields)
    assert watch()["summary"]["flagged"] == 0
    change(services, plan, "E2", "Caption baru")
    first = watch()
    assert exit_code(first) == 2
    [changed] = [record for record in first["data"] if record["outcome"] == "flagged"]
    assert changed["changes"] == [
        {"column": "Caption", "cell": f"'{TAB}'!E2", "old": "Caption 1", "new": "Caption baru"}
    ]
    for full in (False, True):
        again = watch(full=full)
        assert again["summary"]["flagged"] == 1
        assert {issue: len(found) for issue, found in comments(services).items()} == {key: 1}
    [comment] = comments(services)[key]
    assert CHANGE_PROPERTY in comment.properties
    assert "Caption 1 → Caption baru" in json.dumps(comment.body, ensure_ascii=False)
    change(services, plan, "E2", "Caption lain lagi")
    assert watch()["clients"][f"Klien 1, {MONTH}"]["commented"] == [key]
    assert len(comments(services)[key]) == 2
    assert {name: value for name, value in services.jira.issue(key).fields.items() if name != "updated"} == {
        name: value for name, value in fields.items() if name != "updated"
    }


@pytest.mark.kernel
def test_a_row_that_was_refused_says_why_it_has_no_issue(clients, watch, services, tmp_path):
    [plan] = clients(1)
    change(services, plan, "B3", "31 Juni 2026")
    given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path / "seen")}
    made = asyncio.run(content_plan_to_jira(**given))
    [refused] = [record for record in made["data"] if record["outcome"] == "refused"]
    [found] = [record for record in watch()["data"] if record["outcome"] == "flagged"]
    [problem] = found["problems"]
    assert problem["where"] == f"'{TAB}'!B3"
    assert problem["message"] == f"has no issue, since it was refused: {refused['problems'][0]['message']}"


def test_a_pass_knows_whether_the_last_one_told_it_all(clients, made, watch, services):
    plan, other = clients(2)
    made(plan, other)
    change(services, plan, "E2", "Caption baru")
    first, second = watch(), watch()
    assert (first["nothing_new"], second["nothing_new"]) == (False, True)
    assert first["bottom_line"].endswith("1 comment written; 1 finding new since the last pass.")
    assert second["bottom_line"].endswith("0 comments written; 0 findings new since the last pass.")
    services.google.write(plan, f"{TAB}!A9", [[9, "30 Juli 2026", "Story", "Baris baru", ""]], typed=False)
    assert watch(client_names=["Klien 2"])["nothing_new"] is True
    assert watch()["nothing_new"] is False
    unknown = [watch(client_names=["Siapa"]) for _ in range(2)]
    assert [(one["state"], one["nothing_new"]) for one in unknown] == [("failed", False), ("failed", False)]


def test_a_pass_that_could_not_finish_a_plan_makes_no_news_of_what_was_told_before(tmp_path):
    cache = watch_cache.WatchCache(tmp_path, "site")
    assert cache.count_news("Kopi Senja", ["row 5 was changed"], finished=True) == 1
    assert cache.count_news("Kopi Senja", ["Jira answered 503"], finished=False) == 1
    assert cache.count_news("Kopi Senja", ["row 5 was changed"], finished=True) == 0
    assert cache.count_news("Kopi Senja", ["Jira answered 503"], finished=False) == 1


def test_unchanged_plans_cost_two_drive_calls_and_no_reading(clients, watch, services):
    clients(8, rows=1)
    first = watch()
    assert (first["summary"]["rows"], first.get("error")) == (8, None)
    before = calls(services, DRIVE), calls(services, READS)
    second = watch()
    assert {one["state"] for one in second["clients"].values()} == {"unchanged"}
    assert second["summary"]["rows"] == 8
    assert calls(services, DRIVE) - before[0] <= 3
    assert calls(services, READS) - before[1] == 0


def test_what_a_person_should_look_at_is_flagged_and_stays_so(clients, made, watch, services):
    [plan] = clients(1, rows=4)
    keys = made(plan)
    change(services, plan, "F2", "")
    change(services, plan, "F3", keys[3])
    services.google.delete_rows(plan, TAB, 4)
    services.google.write(plan, f"{TAB}!A9", [[9, "30 Juli 2026", "Story", "Baris baru", ""]], typed=False)
    for _ in range(2):
        result = watch()
        found = {record["row"]: "; ".join(p["message"] for p in record["problems"]) for record in result["data"]}
        assert f"has no key, but {keys[0]}" in found[2]
        assert f"{keys[3]} stands in rows 3 and 4" in found[3]
        assert f"{keys[1]} was made from this row" in found[3]
        assert "has no issue; run content-plan-to-jira" in found[9]
        assert f"{keys[2]} ('Topik 3') was made from a row that is not in the plan any more" in found[None]
        counts = result["summary"]
        assert counts["rows"] == 5 == counts["existing"] + counts["flagged"]
    assert comments(services) == {}


@pytest.mark.parametrize("fault", ["reset-after", "503-after", "truncated", "reset-before", "503-before"])
def test_after_a_lost_answer_comments_are_read_before_commenting_again(clients, made, watch, services, fault):
    [plan] = clients(1)
    key, _ = made(plan)
    change(services, plan, "E2", "Caption baru")
    services.fault("addComment", fault)
    lost = watch(settle_seconds=0)
    assert "a later pass looks for it" in lost["clients"][f"Klien 1, {MONTH}"]["problems"][-1]["message"]
    for _ in range(2):
        watch(settle_seconds=0)
    assert {issue: len(found) for issue, found in comments(services).items()} == {key: 1}


def test_an_issue_that_takes_no_comment_does_not_keep_the_others_from_being_told(clients, made, watch, services):
    [plan] = clients(1, rows=3)
    keys = made(plan)
    for row in (2, 3, 4):
        change(services, plan, f"E{row}", f"Caption baru {row}")
    services.fault("addComment", "403")
    first = watch()
    assert first["clients"][f"Klien 1, {MONTH}"]["commented"] == keys[1:]
    assert (first["state"], exit_code(first), first["nothing_new"]) == ("failed", 1, False)
    assert f"{keys[0]}: the change could not be told there" in first["error"]
    [problem] = first["clients"][f"Klien 1, {MONTH}"]["problems"]
    assert (problem["where"], problem["level"]) == (f"'{TAB}'!F2", "error")
    assert "ask for the permission Add Comments" in problem["message"]
    second = watch()
    assert second["clients"][f"Klien 1, {MONTH}"]["commented"] == keys[:1], "a later pass tries it again"
    assert {issue: len(found) for issue, found in comments(services).items()} == dict.fromkeys(keys, 1)


def test_between_comments_a_random_time_passes_and_none_after_the_last(clients, made, watch, services, caplog):
    [plan] = clients(1, rows=3)
    made(plan)
    for row in (2, 4):
        change(services, plan, f"E{row}", f"Caption baru {row}")
    watch(delay_seconds=(0.01, 0.02))
    waited = [
        record.getMessage()
        for record in caplog.records
        if record.getMessage().endswith("before the next comment for Klien 1")
    ]
    assert len(waited) == 1
    assert services.calls("addComment") == 2


def test_a_comment_under_way_is_waited_for(clients, made, watch, services):
    [plan] = clients(1)
    key, _ = made(plan)
    change(services, plan, "E2", "Caption baru")
    services.fault("addComment", "late-apply", delay_s=90)
    watch(settle_seconds=300)
    watch(settle_seconds=300)  # still within the settle time: nothing is sent
    watch(settle_seconds=300)
    assert services.calls("addComment") == 1
    assert {issue: len(found) for issue, found in comments(services).items()} == {key: 1}


def test_a_plan_that_a_run_works_on_is_left_for_the_next_pass(clients, watch, services):
    [plan] = clients(1)
    other = plan_lock.Holder(dt.datetime(2026, 6, 25, tzinfo=dt.UTC), "0" * 12, "1" * 12, None, "komputerlain")
    services.google.edit(plan, plan_lock.request_lock(other, 0))
    result = watch()
    told = result["clients"][f"Klien 1, {MONTH}"]
    assert (told["state"], told.get("error")) == ("busy", None)
    assert "a run on komputerlain, since 2026-06-25T00:00:00Z works on it" in told["problems"][0]["message"]
    assert "sedang dikerjakan proses di komputerlain, sejak 2026-06-25T00:00:00Z; " in told["problems"][0]["indonesian"]
    services.google.edit(plan, plan_lock.request_unlock(other.range_name, ()))
    assert watch()["clients"][f"Klien 1, {MONTH}"]["state"] == "compared"


def test_nothing_is_written_to_a_plan_and_a_lost_cache_costs_one_pass(clients, made, watch, services, tmp_path):
    [plan] = clients(1)
    made(plan)
    before = services.google.grid(plan, TAB), services.google.files[plan].version
    watch()
    (tmp_path / "seen" / watch_cache.FILE).write_text("{")
    assert watch()["clients"][f"Klien 1, {MONTH}"]["state"] == "compared"
    assert (services.google.grid(plan, TAB), services.google.files[plan].version) == before


def test_a_missing_plan_is_no_failure_and_a_wrong_month_is(clients, watch):
    clients(1)
    result = watch(target_months=[MONTH, "Agustus 2026"])
    assert result.get("error") is None
    assert result["clients"]["Klien 1, Agustus 2026"]["state"] == "no plan"
    assert "target_months" in watch(target_months=["Julember"])["error"]


@pytest.mark.kernel
def test_the_run_folder_holds_the_executed_notebook_beside_its_json(clients, make, watch):
    clients(1)
    make()
    folder = Path(watch()["run_folder"]) / "klien-1-juli-2026"
    assert sorted(path.name for path in folder.iterdir()) == [
        "01_rows.json",
        "02_issues.json",
        "03_findings.json",
        "content_plan_watch.ipynb",
    ]


def test_two_passes_at_once_are_refused(clients, watch):
    clients(1)
    lock = plan_lock.LocalLock(f"content-plan-watch {os.environ['CLIENTS_SPREADSHEET_ID']}")
    lock.acquire("test")
    result = watch()
    assert "another run on this machine works on it" in result["error"]
    assert "sedang dikerjakan proses lain di mesin ini, sejak baru saja" in result["errors"][0]["indonesian"]
    lock.release()


assert HEADER[4:] == ["Caption", "Key"], "the cells that these tests change"
