"""The flow as a command: flags, the sandbox, exit codes; and that no secret leaves it."""

import contextlib
import http.server
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

import flows
from flows import command_line, run_command
from flows.content_plan_to_jira import content_plan_to_jira
from lib import command
from lib.run import run_record
from sandbox.seed import seed
from tests.processes import started
from tests.servers import prefect_server

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "flows/content_plan_to_jira.py"


def of(path):
    return command_line.of_file(Path(path))


def parsed(*given, path=SCRIPT):
    return command.read(of(path), given, program="python flows/x.py")


def helped(capsys, *given):
    """What a command says of itself, as one line."""
    with pytest.raises(SystemExit) as ended:
        command_line.main(*given, ["--help"])
    assert ended.value.code == 0
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())


def test_every_parameter_is_a_flag_of_the_same_name_with_a_description(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    text = helped(capsys, str(SCRIPT))
    for name in content_plan_to_jira.parameters.properties:
        assert f"--{name.replace('_', '-')}" in text
    assert "--sandbox-state" in text
    assert "Take over a plan whose lock another run holds." in text
    assert "Returns" not in text


def test_the_help_ends_with_an_example_that_can_be_run_and_the_exit_codes(capsys):
    text = helped(capsys, str(SCRIPT))
    example = re.search(r"Example: python flows/content_plan_to_jira.py (.*?) Exit codes:", text)[1]
    assert parsed(*shlex.split(example))["validate_only"] is True
    assert text.endswith(" ".join(f"{code} {meaning}" for code, meaning in command.EXIT_CODES.items()))


def test_flags_become_parameters_of_their_types():
    given = parsed(
        "--target-month",
        "Juli 2026",
        "--client-names",
        "Kopi Senja",
        "Toko Rimba",
        "--client-names=Klinik",
        "--validate-only",
        "--delay-seconds",
        "0",
        "1.5",
    )
    assert given["target_month"] == "Juli 2026"
    assert given["client_names"] == ["Kopi Senja", "Toko Rimba", "Klinik"]
    assert given["validate_only"] is True
    assert given["delay_seconds"] == (0.0, 1.5)
    assert parsed()["delay_seconds"] == (5.0, 10.0)
    assert parsed("--settle-seconds", "20", "--settle-seconds", "30")["settle_seconds"] == 30.0, "the last one counts"


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ([], "Stopped before the run began; nothing was read or written."),
        (
            ["rows.json"],
            r"There is neither report nor result; \S+/20260625_020000_content-plan-to-jira has what .* go on",
        ),
        (
            ["result.json"],
            r"There is no report; \S+/20260625_020000_content-plan-to-jira/result.json says what was done",
        ),
        (["result.json", "audit.html"], r"/20260625_020000_content-plan-to-jira/audit.html is the report .* go on"),
    ],
)
def test_ctrl_c_tells_what_is_there_of_this_run_and_how_to_go_on(monkeypatch, prefect_engine, tmp_path, there, told):
    earlier, made = (tmp_path / f"20260625_0{hour}0000_content-plan-to-jira" for hour in (1, 2))
    earlier.mkdir()
    (earlier / "audit.html").touch()

    def stopped(*_, **__):
        for name in there:
            made.mkdir(exist_ok=True)
            (made / name).touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(run_command, "run_to_end", stopped)
    for name in ("CLIENTS_SPREADSHEET_ID", "JIRA_PROJECT_KEY", "JIRA_ISSUE_TYPE_ID"):
        monkeypatch.setenv(name, "any")
    with pytest.raises(SystemExit, match=told):
        command_line.main(str(SCRIPT), ["--output-dir", str(tmp_path)])


def test_parameters_survive_the_way_through_a_command_line():
    parameters = {
        "target_month": "Juli 2026",
        "client_names": ["A 'b'", "C"],
        "validate_only": True,
        "break_lock": False,
        "delay_seconds": (0, 0),
    }
    again = parsed(*command_line.flags(of(SCRIPT), parameters))
    assert again | parameters == again
    assert again["validate_only"] is True


