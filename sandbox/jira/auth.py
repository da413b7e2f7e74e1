"""Authentication and permissions: Basic authentication with an e-mail and an API token, or an anonymous caller.

https://developer.atlassian.com/cloud/jira/platform/basic-auth-for-rest-apis/
"""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import replace

from sandbox.http.messages import Call, Reply
from sandbox.jira.errors import no_issue, no_project, not_authenticated
from sandbox.jira.gateway import HEADER
from sandbox.jira.jira import Jira
from sandbox.jira.state import Issue, JiraState, Project, User


def optional_user(jira: Jira, call: Call) -> str:
    """The caller's account id; empty without credentials, 401 for wrong ones."""
    header, through_gateway = call.headers.get("authorization", ""), HEADER in call.headers
    if not header and not through_gateway:
        return ""
    kind, _, value = header.partition(" ")
    if kind.lower() != "basic":
        raise not_authenticated(credentials_sent=True)
    try:
        email, _, token = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise not_authenticated(credentials_sent=True) from None
    for user in jira.state.users.values():
        known = user.scoped_token if through_gateway else user.token
        if token and known == token and user.email.casefold() == email.casefold() and user.active:
            return user.account_id
    raise not_authenticated(credentials_sent=True)


def required_user(jira: Jira, call: Call) -> str:
    """The caller's account id; 401 without credentials or for wrong ones."""
    account_id = optional_user(jira, call)
    if not account_id:
        raise not_authenticated(credentials_sent=False)
    return account_id


def named(jira: Jira, caller: str, reply: Reply) -> Reply:
    """
    The reply with the header that names the caller to whom it was given; an anonymous one has no name.

    https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#special-request-headers
    """
    return replace(reply, headers={"X-AAccountId": caller, **reply.headers}) if caller and jira.names_callers else reply


def has_permission(caller: str, project: Project, permission: str) -> bool:
    """Whether the caller has a project permission; anonymous callers have none."""
    return bool(caller) and permission in project.permissions


def can_be_assigned(user: User, project: Project) -> bool:
    """Whether issues of the project can be assigned to the user."""
    permitted = "ASSIGNABLE_USER" in project.permissions and user.account_id not in project.not_assignable
    return permitted and user.active and user.kind == "atlassian"


def visible_project(state: JiraState, caller: str, id_or_key: str) -> Project:
    project = state.project_of(id_or_key)
    if project is None or not has_permission(caller, project, "BROWSE_PROJECTS"):
        raise no_project(id_or_key)
    return project


def visible_issue(state: JiraState, caller: str, id_or_key: str) -> Issue:
    """The issue; 404 if it does not exist or the caller may not see it, which Jira does not distinguish."""
    for issue in visible_issues(state, caller, [id_or_key]).values():
        return issue
    raise no_issue()


def visible_issues(state: JiraState, caller: str, ids_or_keys: Iterable[str]) -> dict[int, Issue]:
    """Those of the issues that exist and that the caller may see, by id, each once."""
    found = filter(None, map(state.find, ids_or_keys))
    return {
        issue.id: issue for issue in found if has_permission(caller, state.projects[issue.project], "BROWSE_PROJECTS")
    }
