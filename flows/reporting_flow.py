"""Flows that return their result, never raise to their caller, and still show as Failed in Prefect.

Prefect takes a returned dictionary for success. So inside the engine a result with an `error` is raised, wrapped in
`FlowFailedError`, and outside it is unwrapped again. A result in which rows need a person ends as Completed, named
`NeedsAttention`; one with nothing in it that an earlier run did not tell, named `NothingNew`, so that nobody is told again.
"""

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from typing import Any, Self, cast

from prefect import Flow, runtime
from prefect.context import FlowRunContext
from prefect.logging import get_run_logger
from prefect.states import Completed
from pydantic_core import to_jsonable_python

from flows import prefect_api
from lib import error_line
from lib.error_record import ErrorRecord, in_result, record_of, with_error
from lib.errors import TryLaterError, WorkflowError
from lib.exactly_once.plan_run import PlanResult
from lib.exactly_once.reconcile import NEEDS_A_PERSON
from lib.files import iso_utc, utc_now
from lib.settings import in_sandbox

type Result = dict[str, Any]

_ended: ContextVar[list[Result]] = ContextVar("_ended")  # what ended while Prefect's API could not be asked
RERUN_TAG = "rerun-of: "  # before the run that a flow run runs again
NEEDS_ATTENTION = "NeedsAttention"
NOTHING_NEW = "NothingNew"


class FlowFailedError(WorkflowError):
    """Carries a failed flow's result through Prefect's Failed state."""

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.result = result

    def __str__(self) -> str:
        return with_report(str(self.result.get("bottom_line") or self.result.get("error")), self.result)

    def __repr__(self) -> str:
        return f"FlowFailedError({self})"  # the engine logs this, and the whole result would drown the log


