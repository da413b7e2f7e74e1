"""Whether a document is Atlassian Document Format, checked by its structure.

A compact reading of https://go.atlassian.com/adf-json-schema for the nodes that text can become. Jira itself takes more
than the schema: empty text, for one. `strict` refuses that, and also line breaks inside text, which Jira takes too
although the format has the hardBreak for them; code blocks may hold them either way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.http.wire import Json, JsonObject

_LISTS = {"bulletList", "orderedList"}
_TEXT_BLOCKS = {"paragraph", "heading"}
_MEDIA = {"mediaSingle", "mediaGroup"}
_CARDS = {"blockCard", "embedCard"}
_INLINE = {"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "placeholder", "mediaInline"}
_NESTABLE = {"paragraph", "codeBlock", *_LISTS, *_MEDIA, "taskList", "decisionList"}
_BLOCKS = _NESTABLE | _TEXT_BLOCKS | _CARDS | {"blockquote", "panel", "rule", "table", "expand"}
_MARKS = {
    "strong": set[str](),
    "em": set[str](),
    "code": set[str](),
    "strike": set[str](),
    "underline": set[str](),
    "link": {"href"},
    "textColor": {"color"},
    "backgroundColor": {"color"},
    "subsup": {"type"},
    "annotation": {"id", "annotationType"},
    "alignment": {"align"},
    "indentation": {"level"},
    "border": {"size", "color"},
    "breakout": {"mode"},
}
_TEXT_MARKS = _MARKS.keys() - {"alignment", "indentation", "breakout", "border"}


@dataclass(frozen=True, slots=True)
class _Node:
    """What a node may hold and must say of itself; no content means it is a leaf."""

    content: set[str] = field(default_factory=set)
    attrs: dict[str, Callable[[Json], bool]] = field(default_factory=dict)
    marks: set[str] = field(default_factory=set)
    filled: bool = False
    """Whether it must not be empty."""


def _text(value: Json) -> bool:
    return isinstance(value, str)


def _level(value: Json) -> bool:
    return isinstance(value, int) and 1 <= value <= 6


def _one_of(*values: str) -> Callable[[Json], bool]:
    return lambda value: value in values


_NODES = {
    "doc": _Node(_BLOCKS),
    "paragraph": _Node(_INLINE, marks={"alignment", "indentation"}),
    "heading": _Node(_INLINE, {"level": _level}, {"alignment", "indentation"}),
    "blockquote": _Node({"paragraph", "codeBlock", *_LISTS, *_MEDIA}, filled=True),
    "codeBlock": _Node({"text"}, marks={"breakout"}),
    "bulletList": _Node({"listItem"}, filled=True),
    "orderedList": _Node({"listItem"}, filled=True),
    "listItem": _Node({"paragraph", "codeBlock", "mediaSingle", "taskList", *_LISTS}, filled=True),
    "panel": _Node(
        {"paragraph", "heading", "rule", "codeBlock", "blockCard", *_LISTS, *_MEDIA, "taskList", "decisionList"},
        {"panelType": _one_of("info", "note", "tip", "warning", "error", "success", "custom")},
        filled=True,
    ),
    "rule": _Node(),
    "expand": _Node(
        _NESTABLE | _CARDS | {"heading", "blockquote", "panel", "rule", "table", "nestedExpand"}, filled=True
    ),
    "nestedExpand": _Node(_NESTABLE | {"heading", "panel", "rule", "blockquote"}, filled=True),
    "table": _Node({"tableRow"}, filled=True),
    "tableRow": _Node({"tableCell", "tableHeader"}),
    "tableCell": _Node(_NESTABLE | {"heading", "blockquote", "panel", "rule", "nestedExpand", *_CARDS}, filled=True),
    "tableHeader": _Node(_NESTABLE | {"heading", "blockquote", "panel", "rule", "nestedExpand", *_CARDS}, filled=True),
    "taskList": _Node({"taskItem", "taskList"}, {"localId": _text}, filled=True),
    "taskItem": _Node(_INLINE, {"localId": _text, "state": _one_of("TODO", "DONE")}),
    "decisionList": _Node({"decisionItem"}, {"localId": _text}, filled=True),
    "decisionItem": _Node(_INLINE, {"localId": _text, "state": _text}),
    "mediaSingle": _Node({"media", "caption"}, filled=True),
    "mediaGroup": _Node({"media"}, filled=True),
    "media": _Node(attrs={"type": _one_of("link", "file", "external")}, marks={"link", "border", "annotation"}),
    "mediaInline": _Node(attrs={"id": _text, "collection": _text}, marks={"link", "border", "annotation"}),
    "caption": _Node(_INLINE),
    "blockCard": _Node(),
    "embedCard": _Node(attrs={"url": _text, "layout": _text}),
    "text": _Node(marks=_TEXT_MARKS),
    "hardBreak": _Node(),
    "mention": _Node(attrs={"id": _text}),
    "emoji": _Node(attrs={"shortName": _text}),
    "inlineCard": _Node(),
    "date": _Node(attrs={"timestamp": _text}),
    "status": _Node(attrs={"text": _text, "color": _text}),
    "placeholder": _Node(attrs={"text": _text}),
}
_KEYS = {"type", "attrs", "content", "marks", "text", "version"}


def is_document(body: Json) -> bool:
    """Whether it claims to be a document at all."""
    return isinstance(body, dict) and body.get("type") == "doc"


def problem(body: JsonObject, *, strict: bool) -> str:
    """The first place where a document breaks the format, and how; empty if it is sound."""
    if body.get("version") != 1:
        return "doc: version must be 1"
    if not isinstance(body.get("content"), list):
        return "doc: content must be a list"
    return _problem(body, "doc", strict=strict)


def _problem(node: Json, path: str, *, strict: bool) -> str:
    kind = node["type"]
    rule = _NODES[kind]
    strange = node.keys() - _KEYS
    if strange or ("version" in node and kind != "doc"):
        return f"{path}: {kind} does not take {', '.join(sorted(strange or {'version'}))}"
    if kind == "text":
        wrong = _text_problem(node.get("text"), strict=strict)
        if wrong:
            return f"{path}: {wrong}"
    elif "text" in node:
        return f"{path}: {kind} does not take text"
    attrs = node.get("attrs", {})
    if not isinstance(attrs, dict):
        return f"{path}: attrs must be an object"
    for name, fits in rule.attrs.items():
        if not fits(attrs.get(name)):
            return f"{path}: {kind} needs a valid {name}"
    wrong = _marks_problem(node.get("marks", []), rule, path)
    return wrong or _content_problem(node, rule, path, strict=strict)


def _text_problem(text: Json, *, strict: bool) -> str:
    if not isinstance(text, str):
        return "text must be a string"
    if strict and not text:
        return "text must not be empty"
    if strict and ("\n" in text or "\r" in text):
        return "text must not hold a line break"
    return ""


def _marks_problem(marks: Json, rule: _Node, path: str) -> str:
    if not isinstance(marks, list):
        return f"{path}: marks must be a list"
    kinds = []
    for mark in marks:
        kind = mark.get("type") if isinstance(mark, dict) else None
        if not isinstance(kind, str) or kind not in _MARKS or kind not in rule.marks:
            return f"{path}: mark {kind!r} is unknown or not allowed here"
        if not all(name in mark.get("attrs", {}) for name in _MARKS[kind]):
            return f"{path}: mark {kind} needs {', '.join(sorted(_MARKS[kind]))}"
        kinds.append(kind)
    if len(set(kinds)) != len(kinds):
        return f"{path}: a mark stands twice"
    if "code" in kinds and set(kinds) - {"code", "link", "annotation"}:
        return f"{path}: code cannot be combined with {', '.join(sorted(set(kinds) - {'code'}))}"
    return ""


def _content_problem(node: JsonObject, rule: _Node, path: str, *, strict: bool) -> str:
    content = node.get("content")
    if content is None:
        return f"{path}: {node['type']} must not be empty" if rule.filled else ""
    if not isinstance(content, list) or (content and not rule.content) or (rule.filled and not content):
        return f"{path}: {node['type']} cannot hold this content"
    for place, child in enumerate(content):
        here = f"{path}.content[{place}]"
        kind = child.get("type") if isinstance(child, dict) else None
        if not isinstance(kind, str) or kind not in _NODES:
            return f"{here}: unknown node type {kind!r}"
        if kind not in rule.content:
            return f"{here}: {kind} cannot stand in {node['type']}"
        in_code = node["type"] == "codeBlock"
        wrong = _code_problem(child, here) if in_code else _problem(child, here, strict=strict)
        if wrong:
            return wrong
    return ""


def _code_problem(node: JsonObject, path: str) -> str:
    """Text in a code block: line breaks are part of it, marks are not."""
    if node.get("marks"):
        return f"{path}: text in a codeBlock has no marks"
    return "" if isinstance(node.get("text"), str) and node["text"] else f"{path}: text must not be empty"
