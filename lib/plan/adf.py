"""Issue descriptions in the Atlassian Document Format.

A plan's cells are plain text, not Markdown: `# 5 apples` is no heading and `2*3*4` is not italic, so every character
comes through as it was typed. Source: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup, escape

from lib.formats import FormatError, clean_text, cut, length_in_jira, one_line
from lib.messages import say
from lib.plan import links

LIMIT = 32_767  # "exceeds the allowed limit of 32,767 characters", which sites count on the text or on its JSON

type Node = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One column of a row: its label, its text, and where the whole text can be read."""

    label: str
    text: str
    address: str


@dataclass(frozen=True)
class Description:
    """An ADF document, the sections that had to be cut to fit it into Jira's limit, and what was cut off them."""

    document: Node
    cut: list[Section]
    rest: list[Section]


def text_size(document: Node) -> int:
    """Characters of the document's text as Jira counts them."""
    return length_in_jira(plain_text(document))


def describe(sections: list[Section], size: Callable[[Node], int] = text_size) -> Description:
    """
    A document with every section under its own label, in the given order.

    A line break becomes a hard break, a blank line a new paragraph, an http(s) address a link; an empty section shows a
    dash. When the whole is longer than Jira takes, by `size`, the longest texts are cut alike, and each says so.

    Raises:
        FormatError: The labels alone are longer than Jira takes.
    """
    texts = [clean_text(section.text) for section in sections]
    document = _document(sections, texts)
    if size(document) <= LIMIT:
        return Description(document, [], [])
    low, high = 0, max(length_in_jira(text) for text in texts)
    while low < high:  # the greatest length per text that fits
        middle = (low + high + 1) // 2
        fits = size(_document(sections, _cut_all(texts, middle))) <= LIMIT
        low, high = (middle, high) if fits else (low, middle - 1)
    document = _document(sections, _cut_all(texts, low))
    if size(document) > LIMIT:
        raise FormatError(say("{count} columns are too many for one description", count=len(sections)))
    long = [(s, text) for s, text in zip(sections, texts, strict=True) if length_in_jira(text) > low]
    rest = [replace(section, text=text[len(_cut(text, low)) :]) for section, text in long]
    return Description(document, [section for section, _ in long], rest)


def comments(rest: list[Section]) -> list[Node]:
    """Documents that hold what was cut off a description, in order; as many as it takes, however a site counts."""
    pages: list[list[Section]] = []
    for section in rest:
        for piece in _pieces(section):
            if pages and size(_labelled([*pages[-1], piece])) <= LIMIT:
                pages[-1].append(piece)
            else:
                pages.append([piece])
    return [_labelled(page) for page in pages]


def _pieces(section: Section) -> Iterator[Section]:
    """A section in parts of which each fits into a document."""
    text, length = clean_text(section.text), LIMIT // 2
    while text:
        part = _cut(text, length) or text[:length]
        piece = Section(f"{section.label} (continued)", part, section.address)
        if size(_labelled([piece])) <= LIMIT:
            text = text[len(part) :]
            yield piece
        else:
            length //= 2


def _labelled(sections: list[Section]) -> Node:
    return _document(sections, [section.text for section in sections])


def size(document: Node) -> int:
    """Characters of the document's JSON as Jira counts them."""
    return length_in_jira(json.dumps(document, ensure_ascii=False, separators=(",", ":")))


def plain_text(document: Node) -> str:
    """The text of a document, a line per paragraph: for reports and comparisons."""
    return "\n".join("".join(_inline_text(node) for node in block.get("content", [])) for block in document["content"])


def as_html(document: Node) -> Markup:
    """The document as a page shows it: paragraphs, bold text, line breaks and links; any other node as its text."""
    blocks = (Markup().join(_inline_html(node) for node in block.get("content", [])) for block in document["content"])
    return Markup().join(Markup("<p>{}</p>").format(block) for block in blocks)


def _inline_html(node: Node) -> Markup:
    if node["type"] == "hardBreak":
        return Markup("<br>")
    shown = escape(str(node.get("text", "")))
    for mark in node.get("marks", []):
        if mark["type"] == "strong":
            shown = Markup("<b>{}</b>").format(shown)
        elif mark["type"] == "link" and mark["attrs"]["href"].startswith(("http://", "https://")):
            shown = Markup('<a href="{}">{}</a>').format(mark["attrs"]["href"], shown)
    return shown


def plain_value(value: object) -> object:
    """The value of an issue's field as people would say it."""
    if isinstance(value, dict):
        return plain_text(value) if value.get("type") == "doc" else next(iter(value.values()), "")
    if isinstance(value, list):
        return ", ".join(str(plain_value(item)) for item in value)
    return value


def _inline_text(node: Node) -> str:
    return "\n" if node["type"] == "hardBreak" else str(node.get("text", ""))


def _cut(text: str, limit: int) -> str:
    """The beginning of a text, which ends before an address that would be cut in two."""
    part = cut(text, limit)
    begin = max(part.rfind(space) for space in " \n") + 1
    word = text[begin:].split(maxsplit=1)
    return part[:begin] if begin and len(part) < len(text) and word and "://" in word[0] else part


def _cut_all(texts: list[str], limit: int) -> list[str]:
    return [
        text
        if length_in_jira(text) <= limit
        else f"{_cut(text, limit)}… [cut: {limit} of {length_in_jira(text)} characters; a comment goes on]"
        for text in texts
    ]


def _document(sections: list[Section], texts: list[str]) -> Node:
    blocks = [block for section, text in zip(sections, texts, strict=True) for block in _blocks(section.label, text)]
    return {"type": "doc", "version": 1, "content": blocks}


def _blocks(label: str, text: str) -> list[Node]:
    """The section's paragraphs; the label runs in, since every further node counts against the limit."""
    title = {"type": "text", "text": f"{one_line(label)}: ", "marks": [{"type": "strong"}]}
    first, *rest = [_inline(part) for part in (text or "–").split("\n\n")]
    return [{"type": "paragraph", "content": content} for content in ([title, *first], *rest)]


def _inline(text: str) -> list[Node]:
    nodes: list[Node] = []
    for number, line in enumerate(text.split("\n")):
        if number:
            nodes.append({"type": "hardBreak"})
        end = 0
        for begin, after in links.find(line):
            href = line[begin:after]
            nodes += [
                *_text(line[end:begin]),
                {"type": "text", "text": href, "marks": [{"type": "link", "attrs": {"href": href}}]},
            ]
            end = after
        nodes += _text(line[end:])
    return nodes


def _text(text: str) -> list[Node]:
    return [{"type": "text", "text": text}] if text else []
