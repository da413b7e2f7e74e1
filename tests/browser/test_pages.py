"""The pages that people open, in a real browser."""

import asyncio
import datetime as dt
import itertools
import json
import re
from pathlib import Path

import nbformat
import pytest
from IPython.display import SVG
from markupsafe import Markup

from flows.content_plan_to_jira import content_plan_to_jira
from lib.exactly_once.reconcile import Outcome
from lib.report import audit, chat, html_report, plots, run_index
from lib.run import run_record
from sandbox.seed import seed
from tests import odd, runs


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


HOSTILE = """
<script>document.title = 'ran'</script><img src='data:image/png,x' onerror="document.title='ran'">
<meta http-equiv="refresh" content="0; url=http://elsewhere.example/"><base href="http://elsewhere.example/" target="_blank">
<form action="http://elsewhere.example/"><input name="x"><button id="send">Send</button></form>
<iframe src="http://elsewhere.example/"></iframe><object data="http://elsewhere.example/"></object>
<embed src="http://elsewhere.example/"><link rel="stylesheet" href="http://elsewhere.example/a.css">
<link rel="dns-prefetch" href="//elsewhere.example"><img src="http://elsewhere.example/a.png"><video src="//elsewhere.example/v">
</video><svg onload="document.title='ran'"><script>document.title='ran'</script><a href="javascript:document.title='ran'">
<text y="9">in svg</text></a><use href="http://elsewhere.example/a.svg#x"/><animate attributeName="href" to="javascript:1"/>
<foreignObject><iframe srcdoc="<script>parent.document.title='ran'</script>"></iframe></foreignObject></svg>
<style>@import url(http://elsewhere.example/a.css); body { background: url(http://elsewhere.example/b.png) }</style>
<style>body { background: \\75rl(//elsewhere.example/c.png) }</style>
<p style="background: url('http://elsewhere.example/d.png')">styled</p>
<a id="bad" href="java&#9;script:document.title='ran'" target="_top" ping="http://elsewhere.example/">bad</a>
<a href="data:text/html,<script>1</script>">data</a><math><mtext><style><img src=x onerror="document.title='ran'"></style></math>
"""
KEPT = """
<style type="text/css">#T_1 td { color: rgb(1, 2, 3) }</style><table id="T_1"><tr><td>coloured</td></tr></table>
<a id="good" href="https://example.com/browse/CP-1">CP-1</a>
"""
DRAWING = """<svg viewBox="0 0 40 20"><defs><clipPath id="c"><rect width="40" height="20"/></clipPath><path id="p" d="M0 0L9 9"/></defs>
<g clip-path="url(#c)" style="fill: #ff0000"><rect id="bar" width="30" height="20"/><use xlink:href="#p" x="3"/></g></svg>"""


@pytest.mark.parametrize("width", [390, 1280])
def test_a_hostile_output_does_nothing_and_tables_and_drawings_are_shown(tmp_path, opened_page, width):
    shown = [{"text/html": HOSTILE}, {"text/html": KEPT}, {"image/svg+xml": DRAWING}, {"image/svg+xml": HOSTILE}]
    outputs = [nbformat.v4.new_output("display_data", each) for each in shown]
    outputs.append(nbformat.v4.new_output("display_data", {"application/javascript": "document.title = 'ran'"}))
    cells = [nbformat.v4.new_code_cell("", outputs=outputs), nbformat.v4.new_markdown_cell(HOSTILE)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "planted.ipynb")
    saved = html_report.save_notebook(tmp_path / "planted.ipynb", tmp_path / "planted.html", "untouched")
    with opened_page(saved.as_uri(), width=width) as page:
        page.wait_for_load_state("networkidle")
        page.locator("p:has-text('styled')").first.wait_for()
        tags = (
            "meta[http-equiv=refresh], base, form, iframe, object, embed, link, script, video, animate, foreignObject"
        )
        assert page.locator(tags).count() == 0
        said = page.evaluate("[...document.querySelectorAll('*')].flatMap(e => [...e.attributes]).map(a => a.name)")
        assert not {name for name in said if name.startswith("on") or name in ("target", "ping")}
        assert "elsewhere.example" not in page.locator("body").evaluate("e => e.innerHTML")
        assert page.locator("a[href^='java'], a[href^='data']").count() == 0
        page.locator("a:has-text('bad')").first.click()
        assert (page.title(), page.url) == ("untouched", saved.as_uri())
        assert page.locator("#T_1 td").evaluate("e => getComputedStyle(e).color") == "rgb(1, 2, 3)"
        assert page.locator("#good").get_attribute("href") == "https://example.com/browse/CP-1"
        assert page.locator("#bar").bounding_box()["width"] > 100
        assert overflow(page) == 0


