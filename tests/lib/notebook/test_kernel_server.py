"""Kernels forked from a server: the same notebooks as from a kernel started by itself, and nothing left of either."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lib.errors import NotebookError
from lib.notebook import kernel_server
from lib.notebook.runner import run_notebook
from tests import runs
from tests.processes import none_is_left, own_mark, processes_with, started, wait_until

ROOT = Path(__file__).parents[3]
SAMPLE = ROOT / "notebooks/samples/kopi_senja_juli_2026.json"
NOTEBOOKS = ROOT / "tests/notebooks"
OF_EACH_RUN = [ROOT / f"notebooks/{name}.ipynb" for name in ("content_plan_to_jira", "content_plan_audit")]
TIMES_AND_IDS = {
    *("start_time", "end_time", "duration", "started_at", "ended_at", "duration_s", "id", "output_path"),
    *("iopub.execute_input", "iopub.status.busy", "iopub.status.idle", "shell.execute_reply"),
}


@pytest.fixture(autouse=True)
def _no_process_is_left(monkeypatch):
    """No kernel, and no server either."""
    with none_is_left(monkeypatch):
        yield


def run(source, output, parameters=None, **options):
    asyncio.run(run_notebook(source, output, parameters or {}, **options))
    return nbformat.read(output, as_version=4)


def without_times(part):
    if isinstance(part, dict):
        return {key: without_times(value) for key, value in part.items() if key not in TIMES_AND_IDS}
    return [without_times(each) for each in part] if isinstance(part, list) else part


def saying(tmp_path, code):
    """A notebook whose one cell shows what the code ends with; what it showed, read from its executed copy."""
    source = nbformat.read(NOTEBOOKS / "completes.ipynb", as_version=4)
    source.cells[2].source = code
    path = tmp_path / "says.ipynb"
    nbformat.write(source, path)
    return path


def said(copy):
    return copy.cells[3].outputs[0].data["text/plain"].strip("'")


def forked(copy):
    return said(copy) == "True"


WAS_FORKED = "import sys\n'pandas' in sys.modules"


@pytest.mark.parametrize(
    "name", ["content_plan_to_jira", "content_plan_audit", "tells_place", "mixes_output", "expects_error"]
)
def test_the_executed_notebook_is_the_same_byte_for_byte_however_its_kernel_was_started(tmp_path, monkeypatch, name):
    rows = [runs.row(n, ("created", "existing", "refused")[n % 3]) for n in range(30)]
    given = {
        "content_plan_to_jira": {"rows_path": str(SAMPLE), "drafts_path": str(tmp_path / "drafts.json")},
        "content_plan_audit": {"run_folder": str(runs.leave(tmp_path, rows))},
    }
    folder = ROOT / "notebooks" if name in given else NOTEBOOKS
    cold = run(folder / f"{name}.ipynb", tmp_path / "cold.ipynb", given.get(name), working_dir=ROOT)
    with kernel_server.kept():
        run(saying(tmp_path, "1"), tmp_path / "x.ipynb")
        with monkeypatch.context() as patched:
            patched.setattr("subprocess.Popen", None)  # no kernel can be started by itself
            warm = run(folder / f"{name}.ipynb", tmp_path / "warm.ipynb", given.get(name), working_dir=ROOT)
    same = [json.dumps(without_times(copy), indent=1) for copy in (cold, warm)]
    assert same[0] == same[1]


def test_a_fork_has_what_a_kernel_has_and_nothing_of_another(tmp_path):
    says = """
