"""What Jira has of a plan, looked up in two ways, since the search index lags and an unknown caller finds nothing in it.

By the plan's label in the index, wherever the issues were moved; and by key in the newest range of the project, which is read
from the records. A look counts as clean only when Jira knew us, and let us see the project, from its beginning to its end, and
when the range was read from before the first issue that may be missing up to where no issue follows.

The plans of a run share their looks: one that is begun once several plans are locked is a look for each of them. What belongs
to a plan is read from the records once the plan is locked; other issues of the project are read once a run.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import itertools
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lib.clock import Clock
from lib.errors import CredentialsError, RefusedError, WorkflowError
from lib.exactly_once.reconcile import plan_label
from lib.exactly_once.together import Together, all_answers
from lib.services.models import FETCH_SIZE, Account, Found, Issue, Jira

PERMISSIONS = ("BROWSE_PROJECTS", "CREATE_ISSUES")
BEFORE_NEWEST = 250  # keys: so far behind its newest issue the index may lack older ones
GAP = 300  # keys in a row that may belong to nothing (deleted, moved) before a newer issue
GAP_OF_THE_LOST = 1000  # the same while an issue of ours is missed
LONGEST_SCAN = 20_000  # keys; a longer range is not read, and the look is not clean
GATHER_S = 1.0  # when all plans that are under way wait, nothing waits for it
MEANWHILE_S = 10.0  # at most
_PLANS_A_SEARCH = 50
_PAGES_AT_ONCE = 6  # of keys that are read: as many as a look at a project with nothing new takes


@dataclass(frozen=True)
class Snapshot:
    """
    What Jira has of a plan at one moment.

    Attributes:
        issues: Those of the plan, and those with one of the keys asked for.
        clean: Whether none of the plan's can have been missed.
        at: When the lookup began, by Jira's own clock; None if it did not say.
        free: Tokens that were looked for until the settle time was over, and belong to no issue.
    """

    issues: list[Issue]
    clean: bool
    at: dt.datetime | None
    free: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Ask:
    """What one plan wants to know; see `Lookup.snapshot`. What was read since look number `since` need not be read again."""

    label: str
    keys: frozenset[str]
    since: int
    gap: int
    above: int | None

    def is_about(self, issue: Issue) -> bool:
        return self.label in issue.labels or not self.keys.isdisjoint((issue.key, *issue.old_keys))


@dataclass
class _Range:
    """The numbers of the project's keys that a look has asked for, and whether the last answer showed an issue of the project."""

    read: set[int] = field(default_factory=set)
    is_visible: bool = False


