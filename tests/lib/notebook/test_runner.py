"""Running notebooks that end well: what they are given, what they leave, and what a run does to its surroundings."""

import ast
import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import nbformat
import papermill
import pytest
from jupyter_core import utils as jupyter_utils

from lib.errors import FixInputError
from lib.notebook import notebook_engine, notebook_kernel
from lib.notebook.runner import run_notebook
from tests.processes import none_is_left, started, wait_until

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture(autouse=True)
def _no_process_is_left(monkeypatch):
    """All that a kernel starts has ended at the end of each test."""
    with none_is_left(monkeypatch):
        yield


def run(name, output, parameters=None, **options):
    return asyncio.run(run_notebook(NOTEBOOKS / f"{name}.ipynb", output, parameters or {}, **options))


def read(path):
    return nbformat.read(path, as_version=4)


def shown(path):
    return ast.literal_eval(read(path).cells[3].outputs[0].data["text/plain"])


def statuses(notebook):
    return [cell.metadata.papermill.status for cell in notebook.cells if "papermill" in cell.metadata]


def test_a_run_leaves_an_executed_copy_and_says_how_it_went(tmp_path):
    source = NOTEBOOKS / "completes.ipynb"
    before = source.read_bytes()
    output = tmp_path / "{x} of a run" / "copy.ipynb"

    went = run("completes", output, {"label": "Höhe"})

    assert (went.path, went.status, went.cells, went.failed_cell, went.error) == (output, "completed", 4, None, None)
    assert went.started_at < went.ended_at
    assert went.started_at.utcoffset().total_seconds() == 0
    assert 0 < went.duration_s < 30
    copy = read(output)
    nbformat.validate(copy)
    assert statuses(copy) == ["completed"] * 5
    assert copy.cells[2].source == "# Parameters\nlabel = 'Höhe'\n"
    assert copy.cells[3].outputs[0].data["text/plain"] == "42"
    assert copy.metadata.papermill.exception is False
    assert copy.metadata.papermill.parameters == {"label": "Höhe"}
    assert copy.metadata.run.status == "completed"
    assert source.read_bytes() == before
    assert [path.name for path in output.parent.iterdir()] == ["copy.ipynb"]


def test_every_value_arrives_as_it_was(tmp_path):
    value = {
        "quotes": "\"'\\ ''' \"\"\"",
        "lines": "a\nb\r\n\tc\x00\u2028",
        "letters": "Höhe ☕ 日本 {x} {{}} %s",
        "numbers": [0, -1, 10**30, 1.5, -0.0, 1e-300],
        "nothing": [None, True, False, "", [], {}],
        "deep": {"a": [{"b": [[None]]}]},
    }
    given = {"result_path": str(tmp_path / "values.json"), "value": value, "text": value["quotes"], "day": "2026-07-31"}

    run("echoes", tmp_path / "copy.ipynb", given)

    arrived = json.loads((tmp_path / "values.json").read_text())
    assert arrived == {"value": value, "text": value["quotes"], "day": "2026-07-31"}


def test_the_kernel_has_its_own_place_and_environment_and_the_process_keeps_its_own(tmp_path):
    here = Path.cwd()
    place = tmp_path / "place"
    place.mkdir()
    environment = {"PLACE": "there", "MARK_OF_TEST": os.environ["MARK_OF_TEST"]}

    run("tells_place", tmp_path / "copy.ipynb", working_dir=place, environment=environment)

    assert shown(tmp_path / "copy.ipynb") == (str(place), "there", None)
    assert Path.cwd() == here


def test_the_kernel_works_beside_the_notebook_and_with_our_environment_unless_told_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("PLACE", "here")
    run("tells_place", tmp_path / "copy.ipynb")
    assert shown(tmp_path / "copy.ipynb") == (str(NOTEBOOKS), "here", os.environ["HOME"])


def test_a_notebook_runs_in_this_environment_whatever_kernel_it_names(tmp_path):
    run("names_lost_kernel", tmp_path / "copy.ipynb")
    copy = read(tmp_path / "copy.ipynb")
    assert shown(tmp_path / "copy.ipynb") == sys.executable
    assert copy.metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("folder", ["short", "long" * 30], ids=["unix-sockets", "tcp-when-the-path-is-too-long"])
def test_the_kernel_says_nothing_on_our_terminal_wherever_temporary_files_go(tmp_path, monkeypatch, capfd, folder):
    (tmp_path / folder).mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / folder))
    run("completes", tmp_path / "copy.ipynb")
    assert capfd.readouterr() == ("", "")
    assert list((tmp_path / folder).iterdir()) == []


