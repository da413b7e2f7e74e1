"""What people are told of a row and its issue: values as they read them, and what waits for whom."""

from collections.abc import Mapping
from typing import Any

from lib.exactly_once.reconcile import RESOLVE
from lib.formats import cut
from lib.messages import say
from lib.plan import adf
from lib.plan.content_plan import KEY, ContentPlan
from lib.plan.issue_draft import shown_field
from lib.plan.problems import Kind, Problem
from lib.update.row_update import RowUpdate
from lib.update.three_way import Decision, State

_SHOWN = 200  # characters of a value in a message; result.json has it whole


def problems_of(plan: ContentPlan, update: RowUpdate, names: Mapping[str, str]) -> list[Problem]:
    """What is told of a row: its fields that wait for somebody, and what Jira did not do. `names` are fields as people know them."""
    key = update.issue.key
    at_key = plan.address(update.row.row, KEY)
    if update.state is None:
        message = say(
            "{key}: {why}; nothing is carried over to it, and its status columns stay as they are",
            key=key,
            why=update.untouched,
        )
        return [Problem.of(at_key, message, level="warning")]
    if update.untouched:
        changed = [d for d in update.decisions if d.state in (State.UPDATED, State.CONFLICT)]
        fields = ", ".join(shown_field(d.field, names) for d in changed)
        message = say(
            "{key}: {why}; the plan's changes of {names} are not carried over",
            key=key,
            why=update.untouched,
            names=fields,
        )
        return [Problem.of(at_key, message, level="warning")] if changed else []
    problems = [p for p in (_problem(plan, update, one, names) for one in update.decisions) if p]
    if State.REFUSED in {one.state for one in update.decisions}:
        problems += [p for p in update.draft.problems if p.level == "error"]
    if update.not_remembered:
        message = say(
            "{key}: plan and Jira say the same again, and Jira does not let the issue remember it: {reason}",
            key=key,
            reason=update.not_remembered,
        )
        problems.append(Problem.of(at_key, message, level="warning"))
    if update.lost:
        message = say(
            "{key}: the answer to its change was lost, and the change is not to be seen; the next run looks again",
            key=key,
        )
        problems.append(Problem.of(at_key, message))
    return problems


def _problem(plan: ContentPlan, update: RowUpdate, decision: Decision, names: Mapping[str, str]) -> Problem | None:
    key, name = update.issue.key, shown_field(decision.field, names)
    where = cell_of(plan, update, decision.field)
    command = f"{RESOLVE} {plan.spreadsheet_id} {update.row.row} --field {decision.field} --take"
    was, now, there = (shown_value(value, _SHOWN) for value in (decision.sent, decision.plan, decision.jira))
    match decision.state:
        case State.CONFLICT:
            message = say(
                "{key}, {name}: the plan says {now}, Jira says {there}, sent was {was}; {why}. Nothing was sent; decide: {command} "
                "plan, or jira",
                key=key,
                name=name,
                now=now,
                there=there,
                was=was,
                why=decision.why or say("both were changed"),
                command=command,
            )
            return Problem.of(where, message, kind=Kind.CONFLICT)
        case State.REPLACED:
            message = say(
                "{key}, {name}: somebody wrote {there} while the plan's {now} was sent, which replaced it; if it counts, write it "
                "into Jira again, if not: {command} plan",
                key=key,
                name=name,
                there=there,
                now=now,
                command=command,
            )
            return Problem.of(where, message, kind=Kind.CONFLICT)
        case State.REJECTED:
            return Problem.of(where, say("Jira: {reason}", reason=f"{name}: {decision.why}"), kind=Kind.REJECTED)
        case State.KEPT:
            message = say(
                "{key}, {name}: changed in Jira to {there}, and kept; the plan says {now}",
                key=key,
                name=name,
                there=there,
                now=now,
            )
            return Problem.of(where, message, level="warning")
    return None


def cell_of(plan: ContentPlan, update: RowUpdate, name: str) -> str:
    """Where the field comes from; the row's Key where it comes from several cells or none."""
    return update.draft.cells.get(name) or plan.address(update.row.row, KEY)


def shown_value(value: Any, most: int | None = None) -> str:
    """A value as people read it, in full or at most so many characters of it."""
    if value is None or value in ([], ""):
        return say("(empty)")
    if isinstance(value, dict) and value.get("type") == "doc":
        text = adf.plain_text(value)
    elif isinstance(value, dict):
        known = ("displayName", "name", "value", "begins")
        named = next((value[name] for name in known if value.get(name)), None)
        if named is None:
            return say("what is not known")
        text = str(named)
    else:
        text = value if isinstance(value, str) else str(adf.plain_value(value))
    return f"'{cut(text, most) if most else text}'"
