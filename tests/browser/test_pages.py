"""The pages that people open, in a real browser."""

import asyncio
import datetime as dt
import json
from pathlib import Path

import nbformat
import pytest

from flows.content_plan_to_jira import content_plan_to_jira
from lib import html_report, run_index
from lib.reconcile import Outcome
from sandbox import seed
from tests import runs


def overflow(page):
    """By how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")


def cells(page, table):
    return [line.locator("td").all_inner_texts() for line in page.locator(table).first.locator("tbody tr").all()]


@pytest.mark.report
def test_the_audit_of_a_real_run_shows_what_its_json_says(services, tmp_path, opened_page):
    given = {"target_month": seed.MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path)}
    result = asyncio.run(content_plan_to_jira(**given, client_names=["Kopi Senja", "Batik Larasati"]))
    saved = json.loads((Path(result["run_folder"]) / "result.json").read_text())
    audit = (Path(result["run_folder"]) / "audit.html").as_uri()
    for shot, options in {"light": {}, "dark": {"dark": True}, "telephone": {"width": 390}}.items():
        with opened_page(audit, shot=shot, **options) as page:
            shown = {line[0]: line[1:] for line in cells(page, "table.report")}
            names = page.locator("table.report").first.locator("th").all_inner_texts()[1:]
            assert names == ["rows", *(outcome.value for outcome in Outcome if saved["summary"][outcome])]
            for client, counts in {**saved["summary"]["clients"], "all": saved["summary"]}.items():
                assert [int(text.replace("·", "0")) for text in shown[client]] == [counts[name] for name in names]
            page.get_by_text("Kopi Senja: 57 issues").click()
            assert page.get_by_role("link", name=saved["data"][0]["key"], exact=True).first.is_visible()
            widths = [svg.bounding_box()["width"] for svg in page.locator("svg").all()]
            assert len(widths) == 3
            assert min(widths) > 300
            assert overflow(page) == 0


def test_a_script_in_a_report_would_not_run(tmp_path, opened_page):
    planted = "<script>document.title = 'ran'</script><img src='data:image/png,x' onerror=\"document.title='ran'\">"
    output = nbformat.v4.new_output("display_data", {"text/html": planted})
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("", outputs=[output])])
    nbformat.write(notebook, tmp_path / "planted.ipynb")
    page = html_report.save_notebook(tmp_path / "planted.ipynb", tmp_path / "planted.html", "untouched")
    assert "<script>" in page.read_text()
    with opened_page(page.as_uri(), allowed=("Content Security Policy",)) as shown:
        assert shown.title() == "untouched"


def test_an_index_of_a_thousand_runs_is_filtered_by_client_and_state(tmp_path, opened_page):
    names = ["Kopi Senja", "Toko Rimba", 'Warung "Tini" <b>']
    for number in range(1000):
        rows = [runs.row(1, client=names[number % 3])]
        failed = {"error": "Jira: no"} if number % 10 == 0 else {}
        runs.leave(tmp_path, rows, at=runs.START + dt.timedelta(hours=number), **failed)
    with opened_page(run_index.rebuild(tmp_path).as_uri(), dark=True) as page:
        assert page.locator("#shown").inner_text() == "1000 of 1000 runs"
        assert overflow(page) == 0
        page.locator("#client").select_option(label=names[2])
        assert page.locator("#shown").inner_text() == "333 of 1000 runs"
        page.locator("#state").select_option("failed")
        shown = page.locator("tbody tr:visible")
        assert shown.count() == 33
        assert all("Jira: no" in text for text in shown.all_inner_texts())
        page.locator("#client").select_option("")
        page.locator("#state").select_option("")
        page.locator("#text").fill("2026-06-25")
        assert page.locator("tbody tr:visible").count() == 16


def test_the_sandboxs_pages_show_what_was_made(services, tmp_path, opened_page):
    given = {"target_month": seed.MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path)}
    first = asyncio.run(content_plan_to_jira(**given, client_names=["Klinik Gigi Cemara"]))["data"][0]
    shown = {
        "/": "Klinik Gigi Cemara",
        f"/browse/{first['key']}": first["topic"],
        f"/spreadsheets/{first['spreadsheet_id']}": first["key"],
        "/issues": first["key"],
    }
    for path, text in shown.items():
        with opened_page(f"{services.url}{path}", shot=path.split("/")[1] or "overview") as page:
            assert text in page.locator("body").inner_text()
            assert overflow(page) == 0