WAITS = """
import asyncio, os, sys, tempfile
from pathlib import Path
from lib.notebook.notebook_kernel import Kernel

async def main():
    kernel = Kernel()
    await kernel.start(Path.cwd(), os.environ)
    print("runs", flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


def test_what_a_killed_run_left_of_its_kernel_goes_with_the_next_start(tmp_path, monkeypatch):
    place = tmp_path / "t"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    environment = {**os.environ, "TMPDIR": str(place)}
    with started([sys.executable, "-c", WAITS], env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "runs\n"
        [folder] = place.iterdir()
        run("completes", tmp_path / "first.ipynb")
        assert {"owner", "k.json"} <= {path.name for path in folder.iterdir()}, "its run lives"
        process.kill()
        process.wait()
    assert folder.is_dir()
    run("completes", tmp_path / "second.ipynb")
    assert list(place.iterdir()) == []


def test_only_folders_of_kernels_that_nobody_holds_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = {name: tmp_path / f"kernel-{name:_<8}" for name in ("gone", "never", "young", "others", "open", "stranger")}
    for name, folder in made.items():
        folder.mkdir(mode=0o755 if name == "open" else 0o700)
        (folder / ("owner" if name in ("gone", "open") else "k.json")).touch()
    made["gone"].chmod(0o1700)  # as jupyter_client leaves it
    (made["others"] / "thesis.txt").touch()
    (tmp_path / "kernel-src").mkdir(mode=0o700)
    (tmp_path / "kernel-linked__").symlink_to(made["open"])
    (made["stranger"] / "owner").symlink_to(tmp_path / "kernel-src")
    for folder in (made["never"], made["others"], tmp_path / "kernel-src"):
        os.utime(folder, (0, 0))
    before = set(tmp_path.iterdir())
    notebook_kernel._remove_left()
    assert before - set(tmp_path.iterdir()) == {made["gone"], made["never"]}


def test_files_left_open_and_exit_handlers_are_seen_through(tmp_path):
    run("leaves_file_open", tmp_path / "copy.ipynb", {"folder": str(tmp_path)})
    assert (tmp_path / "open.txt").read_text() == "all of it"
    assert (tmp_path / "open.txt").stat().st_mode & 0o777 == 0o600  # as the run's own files
    assert (tmp_path / "atexit.txt").read_text() == "done"


def test_a_kernel_that_does_not_leave_is_killed(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(notebook_kernel, "LEAVE_S", 0.5)
    assert run("hangs_at_exit", tmp_path / "copy.ipynb").status == "completed"
    assert "did not leave when asked" in caplog.text


def test_nothing_that_a_notebook_started_outlives_it_nor_holds_up_the_end(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(notebook_kernel, "LEAVE_S", 40)  # less than what was started sleeps
    run("leaves_processes", tmp_path / "copy.ipynb")  # the fixture looks for processes
    assert "did not leave when asked" not in caplog.text


def test_an_announced_error_does_not_stop_the_run(tmp_path):
    assert run("expects_error", tmp_path / "copy.ipynb").status == "completed"
    copy = read(tmp_path / "copy.ipynb")
    assert copy.cells[3].outputs[0].ename == "ZeroDivisionError"
    assert statuses(copy) == ["completed"] * 5


def test_a_skipped_cell_does_not_count_as_completed(tmp_path):
    run("skips_cell", tmp_path / "copy.ipynb")
    assert statuses(read(tmp_path / "copy.ipynb")) == ["completed", "completed", "completed", "skipped", "completed"]


def test_text_is_joined_in_its_order_and_a_progress_bar_is_one_line(tmp_path):
    run("mixes_output", tmp_path / "copy.ipynb")
    before, picture, bar = read(tmp_path / "copy.ipynb").cells[3].outputs
    assert before.text == "before\nand more\n"
    assert picture.data["text/markdown"] == "picture"
    assert bar.text == "100 %"


def test_no_line_is_lost_when_many_come_at_once(tmp_path):
    run("prints_fast", tmp_path / "copy.ipynb")
    (output,) = read(tmp_path / "copy.ipynb").cells[3].outputs
    assert output.text == "".join(f"{number}\n" for number in range(8_000))


READER = """
import asyncio
from pathlib import Path
from lib.notebook.runner import run_notebook

