"""Two runs side by side: which parameters, rows, drafts and outcomes differ. Pure: two run folders are read, none is written."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from lib import files
from lib.errors import FixInputError
from lib.exactly_once.reconcile import Outcome
from lib.files import DRAFTS, RESULT, ROWS
from lib.plan import adf
from lib.report.same_rows import partners
from lib.run import run_record
from lib.run.run_record import RunRecord

NOT_THERE = "(not there)"
OUTCOME = "outcome"
# How rows go on from run to run when nobody has to look.
_ONWARD = {
    (Outcome.CREATED, Outcome.EXISTING),
    (Outcome.UPDATED, Outcome.EXISTING),
    (Outcome.READY, Outcome.CREATED),
    (Outcome.READY, Outcome.EXISTING),
}


@dataclass(frozen=True)
class Difference:
    """
    One thing that is not the same: `what` is a parameter, a column of the plan, a field of the draft, or the outcome.

    `expected`: the row went on as rows do, such as from created to existing.
    """

    kind: str
    client: str
    row: int | None
    topic: str
    what: str
    then: str
    now: str
    expected: bool = False


@dataclass(frozen=True)
class Comparison:
    """What differs between a run (`then`) and another one (`now`), in the order of clients and rows; `same` rows do not."""

    then: RunRecord
    now: RunRecord
    differences: list[Difference]
    same: int

    def of(self, kind: str) -> list[Difference]:
        """What differs of a kind and is news: parameter, source, client, row, draft or outcome."""
        return [one for one in self.differences if one.kind == kind and not one.expected]

    @property
    def expected(self) -> list[Difference]:
        """The outcomes of rows that went on as expected."""
        return [one for one in self.differences if one.expected and one.what == OUTCOME]

    def counts(self) -> dict[str, int]:
        """How many differences there are of each kind that occurs, rows that are the same, and rows that went on as expected."""
        kinds = dict.fromkeys(one.kind for one in self.differences if not one.expected)
        went_on = {"rows as expected": len(self.expected)} if self.expected else {}
        return {"same rows": self.same, **went_on, **{kind: len(self.of(kind)) for kind in kinds}}


class _StepRow(BaseModel):
    model_config = ConfigDict(strict=True)
    row: float
    values: dict[str, Any] = {}
    texts: dict[str, str] = {}
    fields: dict[str, Any] | None = None


class _Step(BaseModel):
    """The shape of what is read of a plan's files."""

    data: list[_StepRow]


@dataclass
class _Row:
    """One row as a run saw it."""

    row: int
    topic: str
    key: str
    outcome: str
    texts: dict[str, str]
    draft: dict[str, str] = field(default_factory=dict)


def compare(then: RunRecord, now: RunRecord) -> Comparison:
    """
    Compare two runs, client by client.

    A row is the same row when it has the same issue, else the same content, else the same number.

    Raises:
        FixInputError: A file of one of the runs cannot be read.
    """
    given = (record.result.get("parameters", {}) for record in (then, now))
    found = _fields("parameter", "", None, "", *given)
    found += _fields("source", "", None, "", *(_sources(record) for record in (then, now)))
    same, rows = 0, [_by_plan(record) for record in (then, now)]
    for client in dict.fromkeys([*then.plans, *now.plans]):
        if client not in then.plans or client not in now.plans:
            seen = ("not in this run", "in this run")
            found.append(
                Difference("client", client, None, "", "client", seen[client in then.plans], seen[client in now.plans])
            )
            continue
        errors = [{"error": record.plans[client].get("error")} for record in (then, now)]
        found += _fields("client", client, None, "", *errors)
        differences, unchanged = _rows_differ(client, *(by_plan.get(client, []) for by_plan in rows))
        found += differences
        same += unchanged
    return Comparison(then, now, found, same)


def _sources(record: RunRecord) -> dict[str, Any]:
    sources = record.result.get("sources", {})
    hashes = {name: digest[:12] for name, digest in sources.get("files", {}).items()}
    return {"commit": sources.get("commit"), **sources.get("versions", {}), **hashes}


def _by_plan(record: RunRecord) -> dict[str, list[_Row]]:
    """What a run knew of the rows of each plan; without texts where the plan was not read again."""
    texts = {name: _of_step(record, plan, ROWS, _seen) for name, plan in record.plans.items()}
    drafts = {name: _of_step(record, plan, DRAFTS, _drafted) for name, plan in record.plans.items()}
    found: dict[str, list[_Row]] = {}
    for row in record.rows:
        name, number = record.plan_name(row), row["row"]
        found.setdefault(name, []).append(
            _Row(
                number or 0,
                row.get("topic") or "",
                row["key"] or "",
                row["outcome"],
                texts.get(name, {}).get(number, {}),
                drafts.get(name, {}).get(number, {}),
            )
        )
    return found


