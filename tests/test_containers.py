"""The Dockerfile and the compose files, read; `make container-test` builds and runs them."""

import asyncio
import datetime as dt
import importlib
import json
import re
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
import yaml
from prefect.settings import PREFECT_HOME, Settings, temporary_settings

from tests.processes import started

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name not in ("postgres", "redis")}
SERVERS = {"prefect", "api"}
OUTPUT = "${OUTPUT_MOUNT:-output}:/app/output"


def words(command):
    """What is started: `env` and the settings that it is given are left out."""
    if isinstance(command, list):
        return command
    return re.fullmatch(r"env\s+(?:\$\{COMPOSE_PROFILES:\+\w+=\S+\}\s+)*(.*)", command, re.DOTALL)[1].split()


def test_the_dockerfile_has_no_finding_of_hadolint():
    subprocess.run([Path(sys.executable).with_name("hadolint"), "Dockerfile"], cwd=ROOT, check=True)


def test_base_and_uv_are_one_line_each():
    assert re.findall(r"^ARG (\w+)=(.*)$", DOCKERFILE, re.MULTILINE) == [
        ("BASE_IMAGE", "prefecthq/prefect:3.6.9-python3.14"),
        ("UV_IMAGE", "ghcr.io/astral-sh/uv:latest"),
    ]


def test_dependencies_are_installed_before_the_code_is_copied():
    steps = [
        DOCKERFILE.index(step) for step in ("COPY pyproject.toml uv.lock", "uv sync --frozen --no-dev", "COPY . .")
    ]
    assert steps == sorted(steps)


def test_nothing_starts_another_prefect_than_the_locked_one():
    commands = [json.loads(found) for found in re.findall(r"(?:CMD|ENTRYPOINT) (\[.*\])", DOCKERFILE)]
    commands += [words(service["command"]) for service in OURS.values()]
    programs = [command[0] for command in commands if command]
    assert len(programs) == 6
    assert all(program.startswith(".venv/bin/") for program in programs)
    assert "ENTRYPOINT []" in DOCKERFILE, "the base's own entrypoint may install packages"
    assert [name for name, service in OURS.items() if "entrypoint" in service] == ["worker"]
    assert '"$$@"' in SERVICES["worker"]["entrypoint"][2], "it starts the command, and nothing else"
    assert {service["image"] for service in OURS.values()} == {"content-plan-workflows"}


def test_no_port_is_open_to_others_and_the_database_has_none():
    assert not any("ports" in SERVICES[name] for name in ("postgres", "redis", "api"))
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:4200:4200", "127.0.0.1:8888:8888"]


@pytest.mark.parametrize(
    "secret", ["PREFECT_AUTH_STRING", "POSTGRES_PASSWORD", "PREFECT_SERVER_ENCRYPTION_KEY", "JUPYTER_TOKEN"]
)
def test_a_missing_secret_stops_the_start_and_none_stands_in_the_file(secret):
    text = (ROOT / "docker-compose.yml").read_text()
    assert re.search(rf"\$\{{{secret}:\?write it into \.env", text)
    assert all(use.startswith(":?") for use in re.findall(rf"\$\{{{secret}([^}}]*)\}}", text))
    assert re.search(rf"^{secret}=$", (ROOT / ".env.example").read_text(), re.MULTILINE)


def test_what_must_not_be_in_the_image_is_left_out():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {
        "**/.env",
        "**/token*.json",
        "**/client_secret*.json",
        "**/*service-account*.json",
        "*.json",
        "**/*.dump",
        ".git",
        "output",
        ".venv",
    } <= set(ignored)


@pytest.mark.parametrize("name", [".env", "token.json", "client_secret_1.json", "plans-0123456789ab.json", "x.dump"])
def test_secrets_are_not_committed(name, tmp_path):
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text((ROOT / ".gitignore").read_text())
    said = subprocess.run(["git", "check-ignore", name], cwd=tmp_path, check=False, capture_output=True)
    assert said.returncode == 0


def test_mounted_code_never_hides_the_images_environment():
    override = yaml.safe_load((ROOT / "docker-compose.override.yml").read_text())
    for service in override["services"].values():
        assert service["volumes"] == [".:/app", "venv:/app/.venv", OUTPUT]
    assert override["services"].keys() == OURS.keys()
    levels = {service["environment"]["PREFECT_LOGGING_LEVEL"] for service in override["services"].values()}
    assert levels == {"DEBUG"}


