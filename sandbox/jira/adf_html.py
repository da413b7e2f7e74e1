"""An Atlassian Document as HTML, for the sandbox's page of an issue."""

from markupsafe import Markup, escape

from sandbox.http.messages import Json

_ELEMENTS = {
    "paragraph": "p", "bulletList": "ul", "orderedList": "ol", "listItem": "li", "blockquote": "blockquote",
    "codeBlock": "pre",
}  # fmt: skip
_MARKS = {"strong": "strong", "em": "em", "code": "code", "strike": "s", "underline": "u"}
_SAFE_LINKS = ("http://", "https://", "mailto:", "/")


def to_html(node: Json) -> Markup:
    """The document as HTML; all text is escaped, and an unknown node is shown by its content."""
    if not isinstance(node, dict):
        return Markup("")
    kind, attrs = node.get("type"), node.get("attrs") or {}
    match kind:
        case "text":
            return _marked(node)
        case "hardBreak":
            return Markup("<br>")
        case "rule":
            return Markup("<hr>")
    content = Markup("").join(to_html(child) for child in node.get("content") or [])
    element = f"h{attrs.get('level', 1)}" if kind == "heading" else _ELEMENTS.get(str(kind))
    return content if element is None else Markup("<{0}>{1}</{0}>").format(Markup(element), content)  # noqa: S704 - a name


def _marked(node: Json) -> Markup:
    html = escape(node.get("text", ""))
    for mark in node.get("marks") or []:
        kind = mark.get("type")
        if kind == "link":
            html = _link(str((mark.get("attrs") or {}).get("href", "")), html)
        elif kind in _MARKS:
            html = Markup("<{0}>{1}</{0}>").format(Markup(_MARKS[kind]), html)  # noqa: S704 - a name from the table
    return html


def _link(url: str, text: Markup) -> Markup:
    """A link; its text alone if the address is not of a harmless scheme."""
    if not url.lower().startswith(_SAFE_LINKS):
        return text
    return Markup('<a href="{}" rel="noreferrer">{}</a>').format(url, text)
