"""Every kind of page by the rules of axe-core, folded lists opened, on a phone and in a wide, dark window; how large a report is."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from flows.content_plan_to_jira import content_plan_to_jira
from lib.notebook import runner
from lib.report import html_report, run_index
from lib.settings import ROOT
from sandbox.seed import seed
from tests import odd, runs

pytestmark = [pytest.mark.report, pytest.mark.kernel]
LARGEST = 200_000  # bytes of a report of 150 rows
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
# Short words of tables that stand on two lines: a column is too narrow for them.
BROKEN = """() => [...document.querySelectorAll('th, td')].flatMap(cell => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), found = [];
  for (let text; (text = walker.nextNode());)
    for (const word of text.data.matchAll(/(?<!\\S)\\p{L}{2,12}(?!\\S)/gu)) {
      const range = document.createRange();
      range.setStart(text, word.index); range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) found.push(word[0]);
    }
  return found;
})"""
OPEN = "document.querySelectorAll('details').forEach(one => one.open = true)"


@pytest.fixture
def faults(chromium):
    """What axe finds on a page: rule and element; where it is wider than its window; and words that are broken."""

    def find(address):
        found = []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for width, scheme in ((390, "light"), (1280, "dark")):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                page.goto(address)
                page.evaluate(OPEN)
                if over := page.evaluate(OVERFLOW):
                    found.append(("wider than its window", f"by {over} pixels at {width}"))
                found += [("a word on two lines", f"{word} at {width}") for word in page.evaluate(BROKEN)]
                answer = Axe().run(page).response
                assert answer["passes"]
                found += [(rule["id"], node["html"][:200]) for rule in answer["violations"] for node in rule["nodes"]]
            browser.close()
        return found

    return find


def report(folder, notebook, **parameters):
    """The page of a notebook that was run on what lies in the folder."""
    executed = folder / f"{notebook}.ipynb"
    asyncio.run(
        runner.run_notebook(ROOT / f"notebooks/{notebook}.ipynb", executed, parameters, timeout_s=300, working_dir=ROOT)
    )
    return html_report.save_notebook(executed, executed.with_suffix(".html"), "Report").as_uri()


def messy(output, **more):
    """Two runs of the same month with every outcome; the folder of the later one."""
    wrong, not_sent = runs.problem("no day of the calendar"), runs.problem("not sent", kind="not_reached")
    odd_one = runs.problem("lies outside", level="warning")
    rows = [
        runs.row(
            n, outcome, problems=[wrong] if outcome in ("refused", "rejected", "uncertain", "flagged") else [odd_one]
        )
        for n, outcome in enumerate(runs.OUTCOMES, start=1)
    ]
    rows += [runs.row(20, "ready", problems=[not_sent]), runs.row(21, client="Rumah <b>'Aksara' & Anak")]
    changed = {"column": "Topik", "cell": "'Juli'!C2", "old": "lama", "new": "baru"}
    rows[-1]["changes"] = [changed]
    runs.leave(output, [*rows[:3], runs.row(9, "refused", problems=[wrong])])
    return runs.leave(output, rows, at=runs.START + dt.timedelta(hours=1), **more)


def test_the_report_of_a_messy_run_that_failed_has_no_fault(tmp_path, faults):
    folder = messy(tmp_path, error="Jira: no")
    assert faults(report(folder, "content_plan_audit", run_folder=str(folder))) == []


def test_a_comparison_has_no_fault(tmp_path, faults):
    folder = messy(tmp_path)
    before = tmp_path / f"{runs.START:%Y%m%d_%H%M%S}_content-plan-to-jira"
    assert faults(report(folder, "compare_runs", run_a=str(before), run_b=str(folder))) == []


def test_the_index_and_the_pages_of_clients_have_no_fault(tmp_path, faults):
    messy(tmp_path)
    odd.called(tmp_path, "20260625")
    assert faults(run_index.rebuild(tmp_path).as_uri()) == []
    pages = sorted((tmp_path / "clients").iterdir())
    assert len(pages) == 2
    assert [fault for page in pages for fault in faults(page.as_uri())] == []


def test_the_report_of_the_demos_150_rows_is_small_and_without_a_fault(services, tmp_path, faults):
    given = {"target_month": seed.MONTH, "delay_seconds": (0, 0), "output_dir": str(tmp_path)}
    result = asyncio.run(content_plan_to_jira(**given))
    page = Path(result["run_folder"]) / "audit.html"
    assert result["summary"]["rows"] == 150
    assert page.stat().st_size < LARGEST
    assert faults(page.as_uri()) == []


def test_the_sandboxs_pages_have_no_fault(services, faults):
    for path in ("/", "/issues", f"/spreadsheets/{seed.CLIENTS_SPREADSHEET_ID}"):
        assert (path, faults(f"{services.url}{path}")) == (path, [])