TYPED = '''
import datetime as dt
from typing import Literal

from flows.reporting_flow import reporting_flow
from flows.run_in_folder import keep_folder

KINDS = Literal["post", "story"]


@reporting_flow(name="typed")
async def typed(
    *,
    day: dt.date = dt.date(2026, 7, 1),
    days: list[dt.date] | None = None,
    kind: KINDS | None = None,
    full: bool = True,
    rows: int = 0,
    note: str = "",
):
    """
    Take parameters of all kinds.

    Args:
        day: A day.
    """

    async def work(_folder, _settings):
        data = [{"day": day.isoformat(), "days": len(days or []), "kind": kind, "full": full, "note": note}]
        return {"done": "Read.", "summary": {"rows": rows, "clients": {}}, "data": data}

    return await keep_folder("typed", work, output_dir=None)
'''


@pytest.fixture
def typed(tmp_path, monkeypatch):
    """A flow with parameters of all kinds, among the others."""
    path = tmp_path / "more_flows/typed.py"
    path.parent.mkdir()
    path.write_text(TYPED)
    monkeypatch.setattr(flows, "__path__", [*flows.__path__, str(path.parent)])
    yield str(path)
    sys.modules.pop("flows.typed", None)


def test_a_parameter_of_any_type_is_read_and_comes_to_the_flow(typed, prefect_engine, tmp_path, monkeypatch):
    monkeypatch.setenv("OUTPUT_DIR", str(tmp_path / "output"))
    given = ["--day", "2026-07-31", "--days", "2026-07-01", "2026-07-02", "--kind", "story", "--no-full"]
    assert command_line.main(typed, given) == 0
    result = run_record.read(tmp_path / "output").result
    assert result["data"] == [{"day": "2026-07-31", "days": 2, "kind": "story", "full": False, "note": ""}]
    assert result["parameters"]["days"] == ["2026-07-01", "2026-07-02"]
    assert parsed(*command_line.flags(of(typed), {"full": False}), path=typed)["full"] is False


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--day", "31/7/2026"], '--day: unable to convert "31/7/2026" into date; write a day such as 2026-07-31'),
        (["--days", "2026-07-01", "besok"], '--days: unable to convert "besok" into date; write a day'),
        (["--kind", "reel"], 'Invalid value "reel" for --kind. Choose from: "post", "story"'),
        (["--kidn", "post"], "Unknown option: --kidn. Did you mean --kind? See --help"),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_it_should_be(typed, capsys, arguments, says):
    with pytest.raises(SystemExit) as ended:
        command_line.main(typed, arguments)
    assert ended.value.code == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_the_help_shows_defaults_that_say_something(typed, capsys):
    text = helped(capsys, typed)
    assert re.findall(r"--(\S+) (?:\S+ )?(?:\S+ )?(?:A day. )?\[default: (.*?)\]", text) == [
        ("day", "2026-07-01"),
        ("full", "True"),
        ("rows", "0"),
    ]
    assert "[default: 5.0 10.0]" in helped(capsys, str(SCRIPT))


@pytest.mark.parametrize(
    "arguments",
    [["--foo"], ["--delay-seconds", "5"], ["--settle-seconds", "soon"], ["--target", "Juli 2026"], ["Kopi Senja"]],
)
def test_an_unknown_or_wrong_flag_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    assert ended.value.code == 2
    assert re.fullmatch("error: .* --help\n", capsys.readouterr().err)


class Trap(http.server.ThreadingHTTPServer):
    """What stands where real services would: nobody may come."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), TrapHandler)
        self.requests = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class TrapHandler(http.server.BaseHTTPRequestHandler):
    def handle_one_request(self):
        super().handle_one_request()
        self.server.requests.append(getattr(self, "requestline", "?"))

    def log_message(self, *_):
        pass


@pytest.fixture
def trap():
    trap = Trap()
    yield trap
    trap.shutdown()
    trap.server_close()


def kept():
    """The environment without what tests set for flows in their own process."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTENT_PLAN_"))}


def run(folder, *arguments, environment=None):
    """The command in a process of its own, from a checkout in that folder."""
    command = [sys.executable, str(folder / "flows/content_plan_to_jira.py"), *arguments]
    environment = {**kept(), "PYTHONPATH": str(folder), **(environment or {})}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project, in which anything may lie about."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("lib", "flows", "blocks", "sandbox", "notebooks", "hashmap.py", "pyproject.toml"):
        source = ROOT / name
        shutil.copytree(
            source, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        ) if source.is_dir() else shutil.copy(source, folder)
    return folder


