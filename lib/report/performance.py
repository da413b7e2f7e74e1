"""How fast runs were, over some days: flows, the steps of their plans, calls of the services, batches; and what to do about it."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lib.errors import FixInputError
from lib.formats import plural
from lib.run import run_record
from lib.run.run_record import RunRecord
from lib.services import rate_limits
from lib.services.models import CREATE_SIZE

FEW_RUNS = 5  # fewer say little
_MANY_FAILED = 0.2  # of a flow's runs
_LONG_STEP = 0.5  # of the time of all steps
_SMALL_BATCH = 0.5  # of what fits into one
_BOUND_BY_QUOTA = 0.5  # of a run's time
_QUOTA_MINUTES = 2  # fewer are no matter
_WATCH, _WATCH_EVERY_S = "content-plan-watch", 15 * 60
_QUOTAS = {
    "google": (rate_limits.SHEETS_READS, rate_limits.SHEETS_WRITES, rate_limits.DRIVE),
    "jira": (rate_limits.JIRA_READS, rate_limits.JIRA_WRITES),
}

type Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Performance:
    """
    The runs of a span of time, added up.

    Attributes:
        runs: How many there are.
        unfinished: Names of those without a result that can be read, which count nowhere else.
        flows: Per flow how its runs ended, their durations in seconds, and rows per minute.
        steps: Per step of a plan its seconds in all, its share of all steps (`25%`), and the slowest plan; the longest step first.
        quotas: Per flow the calls of a plan, and the minutes that Sheets' quotas alone would take for the run that asks most.
        apis: Per service the requests, how they went, milliseconds per request, and the run with the most per minute.
        batches: Bulk creates: how many, their rows, rows per second; empty when there was none.
        advice: What was seen and what to do, a sentence each.
    """

    runs: int
    unfinished: list[str]
    flows: Records
    steps: Records
    quotas: Records
    apis: Records
    batches: Records
    advice: list[str]


def read(output_dir: Path, days: int, until: dt.datetime) -> Performance:
    """
    Read the runs that began within the days before `until`.

    Raises:
        FixInputError: `days` is less than 1, or more than the calendar has.
    """
    since = _since(days, until)
    found, unfinished = [], []
    for folder in run_record.run_folders(output_dir) if output_dir.is_dir() else []:
        if not since <= run_record.begun_at(folder) < until:
            continue
        try:
            found.append(run_record.read_head(folder))
        except FixInputError:
            unfinished.append(folder.name)
    return add_up(found, unfinished)


def _since(days: int, until: dt.datetime) -> dt.datetime:
    if days < 1:
        raise FixInputError("days", f"must be 1 or more, not {days}")
    try:
        return until - dt.timedelta(days=days)
    except OverflowError:
        raise FixInputError("days", f"{days} go back before the calendar begins; write 365 for a year") from None


def add_up(records: Iterable[RunRecord], unfinished: Iterable[str] = ()) -> Performance:
    """The figures of these runs."""
    runs = list(records)
    flows, steps, quotas, apis, batches = _flows(runs), _steps(runs), _quotas(runs), _apis(runs), _batches(runs)
    advice = [*_advice(len(runs), flows, steps, apis, batches), *_advice_on_quotas(quotas)]
    return Performance(len(runs), list(unfinished), flows, steps, quotas, apis, batches, advice)


def _flows(runs: list[RunRecord]) -> Records:
    frame = pd.DataFrame(
        [{"flow": _flow(run), "state": run.state, "seconds": run.duration_s, "rows": _rows(run)} for run in runs],
        columns=["flow", "state", "seconds", "rows"],
    )
    return [
        {
            "flow": flow,
            "runs": len(of),
            **{state.replace(" ", "_"): int((of["state"] == state).sum()) for state in _STATES},
            "median_s": _number(of["seconds"].median()),
            "p95_s": _number(of["seconds"].quantile(0.95)),
            "longest_s": _number(of["seconds"].max()),
            "rows_per_minute": _number(60 * of["rows"].sum() / max(of["seconds"].sum(), 1)),
        }
        for flow, of in frame.groupby("flow")
    ]


_STATES = ("completed", "needs attention", "failed", "cancelled")


def _flow(run: RunRecord) -> str:
    """Runs that gather what others did are a kind of their own."""
    spread = run.result.get("parameters", {}).get("dispatch") == "workers"
    return f"{run.flow} (on workers)" if spread else run.flow


def _rows(run: RunRecord) -> int:
    return sum(plan.get("rows", 0) for _, plan in _plans(run))


def _plans(run: RunRecord) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The plans that the run itself worked on; those of its parts on workers are counted there."""
    return ((name, plan) for name, plan in run.plans.items() if not plan.get("run"))


