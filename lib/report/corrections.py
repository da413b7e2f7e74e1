"""What a run leaves to people: as the report's table shows it, and as a table that spreadsheets open."""

import csv
import datetime as dt
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib import error_record, files
from lib.error_record import ErrorRecord
from lib.errors import CredentialsError, FixInputError
from lib.exactly_once.reconcile import Outcome
from lib.files import CORRECTIONS
from lib.formats import one_line, show_date
from lib.messages import NOTHING, Said, as_said, say
from lib.plan.problems import Kind, said
from lib.report import history
from lib.report.history import WAITING, History
from lib.report.html_report import shortened
from lib.report.languages import label, labels
from lib.run import run_record
from lib.run.run_record import RunRecord
from lib.settings import Language

STOPPED = "stopped"
_OF_PLANS = (Kind.CELL, Kind.REJECTED, Kind.CONFLICT)
_ADDRESS = re.compile(r"'((?:[^']|'')*)'!([A-Z]+[0-9]+)")
# Where a cell could begin with a formula, be it by what spreadsheets strip before it or, where lists are separated by
# semicolons, in the middle of a text.
_RUNS = re.compile(r"(^|;)(?=[^\w!#-/:-@\[-`{-~]*[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b])")


@dataclass(frozen=True)
class ToDo:
    """
    Something that a person has to do.

    Attributes:
        kind: `stopped`, `plan`, `blocking`, the outcome of its row, or how the run ended.
        client: Empty when it concerns the whole run.
        where: A cell's address, a setting, or for a stopped client its spreadsheet or folder.
        message: What is wrong, and what to do.
        address: Where a browser shows it; None when that is not known.
        row: Its row, if it is about one.
        since: In how many runs in a row it waits, this one included; 0 when that is not known.
        to_correct: A correction makes it go away; not an outage, nor what the next run settles.
        of_planner: It is corrected in the plan, or in where and how the plan lies.
    """

    kind: str
    client: str
    where: str
    message: Said
    address: str | None
    row: Mapping[str, Any] = field(default_factory=dict)
    since: int = 0
    to_correct: bool = True
    of_planner: bool = True


def to_do(record: RunRecord, past: History | None = None) -> list[ToDo]:
    """All that a person has to do, most urgent first."""
    since = (past or History()).since
    of_plans = [_of_problem(record, "plan", problem) for problem in plan_problems(record, "error")]
    of_rows = [
        _of_problem(record, outcome.value, {"client": row["client"], **problem}, row, since.get(place, 0))
        for outcome in WAITING
        for place, row in enumerate(record.rows)
        if row["outcome"] == outcome
        for problem in row["problems"]
        if problem["level"] == "error"
    ]
    blocking = [_of_problem(record, "blocking", problem) for problem in record.result.get("blocking", [])]
    return [*(_of_error(record, error) for error in record.errors), *(blocking or (*of_plans, *of_rows))]


def _of_error(record: RunRecord, error: ErrorRecord) -> ToDo:
    """What stopped the run or a client's plan; a plan's owner can do something about what must be corrected."""
    page = page_of(record, error.client)
    shown = "spreadsheet" if record.plans.get(error.client, {}).get("url") else "folder"
    own = not error.client and error.kind == error_record.CANCELLED
    for_planners = bool(error.indonesian)  # in English alone is what whoever runs this mends, such as a login
    is_access = error.kind == CredentialsError.kind and for_planners  # a plan that is not shared with us
    to_correct = bool(error.client) and (error.kind == FixInputError.kind or is_access)
    return ToDo(
        kind=STOPPED if error.client else record.state,
        client=error.client,
        where=shown if page else "",
        message=Said("run it again; it goes on where it stopped") if own else error.said,
        address=page,
        to_correct=to_correct,
        of_planner=to_correct and for_planners,
    )


