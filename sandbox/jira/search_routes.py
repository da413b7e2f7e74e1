"""Search by JQL on an index that lags behind the issues.

https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.http.messages import Call, JsonObject, Reply
from sandbox.http.operations import Operations
from sandbox.jira import jql
from sandbox.jira.auth import has_permission, optional_user
from sandbox.jira.errors import BAD_PAYLOAD, UnsupportedError, refusal
from sandbox.jira.issue_routes import MAX_PROPERTIES, read_json, strings
from sandbox.jira.jira import Jira
from sandbox.jira.render import Renderer, View, field_ids
from sandbox.jira.state import JiraState

search = Operations(authenticate=optional_user)

MAX_PAGE, MAX_NARROW_PAGE = 100, 5000


class _Request(NamedTuple):
    """A request for a page of a search."""

    jql: str
    fields: list[str]
    properties: list[str]
    size: int
    token: str


@search("searchAndReconsileIssuesUsingJqlPost", "POST", "/rest/api/3/search/jql")
def search_post(jira: Jira, call: Call) -> Reply:
    request = _read(read_json(call))
    query = jql.parse(request.jql)
    if not call.caller:
        # Jira does not report missing credentials here: an anonymous caller sees no issues.
        return Reply(200, {"issues": [], "isLast": True})
    state = jira.state
    views = jql.select(query, _index_views(jira), state, call.caller)
    views = [view for view in views if _visible(view, state, call.caller)]
    names = field_ids(request.fields, "id")
    narrow = set(names) <= {"id", "key"} and not request.properties
    size = min(request.size, MAX_NARROW_PAGE if narrow else MAX_PAGE)
    start = _start(request)
    renderer = Renderer(state, jira.base_url)
    page = [renderer.issue(view, names, request.properties) for view in views[start : start + size]]
    answer: JsonObject = {"issues": page, "isLast": start + size >= len(views)}
    if not answer["isLast"]:
        answer["nextPageToken"] = _token(request, start + size)
    return Reply(200, answer)


def _read(body: JsonObject) -> _Request:
    """The request in a body; 400 if it breaks one of Jira's limits, 501 for what the sandbox does not support."""
    if unknown := body.keys() - {"jql", "fields", "properties", "maxResults", "nextPageToken"}:
        raise UnsupportedError(f"{', '.join(sorted(unknown))} in a search")
    text, size, token = body.get("jql") or "", body.get("maxResults", 50), body.get("nextPageToken") or ""
    if not isinstance(size, int) or not isinstance(text, str) or not isinstance(token, str):
        raise refusal(400, BAD_PAYLOAD)
    request = _Request(text, strings(body, "fields"), strings(body, "properties"), size, token)
    if len(request.properties) > MAX_PROPERTIES:
        raise refusal(400, f"The number of issue properties must not exceed {MAX_PROPERTIES}.")
    if not 1 <= request.size <= MAX_NARROW_PAGE:
        raise refusal(400, f"The maxResults must be between 1 and {MAX_NARROW_PAGE}.")
    return request


def _visible(view: View, state: JiraState, caller: str) -> bool:
    return has_permission(caller, state.projects[view.key.rpartition("-")[0]], "BROWSE_PROJECTS")


def _index_views(jira: Jira) -> Iterator[View]:
    """Issues as the search index shows them now; the deleted ones that it no longer shows are forgotten."""
    state, now = jira.state, jira.now()
    for issue in [*state.issues.values(), *state.deleted.values()]:
        entry = issue.index_entry(now)
        if entry is not None and entry.fields is not None:
            yield View(issue, entry.key, entry.fields, entry.updated_at)
        elif entry is not None:
            del state.deleted[issue.id]


def _digest(request: _Request) -> str:
    same = [request.jql, request.fields, request.properties]
    return hashlib.sha256(json.dumps(same).encode()).hexdigest()[:16]


def _token(request: _Request, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, _digest(request)]).encode()).decode()


def _start(request: _Request) -> int:
    if not request.token:
        return 0
    try:
        start, digest = json.loads(base64.urlsafe_b64decode(request.token))
    except (ValueError, binascii.Error, TypeError):
        raise refusal(400, "The nextPageToken is not valid.") from None
    if digest != _digest(request) or not isinstance(start, int):
        raise refusal(400, "The nextPageToken is not valid.")
    return start
