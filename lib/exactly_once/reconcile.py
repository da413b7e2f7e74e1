"""Rows of a plan × issues that Jira has → what is to be done with each row. Pure: nothing is read or written here.

A row's issue carries two labels, the plan's and the row's token, and a property that says what the row held. A row's Key cell
holds nothing, a token (claimed, its issue not known yet), or the issue's key; anything else is a person's, and stays.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lib.formats import cut, match_key, one_line
from lib.messages import NOTHING, Said, join, say
from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.issue_draft import IssueDraft
from lib.plan.keys import ALPHABET, is_token, read_key
from lib.plan.plan_checks import read_day
from lib.plan.problems import Problem
from lib.plan.sent import Remembered
from lib.services.models import Issue

PLAN_LABEL = "content-plan-"
_PROPERTY_LIMIT = 30_000  # of Jira's 32,768 characters: an update adds when it wrote which field
_SHOWN_TEXT = 500  # characters of a cell that the property keeps, so that a later change can be shown as old → new
_SAME_CONTENT = "the same content"
_SAME_TOPIC = "the same topic"
_SAME_DAY = "the same date and form"
CLOSE = (_SAME_CONTENT, _SAME_TOPIC)
RESOLVE = ".venv/bin/python flows/resolve.py"


class Outcome(StrEnum):
    """How a row ended: the same word from sheet to report."""

    CREATED = "created"
    EXISTING = "existing"
    UPDATED = "updated"
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
    One action per row, in sheet order, and what people should know of the plan as a whole.

    Also `ours`, the issues made from this plan, `orphans`, those of them that stand in no row, and `doubles`, key -> keys of
    the others that were made from the same row.
    """

    actions: list[Action]
    problems: list[Problem] = field(default_factory=list)
    ours: list[Issue] = field(default_factory=list)
    orphans: list[Issue] = field(default_factory=list)
    doubles: dict[str, list[str]] = field(default_factory=dict)


def not_written_yet(key: str) -> Said:
    """What people should know of a row that still holds a claim token although its issue is known."""
    return say(
        "its issue {key} exists, but the key is not in its row yet; the next run of content-plan-to-jira writes it",
        key=key,
    )


def plan_label(spreadsheet_id: str) -> str:
    """The label of all issues made from a plan: lower case letters and digits, so that no case rule can touch it."""
    digest = hashlib.sha256(spreadsheet_id.encode()).digest()
    return PLAN_LABEL + "".join(ALPHABET[byte % 32] for byte in digest[:26])


def tokens_of(issue: Issue) -> list[str]:
    """The tokens among an issue's labels."""
    return [label for label in issue.labels if is_token(label)]