def test_what_a_bare_up_starts_stands_in_the_environment():
    """Flags of one `up` are forgotten by the next one."""
    example = (ROOT / ".env.example").read_text()
    scaled = {name: service["scale"] for name, service in SERVICES.items() if "scale" in service}
    assert scaled == {"worker": "${WORKERS:-1}", "api": "${API_REPLICAS:-1}"}
    assert "\nCOMPOSE_FILE=docker-compose.yml\n" in example, "or the code of a production machine is mounted"
    texts = [
        example,
        *(path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*.yml"))),
    ]
    assert not any(re.search(r"docker compose (-f|.*--scale)", text) for text in texts)


def test_a_worker_can_be_alone_on_its_machine_and_all_share_one_output_folder():
    assert SERVICES["worker"]["environment"]["PREFECT_API_URL"] == "${WORKER_API_URL:-http://prefect:4200/api}"
    assert all(OUTPUT in service["volumes"] for name, service in OURS.items() if name != "api")


def test_links_to_reports_lead_to_jupyterlabs_files_unless_another_address_is_given():
    folder = SERVICES["jupyter"]["environment"]["OUTPUT_DIR"]
    [root] = [
        word.partition("=")[2] for word in SERVICES["jupyter"]["command"] if word.startswith("--ServerApp.root_dir")
    ]
    [port] = [port.rpartition(":")[0] for port in SERVICES["jupyter"]["ports"]]
    told = {service["environment"]["OUTPUT_URL"] for service in OURS.values()}
    assert told == {f"${{OUTPUT_URL:-http://{port}/files/{Path(folder).relative_to(root)}}}"}


def test_browsers_are_sent_where_they_find_the_pages():
    for name, service in OURS.items():
        told = service["environment"]
        assert told["PREFECT_UI_URL"] == "${PREFECT_UI_URL:-http://127.0.0.1:4200}"
        assert told.get("PREFECT_SERVER_UI_API_URL") == (f"{told['PREFECT_UI_URL']}/api" if name in SERVERS else None)


def test_every_service_starts_again_and_its_log_stays_small():
    for name, service in SERVICES.items():
        assert service["restart"] == "unless-stopped", name
        assert service["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "5"}}, name
        assert service.get("init") is (True if name in OURS else None), name


def test_secrets_of_the_server_reach_nobody_else():
    secrets = (
        "PREFECT_SERVER_ENCRYPTION_KEY",
        "POSTGRES_PASSWORD",
        "JUPYTER_TOKEN",
        "REDIS_PASSWORD",
        "PREFECT_AUTH_STRING",
    )
    for name, service in OURS.items():
        needed = {"PREFECT_SERVER_ENCRYPTION_KEY"} if name in SERVERS else set()
        needed |= {"JUPYTER_TOKEN"} if name == "jupyter" else set()
        assert {secret for secret in secrets if service["environment"][secret] != ""} == needed, name
    assert {name for name, service in SERVICES.items() if service.get("env_file")} == {
        "prefect",
        "worker",
        "jupyter",
    }, "flows run there, and nowhere else: `docker exec prefect` starts one, too"


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_that_is_broken_into_has_no_rights(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert 0 < service["pids_limit"] <= 2048
    assert re.fullmatch(r"(\$\{\w+:-)?\d+[mg]\}?", service["mem_limit"])
    assert service["user"] == {"postgres": "postgres", "redis": "redis"}.get(name, "1000:1000")
    assert not service.keys() & {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"}
    assert not any("docker.sock" in volume for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_writes_is_a_volume_or_in_memory(name):
    """A folder that Docker makes on the way to a volume belongs to root: one that we write into is named."""
    service, home = OURS[name], "/home/app"
    in_memory = {entry.partition(":")[0]: entry.partition(":")[2] for entry in service["tmpfs"]}
    assert in_memory.keys() >= {"/tmp", home}
    assert all("uid=1000,gid=1000" in options for folder, options in in_memory.items() if folder != "/tmp")
    for volume in service["volumes"]:
        target = Path(volume.rpartition(":")[2])
        if target.is_relative_to(home):
            assert str(Path(home, target.relative_to(home).parts[0])) in in_memory
            assert re.search(rf"install -d -o app -g app [^&]*{target}\s", DOCKERFILE), "or the volume belongs to root"


def test_only_pages_of_the_server_are_answered():
    told = {OURS[name]["environment"]["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] for name in SERVERS}
    assert told == {"${PREFECT_UI_URL:-http://127.0.0.1:4200},http://localhost:4200"}


def test_redis_wants_a_password_which_no_command_line_shows(tmp_path):
    redis = SERVICES["redis"]
    assert redis["environment"]["REDISCLI_AUTH"].startswith("${COMPOSE_PROFILES:+${REDIS_PASSWORD:?write it into .env")
    start = redis["entrypoint"][2].replace("$$", "$").replace("/tmp/", f"{tmp_path}/")
    environment = {"PATH": "/usr/bin:/bin", "REDISCLI_AUTH": "opensesame1"}
    said = subprocess.run(
        ["sh", "-c", start, "sh", "cat", tmp_path / "redis.conf"],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert said == "requirepass opensesame1\n"
    assert (tmp_path / "redis.conf").stat().st_mode & 0o077 == 0
    assert redis["command"][:2] == ["redis-server", "/tmp/redis.conf"]
    for name in SERVERS:
        assert SERVICES[name]["environment"]["PREFECT_REDIS_MESSAGING_PASSWORD"] == "${REDIS_PASSWORD:-}"
    assert SERVICES["api"]["environment"]["PREFECT_SERVER_DOCKET_URL"] == "redis://:${REDIS_PASSWORD:-}@redis:6379/1"


def test_whoever_answers_is_asked_whether_it_is_well():
    asked = {
        name: str(service["healthcheck"]["test"]) for name, service in SERVICES.items() if "healthcheck" in service
    }
    assert asked.keys() == SERVICES.keys() - SERVERS, "the servers have the image's own check"
    assert "'--host', '127.0.0.1'" in asked["postgres"], (
        "the server that sets up the database listens on a socket alone"
    )
    assert ":8080/health" in asked["worker"]
    assert "--with-healthcheck" in SERVICES["worker"]["command"]
    assert ":8888/api" in asked["jupyter"]


def test_what_is_stopped_has_time_to_save_its_work():
    given = {
        name: int(service["stop_grace_period"].rstrip("s"))
        for name, service in SERVICES.items()
        if name not in ("jupyter", "redis")
    }
    assert given.keys() == {"postgres", "worker", *SERVERS}
    assert given["worker"] > 30, "Prefect gives a run 30 s to end"
    assert min(given.values()) >= 30


def test_one_variable_switches_redis_on_for_the_server_and_its_replicas_alike():
    settings = dict(re.findall(r"\$\{COMPOSE_PROFILES:\+(\w+)=(\S+)\}", SERVICES["prefect"]["command"]))
    assert len(settings) == 5
    assert settings.items() <= SERVICES["api"]["environment"].items()
    assert not any(
        value == "" for name, value in SERVICES["api"]["environment"].items() if name.startswith("PREFECT_SERVER_")
    )
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["redis"]} == {"redis", "api"}
    assert SERVICES["redis"]["command"][-2:] == ["--appendonly", "yes"], "the leases of runs lie there"
    assert SERVICES["redis"]["volumes"] == ["redis:/data"]
    assert SERVICES["prefect"]["depends_on"]["redis"] == {"condition": "service_healthy", "required": False}


def test_a_replica_starts_after_the_server_has_made_the_tables_and_is_reached_under_its_name():
    api = SERVICES["api"]
    assert words(api["command"]) == [*words(SERVICES["prefect"]["command"]), "--no-services"]
    assert words(SERVICES["prefect"]["command"]) == json.loads(re.findall(r"^CMD (.*)$", DOCKERFILE, re.MULTILINE)[0])
    assert api["depends_on"]["prefect"] == {"condition": "service_healthy"}
    assert api["environment"]["PREFECT_API_DATABASE_MIGRATE_ON_START"] == "false"
    assert "container_name" not in api, "one name would forbid --scale"
    assert SERVICES["jupyter"]["environment"]["PREFECT_API_URL"] == "http://prefect:4200/api"
    assert api["networks"]["default"]["aliases"] == ["prefect"]


WORKER = """
import signal, subprocess, sys
assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
run = subprocess.Popen(["sh", "-c", "trap 'sleep 1; echo saved; exit' TERM; echo begun; while :; do sleep 0.1; done"])
def stop(*_):
    run.kill()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
run.wait()
signal.pause()
"""


def test_a_worker_that_is_stopped_lets_its_runs_save_first():
    entrypoint = [part.replace("$$", "$") for part in SERVICES["worker"]["entrypoint"]]
    with started([*entrypoint, sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout.readline() == "begun\n"
        worker.send_signal(signal.SIGTERM)
        said, _ = worker.communicate(timeout=30)
    assert said == "saved\n"
    assert worker.returncode == 0


def test_the_server_removes_old_runs_and_the_document_says_when(monkeypatch):
    name = "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED"
    monkeypatch.setenv(name, SERVICES["prefect"]["environment"][name])
    settings = Settings().server
    assert settings.services.db_vacuum.enabled_vacuum_types >= {"events", "flow_runs"}
    events, runs = settings.events.retention_period.days, settings.services.db_vacuum.retention_period.days
    upkeep = (ROOT / "docs/operations.md").read_text()
    assert f"removes events after {events} days, and {runs} days after a run's end the run" in upkeep


def test_a_run_keeps_its_place_when_the_servers_container_is_made_anew(tmp_path):
    """Prefect ends a run that cannot renew its lease: https://github.com/PrefectHQ/prefect/issues/19068."""
    name = SERVICES["prefect"]["environment"]["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"]
    storage = importlib.import_module(name).ConcurrencyLeaseStorage
    home = re.search(r"PREFECT_HOME=(\S+)", DOCKERFILE)[1]
    [kept] = [volume.partition(f":{home}/")[2] for volume in SERVICES["prefect"]["volumes"] if f":{home}/" in volume]
    assert f"install -d -o app -g app output {home} {home}/{kept}\n" in DOCKERFILE, "or the volume belongs to root"
    with temporary_settings({PREFECT_HOME: tmp_path}):
        lease = asyncio.run(storage().create_lease([uuid.uuid4()], dt.timedelta(seconds=300)))
        assert [path.name for path in tmp_path.iterdir()] == [kept]
        assert asyncio.run(storage().read_lease(lease.id)) == lease
