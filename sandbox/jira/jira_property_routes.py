"""Comments, and the properties of issues and comments.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/ and
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-properties/
"""

import json
from typing import NamedTuple

from sandbox.http.wire import Call, Json, JsonObject, Reply
from sandbox.jira.jira_auth import anyone, may, visible_issue
from sandbox.jira.jira_create import check_property, read_properties
from sandbox.jira.jira_errors import FieldError, refusal
from sandbox.jira.jira_fields import Setting, check_document
from sandbox.jira.jira_issue_routes import read_json
from sandbox.jira.jira_render import Renderer
from sandbox.jira.jira_state import Comment, Issue
from sandbox.operations import Operations
from sandbox.world import World

properties = Operations(authorise=anyone)
comments = Operations(authorise=anyone)

_ISSUE = "/rest/api/3/issue/{issueIdOrKey}"
_COMMENT = "/rest/api/3/comment/{commentId}/properties"


class _Holder(NamedTuple):
    """Something that has properties, and its address."""

    values: dict[str, Json]
    url: str


@properties("getIssuePropertyKeys", "GET", f"{_ISSUE}/properties")
def issue_property_keys(world: World, call: Call) -> Reply:
    return _keys(_of_issue(world, call, writes=False))


@properties("getIssueProperty", "GET", f"{_ISSUE}/properties/{{propertyKey}}")
def issue_property(world: World, call: Call) -> Reply:
    return _value(_of_issue(world, call, writes=False), call)


@properties("setIssueProperty", "PUT", f"{_ISSUE}/properties/{{propertyKey}}")
def set_issue_property(world: World, call: Call) -> Reply:
    return _put(_of_issue(world, call, writes=True), call)


@properties("deleteIssueProperty", "DELETE", f"{_ISSUE}/properties/{{propertyKey}}")
def delete_issue_property(world: World, call: Call) -> Reply:
    return _removed(_of_issue(world, call, writes=True), call)


@properties("getCommentPropertyKeys", "GET", _COMMENT)
def comment_property_keys(world: World, call: Call) -> Reply:
    return _keys(_of_comment(world, call, writes=False))


@properties("getCommentProperty", "GET", f"{_COMMENT}/{{propertyKey}}")
def comment_property(world: World, call: Call) -> Reply:
    return _value(_of_comment(world, call, writes=False), call)


@properties("setCommentProperty", "PUT", f"{_COMMENT}/{{propertyKey}}")
def set_comment_property(world: World, call: Call) -> Reply:
    return _put(_of_comment(world, call, writes=True), call)


@properties("deleteCommentProperty", "DELETE", f"{_COMMENT}/{{propertyKey}}")
def delete_comment_property(world: World, call: Call) -> Reply:
    return _removed(_of_comment(world, call, writes=True), call)


def _of_issue(world: World, call: Call, *, writes: bool) -> _Holder:
    state = world.jira.state
    issue = visible_issue(state, call.caller, call.params["issueIdOrKey"])
    if writes and not may(call.caller, state.projects[issue.project], "EDIT_ISSUES"):
        raise refusal(403, "You do not have permission to edit issues in this project.")
    return _Holder(issue.properties, f"{world.base_url}/rest/api/3/issue/{issue.id}/properties")


def _of_comment(world: World, call: Call, *, writes: bool) -> _Holder:
    state, wanted = world.jira.state, call.params["commentId"]
    for issue in state.issues.values():
        for comment in issue.comments:
            if comment.id == wanted and may(call.caller, state.projects[issue.project], "BROWSE_PROJECTS"):
                if writes and comment.author != call.caller:
                    raise refusal(403, "You do not have permission to edit this comment.")
                return _Holder(comment.properties, f"{world.base_url}/rest/api/3/comment/{comment.id}/properties")
    raise refusal(404, f"Can not find a comment for the id: {wanted}.")


def _keys(holder: _Holder) -> Reply:
    return Reply(200, {"keys": [{"self": f"{holder.url}/{key}", "key": key} for key in holder.values]})


def _value(holder: _Holder, call: Call) -> Reply:
    key = call.params["propertyKey"]
    if key not in holder.values:
        raise refusal(404, f"The property with key '{key}' does not exist.")
    return Reply(200, {"key": key, "value": holder.values[key]})


def _put(holder: _Holder, call: Call) -> Reply:
    key = call.params["propertyKey"]
    try:
        value = json.loads(call.body)
        check_property(key, value)
    except ValueError:
        raise refusal(400, "The property value must be valid, non-empty JSON.") from None
    except FieldError as error:
        raise refusal(400, error.message) from error
    status = 200 if key in holder.values else 201
    holder.values[key] = value
    return Reply(status, {})


def _removed(holder: _Holder, call: Call) -> Reply:
    key = call.params["propertyKey"]
    if key not in holder.values:
        raise refusal(404, f"The property with key '{key}' does not exist.")
    del holder.values[key]
    return Reply(204)


@comments("getComments", "GET", f"{_ISSUE}/comment")
def issue_comments(world: World, call: Call) -> Reply:
    issue = visible_issue(world.jira.state, call.caller, call.params["issueIdOrKey"])
    start, size, order = call.one("startAt", "0"), call.one("maxResults", "100"), call.one("orderBy", "created")
    if order not in {"created", "+created", "-created"} or not start.isdecimal() or not size.isdecimal():
        raise refusal(400, "orderBy must be created, startAt and maxResults must be numbers.")
    shown = sorted(issue.comments, key=lambda comment: comment.created_at, reverse=order.startswith("-"))
    page = shown[int(start) : int(start) + int(size)]
    body: JsonObject = {"startAt": int(start), "maxResults": int(size), "total": len(issue.comments)}
    body["comments"] = [_shown(world, call, issue, comment) for comment in page]
    return Reply(200, body)


@comments("getComment", "GET", f"{_ISSUE}/comment/{{id}}")
def issue_comment(world: World, call: Call) -> Reply:
    issue = visible_issue(world.jira.state, call.caller, call.params["issueIdOrKey"])
    for comment in issue.comments:
        if comment.id == call.params["id"]:
            return Reply(200, _shown(world, call, issue, comment))
    raise refusal(404, f"Can not find a comment for the id: {call.params['id']}.")


@comments("addComment", "POST", f"{_ISSUE}/comment")
def add_comment(world: World, call: Call) -> Reply:
    state = world.jira.state
    issue = visible_issue(state, call.caller, call.params["issueIdOrKey"])
    project = state.projects[issue.project]
    if not may(call.caller, project, "ADD_COMMENTS"):
        raise refusal(403, "You do not have the permission to comment on this issue.")
    sent = read_json(call)
    try:
        body = _checked_body(Setting(state, project, "comment", world.strict_adf), sent.get("body"))
        held = read_properties(sent.get("properties", []))
    except FieldError as error:
        named = {} if error.whole else {"comment": error.message}
        raise refusal(400, *([error.message] if error.whole else []), errors=named, hint=error.hint) from error
    comment = Comment(world.jira.comment_id(), call.caller, body, world.timeline.now(), held)
    issue.comments.append(comment)
    world.jira.keep_changed(issue, issue.fields)
    return Reply(201, _shown(world, call, issue, comment))


def _checked_body(setting: Setting, body: Json) -> JsonObject:
    checked: JsonObject | None = check_document(setting, body)
    if checked is None or not checked["content"]:
        raise FieldError("Comment body can not be empty!")
    return checked


def _shown(world: World, call: Call, issue: Issue, comment: Comment) -> JsonObject:
    renderer = Renderer(world.jira.state, world.base_url)
    return renderer.comment(issue, comment, with_properties="properties" in call.listed("expand"))
