"""A plan against the issues made from it: what changed, was deleted, or lost its key since. Pure: nothing is written here.

Compared is what each issue remembers of its row (`content-plan.row`), column by column, as people see the cells.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib import files
from lib.errors import FixInputError
from lib.exactly_once.reconcile import CLOSE, RESOLVE, Action, Outcome, decide, likeness, not_written_yet, text_hash
from lib.formats import cut
from lib.messages import Said, join, say
from lib.plan import adf
from lib.plan.content_plan import KEY, ContentPlan, PlanRow, status_column
from lib.plan.keys import read_key
from lib.plan.problems import Problem
from lib.services import a1
from lib.services.models import Issue

_SHOWN = 200  # characters of a text in a message or comment
_BEFORE = 40  # characters shown before the first difference in a long text


class CellChange(BaseModel):
    """One column of a row that is not what it was when its issue was made; `old` may be the beginning of a longer text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    cell: str
    old: str
    new: str

    def __str__(self) -> str:
        """As `said`, in English."""
        return str(self.said)

    @property
    def said(self) -> Said:
        """Both texts from shortly before where they differ, in a length that people read."""
        differ = (n for n, (a, b) in enumerate(zip(self.old, self.new, strict=False)) if a != b)
        same = next(differ, min(len(self.old), len(self.new)))
        start = same - _BEFORE if same > _SHOWN // 2 else 0
        return join(" → ", (_shown(self.old, start), _shown(self.new, start)))


class Finding(BaseModel):
    """
    What the watch found about one row.

    Attributes:
        row: Its number in the sheet; None for a row that is no longer there.
        outcome: EXISTING when nothing was found; READY when no issue was made from the plan yet; UNCERTAIN while a run
            works on it, or its key is not in its row yet; FLAGGED when a person should look.
        key: Its issue.
        problems: What to look at.
        changes: What is different from what its issue was made from.
        change_hash: Tells this change from any other of the same row; empty without one.
    """

    model_config = ConfigDict(extra="forbid")

    row: int | None = Field(ge=1)
    outcome: Outcome
    key: str = ""
    problems: list[Problem] = []
    changes: list[CellChange] = []
    change_hash: str = ""


class Findings(BaseModel):
    """One finding per row in sheet order, then one per deleted row; and what is odd about the plan as a whole."""

    data: list[Finding]
    problems: list[Problem] = []


def compare(plan: ContentPlan, issues: Sequence[Issue]) -> Findings:
    """
    Compare a plan with its issues.

    Args:
        plan: The rows as they stand.
        issues: All issues made from the plan, and those whose keys stand in it.
    """
    decision = decide(plan, {}, issues)
    started = bool(decision.ours) or any(read_key(row.key) for row in plan.rows)
    by_key = {issue.key: issue for issue in issues}
    rows = {row.row: row for row in plan.rows}
    found = [_finding(plan, rows[a.row], a, by_key.get(a.key), started=started) for a in decision.actions]
    found_keys = {finding.key for finding in found if finding.key}
    gone = []
    doubled = {key for finding in found for key in decision.doubles.get(finding.key, ())}
    for issue in (orphan for orphan in decision.orphans if orphan.key not in found_keys | doubled):
        rows_like_it = [f for f in found if f.row and likeness(plan, rows[f.row], issue) in CLOSE]
        for finding in rows_like_it[:1]:
            cell = plan.address(finding.row or 0, KEY)
            finding.outcome = Outcome.FLAGGED
            message = say("{key} was made from this row and stands in none; write it here", key=issue.key)
            finding.problems.append(Problem.of(cell, message))
        if not rows_like_it:
            gone.append(_deleted(plan, issue))
    return Findings(data=[*found, *gone], problems=decision.problems)


def no_issue() -> Said:
    """What is told of a row that has none although others of its plan have."""
    return say("has no issue; run content-plan-to-jira, which makes it or says what is wrong with the row")


def not_compared(plan: ContentPlan) -> Findings:
    """What stands of a plan whose rows were read, until they are compared."""
    return Findings(
        data=[Finding(row=row.row, outcome=Outcome.UNCERTAIN, key=read_key(row.key) or "") for row in plan.rows]
    )


def _finding(plan: ContentPlan, row: PlanRow, action: Action, issue: Issue | None, *, started: bool) -> Finding:
    problems = list(action.problems)
    if action.outcome is Outcome.READY and started:
        problem = Problem.of(plan.address(row.row, KEY), no_issue())
        return Finding(row=row.row, outcome=Outcome.FLAGGED, problems=[problem])
    if action.outcome is Outcome.EXISTING and action.token:
        problems.append(Problem.of(plan.address(row.row, KEY), not_written_yet(action.key)))
        return Finding(row=row.row, outcome=Outcome.UNCERTAIN, key=action.key, problems=problems)
    if action.outcome is not Outcome.EXISTING or issue is None:
        return Finding(row=row.row, outcome=action.outcome, key=action.key, problems=problems)
    changes = changes_of(plan, row, issue)
    if not changes:
        return Finding(row=row.row, outcome=Outcome.EXISTING, key=action.key, problems=problems)
    return Finding(
        row=row.row,
        outcome=Outcome.FLAGGED,
        key=action.key,
        problems=[
            *problems,
            *(Problem.of(c.cell, _changed(action.key, c)) for c in changes),
        ],
        changes=changes,
        change_hash=_hash(plan, row, issue),
    )


def _changed(key: str, change: CellChange) -> Said:
    return say(
        "{column} was changed after {key} was made: {change}; change the issue by hand, or the cell back",
        column=change.column,
        key=key,
        change=change.said,
    )


