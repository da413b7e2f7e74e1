"""Who is calling Jira: Basic authentication with an e-mail and an API token, or nobody.

https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/
"""

import base64
import binascii

from sandbox.http.wire import Call
from sandbox.jira.jira_errors import no_issue, no_project, not_authenticated
from sandbox.jira.jira_state import Issue, JiraState, Project
from sandbox.world import World


def anyone(world: World, call: Call) -> str:
    """The caller's account id, empty for an anonymous one; wrong credentials are refused, missing ones are not."""
    header = call.headers.get("authorization", "")
    if not header:
        return ""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        raise not_authenticated(tried=True)
    try:
        email, _, token = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise not_authenticated(tried=True) from None
    for user in world.jira.state.users.values():
        if token and user.token == token and user.email.casefold() == email.casefold() and user.active:
            return user.account_id
    raise not_authenticated(tried=True)


def someone(world: World, call: Call) -> str:
    """The caller's account id; anonymous callers are refused too."""
    account_id = anyone(world, call)
    if not account_id:
        raise not_authenticated(tried=False)
    return account_id


def may(caller: str, project: Project, permission: str) -> bool:
    """Whether the caller has a project permission; anonymous callers have none."""
    return bool(caller) and permission in project.permissions


def visible_project(state: JiraState, caller: str, id_or_key: str) -> Project:
    project = state.project_of(id_or_key)
    if project is None or not may(caller, project, "BROWSE_PROJECTS"):
        raise no_project(id_or_key)
    return project


def visible_issue(state: JiraState, caller: str, id_or_key: str) -> Issue:
    """The issue, if it exists and the caller may see it: Jira does not tell these two apart."""
    issue = state.find(id_or_key)
    if issue is None or not may(caller, state.projects[issue.project], "BROWSE_PROJECTS"):
        raise no_issue()
    return issue
