"""Names and cells that would steer a terminal, through every command, on Prefect's own console in a real terminal."""

import logging
import re
import shutil
from pathlib import Path

import pytest

from flows import (
    command_line,
    compare,
    content_plan_check,
    content_plan_to_jira,
    content_plan_watch,
    library_log,
    output_maintenance,
    performance_report,
    printing,
    rerun,
    resolve,
)
from lib import error_line
from lib.errors import FixInputError
from lib.run import __main__ as verify_command
from tests.desk import HEADER

ACTS = "\x1b]0;stolen\x07\x1b[2J\x9b6n\u202etxt\nFORGED | ERROR |\r\n"
SHOWN = "[/Senja] [red]x[/red] :coffee: 咖啡 👩\u200d🍳"
HOSTILE = f"{SHOWN}{ACTS}"


@pytest.fixture
def plan(services, monkeypatch):
    """A client whose name, plan, tab and cells are all hostile; one of its two rows is refused."""
    google, client = services.google, f"Kopi {HOSTILE}Akhir"
    folder = google.add_folder(client)
    cells = [
        HEADER,
        [1, "1 Juli 2026", "Post", f"Topik {HOSTILE}", f"Caption {HOSTILE}", ""],
        [2, f"1 Juli {HOSTILE}", f"Post {HOSTILE}", f"Topik 2 {HOSTILE}", "Caption", ""],
    ]
    listed = [["Name", "Content Plan Folder ID"], [client, folder]]
    monkeypatch.setenv("CLIENTS_SPREADSHEET_ID", google.add_spreadsheet("Daftar", "", tabs={"Clients": listed}))
    return google.add_spreadsheet(f"Content Plan - {client} - Juli 2026", folder, tabs={f"Juli {HOSTILE}": cells})


@pytest.fixture
def shown(in_window):
    """What a command prints, which holds nothing of what acts."""
    windows = []

    def check(command, *given, **named):
        seen = windows[0] if windows else in_window(100)
        windows[:] = [seen]
        start = len(seen.raw)
        try:
            code = command(*given, **named)
        except SystemExit as ended:
            code = ended.code
        seen.settle()
        printed = seen.raw[start:].decode()
        for sign in ("\x07", "\x1b]", "\x1b[2J", "\x9b", "\u202e"):
            assert sign not in printed, f"{sign!r} reached the terminal"
        assert not re.search(r"^FORGED", printed, re.MULTILINE)
        assert "Traceback" not in printed
        assert "Logging error" not in printed
        return code, printed

    return check


def test_no_command_lets_a_name_steer_the_terminal(plan, shown, services, tmp_path):
    output = ["--output-dir", str(tmp_path / "output")]
    month = ["Juli 2026", "--delay-seconds", "0", "0", *output]

    def runs():
        return sorted((tmp_path / "output").glob("2*"))

    code, said = shown(command_line.main, content_plan_to_jira.__file__, ["--target-month", *month])
    assert code == 0, said
    assert "[red]x[/red]" in said
    assert "[/Senja]" in said
    assert ":coffee:" in said
    [first] = runs()
    code, said = shown(command_line.main, content_plan_check.__file__, ["--target-month", *month])
    assert (code, "[/Senja]" in said) == (2, True), said
    code, said = shown(command_line.main, content_plan_watch.__file__, ["--target-months", *month[:1], *month[1:]])
    assert "[/Senja]" in said
    decision = [plan, "2", "--forget-issue", "CP-99999", "--delay-seconds", "0", "0", *output]
    code, said = shown(command_line.main, resolve.__file__, decision)
    assert code == 1, said
    code, said = shown(rerun.main, [str(first), "--set", "validate_only=true"])
    assert "[/Senja]" in said
    given = [str(first), str(runs()[-1]), *output]
    code, said = shown(command_line.main, compare.__file__, given)
    assert code == 0, said
    shown(command_line.main, performance_report.__file__, output)
    shown(command_line.main, output_maintenance.__file__, output)


def test_verify_shows_names_of_files_as_they_are(shown, tmp_path):
    from tests import runs  # noqa: PLC0415

    folder = runs.leave(tmp_path, [runs.row(1)])
    (folder / f"[red] {ACTS}.json").touch()
    code, said = shown(verify_command.main, ["verify", str(folder)])
    assert code == 1
    assert "[red]" in said
    assert r"\x1b]0;stolen\x07" in said
    hostile = folder.parent / f"{ACTS}x"
    shutil.copytree(folder, hostile)
    assert shown(verify_command.main, ["verify", str(hostile)])[0] == 1
    assert shown(verify_command.main, ["verify", str(Path(f"no {ACTS}"))])[0] in (1, 2)


def test_errors_and_arguments_are_shown_as_they_are(shown):
    _, said = shown(error_line.show, FixInputError(HOSTILE, f"is wrong {HOSTILE}"))
    assert "[/Senja]" in said
    shown(command_line.main, content_plan_to_jira.__file__, ["--target-month", HOSTILE])
    shown(command_line.main, content_plan_to_jira.__file__, [f"--{HOSTILE}"])
    shown(rerun.main, [f"no {HOSTILE}"])


def test_a_debug_traceback_is_shown_without_what_acts(shown, monkeypatch):
    monkeypatch.setenv("PREFECT_LOGGING_LEVEL", "DEBUG")
    _, said = shown(error_line.show, FixInputError("a", HOSTILE))
    assert said.count("[/Senja]") == 2


@pytest.mark.parametrize("name", ["prefect.flow_runs", "prefect.task_runs", "lib.services.retry", "another"])
def test_a_line_of_the_log_and_its_traceback_are_shown_without_what_acts(shown, name):
    line = logging.LogRecord(
        name, logging.ERROR, "", 0, "%s: %s", (HOSTILE, "why"), (ValueError, ValueError(HOSTILE), None)
    )

    def log():
        library_log.show()
        library_log.consoles()[0].handle(line)

    _, said = shown(log)
    assert said.count(SHOWN) == 2


def test_what_is_said_of_a_stopped_run_is_shown_as_it_is(tmp_path):
    assert "\x1b" not in printing.stopped([tmp_path / HOSTILE.replace("/", "")])