def text_hash(text: str) -> str:
    """What tells a text from another one when only its beginning is kept."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def row_property(
    plan: ContentPlan,
    row: PlanRow,
    token: str,
    run: str,
    *,
    beside: Sequence[str] = (),
    shortened: bool = False,
    fields: Remembered | None = None,
) -> dict[str, Any]:
    """
    What an issue remembers of the row it was made from, in at most 32,768 characters of JSON.

    `beside` are keys of issues that look as if they were made from the same row, beside which a person wanted this one. `shortened`
    says that its description has room for less than others. `fields` is what it was sent (`lib.plan.sent`), if that is known.
    """
    day = read_day(plan, row)
    facts = {
        "plan": plan.spreadsheet_id,
        "title": plan.title,
        "tab_id": plan.tab_id,
        "token": token,
        "content_hash": row.fingerprint,
        "topic": cut(plan.text(row, "Topik"), _SHOWN_TEXT),
        "date": day.isoformat() if day else "",
        "form": plan.text(row, "Bentuk"),
        "run": run,
        **({"beside": list(beside)} if beside else {}),
        **({"shortened": True} if shortened else {}),
        **({"fields": fields} if fields is not None else {}),
    }
    texts = {c.label: text for c in plan.columns if (text := row.content(c.label))}
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
    clean: bool = True,
    wanted: int | None = None,
) -> Decision:
    """
    What to do with each row.

    Args:
        plan: The rows as they stand in the sheet.
        drafts: Row number -> its draft; a row without one counts as good.
        issues: All that Jira has of this plan, found by the plan's label, by the keys in the sheet, and by key range.
        free: Tokens that were looked for until the settle time was over and belong to no issue.
        clean: Whether none of the plan's issues can be missing among `issues`; if one can, no row is READY by itself.
        wanted: Number of a row for which a person decided that an issue is to be made, whatever looks like it and whatever
            stands in its Key cell; only an issue of its own stops that.
    """
    return _Deciding(plan, drafts, list(issues), frozenset(free), clean=clean, wanted=wanted).decide()


class _Deciding:
    def __init__(
        self,
        plan: ContentPlan,
        drafts: Mapping[int, IssueDraft],
        issues: list[Issue],
        free: frozenset[str],
        *,
        clean: bool,
        wanted: int | None,
    ) -> None:
        self.wanted = wanted
        self.clean = clean
        self.plan = plan
        self.rows = {row.row: row for row in plan.rows}
        self.drafts = drafts
        self.free = free
        self.label = plan_label(plan.spreadsheet_id)
        self.by_key = {key: issue for issue in issues for key in (*issue.old_keys, issue.key)}
        self.ours = [issue for issue in issues if self.label in issue.labels]
        self.by_token = {token: issue for issue in self.ours for token in tokens_of(issue)}
        self.keys = {row.row: self._key_of(row) for row in plan.rows}
        self.holders = Counter(key for key in self.keys.values() if key)
        self.tokens = Counter(row.key.strip() for row in plan.rows if is_token(row.key))
        self.issues = {n: self.by_key[key] for n, key in self.keys.items() if key and key in self.by_key}
        named = {issue.key for issue in self.issues.values()}
        self.orphans = [i for i in self.ours if i.key not in named and not self.tokens.keys() & set(tokens_of(i))]
        self.doubles = self._find_doubles(named)
        self.misplaced = self._find_misplaced()
        self.rightful_rows = self._find_rightful_rows()
        self.foreign = self._find_foreign()

    def decide(self) -> Decision:
        problems = []
        if self.foreign:
            message = say(
                "{count} rows hold keys of issues that were made from another plan{origin}: this one looks copied with its keys. "
                "Clear those Key cells, then run again",
                count=len(self.foreign),
                origin=self._origin(),
            )
            problems.append(Problem.of(self.plan.address(self.plan.header_row, "Key"), message))
        actions = [self._decide(row) for row in self.plan.rows]
        return Decision(actions, problems, self.ours, self.orphans, self.doubles)

    def _decide(self, row: PlanRow) -> Action:
        action = self._action(row)
        if row.row != self.wanted or action.outcome not in (Outcome.FLAGGED, Outcome.UNCERTAIN):
            return action
        own = (
            self.tokens[row.key.strip()] == 1
        )  # an uncertain row keeps its claim token: its issue would carry the same
        return self._of_draft(row, row.key.strip() if own else "")

    def _action(self, row: PlanRow) -> Action:
        if is_token(row.key):
            return self._of_token(row, row.key.strip())
        if not row.key.strip():
            return self._of_draft(row, "")
        key = read_key(row.key)
        if key is None:
            message = say(
                "holds '{text}', which is no Jira key; this column is written by the run, clear the cell",
                text=one_line(row.key),
            )
            return self._flag(row, message)
        return self._of_key(row, key)

    def _of_token(self, row: PlanRow, token: str) -> Action:
        issue = self.by_token.get(token)
        if self.tokens[token] > 1:
            message = say(
                "rows {rows} hold the same claim token {token}{made}; clear the Key cell of the copy",
                rows=join(say(" and "), (str(other.row) for other in self.plan.rows if other.key.strip() == token)),
                token=token,
                made=say("; its issue is {key}", key=issue.key) if issue else "",
            )
            return self._flag(row, message, issue)
        if issue and self.holders[issue.key] > 1:
            message = say(
                "its issue {key} stands in another row too; clear the Key cell of the wrong row", key=issue.key
            )
            return self._flag(row, message, issue)
        if issue and (double := self._flag_double(row, issue, token)):
            return double
        if issue:
            return Action(row.row, Outcome.EXISTING, issue.key, token, self._remarks(row))
        if token not in self.free:
            message = say(
                "an earlier run may have made its issue, which Jira does not show yet; the next run settles it"
            )
            return Action(row.row, Outcome.UNCERTAIN, "", token, (self._problem(row, message), *self._remarks(row)))
        return self._of_draft(row, token)

    def _of_draft(self, row: PlanRow, token: str) -> Action:
        draft = self.drafts.get(row.row)
        if draft and draft.refused:
            return Action(row.row, Outcome.REFUSED, "", token, tuple(draft.problems))
        if row.row != self.wanted:
            for issue, alike, stands in self._candidates(row):
                message = say(
                    "has no key, but {key} ('{summary}') was made from this plan, has {alike}, and {stands}: "
                    "if it is this row's issue, write {key} here, or {take}; if not, {create}",
                    key=issue.key,
                    summary=issue.summary,
                    alike=alike,
                    stands=stands,
                    take=self._resolve(row, f"--key {issue.key}"),
                    create=self._resolve(row, "--create"),
                )
                return self._flag(row, message, issue, token)
        if not self.clean and token not in self.free:
            message = say(
                "an issue of it may exist: the newest issues of the project could not all be read. Nothing is made blindly; "
                "the next run looks again"
            )
            return Action(row.row, Outcome.UNCERTAIN, "", token, (self._problem(row, message), *self._remarks(row)))
        return Action(row.row, Outcome.READY, "", token, tuple(draft.problems) if draft else ())

    def _candidates(self, row: PlanRow) -> Iterator[tuple[Issue, Said, Said]]:
        """Issues of the plan that may be the row's own, in what they are alike, and where they stand."""
        for orphan in self.orphans:
            if alike := likeness(self.plan, row, orphan):
                yield orphan, alike, say("stands in no row")
        for number, issue in self.issues.items():
            if number != row.row and self._fits_better(row, number):
                stands = say("stands in row {row}, which is another", row=number)
                yield issue, likeness(self.plan, row, issue), stands

    def _fits_better(self, row: PlanRow, number: int) -> bool:
        """Whether the issue that stands in row `number` was made from what this row holds, rather than from what that one does."""
        issue = self.issues[number]
        if self.label not in issue.labels or not issue.row:
            return False
        alike = likeness(self.plan, row, issue)
        if number in self.misplaced or alike not in CLOSE:
            return alike in CLOSE
        holder = self.rows[number]
        if holder.fingerprint == issue.row.get("content_hash"):
            return False
        return alike == _SAME_CONTENT or _same_cells(row, issue) > _same_cells(holder, issue)

    def _of_key(self, row: PlanRow, key: str) -> Action:
        issue = self.issues.get(row.row)
        if issue is None:
            message = say(
                "Jira shows no issue {key}: it was deleted, or we may not see it; clear the cell to make a new one",
                key=key,
            )
            return self._flag(row, message)
        key = issue.key
        if self.label not in issue.labels:
            if row.row in self.foreign:
                message = say("{key} was made from the plan that this one looks copied from; clear this cell", key=key)
                return self._flag(row, message, issue)
            other = plan_of(issue)
            message = say(
                "{key} was made {origin}; clear the cell, or if it is this row's issue, {take}",
                key=key,
                origin=say("from '{plan}'", plan=other) if other else say("by hand, not from this plan"),
                take=self._resolve(row, f"--key {key}"),
            )
            return self._flag(row, message, issue)
        if self.holders[key] > 1 and not self._is_the_original(row, issue):
            rows = join(say(" and "), (str(number) for number, other in self.keys.items() if other == key))
            message = say("{key} stands in rows {rows}; clear the Key cell of the copy", key=key, rows=rows)
            return self._flag(row, message, issue)
        if rightful := self.rightful_rows.get(row.row):
            message = say(
                "{key} was made from what stands in row {row}: move it there, or if it is this row's issue, {take}",
                key=key,
                row=rightful,
                take=self._resolve(row, f"--key {key}"),
            )
            return self._flag(row, message, issue)
        if double := self._flag_double(row, issue):
            return double
        return Action(row.row, Outcome.EXISTING, issue.key, "", self._remarks(row))

    def _key_of(self, row: PlanRow) -> str | None:
        """The key of the row's issue as it is today: by its claim token, or by the key in the cell, which an issue keeps when moved."""
        if is_token(row.key):
            issue = self.by_token.get(row.key.strip())
            return issue.key if issue else None
        key = read_key(row.key)
        return self.by_key[key].key if key and key in self.by_key else key

    def _find_doubles(self, named: set[str]) -> dict[str, list[str]]:
        """
        Key -> keys of the plan's other issues that carry the same claim token, or that were made from the same content.

        Rows may be alike, and each has its issue then. So issues of the same content count only when one stands in a row and
        the others in none, and nobody wanted one beside the other.
        """
        same: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        orphans = {orphan.key for orphan in self.orphans}
        by_key = {issue.key: issue for issue in self.ours}
        for issue in self.ours:
            for token in tokens_of(issue):
                same["token", token].add(issue.key)
            if content := issue.row.get("content_hash"):
                same["content", str(content)].add(issue.key)
        doubles: defaultdict[str, set[str]] = defaultdict(set)
        for (what, _), keys in same.items():
            for key in keys:
                others = keys - {key}
                if what == "content":
                    others = {o for o in others if {key, o} & named and {key, o} & orphans}
                    others -= set(by_key[key].row.get("beside", ()))
                    others = {o for o in others if key not in by_key[o].row.get("beside", ())}
                doubles[key] |= others
        return {key: sorted(others) for key, others in doubles.items() if others}

    def _flag_double(self, row: PlanRow, issue: Issue, token: str = "") -> Action | None:
        others = self.doubles.get(issue.key)
        if not others:
            return None
        message = say(
            "Jira has more than one issue that was made from this row: {keys}. Keep one, close or delete the other, "
            "and let the plan forget it: {forget}",
            keys=join(say(" and "), (issue.key, *others)),
            forget=f"{RESOLVE} {self.plan.spreadsheet_id} --forget-issue {others[0]}",
        )
        return self._flag(row, message, issue, token)

    def _find_misplaced(self) -> list[int]:
        """Rows with an issue of this plan that was made from another topic and other content: its key may be misplaced."""
        return [
            row.row
            for row in self.plan.rows
            if (issue := self.issues.get(row.row)) and issue.row and likeness(self.plan, row, issue) not in CLOSE
        ]

    def _find_rightful_rows(self) -> dict[int, int]:
        """Row -> the row from which its issue was made, and which has no issue of its own, or one that is not its own."""
        without_own = [row for row in self.plan.rows if row.row in self.misplaced or row.row not in self.issues]
        return {
            number: rightful.row
            for number in self.issues
            for rightful in without_own
            if rightful.row != number and self._fits_better(rightful, number)
        }

    def _resolve(self, row: PlanRow, decision: str) -> str:
        return f"{RESOLVE} {self.plan.spreadsheet_id} {row.row} {decision}"

    def _is_the_original(self, row: PlanRow, issue: Issue) -> bool:
        """Whether of all rows with this key only this one holds what the issue was made from."""
        same = [other for other in self.plan.rows if self.keys[other.row] == issue.key]
        alike = [other for other in same if other.fingerprint == issue.row.get("content_hash")]
        return alike == [row]

    def _find_foreign(self) -> dict[int, Issue]:
        """Row -> issue for rows that hold keys of other plans, when these are two or more and most of the keyed rows."""
        keyed = {row: self.by_key[key] for row, key in self.keys.items() if key and key in self.by_key}
        foreign = {row: issue for row, issue in keyed.items() if self.label not in issue.labels}
        return foreign if len(foreign) > 1 and 2 * len(foreign) > len(keyed) else {}

    def _origin(self) -> str:
        """The plan that most of the foreign keys are from, when Jira says so."""
        plans = Counter(plan for issue in self.foreign.values() if (plan := plan_of(issue)))
        return f" ({plans.most_common(1)[0][0]})" if plans else ""

    def _remarks(self, row: PlanRow) -> tuple[Problem, ...]:
        """What is odd about a row that has its issue: nothing stops it any more."""
        draft = self.drafts.get(row.row)
        return tuple(p.model_copy(update={"level": "warning"}) for p in draft.problems) if draft else ()

    def _flag(self, row: PlanRow, message: Said, issue: Issue | None = None, token: str = "") -> Action:
        return Action(row.row, Outcome.FLAGGED, issue.key if issue else "", token, (self._problem(row, message),))

    def _problem(self, row: PlanRow, message: Said) -> Problem:
        return Problem.of(self.plan.address(row.row, "Key"), message)


