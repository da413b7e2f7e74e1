"""Authentication and permissions: Basic authentication with an e-mail and an API token, or an anonymous caller.

https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/
"""

import base64
import binascii

from sandbox.http.wire import Call
from sandbox.jira.jira_errors import no_issue, no_project, not_authenticated
from sandbox.jira.jira_state import Issue, JiraState, Project
from sandbox.world import World


def optional_user(world: World, call: Call) -> str:
    """The caller's account id; empty without credentials, 401 for wrong ones."""
    header = call.headers.get("authorization", "")
    if not header:
        return ""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        raise not_authenticated(credentials_sent=True)
    try:
        email, _, token = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise not_authenticated(credentials_sent=True) from None
    for user in world.jira.state.users.values():
        if token and user.token == token and user.email.casefold() == email.casefold() and user.active:
            return user.account_id
    raise not_authenticated(credentials_sent=True)


def required_user(world: World, call: Call) -> str:
    """The caller's account id; 401 without credentials or for wrong ones."""
    account_id = optional_user(world, call)
    if not account_id:
        raise not_authenticated(credentials_sent=False)
    return account_id


def has_permission(caller: str, project: Project, permission: str) -> bool:
    """Whether the caller has a project permission; anonymous callers have none."""
    return bool(caller) and permission in project.permissions


def visible_project(state: JiraState, caller: str, id_or_key: str) -> Project:
    project = state.project_of(id_or_key)
    if project is None or not has_permission(caller, project, "BROWSE_PROJECTS"):
        raise no_project(id_or_key)
    return project


def visible_issue(state: JiraState, caller: str, id_or_key: str) -> Issue:
    """The issue; 404 if it does not exist or the caller may not see it, which Jira does not distinguish."""
    issue = state.find(id_or_key)
    if issue is None or not has_permission(caller, state.projects[issue.project], "BROWSE_PROJECTS"):
        raise no_issue()
    return issue
