"""However a run ends, its copy tells the truth, soon, and no process is left."""

import asyncio
import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import anyio
import nbformat
import pytest
from nbclient import NotebookClient

from lib import files
from lib.errors import NotebookError
from lib.notebook import kernel_server, notebook_engine, notebook_kernel
from lib.notebook.runner import run_notebook
from lib.report import audit
from lib.run import run_record
from tests import runs
from tests.conftest import kernels_from
from tests.lib.notebook.test_runner import (
    NOTEBOOKS,
    _no_process_is_left,  # noqa: F401  # a fixture for the tests here, too
    read,
    run,
    statuses,
)
from tests.processes import own_mark, processes_with, started, wait_until

SOON_S = 30.0  # half of what a notebook here sleeps, and of what a kernel is given to leave


@pytest.fixture(autouse=True)
def _waiting_is_noticed(monkeypatch):
    monkeypatch.setattr(notebook_kernel, "LEAVE_S", 2 * SOON_S)


OF_ONE_TEST = {"MARK_OF_TEST", "KERNEL_ENVIRONMENT", "PYTEST_CURRENT_TEST"}


@pytest.fixture(scope="module")
def server():
    """One for all tests that want it: their marks, which its modules do not read, may differ."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(kernel_server, "_OWN", kernel_server._OWN | OF_ONE_TEST)
        started = kernel_server.KernelServer()
        yield started
        started.close()


@pytest.fixture(params=["forked", "by-itself"])
def _started(request, server):
    """The kernel comes from the server, which in the end has none left, or is started by itself."""
    if request.param == "by-itself":
        yield
        return
    server.start({name: value for name, value in os.environ.items() if name not in OF_ONE_TEST})
    with kernels_from(server):
        yield
    pid = server._process.pid
    assert server._ready, "no kernel was forked"
    wait_until(lambda: Path(f"/proc/{pid}/task/{pid}/children").read_text() == "")
    assert server._process.poll() is None


def assert_stopped_at(notebook, index, ename, limit_s=0):
    """The copy blames the cell that stands at `index` of the source; `index` 3 is 4 in a copy, below the values."""
    assert notebook.cells[0].metadata.tags == ["papermill-error-cell-tag"]
    assert notebook.metadata.papermill.exception is True
    assert notebook.metadata.papermill.end_time
    nbformat.validate(notebook)
    if index is None:
        assert set(statuses(notebook)) == {"pending"}
        assert notebook.metadata.run.failed_cell is None
        return
    done = index + 1
    assert statuses(notebook) == ["completed"] * done + ["failed"] + ["pending"] * (len(statuses(notebook)) - done - 1)
    failed = next(cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("status") == "failed")
    assert [output.ename for output in failed.outputs if output.output_type == "error"] == [ename]
    assert failed.metadata.papermill.exception is True
    assert failed.metadata.papermill.duration < limit_s + SOON_S
    assert notebook.cells[notebook.cells.index(failed) - 1].metadata.tags == ["papermill-error-cell-tag"]
    assert notebook.metadata.run.failed_cell == index + 1


def assert_in_audit(copy, tmp_path):
    """The report of a run in which a client's notebook ended so says how, and at which cell."""
    folder = runs.leave(tmp_path / "output", [runs.row(1)])
    (folder / "kopi-senja").mkdir()
    shutil.copy(copy, folder / "kopi-senja")
    ended = read(copy).metadata.run
    cells = ["kopi-senja", f"kopi-senja/{copy.name}", ended.status, ended.failed_cell or "", ended.error]
    shown = re.findall(r"<td.*?>(.*?)</td>", audit.notebooks(run_record.read(folder)).data)
    texts = [html.unescape(re.sub("</?a.*?>", "", text)) for text in shown[: len(cells)]]
    assert texts == [str(cell) for cell in cells]