def kind_of(shown):
    return "image/svg+xml" if isinstance(shown, SVG) else "text/html"


def page_of(tmp_path, *parts):
    """The page of a notebook that consists of prose (text) and of what its cells showed."""
    made = [
        nbformat.v4.new_markdown_cell(part)
        if isinstance(part, str)
        else nbformat.v4.new_code_cell("", outputs=[nbformat.v4.new_output("display_data", {kind_of(part): part.data})])
        for part in parts
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=made), tmp_path / "made.ipynb")
    return html_report.save_notebook(tmp_path / "made.ipynb", tmp_path / "made.html", "Made").as_uri()


def a_run_with_corrections(tmp_path):
    message = "'31.2.2026' is no date that the calendar has; write it as 2026-02-28, 28/02/2026 or 28 Februari 2026"
    wrong = [runs.problem(f"{message} {'x' * 90}", "'Content Plan Juli 2026'!B7")]
    left = [runs.row(n, "refused", problems=wrong, client="Rumah Baca 'Aksara' & Anak <b>") for n in range(3)]
    return run_record.read(runs.leave(tmp_path, [*left, *(runs.row(n) for n in range(5, 60))]))


LABELS = "e => [getComputedStyle(e, '::before').content, e.dataset.label]"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_on_a_phone_what_is_to_do_is_a_card_that_is_whole(tmp_path, opened_page, dark):
    address = page_of(tmp_path, "## To do", audit.to_do(a_run_with_corrections(tmp_path)))
    with opened_page(address, width=390, dark=dark) as page:
        assert page.locator(".cards tbody tr").count() == 3
        assert page.locator(".cards thead").bounding_box()["width"] <= 1
        names = page.locator(".cards th").all_text_contents()
        for card in page.locator(".cards tbody tr").all():
            fields = card.locator("td").all()
            assert [field.get_attribute("data-label") for field in fields] == names
            boxes = [field.bounding_box() for field in fields]
            assert all(box["x"] > 0 and box["x"] + box["width"] < 390 for box in boxes)
            assert all(upper["y"] + upper["height"] <= lower["y"] for upper, lower in itertools.pairwise(boxes))
            for content, label in (field.evaluate(LABELS) for field in fields):
                assert content == f'"{label}: "'
            assert not [field for field in fields if field.evaluate("e => e.scrollWidth > e.clientWidth")]
        assert overflow(page) == 0


def test_on_a_phone_what_is_odd_is_cards_without_a_broken_word_and_a_plot_is_moved_sideways(tmp_path, opened_page):
    missing = runs.problem("there is no entry", "hashmap.py COMPONENTS", level="warning", kind="mapping")
    record = run_record.read(runs.leave(tmp_path, [runs.row(1, problems=[missing])]))
    address = page_of(tmp_path, "## Odd", audit.warnings(record), "## Plot", plots.content_per_day(record))
    with opened_page(address, width=390) as page:
        cell = page.locator(".cards td", has_text="hashmap.py COMPONENTS")
        assert cell.bounding_box()["height"] < 40
        assert page.locator("svg").bounding_box()["width"] > 600
        assert overflow(page) == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_a_click_marks_all_of_the_text_for_a_chat(tmp_path, opened_page, width):
    with opened_page(page_of(tmp_path, "## Chat", chat.blocks(a_run_with_corrections(tmp_path))), width=width) as page:
        page.locator("summary").click()
        page.locator("pre.copy").click(position={"x": 40, "y": 30})
        marked = page.evaluate("getSelection().toString()")
        assert marked.strip() == page.locator("pre.copy").inner_text().strip()
        assert marked.count("&range=B7") == 3
        assert overflow(page) == 0


def test_in_a_wide_window_what_is_to_do_is_a_table(tmp_path, opened_page):
    with opened_page(page_of(tmp_path, "## To do", audit.to_do(a_run_with_corrections(tmp_path)))) as page:
        boxes = [field.bounding_box() for field in page.locator(".cards tbody tr").first.locator("td").all()]
        assert len({box["y"] for box in boxes}) == 1
        assert page.locator(".cards td").first.evaluate(LABELS)[0] == "none"
        assert page.locator(".cards thead").is_visible()
        assert overflow(page) == 0


