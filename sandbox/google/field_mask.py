"""Partial responses: what a `fields` parameter asks for, and an answer cut down to it.

https://developers.google.com/workspace/sheets/api/guides/field-masks ·
https://developers.google.com/workspace/drive/api/guides/fields-parameter
"""

import re
from collections.abc import Iterator

from sandbox.http.messages import Json

type Mask = dict[str, "Mask"]
"""The requested names, each with the mask of what is inside it; an empty mask requests everything."""

_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[*(),./]")


def parse(text: str) -> Mask:
    """The mask of `a,b(c,d),e/f` or `a.b`; ValueError if it cannot be read."""
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s+", "", text) or not tokens:
        raise ValueError(text)
    mask, rest = _read_list(tokens)
    if rest:
        raise ValueError(text)
    return mask


def _read_list(tokens: list[str]) -> tuple[Mask, list[str]]:
    mask: Mask = {}
    while True:
        tokens = _read_path(tokens, mask)
        if not tokens or tokens[0] != ",":
            return mask, tokens
        tokens = tokens[1:]


def _read_path(tokens: list[str], mask: Mask) -> list[str]:
    """Add one path to `mask`; what is left of the tokens."""
    if not tokens or tokens[0] in "(),./":
        raise ValueError("a name is missing")
    name, tokens = tokens[0], tokens[1:]
    if name in mask and not mask[name]:  # all of it is requested already
        inner: Mask = {}
    else:
        known = name in mask
        inner = mask.setdefault(name, {})
        if known and (not tokens or tokens[0] in "),"):
            inner.clear()
    if tokens and tokens[0] in {".", "/"}:
        return _read_path(tokens[1:], inner)
    if tokens and tokens[0] == "(":
        inside, tokens = _read_list(tokens[1:])
        if not tokens or tokens[0] != ")":
            raise ValueError("a bracket is not closed")
        inner.update(inside)
        return tokens[1:]
    return tokens


def cut(answer: Json, mask: Mask) -> Json:
    """Only what the mask names; lists are looked through."""
    if not mask:
        return answer
    if isinstance(answer, list):
        return [cut(item, mask) if item else item for item in answer]
    if not isinstance(answer, dict):
        return answer
    rest = mask.get("*")
    if rest is not None and not rest:
        return answer
    kept = {}
    for name, value in answer.items():
        inner = mask.get(name, rest)
        if inner is not None:
            kept[name] = cut(value, inner) if inner else value
    return kept


def inside(mask: Mask, *path: str) -> Mask:
    """The mask of what is at `path` of an answer that is to be cut to `mask`."""
    here = mask
    for name in path:
        here = here.get(name, here.get("*", {}))
    return here


def paths(mask: Mask, prefix: str = "") -> Iterator[str]:
    """Every path of the mask, dotted."""
    for name, inner in mask.items():
        here = f"{prefix}.{name}" if prefix else name
        if inner:
            yield from paths(inner, here)
        else:
            yield here


def wants(mask: Mask, *path: str) -> bool:
    """Whether an answer cut to `mask` would show anything at `path`."""
    here = mask
    for name in path:
        if not here or "*" in here:
            return True
        if name not in here:
            return False
        here = here[name]
    return True
