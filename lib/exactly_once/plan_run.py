"""One plan from its rows to its issues: lock, read, know, settle, decide, claim, create, verify, write back.

The sheet and Jira are the only records; this machine may stop at any line. What is assumed: Jira applies a request within the
settle time of its being sent, or never; an issue read by key is as it is, only the search index lags; a spreadsheet's
batchUpdate is applied whole or not at all. What a run leaves behind is found and finished by the next one.
"""

import json
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

from lib.clock import Clock
from lib.error_record import ErrorRecord
from lib.errors import CredentialsError, RefusedError, WorkflowError
from lib.exactly_once.claims import Claim
from lib.exactly_once.issue_maker import Batch, IssueMaker, Work
from lib.exactly_once.lookup import PERMISSIONS, Lookup, ProjectLookup, Snapshot
from lib.exactly_once.plan_sheet import FENCE_S, Log, PlanSheet
from lib.exactly_once.reconcile import Action, Outcome, decide, not_written_yet, plan_label, text_hash, tokens_of
from lib.exactly_once.step_files import StepFiles
from lib.messages import Said, join, say
from lib.plan import adf
from lib.plan.content_plan import KEY, ContentPlan, PlanRow
from lib.plan.issue_draft import Drafts, IssueDraft, shown_field
from lib.plan.keys import is_token, new_token, read_key
from lib.plan.problems import Kind, Level, Problem
from lib.services.models import Issue, Jira
from lib.services.throttle import Throttle


@dataclass
class RowResult:
    """How one row ended; `row` is its number when the plan was read, `key` its issue when it is known."""

    row: int
    outcome: Outcome
    key: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def not_reached(self) -> bool:
        """Whether nothing is wrong with it, and the run ended before its issue was sent."""
        return any(problem.kind is Kind.NOT_REACHED for problem in self.problems)


@dataclass
class PlanResult:
    """How a plan ended: one result per row, in sheet order, what is odd about the whole, and the error that stopped it."""

    by_row: dict[int, RowResult] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    error: ErrorRecord | None = None
    seconds: dict[str, float] = field(default_factory=dict)  # step -> how long it took, in the order of the steps
    batches: list[Batch] = field(default_factory=list)
    on_step: Callable[[str], None] = field(default=lambda _step: None, repr=False, compare=False)

    @property
    def rows(self) -> list[RowResult]:
        """The rows' results, in sheet order."""
        return list(self.by_row.values())

    def counts(self) -> dict[str, int]:
        """Rows in all and per outcome, whose sum closes; `not_reached` are those of the ready ones that the run did not come to."""
        outcomes = Counter(row.outcome for row in self.rows)
        not_reached = sum(row.not_reached for row in self.rows)
        return {
            "rows": len(self.rows),
            **{outcome.value: outcomes[outcome] for outcome in Outcome},
            Kind.NOT_REACHED.value: not_reached,
        }

    @contextmanager
    def step(self, name: str, clock: Clock) -> Iterator[None]:
        """Take down how long a step lasts, also when it fails."""
        began = clock.now()
        self.on_step(name)
        try:
            yield
        finally:
            taken = self.seconds.get(name, 0) + (clock.now() - began).total_seconds()
            self.seconds[name] = round(taken, 3)


