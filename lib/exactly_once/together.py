"""What several plans ask for at about the same time, asked for once: one look at Jira serves all plans that wait for one."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from lib.errors import WorkflowError

_GATHERINGS = 5


@dataclass(eq=False)
class _Waiting[Ask, Answer]:
    """One who asked; `answers` holds the answer once there is one, `alone` is whether it is to be answered by itself."""

    ask: Ask
    answers: list[Answer] = field(default_factory=list)
    alone: bool = False


class Together[Ask, Answer]:
    """
    Gathers what is asked until it can be answered. An answer was begun after it was asked for, never before.

    Args:
        answer: Answers all that wait, in their order. Where it fails for several, each of them is answered by itself, all at once.
        gather: What passes the time in which others may join, again and again while they do; nothing waits for them when
            it is left out, nor when all who take part wait.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Ask]], Awaitable[Sequence[Answer]]],
        gather: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._answer = answer
        self._gather = gather
        self._waiting: list[_Waiting[Ask, Answer]] = []
        self._turn = asyncio.Lock()
        self._taking_part = 0
        self._enough = asyncio.Event()  # of the gathering that is under way

    @contextlib.contextmanager
    def taking_part(self) -> Iterator[None]:
        """One more may ask until this ends."""
        self._taking_part += 1
        self._count()
        try:
            yield
        finally:
            self._taking_part -= 1
            self._count()

    async def ask(self, ask: Ask) -> Answer:
        """
        The answer. The first who waits asks for all; when it is cancelled, the next one does.

        Raises:
            WorkflowError: There is none.
        """
        mine: _Waiting[Ask, Answer] = _Waiting(ask)
        self._waiting.append(mine)
        self._count()
        try:
            async with self._turn:
                if not mine.answers and not mine.alone:
                    await self._answer_all()
            if mine.alone:
                mine.answers += await self._answer([ask])
        finally:
            self._waiting.remove(mine)
            self._count()
        return mine.answers[0]

    def _count(self) -> None:
        if self._all_wait():
            self._enough.set()

    def _all_wait(self) -> bool:
        return 0 < self._taking_part <= len(self._unanswered())

    def _unanswered(self) -> list[_Waiting[Ask, Answer]]:
        return [each for each in self._waiting if not each.answers and not each.alone]

    async def _gather_others(self) -> None:
        """Wait as long as others join, but not for ever, nor for nobody."""
        if self._gather is None:
            return
        for _ in range(_GATHERINGS):
            if self._all_wait():
                return
            self._enough, before = asyncio.Event(), len(self._waiting)
            await _first_of(self._gather(), self._enough.wait())
            if len(self._waiting) == before:
                return

    async def _answer_all(self) -> None:
        await self._gather_others()
        asked = self._unanswered()
        try:
            answers = await self._answer([each.ask for each in asked])
        except WorkflowError:
            if len(asked) == 1:
                raise
            for each in asked:
                each.alone = True
            return
        for each, answer in zip(asked, answers, strict=True):
            each.answers.append(answer)


async def _first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Do them until one has ended; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in done:
        task.result()


async def all_answers[Answer](asked: Iterable[Awaitable[Answer]]) -> list[Answer]:
    """The answers to what is asked at once, in its order and when all have come; the first error of them, if there is one."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]
