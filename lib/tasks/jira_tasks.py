"""Prefect tasks for Jira: one API call or one batch each, what it takes and returns as the client's method says.

Retries: twice after 30 seconds, with jitter and never before a server's Retry-After, and only when nothing was written
(`lib.tasks.api_tasks`): a create whose answer was lost is settled by reading, never run again. Credentials: each task takes the
name of a block and loads it itself; without such a block the environment counts (`blocks.jira_credentials`).
"""

from typing import cast

from blocks.jira_credentials import JiraCredentials
from blocks.loading import load
from lib.services.jira_api import JiraApi
from lib.services.models import Jira
from lib.services.rate_limits import JIRA_READS, JIRA_WRITES
from lib.tasks.api_tasks import ClientOfTasks, acquire, api_task


async def block(name: str) -> JiraCredentials:
    """The credentials of that name."""
    return await load(JiraCredentials, name)


async def api(block_name: str) -> JiraApi:
    """The client of the credentials of that name."""
    return (await block(block_name)).get_client()


test_connection = api_task("jira.connection.test", block, JIRA_READS)(JiraCredentials.check_connection)
read_myself = api_task("jira.account.read-myself", api, JIRA_READS)(JiraApi.read_myself)
read_permissions = api_task("jira.account.read-permissions", api, JIRA_READS)(JiraApi.read_permissions)
read_assignable = api_task("jira.account.read-assignable", api, JIRA_READS)(JiraApi.read_assignable)
read_active_accounts = api_task("jira.account.read-active", api, JIRA_READS)(JiraApi.read_active_accounts)
read_fields = api_task("jira.project.read-fields", api, JIRA_READS)(JiraApi.read_fields)
read_components = api_task("jira.project.read-components", api, JIRA_READS)(JiraApi.read_components)
read_field_names = api_task("jira.field.read-names", api, JIRA_READS)(JiraApi.read_field_names)
find_issues = api_task("jira.issue.find", api, JIRA_READS)(JiraApi.search)
read_issues = api_task("jira.issue.read", api, JIRA_READS)(JiraApi.fetch)
create_issue = api_task("jira.issue.create", api, JIRA_WRITES)(JiraApi.create)  # offered; flows create in bulk
# Its caller acquires the limit, waits and tries again: it first looks whether it still may.
create_issues = api_task("jira.issue.bulk-create", api, retries=0)(JiraApi.create_in_bulk)
set_issue_labels = api_task("jira.issue.set-labels", api, JIRA_WRITES)(JiraApi.set_labels)
read_states = api_task("jira.issue.read-states", api, JIRA_READS)(JiraApi.read_states)
read_updated = api_task("jira.issue.read-updated", api, JIRA_READS)(JiraApi.read_updated)
read_edits = api_task("jira.issue.read-edits", api, JIRA_READS)(JiraApi.read_edits)
update_issue = api_task("jira.issue.update", api, JIRA_WRITES)(JiraApi.update_issue)
read_transitions = api_task("jira.issue.read-transitions", api, JIRA_READS)(JiraApi.read_transitions)
transition = api_task("jira.issue.transition", api, JIRA_WRITES)(JiraApi.transition)
read_change_hashes = api_task("jira.comment.read-hashes", api, JIRA_READS)(JiraApi.read_change_hashes)
add_comment = api_task("jira.comment.add", api, JIRA_WRITES)(JiraApi.add_comment)


class _Jira(ClientOfTasks):
    async def acquire_to_create(self) -> None:
        await acquire(JIRA_WRITES)


def client(credentials_block_name: str, retry_delay_s: float) -> Jira:
    """Jira by these tasks."""
    return cast("Jira", _Jira(globals().values(), credentials_block_name, retry_delay_s))
