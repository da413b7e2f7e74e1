"""Notebooks as pages: their parts that show something."""

import re
import subprocess
import sys

import nbformat
import pytest

from lib.report import html_report
from lib.settings import ROOT


def page_of(tmp_path, *cells):
    """The page of a notebook whose cells are prose (text) and outputs (lists of HTML)."""
    made = []
    for cell in cells:
        if isinstance(cell, str):
            made.append(nbformat.v4.new_markdown_cell(cell))
        else:
            outputs = [nbformat.v4.new_output("display_data", {"text/html": html}) for html in cell]
            made.append(nbformat.v4.new_code_cell("", outputs=outputs))
    nbformat.write(nbformat.v4.new_notebook(cells=made), tmp_path / "a.ipynb")
    return html_report.save_notebook(tmp_path / "a.ipynb", tmp_path / "a.html", "Juli <1>").read_text()


def test_only_prose_for_planners_is_in_the_language_of_planners(tmp_path):
    notebook = nbformat.read(ROOT / "notebooks/content_plan_audit.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_markdown_cell("Not known", metadata={"tags": [html_report.FOR_PLANNERS]}))
    nbformat.write(notebook, tmp_path / "a.ipynb")
    page, english = (
        html_report.save_notebook(tmp_path / "a.ipynb", tmp_path / "a.html", "Audit", language).read_text()
        for language in ("id", "")
    )
    assert re.search(r'<div lang="id">\s*<h2[^>]*>Untuk disalin ke chat', page)
    assert page.count('<div lang="id">') == 4
    assert ">What a person has to do" not in page
    assert ">Issues that this run created" in page
    assert "Not known" in page
    assert ">What a person has to do" in english
    assert 'lang="id"' not in english


NOTHING = html_report.nothing().data


def test_the_title_takes_the_place_of_the_notebooks_own(tmp_path):
    page = page_of(tmp_path, "# Audit of a run\n\nWhat was asked for.", ["<p>made</p>"])
    assert page.count("<h1") == 1
    assert "<h1>Juli &lt;1&gt;</h1>" in page
    assert "Audit of a run" not in page
    assert "What was asked for." in page


def test_a_cell_that_shows_nothing_is_left_out_beside_one_that_shows_something(tmp_path):
    page = page_of(tmp_path, "## Bottom line", ["<p>made</p>"], [NOTHING], "Which files did it leave?", [NOTHING])
    assert "made" in page
    assert "None." not in page
    assert "Which files" not in page


def test_a_section_that_shows_nothing_is_left_out_and_named(tmp_path):
    page = page_of(tmp_path, "## Odd\n\nA look is worth it.", [NOTHING], "## Plots", ["<p>drawn</p>"])
    assert "A look is worth it." not in page
    assert "None." not in page
    assert "drawn" in page
    assert "Nothing to report on: Odd." in page


def test_a_question_within_a_section_is_left_out_by_itself(tmp_path):
    page = page_of(tmp_path, "## To do", ["<p>row 7</p>"], "Not reached:", [NOTHING], "Cancelled:", ["<p>row 8</p>"])
    assert "Not reached" not in page
    assert "None." not in page
    assert "Cancelled" in page
    assert "Nothing to report on" not in page


def test_a_section_whose_first_answer_is_nothing_keeps_its_heading(tmp_path):
    page = page_of(tmp_path, "## Issues", [NOTHING], "Older ones:", ["<p>CP-7</p>"])
    assert page.index(">Issues") < page.index("None.") < page.index("CP-7")


@pytest.mark.parametrize("shown", [[], [NOTHING, "<p>CP-7</p>"]], ids=["no output", "something beside"])
def test_prose_and_what_shows_anything_stay(tmp_path, shown):
    assert ">Kept" in page_of(tmp_path, "## Kept", shown)


def test_pictures_without_a_description_say_that_they_have_none(tmp_path):
    source = "data:image/png;base64,AA"
    page = page_of(tmp_path, [f'<img src="{source}"> <img alt="a > b" src="{source}"> <img src="{source}" alt="">'])
    assert re.findall(r'<img[^>]* alt="([^"]*)"', page) == [
        "No description has been given for this picture",
        "a &gt; b",
        "",
    ]


def test_everything_stands_in_a_landmark(tmp_path):
    page = page_of(tmp_path, "# A", "## B", ["<p>c</p>"])
    assert page.count("<main>") == page.count("</main>") == 1
    assert page.count("<nav ") == 1


def test_what_a_page_needs_can_be_imported_before_there_is_a_notebook(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Audit")]), tmp_path / "a.ipynb")
    script = """
import sys
from pathlib import Path
from lib.report import html_report
html_report.get_ready()
before = {*sys.modules}
html_report.save_notebook(Path("a.ipynb"), Path("a.html"), "Audit")
print(sorted(name for name in sys.modules.keys() - before if name.startswith(("nbconvert", "bs4", "mistune"))))
"""
    assert subprocess.check_output([sys.executable, "-c", script], cwd=tmp_path, text=True) == "[]\n"
