"""The line of runs of each client and month, and where its signs lead."""

import datetime as dt
import re

import pytest

from lib.report import history, run_lines
from lib.run import run_record
from tests import runs


def leave(output, *lists, **more):
    """One run per list of rows, an hour apart, each with a report; their records, oldest first."""
    found = []
    for hour, rows in enumerate(lists):
        folder = runs.leave(output, rows, at=runs.START + dt.timedelta(hours=hour), **more)
        (folder / "audit.html").write_text("x")
        found.append(run_record.read(folder))
    return found


def test_a_run_ends_well_with_rows_that_wait_or_not_at_all_for_a_client(tmp_path):
    rows = [runs.row(1), runs.row(2, "refused"), runs.row(3, "flagged"), runs.row(4, client="Toko Rimba")]
    stopped = {"Warung": {"error": "no access", "rows": 0}}
    [record] = leave(tmp_path, [*rows, runs.row(1, client="Warung")], plans=stopped)
    ended = {one.client: (one.kind, one.waiting, one.told) for one in run_lines.endings(record)}
    when = "25 Juni 2026 pukul 08.00 WIB, content-plan-to-jira:"
    assert ended == {
        "Kopi Senja": ("attention", 2, f"{when} 1 created, 1 refused, 1 flagged"),
        "Toko Rimba": ("good", 0, f"{when} 1 created"),
        "Warung": ("bad", 0, f"{when} stopped, 1 created"),
    }


def test_a_line_leads_from_the_oldest_run_to_this_one(tmp_path):
    waiting = runs.row(1, "refused", problems=[runs.problem("no date")])
    *_, record = leave(tmp_path, [waiting], [waiting], [runs.row(1)])
    shown = run_lines.show(record, history.read(record).runs).data
    assert re.findall(r'class="chip (\w+)( here)?"', shown) == [("attention", ""), ("attention", ""), ("good", " here")]
    first, second = re.findall(r'href="(\./\.\./2[^"]*)"', shown)
    assert (tmp_path / "x" / first.removeprefix("./")).resolve().is_file()
    assert first < second
    assert 'href="./../clients/kopi-senja.html"' in shown
    assert record.name not in re.findall(r'href="[^"]*"', shown)


def test_a_pass_without_news_and_a_plan_that_is_not_there_are_in_no_line(tmp_path):
    quiet, other = leave(tmp_path, [runs.row(1)], nothing_new=True), leave(tmp_path, [])
    assert [run_lines.endings(record) for record in (*quiet, *other)] == [[], []]


def test_months_stand_newest_first_and_invented_clients_apart(tmp_path):
    records = [
        *leave(tmp_path / "a", [runs.row(1)], months=["Desember 2025"]),
        *leave(tmp_path / "b", [runs.row(1)], months=["Januari 2026"], sandbox=True),
        *leave(tmp_path / "c", [runs.row(1, client="KOPI  senja")], months=["Januari 2026"]),
    ]
    found = run_lines.lines(one for record in records for one in run_lines.endings(record))
    assert [run_lines.month_of(plan) for plan in found] == ["Januari 2026, sandbox", "Januari 2026", "Desember 2025"]
    [(_, page, months)] = run_lines.newest(found)
    assert (page, len(months)) == ("clients/kopi-senja.html", 3)


def test_a_long_line_shows_its_newest_runs(tmp_path):
    records = leave(tmp_path, *([[runs.row(1)]] * (run_lines.SHOWN + 2)))
    shown = run_lines.chips(one for record in records for one in run_lines.endings(record))
    assert shown.count("<a ") == run_lines.SHOWN
    assert records[-1].name in shown
    assert records[0].name not in shown


def test_a_name_is_text_in_a_line(tmp_path):
    [record] = leave(tmp_path, [runs.row(1, client="<b>'\"&")])
    shown = run_lines.show(record, []).data
    assert "<b>'" not in shown
    assert "&lt;b&gt;" in shown


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b", ".", "", "☕", "kopi\x00", "\ud800", "x" * 500, "<b>", "a_b"]
)
def test_a_name_that_is_no_file_name_has_a_page_of_its_own(name):
    page = run_lines.page_of((name, "Juli 2026", False))
    assert re.fullmatch(r"clients/[a-z0-9-]{0,60}_[0-9a-f]{8}\.html", page)
    assert page != run_lines.page_of((f"{name}!", "Juli 2026", False))
    assert page == run_lines.page_of((name, "Agustus 2026", True))
