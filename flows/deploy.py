"""Set Prefect up: the work pool, the blocks' types, the fleet's limits, the deployments of prefect.yaml, alerts: `make deploy`.

It does so on the server that PREFECT_API_URL names, and on no other. Running it again changes what differs and leaves one
of each. The work pool is only made: what was set on its page stays.
"""

if __name__ == "__main__":  # Prefect takes seconds to import
    from lib import command, error_line

    error_line.show_all()
    command.read(command.function_of([], __doc__), program="python flows/deploy.py")
    from flows import prefect_settings

    prefect_settings.import_prefect()

import asyncio
import contextlib
import datetime as dt
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.automations import Automation
from prefect.blocks.notifications import SlackWebhook
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.objects import StateType
from prefect.events.actions import ChangeFlowRunState, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import get_current_settings
from prefect.utilities.callables import ParameterSchema
from pydantic import SecretStr

from blocks.google_credentials import GoogleCredentials
from blocks.jira_credentials import JiraCredentials
from blocks.loading import load
from blocks.names import GOOGLE_BLOCK
from flows import prefect_api
from flows.dispatch import DEPLOYMENT as PART
from flows.dispatch import POOL
from flows.reporting_flow import NEEDS_ATTENTION, NOTHING_NEW
from lib import command, error_line
from lib.errors import FixInputError, WorkflowError
from lib.plan import client_list
from lib.services import rate_limits
from lib.services.reading import GoogleReader
from lib.settings import ROOT, Settings
from lib.terminal import printable

CREATE = "content-plan-to-jira/create"
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
        for limit in rate_limits.ALL:
            await prefect.upsert_global_concurrency_limit_by_name(limit.name, limit.burst, limit.per_second)
            done.append(f"limit {limit.name}: {limit.burst} at once, {limit.per_second:g} a second")
        await asyncio.to_thread(_deploy_all, project_dir)
        done += [f"deployment {name}" for name in sorted(await _deployments(prefect))]
        done += await _ask_for(prefect)
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


async def _ask_for(prefect: PrefectClient) -> list[str]:
    """
    What makes issues wants its month, where a flow takes the next one when it is left out; a part wants its client, too.

    Prefect makes forms from the flow's signature, in which these have defaults for schedules and command lines.
    """
    names, not_read = await _client_names()
    await _require(prefect, CREATE, ["target_month"], {"client_names": names})
    await _require(prefect, PART, ["target_month", "client_names"], {})
    listed = f"{len(names)} clients to choose from" if names else f"client names are typed in ({not_read})"
    return [f"{CREATE} asks for the month; {listed}"]


async def _require(prefect: PrefectClient, name: str, required: list[str], choices: Mapping[str, list[str]]) -> None:
    """The deployment refuses a run without these parameters; lists of texts are chosen among `choices`, if there are any."""
    deployment = await prefect.read_deployment_by_name(name)
    schema = ParameterSchema.model_validate(deployment.parameter_openapi_schema)
    for parameter in required:
        stated = schema.properties[parameter]
        [kind] = [one for one in stated.pop("anyOf", [{}]) if one.get("type") != "null"]
        stated.pop("default", None)
        stated |= {**kind, ("minItems" if kind.get("type") == "array" else "minLength"): 1}
    for parameter, allowed in choices.items():
        [kind] = [one for one in schema.properties[parameter]["anyOf"] if one["type"] == "array"]
        if allowed:
            kind |= {"items": {"type": "string", "enum": allowed}, "uniqueItems": True, "minItems": 1}
    schema.required = [*dict.fromkeys((*schema.required, *required))]
    update = DeploymentUpdate(parameter_openapi_schema=schema.model_dump(), enforce_parameter_schema=True)
    await prefect.update_deployment(deployment.id, update)


async def _client_names() -> tuple[list[str], str]:
    """The names of the client list as it is now; or none, and why."""
    settings = Settings.read()
    if not settings.clients_spreadsheet_id:
        return [], "CLIENTS_SPREADSHEET_ID is not set here"
    try:
        google = (await load(GoogleCredentials, GOOGLE_BLOCK)).get_client()
        listed = await client_list.read(GoogleReader(google), settings.clients_spreadsheet_id)
    except WorkflowError as error:
        return [], f"the client list cannot be read here: {error}"
    return [*dict.fromkeys(client.name for client in listed)], ""


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


def _read_alert_url() -> SecretStr:
    """
    ALERT_URL.

    Raises:
        FixInputError: It is no address that alerts can go to.
    """
    url = Settings.read().alert_url
    if url.get_secret_value():
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # it would print the address, which is a secret
        try:
            understood = len(SlackWebhook(url=url, allow_private_urls=True)._apprise_client)  # noqa: SLF001  # it says no more
        except ValueError:
            understood = 0
        if not understood:
            problem = "is no Apprise URL or Slack webhook; see https://appriseit.com/services/, or leave it empty"
            raise FixInputError("ALERT_URL", problem)
    return url


def _read_target() -> tuple[str, str]:
    """
    The address of Prefect's API, and where the workers have the project.

    Raises:
        FixInputError: There is no address, or the other is no place.
    """
    where, project_dir = prefect_api.address(), os.environ.get("PROJECT_DIR") or str(ROOT)
    if not where:
        advice = "write the server to set up, such as PREFECT_API_URL=http://127.0.0.1:4200/api"
        raise FixInputError("PREFECT_API_URL", f"is not set, and nothing was done; {advice}")
    if not Path(project_dir).is_absolute():
        raise FixInputError(
            "PROJECT_DIR", f"'{project_dir}' is no absolute path; write where the workers have the project"
        )
    return where, project_dir


def main() -> int:
    """The command: say where, set up, say what was done; the exit code."""
    try:
        where, project_dir = _read_target()
        alert_url = _read_alert_url()
    except FixInputError as error:
        error_line.show(error)
        return command.MISUSE
    print(f"Prefect at {where}:", flush=True)
    with error_line.shown(WorkflowError):
        prefect_api.check()
    for line in asyncio.run(deploy(alert_url, project_dir)):
        print(printable(line))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
