"""What a person in a terminal is told who asked for what cannot be done: one line, and how to do it."""

import os
import re
import sys

import pytest
from prefect.settings import get_current_settings

from tests.terminal.window import ROOT

FLOW = str(ROOT / "flows/content_plan_to_jira.py")
BEGUN = "flows/content_plan_to_jira.py begins: Prefect is imported"
SETTINGS = {"CLIENTS_SPREADSHEET_ID": "x", "JIRA_PROJECT_KEY": "CP", "JIRA_ISSUE_TYPE_ID": "1"}


@pytest.fixture
def sent(window, tmp_path):
    """The lines, as they were sent, and the exit code of a command in a window of 80 columns."""

    def run(*command, **environment):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTENT_PLAN_"))}
        given = {
            **kept,
            "TERM": "xterm-256color",
            "PREFECT_HOME": str(tmp_path / "home"),
            "DO_NOT_TRACK": "1",
            **environment,
        }
        seen = window(80)
        code = seen.run([sys.executable, *command], env=given, cwd=tmp_path)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.raw.decode()).split("\r\n")[:-1], code

    return run


@pytest.fixture
def told(sent):
    """The same without the line that a flow begins with."""

    def run(*command, **environment):
        lines, code = sent(*command, **environment)
        return [line for line in lines if line != BEGUN], code

    return run


def test_a_command_says_that_it_begins_before_prefect_is_imported(sent):
    lines, _ = sent("-X", "importtime", FLOW, PREFECT_LOGGING_LEVEL="loud", **SETTINGS)
    assert not [line for line in lines[: lines.index(BEGUN)] if re.search(r"\| +(prefect|pandas|requests)\b", line)]


def test_a_misspelt_month_is_refused_before_prefect_is_imported(told, tmp_path):
    flags = ["--sandbox", "--sandbox-state", str(tmp_path / "state"), "--target-month", "Jlui 2026"]
    lines, code = told("-X", "importtime", FLOW, *flags)
    said = [line for line in lines if not line.startswith("import time:")]
    month = "error: --target-month: 'Jlui 2026' is not a month; write it as Juli 2026, July 2026 or 2026-07; see --help"
    assert (said, code) == ([month], 2)
    assert not [line for line in lines if re.search(r"\| +prefect\b", line)]
    assert list(tmp_path.iterdir()) == [], "nothing was made"


def test_a_damaged_database_is_named_before_its_server_is_waited_for(told, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/prefect.db").write_bytes(b"no database" * 1000)
    lines, code = told(FLOW, OUTPUT_DIR=str(tmp_path / "output"), **SETTINGS)
    assert (len(lines), code) == (1, 1), lines
    assert lines[0].startswith(
        f"error: Prefect's database {tmp_path}/home/prefect.db: is damaged (file is not a database); move"
    )
    assert not (tmp_path / "output").exists()


def test_a_server_that_does_not_answer_is_named(told, tmp_path):
    lines, code = told(FLOW, OUTPUT_DIR=str(tmp_path / "output"), PREFECT_API_URL="http://127.0.0.1:9/api", **SETTINGS)
    assert (len(lines), code) == (2, 1), lines
    assert lines[0] == "Prefect server: http://127.0.0.1:9/api"
    assert re.fullmatch(r"error: PREFECT_API_URL http://127.0.0.1:9/api: .*start the server.*", lines[1])
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"PREFECT_SERVER_API_PORT": "abc"}, "PREFECT_SERVER_API_PORT: Input should be a valid integer.*, not 'abc'"),
        ({"PREFECT_LOGGING_LEVEL": "loud"}, "PREFECT_LOGGING_LEVEL: Input should be 'DEBUG', .*, not 'LOUD'"),
    ],
)
def test_a_setting_of_prefects_that_it_cannot_use_is_named(told, environment, says):
    lines, code = told(FLOW, "--validate-only", **SETTINGS, **environment)
    assert (len(lines), code) == (1, 1), lines
    assert re.match(f"error: {says}", lines[0])


def test_a_file_of_prefects_settings_that_cannot_be_read_is_named(told, tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/profiles.toml").write_text("broken [[")
    lines, code = told(FLOW, "--validate-only", **SETTINGS)
    assert (len(lines), code) == (1, 1), lines
    assert re.match(
        f"error: Failed to load profiles from {tmp_path}/home/profiles.toml: .*line 1.*; correct the file", lines[0]
    )


def test_missing_credentials_are_one_line_of_the_log_and_one_at_the_end(told, tmp_path, prefect_engine):
    where = {"OUTPUT_DIR": str(tmp_path / "output"), "PREFECT_API_URL": get_current_settings().api.url}
    lines, code = told(FLOW, "--validate-only", **where, **SETTINGS)
    assert code == 1, lines
    assert "Traceback" not in "\n".join(lines)
    said = "Jira: JIRA_URL and JIRA_USERNAME and JIRA_TOKEN is not set; see README, Connecting"
    assert [line for line in lines if f"The run failed: {said}" in line], lines[-8:]
    assert all("FlowFailedError" not in line or "Finished in state" in line for line in lines)