@pytest.mark.usefixtures("_started")
@pytest.mark.parametrize(
    ("name", "options", "status", "ename", "problem"),
    [
        pytest.param("raises", {}, "failed", "ZeroDivisionError", "division by zero", id="cell-raises"),
        pytest.param("killed", {}, "kernel died", "DeadKernelError", "SIGKILL, as happens when memory", id="kill-9"),
        pytest.param("terminated", {}, "kernel died", "DeadKernelError", "ended by SIGTERM", id="sigterm"),
        pytest.param("ends_process", {}, "kernel died", "DeadKernelError", "with exit code 3", id="os._exit"),
        pytest.param("crashes", {}, "kernel died", "DeadKernelError", "ended by SIGSEGV", id="crash-in-c"),
        pytest.param("interrupted", {}, "failed", "KeyboardInterrupt", "", id="kernel-interrupted"),
        pytest.param("runs_out_of_memory", {}, "failed", "MemoryError", "", id="memory-limit"),
        pytest.param("sleeps", {"timeout_s": 6}, "timeout", "Timeout", "notebook did not end within 6 s", id="timeout"),
        pytest.param("sys_exit_0", {}, "failed", "SystemExit", "ended itself with sys.exit(0)", id="sys.exit-0"),
        pytest.param("sys_exit_3", {}, "failed", "SystemExit", "ended itself with sys.exit(3)", id="sys.exit-3"),
        pytest.param("quits", {}, "failed", "SystemExit", "ended itself with quit()", id="quit"),
        pytest.param("asks", {}, "failed", "StdinNotImplementedError", "does not support input", id="input"),
        pytest.param("raises_5_mb", {}, "failed", "ValueError", "zzz", id="error-of-5-mb"),
    ],
)
def test_the_copy_blames_the_cell_that_the_run_stopped_at(tmp_path, name, options, status, ename, problem):
    with pytest.raises(NotebookError) as caught:
        run(name, tmp_path / "copy.ipynb", **options)
    error = caught.value
    assert (error.notebook, error.status, error.cell) == (name, status, 3)
    assert problem in error.problem
    assert len(str(error)) < 400
    copy = read(tmp_path / "copy.ipynb")
    assert_stopped_at(copy, 2, ename, sum(options.values()))
    assert copy.metadata.run.status == status
    assert copy.metadata.run.error == error.problem
    assert f"ended as “{status}” in [cell 3]" in copy.cells[0].source
    assert (tmp_path / "copy.ipynb").stat().st_size < 500_000
    assert_in_audit(tmp_path / "copy.ipynb", tmp_path)


def test_a_long_error_is_cut_and_keeps_its_traceback(tmp_path):
    with pytest.raises(NotebookError):
        run("raises_5_mb", tmp_path / "copy.ipynb")
    (error,) = read(tmp_path / "copy.ipynb").cells[5].outputs
    assert error.evalue == "z" * notebook_engine.ERROR_TEXT_LIMIT
    assert any("raise" in line for line in error.traceback)


def test_all_that_a_kernel_said_before_its_death_is_kept_by_a_slow_reader(tmp_path, monkeypatch):
    as_fast_as_it_can = NotebookClient.output

    def slowly(*args):
        time.sleep(0.01)
        return as_fast_as_it_can(*args)

    monkeypatch.setattr(NotebookClient, "output", slowly)
    with pytest.raises(NotebookError, match="kernel died"):
        run("killed_after_output", tmp_path / "copy.ipynb")
    *said, error = read(tmp_path / "copy.ipynb").cells[5].outputs
    assert [output.data["text/plain"] for output in said] == [str(number) for number in range(300)]
    assert error.ename == "DeadKernelError"


def kernel_that(line, folder):
    """An environment in which a kernel starts with this line instead."""
    (folder / "path").mkdir()
    (folder / "path/ipykernel_launcher.py").write_text(line)
    return {**os.environ, "PYTHONPATH": str(folder / "path")}


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        pytest.param(
            "raise SystemExit('no kernel today')", "exit code 1, and said: no kernel today", id="exits-at-once"
        ),
        pytest.param("import time; time.sleep(60)", "did not answer within 0.5 s", id="never-answers"),
    ],
)
def test_a_kernel_that_does_not_start_is_said_in_the_copy(tmp_path, monkeypatch, line, problem):
    monkeypatch.setattr(notebook_engine, "START_S", 0.5)
    with pytest.raises(NotebookError, match=problem) as caught:
        run("completes", tmp_path / "copy.ipynb", environment=kernel_that(line, tmp_path))
    assert (caught.value.status, caught.value.cell) == ("kernel did not start", None)
    assert_stopped_at(read(tmp_path / "copy.ipynb"), None, None)
    assert_in_audit(tmp_path / "copy.ipynb", tmp_path)


@pytest.mark.parametrize("missing", ["python", "folder"])
def test_a_kernel_that_cannot_be_started_is_said_in_the_copy(tmp_path, monkeypatch, missing):
    if missing == "python":
        monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NotebookError, match=r"FileNotFoundError.*/nowhere") as caught:
        run("completes", tmp_path / "copy.ipynb", working_dir=Path("/nowhere") if missing == "folder" else None)
    assert (caught.value.status, caught.value.cell) == ("kernel did not start", None)
    assert_stopped_at(read(tmp_path / "copy.ipynb"), None, None)
    assert_in_audit(tmp_path / "copy.ipynb", tmp_path)


def test_the_whole_time_counts_from_the_start(tmp_path):
    with pytest.raises(NotebookError, match=r"timeout: Timeout: the notebook did not end within 0.05 s"):
        run("completes", tmp_path / "copy.ipynb", timeout_s=0.05)
    assert_stopped_at(read(tmp_path / "copy.ipynb"), None, None)
    assert_in_audit(tmp_path / "copy.ipynb", tmp_path)


