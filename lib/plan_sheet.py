"""One plan's spreadsheet while a run works on it: lock, read, claim, write back. The Google half of exactly once."""

import datetime as dt
import functools
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from lib import a1, claims, content_plan, plan_lock
from lib.claims import Claim
from lib.clock import Clock
from lib.content_plan import KEY, ContentPlan, PlanRow, PlanSource
from lib.errors import ConflictError, FixInputError, TryLaterError, UncertainWriteError
from lib.ports import Google, Spreadsheet, Tab
from lib.reconcile import is_token
from lib.run_folder import iso_utc

KEY_NOTE = (
    "This column is written by the content-plan-to-jira run: do not edit it. cp-… marks a row whose issue is being made; "
    "if it stays, the next run settles it."
)
REPLACE_SIZE = 500  # finds a request: each looks through the whole tab, and Google ends a request after 180 s
FENCE_S = 60  # for how long the lock is taken to be ours without another look
_TRIES = 3

type HolderEnded = Callable[[uuid.UUID], Awaitable[bool]]
type Log = logging.Logger | logging.LoggerAdapter[logging.Logger]


class PlanSheet:
    """
    The tab that holds a client's plan.

    Args:
        google: Sheets.
        clock: Time.
        client: Whose plan it is.
        spreadsheet_id: The spreadsheet.
        tab: Title of the tab; the first one when empty.
        run: Name of this run, for the journal.
        local: This machine's part of the lock; None for the one in the user's folder.
        log: Where progress is told.
    """

    def __init__(
        self,
        google: Google,
        clock: Clock,
        *,
        client: str,
        spreadsheet_id: str,
        tab: str = "",
        run: str = "",
        local: plan_lock.LocalLock | None = None,
        log: Log,
    ) -> None:
        self._google = google
        self._clock = clock
        self._client = client
        self._id = spreadsheet_id
        self._tab_title = tab
        self._run = run
        self._given_local = local
        self._log = log
        self._holder: plan_lock.Holder | None = None
        self._seen_ours_at: dt.datetime | None = None
        self._journal: dict[str, Any] = {}
        self.spreadsheet: Spreadsheet | None = None

    # --- Reading ------------------------------------------------------------------------------------------------------

    async def open(self) -> Tab:
        """Read what the spreadsheet is; the tab that holds the plan."""
        self.spreadsheet = await self._google.read_spreadsheet(self._id)
        tabs = [tab for tab in self.spreadsheet.tabs if self._tab_title in ("", tab.title)]
        if not tabs:
            seen = ", ".join(a1.quoted(tab.title) for tab in self.spreadsheet.tabs)
            raise FixInputError(self.spreadsheet.title, f"has no tab {a1.quoted(self._tab_title)}; there are {seen}")
        return tabs[0]

    async def read(self) -> ContentPlan:
        """
        The plan as it stands, values and what people see of them.

        Raises:
            FixInputError: It has no header, lacks a column, or has no rows.
        """
        tab = await self.open() if self.spreadsheet is None else self._tab()
        for attempt in range(_TRIES):
            values = await self._google.read_values(self._id, tab.title)
            texts = await self._google.read_texts(self._id, tab.title)
            if tab.merges:
                tab = await self.open()  # merged cells as they are now, not as they were before somebody moved the rows
            if _same_moment(values, texts) or attempt == _TRIES - 1:
                break
            self._log.info("%s: the plan was edited while it was read; reading again", self._client)
        plan = content_plan.parse(self._source(tab), values, texts, tab.merges)
        if not plan.rows:
            raise FixInputError(
                f"{plan.title}, tab {a1.quoted(plan.tab)}", "has no rows below its header; fill the plan"
            )
        return plan

    async def read_again(self) -> ContentPlan:
        """The plan as it stands now, values only."""
        tab = self._tab()
        values = await self._google.read_values(self._id, tab.title)
        return content_plan.parse(self._source(tab), values, [], tab.merges)

    def _tab(self) -> Tab:
        sheet = self._opened()
        return next(tab for tab in sheet.tabs if self._tab_title in ("", tab.title))

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
    async def locked(
        self, flow_run: uuid.UUID | None, holder_ended: HolderEnded, *, break_lock: bool = False
    ) -> AsyncIterator[None]:
        """
        Hold the plan, on this machine and between machines.

        Both locks are given back however the work ends, except when it is cancelled: a request may then be under way, and
        the lock stays until this process has gone, which is the proof that the next run needs.

        Raises:
            ConflictError: Another run holds the plan; the message says who, since when, and what to do.
        """
        sheet = self._opened()
        self._local.acquire(sheet.title)
        try:
            await self._lock_spreadsheet(flow_run, holder_ended, break_lock=break_lock)
            self._journal = self._local.read_journal()
        except BaseException:
            self._local.release()
            raise
        try:
            yield
        except Exception:
            await self._unlock()
            raise
        await self._unlock()

    async def _lock_spreadsheet(
        self, flow_run: uuid.UUID | None, holder_ended: HolderEnded, *, break_lock: bool
    ) -> None:
        tab = self._tab()
        self._holder = plan_lock.new_holder(self._local, self._clock.now(), flow_run)
        name = self._opened().named_ranges.get(plan_lock.LOCK_ID)
        for _ in range(_TRIES):
            requests = plan_lock.request_lock(self._holder, tab.id)
            if name is not None:
                await self._check_gone(name, holder_ended, break_lock=break_lock)
                requests = [*plan_lock.request_unlock(name), *requests]
            try:
                await self._google.update(self._id, requests)
            except (ConflictError, UncertainWriteError) as error:  # taken meanwhile, or the answer was lost
                self._log.debug("%s: lock: %s", self._client, error)
            tab = await self.open()
            name = self._opened().named_ranges.get(plan_lock.LOCK_ID)
            if name == self._holder.range_name:
                self._seen_ours_at = self._clock.now()
                return
        raise ConflictError(self._opened().title, "the lock could not be taken; another run may be starting, try again")

    async def _check_gone(self, name: str, holder_ended: HolderEnded, *, break_lock: bool) -> None:
        """Return when the lock of that name may be broken; raise otherwise."""
        holder = plan_lock.parse_holder(name)
        if break_lock:
            self._log.warning("%s: breaking the lock of %s, as asked", self._client, holder or name)
            return
        if holder and holder.machine == self._local.machine():  # we hold the file lock, so that process is gone
            self._log.warning("%s: the run that held the plan has died (%s); going on from there", self._client, holder)
            return
        if holder and holder.flow_run and await holder_ended(holder.flow_run):
            self._log.warning("%s: the flow run that held the plan has ended (%s)", self._client, holder)
            return
        raise ConflictError(
            self._opened().title,
            f"{holder or name} works on it; wait until it has ended. If you know that it is dead, run again with --break-lock: "
            f"while it lives, both would make issues",
        )

    async def check_ours(self) -> None:
        """
        Make sure that nobody has broken our lock, at most once a minute.

        Raises:
            ConflictError: Somebody has; nothing may be created any more.
        """
        now = self._clock.now()
        if self._seen_ours_at and (now - self._seen_ours_at).total_seconds() < FENCE_S:
            return
        await self.open()
        name = self._opened().named_ranges.get(plan_lock.LOCK_ID)
        if self._holder is None or name != self._holder.range_name:
            raise ConflictError(self._opened().title, "another run has taken the plan over; this one stops")
        self._seen_ours_at = now

    async def _unlock(self) -> None:
        try:
            if self._holder:
                await self._google.update(self._id, plan_lock.request_unlock(self._holder.range_name))
        except (ConflictError, TryLaterError, FixInputError) as error:
            self._log.warning(
                "%s: the plan's lock may stay; the next run on this machine takes it: %s", self._client, error
            )
        finally:
            self._local.release()

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
            raise ConflictError(sheet.title, f"{holder or name} works on it")

    # --- Claiming -----------------------------------------------------------------------------------------------------

    async def repair(self, plan: ContentPlan, made: set[str]) -> ContentPlan:
        """Take out the claims of a run that died before it sent them (none is in `made`), and put back what they displaced."""
        unsent = {token for token, sent_at in self._journal.get("claims", {}).items() if not sent_at}
        found = ({row.key.strip() for row in plan.rows} & unsent) - made
        if not found:
            return plan
        self._log.warning("%s: taking out %d claims of a run that died", self._client, len(found))
        await self.replace(claims.displaced(found, self._journal.get("before", {}), plan))
        return await self.read()

    def sent_at(self, token: str) -> dt.datetime | None:
        """When the run that died last sent this token to Jira, by this machine's journal; None when it does not say."""
        sent_at = self._journal.get("claims", {}).get(token)
        return dt.datetime.fromisoformat(sent_at) if sent_at else None

    async def claim(self, rows: Sequence[PlanRow], wanted: Sequence[Claim], *, over: bool = False) -> set[int]:
        """
        Write tokens into the Key cells of rows and see that they stand there.

        Args:
            rows: The rows as they were read.
            wanted: One claim per row; its token may stand there already.
            over: Write over what the Key cells hold, since a person said so.

        Returns:
            Numbers (as read) of the rows that are claimed. The others were changed or moved away meanwhile: what our tokens
            displaced there is put back.
        """
        now = await self.read_again()
        places = claims.place(rows, now)
        held = {claim.row: claim.token for claim in wanted}
        fresh = {n: row for n, row in places.items() if not row.key.strip() or (over and row.key.strip() != held[n])}
        self._write_journal(wanted, claims.key_cells(now))
        if fresh:
            await self._prepare_key_column(now)
            cells = {now.address(row.row, KEY): held[number] for number, row in fresh.items()}
            if now.key_column is None:
                cells = {now.address(now.header_row, KEY): KEY, **cells}
            try:
                await self._google.write_cells(self._id, cells)
            except UncertainWriteError as error:
                self._log.warning("%s: %s; reading what stands in the plan", self._client, error)
            now_after = await self.read_again()
        else:
            now_after = now
        stand = claims.standing(wanted, now_after)
        wrong = {held[number] for number in fresh} - stand
        if wrong:
            self._log.warning("%s: %d rows moved while they were claimed; putting that right", self._client, len(wrong))
            await self.replace(claims.displaced(wrong, claims.key_cells(now), now_after))
        return {claim.row for claim in wanted if claim.token in stand}

    async def _prepare_key_column(self, plan: ContentPlan) -> None:
        """Make the Key column plain text, since a key such as MAR-12 would turn into a date, and say whose column it is."""
        column = plan.key_column if plan.key_column is not None else plan.new_key_column
        tab = self._tab()
        requests: list[dict[str, Any]] = []
        if column >= tab.columns:
            requests.append(
                {"appendDimension": {"sheetId": tab.id, "dimension": "COLUMNS", "length": column + 1 - tab.columns}}
            )
        where = {"sheetId": tab.id, "startColumnIndex": column, "endColumnIndex": column + 1}
        header = {**where, "startRowIndex": plan.header_row - 1, "endRowIndex": plan.header_row}
        below = {**where, "startRowIndex": plan.header_row}
        text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
        requests += [
            {"repeatCell": {"range": below, "cell": text, "fields": "userEnteredFormat.numberFormat"}},
            {"repeatCell": {"range": header, "cell": {"note": KEY_NOTE}, "fields": "note"}},
        ]
        try:
            await self._google.update(self._id, requests)
        except (ConflictError, UncertainWriteError) as error:
            self._log.warning("%s: the Key column could not be formatted: %s", self._client, error)

    def _write_journal(self, wanted: Sequence[Claim], before: Mapping[str, list[str]]) -> None:
        sent = {token: sent_at for token, sent_at in self._journal.get("claims", {}).items() if sent_at}
        self._journal = {
            "run": self._run,
            "since": iso_utc(self._clock.now()),
            "spreadsheet_id": self._id,
            "claims": {**sent, **{claim.token: None for claim in wanted}},
            "before": before,
        }
        self._local.write_journal(self._journal)

    def note_sending(self, tokens: Sequence[str]) -> None:
        """Put down that these tokens are about to be sent to Jira: from now on their issues may exist."""
        self._journal["claims"].update(dict.fromkeys(tokens, iso_utc(self._clock.now())))
        self._local.write_journal(self._journal)

    # --- Writing back -------------------------------------------------------------------------------------------------

    async def replace(self, texts: Mapping[str, str]) -> ContentPlan:
        """
        Replace tokens by keys (or by what they displaced, or by nothing), wherever in the tab they stand now.

        By content and not by address, so that a row that was inserted, moved or sorted meanwhile cannot get another row's
        key. Safe to repeat.

        Returns:
            The plan as it stands afterwards: what counts is what stands there, not what the replies say.
        """
        now = await self.read_again() if not texts else None
        left = dict(texts)
        for _ in range(_TRIES):
            if not left:
                break
            requests = [replace_text(token, text, self._tab().id) for token, text in left.items()]
            for start in range(0, len(requests), REPLACE_SIZE):
                try:
                    await self._google.update(self._id, requests[start : start + REPLACE_SIZE])
                except UncertainWriteError as error:
                    self._log.warning("%s: %s; reading what stands in the plan", self._client, error)
            now = await self.read_again()
            there = {text for row in now.rows for text in _texts(row) if is_token(text)}
            left = {token: text for token, text in left.items() if token in there and text != token}
        if now is None or left:
            raise UncertainWriteError(
                self._opened().title, f"{len(left)} marks could not be replaced; the next run does it"
            )
        return now

    def finish(self) -> None:
        """All rows of this run are settled: the journal is not needed any more."""
        self._journal = {}
        self._local.clear_journal()


def _texts(row: PlanRow) -> list[str]:
    return [row.key.strip(), *(value.strip() for value in row.values.values() if isinstance(value, str))]


def _same_moment(values: Sequence[Sequence[Any]], texts: Sequence[Sequence[Any]]) -> bool:
    """Whether both grids show the same text cells; they differ when the plan was edited between the two reads."""
    shown: Sequence[Sequence[Any]] = [*texts, *[[]] * len(values)]
    return all(
        not isinstance(cell, str) or cell == (shown[row][column] if column < len(shown[row]) else "")
        for row, cells in enumerate(values)
        for column, cell in enumerate(cells)
    )


def replace_text(find: str, replacement: str, tab_id: int) -> dict[str, Any]:
    """A request that replaces a whole cell's text wherever in the tab it stands."""
    return {
        "findReplace": {
            "find": find,
            "replacement": replacement,
            "matchEntireCell": True,
            "matchCase": True,
            "sheetId": tab_id,
        }
    }
