"""A client's page: whole, of this client alone, and written anew only when there is something new."""

import datetime as dt
import html
import re

import pytest

from lib import files
from lib.report import client_pages, run_index
from lib.run import run_record
from tests import runs

LATER = runs.START + dt.timedelta(hours=1)
WRONG = runs.problem("write the date", "'Juli'!B7")


def page(output, name="kopi-senja"):
    run_index.rebuild(output)
    return (output / f"clients/{name}.html").read_text()


def stamps(output):
    return {path.name: path.stat().st_mtime_ns for path in (output / "clients").iterdir()}


def test_a_page_tells_of_its_client_alone(tmp_path):
    other = runs.problem("of somebody else")
    rows = [runs.row(1), runs.row(7, "refused", problems=[WRONG]), runs.row(2, client="Toko")]
    runs.leave(tmp_path, [*rows, runs.row(3, "refused", client="Toko", problems=[other])])
    shown = page(tmp_path)
    assert "<h1>Kopi Senja</h1>" in shown
    assert "write the date" in shown
    assert 'href="https://jira.example.com/browse/CP-1"' in shown
    assert ">1 issue<" in shown
    assert "somebody else" not in shown
    assert "CP-2" not in shown
    assert 'href="../index.html"' in shown
    assert 'href="clients/kopi-senja.html">Kopi Senja</a>' in (tmp_path / "index.html").read_text()


def test_a_page_in_indonesian_is_so_but_for_the_runs_and_is_written_anew_when_that_is_changed(tmp_path):
    plans = {"Kopi Senja": {"folder": "kopi-senja"}}
    folder = runs.leave(tmp_path, [runs.row(1), runs.row(7, "refused", problems=[WRONG])], plans=plans)
    runs.leave_plan(folder, "Kopi Senja", [["Tanggal", "Bentuk", "Topik"], ["5 Juli 2026", "Post", "Kopi"]])
    assert "<h3>What a person has to do</h3>" in page(tmp_path)
    run_index.rebuild(tmp_path, "id")
    shown = (tmp_path / "clients/kopi-senja.html").read_text()
    assert '<html lang="id">' in shown
    assert re.findall("<h3>(.*?)</h3>", shown) == ["Yang harus dilakukan", "Issue", "Pemeriksaan"]
    assert ">Semua proses</a>" in shown
    assert "<summary>1 proses</summary>" in shown
    assert "<td>Bentuk</td><td>apakah salah satu Bentuk konten?</td>" in shown
    assert "tidak ada baris yang menunggu" in shown
    assert "no row waits for a person" in (tmp_path / "index.html").read_text()


def test_what_the_newest_run_that_read_the_plan_says_counts(tmp_path):
    runs.leave(tmp_path, [runs.row(7, "refused", problems=[WRONG])])
    runs.leave(tmp_path, [runs.row(7)], at=LATER)
    stopped = {"Kopi Senja": {"error": "no access", "rows": 0}}
    runs.leave(tmp_path, [runs.row(1)], at=LATER + dt.timedelta(hours=1), plans=stopped)
    shown = page(tmp_path)
    assert "write the date" not in shown
    assert "CP-7" in shown
    assert re.findall(r'class="chip (\w+)"', shown) == ["attention", "good", "bad"]


def test_a_row_that_waits_says_since_how_many_runs(tmp_path):
    new = runs.problem("write the topic", "'Juli'!C9")
    waits = runs.row(7, "refused", problems=[WRONG])
    for hour in range(3):
        rows = [waits, *([runs.row(9, "refused", problems=[new])] if hour == 2 else [])]
        runs.leave(tmp_path, rows, at=runs.START + dt.timedelta(hours=hour))
    shown = page(tmp_path)
    assert re.findall(r'data-label="since">(.*?)<', shown) == ["3 runs", "new"]


def test_what_the_watch_found_since_stands_beside_it_once(tmp_path):
    runs.leave(tmp_path, [runs.row(1), runs.row(7, "refused", problems=[WRONG])])
    seen = {"Kopi Senja, Juli 2026": {"client": "Kopi Senja", "month": "Juli 2026", "rows": 2, "flagged": 2}}
    again = runs.problem("has no issue", WRONG["where"])
    changed = runs.problem("Topik was changed", "'Juli'!C1")
    rows = [runs.row(1, "flagged", problems=[changed]), runs.row(7, "flagged", problems=[again])]
    found = {one["client"]: {"spreadsheet_id": one["spreadsheet_id"]} for one in rows}
    known = {name: {**plan, **found["Kopi Senja"]} for name, plan in seen.items()}
    runs.leave(tmp_path, rows, at=LATER, flow="content-plan-watch", clients=known)
    shown = page(tmp_path)
    assert "Topik was changed" in shown
    assert "write the date" in shown
    assert "has no issue" not in shown
    assert "CP-1" in shown


