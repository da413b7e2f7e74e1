"""One run of one peer over one work, and what came of it."""

import contextlib
import datetime as dt
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchmarks import box, prefect_servers, process_tree
from benchmarks.box import Done
from benchmarks.prefect_servers import RunningServer
from benchmarks.process_tree import Usage
from benchmarks.works import MONTH, Work

ROOT = Path(__file__).parents[1]
FLOW = str(ROOT / "flows/content_plan_to_jira.py")

type Server = Literal["none", "own", "running"]


@dataclass(frozen=True)
class Peer:
    """
    One way to do the work.

    Attributes:
        title: As tables call it.
        command: What is run.
        server: The Prefect server that it reports to: none, a temporary one of its own, or one that already runs.
        works: Whether it does a work; else it is run by itself, once a round.
    """

    title: str
    command: tuple[str, ...]
    server: Server = "none"
    works: bool = True


def _script(name: str) -> tuple[str, ...]:
    return (sys.executable, "-m", f"benchmarks.peers.{name}", MONTH)


_OUTPUT = "{output}"  # the run's own folder stands here
_OURS = (sys.executable, FLOW, "--target-month", MONTH, "--delay-seconds", "0", "0", "--output-dir", _OUTPUT)
PEERS = {
    "limit": Peer("plain script (limit)", _script("plain_script")),
    "papermill": Peer("papermill in a row", _script("papermill_in_a_row")),
    "naive-flow": Peer("naive Prefect flow", _script("naive_flow"), "own"),
    "ours": Peer("ours, own server", _OURS, "own"),
    "ours-running": Peer("ours, server running", _OURS, "running"),
    "empty-flow": Peer("empty Prefect flow, own server", _script("empty_flow"), "own", works=False),
    "empty-flow-running": Peer("empty Prefect flow, server running", _script("empty_flow"), "running", works=False),
    "help": Peer("ours, --help", (sys.executable, FLOW, "--help"), works=False),
}
_OTHER_TITLES = {"dagstermill": "dagstermill in a row"}
_DAGSTERMILL = ROOT / "benchmarks/peers/dagstermill_in_a_row.py"


def title_of(name: str) -> str:
    """What tables call a peer of that name."""
    return PEERS[name].title if name in PEERS else _OTHER_TITLES.get(name, name)


