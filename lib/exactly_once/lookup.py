"""What Jira has of a plan, looked up in two ways, since the search index lags and an unknown caller finds nothing in it.

By the plan's label in the index, wherever the issues were moved; and by key in the newest range of the project, which is read
from the records. A look counts as clean only when Jira knew us, and let us see the project, before and after, and when the
range was read from before the first issue that may be missing up to where no issue follows.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from lib.errors import CredentialsError, RefusedError
from lib.exactly_once.reconcile import plan_label
from lib.services.models import FETCH_SIZE, Account, Issue, Jira

PERMISSIONS = ("BROWSE_PROJECTS", "CREATE_ISSUES")
BEFORE_NEWEST = 250  # keys: so far behind its newest issue the index may lack older ones
GAP = 300  # keys in a row that may belong to nothing (deleted, moved) before a newer issue
GAP_OF_THE_LOST = 1000  # the same while an issue of ours is missed
LONGEST_SCAN = 20_000  # keys; a longer range is not read, and the look is not clean


@dataclass(frozen=True)
class Snapshot:
    """
    What Jira has of a plan at one moment.

    Attributes:
        issues: Those of the plan, and those with one of the keys asked for.
        clean: Whether none can have been missed.
        at: When the lookup began, by Jira's own clock; None if it did not say.
        free: Tokens that were looked for until the settle time was over, and belong to no issue.
    """

    issues: list[Issue]
    clean: bool
    at: dt.datetime | None
    free: frozenset[str] = frozenset()


class Lookup:
    """Looks at one plan's issues; what was read once is not read again."""

    def __init__(
        self, jira: Jira, project_key: str, spreadsheet_id: str, permissions: Sequence[str] = PERMISSIONS
    ) -> None:
        self._permissions = permissions
        self._jira = jira
        self._project_key = project_key
        self._label = plan_label(spreadsheet_id)
        self._by_id: dict[str, Issue] = {}
        self._keys: set[str] = set()  # of the sheet, that were asked for
        self._newest = 0

    @property
    def newest(self) -> int:
        """Number of the project's newest issue that was seen: every later issue has a higher one."""
        return self._newest

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
        before = await self._check_access()
        found = await self._jira.search(f'labels = "{self._label}"')
        await self._fetch([issue_id for issue_id in found if issue_id not in self._by_id])
        await self._fetch_keys(keys)
        clean = await self._read_newest(GAP_OF_THE_LOST if missed else GAP, above)
        if await self._check_access() != before:
            raise CredentialsError("Jira", "the account changed during the run; start again")
        return Snapshot(list(self._by_id.values()), clean, before.read_at)

    async def read(self, keys: Iterable[str]) -> list[Issue]:
        """The issues with these keys, straight from the records."""
        return await self._fetch(list(dict.fromkeys(keys)))

    async def _check_access(self) -> Account:
        account = await self._jira.read_myself()
        granted = await self._jira.read_permissions(self._project_key, self._permissions)
        if missing := [name for name in self._permissions if name not in granted]:
            raise CredentialsError(
                f"Jira, project {self._project_key}",
                f"{account.name or account.account_id} has no {' and no '.join(missing)}; ask the project's administrator",
            )
        return account

    async def _fetch_keys(self, keys: Iterable[str]) -> None:
        """
        Read the issues with these keys; one that answers under another key, having been moved, remembers the old one.

        Together the answers do not say which of several moved issues had which key, so those are asked one by one.
        """
        wanted = [key for key in dict.fromkeys(keys) if key not in self._keys]
        self._keys.update(wanted)
        answered = {issue.key for issue in await self._fetch(wanted)}
        for key in wanted:
            if key not in answered:
                for issue in await self._fetch([key]):
                    self._by_id[issue.id] = replace(issue, old_keys=(*issue.old_keys, key))

    async def _read_newest(self, gap: int, above: int | None) -> bool:
        """
        Read the records in the project's newest range of keys; False when something in it may have been missed.

        It begins well before the newest issue that the index, the sheet or an answer has shown, or where a missed issue may
        be, and ends where no issue follows for many keys.
        """
        try:
            indexed = await self._jira.search(f'project = "{self._project_key}" ORDER BY created DESC', 1)
        except RefusedError:
            return False
        await self._fetch(indexed)
        self._newest = max((self._newest, *(self._number(issue.key) for issue in self._by_id.values())))
        start = max(1, self._newest - BEFORE_NEWEST + 1)
        if above is not None:
            start = min(start, above + 1)
        if not self._newest:  # the index is empty, and nothing says where the project's keys begin
            gap = GAP_OF_THE_LOST
        known = {self._number(issue.key) for issue in self._by_id.values()}
        unread = (number for number in itertools.count(start) if number not in known)
        number = next(unread)
        while number <= self._newest + gap:
            if number - start >= LONGEST_SCAN:
                return False
            numbers = [number, *itertools.islice(unread, FETCH_SIZE - 1)]
            found = await self._fetch([f"{self._project_key}-{number}" for number in numbers])
            self._newest = max(self._newest, *(self._number(issue.key) for issue in found), 0)
            number = next(unread)
        return True

    def _number(self, key: str) -> int:
        """The number of a key of the project; 0 for one of another."""
        project, _, number = key.rpartition("-")
        return int(number) if project == self._project_key else 0

    async def _fetch(self, ids_or_keys: Sequence[str]) -> list[Issue]:
        issues: list[Issue] = []
        for start in range(0, len(ids_or_keys), FETCH_SIZE):
            issues += await self._jira.fetch(ids_or_keys[start : start + FETCH_SIZE])
        for issue in issues:
            known = self._by_id.get(issue.id)
            self._by_id[issue.id] = replace(issue, old_keys=known.old_keys) if known else issue
        return issues