def _steps(runs: list[RunRecord]) -> Records:
    frame = pd.DataFrame(
        [
            {"step": step, "seconds": seconds, "plan": f"{name}, {run.name}"}
            for run in runs
            for name, plan in _plans(run)
            for step, seconds in plan.get("seconds", {}).items()
        ],
        columns=["step", "seconds", "plan"],
    )
    total = frame["seconds"].sum()
    records = [
        {
            "step": step,
            "plans": len(of),
            "total_s": _number(of["seconds"].sum()),
            "share": f"{of['seconds'].sum() / total if total else 0:.0%}",
            "median_s": _number(of["seconds"].median()),
            "longest_s": _number(of["seconds"].max()),
            "slowest": _of_most(of, "seconds", "plan"),
        }
        for step, of in frame.groupby("step")
    ]
    return sorted(records, key=lambda record: -record["total_s"])


def _quotas(runs: list[RunRecord]) -> Records:
    """
    The calls of a plan; those of the run as a whole, such as the client list's, are shared out among its plans.

    Runs that had no plan of their own, or did not count by quota yet, say nothing.
    """
    frame = pd.DataFrame(
        [_asked(run, plans) for run in runs if (plans := len([*_plans(run)])) and _by_quota(run)],
        columns=["flow", "run", "plans", "google", "jira", "reads", "writes", "quota_minutes", "minutes"],
    )
    records = []
    for flow, of in frame.groupby("flow"):
        made, most = of["plans"].sum(), of.sort_values("quota_minutes").iloc[-1]
        records.append(
            {
                "flow": flow,
                "runs": len(of),
                "plans": int(made),
                "google_per_plan": _number(of["google"].sum() / made),
                "jira_per_plan": _number(of["jira"].sum() / made),
                "sheets_reads_per_plan": _number(of["reads"].sum() / made),
                "sheets_writes_per_plan": _number(of["writes"].sum() / made),
                "quota_minutes": _number(most["quota_minutes"]),
                "of_minutes": _number(most["minutes"]),
                "most_in_run": str(most["run"]),
            }
        )
    return records


def _by_quota(run: RunRecord) -> dict[str, int]:
    counted: dict[str, int] = run.result.get("api_calls", {}).get("google", {}).get("by_quota", {})
    return counted


def _asked(run: RunRecord, plans: int) -> dict[str, Any]:
    calls, counted = run.result["api_calls"], _by_quota(run)
    reads, writes = (counted.get(quota.name, 0) for quota in (rate_limits.SHEETS_READS, rate_limits.SHEETS_WRITES))
    return {
        "flow": _flow(run),
        "run": run.name,
        "plans": plans,
        "google": calls["google"]["calls"],
        "jira": calls.get("jira", {}).get("calls", 0),
        "reads": reads,
        "writes": writes,
        "quota_minutes": max(reads, writes) / rate_limits.SHEETS_PER_MINUTE,
        "minutes": run.duration_s / 60,
    }


def _apis(runs: list[RunRecord]) -> Records:
    frame = pd.DataFrame(
        [
            {"api": api, "run": run.name, "minutes": max(run.duration_s, 1) / 60, **calls}
            for run in runs
            for api, calls in run.result.get("api_calls", {}).items()
        ],
        columns=["api", "run", "minutes", *_CALLS, "seconds"],
    )
    frame["per_minute"] = frame["calls"] / frame["minutes"]
    return [
        {
            "api": api,
            "runs": len(of),
            **{name: int(of[name].sum()) for name in _CALLS},
            "mean_ms": _number(1000 * of["seconds"].sum() / max(of["calls"].sum(), 1)),
            "busiest_per_minute": _number(of["per_minute"].max()),
            "busiest_run": _of_most(of, "per_minute", "run"),
        }
        for api, of in frame.groupby("api")
    ]