def dagstermill() -> Peer:
    """
    The peer whose packages do not go together with ours: uv makes an environment for it, which costs its runs nothing.

    Raises:
        subprocess.CalledProcessError: uv cannot fetch them; it has said why.
    """
    sync = ["uv", "sync", "--quiet", "--compile-bytecode", "--script", str(_DAGSTERMILL)]
    subprocess.run(sync, cwd=ROOT, check=True)
    find = ["uv", "python", "find", "--script", str(_DAGSTERMILL)]
    python = subprocess.run(find, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return Peer(title_of("dagstermill"), (python, str(_DAGSTERMILL), MONTH))


@dataclass(frozen=True)
class Run:
    """
    What one run took. Seconds, and megabytes of 1,000,000 bytes.

    Attributes:
        peer: Its name in `PEERS`.
        work: The work's name; empty for none.
        clients: Of the work.
        rows: Of the work, all clients together.
        latency_ms: How late the services answered each call.
        round: In which round it was made.
        ended: `done`, `time limit`, or why it failed.
        wall_s: From the command's start to its end.
        cpu_s: Processor time of all its processes.
        server_cpu_s: That of the server that was running already.
        peak_mb: Most memory of all its processes at once, shared pages counted once.
        peak_rss_mb: The same, shared pages counted for each process.
        calls: Requests by route.
        rows_done: Rows with exactly one issue whose key stands beside them.
        issues: Issues that there are.
        seconds: Where the time of its plans went, all plans together, as the run itself says.
        plans_s: How long the run says that it took, to the second; the rest of `wall_s` is start and end of the process.
    """

    peer: str
    work: str
    clients: int
    rows: int
    latency_ms: int
    round: int
    ended: str
    wall_s: float
    cpu_s: float
    server_cpu_s: float
    peak_mb: float
    peak_rss_mb: float
    calls: dict[str, int] = field(default_factory=dict)
    rows_done: int = 0
    issues: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    plans_s: float | None = None

    @property
    def all_calls(self) -> int:
        return sum(self.calls.values())


class Bench:
    """What the runs share: a database of Prefect's that is set up, and a server that runs once somebody wants it."""

    def __init__(self, folder: Path, opened: contextlib.ExitStack, limit_s: float) -> None:
        self._folder, self._opened, self._limit_s = folder, opened, limit_s
        self._made: Path | None = None
        self._running: RunningServer | None = None

    def run(self, name: str, peer: Peer, work: Work | None, *, latency_ms: int = 0, number: int = 1) -> Run:
        """Run the peer once, on a sandbox of its own."""
        server = self._server() if peer.server == "running" else None
        with tempfile.TemporaryDirectory(dir=self._folder) as given, contextlib.ExitStack() as opened:
            folder = Path(given)
            home = server.home if server else folder / "prefect"
            if peer.server == "own":
                prefect_servers.copy_home(self._database(), home)
            more = {"PREFECT_API_URL": server.url} if server else {}
            sandbox = opened.enter_context(box.opened(work, latency_ms)) if work else None
            if sandbox:
                more |= {**sandbox.environment, "CONTENT_PLAN_SANDBOX": "1"}
            environment = prefect_servers.environment(home, more)
            before = server.cpu_s if server else 0.0
            command = [str(folder / "output") if part == _OUTPUT else part for part in peer.command]
            usage = process_tree.measure(command, environment=environment, folder=folder, limit_s=self._limit_s)
            server_cpu = server.cpu_s - before if server else 0.0
            done = sandbox.end() if sandbox else Done()
            told = _told(folder / "output")
        return Run(
            peer=name,
            work=work.name if work else "",
            clients=work.clients if work else 0,
            rows=work.all_rows if work else 0,
            latency_ms=latency_ms,
            round=number,
            ended=_ended(usage, work, done),
            wall_s=round(usage.wall_s, 3),
            cpu_s=round(usage.cpu_s, 3),
            server_cpu_s=round(server_cpu, 3),
            peak_mb=round(usage.peak_mb, 1),
            peak_rss_mb=round(usage.peak_rss_mb, 1),
            calls=done.calls,
            rows_done=done.rows,
            issues=done.issues,
            **told,
        )

    def _database(self) -> Path:
        if self._made is None:
            made = self._folder / "made"
            prefect_servers.make_database(made)
            self._made = made
        return self._made

    def _server(self) -> RunningServer:
        if self._running is None:
            home = prefect_servers.copy_home(self._database(), self._folder / "running")
            self._running = self._opened.enter_context(prefect_servers.running(home))
        return self._running


@contextlib.contextmanager
def bench(limit_s: float) -> Iterator[Bench]:
    """A bench whose runs end after `limit_s` seconds each."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, contextlib.ExitStack() as opened:
        yield Bench(Path(folder), opened, limit_s)


def _ended(usage: Usage, work: Work | None, done: Done) -> str:
    if usage.exit_code is None:
        return "time limit"
    if usage.exit_code:
        return f"failed: exit code {usage.exit_code}: {usage.output.strip()[-400:]}"
    if work and (done.rows, done.issues) != (work.all_rows, work.all_rows):
        return f"failed: {done.rows} of {work.all_rows} rows have their issue, of {done.issues} issues"
    return "done"


def _told(output: Path) -> dict[str, Any]:
    """What the run's own result says of its time; nothing where it left none."""
    found = sorted(output.glob("*/result.json")) if output.is_dir() else []
    if not found:
        return {}
    result = json.loads(found[-1].read_text())
    seconds: Counter[str] = Counter()
    for client in result.get("clients", {}).values():
        seconds.update(client.get("seconds", {}))
    took = dt.datetime.fromisoformat(result["end_time"]) - dt.datetime.fromisoformat(result["start_time"])
    return {
        "seconds": {step: round(value, 3) for step, value in seconds.most_common()},
        "plans_s": took.total_seconds(),
    }