asyncio.run(run_notebook(Path({source!r}), Path({output!r}), {{}}))
"""


def test_a_kernel_waits_for_a_reader_that_takes_nothing_in(tmp_path):
    """Stopping a process as a whole is what a busy machine does to it, only longer."""
    program = READER.format(source=str(NOTEBOOKS / "outpaces_reader.ipynb"), output=str(tmp_path / "copy.ipynb"))
    subprocess.run([sys.executable, "-c", program], check=True)
    outputs = read(tmp_path / "copy.ipynb").cells[3].outputs
    assert [output.get("data") for output in outputs] == [{"text/plain": str(number)} for number in range(8_000)]


def test_output_that_may_be_missing_is_said_in_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_engine, "IDLE_S", 1)
    run("falls_silent", tmp_path / "copy.ipynb")
    for cell in read(tmp_path / "copy.ipynb").cells[3:]:
        (output,) = cell.outputs
        assert output.text.startswith("[Some output of this cell may be missing")


def test_too_much_output_is_cut_and_the_run_goes_on(tmp_path):
    output = tmp_path / "copy.ipynb"
    run("prints_50_mb", output)
    text, pictures = read(output).cells[3:5]
    limit = notebook_engine.CELL_OUTPUT_LIMIT
    assert limit * 0.99 < len(text.outputs[0].text) <= limit
    assert len(pictures.outputs) == 2
    assert pictures.outputs[0].data["text/html"] == "changed"
    for cell in (text, pictures):
        assert cell.outputs[-1].text.startswith("[Output was cut here. A cell may show 2,000,000 bytes")
        assert cell.metadata.papermill.status == "completed"
    assert output.stat().st_size < 2.1 * limit


def test_four_at_once_after_papermill_has_run_here_by_itself(tmp_path):
    """jupyter_core keeps the loop of a synchronous run in a context variable, and threads made by asyncio copy it."""
    papermill.execute_notebook(NOTEBOOKS / "completes.ipynb", None, progress_bar=False)

    async def go_once_all_wait():
        await asyncio.to_thread(wait_until, lambda: all((tmp_path / f"go.{label}").exists() for label in "abcd"))
        (tmp_path / "go").touch()

    async def main():
        runs = [
            run_notebook(
                NOTEBOOKS / "waits.ipynb",
                tmp_path / f"{label}.ipynb",
                {"label": label, "file": str(tmp_path / "go")},
                timeout_s=60,
            )
            for label in "abcd"
        ]
        *went, _ = await asyncio.gather(*runs, go_once_all_wait())
        return went

    try:
        went = asyncio.run(main())
    finally:
        jupyter_utils.ensure_event_loop().close()
    assert [each.status for each in went] == ["completed"] * 4
    assert [read(each.path).metadata.papermill.parameters.label for each in went] == list("abcd")


def test_a_reader_never_sees_half_a_file(tmp_path, monkeypatch):
    """The notebook prints on only once its last line was read, so that each state of the copy has its reader."""
    monkeypatch.setattr(notebook_engine, "SAVE_EVERY_S", 0.01)
    output = tmp_path / "copy.ipynb"
    runner = threading.Thread(target=run, args=("prints_by_turns", output, {"folder": str(tmp_path)}))
    runner.start()
    seen, turns = set(), 0
    while runner.is_alive():
        if output.exists():
            content = output.read_text()
            seen.update(statuses(nbformat.from_dict(json.loads(content))))
            if str(turns) * 100_000 in content:
                (tmp_path / f"seen.{turns}").touch()
                turns += 1
    runner.join()
    assert turns == 5
    assert seen == {"pending", "running", "completed"}


def test_what_a_cell_shows_is_in_no_log_line_at_debug(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    run("completes", tmp_path / "copy.ipynb", {"label": "rahasia-klien"})
    assert "rahasia-klien" in (tmp_path / "copy.ipynb").read_text()
    assert caplog.records
    assert not [record for record in caplog.records if "rahasia-klien" in record.getMessage()]


def test_the_copy_of_a_run_is_no_source(tmp_path):
    run("completes", tmp_path / "copy.ipynb")
    with pytest.raises(FixInputError, match="is the executed copy of a run"):
        asyncio.run(run_notebook(tmp_path / "copy.ipynb", tmp_path / "again.ipynb", {}))
    with pytest.raises(FixInputError, match="would be overwritten"):
        run("completes", NOTEBOOKS / "completes.ipynb")


def test_a_wrong_value_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(FixInputError, match="lable is not a parameter; allowed: label"):
        run("completes", tmp_path / "copy.ipynb", {"lable": "x"})
    assert list(tmp_path.iterdir()) == []
