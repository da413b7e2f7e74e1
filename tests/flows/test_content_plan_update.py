"""The update for real: Prefect's engine, the sandbox over HTTP, and in one test the kernel and the report."""

import asyncio
import json
import os
from collections import Counter
from pathlib import Path

import pytest

from flows import printing, rerun
from flows.compare import compare_runs
from flows.content_plan_to_jira import content_plan_to_jira
from flows.content_plan_update import content_plan_update
from flows.reporting_flow import exit_code
from flows.resolve import content_plan_resolve
from lib.run import run_record
from tests.desk import HEADER, TAB, add_clients

MONTH = "Juli 2026"


@pytest.fixture
def plans(services, monkeypatch, tmp_path):
    """Two clients, whose issues are made; the spreadsheets' ids."""
    listed, made = add_clients(services.google, 2, 2, MONTH)
    monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", listed)
    given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path / "made")}
    assert asyncio.run(content_plan_to_jira(**given))["summary"]["created"] == 4
    return made


@pytest.fixture
def update(services, tmp_path):
    def go(**parameters):
        services.clock.move(60)  # so that the search index shows what was done before
        given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path / "updated"), **parameters}
        return asyncio.run(content_plan_update(**given))

    return go


def write(services, plan, cell, text):
    services.google.write(plan, f"{TAB}!{cell}", [[text]], typed=False)


def key_of(services, plan, row):
    """The key of the row's issue; which client's come first differs from run to run."""
    return services.google.grid(plan, TAB)[row - 1][HEADER.index("Key")]


def counts(result):
    return {name: n for name, n in result["summary"].items() if isinstance(n, int) and n}


def test_changes_are_foreseen_then_carried_over_and_then_nothing_is_left(plans, update, services):
    write(services, plans[0], "D2", "Topik baru")
    before = services.google.files[plans[0]].version
    foreseen = update(validate_only=True)
    assert (counts(foreseen), exit_code(foreseen)) == ({"rows": 4, "existing": 3, "ready": 1}, 0)
    assert "1 row has changes that were not sent" in foreseen["bottom_line"]
    assert (services.calls("editIssue"), services.google.files[plans[0]].version) == (0, before)
    done = update()
    assert (counts(done), exit_code(done)) == ({"rows": 4, "existing": 3, "updated": 1}, 0)
    record = done["data"][0]
    values = {"sent": "'Topik 1'", "plan": "'Topik baru'", "jira": "'Topik 1'"}
    assert foreseen["data"][0]["fields"] == [{"field": "summary", "cell": "'Juli'!D2", "state": "waiting", **values}]
    assert record["fields"] == [{"field": "summary", "cell": "'Juli'!D2", "state": "updated", **values}]
    assert services.jira.issue(record["key"]).summary == "Topik baru"
    assert counts(update()) == {"rows": 4, "existing": 4}
    assert services.calls("editIssue") == 1


def since(services, before):
    """How often each operation was called since then."""
    return Counter(entry.operation for entry in list(services.journal)[before:] if entry.operation)


def test_what_did_not_change_is_not_read_again_and_counts_as_it_did(plans, update, services):
    write(services, plans[1], "D2", "Topik baru")
    services.jira.edit_issue(key_of(services, plans[0], 3), summary="Dari produksi")
    first = update()
    assert counts(first) == {"rows": 4, "existing": 3, "updated": 1}
    update()  # the one that was sent to is looked at once more
    before = len(services.journal)
    again = update()
    calls = since(services, before)
    assert calls["sheets.spreadsheets.get"] == 1, "nothing but the client list"
    assert sum(calls.values()) <= 10
    assert {one["state"] for one in again["clients"].values()} == {"unchanged"}
    assert counts(again) == {"rows": 4, "existing": 4}
    assert [row["key"] for row in again["data"]] == [row["key"] for row in first["data"]]
    write(services, plans[0], "D2", "Topik lain")
    assert counts(update()) == {"rows": 4, "existing": 3, "updated": 1}
    key = again["data"][3]["key"]
    services.jira.edit_issue(key, summary="Diketik orang")
    seen = update()["clients"]
    assert [seen[name]["state"] for name in ("Klien 1", "Klien 2")] == ["compared", "compared"]
    assert {one["state"] for one in update(full=True)["clients"].values()} == {"compared"}


