"""
The sandbox with one work, in a process of its own: what it costs is nobody's, and each run finds it as new.

The process prints its settings as one line of JSON, and when its input ends a second line: the calls that it got, and what there is
of the work.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks import works
from benchmarks.works import Work
from sandbox.app import OPERATIONS
from sandbox.google.google import Google
from sandbox.jira.jira import Jira
from sandbox.server import Sandbox

_ALWAYS = 1_000_000  # requests; more than any work needs


@dataclass
class Done:
    """What a sandbox saw: requests by route, rows with exactly one issue whose key stands beside them, and new issues."""

    calls: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    issues: int = 0


class Box:
    """A sandbox that runs."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.environment: dict[str, str] = self._line()

    def end(self) -> Done:
        """End it; what it saw."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return Done(**self._line())

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the sandbox of the benchmark has ended; what it said stands above")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def opened(work: Work, latency_ms: int) -> Iterator[Box]:
    """A sandbox with that work, each of whose answers comes so late."""
    command = [sys.executable, "-m", "benchmarks.box", work.name, str(work.clients), str(work.rows), str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Box(process)
        finally:
            process.kill()  # one that was asked to end has answered by now


def serve(work: Work, latency_ms: int) -> None:
    """Be that process."""
    box = Sandbox(seed=False)
    plans = works.plant(box.google, box.jira, work)
    before = len(box.jira.issues)
    with box:
        if latency_ms:
            for operation in OPERATIONS:
                box.fault(operation, "slow", times=_ALWAYS, delay_s=latency_ms / 1000)
        print(json.dumps(box.environment()), flush=True)
        sys.stdin.read()
        calls = Counter(entry.operation or entry.path for entry in box.journal)
        rows = _rows_done(box.google, box.jira, work, plans)
        print(
            json.dumps({"calls": dict(calls.most_common()), "rows": rows, "issues": len(box.jira.issues) - before}),
            flush=True,
        )


def _rows_done(google: Google, jira: Jira, work: Work, plans: list[str]) -> int:
    """How many rows have exactly one issue, whose key stands in their Key cell."""
    keys: dict[str, list[str]] = {}
    for issue in jira.issues:
        keys.setdefault(issue.summary, []).append(issue.key)
    done = 0
    for plan in plans:
        header, *rows = google.grid(plan, works.TAB)
        topics, key_column = header.index("Topik"), header.index("Key")
        done += sum(keys.get(str(row[topics])) == [row[key_column]] for row in rows[: work.rows])
    return done


if __name__ == "__main__":
    serve(Work(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])), int(sys.argv[4]))
