"""Outputs that take nothing: a run does not end by them, and its exit code stays its own."""

import os
import subprocess
import sys

import pytest

from tests.terminal.window import ROOT

PRINTS = r"""
import sys
from lib.terminal import steady
with steady():
    for _ in range(3):
        print("Kopi Senja \u2013 Rencana \u2713 " * 2000, flush=True)
        print("Kopi Senja", file=sys.stderr, flush=True)
    print("held back: 1")
sys.exit(2)
"""


def ended(*, shell="", stdout=subprocess.PIPE, **environment):
    command = [sys.executable, "-c", PRINTS]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    environment = {**os.environ, **environment}
    return subprocess.run(
        command, stdout=stdout, stderr=subprocess.PIPE, env=environment, cwd=ROOT, check=False, timeout=60
    )


@pytest.mark.parametrize("shell", [">&-", "2>&-", ">&- 2>&-", ">/dev/full", ">/dev/full 2>/dev/full", "<&- >&- 2>&-"])
def test_a_closed_or_full_output_ends_nothing(shell):
    run = ended(shell=shell)
    assert run.returncode == 2
    assert b"Traceback" not in run.stderr
    assert b"Exception ignored" not in run.stderr


def test_an_output_whose_reader_has_ended_ends_nothing():
    reads, writes = os.pipe()
    os.close(reads)
    try:
        run = ended(stdout=writes)
    finally:
        os.close(writes)
    assert (run.returncode, run.stderr.decode().splitlines()) == (2, ["Kopi Senja"] * 3)


def test_an_output_of_ascii_alone_gets_escapes():
    run = ended(PYTHONIOENCODING="ascii:strict", PYTHONUTF8="0", LC_ALL="C")
    assert run.returncode == 2
    assert run.stdout.startswith(rb"Kopi Senja \u2013 Rencana \u2713 Kopi")
    assert run.stdout.endswith(b"held back: 1\n")


@pytest.mark.parametrize("shell", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_what_a_command_starts_has_all_three_streams_though_it_has_none(shell, tmp_path):
    """Prefect's temporary server does not start without."""
    said = tmp_path / "said"
    inner = f"import os; [os.fstat(number) for number in (0, 1, 2)]; open({str(said)!r}, 'w').write('all')"
    outer = f"import subprocess, sys\nfrom lib.terminal import steady\nwith steady(): subprocess.run([sys.executable, '-c', {inner!r}])"
    command = ["sh", "-c", f'exec "$@" {shell}', "sh", sys.executable, "-c", outer]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    assert said.read_text() == "all"
