"""One plan's spreadsheet while a run works on it: lock, read, claim, write back. The Google half of exactly once."""

import datetime as dt
import functools
import itertools
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from lib.clock import Clock
from lib.errors import ConflictError, FixInputError, TryLaterError, UncertainWriteError, WorkflowError
from lib.exactly_once import claims, key_cells, plan_lock
from lib.exactly_once.claims import Claim
from lib.files import iso_utc
from lib.formats import Month
from lib.messages import say
from lib.plan import parsing, tabs
from lib.plan.content_plan import KEY, ContentPlan, PlanRow, PlanSource
from lib.plan.keys import is_token
from lib.services import a1
from lib.services.models import CellValue, Google, Place, Spreadsheet, Tab, TabCells

WRITES = 3  # requests that write, for a plan that all goes well with: lock, claim, write back
REPLACE_SIZE = 500  # finds a request: Google ends a request after 180 s
FEW = 100  # finds that may look through the whole tab, each
FENCE_S = 60  # how long after the lock was seen to be ours a request may be sent at the latest
_GLANCE_S = 5  # for how long one look at the lock counts
_TRIES = 3

type Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


@dataclass(frozen=True)
class LockTerms:
    """
    On what terms a run locks a plan.

    Attributes:
        flow_run: Its flow run in Prefect, which the lock names.
        flow_run_ended: Whether another flow run is known to have ended: then its lock is taken over.
        break_lock: Take the lock over, whoever holds it.
    """

    flow_run: uuid.UUID | None
    flow_run_ended: Callable[[uuid.UUID], Awaitable[bool]]
    break_lock: bool = False


