"""What a run shows on its page in Prefect: tags, a table of its outcomes, and a link to its report."""

import asyncio
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.artifacts import acreate_link_artifact, acreate_table_artifact

from flows import prefect_api
from flows.reporting_flow import Result
from lib.exactly_once.plan_sheet import Log
from lib.exactly_once.reconcile import Outcome
from lib.formats import parse_month

CLIENTS_TAGGED = 20  # more tags than that say nothing any more


async def tag(flow_run: uuid.UUID | None, months: Sequence[str], clients: Sequence[str], log: Log) -> None:
    """Give the flow run its months and clients as tags: `month: 2026-07`, `client: Kopi Senja`."""
    if flow_run is None:
        return
    iso = [f"{month.year:04}-{month.month:02}" for month in map(parse_month, months)]
    names = [f"client: {name}" for name in clients] if len(clients) <= CLIENTS_TAGGED else []
    try:
        async with asyncio.timeout(prefect_api.ANSWER_S), get_client() as prefect:
            known = (await prefect.read_flow_run(flow_run)).tags
            await prefect.update_flow_run(flow_run, tags=[*known, *(f"month: {month}" for month in iso), *names])
    except Exception as failed:  # noqa: BLE001  # no run fails for its tags
        log.warning("the flow run has no tags in Prefect: %s", failed)


def link(folder: Path, report: str, output_url: str) -> str:
    """Where a browser finds the run's report."""
    page = folder / f"{report}.html"
    return f"{output_url.rstrip('/')}/{folder.name}/{page.name}" if output_url else page.resolve().as_uri()


async def publish(result: Result, report: str, log: Log) -> None:
    """Leave the outcomes as a table artifact, headed by the bottom line, and a link to the report; an API that is away is waited for."""
    if not result.get("flow_run_id"):
        return
    patience_s = 0.0 if result["state"] == "cancelled" else prefect_api.OUTAGE_S
    if away := await prefect_api.wait_for_answer(patience_s, log):
        log.warning("the run's page in Prefect has no summary: %s", away)
        return
    try:
        await acreate_table_artifact(key="summary", table=_table(result), description=_as_text(result["bottom_line"]))
        await acreate_link_artifact(key=report, link=result["report"], link_text=f"{report} of {result['flow']}")
    except Exception as failed:  # noqa: BLE001  # no run fails for what it shows of itself
        log.warning("the run's page in Prefect has no summary: %s", failed)


def _table(result: Result) -> list[dict[str, Any]]:
    summary = result["summary"]
    lines = {**summary.get("clients", {}), "all": summary}
    names = ["rows", *(outcome.value for outcome in Outcome)]
    return [{"client": client, **{name: counts.get(name, 0) for name in names}} for client, counts in lines.items()]


def _as_text(text: str) -> str:
    """Text for a field that Prefect shows as Markdown."""
    for sign in "\\`*_{}[]<>#|!":
        text = text.replace(sign, f"\\{sign}")
    return text
