"""Prefect tasks for Jira: one API call or one batch each.

Retries: twice after 30 seconds, with jitter and never before a server's Retry-After, and only when nothing was written
(`lib.tasks.api_tasks`): a create whose answer was lost is settled by reading, never run again. Credentials: each task takes the
name of a block and loads it itself; without such a block the environment counts (`blocks.jira_credentials`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from blocks.jira_credentials import JiraCredentials
from blocks.loading import load
from blocks.names import JIRA_BLOCK
from lib.services import rate_limits
from lib.services.jira_api import JiraApi
from lib.services.models import Account, BulkAnswer, CreateField, Issue
from lib.tasks.api_tasks import acquire, api_task


async def _api(block_name: str) -> JiraApi:
    return (await load(JiraCredentials, block_name)).get_client()


@api_task("jira.connection.test", rate_limits.JIRA_READS)
async def test_connection(credentials_block_name: str = JIRA_BLOCK) -> dict[str, Any]:
    """
    Ask whether Jira knows us.

    Raises:
        WorkflowError: It does not, or could not say just now; tried again as any other call.
    """
    block = await load(JiraCredentials, credentials_block_name)
    return await asyncio.to_thread(block.check_connection)


@api_task("jira.account.read-myself", rate_limits.JIRA_READS)
async def read_myself(credentials_block_name: str = JIRA_BLOCK) -> Account:
    """The account that Jira takes us for: read before a search is believed."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_myself)


@api_task("jira.account.read-permissions", rate_limits.JIRA_READS)
async def read_permissions(
    project_key: str, names: Sequence[str], credentials_block_name: str = JIRA_BLOCK
) -> set[str]:
    """Which of the named permissions we have in the project."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_permissions, project_key, names)


@api_task("jira.project.read-fields", rate_limits.JIRA_READS)
async def read_fields(
    project_key: str, issue_type_id: str, credentials_block_name: str = JIRA_BLOCK
) -> list[CreateField]:
    """The fields of the project's create screen for an issue type (createmeta)."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_fields, project_key, issue_type_id)


@api_task("jira.issue.find", rate_limits.JIRA_READS)
async def find_issues(jql: str, limit: int | None = None, credentials_block_name: str = JIRA_BLOCK) -> list[str]:
    """Ids of the issues that match; the index lags behind what was just made."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(lambda: api.search(jql, limit=limit))


@api_task("jira.issue.read", rate_limits.JIRA_READS)
async def read_issues(ids_or_keys: Sequence[str], credentials_block_name: str = JIRA_BLOCK) -> list[Issue]:
    """At most 100 issues by id or key, from the records and not from the index."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.fetch, ids_or_keys)