def on_paper(pdf):
    """Where things are printed: name of a heading or address of a link -> numbers of the pages, from 0."""
    objects = dict(re.findall(rb"(?s)\n(\d+) 0 obj\n(.*?)\nendobj", pdf))
    pages = [number for number, body in objects.items() if re.search(rb"/Type /Page\b", body)]
    found = {}
    for number, page in enumerate(pages):
        for link in re.findall(rb"(\d+) 0 R", (re.search(rb"/Annots \[(.*?)\]", objects[page]) or [b"", b""])[1]):
            if address := re.search(rb"/URI \((.*?)\)", objects[link]):
                found.setdefault(address[1].decode(), set()).add(number)
    for name, page in re.findall(rb"/(\S+) \[(\d+) 0 R /XYZ", pdf):
        found[name.decode()] = {pages.index(page)}
    return found


def test_on_paper_headings_stay_with_their_tables_and_rows_are_whole(tmp_path, opened_page):
    def table(number):
        ends = [html_report.link("word", f"https://example.com/{number}/{end}") for end in ("first", "last")]
        tall = Markup("line<br>" * (number % 5 + 2)) + ends[1]
        return html_report.table(["row", "text"], [[ends[0], tall], *[["another", "row"]] * (number % 4)])

    sections = [part for n in range(60) for part in (f"## Section {n}\n\nWhat is it?", table(n))]
    with opened_page(page_of(tmp_path, *sections)) as page:
        where = on_paper(page.pdf(format="A4"))
    for n in range(60):
        assert (
            where[f"Section-{n}"] == where[f"https://example.com/{n}/first"] == where[f"https://example.com/{n}/last"]
        )
    assert len(set.union(*where.values())) > 5


def test_on_paper_the_created_issues_are_there_in_light_colours_and_nothing_is_cut(tmp_path, opened_page):
    record = a_run_with_corrections(tmp_path)
    parts = (audit.show_bottom_line(record), audit.counts(record), audit.to_do(record), audit.issues(record))
    with opened_page(page_of(tmp_path, "## All", *parts), dark=True, width=680) as page:
        assert page.get_by_role("link", name="CP-5", exact=True).is_hidden()
        where = on_paper(page.pdf(format="A4"))
        assert {f"https://jira.example.com/browse/CP-{n}" for n in range(5, 60)} <= where.keys()
        page.emulate_media(media="print")
        assert page.get_by_role("link", name="CP-5", exact=True).is_visible()
        assert page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator(".sentence b").inner_text() == "Completed, with corrections to make"
        assert page.locator(".sentence").first.evaluate("e => getComputedStyle(e).printColorAdjust") == "exact"
        assert overflow(page) == 0


@pytest.mark.parametrize("width", [390, 1280])
def test_an_index_is_no_wider_than_its_window_and_its_filters_work(tmp_path, opened_page, width):
    left = [runs.row(n, "ready", problems=[runs.problem("not sent", kind="not_reached")]) for n in range(30)]
    runs.leave(tmp_path, left, error=f"Jira: {'no ' * 60}")
    runs.leave(tmp_path, [runs.row(1)], at=runs.START + dt.timedelta(hours=1))
    with opened_page(run_index.rebuild(tmp_path).as_uri(), width=width) as page:
        assert overflow(page) == 0
        page.locator("#state").select_option("failed")
        assert page.locator("tbody tr:visible").count() == 1
        assert overflow(page) == 0


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


def test_an_index_beside_odd_folders_names_each_and_stays_whole(tmp_path, opened_page):
    odd.leave_all(tmp_path)
    odd.called(tmp_path, "20260625" + "x" * 240)
    runs.leave(tmp_path, [runs.row(1)])
    with opened_page(run_index.rebuild(tmp_path).as_uri()) as page:
        assert page.locator("ul.odd li").count() == len(odd.NO_RUNS) + 1
        assert overflow(page) == 0
        page.locator("#state").select_option("unreadable")
        shown = page.locator("tbody tr:visible").all_inner_texts()
        assert len(shown) == len(odd.UNREADABLE)
        assert any("start_time: Field required" in text for text in shown)


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


def test_on_paper_an_index_with_every_outcome_is_no_wider_than_a_page(tmp_path, opened_page):
    runs.leave(tmp_path, [runs.row(n, outcome) for n, outcome in enumerate(Outcome, 1)], error=f"Jira: {'no ' * 60}")
    with opened_page(run_index.rebuild(tmp_path).as_uri(), width=1045) as page:  # A4, on its side
        page.emulate_media(media="print")
        assert page.locator("thead th").count() == 8 + len(Outcome)
        assert overflow(page) == 0
        assert page.locator(".filters").is_hidden()
        assert b"/MediaBox [0 0 792 612]" in page.pdf(prefer_css_page_size=True)  # Letter, on its side
