"""The templates of docs/adding.md run as they stand."""

import asyncio
import importlib.util
import json
import re
import textwrap
from pathlib import Path

import nbformat
import pytest
from pydantic import SecretStr

from flows import command_line
from lib import notebook, run_record
from sandbox import seed
from tests import runs

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/adding.md").read_text()


@pytest.fixture
def template(tmp_path):
    """The template below a heading, as a module."""

    def load(heading):
        section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
        code = re.search(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)[1]
        path = tmp_path / f"{heading.replace(' ', '_').casefold()}.py"
        path.write_text(code)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.mark.report
def test_the_flow_of_the_page_runs_and_leaves_its_folder_and_report(template, services, tmp_path):
    flow = template("A flow").count_clients
    result = asyncio.run(flow(delay_seconds=(0, 0), output_dir=str(tmp_path / "output")))
    assert result.get("error") is None
    assert result["done"] == "6 clients are in the list."
    folder = Path(result["run_folder"])
    assert json.loads((folder / "result.json").read_text())["metadata"]["record_count"] == 6
    assert "6 clients are in the list." in (folder / "audit.html").read_text()
    described = command_line.parser(flow).format_help()
    assert "Count the clients of the list." in described
    assert "--delay-seconds" in described


@pytest.mark.report
def test_the_flow_of_the_page_that_reads_plans_counts_all_that_it_can_read(template, services, tmp_path):
    flow = template("A flow that reads plans").count_topics
    given = {"target_month": seed.MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path / "output")}
    file = next(one for one in services.google.files.values() if "Klinik Gigi Cemara – Juli" in one.name)
    file.name = "Catatan"
    names = ["Kopi Senja", "Siapa Ini", "Klinik Gigi Cemara", "Toko Rimba"]
    result = asyncio.run(flow(client_names=names, **given))
    assert "Siapa Ini: is not in the client list" in result["error"]
    assert "has no spreadsheet named 'Content Plan - Klinik Gigi Cemara - Juli 2026'" in result["error"]
    assert [(one["client"], one["rows"]) for one in result["data"]] == [("Kopi Senja", 60), ("Toko Rimba", 34)]
    assert all(0 < one["long"] < one["rows"] for one in result["data"])
    assert result["done"] in (Path(result["run_folder"]) / "audit.html").read_text()


@pytest.mark.parametrize(
    ("heading", "name"), [("A flow", "count_clients"), ("A flow that reads plans", "count_topics")]
)
def test_a_flow_of_the_page_is_a_command(template, services, tmp_path, capsys, heading, name):
    flow = getattr(template(heading), name)
    month = ["--target-month", seed.MONTH] if heading != "A flow" else []
    code = command_line.main(flow, [*month, "--delay-seconds", "0", "0", "--output-dir", str(tmp_path / "output")])
    shown = capsys.readouterr().out
    assert code == 0, shown
    [record] = map(run_record.read, run_record.run_folders(tmp_path / "output"))
    assert record.result["bottom_line"] == record.result["done"]
    assert record.result["done"] in shown
    assert "Run folder: " in shown
    assert "rejected" not in shown, "no row has an outcome, so there is no table of outcomes"


def test_the_task_of_the_page_asks_jira_and_is_named_and_retried_as_all_are(template, services):
    task = template("A task").count_components
    assert asyncio.run(task.fn(seed.PROJECT_KEY)) > 0
    assert (task.name, task.retries, task.retry_delay_seconds) == ("jira.project.count-components", 2, 30)


def test_the_block_of_the_page_says_what_is_missing(template):
    block = template("A block").ChatCredentials
    assert "CHAT_TOKEN is not set" in block().test_connection()["problem"]
    assert block(token=SecretStr("x")).test_connection()["ok"]
    assert "x" not in repr(block(token=SecretStr("x")))


def test_the_notebook_of_the_page_shows_the_rows_of_a_run(tmp_path):
    section = PAGE.partition("\n## A notebook\n")[2]
    parameters, setup, question, code = (
        textwrap.dedent(text)
        for text in re.findall(r"^  ```(?:python|markdown)\n(.*?)^  ```$", section, re.DOTALL | re.MULTILINE)
    )
    cells = [
        nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        nbformat.v4.new_code_cell(setup, metadata={"tags": ["setup"]}),
        nbformat.v4.new_markdown_cell(question),
        nbformat.v4.new_code_cell(code),
    ]
    source, executed = tmp_path / "rows.ipynb", tmp_path / "executed.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), source)
    folder = runs.leave(tmp_path, [runs.row(2), runs.row(3, "flagged", topic="Menu baru untuk Agustus")])
    given = {"run_folder": str(folder), "longest": 9}
    ran = asyncio.run(notebook.run_notebook(source, executed, given, working_dir=ROOT))
    assert ran.status == "completed"
    shown = nbformat.read(executed, as_version=4).cells[-1].outputs[0].data["text/plain"]
    assert "Menu baru…" in shown
    assert "Topik 2" not in shown
