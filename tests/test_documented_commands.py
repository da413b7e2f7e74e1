"""Every command in a document is run, here or by the test named beside it; or it stands here with why it cannot be."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prefect.settings import PREFECT_API_URL

from lib import files
from lib.run import run_record
from sandbox.seed import seed

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(ROOT.glob("docs/*.md")),
    ROOT / "sandbox/README.md",
    ROOT / "benchmarks/README.md",
]
COMPOSE, OVERRIDE = (yaml.safe_load((ROOT / f"docker-compose{kind}.yml").read_text()) for kind in ("", ".override"))
PYTHON = ".venv/bin/python"
BEGINS = ("make ", "python ", f"{PYTHON} ", ".venv/bin/prefect ", "docker ", "cp ", "uv ", ". ~/")

# Commands that are run here, on the sandbox, and how each ends. `output/<run>` is a finished run, <name> a flow.
RUN = {
    f'{PYTHON} flows/content_plan_to_jira.py --target-month "Juli 2026" --client-names "Kopi Senja" --validate-only': 0,
    f'{PYTHON} flows/content_plan_to_jira.py --target-month "Juli 2026"': 0,
    f"""{PYTHON} flows/rerun.py output/<run> --set validate_only=true --set client_names='["Kopi Senja"]'""": 0,
    f"{PYTHON} flows/compare.py output/<run> output/<another>": 0,
    f"{PYTHON} flows/verify.py output/<run>": 0,
    f"{PYTHON} -m lib.run verify output/<run> --manifest <SHA-256>": 0,
    f"{PYTHON} flows/<name>.py --sandbox --sandbox-state .sandbox/fresh": 2,  # there is something to mend in the demo's plans
    f"{PYTHON} -m pytest tests/proof -k no_schedule --seeds 460-460": 0,
    f'{PYTHON} -m sandbox --port 0 -- {PYTHON} -c "import asyncio; from lib.tasks.jira_tasks import read_components as task; '
    "print(asyncio.run(task('CP')))\"": 0,
    "python -m sandbox --help": 0,
    "python -m benchmarks --help": 0,
    "cp .env.example .env": 0,
    "make blocks": 0,
}
RUN_BY = {
    "make demo": "test_make_demo_shows_its_way_and_its_end_in_a_terminal_and_ctrl_c_closes_it",
    "make demo-update": "test_make_demo_update_shows_what_was_carried_over_what_waits_and_the_command_that_decides",
    "make server": "test_the_documented_lines_set_it_up_and_work_on_it",
    ". ~/.content-plans/client.env": "test_the_documented_lines_set_it_up_and_work_on_it",
    "make deploy": "test_the_documented_lines_set_it_up_and_work_on_it",
    ".venv/bin/prefect worker start --pool content-plans --type process": "test_the_documented_lines_set_it_up_and_work_on_it",
    "make lab": "test_the_transform_runs_in_jupyterlab",
    "make lab-sandbox": "notebooks_run_by_hand",
}
NOT_RUN = {
    "make setup": "what runs the tests has done it",
    "make setup && mkdir -p output": "what runs the tests has done it",
    "make test": "is what is running",
    f"{PYTHON} -m pytest tests/flows/test_<name>.py": "is what is running, a part of it",
    "make soak N=5000": "takes hours: run by hand; the line below it in docs/exactly-once.md is run here",
    "make check": "is what is running",
    "make sandbox": "serves until it is stopped; the same module is run here with --port 0",
    "make format": "would change the sources that are being tested",
    **dict.fromkeys(
        (
            "make bench",
            'make bench BENCH="--large-runs 1"',
            'make bench BENCH="--works W1 --latency-ms 0 --growth none"',
            'make bench BENCH="--works W1 --with dagstermill --growth none"',
            'make bench BENCH="--works W1 --peers limit ours-running --runs 5 --growth none"',
        ),
        "takes ten minutes or hours, and its figures are for people; its parts are run in tests/benchmarks",
    ),
    "make fleet-test": "takes 20 minutes: run by hand",
    "make container-test": "takes minutes, and builds an image: run by hand",
    "make login": "opens a browser at Google's",
    "uv lock": "would change the lock; make check has uv lock --check",
}


def documented():
    """Every command of the documents, each once, in order."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text()
        blocks = re.findall(r"^ *```(?:console|bash)\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE)
        lines = [line.strip().removeprefix("$ ") for block in blocks for line in block.splitlines()]
        inline = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE))
        found += [re.sub(r"\s+# .*", "", line) for line in lines if line]
        found += [code for code in inline if f"{code} ".startswith(BEGINS)]
    return list(dict.fromkeys(found))


COMMANDS = documented()
IN_CONTAINERS = [command for command in COMMANDS if command.startswith("docker ")]


