"""The flow's own steps with the real client libraries, without Prefect and without a kernel: what the property tests drive."""

import asyncio
import contextlib
import io
import json
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from google.oauth2.credentials import Credentials

from lib.clock import Clock
from lib.error_record import record_of
from lib.exactly_once import plan_lock
from lib.exactly_once.plan_sheet import LockTerms, PlanSheet
from lib.exactly_once.resolving import PlanResolve
from lib.exactly_once.step_files import StepFiles
from lib.files import DRAFTS, ROWS
from lib.formats import parse_month
from lib.plan import issue_draft
from lib.plan.content_plan import ContentPlan
from lib.plan.issue_draft import Drafts
from lib.services.google_api import GoogleApi
from lib.services.jira_api import JiraApi
from lib.services.throttle import Throttle
from lib.settings import ROOT
from lib.update.plan_take import PlanTake
from lib.update.plan_update import PlanUpdate

NOTEBOOK = ROOT / "notebooks/content_plan_to_jira.ipynb"


class DirectGoogle:
    """`lib.services.models.Google`, calling the client right here."""

    def __init__(self, api: Any) -> None:
        self.api = api

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.api, name)

        async def call(*args: Any, **kwargs: Any) -> Any:
            return method(*args, **kwargs)

        return call


class DirectJira(DirectGoogle):
    """`lib.services.models.Jira`, calling the client right here."""

    async def acquire_to_create(self) -> None:
        """Alone on the server, nobody else calls."""


class Killed(BaseException):
    """The process is gone: nothing that comes after it runs."""


class Mortal:
    """Google or Jira of a run that dies right before or after its n-th call (of those named), counted over both."""

    def __init__(self, port: Any, counter: Iterator[int], at: int, calls: Sequence[str] | None = None) -> None:
        self._port, self._counter, self._at, self._calls = port, counter, at, calls

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._port, name)
        if self._calls is not None and name not in self._calls:
            return call

        async def dying(*arguments: Any, **options: Any) -> Any:
            self._die()
            answer = await call(*arguments, **options)
            self._die()
            return answer

        return dying

    def _die(self) -> None:
        if next(self._counter) == self._at:
            raise Killed


def google_api(environment: Mapping[str, str], **options: Any) -> GoogleApi:
    """A client for the sandbox with that environment."""
    credentials = Credentials(
        token=None,
        refresh_token=environment["GOOGLE_REFRESH_TOKEN"],
        token_uri=environment["GOOGLE_TOKEN_URI"],
        client_id=environment["GOOGLE_CLIENT_ID"],
        client_secret=environment["GOOGLE_CLIENT_SECRET"],
    )
    return GoogleApi(credentials, endpoint=environment["GOOGLE_API_ENDPOINT"], **options)


def jira_api(environment: Mapping[str, str], **options: Any) -> JiraApi:
    """A client for the sandbox with that environment."""
    return JiraApi(environment["JIRA_URL"], environment["JIRA_USERNAME"], environment["JIRA_TOKEN"], **options)


def run_cells(parameters: Mapping[str, Any], *, show: bool = False) -> dict[str, Any]:
    """Run the transform notebook's code cells in this process; the names they leave. Tables are drawn only if `show`."""
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or (not show and source.startswith("tables.")):
            continue
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, str(NOTEBOOK), "exec"), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names.update(parameters)
    return names


def make_drafts(folder: Path, month: str, project_key: str = "CP") -> Callable[[ContentPlan], Any]:
    """What the flow does with the notebook, in this process."""

    async def make(plan: ContentPlan) -> Drafts:
        paths = {"rows_path": str(folder / ROWS), "drafts_path": str(folder / DRAFTS)}
        run_cells({**paths, "target_month": month, "project_key": project_key})
        return issue_draft.load(folder / DRAFTS, plan.rows, notebook="notebook")

    return make


async def never(_flow_run: uuid.UUID) -> bool:
    """No other flow run is known to have ended."""
    return False


