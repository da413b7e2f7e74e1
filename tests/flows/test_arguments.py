"""What a command refuses, before Prefect is imported: one line with what is wrong, where, and what to write instead."""

import importlib
import inspect
import os
import re
import shutil

import pytest
from prefect.utilities.callables import parameter_docstrings

from flows import command_line, rerun, run_command, surroundings
from flows.reporting_flow import ReportingFlow
from lib import command, settings
from lib.settings import ROOT
from tests import odd, runs

FLOWS = sorted(path for path in ROOT.glob("flows/*.py") if "command_line.main(__file__)" in path.read_text())


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_a_flows_file_says_the_same_of_its_parameters_as_the_flow(path):
    """So the early answer is the right one, and no flow has to import Prefect for it."""
    told = command_line.of_file(path)
    flow = getattr(importlib.import_module(f"flows.{path.stem}"), told.__name__)
    assert isinstance(flow, ReportingFlow)
    parameters = command.signature(told).parameters
    assert parameters == command.signature(flow.fn).parameters
    said = {
        name: " ".join(text.split()) for name, text in parameter_docstrings(inspect.getdoc(flow.fn)).items() if text
    }
    assert said.keys() == parameters.keys(), "each has its line under Args"
    assert parameter_docstrings(inspect.getdoc(told)) == said


@pytest.fixture
def at_home(monkeypatch, tmp_path):
    """No sandbox: the environment and an `.env` count, in a project folder of the test's own."""
    monkeypatch.delenv("CONTENT_PLAN_SANDBOX")
    for module in (settings, surroundings):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in ("CLIENTS_SPREADSHEET_ID", "JIRA_PROJECT_KEY", "JIRA_ISSUE_TYPE_ID"):
        monkeypatch.setenv(name, "x")
    return tmp_path


@pytest.fixture
def refused(at_home, capsys, monkeypatch):
    """What a flow says that refuses its arguments."""
    monkeypatch.setattr(run_command, "run", lambda *_: pytest.fail("it was run"))

    def read(flow, *given):
        with pytest.raises(SystemExit) as ended:
            command_line.main(str(ROOT / f"flows/{flow}.py"), [*map(str, given)])
        assert ended.value.code == 2
        told = capsys.readouterr()
        assert (told.out, told.err.count("\n")) == ("", 1), told.err
        return told.err

    return read


