"""Whether a document is sound Atlassian Document Format, for the nodes and marks that plain text becomes.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/

Other nodes of the format, such as tables and panels, are refused as unsupported. Jira itself takes empty text, and line breaks
inside text although the format has the hardBreak for them; here both are refused, so that no document depends on it.
"""

from sandbox.http.messages import Json
from sandbox.jira.errors import FieldError

_LISTS = {"bulletList", "orderedList"}
_CHILDREN: dict[str, set[str]] = {
    "doc": {"paragraph", "heading", "blockquote", "codeBlock", "rule", *_LISTS},
    "paragraph": {"text", "hardBreak"},
    "heading": {"text", "hardBreak"},
    "blockquote": {"paragraph", "codeBlock", *_LISTS},
    "codeBlock": {"text"},
    "bulletList": {"listItem"},
    "orderedList": {"listItem"},
    "listItem": {"paragraph", "codeBlock", *_LISTS},
    "rule": set(),
    "hardBreak": set(),
    "text": set(),
}
_NOT_EMPTY = {"blockquote", "listItem", *_LISTS}
_MARKS = {"strong", "em", "strike", "underline", "code", "link"}
_KEYS = {
    "doc": {"type", "version", "content"},
    "text": {"type", "text", "marks"},
    "rule": {"type"},
    "hardBreak": {"type", "attrs"},
}


def is_document(value: Json) -> bool:
    """Whether it claims to be a document at all."""
    return isinstance(value, dict) and value.get("type") == "doc"


def plain_text(node: Json) -> str:
    """The text of a sound document, with a line break for each hardBreak and between blocks."""
    if node["type"] == "hardBreak":
        return "\n"
    between = "" if node["type"] in {"paragraph", "heading", "codeBlock"} else "\n"
    return str(node["text"]) if "text" in node else between.join(map(plain_text, node.get("content", [])))


def problem(document: Json) -> str:
    """
    Where the document first breaks the format, and how; empty if it is sound.

    Raises:
        FieldError: It holds a node or a mark that the sandbox does not support.
    """
    if document.get("version") != 1:
        return "doc: version must be 1"
    if not isinstance(document.get("content"), list):
        return "doc: content must be a list"
    return _node_problem(document, "doc", in_code=False)


def _node_problem(node: Json, path: str, *, in_code: bool) -> str:
    kind = node["type"]
    if unexpected := node.keys() - _KEYS.get(kind, {"type", "attrs", "content"}):
        return f"{path}: {kind} does not take {', '.join(sorted(unexpected))}"
    if kind == "text":
        return _text_problem(node, path, in_code=in_code)
    attrs = node.get("attrs", {})
    if not isinstance(attrs, dict):
        return f"{path}: attrs must be an object"
    if kind == "heading" and attrs.get("level") not in range(1, 7):
        return f"{path}: heading needs a level from 1 to 6"
    content = node.get("content", [])
    if not isinstance(content, list) or (kind in _NOT_EMPTY and not content):
        return f"{path}: {kind} must not be empty"
    for number, child in enumerate(content):
        here = f"{path}.content[{number}]"
        child_kind = child.get("type") if isinstance(child, dict) else None
        if not isinstance(child_kind, str) or child_kind not in _CHILDREN:
            raise FieldError(f"The sandbox does not support documents with {child_kind!r} ({here}).", whole=True)
        if child_kind not in _CHILDREN[kind]:
            return f"{here}: {child_kind} is not allowed in {kind}"
        if wrong := _node_problem(child, here, in_code=kind == "codeBlock"):
            return wrong
    return ""


def _text_problem(node: Json, path: str, *, in_code: bool) -> str:
    text, marks = node.get("text"), node.get("marks", [])
    if not isinstance(text, str) or not text:
        return f"{path}: text must be a string that is not empty"
    if not in_code and ("\n" in text or "\r" in text):
        return f"{path}: text must not contain a line break"
    if not isinstance(marks, list) or not all(isinstance(mark, dict) for mark in marks):
        return f"{path}: marks must be a list of objects"
    kinds = [mark.get("type") for mark in marks]
    if unknown := [kind for kind in kinds if not isinstance(kind, str) or kind not in _MARKS]:
        raise FieldError(f"The sandbox does not support documents with the mark {unknown[0]!r} ({path}).", whole=True)
    if len(set(kinds)) < len(kinds) or (in_code and kinds) or ("code" in kinds and set(kinds) - {"code", "link"}):
        return f"{path}: the marks {', '.join(kinds)} cannot be combined here"
    links = [mark.get("attrs") for mark in marks if mark["type"] == "link"]
    if not all(isinstance(attrs, dict) and isinstance(attrs.get("href"), str) for attrs in links):
        return f"{path}: link needs a href"
    return ""
