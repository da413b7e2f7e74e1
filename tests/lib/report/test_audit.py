"""The sentences, tables and plots of the audit; what people typed into a sheet stays text in all of them."""

import re

import pytest
from markupsafe import Markup

from lib.exactly_once.reconcile import Outcome
from lib.report import audit, chat, html_report, plots
from lib.run import run_record
from tests import runs

PLANTED = [
    "<script>alert(1)</script>",
    '=IMPORTXML("http://evil.example.com")',
    "$x^2$ [a](javascript:alert(1)) `code`",
    "☕👨‍👩‍👧 jeda\nbaris",
]
TABLES = [
    audit.heading,
    audit.show_bottom_line,
    audit.counts,
    audit.to_do,
    chat.blocks,
    audit.not_reached,
    audit.warnings,
    audit.changes,
    audit.issues,
    audit.went_in,
    audit.came_out,
    audit.notebooks,
    audit.parameters,
    audit.made_by,
    plots.content_per_day,
    plots.outcomes_per_client,
    plots.time_per_step,
]


@pytest.fixture
def messy(tmp_path):
    """A run in which every kind of row stands, and everything that a person may type holds what was planted."""
    rows = []
    for number, outcome in enumerate([o.value for o in Outcome] * 4, start=7):
        text = PLANTED[number % len(PLANTED)]
        problems = (
            [] if outcome in ("created", "existing") else [runs.problem(f"{text} is wrong", f"'{text}'!B{number}")]
        )
        change = {"column": text, "cell": "'Juli'!B7", "old": text, "new": text}
        rows.append(runs.row(number, outcome, topic=text, client=text, form=text, problems=problems, changes=[change]))
    plan = {
        "error": f"{PLANTED[0]}: no",
        "title": PLANTED[0],
        "tab": PLANTED[1],
        "problems": [runs.problem(PLANTED[2], level="warning")],
    }
    parameters = {"client_names": PLANTED}
    return run_record.read(
        runs.leave(tmp_path, rows, plans=dict.fromkeys(PLANTED, plan), error=PLANTED[0], parameters=parameters)
    )


@pytest.mark.parametrize("show", TABLES, ids=lambda show: show.__name__)
def test_what_was_typed_stays_text(messy, show):
    html = show(messy).data
    assert "<script" not in html
    assert not re.search(r'href="(?!https?://|#|\./)', html)
    assert "<img" not in html


def test_every_outcome_that_needs_a_person_is_listed_with_its_cell(messy):
    html = audit.to_do(messy).data
    for row in messy.rows:
        if row["outcome"] in ("refused", "rejected", "uncertain", "flagged"):
            cell = row["problems"][0]["where"].rpartition("!")[2]
            assert f"https://sheets.example.com/d/1/edit#gid=5&amp;range={cell}" in html
    assert html.index("flagged") < html.index("rejected") < html.index("refused")


def test_what_a_flow_says_it_did_is_the_bottom_line():
    counted = {"summary": {"rows": 1, "created": 1, "clients": {"Kopi Senja": {"rows": 1}}}, "done": "Row 5 has CP-7."}
    assert audit.bottom_line(counted) == "Row 5 has CP-7."


def test_the_bottom_line_says_all_numbers_in_words_and_they_add_up(messy):
    said = audit.bottom_line(messy.result)
    failure, _, counted = said.partition(f"{len(messy.rows)} rows of ")
    numbers = [int(number) for number in re.findall(r"\b\d+\b", counted)]
    assert sum(numbers[1:]) == len(messy.rows)
    assert failure.startswith(
        f"The run failed: {PLANTED[0]}. The run failed: 4 of 4 plans could not be read or finished: "
    )


def test_rows_that_a_stopped_run_did_not_reach_are_no_good_rows(tmp_path):
    reason = [runs.problem("not sent: the notebook failed", kind="not_reached")]
    rows = [runs.row(number, "ready", problems=reason) for number in (5, 6, 7, 9)]
    folder = runs.leave(tmp_path, rows, plans={"Kopi Senja": {"error": "the notebook failed"}})
    record = run_record.read(folder)
    assert audit.bottom_line(record.result) == (
        "The run failed: Kopi Senja: the notebook failed. 4 rows of 1 client: 4 rows were not reached."
    )
    assert ">5–7, 9</td>" in audit.not_reached(record).data
    assert "nothing is wrong" not in audit.counts(record).data