class ReportingFlow(Flow[..., Any]):
    """A flow whose call gives the result dictionary, however the run ended. Cancellation still goes through."""

    async def __call__(  # type: ignore[override]  # Flow has overloads for results and states
        self,
        *args: Any,
        return_state: bool = False,
        wait_for: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Run the flow; its result, or with `return_state` its state."""
        started = iso_utc(utc_now())
        ended: list[Result] = []
        _ended.set(ended)
        try:
            return await cast(
                "Awaitable[Any]", super().__call__(*args, return_state=return_state, wait_for=wait_for, **kwargs)
            )
        except FlowFailedError as failed:
            return failed.result
        except Exception as error:  # noqa: BLE001  # bad arguments, an API out of reach, a time-out: all end as a result
            return ended[-1] if ended else failure(self.name, started, error, kwargs)

    def with_options(self, **options: Any) -> Self:
        """A copy with other options, of the same kind (Flow's own would make a plain Flow)."""
        changed = super().with_options(**options)
        changed.__class__ = type(self)
        return cast("Self", changed)


def reporting_flow[**P](**options: Any) -> Callable[[Callable[P, Awaitable[Result]]], ReportingFlow]:
    """
    The decorator: options as of Prefect's `flow`.

    The function returns a result dictionary with `start_time`, `end_time`, `data`, `summary` and, if something failed, `error`;
    what it raises becomes such a result, too.
    """

    def decorate(function: Callable[P, Awaitable[Result]]) -> ReportingFlow:
        @functools.wraps(function)
        async def body(*args: P.args, **kwargs: P.kwargs) -> Any:
            started, cause = iso_utc(utc_now()), None
            for name in ("prefect.flow_runs", "prefect.task_runs"):
                logging.getLogger(name).addFilter(_ONE_LINE)
            try:
                result = await function(*args, **kwargs)
            except asyncio.CancelledError:
                if FlowRunContext.get() and await prefect_api.wait_for_answer(0, get_run_logger()):
                    prefect_api.give_up()
                raise
            except Exception as error:  # noqa: BLE001  # a flow never raises to its caller
                given = runtime.flow_run.parameters or {}
                cause, result = error, failure(str(options.get("name", "")), started, error, given)
            context = FlowRunContext.get()
            if context is None or context.flow is None or context.flow.fn is not body:
                return result  # called as a plain function
            if away := await prefect_api.wait_for_answer(prefect_api.OUTAGE_S, get_run_logger()):
                prefect_api.give_up()
                result = with_error(result, ErrorRecord(away, TryLaterError.kind, service="prefect"))
                _ended.get([]).append(result)  # the engine, which cannot tell Prefect, raises about that
            if result.get("error"):
                raise FlowFailedError(result) from cause
            if needs_attention(result) and result.get("nothing_new"):
                message = with_report(str(result.get("bottom_line")), result)
                return Completed(name=NOTHING_NEW, message=message, data=result)
            if needs_attention(result):
                return Completed(
                    name=NEEDS_ATTENTION, message=with_report(attention_message(result), result), data=result
                )
            return result

        return ReportingFlow(body, **options)

    return decorate


class _OneLine(logging.Filter):
    """What a person has to correct stands in the log on one line; the traceback of our own code would bury it. At DEBUG it stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to log it: what a failed flow says is said by its last state, too."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None or logging.getLogger(record.name).isEnabledFor(logging.DEBUG):
            return True
        of_flow = isinstance(error, FlowFailedError)
        cause = error.__cause__ if of_flow else error
        if cause is not None and not error_line.is_told(cause):
            return True
        record.exc_info = record.exc_text = None
        return not of_flow


_ONE_LINE = _OneLine()


def head(flow: str, started: str, ended: str, parameters: Mapping[str, Any]) -> Result:
    """What every result says of its run, however and whenever that ended."""
    marks = runtime.flow_run.tags or []
    return {
        "start_time": started,
        "end_time": iso_utc(utc_now()),
        "flow": flow,
        "state": ended,
        "parameters": to_jsonable_python(dict(parameters), fallback=str),
        "flow_run_id": runtime.flow_run.id,
        "flow_run_url": prefect_api.page_of(runtime.flow_run.id),
        "rerun_of": next((mark.removeprefix(RERUN_TAG) for mark in marks if mark.startswith(RERUN_TAG)), None),
        "sandbox": in_sandbox(),
    }


def failure(flow: str, started: str, error: BaseException, parameters: Mapping[str, Any]) -> Result:
    """The result of a run that ended before it had a folder; with all keys that every result has."""
    failed = in_result([record_of(error)])
    return {
        "bottom_line": f"The run failed: {failed['error']}",
        **head(flow, started, "failed", parameters),
        "sources": {},
        "api_calls": {},
        "run_folder": "",
        "report": "",
        "data": [],
        "summary": {**PlanResult().counts(), "clients": {}},
        **failed,
    }


def needs_attention(result: Result) -> bool:
    """Whether rows wait for a person's decision or another run, or a check found what would block one."""
    return bool(result.get("blocking")) or any(result.get("summary", {}).get(name, 0) for name in NEEDS_A_PERSON)


def state(result: Result) -> str:
    """How a run ended, in the words of the report: failed, needs attention or completed."""
    if result.get("error"):
        return "failed"
    return "needs attention" if needs_attention(result) else "completed"


def attention_message(result: Result) -> str:
    """How many rows wait, per outcome."""
    counts = {
        "blocking": len(result.get("blocking", [])),
        **{str(outcome): result["summary"].get(outcome, 0) for outcome in NEEDS_A_PERSON},
    }
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count)


def with_report(message: str, result: Result) -> str:
    """The message with where the run's report is, for the state in Prefect and the alerts that show it."""
    return f"{message.rstrip('.')}; report: {result['report']}" if result.get("report") else message


def exit_code(result: Result) -> int:
    """1 when the run failed, 2 when a row needs a person, 0 otherwise."""
    if result.get("error"):
        return 1
    return 2 if needs_attention(result) else 0


def run_to_end(flow: ReportingFlow, **parameters: Any) -> Result:
    """Run the flow from a command line; its result."""
    return cast("Result", asyncio.run(flow(**parameters)))
