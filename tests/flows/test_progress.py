"""How far a run is; how a terminal shows it is tested in one (`tests/terminal`)."""

import asyncio
import io
import logging
import sys
from types import SimpleNamespace

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


def test_prefect_hears_of_the_first_and_the_last_client_and_of_others_once_a_second(monkeypatch):
    heard = []

    async def hear(*_artifact, progress=None, **_more):
        heard.append(progress)

    async def hear_first(done, **_more):
        heard.append(done)
        return "artifact"

    monkeypatch.setattr(progress, "aupdate_progress_artifact", hear)
    monkeypatch.setattr(progress, "acreate_progress_artifact", hear_first)
    told = Progress(4)

    async def go():
        for now in (10.0, 10.5, 11.0, 11.2):
            monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda now=now: now))
            await told.end("Kopi Senja", 1, LOG)

    asyncio.run(go())
    assert heard == [25.0, 75.0, 100.0]
