"""What a run leaves for people: the audit, the index, its page in Prefect; reruns and comparisons."""

import asyncio
import importlib
import json
import re
import shutil
from html import unescape
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL, temporary_settings

from flows import client_plan, clients, command_line, compare, prefect_api, rerun, rerun_arguments, run_command
from flows.compare import compare_runs
from flows.content_plan_check import content_plan_check
from flows.content_plan_to_jira import content_plan_to_jira
from flows.content_plan_watch import content_plan_watch
from flows.reporting_flow import reporting_flow
from flows.run_in_folder import Report, run_in_folder
from lib import files
from lib.errors import FixInputError
from lib.exactly_once.reconcile import Outcome
from lib.files import CORRECTIONS, MANIFEST, ROWS, read_json
from lib.plan import rows_file
from lib.report import audit, explore
from lib.run import run_folder, run_record
from lib.tasks import utility_tasks
from sandbox.seed import seed
from tests import odd, runs
from tests.desk import HEADER, TAB

pytestmark = pytest.mark.report
PLANTED = ["<script>alert(1)</script>", '=IMPORTXML("http://evil.example.com")', "☕👨‍👩‍👧 jeda", "a" * 30_000]


@pytest.fixture
def planted(services, monkeypatch):
    """A client whose plan holds what was planted, one row with a mistake, and one that Jira refuses."""
    google = services.google
    folder = google.add_folder("Warung")
    name = "Warung <b>Tebal</b>"
    rows = [HEADER, *([n, f"{n} Juli 2026", "Post", text, text, ""] for n, text in enumerate(PLANTED, start=1))]
    rows += [[5, "31 Juni 2026", "Post", "Salah tanggal", "", ""]]
    google.add_spreadsheet(f"Content Plan - {name} - Juli 2026", folder, tabs={TAB: rows})
    listed = [["Name", "Content Plan Folder ID"], [name, folder]]
    monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", google.add_spreadsheet("Daftar", "", tabs={"Clients": listed}))
    return name


def test_a_report_in_indonesian_is_so_where_planners_read_it(run, monkeypatch):
    monkeypatch.setenv("REPORT_LANGUAGE", "id")
    result = run(client_names=["Batik Larasati"], validate_only=True)
    html = page(result)
    assert ">Yang harus dilakukan" in html
    assert (
        'role="cell" data-label="yang harus dilakukan"><span lang="id">menampilkan #REF!; perbaiki rumusnya</span>'
        in html
    )
    assert ">Bottom line" in html
    assert page(result, CORRECTIONS).startswith("\ufeffklien,")
    assert '<html lang="id">' in page(result, "../clients/batik-larasati.html")


def page(result, name="audit.html"):
    return (Path(result["run_folder"]) / name).read_text()


def test_the_audit_shows_the_numbers_of_the_result_and_what_to_do_in_which_cell(run):
    result = run(client_names=["Kopi Senja", "Batik Larasati"])
    html, summary = page(result), result["summary"]
    assert f"{summary['rows']} rows of 2 clients: {summary['created']} issues were created" in html
    for row in result["data"]:
        if row["outcome"] == Outcome.REFUSED:
            assert f"range={row['problems'][0]['where'].rpartition('!')[2]}" in html
        assert not row["key"] or f'/browse/{row["key"]}">{row["key"]}</a>' in html
        for problem in row["problems"]:
            assert f'lang="id">{problem["indonesian"]}</div>' in unescape(html)
    copied = unescape("\n".join(re.findall(r'<pre class="copy" lang="id">(.*?)</pre>', html, re.DOTALL)))
    links = re.findall(r"^http\S+&range=([A-Z]+[0-9]+)$", copied, re.MULTILINE)
    wrong = [problem for row in result["data"] if row["outcome"] == Outcome.REFUSED for problem in row["problems"]]
    assert sorted(links) == sorted(one["where"].rpartition("!")[2] for one in wrong if one["level"] == "error")
    assert len(links) == summary["refused"] == 4
    assert not [one["message"] for one in wrong if one["message"] in copied]
    assert len(html) < 1_000_000
    assert not re.search(r'(src|href)="(?!https?://127\.0\.0\.1|\.\./index\.html"|#|\./)', html)
    assert f"<h1>content-plan-to-jira, {seed.MONTH}: completed</h1>" in html
    assert '<a href="./kopi-senja/content_plan_to_jira.ipynb">' in html
    assert "<td>Topik</td><td>summary</td>" in html
    assert re.search(
        r"<td>Tanggal</td><td>Publication Date \(customfield_\d+\), Start Date \(customfield_\d+\), duedate</td>", html
    )
    described = re.findall(r'<td>Caption</td><td>description</td><td class="number">(\d+)</td>', html)
    assert sum(map(int, described)) == summary["created"]
    executed = nbformat.read(Path(result["run_folder"]) / "audit.ipynb", as_version=4)
    assert executed.metadata.run.status == "completed"
    lines = (Path(result["run_folder"]) / CORRECTIONS).read_text("utf-8-sig").splitlines()
    assert len(lines) == 1 + summary["refused"]
    assert f'<a href="./{CORRECTIONS}">{CORRECTIONS}</a>' in html
    listed = {entry["path"] for entry in read_json(Path(result["run_folder"]) / MANIFEST)["data"]}
    assert {CORRECTIONS, "audit.html"} <= listed


