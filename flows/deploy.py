"""Set Prefect up: the work pool, the types of the blocks, every deployment of prefect.yaml, the alerts: `make deploy`.

Running it again changes what differs and leaves one of each.
"""

import asyncio
import datetime as dt
import os
import subprocess
import sys
from uuid import UUID

from prefect import get_client
from prefect.automations import Automation
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.actions import SendNotification
from prefect.events.schemas.automations import EventTrigger, Posture
from prefect.settings import get_current_settings
from pydantic import SecretStr

from blocks.google_credentials import GoogleCredentials
from blocks.jira_credentials import JiraCredentials
from flows.reporting_flow import NEEDS_ATTENTION
from lib.settings import ROOT, Settings

POOL = "content-plans"
TAG = "content-plans"
ALERT = "content-plans-alert"
# A late run has not begun: nobody works on its pool, or the server was away.
ALERTED = ("Failed", "Crashed", "TimedOut", "Late", NEEDS_ATTENTION)
_BODY = """\
{{ flow_run.name }}: {{ flow_run.state.name }}
{{ flow_run.state.message }}
{{ flow_run|ui_url }}"""


async def deploy(alert_url: SecretStr, project_dir: str) -> list[str]:
    """
    Set everything up on the server that PREFECT_API_URL names; what was done, a line each.

    Args:
        alert_url: Where alerts go, as an Apprise URL (https://appriseit.com/services/) or a Slack webhook; none when empty.
        project_dir: Where the workers have the project.
    """
    done = []
    async with get_client() as prefect:
        await prefect.create_work_pool(WorkPoolCreate(name=POOL, type="process"), overwrite=True)
        done.append(f"work pool {POOL}")
        for block in (GoogleCredentials, JiraCredentials):
            await block.register_type_and_schema(client=prefect)
            done.append(f"block type {block.get_block_type_slug()}")
        await asyncio.to_thread(_deploy_all, project_dir)
        done += [f"deployment {name}" for name in sorted(await _deployments(prefect))]
        await _remove_alerts(prefect)
        if alert_url.get_secret_value():
            block_id = await SlackWebhook(url=alert_url, allow_private_urls=True).save(ALERT, overwrite=True)
            await _alert(block_id).acreate()
            done.append(f"alert for runs that are {', '.join(ALERTED)}")
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
    return [one.name for one in found if TAG in one.tags]


async def _remove_alerts(prefect: PrefectClient) -> None:
    """Those of an earlier set-up: Prefect would add another one of the same name."""
    for automation in await prefect.read_automations_by_name(ALERT):
        await prefect.delete_automation(automation.id)


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
