"""How long the commands take, several times each: `make bench`. Figures for people; nothing fails for them."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from lib import command

ROOT = Path(__file__).parents[1]
FLOWS = ROOT / "flows"


def commands(folder):
    """Name -> command line; each run of one leaves its folders and the sandbox's state below `folder`."""
    sandbox = ["--sandbox", "--sandbox-state", str(folder / "sandbox"), "--output-dir", str(folder / "output")]
    main = [sys.executable, str(FLOWS / "content_plan_to_jira.py"), *sandbox]
    return {
        "show the help of a flow": [sys.executable, str(FLOWS / "content_plan_to_jira.py"), "--help"],
        "one client, 16 rows: validate only": [*main, "--client-names", "Klinik Gigi Cemara", "--validate-only"],
        "one client, 16 rows: issues": [*main, "--client-names", "Klinik Gigi Cemara"],
        "six clients, 150 rows: issues": main,
    }


def seconds(name, count):
    """How long each of `count` runs took, each on a sandbox as it is at first."""
    taken = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as folder:
            command = commands(Path(folder))[name]
            began = time.monotonic()
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            taken.append(time.monotonic() - began)
            if ended.returncode not in (0, 2):
                raise SystemExit(f"{name}: {ended.stdout[-2000:]}{ended.stderr[-2000:]}")
    return taken


def bench(*, count: int = 3):
    """
    Time the commands on the sandbox.

    Args:
        count: Runs of each.

    Example:
        python -m tests.bench --count 5
    """


def main():
    count = command.read(bench, program="python -m tests.bench")["count"]
    if count < 1:
        command.refuse(f"--count: {count} cannot be used; write a number from 1")
    table = Table(
        "command", "median (s)", "shortest", "longest", title=f"{count} runs each, {os.cpu_count()} processors"
    )
    for name in commands(ROOT):
        Console(stderr=True).print(f"{name}: {count} runs …")
        taken = seconds(name, count)
        table.add_row(name, *(f"{value:.1f}" for value in (statistics.median(taken), min(taken), max(taken))))
    Console().print(table)


if __name__ == "__main__":
    main()
