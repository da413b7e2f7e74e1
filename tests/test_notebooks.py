"""The shipped notebooks: clean, readable, and running on the sample that ships with them."""

import asyncio
import datetime as dt
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from lib.errors import FixInputError
from lib.notebook import runner
from lib.notebook.notebook_parameters import parameters_model
from lib.plan import issue_draft, rows_file
from lib.report import explore, html_report
from lib.services.reading import GoogleReader
from sandbox.seed import seed
from tests import runs
from tests.direct import NOTEBOOK, google_api, run_cells

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*.ipynb"))
SAMPLE = ROOT / "notebooks/samples/kopi_senja_juli_2026.json"


def cells(path, kind="code"):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_committed_without_outputs(path):
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in cells(path))
    assert "papermill" not in json.loads(path.read_text())["metadata"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_is_committed_as_the_filter_writes_it(path):
    """Otherwise it shows as changed as soon as Git looks at it again."""
    filtered = subprocess.run(
        [Path(sys.executable).with_name("nbstripout"), "--keep-id"],
        input=path.read_bytes(),
        capture_output=True,
        check=True,
    )
    assert filtered.stdout == path.read_bytes()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_explains_itself_and_its_cells_are_short(path):
    first = json.loads(path.read_text())["cells"][0]
    assert first["cell_type"] == "markdown"
    assert first["source"][0].startswith("# ")
    lengths = [len(cell["source"]) for cell in cells(path)]
    assert max(lengths) <= 10
    assert statistics.median(lengths) <= 3
    assert len(cells(path, "markdown")) >= len(cells(path)) / 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_every_parameter_is_described(path):
    for name, field in parameters_model(path).model_fields.items():
        assert field.description, f"{name} needs a comment that says what it is"


def test_the_transform_runs_on_its_defaults(tmp_path):
    names = run_cells({"drafts_path": str(tmp_path / "drafts.json")}, show=True)
    plan = rows_file.load(SAMPLE)
    drafts = issue_draft.load(tmp_path / "drafts.json", plan.rows, notebook=NOTEBOOK.name)
    assert len(drafts.data) == len(plan.rows) == 60
    assert 0 < sum(draft.refused for draft in drafts.data) < 10
    assert names["mapping"]


RUN_ALL = """
import pathlib, sys, nbformat
from nbclient import NotebookClient
for path in map(pathlib.Path, sys.argv[1:]):
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(path.parent)}}).execute()
    nbformat.write(notebook, path)
"""


@pytest.fixture(scope="module")
def all_run(tmp_path_factory):
    """A copy of the project in which all notebooks were opened by `make lab-sandbox` and run as they are; after two runs."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("lib", "flows", "blocks", "sandbox", "notebooks", "hashmap.py", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    for _ in range(2):
        runs.leave(folder / "output", [runs.row(2), runs.row(3, "refused")])
    lab = re.search(r"^lab-sandbox:.*\n\t(.*) -- \$\(LAB\)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    command = [part.replace("$(RUN)", f"{Path(sys.executable).parent}/") for part in lab.split()]
    command += ["--port", "0", "--", sys.executable, "-c", RUN_ALL]
    given = {**os.environ, "PYTHONPATH": str(folder)}
    given.pop("CONTENT_PLAN_SANDBOX", None)
    for name in NOTEBOOKS:
        command.append(str(folder / "notebooks" / name.name))
    ended = subprocess.run(command, cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=280)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return folder / "notebooks"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_as_it_is_where_an_analyst_opens_it(path, all_run):
    outputs = [output for cell in cells(all_run / path.name) for output in cell["outputs"]]
    assert outputs
    assert not [output for output in outputs if output.get("name") == "stderr"]


@pytest.mark.parametrize(
    ("today", "client", "month", "read"),
    [
        ("2026-05-20", "", "", "Kopi Senja - Juni 2026"),
        ("2026-06-25", "", "", "Kopi Senja - Juli 2026"),
        ("2026-07-31", "", "", "Kopi Senja - Juli 2026"),
        ("2026-12-31", "", "", "Kopi Senja - Juli 2026"),
        ("2031-02-01", "kopi senja", "", "Kopi Senja - Juli 2026"),
        ("2026-12-31", "Kopi Senja", "Juni 2026", "Kopi Senja - Juni 2026"),
        ("2026-12-31", "Klinik Gigi Cemara", "", "Klinik Gigi Cemara - Juli 2026"),
    ],
)
def test_an_analyst_sees_a_plan_in_any_month(services, opened, monkeypatch, today, client, month, read):
    """The next month's, or the newest where that is not written yet."""
    now = dt.datetime.fromisoformat(f"{today}T05:00:00+00:00")
    monkeypatch.setattr(explore.SystemClock, "now", lambda _clock: now)

    async def look():
        google = GoogleReader(opened(google_api(services.environment())))
        return await explore.read_plan(google, await explore.read_clients(google), client, month)

    plan = asyncio.run(look())
    assert " ".join(plan.title.replace("–", "-").split()).endswith(read)
    told, wanted = explore.heading(plan, month).data, explore.read_month(month)
    assert (f"there is none for {wanted} yet" in told) == (not read.endswith(str(wanted)))
    assert read.endswith(str(explore.month_of(plan, month)))


def test_a_month_that_is_asked_for_is_not_replaced(services, opened):
    async def look():
        google = GoogleReader(opened(google_api(services.environment())))
        await explore.read_plan(google, await explore.read_clients(google), "", "Desember 2026")

    with pytest.raises(FixInputError, match=r"has no spreadsheet named .*Desember 2026"):
        asyncio.run(look())


def test_a_report_on_a_hundred_clients_is_no_longer_than_a_browser_opens_at_once(tmp_path):
    rows = [
        runs.row(n, ("created", "existing")[n % 2], client=f"Klien {client}", topic=f"Topik {n} " + "kata " * 12)
        for client in range(100)
        for n in range(60)
    ]
    folder, executed = runs.leave(tmp_path, rows), tmp_path / "audit.ipynb"
    given = {"run_folder": str(folder)}
    asyncio.run(runner.run_notebook(ROOT / "notebooks/content_plan_audit.ipynb", executed, given, working_dir=ROOT))
    page = html_report.save_notebook(executed, tmp_path / "audit.html", "x").read_text()
    assert page.count("/browse/CP-") == 6000
    assert len(page.encode()) < 5_000_000


def test_the_sample_is_a_plan_of_the_sandbox(box):
    plan = rows_file.load(SAMPLE)
    assert str(plan.spreadsheet_id) in box.google.spreadsheets
    assert plan.title.replace("–", "-").split() == f"Content Plan - Kopi Senja - {seed.MONTH}".split()


def test_no_column_of_the_sample_is_lost(tmp_path):
    run_cells({"drafts_path": str(tmp_path / "drafts.json")})
    plan = rows_file.load(SAMPLE)
    for draft in json.loads((tmp_path / "drafts.json").read_text())["data"]:
        if draft["fields"] is None:
            continue
        text = json.dumps(draft["fields"], ensure_ascii=False)
        for column in plan.columns:
            assert column.name in ("Tanggal", "Bentuk", "Topik") or json.dumps(f"{column.label}: ")[1:-1] in text


def test_outputs_of_an_edited_notebook_stay_out_of_commits(tmp_path):
    clean = re.search(r'git config filter\.nbstripout\.clean "(.*?)"', (ROOT / "Makefile").read_text())[1]
    command = clean.replace("$(RUN)", f"{Path(sys.executable).parent}/")
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (tmp_path / ".gitattributes").write_text((ROOT / ".gitattributes").read_text())
    source = json.loads(NOTEBOOKS[0].read_text())
    code = next(cell for cell in source["cells"] if cell["cell_type"] == "code")
    code |= {"execution_count": 7, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["seen"]}]}
    (notebooks / "edited.ipynb").write_text(json.dumps(source))
    for arguments in (["init", "-q"], ["config", "filter.nbstripout.clean", command], ["add", "."]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    committed = subprocess.run(
        ["git", "show", ":notebooks/edited.ipynb"], cwd=tmp_path, check=True, capture_output=True
    )
    stored = next(cell for cell in json.loads(committed.stdout)["cells"] if cell["cell_type"] == "code")
    assert (stored["outputs"], stored["execution_count"]) == ([], None)
    assert "seen" in (notebooks / "edited.ipynb").read_text()
