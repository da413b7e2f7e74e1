"""The templates of docs/adding.md run as they stand."""

import asyncio
import datetime as dt
import importlib
import inspect
import json
import re
import shutil
import sys
import textwrap
from pathlib import Path

import nbformat
import pytest
from pydantic import SecretStr

import flows
from flows import command_line
from lib import command
from lib.dates import parse_date
from lib.notebook import runner
from lib.plan import rows_file
from lib.plan.keys import read_key
from lib.run import run_record
from lib.tasks import utility_tasks
from sandbox.seed import seed

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/adding.md").read_text()


def code_below(heading):
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.search(r"^```python\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)[1]


def flow_with_a_notebook():
    """The template of plans, changed as the page says."""
    code, counts = code_below("A flow that reads plans"), "long = sum(len(topic) > longest for topic in topics)"
    assert counts in code
    instead = re.search(r"`(long = .*?)` takes the place", PAGE)[1]
    return f"{code.replace(counts, instead)}\n\n{code_below('A flow with a notebook')}"


@pytest.fixture
def template(tmp_path, monkeypatch):
    """The template below a heading, as a module of `flows`."""
    (tmp_path / "more_flows").mkdir()
    monkeypatch.setattr(flows, "__path__", [*flows.__path__, str(tmp_path / "more_flows")])
    loaded = []

    def load(heading):
        path = tmp_path / f"more_flows/{heading.replace(' ', '_').casefold()}.py"
        path.write_text(flow_with_a_notebook() if heading == "A flow with a notebook" else code_below(heading))
        module = importlib.import_module(f"flows.{path.stem}")
        loaded.append(module.__name__)
        return module

    yield load
    for name in loaded:
        sys.modules.pop(name, None)


@pytest.fixture
def notebook_of_the_page(tmp_path, monkeypatch):
    """The notebook of the page, where flows look for notebooks."""
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
    shutil.copytree(ROOT / "notebooks", tmp_path / "project/notebooks")
    path = tmp_path / "project/notebooks/count_topics.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    monkeypatch.setattr(utility_tasks, "ROOT", tmp_path / "project")
    return path


@pytest.mark.report
def test_the_flow_of_the_page_runs_and_leaves_its_folder_and_report(template, services, tmp_path, capsys):
    flow = template("A flow").count_clients
    result = asyncio.run(flow(delay_seconds=(0, 0), output_dir=str(tmp_path / "output")))
    assert result.get("error") is None
    assert result["done"] == "6 clients are in the list."
    folder = Path(result["run_folder"])
    assert json.loads((folder / "result.json").read_text())["metadata"]["record_count"] == 6
    assert "6 clients are in the list." in (folder / "audit.html").read_text()
    with pytest.raises(SystemExit):
        command_line.main(sys.modules[flow.fn.__module__].__file__, ["--help"])
    described = capsys.readouterr().out
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


@pytest.mark.report
def test_the_flow_of_the_page_with_a_notebook_finds_the_same_and_its_report_lists_the_copy(
    template, notebook_of_the_page, services, tmp_path, capsys
):
    given = ["--target-month", seed.MONTH, "--client-names", "Kopi Senja", "Klinik Gigi Cemara"]
    given += ["--delay-seconds", "0", "0", "--output-dir", str(tmp_path / "output")]
    headings = ("A flow with a notebook", "A flow that reads plans")
    codes = [command_line.main(template(heading).__file__, given) for heading in headings]
    assert codes == [0, 0], capsys.readouterr().out
    counted, noted = map(run_record.read, run_record.run_folders(tmp_path / "output"))
    assert noted.result["data"] == counted.result["data"]
    assert {one.path for one in noted.notebooks if one.status == "completed"} == {
        "kopi-senja/count_topics.ipynb",
        "klinik-gigi-cemara/count_topics.ipynb",
    }
    assert "kopi-senja/count_topics.ipynb" in (noted.folder / "audit.html").read_text()


@pytest.mark.parametrize(
    ("heading", "name"), [("A flow", "count_clients"), ("A flow that reads plans", "count_topics")]
)
def test_a_flow_of_the_page_is_a_command(template, services, tmp_path, capsys, heading, name):
    module = template(heading)
    flow = getattr(module, name)
    told = command_line.of_file(Path(module.__file__))
    assert command.signature(told) == command.signature(flow.fn).replace(return_annotation=inspect.Signature.empty), (
        "it is refused early, too"
    )
    month = ["--target-month", seed.MONTH] if heading != "A flow" else []
    code = command_line.main(
        module.__file__, [*month, "--delay-seconds", "0", "0", "--output-dir", str(tmp_path / "output")]
    )
    shown = capsys.readouterr().out
    assert code == 0, shown
    [record] = map(run_record.read, run_record.run_folders(tmp_path / "output"))
    assert record.result["bottom_line"] == record.result["done"]
    assert record.result["done"] in shown
    assert "Run folder: " in shown
    assert "rejected" not in shown, "no row has an outcome, so there is no table of outcomes"


def test_a_row_is_read_as_the_page_says():
    plan = rows_file.load(ROOT / "notebooks/samples/kopi_senja_juli_2026.json")
    row = plan.rows[0].model_copy(update={"key": "cp-abc"})
    names = {"plan": plan, "row": row, "parse_date": parse_date, "read_key": read_key}
    table = PAGE.partition("| wanted | how |")[2].partition("```")[0]
    said = re.findall(r"`((?:plan\.\w+|parse_date|read_key)\(.*?|row\.row)`", table)
    assert [eval(code, names) for code in said] == [
        row.text("Topik"),
        1,
        dt.date(2026, 7, 1),
        None,
        row.row,
        f"'{plan.tab}'!J{row.row}",
    ]


def test_the_task_of_the_page_asks_jira_and_is_named_and_retried_as_all_are(template, services):
    task = template("A task").count_components
    assert asyncio.run(task.fn(seed.PROJECT_KEY)) > 0
    assert (task.name, task.retries, task.retry_delay_seconds) == ("jira.project.count-components", 2, 30)


def test_the_block_of_the_page_says_what_is_missing(template):
    block = template("A block").ChatCredentials
    assert "CHAT_TOKEN is not set" in block().test_connection()["problem"]
    assert block(token=SecretStr("x")).test_connection()["ok"]
    assert "x" not in repr(block(token=SecretStr("x")))


def test_the_notebook_of_the_page_runs_by_itself_and_shows_what_it_leaves(notebook_of_the_page, tmp_path):
    executed, left = tmp_path / "executed.ipynb", tmp_path / "topics.json"
    ran = asyncio.run(runner.run_notebook(notebook_of_the_page, executed, {"topics_path": str(left)}, working_dir=ROOT))
    assert ran.status == "completed"
    found = json.loads(left.read_text())["data"]
    assert 0 < len(found) < 60
    shown = nbformat.read(executed, as_version=4).cells[-1].outputs[0].data["text/plain"]
    assert len(shown.splitlines()) == 1 + len(found)
