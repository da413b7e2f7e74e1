"""JQL, parsed.

https://support.atlassian.com/jira-software-cloud/docs/jql-operators/

Only the shape of a query is read here; `jql_match` knows the fields and their values.
"""

import re
from dataclasses import dataclass, field

_OPERATORS = ("=", "!=", "<=", ">=", "<", ">", "~", "!~", "IN", "NOT IN", "IS", "IS NOT")
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<mark><=|>=|!=|!~|[=<>~(),])|"(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>(?:[^'\\]|\\.)*)'"""
    r"""|(?P<word>[^\s=!<>~(),"']+)"""
)
_SYNTAX = {"and", "or", "not", "in", "is", "order", "by", "was", "changed"}
# https://support.atlassian.com/jira-software-cloud/docs/what-is-advanced-search-in-jira-cloud/#Reserved-words
_RESERVED = _SYNTAX | set(
    """
    a abort access add after alias all alter an any as asc audit avg before begin between boolean break byte catch cf
    char character check checkpoint collate collation column commit connect continue count create current date decimal
    declare decrement default defaults define delete delimiter desc difference distinct divide do double drop else end
    equals escape exclusive exec execute exists explain false fetch file field first float for from function go goto
    grant greater group having identified if immediate increment index initial inner inout input insert int integer
    intersect intersection into isempty isnull join last left less like limit lock long max min minus mode modify modulo
    more multiply next noaudit notin nowait number object of on option outer output power previous prior privileges
    public raise raw remainder rename resource return returns revoke right row rowid rownum rows select session set share
    size sqrt start strict string subtract sum synonym table then to trans transaction trigger true uid union unique
    update user validate values view when whenever where while with
    """.split()  # noqa: SIM905 - a hundred words are easier to read this way
)
_RESERVED_CHARACTERS = set("+;?|*/%^$#@[]{}&\\")


class JqlError(ValueError):
    """A query that Jira refuses; the message is Jira's."""


@dataclass(frozen=True, slots=True)
class Value:
    """A value in a query: text, EMPTY, or a function's name."""

    text: str
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison; `operator` is in capitals."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """`and` or `or` of several conditions, or `not` of one."""

    kind: str
    parts: tuple["Condition", ...]


type Condition = Clause | Group


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query."""

    where: Condition | None
    order: tuple[tuple[str, bool], ...] = field(default=())
    """Field names to order by, each with whether it descends."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    place: int


def parse(text: str) -> Query:
    """The query; JqlError with Jira's words if it cannot be read."""
    reader = _Reader(text)
    where = None if reader.at("order") or reader.done() else reader.either()
    order = reader.ordering()
    if not reader.done():
        raise reader.unexpected("Expecting either 'OR' or 'AND'")
    return Query(where, order)


def _tokens(text: str) -> list[_Token]:
    tokens, place = [], 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _reserved_character(text[place], place)
        kind = found.lastgroup or ""
        if kind in {"double", "single"}:
            tokens.append(_Token("string", re.sub(r"\\(.)", r"\1", found[kind]), place))
        elif kind != "space":
            tokens.append(_Token(kind, found[kind], place))
        place = found.end()
    return tokens


def _reserved_character(character: str, place: int) -> JqlError:
    return JqlError(
        f"Error in the JQL Query: The character '{character}' is a reserved JQL character. "
        f"You must enclose it in a string or use the escape '\\u{ord(character):04x}' instead. "
        f"(line 1, character {place + 1})"
    )


class _Reader:
    """A recursive descent over the tokens."""

    def __init__(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = 0

    def done(self) -> bool:
        return self._next == len(self._tokens)

    def at(self, word: str) -> bool:
        token = self._peek()
        return token is not None and token.kind in {"word", "mark"} and token.text.lower() == word

    def unexpected(self, expected: str) -> JqlError:
        token = self._peek()
        if token is None:
            return JqlError(f"Error in the JQL Query: {expected} before the end of the query.")
        return JqlError(
            f"Error in the JQL Query: {expected} but got '{token.text}'. (line 1, character {token.place + 1})"
        )

    def either(self) -> Condition:
        parts = [self._both()]
        while self._took("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Group("or", tuple(parts))

    def ordering(self) -> tuple[tuple[str, bool], ...]:
        if not self._took("order"):
            return ()
        if not self._took("by"):
            raise self.unexpected("Expecting 'by'")
        order = []
        while True:
            name = self._word("Expecting a field name")
            descending = self._took("desc")
            if not descending:
                self._took("asc")
            order.append((name, descending))
            if not self._took(","):
                return tuple(order)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Group("and", tuple(parts))

    def _one(self) -> Condition:
        if self._took("not"):
            return Group("not", (self._one(),))
        if self._took("("):
            inner = self.either()
            if not self._took(")"):
                raise self.unexpected("Expecting ')'")
            return inner
        name = self._word("Expecting a field name")
        operator = self._operator()
        if operator in {"IN", "NOT IN"}:
            return Clause(name, operator, self._list())
        return Clause(name, operator, (self._value(),))

    def _operator(self) -> str:
        token = self._peek()
        if token is not None and token.kind == "mark" and token.text in _OPERATORS:
            self._next += 1
            return token.text
        if self._took("in"):
            return "IN"
        if self._took("is"):
            return "IS NOT" if self._took("not") else "IS"
        if self._took("not"):
            if self._took("in"):
                return "NOT IN"
            raise self.unexpected("Expecting 'IN'")
        listed = ", ".join(f"'{name}'" for name in _OPERATORS[:-1])
        raise self._expecting_operator(f"The valid operators are {listed} and 'IS NOT'.")

    def _expecting_operator(self, hint: str) -> JqlError:
        token = self._peek()
        if token is None:
            return JqlError(f"Error in the JQL Query: Expecting operator before the end of the query. {hint}")
        where = f"(line 1, character {token.place + 1})"
        return JqlError(f"Error in the JQL Query: Expecting operator but got '{token.text}'. {hint} {where}")

    def _list(self) -> tuple[Value, ...]:
        if not self._took("("):
            raise self.unexpected("Expecting '('")
        values = [self._value()]
        while self._took(","):
            values.append(self._value())
        if not self._took(")"):
            raise self.unexpected("Expecting ')'")
        return tuple(values)

    def _value(self) -> Value:
        token = self._peek()
        if token is None or token.kind == "mark":
            raise self.unexpected("Expecting either a value, list or function")
        self._next += 1
        if token.kind == "string":
            return Value(token.text)
        if token.text.lower() in {"empty", "null"}:
            return Value("", "empty")
        strange = _RESERVED_CHARACTERS & set(token.text)
        if strange:
            raise _reserved_character(min(strange), token.place + token.text.index(min(strange)))
        if token.text.lower() in _RESERVED:
            raise JqlError(
                f"Error in the JQL Query: '{token.text}' is a reserved JQL word. You must surround it in quotation "
                f"marks to use it in a query. (line 1, character {token.place + 1})"
            )
        if self.at("("):
            return self._function(token.text)
        return Value(token.text)

    def _function(self, name: str) -> Value:
        self._took("(")
        if not self._took(")"):
            raise JqlError(f"The sandbox does not know JQL functions with arguments: {name}")
        return Value(name, "function")

    def _word(self, expected: str) -> str:
        token = self._peek()
        if token is None or token.kind == "mark" or token.text.lower() in _SYNTAX:
            raise self.unexpected(expected)
        self._next += 1
        return token.text

    def _peek(self) -> _Token | None:
        return None if self.done() else self._tokens[self._next]

    def _took(self, word: str) -> bool:
        if self.at(word):
            self._next += 1
            return True
        return False
