"""The `q` of Drive's files.list, parsed for real: what it does not understand is refused, never ignored.

https://developers.google.com/workspace/drive/api/guides/ref-search-terms
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.google.state import DriveFile

type Test = Callable[[DriveFile], bool]

_TOKEN = re.compile(
    r"""\s*(?:(?P<word>[A-Za-z]+)|(?P<mark><=|>=|!=|[=<>()])|'(?P<single>(?:[^'\\]|\\['"\\])*)'|"(?P<double>(?:[^"\\]|\\['"\\])*)")"""
)
_OPERATORS = {
    "name": {"=", "!=", "contains"},
    "mimeType": {"=", "!=", "contains"},
    "trashed": {"=", "!="},
    "starred": {"=", "!="},
    "modifiedTime": {"=", "!=", "<", "<=", ">", ">="},
    "createdTime": {"=", "!=", "<", "<=", ">", ">="},
}


class QueryError(ValueError):
    """Drive does not understand the query."""


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was understood."""

    matches: Test
    parents: tuple[str, ...]
    """The folders it names; Drive answers 404 if one of them does not exist."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str


def parse(text: str) -> Query:
    """The query; QueryError if Drive would answer 400."""
    reader = _Reader(_tokens(text))
    if not reader.tokens:
        return Query(lambda _: True, ())
    test = reader.either()
    if reader.tokens:
        raise QueryError(text)
    return Query(test, tuple(reader.parents))


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while text[place:].strip():
        found = _TOKEN.match(text, place)
        if found is None:
            raise QueryError(text)
        kind = found.lastgroup or ""
        value = found[kind]
        if kind in {"single", "double"}:
            kind, value = "string", re.sub(r"\\(.)", r"\1", value)
        tokens.append(_Token(kind, value))
        place = found.end()
    return tokens


class _Reader:
    """Reads `or` of `and` of terms; brackets and `not` as usual."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.parents: list[str] = []

    def either(self) -> Test:
        tests = [self.both()]
        while self._took("word", "or"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else lambda file: any(test(file) for test in tests)

    def both(self) -> Test:
        tests = [self.term()]
        while self._took("word", "and"):
            tests.append(self.term())
        return tests[0] if len(tests) == 1 else lambda file: all(test(file) for test in tests)

    def term(self) -> Test:
        if self._took("word", "not"):
            test = self.term()
            return lambda file: not test(file)
        if self._took("mark", "("):
            test = self.either()
            if not self._took("mark", ")"):
                raise QueryError("a bracket is not closed")
            return test
        token = self._next()
        if token.kind == "string":
            return self._membership(token.text)
        if token.kind != "word" or token.text not in _OPERATORS:
            raise QueryError(f"unknown term {token.text}")
        operator = self._next().text
        if operator not in _OPERATORS[token.text]:
            raise QueryError(f"{token.text} does not take {operator}")
        return _comparison(token.text, operator, self._next())

    def _membership(self, value: str) -> Test:
        if not self._took("word", "in") or not self._took("word", "parents"):
            raise QueryError("only parents can be searched with in")
        self.parents.append(value)
        wanted = "" if value == "root" else value
        return lambda file: file.parent == wanted

    def _next(self) -> _Token:
        if not self.tokens:
            raise QueryError("the query ends too early")
        return self.tokens.pop(0)

    def _took(self, kind: str, text: str) -> bool:
        if self.tokens and self.tokens[0] == _Token(kind, text):
            self.tokens.pop(0)
            return True
        return False


def _comparison(term: str, operator: str, value: _Token) -> Test:
    if term in {"trashed", "starred"}:
        if value.kind != "word" or value.text not in {"true", "false"}:
            raise QueryError(f"{term} is true or false")
        wanted = (value.text == "true") == (operator == "=")
        return (lambda file: file.trashed == wanted) if term == "trashed" else (lambda _: not wanted)
    if value.kind != "string":
        raise QueryError(f"{term} is compared with a quoted value")
    if term in {"modifiedTime", "createdTime"}:
        return _time_comparison(term, operator, value.text)
    read: Callable[[DriveFile], str] = (lambda file: file.name) if term == "name" else (lambda file: file.mime_type)
    if operator == "contains":
        if term == "mimeType":
            return lambda file: file.mime_type.startswith(value.text)
        return lambda file: name_contains(file.name, value.text)
    return lambda file: (read(file) == value.text) == (operator == "=")


def name_contains(name: str, wanted: str) -> bool:
    """Whether `name` contains the words of `wanted` one after another; of the last, its beginning is enough.

    Drive matches words by their beginning only: `HelloWorld` contains `Hello` and does not contain `World`.
    """
    words, sought = re.findall(r"\w+", name.casefold()), re.findall(r"\w+", wanted.casefold())
    if not sought:
        return True
    for start in range(len(words) - len(sought) + 1):
        block = words[start : start + len(sought)]
        if block[:-1] == sought[:-1] and block[-1].startswith(sought[-1]):
            return True
    return False


def _time_comparison(term: str, operator: str, text: str) -> Test:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(f"{text} is no RFC 3339 time") from None
    limit = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()

    def test(file: DriveFile) -> bool:
        value = file.modified_at if term == "modifiedTime" else file.created_at
        order = (value > limit) - (value < limit)
        return {"=": order == 0, "!=": order != 0, "<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[
            operator
        ]

    return test
