"""How far a run is, as the terminal shows it."""

import asyncio
import io
import logging
import sys

from prefect.logging.handlers import PrefectConsoleHandler
from rich.console import Console

from flows import progress
from flows.progress import Progress

LOG = logging.getLogger(__name__)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def play():
    told = Progress(2)
    told.tell("Kopi Senja", "read the plan", 0)
    told.tell("Kopi Senja", "create issues", 57)
    told.tell("Toko Rimba", "run the notebook", 30)
    asyncio.run(told.end("Kopi Senja", 57, LOG))
    return told


def test_clients_and_rows_are_counted_with_what_is_happening_now():
    told = play()
    assert (told.ended, told.clients) == (1, 2)
    assert (told.rows_ended, sum(told.rows.values())) == (57, 87)
    assert told.now == {"Toko Rimba": "run the notebook"}


def test_a_terminal_shows_a_bar_on_the_console_that_prefect_logs_to(monkeypatch):
    terminal = Terminal()
    handler = PrefectConsoleHandler(stream=terminal)
    handler.console = Console(file=terminal, force_terminal=True, width=150)
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(progress, "setup_logging", lambda: None)
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress.shown_on_terminal():
        play()
    shown = terminal.getvalue()
    assert "1/2" in shown
    assert "57/87" in shown
    assert "Toko Rimba: run the notebook" in shown


def test_where_there_is_no_terminal_nothing_is_shown(monkeypatch):
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    with progress.shown_on_terminal():
        play()
    assert plain.getvalue() == ""
