"""Google for notebooks: an analyst's cell can read with it, and there is nothing in it that writes."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate

from lib.services.google_api import GoogleApi


def _in_thread[**P, Answer](
    method: Callable[Concatenate[GoogleApi, P], Answer],
) -> Callable[Concatenate["GoogleReader", P], Coroutine[Any, Any, Answer]]:
    @functools.wraps(method)
    async def call(reader: "GoogleReader", /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        api: GoogleApi = reader._GoogleReader__api  # type: ignore[attr-defined]  # noqa: SLF001  # cells must not reach it
        return await asyncio.to_thread(method, api, *args, **kwargs)

    return call


class GoogleReader:
    """The reading methods of `GoogleApi`, as coroutines; each returns and raises what that one does."""

    __slots__ = ("__api",)

    def __init__(self, api: GoogleApi) -> None:
        self.__api = api

    read_spreadsheet = _in_thread(GoogleApi.read_spreadsheet)
    read_texts = _in_thread(GoogleApi.read_texts)
    read_tab = _in_thread(GoogleApi.read_tab)
    find_files = _in_thread(GoogleApi.find_files)
