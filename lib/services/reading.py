"""Google for notebooks: an analyst's cell can read with it, and there is nothing in it that writes."""

import asyncio
from collections.abc import Sequence

from lib.services.google_api import GoogleApi
from lib.services.models import CellValue, DriveFile, RangeValues, Spreadsheet


class GoogleReader:
    """The reading methods of `GoogleApi`, as coroutines; each raises what that one raises."""

    __slots__ = ("__api",)

    def __init__(self, api: GoogleApi) -> None:
        self.__api = api

    async def read_spreadsheet(self, spreadsheet_id: str) -> Spreadsheet:
        """The spreadsheet without its cells."""
        return await asyncio.to_thread(self.__api.read_spreadsheet, spreadsheet_id)

    async def read_values(self, spreadsheet_id: str, tab: str) -> list[list[CellValue]]:
        """The values of a tab's cells."""
        return await asyncio.to_thread(self.__api.read_values, spreadsheet_id, tab)

    async def read_texts(self, spreadsheet_id: str, tab: str) -> list[list[str]]:
        """The cells of a tab as people see them."""
        return await asyncio.to_thread(self.__api.read_texts, spreadsheet_id, tab)

    async def read_ranges(self, spreadsheet_id: str, ranges: Sequence[str]) -> list[RangeValues]:
        """Several ranges at once."""
        return await asyncio.to_thread(self.__api.read_ranges, spreadsheet_id, ranges)

    async def find_files(self, folder_ids: Sequence[str]) -> list[DriveFile]:
        """The files in these Drive folders."""
        return await asyncio.to_thread(self.__api.find_files, folder_ids)
