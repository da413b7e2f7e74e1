"""The first command of the README, in a real terminal."""

import os
import re
import sys

import pytest

from tests.processes import none_is_left
from tests.terminal.window import ROOT

ONE = "Warung Bu Tini / Cabang 2"


@pytest.fixture
def environment(monkeypatch):
    """As a person has it, who has set nothing."""
    with none_is_left(monkeypatch):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "CONTENT_PLAN_"))}
        yield {**kept, "TERM": "xterm-256color"}


@pytest.fixture
def job(tmp_path):
    """The demo's command with one client, and folders of its own."""
    state, output = tmp_path / "state", tmp_path / "output"
    command = f"{sys.executable} flows/content_plan_to_jira.py --sandbox --sandbox-state {state} --output-dir {output}"
    return f'{command} --client-names "{ONE}"', output


def test_make_demo_shows_its_way_and_its_end_in_a_terminal_and_ctrl_c_closes_it(window, environment, job):
    command, output = job
    seen = window(80)
    with seen.running(["make", "-o", ".venv/.synced", "demo", f"DEMO={command}"], cwd=ROOT, env=environment) as make:
        seen.wait_for("Ctrl-C closes it.")
        seen.press(b"\x03")
        assert make.wait(60) == 0, seen.text()
    seen.settle()
    shown = seen.text()
    assert any(re.search(r"^rows +[━╸╺]{20} +\d+/8 ", line) for frame in seen.ever("rows  ") for line in frame)
    assert re.search(rf"^│ {ONE} +│ +8 │ +8 │$", shown, re.MULTILINE)
    assert "8 rows in " in shown
    assert shown.count("Finished in state") == 1  # the run's own
    assert "Traceback" not in shown
    assert "Error" not in shown
    [report] = output.glob("*/audit.html")
    assert str(report) in shown.replace("\n", "")


def test_make_demo_update_shows_what_was_carried_over_what_waits_and_the_command_that_decides(
    window, environment, tmp_path
):
    state, output = tmp_path / "state", tmp_path / "output"
    flags = f"UPDATE_FLAGS=--sandbox --sandbox-state {state}"
    seen = window(80)
    code = seen.run(
        ["make", "-o", ".venv/.synced", "demo-update", f"UPDATE_STATE={state}", flags],
        cwd=ROOT,
        env={**environment, "OUTPUT_DIR": str(output)},
        limit_s=600,
    )
    shown = " ".join(seen.text().split())
    assert code == 0, shown
    assert "Meanwhile people work on both sides: the plan's E2 (Topik) says" in shown
    assert "kini juga untuk sarapan'" in shown.partition("fields carried over: ")[2]
    assert "fields that a person changed in Jira, kept: 1" in shown
    assert re.search(r"flows/resolve.py \S+ 5 --field summary --take plan, or jira", shown)
    assert re.search(r"3 issues were brought up to date, .*1 row needs a person's decision", shown)
    assert "Traceback" not in shown
    assert len(list(output.glob("*_content-plan-update/audit.html"))) == 1
