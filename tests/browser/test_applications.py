"""JupyterLab and Prefect's pages, as people use them, in a real browser."""

import asyncio
import re
import sys

import nbformat
import pytest

from flows.content_plan_to_jira import content_plan_to_jira
from lib.report import tables
from lib.settings import ROOT
from tests.lib.plans import plan, row
from tests.processes import none_is_left
from tests.servers import free_port, prefect_server, process, wait_for

# Both applications look for pages of their own that a plain installation does not have.
NO_FAULT_OF_OURS = ("Failed to load resource",)


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """JupyterLab as `make lab` opens it, on a copy of the notebooks; its address."""
    (tmp_path / "notebooks").mkdir()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        (tmp_path / "notebooks" / path.name).write_text(path.read_text())
    flags = re.search(r"^LAB := \$\(RUN\)jupyter lab (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    flags = flags.replace("$(LAB_FLAGS)", "").replace('"$(CURDIR)"', str(tmp_path))
    site = f"http://127.0.0.1:{(port := free_port())}"
    more = ["--no-browser", "--allow-root", "--IdentityProvider.token=secret", f"--ServerApp.port={port}"]
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    with none_is_left(monkeypatch):
        command = [sys.executable, "-m", "jupyter", "lab", *flags.split(), *more]
        # Killed where it does not end: now and then a thread of JupyterLab's own keeps it from it.
        with process(command, tmp_path / "lab.log") as server:
            wait_for(f"{site}/api", server)
            yield site


def test_the_transform_runs_in_jupyterlab(lab, opened_page):
    address = f"{lab}/lab/tree/notebooks/content_plan_to_jira.ipynb?token=secret"
    with opened_page(address, allowed=NO_FAULT_OF_OURS) as page:
        page.locator(".jp-NotebookPanel .jp-CodeCell").first.wait_for()
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()
        page.get_by_text(re.compile("^60 rows")).wait_for()
        assert page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.stderr']").count() == 0


def test_a_table_in_jupyterlab_has_its_words_to_the_left_and_long_texts_in_lines(lab, tmp_path, opened_page):
    text = "Kopi pagi\nhttps://example.com/" + "x" * 1_000
    shown = tables.rows(plan(*[row(n, "Topik " * 60, caption=text) for n in range(3)]))
    output = nbformat.v4.new_output("display_data", {"text/html": shown._repr_html_()})
    executed = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=[output])])
    # Executed elsewhere: JupyterLab keeps only the styles that it knows.
    nbformat.write(executed, tmp_path / "notebooks/executed.ipynb")
    with opened_page(f"{lab}/lab/tree/notebooks/executed.ipynb?token=secret", allowed=NO_FAULT_OF_OURS) as page:
        cells = page.locator(".jp-NotebookPanel table.dataframe td")
        cells.first.wait_for()
        styles = "cells => cells.map(cell => [getComputedStyle(cell).textAlign, cell.scrollWidth <= cell.clientWidth])"
        assert cells.evaluate_all(styles) == [["left", True]] * 3 * len(shown.columns)
        topic, caption = (cells.nth(place).bounding_box() for place in (4, 5))
        assert 200 < topic["width"] < 700
        assert 200 < caption["width"] < 700
        assert caption["height"] < 500


def test_prefects_form_has_a_described_control_for_every_parameter(tmp_path, opened_page):
    async def deploy():
        return await (await content_plan_to_jira.to_deployment("form")).apply()

    with prefect_server(tmp_path) as site:
        identifier = asyncio.run(deploy())
        with opened_page(f"{site}/deployments/deployment/{identifier}/run", allowed=NO_FAULT_OF_OURS) as page:
            page.get_by_text("break_lock (Optional)").wait_for()
            text = page.locator("body").inner_text().casefold()
            for name, parameter in content_plan_to_jira.parameters.properties.items():
                assert f"{name} (optional)" in text
                assert parameter["description"].split(";")[0].rstrip(".")[:40].casefold() in text, name