@api_task("jira.issue.create", rate_limits.JIRA_WRITES)
async def create_issue(fields: Mapping[str, Any], credentials_block_name: str = JIRA_BLOCK) -> str:
    """Make one issue and return its key; flows make theirs in bulk."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.create, fields)


@api_task("jira.issue.bulk-create", retries=0)  # the maker waits and tries again: it first looks whether it still may
async def create_issues(
    updates: Sequence[Mapping[str, Any]], send_before: float | None = None, credentials_block_name: str = JIRA_BLOCK
) -> BulkAnswer:
    """Make at most 45 issues in one request, unless `send_before` (of this process's `time.monotonic()`) has passed."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(lambda: api.create_in_bulk(updates, send_before=send_before))


@api_task("jira.project.read-components", rate_limits.JIRA_READS)
async def read_components(project_key: str, credentials_block_name: str = JIRA_BLOCK) -> dict[str, str]:
    """The project's components, id -> name."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_components, project_key)


@api_task("jira.field.read-names", rate_limits.JIRA_READS)
async def read_field_names(credentials_block_name: str = JIRA_BLOCK) -> dict[str, str]:
    """All fields of the site, id -> name."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_field_names)


@api_task("jira.account.read-active", rate_limits.JIRA_READS)
async def read_active_accounts(account_ids: Sequence[str], credentials_block_name: str = JIRA_BLOCK) -> dict[str, bool]:
    """Account id -> whether it is active, for those of at most 100 accounts that exist."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_active_accounts, account_ids)


@api_task("jira.issue.set-labels", rate_limits.JIRA_WRITES)
async def set_issue_labels(
    key: str,
    add: Sequence[str],
    remove: Sequence[str],
    row: Mapping[str, Any] | None,
    credentials_block_name: str = JIRA_BLOCK,
) -> None:
    """Put a plan's labels on an issue or take them off, and let it remember its row; safe to repeat."""
    api = await _api(credentials_block_name)
    await asyncio.to_thread(lambda: api.set_labels(key, add=add, remove=remove, row=row))


@api_task("jira.comment.read-hashes", rate_limits.JIRA_READS)
async def read_change_hashes(key: str, credentials_block_name: str = JIRA_BLOCK) -> set[str]:
    """Hashes of the changes that comments on the issue already tell."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_change_hashes, key)


@api_task("jira.comment.add", rate_limits.JIRA_WRITES)
async def add_comment(
    key: str, body: Mapping[str, Any], change_hash: str, credentials_block_name: str = JIRA_BLOCK
) -> None:
    """Write one comment that carries the hash of the change it tells."""
    api = await _api(credentials_block_name)
    await asyncio.to_thread(api.add_comment, key, body, change_hash)


class JiraTasks:
    """`lib.services.models.Jira` by these tasks: each call is a task run with its own retries, seen in Prefect."""

    def __init__(self, credentials_block_name: str, retry_delay_s: float) -> None:
        self._block = credentials_block_name
        self._delay_s = retry_delay_s

    async def test_connection(self) -> dict[str, Any]:
        return await test_connection.with_options(retry_delay_seconds=self._delay_s)(self._block)

    async def read_myself(self) -> Account:
        return await read_myself.with_options(retry_delay_seconds=self._delay_s)(self._block)

    async def read_permissions(self, project_key: str, names: Sequence[str]) -> set[str]:
        return await read_permissions.with_options(retry_delay_seconds=self._delay_s)(project_key, names, self._block)

    async def read_fields(self, project_key: str, issue_type_id: str) -> list[CreateField]:
        return await read_fields.with_options(retry_delay_seconds=self._delay_s)(
            project_key, issue_type_id, self._block
        )

    async def search(self, jql: str, limit: int | None = None) -> list[str]:
        return await find_issues.with_options(retry_delay_seconds=self._delay_s)(jql, limit, self._block)

    async def fetch(self, ids_or_keys: Sequence[str]) -> list[Issue]:
        return await read_issues.with_options(retry_delay_seconds=self._delay_s)(ids_or_keys, self._block)

    async def acquire_to_create(self) -> None:
        await acquire(rate_limits.JIRA_WRITES)

    async def create_in_bulk(
        self, updates: Sequence[Mapping[str, Any]], send_before: float | None = None
    ) -> BulkAnswer:
        return await create_issues(updates, send_before, self._block)

    async def read_components(self, project_key: str) -> dict[str, str]:
        return await read_components.with_options(retry_delay_seconds=self._delay_s)(project_key, self._block)

    async def read_field_names(self) -> dict[str, str]:
        return await read_field_names.with_options(retry_delay_seconds=self._delay_s)(self._block)

    async def read_active_accounts(self, account_ids: Sequence[str]) -> dict[str, bool]:
        return await read_active_accounts.with_options(retry_delay_seconds=self._delay_s)(account_ids, self._block)

    async def set_labels(
        self, key: str, add: Sequence[str], remove: Sequence[str], row: Mapping[str, Any] | None = None
    ) -> None:
        await set_issue_labels.with_options(retry_delay_seconds=self._delay_s)(key, add, remove, row, self._block)

    async def read_change_hashes(self, key: str) -> set[str]:
        return await read_change_hashes.with_options(retry_delay_seconds=self._delay_s)(key, self._block)

    async def add_comment(self, key: str, body: Mapping[str, Any], change_hash: str) -> None:
        await add_comment.with_options(retry_delay_seconds=self._delay_s)(key, body, change_hash, self._block)
