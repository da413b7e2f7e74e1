"""The progress bar, on the console that Prefect logs to, in a real terminal."""

import asyncio
import logging
import os
import re
import sys

import pytest
from prefect.logging.handlers import PrefectConsoleHandler
from rich.progress import BarColumn

from flows import library_log, progress
from flows.progress import Progress

LOG = logging.getLogger("a run")
LONG = "Perkumpulan Pengrajin Kopi dan Teh Nusantara Cabang Bandung"


@pytest.fixture(autouse=True)
def _no_prefect(monkeypatch):
    """Nothing is told to Prefect."""

    async def publish(_progress):
        pass

    monkeypatch.setattr(Progress, "_publish", publish)


def play(client="Kopi Senja"):
    told = Progress(12)
    told.tell(client, "read the plan", 0)
    told.tell(client, "create issues", 1060)
    LOG.warning("a line of the run")
    told.tell("Toko Rimba", "run the notebook", 30)
    asyncio.run(told.end(client, 1060, LOG))
    LOG.warning("another line of the run")


def drawn(window):
    """The bar's lines for clients and for rows, as they stood at last."""
    window.wait_for("1060/1090")
    frame = [one for one in window.ever("1060/1090") if any("clients" in line for line in one)][-1]
    return [next(line for line in frame if line.startswith(name)) for name in ("clients", "rows")]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_bar_and_numbers_are_whole_whatever_the_width(in_window, columns):
    seen = in_window(columns)
    with progress.shown_on_terminal():
        play(LONG)
        clients, rows = drawn(seen)
    assert re.search("[━╸╺]{8}", clients)
    assert re.search("[━╸╺]{8}", rows)
    assert " 1/12 " in clients
    assert " 1060/1090 " in rows
    assert "0:00:0" in clients
    assert max(len(clients), len(rows)) <= columns
    if columns >= 80:
        assert "Toko Rimba: run the" in clients
    assert "Logging error" not in seen.text()


def test_it_leaves_the_lines_of_the_run_and_nothing_else(in_window):
    seen = in_window()
    with progress.shown_on_terminal():
        play()
        drawn(seen)
    seen.settle()
    assert seen.lines() == ["a line of the run", "another line of the run"]


def test_a_bar_that_cannot_be_drawn_is_left_out_and_the_lines_are_not(in_window, monkeypatch):
    def broken(*_):
        raise RuntimeError("cannot draw")

    seen = in_window()
    monkeypatch.setattr(BarColumn, "render", broken)
    with progress.shown_on_terminal():
        play()
    seen.settle()
    assert seen.lines() == ["a line of the run", "another line of the run"]


def test_a_listener_that_fails_does_not_fail_the_run():
    def broken(_progress):
        raise RuntimeError("cannot show")

    told = Progress(1, listener=broken)
    told.tell("Kopi Senja", "read the plan", 0)
    asyncio.run(told.end("Kopi Senja", 57, LOG))
    assert told.rows_ended == 57


def test_a_window_that_is_closed_ends_nothing(in_window):
    seen = in_window()
    with progress.shown_on_terminal():
        play()
        seen.close()
        play("Toko Rimba")


def test_an_output_whose_reader_has_ended_ends_nothing(monkeypatch):
    """Rich ends the process here; a worker that is killed leaves its runs with such an output."""
    reads, writes = os.pipe()
    os.close(reads)
    stream = os.fdopen(writes, "w")
    handler = PrefectConsoleHandler(stream=stream)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.shown_on_terminal():
        play()
    stream.close()


@pytest.mark.parametrize("name", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_shows_lines_alone(in_window, monkeypatch, name):
    monkeypatch.setenv("TERM", name)
    seen = in_window()
    with progress.shown_on_terminal():
        play()
    seen.settle()
    assert b"\x1b" not in seen.raw
    assert len(seen.lines()) == 2


def test_a_window_may_change_its_width(in_window):
    seen = in_window(120)
    with progress.shown_on_terminal():
        play()
        seen.resize(40)
        LOG.warning("narrow")
        seen.resize(80)
        LOG.warning("wide")
        drawn(seen)
    seen.settle()
    assert "narrow" in seen.text()
    assert "wide" in seen.text()


def test_output_to_a_file_has_no_bar_and_no_control_characters(in_window, monkeypatch, tmp_path):
    in_window()
    with (tmp_path / "lines").open("w") as file:
        monkeypatch.setattr(logging.getLogger(), "handlers", [PrefectConsoleHandler(stream=file)])
        monkeypatch.setattr(sys, "stderr", file)
        with progress.shown_on_terminal():
            play()
    assert (tmp_path / "lines").read_text() == "a line of the run\nanother line of the run\n"


def test_a_line_per_finished_task_is_for_debug(in_window, monkeypatch):
    seen = in_window()
    library_log.show()
    tasks, flow = (logging.getLogger(name) for name in ("prefect.task_runs", "prefect.flow_runs"))
    lines = [
        (tasks, logging.INFO, "Finished in state Completed()"),
        (tasks, logging.INFO, "a line of a task"),
        (tasks, logging.WARNING, "Finished in state Slow"),
        (tasks, logging.ERROR, "Finished in state Failed()"),
        (flow, logging.INFO, "Finished in state Completed()"),
    ]

    def log():
        for logger, level, message in lines:
            library_log.consoles()[0].handle(logger.makeRecord(logger.name, level, "", 0, message, (), None))
        seen.settle()
        return len(seen.lines())

    assert log() == 4
    monkeypatch.setattr(tasks, "level", logging.DEBUG)
    tasks.manager._clear_cache()
    assert log() == 4 + 5
    tasks.manager._clear_cache()