class PlanRun:
    """
    One run over one plan. `result` is true at any moment, also after an error.

    Args:
        sheet: The plan's spreadsheet.
        jira: Jira.
        site: Address of the Jira site, to be named before the first write.
        project_key: The project that new issues go to.
        clock: Time.
        throttle: The pauses between its steps.
        settle_s: How long after its being sent a request may still be applied.
        run: Name of this run.
        files: Saves each intermediate result before the step that uses it.
        log: Gets the progress.
        lookup: What the run's plans know of the project together; None for one that is alone.
    """

    permissions: Sequence[str] = PERMISSIONS
    claims: bool = True  # whether it writes into Key cells, and makes issues

    def __init__(
        self,
        sheet: PlanSheet,
        jira: Jira,
        *,
        site: str,
        project_key: str,
        spreadsheet_id: str,
        client: str,
        clock: Clock,
        throttle: Throttle,
        settle_s: float,
        run: str,
        files: StepFiles,
        log: Log,
        lookup: ProjectLookup | None = None,
    ) -> None:
        self._sheet = sheet
        self._jira = jira
        self._clock = clock
        self._throttle = throttle
        self._settle_s = settle_s
        self._client = client
        self._where = f"project {project_key} at {site}"
        self._run = run
        self._files = files
        self._log = log
        self._lookup = Lookup(lookup or ProjectLookup(jira, project_key, self.permissions), spreadsheet_id)
        self._label = plan_label(spreadsheet_id)
        self._drafts: dict[int, IssueDraft] = {}
        self._field_names: dict[str, str] = {}
        self._contents: dict[int, str] = {}
        self._beside: tuple[str, ...] = ()
        self._wanted: int | None = None
        self.plan: ContentPlan | None = None
        self.result = PlanResult()

    def step(self, name: str) -> AbstractContextManager[None]:
        """Take down how long a step lasts."""
        return self.result.step(name, self._clock)

    def stop(self, error: ErrorRecord) -> None:
        """Put down the error that ended the run: rows that were good, or not looked at yet, say that it stopped them."""
        self.result.error = error
        for row in self.result.rows:
            if self.plan and row.outcome is Outcome.READY and not row.not_reached:
                self._not_reached(self.plan, row.row, error.said)
            elif self.plan and row.outcome is Outcome.UNCERTAIN and not row.problems:
                message = say("its Key cell is filled, and its issue was not looked for: {why}", why=error.said)
                self._say(self.plan, row.row, message)

    def locked(self) -> AbstractAsyncContextManager[None]:
        """
        Hold the plan while it is worked on; see `PlanSheet.locked`.

        Raises:
            ConflictError: Another run holds it.
        """
        return self._sheet.locked(claims=self.claims)

    async def read(self) -> ContentPlan:
        """
        Read the plan's rows.

        Raises:
            WorkflowError: It cannot be read, or there is no plan in it.
        """
        self._lookup.begin()
        with self.step("read the plan"):
            self._take(await self._sheet.read())
        return self._read()

    async def look_up(self, *, settle: bool) -> tuple[ContentPlan, Snapshot]:
        """
        Look up what Jira has of the plan; with `settle`, once it is known what became of everything that earlier runs sent.

        Returns:
            The plan, read again where claims of an earlier run had to be taken out, and what Jira has.

        Raises:
            WorkflowError: Jira or the plan cannot be read.
        """
        await self._throttle.pause(f"looking at Jira for {self._client}", self._log)
        with self.step("look at Jira"):
            snapshot = await (self._settle() if settle else self._lookup.snapshot(_keys(self._read())))
        return self._read(), snapshot

    def decide(self, snapshot: Snapshot, drafts: Drafts) -> list[Action]:
        """What is to be done with each row, given what Jira has and what the notebook drafted of the plan's rows."""
        plan = self._read()
        self._drafts = {draft.row: draft for draft in drafts.data}
        self._contents = {row.row: row.fingerprint for row in plan.rows}
        self._field_names = drafts.field_names
        decision = decide(
            plan, self._drafts, snapshot.issues, free=snapshot.free, clean=snapshot.clean, wanted=self._wanted
        )
        self._beside = tuple(orphan.key for orphan in decision.orphans) if self._wanted else ()
        self.result.problems = [*drafts.problems, *decision.problems]
        self.result.by_row = {a.row: RowResult(a.row, a.outcome, a.key, list(a.problems)) for a in decision.actions}
        self._files.actions(decision.actions)
        return decision.actions

    def foresee(self, actions: Iterable[Action]) -> None:
        """Say what a run that writes would leave to the next one; nothing is written."""
        for action in actions:
            if action.token and action.outcome is Outcome.EXISTING:
                self._result(action.row).outcome = Outcome.UNCERTAIN
                self._say(self._read(), action.row, not_written_yet(action.key), level="warning")

    async def execute(self, actions: Sequence[Action]) -> None:
        """
        Make the issues that are to be made, and write every key into its row. The plan must be locked.

        Raises:
            WorkflowError: The run could not go on; `result` says how far it came.
        """
        plan = self._read()
        with self.step("claim rows"):
            works = await self._claim(plan, actions)
        with self.step("create issues"):
            stopped_by = await self._create(plan, works)
        with self.step("write keys"):
            unfinished = await self._complete(plan, actions, works)
            await self._write_back(plan, actions, works, unfinished)
        if stopped_by:
            raise stopped_by
        if not any(result.outcome is Outcome.UNCERTAIN for result in self.result.rows):
            self._sheet.finish()

    # --- Look up, settle ----------------------------------------------------------------------------------------------

    def _take(self, plan: ContentPlan) -> None:
        """From now on these rows count; until more is known, they are good and not sent, or hold what was not looked for."""
        self.plan = plan
        outcomes = {row.row: Outcome.UNCERTAIN if row.key.strip() else Outcome.READY for row in plan.rows}
        self.result.by_row = {row: RowResult(row, outcome) for row, outcome in outcomes.items()}
        self._files.rows(plan)

    def _read(self) -> ContentPlan:
        if self.plan is None:
            raise RuntimeError("the plan was not read")
        return self.plan

    async def _settle(self) -> Snapshot:
        """What Jira has of the plan once it is known what became of everything that earlier runs sent."""
        plan = self._read()
        seen = await self._lookup.snapshot(_keys(plan))
        made = self._made(seen.issues)
        repaired = await self._sheet.repair(plan, made)
        if repaired is not plan:
            self._take(repaired)
            plan = repaired
            seen = await self._lookup.snapshot(_keys(plan))
            made = self._made(seen.issues)
        waiting = ({row.key.strip() for row in plan.rows if is_token(row.key)} | self._sheet.sent_tokens) - made
        blind = self._sheet.succeeds_unknown
        if not waiting and not blind:
            return seen
        sent_at, above = self._sheet.last_sending(waiting)
        self._log.warning(
            "%s: an earlier run left %s; settling that",
            self._client,
            f"{len(waiting)} rows without a known issue" if waiting else "requests under way, perhaps",
        )
        settled = await self._maker(plan).settle(waiting, sent_at=sent_at, margin_s=FENCE_S, above=above, blind=blind)
        seen = await self._lookup.snapshot(_keys(plan))
        free = settled.free - self._made(seen.issues)
        return replace(seen, clean=settled.clean and seen.clean, free=frozenset(free))

    def _made(self, issues: Iterable[Issue]) -> set[str]:
        """Tokens of this plan's issues; those of another plan, of which this one is a copy, say nothing about its rows."""
        return {token for issue in issues if self._label in issue.labels for token in tokens_of(issue)}

    # --- Claim, create, write back ------------------------------------------------------------------------------------

    async def _claim(self, plan: ContentPlan, actions: Sequence[Action]) -> list[Work]:
        rows = {row.row: row for row in plan.rows}
        works = [
            Work(rows[action.row], action.token or new_token(), self._drafts[action.row], beside=self._beside)
            for action in actions
            if action.outcome is Outcome.READY and self._wanted in (None, action.row)
        ]
        if not plan.key_header and all(work.row.key.strip() for work in works):
            await self._sheet.write_header()  # which new claims write with themselves
        if not works:
            return []
        await self._throttle.pause(f"claiming rows of {self._client}", self._log)
        wanted = [Claim(work.row.row, work.token, work.row.fingerprint) for work in works]
        self._files.claims(wanted, [work.row.key for work in works])
        claimed = await self._sheet.claim(
            [work.row for work in works], wanted, newest=self._lookup.newest, overwrite=self._wanted is not None
        )
        for work in works:
            if work.row.row not in claimed:
                message = say(
                    "the row was changed or moved while the run went; not sent, the next run takes it as it is then"
                )
                self._say(plan, work.row.row, message, kind=Kind.NOT_REACHED)
        return [work for work in works if work.row.row in claimed]

    async def _create(self, plan: ContentPlan, works: Sequence[Work]) -> WorkflowError | None:
        """Make the issues; the error that stopped it, which counts once the keys of what was made are written back."""
        if not works:
            return None
        self._log.info("%s: making issues of %d rows in %s", self._client, len(works), self._where)
        maker = self._maker(plan)
        cut_short = True
        try:
            await maker.make(works)
            cut_short = False
        except WorkflowError as error:
            cut_short = False
            return error
        finally:
            self.result.batches = maker.batches
            for work in works:
                self._put_down(plan, work, cut_short=cut_short)
            self._files.issues(works)
        return None

    def _maker(self, plan: ContentPlan) -> IssueMaker:
        return IssueMaker(
            self._jira,
            self._lookup,
            clock=self._clock,
            throttle=self._throttle,
            settle_s=self._settle_s,
            plan=plan,
            run=self._run,
            before_sending=self._before_sending,
            log=self._log,
        )

    async def _before_sending(self, tokens: Sequence[str]) -> float:
        await self._jira.acquire_to_create()  # a wait may be long: the plan must still be ours after it
        send_before = await self._sheet.check_ours()
        self._sheet.note_sending(tokens)
        return send_before

    def _put_down(self, plan: ContentPlan, work: Work, *, cut_short: bool) -> None:
        result = self._result(work.row.row)
        if work.issue:
            result.key = work.issue.key
            result.outcome = Outcome.UNCERTAIN  # until the key stands in its row
        elif work.reasons is not None:
            result.outcome = Outcome.REJECTED
            for name, reason in work.reasons.items():
                cell = work.draft.cells.get(name) or plan.address(work.row.row, "Topik")
                told = f"{shown_field(name, self._field_names)}: {reason}" if name else reason
                result.problems.append(Problem.of(cell, say("Jira: {reason}", reason=told), kind=Kind.REJECTED))
        elif work.unsent:
            self._not_reached(plan, work.row.row, work.unsent)
        else:
            result.outcome = Outcome.UNCERTAIN
            if cut_short:
                lost = say(
                    "the run was stopped while Jira was making its issue, which may exist; the next run settles it"
                )
            elif work.unseen:
                lost = say(
                    "Jira's answer was lost, and its issue could not be looked for ({why}); the next run settles it",
                    why=work.unseen,
                )
            else:
                lost = say("Jira's answer was lost, and its issue is not to be found; the next run settles it")
            self._say(plan, work.row.row, lost)

    async def _complete(self, plan: ContentPlan, actions: Sequence[Action], works: Sequence[Work]) -> set[int]:
        """
        Write into comments what descriptions have no room for, also of issues that an earlier run made and did not finish.

        Before the keys are written: a row whose comments are not there keeps its claim token, and the next run writes them.

        Returns:
            These rows.
        """
        long = {draft.row: draft for draft in self._drafts.values() if draft.sections}
        keys = {a.row: a.key for a in actions if a.token and a.outcome is Outcome.EXISTING and a.row in long}
        keys |= {work.row.row: work.issue.key for work in works if work.issue and work.row.row in long}
        unfinished: set[int] = set()
        for row, key in keys.items():
            lost = say(
                "{key} was made, and the rest of its long description could not be written into a comment", key=key
            )
            try:
                await self._comment_rest(key, long[row])
            except (RefusedError, CredentialsError) as error:
                self._say(plan, row, say("{what}: {why}", what=lost, why=error.said), level="warning")
            except WorkflowError as error:
                self._say(plan, row, say("{what} ({why}); the next run does it", what=lost, why=error.said))
                self._result(row).outcome = Outcome.UNCERTAIN
                unfinished.add(row)
        return unfinished

    async def _comment_rest(self, key: str, draft: IssueDraft) -> None:
        """Write the comments that are not there yet."""
        for issue in await self._jira.fetch([key]):
            described = draft.described(shorter=bool(issue.row.get("shortened")))
            same = issue.row.get("content_hash") == self._contents.get(draft.row)
            rest = described.rest if same else described.cut  # of a text that was changed since: all of it
            by_hash = {text_hash(json.dumps([n, page])): page for n, page in enumerate(adf.comments(rest))}
            there = await self._jira.read_change_hashes(key) if by_hash else set()
            for content_hash, page in by_hash.items():
                if content_hash not in there:
                    await self._jira.add_comment(key, page, content_hash)

    async def _write_back(
        self, plan: ContentPlan, actions: Sequence[Action], works: Sequence[Work], unfinished: Container[int]
    ) -> None:
        """Replace tokens by keys, take out those of rows without an issue, and see that every key stands in its row."""
        works = [work for work in works if work.row.row not in unfinished]
        texts = {work.token: work.issue.key if work.issue else "" for work in works if work.issue or not work.open}
        made = {work.row.row: work.issue.key for work in works if work.issue}
        for action in actions:
            if action.row in unfinished:
                continue
            if action.token and action.outcome is Outcome.EXISTING:
                texts[action.token] = made[action.row] = action.key
                self._result(action.row).outcome = Outcome.UNCERTAIN
            elif action.token and action.outcome in (Outcome.REFUSED, Outcome.FLAGGED):
                texts[action.token] = ""
        if not texts:
            return
        await self._throttle.pause(f"writing keys of {self._client}", self._log)
        try:
            now = await self._sheet.replace(texts, last=not unfinished)
        except WorkflowError:
            for row, key in made.items():
                self._say(plan, row, not_written_yet(key))
            raise
        contents = {work.row.row: work.row.fingerprint for work in works}
        holders: dict[str, list[PlanRow]] = {}
        for other in now.rows:
            holders.setdefault(read_key(other.key) or "", []).append(other)
        standing = {other.fingerprint for other in now.rows}
        for row, key in made.items():
            self._finish(plan, row, key, contents.get(row), holders.get(key, []), standing)

    def _finish(
        self, plan: ContentPlan, row: int, key: str, content: str | None, holders: list[PlanRow], standing: set[str]
    ) -> None:
        """
        Say how a row ended whose issue exists: well, when the key stands in one cell, beside what it was made from.

        `content` is what the issue was made from in this run; `holders` are the rows that now hold the key, `standing` all
        contents that now stand in the plan.
        """
        result = self._result(row)
        result.outcome = Outcome.FLAGGED
        if not holders:
            taken = say(
                "its issue {key} was made, but the row or its claim token was taken away meanwhile; write {key} into its Key cell",
                key=key,
            )
            self._say(plan, row, taken)
        elif len(holders) > 1:
            copied = say(
                "{key} stands in rows {rows}: the row was copied meanwhile; clear the Key cell of the copy",
                key=key,
                rows=join(say(" and "), (str(other.row) for other in holders)),
            )
            self._say(plan, row, copied)
        elif content and holders[0].fingerprint != content and content in standing:
            moved = say(
                "its issue {key} was made, but its claim token was moved to row {row}; move {key} back into its row",
                key=key,
                row=holders[0].row,
            )
            self._say(plan, row, moved)
        else:
            result.outcome = Outcome.CREATED if content else Outcome.EXISTING

    def _result(self, row: int) -> RowResult:
        return self.result.by_row[row]

    def _not_reached(self, plan: ContentPlan, row: int, why: object) -> None:
        self._say(plan, row, say("not sent: {why}", why=why), kind=Kind.NOT_REACHED)

    def _say(
        self, plan: ContentPlan, row: int, message: Said, *, level: Level = "error", kind: Kind = Kind.CELL
    ) -> None:
        problem = Problem.of(plan.address(row, KEY), message, level=level, kind=kind)
        self._result(row).problems.append(problem)


def _keys(plan: ContentPlan) -> list[str]:
    """The keys that stand in the plan."""
    return [key for row in plan.rows if (key := read_key(row.key))]


def sum_up(results: Iterable[PlanResult]) -> dict[str, int]:
    """The counts of all plans together."""
    total: Counter[str] = Counter()
    for result in results:
        total.update(result.counts())
    return {name: total[name] for name in ("rows", *Outcome, Kind.NOT_REACHED)}
