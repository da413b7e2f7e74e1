"""Jira Cloud: endpoints, retries, errors. With `google_api` and `google_token` the only places that speak HTTP.

Built on atlassian-python-api with its own retries off: they send a create again after a lost answer. Reads are tried again
here. A bulk create is sent once a call: who calls again looks first whether it still may.

What counts as an answer to a write: a success in Jira's JSON, a 429, or a 4xx with Jira's own error body. Everything else, any
5xx and a proxy's page with whatever status, may have come after the write was applied.
"""

import datetime as dt
import logging
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import requests
import urllib3
from atlassian import Jira

from lib import service_url
from lib.clock import parse_http_date
from lib.errors import (
    CredentialsError,
    FixInputError,
    RefusedError,
    TooLargeError,
    TooManyRequestsError,
    TryLaterError,
    UncertainWriteError,
    WorkflowError,
)
from lib.services import api_calls, retry
from lib.services.models import (
    CREATE_SIZE,
    FETCH_SIZE,
    PROPERTY,
    UPDATED_SIZE,
    Account,
    BulkAnswer,
    CreateField,
    Edit,
    Found,
    Issue,
    IssueState,
    Transition,
)

SERVICE = api_calls.JIRA
CONNECT_TIMEOUT_S = 10
READ_TIMEOUT_S = 120
SEARCH_SIZE = 5000  # ids a search
FIELDS_SIZE = 200  # fields a page of createmeta
USERS_SIZE = 100  # accounts a bulk read; their ids stand in the address
EDITS_SIZE = 10_000  # edits a page of histories
COMMENTS_SIZE = 100  # comments a page
CHANGE_PROPERTY = "content-plan.change"  # of a comment: hash of the change that it tells

_NOBODY_ANSWERED = frozenset({408, 425, 499})  # a time ran out, or somebody on the way gave up

_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LIST = "[]"  # where an answer that is an array stands

type NoAnswer = Callable[[str, str], WorkflowError]