import os, random, select, sys, numpy
open_here = {os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if fd != "0" and os.path.exists(f"/proc/self/fd/{fd}")}
repr([
    sorted(name for name in sys.modules if name.split(".")[0] in ("lib", "blocks", "flows", "hashmap", "prefect")),
    sys.path, os.getcwd(), sys.stdin.read(), sorted(set(os.environ) - {"PYTEST_CURRENT_TEST"}), sys.flags, os.umask(0o77),
    sorted(path.split(":")[0].split("/")[-1] for path in open_here), os.getsid(0) == os.getpid() == os.getpgid(0),
    len(globals()), __name__,
])
""".strip()
    cold = run(saying(tmp_path, says), tmp_path / "cold.ipynb", working_dir=tmp_path)
    with kernel_server.kept():
        warm = run(saying(tmp_path, says), tmp_path / "warm.ipynb", working_dir=tmp_path)
        rolls = saying(tmp_path, "import random, numpy\nrepr((random.random(), numpy.random.random()))")
        first, second = (run(rolls, tmp_path / f"{number}.ipynb") for number in (1, 2))
        assert forked(run(saying(tmp_path, WAS_FORKED), tmp_path / "forked.ipynb"))
    assert said(warm) == said(cold)
    assert said(first) != said(second)


def test_what_kernels_of_each_run_import_of_others_is_at_hand(tmp_path):
    """Else each kernel imports it anew; but for matplotlib, see `fork_kernels`."""
    cells = [cell for path in OF_EACH_RUN for cell in nbformat.read(path, as_version=4).cells]
    imports = [line for cell in cells for line in cell.source.splitlines() if line.startswith(("import ", "from "))]
    says = saying(tmp_path, "\n".join([*imports, "import sys", "' '.join(sys.modules)"]))
    with kernel_server.kept():
        seen = said(run(says, tmp_path / "seen.ipynb")).split()
    preload = "import sys; from lib.notebook import fork_kernels; fork_kernels._preload(); print(*sys.modules)"
    at_hand = subprocess.check_output([sys.executable, "-c", preload], cwd=ROOT, text=True, stderr=subprocess.DEVNULL)
    late = {name for name in {*seen} - {*at_hand.split()} if not name.startswith("_")}
    assert {name.partition(".")[0] for name in late} == {"lib", "hashmap", "matplotlib", "mpl_toolkits"}


def test_one_kernel_more_than_there_are_cores_runs_at_once(monkeypatch):
    monkeypatch.setattr(os, "process_cpu_count", lambda: 2)
    running, most = 0, 0

    async def work():
        nonlocal running, most
        async with kernel_server.place():
            running += 1
            most = max(most, running)
            for _ in range(5):  # let the others come as far as they may
                await asyncio.sleep(0)
            running -= 1

    async def together():
        await asyncio.gather(*(work() for _ in range(9)))

    with kernel_server.kept():
        asyncio.run(together())
    assert most == 3
    most = 0
    asyncio.run(together())
    assert most == 9, "where no run keeps a server nobody waits"


def test_a_kernel_is_started_by_itself_where_it_cannot_be_forked(tmp_path, monkeypatch, caplog):
    source = saying(tmp_path, WAS_FORKED)

    def is_forked(**variables):
        return forked(run(source, tmp_path / "copy.ipynb", environment={**os.environ, **variables}))

    with kernel_server.kept() as server:
        assert is_forked()
        assert is_forked(SETTLE_SECONDS="9"), "a setting of ours, which no other module reads"
        assert not is_forked(TZ="Asia/Jakarta"), "modules may have read it as they were imported"
        with monkeypatch.context() as patched:
            patched.setattr(kernel_server, "_interpreter", lambda: ["/usr/bin/python3"])
            assert not is_forked()
        slow = [record for record in caplog.records if "did not leave when asked" in record.getMessage()]
        assert caplog.records == slow, "a busy machine may show a kernel that is slow to leave, and nothing else"
        server._process.kill()
        server._process.wait()
        assert not is_forked()
        assert "cannot be forked" in caplog.text
    with kernel_server.kept(), monkeypatch.context() as patched:
        patched.setattr(kernel_server, "_SCRIPT", Path("no such script.py"))
        assert not is_forked()
    with kernel_server.kept():
        assert not is_forked(PYTHONPATH="lib")
    monkeypatch.setattr(sys, "platform", "darwin")
    with kernel_server.kept():
        assert not is_forked()


def test_the_end_of_the_server_ends_its_kernels(tmp_path):
    async def main():
        with kernel_server.kept() as server:
            running = asyncio.create_task(
                run_notebook(NOTEBOOKS / "waits.ipynb", tmp_path / "copy.ipynb", {"file": str(tmp_path / "go")})
            )
            await asyncio.to_thread(wait_until, (tmp_path / "go.x").exists)
            server._process.kill()
            with pytest.raises(NotebookError, match="SIGKILL"):
                await running

    asyncio.run(main())


STARTS = """
import asyncio, os, sys
from pathlib import Path
from lib.notebook import kernel_server
from lib.notebook.runner import run_notebook

async def main():
    with kernel_server.kept():
        await run_notebook(Path(sys.argv[1]), Path(sys.argv[2]), {"file": sys.argv[3]})

asyncio.run(main())
"""


@pytest.mark.parametrize("ended_by", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_server_and_kernels_are_gone_with_the_process_that_wanted_them(tmp_path, ended_by):
    """Also what a kernel has started and what has left its process group, if the process can still see to it."""
    paths = (NOTEBOOKS / "waits.ipynb", tmp_path / "copy.ipynb", tmp_path / "go")
    with started([sys.executable, "-c", STARTS, *map(str, paths)], stderr=subprocess.DEVNULL) as process:
        wait_until((tmp_path / "go.x").exists)
        assert len(processes_with(own_mark())) == 3
        process.send_signal(ended_by)
        process.wait()
    wait_until(lambda: processes_with(own_mark()) == [], limit_s=5)


def test_a_fork_that_left_its_session_is_ended_with_its_kernel(tmp_path):
    """It has no environment of its own: `/proc` shows that of the process that was started, in which the mark is replaced."""
    leaves = saying(
        tmp_path,
        "import os, time, warnings\nwarnings.simplefilter('ignore')\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(600)\n"
        + WAS_FORKED,
    )
    with kernel_server.kept() as server:
        copy = run(leaves, tmp_path / "copy.ipynb")
        assert forked(copy)
        assert len(processes_with(own_mark())) == 1, "the server"
        assert server._process.poll() is None


def test_a_stopped_start_leaves_no_kernel(tmp_path):
    async def main():
        with kernel_server.kept() as server:
            for pause_s in (0, 0.3, 1.2, 1.3):
                running = asyncio.create_task(run_notebook(NOTEBOOKS / "sleeps.ipynb", tmp_path / "copy.ipynb", {}))
                await asyncio.sleep(pause_s)
                running.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await running
            wait_until(lambda: len(processes_with(own_mark())) <= 1)
            assert server._process.poll() is None

    asyncio.run(main())
