"""Google's token service: a failed refresh of the access token, by what the reader does next.

Which of it passes and is tried again, and which does not (a 4xx that the service words itself):

* no connection, no answer, an answer that is no token, any 5xx, 408, 425, 429, a redirect, an error that calls itself passing
* `invalid_grant`: a refresh token is over; a service account's key, clock or address is wrong
* any other `error`: the OAuth client or the service account, the scopes, or the Workspace's rules
* a 4xx in nobody's words: something stands between

https://developers.google.com/identity/protocols/oauth2/web-server#offline
https://developers.google.com/identity/protocols/oauth2/service-account#jwt-error-codes
"""

import json
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import google_auth_httplib2
import httplib2
from google.auth.exceptions import TransportError

from lib.errors import CredentialsError, FixInputError, TooManyRequestsError, TryLaterError, WorkflowError
from lib.services import retry

WHERE = "Google, token service"
NOT_TRUSTED = "its certificate is not trusted; a proxy that opens TLS needs its CA in HTTPLIB2_CA_CERTS"

_PASSING_STATUS = frozenset({408, 425})
_PASSING = frozenset(
    {
        "internal_failure", "server_error", "temporarily_unavailable", "rate_limit_exceeded", "slow_down",
        "aborted", "deadline_exceeded", "internal", "resource_exhausted", "unavailable",
    }
)  # fmt: skip
_CLIENT = frozenset({"invalid_client", "unauthorized_client", "deleted_client", "disabled_client"})
_RULES = frozenset({"access_denied", "admin_policy_enforced", "org_internal", "policy_enforced"})
_LONGEST = 200  # characters of what the service says
_AGAIN = "Log in again (see README, Connecting)"
_NEW_KEY = "make a new JSON key in the Google Cloud console"
# What a service account's invalid_grant is about, by a word of its description.
_ACCOUNT_PROBLEMS = {
    "account not found": "the account was deleted or disabled, or client_email is not its address; look in the Google Cloud console",
    "signature": f"its key was deleted or disabled, or is another account's; {_NEW_KEY}",
    "timeframe": "the clock of this machine is wrong; set it (NTP)",
    "audience": "GOOGLE_TOKEN_URI is not the address of Google's token service; leave it empty",
    "email": "client_email is not the account's address, or may not act for others; download the JSON key again",
}
_ANY_ACCOUNT_PROBLEM = (
    "the clock of this machine is off by minutes (set it), its key or the account itself was deleted or disabled "
    f"({_NEW_KEY}), or GOOGLE_TOKEN_URI is not Google's (leave it empty)"
)


class AuthorizedHttp(google_auth_httplib2.AuthorizedHttp):  # type: ignore[misc]  # no types published
    """
    Sends with an access token; one that has to be renewed and cannot be is one of our errors.

    google-auth itself would try some faults again by rules of its own, and its errors do not tell the status.
    """

    def __init__(self, credentials: Any, http: httplib2.Http) -> None:
        super().__init__(credentials, http=http)
        self._request = _TokenRequest(http, str(getattr(credentials, "service_account_email", "") or ""))


class _TokenRequest(google_auth_httplib2.Request):  # type: ignore[misc]
    """One request to the token service, sent once; `account` is the service account, if we are one."""

    def __init__(self, http: httplib2.Http, account: str) -> None:
        super().__init__(http)
        self._account = account

    def __call__(self, url: str, method: str = "GET", body: Any = None, headers: Any = None, **options: Any) -> Any:
        if method != "POST":  # google-auth also looks for the region of a service account
            return super().__call__(url, method, body, headers, **options)
        try:
            answer = super().__call__(url, method, body, headers, **options)
        except ssl.SSLCertVerificationError:
            raise FixInputError(WHERE, NOT_TRUSTED) from None
        except (TransportError, OSError, EOFError) as error:
            self.http.close()  # the connection is in an unknown state
            cause = error.args[0] if isinstance(error, TransportError) and error.args else error
            raise TryLaterError(WHERE, f"did not answer ({type(cause).__name__}); is the network up?") from None
        content = _json(answer.data)
        if answer.status != HTTPStatus.OK:
            raise failure(answer.status, content, answer.headers.get("retry-after"), account=self._account)
        if not isinstance(content, dict) or not isinstance(content.get("access_token"), str):
            raise TryLaterError(WHERE, "the answer is not Google's; a login page of the network may stand between")
        return answer


