"""The main job for real: Prefect's engine, the sandbox over HTTP, and in some tests the kernel of the notebook."""

import asyncio
import errno
import json
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate

import hashmap
from blocks.jira_credentials import JiraCredentials
from flows import run_in_folder
from flows.reporting_flow import exit_code
from lib import settings
from lib.plan import adf
from sandbox.seed import seed, seed_grid


def saved(result, name="result.json"):
    return json.loads((Path(result["run_folder"]) / name).read_text())


def made(box):
    return {issue.key: issue for issue in box.jira.issues if any(label.startswith("cp-") for label in issue.labels)}


@pytest.mark.kernel
def test_a_month_becomes_issues_and_a_second_run_makes_nothing(run, services):
    names = ["Klinik Gigi Cemara", " warung bu TINI /  cabang 2"]
    first = run(client_names=names)
    assert first.get("error") is None
    counts = {name: first["summary"][name] for name in ("rows", "created", "refused")}
    assert counts["rows"] == counts["created"] + counts["refused"] == 24
    assert len(made(services)) == counts["created"]
    keys = {record["key"]: record for record in first["data"] if record["key"]}
    assert keys.keys() == made(services).keys()
    second = run(client_names=names)
    assert (second["summary"]["created"], second["summary"]["existing"]) == (0, counts["created"])
    assert len(made(services)) == counts["created"]
    for result in (first, second):
        for part in (result["summary"], *result["summary"]["clients"].values()):
            assert part["rows"] == sum(
                part[name] for name in ("created", "existing", "ready", "refused", "rejected", "uncertain", "flagged")
            )


@pytest.mark.kernel
def test_the_run_folder_holds_the_executed_notebook_beside_its_json(run):
    result = run(client_names=["Warung Bu Tini / Cabang 2"])
    folder = Path(result["run_folder"]) / "warung-bu-tini-cabang-2"
    assert sorted(path.name for path in folder.iterdir()) == [
        "01_rows.json", "02_drafts.json", "03_actions.json", "04_claims.json", "05_issues.json", "content_plan_to_jira.ipynb",
    ]  # fmt: skip
    notebook = json.loads((folder / "content_plan_to_jira.ipynb").read_text())
    shown = json.dumps([cell.get("outputs") for cell in notebook["cells"]])
    assert "become issues" in shown
    assert saved(result)["data"] == result["data"]
    assert saved(result)["metadata"]["record_count"] == len(result["data"])
    listed = {entry["path"] for entry in saved(result, "manifest.json")["data"]}
    assert {"result.json", "warung-bu-tini-cabang-2/content_plan_to_jira.ipynb"} <= listed


def test_a_check_writes_nothing_and_says_what_would_be_made(run, services):
    before = len(services.jira.issues)
    result = run(client_names=["Rumah Baca 'Aksara' & Anak"], validate_only=True)
    assert result["summary"]["created"] == 0
    assert result["summary"]["ready"] > 0
    assert len(services.jira.issues) == before
    writes = ("sheets.spreadsheets.values.batchUpdate", "sheets.spreadsheets.batchUpdate", "createIssues")
    assert [services.calls(operation) for operation in writes] == [0, 0, 0]
    [client] = result["clients"].values()
    assert any("no column Key" in problem["message"] for problem in client["problems"])