@pytest.mark.parametrize(
    ("flow", "given", "says"),
    [
        ("content_plan_to_jira", ["--target-month", "Jlui 2026"], r"--target-month: 'Jlui 2026' is not a month; write it as Juli 2026"),
        ("content_plan_to_jira", ["--target-month", ""], "--target-month: is empty; write a value, or leave it out"),
        ("content_plan_to_jira", ["--target-month", "2026-13"], "--target-month: '2026-13' is not a month"),
        ("content_plan_to_jira", ["--target-month"], "--target-month requires an argument"),
        ("content_plan_check", ["--target-month", "Juli"], "--target-month: 'Juli' is not a month"),
        ("content_plan_watch", ["--target-months", "Juli 2026", "Agustsu 2026"], "--target-months: 'Agustsu 2026' is not a month"),
        ("content_plan_to_jira", ["--client-names", "Kopi Senja", " "], "--client-names: is empty"),
        ("content_plan_to_jira", ["--client-names"], "--client-names requires at least 1 element. Got 0"),
        ("content_plan_to_jira", ["Kopi Senja"], "Unused Tokens: .'Kopi Senja'."),
        ("content_plan_to_jira", ["--delay-seconds", "10", "5"], "--delay-seconds: 10 5 is no pause; write the shortest and the longest in seconds, such as 5 10"),
        ("content_plan_to_jira", ["--delay-seconds", "-1", "5"], "--delay-seconds: -1 5 is no pause"),
        ("content_plan_to_jira", ["--delay-seconds", "nan", "nan"], "--delay-seconds: nan nan is no pause"),
        ("content_plan_to_jira", ["--delay-seconds", "0", "1e9"], "is no pause; .*at most 3600"),
        ("content_plan_to_jira", ["--delay-seconds", "5"], "--delay-seconds requires 2 positional arguments. Only got 1"),
        ("content_plan_to_jira", ["--delay-seconds", "a", "b"], '--delay-seconds: unable to convert "a" into float; write a number'),
        ("content_plan_to_jira", ["--settle-seconds", "inf"], "--settle-seconds: inf cannot be used; write a number of seconds from 0"),
        ("content_plan_to_jira", ["--settle-seconds", "-5"], "--settle-seconds: -5 cannot be used"),
        ("content_plan_to_jira", ["--dispatch", "there"], "there.*for --dispatch. Choose from: .*here.*workers"),
        ("content_plan_to_jira", ["--google-credentials-block-name", "My Block"], "'My Block' is no name of a block; it has lower-case letters"),
        ("resolve", [], "--plan requires an argument"),
        ("resolve", ["1abc", "7"], "needs exactly one of --key, --create, --take and --forget-issue"),
        ("resolve", ["1abc", "7", "--key", "CP-1", "--create"], "needs exactly one of --key"),
        ("resolve", ["1abc", "7", "--take", "plan", "--create"], "needs exactly one of --key"),
        ("resolve", ["1abc", "7", "--take", "sheet"], 'Invalid value "sheet" for --take'),
        ("resolve", ["1abc", "--take", "jira"], "needs the number of the row in the sheet, behind the plan"),
        ("resolve", ["1abc", "7", "--create", "--field", "summary"], "--field: goes with --take alone"),
        ("resolve", ["1abc", "7", "--key", "CP-1", "--validate-only"], "--validate-only: goes with --take alone"),
        ("resolve", ["1abc", "7", "--take", "plan", "--field", " "], "--field: is empty"),
        ("resolve", ["1abc", "--create"], "needs the number of the row in the sheet, behind the plan"),
        ("resolve", ["1abc", "0", "--create"], "ROW: 0 cannot be used; write the number of a row from 1"),
        ("resolve", ["1abc", "seven", "--create"], 'ROW: unable to convert "seven" into int; write a whole number'),
        ("resolve", ["not a plan", "7", "--create"], "PLAN: 'not a plan' is no plan; write the spreadsheet's id, or its address"),
        ("resolve", ["", "7", "--create"], "PLAN: is empty"),
        ("resolve", ["1abc", "7", "--key", "seven"], "--key: 'seven' is no key of an issue; .*such as CP-12"),
        ("resolve", ["1abc", "--forget-issue", ""], "--forget-issue: is empty"),
        ("compare", ["nowhere", "nowhere"], "RUN_A: nowhere does not exist; write a run folder, such as output/"),
        ("compare", ["."], "--run-b requires an argument"),
        ("compare", [__file__, "."], r"RUN_A: .*test_arguments.py is a file; write the run folder that it lies in"),
        ("compare", [".", "."], r"RUN_A: \.: no run has finished here; make one"),
        ("performance_report", ["--days", "0"], "--days: 0 cannot be used; write a number of days from 1 to 36500"),
        ("performance_report", ["--days", "99999999999999999999"], "--days: 9+ cannot be used"),
        ("output_maintenance", ["--keep-days", "-1"], "--keep-days: -1 cannot be used"),
        ("output_maintenance", ["--keep-failed-days", "1.5"], '--keep-failed-days: unable to convert "1.5" into int; write a whole number'),
    ],
)  # fmt: skip
def test_an_argument_that_means_nothing_is_refused_in_one_line(refused, flow, given, says):
    told = refused(flow, *given)
    assert told.startswith("error: ")
    assert re.search(says, told), told


@pytest.mark.parametrize(("make", "why"), odd.UNREADABLE.values(), ids=odd.UNREADABLE)
def test_a_run_that_cannot_be_read_is_neither_compared_nor_run_again(refused, tmp_path, capsys, make, why):
    make(tmp_path)
    bad, good = tmp_path / odd.NAME, runs.leave(tmp_path / "good", [runs.row(1)])
    told = refused("compare", good, bad)
    assert told.startswith(f"error: RUN_B: {bad}/result.json: ")
    assert why in told
    with pytest.raises(SystemExit) as ended:
        rerun.main([str(bad)])
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith(f"error: {bad}/result.json: ")
    assert why in told.err


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path.symlink_to("gone"), "is a link that leads nowhere; write a run folder"),
        (lambda path: path.symlink_to(path), "is a link that leads nowhere; write a run folder"),
        (os.mkfifo, "is a named pipe; write a run folder"),
        (odd.bind, "is a socket; write a run folder"),
        (lambda path: path.touch(), "is a file; write the run folder that it lies in"),
    ],
    ids=range(5),
)
def test_what_is_no_folder_is_neither_compared_nor_run_again(refused, tmp_path, capsys, make, says):
    bad, good = tmp_path / "odd", runs.leave(tmp_path / "good", [runs.row(1)])
    make(bad)
    assert refused("compare", good, bad) == f"error: RUN_B: {bad} {says}; see --help\n"
    with pytest.raises(SystemExit):
        rerun.main([str(bad)])
    assert capsys.readouterr().err == f"error: RUN: {bad} {says}; see --help\n"