def test_only_pages_with_something_new_are_written(tmp_path, monkeypatch):
    rows = [runs.row(1), runs.row(1, client="Toko")]
    runs.leave(tmp_path, rows)
    runs.leave(tmp_path, rows, at=LATER)
    run_index.rebuild(tmp_path)
    before, read = stamps(tmp_path), []
    monkeypatch.setattr(
        run_record, "read_result", lambda folder, real=run_record.read_result: read.append(folder) or real(folder)
    )
    run_index.rebuild(tmp_path)
    assert (stamps(tmp_path), read) == (before, [])
    new = runs.leave(tmp_path, rows[1:], at=LATER + dt.timedelta(hours=1))
    run_index.rebuild(tmp_path)  # no row waits, so that no earlier run is read
    changed = {name for name, stamp in stamps(tmp_path).items() if before[name] != stamp}
    assert (changed, read) == ({"toko.html"}, [new])


def test_a_page_that_cannot_be_written_stays_as_it_was(tmp_path, monkeypatch):
    runs.leave(tmp_path, [runs.row(1)])
    before = page(tmp_path)
    runs.leave(tmp_path, [runs.row(2)], at=LATER)
    with monkeypatch.context() as patched:
        patched.setattr(files.os, "fsync", lambda _file: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            run_index.rebuild(tmp_path)
    assert (tmp_path / "clients/kopi-senja.html").read_text() == before
    assert [path.name for path in (tmp_path / "clients").iterdir()] == ["kopi-senja.html"]
    assert "CP-2" in page(tmp_path)


def test_the_page_of_a_client_without_any_run_goes_and_nothing_else_does(tmp_path):
    gone = runs.leave(tmp_path, [runs.row(1, client="Toko")])
    runs.leave(tmp_path, [runs.row(1)])
    run_index.rebuild(tmp_path)
    (tmp_path / "clients/mine.html").write_text("<p>notes</p>")
    gone.rename(tmp_path / ".archived")
    run_index.rebuild(tmp_path)
    assert stamps(tmp_path).keys() == {"kopi-senja.html", "mine.html"}


def test_clients_that_ran_on_workers_have_one_run_in_their_line(tmp_path):
    part = runs.leave(tmp_path, [runs.row(1)], at=LATER)
    runs.leave(tmp_path, [runs.row(1)], plans={"Kopi Senja": {"run": part.name}})
    assert len(re.findall(r'class="chip ', page(tmp_path))) == 1


def test_older_months_are_told_by_their_runs(tmp_path):
    months = ["Maret 2026", "April 2026", "Mei 2026", "Juni 2026"]
    for number, month in enumerate(months):
        runs.leave(tmp_path, [runs.row(number + 1)], at=runs.START + dt.timedelta(hours=number), months=[month])
    shown = page(tmp_path)
    assert re.findall(r"<h2>(.*?)</h2>", shown) == months[::-1]
    assert [f">CP-{number}<" in shown for number in (1, 2, 3, 4)] == [False, True, True, True]


def test_a_run_whose_result_was_changed_since_is_told_by_its_line(tmp_path, monkeypatch):
    runs.leave(tmp_path, [runs.row(1)])
    monkeypatch.setattr(client_pages, "_read", lambda *_given: None)
    shown = page(tmp_path)
    assert 'class="chip good"' in shown
    assert "Issues" not in shown


def test_what_people_typed_stays_text_and_the_page_runs_and_fetches_nothing(tmp_path):
    name = "<script>alert(1)</script>"
    wrong = runs.problem("<img src=//evil.example onerror=alert(2)>")
    runs.leave(tmp_path, [runs.row(1, client=name), runs.row(2, "refused", client=name, problems=[wrong])])
    run_index.rebuild(tmp_path)
    [path] = (tmp_path / "clients").iterdir()
    shown = path.read_text()
    assert "<script" not in shown
    assert "<img" not in shown
    assert html.escape(name) in shown
    assert "default-src 'none'" in shown
    assert "script-src" not in shown


def test_no_name_reaches_beyond_the_folder_of_the_pages(tmp_path):
    output = tmp_path / "output"
    names = [
        "../../../etc/passwd",
        "/etc/passwd",
        "..",
        "con",
        "a\\b",
        "☕",
        "\ud800",
        "n" * 300,
        "toko",
        "Toko!",
        "TOKO",
    ]
    runs.leave(output, [runs.row(number, client=name) for number, name in enumerate(names, start=1)])
    run_index.rebuild(output)
    assert len(stamps(output)) == len(names) - 1  # toko and TOKO are one
    assert {path.name for path in tmp_path.iterdir()} == {"output"}
    saved = {path.name for path in output.iterdir()}
    assert {one for one in saved if not one.startswith("2026")} == {"clients", "index.html", ".index.lock"}
