"""Search, which sees what its index has seen.

https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile/
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterator
from typing import NamedTuple

from sandbox.http.wire import Call, JsonObject, Reply
from sandbox.jira import jql
from sandbox.jira.jira_auth import anyone, may
from sandbox.jira.jira_errors import BAD_PAYLOAD, UnsupportedError, refusal
from sandbox.jira.jira_issue_routes import MAX_PROPERTIES, read_json, strings
from sandbox.jira.jira_render import Renderer, View, wanted_fields
from sandbox.operations import Operations
from sandbox.world import World

search = Operations(authorise=anyone)

MAX_PAGE, MAX_NARROW_PAGE = 100, 5000


class _Search(NamedTuple):
    """What was asked."""

    jql: str
    fields: list[str]
    properties: list[str]
    size: int
    token: str


@search("searchAndReconsileIssuesUsingJqlPost", "POST", "/rest/api/3/search/jql")
def search_post(world: World, call: Call) -> Reply:
    asked = _read(read_json(call))
    query = jql.parse(asked.jql)
    if not call.caller:
        # Nothing can be seen, so nothing is found: Jira does not say that the credentials are missing.
        return Reply(200, {"issues": [], "isLast": True})
    state = world.jira.state
    views = jql.select(query, _indexed(world), state, call.caller)
    views = [v for v in views if may(call.caller, state.projects[v.key.rpartition("-")[0]], "BROWSE_PROJECTS")]
    names = wanted_fields(asked.fields, "id")
    narrow = set(names) <= {"id", "key"} and not asked.properties
    size = min(asked.size, MAX_NARROW_PAGE if narrow else MAX_PAGE)
    start = _start(asked)
    renderer = Renderer(state, world.base_url)
    page = [renderer.issue(view, names, asked.properties) for view in views[start : start + size]]
    answer: JsonObject = {"issues": page, "isLast": start + size >= len(views)}
    if not answer["isLast"]:
        answer["nextPageToken"] = _token(asked, start + size)
    return Reply(200, answer)


def _read(body: JsonObject) -> _Search:
    """What a body asks for; refused if it is more than Jira gives, or than the sandbox can."""
    if strange := body.keys() - {"jql", "fields", "properties", "maxResults", "nextPageToken"}:
        raise UnsupportedError(f"{', '.join(sorted(strange))} in a search")
    text, size, token = body.get("jql") or "", body.get("maxResults", 50), body.get("nextPageToken") or ""
    if not isinstance(size, int) or not isinstance(text, str) or not isinstance(token, str):
        raise refusal(400, BAD_PAYLOAD)
    asked = _Search(text, strings(body, "fields"), strings(body, "properties"), size, token)
    if len(asked.properties) > MAX_PROPERTIES:
        raise refusal(400, f"The number of issue properties must not exceed {MAX_PROPERTIES}.")
    if not 1 <= asked.size <= MAX_NARROW_PAGE:
        raise refusal(400, f"The maxResults must be between 1 and {MAX_NARROW_PAGE}.")
    return asked


def _indexed(world: World) -> Iterator[View]:
    """Issues as the search index shows them now; the deleted ones that it no longer shows are forgotten."""
    state, now = world.jira.state, world.timeline.now()
    for issue in [*state.issues.values(), *state.deleted.values()]:
        seen = issue.seen(now)
        if seen is not None and seen.fields is not None:
            yield View(issue, seen.key, seen.fields, seen.updated_at)
        elif seen is not None:
            del state.deleted[issue.id]


def _asked_before(asked: _Search) -> str:
    same = [asked.jql, asked.fields, asked.properties]
    return hashlib.sha256(json.dumps(same).encode()).hexdigest()[:16]


def _token(asked: _Search, start: int) -> str:
    return base64.urlsafe_b64encode(json.dumps([start, _asked_before(asked)]).encode()).decode()


def _start(asked: _Search) -> int:
    if not asked.token:
        return 0
    try:
        start, before = json.loads(base64.urlsafe_b64decode(asked.token))
    except (ValueError, binascii.Error, TypeError):
        raise refusal(400, "The nextPageToken is not valid.") from None
    if before != _asked_before(asked) or not isinstance(start, int):
        raise refusal(400, "The nextPageToken is not valid.")
    return start
