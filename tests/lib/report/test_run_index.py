import datetime as dt
import re
import threading

import pytest
from markupsafe import escape

from lib.report import run_index
from lib.terminal import printable
from tests import odd, runs


def lines(output):
    html = run_index.rebuild(output).read_text()
    return re.findall(r"<tr data-flow=.*?</tr>", html, re.DOTALL)


def test_all_runs_are_listed_newest_first_with_links_to_what_is_there(tmp_path):
    older = runs.leave(tmp_path, [runs.row(1), runs.row(2, "refused")], seconds=75)
    newer = runs.leave(tmp_path, [runs.row(1, "existing")], at=runs.START + dt.timedelta(days=1), error="Jira: no")
    (newer / "audit.html").write_text("x")
    (tmp_path / "20260627_010000_content-plan-watch").mkdir()
    unfinished, second, first = lines(tmp_path)
    assert 'data-state="not finished"' in unfinished
    assert "href" not in unfinished
    assert 'data-state="failed"' in second
    assert f'href="{newer.name}/audit.html"' in second
    assert "Jira: no" in second
    assert 'data-state="completed"' in first
    assert '<td class="state corrections">completed</td>' in first
    assert '<td class="state">failed</td>' in second
    assert f'href="{older.name}/result.json"' in first
    assert "audit.html" not in first
    assert "1 min 15 s" in first


def test_the_report_that_is_linked_is_the_one_that_the_result_names(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(1)], report="https://files.example.com/runs/20260625/topics.html")
    for name in ("topics.html", "topics.ipynb", "audit.html"):
        (folder / name).write_text("x")
    [line] = lines(tmp_path)
    assert re.findall(rf'href="{folder.name}/(.*?)"', line) == ["topics.html", "topics.ipynb", "result.json"]


def test_rows_that_a_run_did_not_reach_are_counted_under_a_name_of_their_own(tmp_path):
    left = [runs.row(n, "ready", problems=[runs.problem("not sent", kind="not_reached")]) for n in (1, 2)]
    runs.leave(tmp_path, [*left, runs.row(3, "ready")])
    names = re.findall(r"<th[^>]*>(.*?)</th>", run_index.rebuild(tmp_path).read_text())
    numbers = re.findall(r"<td[^>]*>(.*?)</td>", lines(tmp_path)[0])
    shown = dict(zip(names, numbers, strict=True))
    assert (shown["rows"], shown["ready"], shown["not reached"]) == ("3", "1", "2")


def test_a_rerun_and_the_run_that_it_repeats_name_each_other(tmp_path):
    first = runs.leave(tmp_path, [runs.row(1)])
    second = runs.leave(tmp_path, [runs.row(1)], rerun_of=first.name)
    again, repeated = lines(tmp_path)
    assert f"rerun of {first.name}" in again
    assert f"run again as {second.name}" in repeated


def test_what_people_typed_stays_text(tmp_path):
    name = '<script>alert(1)</script>"'
    runs.leave(tmp_path, [runs.row(1, client=name)], error="<img src=x onerror=alert(2)>")
    html = run_index.rebuild(tmp_path).read_text()
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "&lt;script&gt;alert(1)" in html


def test_a_file_that_somebody_broke_does_not_stop_the_index(tmp_path):
    (runs.leave(tmp_path, [runs.row(1)]) / "result.json").write_text("{")
    runs.leave(tmp_path, [runs.row(1)])
    assert len(lines(tmp_path)) == 2


