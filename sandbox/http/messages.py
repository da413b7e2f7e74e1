"""A request as the handlers see it, a reply as they give it, and the way they refuse."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Json = Any  # what json.loads gives
JsonObject = dict[str, Any]

JSON_TYPE = "application/json; charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: `body` is JSON unless it is bytes; None sends no body at all."""

    status: int = 200
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON_TYPE

    def content(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


class Refusal(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An answer that says no, in the vendor's own words; nothing of the request has been applied."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Call:
    """One request. It is plain data, so that a write can be kept and applied later."""

    operation: str
    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    caller: str = ""
    """Who asks: an account id (Jira) or the e-mail of a Google account; empty when anonymous."""
    refused: Mapping[int, JsonObject] = field(default_factory=dict)
    """Elements that a `refuse` fault turns down: position in the bulk request -> errors by field."""

    def one(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return next((value for key, value in self.query if key == name), default)

    def many(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def listed(self, name: str) -> list[str]:
        """The values of a parameter that may be repeated, comma-separated, or both, as Jira takes them."""
        return [part.strip() for value in self.many(name) for part in value.split(",") if part.strip()]

    def flag(self, name: str) -> bool:
        return self.one(name).lower() == "true"

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))
