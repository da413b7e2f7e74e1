"""The image that the Dockerfile makes, run as compose runs it, without a container engine: `make container-test`.

Not part of `make test`: it builds for minutes, needs Debian and root, and keeps gigabytes in CONTAINER_TEST_FOLDER. The base
image is a stand-in with the same Python, so nothing is said here about the real base.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from sandbox.seed import seed
from sandbox.server import Sandbox
from tests.servers import free_port, postgres, process, wait_for

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("CONTAINER_TEST_FOLDER", "/var/tmp/content-plans-container-test"))
STORE = ["--root", str(FOLDER / "store"), "--runroot", str(FOLDER / "run"), "--storage-driver", "vfs"]


def buildah(*arguments):
    return subprocess.run(["buildah", *STORE, *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def image():
    subprocess.run([str(ROOT / "tests/container/images.sh"), str(FOLDER)], check=True)
    return "localhost/content-plan-workflows"


@pytest.fixture(scope="module")
def container(image):
    name = buildah("from", "--pull-never", image)
    yield name
    buildah("rm", name)


def inside(container, command, environment=()):
    """The command line that runs a command in the container."""
    given = [f"--env={name}={value}" for name, value in dict(environment).items()]
    return ["buildah", *STORE, "run", "--isolation=chroot", *given, container, "--", *command]


def said(container, *command, **environment):
    return subprocess.run(
        inside(container, command, environment), check=True, capture_output=True, text=True
    ).stdout.strip()


def test_it_is_the_locked_prefect_on_python_3_14_and_not_root(container):
    locked = re.search(r'name = "prefect"\nversion = "([^"]+)"', (ROOT / "uv.lock").read_text())[1]
    assert said(container, ".venv/bin/python", "-c", "import prefect; print(prefect.__version__)") == locked
    assert said(container, "python", "--version").startswith("Python 3.14.")
    assert said(container, "id", "-u") == "1000"
    assert said(container, "sh", "-c", "command -v prefect") == "/app/.venv/bin/prefect"


def test_nothing_of_this_machine_and_nothing_for_development_is_in_it(container):
    names = said(container, "ls", "-A").split()
    assert {".env", ".git", "tests", "output/x"} & set(names) == set()
    assert subprocess.run(inside(container, [".venv/bin/python", "-c", "import pytest"]), check=False).returncode


@pytest.fixture
def containers(image):
    """One container for each service of compose that runs this image."""
    names = {service: buildah("from", "--pull-never", image) for service in ("prefect", "worker", "jupyter")}
    yield names
    for name in names.values():
        buildah("rm", name)


def test_server_worker_and_jupyterlab_run_the_main_job_as_compose_starts_them(image, containers, tmp_path):
    settings = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    port, lab_port = free_port(), free_port()
    api = f"http://127.0.0.1:{port}/api"
    client = {"PREFECT_API_URL": api, "PREFECT_API_AUTH_STRING": "team:secret"}
    service = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]
    worker = [part.replace("$$", "$") for part in (*service["entrypoint"], *service["command"])]
    lab = [".venv/bin/jupyter", "lab", "--ip=127.0.0.1", f"--port={lab_port}", "--no-browser"]
    with postgres(tmp_path) as database, Sandbox() as box:
        server = {
            **client,
            "PREFECT_SERVER_API_PORT": str(port),
            "PREFECT_API_DATABASE_CONNECTION_URL": database,
            "PREFECT_SERVER_API_AUTH_STRING": "team:secret",
            "PREFECT_SERVER_ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        }
        job = {**client, **box.environment(), "CONTENT_PLAN_SANDBOX": "1", "RETRY_DELAY_SECONDS": "0"}
        with (
            process(inside(containers["prefect"], settings["Cmd"], server), tmp_path / "server.log") as serving,
            process(inside(containers["jupyter"], lab, {"JUPYTER_TOKEN": "secret"}), tmp_path / "lab.log") as reading,
        ):
            wait_for(f"{api}/ready", serving, 240)
            probe = [part.replace("4200", str(port)) for part in settings["Healthcheck"]["Test"][1:]]
            said(containers["prefect"], *probe)
            said(containers["worker"], "python", "flows/deploy.py", **job)
            wait_for(f"http://127.0.0.1:{lab_port}/api", reading, 120)
            with process(inside(containers["worker"], worker, job), tmp_path / "worker.log"):
                given = {"target_month": seed.MONTH, "client_names": ["Klinik Gigi Cemara"], "delay_seconds": [0, 0]}
                flags = [f"--param={name}={json.dumps(value)}" for name, value in given.items()]
                run = ["deployment", "run", "content-plan-to-jira/create", "--watch", *flags]
                assert "Completed" in said(containers["prefect"], ".venv/bin/prefect", *run, **client)
        [path] = said(containers["worker"], "sh", "-c", "ls output/*to-jira/result.json").split()
        result = json.loads(said(containers["worker"], "cat", path))
        assert result["summary"]["created"] == 16
        assert {row["key"] for row in result["data"]} <= {issue.key for issue in box.jira.issues}
        assert result["sources"]["versions"]["python"].startswith("3.14.")
        said(containers["worker"], "ls", path.replace("result.json", "audit.html"))
