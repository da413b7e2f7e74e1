"""Plans of which nothing changed since the last pass, told in few calls: no version of Drive's, and nothing of Jira's issues.

Jira is asked for the issues of many plans at once: whether all of them are still there, and which were updated lately; of those what
counts is the time that the issue itself says. The index lags, so each look begins some minutes before the one before it. Whatever is
not certain is looked at: a plan is left out only when everything is as it was, and then nothing is written.
"""

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from lib.exactly_once.reconcile import Outcome, plan_label
from lib.services.models import UPDATED_SIZE, Account, Found, Issue
from lib.watch import plan_cache
from lib.watch.plan_cache import Content, PlanCache

FILE = "content-plan-update.cache.json"
PLANS_A_QUERY = 100
INDEX_LAG = dt.timedelta(minutes=15)  # for how long the search may not show a change
SETTLED = frozenset({Outcome.EXISTING, Outcome.READY, Outcome.REFUSED, Outcome.FLAGGED})


class ReadsIssues(Protocol):
    """What looking for changes needs of Jira."""

    async def search(self, jql: str, limit: int | None = None) -> Found: ...
    async def fetch(self, ids_or_keys: list[str]) -> list[Issue]: ...
    async def read_updated(self, ids: list[str]) -> dict[str, str]: ...


class SeenPlan(plan_cache.SeenPlan):
    """
    A plan with which a pass had nothing left to do.

    Attributes:
        looked_at: When Jira was asked for changes of its issues, by Jira's clock.
        issues: Id of each of its issues -> when it was updated, as Jira says it; empty for one that was not read.
        summary: Its part of the flow's result then.
        data: Its rows in the flow's result then.
    """

    looked_at: dt.datetime
    issues: dict[str, str]
    summary: dict[str, Any]
    data: list[dict[str, Any]]


class UpdateCache(PlanCache[SeenPlan, Content[SeenPlan]]):
    """The cache of updates of one output folder; `made_for` as in `PlanCache`."""

    def __init__(self, folder: Path, made_for: str) -> None:
        super().__init__(folder / FILE, made_for, Content[SeenPlan])


async def unchanged(
    cache: UpdateCache, jira: ReadsIssues, versions: Mapping[str, str], account: Account
) -> dict[str, SeenPlan]:
    """
    The plans, of those with their Drive versions, that are as they were when the cache saw them, and so are their issues.

    Args:
        cache: What earlier passes saw; takes down that it was looked again.
        jira: Jira.
        versions: Spreadsheet id -> its version now.
        account: Who we are, and what time it was at Jira before anything was asked.
    """
    seen = {plan: one for plan, version in versions.items() if (one := cache.plan(plan, version))}
    if account.read_at is None:
        return {}
    for part in itertools.batched(list(seen), PLANS_A_QUERY, strict=False):
        for plan in await _changed({plan: seen[plan] for plan in part}, jira, account):
            del seen[plan]
    for plan, one in seen.items():
        one.looked_at = account.read_at
        cache.keep_plan(plan, one)
    return seen


async def _changed(seen: Mapping[str, SeenPlan], jira: ReadsIssues, account: Account) -> set[str]:
    """Which of the plans have an issue that came, went or was updated."""
    plan_of = {issue: plan for plan, one in seen.items() for issue in one.issues}
    by_label = {plan_label(plan): plan for plan in seen}
    among = f"labels in ({', '.join(f'"{label}"' for label in by_label)})"
    there = set((await jira.search(among)).ids)
    changed = {plan_of[issue] for issue in plan_of.keys() - there}
    for new in itertools.batched(sorted(there - plan_of.keys()), 100, strict=False):
        labels = {label for issue in await jira.fetch(list(new)) for label in issue.labels}
        changed |= {plan for label, plan in by_label.items() if label in labels}
    since = min(one.looked_at for one in seen.values()) - INDEX_LAG
    updated_since = await jira.search(f'{among} AND updated >= "{_minute(since, account)}"')
    recent = [issue for issue in updated_since.ids if issue in plan_of]
    updated: dict[str, str] = {}
    for ids in itertools.batched(recent, UPDATED_SIZE, strict=False):
        updated |= await jira.read_updated(list(ids))
    differ = (issue for issue in recent if updated.get(issue) != seen[plan_of[issue]].issues[issue])
    return changed | {plan_of[issue] for issue in differ}


def _minute(moment: dt.datetime, account: Account) -> str:
    """A time as JQL takes it: in the caller's time zone, or, where that is not known, earlier than it is anywhere."""
    if not account.time_zone:
        return f"{moment.astimezone(dt.UTC) - dt.timedelta(hours=14):%Y-%m-%d %H:%M}"
    return f"{moment.astimezone(ZoneInfo(account.time_zone)):%Y-%m-%d %H:%M}"


def is_settled(outcomes: Iterable[Outcome]) -> bool:
    """Whether another pass would find the same while neither the plan nor its issues change."""
    return set(outcomes) <= SETTLED
