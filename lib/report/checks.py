"""Which checks ran over a plan, and how much passed each, also where nothing was found: from the files of a run. Pure."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib import files
from lib.errors import FixInputError
from lib.exactly_once.reconcile import Outcome
from lib.files import DRAFTS, ROWS
from lib.messages import Said, say
from lib.plan import rows_file
from lib.plan.content_plan import KEY
from lib.plan.problems import Kind
from lib.report.corrections import plan_problems
from lib.run.run_record import RunRecord
from lib.services import a1

type _Problem = Mapping[str, Any]


def _of_cells() -> Mapping[str, Said]:
    """Column -> what its check asks."""
    return {
        "Tanggal": say("is it a day, with one reading, in the plan's month or next to it?"),
        "Waktu": say("is it a time of day, and the only one of its row?"),
        "Bentuk": say("is it one of the content forms?"),
        "Topik": say("does it say what the content is about, and was it not called off?"),
    }


def _of_plans() -> tuple[tuple[Said, Kind, Said], ...]:
    """What is looked at as a whole, the kind of what is found in it, and what its check asks."""
    return (
        (say("the plan as a whole"), Kind.CELL, say("are columns, header and quota as they should be?")),
        (say("mappings"), Kind.MAPPING, say("does hashmap.py know the client, its workers and the fields?")),
        (say("Jira's site"), Kind.SITE, say("does it have the fields of the mapping?")),
    )


@dataclass(frozen=True)
class Check:
    """One check: how many rows (of the whole plan: 1) passed it, how many were odd, how many it stopped."""

    of: Said
    question: Said
    passed: int
    odd: int
    stopped: int


def read(record: RunRecord, name: str) -> list[Check]:
    """The checks that ran over one of a run's plans, as in `plans`; those that its run did not come to are not among them."""
    folder = record.folder / (record.plans[name].get("folder") or "")
    rows = [row for row in record.rows if record.plan_name(row) == name]
    try:
        plan, drafts = rows_file.load(folder / ROWS), files.read_json(folder / DRAFTS)["data"]
    except (FixInputError, KeyError):  # it came to neither, or somebody changed them
        return []
    columns = {a1.column_letter(column.index): column.name or "" for column in plan.columns}
    key = a1.column_letter(plan.new_key_column if plan.key_column is None else plan.key_column)
    of_drafts, of_cells = [draft["problems"] for draft in drafts], _of_cells()
    found = [
        _count(Said(what), question, of_drafts, lambda problem, what=what: columns.get(_letter(problem)) == what)
        for what, question in of_cells.items()
        if plan.label(what)
    ]
    asked = say("is there no error of a formula, and does the cell fit into its field?")
    others = say("other columns")
    found.append(_count(others, asked, of_drafts, lambda problem: columns.get(_letter(problem)) not in of_cells))
    of_rows = [row["problems"] for row in rows]
    asked = say("is it empty, or the key of the issue that was made from this row, and of no other row?")
    found.append(_count(Said(KEY), asked, of_rows, lambda p: p["kind"] == Kind.CELL and _letter(p) == key))
    if sent := [row["problems"] for row in rows if row["outcome"] in (Outcome.CREATED, Outcome.REJECTED)]:
        asked = say("did it take the row as an issue?")
        found.append(_count(Said("Jira"), asked, sent, lambda problem: problem["kind"] == Kind.REJECTED))
    of_plan = [p for level in ("error", "warning") for p in plan_problems(record, level) if p["client"] == name]
    found += [
        _count(what, question, [of_plan], lambda problem, kind=kind: problem["kind"] == kind)
        for what, kind, question in _of_plans()
    ]
    return found


def _count(of: Said, question: Said, looked_at: Sequence[Sequence[_Problem]], is_its: Callable[..., bool]) -> Check:
    """A check, given what was found in each row, by whichever check."""
    worst = [{problem["level"] for problem in problems if is_its(problem)} for problems in looked_at]
    stopped = sum("error" in levels for levels in worst)
    odd = sum(bool(levels) for levels in worst) - stopped
    return Check(of, question, len(worst) - stopped - odd, odd, stopped)


def _letter(problem: _Problem) -> str:
    """The letters of the column that a problem is in; empty when it is in no cell."""
    match = re.search(r"!([A-Z]+)[0-9]+$", problem["where"])
    return match[1] if match else ""
