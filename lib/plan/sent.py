"""What an issue remembers of the fields it was sent: enough to see later who changed which of them since, the plan or a person.

A short value as it was sent; a longer one by its beginning and its hash; the description by the hash of its blocks, so that it is
found again between what people write above and below it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from lib.plan.adf import Node

NOT_COMPARED = frozenset({"project", "issuetype", "labels"})  # where an issue is, and what it is known by
DESCRIPTION = "description"
_SHORT = 300  # characters of a value's JSON that is remembered whole
_BEGINS = 120  # characters kept of a longer one
_PLAIN_MARKS = frozenset({"strong", "link"})  # which a description of ours has by itself

type Remembered = dict[str, JsonValue]


def remember(fields: Mapping[str, JsonValue]) -> Remembered:
    """What is kept of the fields that are compared later, as they were sent; small enough for an issue's property."""
    kept = {name: value for name, value in fields.items() if name not in NOT_COMPARED and value is not None}
    return {name: remember_value(name, value) for name, value in kept.items()}


def remember_value(field: str, value: JsonValue) -> JsonValue:
    """What is kept of one field's value."""
    if value is None:
        return None
    if field == DESCRIPTION and isinstance(value, dict):
        blocks = blocks_of(value)
        return {"blocks": len(blocks), "sha256": blocks_hash(blocks)}
    text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(text) <= _SHORT:
        return value
    return {"begins": str(value if isinstance(value, str) else text)[:_BEGINS], "sha256": _hash(text)}


def like(value: JsonValue, shape: JsonValue) -> JsonValue:
    """
    What Jira says of a field, in the shape in which it was sent: of an object only what `shape` names, a list in an order of its own.

    A user is `{"accountId": …}` and an option `{"value": …}` in what is sent, and much more in what Jira answers with.
    """
    if isinstance(value, dict) and isinstance(shape, dict):
        return {name: value.get(name) for name in shape}
    if isinstance(value, list) and isinstance(shape, list):
        item = shape[0] if shape else None
        return sorted((like(one, item) for one in value), key=_key)
    if value in ([], ""):
        return None
    return value


def is_same(field: str, value: JsonValue, remembered: JsonValue) -> bool:
    """Whether a value that Jira says is the one remembered; not for descriptions, which `find` looks for."""
    if isinstance(remembered, dict) and "sha256" in remembered:
        return remember_value(field, value) == remembered
    return like(value, remembered) == like(remembered, remembered)


# --- Descriptions -----------------------------------------------------------------------------------------------------


def blocks_of(document: Mapping[str, Any] | None) -> list[Node]:
    """A document's paragraphs and what else stands at its top level."""
    return list((document or {}).get("content") or [])


def blocks_hash(blocks: Sequence[Node]) -> str:
    """The same for blocks with the same text and the same nodes, however Jira cuts their text into pieces."""
    return _hash(json.dumps([_told(block) for block in blocks], ensure_ascii=False))


def find(document: Mapping[str, Any] | None, remembered: Mapping[str, Any]) -> tuple[list[Node], list[Node]] | None:
    """What people wrote above and below our part of a description; None where that part is not as it was sent."""
    blocks, count = blocks_of(document), int(remembered.get("blocks", 0))
    for start in range(len(blocks) - count + 1):
        if blocks_hash(blocks[start : start + count]) == remembered.get("sha256"):
            return blocks[:start], blocks[start + count :]
    return None


def _told(block: Node) -> str:
    """A block's text; of what plain text has not (a panel, a mention, a word struck through) what it is, too."""
    inside = "".join(_inline(node) for node in block.get("content") or [])
    return inside if block.get("type") == "paragraph" else f"<{block.get('type')} {_attributes(block)}>{inside}"


def _inline(node: Node) -> str:
    kind = node.get("type")
    if kind == "hardBreak":
        return "\n"
    if kind == "text":
        marks = sorted(str(m.get("type")) for m in node.get("marks") or [] if m.get("type") not in _PLAIN_MARKS)
        text = str(node.get("text", ""))
        return f"<{' '.join(marks)}>{text}</>" if marks else text
    if kind == "inlineCard":  # what an address becomes when somebody edits in the browser
        return str((node.get("attrs") or {}).get("url", ""))
    return _told(node)


def _attributes(node: Node) -> str:
    attrs = {name: value for name, value in (node.get("attrs") or {}).items() if name != "localId"}
    return json.dumps(attrs, sort_keys=True, ensure_ascii=False) if attrs else ""


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _key(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True)
