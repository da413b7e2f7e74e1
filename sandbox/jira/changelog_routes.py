"""The histories of issues.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-changelog-bulkfetch-post
"""

from sandbox.http.messages import Call, JsonObject, Reply
from sandbox.http.operations import Operations
from sandbox.jira.auth import optional_user, visible_issues
from sandbox.jira.errors import BAD_PAYLOAD, UnsupportedError, refusal
from sandbox.jira.issue_routes import read_json, strings
from sandbox.jira.jira import Jira
from sandbox.jira.render import Renderer

changelogs = Operations(authenticate=optional_user)

MAX_ISSUES, MAX_PAGE = 1000, 10_000


@changelogs("getBulkChangelogs", "POST", "/rest/api/3/changelog/bulkfetch")
def bulk_changelogs(jira: Jira, call: Call) -> Reply:
    body = read_json(call)
    if unknown := body.keys() - {"issueIdsOrKeys", "maxResults", "nextPageToken"}:
        raise UnsupportedError(f"{', '.join(sorted(unknown))} in a request for changelogs")
    wanted, size, token = (
        strings(body, "issueIdsOrKeys"),
        body.get("maxResults", 1000),
        body.get("nextPageToken") or "0",
    )
    if not 1 <= len(wanted) <= MAX_ISSUES:
        raise refusal(400, f"The number of issues must be between 1 and {MAX_ISSUES}.")
    if not isinstance(size, int) or not 1 <= size <= MAX_PAGE or not isinstance(token, str) or not token.isdecimal():
        raise refusal(400, BAD_PAYLOAD)
    state = jira.state
    found = visible_issues(state, call.caller, wanted)
    told = sorted(
        (
            (history.created_at, issue.id, int(history.id), history)
            for issue in found.values()
            for history in issue.histories
        ),
        key=lambda one: one[:3],
    )
    start = int(token)
    renderer = Renderer(state, jira.base_url)
    shown: dict[int, list[JsonObject]] = {}
    for _, number, _, history in told[start : start + size]:
        shown.setdefault(number, []).append(renderer.history(history))
    answer: JsonObject = {
        "issueChangeLogs": [
            {"issueId": str(number), "changeHistories": histories} for number, histories in shown.items()
        ]
    }
    if start + size < len(told):
        answer["nextPageToken"] = str(start + size)
    return Reply(200, answer)
