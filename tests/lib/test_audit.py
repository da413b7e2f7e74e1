"""The sentences, tables and plots of the audit; what people typed into a sheet stays text in all of them."""

import re

import pytest
from markupsafe import Markup

from lib import audit, html_report, plots, run_record
from lib.reconcile import Outcome
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
    audit.stopped,
    audit.to_do,
    audit.not_sent,
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
    assert not re.search(r'href="(?!https?://|#)', html)
    assert "<img" not in html


def test_every_outcome_that_needs_a_person_is_listed_with_its_cell(messy):
    html = audit.to_do(messy).data
    for row in messy.rows:
        if row["outcome"] in ("refused", "rejected", "uncertain", "flagged"):
            cell = row["problems"][0]["cell"].rpartition("!")[2]
            assert f"https://sheets.example.com/d/1/edit#gid=5&amp;range={cell}" in html
    assert html.index("flagged") < html.index("rejected") < html.index("refused")


def test_what_was_done_is_the_bottom_line_unless_rows_have_outcomes():
    counted = {"summary": {"rows": 3, "clients": {"Kopi Senja": {"rows": 3}}}, "done": "2 topics are too long."}
    assert audit.bottom_line(counted) == "2 topics are too long."
    counted["summary"]["created"] = 3
    assert audit.bottom_line(counted) == "3 rows of 1 client: 3 issues were created."


def test_the_bottom_line_says_all_numbers_in_words_and_they_add_up(messy):
    said = audit.bottom_line(messy.result)
    numbers = [int(number) for number in re.findall(r"\b\d+\b", said.partition("The run failed")[0])]
    assert numbers[0] == sum(numbers[2:]) == len(messy.rows)
    assert said.endswith(f"The run failed: {PLANTED[0]}")


def test_a_cell_of_a_plan_that_a_watch_knows_by_month_is_a_link(tmp_path):
    plan = {"spreadsheet_id": "id of Kopi Senja", "url": "https://sheets.example.com/d/2/edit", "tab_id": 7}
    rows = [runs.row(7, "flagged", problems=[runs.problem("was changed")])]
    record = run_record.read(runs.leave(tmp_path, rows, clients={"Kopi Senja, Juli 2026": plan}))
    assert "https://sheets.example.com/d/2/edit#gid=7&amp;range=B7" in audit.to_do(record).data


@pytest.mark.parametrize(
    ("rows", "more", "said"),
    [
        ([], {}, "0 rows of 0 clients: nothing to do."),
        ([runs.row(1)], {}, "1 row of 1 client: 1 issue was created."),
        (
            [runs.row(1), runs.row(2), runs.row(3, "refused")],
            {},
            "3 rows of 1 client: 2 issues were created, 1 row was refused and must be corrected.",
        ),
        ([], {"error": "no", "state": "cancelled"}, "0 rows of 0 clients: nothing to do. The run was cancelled: no"),
        ([], {"blocking": [{}]}, "0 rows of 0 clients: nothing to do. 1 problem would block the making of issues."),
    ],
    ids=["nothing", "one", "some", "cancelled", "blocking"],
)
def test_the_bottom_line_is_a_sentence(tmp_path, rows, more, said):
    assert audit.bottom_line(run_record.read(runs.leave(tmp_path, rows, **more)).result) == said


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