def test_what_stopped_the_run_is_the_first_thing_to_do(tmp_path):
    """The errors of plans are among the run's, too; each is listed once."""
    rows = [runs.row(7, "refused", problems=[runs.problem("no date")])]
    failed = {"Kopi Senja": {"error": "is an Excel file"}}
    record = run_record.read(runs.leave(tmp_path, rows, plans=failed, error="Jira cannot be reached"))
    html = audit.to_do(record).data
    assert html.count("Jira cannot be reached") == html.count("is an Excel file") == 1
    assert html.index("Jira cannot be reached") < html.index("is an Excel file") < html.index("no date")


def test_a_plan_wide_error_is_something_to_do_and_not_merely_odd(tmp_path):
    plan = {"problems": [runs.problem("4 rows hold keys of another plan"), runs.problem("odd", level="warning")]}
    record = run_record.read(runs.leave(tmp_path, [runs.row(7)], plans={"Kopi Senja": plan}))
    assert "4 rows hold keys" in audit.to_do(record).data
    assert "4 rows hold keys" not in audit.warnings(record).data
    assert ">odd<" in audit.warnings(record).data


def test_what_a_flow_found_is_shown_when_no_row_has_an_outcome(tmp_path):
    found = [{"client": "Kopi Senja", "long topics": 2}]
    folder = runs.leave(tmp_path, [], summary={"rows": 0, "clients": {}})
    record = run_record.read(folder)
    record.result["data"] = found
    assert "<th>long topics</th>" in audit.counts(record).data


@pytest.mark.parametrize(("count", "shown"), [(200, 200), (201, 200)])
def test_of_what_a_flow_found_the_first_two_hundred_are_shown_and_the_others_counted(tmp_path, count, shown):
    record = run_record.read(runs.leave(tmp_path, [], summary={"rows": 0, "clients": {}}))
    record.result["data"] = [{"topic": f"number {number}"} for number in range(count)]
    page = audit.counts(record).data
    assert page.count("number ") == shown
    assert (f"The first 200 of {count}" in page) == (count > shown)


def test_a_cell_of_a_plan_that_a_watch_knows_by_month_is_a_link(tmp_path):
    plan = {"spreadsheet_id": "id of Kopi Senja", "url": "https://sheets.example.com/d/2/edit", "tab_id": 7}
    rows = [runs.row(7, "flagged", problems=[runs.problem("was changed")])]
    record = run_record.read(runs.leave(tmp_path, rows, clients={"Kopi Senja, Juli 2026": plan}))
    assert "https://sheets.example.com/d/2/edit#gid=7&amp;range=B7" in audit.to_do(record).data


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([], {}, "0 rows of 0 clients: nothing to do."),
        (
            [],
            {"clients": {"Kopi": {"state": "no plan"}}, "months": ["Juni 2026", "Juli 2026"]},
            "There is no plan of Juni 2026 or Juli 2026 yet.",
        ),
        ([runs.row(1)], {}, "1 row of 1 client: 1 issue was created."),
        (
            [runs.row(1), runs.row(2), runs.row(3, "refused")],
            {},
            "3 rows of 1 client: 2 issues were created, 1 row was refused and must be corrected.",
        ),
        (
            [runs.row(1)],
            {"error": "no", "state": "cancelled"},
            "The run was cancelled before it was finished; run it again. 1 row of 1 client: 1 issue was created.",
        ),
        ([], {"error": "no settings"}, "The run failed: no settings. No row was read."),
        (
            [runs.row(1, "ready")],
            {"parameters": {"validate_only": True}},
            "1 row of 1 client: 1 row is good; as asked, its issue was not made.",
        ),
        ([], {"blocking": [{}]}, "0 rows of 0 clients: nothing to do. 1 problem would block the making of issues."),
    ],
    ids=["nothing", "no-plans", "one", "some", "cancelled", "failed", "validate-only", "blocking"],
)
def test_the_bottom_line_is_a_sentence(tmp_path, rows, more, said):
    assert audit.bottom_line(run_record.read(runs.leave(tmp_path, rows, **more)).result) == said


@pytest.mark.parametrize(
    ("rows", "state", "said"),
    [
        ([runs.row(7)], "completed", 'good">Completed'),
        ([runs.row(7, "refused")], "completed", 'attention">Completed, with corrections to make'),
        ([runs.row(7, "flagged")], "needs attention", 'attention">Needs attention'),
        ([runs.row(7)], "failed", 'bad">Failed'),
        ([runs.row(7)], "cancelled", 'bad">Cancelled'),
    ],
    ids=["good", "corrections", "attention", "failed", "cancelled"],
)
def test_how_a_run_ended_is_a_word_and_not_only_a_colour(tmp_path, rows, state, said):
    html = audit.show_bottom_line(run_record.read(runs.leave(tmp_path, rows, state=state))).data
    assert said in html.replace(" tex2jax_ignore mathjax_ignore", "").replace("<b>", "")