class JiraApi:
    """
    REST API v3 of one site.

    Args:
        url: The site, such as https://example.atlassian.net; for a scoped token https://api.atlassian.com/ex/jira/<cloud id>.
        username: E-mail address of the account.
        token: Its API token.
        timeout_s: For connecting, and for one answer.
        sleep: What waits between attempts, in seconds.

    Raises:
        CredentialsError: A part is missing; the library would silently go on as an anonymous visitor.
        FixInputError: The address cannot be used.
    """

    def __init__(
        self,
        url: str,
        username: str,
        token: str,
        *,
        timeout_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        sleep: retry.Sleep = time.sleep,
    ) -> None:
        missing = [
            n for n, v in (("JIRA_URL", url), ("JIRA_USERNAME", username), ("JIRA_TOKEN", token)) if not v.strip()
        ]
        if missing:
            raise CredentialsError("Jira", f"{' and '.join(missing)} is not set; see README, Connecting")
        try:
            self.url = service_url.checked(url)
        except ValueError as error:
            raise FixInputError("JIRA_URL", str(error)) from None
        self._account = (username.strip(), token.strip())
        if not all(part.isascii() and part.isprintable() for part in self._account):
            raise CredentialsError("Jira", "JIRA_USERNAME or JIRA_TOKEN holds a character that none has; copy it again")
        self._site = ""
        self._caller = ""  # as answers name us, once one has
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._local = threading.local()
        self._lock = threading.Lock()
        self._opened: list[Jira] = []

    def close(self) -> None:
        """Close the connections of all threads; the next request opens new ones."""
        with self._lock:
            self._local = threading.local()
            opened, self._opened = self._opened, []
        for client in opened:
            client.close()

    # --- Reading ------------------------------------------------------------------------------------------------------

    def read_myself(self) -> Account:
        """
        The account that Jira takes us for.

        A search by somebody unknown answers 200 with an empty list, so this is read before a search is believed.

        Raises:
            CredentialsError: Jira does not know us.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/
        """
        answer, read_at = self._read_dated("GET", "myself")
        if not answer.get("accountId"):
            raise CredentialsError(
                self._where("myself"), "Jira takes us for nobody; check JIRA_USERNAME and JIRA_TOKEN"
            )
        return Account(
            account_id=str(answer["accountId"]),
            name=str(answer.get("displayName", "")),
            site=self._read_site(),
            read_at=read_at,
            time_zone=str(answer.get("timeZone") or ""),
            named=self._caller == answer["accountId"],
        )

    def _read_site(self) -> str:
        """
        Where people open the site: at the gateway of scoped tokens there are no pages.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-server-info/
        """
        if not self._site:
            at_gateway = bool(urllib.parse.urlsplit(self.url).path)
            told = str(self._read("GET", "serverInfo").get("baseUrl", "")) if at_gateway else ""
            self._site = told.rstrip("/") or self.url
        return self._site

    def read_permissions(self, project_key: str, names: Sequence[str]) -> set[str]:
        """Which of the named permissions, such as CREATE_ISSUES, we have in the project."""
        params = {"permissions": ",".join(names), "projectKey": project_key}
        granted = self._read("GET", "mypermissions", params=params).get("permissions", {})
        return {name for name in names if granted.get(name, {}).get("havePermission")}

    def read_fields(self, project_key: str, issue_type_id: str) -> list[CreateField]:
        """
        The fields of the create screen of an issue type, all pages.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-issue-createmeta-projectidorkey-issuetypes-issuetypeid-get
        """
        path = f"issue/createmeta/{project_key}/issuetypes/{issue_type_id}"
        fields: list[CreateField] = []
        while True:
            answer = self._read("GET", path, params={"startAt": len(fields), "maxResults": FIELDS_SIZE})
            page = answer.get("fields") or answer.get("results") or []
            fields += [_create_field(entry) for entry in page]
            if not page or len(fields) >= answer.get("total", 0):
                return fields

    def search(self, jql: str, limit: int | None = None, *, keys: bool = False) -> Found:
        """
        The issues that match, `limit` at most, with their keys on request. The index lags: what is missing may exist.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/
        """
        found: list[dict[str, Any]] = []
        first_at: dt.datetime | None = None
        tokens: set[str] = set()
        fields = ["summary" if keys else "id"]  # with the id alone comes no key
        body: dict[str, Any] = {"jql": jql, "fields": fields, "maxResults": min(limit or SEARCH_SIZE, SEARCH_SIZE)}
        while True:
            answer, read_at = self._read_dated("POST", "search/jql", json=body)
            first_at = first_at or read_at
            found += answer.get("issues", [])
            token = answer.get("nextPageToken")
            if answer.get("isLast") or not token or (limit and len(found) >= limit):
                said = [issue.get("key", "") for issue in found[:limit]] if keys else []
                return Found([str(issue["id"]) for issue in found[:limit]], first_at, said)
            if token in tokens:
                raise TryLaterError(self._where("search/jql"), "the pages of the search repeat")
            tokens.add(token)
            body = {**body, "nextPageToken": token}

    def fetch(self, ids_or_keys: Sequence[str]) -> list[Issue]:
        """
        The issues, at most 100 of them, read from the records and not from the index; who cannot be seen is left out.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-issue-bulkfetch-post
        """
        return [_issue(entry) for entry in self._fetch(ids_or_keys, ["summary", "labels"])]

    def _fetch(self, ids_or_keys: Sequence[str], fields: Sequence[str]) -> list[dict[str, Any]]:
        """The issues as Jira answers, with these fields and what they remember of their rows."""
        if len(ids_or_keys) > FETCH_SIZE:
            raise ValueError(f"at most {FETCH_SIZE} issues a request, not {len(ids_or_keys)}")
        body = {"issueIdsOrKeys": list(ids_or_keys), "fields": list(fields), "properties": [PROPERTY]}
        answer = self._read("POST", "issue/bulkfetch", json=body)
        if answer.get("issueErrors"):
            raise TryLaterError(self._where("issue/bulkfetch"), "Jira could not read some of the issues just now")
        issues: list[dict[str, Any]] = answer.get("issues", [])
        return issues

    def read_components(self, project_key: str) -> dict[str, str]:
        """The project's components, id -> name."""
        listed = self._read_list("GET", f"project/{project_key}/components")
        return {str(entry.get("id")): str(entry.get("name", "")) for entry in listed}

    def read_field_names(self) -> dict[str, str]:
        """All fields of the site, id -> name."""
        return {str(entry.get("id")): str(entry.get("name", "")) for entry in self._read_list("GET", "field")}

    def read_active_accounts(self, account_ids: Sequence[str]) -> dict[str, bool]:
        """
        Account id -> whether it is active, for those of at most 100 accounts that exist.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-users/#api-rest-api-3-user-bulk-get
        """
        if not 1 <= len(account_ids) <= USERS_SIZE:
            raise ValueError(f"1 to {USERS_SIZE} accounts a request, not {len(account_ids)}")
        params = {"accountId": list(account_ids), "maxResults": USERS_SIZE}
        path = f"user/bulk?{urllib.parse.urlencode(params, doseq=True)}"
        return {str(user.get("accountId")): bool(user.get("active")) for user in self._read("GET", path)["values"]}

    def read_assignable(self, project_key: str, account_id: str) -> bool:
        """
        Whether the account can be assigned issues of the project.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/
        #api-rest-api-3-user-assignable-search-get
        """
        params = {"project": project_key, "accountId": account_id}
        found = self._read_list("GET", f"user/assignable/search?{urllib.parse.urlencode(params)}")
        return any(user.get("accountId") == account_id for user in found)

    def read_change_hashes(self, key: str) -> set[str]:
        """
        Hashes of the changes that comments on the issue already tell, all pages.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/
        """
        hashes: set[str] = set()
        seen = 0
        while True:
            params = {"startAt": seen, "maxResults": COMMENTS_SIZE, "expand": "properties"}
            answer = self._read("GET", f"issue/{key}/comment", params=params)
            page = answer.get("comments", [])
            seen += len(page)
            held = [entry for comment in page for entry in comment.get("properties") or []]
            hashes |= {_hash_of(entry["value"]) for entry in held if entry.get("key") == CHANGE_PROPERTY}
            if not page or seen >= answer.get("total", 0):
                return hashes

    # --- Keeping issues in step ---------------------------------------------------------------------------------------

    def read_states(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, IssueState]:
        """How the issues with these keys, at most 100, stand now, by the key that was asked for; those moved elsewhere are left out."""
        found = map(
            _state, self._fetch(keys, list(dict.fromkeys((*fields, "status", "project", "assignee", "updated"))))
        )
        return {state.key: state for state in found if state.key in keys}

    def read_updated(self, ids: Sequence[str]) -> dict[str, str]:
        """
        When the issues with these ids, at most 1,000, were last changed, as Jira says it, from the records; by id.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-issue-bulkfetch-post
        """
        if not 1 <= len(ids) <= UPDATED_SIZE:
            raise ValueError(f"1 to {UPDATED_SIZE} issues a request, not {len(ids)}")
        answer = self._read("POST", "issue/bulkfetch", json={"issueIdsOrKeys": list(ids), "fields": ["updated"]})
        return {
            str(one.get("id")): str((one.get("fields") or {}).get("updated", "")) for one in answer.get("issues", [])
        }

    def read_edits(self, keys: Sequence[str]) -> dict[str, list[Edit]]:
        """
        The histories of at most 100 issues, the oldest edit first, by issue id; read from the records.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-changelog-bulkfetch-post
        """
        if not 1 <= len(keys) <= FETCH_SIZE:
            raise ValueError(f"1 to {FETCH_SIZE} issues a request, not {len(keys)}")
        edits: dict[str, list[Edit]] = {}
        body: dict[str, Any] = {"issueIdsOrKeys": list(keys), "maxResults": EDITS_SIZE}
        tokens: set[str] = set()
        while True:
            answer = self._read("POST", "changelog/bulkfetch", json=body)
            for log in answer.get("issueChangeLogs", []):
                edits.setdefault(str(log.get("issueId")), []).extend(map(_edit, log.get("changeHistories", [])))
            token = answer.get("nextPageToken")
            if not token:
                return {issue: sorted(found, key=lambda edit: edit.id) for issue, found in edits.items()}
            if token in tokens:
                raise TryLaterError(self._where("changelog/bulkfetch"), "the pages of the histories repeat")
            tokens.add(token)
            body = {**body, "nextPageToken": token}

    def update_issue(self, key: str, fields: Mapping[str, Any], row: Mapping[str, Any]) -> None:
        """
        Change fields of an issue and what it remembers of its row, in one request: all of it or nothing.

        Raises:
            RefusedError: Jira says no, by field; nothing was changed.
            UncertainWriteError: No answer can be trusted; it may have been changed, or may still be.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-issue-issueidorkey-put
        """
        body = {"fields": dict(fields), "properties": [{"key": PROPERTY, "value": dict(row)}]}
        path = self._path(f"issue/{key}")
        self._write(f"issue/{key}", lambda client: client.request("PUT", path, json=body))

    def read_transitions(self, key: str) -> list[Transition]:
        """
        The transitions that we may perform on the issue now; none without the permission Transition Issues.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-issue-issueidorkey-transitions-get
        """
        there = self._read("GET", f"issue/{key}/transitions").get("transitions", [])
        return [
            Transition(str(one["id"]), str(one.get("name", "")), str((one.get("to") or {}).get("name", "")))
            for one in there
            if one.get("isAvailable", True)
        ]

    def transition(self, key: str, transition_id: str) -> None:
        """
        Perform a transition.

        Raises:
            RefusedError: Jira says no, such as for a field that its screen requires; nothing was changed.
            UncertainWriteError: No answer can be trusted; read the issue's history.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-issue-issueidorkey-transitions-post
        """
        path, body = self._path(f"issue/{key}/transitions"), {"transition": {"id": transition_id}}
        self._write(f"issue/{key}/transitions", lambda client: client.request("POST", path, json=body))

    # --- Labels and comments ---------------------------------------------------------------------------------------------

    def set_labels(
        self, key: str, add: Sequence[str], remove: Sequence[str], row: Mapping[str, Any] | None = None
    ) -> None:
        """
        Put labels on an issue, take others off, and let it remember the row that it belongs to. Safe to repeat.

        Raises:
            RefusedError: Jira says no; nothing was changed.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
        #api-rest-api-3-issue-issueidorkey-put
        """
        labels = [*({"add": label} for label in add), *({"remove": label} for label in remove)]
        body: dict[str, Any] = {"update": {"labels": labels}}
        if row is not None:
            body["properties"] = [{"key": PROPERTY, "value": row}]
        self._read("PUT", f"issue/{key}", json=body)

    def add_comment(self, key: str, body: Mapping[str, Any], change_hash: str) -> None:
        """
        Write one comment, an ADF document that carries the hash of the change it tells.

        Raises:
            UncertainWriteError: No answer can be trusted; read the hashes before writing again.
        """
        properties = [{"key": CHANGE_PROPERTY, "value": {"hash": change_hash}}]
        path = self._path(f"issue/{key}/comment")
        content = {"body": body, "properties": properties}
        self._write(f"issue/{key}/comment", lambda client: client.request("POST", path, json=content))

    # --- Creating -----------------------------------------------------------------------------------------------------

    def create(self, fields: Mapping[str, Any]) -> str:
        """
        Make one issue and return its key.

        Raises:
            RefusedError: Jira says no; nothing was made.
            UncertainWriteError: No answer can be trusted; the issue may have been made, or may still be.
        """
        answer = self._write("issue", lambda client: client.create_issue(fields=dict(fields)))
        if not answer.get("key"):
            raise UncertainWriteError(self._where("issue"), "the answer names no issue")
        return str(answer["key"])

    def create_in_bulk(self, updates: Sequence[Mapping[str, Any]], send_before: float | None = None) -> BulkAnswer:
        """
        Make at most 45 issues in one request; each update has `fields` and may have `properties`. It is sent once.

        Args:
            updates: The issues.
            send_before: By `time.monotonic()`: not to be sent any more at that time or later; None for no limit.

        Raises:
            TryLaterError: Jira carried nothing out (429, or no connection at all), or it was too late to send.
            RefusedError: Jira refuses the request whole without naming issues; nothing was made.
            UncertainWriteError: No answer can be trusted; some or all may have been made, or may still be.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-bulk-post
        """
        if not 1 <= len(updates) <= CREATE_SIZE:
            raise ValueError(f"1 to {CREATE_SIZE} issues a request, not {len(updates)}")
        body = {"issueUpdates": list(updates)}
        path = self._path("issue/bulk")

        def post(client: Jira) -> requests.Response:
            if send_before is not None and time.monotonic() >= send_before:
                raise TryLaterError(self._where("issue/bulk"), "not sent: too long after the plan was seen to be ours")
            return client.request("POST", path, json=body)

        answer = self._write("issue/bulk", post, bulk=True, attempts=1)
        refused = {e.get("failedElementNumber"): _reasons(e.get("elementErrors", {})) for e in answer.get("errors", [])}
        keys = [str(issue.get("key", "")) for issue in answer.get("issues", [])]
        plausible = all(isinstance(number, int) and 0 <= number < len(updates) for number in refused)
        if not plausible or len(keys) + len(refused) > len(updates) or len(refused) < len(answer.get("errors", [])):
            raise UncertainWriteError(self._where("issue/bulk"), "the answer does not fit the request")
        return BulkAnswer(keys, {int(number): reasons for number, reasons in refused.items()})

    # --- Transport ----------------------------------------------------------------------------------------------------

    def _read(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        return self._call(
            path, lambda client: client.request(method, self._path(path), **arguments), TryLaterError, bulk=False
        )

    def _read_dated(self, method: str, path: str, **arguments: Any) -> tuple[dict[str, Any], dt.datetime | None]:
        """The answer, and when it was given by Jira's own clock."""
        dates: list[dt.datetime | None] = []

        def ask(client: Jira) -> requests.Response:
            response: requests.Response = client.request(method, self._path(path), **arguments)
            dates.append(parse_http_date(response.headers.get("Date")))
            return response

        return self._call(path, ask, TryLaterError, bulk=False), dates[-1]

    def _read_list(self, method: str, path: str) -> list[dict[str, Any]]:
        """A read whose answer is an array."""
        entries: list[dict[str, Any]] = self._read(method, path).get(_LIST, [])
        return entries

    def _write(
        self,
        path: str,
        request: Callable[[Jira], requests.Response],
        *,
        bulk: bool = False,
        attempts: int = retry.ATTEMPTS,
    ) -> dict[str, Any]:
        return self._call(path, request, UncertainWriteError, bulk=bulk, attempts=attempts)

    def _call(
        self,
        path: str,
        request: Callable[[Jira], requests.Response],
        no_answer: NoAnswer,
        *,
        bulk: bool,
        attempts: int = retry.ATTEMPTS,
    ) -> dict[str, Any]:
        where = self._where(path)

        def send() -> dict[str, Any]:
            return api_calls.send(SERVICE, where, lambda: self._send(where, request, no_answer, bulk=bulk))

        return retry.call(SERVICE, send, sleep=self._sleep, attempts=attempts)

    def _send(
        self, where: str, request: Callable[[Jira], requests.Response], no_answer: NoAnswer, *, bulk: bool
    ) -> dict[str, Any]:
        try:
            response = request(self._client())
        except requests.RequestException as error:
            self._client().close()  # the connection is in an unknown state
            if problem := _cannot_be_sent(error):
                raise FixInputError(where, problem) from None
            if _never_sent(error):
                raise TryLaterError(where, "cannot be reached; check JIRA_URL and the network") from None
            proxy = "; check the proxy in HTTPS_PROXY" if isinstance(error, requests.exceptions.ProxyError) else ""
            raise no_answer(where, f"the answer was lost ({type(error).__name__}){proxy}") from None
        answer = self._answer(where, response, no_answer, bulk=bulk)
        if no_answer is TryLaterError:
            self._check_caller(where, response)
        return answer

    def _answer(self, where: str, response: requests.Response, no_answer: NoAnswer, *, bulk: bool) -> dict[str, Any]:
        status = response.status_code
        if response.headers.get("X-Seraph-LoginReason") in ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED"):
            raise CredentialsError(where, "Jira refuses the login; check JIRA_USERNAME and JIRA_TOKEN, tokens expire")
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise TooManyRequestsError(
                where, "too many requests", retry.retry_after_s(response.headers.get("Retry-After"))
            )
        if (
            status in _NOBODY_ANSWERED
            or status >= HTTPStatus.INTERNAL_SERVER_ERROR
            or HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
        ):
            raise _no_answer_yet(response, where, no_answer)
        try:
            body = response.json()
        except ValueError:
            body = None
        if status >= HTTPStatus.BAD_REQUEST and no_answer is UncertainWriteError and not _is_refusal(body):
            said = f"answered {status}, and not in Jira's words"
            raise (TooLargeError if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE else no_answer)(where, said)
        if status == HTTPStatus.NO_CONTENT:
            return {}
        if status < HTTPStatus.BAD_REQUEST and isinstance(body, list):
            return {_LIST: body}
        if status < HTTPStatus.BAD_REQUEST:
            if not isinstance(body, dict):
                raise no_answer(where, "the answer is not Jira's")
            return body
        if bulk and status == HTTPStatus.BAD_REQUEST and isinstance(body, dict) and _names_elements(body):
            return body
        if no_answer is TryLaterError and not _is_jiras(response, body):
            raise FixInputError(
                where,
                f"answered {status}, and not in Jira's words: a proxy, firewall or login page stands between, or JIRA_URL is "
                "not a Jira site. JIRA_USERNAME and JIRA_TOKEN were not looked at",
            )
        needed = _permission(where) if no_answer is UncertainWriteError else "Browse Projects"
        raise self._refusal(where, status, _reasons(body if isinstance(body, dict) else {}), needed)

    def _check_caller(self, where: str, response: requests.Response) -> None:
        """
        See that what was read was given to us, once Jira has said of an answer to whom it was given.

        An unknown caller is shown nothing and told of no error, so an empty answer would be believed.

        Source: https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#special-request-headers
        """
        named = response.headers.get("X-AAccountId", "")
        if named == self._caller:
            return
        if not self._caller:
            self._caller = named
        elif named:
            raise CredentialsError(where, "the account changed during the run; start again")
        else:
            raise TryLaterError(where, "Jira takes us for nobody just now; check JIRA_USERNAME and JIRA_TOKEN")

    def _refusal(self, where: str, status: int, reasons: dict[str, str], needed: str) -> WorkflowError:
        said = (
            "; ".join(f"{name}: {reason}" if name else reason for name, reason in reasons.items())
            or f"answered {status}"
        )
        if status == HTTPStatus.UNAUTHORIZED:
            return CredentialsError(where, "Jira does not know us; check JIRA_USERNAME and JIRA_TOKEN, tokens expire")
        if status == HTTPStatus.FORBIDDEN:
            return CredentialsError(
                where,
                f"Jira does not let us ({said}); ask for the permission {needed} in the project"
                + ("" if reasons else ", and look whether the site lets this machine in (IP allowlist)"),
            )
        if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            return FixInputError(where, f"Jira does not find it ({said}); check JIRA_URL and JIRA_PROJECT_KEY")
        return RefusedError(where, said, reasons)

    def _client(self) -> Jira:
        """This thread's client: requests does not promise that a session may be shared."""
        if not hasattr(self._local, "client"):
            for name in ("atlassian", "urllib3"):  # both log whole requests at DEBUG
                logging.getLogger(name).setLevel(logging.INFO)
            self._local.client = Jira(
                self.url,
                username=self._account[0],
                password=self._account[1],
                cloud=True,
                api_version="3",
                advanced_mode=True,  # hands over the response as it is
                backoff_and_retry=False,
                retry_with_header=False,
                session=_Session(self._timeout_s),
            )
            with self._lock:
                self._opened.append(self._local.client)
        client: Jira = self._local.client
        return client

    def _path(self, path: str) -> str:
        return f"rest/api/3/{path}"

    def _where(self, path: str) -> str:
        return f"Jira, {path}"


class _Session(requests.Session):
    """Follows no redirect (a POST would come back as a GET's success) and keeps two time-outs (the library has one)."""

    def __init__(self, timeout_s: tuple[float, float]) -> None:
        super().__init__()
        self._timeout_s = timeout_s

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(*args, **{**kwargs, "timeout": self._timeout_s, "allow_redirects": False})


def _permission(where: str) -> str:
    """The permission, as Jira's administrators call it, that a write needs."""
    if where.endswith("/comment"):
        return "Add Comments"
    if where.endswith("/transitions"):
        return "Transition Issues"
    return "Create Issues" if where.endswith(("issue", "issue/bulk")) else "Edit Issues"


def _cannot_be_sent(error: requests.RequestException) -> str:
    """What somebody has to change before a request can be sent at all; empty when it may pass by itself."""
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            "its certificate is not trusted; check JIRA_URL; a proxy that opens TLS needs its CA in REQUESTS_CA_BUNDLE"
        )
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return f"the address cannot be used ({type(error).__name__}); check JIRA_URL and HTTPS_PROXY"
    return ""


