"""Servers on this machine: which one a command uses, and that a temporary one and that of `make server` are for their user alone."""

import base64
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from dotenv import dotenv_values

from flows import prefect_server, standing_server
from lib.errors import FixInputError
from tests.processes import none_is_left, started
from tests.servers import free_port, process, wait_for

ROOT = Path(__file__).parents[2]
FOREIGN = "https://foreign.example"

ASKED = """
import os, sys
from prefect import get_client
from prefect.blocks.system import Secret
from flows import prefect_api, server_choice
server_choice.choose()
prefect_api.check()
with get_client(sync_client=True) as client:
    settings = client.request("GET", "/admin/settings").json()
assert settings["server"]["services"]["task_run_recorder"]["batch_size"] > 1, "as in the standing server"
Secret(value="hush").save("mine")
assert "prefect.server.api.server" not in sys.modules, "it takes seconds"
print(prefect_api.address().removesuffix("/api"), Secret.load("mine").get(), flush=True)
sys.stdin.readline()
"""
CHOICE = "from flows import prefect_api, server_choice; server_choice.choose(); prefect_api.check()"


def ask(address, origin=FOREIGN, login=None, body=None):
    """Status and headers of an answer to a page of `origin`."""
    headers = {"Origin": origin, "Content-Type": "application/json"}
    if login:
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    request = urllib.request.Request(address, data=None if body is None else json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, refused.read()


def nothing_for_others(site):
    for path, body in (
        ("block_documents/filter", {"include_secrets": True}),
        ("admin/settings", None),
        ("flows/filter", {}),
    ):
        status, headers, said = ask(f"{site}/api/{path}", body=body)
        assert status == 401, path
        assert "Access-Control-Allow-Origin" not in headers
        assert b"hush" not in said
    assert ask(f"{site}/api/flows/filter", body={}, login="content-plans:guess")[0] == 401
    request = urllib.request.Request(
        f"{site}/api/flows/filter",
        method="OPTIONS",
        headers={"Origin": FOREIGN, "Access-Control-Request-Method": "POST"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert "Access-Control-Allow-Origin" not in refused.value.headers
    assert ask(f"{site}/api/health")[0] == 200


def modes(home):
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.glob("prefect.db*")}


def only_for_its_user(home):
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert "prefect.db" in modes(home)
    assert set(modes(home).values()) == {0o600}


def listens_on(site):
    """The local addresses, as Linux writes them, that listen on the port of this server."""
    port = f"{int(site.rpartition(':')[2]):04X}"
    tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6") if Path(f"/proc/net/{name}").exists()]
    return {found for table in tables for found in re.findall(rf" ([0-9A-F]+):{port} [0-9A-F]+:0000 0A ", table)}


def environment(home):
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "CONTENT_PLAN_SANDBOX": "",
    }


def test_the_temporary_server_of_a_command_is_its_own_and_dies_with_it(tmp_path, monkeypatch):
    """Also when the command is killed; a database that was open to others is closed."""
    home = tmp_path / "prefect"
    home.mkdir(mode=0o755)
    (home / "prefect.db").touch(mode=0o644)
    with (
        none_is_left(monkeypatch, limit_s=60),
        started(
            [sys.executable, "-c", ASKED],
            cwd=ROOT,
            env=environment(home),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as command,
    ):
        said = command.stdout.readline()
        assert said.endswith(" hush\n"), said + (command.stderr.read() if command.poll() is not None else "")
        site = said.split()[0]
        nothing_for_others(site)
        only_for_its_user(home)
        assert listens_on(site) == {"0100007F"}
        command.send_signal(signal.SIGKILL)
        told = command.communicate(timeout=60)[1]
    assert told.startswith(
        "Prefect server: a temporary one of this command; commands begin sooner while one of `make server` runs\n"
    )
    assert "content-plans:" not in told


@pytest.fixture(scope="module")
def standing(tmp_path_factory):
    """The server of `make server`; its home and address."""
    folder = tmp_path_factory.mktemp("standing")
    home, port = folder / "home", free_port()
    command = [sys.executable, str(ROOT / "flows/prefect_server.py"), "--port", str(port)]
    with process(command, folder / "server.log", environment(home)) as server:
        wait_for(f"http://127.0.0.1:{port}/api/ready", server)
        yield home, f"http://127.0.0.1:{port}", folder / "server.log"


def as_client(home, command):
    """What a shell says that has read client.env."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    script = f". '{home}/client.env' && {command}"
    return subprocess.run(["sh", "-c", script], cwd=ROOT, env=clean, check=False, capture_output=True, text=True)


def test_the_standing_server_answers_nobody_else(standing):
    home, site, log = standing
    nothing_for_others(site)
    only_for_its_user(home)
    assert listens_on(site) == {"0100007F"}
    assert {stat.S_IMODE((home / name).stat().st_mode) for name in ("server.env", "client.env")} == {0o600}
    known = dotenv_values(home / "server.env")
    said = log.read_text()
    assert f". {home}/client.env" in said
    assert not [name for name, value in known.items() if value in said or value.split(":")[-1] in said]
    assert "PREFECT_SERVER_ENCRYPTION_KEY" not in dotenv_values(home / "client.env")


def test_its_own_pages_are_answered_under_both_names(standing):
    home, site, _ = standing
    login = dotenv_values(home / "client.env")["PREFECT_API_AUTH_STRING"]
    for own in (site, site.replace("127.0.0.1", "localhost")):
        status, headers, _ = ask(f"{site}/api/flows/filter", origin=own, login=login, body={})
        assert (status, headers["Access-Control-Allow-Origin"]) == (200, own)


def test_it_records_task_runs_together(standing):
    home, site, _ = standing
    login = dotenv_values(home / "client.env")["PREFECT_API_AUTH_STRING"]
    status, _, said = ask(f"{site}/api/admin/settings", login=login)
    recorder = json.loads(said)["server"]["services"]["task_run_recorder"]
    assert (status, recorder["batch_size"], recorder["flush_interval"]) == (200, 50, 1)


def test_the_documented_lines_set_it_up_and_work_on_it(standing):
    """Deploy, a worker that takes what there is, and a block, which lies encrypted with the key of server.env."""
    home, _, _ = standing
    python = f"'{sys.executable}'"
    deployed = as_client(home, f"{python} flows/deploy.py")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    prefect = f"'{Path(sys.executable).with_name('prefect')}'"
    worked = as_client(home, f"{prefect} worker start --pool content-plans --type process --run-once")
    assert worked.returncode == 0, worked.stdout + worked.stderr
    block = (
        "from prefect.blocks.system import Secret; Secret(value='hush').save('mine'); print(Secret.load('mine').get())"
    )
    assert as_client(home, f'{python} -c "{block}"').stdout.endswith("hush\n")
    assert not any(b"fernet_key" in path.read_bytes() for path in home.glob("prefect.db*"))


def test_a_command_uses_it_and_says_so(standing):
    home, site, _ = standing
    said = subprocess.run(
        [sys.executable, "-c", CHOICE], cwd=ROOT, env=environment(home), capture_output=True, text=True, check=True
    )
    assert said.stderr == f"Prefect server: {site}/api, started by `make server`\n"


def test_a_second_server_of_one_folder_is_refused(standing):
    with pytest.raises(FixInputError, match=r"a server of \S+ runs already; use that one, or name another folder"):
        standing_server.hold(standing[0])


def test_a_server_that_has_ended_or_does_not_listen_yet_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    assert standing_server.settings_of_client() == {}, "there was never one"
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        login = prefect_server.prepare(tmp_path, port)["PREFECT_API_AUTH_STRING"]
        assert standing_server.settings_of_client() == {}, "nobody holds its lock: another program listens there"
        lock = standing_server.hold(tmp_path)
        used = {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api", "PREFECT_API_AUTH_STRING": login}
        assert standing_server.settings_of_client() == used
    assert standing_server.settings_of_client() == {}, "nobody listens"
    os.close(lock)


def test_secrets_are_made_once(tmp_path):
    first = prefect_server.prepare(tmp_path / "home", 4200)
    assert prefect_server.prepare(tmp_path / "home", 4200) == first
    assert prefect_server.prepare(tmp_path / "other", 4200) != first


def test_a_database_without_its_key_is_refused(tmp_path):
    (tmp_path / "prefect.db").touch()
    with pytest.raises(FixInputError, match=r"a database without its key server\.env"):
        prefect_server.prepare(tmp_path, 4200)


def test_the_documents_start_no_server_in_another_way():
    texts = [path.read_text() for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))]
    assert not any(
        re.search(r"^(\$ |.*Without containers: `)(\S*/)?prefect server start", text, re.MULTILINE) for text in texts
    )
    operations = (ROOT / "docs/operations.md").read_text()
    for line in ("make server", ". ~/.content-plans/client.env", "make deploy"):
        assert f"\n$ {line}" in operations
    assert "\n$ .venv/bin/prefect worker start --pool content-plans --type process" in operations


IN_A_KERNEL = """
import asyncio, sys
from prefect.blocks.system import Secret
from prefect.server.api.server import SubprocessASGIServer
from blocks import own_server
from blocks.jira_credentials import JiraCredentials
from blocks.loading import load
with own_server.closed_to_others():
    Secret(value="hush").save("mine")
    JiraCredentials(url="https://a.atlassian.net", username="a@a.example", token="hush").save("mine")
print(SubprocessASGIServer().address, asyncio.run(load(JiraCredentials, "mine")).token.get_secret_value(), flush=True)
sys.stdin.readline()
"""


def test_a_notebook_that_loads_a_block_starts_no_server_that_others_can_ask(tmp_path):
    """JupyterLab's kernels are nobody's command: Prefect itself starts the server there."""
    home = tmp_path / "prefect"
    with started(
        [sys.executable, "-c", IN_A_KERNEL],
        cwd=ROOT,
        env=environment(home),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as kernel:
        said = kernel.stdout.readline()
        assert said.endswith(" hush\n"), said + (kernel.stderr.read() if kernel.poll() is not None else "")
        nothing_for_others(said.split()[0])
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        kernel.stdin.close()