def test_a_clients_page_tells_of_its_runs_corrections_issues_and_checks(run):
    output = Path(run(client_names=["Kopi Senja", "Rumah Baca 'Aksara' & Anak"])["run_folder"]).parent
    again = run(client_names=["Kopi Senja"])
    html = (output / "clients/kopi-senja.html").read_text()
    assert re.findall(r'class="chip (\w+)"', html) == ["attention", "attention"]
    assert f'href="./../{Path(again["run_folder"]).name}/audit.html"' in html
    refused = [row for row in again["data"] if row["outcome"] == Outcome.REFUSED]
    assert all(f"range={row['problems'][0]['where'].rpartition('!')[2]}" in html for row in refused)
    assert html.count("/browse/") == again["summary"]["existing"]
    checked = {line[0]: [int(text.replace("·", "0")) for text in line[2:]] for line in tables_of(html)[-1]}
    assert checked["Bentuk"] == [60, 0, 0]
    assert checked["Tanggal"] == [58, 1, 1]
    assert '<a href="./../clients/kopi-senja.html">Kopi Senja</a>' in page(again)
    [other] = output.glob("clients/rumah-baca-aksara-anak_*.html")
    assert other.name in (output / "index.html").read_text()


def tables_of(html):
    """The cells of each table, without their marks."""
    rows = [
        re.findall(r"<tr>(<td.*?)</tr>", table, re.DOTALL)
        for table in re.findall(r"<table.*?</table>", html, re.DOTALL)
    ]
    return [[re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in table] for table in rows]


def test_a_client_without_a_plan_is_stopped_and_its_folder_is_a_link(run, services):
    result = run(client_names=["Kopi Senja"], target_month="Agustus 2026")
    assert result["clients"]["Kopi Senja"]["folder_url"] == f"{services.url}/"
    assert f'<a href="{services.url}/">Kopi Senja</a></td><td>stopped</td>' in page(result)


def test_the_sheet_of_a_plan_that_cannot_be_read_is_a_link(run, services, monkeypatch):
    async def refused(*_arguments):
        raise FixInputError("the plan", "cannot be read")

    monkeypatch.setattr(client_plan, "open_plan", refused)
    plan = run(client_names=["Kopi Senja"])["clients"]["Kopi Senja"]
    assert plan["title"] == f"Content Plan - Kopi Senja - {seed.MONTH}"
    assert re.fullmatch(rf"{services.url}/spreadsheets/[\w-]+", plan["url"])


def test_a_flow_run_has_an_address_where_a_server_outlives_it(monkeypatch):
    assert prefect_api.page_of(None) is None
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api", PREFECT_UI_URL: "https://p.example.com"}):
        run_id = "0b0c9f0e-0000-4000-8000-000000000000"
        assert prefect_api.page_of(run_id) == f"https://p.example.com/runs/flow-run/{run_id}"
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        assert prefect_api.page_of(run_id) is None


def test_what_was_planted_in_a_sheet_is_text_everywhere(run, planted):
    result = run()
    assert result.get("error") is None
    folder = Path(result["run_folder"])
    assert "<script>alert" not in page(result)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page(result)
    assert "<b>Tebal" not in page(result)
    assert "<script>alert" not in (folder.parent / "index.html").read_text()
    assert len(page(result)) < 1_000_000
    for path in folder.rglob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", []):
                assert "<script>alert" not in output.get("data", {}).get("text/html", "")


def test_a_failed_run_has_a_report_that_says_why(run, monkeypatch):
    monkeypatch.setenv("JIRA_TOKEN", "wrong")
    result = run()
    assert "The run failed" in page(result)
    assert "JIRA_TOKEN" in page(result)
    assert run_record.read(Path(result["run_folder"])).state == "failed"
    assert run_folder.verify(Path(result["run_folder"])).altered == []