@pytest.mark.parametrize("after_s", [0, 0.005, 0.02, 0.1], ids=lambda after_s: f"after-{after_s}-s")
def test_a_run_cancelled_before_its_first_cell_starts_no_cell(tmp_path, after_s):
    async def main():
        task = asyncio.create_task(run_notebook(NOTEBOOKS / "sleeps.ipynb", tmp_path / "copy.ipynb", {}))
        await asyncio.sleep(after_s)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < SOON_S

    asyncio.run(main())
    assert_stopped_at(read(tmp_path / "copy.ipynb"), None, None)
    assert_in_audit(tmp_path / "copy.ipynb", tmp_path)
    assert read(tmp_path / "copy.ipynb").metadata.run.status == "cancelled"


def cell_runs(path):
    return path.exists() and "running" in statuses(nbformat.from_dict(json.loads(path.read_bytes())))[3:]


def test_a_cancelled_run_is_saved_and_leaves_no_process(tmp_path, monkeypatch):
    monkeypatch.setattr(notebook_engine, "SAVE_EVERY_S", 0.05)
    copy = tmp_path / "copy.ipynb"

    async def main():
        source = NOTEBOOKS / "leaves_processes.ipynb"
        task = asyncio.create_task(run_notebook(source, copy, {"sleep_s": 60}))
        await asyncio.to_thread(wait_until, lambda: len(processes_with(own_mark())) == 5)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - began

    assert asyncio.run(main()) < SOON_S
    copy = read(copy)
    assert_stopped_at(copy, 2, "Cancelled")
    assert copy.metadata.run.status == "cancelled"


def test_a_scope_that_cancels_again_and_again_waits_for_the_copy(tmp_path):
    """Prefect's time-outs are anyio's, which cancel at every step of the loop until the task has ended."""

    async def main():
        with anyio.move_on_after(1):
            await run_notebook(NOTEBOOKS / "sleeps.ipynb", tmp_path / "copy.ipynb", {})

    asyncio.run(main())
    assert read(tmp_path / "copy.ipynb").metadata.run.status == "cancelled"


PROGRAM = """
import asyncio
from pathlib import Path
from lib.notebook import notebook_engine
from lib.notebook import notebook_kernel
from lib.notebook.runner import run_notebook

notebook_engine.SAVE_EVERY_S = 0.05
notebook_kernel.LEAVE_S = 60
main = run_notebook(Path({source!r}), Path({output!r}), {{}})
"""


@pytest.mark.parametrize(
    ("start", "signum", "honest"),
    [
        pytest.param("asyncio.run(main)", signal.SIGINT, "cancelled", id="ctrl-c"),
        pytest.param(
            "asyncio.new_event_loop().run_until_complete(main)", signal.SIGINT, "cancelled", id="ctrl-c-of-a-bare-loop"
        ),
        pytest.param("asyncio.run(main)", signal.SIGKILL, "running", id="killed"),
    ],
)
def test_a_program_that_is_ended_leaves_an_honest_copy_and_no_kernel(tmp_path, monkeypatch, start, signum, honest):
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # a program that is killed cannot tidy up
    copy = tmp_path / "copy.ipynb"
    program = PROGRAM.format(source=str(NOTEBOOKS / "sleeps.ipynb"), output=str(copy)) + start
    with started([sys.executable, "-c", textwrap.dedent(program)], stderr=subprocess.PIPE) as process:
        wait_until(lambda: cell_runs(copy))
        process.send_signal(signum)
        _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    wait_until(lambda: not processes_with(own_mark()))  # an orphaned kernel looks for its parent every second
    if honest == "running":
        assert statuses(read(copy)) == ["completed"] * 3 + ["running", "pending"]
    else:
        assert b"KeyboardInterrupt" in said
        assert_stopped_at(read(copy), 2, "Cancelled")


def test_a_copy_that_cannot_be_written_is_an_error_that_says_so(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotebookError, match=r"not saved: .* cannot be written"):
        run("completes", tmp_path / "file" / "copy.ipynb")


def test_a_disk_that_fills_up_ends_the_run_and_its_kernel(tmp_path, monkeypatch):
    saved = []

    def write_bytes(path, content):
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        saved.append(files.write_bytes(path, content))

    monkeypatch.setattr(notebook_engine, "SAVE_EVERY_S", 0)
    monkeypatch.setattr(notebook_engine, "write_bytes", write_bytes)
    with pytest.raises(
        NotebookError, match=r"not saved: .*copy\.ipynb cannot be written: no space is left there; make room"
    ):
        run("completes", tmp_path / "copy.ipynb")
