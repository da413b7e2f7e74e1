"""The Dockerfile and the compose files, read; `make container-test` builds and runs them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS = {name: service for name, service in COMPOSE["services"].items() if name != "postgres"}


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
    commands += [service["command"] for service in OURS.values() if "command" in service]
    programs = [command[0] for command in commands if command]
    assert len(programs) == 4
    assert all(program.startswith(".venv/bin/") for program in programs)
    assert "ENTRYPOINT []" in DOCKERFILE, "the base's own entrypoint may install packages"
    assert not any("entrypoint" in service for service in OURS.values())
    assert {service["image"] for service in OURS.values()} == {"content-plan-workflows"}


def test_no_port_is_open_to_others_and_the_database_has_none():
    assert "ports" not in COMPOSE["services"]["postgres"]
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
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
    assert {".env", "token*.json", "client_secret*.json", "*service-account*.json", ".git", "output", ".venv"} <= set(
        ignored
    )


def test_mounted_code_never_hides_the_images_environment():
    override = yaml.safe_load((ROOT / "docker-compose.override.yml").read_text())
    for service in override["services"].values():
        assert service["volumes"] == [".:/app", "venv:/app/.venv", "output:/app/output"]
    assert override["services"].keys() == OURS.keys()
