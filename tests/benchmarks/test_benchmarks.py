"""The parts of the benchmark work; how fast anything is decides nothing here."""

import json
import os
import re
import sys
import time

import nbformat
import psutil
import pytest

from benchmarks import __main__ as command
from benchmarks import box, process_tree, results_page, rounds, runs
from benchmarks.results_page import Results
from benchmarks.runs import PEERS, Peer, Run
from benchmarks.works import WORKS, Work

TINY = Work("W1", 2, 3)
README = (runs.ROOT / "benchmarks/README.md").read_text()


def a_run(peer="ours", work="W1", **more):
    given = {
        "clients": 2, "rows": 6, "latency_ms": 0, "round": 1, "ended": "done", "wall_s": 1.0, "cpu_s": 1.0,
        "server_cpu_s": 0.0, "peak_mb": 100.0, "peak_rss_mb": 120.0, "calls": {"createIssues": 2}, "rows_done": 6, "issues": 6,
    }  # fmt: skip
    return Run(**{"peer": peer, "work": work, **given, **more})


def results(*made, growth=()):
    where = {"at": "2026-07-01T10:00:00Z", "commit": "0123abc", "python": "3.13.0", "system": "Linux"}
    return Results({**where, "processors": 2, "load_before": [0.1, 0.1, 0.1], "arguments": {}}, [*made], [*growth])


@pytest.fixture(scope="module")
def bench():
    with runs.bench(120) as opened:
        yield opened


@pytest.mark.parametrize(("peer", "creating"), [("limit", "createIssues"), ("papermill", "createIssues")])
def test_a_plain_peer_makes_every_issue_with_the_fewest_calls(bench, peer, creating):
    run = bench.run(peer, PEERS[peer], TINY)
    assert (run.ended, run.rows_done, run.issues) == ("done", 6, 6)
    assert run.calls == {
        "oauth.token": 1,
        "drive.files.list": 1,
        "sheets.spreadsheets.values.get": 3,
        creating: 2,
        "sheets.spreadsheets.values.update": 2,
    }
    assert min(run.wall_s, run.cpu_s, run.peak_mb) > 0


@pytest.mark.kernel
@pytest.mark.parametrize("peer", ["ours-running", "naive-flow"])
def test_a_flow_makes_every_issue_and_tells_where_its_time_went(bench, peer):
    run = bench.run(peer, PEERS[peer], TINY)
    assert (run.ended, run.rows_done, run.issues) == ("done", 6, 6)
    assert ("run the notebook" in run.seconds, run.server_cpu_s > 0) == (
        (True, True) if "ours" in peer else (False, False)
    )


def test_answers_come_as_late_as_asked_for(bench):
    run = bench.run("limit", PEERS["limit"], TINY, latency_ms=200)
    assert run.ended == "done"
    assert run.wall_s > 6 * 0.2  # six calls, each of which needs what the one before it said


def test_a_run_that_leaves_rows_without_their_issue_has_failed(bench):
    run = bench.run("idle", Peer("idle", (sys.executable, "-c", "pass")), TINY)
    assert run.ended == "failed: 0 of 6 rows have their issue, of 0 issues"


def test_a_sandbox_counts_only_rows_whose_own_key_stands_beside_them(monkeypatch):
    with box.opened(TINY, 0) as opened:
        for name, value in opened.environment.items():
            monkeypatch.setenv(name, value)
        from benchmarks.peers import plain_calls  # noqa: PLC0415

        plan, other = plain_calls.find_plans("Juli 2026").values()
        keys = plain_calls.create_batch([plain_calls.fields_of(row) for row in plain_calls.read_rows(plan)])
        plain_calls.write_keys(plan, [keys[1], keys[0], keys[2]])
        plain_calls.write_keys(other, keys)
        plain_calls.http().close()
        done = opened.end()
    assert (done.rows, done.issues) == (1, 3)


CHILD = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; x = bytearray(60_000_000); time.sleep(99)'], start_new_session=True)"


def test_all_processes_of_a_command_are_measured_and_ended_at_the_limit(tmp_path):
    code = f"{CHILD}; import time, os; print('started', os.getpid(), flush=True); time.sleep(99)"
    used = process_tree.measure(
        [sys.executable, "-c", code], environment=dict(os.environ), folder=tmp_path, limit_s=3, every_s=0.05
    )
    assert used.exit_code is None
    assert used.peak_rss_mb > 60
    [pid] = re.findall(r"started (\d+)", used.output)
    until = time.monotonic() + 10
    while (left := [one for one in psutil.process_iter(["cmdline"]) if "bytearray(60_000_000)" in str(one.info)]) and (
        time.monotonic() < until
    ):
        time.sleep(0.1)
    assert (psutil.pid_exists(int(pid)), left) == (False, [])


def test_a_command_that_fails_says_how(tmp_path):
    used = process_tree.measure(
        [sys.executable, "-c", "raise SystemExit('no')"], environment=dict(os.environ), folder=tmp_path, limit_s=60
    )
    assert (used.exit_code, used.output.strip()) == (1, "no")


class Recorded:
    """A bench on which nothing is run."""

    def __init__(self, **ended):
        self.made, self._ended = [], ended

    def run(self, name, _peer, work, *, latency_ms=0, number=1):
        self.made.append((number, work.name if work else "", latency_ms, name))
        size = {"clients": work.clients, "rows": work.all_rows} if work else {}
        return a_run(
            name, work.name if work else "", latency_ms=latency_ms, ended=self._ended.get(name, "done"), **size
        )


