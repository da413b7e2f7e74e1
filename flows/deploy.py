"""Set Prefect up: the work pool, the blocks' types, the fleet's limits, the deployments of prefect.yaml, alerts: `make deploy`.

Running it again changes what differs and leaves one of each. The work pool is only made: what was set on its page stays.
"""

import asyncio
import contextlib
import datetime as dt
import os
import subprocess
import sys
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.automations import Automation
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import get_current_settings
from pydantic import SecretStr

from blocks.google_credentials import GoogleCredentials
from blocks.jira_credentials import JiraCredentials
from flows.dispatch import POOL
from flows.reporting_flow import NEEDS_ATTENTION, NOTHING_NEW
from lib import quotas
from lib.settings import ROOT, Settings

TAG = "content-plans"  # of the deployments whose runs give alerts
PART_TAG = "content-plans-client"
ALERT = "content-plans-alert"
GONE = "content-plans-gone"
GONE_AFTER = dt.timedelta(minutes=5)  # longer than a restart of the server or its database, which loses heartbeats, too
NEVER_BEGUN_AFTER = dt.timedelta(minutes=15)
# A late run has not begun: nobody works on its pool, or the server was away.
ALERTED = ("Failed", "Crashed", "TimedOut", "Late", NEEDS_ATTENTION)
_ENDED = {
    f"prefect.flow-run.{state}"
    for state in ("Completed", "Failed", "Crashed", "Cancelled", "TimedOut", NEEDS_ATTENTION, NOTHING_NEW)
}
_EACH_RUN: Any = {
    "match": {"prefect.resource.id": "prefect.flow-run.*"},
    "for_each": {"prefect.resource.id"},
    "posture": Posture.Proactive,
    "threshold": 1,
}
_BODY = """\
{{ flow_run.name }}: {{ flow_run.state.name }}
{{ flow_run.state.message }}
{{ flow_run|ui_url }}"""


async def deploy(alert_url: SecretStr, project_dir: str, gone_after: dt.timedelta = GONE_AFTER) -> list[str]:
    """
    Set everything up on the server that PREFECT_API_URL names; what was done, a line each.

    Args:
        alert_url: Where alerts go, as an Apprise URL (https://appriseit.com/services/) or a Slack webhook; none when empty.
        project_dir: Where the workers have the project.
        gone_after: How long nothing is heard of a run until it counts as crashed.
    """
    done = []
    async with get_client() as prefect:
        with contextlib.suppress(ObjectAlreadyExists):
            await prefect.create_work_pool(WorkPoolCreate(name=POOL, type="process"))
        done.append(f"work pool {POOL}")
        for block in (GoogleCredentials, JiraCredentials):
            await block.register_type_and_schema(client=prefect)
            done.append(f"block type {block.get_block_type_slug()}")
        for quota in quotas.ALL:
            await prefect.upsert_global_concurrency_limit_by_name(quota.name, quota.burst, quota.per_second)
            done.append(f"limit {quota.name}: {quota.burst} at once, {quota.per_second:g} a second")
        await asyncio.to_thread(_deploy_all, project_dir)
        done += [f"deployment {name}" for name in sorted(await _deployments(prefect))]
        automations = [_gone(gone_after), _never_begun()]
        done.append(f"runs that nothing is heard of for {gone_after} count as crashed")
        if alert_url.get_secret_value():
            block_id = await SlackWebhook(url=alert_url, allow_private_urls=True).save(ALERT, overwrite=True)
            automations.append(_alert(block_id))
            done.append(f"alert for runs that are {', '.join(ALERTED)}")
        await _leave_one_of_each(prefect, automations)
    return done


def _deploy_all(project_dir: str) -> None:
    """Prefect's own command reads prefect.yaml; its Python interface does not."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    ours = get_current_settings().to_environment_variables(exclude_unset=True)
    environment = {**os.environ, **ours, "PROJECT_DIR": project_dir}
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise RuntimeError(f"prefect deploy: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")


async def _deployments(prefect: PrefectClient) -> list[str]:
    found = await prefect.read_deployments()
    return [one.name for one in found if {TAG, PART_TAG} & set(one.tags)]


async def _leave_one_of_each(prefect: PrefectClient, automations: list[Automation]) -> None:
    """One that is there as it should be stays: it knows when each run was last heard of, and a new one does not."""
    there = [one for name in (ALERT, GONE) for one in await prefect.read_automations_by_name(name)]
    for automation in automations:
        same = next((one for one in there if _does_the_same(one, automation)), None)
        if same is None:
            await automation.acreate()
        else:
            there.remove(same)
    for one in there:
        await prefect.delete_automation(one.id)


def _does_the_same(one: AutomationCore, other: AutomationCore) -> bool:
    return (one.name, one.description, one.trigger, one.actions) == (
        other.name,
        other.description,
        other.trigger,
        other.actions,
    )


def _gone(after: dt.timedelta) -> Automation:
    """A run whose process or machine died cannot say so: its heartbeats stop."""
    return _crash(
        "heartbeats stopped; its process, worker or machine is gone",
        EventTrigger(
            after={"prefect.flow-run.Running", "prefect.flow-run.heartbeat"},
            expect={"prefect.flow-run.heartbeat", *_ENDED},
            within=after,
            **_EACH_RUN,
        ),
    )


def _never_begun() -> Automation:
    """A worker that died between taking a run and starting it leaves it Pending."""
    return _crash(
        "a worker took it and never began it",
        EventTrigger(
            after={"prefect.flow-run.Pending"},
            expect={"prefect.flow-run.Running", "prefect.flow-run.AwaitingConcurrencySlot", *_ENDED},
            within=NEVER_BEGUN_AFTER,
            **_EACH_RUN,
        ),
    )


def _crash(why: str, trigger: EventTrigger) -> Automation:
    return Automation(
        name=GONE,
        description=f"A run is marked Crashed: {why}.",
        trigger=trigger,
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=f"Crashed: {why}.")],
    )


def _alert(block_id: UUID) -> Automation:
    return Automation(
        name=ALERT,
        description="One message for a run that somebody should look at.",
        trigger=EventTrigger(
            expect={f"prefect.flow-run.{state}" for state in ALERTED},
            match={"prefect.resource.id": "prefect.flow-run.*"},
            match_related={"prefect.resource.role": "tag", "prefect.resource.id": f"prefect.tag.{TAG}"},
            posture=Posture.Reactive,
            threshold=1,
            within=dt.timedelta(0),
        ),
        actions=[SendNotification(block_document_id=block_id, subject="Content plans", body=_BODY)],
    )


if __name__ == "__main__":
    for line in asyncio.run(deploy(Settings.read().alert_url, os.environ.get("PROJECT_DIR") or str(ROOT))):
        print(line)
