"""Every file that can be run: it reads its arguments before it does anything, whoever adds the next one."""

import ast
import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flows import rerun, server_port
from lib.run import __main__ as verify_command
from sandbox import __main__ as sandbox_command

ROOT = Path(__file__).parents[1]
PARTS = ("benchmarks", "blocks", "flows", "lib", "notebooks", "sandbox", "tests")

# What a command must not do before it knows what it is asked for; `sys.argv` holds the file and its arguments.
WATCHED = """
import os, runpy, sys
sys.dont_write_bytecode = True
DONE = ("socket.connect", "socket.bind", "subprocess.Popen", "os.system", "os.posix_spawn", "os.mkdir", "os.remove",
        "os.rename", "os.rmdir", "sqlite3.connect")

def watch(event, given):
    writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if (event in DONE or writes) and given[0] != os.devnull:
        print("ACTED:", event, given[:1], file=sys.stderr, flush=True)
        os._exit(99)

sys.argv.pop(0)
sys.addaudithook(watch)
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def is_run(path):
    """Whether it does something when it is run: `if __name__ == "__main__"` at its outermost level."""
    tests = (ast.unparse(node.test) for node in ast.parse(path.read_text()).body if isinstance(node, ast.If))
    return "__name__ == '__main__'" in tests or path.name == "__main__.py"


# Started by the modules beside them, with what nobody can type: a descriptor, a sandbox in the environment.
NO_COMMANDS = {
    ROOT / "lib/notebook/fork_kernels.py",
    ROOT / "benchmarks/box.py",
    *ROOT.glob("benchmarks/peers/*.py"),
}
COMMANDS = sorted(
    path.relative_to(ROOT)
    for path in [*ROOT.glob("*.py"), *(path for part in PARTS for path in ROOT.glob(f"{part}/**/*.py"))]
    if is_run(path) and path not in NO_COMMANDS
)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Run commands, two at a time, with these arguments and nothing set up; how each ended."""
    home = tmp_path_factory.mktemp("home")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTENT_PLAN_"))}
    environment = {**kept, "HOME": str(home), "PREFECT_HOME": str(home / "prefect"), "MPLCONFIGDIR": str(home)}

    def run(commands):
        def one(command):
            return subprocess.run(
                [sys.executable, "-c", WATCHED, *map(str, command)],
                env=environment,
                cwd=home,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )

        with ThreadPoolExecutor(2) as at_once:
            return dict(zip(commands, at_once.map(one, commands), strict=True))

    return run


def test_the_commands_are_found():
    names = {path.as_posix() for path in COMMANDS}
    assert {"flows/deploy.py", "sandbox/__main__.py", "lib/run/__main__.py", "benchmarks/__main__.py"} <= names


def test_help_is_all_that_is_done_when_help_is_asked_for(watched):
    for (path, _), ended in watched([(ROOT / path, "--help") for path in COMMANDS]).items():
        assert ended.returncode == 0, f"{path}: {ended.stderr}"
        assert ended.stdout.startswith("Usage: python "), path
        assert ended.stderr == "", path