def _of_step(
    record: RunRecord, plan: Mapping[str, Any], file: str, texts: Callable[[_StepRow], dict[str, str]]
) -> dict[float, dict[str, str]]:
    """
    The texts of each record in one of a plan's files, by row; nothing when the run did not come to that step.

    Raises:
        FixInputError: The file is not as a run leaves it.
    """
    path = record.folder / (plan.get("folder") or "") / file
    if not path.exists():
        return {}
    try:
        step = _Step.model_validate(files.read_json(path))
    except ValidationError as error:
        raise FixInputError(str(path), files.what_is_wrong(error)) from None
    return {one.row: texts(one) for one in step.data}


def _seen(row: _StepRow) -> dict[str, str]:
    """What people see of a row's cells."""
    stored = {label: value if isinstance(value, str) else "" for label, value in row.values.items()}
    return {**stored, **row.texts}


def _drafted(row: _StepRow) -> dict[str, str]:
    return {name: _plain(value) for name, value in (row.fields or {}).items()}


def _rows_differ(client: str, then: Sequence[_Row], now: Sequence[_Row]) -> tuple[list[Difference], int]:
    found: list[Difference] = []
    same = 0
    for old, new in _pairs(then, now):
        if old is None or new is None:
            there = old or new
            if there is not None:
                was, is_now = (f"row {there.row}" if one else NOT_THERE for one in (old, new))
                found.append(Difference("row", client, there.row, there.topic, "row", was, is_now))
            continue
        differences = [
            *_fields("row", client, new.row, new.topic, old.texts, new.texts),
            *_fields("draft", client, new.row, new.topic, old.draft, new.draft),
            *_outcomes(client, old, new),
        ]
        same += not differences
        found += differences
    return found, same


def _outcomes(client: str, old: _Row, new: _Row) -> list[Difference]:
    found = _fields(OUTCOME, client, new.row, new.topic, _ended(old), _ended(new))
    onward = (old.outcome, new.outcome) in _ONWARD and old.key in ("", new.key)
    return [replace(one, expected=onward) for one in found]


def _ended(row: _Row) -> dict[str, str]:
    return {OUTCOME: row.outcome, "key": row.key}


def _pairs(then: Sequence[_Row], now: Sequence[_Row]) -> list[tuple[_Row | None, _Row | None]]:
    """Each row of the later run with the row that it was, in sheet order; then the rows that are gone."""
    partner = partners(
        now, then, (lambda row: row.key, lambda row: tuple(sorted(row.texts.items())), lambda row: row.row)
    )
    taken = {id(row) for row in partner.values()}
    left = [row for row in then if id(row) not in taken]
    return [*((partner.get(number), row) for number, row in enumerate(now)), *((row, None) for row in left)]


def _fields(
    kind: str, client: str, row: int | None, topic: str, then: Mapping[str, Any], now: Mapping[str, Any]
) -> list[Difference]:
    return [
        Difference(kind, client, row, topic, name, _plain(then.get(name, NOT_THERE)), _plain(now.get(name, NOT_THERE)))
        for name in dict.fromkeys([*then, *now])
        if then.get(name, NOT_THERE) != now.get(name, NOT_THERE)
    ]


def _plain(value: object) -> str:
    try:
        text = adf.plain_value(value)
        return "" if text is None else str(text)
    except (
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # no document, though it says so; or nested without end
        return "(a value that cannot be shown)"


def read(then: Path, now: Path) -> Comparison:
    """
    Read two finished runs and compare them; of one output folder, named twice, the newest two of one flow.

    Raises:
        FixInputError: One of them is no finished run, or they are the same.
    """
    if then.resolve() == now.resolve():
        then, now = _newest_two(now)
    try:
        return compare(run_record.read(then), run_record.read(now))
    except RecursionError:
        raise FixInputError(f"{then} and {now}", "a value in one of them is nested too deeply to be compared") from None


def _newest_two(output_dir: Path) -> tuple[Path, Path]:
    if (output_dir / RESULT).exists():
        raise FixInputError(str(output_dir), "is the same run twice; name two runs")
    finished = run_record.newest_finished(output_dir)
    for later, earlier in itertools.combinations(finished, 2):
        if run_record.flow_of(later) == run_record.flow_of(earlier):
            return earlier, later
    raise FixInputError(
        str(output_dir), "no flow has finished twice here; run one again (`make demo`), or name two run folders"
    )