@pytest.mark.parametrize(
    ("recorded", "says"),
    [
        ({"client_names": "Kopi Senja"}, "parameters.client_names: it has not the type"),
        ({"client_names": [5]}, "parameters.client_names: it has not the type"),
        ({"validate_only": {}}, "parameters.validate_only: it has not the type"),
        ({"target_month": "Jlui 2026"}, "parameters.target_month: 'Jlui 2026' is not a month"),
        ({"delay_seconds": [10, 5]}, "parameters.delay_seconds: 10 5 is no pause"),
        ({"output_dir": 5}, "parameters.output_dir: it has not the type"),
    ],
    ids=range(6),
)
def test_a_recorded_parameter_that_the_flow_cannot_use_is_named_with_how_to_change_it(
    at_home, capsys, monkeypatch, recorded, says
):
    folder = runs.leave(at_home, [runs.row(1)], parameters=recorded)
    with pytest.raises(SystemExit) as ended:
        rerun.main([str(folder)])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"{folder}/result.json: {says}" in told
    [name] = recorded
    assert f"; write another with --set {name}=VALUE" in told
    given = {"client_names": '["A"]', "delay_seconds": "[5, 10]", "validate_only": "true", "output_dir": str(at_home)}
    asked = []
    monkeypatch.setattr(rerun, "rerun", lambda one: asked.append(one) or 0)
    rerun.main([str(folder), "--set", f"{name}={given.get(name, 'Juli 2026')}"])
    assert name in asked[0].changes


def test_of_a_folder_of_runs_one_must_be_named_to_be_run_again(tmp_path, capsys):
    runs.leave(tmp_path, [runs.row(1)])
    with pytest.raises(SystemExit):
        rerun.main([str(tmp_path)])
    assert capsys.readouterr().err.startswith(f"error: RUN: {tmp_path} is no run folder; write one, such as output/")


def test_a_value_that_can_be_used_comes_to_the_flow(at_home, monkeypatch):
    ran = []
    monkeypatch.setattr(run_command, "run", lambda flow, parameters, _show: ran.append((flow.name, parameters)) or 0)
    given = ["--target-month", "2026-07", "--client-names", "Kopi Senja", "--output-dir", str(at_home / "new/folder")]
    assert command_line.main(str(ROOT / "flows/content_plan_to_jira.py"), given) == 0
    [(name, parameters)] = ran
    assert name == "content-plan-to-jira"
    assert (parameters["target_month"], parameters["client_names"]) == ("2026-07", ["Kopi Senja"])
    assert parameters["delay_seconds"] == (5.0, 10.0)
    assert "settle_seconds" not in parameters, "what is not given is the flow's own default"
    assert not (at_home / "new").exists(), "nothing is made yet"


def test_a_folder_that_cannot_be_written_into_is_named(refused, at_home, monkeypatch):
    file, link = at_home / "file", at_home / "link"
    file.touch()
    link.symlink_to(at_home / "gone")
    flow = "performance_report"
    assert f"--output-dir: {file} is a file; name a folder" in refused(flow, "--output-dir", file)
    assert f"--output-dir: {file} is a file; name a folder" in refused(flow, "--output-dir", file / "below")
    assert f"--output-dir: {link} leads nowhere; name a folder" in refused(flow, "--output-dir", link)
    assert "--output-dir: is empty" in refused(flow, "--output-dir", "")
    monkeypatch.setenv("OUTPUT_DIR", str(file))
    assert f"OUTPUT_DIR: {file} is a file" in refused(flow)
    assert f"--sandbox-state: {file} is a file" in refused(flow, "--sandbox", "--sandbox-state", file)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert f"--output-dir: this user may not write into {at_home}" in refused(flow, "--output-dir", at_home / "new")


def test_a_disk_without_space_is_named_before_anything_is_begun(refused, at_home, monkeypatch):
    usage = shutil.disk_usage(at_home)._replace(free=4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    told = refused("performance_report", "--output-dir", at_home / "new")
    assert f"--output-dir: no space is left for {at_home}/new; make room there, or name another folder" in told


def test_settings_that_are_missing_or_cannot_be_used_are_named(refused, at_home, monkeypatch):
    monkeypatch.delenv("JIRA_PROJECT_KEY")
    assert "Settings: JIRA_PROJECT_KEY must be set, in the environment or in .env" in refused("content_plan_to_jira")
    monkeypatch.setenv("SETTLE_SECONDS", "soon")
    assert re.search("SETTLE_SECONDS: .*valid number.*, not 'soon'; correct it", refused("content_plan_to_jira"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"A=1\n\n\nJIRA PROJECT\n", "line 4: is no setting; write NAME=value, in quotes a value that has spaces"),
        (b'A="x" y\n', "line 1: is no setting"),
        (b"A=1\nTOKEN\n", "line 2: is no setting"),
        (b"A='x\nB=2\n", "line 1: is no setting"),
        (b"A=\xff\n", "is no text in UTF-8; save it as UTF-8"),
    ],
)
def test_a_line_of_the_env_file_that_cannot_be_read_is_named(refused, at_home, content, says):
    (at_home / ".env").write_bytes(content)
    told = refused("performance_report")
    assert re.search(rf"{at_home}/\.env[,:] ?{says}", told), told


def test_an_env_file_that_is_a_folder_is_named(refused, at_home):
    (at_home / ".env").mkdir()
    assert f"{at_home}/.env: cannot be read (Is a directory)" in refused("performance_report")
