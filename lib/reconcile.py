"""Rows of a plan × issues that Jira has → what is to be done with each row. Pure: nothing is read or written here.

A row's issue carries two labels, the plan's and the row's token, and a property that says what the row held. A row's Key cell
holds nothing, a token (claimed, its issue not known yet), or the issue's key; anything else is a person's, and stays.
"""

import hashlib
import json
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lib.content_plan import ContentPlan, PlanRow, Problem, fingerprint
from lib.formats import clean_text, cut, match_key
from lib.issue_draft import IssueDraft
from lib.plan_checks import read_day
from lib.ports import Issue

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base 32
_TOKEN = re.compile(rf"cp-[{_ALPHABET}]{{13}}")
_KEY = re.compile(r"[A-Z][A-Z0-9_]*-[1-9][0-9]*")
PLAN_LABEL = "content-plan-"
_PROPERTY_LIMIT = 32_768
_SHOWN_TEXT = 500  # characters of a cell that the property keeps, so that a later change can be shown as old → new
_SAME_CONTENT, _SAME_TOPIC = "the same content", "the same topic"
CLOSE = (_SAME_CONTENT, _SAME_TOPIC)
RESOLVE = ".venv/bin/python flows/resolve.py"


class Outcome(StrEnum):
    """How a row ended: the same word from sheet to report."""

    CREATED = "created"
    EXISTING = "existing"
    READY = "ready"
    REFUSED = "refused"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"
    FLAGGED = "flagged"


NEEDS_A_PERSON = (Outcome.REJECTED, Outcome.UNCERTAIN, Outcome.FLAGGED)


@dataclass(frozen=True)
class Action:
    """
    What is to be done with one row.

    Attributes:
        row: The row's number when the plan was read.
        outcome: EXISTING, REFUSED, UNCERTAIN or FLAGGED when that is all there is to say; READY when an issue is to be made.
        key: The row's issue, when it has one.
        token: What stands in the Key cell and has to be replaced by the key, used for creating, or taken out.
        problems: What people should know, with cells.
    """

    row: int
    outcome: Outcome
    key: str = ""
    token: str = ""
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Decision:
    """
    One action per row, in sheet order, and what is to be said of the plan as a whole.

    Also `ours`, the issues made from this plan, and `orphans`, those of them that stand in no row.
    """

    actions: list[Action]
    problems: list[Problem] = field(default_factory=list)
    ours: list[Issue] = field(default_factory=list)
    orphans: list[Issue] = field(default_factory=list)


def new_token() -> str:
    """A mark for one row's issue: `cp-` and 13 random characters, 65 bits."""
    return "cp-" + "".join(secrets.choice(_ALPHABET) for _ in range(13))


def not_written_yet(key: str) -> str:
    """What is to be said of a row that still holds a mark although its issue is known."""
    return f"its issue {key} exists, but the key is not in its row yet; the next run of content-plan-to-jira writes it"


def plan_label(spreadsheet_id: str) -> str:
    """The label of all issues made from a plan: lower case letters and digits, so that no case rule can touch it."""
    digest = hashlib.sha256(spreadsheet_id.encode()).digest()
    return PLAN_LABEL + "".join(_ALPHABET[byte % 32] for byte in digest[:26])


def is_token(text: str) -> bool:
    """Whether the cell holds one of our tokens."""
    return _TOKEN.fullmatch(text.strip()) is not None


def read_key(text: str) -> str | None:
    """The Jira key that the cell holds, also one pasted as an issue's address; None when it holds something else."""
    bare = re.sub(r"^https?://\S+/browse/", "", text.strip()).upper()
    return bare if _KEY.fullmatch(bare) else None


def tokens_of(issue: Issue) -> list[str]:
    """The tokens among an issue's labels."""
    return [label for label in issue.labels if is_token(label)]


