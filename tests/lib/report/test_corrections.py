"""The corrections of a run as a table that people open in a spreadsheet, which must run nothing of it."""

import csv
import datetime as dt
import io
import itertools

import pytest

from lib.error_record import ErrorRecord, in_result
from lib.files import CORRECTIONS
from lib.report import audit, corrections, history
from lib.run import run_record
from tests import runs


def saved(folder):
    path = corrections.save(folder)
    assert path == folder / CORRECTIONS
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def refused(number, message="is no date", where=None, **more):
    address = f"'Juli {number}'!B{number}" if where is None else where
    return runs.row(number, "refused", problems=[runs.problem(message, address)], **more)


def test_each_correction_is_a_line_with_its_cell_and_a_link_to_it(tmp_path):
    left = [runs.row(6), refused(7, where="'Juli ''26'!B7"), refused(8, client="Toko Rimba")]
    first, second = saved(runs.leave(tmp_path, left))
    assert first == {
        "client": "Kopi Senja",
        "sheet": "Juli '26",
        "cell": "B7",
        "link": "https://sheets.example.com/d/1/edit#gid=5&range=B7",
        "what is wrong": "is no date",
        "apa yang salah": "",
        "since": "",
    }
    assert (second["client"], second["sheet"], second["cell"]) == ("Toko Rimba", "Juli 8", "B8")


def test_excel_reads_its_letters_and_its_line_ends(tmp_path):
    content = corrections.save(runs.leave(tmp_path, [refused(7, "☕ — é")])).read_bytes()
    assert content.startswith(b"\xef\xbb\xbfclient,")
    assert content.count(b"\r\n") == content.count(b"\n") == 2
    assert "☕ — é" in content.decode()


def test_it_tells_for_how_many_runs_a_row_waits(tmp_path):
    runs.leave(tmp_path, [refused(7), runs.row(8)], at=runs.START - dt.timedelta(days=1))
    assert [line["since"] for line in saved(runs.leave(tmp_path, [refused(7), refused(8)]))] == ["2 runs", "new"]


@pytest.mark.parametrize(
    ("left", "more"),
    [
        ([runs.row(7)], {}),
        ([runs.row(7, "refused", problems=[runs.problem("odd", level="warning")])], {}),
        ([runs.row(7, "uncertain", problems=[runs.problem("not found yet")])], {}),
        ([runs.row(7)], in_result([ErrorRecord("Jira: no answer", "try_later", "Kopi Senja", "jira")])),
        ([runs.row(7)], in_result([ErrorRecord("the run was cancelled", "cancelled")])),
    ],
    ids=["all-good", "only-odd", "settled-by-the-next-run", "outage", "cancelled"],
)
def test_where_nothing_is_to_be_corrected_there_is_no_file(tmp_path, left, more):
    folder = runs.leave(tmp_path, left, **more)
    assert corrections.save(folder) is None
    assert not (folder / CORRECTIONS).exists()
    assert CORRECTIONS not in audit.to_do(run_record.read(folder)).data


def test_a_plan_that_could_not_be_read_is_a_correction_with_the_spreadsheet_as_link(tmp_path):
    stopped = in_result([ErrorRecord("no header was found", "fix_input", "Kopi Senja")])
    [line] = saved(runs.leave(tmp_path, [runs.row(7)], **stopped))
    assert (line["cell"], line["what is wrong"]) == ("spreadsheet", "no header was found")
    assert line["link"] == "https://sheets.example.com/d/1/edit"


def test_the_report_and_the_file_list_the_same_and_the_report_links_it(tmp_path):
    folder = runs.leave(tmp_path, [refused(number, f"wrong {number}") for number in range(7, 12)])
    lines, record = saved(folder), run_record.read(folder)
    html = audit.to_do(record, history.read(record)).data
    assert f'<a href="./{CORRECTIONS}">{CORRECTIONS}</a>' in html
    assert all(line["what is wrong"] in html for line in lines)
    assert html.count(">refused</td>") == len(lines)


BEFORE = ["", " ", "\t", "\r", "\n", "\r\n", "\x00", "\xa0", "\u3000", "\ufeff", "\u200b", "\u2800", '"', ' "\t']
STARTS = ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20", "\u2212"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("around", ["{}", "a;{}", "a;b\n{}", "a, b\t{}"], ids=["alone", "list", "line", "tab"])
def test_no_cell_begins_with_a_formula_whatever_separates_lists(tmp_path, around, delimiter):
    typed = [around.format(f"{before}{start}cmd|'/C calc'!A0") for before, start in itertools.product(BEFORE, STARTS)]
    left = [refused(7, text, where=text, client=text or "x") for text in typed]
    content = corrections.save(runs.leave(tmp_path, left)).read_text("utf-8-sig")
    cells = list(itertools.chain(*csv.reader(io.StringIO(content, newline=""), delimiter=delimiter)))
    assert len(cells) > len(typed)
    stripped = (cell.lstrip(' \t\r\n"\x00\xa0\u3000\ufeff\u200b\u2800') for cell in cells)
    assert [cell for cell in stripped if cell.startswith(tuple(STARTS))] == []


@pytest.mark.parametrize("text", ["'-' is no date", "IG+TikTok = 2", "5-7 Juli", "é-book", "(-5)", "a@b.example"])
def test_a_text_that_no_spreadsheet_runs_is_written_as_it_is(tmp_path, text):
    [line] = saved(runs.leave(tmp_path, [refused(7, text)]))
    assert line["what is wrong"] == text


def test_a_link_that_no_browser_may_open_is_left_out(tmp_path):
    plans = {"Kopi Senja": {"url": "javascript:alert(1)"}}
    assert [line["link"] for line in saved(runs.leave(tmp_path, [refused(7)], plans=plans))] == [""]


def test_a_text_of_a_whole_cell_is_cut_and_says_how_long_it_is(tmp_path):
    [line] = saved(runs.leave(tmp_path, [refused(7, "x" * 50_000)]))
    assert line["what is wrong"].endswith("… (50,000 characters)")
    assert len(line["what is wrong"]) < 700