class DirectRun:
    """One run over one plan against the sandbox."""

    kind: Any = PlanResolve

    def __init__(
        self,
        google: DirectGoogle,
        jira: DirectJira,
        *,
        spreadsheet_id: str,
        folder: Path,
        locks: Path,
        clock: Clock,
        month: str = "Juli 2026",
        client: str = "Kopi Senja",
        settle_s: float = 300.0,
        project_key: str = "CP",
    ) -> None:
        log = logging.getLogger("direct")
        self.local = plan_lock.LocalLock(spreadsheet_id, locks)
        self.folder = folder
        self.month = month
        self.project_key = project_key
        folder.mkdir(parents=True, exist_ok=True)
        self.sheet = PlanSheet(
            google,
            clock,
            client=client,
            spreadsheet_id=spreadsheet_id,
            month=parse_month(month),
            run=folder.name,
            terms=LockTerms(None, never),
            local=self.local,
            log=log,
        )
        self.plan_run = self.kind(
            self.sheet,
            jira,
            site="sandbox",
            project_key=project_key,
            spreadsheet_id=spreadsheet_id,
            client=client,
            clock=clock,
            throttle=Throttle(0, 0, clock),
            settle_s=settle_s,
            run=folder.name,
            files=StepFiles(folder, workflow="direct", source=spreadsheet_id),
            log=log,
        )

    async def make(
        self,
        *,
        break_lock: bool = False,
        flow_run: uuid.UUID | None = None,
        has_ended: Callable[[uuid.UUID], Awaitable[bool]] = never,
    ) -> None:
        self.sheet._terms = LockTerms(flow_run, has_ended, break_lock)
        await self.sheet.open()
        await self._make()

    async def _make(self) -> None:
        """As the flow does it."""
        async with self.plan_run.locked():
            await self.plan_run.read()
            plan, snapshot = await self.plan_run.look_up(settle=True)
            drafts = await make_drafts(self.folder, self.month, self.project_key)(plan)
            await self.plan_run.execute(self.plan_run.decide(snapshot, drafts))

    def run(self, *, break_lock: bool = False) -> Any:
        """Make the plan's issues; the result. An error ends up in the result, as in the flow."""
        try:
            asyncio.run(self.make(break_lock=break_lock))
        except Exception as error:
            self.plan_run.stop(record_of(error))
            raise
        return self.plan_run.result

    def resolve(self, *, row: int = 0, key: str = "", forget: str = "") -> str:
        """Carry out a decision: the row's issue is `key`, or is to be made; or `forget` is not of this plan."""

        async def go() -> str:
            await self.sheet.open()
            if forget:
                return await self.plan_run.forget(forget)
            if key:
                return await self.plan_run.set_key(row, key)
            self.plan_run.want(row)
            await self._make()
            return self.plan_run.say_created(row)

        return asyncio.run(go())

    def check(self) -> Any:
        """Decide and write nothing; the result."""

        async def check() -> None:
            await self.sheet.open()
            await self.plan_run.read()
            plan, snapshot = await self.plan_run.look_up(settle=False)
            drafts = await make_drafts(self.folder, self.month, self.project_key)(plan)
            self.plan_run.foresee(self.plan_run.decide(snapshot, drafts))

        asyncio.run(check())
        return self.plan_run.result


class DirectUpdate(DirectRun):
    """One pass that keeps the plan's issues in step."""

    kind = PlanUpdate

    async def _make(self) -> None:
        """As the flow does it."""
        await self._compare()
        if not await self.plan_run.is_to_write():
            self.plan_run.foresee_status()
            return
        async with self.plan_run.locked():
            if self.plan_run.has_deleted or (self.plan_run.has_changes and not await self.plan_run.is_same()):
                await self._compare()
            await self.plan_run.send()
            await self.plan_run.settle_deleted()
            await self.plan_run.fill_status()

    async def _compare(self) -> None:
        await self.plan_run.read()
        plan, snapshot = await self.plan_run.look_up(settle=False)
        await self.plan_run.compare(snapshot, await make_drafts(self.folder, self.month, self.project_key)(plan))


class DirectTake(DirectUpdate):
    """A decision about a conflict, carried out."""

    kind = PlanTake

    def decide(self, row: int, side: str, field: str | None = None, *, validate_only: bool = False) -> str:
        """What was done, in a sentence."""
        self.plan_run.want(row, side, field)

        async def go() -> str:
            await self.sheet.open()
            if validate_only:
                await self._compare()
            else:
                async with self.plan_run.locked():
                    await self._compare()
                    await self.plan_run.send()
            return self.plan_run.say_taken(validate_only=validate_only)

        return asyncio.run(go())
