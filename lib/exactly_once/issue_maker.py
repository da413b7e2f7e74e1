"""Making issues, and finding out which were made when an answer was lost. The Jira half of exactly once.

A lost answer is never followed by the same request: the issues are looked for until the settle time is over, and only a row
whose token was found nowhere by a clean look is sent again, with the same token. A request that Jira is known not to have
carried out is sent again, but only after another look whether the plan is still ours. The time that counts is Jira's own.
"""

import datetime as dt
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lib.clock import Clock
from lib.errors import FixInputError, RefusedError, TooLargeError, TryLaterError, UncertainWriteError, WorkflowError
from lib.exactly_once.lookup import Lookup
from lib.exactly_once.plan_sheet import Log
from lib.exactly_once.reconcile import plan_label, row_property, tokens_of
from lib.messages import say
from lib.plan import sent
from lib.plan.content_plan import ContentPlan, PlanRow
from lib.plan.issue_draft import IssueDraft
from lib.services import api_calls, retry
from lib.services.models import CREATE_SIZE, PROPERTY, BulkAnswer, Issue, Jira
from lib.services.throttle import Throttle

LOOKS_S = (2, 5, 10, 20, 40, 60)  # pauses between looks for a lost issue; the last one repeats
_ROUNDS = 2  # a row is sent once more in the same run when its first request is known to have come to nothing
_LOST_IN_A_ROW = 2  # answers lost before a run stops sending
_TRIES = 8  # of a request that Jira is known not to have carried out
_SMALLER = 4  # by how much a batch is divided that is too large for something before Jira
_DATE_S = 1  # a service's clock is given in whole seconds


@dataclass
class Work:
    """
    One row on its way to an issue.

    Attributes:
        row: The row as it was read.
        token: What stands in its Key cell and goes into the issue as a label.
        draft: The fields.
        issue: Its issue, once it was read from Jira by its token.
        reasons: Why Jira refused it, by field.
        unsent: Why it was not sent at all.
        lost_at: When the answer about it was lost; None when there was one.
        unseen: Why its issue could not be looked for after that; empty when it was looked for.
        free: It was lost, and a clean look after the settle time found nothing: it may be sent again.
        too_large: It was lost by itself, since it is too large for something before Jira.
        beside: Keys of issues like it, beside which a person wants it.
        shortened: Jira refused its description, which was made shorter since.
    """

    row: PlanRow
    token: str
    draft: IssueDraft
    issue: Issue | None = None
    reasons: dict[str, str] | None = None
    unsent: str = ""
    lost_at: dt.datetime | None = None
    unseen: str = ""
    free: bool = False
    too_large: bool = False
    beside: tuple[str, ...] = ()
    shortened: bool = False

    @property
    def open(self) -> bool:
        """Whether nobody knows yet what became of it."""
        return self.issue is None and self.reasons is None and not self.unsent


@dataclass(frozen=True)
class Settled:
    """
    What came of tokens that were looked for.

    `found` are their issues; `free` are those found nowhere by a clean look after the settle time; `clean` is whether no issue
    of the plan can have been missed.
    """

    found: dict[str, Issue]
    free: set[str]
    clean: bool


@dataclass(frozen=True)
class Batch:
    """One bulk create, halves of a refused one included: how many rows it had, and how long until Jira had answered."""

    rows: int
    seconds: float


