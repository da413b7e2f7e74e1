"""What a command prints at the end, in terminals of several widths."""

import re

import pytest
from rich.cells import cell_len

from flows import printing
from tests.runs import OUTCOMES, counts, problem, row

LONG = "Perkumpulan Pengrajin Kopi dan Teh Nusantara Cabang Bandungan"
UNBROKEN = "PerkumpulanPengrajinKopidanTehNusantaraCabangBandunganKulonProgo"
WIDE = "咖啡店" * 10


def result(clients, **more):
    summary = {
        "clients": clients,
        **{name: sum(client.get(name, 0) for client in clients.values()) for name in ("rows", *OUTCOMES)},
    }
    return {"flow": "content-plan-to-jira", "summary": summary, "data": [], "bottom_line": "Done.", **more}


def of_all_outcomes(rows=1060):
    return {"rows": rows, **dict.fromkeys(OUTCOMES, 150), "created": rows - 900}


def pieces(lines):
    """All words that stand there, whatever line they are on and whatever frames them."""
    return "".join(re.sub(r"[\s│┃\d,·]", "", line) for line in lines)


@pytest.mark.parametrize("columns", [40, 80, 120])
@pytest.mark.parametrize("name", ["Kopi Senja", LONG, UNBROKEN, WIDE])
@pytest.mark.parametrize("counted", [{"rows": 1060, "created": 1040, "refused": 20}, of_all_outcomes()])
def test_names_headings_and_numbers_are_whole_whatever_the_width(in_window, columns, name, counted):
    seen = in_window(columns)
    printing.show_outcomes(result({name: counted, "B": {"rows": 3, "created": 3}}))
    seen.settle()
    shown = seen.lines()
    assert max(map(cell_len, shown)) <= columns
    assert "…" not in seen.text()
    for number in counted.values():
        assert re.search(rf"(?<![\d,]){number:,}(?![\d,])", seen.text())
    for outcome in (name for name in counted if name != "rows"):
        assert re.search(rf"\b{outcome}\b", seen.text())
    assert name.replace(" ", "") in pieces(shown)


def test_a_wide_terminal_and_a_pipe_get_a_column_for_every_outcome(in_window, capsys):
    seen = in_window(120)
    printing.show_outcomes(result({"Kopi Senja": {"rows": 1060, "created": 1060}}))
    seen.settle()
    [heading] = [line for line in seen.lines() if "client" in line]
    assert re.findall(r"\w+", heading) == ["client", "rows", *(name for name in OUTCOMES if name != "updated")]


def test_sentences_break_between_words_and_paths_do_not_break(in_window, tmp_path):
    seen = in_window(40)
    folder = tmp_path / ("x" * 50)
    folder.mkdir()
    (folder / "audit.html").touch()
    told = problem("'31 Juni 2026' is no day of the calendar; write day, month and year")
    data = [row(7, "refused", problems=[told])]
    printing.show_outcomes(result({"Kopi Senja": counts(data)}, run_folder=str(folder)) | {"data": data})
    seen.settle()
    assert seen.lines()[-1].endswith("html") or "audit.html" in "".join(seen.lines())
    assert f"Report: {folder}/audit.html".encode() in seen.raw
    said = [line for line in seen.lines() if line.startswith("  ")]
    assert " ".join(line.strip() for line in said if "row" not in line).endswith(
        "is no day of the calendar; write day, month and year"
    )


def test_output_to_a_pipe_has_whole_sentences_on_one_line_and_no_control_characters(capsys):
    told = problem("a very long sentence " * 20)
    data = [row(7, "refused", problems=[told])]
    printing.show_outcomes(result({LONG: counts(data)}) | {"data": data})
    shown = capsys.readouterr().out
    assert told["message"].strip() in shown
    assert LONG in shown
    assert "\x1b" not in shown


def test_no_color_and_a_dumb_terminal_are_heard(in_window, monkeypatch):
    seen = in_window()
    monkeypatch.setenv("NO_COLOR", "1")
    printing.show_outcomes(result({"Kopi Senja": {"rows": 1}}, error="failed"))
    seen.settle()
    assert not re.search(rb"\x1b\[[\d;]*3\dm", seen.raw)
    monkeypatch.setenv("TERM", "dumb")
    before = len(seen.raw)
    printing.show_outcomes(result({"Kopi Senja": {"rows": 1}}, error="failed"))
    seen.settle()
    assert b"\x1b" not in seen.raw[before:]