def test_runs_that_end_together_leave_a_whole_index_with_all_of_them(tmp_path):
    def end(number):
        runs.leave(tmp_path, [runs.row(1)], at=runs.START + dt.timedelta(minutes=number))
        run_index.rebuild(tmp_path)

    threads = [threading.Thread(target=end, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    html = (tmp_path / "index.html").read_text()
    assert html.count("<tr data-flow=") == 8
    assert html.rstrip().endswith("</html>")


def test_an_index_that_was_read_before_another_run_ended_does_not_replace_a_newer_one(tmp_path, monkeypatch):
    read, newer = threading.Event(), threading.Event()
    save_page = run_index.html_report.save_page

    def save(*given, **values):
        if not read.is_set():  # the first one has read the runs, and is slow to write
            read.set()
            newer.wait(1)
        return save_page(*given, **values)

    monkeypatch.setattr(run_index.html_report, "save_page", save)
    runs.leave(tmp_path, [runs.row(1)])
    slow = threading.Thread(target=run_index.rebuild, args=(tmp_path,))
    slow.start()
    assert read.wait(10)
    runs.leave(tmp_path, [runs.row(1)])
    run_index.rebuild(tmp_path)
    newer.set()
    slow.join()
    assert (tmp_path / "index.html").read_text().count("<tr data-flow=") == 2


@pytest.mark.parametrize(("make", "why"), odd.UNREADABLE.values(), ids=odd.UNREADABLE)
def test_a_run_that_cannot_be_read_stands_in_the_index_with_the_reason_beside_all_others(tmp_path, make, why):
    make(tmp_path)
    good = runs.leave(tmp_path, [runs.row(1)])
    first, second = lines(tmp_path)
    assert f'title="{good.name}"' in first
    assert f'title="{odd.NAME}"' in second
    assert 'data-state="unreadable"' in second
    assert why in second


@pytest.mark.parametrize(("make", "name", "why"), odd.NO_RUNS.values(), ids=odd.NO_RUNS)
def test_what_only_looks_like_a_run_is_named_below_the_runs(tmp_path, make, name, why):
    make(tmp_path)
    good = runs.leave(tmp_path, [runs.row(1)])
    [line] = lines(tmp_path)
    assert good.name in line
    html = (tmp_path / "index.html").read_text()
    [told] = re.findall(r"<li><code>(.*?)</li>", html, re.DOTALL)
    assert told.startswith(f"{escape(printable(name))}</code> ")
    assert why in told


def test_what_is_no_run_and_does_not_look_like_one_is_not_mentioned(tmp_path):
    for name in ("archive", "scratch", ".hidden"):
        (tmp_path / name).mkdir()
    (tmp_path / "note.txt").write_text("x")
    runs.leave(tmp_path, [runs.row(1)])
    assert len(lines(tmp_path)) == 1
    assert "No run folders" not in (tmp_path / "index.html").read_text()


def test_a_link_to_a_run_elsewhere_is_listed_as_one(tmp_path):
    output = tmp_path / "output"
    output.mkdir()
    (output / odd.NAME).symlink_to(runs.leave(tmp_path / "other disk", [runs.row(1)]))
    [line] = lines(output)
    assert "a link to a folder elsewhere" in line
    assert f'href="{odd.NAME}/result.json"' in line


def test_a_text_that_no_page_can_be_written_with_and_a_report_without_a_name_stop_no_index(tmp_path):
    odd.changed_result(tmp_path, '"bottom_line": "', r'"error": "x", "report": "/", "bottom_line": "\ud800 ')
    [line] = lines(tmp_path)
    assert r"\ud800" in line


def test_an_error_that_nobody_foresaw_in_one_run_keeps_no_other_out(tmp_path, monkeypatch):
    bad, good = (runs.leave(tmp_path, [runs.row(1)]) for _ in range(2))
    read = run_index.run_record.read_head

    def fail(folder):
        if folder == bad:
            raise ZeroDivisionError("oh")
        return read(folder)

    monkeypatch.setattr(run_index.run_record, "read_head", fail)
    first, second = lines(tmp_path)
    assert good.name in first
    assert "ZeroDivisionError: oh" in second


def test_a_run_that_was_archived_while_the_index_was_made_is_not_in_it(tmp_path, monkeypatch):
    gone = runs.leave(tmp_path, [runs.row(1)])
    read = run_index.run_record.read_head

    def archived_first(folder):
        folder.rename(tmp_path / ".elsewhere")
        return read(folder)

    monkeypatch.setattr(run_index.run_record, "read_head", archived_first)
    assert lines(tmp_path) == []
    assert not gone.exists()