class IssueMaker:
    """
    Makes the issues of one plan; `batches` are those that were answered or lost, in the order in which they were sent.

    Args:
        jira: Jira.
        lookup: What finds the plan's issues.
        clock: Time.
        throttle: The pause between batches.
        settle_s: How long after a lost answer its issues may still appear.
        plan: The plan as it was read.
        run: Name of this run; the issues remember it.
        before_sending: Called with the tokens of a batch before each try to send it; may raise to stop the sending. It
            returns until when, by `time.monotonic()`, the batch may be sent.
        log: Gets the progress.
    """

    def __init__(
        self,
        jira: Jira,
        lookup: Lookup,
        *,
        clock: Clock,
        throttle: Throttle,
        settle_s: float,
        plan: ContentPlan,
        run: str,
        before_sending: Callable[[Sequence[str]], Awaitable[float]],
        log: Log,
    ) -> None:
        self._jira = jira
        self._lookup = lookup
        self._clock = clock
        self._throttle = throttle
        self._settle_s = settle_s
        self._plan = plan
        self._run = run
        self._before_sending = before_sending
        self._log = log
        self._keys: list[str] = []  # as answered
        self._answered: set[str] = set()  # tokens of the batches that were answered
        self._halvings = 0
        self._size = CREATE_SIZE
        self._newest_before = 0  # number of the project's newest issue before the first was sent
        self.batches: list[Batch] = []

    # --- Settling -----------------------------------------------------------------------------------------------------

    async def settle(
        self,
        tokens: Iterable[str],
        *,
        sent_at: dt.datetime | None = None,
        margin_s: float = 0.0,
        above: int | None = None,
        blind: bool = False,
    ) -> Settled:
        """
        Look for this plan's issues with these tokens until all are found or the settle time is over, by Jira's clock.

        Args:
            tokens: What the issues carry.
            sent_at: When they were sent at the latest; None when all that is known is that it was before now.
            margin_s: How much later they may have been sent all the same.
            above: Number of an issue that is older than they are; None when none is known.
            blind: Whether there may be others whose tokens nobody knows: then the whole time is waited for.
        """
        wanted = set(tokens)
        pauses = iter(LOOKS_S)
        label = plan_label(self._plan.spreadsheet_id)
        until: dt.datetime | None = None
        while True:
            seen = await self._lookup.snapshot(missed=True, above=above)
            now = seen.at or self._clock.now()
            if until is None:
                until = (sent_at or now) + dt.timedelta(seconds=margin_s + self._settle_s + _DATE_S)
            ours = [issue for issue in seen.issues if label in issue.labels]
            found = {token: issue for issue in ours for token in tokens_of(issue) if token in wanted}
            missing = wanted - found.keys()
            if not missing and not blind:
                return Settled(found, set(), seen.clean)
            if now >= until:
                return Settled(found, missing if seen.clean else set(), seen.clean)
            pause = min(float(next(pauses, LOOKS_S[-1])), max((until - now).total_seconds(), 1.0))
            waiting = f"{len(missing)} of {len(wanted)} issues are" if missing else "what another run may have sent is"
            line = "%s: %s not in Jira yet; looking again in %.0f s, until %s"
            self._log.info(line, self._plan.client, waiting, pause, f"{until:%H:%M:%S} UTC")
            await self._clock.sleep(pause)

    # --- Creating -----------------------------------------------------------------------------------------------------

    async def make(self, works: Sequence[Work]) -> None:
        """
        Make an issue for each row and put down in it what became of it; no row is sent twice blindly.

        Raises:
            WorkflowError: The services do not let us go on. What became of the rows until then stands in them.
        """
        left = list(works)
        rounds = 0
        self._newest_before = self._lookup.newest
        while rounds < _ROUNDS:
            size = self._size
            stopped_by = await self._send_all(left)
            await self._find([work for work in left if not work.unsent])
            if stopped_by:
                raise stopped_by
            for work in left:
                if work.free and work.too_large:
                    work.reasons = {
                        "": "not made: its content is too large for Jira, or for a proxy before it; shorten it"
                    }
            left = [work for work in left if work.free and work.open]
            if not left:
                return
            self._log.warning("%s: %d rows were never made and may be sent again", self._plan.client, len(left))
            for work in left:
                work.free, work.lost_at = False, None
            rounds += self._size == size  # batches that were too large are divided until they go through

    async def _send_all(self, works: Sequence[Work]) -> WorkflowError | None:
        """Send the rows in batches; the error that stopped it, once each row that was not sent says so."""
        lost_in_a_row = number = start = 0
        while start < len(works):
            number += 1
            batch, rest = works[start : start + self._size], works[start + self._size :]
            if number > 1:
                of = number + math.ceil(len(rest) / self._size)
                await self._throttle.pause(f"batch {number} of {of} of {self._plan.client}", self._log)
            started, halvings, size = self._clock.now(), self._halvings, self._size
            try:
                if lost_in_a_row >= _LOST_IN_A_ROW:
                    raise TryLaterError("Jira", f"{lost_in_a_row} answers in a row were lost; the run stopped sending")
                answered = await self._send(batch)
                if self._halvings > halvings:
                    _check_not_plan_wide(batch)
            except WorkflowError as error:
                for work in (*batch, *rest):
                    if work.open and work.lost_at is None and work.token not in self._answered:
                        work.unsent = error.said
                return error
            lost_in_a_row = 0 if answered or self._size < size else lost_in_a_row + 1
            start += len(batch)
            seconds = (self._clock.now() - started).total_seconds()
            self.batches.append(Batch(len(batch), round(seconds, 3)))
            count, per_second = len(batch), len(batch) / max(seconds, 0.001)
            of = number + math.ceil(len(rest) / self._size)
            line = "%s: batch %d of %d: %d rows in %.1f s (%.1f rows/s)"
            self._log.info(line, self._plan.client, number, of, count, seconds, per_second)
        return None

    async def _try(self, batch: Sequence[Work]) -> BulkAnswer:
        """Look whether the batch may be sent, and send it once."""
        send_before = await self._before_sending([work.token for work in batch])
        return await self._jira.create_in_bulk([self._update(work) for work in batch], send_before)

    async def _send(self, batch: Sequence[Work]) -> bool:
        """Send one batch, by halves when Jira refuses it whole, until the bad rows stand alone. Whether Jira answered."""
        try:
            answer = await retry.call_again(
                api_calls.JIRA, lambda: self._try(batch), sleep=self._clock.sleep, attempts=_TRIES
            )
        except UncertainWriteError as error:
            self._log.warning("%s: %s", self._plan.client, error)
            for work in batch:
                work.lost_at = self._clock.now()
                work.too_large = isinstance(error, TooLargeError) and len(batch) == 1
            if isinstance(error, TooLargeError):
                self._size = max(1, len(batch) // _SMALLER)
            return False
        except RefusedError as error:
            if len(batch) == 1:
                batch[0].reasons = error.reasons or {"": error.problem}
                return await self._send_shorter(batch)
            self._halvings += 1
            middle = len(batch) // 2
            answered = [await self._send(half) for half in (batch[:middle], batch[middle:])]
            return all(answered)
        self._answered.update(work.token for work in batch)
        self._keys += answer.keys
        for position, reasons in answer.refused.items():
            batch[position].reasons = reasons or {"": "Jira gave no reason"}
        return await self._send_shorter([batch[position] for position in answer.refused])

    async def _send_shorter(self, refused: Sequence[Work]) -> bool:
        """Send those once more whose description may have been too long, with a shorter one. Whether Jira answered."""
        long = [
            work
            for work in refused
            if work.reasons and "description" in work.reasons and work.draft.sections and not work.shortened
        ]
        for work in long:
            said = (work.reasons or {})["description"]
            self._log.warning("%s: row %d: %s; sending less of it", self._plan.client, work.row.row, said)
            work.draft, work.reasons, work.shortened = work.draft.shortened(), None, True
        return await self._send(long) if long else True

    async def _find(self, works: Sequence[Work]) -> None:
        """Give each row the issue that carries its token, whatever the answers said; settle the rows that have none."""
        tokens = {work.token: work for work in works}
        try:
            for issue in await self._lookup.read(self._keys):
                self._take(issue, tokens)
            self._keys = []
        except WorkflowError as error:
            self._log.warning("%s: could not read the issues just made: %s", self._plan.client, error)
        lost = [work for work in works if work.open]
        if not lost:
            return
        now = self._clock.now()
        for work in lost:
            work.lost_at = work.lost_at or now
        self._log.warning("%s: %d rows without a clear answer; looking for their issues", self._plan.client, len(lost))
        try:
            settled = await self.settle([work.token for work in lost], above=self._newest_before)
        except WorkflowError as error:
            self._log.warning("%s: could not look for lost issues: %s", self._plan.client, error)
            for work in lost:
                work.unseen = error.said
            return
        for work in lost:
            work.unseen = ""
            work.issue = settled.found.get(work.token)
            work.free = work.token in settled.free

    def _take(self, issue: Issue, tokens: Mapping[str, Work]) -> None:
        for token in tokens_of(issue):
            if work := tokens.get(token):
                work.issue, work.reasons = issue, None

    def _update(self, work: Work) -> dict[str, Any]:
        """One element of a bulk create: the draft's fields, and the row's labels."""
        fields = work.draft.as_jira()
        drafted = fields.get("labels")
        labels = [*(drafted if isinstance(drafted, list) else []), plan_label(self._plan.spreadsheet_id), work.token]
        value = row_property(
            self._plan,
            work.row,
            work.token,
            self._run,
            beside=work.beside,
            shortened=work.shortened,
            fields=sent.remember(fields),
        )
        return {"fields": {**fields, "labels": labels}, "properties": [{"key": PROPERTY, "value": value}]}


def _check_not_plan_wide(batch: Sequence[Work]) -> None:
    """Stop when every row of a batch was refused by itself, and all for the same reason: the others would be, too."""
    if batch[0].reasons and len({str(work.reasons) for work in batch}) == 1:
        reasons = "; ".join(batch[0].reasons.values())
        raise FixInputError("Jira", say("refuses every row: {reasons}", reasons=reasons))