def _deleted(plan: ContentPlan, issue: Issue) -> Finding:
    message = say(
        "{key} ('{summary}') was made from a row that is not in the plan any more; the issue is left as it is. "
        "If it is not wanted in this plan: {forget}",
        key=issue.key,
        summary=issue.summary,
        forget=f"{RESOLVE} {plan.spreadsheet_id} --forget-issue {issue.key}",
    )
    return Finding(
        row=None,
        outcome=Outcome.FLAGGED,
        key=issue.key,
        problems=[Problem.of(a1.quoted(plan.tab), message)],
    )


def changes_of(plan: ContentPlan, row: PlanRow, issue: Issue) -> list[CellChange]:
    """What is different from what the issue was made from, in column order; a column that was only renamed is not."""
    if not issue.row or row.fingerprint == issue.row.get("content_hash"):
        return []
    remembered = _Remembered(dict(issue.row.get("cells") or {}), dict(issue.row.get("cut") or {}))
    new = {column.label: row.content(column.label) for column in plan.columns}
    gone = [label for label in remembered.texts if label not in new and not status_column(label)]
    renamed = {
        label: was
        for label, text in new.items()
        if label not in remembered.texts
        for was in gone
        if remembered.is_same(was, text)
    }
    now = {**new, **dict.fromkeys((label for label in gone if label not in renamed.values()), "")}
    return [
        CellChange(column=label, cell=plan.address(row.row, label), **remembered.against(label, text))
        for label, text in now.items()
        if not remembered.is_same(renamed.get(label, label), text)
    ]


@dataclass(frozen=True)
class _Remembered:
    """What an issue remembers of its row: texts by column, and hashes of those that were cut."""

    texts: Mapping[str, str]
    hashes: Mapping[str, str]

    def is_same(self, label: str, text: str) -> bool:
        return text_hash(text) == self.hashes[label] if label in self.hashes else text == self.texts.get(label, "")

    def against(self, label: str, text: str) -> dict[str, str]:
        """The old text and a new one, as far as there is a difference to see."""
        old = self.texts.get(label, "")
        if label in self.hashes and text.startswith(old):
            return {"old": f"{old}…", "new": "(changed further down)"}
        return {"old": old, "new": text}


def _hash(plan: ContentPlan, row: PlanRow, issue: Issue) -> str:
    """The same for the same content now beside the same content then, in whatever row it stands."""
    return hashlib.sha256(
        f"{plan.spreadsheet_id} {issue.row.get('content_hash')} {row.fingerprint}".encode()
    ).hexdigest()


def comment(plan: ContentPlan, finding: Finding) -> adf.Node:
    """The comment that tells the issue's readers of the change, as an ADF document."""
    address = f"https://docs.google.com/spreadsheets/d/{plan.spreadsheet_id}/edit#gid={plan.tab_id}&range={finding.row}:{finding.row}"
    opening = adf.Section(
        "The content plan was changed after this issue was made",
        f"row {finding.row} of {plan.title}, {address}\nThe issue's own fields are left as they are.",
        address,
    )
    return adf.describe([opening, *(adf.Section(c.column, str(c), c.cell) for c in finding.changes)]).document


def _shown(text: str, start: int) -> str:
    if not text:
        return say("(empty)")
    shown = cut(text[start:], _SHOWN)
    return f"{'…' if start else ''}{shown}{'…' if start + len(shown) < len(text) else ''}"


# --- The files between the flow and the notebook ----------------------------------------------------------------------


def save_issues(issues: Sequence[Issue], path: Path, *, workflow: str, source: str) -> Path:
    """Write what Jira has of a plan."""
    return files.write_json(path, [asdict(issue) for issue in issues], workflow=workflow, source=source)


def load_issues(path: Path) -> list[Issue]:
    """
    Read what Jira has of a plan.

    Raises:
        FixInputError: The file is missing, or no file of issues.
    """
    try:
        return [
            Issue(**{**record, "labels": tuple(record["labels"]), "old_keys": tuple(record.get("old_keys", ()))})
            for record in json.loads(path.read_bytes())["data"]
        ]
    except FileNotFoundError:
        raise FixInputError(str(path), "does not exist; give the path of an issues file from a run folder") from None
    except (ValueError, KeyError, TypeError) as error:
        raise FixInputError(str(path), f"is no issues file of a run ({type(error).__name__})") from None


def save(findings: Findings, path: Path, *, workflow: str, source: str) -> Path:
    """Write the notebook's result; beside a finished run, not into it."""
    content: dict[str, Any] = findings.model_dump(mode="json")
    written = files.spare_finished(path)
    return files.write_json(written, content["data"], workflow=workflow, source=source, problems=content["problems"])


def load(path: Path, rows: Sequence[PlanRow], *, notebook: str) -> Findings:
    """
    Read what the notebook found for these rows.

    Raises:
        FixInputError: The file is missing, is no such file, or a row has no finding or two.
    """
    advice = "repair the notebook, or take back its last change"
    try:
        content = json.loads(path.read_bytes())
        findings = Findings.model_validate({"data": content["data"], "problems": content["problems"]})
    except FileNotFoundError:
        raise FixInputError(notebook, f"left no {path.name}; {advice}") from None
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise FixInputError(
            f"{notebook}, {path.name}", f"is no file of findings ({type(error).__name__}); {advice}"
        ) from None
    if [f.row for f in findings.data if f.row is not None] != [row.row for row in rows]:
        raise FixInputError(f"{notebook}, {path.name}", f"must have one finding per row, in sheet order; {advice}")
    return findings