def text_hash(text: str) -> str:
    """What tells a text from another one when only its beginning is kept."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def row_property(plan: ContentPlan, row: PlanRow, token: str, run: str) -> dict[str, Any]:
    """What an issue remembers of the row it was made from, in at most 32,768 characters of JSON."""
    day = read_day(plan, row)
    facts = {
        "plan": plan.spreadsheet_id,
        "title": plan.title,
        "tab_id": plan.tab_id,
        "token": token,
        "content_hash": fingerprint(row),
        "topic": cut(plan.text(row, "Topik"), _SHOWN_TEXT),
        "date": day.isoformat() if day else "",
        "form": plan.text(row, "Bentuk"),
        "run": run,
    }
    texts = {c.label: text for c in plan.columns if (text := clean_text(row.texts.get(c.label)))}
    length = _SHOWN_TEXT
    while True:
        cells = {label: cut(text, length) for label, text in texts.items()}
        cut_off = {label: text_hash(text) for label, text in texts.items() if cells[label] != text}
        remembered = {**facts, "cells": cells, "cut": cut_off}
        if length == 0 or len(json.dumps(remembered)) <= _PROPERTY_LIMIT:
            return remembered
        length //= 2


def decide(
    plan: ContentPlan,
    drafts: Mapping[int, IssueDraft],
    issues: Iterable[Issue],
    *,
    free: Iterable[str] = (),
    wanted: int | None = None,
) -> Decision:
    """
    What to do with each row.

    Args:
        plan: The rows as they stand in the sheet.
        drafts: Row number -> its draft; a row without one counts as good.
        issues: All that Jira has of this plan, found by the plan's label, by the keys in the sheet, and by key range.
        free: Tokens that were looked for until the settle time was over and belong to no issue.
        wanted: Number of a row for which a person decided that an issue is to be made, whatever looks like it and whatever
            stands in its Key cell; only an issue of its own stops that.
    """
    return _Deciding(plan, drafts, list(issues), frozenset(free), wanted).decide()


class _Deciding:
    def __init__(
        self,
        plan: ContentPlan,
        drafts: Mapping[int, IssueDraft],
        issues: list[Issue],
        free: frozenset[str],
        wanted: int | None,
    ) -> None:
        self.wanted = wanted
        self.plan = plan
        self.drafts = drafts
        self.free = free
        self.label = plan_label(plan.spreadsheet_id)
        self.by_key = {issue.key: issue for issue in issues}
        self.by_token = {token: issue for issue in issues for token in tokens_of(issue)}
        self.keys = {row.row: _row_key(row, self.by_token) for row in plan.rows}
        self.holders = Counter(key for key in self.keys.values() if key)
        self.tokens = Counter(row.key.strip() for row in plan.rows if is_token(row.key))
        self.ours = [issue for issue in issues if self.label in issue.labels]
        self.moved = self._find_moved(self.ours)
        self.issues = {row.row: issue for row in plan.rows if (issue := self._issue_of(row))}
        named = {issue.key for issue in self.issues.values()}
        self.orphans = [i for i in self.ours if i.key not in named and not self.tokens.keys() & set(tokens_of(i))]
        self.strangers = self._find_strangers()
        self.homes = self._find_homes()
        self.copied = self._find_copied()

    def decide(self) -> Decision:
        problems = []
        if self.copied:
            message = (
                f"{len(self.copied)} rows hold keys of issues that were made from another plan{self._origin()}: this one looks "
                f"copied with its keys. Clear those Key cells, then run again"
            )
            problems.append(Problem(cell=self.plan.address(self.plan.header_row, "Key"), message=message))
        return Decision([self._decide(row) for row in self.plan.rows], problems, self.ours, self.orphans)

    def _decide(self, row: PlanRow) -> Action:
        action = self._action(row)
        if row.row != self.wanted or action.outcome not in (Outcome.FLAGGED, Outcome.UNCERTAIN):
            return action
        own = self.tokens[row.key.strip()] == 1  # an uncertain row keeps its mark: its issue would carry the same
        return self._of_draft(row, row.key.strip() if own else "")

    def _action(self, row: PlanRow) -> Action:
        if is_token(row.key):
            return self._of_token(row, row.key.strip())
        if not row.key.strip():
            return self._of_draft(row, "")
        key = read_key(row.key)
        if key is None:
            return self._flag(
                row, f"holds {row.key!r}, which is no Jira key; this column is written by the run, clear the cell"
            )
        return self._of_key(row, key)

    def _of_token(self, row: PlanRow, token: str) -> Action:
        issue = self.by_token.get(token)
        if self.tokens[token] > 1:
            rows = " and ".join(str(other.row) for other in self.plan.rows if other.key.strip() == token)
            made = f"; its issue is {issue.key}" if issue else ""
            return self._flag(
                row, f"rows {rows} hold the same mark {token}{made}; clear the Key cell of the copy", issue
            )
        if issue and self.holders[issue.key] > 1:
            return self._flag(
                row, f"its issue {issue.key} stands in another row too; clear the Key cell of the wrong row", issue
            )
        if issue:
            return Action(row.row, Outcome.EXISTING, issue.key, token, self._remarks(row))
        if token not in self.free:
            message = "an earlier run may have made its issue, which Jira does not show yet; the next run settles it"
            return Action(row.row, Outcome.UNCERTAIN, "", token, (self._problem(row, message), *self._remarks(row)))
        return self._of_draft(row, token)

    def _of_draft(self, row: PlanRow, token: str) -> Action:
        draft = self.drafts.get(row.row)
        if draft and draft.refused:
            return Action(row.row, Outcome.REFUSED, "", token, tuple(draft.problems))
        candidates = [(orphan, "stands in no row", False) for orphan in self.orphans if row.row != self.wanted]
        candidates += [
            (self.issues[n], f"stands in row {n}, which is another", True)
            for n in self.strangers
            if row.row != self.wanted
        ]
        for issue, stands, closely in candidates:
            alike = likeness(self.plan, row, issue)
            if alike and (alike in CLOSE or not closely):
                return self._flag(
                    row,
                    f"has no key, but {issue.key} ({issue.summary!r}) was made from this plan, has {alike}, and {stands}: "
                    f"if it is this row's issue, write {issue.key} here, or {self._resolve(row, f'--key {issue.key}')}; "
                    f"if not, {self._resolve(row, '--create')}",
                    issue,
                    token,
                )
        return Action(row.row, Outcome.READY, "", token, tuple(draft.problems) if draft else ())

    def _of_key(self, row: PlanRow, key: str) -> Action:
        issue = self.issues.get(row.row)
        if issue is None:
            return self._flag(
                row,
                f"Jira shows no issue {key}: it was deleted, or we may not see it; clear the cell to make a new one",
            )
        if self.label not in issue.labels:
            if row.row in self.copied:
                return self._flag(
                    row, f"{key} was made from the plan that this one looks copied from; clear this cell", issue
                )
            other = plan_of(issue)
            origin = f"from {other!r}" if other else "by hand, not from this plan"
            return self._flag(
                row,
                f"{key} was made {origin}; clear the cell, or if it is this row's issue, {self._resolve(row, f'--key {key}')}",
                issue,
            )
        if self.holders[key] > 1 and not self._is_the_original(row, issue):
            rows = " and ".join(str(number) for number, other in self.keys.items() if other == key)
            return self._flag(row, f"{key} stands in rows {rows}; clear the Key cell of the copy", issue)
        if home := self.homes.get(row.row):
            return self._flag(
                row,
                f"{key} was made from what stands in row {home}: move it there, or if it is this row's issue, "
                f"{self._resolve(row, f'--key {key}')}",
                issue,
            )
        return Action(row.row, Outcome.EXISTING, issue.key, "", self._remarks(row))

    def _issue_of(self, row: PlanRow) -> Issue | None:
        """The issue that the row's Key cell names, if Jira has it."""
        key = self.keys[row.row]
        return (self.by_key.get(key) or self.moved.get(row.row)) if key else None

    def _find_strangers(self) -> list[int]:
        """Rows with an issue of this plan that was made from another topic and other content: its key may be misplaced."""
        return [
            row.row
            for row in self.plan.rows
            if (issue := self.issues.get(row.row)) and issue.row and likeness(self.plan, row, issue) not in CLOSE
        ]

    def _find_homes(self) -> dict[int, int]:
        """Stranger -> another stranger that holds what its issue was made from."""
        rows = {row.row: row for row in self.plan.rows if row.row in self.strangers or not row.key.strip()}
        return {
            number: home.row
            for number in self.strangers
            for home in rows.values()
            if home.row != number and likeness(self.plan, home, self.issues[number]) in CLOSE
        }

    def _resolve(self, row: PlanRow, decision: str) -> str:
        return f"{RESOLVE} {self.plan.spreadsheet_id} {row.row} {decision}"

    def _is_the_original(self, row: PlanRow, issue: Issue) -> bool:
        """Whether of all rows with this key only this one holds what the issue was made from."""
        same = [other for other in self.plan.rows if self.keys[other.row] == issue.key]
        alike = [other for other in same if fingerprint(other) == issue.row.get("content_hash")]
        return alike == [row]

    def _find_moved(self, ours: Sequence[Issue]) -> dict[int, Issue]:
        """
        Row -> issue for rows whose key is unknown, where one unnamed issue of the plan was made from just that content.

        A move to another project is all that changes an issue's key; an unknown key of the same project was typed by hand.
        """
        unnamed = [issue for issue in ours if issue.key not in self.holders]
        lost = [row for row in self.plan.rows if (key := self.keys[row.row]) and key not in self.by_key]
        prints = Counter(issue.row.get("content_hash") for issue in unnamed)
        rows = Counter(fingerprint(row) for row in lost)
        by_print = {issue.row.get("content_hash"): issue for issue in unnamed}
        alone = {row.row: by_print[mark] for row in lost if prints[(mark := fingerprint(row))] == 1 and rows[mark] == 1}
        return {row: issue for row, issue in alone.items() if _project(issue.key) != _project(self.keys[row] or "")}

    def _find_copied(self) -> dict[int, Issue]:
        """Row -> issue for rows that hold keys of other plans, when these are two or more and most of the keyed rows."""
        keyed = {row: self.by_key[key] for row, key in self.keys.items() if key and key in self.by_key}
        foreign = {row: issue for row, issue in keyed.items() if self.label not in issue.labels}
        return foreign if len(foreign) > 1 and 2 * len(foreign) > len(keyed) else {}

    def _origin(self) -> str:
        """The plan that most of the copied keys are from, when Jira says so."""
        plans = Counter(plan for issue in self.copied.values() if (plan := plan_of(issue)))
        return f" ({plans.most_common(1)[0][0]})" if plans else ""

    def _remarks(self, row: PlanRow) -> tuple[Problem, ...]:
        """What is odd about a row that has its issue: nothing stops it any more."""
        draft = self.drafts.get(row.row)
        return tuple(p.model_copy(update={"level": "warning"}) for p in draft.problems) if draft else ()

    def _flag(self, row: PlanRow, message: str, issue: Issue | None = None, token: str = "") -> Action:
        return Action(row.row, Outcome.FLAGGED, issue.key if issue else "", token, (self._problem(row, message),))

    def _problem(self, row: PlanRow, message: str) -> Problem:
        return Problem(cell=self.plan.address(row.row, "Key"), message=message)


def _project(key: str) -> str:
    return key.rpartition("-")[0]


def plan_of(issue: Issue) -> str:
    """Title of the plan that an issue was made from, or else its label; empty when it was made from none."""
    labels = [label for label in issue.labels if label.startswith(PLAN_LABEL)]
    return str(issue.row.get("title") or (labels[0] if labels else ""))


def _row_key(row: PlanRow, by_token: Mapping[str, Issue]) -> str | None:
    if is_token(row.key):
        issue = by_token.get(row.key.strip())
        return issue.key if issue else None
    return read_key(row.key)


def likeness(plan: ContentPlan, row: PlanRow, issue: Issue) -> str:
    """In what an issue resembles the row; empty when in nothing."""
    if issue.row.get("content_hash") == fingerprint(row):
        return _SAME_CONTENT
    topic = match_key(plan.text(row, "Topik"))
    if topic and topic in (match_key(issue.row.get("topic")), match_key(issue.summary)):
        return _SAME_TOPIC
    day = read_day(plan, row)
    same_day = day is not None and day.isoformat() == issue.row.get("date")
    same_form = match_key(plan.text(row, "Bentuk")) == match_key(issue.row.get("form"))
    return "the same date and form" if same_day and same_form else ""