class ProjectLookup:
    """
    What a run knows of a Jira project. Plans that want to look at about the same time are answered by one look.

    Args:
        jira: Jira.
        project_key: The project that new issues go to.
        permissions: What we need there.
        account: Whom Jira takes us for, if that was asked already.
        gathers: Lets the time pass in which other plans may join a look; None where there are none.
    """

    def __init__(
        self,
        jira: Jira,
        project_key: str,
        permissions: Sequence[str] = PERMISSIONS,
        *,
        account: Account | None = None,
        gathers: Clock | None = None,
    ) -> None:
        self._jira = jira
        self._project_key = project_key
        self._permissions = permissions
        self._account = account
        self._permitted = False  # whether we were seen to have the permissions
        gather = functools.partial(gathers.sleep, GATHER_S) if gathers else None
        self._meanwhile: set[asyncio.Future[Any]] = set()
        self._looks = Together(self._look, functools.partial(self._until_wanted, gather) if gather else None)
        self._reads = Together(self._read, gather)
        self._by_id: dict[str, Issue] = {}
        self._read_in: dict[str, int] = {}  # id -> number of the look, or the last one before, in which it was read
        self._alone: set[str] = set()  # keys that were asked for by themselves
        self.looks = 0
        self.newest = 0

    @property
    def account_id(self) -> str:
        """Whom Jira took us for in the last look; empty before the first."""
        return self._account.account_id if self._account else ""

    @contextlib.contextmanager
    def taking_part(self) -> Iterator[None]:
        """One more plan may look or read until this ends: once all of them wait for a look, it waits for nobody else."""
        with self._looks.taking_part(), self._reads.taking_part():
            yield

    async def ask_early(self) -> None:
        """Ask what we may, as the first look does otherwise; where that fails, or we may not, that look asks again and says it."""
        if self._account and self._account.named:
            with contextlib.suppress(WorkflowError):
                await self._check_permitted(self._account)

    async def look(self, ask: _Ask) -> Snapshot:
        """Everything that Jira has of a plan now."""
        return await self._looks.ask(ask)

    async def read(self, keys: Iterable[str]) -> list[Issue]:
        """The issues with these keys, straight from the records."""
        wanted = set(keys)
        return [issue for issue in await self._reads.ask(sorted(wanted)) if wanted & {issue.key, *issue.old_keys}]

    @contextlib.contextmanager
    def meanwhile(self, work: asyncio.Future[Any]) -> Iterator[None]:
        """While a plan waits for its look, this is done, too: the look may wait for other plans until then."""
        self._meanwhile.add(work)
        try:
            yield
        finally:
            self._meanwhile.discard(work)

    async def _until_wanted(self, gather: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let others join until the first plan that waits for the look has nothing else left to do."""
        if self._meanwhile:
            await asyncio.wait(self._meanwhile, timeout=MEANWHILE_S, return_when=asyncio.FIRST_COMPLETED)
        await gather()

    async def _read(self, asks: Sequence[Sequence[str]]) -> list[list[Issue]]:
        issues = await self._fetch(list(dict.fromkeys(itertools.chain(*asks))))
        return [issues] * len(asks)

    async def _look(self, asks: Sequence[_Ask]) -> list[Snapshot]:
        self.looks += 1
        before, newest = await self._enter()
        found = await self._search(list(dict.fromkeys(ask.label for ask in asks)))
        await self._refresh(asks, found.ids)
        await self._fetch_keys(asks)
        scanned = _Range()
        clean = await self._read_newest(asks, newest.keys, scanned) if newest else [False] * len(asks)
        await self._leave(before, scanned)
        at = newest.read_at if newest else found.read_at
        return [
            Snapshot([issue for issue in self._by_id.values() if ask.is_about(issue)], each, at)
            for ask, each in zip(asks, clean, strict=True)
        ]

    # --- Whether what we are shown can be believed ----------------------------------------------------------------------

    async def _enter(self) -> tuple[Account, Found | None]:
        """
        Whom Jira takes us for, and the project's newest issue by the index.

        What we may is asked once; so is who we are, where answers say to whom they are given. Later it is that issue which shows
        that we see the project, and we ask only without one.
        """
        if self._account is None or not self._account.named:
            self._account = await self._jira.read_myself()
            self._permitted = False
        asks_first = not self._permitted
        if asks_first:
            await self._check_permitted(self._account)
        newest = await self._search_newest()
        if not asks_first and not (newest and any(map(self._number, newest.keys))):
            await self._check_permitted(self._account)
        return self._account, newest

    async def _search_newest(self) -> Found | None:
        """Nothing found of an empty project; None where Jira refuses to search it."""
        try:
            found = await self._jira.search(f'project = "{self._project_key}" ORDER BY created DESC', 1, keys=True)
        except RefusedError:
            return None
        return found if all(found.keys) else replace(found, keys=[issue.key for issue in await self._fetch(found.ids)])

    async def _leave(self, before: Account, scanned: _Range) -> None:
        """See that we could see the project until the end: an issue of it was in the last answer, or we ask."""
        if not before.named:
            after = await self._jira.read_myself()
            await self._check_permitted(after)
            if after != before:
                raise CredentialsError("Jira", "the account changed during the run; start again")
        elif not scanned.is_visible:
            await self._check_permitted(before)

    async def _check_permitted(self, account: Account) -> None:
        granted = await self._jira.read_permissions(self._project_key, self._permissions)
        if missing := [name for name in self._permissions if name not in granted]:
            raise CredentialsError(
                f"Jira, project {self._project_key}",
                f"{account.name or account.account_id} has no {' and no '.join(missing)}; ask the project's administrator",
            )
        self._permitted = True

    # --- Reading --------------------------------------------------------------------------------------------------------

    async def _search(self, labels: Sequence[str]) -> Found:
        """The issues with one of these labels, by the index, and when that was first answered."""
        parts: list[Found] = []
        for some in itertools.batched(labels, _PLANS_A_SEARCH, strict=False):
            quoted = ", ".join(f'"{label}"' for label in some)
            parts.append(await self._jira.search(f"labels in ({quoted})" if len(some) > 1 else f"labels = {quoted}"))
        return replace(parts[0], ids=[issue_id for part in parts for issue_id in part.ids])

    async def _refresh(self, asks: Sequence[_Ask], found: Sequence[str]) -> None:
        """Read the plans' issues that were found and not known as theirs, and those known from before; the gone ones are forgotten."""
        stale = [issue.id for issue in self._by_id.values() if any(self._is_stale(issue, ask) for ask in asks)]
        theirs = {issue.id for issue in self._by_id.values() if any(ask.is_about(issue) for ask in asks)}
        ids = list(dict.fromkeys([*stale, *(issue_id for issue_id in found if issue_id not in theirs)]))
        read = {issue.id for issue in await self._fetch(ids)}
        for issue_id in stale:
            if issue_id not in read:
                self._by_id.pop(issue_id, None)

    def _is_stale(self, issue: Issue, ask: _Ask) -> bool:
        return self._read_in[issue.id] <= ask.since and ask.is_about(issue)

    async def _fetch_keys(self, asks: Sequence[_Ask]) -> None:
        """
        Read the issues with keys that stand in the sheets; one that was moved answers under another key, and remembers the old one.

        Together the answers do not say which of several moved issues had which key, so those are asked one by one.
        """
        known = {key for issue in self._by_id.values() for key in (issue.key, *issue.old_keys)}
        keys = sorted({key for ask in asks for key in ask.keys} - known)
        there = {issue.key for issue in await self._fetch(keys)}
        for key in keys:
            if key not in there and key not in self._alone:
                for issue in await self._fetch([key]):
                    self._by_id[issue.id] = replace(issue, old_keys=(*issue.old_keys, key))
                self._alone.add(key)

    async def _read_newest(self, asks: Sequence[_Ask], newest: Sequence[str], scanned: _Range) -> list[bool]:
        """
        Read the records in the project's newest range of keys; for each plan, False when something in it may have been missed.

        It begins well before the newest issue that the index, the sheet or an answer has shown, or where a missed issue may
        be, and ends where no issue follows for many keys.
        """
        scanned.read = {self._number(issue.key) for issue in self._by_id.values()}
        self.newest = max(self.newest, *scanned.read, *map(self._number, newest), 0)
        start = max(1, self.newest - BEFORE_NEWEST + 1)
        return [
            await self._scan(start if ask.above is None else min(start, ask.above + 1), ask.gap, scanned)
            for ask in asks
        ]

    async def _scan(self, start: int, gap: int, scanned: _Range) -> bool:
        """Read the keys from this number on that were not read yet; False when there are too many of them."""
        if not self.newest:  # the index is empty, and nothing says where the project's keys begin
            gap = GAP_OF_THE_LOST
        witness = f"{self._project_key}-{self.newest}"  # comes with each answer, for as long as we may see the project
        unread = (number for number in itertools.count(start) if number not in scanned.read)
        number = next(unread)
        while number <= self.newest + gap:
            pages: list[list[int]] = []
            while number <= self.newest + gap and len(pages) < _PAGES_AT_ONCE:
                if number - start >= LONGEST_SCAN:
                    return False
                pages.append([number, *itertools.islice(unread, FETCH_SIZE - 2)])
                number = next(unread)
            first = [witness] if self.newest else []
            answers = await all_answers(
                self._fetch([*first, *(f"{self._project_key}-{each}" for each in page)]) for page in pages
            )
            scanned.is_visible = all(any(issue.key == witness for issue in found) for found in answers)
            scanned.read.update(*pages)
            self.newest = max(self.newest, *(self._number(issue.key) for found in answers for issue in found), 0)
        return True

    def _number(self, key: str) -> int:
        """The number of a key of the project; 0 for one of another."""
        project, _, number = key.rpartition("-")
        return int(number) if project == self._project_key else 0

    async def _fetch(self, ids_or_keys: Sequence[str]) -> list[Issue]:
        issues: list[Issue] = []
        pages = itertools.batched(ids_or_keys, FETCH_SIZE, strict=False)
        for some in itertools.batched(pages, _PAGES_AT_ONCE, strict=False):
            issues += itertools.chain(*await all_answers(map(self._jira.fetch, some)))
        for issue in issues:
            known = self._by_id.get(issue.id)
            self._by_id[issue.id] = replace(issue, old_keys=known.old_keys) if known else issue
            self._read_in[issue.id] = self.looks
        return issues


class Lookup:
    """Looks at one plan's issues."""

    def __init__(self, project: ProjectLookup, spreadsheet_id: str) -> None:
        self._project = project
        self._label = plan_label(spreadsheet_id)
        self._since: int | None = None

    @property
    def account_id(self) -> str:
        """Whom Jira took us for in the last look."""
        return self._project.account_id

    @property
    def newest(self) -> int:
        """Number of the project's newest issue that was seen: every later issue has a higher one."""
        return self._project.newest

    async def snapshot(self, keys: Iterable[str] = (), *, missed: bool = False, above: int | None = None) -> Snapshot:
        """
        Everything that Jira has of the plan now.

        Args:
            keys: Keys that stand in the sheet: their issues too, whatever plan they are of.
            missed: Whether an issue is missed, which may be anywhere.
            above: Number of an issue that is older than all that are missed; None when none is known.

        Raises:
            CredentialsError: Jira does not know us, or does not let us see or make issues in the project.
            TryLaterError: Jira did not answer.
        """
        if self._since is None:
            self._since = self._project.looks
        gap = GAP_OF_THE_LOST if missed else GAP
        return await self._project.look(_Ask(self._label, frozenset(keys), self._since, gap, above))

    def begin(self) -> None:
        """From now on what was read before counts no more."""
        self._since = None

    async def read(self, keys: Iterable[str]) -> list[Issue]:
        """The issues with these keys, straight from the records."""
        return await self._project.read(keys)
