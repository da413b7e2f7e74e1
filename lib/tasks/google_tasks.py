"""Prefect tasks for Google: one API call or one batch each.

Retries: twice after 30 seconds, with jitter and never before a server's Retry-After, and only when the service could not answer
(`lib.tasks.api_tasks`). Credentials: each task takes the name of a block and loads it itself; without such a block the environment
counts (`blocks.google_credentials`).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from blocks.google_credentials import GoogleCredentials
from blocks.loading import load
from blocks.names import GOOGLE_BLOCK
from lib.services import rate_limits
from lib.services.google_api import GoogleApi
from lib.services.models import CellValue, DriveFile, RangeValues, Spreadsheet
from lib.tasks.api_tasks import api_task


async def _api(block_name: str) -> GoogleApi:
    return (await load(GoogleCredentials, block_name)).get_client()


@api_task("google.connection.test", rate_limits.SHEETS_READS)
async def test_connection(credentials_block_name: str = GOOGLE_BLOCK) -> dict[str, Any]:
    """
    Ask whether Google lets us in.

    Raises:
        WorkflowError: It does not, or could not say just now; tried again as any other call.
    """
    block = await load(GoogleCredentials, credentials_block_name)
    return await asyncio.to_thread(block.check_connection)


@api_task("google.drive.find-files", rate_limits.DRIVE)
async def find_files(folder_ids: Sequence[str], credentials_block_name: str = GOOGLE_BLOCK) -> list[DriveFile]:
    """Spreadsheets, Excel files and shortcuts to them, right in any of the folders."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.find_files, folder_ids)


@api_task("google.drive.read-version", rate_limits.DRIVE)
async def read_version(file_id: str, credentials_block_name: str = GOOGLE_BLOCK) -> str:
    """The file's version, which grows with every change to it."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_version, file_id)


@api_task("google.sheets.read-metadata", rate_limits.SHEETS_READS)
async def read_metadata(spreadsheet_id: str, credentials_block_name: str = GOOGLE_BLOCK) -> Spreadsheet:
    """Title, locale, tabs, merged cells and named ranges of a spreadsheet."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_spreadsheet, spreadsheet_id)


@api_task("google.sheets.read-data", rate_limits.SHEETS_READS)
async def read_data(spreadsheet_id: str, tab: str, credentials_block_name: str = GOOGLE_BLOCK) -> list[list[CellValue]]:
    """All cells of a tab as stored: one ragged list per sheet row; dates are serial numbers."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_values, spreadsheet_id, tab)


@api_task("google.sheets.read-texts", rate_limits.SHEETS_READS)
async def read_texts(spreadsheet_id: str, tab: str, credentials_block_name: str = GOOGLE_BLOCK) -> list[list[str]]:
    """All cells of a tab as people see them: one ragged list per sheet row."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_texts, spreadsheet_id, tab)


@api_task("google.sheets.read-ranges", rate_limits.SHEETS_READS)
async def read_ranges(
    spreadsheet_id: str, ranges: Sequence[str], credentials_block_name: str = GOOGLE_BLOCK
) -> list[RangeValues]:
    """Ranges of a spreadsheet, named ones too, as they are at one moment."""
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.read_ranges, spreadsheet_id, ranges)


@api_task("google.sheets.write-column", rate_limits.SHEETS_WRITES)
async def write_column(
    spreadsheet_id: str, named_range: str, texts: Sequence[str | None], credentials_block_name: str = GOOGLE_BLOCK
) -> None:
    """Write texts down a named range of one column, wherever it is by now: the claims of one plan, in one request."""
    api = await _api(credentials_block_name)
    await asyncio.to_thread(api.write_column, spreadsheet_id, named_range, texts)


@api_task("google.sheets.write-keys", rate_limits.SHEETS_WRITES)
async def write_keys(
    spreadsheet_id: str, requests: Sequence[Mapping[str, Any]], credentials_block_name: str = GOOGLE_BLOCK
) -> list[dict[str, Any]]:
    """
    Apply requests to a spreadsheet in order, all or none: the keys of one plan by find and replace, its lock, its Key column.

    Returns their replies in that order.
    """
    api = await _api(credentials_block_name)
    return await asyncio.to_thread(api.update, spreadsheet_id, requests)


class GoogleTasks:
    """`lib.services.models.Google` by these tasks: each call is a task run with its own retries, seen in Prefect."""

    def __init__(self, credentials_block_name: str, retry_delay_s: float) -> None:
        self._block = credentials_block_name
        self._delay_s = retry_delay_s

    async def test_connection(self) -> dict[str, Any]:
        return await test_connection.with_options(retry_delay_seconds=self._delay_s)(self._block)

    async def find_files(self, folder_ids: Sequence[str]) -> list[DriveFile]:
        return await find_files.with_options(retry_delay_seconds=self._delay_s)(folder_ids, self._block)

    async def read_version(self, file_id: str) -> str:
        return await read_version.with_options(retry_delay_seconds=self._delay_s)(file_id, self._block)

    async def read_spreadsheet(self, spreadsheet_id: str) -> Spreadsheet:
        return await read_metadata.with_options(retry_delay_seconds=self._delay_s)(spreadsheet_id, self._block)

    async def read_values(self, spreadsheet_id: str, tab: str) -> list[list[CellValue]]:
        return await read_data.with_options(retry_delay_seconds=self._delay_s)(spreadsheet_id, tab, self._block)

    async def read_texts(self, spreadsheet_id: str, tab: str) -> list[list[str]]:
        return await read_texts.with_options(retry_delay_seconds=self._delay_s)(spreadsheet_id, tab, self._block)

    async def read_ranges(self, spreadsheet_id: str, ranges: Sequence[str]) -> list[RangeValues]:
        return await read_ranges.with_options(retry_delay_seconds=self._delay_s)(spreadsheet_id, ranges, self._block)

    async def write_column(self, spreadsheet_id: str, named_range: str, texts: Sequence[str | None]) -> None:
        task = write_column.with_options(retry_delay_seconds=self._delay_s)
        await task(spreadsheet_id, named_range, texts, self._block)

    async def update(self, spreadsheet_id: str, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        return await write_keys.with_options(retry_delay_seconds=self._delay_s)(spreadsheet_id, requests, self._block)
