"""What a run shows on its page in Prefect: tags, a table of its outcomes, and a link to its report."""

import asyncio
import datetime as dt
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.artifacts import acreate_link_artifact, acreate_table_artifact
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterType, FlowRunFilter, FlowRunFilterStartTime
from prefect.client.schemas.sorting import ArtifactSort

from flows import prefect_api
from flows.reporting_flow import Result
from lib.exactly_once.plan_sheet import Log
from lib.exactly_once.reconcile import Outcome
from lib.formats import parse_month

CLIENTS_TAGGED = 20  # more tags than that say nothing any more
_HINT = "open it on the machine that ran it, or say in `OUTPUT_URL` (`.env`) where browsers find the output folder."
_CLOCKS = dt.timedelta(hours=1)


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


async def publish(result: Result, report: str, manifest_sha256: str, log: Log) -> None:
    """
    Leave the outcomes as a table artifact, headed by the bottom line, and a link to the report, with the hash of the manifest.

    An API that is away is waited for.
    """
    if not result.get("flow_run_id"):
        return
    patience_s = 0.0 if result["state"] == "cancelled" else prefect_api.OUTAGE_S
    if away := await prefect_api.wait_for_answer(patience_s, log):
        log.warning("the run's page in Prefect has no summary: %s", away)
        return
    try:
        await acreate_table_artifact(key="summary", table=_table(result), description=_as_text(result["bottom_line"]))
        text, about = f"{report} of {result['flow']}", _description(result, manifest_sha256)
        await acreate_link_artifact(key=report, link=result["report"], link_text=text, description=about)
    except Exception as failed:  # noqa: BLE001  # no run fails for what it shows of itself
        log.warning("the run's page in Prefect has no summary: %s", failed)


def _description(result: Result, manifest_sha256: str) -> str:
    """What is to be known of the report's link: where it leads, and what proves that nobody altered what lies there."""
    name = Path(result["run_folder"]).name
    parts = [f"The report of `{name}`, in its run folder."]
    if not result["report"].startswith("http"):
        parts.append(f"Browsers follow no such link from here: {_HINT}")
    if manifest_sha256:
        parts.append(
            f"SHA-256 of its manifest: `{manifest_sha256}`; `python flows/verify.py` compares the folder with it."
        )
    return " ".join(parts)


async def manifests_of(name: str, begun: dt.datetime) -> list[str]:
    """
    The hashes of its manifest that a run which began then left on its page in Prefect, the newest first.

    Args:
        name: Of its run folder. Whoever can alter files in it is not asked for more.
        begun: When that was made; clocks may differ by an hour.
    """
    within = FlowRunFilterStartTime(after_=begun - _CLOCKS, before_=begun + _CLOCKS)
    described = re.compile(rf"`{re.escape(name)}`.*manifest: `([0-9a-f]{{64}})`", re.DOTALL)
    found: list[str] = []
    async with asyncio.timeout(prefect_api.ANSWER_S), get_client() as prefect:
        while True:
            part = await prefect.read_artifacts(
                artifact_filter=ArtifactFilter(type=ArtifactFilterType(any_=["markdown"])),
                flow_run_filter=FlowRunFilter(start_time=within),
                sort=ArtifactSort.CREATED_DESC,
                offset=len(found),
            )
            found += [artifact.description or "" for artifact in part]
            if not part:
                return [match[1] for text in found if (match := described.search(text))]


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
