"""Issues.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
"""

import json

from sandbox.http.messages import Call, JsonObject, Reply
from sandbox.http.operations import Operations
from sandbox.jira.auth import has_permission, optional_user, visible_issue, visible_issues
from sandbox.jira.errors import BAD_PAYLOAD, ElementError, hint_header, refusal
from sandbox.jira.issue_writes import create, edit
from sandbox.jira.jira import Jira
from sandbox.jira.render import Renderer, current_view, field_ids
from sandbox.jira.state import Issue

issues = Operations(authenticate=optional_user)

MAX_BULK_CREATE, MAX_BULK_FETCH, MAX_WIDE_FETCH, MAX_PROPERTIES = 50, 100, 1000, 5
_MANY_VALUED = {"comment", "worklog", "attachment", "issuelinks", "subtasks"}
_HEAVY = {"changelog", "editmeta", "operations", "renderedFields", "transitions", "versionedRepresentations"}


def read_json(call: Call) -> JsonObject:
    """The request's body, which must be a JSON object."""
    if not call.headers.get("content-type", "").lower().startswith("application/json"):
        raise refusal(415, "Unsupported Media Type")
    try:
        body = json.loads(call.body)
    except ValueError:
        raise refusal(400, BAD_PAYLOAD) from None
    if not isinstance(body, dict):
        raise refusal(400, BAD_PAYLOAD)
    return body


def strings(body: JsonObject, name: str) -> list[str]:
    """A list of strings in a body; 400 if it is something else."""
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise refusal(400, BAD_PAYLOAD)
    return value


@issues("createIssue", "POST", "/rest/api/3/issue")
def create_issue(jira: Jira, call: Call) -> Reply:
    try:
        issue = create(jira, call, read_json(call), call.refused.get(0))
    except ElementError as error:
        raise error.refusal() from error
    return Reply(201, _created(jira, issue))


@issues("createIssues", "POST", "/rest/api/3/issue/bulk")
def create_issues(jira: Jira, call: Call) -> Reply:
    updates = read_json(call).get("issueUpdates")
    if not isinstance(updates, list) or not updates:
        raise refusal(400, BAD_PAYLOAD)
    if len(updates) > MAX_BULK_CREATE:
        raise refusal(400, f"The maximum number of issues that can be created in bulk is {MAX_BULK_CREATE}.")
    made: list[JsonObject] = []
    errors: list[JsonObject] = []
    hint = ""
    for number, update in enumerate(updates):
        try:
            made.append(_created(jira, create(jira, call, update, call.refused.get(number))))
        except ElementError as error:
            hint = hint or error.hint
            elements = {"errorMessages": error.messages, "errors": error.errors}
            errors.append({"status": 400, "elementErrors": elements, "failedElementNumber": number})
    return Reply(201 if made else 400, {"issues": made, "errors": errors}, hint_header(hint))


def _created(jira: Jira, issue: Issue) -> JsonObject:
    return {"id": str(issue.id), "key": issue.key, "self": f"{jira.base_url}/rest/api/3/issue/{issue.id}"}


@issues("bulkFetchIssues", "POST", "/rest/api/3/issue/bulkfetch")
def bulk_fetch_issues(jira: Jira, call: Call) -> Reply:
    body = read_json(call)
    wanted, fields, properties = strings(body, "issueIdsOrKeys"), strings(body, "fields"), strings(body, "properties")
    if not wanted:
        raise refusal(400, "At least one issue ID or key must be given.")
    most = MAX_WIDE_FETCH if _is_light(fields, strings(body, "expand")) else MAX_BULK_FETCH
    if len(wanted) > most:
        raise refusal(400, f"The number of issues requested must not exceed {most}.")
    if len(properties) > MAX_PROPERTIES:
        raise refusal(400, f"The number of issue properties must not exceed {MAX_PROPERTIES}.")
    state = jira.state
    found = visible_issues(state, call.caller, wanted)
    renderer, names = Renderer(state, jira.base_url), field_ids(fields, "*navigable")
    shown = [renderer.issue(current_view(found[number]), names, properties) for number in sorted(found)]
    return Reply(200, {"issueErrors": [], "issues": shown})


def _is_light(fields: list[str], expand: list[str]) -> bool:
    """Whether a request is one of those that may ask for 1,000 issues."""
    named = [name for name in fields if not name.startswith("-")]
    wild = any(name.startswith("*") or name in _MANY_VALUED for name in named)
    return bool(named) and len(named) <= 100 and not wild and not set(expand) & _HEAVY


@issues("getIssue", "GET", "/rest/api/3/issue/{issueIdOrKey}")
def get_issue(jira: Jira, call: Call) -> Reply:
    issue = visible_issue(jira.state, call.caller, call.params["issueIdOrKey"])
    names = field_ids(call.listed("fields"), "*all")
    body = Renderer(jira.state, jira.base_url).issue(current_view(issue), names, call.listed("properties"))
    return Reply(200, body)


@issues("editIssue", "PUT", "/rest/api/3/issue/{issueIdOrKey}")
def edit_issue(jira: Jira, call: Call) -> Reply:
    state = jira.state
    issue = visible_issue(state, call.caller, call.params["issueIdOrKey"])
    if not has_permission(call.caller, state.projects[issue.project], "EDIT_ISSUES"):
        raise refusal(403, "You do not have permission to edit issues in this project.")
    try:
        edit(jira, call, issue, read_json(call))
    except ElementError as error:
        raise error.refusal() from error
    if not call.flag("returnIssue"):
        return Reply(204)
    return Reply(200, Renderer(state, jira.base_url).issue(current_view(issue), field_ids([], "*all"), []))
