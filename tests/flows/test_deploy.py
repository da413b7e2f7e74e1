"""Prefect as a team runs it: a server on PostgreSQL, deployments, a worker, alerts."""

import asyncio
import datetime as dt
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.deployments import run_deployment
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import get_current_settings
from pydantic import SecretStr

from flows import deploy, reporting_flow
from lib.run import run_record
from lib.services import rate_limits
from lib.settings import ROOT
from sandbox.seed import seed
from tests.processes import wait_until
from tests.servers import pause_schedules, postgres, prefect_server, process, webhook


async def set_up():
    """What is set up on the server: pools, schedules of deployments, limits, automations; each as often as it is there."""
    async with get_client() as prefect:
        deployments = await prefect.read_deployments()
        automations = [one.name for one in await prefect.read_automations()]
        pools = await prefect.read_work_pools()
        flows = {flow.id: flow.name for flow in await prefect.read_flows()}
        limits = {
            limit.name: (limit.limit, limit.slot_decay_per_second)
            for limit in await prefect.read_global_concurrency_limits()
            if limit.name.startswith("content-plans-")
        }
        schedules = {f"{flows[d.flow_id]}/{d.name}": [s.schedule.cron for s in d.schedules] for d in deployments}
        return sorted(pool.name for pool in pools), schedules, limits, sorted(automations)


async def next_runs():
    """The deployments of which the server has scheduled the next runs."""
    async with get_client() as prefect:
        deployments = {one.id: one for one in await prefect.read_deployments()}
        flows = {flow.id: flow.name for flow in await prefect.read_flows()}
        runs = [run for run in await prefect.read_flow_runs(limit=200) if run.auto_scheduled]
        return {f"{flows[run.flow_id]}/{deployments[run.deployment_id].name}" for run in runs}


@pytest.fixture
def worker(box, tmp_path):
    """Start a worker that finds the sandbox in its environment."""

    def start(number=1):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            **box.environment(),
            "CONTENT_PLAN_SANDBOX": "1",
            "RETRY_DELAY_SECONDS": "0",
            "PREFECT_HOME": str(tmp_path / f"worker-{number}"),
            "PREFECT_API_URL": get_current_settings().api.url,
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "DO_NOT_TRACK": "1",
        }
        command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", deploy.POOL, "--type", "process"]
        return process(command, tmp_path / f"worker-{number}.log", environment)

    return start


def run(name, **parameters):
    given = {"delay_seconds": (0, 0), **parameters}
    return run_deployment(name, parameters=given, timeout=400, poll_interval=1, as_subflow=False)


def ask(name, **parameters):
    """Ask for a run and do not wait for it."""
    given = {"delay_seconds": (0, 0), **parameters}
    return run_deployment(name, parameters=given, timeout=0, as_subflow=False)


def ended(flow_run):
    """The flow run once it has ended."""

    async def read():
        async with get_client() as prefect:
            return await prefect.read_flow_run(flow_run.id)

    def final():
        return asyncio.run(read()).state.is_final()

    wait_until(final, 400, pause_s=1)
    return asyncio.run(read())


def states(received):
    """What the messages say in their first line: the run's name and its state."""
    return [message["message"].splitlines()[0].rpartition(": ")[2] for message in received]


def said(folder):
    return {path.name: path.read_text()[-3000:] for path in folder.glob("worker*.log")}


def report_of(record):
    return f"report: {(record.folder / 'audit.html').as_uri()}"