def test_a_notebook_that_dies_is_shown_with_its_cell(run, monkeypatch, tmp_path):
    notebooks = tmp_path / "project/notebooks"
    notebooks.mkdir(parents=True)
    for path in (utility_tasks.ROOT / "notebooks").glob("*.ipynb"):
        source = path.read_text()
        if path.stem == "content_plan_to_jira":
            source = source.replace('"tables.columns(plan, mapping)"', '"import os; os.kill(os.getpid(), 9)"')
        (notebooks / path.name).write_text(source)
    monkeypatch.setattr(utility_tasks, "ROOT", tmp_path / "project")
    result = run(client_names=["Klinik Gigi Cemara"])
    executed = nbformat.read(Path(result["run_folder"]) / "klinik-gigi-cemara/content_plan_to_jira.ipynb", as_version=4)
    died = executed.metadata.run
    assert died.status == "kernel died"
    assert f"cell {died.failed_cell}: kernel died" in result["error"]
    line = re.search(r"<tr[^>]*><td[^>]*>klinik-gigi-cemara</td>.*?</tr>", page(result))
    assert line
    assert re.search(rf">kernel died</td><td[^>]*>{died.failed_cell}</td>", line[0])


def test_a_report_that_cannot_be_made_fails_the_run_and_hides_nothing_of_it(run, monkeypatch, tmp_path):
    notebooks = tmp_path / "project/notebooks"
    notebooks.mkdir(parents=True)
    for path in (utility_tasks.ROOT / "notebooks").glob("*.ipynb"):
        (notebooks / path.name).write_text(path.read_text().replace("audit.counts(record)", "1 / 0"))
    monkeypatch.setattr(utility_tasks, "ROOT", tmp_path / "project")
    result = run(client_names=["Klinik Gigi Cemara"])
    assert result["summary"]["created"] == 16
    assert "the report could not be made: content_plan_audit, cell" in result["error"]
    assert "16 issues were created" in page(result)
    assert "ZeroDivisionError" in page(result)
    assert json.loads(page(result, "result.json"))["error"] == result["error"]


def test_a_flow_may_have_a_report_of_its_own(services, tmp_path):
    @reporting_flow(name="own-report")
    async def own_report():
        async def work(_run):
            return {"done": "Seen.", "summary": {"clients": {}}, "data": []}

        return await run_in_folder(
            "own-report",
            work,
            delay_seconds=(0, 0),
            google_block="none",
            jira_block="none",
            output_dir=str(tmp_path / "output"),
            report=Report("content_plan_audit", "seen"),
        )

    result = asyncio.run(own_report())
    assert result.get("error") is None
    assert "Seen." in page(result, "seen.html")
    assert on_its_page(result)[1].keys() == {"summary", "seen"}
    assert f"{Path(result['run_folder']).name}/seen.html" in (tmp_path / "output/index.html").read_text()


def on_its_page(result):
    """The flow run as Prefect has it, and its artifacts by key."""

    async def read():
        async with get_client() as prefect:
            flow_run = await prefect.read_flow_run(result["flow_run_id"])
            mine = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]))
            return flow_run, {artifact.key: artifact for artifact in await prefect.read_artifacts(artifact_filter=mine)}

    return asyncio.run(read())


def test_the_runs_page_in_prefect_has_a_summary_a_link_tags_and_progress(run):
    result = run(client_names=["Klinik Gigi Cemara"], validate_only=True)
    flow_run, artifacts = on_its_page(result)
    assert flow_run.name == "content-plan-to-jira Juli 2026 · Klinik Gigi Cemara · validate only"
    assert set(flow_run.tags) == {"month: 2026-07", "client: Klinik Gigi Cemara"}
    assert artifacts.keys() == {"summary", "audit", "progress"}
    table = json.loads(artifacts["summary"].data)
    assert [(line["client"], line["ready"]) for line in table] == [("Klinik Gigi Cemara", 16), ("all", 16)]
    assert f"file://{result['run_folder']}/audit.html" in artifacts["audit"].data
    described = artifacts["audit"].description
    assert f"`{Path(result['run_folder']).name}`" in described
    assert f"`{files.sha256(Path(result['run_folder']) / MANIFEST)}`" in described
    assert "say in `OUTPUT_URL` (`.env`) where browsers find the output folder" in described
    assert float(artifacts["progress"].data) == 100


def test_a_link_that_browsers_follow_needs_no_hint(run, monkeypatch):
    monkeypatch.setenv("OUTPUT_URL", "http://127.0.0.1:8888/files/output")
    result = run(client_names=["Klinik Gigi Cemara"], validate_only=True)
    artifact = on_its_page(result)[1]["audit"]
    assert f"(http://127.0.0.1:8888/files/output/{Path(result['run_folder']).name}/audit.html)" in artifact.data
    assert "OUTPUT_URL" not in artifact.description