def test_ctrl_c_of_a_terminal_lets_the_run_save_what_it_has_done(tmp_path):
    """A terminal sends it to all processes: to the sandbox's, and to Prefect's temporary server, too."""
    output = tmp_path / "output"
    one = ["--client-names", "Warung Bu Tini / Cabang 2"]
    state = ["--sandbox", "--sandbox-state", str(tmp_path / "state"), "--output-dir", str(output), *one]
    with started(
        [sys.executable, str(SCRIPT), *state],
        cwd=ROOT,
        env=kept(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        said = []
        for line in process.stdout:
            said.append(line)
            if "making issues of" in line:
                os.killpg(process.pid, signal.SIGINT)
                break
        rest = process.stdout.read()
        process.wait(timeout=120)
    assert process.returncode == 1, "".join(said) + rest
    [folder] = output.glob("*_content-plan-to-jira")
    assert f"Stopped. {folder}/audit.html is the report" in rest, "".join(said)
    assert json.loads((folder / "result.json").read_bytes())["state"] == "cancelled"
    assert (folder / "audit.html").exists()


def test_the_sandbox_knows_no_credentials_but_its_own(checkout, trap):
    """Real-looking credentials everywhere: none is read, nobody is asked."""
    (checkout / ".env").write_text(
        f"JIRA_URL={trap.url}\nJIRA_USERNAME=real@agency.example\nJIRA_TOKEN=ATATT-real\nGOOGLE_API_ENDPOINT={trap.url}\n"
        f"GOOGLE_TOKEN_URI={trap.url}/token\nGOOGLE_REFRESH_TOKEN=1//real\nPREFECT_API_URL={trap.url}/api\nCLIENTS_SPREADSHEET_ID=real\n"
    )
    (checkout / "token.json").write_text(
        json.dumps({"refresh_token": "1//real", "client_id": "c", "client_secret": "s"})
    )
    (checkout / "client_secret_real.json").write_text("{}")
    environment = {
        "JIRA_URL": trap.url, "JIRA_TOKEN": "ATATT-real", "GOOGLE_API_ENDPOINT": trap.url, "PREFECT_API_URL": f"{trap.url}/api",
        "GOOGLE_APPLICATION_CREDENTIALS": str(checkout / "token.json"), "GOOGLE_TOKEN_FILE": str(checkout / "token.json"),
        "PREFECT_HOME": str(checkout / "prefect-home"),
    }  # fmt: skip
    ended = run(
        checkout,
        "--sandbox",
        "--client-names",
        "Warung Bu Tini / Cabang 2",
        "--sandbox-state",
        str(checkout / "state"),
        environment=environment,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert trap.requests == []
    assert not (checkout / "prefect-home/prefect.db").exists()
    assert re.search(r"Warung Bu Tini / Cabang 2 +│ +8 │ +8 ", ended.stdout)
    assert "Run folder: " in ended.stdout
    again = run(
        checkout, "--sandbox", "--client-names", "Warung Bu Tini / Cabang 2", "--sandbox-state", str(checkout / "state")
    )
    assert re.search(r"Warung Bu Tini / Cabang 2 +│ +8 │ +· │ +8 ", again.stdout), (
        "a second run on the same state makes nothing"
    )


def test_a_sandbox_whose_usual_port_is_taken_is_at_another_one(tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other, contextlib.ExitStack() as opened:
        monkeypatch.setattr(command_line, "SANDBOX_PORT", other.getsockname()[1])
        box = command_line._open_sandbox(opened, tmp_path / "state.json")
        assert not box.url.endswith(f":{other.getsockname()[1]}")
        assert httpx.get(box.url).status_code == 200


def test_no_secret_is_in_a_log_a_notebook_a_file_or_prefects_database(box, tmp_path):
    """At DEBUG level, with tokens that the services accept, and one run in which Jira refuses them."""
    secrets = [seed.GOOGLE_CLIENT_SECRET, seed.GOOGLE_REFRESH_TOKEN, seed.JIRA_TOKEN]
    environment = {
        **box.environment(), "CONTENT_PLAN_SANDBOX": "1", "PREFECT_HOME": str(tmp_path / "prefect"), "PREFECT_LOGGING_LEVEL": "DEBUG",
        "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG", "PREFECT_LOGGING_EXTRA_LOGGERS": "lib,atlassian,urllib3,googleapiclient,google,httplib2,requests",
        "OUTPUT_DIR": str(tmp_path / "output"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "RETRY_DELAY_SECONDS": "0",
    }  # fmt: skip
    flags = ["--target-month", seed.MONTH, "--client-names", "Warung Bu Tini / Cabang 2", "--delay-seconds", "0", "0"]
    logging = {name: value for name, value in environment.items() if name.startswith("PREFECT_LOGGING_")}
    with prefect_server(tmp_path, **logging) as site:
        environment["PREFECT_API_URL"] = f"{site}/api"
        good = run(ROOT, *flags, environment=environment)
        assert good.returncode == 0, good.stdout + good.stderr
        box.fault("createIssues", "401")
        box.google.write(_plan_of(box), "A13", [[9, "9 Juli 2026", "", "Post"]])
        bad = run(ROOT, *flags, environment=environment)
    tokens = [token for token in box.google.state.access_tokens if len(token) > 8]
    assert tokens
    for ended in (good, bad):
        for secret in (*secrets, *tokens):
            assert secret not in ended.stdout + ended.stderr
    assert (tmp_path / "prefect/prefect.db").stat().st_size > 0
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [secret for secret in (*secrets, *tokens) if secret.encode() in content], path
    assert box.faults_left in ({}, {"createIssues": ["401"]})
    box.reset()


def _plan_of(box):
    return next(
        sheet
        for sheet, file in box.google.files.items()
        if file.name.startswith("Content Plan") and "Warung" in file.name
    )


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("JIRA_URL", "JIRA_URL: does not begin with https://; write http://127.0.0.1"),
        ("GOOGLE_TOKEN_URI", "GOOGLE_TOKEN_URI: does not begin with https://; write http://127.0.0.1"),
    ],
)
def test_an_address_that_cannot_be_used_ends_the_command_before_anything_begins(checkout, trap, name, says):
    """Without the sandbox switch, from `.env`, with a Prefect server that would hear of a run."""
    values = {"JIRA_URL": trap.url, "GOOGLE_API_ENDPOINT": trap.url, "GOOGLE_TOKEN_URI": f"{trap.url}/token"}
    values[name] = values[name].removeprefix("http://")
    (checkout / ".env").write_text("".join(f"{key}={value}\n" for key, value in values.items()) + SETTINGS)
    home = checkout / "prefect-home"
    ended = run(checkout, environment={"PREFECT_API_URL": f"{trap.url}/api", "PREFECT_HOME": str(home)})
    assert ended.returncode != 0
    assert ended.stdout == ""
    assert re.fullmatch(rf".*{re.escape(says)}\S*; correct it in the environment or in \.env\b.*\n", ended.stderr)
    assert trap.requests == []
    assert not (checkout / "output").exists()


SETTINGS = (
    "CLIENTS_SPREADSHEET_ID=1list\nJIRA_PROJECT_KEY=CP\nJIRA_ISSUE_TYPE_ID=10001\nJIRA_USERNAME=a\nJIRA_TOKEN=b\n"
)


def test_kernels_get_ready_before_prefect_is_imported_and_what_is_imported_is_not_looked_through_again():
    script = """
import gc, sys
from flows import command_line
from lib.notebook.kernel_server import KernelServer
start = KernelServer.start
def started(self, environment):
    print("prefect" in sys.modules)
    start(self, environment)
KernelServer.start = started
with command_line.imported_flow("compare") as module:
    print(module.__name__, gc.isenabled(), gc.get_freeze_count() > 100_000, gc.get_threshold()[0] > 2000)
"""
    environment = {**os.environ, "PREFECT_API_URL": "http://127.0.0.1:1/api"}
    said = subprocess.check_output([sys.executable, "-c", script], env=environment, text=True)
    assert said.splitlines() == ["False", "flows.compare True True True"]