@pytest.mark.timeout(1200)
def test_workers_run_deployments_on_postgresql_and_each_run_to_look_at_gives_one_message(worker, box, tmp_path):
    output = tmp_path / "output"
    with postgres(tmp_path) as database, webhook() as (address, received):
        settings = {
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": database,
            "PREFECT_SERVER_SERVICES_LATE_RUNS_AFTER_SECONDS": "20",
        }
        with prefect_server(tmp_path, **settings):
            asyncio.run(deploy.deploy(SecretStr(address), str(ROOT)))
            pools, schedules, limits, automations = asyncio.run(set_up())
            assert pools == [deploy.POOL]
            assert automations == sorted([deploy.ALERT, deploy.GONE, deploy.GONE])
            assert limits == {limit.name: (limit.burst, limit.per_second) for limit in rate_limits.ALL}
            assert schedules == {
                "content-plan-to-jira/create": [],
                "content-plan-to-jira/client": [],
                "content-plan-to-jira/validate-only": ["0 8 25 * *"],
                "content-plan-watch/every-15-minutes": ["*/15 * * * *"],
                "content-plan-update/update": ["30 * * * *"],
                "content-plan-check/nightly": ["0 2 * * *"],
                "content-plan-resolve/resolve": [],
                "compare-runs/compare": [],
                "output-maintenance/weekly": ["0 3 * * 0"],
                "performance-report/monthly": ["0 4 1 * *"],
            }
            scheduled = {name for name, crons in schedules.items() if crons} - {
                "content-plan-update/update"
            }  # switched off
            wait_until(lambda: asyncio.run(next_runs()) == scheduled, 180, pause_s=1)
            pause_schedules()
            month = {"target_month": seed.MONTH, "output_dir": str(output)}
            box.fault("createIssues", "refuse", indices=[0], errors={"summary": "no"})
            one = {"client_names": ["Klinik Gigi Cemara"], **month}
            spread = ask("content-plan-to-jira/create", dispatch="workers", **one)
            wait_until(lambda: states(received) == ["Late"], 180)  # there is no worker yet
            with worker(1), worker(2):
                failed = run("content-plan-check/nightly", client_names=["Siapa Ini"], **month)
                assert failed.state.is_failed(), said(tmp_path)
                spread = ended(spread)
                assert spread.state.name == "NeedsAttention", said(tmp_path)
                good = run("content-plan-to-jira/create", **one)
                assert good.state.name == "Completed", said(tmp_path)
            wait_until(lambda: {"Failed", "NeedsAttention"} <= set(states(received)), 180)
        folders = {
            record.result["flow_run_id"]: record for record in map(run_record.read, run_record.run_folders(output))
        }
        assert len(folders) == 4
        gathered, last = folders[str(spread.id)], folders[str(good.id)]
        [plan] = gathered.plans.values()
        part = folders[plan["flow_run_id"]]
        assert (gathered.counts["created"], gathered.counts["rejected"]) == (15, 1)
        assert gathered.rows == part.rows
        assert (gathered.folder / plan["folder"] / "02_drafts.json").exists()
        assert [ending.status for ending in gathered.notebooks] == ["completed"]
        assert (last.counts["created"], last.counts["existing"]) == (1, 15)
        assert len({issue.key for issue in box.jira.issues} & {row["key"] for row in last.rows}) == 16
        told = zip(states(received), received, strict=True)
        ended_as = [
            (state, message["message"]) for state, message in told if state != "Late"
        ]  # on a busy machine any is
        by_state = dict(ended_as)
        assert sorted(state for state, _ in ended_as) == ["Failed", "NeedsAttention"], (
            "a run that a person need not look at gives no message when it ends, nor does a part of another run"
        )
        assert "Siapa Ini: is not in the client list" in by_state["Failed"]
        assert report_of(folders[str(failed.id)]) in by_state["Failed"]
        assert "1 rejected" in by_state["NeedsAttention"]
        assert report_of(gathered) in by_state["NeedsAttention"]


def test_a_run_that_ended_by_any_of_our_names_does_not_count_as_silent():
    """The event of an end bears the state's name; another one does not end the wait for a heartbeat."""
    ends = re.findall(r"Completed\(\s*name=(\w+)", (ROOT / "flows/reporting_flow.py").read_text())
    assert len(ends) == 2
    events = {f"prefect.flow-run.{getattr(reporting_flow, end)}" for end in ends}
    for automation in (deploy._gone(deploy.GONE_AFTER), deploy._never_begun()):
        assert events <= automation.trigger.expect


async def switch_off():
    """The work pool, as a person does who restarts the machine."""
    async with get_client() as prefect:
        await prefect.update_work_pool(deploy.POOL, WorkPoolUpdate(is_paused=True, concurrency_limit=3))