def test_the_executed_notebook_runs_again_by_hand_and_leaves_its_run_alone(run):
    folder = Path(run(client_names=["Klinik Gigi Cemara"])["run_folder"])
    executed = nbformat.read(folder / "klinik-gigi-cemara/content_plan_to_jira.ipynb", as_version=4)
    injected = next(cell for cell in executed.cells if "injected-parameters" in cell.metadata.get("tags", []))
    injected.source += '\ntarget_month = "Agustus 2026"'
    try:
        asyncio.run(NotebookClient(executed).async_execute())
        shown = "".join(str(output) for cell in executed.cells for output in cell.get("outputs", []))
        assert "lies outside Agustus 2026" in shown
        assert f"{folder.name} is finished and stays as it is" in shown
        assert run_folder.verify(folder).altered == []
        assert (explore.SCRATCH / folder.name / "klinik-gigi-cemara/02_drafts.json").exists()
    finally:
        shutil.rmtree(explore.SCRATCH / folder.name, ignore_errors=True)


def test_a_rerun_repeats_a_run_with_changes_and_both_are_linked(run, capsys, monkeypatch):
    monkeypatch.setenv("CONTENT_PLAN_SANDBOX", "1")
    first = run(client_names=["Klinik Gigi Cemara", "Toko Rimba"], validate_only=True)
    changes = ["--set", "validate_only=false", "--set", 'client_names=["Klinik Gigi Cemara"]']
    assert rerun.main([first["run_folder"], *changes]) == 0
    again = run_record.read(Path(first["run_folder"]).parent)
    assert again.result["rerun_of"] == Path(first["run_folder"]).name
    assert again.counts["created"] == 16
    assert again.client_names == ["Klinik Gigi Cemara"]
    assert again.result["parameters"]["target_month"] == seed.MONTH
    assert "a rerun of" in (again.folder / "audit.html").read_text()
    assert f"run again as {again.name}" in (again.folder.parent / "index.html").read_text()


def test_a_rerun_keeps_the_month_and_breaks_no_lock_of_its_own_accord(tmp_path, monkeypatch):
    asked = {"target_month": None, "break_lock": True, "validate_only": True}
    folder = str(runs.leave(tmp_path, [runs.row(1)], parameters=asked))
    for name in ("CLIENTS_SPREADSHEET_ID", "JIRA_PROJECT_KEY", "JIRA_ISSUE_TYPE_ID"):
        monkeypatch.setenv(name, "1")
    given = []
    monkeypatch.setattr(run_command, "run", lambda _flow, parameters, _show: given.append(parameters) or 0)
    rerun.main([folder])
    rerun.main([folder, "--set", "break_lock=true"])
    assert given == [
        {"target_month": "Juli 2026", "validate_only": True},
        {"target_month": "Juli 2026", "validate_only": True, "break_lock": True},
    ]


def test_progress_counts_a_client_that_could_not_be_read(run, monkeypatch):
    monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", seed.MESSY_CLIENTS_SPREADSHEET_ID)
    result = run(client_names=["Folder Hilang"])
    assert "Folder Hilang" in result["error"]
    assert float(on_its_page(result)[1]["progress"].data) == 100


@pytest.mark.parametrize(
    ("flag", "says"),
    [
        ("--sandbox", "a run that was made on the sandbox runs there again, and no other does"),
        ("--sandb", "Unknown option: --sandb. Did you mean"),
    ],
)
def test_a_rerun_needs_no_flag_for_the_sandbox(tmp_path, capsys, flag, says):
    with pytest.raises(SystemExit):
        rerun.main([str(tmp_path), flag])
    assert says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            "client_name=Kopi Senja",
            "--set client_name: the flow has no such parameter; it has target_month, client_names",
        ),
        ("validate_only", "--set validate_only: is not of the form name=value"),
        ("client_names=Kopi, Teh", """write a list of all of them, such as --set client_names='["Kopi", "Teh"]'"""),
        ("client_names=", "cannot be used; write a list"),
        ("validate_only=perhaps", "--set validate_only=perhaps: cannot be used; write true or false"),
        ("delay_seconds=5", "write 2 numbers, such as --set delay_seconds='[5, 10]'"),
        ("delay_seconds=[10, 5]", "--set delay_seconds: 10 5 is no pause"),
        ("settle_seconds=soon", "--set settle_seconds=soon: cannot be used; write a number"),
        ("target-month=Jlui 2026", "--set target_month: 'Jlui 2026' is not a month"),
        ("target_month=2026", "--set target_month: '2026' is not a month"),
        ("dispatch=there", "write here or workers"),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_in_one_line(tmp_path, capsys, change, says):
    first = runs.leave(tmp_path, [runs.row(1)])
    with pytest.raises(SystemExit) as ended:
        rerun.main([str(first), "--set", change])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_each_flow_that_can_be_run_again_has_its_file():
    for name, file in rerun_arguments.FILES.items():
        flow = command_line.of_file(Path(__file__).parents[2] / f"flows/{file}.py")
        assert getattr(importlib.import_module(f"flows.{file}"), flow.__name__).name == name


