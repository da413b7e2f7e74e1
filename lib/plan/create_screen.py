"""Drafts against the create screen of the Jira project: what the project takes, and in which form.

What a project's screen says is a forecast; Jira itself decides when an issue is made. So a field that seems to be missing is
a warning, and sent all the same.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import JsonValue

from lib.messages import Said, say
from lib.plan.issue_draft import IssueDraft, is_custom_field, shown_field
from lib.plan.problems import Kind, Level, Problem
from lib.services.models import CreateField

_ALWAYS_SENT = ("labels",)  # the claim tokens and the plan's label, which make a rerun safe


def fit(drafts: Iterable[IssueDraft], screen: Sequence[CreateField]) -> list[IssueDraft]:
    """The drafts with every custom field in the form that the screen asks for: an option, a list of users, plain text."""
    fields = {field.id: field for field in screen}
    return [_fit_draft(draft, fields) for draft in drafts]


def _fit_draft(draft: IssueDraft, screen: Mapping[str, CreateField]) -> IssueDraft:
    if draft.fields is None:
        readable = {name: _fit_value(value, screen.get(name)) for name, value in draft.readable.items()}
        return draft.model_copy(update={"readable": {**draft.readable, **_custom(readable)}})
    extra = draft.fields.model_extra or {}
    fitted = {name: _fit_value(value, screen.get(name)) for name, value in _custom(extra).items()}
    return draft.model_copy(update={"fields": draft.fields.model_copy(update=fitted)})


def _custom(fields: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {name: value for name, value in fields.items() if is_custom_field(name)}


def _fit_value(value: JsonValue, field: CreateField | None) -> JsonValue:
    if field is None or not isinstance(value, dict):
        return value
    if field.type == "string" and "value" in value:
        return value["value"]
    if field.type == "array" and field.items in ("option", "user"):
        return [value]
    return value


def compare(
    drafts: Iterable[IssueDraft],
    screen: Sequence[CreateField],
    *,
    where: str,
    names: Mapping[str, str] | None = None,
    level: Level = "warning",
) -> list[Problem]:
    """
    One problem per field that the screen lacks, wants, or has no such option for.

    Args:
        drafts: What is to be sent.
        screen: The fields of the create screen.
        where: Names the project and the issue type.
        names: Field id -> what people call it.
        level: How much that counts: a run goes on and lets Jira decide, a check does not.
    """
    sent: dict[str, set[str]] = {name: set() for name in _ALWAYS_SENT}
    for draft in drafts:
        for name, value in draft.as_jira().items():
            options = sent.setdefault(name, set())
            if isinstance(value, dict) and "value" in value:
                options.add(str(value["value"]))
    if not sent.keys() - set(_ALWAYS_SENT):
        return []
    fields = {field.id: field for field in screen}
    messages = _messages(sent, fields, names or {})
    return [Problem.of(where, message, level=level, kind=Kind.SITE) for message in messages]


def _messages(
    sent: Mapping[str, set[str]], fields: Mapping[str, CreateField], names: Mapping[str, str]
) -> Iterator[Said]:
    """What does not fit: `sent` are the fields of the drafts with the options that are chosen, `fields` the screen's by id."""
    for name in sorted(sent.keys() - fields.keys()):
        yield say(
            "{field} is not on the create screen; Jira may refuse it. Add it there, or take it out of the mapping",
            field=shown_field(name, names),
        )
    for field in fields.values():
        if field.required and field.id not in sent:
            yield say(
                "{field} is required there, and no column fills it; add it to the mapping",
                field=f"{field.name} ({field.id})",
            )
    for name, options in sent.items():
        allowed = fields[name].options if name in fields else ()
        if allowed and (unknown := sorted(options - set(allowed))):
            yield say(
                "{field} has no option {unknown}; there are {options}",
                field=f"{fields[name].name} ({name})",
                unknown=", ".join(unknown),
                options=", ".join(allowed),
            )
