"""Users.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-user-search/
"""

from sandbox.http.messages import Call, Reply
from sandbox.http.operations import Operations
from sandbox.jira.auth import can_be_assigned, required_user, visible_issue, visible_project
from sandbox.jira.errors import refusal
from sandbox.jira.jira import Jira
from sandbox.jira.render import Renderer
from sandbox.jira.state import User

users = Operations(authenticate=required_user)


@users("bulkGetUsers", "GET", "/rest/api/3/user/bulk")
def user_bulk(jira: Jira, call: Call) -> Reply:
    wanted = call.many("accountId")
    if not wanted:
        raise refusal(400, "The 'accountId' query parameter needs to be provided.")
    start, size = _page(call, default=10, most=200)
    state = jira.state
    found = [state.users[account_id] for account_id in dict.fromkeys(wanted) if account_id in state.users]
    renderer = Renderer(state, jira.base_url)
    page = [renderer.user_details(user) for user in found[start : start + size]]
    answer = {"self": f"{jira.base_url}{call.path}", "maxResults": size, "startAt": start, "total": len(found),
              "isLast": start + size >= len(found), "values": page}  # fmt: skip
    return Reply(200, answer)


@users("findAssignableUsers", "GET", "/rest/api/3/user/assignable/search")
def assignable(jira: Jira, call: Call) -> Reply:
    state = jira.state
    project_key, issue_key = call.one("project"), call.one("issueKey") or call.one("issueId")
    if issue_key:
        project = state.projects[visible_issue(state, call.caller, issue_key).project]
    elif project_key:
        project = visible_project(state, call.caller, project_key)
    else:
        raise refusal(400, "Either the project or the issue parameter must be provided.")
    if not call.one("query") and not call.one("accountId"):
        raise refusal(400, "Either the query or the accountId parameter must be provided.")
    start, size = _page(call, default=50, most=1000)
    # The page is cut first and filtered afterwards, so that it may hold fewer users than there are.
    matching = [user for user in state.users.values() if _matches(user, call)][start : start + size]
    shown = [user for user in matching if can_be_assigned(user, project)]
    renderer = Renderer(state, jira.base_url)
    return Reply(200, [renderer.user_details(user) for user in shown])


def _matches(user: User, call: Call) -> bool:
    """By account id exactly, or by the beginning of a word of the name or of the e-mail address."""
    if call.one("accountId"):
        return user.account_id == call.one("accountId")
    sought = call.one("query").casefold()
    words = [*user.name.casefold().split(), user.name.casefold(), user.email.casefold()]
    return any(word.startswith(sought) for word in words)


def _page(call: Call, *, default: int, most: int) -> tuple[int, int]:
    start, size = call.one("startAt", "0"), call.one("maxResults", str(default))
    if not start.isdecimal() or not size.isdecimal():
        raise refusal(400, "startAt and maxResults must be numbers.")
    return int(start), min(int(size), most)
