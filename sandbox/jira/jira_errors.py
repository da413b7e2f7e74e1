"""How Jira says no.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes
"""

from collections.abc import Iterable, Mapping

from sandbox.http.wire import JsonObject, Refusal, Reply

NO_ISSUE = "Issue does not exist or you do not have permission to see it."
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


def error_body(messages: Iterable[str] = (), errors: Mapping[str, str] | None = None) -> JsonObject:
    """An ErrorCollection."""
    return {"errorMessages": list(messages), "errors": dict(errors or {})}


def refusal(status: int, *messages: str, errors: Mapping[str, str] | None = None, hint: str = "") -> Refusal:
    """An ErrorCollection as an answer; the hint, which Jira does not give, goes into a header of the sandbox's own."""
    return Refusal(Reply(status, error_body(messages, errors), hint_header(hint)))


class UnsupportedError(Refusal):
    """Something that Jira has and the sandbox has not: 501, which Jira never answers."""

    def __init__(self, what: str) -> None:
        super().__init__(Reply(501, error_body([f"The sandbox does not support {what}."])))


def hint_header(hint: str) -> dict[str, str]:
    """The header for a hint, with everything escaped that a header cannot hold; none for no hint."""
    return {"X-Sandbox-Hint": hint.encode("unicode_escape").decode("ascii")} if hint else {}


def not_authenticated(*, tried: bool) -> Refusal:
    """401; `tried` is whether credentials were given, which Jira tells in a header."""
    return Refusal(not_authenticated_reply(tried=tried))


def not_authenticated_reply(*, tried: bool) -> Reply:
    headers = {"WWW-Authenticate": 'OAuth realm="sandbox"'}
    if tried:
        headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
    text = b"Client must be authenticated to access this resource."
    return Reply(401, text, headers, "text/html;charset=UTF-8")


def no_project(key: str) -> Refusal:
    return refusal(404, f"No project could be found with key '{key}'.")


def no_issue() -> Refusal:
    return refusal(404, NO_ISSUE)


class FieldError(Exception):
    """One field's value is refused."""

    def __init__(self, message: str, *, whole: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.whole = whole
        """Whether Jira says it of the issue as a whole rather than of the field."""
        self.hint = hint


class ElementError(Exception):
    """One issue of a create or an edit is refused, with everything that is wrong with it."""

    def __init__(self, status: int, messages: list[str], errors: dict[str, str], hint: str = "") -> None:
        super().__init__(messages, errors)
        self.status = status
        self.messages = messages
        self.errors = errors
        self.hint = hint

    def refusal(self) -> Refusal:
        return refusal(self.status, *self.messages, errors=self.errors, hint=self.hint)