def test_every_documented_command_is_run_or_says_why_not():
    known = RUN.keys() | RUN_BY.keys() | NOT_RUN.keys()
    assert [command for command in COMMANDS if command not in known and command not in IN_CONTAINERS] == []
    assert known - set(COMMANDS) == set(), "no document names these any more"


def test_what_runs_the_others_is_there():
    tests = "\n".join(path.read_text() for path in ROOT.glob("tests/**/*.py") if path.name != Path(__file__).name)
    assert {name for name in RUN_BY.values() if name.startswith("test_") and f"def {name}(" not in tests} == set()


@pytest.fixture(scope="module")
def at_work(tmp_path_factory, running_box, prefect_engine):
    """A folder to work in that looks like the project's, the environment of its commands, and two finished runs in its output/."""
    folder = tmp_path_factory.mktemp("project")
    for path in ROOT.iterdir():
        if path.name not in (".git", "output", ".sandbox", ".env", ".env.example"):
            (folder / path.name).symlink_to(path)
    shutil.copy(ROOT / ".env.example", folder)
    running_box.reset()
    environment = {
        **os.environ,
        **running_box.environment(),
        "PREFECT_API_URL": str(PREFECT_API_URL.value()),
        "OUTPUT_DIR": str(folder / "output"),
        "SETTLE_SECONDS": "0",
    }
    month = ["--target-month", seed.MONTH, "--client-names", "Batik Larasati", "--delay-seconds", "0", "0"]
    for _ in range(2):
        made = [sys.executable, "flows/content_plan_to_jira.py", *month]
        ended = subprocess.run(made, cwd=folder, env=environment, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder, environment


@pytest.mark.parametrize("command", RUN)
def test_a_documented_command_does_what_it_should(at_work, command):
    """As it stands; only the pauses between the steps of a plan are left out."""
    folder, environment = at_work
    first, second = sorted(run_record.run_folders(folder / "output"))[:2]
    line = command.replace("output/<run>", f"output/{first.name}").replace("output/<another>", f"output/{second.name}")
    line = re.sub("^python ", f"{PYTHON} ", line).replace("<name>", "content_plan_check")
    line = line.replace("<SHA-256>", files.sha256(first / files.MANIFEST))
    line = re.sub("^make ", "make -o .venv/.synced ", line)  # the set-up would install the copy in place of the project
    if "content_plan_to_jira.py" in line:
        line += " --delay-seconds 0 0"
    asked = subprocess.run(
        line, shell=True, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )
    assert asked.returncode == RUN[command], asked.stdout + asked.stderr


def inner(command):
    """What a command runs inside of a container, as words; none when it only handles containers."""
    words = shlex.split(command)
    if words[1] == "exec":
        return words[3:]
    if words[1] == "compose" and words[2] in ("exec", "run"):
        rest = [word for word in words[3:] if not word.startswith("-") and word != "root"]
        return rest[1:]
    return []


@pytest.mark.parametrize("command", IN_CONTAINERS)
def test_a_documented_command_of_containers_names_what_is_there(command):
    """No Docker engine runs here: services, containers and volumes are looked up in the compose files."""
    services, volumes = set(COMPOSE["services"]), {*COMPOSE["volumes"], *OVERRIDE["volumes"]}
    containers = {one["container_name"] for one in COMPOSE["services"].values() if "container_name" in one}
    for part in command.split(" && "):
        words = shlex.split(re.split(" [<>] ", part)[0])
        match words[1:]:
            case ["exec", name, *_]:
                assert name in containers
            case ["compose", ("exec" | "run") as verb, *rest]:
                named = [word for word in rest if not word.startswith("-") and word != "root"]
                assert named[0] in services, verb
            case ["compose", "up" | "down" | "ps" | "logs" | "restart" | "build", *rest]:
                assert {word for word in rest if not word.startswith("-")} <= services
            case ["volume", "rm", name]:
                assert name in {f"{COMPOSE['name']}_{volume}" for volume in volumes}
            case ["exec"] | ["system", "df"] | ["image", "prune"]:
                pass
            case _:
                pytest.fail(f"{part}: not known here; add what it names")


@pytest.mark.parametrize(
    "words", sorted({tuple(found) for command in IN_CONTAINERS if (found := inner(command))}), ids=" ".join
)
def test_what_a_documented_command_runs_in_a_container_is_known_here(words):
    """Its own --help is asked for: the same words without what they are about."""
    match words:
        case ["python", script, *_] if script.endswith(".py"):
            asked = [sys.executable, script, "--help"]
        case ["prefect", *subcommand]:
            asked = [
                str(ROOT / ".venv/bin/prefect"),
                *[word for word in subcommand if re.fullmatch(r"[a-z-]+", word)][:2],
                "--help",
            ]
        case _:  # env, chown, psql and pg_dump are the image's
            return
    ended = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
