"""Jira's error answers.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes
"""

from collections.abc import Iterable, Mapping

from sandbox.http.messages import JsonObject, Refusal, Reply

NO_ISSUE = "Issue does not exist or you do not have permission to see it."
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


def error_body(messages: Iterable[str] = (), errors: Mapping[str, str] | None = None) -> JsonObject:
    """An ErrorCollection."""
    return {"errorMessages": list(messages), "errors": dict(errors or {})}


def refusal(status: int, *messages: str, errors: Mapping[str, str] | None = None, hint: str = "") -> Refusal:
    """An ErrorCollection as an answer; the hint goes into a header that Jira does not have."""
    return Refusal(Reply(status, error_body(messages, errors), hint_header(hint)))


class UnsupportedError(Refusal):
    """The sandbox does not support what Jira does here: 501, a status that Jira never answers."""

    def __init__(self, what: str) -> None:
        super().__init__(Reply(501, error_body([f"The sandbox does not support {what}."])))


def hint_header(hint: str) -> dict[str, str]:
    """The header for a hint, escaped to ASCII; no header without a hint."""
    return {"X-Sandbox-Hint": hint.encode("unicode_escape").decode("ascii")} if hint else {}


def not_authenticated(*, credentials_sent: bool) -> Refusal:
    """401; `credentials_sent` is whether there were credentials, which a header of the answer says."""
    return Refusal(not_authenticated_reply(credentials_sent=credentials_sent))


def not_authenticated_reply(*, credentials_sent: bool) -> Reply:
    headers = {"WWW-Authenticate": 'OAuth realm="sandbox"'}
    if credentials_sent:
        headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
    text = b"Client must be authenticated to access this resource."
    return Reply(401, text, headers, "text/html;charset=UTF-8")


def no_project(key: str) -> Refusal:
    return refusal(404, f"No project could be found with key '{key}'.")


def no_issue() -> Refusal:
    return refusal(404, NO_ISSUE)


class FieldError(Exception):
    """The value of one field is invalid."""

    def __init__(self, message: str, *, whole: bool = False, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.whole = whole
        """Whether the message belongs to the issue as a whole and not to the field."""
        self.hint = hint


class ElementError(Exception):
    """One issue of a create or an edit is invalid; holds all messages for it."""

    def __init__(self, status: int, messages: list[str], errors: dict[str, str], hint: str = "") -> None:
        super().__init__(messages, errors)
        self.status = status
        self.messages = messages
        self.errors = errors
        self.hint = hint

    def refusal(self) -> Refusal:
        return refusal(self.status, *self.messages, errors=self.errors, hint=self.hint)