def _of_problem(
    record: RunRecord, kind: str, problem: Mapping[str, Any], row: Mapping[str, Any] | None = None, since: int = 0
) -> ToDo:
    of_row = {**(row or {}), **problem}
    to_correct = kind != Outcome.UNCERTAIN  # the next run settles those
    return ToDo(
        kind=kind,
        client=problem["client"] or "",
        where=problem["where"],
        message=said(problem),
        address=cell_address(record, of_row),
        row=row or {},
        since=since,
        to_correct=to_correct,
        of_planner=to_correct and problem.get("kind") in _OF_PLANS,
    )


def plan_problems(record: RunRecord, level: str) -> list[dict[str, Any]]:
    """The problems of whole plans, of this level."""
    return [
        {"client": name, **problem}
        for name, plan in record.plans.items()
        for problem in plan.get("problems", [])
        if problem["level"] == level
    ]


def page_of(record: RunRecord, client: str) -> str | None:
    """Where people open the client's plan, or the folder that it should lie in."""
    plan = record.plans.get(client, {})
    return plan.get("url") or plan.get("folder_url")


def cell_address(record: RunRecord, problem: Mapping[str, Any]) -> str | None:
    """Where a browser shows the cell; None when the problem is not in a plan's cell."""
    plan = record.plans.get(record.plan_name(problem), {})
    _, found, cell = problem["where"].rpartition("!")
    if not found or not plan.get("url") or plan.get("tab_id") is None:
        return None
    return f"{plan['url']}#gid={plan['tab_id']}&range={cell}"


def day_of(row: Mapping[str, Any]) -> str:
    """A row's publication date as people read it; empty without one."""
    day = row.get("publication_date")
    return show_date(dt.date.fromisoformat(day)) if day else ""


def show_since(runs: int) -> Said:
    """For how long something waits, in runs."""
    if runs > history.MOST_RUNS:
        return say("{count} runs or more", count=runs)
    return NOTHING if not runs else say("new") if runs == 1 else say("{count} runs", count=runs)


def show_kind(kind: str) -> Said:
    """The kind of something to do, as a report names it."""
    known = {
        STOPPED: say("stopped"),
        "plan": say("plan"),
        "blocking": say("blocking"),
        "failed": say("failed"),
        "cancelled": say("cancelled"),
        Outcome.FLAGGED: say("flagged"),
        Outcome.UNCERTAIN: say("uncertain"),
        Outcome.REJECTED: say("rejected"),
        Outcome.REFUSED: say("refused"),
    }
    return known.get(kind, as_said(kind))


def columns(language: Language = "") -> list[str]:
    """The columns of `corrections.csv`; those of the messages are called alike in each language."""
    client, sheet, cell, link, since = say("client"), say("sheet"), say("cell"), say("link"), say("since")
    told = (client, sheet, cell, link, Said("what is wrong"), Said("apa yang salah"), since)
    return labels(told, language)


def save(folder: Path, language: Language = "") -> Path | None:
    """Write `corrections.csv` into a run's folder; nothing, and None, when there is nothing to correct."""
    record = run_record.read_result(folder)
    if not any(one.to_correct for one in to_do(record)):
        return None
    found = [one for one in to_do(record, history.read(record)) if one.to_correct]
    return files.write_bytes(folder / CORRECTIONS, as_csv(found, language))


def as_csv(found: Iterable[ToDo], language: Language = "") -> bytes:
    """The table in UTF-8, marked so that Excel knows it. No cell can be run, by whatever spreadsheet opens it."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(columns(language))
    everybody = label(say("all"), language)
    for one in found:
        split = _ADDRESS.fullmatch(one.where)
        sheet, cell = (split[1].replace("''", "'"), split[2]) if split else ("", one.where)
        address = one.address if (one.address or "").startswith(("http://", "https://")) else ""
        since = label(show_since(one.since), language)
        row = (one.client or everybody, sheet, cell, address, one.message, one.message.indonesian, since)
        table.writerow([_text(value) for value in row])
    return text.getvalue().encode("utf-8-sig")


def _text(value: str | None) -> str:
    return _RUNS.sub(r"\1'", shortened(one_line(value)))
