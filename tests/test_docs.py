"""What the documents say is so."""

import re
from pathlib import Path

import pytest
import yaml

from lib.command import EXIT_CODES
from lib.exactly_once.reconcile import Outcome
from lib.settings import GoogleEnvironment, JiraEnvironment, Settings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SOURCES = "\n".join(
    path.read_text() for part in ("lib", "flows", "blocks") for path in sorted((ROOT / part).rglob("*.py"))
)
CODE = re.sub(r'"\s*\n\s*f?"', "", SOURCES)  # string literals that run over lines, joined


def section(title):
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_readme_stays_short():
    assert len(README.splitlines()) <= 150


def test_the_tree_names_what_is_there_and_all_of_it():
    named = {
        line.split()[0].rstrip("/") for line in section("The tree").splitlines() if re.match(r"[a-z]+(/|\.py) ", line)
    }
    there = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))}
    there -= {"output", "screenshots"}  # what runs and tests leave
    assert named == there | {"hashmap.py"}


@pytest.mark.parametrize(
    "line", [line for line in section("When a run fails").splitlines() if line.startswith("| ")][1:]
)
def test_a_message_in_the_readme_is_one_that_the_code_gives(line):
    message = line.split("|")[1].strip()
    for part in message.split(" / "):
        pieces = [
            piece.strip() for piece in re.split(r"…|\(.*?\)|Topik|JIRA_TOKEN|'|, ", part) if len(piece.strip()) > 5
        ]
        assert pieces or part.startswith("Jira: …")
        for piece in pieces:
            assert piece in CODE, f"{piece!r} is said nowhere"


def test_every_flow_is_named_in_the_readme_and_every_deployment_in_operations():
    flows = {path.stem for path in ROOT.glob("flows/*.py") if "command_line.main(__file__)" in path.read_text()}
    assert {name for name in flows if name not in README} == set()
    operations = (ROOT / "docs/operations.md").read_text()
    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    assert {one["name"] for one in deployments if f"/ {one['name']}" not in operations} == set()


def test_every_outcome_is_explained():
    assert [word for word in re.findall(r"^\| ([a-z]+) \|", README, re.MULTILINE) if word != "outcome"][
        : len(Outcome)
    ] == [o.value for o in Outcome]


def test_the_readme_has_the_exit_codes_that_every_command_tells():
    told = dict(re.findall(r"^\| ([0-9]) \| (.*) \|$", README, re.MULTILINE))
    assert told == {str(code): meaning for code, meaning in EXIT_CODES.items()}


def test_every_make_target_that_a_document_names_exists():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = [README, *(path.read_text() for path in (*ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md"))), CODE]
    assert {name for text in texts for name in re.findall(r"`make ([a-z-]+)`", text)} <= targets


def test_the_example_environment_names_every_setting_and_no_other():
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    fields = {
        name.upper() for settings in (Settings, GoogleEnvironment, JiraEnvironment) for name in settings.model_fields
    }
    compose = {"COMPOSE_FILE", *re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text())}
    assert named == fields | compose


@pytest.mark.parametrize(
    "path",
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("sandbox/*.md"), *ROOT.glob("benchmarks/*.md")],
    ids=lambda path: path.name,
)
def test_a_document_links_to_files_that_are_there(path):
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_tests_that_the_decisions_name_exist():
    tests = "\n".join(path.read_text() for path in ROOT.glob("tests/**/*.py"))
    for line in re.findall(r"\*Test:\* (.*)", (ROOT / "docs/decisions.md").read_text()):
        for name in re.findall(r"`(test_\w+)`", line):
            assert f"def {name}(" in tests
        for name in re.findall(r"`(tests/[\w/.]+)`", line):
            assert (ROOT / name).exists()
