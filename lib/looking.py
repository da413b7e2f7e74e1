"""What Jira has of a plan, looked up in two ways, since the search index lags and an unknown caller finds nothing in it.

By the plan's label in the index, wherever the issues were moved; and by key in the newest range of the project, which is read
from the records. A look counts as clean only when Jira knew us, and let us see the project, before and after.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lib.errors import CredentialsError, RefusedError
from lib.ports import FETCH_SIZE, Account, Issue, Jira
from lib.reconcile import plan_label

PERMISSIONS = ("BROWSE_PROJECTS", "CREATE_ISSUES")
_BEFORE_NEWEST = 50  # the index need not have taken issues in the order of their keys


@dataclass(frozen=True)
class Look:
    """Issues of the plan, and those with one of the keys asked for; `clean` when none can have been missed."""

    issues: list[Issue]
    clean: bool


class Looking:
    """Looks at one plan's issues; what was read once is not read again."""

    def __init__(
        self, jira: Jira, project_key: str, spreadsheet_id: str, permissions: Sequence[str] = PERMISSIONS
    ) -> None:
        self._permissions = permissions
        self._jira = jira
        self._project_key = project_key
        self._label = plan_label(spreadsheet_id)
        self._by_id: dict[str, Issue] = {}
        self._asked: set[str] = set()

    async def look(self, keys: Iterable[str] = ()) -> Look:
        """
        Everything that Jira has of the plan now.

        Raises:
            CredentialsError: Jira does not know us, or does not let us see or make issues in the project.
            TryLaterError: Jira did not answer.
        """
        before = await self._check_access()
        found = await self._jira.search(f'labels = "{self._label}"')
        await self._fetch([issue_id for issue_id in found if issue_id not in self._by_id])
        await self._fetch([key for key in dict.fromkeys(keys) if key not in self._asked])
        clean = await self._read_newest()
        if await self._check_access() != before:
            raise CredentialsError("Jira", "the account changed during the run; start again")
        return Look(list(self._by_id.values()), clean)

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

    async def _read_newest(self) -> bool:
        """Read the records with the newest keys, on from the newest in the index; False when that cannot be done."""
        try:
            newest = await self._jira.search(f'project = "{self._project_key}" ORDER BY created DESC', 1)
        except RefusedError:
            return False
        issues = await self._fetch(newest)
        last = max((_number(issue.key) for issue in issues if issue.key.startswith(f"{self._project_key}-")), default=0)
        start = max(1, last - _BEFORE_NEWEST + 1)
        while True:
            keys = [f"{self._project_key}-{number}" for number in range(start, start + FETCH_SIZE)]
            if not [issue for issue in await self._fetch(keys) if _number(issue.key) > last]:
                return True
            start += FETCH_SIZE

    async def _fetch(self, ids_or_keys: Sequence[str]) -> list[Issue]:
        issues: list[Issue] = []
        for start in range(0, len(ids_or_keys), FETCH_SIZE):
            issues += await self._jira.fetch(ids_or_keys[start : start + FETCH_SIZE])
        self._asked.update(ids_or_keys)
        self._by_id.update({issue.id: issue for issue in issues})
        return issues


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])
