"""The site: the caller, permissions, fields, components and create screens.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-myself/ and its neighbours
"""

from sandbox.http.messages import Call, JsonObject, Reply
from sandbox.http.operations import Operations
from sandbox.jira.auth import has_permission, optional_user, required_user, visible_issue, visible_project
from sandbox.jira.errors import refusal
from sandbox.jira.fields import FIELDS
from sandbox.jira.jira import ALL_PERMISSIONS, Jira
from sandbox.jira.render import Renderer, timestamp
from sandbox.jira.state import Project

open_to_all = Operations(authenticate=optional_user)
signed_in_only = Operations(authenticate=required_user)

MAX_META_PAGE = 200
_GLOBAL_PERMISSIONS = ("ADMINISTER", "BULK_CHANGE", "CREATE_PROJECT", "USER_PICKER", "SYSTEM_ADMIN")
_GRANTED_GLOBALLY = {"USER_PICKER"}
_OTHER_PERMISSIONS = ("ADMINISTER_PROJECTS", "DELETE_ALL_COMMENTS", "EDIT_ALL_COMMENTS", "MOVE_ISSUES")


@open_to_all("getServerInfo", "GET", "/rest/api/3/serverInfo")
def server_info(jira: Jira, _call: Call) -> Reply:
    body = {
        "baseUrl": jira.base_url,
        "version": "1001.0.0-SNAPSHOT",
        "versionNumbers": [1001, 0, 0],
        "deploymentType": "Cloud",
        "buildNumber": 100_000,
        "buildDate": "2026-06-30T09:00:00.000+0700",
        "serverTime": timestamp(jira.now()),
        "scmInfo": "sandbox",
        "serverTitle": "Sandbox",
        "serverTimeZone": "Asia/Jakarta",
    }
    return Reply(200, body)


@signed_in_only("getCurrentUser", "GET", "/rest/api/3/myself")
def myself(jira: Jira, call: Call) -> Reply:
    user = jira.state.users[call.caller]
    return Reply(200, Renderer(jira.state, jira.base_url).user_details(user, own=True))


@open_to_all("getMyPermissions", "GET", "/rest/api/3/mypermissions")
def my_permissions(jira: Jira, call: Call) -> Reply:
    names = call.listed("permissions")
    if not names:
        raise refusal(400, "The 'permissions' query parameter is required.")
    known = {*ALL_PERMISSIONS, *_OTHER_PERMISSIONS, *_GLOBAL_PERMISSIONS}
    unknown = [key for key in names if key not in known]
    if unknown:
        raise refusal(400, f"Unrecognized permissions: {', '.join(unknown)}")
    projects = _context(jira, call)
    permissions = {}
    for number, key in enumerate(names, start=1):
        everywhere = key in _GLOBAL_PERMISSIONS
        have = bool(call.caller) and key in _GRANTED_GLOBALLY
        have = have if everywhere else any(has_permission(call.caller, project, key) for project in projects)
        permissions[key] = {
            "id": str(number),
            "key": key,
            "name": key.replace("_", " ").title(),
            "type": "GLOBAL" if everywhere else "PROJECT",
            "description": "",
            "havePermission": have,
        }
    return Reply(200, {"permissions": permissions})


def _context(jira: Jira, call: Call) -> list[Project]:
    """The project that the request names, or every project."""
    state = jira.state
    issue_key, project_key = (
        call.one("issueId") or call.one("issueKey"),
        call.one("projectId") or call.one("projectKey"),
    )
    if issue_key:
        return [state.projects[visible_issue(state, call.caller, issue_key).project]]
    if project_key:
        return [visible_project(state, call.caller, project_key)]
    return list(state.projects.values())


@open_to_all("getFields", "GET", "/rest/api/3/field")
def fields(_jira: Jira, call: Call) -> Reply:
    shown = [field for field in FIELDS.values() if call.caller or "custom" not in field.schema]
    listed = [
        {
            "id": field.id,
            "key": field.id,
            "name": field.name,
            "custom": "custom" in field.schema,
            "orderable": field.settable,
            "navigable": field.id != "comment",
            "searchable": bool(field.jql_names),
            "clauseNames": list(field.jql_names),
            "schema": field.schema,
        }
        for field in shown
    ]
    return Reply(200, listed)


@open_to_all("getProjectComponents", "GET", "/rest/api/3/project/{projectIdOrKey}/components")
def components(jira: Jira, call: Call) -> Reply:
    found = visible_project(jira.state, call.caller, call.params["projectIdOrKey"])
    renderer = Renderer(jira.state, jira.base_url)
    return Reply(200, [renderer.component(found, component) for component in found.components])


@signed_in_only(
    "getCreateIssueMetaIssueTypeId", "GET", "/rest/api/3/issue/createmeta/{projectIdOrKey}/issuetypes/{issueTypeId}"
)
def create_meta_fields(jira: Jira, call: Call) -> Reply:
    found = _creatable(jira, call)
    kind = next((kind for kind in found.issue_types if kind.id == call.params["issueTypeId"]), None)
    if kind is None:
        raise refusal(404, f"Issue type with ID '{call.params['issueTypeId']}' does not exist in the project.")
    renderer = Renderer(jira.state, jira.base_url)
    return _page(call, "fields", [renderer.create_field(found, kind, FIELDS[name]) for name in kind.screen])


def _creatable(jira: Jira, call: Call) -> Project:
    found = visible_project(jira.state, call.caller, call.params["projectIdOrKey"])
    if not has_permission(call.caller, found, "CREATE_ISSUES"):
        raise refusal(400, "You do not have permission to create issues in this project.")
    return found


def _page(call: Call, name: str, items: list[JsonObject]) -> Reply:
    start, size = call.one("startAt", "0"), call.one("maxResults", "50")
    if not start.isdecimal() or not size.isdecimal() or int(size) > MAX_META_PAGE:
        raise refusal(400, f"maxResults must be a number of at most {MAX_META_PAGE}, startAt a number.")
    page = items[int(start) : int(start) + int(size)]
    return Reply(200, {"maxResults": int(size), "startAt": int(start), "total": len(items), name: page})