def test_a_text_of_a_whole_cell_is_cut_and_says_how_long_it_is(tmp_path):
    record = run_record.read(runs.leave(tmp_path, [runs.row(1, topic="a" * 30_000)]))
    html = audit.issues(record).data
    assert "(30,000 characters)" in html
    assert len(html) < 5_000


def test_the_columns_of_the_day_plot_add_up_to_the_rows_with_a_date(tmp_path):
    rows = [runs.row(n, form=form) for n, form in enumerate(["Post", "post", "Story", "Carousel"] * 10)]
    svg = plots.content_per_day(run_record.read(runs.leave(tmp_path, rows))).data
    assert "Pieces of content per day, Juli 2026" in svg
    assert svg.count(">Post<") == 1
    assert ">post<" not in svg


def test_a_dollar_sign_in_a_name_is_no_formula(tmp_path):
    svg = plots.outcomes_per_client(run_record.read(runs.leave(tmp_path, [runs.row(1, client="$harga$ & <b>")]))).data
    assert "$harga$ &amp; &lt;b&gt;" in svg


def test_only_addresses_that_a_browser_may_open_become_links():
    assert html_report.link("a", "javascript:alert(1)") == "a"
    assert html_report.link("<a>", None) == "&lt;a&gt;"
    assert html_report.link("CP-1", 'https://x.example.com/"') == Markup(
        '<a href="https://x.example.com/&#34;">CP-1</a>'
    )


FOLDER = "https://drive.google.com/drive/folders/abc"


def test_a_client_that_was_stopped_is_told_from_one_with_an_empty_plan_and_its_folder_is_a_link(tmp_path):
    stopped = {"Toko Rimba": {"error": "has no plan", "folder_url": FOLDER, "rows": 0}}
    plans = {**stopped, "Kopi Senja": {"url": "https://sheets.example.com/d/1/edit", "tab_id": 5}}
    summary = {"rows": 1, "created": 1, "clients": {"Kopi Senja": {"rows": 1, "created": 1}, "Toko Rimba": {"rows": 0}}}
    folder = runs.leave(tmp_path, [runs.row(7)], plans=stopped, summary=summary, clients=plans)
    record = run_record.read(folder)
    html = audit.counts(record).data
    assert re.findall(r"<th(?: [^>]*)?>(.*?)</th>", html) == ["client", "stopped", "rows", "created"]
    lines = [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in html.split("<tr>")[2:]]
    assert [line[1] for line in lines] == ["·", "stopped", "1"]
    assert f'<a href="{FOLDER}">Toko Rimba</a>' in lines[1][0]
    assert 'href="https://sheets.example.com/d/1/edit">Kopi Senja' in lines[0][0]
    listed = audit.to_do(record).data
    assert f'"cell"><a href="{FOLDER}">folder</a></td>' in listed
    assert '"what to do">has no plan</td>' in listed


def test_a_run_in_which_nobody_was_stopped_has_no_column_for_it(tmp_path):
    assert "stopped" not in audit.counts(run_record.read(runs.leave(tmp_path, [runs.row(7)]))).data


def test_a_page_is_called_after_flow_month_and_how_the_run_ended():
    result = {"flow": "content-plan-to-jira", "months": ["Juli 2026"], "state": "needs attention"}
    assert audit.title(result) == "content-plan-to-jira, Juli 2026: needs attention"
    assert audit.title({"flow": "compare", "state": "completed"}) == "compare: completed"


def test_files_and_the_flow_run_are_links(tmp_path):
    page = "https://prefect.example.com/runs/flow-run/1"
    record = run_record.read(runs.leave(tmp_path, [runs.row(7)], flow_run_id="1", flow_run_url=page))
    assert '<a href="./result.json">result.json</a>' in audit.came_out(record).data
    assert f'<a href="{page}">1</a>' in audit.made_by(record).data


def test_a_file_is_a_link_below_the_page_whatever_it_is_called():
    assert html_report.file_link("a", "javascript:alert(1)/ü #?.json") == Markup(
        '<a href="./javascript%3Aalert%281%29/%C3%BC%20%23%3F.json">a</a>'
    )
