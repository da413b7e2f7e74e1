"""How far a run is; how a terminal shows it is tested in one (`tests/terminal`)."""

import asyncio
import io
import logging
import sys

from flows import progress
from flows.progress import Progress

LOG = logging.getLogger(__name__)


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


def test_where_there_is_no_terminal_nothing_is_shown(monkeypatch):
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    with progress.shown_on_terminal():
        play()
    assert plain.getvalue() == ""