class PlanSheet:
    """
    The tab that holds a client's plan.

    Args:
        google: Sheets.
        clock: Time.
        client: Whose plan it is.
        spreadsheet_id: The spreadsheet.
        month: The plan's month, by which its tab is known.
        tab: Title of the tab where somebody named it.
        run: Name of this run, for the journal.
        terms: On what terms it is locked; None for who only reads.
        local: This machine's part of the lock; None for the one in the user's folder.
        log: Gets the progress.
    """

    def __init__(
        self,
        google: Google,
        clock: Clock,
        *,
        client: str,
        spreadsheet_id: str,
        month: Month | None = None,
        tab: str = "",
        run: str = "",
        terms: LockTerms | None = None,
        local: plan_lock.LocalLock | None = None,
        log: Log,
    ) -> None:
        self._google = google
        self._clock = clock
        self._client = client
        self._id = spreadsheet_id
        self._month = month
        self._wanted_tab = tab
        self._tab_id: int | None = None
        self._run = run
        self._given_local = local
        self._terms = terms
        self._log = log
        self._holder: plan_lock.Holder | None = None
        self._unparsed: Spreadsheet | None = None  # was read with the lock, and is parsed when the plan is read
        self._seen_ours_at: dt.datetime | None = None
        self._send_before = 0.0
        self._prepared = False  # whether our range points at the Key column since the plan was locked
        self._given_back = False  # the lock in the spreadsheet, with what was written last
        self._claimed: dict[str, Place] = {}  # where tokens were seen to stand
        self._journal: dict[str, Any] = {}
        self.spreadsheet: Spreadsheet | None = None

    # --- Reading ------------------------------------------------------------------------------------------------------

    async def open(self) -> Tab:
        """
        Read what the spreadsheet is and shows; the tab that holds the plan, which stays the same while a run goes.

        Raises:
            FixInputError: No tab, or more than one, may be the plan (`lib.plan.tabs`), or it was deleted meanwhile.
        """
        spreadsheet = await self._asked(self._google.read_texts(self._id))
        if self._tab_id is None:
            self._tab_id = tabs.choose(spreadsheet, self._month, self._wanted_tab).id
        return self.tab

    async def read(self) -> ContentPlan:
        """
        The plan as it stands; right after it was locked, as it stood then.

        Raises:
            FixInputError: It has no header, lacks a column, or has no rows.
        """
        if self.spreadsheet is None:
            await self.open()
        locked, self._unparsed = self._unparsed, None
        plan = self._parse(locked) if locked else await self.read_again()
        if not plan.rows:
            raise FixInputError(
                f"{plan.title}, tab {a1.quoted(plan.tab)}", say("has no rows below its header; fill the plan")
            )
        return plan

    async def read_again(self) -> ContentPlan:
        """The plan as it stands now, with or without rows."""
        return self._parse(await self._asked(self._google.read_tab(self._id, self.tab.title)))

    @property
    def named_ranges(self) -> Mapping[str, str]:
        """The spreadsheet's named ranges when it was last read, id -> name."""
        return self._opened().named_ranges

    @property
    def corners(self) -> Mapping[str, Place]:
        """Name of a named range -> its upper left cell when the spreadsheet was last read."""
        return self._opened().corners

    async def apply(self, requests: Sequence[Mapping[str, Any]]) -> ContentPlan:
        """
        Apply requests, all or none, to the spreadsheet, which must be locked; the plan as it stands right after them.

        Raises:
            ConflictError: Google refuses them, or the plan is not ours any more; nothing was applied.
            UncertainWriteError: No answer can be trusted; read what they should have changed.
        """
        await self.check_ours()
        return await self._update(requests)

    async def read_version(self) -> str:
        """The spreadsheet's version in Drive, which grows with every change to it."""
        return await self._google.read_version(self._id)

    async def write_columns(self, columns: Mapping[str, Sequence[CellValue]], *, typed: bool = False) -> None:
        """Write down named ranges of the spreadsheet, as `GoogleApi.write_columns` does."""
        await self._google.write_columns(self._id, columns, typed=typed)

    async def _update(self, requests: Sequence[Mapping[str, Any]]) -> ContentPlan:
        """Apply the requests; the plan as it stands right after them."""
        return self._parse(await self._asked(self._google.update_and_read(self._id, requests, self.tab.title)))

    async def _asked(self, request: Awaitable[Spreadsheet]) -> Spreadsheet:
        """Send a request and take in what it answers with, which also shows whose lock there is, from when it was sent on."""
        sent_at, began = self._clock.now(), time.monotonic()
        self.spreadsheet = await request
        if self._is_ours():
            self._seen_ours_at, self._send_before = sent_at, began + FENCE_S
        else:
            self._seen_ours_at = None
        return self.spreadsheet

    def _is_ours(self) -> bool:
        """Whether the lock was ours when the spreadsheet was last read."""
        return self._holder is not None and (
            self._opened().named_ranges.get(plan_lock.LOCK_ID) == self._holder.range_name
        )

    def _parse(self, read: Spreadsheet) -> ContentPlan:
        tab = next((tab for tab in read.tabs if tab.id == self._tab_id), None)
        if tab is None or tab.cells is None:
            raise self._deleted(read.title)
        return parsing.parse(self._source(tab), tab.cells, tab.merges)

    def _cells(self) -> TabCells:
        """The cells of the tab as they were last read."""
        return self.tab.cells or TabCells()

    @property
    def tab(self) -> Tab:
        """The plan's tab as it was last read."""
        sheet = self._opened()
        found = next((tab for tab in sheet.tabs if tab.id == self._tab_id), None)
        if found is None:
            raise self._deleted(sheet.title)
        return found

    def _deleted(self, title: str) -> FixInputError:
        return FixInputError(title, say("the tab of the plan was deleted while the run went; restore it and run again"))

    @functools.cached_property
    def _local(self) -> plan_lock.LocalLock:
        return self._given_local or plan_lock.LocalLock(self._id, endpoint=self._opened().endpoint)

    def _opened(self) -> Spreadsheet:
        if self.spreadsheet is None:
            raise RuntimeError("open() the spreadsheet first")
        return self.spreadsheet

    def _source(self, tab: Tab) -> PlanSource:
        sheet = self._opened()
        return PlanSource(
            client=self._client,
            spreadsheet_id=self._id,
            title=sheet.title,
            tab=tab.title,
            tab_id=tab.id,
            url=sheet.url,
            locale=sheet.locale,
            time_zone=sheet.time_zone,
        )

    # --- The lock -----------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def locked(self, *, claims: bool) -> AsyncIterator[None]:
        """
        Hold the plan, on this machine and between machines.

        Both locks are given back however the work ends, except when it is cancelled: a request may then be under way, and
        the lock stays until this process has gone, which is the proof that the next run needs. When rows are left unsettled,
        so is the holder's own range, without which this machine's journal is not believed.

        Args:
            claims: Whether Key cells are to be written, and issues made: where the cells stand already, the same request prepares
                them.

        Raises:
            ConflictError: Another run holds the plan; the message says who, since when, and what to do.
        """
        sheet = self._opened()
        if self._terms is None:
            raise RuntimeError("a sheet without terms of its lock is only read")
        self._local.acquire(sheet.title)
        try:
            await self._lock_spreadsheet(self._terms, claims=claims)
        except BaseException:
            self._local.release()
            raise
        try:
            yield
        except Exception:
            await self._unlock()
            raise
        await self._unlock()

    async def _lock_spreadsheet(self, terms: LockTerms, *, claims: bool) -> None:
        tab = self.tab
        self._holder = plan_lock.new_holder(self._local, self._clock.now(), terms.flow_run)
        plan = self._foreseen() if claims else None
        key_column = key_cells.request_key_column(plan, tab, self._holder) if plan else []
        for _ in range(_TRIES):
            before = self._opened().named_ranges
            if name := before.get(plan_lock.LOCK_ID, ""):
                await self._check_gone(name, terms)
            makes_issues = claims or bool(plan_lock.may_have_made(before))
            lock = plan_lock.request_lock(self._holder, tab.id, makes_issues=makes_issues)
            requests = [*plan_lock.request_unlock(name, before), *lock, *key_column]
            try:
                read = await self._asked(self._google.update_and_read(self._id, requests, tab.title))
            except (ConflictError, UncertainWriteError) as error:  # taken meanwhile, or the answer was lost
                self._log.debug("%s: lock: %s", self._client, error)
                read = await self._asked(self._google.read_tab(self._id, tab.title))
                key_column = []  # it may be protected
            if self._is_ours():
                self._unparsed = read
                self._prepared = bool(key_column)
                self._inherit(self._holder, before)
                return
        busy = say("the lock could not be taken; another run may be starting, try again")
        raise ConflictError(self._opened().title, busy)

    def _foreseen(self) -> ContentPlan | None:
        """The plan by what its cells show, if it has a Key column and rows without a key."""
        tab = self.tab
        try:
            plan = parsing.parse(self._source(tab), self._cells(), tab.merges)
        except FixInputError:  # reading it says so
            return None
        has_key_column = plan.key_column is not None and plan.key_header
        return plan if has_key_column and not all(row.key.strip() for row in plan.rows) else None

    async def _check_gone(self, name: str, terms: LockTerms) -> None:
        """Return when the lock of that name may be broken; raise otherwise."""
        if why := await self._why_gone(name, terms):
            self._log.warning("%s: %s", self._client, why)
            return
        holder = plan_lock.parse_holder(name)
        raise ConflictError(
            self._opened().title,
            say(
                "{holder} works on it; wait until it has ended. If you know that it is dead, run again with --break-lock: "
                "while it lives, both would make issues",
                holder=holder.said if holder else name,
            ),
        )

    async def _why_gone(self, name: str, terms: LockTerms) -> str:
        """Why the lock of that name may be broken, while we hold this machine's; empty when its holder may be alive."""
        holder = plan_lock.parse_holder(name)
        if terms.break_lock:
            return f"breaking the lock of {holder or name}, as asked"
        if holder and holder.machine == self._local.machine():  # we hold the file lock, so that process is gone
            return f"the run that held the plan has died ({holder}); going on from there"
        if holder and holder.flow_run and await terms.flow_run_ended(holder.flow_run):
            return f"the flow run that held the plan has ended ({holder})"
        return ""

    async def is_left_locked(self) -> bool:
        """Whether the spreadsheet, as it was last read, holds the lock of a run that is gone; who locks it next takes that away."""
        name = self._opened().named_ranges.get(plan_lock.LOCK_ID)
        if not name or self._terms is None:
            return False
        try:
            self._local.acquire(self._opened().title)
        except ConflictError:
            return False
        try:
            return bool(await self._why_gone(name, self._terms))
        finally:
            self._local.release()

    def _inherit(self, holder: plan_lock.Holder, before: Mapping[str, str]) -> None:
        """
        Begin a journal, with what that of the run before us says, if it still holds.

        It does if the range of its holder stood until we deleted it: nobody has held the plan since. Of the range of any other
        holder that may have made issues nothing is known but that its run left something under way.
        """
        journal = self._local.read_journal()
        known = f"{plan_lock.HOLDER_ID}{journal.get('nonce', '')}"
        if known not in before:
            journal = {}
        there = plan_lock.may_have_made({**before, **self._opened().named_ranges})
        others = set(there) - {known, f"{plan_lock.HOLDER_ID}{holder.nonce}"}
        self._journal = {
            "run": self._run,
            "since": iso_utc(self._clock.now()),
            "spreadsheet_id": self._id,
            "nonce": holder.nonce,
            "claims": journal.get("claims", {}),
            "before": journal.get("before", {}),
            "newest": journal.get("newest"),
            "taken_over_at": self._read_at() if others else journal.get("taken_over_at"),
        }
        self._local.write_journal(self._journal)

    def _read_at(self) -> str:
        """When the spreadsheet was last read, by Google's clock: the machine's may be wrong."""
        return iso_utc(self._opened().read_at or self._clock.now())

    async def check_ours(self) -> float:
        """
        Make sure that nobody has broken our lock; a look counts for some seconds.

        Returns:
            Until when, by `time.monotonic()`, what was allowed now may be sent.

        Raises:
            ConflictError: Somebody has; nothing may be created any more.
        """
        now = self._clock.now()
        if self._seen_ours_at is None or not 0 <= (now - self._seen_ours_at).total_seconds() <= _GLANCE_S:
            await self._asked(self._google.read_spreadsheet(self._id))
            _ = self.tab  # raises when it was deleted
            if not self._is_ours():
                raise ConflictError(self._opened().title, say("another run has taken the plan over; this one stops"))
        return self._send_before

    async def _unlock(self) -> None:
        try:
            if self._holder and not self._given_back:
                await self._google.update(self._id, self._request_unlock(leave=not self._settles(())))
        except (ConflictError, TryLaterError, FixInputError) as error:
            self._log.warning(
                "%s: the plan's lock may stay; the next run on this machine takes it: %s", self._client, error
            )
        finally:
            self._local.release()

    def _request_unlock(self, *, leave: bool = False) -> list[dict[str, Any]]:
        return plan_lock.request_unlock(self._held_by().range_name, (), leave=leave)

    def check_idle(self) -> None:
        """
        Make sure that nobody works on the plan, for who only reads it. Nothing is written, nothing is held.

        Raises:
            ConflictError: A run works on it; the message says who and since when.
        """
        sheet = self._opened()
        self._local.acquire(sheet.title)
        self._local.release()
        name = sheet.named_ranges.get(plan_lock.LOCK_ID)
        holder = plan_lock.parse_holder(name) if name else None
        if name and (
            holder is None or holder.machine != self._local.machine()
        ):  # one of ours is dead: its lock was free
            raise ConflictError(sheet.title, say("{holder} works on it", holder=holder.said if holder else name))

    # --- Claiming -----------------------------------------------------------------------------------------------------

    async def repair(self, plan: ContentPlan, made: set[str]) -> ContentPlan:
        """Take out the claims of a run that died before it sent them (none is in `made`), and put back what they displaced."""
        unsent = {token for token, sent_at in self._journal.get("claims", {}).items() if not sent_at}
        found = ({row.key.strip() for row in plan.rows} & unsent) - made
        if not found:
            return plan
        self._log.warning("%s: taking out %d claims of a run that died", self._client, len(found))
        return await self.replace(claims.displaced(found, self._journal.get("before", {}), plan))

    @property
    def sent_tokens(self) -> set[str]:
        """Tokens that an earlier run sent to Jira, by this machine's journal; a person may have erased them from the sheet."""
        return {token for token, sent_at in self._journal.get("claims", {}).items() if sent_at}

    @property
    def succeeds_unknown(self) -> bool:
        """Whether a run before us left something under way of which this machine's journal does not know."""
        return bool(self._journal.get("taken_over_at"))

    def last_sending(self, tokens: Iterable[str]) -> tuple[dt.datetime | None, int | None]:
        """
        When earlier runs may have sent these tokens at the latest, but for `FENCE_S`; and an issue older than theirs.

        By this machine's journal, in Google's time; None for what it does not say. The issue is told by its number.
        """
        sent = [self._journal.get("claims", {}).get(token) for token in tokens]
        if self.succeeds_unknown:
            return (None, None) if None in sent else (self._latest([*sent, self._journal["taken_over_at"]]), None)
        if not sent or not all(sent):
            return None, None
        return self._latest(sent), self._journal.get("newest")

    def _latest(self, moments: Iterable[str]) -> dt.datetime:
        return max(dt.datetime.fromisoformat(moment) for moment in moments)

    async def claim(
        self, rows: Sequence[PlanRow], wanted: Sequence[Claim], *, newest: int, overwrite: bool = False
    ) -> set[int]:
        """
        Write tokens into the Key cells of rows and see that they stand there.

        Args:
            rows: The rows as they were read.
            wanted: One claim per row; its token may stand there already.
            newest: Number of the project's newest issue: theirs will be newer.
            overwrite: Replace what the Key cells hold, since a person said so.

        Returns:
            Numbers (as read) of the rows that are claimed. The others were changed or moved away meanwhile: what our tokens
            displaced there is put back.

        Raises:
            ConflictError: The plan is not ours any more, or the Key column cannot be written; nothing was.
        """
        held = {claim.row: claim.token for claim in wanted}
        if all(row.key.strip() == held[row.row] for row in rows):
            now, top = await self.read_again(), 0
        else:
            now, top = await self._point()
        places = claims.place(rows, now)
        fresh = {
            n: row for n, row in places.items() if not row.key.strip() or (overwrite and row.key.strip() != held[n])
        }
        self._write_journal(wanted, claims.key_cells(now), newest)
        now_after = now
        if fresh:
            written = {row.row: held[number] for number, row in fresh.items()}
            as_meant = await self._write_tokens(now, top, written)
            now_after = claims.written(written, now) if as_meant else await self.read_again()
        stand = claims.standing(wanted, now_after)
        wrong = {held[number] for number in fresh} - stand
        if wrong:
            self._log.warning("%s: %d rows moved while they were claimed; putting that right", self._client, len(wrong))
            await self.replace(claims.displaced(wrong, claims.key_cells(now), now_after))
        self._claimed = self._places(now_after, stand)
        return {claim.row for claim in wanted if claim.token in stand}

    async def write_header(self) -> None:
        """Write the header of the Key column again, which was cleared. Where that fails, nothing else does: the next run tries again."""
        try:
            plan, top = await self._point()
            if plan.key_column is not None and not plan.key_header:
                await self._write_tokens(plan, top, {})
        except WorkflowError as error:
            self._log.warning("%s: the header %s was not written again: %s", self._client, KEY, error)

    def _places(self, plan: ContentPlan, tokens: Container[str]) -> dict[str, Place]:
        column = key_cells.column_of(plan)
        return {token: (row.row - 1, column) for row in plan.rows if (token := row.key.strip()) in tokens}

    async def _point(self) -> tuple[ContentPlan, int]:
        """
        Point our named range at the Key column, header included, and see that it is there.

        The request goes by address, and somebody may move columns at that very moment; but once the range is seen on the
        right column it stays with it, and claim tokens are written into the range.

        Returns:
            The plan as it stands, and the first row of the range, from 0.
        """
        plan = await self.read_again()
        if self._prepared and (top := await self._fitting(plan)) is not None:
            return plan, top
        refused: ConflictError | None = None
        for _ in range(_TRIES):
            requests, refused = key_cells.request_key_column(plan, self.tab, self._held_by()), None
            try:
                plan = await self._update(requests)
            except UncertainWriteError as error:
                refused = error
                self._log.warning("%s: %s; reading where our range is", self._client, error)
                plan = await self.read_again()
            except ConflictError as error:
                plan, refused = await self._point_only(requests[-1], error)
            if (top := await self._fitting(plan, formatted=refused is None)) is not None:
                return plan, top
        raise refused or ConflictError(
            self._opened().title, say("its columns are being moved; run again when nobody edits them")
        )

    async def _fitting(self, plan: ContentPlan, *, formatted: bool = True) -> int | None:
        """The first row of our range, from 0, if it is the plan's Key column; else None, which is told if a column was `formatted`."""
        top, column = await self._pointed()
        if column == key_cells.column_of(plan) and top < plan.header_row:
            return top
        if formatted:
            self._log.warning(
                "%s: columns were moved while the Key column was looked for; the one that stood at %s then may have "
                "become plain text",
                self._client,
                a1.column_letter(column),
            )
        return None

    async def _point_only(
        self, request: Mapping[str, Any], refused: ConflictError
    ) -> tuple[ContentPlan, ConflictError | None]:
        """Point our range without the format, which Google may refuse alone; the plan, and the error when it refuses that, too."""
        try:
            plan = await self._update([request])
        except ConflictError as error:
            return await self.read_again(), error
        self._log.warning("%s: the Key column could not be formatted: %s", self._client, refused)
        return plan, None

    async def _pointed(self) -> Place:
        """The first row and the column of our range at the moment of the last read."""
        sheet, name = self._opened(), self._held_by().own_range
        if name not in sheet.corners:
            self._seen_ours_at = None
            await self.check_ours()  # says so when the range is gone with the lock
            raise ConflictError(sheet.title, say("the run's named range was deleted; run again"))
        return sheet.corners[name]

    async def _write_tokens(self, plan: ContentPlan, top: int, tokens: Mapping[int, str]) -> bool:
        """
        Write texts into the Key cells of rows, by number, and the header if there is none yet.

        Returns:
            Whether the tab showed them, and all else as it was read, right after it; else what came of it is to be read.
        """
        texts: list[str | None] = [None] * (max(tokens, default=plan.header_row) - top)
        for row, text in tokens.items():
            texts[row - 1 - top] = text
        if plan.key_column is None or not plan.key_header:
            texts[plan.header_row - 1 - top] = KEY
        sent_at = self._clock.now()
        try:
            shown = await self._google.write_column(self._id, self._held_by().own_range, texts, self.tab.title)
        except UncertainWriteError as error:
            self._log.warning("%s: %s; reading what stands in the plan", self._client, error)
            return False
        except ConflictError as error:
            self._seen_ours_at = None
            await self.check_ours()
            why = "rows were deleted meanwhile, or it is protected"
            self._log.warning("%s: nothing was written into the Key column, %s: %s", self._client, why, error)
            return False
        self._seen_ours_at = sent_at  # the range goes with the lock
        column = key_cells.column_of(plan)
        written = {(row, column): text for row, text in enumerate(texts, start=top) if text is not None}
        return shown is not None and key_cells.is_as_written(shown, self._cells().texts, written)

    def _held_by(self) -> plan_lock.Holder:
        if self._holder is None:
            raise RuntimeError("lock the plan first")
        return self._holder

    def _write_journal(self, wanted: Sequence[Claim], before: Mapping[str, list[str]], newest: int) -> None:
        claimed: dict[str, str | None] = self._journal.get("claims", {})
        sent = {token: sent_at for token, sent_at in claimed.items() if sent_at}
        kept = self._journal.get("newest") if sent else None
        self._journal |= {
            "claims": {**{claim.token: None for claim in wanted}, **sent},
            "before": before,
            "newest": newest if kept is None else min(kept, newest),
        }
        self._local.write_journal(self._journal)

    def note_sending(self, tokens: Sequence[str]) -> None:
        """Put down that these tokens are about to be sent to Jira: from now on their issues may exist."""
        self._journal["claims"].update(dict.fromkeys(tokens, self._read_at()))
        self._local.write_journal(self._journal)

    # --- Writing back -------------------------------------------------------------------------------------------------

    async def replace(self, texts: Mapping[str, str], *, last: bool = False) -> ContentPlan:
        """
        Replace tokens by keys (or by what they displaced, or by nothing), wherever in the tab they stand now.

        By content and not by address, so that a row that was inserted, moved or sorted meanwhile cannot get another row's
        key. Many are first looked for where they were seen, each in its cell alone. Safe to repeat.

        Args:
            texts: Token -> what it is replaced by.
            last: Nothing else is to be written: where nothing is left unsettled, the lock is given back in the same request. A
                token that somebody edited meanwhile is then left to the next run.

        Returns:
            The plan as it stands afterwards: what counts is what stands there, not what the replies say.
        """
        now = await self.read_again() if not texts else None
        left = dict(texts)
        places = self._claimed if len(texts) > FEW else {}
        unlock = self._request_unlock() if last and not places and self._settles(texts) else []
        for _ in range(_TRIES):
            if not left:
                break
            requests = [
                key_cells.replace_text(token, text, self.tab.id, places.get(token)) for token, text in left.items()
            ]
            *before, end = itertools.batched(requests, REPLACE_SIZE, strict=False)
            for part in before:
                try:
                    await self._google.update(self._id, part)
                except UncertainWriteError as error:
                    self._log.warning("%s: %s; what stands in the plan is read afterwards", self._client, error)
            now = await self._write_last([*end, *unlock], unlocks=bool(unlock))
            self._given_back = bool(unlock) and not self._is_ours()
            unlock = unlock if self._is_ours() else []
            places = {}
            there = {text for row in now.rows for text in _texts(row) if is_token(text)}
            left = {token: text for token, text in left.items() if token in there and text != token}
        if now is None or left:
            told = say("{count} claim tokens could not be replaced; the next run does it", count=len(left))
            raise UncertainWriteError(self._opened().title, told)
        return now

    async def _write_last(self, requests: Sequence[Mapping[str, Any]], *, unlocks: bool) -> ContentPlan:
        """Apply the requests, or see what came of them; one that unlocks is refused when it was applied before."""
        try:
            return await self._update(requests)
        except UncertainWriteError as error:
            self._log.warning("%s: %s; reading what stands in the plan", self._client, error)
        except ConflictError as error:
            if not unlocks:
                raise
            now = await self.read_again()
            if self._is_ours():  # it was not the lock that Google refuses
                raise
            self._log.warning("%s: %s; what stands in the plan was read", self._client, error)
            return now
        return await self.read_again()

    def _settles(self, texts: Container[str]) -> bool:
        """Whether nothing is under way any more once these tokens are replaced."""
        return not self._journal.get("taken_over_at") and all(
            token in texts for token in self._journal.get("claims", {})
        )

    def finish(self) -> None:
        """Nothing of the plan is under way any more: the journal is not needed."""
        self._journal = {}
        self._local.clear_journal()


def _texts(row: PlanRow) -> list[str]:
    return [row.key.strip(), *(value.strip() for value in row.values.values() if isinstance(value, str))]
