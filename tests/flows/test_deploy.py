"""Prefect as a team runs it: a server on PostgreSQL, deployments, a worker, alerts."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
import yaml
from prefect import get_client
from prefect.deployments import run_deployment
from prefect.settings import get_current_settings
from pydantic import SecretStr

from flows import deploy
from lib import run_record
from lib.settings import ROOT
from sandbox import seed
from tests.processes import wait_until
from tests.servers import postgres, prefect_server, process, webhook


async def set_up():
    """What is set up on the server, by kind and name, as often as it is there."""
    async with get_client() as prefect:
        deployments = await prefect.read_deployments()
        alerts = await prefect.read_automations_by_name(deploy.ALERT)
        pools = await prefect.read_work_pools()
        flows = {flow.id: flow.name for flow in await prefect.read_flows()}
        schedules = {f"{flows[d.flow_id]}/{d.name}": [s.schedule.cron for s in d.schedules] for d in deployments}
        return sorted(pool.name for pool in pools), schedules, len(alerts)


@pytest.fixture
def worker(services, tmp_path, monkeypatch):
    """Start a worker that finds the sandbox in its environment."""

    def start(number=1):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
            **services.environment(),
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
    return run_deployment(name, parameters=given, timeout=240, poll_interval=1, as_subflow=False)


@pytest.mark.timeout(600)
def test_a_worker_runs_deployments_on_postgresql_and_one_message_tells_of_a_run_to_look_at(worker, services, tmp_path):
    output = tmp_path / "output"
    with postgres(tmp_path) as database, webhook() as (address, received):
        settings = {"PREFECT_SERVER_DATABASE_CONNECTION_URL": database}
        with prefect_server(tmp_path, **settings):
            for _ in range(2):
                asyncio.run(deploy.deploy(SecretStr(address), str(ROOT)))
            pools, schedules, alerts = asyncio.run(set_up())
            assert (pools, alerts) == ([deploy.POOL], 1)
            assert schedules == {
                "content-plan-to-jira/create": [],
                "content-plan-to-jira/client": [],
                "content-plan-to-jira/validate-only": ["0 8 25 * *"],
                "content-plan-watch/every-15-minutes": ["*/15 * * * *"],
                "content-plan-check/nightly": ["0 2 * * *"],
                "content-plan-resolve/resolve": [],
                "compare-runs/compare": [],
                "output-maintenance/weekly": ["0 3 * * 0"],
                "performance-report/monthly": ["0 4 1 * *"],
            }
            month = {"target_month": seed.MONTH, "output_dir": str(output)}
            with worker():
                good = run("content-plan-to-jira/create", client_names=["Klinik Gigi Cemara"], **month)
                assert good.state.name == "Completed", (tmp_path / "worker-1.log").read_text()[-3000:]
                bad = run("content-plan-to-jira/create", client_names=["Siapa Ini"], **month)
                assert bad.state.is_failed()
            wait_until(lambda: received, 60)
        [failed, made] = [run_record.read(folder) for folder in run_record.run_folders(output)]
        assert (made.state, made.counts["created"]) == ("completed", 16)
        assert made.result["flow_run_id"] == str(good.id)
        assert len([issue for issue in services.jira.issues if issue.key in {row["key"] for row in made.rows}]) == 16
        [message] = received
        assert "Siapa Ini: is not in the client list" in message["message"]
        assert f"report: {(failed.folder / 'audit.html').as_uri()}" in message["message"]


def test_every_deployment_has_a_description_and_its_flow_is_there():
    for deployment in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        path, _, function = deployment["entrypoint"].partition(":")
        assert f"async def {function}(" in Path(ROOT / path).read_text()
        assert deployment["description"]
        part = deployment["name"] == "client"
        assert deployment["tags"] == [deploy.PART_TAG if part else deploy.TAG], "a part gives no alert of its own"
        assert deployment["work_pool"]["name"] == deploy.POOL