def test_every_peer_runs_once_a_round_and_large_works_less_often():
    peers = {name: PEERS[name] for name in ("limit", "ours", "help")}
    works = [WORKS["W1"], WORKS["W2"]]
    bench = Recorded()
    made = rounds.compare(bench, peers, works, [0], runs=2, large_runs=1, say=lambda _: None)
    assert len(list(made)) == len(bench.made)
    first = [
        (1, "", 0, "help"),
        (1, "W1", 0, "limit"),
        (1, "W1", 0, "ours"),
        (1, "W2", 0, "limit"),
        (1, "W2", 0, "ours"),
    ]
    assert bench.made == [*first, (2, "", 0, "help"), (2, "W1", 0, "limit"), (2, "W1", 0, "ours")]


def test_a_peer_that_did_not_come_to_an_end_is_not_tried_on_the_same_work_again():
    bench = Recorded(limit="time limit")
    peers = {name: PEERS[name] for name in ("limit", "ours")}
    list(rounds.compare(bench, peers, [WORKS["W1"]], [0, 300], runs=2, large_runs=2, say=lambda _: None))
    assert [made for made in bench.made if made[3] == "limit"] == [(1, "W1", 0, "limit"), (1, "W1", 300, "limit")]


def test_growth_goes_from_small_to_large_and_stops_where_a_peer_stops():
    works = rounds.growth_works("all")
    assert [work.rows for work in works if work.name == "rows"][-1] == 100_000
    assert [work.clients for work in works if work.name == "clients"][-2:] == [500, 2_500]
    assert rounds.growth_works("none") == []
    bench = Recorded(ours="time limit")
    peers = {name: PEERS[name] for name in ("limit", "ours")}
    list(rounds.grow(bench, peers, rounds.growth_works("some"), say=lambda _: None))
    assert sum(made[3] == "ours" for made in bench.made) == 2
    assert sum(made[3] == "limit" for made in bench.made) == len(rounds.growth_works("some"))


def test_medians_are_of_the_runs_that_ended_well():
    made = [a_run(wall_s=seconds) for seconds in (1.0, 9.0, 2.0)]
    [middle] = rounds.medians([*made, a_run(ended="time limit", wall_s=600.0, rows_done=2)])
    assert (middle.runs, middle.wall_s, middle.ended, middle.rows_done) == (3, 2.0, "time limit", 2)


def test_results_are_kept_and_the_next_ones_stand_beside_them(tmp_path):
    seconds = {"run the notebook": 3.0, "create issues": 1.0}
    many = [a_run("limit", "clients", clients=n, rows=40 * n, peak_mb=50.0 + n) for n in (1, 11)]
    old = results(a_run(wall_s=29.3, seconds=seconds, plans_s=20.0), a_run("help", "", rows=0, clients=0), growth=many)
    results_page.save(old, tmp_path / "20260701_100000", None)
    kept = results_page.newest(tmp_path)
    assert (kept.runs, kept.growth) == (old.runs, old.growth)
    assert sorted(path.name for path in (tmp_path / "20260701_100000").iterdir()) == [
        "bench.json", "bench.md", "growth.svg", "wall-seconds.svg",
    ]  # fmt: skip
    ended = a_run("naive-flow", ended="time limit", wall_s=600.0, rows_done=4)
    page = results_page.page(results(a_run(wall_s=14.2), ended), kept)
    assert "| ours, own server | 14.2 | 1.0 | – | 100 | 120 | 2 | 1 | 29.3 | 2 | 14 s, 92 calls, 500 MB |" in page
    assert "| naive Prefect flow | time limit, 4 of 6 rows after 600 |" in page
    before = (tmp_path / "20260701_100000/bench.md").read_text()
    assert "3.0 (75%)" in before
    assert "| plain script (limit) | 11 (440 rows) | 1.0 | 2.3 | 61 | 1.00 |" in before


def test_figures_of_a_machine_can_be_kept_as_json():
    where = results_page.machine(results_page.dt.datetime(2026, 7, 1, 10, tzinfo=results_page.dt.UTC), {"runs": 3})
    assert json.loads(json.dumps(where))["at"] == "2026-07-01T10:00:00Z"


def test_the_page_explains_every_peer_and_every_work():
    assert {name for name in (*PEERS, "dagstermill", *WORKS) if name not in README} == set()


def test_the_notebook_of_the_peers_takes_papermills_parameters_and_holds_no_output():
    cells = nbformat.read(runs.ROOT / "benchmarks/peers/plain_transform.ipynb", 4).cells
    assert [cell.metadata.get("tags") for cell in cells].count(["parameters"]) == 1
    assert [cell.outputs for cell in cells if cell.cell_type == "code" and cell.outputs] == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--runs", "0"], "--runs: 0 cannot be used"),
        (["--large-runs", "0"], "--large-runs: 0 cannot be used"),
        (["--limit-s", "0"], "--limit-s: 0"),
        (["--latency-ms", "-1"], "--latency-ms: cannot be used"),
        (["--peers", "nobody"], "--peers: there is no 'nobody'; there are limit"),
        (["--works", "W9"], "W9"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(capsys, arguments, says):
    with pytest.raises(SystemExit) as refused:
        command.main(arguments)
    told = capsys.readouterr()
    assert (refused.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert says in told.err
