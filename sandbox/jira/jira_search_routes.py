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
from sandbox.jira import jql, jql_match
from sandbox.jira.jira_auth import anyone, may
from sandbox.jira.jira_errors import BAD_PAYLOAD, refusal
from sandbox.jira.jira_issue_routes import MAX_PROPERTIES, read_json, strings
from sandbox.jira.jira_render import Renderer, View, current, wanted_fields
from sandbox.operations import Operations
from sandbox.world import World

search = Operations(authorise=anyone)

MAX_RECONCILED, MAX_PAGE, MAX_NARROW_PAGE = 50, 100, 5000


class _Search(NamedTuple):
    """What was asked."""

    jql: str
    fields: list[str]
    properties: list[str]
    reconcile: list[int]
    size: int
    token: str


@search("searchAndReconsileIssuesUsingJql", "GET", "/rest/api/3/search/jql")
def search_get(world: World, call: Call) -> Reply:
    reconcile = call.listed("reconcileIssues")
    size = call.one("maxResults", "50")
    if not all(number.isdecimal() for number in [*reconcile, size]):
        raise refusal(400, BAD_PAYLOAD)
    asked = _Search(
        call.one("jql"),
        call.listed("fields"),
        call.listed("properties"),
        [int(number) for number in reconcile],
        int(size),
        call.one("nextPageToken"),
    )
    return _found(world, call.caller, asked)


@search("searchAndReconsileIssuesUsingJqlPost", "POST", "/rest/api/3/search/jql")
def search_post(world: World, call: Call) -> Reply:
    body = read_json(call)
    reconcile, size = body.get("reconcileIssues") or [], body.get("maxResults", 50)
    text, token = body.get("jql") or "", body.get("nextPageToken") or ""
    numbers = isinstance(reconcile, list) and all(isinstance(number, int) for number in reconcile)
    if not numbers or not isinstance(size, int) or not isinstance(text, str) or not isinstance(token, str):
        raise refusal(400, BAD_PAYLOAD)
    asked = _Search(text, strings(body, "fields"), strings(body, "properties"), reconcile, size, token)
    return _found(world, call.caller, asked)


@search("searchForIssuesUsingJql", "GET", "/rest/api/3/search")
def removed_search(_world: World, _call: Call) -> Reply:
    raise refusal(
        410,
        "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration "
        "guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046",
    )


def _found(world: World, caller: str, asked: _Search) -> Reply:
    _check(asked)
    asking = jql_match.Asking(world.jira.state, caller, world.timeline.now())
    try:
        query = jql.parse(asked.jql)
        if not caller and query.where is not None:
            # Nothing can be seen, so nothing is found: Jira does not say that the credentials are missing.
            return Reply(200, {"issues": [], "isLast": True})
        test = jql_match.test_for(query, asking)
        views = jql_match.sort([view for view in _views(world, asked.reconcile) if test(view)], query)
    except jql.JqlError as error:
        raise refusal(400, str(error)) from error
    state = world.jira.state
    views = [view for view in views if may(caller, state.projects[view.key.rpartition("-")[0]], "BROWSE_PROJECTS")]
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


def _check(asked: _Search) -> None:
    if len(asked.reconcile) > MAX_RECONCILED:
        raise refusal(400, f"The number of issues to reconcile must not exceed {MAX_RECONCILED}.")
    if len(asked.properties) > MAX_PROPERTIES:
        raise refusal(400, f"The number of issue properties must not exceed {MAX_PROPERTIES}.")
    if not 1 <= asked.size <= MAX_NARROW_PAGE:
        raise refusal(400, f"The maxResults must be between 1 and {MAX_NARROW_PAGE}.")


def _views(world: World, reconcile: list[int]) -> Iterator[View]:
    """Issues as the index shows them; those to reconcile as they are."""
    state, now = world.jira.state, world.timeline.now()
    for issue in state.issues.values():
        if issue.id in reconcile:
            yield current(issue)
            continue
        seen = issue.seen(now)
        if seen is not None and seen.fields is not None:
            yield View(issue, seen.key, seen.fields, seen.updated_at)
    for issue in list(state.deleted.values()):
        seen = issue.seen(now)
        if issue.id in reconcile:
            continue
        if seen is not None and seen.fields is not None:
            yield View(issue, seen.key, seen.fields, seen.updated_at)
        elif seen is not None:
            del state.deleted[issue.id]


def _asked_before(asked: _Search) -> str:
    same = [asked.jql, asked.fields, asked.properties, asked.reconcile]
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