LIGHT = """
import runpy, sys
sys.argv.pop(0)
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
except SystemExit:
    pass
heavy = {"prefect", "pandas", "pydantic_settings", "requests", "httpx", "httplib2", "googleapiclient", "google.auth", "atlassian",
         "papermill", "nbclient", "starlette"}
print("HEAVY", sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize("flag", ["--help", "--no-such-flag"])
def test_help_and_wrong_flags_are_answered_without_what_takes_seconds_to_import(flag):
    def one(path):
        command = [sys.executable, "-c", LIGHT, str(ROOT / path), flag]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False).stdout

    commands = [path for path in COMMANDS if path.parts[0] != "tests"]
    with ThreadPoolExecutor(2) as at_once:
        for path, said in zip(commands, at_once.map(one, commands), strict=True):
            assert said.splitlines()[-1] == "HEAVY []", path


def test_every_help_ends_with_an_example_and_the_exit_codes(watched):
    for (path, _), ended in watched([(ROOT / path, "--help") for path in COMMANDS]).items():
        assert re.search(r"\nExamples?:\n  python .*\nExit codes:\n  0  .*\n  1  .*\n  2  ", ended.stdout, re.DOTALL), (
            path
        )


def test_an_argument_that_does_not_exist_is_refused_before_anything_is_done(watched):
    for (path, _), ended in watched([(ROOT / path, "--no-such-flag") for path in COMMANDS]).items():
        assert ended.returncode == 2, f"{path}: {ended.stderr}"
        assert re.fullmatch(
            "error: .*--no-such-flag.*|error: Parameter .* requires an argument.*", ended.stderr.strip()
        ), path
        assert ended.stdout == ""


def ended(capsys, main, *arguments):
    """How a command refuses: exit code, and its only line."""
    try:
        code = main([*map(str, arguments)])
    except SystemExit as refused:
        code = refused.code
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1), told
    return code, told.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--port", "99999"], 2, "--port: 99999 is no port; write a number from 0"),
        (["--port", "http"], 2, "--port: unable to convert .http. into int"),
        (["--state", ""], 2, "--state: is empty; write a path"),
        (["--index-lag", "nan"], 2, "--index-lag: nan cannot be used; write a number of seconds"),
        (["--", "no-such-program"], 2, "there is no program 'no-such-program'"),
        (["--state", "{folder}"], 1, "{folder} is not a state file of this sandbox"),
        (["--state", "{folder}", "--reset"], 1, "--state {folder}: .* name a file"),
        (["--state", "{file}/state.json"], 1, "--state {file}/state.json: .* name a file"),
        (["--port", "{taken}"], 1, "cannot listen on 127.0.0.1:{taken}: Address already in use; name another --port"),
        (["--host", "256.1.1.1", "--port", "0"], 1, "cannot listen on 256.1.1.1:0: .*; name another --port"),
    ],
)
def test_a_sandbox_that_cannot_be_opened_says_so_in_one_line(tmp_path, capsys, arguments, code, says):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        known = {"folder": tmp_path, "file": tmp_path / "file", "taken": taken.getsockname()[1]}
        known["file"].touch()
        given = [one.format(**known) for one in arguments]
        assert re.search(says.format(**known), ended(capsys, sandbox_command.main, *given)[1])
        assert ended(capsys, sandbox_command.main, *given)[0] == code


def test_a_run_folder_that_is_none_is_named_in_one_line(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path / "nowhere", tmp_path, file):
        code, told = ended(capsys, verify_command.main, "verify", path)
        assert code == 1
        assert str(path) in told
    assert ended(capsys, verify_command.main, "verify", "") == (
        2,
        "error: RUN: is empty; write a value, or leave it out; see --help\n",
    )
    assert ended(capsys, rerun.main, " ") == (2, "error: RUN: is empty; write a value, or leave it out; see --help\n")
    assert ended(capsys, verify_command.main, "verfy", file)[0] == 2
    assert ended(capsys, verify_command.main)[0] == 2


def test_a_number_of_schedules_that_is_none_is_refused():
    """Make gives its own words below ours, and its own code."""
    for number in ("abc", "0", "-5", "1.5"):
        ended = subprocess.run(
            ["make", "--no-print-directory", "-o", ".venv/.synced", "soak", f"N={number}"],
            cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == 2
        assert ended.stderr.startswith(f"error: N={number} is no number of schedules; write it as in: make soak N=5000")


def test_a_standing_server_is_refused_a_port_that_it_cannot_have(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = str(other.getsockname()[1])
        for port, says in (
            ("0", "0 is no port; write"), ("70000", "70000 is no port; write"), ("x", "unable to convert"), (taken, "in use.*name another")
        ):  # fmt: skip
            code, told = ended(capsys, server_port.read, "--port", port)
            assert code == 2
            assert re.match(f"error: .*--port: .*{says}", told), told