def test_every_mistake_of_a_whole_plan_is_told_and_stops_nobody_else(run, services, monkeypatch):
    monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", seed.MESSY_CLIENTS_SPREADSHEET_ID)
    result = run()
    errors = {name: client.get("error", "") for name, client in result["clients"].items()}
    assert {name for name, error in errors.items() if not error} == {
        "Salinan Juni", "Toko \"Pojok\" / O'Brien & Rekan \\ Pusat", "Duplikat Terhapus", "Lewat Pintasan",
        "Serba Ada",
    }  # fmt: skip
    for name, says in {
        "Folder Hilang": "not found; check the id",
        "Tanpa Folder": "'Clients'!A2 is empty; write the id",
        "Belum Ada Rencana": "Seen: 'Content Plan - Belum Ada Rencana - Juni 2026'",
        "Dua Rencana": "more than one plan for Juli 2026",
        "Tanpa Topik": "row 1: there is no column Topik; add it",
        "Baru Judul": "has no rows below its header; fill the plan",
        "Akses Ditutup": "no access",
        "Hanya Baca": "with edit rights",
        "Masih Excel": "Save as Google Sheets",
    }.items():
        assert says in errors[name]
        assert f"{name}: {errors[name]}" in result["error"]
        assert name in [error["client"] for error in result["errors"]]
    assert exit_code(result) == 1
    copied = result["clients"]["Salinan Juni"]
    assert copied["flagged"] == copied["rows"] > 1
    assert sum("looks copied with its keys" in problem["message"] for problem in copied["problems"]) == 1
    assert len(made(services)) == result["summary"]["created"] > 0


def test_links_chips_notes_merges_and_hidden_rows_of_a_plan_reach_its_issues_once(run, services, monkeypatch):
    monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", seed.MESSY_CLIENTS_SPREADSHEET_ID)
    first = run(client_names=[seed_grid.CLIENT])
    topics = {record["row"]: (record["topic"], record["outcome"]) for record in first["data"]}
    assert topics[seed_grid.STRUCK_ROW] == ("Batal tayang", "refused")
    assert {row: said for row, said in topics.items() if said[1] != "created"} == {
        seed_grid.STRUCK_ROW: ("Batal tayang", "refused"), 14: ("\u2800\u3164", "refused")
    }  # fmt: skip
    assert [row for row in range(*seed_grid.MERGED_ROWS) if row in topics] == [seed_grid.MERGED_ROWS[0]]
    described = {i.fields["summary"]: adf.plain_text(i.fields["description"]) for i in made(services).values()}
    for topic, says in {
        "Tautan dalam rumus": f"moodboard ({seed_grid.BOARD})",
        "Tautan dalam teks": f"Lihat moodboard ({seed_grid.BOARD}) dan video (https://vid.example/1)",
        "Chip berkas dan orang": f"Brief Juli ({seed_grid.BRIEF}) dari Raras (raras@agency.example)",
        "Catatan pada sel": "Topik (note): Tanya Raras dulu",
        "Satu konten dalam tiga baris": "Versi pagi\nVersi siang\nVersi malam",
        "Gambar dalam sel": "(image: https://img.example/contoh.png)",
    }.items():
        assert says in described[topic]
    hidden = [p["message"] for record in first["data"] for p in record["problems"] if "is hidden" in p["message"]]
    assert [message.partition(";")[0] for message in hidden] == [
        "the row is hidden by hand",
        "the row is hidden by a filter",
    ]
    second = run(client_names=[seed_grid.CLIENT])
    assert second["summary"]["existing"] == first["summary"]["created"] == len(made(services))
    assert (second["summary"]["created"], second["summary"]["flagged"]) == (0, 0)


def test_a_field_that_jira_refuses_is_named_as_people_know_it(run, services):
    services.fault("createIssues", "refuse", indices=[0], errors={"customfield_10043": "Option 'Post' is not valid"})
    result = run(client_names=["Klinik Gigi Cemara"])
    [problem] = next(record["problems"] for record in result["data"] if record["outcome"] == "rejected")
    assert problem["message"] == "Jira: Content Form (customfield_10043): Option 'Post' is not valid"


def test_a_worker_who_cannot_be_assigned_leaves_the_field_empty_and_is_named(run, services):
    associate = hashmap.WORKERS[hashmap.FIELD_ASSOCIATE["Klinik Gigi Cemara"]]
    services.jira.state.projects["CP"].not_assignable.append(associate)
    result = run(client_names=["Klinik Gigi Cemara", "Toko Rimba"])
    assert (result["summary"]["rejected"], result.get("error")) == (0, None)
    assert result["summary"]["created"] > 16
    assert all(not issue.fields.get("assignee") for issue in made(services).values())
    problems = result["clients"]["Klinik Gigi Cemara"]["problems"]
    assert [p["where"] for p in problems if "cannot be assigned" in p["message"]] == [
        "hashmap.py, WORKERS['Associate Sore']"
    ]
    assert services.calls("findAssignableUsers") == 1, "both clients have the same associate"