async def pool_and_automations():
    async with get_client() as prefect:
        pool = await prefect.read_work_pool(deploy.POOL)
        automations = {one.id: one.description for one in await prefect.read_automations()}
        return (pool.is_paused, pool.concurrency_limit), automations


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of this file, without workers."""
    with prefect_server(tmp_path_factory.mktemp("server")):
        yield


def test_a_set_up_leaves_what_is_there_as_it_should_be(server):
    """An automation made anew has forgotten the runs that it was to watch, and nobody would mark them Crashed."""

    def set_up_with(alert_url, gone_after=deploy.GONE_AFTER):
        asyncio.run(deploy.deploy(SecretStr(alert_url), str(ROOT), gone_after))
        return asyncio.run(pool_and_automations())

    with webhook() as (address, _):
        _, first = set_up_with(address)
        before = asyncio.run(set_up())
        asyncio.run(switch_off())
        assert set_up_with(address) == ((True, 3), first)
        assert asyncio.run(set_up()) == before
        _, other = set_up_with("", dt.timedelta(minutes=7))
        kept = {first[one] for one in first.keys() & other.keys()}
        assert kept == {"A run is marked Crashed: a worker took it and never began it."}
        assert len(other) == 2, "the alert is gone, and the one that differs was made anew"


async def asked_for(name, **parameters):
    """Ask the server for a run as its form does; why it refuses, or nothing."""
    async with get_client() as prefect:
        deployment = await prefect.read_deployment_by_name(name)
        try:
            await prefect.create_flow_run_from_deployment(deployment.id, parameters=parameters)
        except PrefectHTTPStatusError as refused:
            return refused.response.json()["detail"]
    return ""


async def form(name):
    async with get_client() as prefect:
        return (await prefect.read_deployment_by_name(name)).parameter_openapi_schema


def test_what_makes_issues_wants_its_month_and_offers_the_clients_of_the_list(server, box, monkeypatch):
    """A run without a month would make the issues of the next one for all clients."""

    def refuses(name, **parameters):
        return asyncio.run(asked_for(name, **parameters))

    for name, value in box.environment().items():
        monkeypatch.setenv(name, value)
    month, create, part = {"target_month": "Juli 2026"}, deploy.CREATE, "content-plan-to-jira/client"
    done = asyncio.run(deploy.deploy(SecretStr(""), str(ROOT)))
    pause_schedules()
    assert "content-plan-to-jira/create asks for the month; 6 clients to choose from" in done
    asked = asyncio.run(form(create))
    assert asked["required"] == ["target_month"]
    assert "default" not in asked["properties"]["target_month"]
    assert "Month of the plans" in asked["properties"]["target_month"]["description"]
    choices = asked["properties"]["client_names"]["anyOf"][0]["items"]["enum"]
    assert len(choices) == 6
    assert "Klinik Gigi Cemara" in choices
    assert "'target_month' is a required property" in refuses(create)
    assert "'target_month' is a required property" in refuses(create, validate_only=True)
    assert "None is not of type 'string'" in refuses(create, target_month=None)
    assert refuses(create, target_month="")
    assert "'Siapa Ini' is not one of ['Kopi Senja'" in refuses(create, client_names=["Siapa Ini"], **month)
    assert refuses(create, **month) == refuses(create, client_names=["Kopi Senja"], **month) == ""
    assert refuses(create, client_names=None, **month) == ""
    assert "'client_names' is a required property" in refuses(part, **month)
    assert refuses(part, client_names=["Siapa Ini"], **month) == "", "the run that asks has read the list itself"
    assert refuses("content-plan-to-jira/validate-only") == "", "a schedule takes the next month"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, r"error: PREFECT_API_URL: is not set, and nothing was done; write the server to set up, such as .*"),
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, r"error: PREFECT_API_URL http://127.0.0.1:9/api: .* start the server.*"),
        ({"PREFECT_API_URL": "127.0.0.1:9/api"}, r"error: PREFECT_API_URL 127.0.0.1:9/api: .* missing an 'http://' .*"),
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api", "ALERT_URL": "nowhere"}, r"error: ALERT_URL: is no Apprise URL.*"),
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api", "PROJECT_DIR": "app"}, r"error: PROJECT_DIR: 'app' is no absolute.*"),
    ],
)  # fmt: skip
def test_a_set_up_without_a_server_to_set_up_is_refused_in_one_line(tmp_path, environment, says):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    ended = subprocess.run(
        [sys.executable, ROOT / "flows/deploy.py"],
        env={**kept, "PREFECT_HOME": str(tmp_path / "home"), **environment},
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert ended.returncode in (1, 2)
    assert re.fullmatch(says, ended.stderr.strip()), "one line"
    assert ended.stdout in ("", f"Prefect at {environment.get('PREFECT_API_URL')}:\n")
    assert not (tmp_path / "home/prefect.db").exists()


def test_help_of_the_set_up_sets_nothing_up():
    """No address is set: Prefect would start a server of its own and keep the deployments there."""
    command = [sys.executable, "-X", "importtime", ROOT / "flows/deploy.py", "--help"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout.startswith("Usage: python flows/deploy.py")
    assert "PREFECT_API_URL" in ended.stdout
    assert "prefect" not in ended.stderr, "Prefect is not even imported"


def test_every_deployment_has_a_description_and_its_flow_is_there():
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        path, _, function = deployment["entrypoint"].partition(":")
        assert f"async def {function}(" in Path(ROOT / path).read_text()
        assert deployment["description"]
        part = deployment["name"] == "client"
        assert deployment["tags"] == [deploy.PART_TAG if part else deploy.TAG], "a part gives no alert of its own"
        assert deployment["work_pool"]["name"] == deploy.POOL