def test_our_own_writing_of_status_columns_is_no_change(plans, update, services):
    for plan in plans:
        write(services, plan, "G1", "Status Jira")
    update()
    before = len(services.journal)
    assert {one["state"] for one in update()["clients"].values()} == {"unchanged"}
    assert since(services, before)["sheets.spreadsheets.batchUpdate"] == 0


def test_what_becomes_of_deleted_rows_is_said_by_the_client_list_or_by_the_run(plans, update, services):
    services.google.write(os.environ["CLIENTS_SPREADSHEET_ID"], "Clients!C1:C2", [["Deleted Rows"], ["Cancelled"]])
    keys = [row["key"] for row in update()["data"]]
    for plan in plans:
        services.google.delete_rows(plan, TAB, 2)
    foreseen = update(validate_only=True)
    told = [problem["message"] for problem in foreseen["clients"]["Klien 1"]["problems"]]
    assert ["would go through 'Cancelled'" in message for message in told].count(True) == 1
    update()
    statuses = [services.jira.issue(key).fields["status"]["id"] for key in keys]
    assert statuses == ["10002", "10000", "10000", "10000"]
    update(deleted_rows="label")
    assert ["row-deleted-from-plan" in services.jira.issue(key).labels for key in keys] == [False, False, True, False]


def test_of_many_rows_that_are_gone_at_once_nothing_is_done_until_that_is_said(services, update, monkeypatch, tmp_path):
    listed, [plan] = add_clients(services.google, 1, 7, MONTH)
    monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", listed)
    given = {"target_month": MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path / "made")}
    keys = [row["key"] for row in asyncio.run(content_plan_to_jira(**given))["data"]]
    services.google.delete_rows(plan, TAB, 3, 8)
    held = update(deleted_rows="label")
    assert "6 of 7 rows with issues are gone at once" in held["clients"]["Klien 1"]["problems"][-1]["message"]
    assert services.calls("editIssue") == 0
    update(deleted_rows="label", many_deleted_rows=True)
    assert ["row-deleted-from-plan" in services.jira.issue(key).labels for key in keys] == [False, *[True] * 6]


def test_status_columns_are_foreseen_then_filled(plans, update, services):
    write(services, plans[0], "G1", "Status Jira")
    before = services.google.files[plans[0]].version
    foreseen = update(validate_only=True)
    [told] = [one for one in foreseen["clients"]["Klien 1"]["problems"] if "status columns" in one["message"]]
    assert told["message"].startswith("cells of status columns that would be written: 2 (G2 (empty) → To Do")
    assert (foreseen["clients"]["Klien 1"]["status_cells"], services.google.files[plans[0]].version) == (2, before)
    done = update()
    cell = {"column": "Status Jira", "cell": "G2", "old": "", "new": "To Do"}
    assert (done["data"][0]["status_cells"], exit_code(done)) == ([cell], 0)
    assert [row[6:] for row in services.google.grid(plans[0], TAB)] == [["Status Jira"], ["To Do"], ["To Do"]]
    assert [row[6:] for row in services.google.grid(plans[1], TAB)] == [[], [], []]
    update(add_status_columns=True)
    key = done["data"][0]["key"]
    assert services.google.grid(plans[0], TAB)[1][6:8] == ["To Do", f"{services.url}/browse/{key}"]
    header = ["Status Jira", "Link Jira", "Penanggung Jawab"]
    assert [services.google.grid(plan, TAB)[0][6:] for plan in plans] == [header, header], "nobody is assigned yet"


