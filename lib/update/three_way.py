"""One issue's fields, three ways: what was last sent, what the plan says now, what Jira says now. Pure.

Whoever changed a field alone is right: the plan's change is sent, a person's in Jira is kept. Where both did, a person decides.
Nothing is guessed: what is not known to be as it was sent counts as changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal

from pydantic import JsonValue

from lib.messages import say
from lib.plan import sent
from lib.plan.issue_draft import IssueDraft
from lib.plan.sent import DESCRIPTION, NOT_COMPARED, Remembered

type Take = Literal["plan", "jira"]

UNKNOWN: JsonValue = {"unknown": True}  # remembered of a field of which nobody knows what was sent


class State(StrEnum):
    """What is to be done with a field, or was."""

    UPDATED = "updated"  # the plan changed it alone: it is sent
    SETTLED = "settled"  # both changed it to the same: the issue only has to remember that
    KEPT = "kept"  # a person changed it in Jira: it stays
    CONFLICT = "conflict"  # both changed it: a person decides
    REPLACED = "replaced"  # a person changed it while it was sent, and that is gone: a person decides
    REFUSED = "refused"  # its cell cannot be read: it stays as it is
    REJECTED = "rejected"  # Jira does not take it
    WAITING = "waiting"  # it would be sent, and was not


OPEN = frozenset({State.CONFLICT, State.REPLACED, State.REFUSED, State.REJECTED, State.WAITING})


@dataclass(frozen=True)
class Decision:
    """
    One field that is not as it was sent on both sides.

    Attributes:
        field: Its id.
        state: What is to be done with it.
        sent: What the issue remembers of it.
        plan: What the plan says now, as Jira takes it; None when nothing.
        jira: What Jira says now.
        value: What is to be sent: the plan's; of a description with what people wrote around it.
        why: What else there is to say of it.
    """

    field: str
    state: State
    sent: JsonValue
    plan: JsonValue
    jira: Any
    value: JsonValue = None
    why: str = ""


def compare(draft: IssueDraft, remembered: Remembered, jira: Mapping[str, Any]) -> list[Decision]:
    """
    One decision per field that somebody changed, in the order of the draft.

    Args:
        draft: What the notebook makes of the row now.
        remembered: What the issue was last sent; a field that is missing was not sent at all.
        jira: What Jira says of each field now.
    """
    drafted = draft.drafted
    unreadable = set(draft.cells) - set(drafted) - set(draft.emptied) if draft.refused else set()
    emptied = [name for name in draft.emptied if name not in drafted and remembered.get(name) is not None]
    decisions = []
    for name in (*drafted, *emptied, *sorted(unreadable)):
        if name in NOT_COMPARED:
            continue
        known, now = remembered.get(name), jira.get(name)
        if name in unreadable:
            decisions.append(Decision(name, State.REFUSED, known, None, now))
        elif name == DESCRIPTION:
            decisions += _description(drafted[name], known, now)
        else:
            may_clear = name in drafted or name in draft.clears
            decisions += _field(name, drafted.get(name), known, now, may_clear=may_clear)
    if draft.refused and DESCRIPTION not in drafted and remembered.get(DESCRIPTION) is not None:
        decisions.append(Decision(DESCRIPTION, State.REFUSED, remembered[DESCRIPTION], None, jira.get(DESCRIPTION)))
    return decisions


def _field(name: str, plan: JsonValue, known: JsonValue, jira: Any, *, may_clear: bool) -> list[Decision]:
    now = sent.remember_value(name, plan)
    plan_is_as_sent = sent.like(now, now) == sent.like(known, known)
    if sent.is_same(name, jira, now):
        return [] if plan_is_as_sent else [Decision(name, State.SETTLED, known, plan, jira)]
    if plan_is_as_sent:
        return [Decision(name, State.KEPT, known, plan, jira)]
    if not sent.is_same(name, jira, known):
        return [Decision(name, State.CONFLICT, known, plan, jira, plan)]
    if not may_clear:
        why = say("its cell was emptied, which clears no field by itself")
        return [Decision(name, State.CONFLICT, known, plan, jira, plan, why)]
    return [Decision(name, State.UPDATED, known, plan, jira, plan)]


def _description(plan: JsonValue, known: JsonValue, jira: Any) -> list[Decision]:
    now = sent.remember_value(DESCRIPTION, plan)
    ours = dict(known) if isinstance(known, dict) else {}
    new = dict(now) if isinstance(now, dict) else {}
    around = sent.find(jira, ours) if "sha256" in ours else ([], []) if known is None and not jira else None
    if now == known:
        return [] if around is not None else [Decision(DESCRIPTION, State.KEPT, known, plan, jira)]
    if around is None:
        state = State.SETTLED if sent.find(jira, new) is not None else State.CONFLICT
        return [Decision(DESCRIPTION, state, known, plan, jira, plan)]
    above, below = around
    content: list[Any] = [*above, *sent.blocks_of(plan if isinstance(plan, dict) else None), *below]
    return [Decision(DESCRIPTION, State.UPDATED, known, plan, jira, {"type": "doc", "version": 1, "content": content})]


def take(decisions: list[Decision], side: Take, field: str | None) -> list[Decision]:
    """
    The decisions once a person decided for the plan or for Jira: on one field, or on all that wait for it.

    What the plan's value replaced in Jira can only be let go of: it is known as text alone, which nobody can send.
    """

    def taken(decision: Decision) -> Decision:
        if field not in (None, decision.field):
            return decision
        match decision.state, side:
            case (State.CONFLICT, "jira") | (State.REPLACED, "plan"):
                return replace(decision, state=State.SETTLED)
            case (State.CONFLICT, "plan"):
                return replace(decision, state=State.UPDATED)
        return decision

    return [taken(decision) for decision in decisions]


def remember(remembered: Remembered, decisions: list[Decision]) -> Remembered:
    """What the issue remembers once these decisions are carried out: of what is open, what it did before."""
    done = {
        decision.field: sent.remember_value(decision.field, decision.plan)
        for decision in decisions
        if decision.state in (State.UPDATED, State.SETTLED)
    }
    return {name: value for name, value in {**remembered, **done}.items() if value is not None}


def fields_to_send(decisions: list[Decision]) -> dict[str, JsonValue]:
    """What goes into the request."""
    return {decision.field: decision.value for decision in decisions if decision.state is State.UPDATED}