@pytest.mark.parametrize(
    ("environment", "parameters", "says"),
    [
        ({"JIRA_TOKEN": "wrong"}, {}, "JIRA_TOKEN"),
        ({"JIRA_TOKEN": ""}, {}, "JIRA_TOKEN is not set"),
        ({"GOOGLE_REFRESH_TOKEN": "old"}, {}, "invalid_grant"),
        ({"GOOGLE_REFRESH_TOKEN": ""}, {}, "there are no credentials"),
        ({"CLIENTS_SPREADSHEET_ID": ""}, {}, "CLIENTS_SPREADSHEET_ID must be set"),
        ({"CLIENTS_SPREADSHEET_ID": "1nothere"}, {}, "1nothere: not found"),
        ({"JIRA_PROJECT_KEY": "NOPE"}, {}, "JIRA_PROJECT_KEY"),
        ({}, {"target_month": "Juli"}, "target_month: 'Juli' is not a month"),
        ({}, {"client_names": ["Kopi Senja Baru"]}, "Kopi Senja Baru: is not in the client list; there are Kopi Senja"),
        (
            {},
            {"target_month": "Januari 2031", "client_names": ["Toko Rimba"]},
            "has no spreadsheet named 'Content Plan - Toko Rimba - Januari 2031'",
        ),
    ],
)
def test_bad_input_ends_with_what_to_do_and_nothing_half_written(
    run, services, monkeypatch, environment, parameters, says
):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    before = len(services.jira.issues)
    result = run(**parameters)
    assert says in result["error"]
    assert exit_code(result) == 1
    assert len(services.jira.issues) == before
    assert (
        services.calls("sheets.spreadsheets.values.batchUpdate")
        == services.calls("sheets.spreadsheets.batchUpdate")
        == 0
    )
    assert saved(result)["error"] == result["error"]


def test_an_address_in_a_block_that_cannot_be_used_ends_a_run_before_it_has_a_folder(
    run, services, tmp_path, monkeypatch
):
    """As on a server, without the sandbox switch: what is typed into Prefect's page of blocks is not looked at there."""

    async def save():
        await JiraCredentials.register_type_and_schema()
        document = await JiraCredentials(url="https://example.com").asave("jira-typed-in", overwrite=True)
        async with get_client() as prefect:
            await prefect.update_block_document(document, BlockDocumentUpdate(data={"url": "example.com"}))

    asyncio.run(save())
    monkeypatch.delenv("CONTENT_PLAN_SANDBOX")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    before = len(services.journal)
    result = run(jira_credentials_block_name="jira-typed-in")
    assert result["error"].startswith(
        "Block 'jira-typed-in', url: does not begin with https://; write https://example.com"
    )
    assert result["run_folder"] == ""
    assert not (tmp_path / "output").exists()
    assert len(services.journal) == before


def test_a_disk_that_fills_up_during_a_run_is_named_and_what_was_made_is_told(run, services, monkeypatch):
    async def save_json(path, *_given):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    def write_manifest(folder, **_given):
        raise OSError(errno.ENOSPC, "No space left on device", str(folder))

    monkeypatch.setattr(run_in_folder, "save_json", save_json)
    monkeypatch.setattr(run_in_folder.run_folder, "write_manifest", write_manifest)
    result = run(client_names=["Klinik Gigi Cemara"])
    assert result["summary"]["created"] == 16
    problem = f"the result could not be saved: {result['run_folder']}/result.json: no space is left there; make room"
    assert problem in result["error"]
    assert "16 issues were created" in result["bottom_line"]
    assert problem in result["bottom_line"]
    assert result["report"] == "", "nobody is sent to a report that is not there"
