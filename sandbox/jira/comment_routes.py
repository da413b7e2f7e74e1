"""Comments on issues.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/
"""

from sandbox.http.messages import Call, Json, JsonObject, Reply
from sandbox.http.operations import Operations
from sandbox.jira.auth import has_permission, optional_user, visible_issue
from sandbox.jira.errors import FieldError, refusal
from sandbox.jira.fields import FieldContext, check_document
from sandbox.jira.issue_routes import read_json
from sandbox.jira.issue_writes import read_properties
from sandbox.jira.jira import Jira
from sandbox.jira.render import Renderer
from sandbox.jira.state import Comment, Issue

comments = Operations(authenticate=optional_user)

_COMMENTS = "/rest/api/3/issue/{issueIdOrKey}/comment"


@comments("getComments", "GET", _COMMENTS)
def issue_comments(jira: Jira, call: Call) -> Reply:
    issue = visible_issue(jira.state, call.caller, call.params["issueIdOrKey"])
    start, size, order = call.one("startAt", "0"), call.one("maxResults", "100"), call.one("orderBy", "created")
    if order not in {"created", "+created", "-created"} or not start.isdecimal() or not size.isdecimal():
        raise refusal(400, "orderBy must be created, startAt and maxResults must be numbers.")
    shown = sorted(issue.comments, key=lambda comment: comment.created_at, reverse=order.startswith("-"))
    page = shown[int(start) : int(start) + int(size)]
    body: JsonObject = {"startAt": int(start), "maxResults": int(size), "total": len(issue.comments)}
    body["comments"] = [_shown(jira, call, issue, comment) for comment in page]
    return Reply(200, body)


@comments("addComment", "POST", _COMMENTS)
def add_comment(jira: Jira, call: Call) -> Reply:
    state = jira.state
    issue = visible_issue(state, call.caller, call.params["issueIdOrKey"])
    project = state.projects[issue.project]
    if not has_permission(call.caller, project, "ADD_COMMENTS"):
        raise refusal(403, "You do not have the permission to comment on this issue.")
    sent = read_json(call)
    try:
        body = _checked_body(FieldContext(state, project, "comment"), sent.get("body"))
        held = read_properties(sent.get("properties", []))
    except FieldError as error:
        named = {} if error.whole else {"comment": error.message}
        raise refusal(400, *([error.message] if error.whole else []), errors=named, hint=error.hint) from error
    comment = Comment(jira.next_comment_id(), call.caller, body, jira.now(), held)
    issue.comments.append(comment)
    jira.store_fields(issue, issue.fields, call.caller)
    return Reply(201, _shown(jira, call, issue, comment))


def _checked_body(context: FieldContext, body: Json) -> JsonObject:
    checked: JsonObject | None = check_document(context, body)
    if checked is None or not checked["content"]:
        raise FieldError("Comment body can not be empty!")
    return checked


def _shown(jira: Jira, call: Call, issue: Issue, comment: Comment) -> JsonObject:
    renderer = Renderer(jira.state, jira.base_url)
    return renderer.comment(issue, comment, with_properties="properties" in call.listed("expand"))
