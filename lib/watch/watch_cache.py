"""What the last pass of `content-plan-watch` saw and reported: versions of plans, what was found in them, comments under way.

A cache in the output folder: what is lost costs one full pass.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import Field

from lib.plan.client_list import Client
from lib.watch import plan_cache
from lib.watch.plan_cache import PlanCache
from lib.watch.plan_watch import Findings

FILE = "content-plan-watch.cache.json"


class SeenPlan(plan_cache.SeenPlan):
    """What was found in a plan at that version."""

    title: str
    tab: str
    findings: Findings


class _Content(plan_cache.Content[SeenPlan]):
    list_version: str = ""
    clients: list[dict[str, Any]] = Field(default=[])
    told: dict[str, list[str]] = Field(default={}, description="Plan -> hashes of what a person heard of it.")
    comments_sent: dict[str, dt.datetime] = Field(
        default={}, description="Hash of a change -> when its comment was sent."
    )

    def emptied(self) -> "_Content":
        """Comments under way stay."""
        return _Content(comments_sent=self.comments_sent)


class WatchCache(PlanCache[SeenPlan, _Content]):
    """The watch's cache of one output folder; `made_for` as in `PlanCache`."""

    def __init__(self, folder: Path, made_for: str) -> None:
        super().__init__(folder / FILE, made_for, _Content)

    def clients(self, version: str) -> list[Client] | None:
        """The client list, if it was seen at this version."""
        if not version or version != self._content.list_version:
            return None
        return [Client(**record) for record in self._content.clients]

    def keep_clients(self, version: str, clients: list[Client]) -> None:
        """Remember the client list."""
        self._content.list_version = version
        self._content.clients = [asdict(client) for client in clients]

    def count_news(self, plan: str, texts: Iterable[str], *, finished: bool) -> int:
        """
        How many of these texts about a plan its last pass did not report; from now on they count as reported.

        What a pass that could not finish the plan does not report stays reported: nobody has looked whether it still holds.
        """
        before = set(self._content.told.get(plan, []))
        now = {hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts}
        self._content.told[plan] = sorted(now if finished else now | before)
        return len(now - before)

    def sent_at(self, change_hash: str) -> dt.datetime | None:
        """When the comment on this change was last sent and its answer not heard; None when it was not."""
        return self._content.comments_sent.get(change_hash)

    def note_sending(self, change_hash: str, now: dt.datetime) -> None:
        """Put down, before it happens, that a comment is sent; on disk when this returns."""
        self._content.comments_sent[change_hash] = now
        self.save()

    def note_answer(self, change_hash: str) -> None:
        """The comment is known to be there."""
        self._content.comments_sent.pop(change_hash, None)