def plan_of(issue: Issue) -> str:
    """Title of the plan that an issue was made from, or else its label; empty when it was made from none."""
    labels = [label for label in issue.labels if label.startswith(PLAN_LABEL)]
    return str(issue.row.get("title") or (labels[0] if labels else ""))


def _same_cells(row: PlanRow, issue: Issue) -> int:
    """How many of the cells that the issue remembers the row still has."""
    remembered, hashes = issue.row.get("cells", {}), issue.row.get("cut", {})
    return sum(
        text_hash(row.content(label)) == hashes[label] if label in hashes else row.content(label) == text
        for label, text in remembered.items()
    )


def likeness(plan: ContentPlan, row: PlanRow, issue: Issue) -> Said:
    """In what an issue resembles the row; empty when in nothing."""
    if issue.row.get("content_hash") == row.fingerprint:
        return say(_SAME_CONTENT)
    topic = match_key(plan.text(row, "Topik"))
    if topic and topic in (match_key(issue.row.get("topic")), match_key(issue.summary)):
        return say(_SAME_TOPIC)
    day = read_day(plan, row)
    same_day = day is not None and day.isoformat() == issue.row.get("date")
    same_form = match_key(plan.text(row, "Bentuk")) == match_key(issue.row.get("form"))
    return say(_SAME_DAY) if same_day and same_form else NOTHING
