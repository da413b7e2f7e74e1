"""Google and Jira for notebooks: an analyst's cell can read with them, and there is nothing in them that writes."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate

from lib.services.google_api import GoogleApi
from lib.services.jira_api import JiraApi


def _in_thread[Api, **P, Answer](
    method: Callable[Concatenate[Api, P], Answer], held_as: str
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, Answer]]:
    """The method of a client as a coroutine of a reader, which holds the client where cells must not reach it."""

    @functools.wraps(method)
    async def call(reader: Any, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        return await asyncio.to_thread(method, getattr(reader, held_as), *args, **kwargs)

    return call


class GoogleReader:
    """The reading methods of `GoogleApi`, as coroutines; each returns and raises what that one does."""

    __slots__ = ("__api",)
    _held_as = "_GoogleReader__api"

    def __init__(self, api: GoogleApi) -> None:
        self.__api = api

    read_spreadsheet = _in_thread(GoogleApi.read_spreadsheet, _held_as)
    read_texts = _in_thread(GoogleApi.read_texts, _held_as)
    read_tab = _in_thread(GoogleApi.read_tab, _held_as)
    find_files = _in_thread(GoogleApi.find_files, _held_as)


class JiraReader:
    """What `JiraApi` reads of issues, as coroutines; each returns and raises what that one does."""

    __slots__ = ("__api",)
    _held_as = "_JiraReader__api"

    def __init__(self, api: JiraApi) -> None:
        self.__api = api

    fetch = _in_thread(JiraApi.fetch, _held_as)
    read_states = _in_thread(JiraApi.read_states, _held_as)
