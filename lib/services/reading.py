"""Google and Jira for notebooks: an analyst's cell can read with them, and there is nothing in them that writes."""

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate

from lib.services.google_api import GoogleApi
from lib.services.jira_api import JiraApi


class _Reader[Api]:
    """Holds a client where cells must not reach it."""

    __slots__ = ("__api",)

    def __init__(self, api: Api) -> None:
        self.__api = api


def _in_thread[Api, **P, Answer](
    method: Callable[Concatenate[Api, P], Answer],
) -> Callable[Concatenate[_Reader[Api], P], Coroutine[Any, Any, Answer]]:
    @functools.wraps(method)
    async def call(reader: _Reader[Api], /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        api: Api = reader._Reader__api  # type: ignore[attr-defined]  # noqa: SLF001  # cells must not reach it
        return await asyncio.to_thread(method, api, *args, **kwargs)

    return call


class GoogleReader(_Reader[GoogleApi]):
    """The reading methods of `GoogleApi`, as coroutines; each returns and raises what that one does."""

    __slots__ = ()

    read_spreadsheet = _in_thread(GoogleApi.read_spreadsheet)
    read_texts = _in_thread(GoogleApi.read_texts)
    read_tab = _in_thread(GoogleApi.read_tab)
    find_files = _in_thread(GoogleApi.find_files)


class JiraReader(_Reader[JiraApi]):
    """What `JiraApi` reads of issues, as coroutines; each returns and raises what that one does."""

    __slots__ = ()

    fetch = _in_thread(JiraApi.fetch)
    read_states = _in_thread(JiraApi.read_states)