def _no_answer_yet(response: requests.Response, where: str, no_answer: NoAnswer) -> WorkflowError:
    """The error for a status that is no answer of Jira's to the request; a read hears how long it has to wait."""
    target = urllib.parse.urlsplit(response.headers.get("Location", ""))
    points = f" and points to {target.hostname}, where our token is not sent; check JIRA_URL" if target.hostname else ""
    said = f"answered {response.status_code}{points}"
    if no_answer is TryLaterError:
        return TryLaterError(where, said, retry.retry_after_s(response.headers.get("Retry-After")))
    return no_answer(where, said)


def _is_jiras(response: requests.Response, body: object) -> bool:
    """Whether Jira itself, or the edge of Atlassian before it, says no, and not somebody on the way there."""
    signed = any(name in response.headers for name in ("Atl-Traceid", "X-ARequestId", "X-Seraph-LoginReason"))
    return _is_refusal(body) or signed or response.text.startswith("Client must be authenticated")


def _never_sent(error: requests.RequestException) -> bool:
    if isinstance(error, requests.ConnectTimeout):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, urllib3.exceptions.NewConnectionError)


def _is_refusal(body: object) -> bool:
    """Whether this is an error as Jira words it (ErrorCollection, or the errors of a bulk create)."""
    if not isinstance(body, dict):
        return False
    return isinstance(body.get("errorMessages"), list) or isinstance(body.get("errors"), dict | list)