_CALLS = ("calls", "too_many_requests", "repeated", "failed", "task_retries")


def _batches(runs: list[RunRecord]) -> Records:
    of_plans = [plan["batches"] for run in runs for _, plan in _plans(run) if plan.get("batches")]
    frame = pd.DataFrame([batch for batches in of_plans for batch in batches], columns=["rows", "seconds"])
    if frame.empty:
        return []
    inner = [batch["rows"] for batches in of_plans for batch in batches[:-1]]  # the last one of a plan is what was left
    return [
        {
            "plans": len(of_plans),
            "batches": len(frame),
            "rows": int(frame["rows"].sum()),
            "median_rows": _number(frame["rows"].median()),
            "largest_rows": int(frame["rows"].max()),
            "median_rows_but_last": _number(pd.Series(inner).median()) if inner else None,
            "rows_per_s": _number(frame["rows"].sum() / max(frame["seconds"].sum(), 0.001)),
        }
    ]


def _advice(runs: int, flows: Records, steps: Records, apis: Records, batches: Records) -> Iterator[str]:
    if runs < FEW_RUNS:
        yield f"There are few runs ({runs}): take the figures as a first impression, or ask for more days."
    for flow in flows:
        if flow["failed"] > _MANY_FAILED * flow["runs"]:
            yield (
                f"{flow['failed']} of {flow['runs']} runs of {flow['flow']} failed: open their reports from index.html, "
                "what stopped them stands first."
            )
        if flow["flow"] == _WATCH and flow["p95_s"] > _WATCH_EVERY_S:
            yield (
                f"A pass of {_WATCH} takes up to {flow['p95_s'] / 60:.0f} minutes and the next one is due after 15: "
                "passes are left out. Give its schedule more minutes, in prefect.yaml."
            )
    for api in apis:
        if api["too_many_requests"]:
            names = " or ".join(quota.name for quota in _QUOTAS.get(api["api"], ()))
            yield (
                f"{api['api']} refused {api['too_many_requests']} of {api['calls']} calls as too many, most of them "
                f"likely in {api['busiest_run']}: lower {names} in lib/services/rate_limits.py, or raise delay_seconds."
            )
        if api["task_retries"]:
            yield (
                f"Prefect ran tasks of {api['api']} again {plural(api['task_retries'], 'time')}: the service was away for longer than "
                "the client's own tries, about a minute. Outages that outlast the retries, too, need a longer RETRY_DELAY_SECONDS in .env."
            )
        if api["failed"] > 0.05 * api["calls"]:
            yield f"{api['failed']} of {api['calls']} calls of {api['api']} failed: look at the network and the service."
    if steps and steps[0]["total_s"] > _LONG_STEP * sum(step["total_s"] for step in steps):
        yield (
            f"{steps[0]['share']} of the time of all steps is spent on “{steps[0]['step']}”, at most "
            f"{steps[0]['longest_s']:,.0f} s ({steps[0]['slowest']}): begin there."
        )
    for one in batches:
        if one["median_rows_but_last"] is not None and one["median_rows_but_last"] < _SMALL_BATCH * CREATE_SIZE:
            yield (
                f"Bulk creates hold {one['median_rows_but_last']:.0f} rows where {CREATE_SIZE} fit: Jira refused whole "
                "batches, which were sent again by halves; the warnings in the runs' logs name the reason."
            )


def _advice_on_quotas(quotas: Records) -> Iterator[str]:
    for one in quotas:
        if one["quota_minutes"] >= max(_QUOTA_MINUTES, _BOUND_BY_QUOTA * one["of_minutes"]):
            yield (
                f"Sheets' quotas alone take {one['quota_minutes']:.0f} of the {one['of_minutes']:.0f} minutes of "
                f"{one['most_in_run']}, however fast the rest is: ask Google for a higher quota a minute and user, or spread "
                "the clients over runs at other times."
            )


def _of_most(of: pd.DataFrame, measure: str, name: str) -> str:
    return str(of.sort_values(measure)[name].iloc[-1])


def _number(value: Any, digits: int = 1) -> float:
    return round(float(value), digits)
