"""What planners have to correct, client by client, as plain text to be copied into a chat.

It is in Indonesian unless the report is in English alone, for one text is copied and planners read it.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from IPython.display import HTML

from lib.formats import SHEETS_ERRORS, cut, one_line
from lib.messages import NOTHING, Said, say
from lib.report import corrections, html_report
from lib.report.corrections import STOPPED, ToDo, day_of
from lib.report.languages import label, told
from lib.run.run_record import RunRecord
from lib.settings import Language

_SHOWN = 60  # characters of a topic
_MOST = 50  # things to correct in one text


def blocks(record: RunRecord, language: Language = "") -> HTML:
    """A text for each client whose planner has something to correct, shown on a click and copied by another."""
    by_client: dict[str, list[ToDo]] = {}
    for one in corrections.to_do(record):
        if one.client and one.of_planner:
            by_client.setdefault(one.client, []).append(one)
    parts = [
        html_report.details(
            label(say("{title}: {count} to correct", title=client, count=len(found)), language),
            html_report.to_copy(text(_title(record, client), found, language), "en" if language == "en" else "id"),
        )
        for client, found in by_client.items()
    ]
    return HTML("\n".join(part.data for part in parts)) if parts else html_report.nothing()


def text(title: str, found: Iterable[ToDo], language: Language = "") -> str:
    """Where, what is wrong and what to write instead, and the address that opens it, for each thing to correct."""
    listed = list(found)
    head = say("{title}: {count} to correct", title=title, count=len(listed))
    entries = [f"{number}. {_entry(one, language)}" for number, one in enumerate(listed[:_MOST], start=1)]
    more = (
        say("and {count} more, which the report lists", count=len(listed) - _MOST) if len(listed) > _MOST else NOTHING
    )
    return "\n\n".join(filter(None, (told(head, language), *entries, told(more, language))))


def _entry(one: ToDo, language: Language) -> str:
    message = one_line(html_report.shortened(told(one.message, language)))
    address = one.address if (one.address or "").startswith(("http://", "https://")) else None
    where = "" if one.kind == STOPPED else f"{told(_place(one), language)}: "
    return "\n".join(filter(None, (f"{where}{message}", address)))


def _place(one: ToDo) -> Said:
    """`Cell N13 ('Kopi pagi')`; what is no cell by its own name."""
    _, is_cell, cell = one.where.rpartition("!")
    place = say("Cell {cell}", cell=cell) if is_cell else Said(one.where)
    content = _content(one.row)
    return say("{place} ({content})", place=place, content=content) if content else place


def _content(row: Mapping[str, Any]) -> str:
    """What its planner knows a row by: the topic, else form and date."""
    topic = one_line(row.get("topic"))
    if topic and topic not in SHEETS_ERRORS:
        return f"'{topic}'" if len(topic) <= _SHOWN else f"'{cut(topic, _SHOWN)}…'"
    return ", ".join(filter(None, (row.get("form"), day_of(row))))


def _title(record: RunRecord, client: str) -> str:
    """The plan as its planner knows it."""
    return one_line(record.plans.get(client, {}).get("title") or client)