def _names_elements(body: Mapping[str, Any]) -> bool:
    """Whether a refusal says which issues of the batch it is about: only then it is an answer for each of them."""
    errors = body.get("errors")
    return (
        isinstance(errors, list)
        and all(isinstance(e, dict) and "failedElementNumber" in e for e in errors)
        and bool(errors)
    )


def _reasons(errors: Mapping[str, Any]) -> dict[str, str]:
    """Jira's reasons by field; those for no field stand under an empty name."""
    by_field = errors.get("errors") if isinstance(errors.get("errors"), Mapping) else {}
    reasons = {str(name): str(reason) for name, reason in (by_field or {}).items()}
    general = "; ".join(str(message) for message in errors.get("errorMessages") or [])
    return {**reasons, **({"": general} if general else {})}


def _hash_of(value: object) -> str:
    return str(value.get("hash", "")) if isinstance(value, Mapping) else ""


def _create_field(entry: Mapping[str, Any]) -> CreateField:
    schema = entry.get("schema", {})
    allowed = entry.get("allowedValues") or []
    return CreateField(
        id=str(entry.get("fieldId") or entry.get("key", "")),
        name=str(entry.get("name", "")),
        required=bool(entry.get("required")) and not entry.get("hasDefaultValue"),
        type=str(schema.get("type", "")),
        items=str(schema.get("items", "")),
        options=tuple(str(v.get("value") or v.get("name") or v.get("id")) for v in allowed if isinstance(v, Mapping)),
    )


