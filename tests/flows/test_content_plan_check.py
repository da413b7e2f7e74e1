"""The check for real: everything that could go wrong is named, and nothing is written."""

import asyncio

import pytest

import hashmap
from flows.content_plan_check import content_plan_check
from flows.reporting_flow import exit_code
from sandbox.seed import seed

WRITES = ("sheets.spreadsheets.batchUpdate", "sheets.spreadsheets.values.batchUpdate", "createIssues", "addComment")


@pytest.fixture
def check(services, tmp_path):
    def go(**parameters):
        given = {"target_month": seed.MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path), **parameters}
        return asyncio.run(content_plan_check(**given))

    return go


def told(problems):
    return "\n".join(f"{p['client']} {p['where']} {p['message']}" for p in problems)


def test_a_month_is_checked_with_cells_and_nothing_is_written(check, services):
    before = {plan: services.google.files[plan].version for plan in services.google.spreadsheets}
    result = check(client_names=["Toko Rimba", "Warung Bu Tini / Cabang 2"])
    assert exit_code(result) == 2
    assert result.get("error") is None
    assert "Toko Rimba 'Content Plan'!E5 'Reels' is not a content form" in told(result["blocking"])
    assert "Toko Rimba 'Content Plan' 5 rows of form short video" in told(result["warnings"])
    assert "hashmap.py COMPONENTS there is no entry for 'Warung Bu Tini / Cabang 2'" in told(result["warnings"])
    assert "hashmap.py, FIELD_ASSOCIATE['Warung Bu Tini / Cabang 2']" in told(result["warnings"])
    assert [operation for operation in WRITES if services.calls(operation)] == []
    assert {plan: services.google.files[plan].version for plan in services.google.spreadsheets} == before


def test_ids_that_the_site_does_not_have_block(check, monkeypatch):
    monkeypatch.setitem(hashmap.COMPONENTS, "Kopi Senja", "99999")
    monkeypatch.setitem(hashmap.WORKERS, "Editor Utara", "712020:unknown")
    monkeypatch.setitem(hashmap.CUSTOM_FIELDS, "Start Date", "customfield_99999")
    found = told(check(client_names=["Klinik Gigi Cemara"])["blocking"])
    assert "hashmap.py, COMPONENTS['Kopi Senja'] project CP has no component 99999" in found
    assert "hashmap.py, WORKERS['Editor Utara'] the account 712020:unknown does not exist" in found
    assert "hashmap.py, CUSTOM_FIELDS['Start Date'] the site has no field customfield_99999" in found


def test_a_field_that_the_create_screen_lacks_blocks(check, services):
    [screen] = [kind for kind in services.jira.state.projects["CP"].issue_types if kind.id == "10001"]
    screen.screen.remove("customfield_10015")
    found = check(client_names=["Klinik Gigi Cemara", "Kopi Senja"])
    assert "Start Date (customfield_10015) is not on the create screen" in told(found["blocking"])
    [problem] = [one for one in found["blocking"] if "customfield_10015" in one["message"]]
    assert (problem["client"], problem["kind"]) == ("", "site"), "it is the project's, and no client's"
    assert {one["client"] for one in found["blocking"] if one["kind"] == "cell"} == {"Kopi Senja"}


def test_a_worker_who_cannot_be_assigned_is_named_before_any_issue_is_made(check, services):
    services.jira.state.projects["CP"].not_assignable.append(hashmap.WORKERS["Associate Sore"])
    found = check(client_names=["Klinik Gigi Cemara", "Toko Rimba"])
    [problem] = [one for one in found["warnings"] if "cannot be assigned" in one["message"]]
    assert (problem["client"], problem["where"]) == ("", "hashmap.py, WORKERS['Associate Sore']")
    assert services.calls("findAssignableUsers") == 1


@pytest.mark.parametrize("operation", ["getCurrentUser", "sheets.spreadsheets.get"])
def test_an_outage_that_passes_is_outlasted_by_the_tasks_as_in_any_other_flow(check, services, operation):
    """A task's call is tried five times, and the task itself run again."""
    services.fault(operation, "503-before", times=6)
    result = check(client_names=["Klinik Gigi Cemara"])
    assert result.get("error") is None


def test_wrong_credentials_of_both_services_are_told_at_once(check, monkeypatch):
    monkeypatch.setenv("JIRA_TOKEN", "wrong")
    monkeypatch.setenv("GOOGLE_REFRESH_TOKEN", "wrong")
    result = check()
    assert exit_code(result) == 1
    assert "JIRA_TOKEN" in result["error"]
    assert "Google" in result["error"]
    assert [(error["service"], error["kind"]) for error in result["errors"]] == [
        ("google", "credentials"),
        ("jira", "credentials"),
    ]


def test_a_missing_permission_blocks(check, services):
    services.jira.state.projects["CP"].permissions.remove("CREATE_ISSUES")
    result = check(client_names=["Klinik Gigi Cemara"])
    assert "CREATE_ISSUES" in told(result["blocking"])


def test_a_client_without_a_plan_is_an_error_and_the_others_are_checked(check):
    result = check(target_month="Juni 2027", client_names=["Toko Rimba"])
    assert exit_code(result) == 1
    assert "has no spreadsheet named 'Content Plan - Toko Rimba - Juni 2027'" in result["error"]
