"""The shipped notebooks: clean, readable, and running on the sample that ships with them."""

import asyncio
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

from lib import html_report, issue_draft, notebook, rows_file
from lib.notebook_parameters import parameters_model
from sandbox import seed
from tests import runs
from tests.direct import NOTEBOOK, run_cells

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


@pytest.fixture
def given(tmp_path, services):
    """Parameters with which each shipped notebook runs for real: no sandbox but the tests', nothing left in the project."""
    first, second = (runs.leave(tmp_path, [runs.row(2), runs.row(3, "refused")]) for _ in range(2))
    return {
        "content_plan_to_jira": {"drafts_path": str(tmp_path / "drafts.json")},
        "content_plan_watch": {"findings_path": str(tmp_path / "findings.json")},
        "content_plan_audit": {"run_folder": str(first)},
        "compare_runs": {"run_a": str(first), "run_b": str(second)},
        "performance_report": {"output_dir": str(tmp_path), "days": 3650},
        "explore_content_plan": {"target_month": seed.MONTH, "client_name": "kopi senja", "row_count": 3},
    }


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs_in_a_kernel(path, given, tmp_path):
    output = tmp_path / "executed.ipynb"
    run = asyncio.run(notebook.run_notebook(path, output, given[path.stem], working_dir=ROOT))
    assert run.status == "completed"
    outputs = [output for cell in cells(output) for output in cell["outputs"]]
    assert outputs
    assert not [output for output in outputs if output.get("name") == "stderr"]


def test_a_report_on_a_hundred_clients_is_no_longer_than_a_browser_opens_at_once(tmp_path):
    rows = [
        runs.row(n, ("created", "existing")[n % 2], client=f"Klien {client}", topic=f"Topik {n} " + "kata " * 12)
        for client in range(100)
        for n in range(60)
    ]
    folder, executed = runs.leave(tmp_path, rows), tmp_path / "audit.ipynb"
    given = {"run_folder": str(folder)}
    asyncio.run(notebook.run_notebook(ROOT / "notebooks/content_plan_audit.ipynb", executed, given, working_dir=ROOT))
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
