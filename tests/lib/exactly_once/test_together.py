"""What several ask for at about the same time is asked for once, and an answer never is older than its question."""

import asyncio

import pytest

from lib.errors import TryLaterError
from lib.exactly_once.together import Together


class Service:
    """Answers with what was asked; `asked` holds one list per request. Those with a word of `refused` in them fail."""

    def __init__(self, refused=()):
        self.asked = []
        self.refused = set(refused)
        self.going = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def answer(self, asks):
        self.asked.append(list(asks))
        self.going.set()
        await self.may_answer.wait()
        if self.refused & set(asks):
            raise TryLaterError("service", "not now")
        return [f"{ask}!" for ask in asks]


async def soon():
    """Let those who were started come to where they wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def busy():
    """A service that is about to answer "a" and is not let to, what asks it, and who asked."""
    service = Service()
    service.may_answer.clear()
    together = Together(service.answer)
    first = asyncio.create_task(together.ask("a"))
    await service.going.wait()
    return service, together, first


def test_those_who_ask_while_an_answer_is_awaited_share_the_next_one():
    async def go():
        service, together, first = await busy()
        others = [asyncio.create_task(together.ask(word)) for word in "bcd"]
        await soon()
        service.may_answer.set()
        assert await asyncio.gather(first, *others) == ["a!", "b!", "c!", "d!"]
        assert service.asked == [["a"], ["b", "c", "d"]]

    asyncio.run(go())


def test_who_gathers_waits_for_others_first():
    async def go():
        service = Service()
        together = Together(service.answer, soon)
        assert await asyncio.gather(*(together.ask(word) for word in "abc")) == ["a!", "b!", "c!"]
        assert service.asked == [["a", "b", "c"]]

    asyncio.run(go())


def test_as_long_as_others_join_they_are_waited_for_but_not_for_ever():
    async def go(coming):
        service, words = Service(), iter(coming)

        async def one_more_comes():
            if word := next(words, ""):
                others.append(asyncio.create_task(together.ask(word)))
            await soon()

        others = []
        together = Together(service.answer, one_more_comes)
        await together.ask("0")
        await asyncio.gather(*others)
        return ["".join(asked) for asked in service.asked]

    assert asyncio.run(go("123")) == ["0123"]
    assert asyncio.run(go("1234567"))[0] == "012345"


async def never():
    await asyncio.Event().wait()


def test_once_all_who_take_part_wait_nobody_else_is_waited_for():
    async def go():
        service = Service()
        together = Together(service.answer, never)
        begins_late = asyncio.Event()

        async def take_part(word, begin=None):
            with together.taking_part():
                await (begin.wait() if begin else soon())
                return [await together.ask(word), await together.ask(word.upper())]

        works = [asyncio.create_task(take_part("a")), asyncio.create_task(take_part("b", begins_late))]
        await soon()
        await soon()
        assert service.asked == [], "one may still ask"
        begins_late.set()
        assert await asyncio.gather(*works) == [["a!", "A!"], ["b!", "B!"]]
        assert service.asked == [["a", "b"], ["A", "B"]]

    asyncio.run(go())


@pytest.mark.parametrize("fails", [False, True])
def test_who_takes_part_no_longer_is_not_waited_for(fails):
    async def go():
        service, leaves = Service(), asyncio.Event()
        together = Together(service.answer, never)

        async def ask():
            with together.taking_part():
                await asyncio.sleep(0)  # the other begins
                return await together.ask("a")

        async def ask_nothing():
            with together.taking_part():
                await leaves.wait()
                if fails:
                    raise TryLaterError("service", "not now")

        asking, other = asyncio.create_task(ask()), asyncio.create_task(ask_nothing())
        await soon()
        assert service.asked == []
        leaves.set()
        assert await asking == "a!"
        assert isinstance((await asyncio.gather(other, return_exceptions=True))[0], TryLaterError) is fails

    asyncio.run(go())


def test_what_fails_while_others_are_gathered_is_raised():
    async def fails():
        raise TryLaterError("clock", "stands still")

    async def go():
        together = Together(Service().answer, fails)
        with together.taking_part(), together.taking_part():
            await together.ask("a")

    with pytest.raises(TryLaterError):
        asyncio.run(go())


def test_what_fails_for_several_fails_only_for_those_who_make_it_fail():
    async def go():
        service = Service(refused="b")
        together = Together(service.answer, soon)
        answers = await asyncio.gather(*(together.ask(word) for word in "abc"), return_exceptions=True)
        assert (answers[0], answers[2]) == ("a!", "c!")
        with pytest.raises(TryLaterError):
            raise answers[1]
        assert service.asked == [["a", "b", "c"], ["a"], ["b"], ["c"]]

    asyncio.run(go())


def test_who_is_cancelled_while_asking_for_all_leaves_the_others_to_the_next():
    async def go():
        service = Service()
        service.may_answer.clear()
        together = Together(service.answer, soon)
        asking = [asyncio.create_task(together.ask(word)) for word in "abc"]
        await service.going.wait()
        asking[0].cancel()
        await soon()
        service.may_answer.set()
        assert await asyncio.gather(*asking[1:]) == ["b!", "c!"]
        assert service.asked == [["a", "b", "c"], ["b", "c"]]

    asyncio.run(go())


def test_who_is_cancelled_while_waiting_is_not_asked_for():
    async def go():
        service, together, first = await busy()
        second, third = asyncio.create_task(together.ask("b")), asyncio.create_task(together.ask("c"))
        await soon()
        second.cancel()
        await soon()
        service.may_answer.set()
        assert await asyncio.gather(first, third) == ["a!", "c!"]
        assert service.asked == [["a"], ["c"]]

    asyncio.run(go())