@pytest.mark.report
def test_what_both_changed_is_flagged_with_both_values_in_result_and_report(plans, update, services):
    for plan in plans:
        write(services, plan, "D2", "Topik baru")
    services.jira.edit_issue(key_of(services, plans[0], 2), summary="Dari produksi")
    result = update()
    assert (counts(result), exit_code(result)) == ({"rows": 4, "existing": 2, "updated": 1, "flagged": 1}, 2)
    folder = Path(result["run_folder"])
    page = (folder / "audit.html").read_text()
    assert "Dari produksi" in page
    assert "1 issue was brought up to date" in page
    assert page.index("What plans and issues say of each other") < page.index("<b>Dari produksi</b>")
    assert {path.name for path in (folder / "klien-1").iterdir()} == {
        "01_rows.json",
        "02_drafts.json",
        "03_actions.json",
        "content_plan_to_jira.ipynb",
    }
    [flagged] = [one for one in json.loads((folder / "result.json").read_text())["data"] if one["outcome"] == "flagged"]
    assert [problem["kind"] for problem in flagged["problems"]] == ["conflict"]


@pytest.mark.parametrize(("side", "text"), [("plan", "Topik baru"), ("jira", "Dari produksi")])
def test_a_person_decides_what_was_flagged_and_nothing_is_left(plans, update, services, tmp_path, side, text):
    def resolve(**options):
        given = {"delay_seconds": (0, 0), "output_dir": str(tmp_path / "resolved"), "take": side, "field": "summary"}
        return asyncio.run(content_plan_resolve(plan=plans[0], row=2, **given, **options))

    write(services, plans[0], "D2", "Topik baru")
    key = key_of(services, plans[0], 2)
    services.jira.edit_issue(key, summary="Dari produksi")
    flagged = update(client_names=["Klien 1"])
    assert counts(flagged) == {"rows": 2, "existing": 1, "flagged": 1}
    [problem] = flagged["data"][0]["problems"]
    assert f"flows/resolve.py {plans[0]} 2 --field summary --take plan, or jira" in problem["message"]
    foreseen = resolve(validate_only=True)
    assert "would" in foreseen["done"]
    assert (services.calls("editIssue"), exit_code(foreseen)) == (0, 0)
    decided = resolve()
    assert (exit_code(decided), services.jira.issue(key).summary) == (0, text)
    assert decided["done"].startswith("Klien 1, row 2 ('Topik baru'): summary of")
    assert [one["field"] for one in decided["data"][0]["fields"]] == ["summary"]
    after = update(client_names=["Klien 1"])
    assert (counts(after), exit_code(after)) == ({"rows": 2, "existing": 2}, 0)
    assert "there is nothing to decide" in resolve()["done"]
    assert services.calls("editIssue") == 1


def test_runs_can_be_compared_and_run_again(plans, update, services, tmp_path, capsys):
    key = key_of(services, plans[0], 2)
    write(services, plans[0], "D2", "Topik baru")
    first, second = update(client_names=["Klien 1"]), update(client_names=["Klien 1"])
    printing.show_updates(first)
    assert (
        f"fields carried over: 1\n  Klien 1, 'Juli'!D2: {key}, summary: 'Topik 1' → 'Topik baru'"
        in capsys.readouterr().out
    )
    given = {"run_a": first["run_folder"], "run_b": second["run_folder"], "output_dir": str(tmp_path / "compared")}
    compared = asyncio.run(compare_runs(**given))
    assert compared.get("error") is None
    assert [(one["what"], one["then"], one["now"]) for one in compared["data"]] == [("outcome", "updated", "existing")]
    write(services, plans[0], "D2", "Topik lain")
    assert rerun.main([second["run_folder"], "--set", "validate_only=true"]) == 0
    again = run_record.read(Path(second["run_folder"]).parent)
    assert (again.result["rerun_of"], again.counts["ready"]) == (Path(second["run_folder"]).name, 1)
    assert services.jira.issue(key).summary == "Topik baru"
    assert "fields not sent: 1" in capsys.readouterr().out


def test_a_client_without_a_plan_does_not_stop_the_others(plans, update, services):
    services.google.trash(plans[1])
    write(services, plans[0], "D2", "Topik baru")
    result = update()
    assert (counts(result), exit_code(result)) == ({"rows": 2, "existing": 1, "updated": 1}, 1)
    assert list(result["clients"]) == ["Klien 1", "Klien 2"]
    assert "has no spreadsheet named" in result["clients"]["Klien 2"]["error"]