def failure(status: int, content: object, retry_after: str | None, *, account: str = "") -> WorkflowError:
    """
    The error for an answer that grants no token.

    Args:
        status: Of the answer.
        content: Its JSON; None when it is none.
        retry_after: Its header.
        account: The service account's address; empty when a refresh token was sent.
    """
    code, said, subtype = _worded(content)
    asked = retry.retry_after_s(retry_after)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TooManyRequestsError(WHERE, "too many requests", asked)
    own = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _PASSING_STATUS
    if not own or code.lower() in _PASSING:
        return TryLaterError(WHERE, f"answered {status}{f' ({said})' if said else ''}", asked)
    if not code:
        return FixInputError(
            WHERE,
            f"answered {status}, and not in Google's words: a proxy or firewall stands between, or GOOGLE_TOKEN_URI is not "
            "a token service (leave it empty for Google's). The credentials themselves were not looked at",
        )
    return _of_account(code, said, account) if account else _of_user(code, said, subtype)


def _of_user(code: str, said: str, subtype: str) -> WorkflowError:
    if subtype == "invalid_rapt":
        return CredentialsError(
            "Google",
            f"the Workspace asks for a new login ({said}): its sessions are limited. {_AGAIN}, or use a service account",
        )
    if code == "invalid_grant":
        return CredentialsError(
            "Google",
            f"the refresh token is refused ({said}): it expired, was revoked, is another client's, or was not used for six "
            f"months; tokens of an app in testing live 7 days. {_AGAIN}",
        )
    if code in _CLIENT:
        return CredentialsError(
            "Google",
            f"the OAuth client is refused ({said}); check GOOGLE_CLIENT_ID and GOOGLE_CLIENT_SECRET, and that the client "
            "still exists in the Google Cloud console",
        )
    if code == "invalid_scope":
        return CredentialsError(
            "Google",
            f"a scope was not granted ({said}); log in again and tick Sheets and Drive (see README, Connecting)",
        )
    if code in _RULES:
        return CredentialsError(
            "Google", f"the Workspace's rules forbid it ({said}); ask its administrator to allow the OAuth client"
        )
    return CredentialsError(
        "Google",
        f"the login is refused ({said}); check GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET, GOOGLE_REFRESH_TOKEN and "
        "GOOGLE_TOKEN_URI",
    )


def _of_account(code: str, said: str, account: str) -> WorkflowError:
    where = f"Google, service account {account}"
    if code == "invalid_grant":
        likely = next((why for word, why in _ACCOUNT_PROBLEMS.items() if word in said.lower()), _ANY_ACCOUNT_PROBLEM)
        return CredentialsError(where, f"it is refused ({said}): {likely}")
    if code == "invalid_scope":
        return CredentialsError(
            where, f"it may not use Sheets and Drive ({said}); allow both in the Google Cloud project"
        )
    if code in _RULES:
        return CredentialsError(where, f"the organisation's rules forbid it ({said}); ask its administrator")
    return CredentialsError(
        where, f"it is refused ({said}); look in the Google Cloud console whether it is enabled, or {_NEW_KEY}"
    )


def _worded(content: object) -> tuple[str, str, str]:
    """The error's code, what it says in one line, and its subtype; OAuth has the code as a text, Google's APIs as an object."""
    if not isinstance(content, Mapping):
        return "", "", ""
    error = content.get("error")
    if isinstance(error, Mapping):
        code, told = str(error.get("status") or error.get("code") or ""), error.get("message")
    else:
        code, told = str(error or ""), content.get("error_description")
    said = " ".join(": ".join(str(part) for part in (code, told) if part).split())
    return code, said[:_LONGEST], str(content.get("error_subtype") or "")


def _json(data: bytes | str) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None