def test_two_runs_are_compared_row_by_row(run, services, capsys, tmp_path):
    first = run(client_names=["Klinik Gigi Cemara"], validate_only=True)
    plan = rows_file.load(Path(first["run_folder"]) / "klinik-gigi-cemara/01_rows.json")
    cell = plan.address(plan.rows[0].row, "Topik")
    services.google.write(plan.spreadsheet_id, cell, [["Topik baru sekali"]], typed=False)
    second = run(client_names=["Klinik Gigi Cemara"])
    given = {"run_a": first["run_folder"], "run_b": second["run_folder"], "output_dir": str(tmp_path / "output")}
    compared = asyncio.run(compare_runs(**given))
    assert compared.get("error") is None
    kinds = {one["kind"] for one in compared["data"]}
    assert kinds == {"parameter", "row", "draft", "outcome"}
    assert ("Topik", "Topik baru sekali") in {(one["what"], one["now"]) for one in compared["data"]}
    assert ("validate_only", "True", "False") in {(one["what"], one["then"], one["now"]) for one in compared["data"]}
    assert "<ins>Topik baru sekali</ins>" in page(compared, "comparison.html")
    compare.show(compared)
    assert "+ Topik baru sekali" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["gone", "empty", odd.NAME])
def test_what_is_no_run_cannot_be_compared_and_leaves_no_run_folder(prefect_engine, tmp_path, name):
    odd.result_of(tmp_path, "{")
    (tmp_path / "empty").mkdir()
    good, bad, output = runs.leave(tmp_path / "good", [runs.row(1)]), tmp_path / name, tmp_path / "output"
    for pair in ((good, bad), (bad, good), (bad, bad)):
        compared = asyncio.run(compare_runs(*map(str, pair), output_dir=str(output)))
        assert compared["error"].startswith(str(bad))
        assert not output.exists()


@pytest.mark.parametrize(
    "flow",
    [
        pytest.param(content_plan_to_jira, id="issues"),
        pytest.param(content_plan_check, id="check"),
        pytest.param(content_plan_watch, id="watch"),
    ],
)
def test_a_run_cancelled_while_its_clients_notebooks_run_tells_of_every_row_that_lies_in_its_folder(
    flow, services, tmp_path, monkeypatch
):
    """The clients that wait for their turn end at once, those with a kernel to end a moment later."""
    clients_at_once = 4
    running: list[str] = []

    async def is_cancelled_while_it_runs(*_given):
        running.append("one")
        if len(running) == clients_at_once:
            whole.cancel()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(50):  # its kernel is ended
                await asyncio.sleep(0)

    async def go():
        nonlocal whole
        month = {"target_months": [seed.MONTH]} if flow is content_plan_watch else {"target_month": seed.MONTH}
        whole = asyncio.ensure_future(flow(**month, delay_seconds=(0, 0), output_dir=str(tmp_path / "output")))
        await whole

    whole: asyncio.Future = None
    with monkeypatch.context() as patched:
        patched.setattr(clients, "at_once", lambda: clients_at_once)
        patched.setattr(utility_tasks, "run_notebook", is_cancelled_while_it_runs)
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(go())
    record = run_record.read(tmp_path / "output")
    lying = {path.parent.name: rows_file.load(path).rows for path in record.folder.glob(f"*/{ROWS}")}
    assert len(lying) == clients_at_once
    counted = {plan["folder"]: plan["rows"] for plan in record.plans.values() if plan["folder"]}
    assert counted == {name: len(rows) for name, rows in lying.items()}
    assert len(record.rows) == sum(counted.values())
    assert all(plan["error"] for plan in record.plans.values())
    said = audit.show_bottom_line(record).data
    assert record.months == [seed.MONTH]
    assert "The run was cancelled" in said
    assert ("were not reached" in said) == (flow is not content_plan_watch)
    assert ("rows are uncertain" in said) == (flow is content_plan_watch)
    assert "No row was read" not in said
    assert "not counted" not in said
    assert "nothing is wrong" not in audit.counts(record).data
