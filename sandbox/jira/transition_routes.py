"""Transitions of issues from one status to another.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-issueidorkey-transitions-get
"""

from sandbox.http.messages import Call, JsonObject, Reply
from sandbox.http.operations import Operations
from sandbox.jira.auth import has_permission, optional_user, visible_issue
from sandbox.jira.errors import UnsupportedError, refusal
from sandbox.jira.fields import not_on_screen
from sandbox.jira.issue_routes import read_json
from sandbox.jira.jira import Jira
from sandbox.jira.render import Renderer
from sandbox.jira.state import Issue, Transition

transitions = Operations(authenticate=optional_user)

_TRANSITIONS = "/rest/api/3/issue/{issueIdOrKey}/transitions"
_EXPLAINED = {
    "expand",
    "transitionId",
    "skipRemoteOnlyCondition",
    "includeUnavailableTransitions",
    "sortByOpsBarAndStatus",
}


@transitions("getTransitions", "GET", _TRANSITIONS)
def get_transitions(jira: Jira, call: Call) -> Reply:
    issue = visible_issue(jira.state, call.caller, call.params["issueIdOrKey"])
    if call.one("expand") or call.flag("includeUnavailableTransitions"):
        raise UnsupportedError("expand and includeUnavailableTransitions of transitions")
    if unknown := {name for name, _ in call.query} - _EXPLAINED:
        raise UnsupportedError(f"{', '.join(sorted(unknown))} of transitions")
    wanted, renderer = call.one("transitionId"), Renderer(jira.state, jira.base_url)
    shown = [_shown(renderer, one) for one in _open_to(jira, call, issue) if wanted in ("", one.id)]
    return Reply(200, {"expand": "transitions", "transitions": shown})


@transitions("doTransition", "POST", _TRANSITIONS)
def do_transition(jira: Jira, call: Call) -> Reply:
    issue = visible_issue(jira.state, call.caller, call.params["issueIdOrKey"])
    body = read_json(call)
    if unsupported := {"historyMetadata", "properties"} & body.keys():
        raise UnsupportedError(f"{', '.join(sorted(unsupported))} in a transition")
    wanted = (body.get("transition") or {}).get("id") if isinstance(body.get("transition"), dict) else None
    if not wanted:
        raise refusal(400, "Missing 'transition' identifier")
    found = next((one for one in _open_to(jira, call, issue) if one.id == str(wanted)), None)
    if found is None:
        raise refusal(
            400,
            "It seems that you have tried to perform an illegal workflow operation, which is not valid for the current "
            f"state of this issue: {wanted}.",
        )
    given = [*(body.get("fields") or {}), *(body.get("update") or {})]
    errors = {name: not_on_screen(name) for name in given if name not in found.required}
    errors |= {name: f"{name.title()} is required." for name in found.required if name not in given}
    if errors | (call.refused.get(0) or {}):
        raise refusal(400, errors=errors | (call.refused.get(0) or {}))
    if given:
        raise UnsupportedError("fields of a transition's screen")
    jira.store_fields(issue, {**issue.fields, "status": {"id": found.to}}, call.caller)
    return Reply(204)


def _open_to(jira: Jira, call: Call, issue: Issue) -> list[Transition]:
    """The transitions that the caller may perform from the issue's status."""
    if not has_permission(call.caller, jira.state.projects[issue.project], "TRANSITION_ISSUES"):
        return []
    status = issue.fields["status"]["id"]
    return [one for one in jira.state.transitions if not one.sources or status in one.sources]


def _shown(renderer: Renderer, one: Transition) -> JsonObject:
    return {
        "id": one.id,
        "name": one.name,
        "to": renderer.status(one.to),
        "hasScreen": bool(one.required),
        "isGlobal": not one.sources,
        "isInitial": False,
        "isAvailable": True,
        "isConditional": False,
    }