def _issue(entry: Mapping[str, Any]) -> Issue:
    fields = entry.get("fields") or {}
    row = (entry.get("properties") or {}).get(PROPERTY)
    return Issue(
        id=str(entry.get("id", "")),
        key=str(entry.get("key", "")),
        summary=str(fields.get("summary") or ""),
        labels=tuple(fields.get("labels") or ()),
        row=row if isinstance(row, Mapping) else {},
    )


def _state(entry: Mapping[str, Any]) -> IssueState:
    fields = entry.get("fields") or {}
    status = fields.get("status") or {}
    row = (entry.get("properties") or {}).get(PROPERTY)
    return IssueState(
        id=str(entry.get("id", "")),
        key=str(entry.get("key", "")),
        project=str((fields.get("project") or {}).get("key", "")),
        status=str(status.get("name", "")),
        done=(status.get("statusCategory") or {}).get("key") == "done",
        fields=fields,
        row=row if isinstance(row, Mapping) else {},
        assignee=str((fields.get("assignee") or {}).get("displayName", "")),
        updated=str(fields.get("updated") or ""),
    )


def _changed_to(item: Mapping[str, Any]) -> str:
    """What a field was changed to, as people read it; a date as everywhere here, and not in the site's own way (`3/Jan/27`)."""
    stored, shown = str(item.get("to") or ""), str(item.get("toString") or "")
    return stored if _ISO_DATE.match(stored) else shown or stored


def _edit(history: Mapping[str, Any]) -> Edit:
    items = history.get("items") or []
    return Edit(
        id=int(history["id"]),
        author=str((history.get("author") or {}).get("accountId", "")),
        fields={str(item.get("fieldId")): _changed_to(item) for item in items},
    )
