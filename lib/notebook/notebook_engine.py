"""The engine that papermill runs notebooks with: one kernel per run, and a copy that tells the truth however the run ends.

With `notebook_kernel` the only place that touches papermill, nbclient or jupyter_client, whose internals are used here: their
versions are pinned.
Papermill's own engine saves cells as `completed` that never ran when a kernel dies, a cell times out or a run is interrupted,
has no time-out for the whole notebook (https://github.com/jupyter/nbclient/issues/212) and writes files that a reader can
find half written; `cwd=` changes the directory of the whole process (https://github.com/nteract/papermill/issues/473).
"""

import ast
import asyncio
import json
import logging
import pprint
import re
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from jupyter_client.kernelspec import NATIVE_KERNEL_NAME
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from papermill.exceptions import PapermillExecutionError
from papermill.models import Parameter
from papermill.translators import PythonTranslator, papermill_translators
from pydantic import JsonValue

from lib.files import write_bytes
from lib.notebook.kernel_server import KernelServer
from lib.notebook.notebook_kernel import Kernel, first_of

LOGGER = logging.getLogger(__name__)
_MESSAGES = logging.getLogger(f"{__name__}.messages")  # nbclient's; at DEBUG they hold all that cells show
_MESSAGES.setLevel(logging.INFO)

START_S = 60.0
IDLE_S = 60  # after the answer to a cell, for the rest of its output
SAVE_EVERY_S = 2.0
CELL_OUTPUT_LIMIT = 2_000_000
NOTEBOOK_OUTPUT_LIMIT = 20_000_000
ERROR_TEXT_LIMIT = 10_000

_ENGINE = "one-kernel-per-run"
_LANGUAGE = "python-from-json"
_SILENCE_S = 0.2
_CUT_NOTE = (
    f"[Output was cut here. A cell may show {CELL_OUTPUT_LIMIT:,} bytes, a notebook {NOTEBOOK_OUTPUT_LIMIT:,}.]\n"
)
_LOST_NOTE = "[Some output of this cell may be missing: the kernel did not say that this is all.]\n"
_OVERWRITTEN = re.compile(r"[^\n]*\r(?=[^\n])")


@dataclass(frozen=True)
class Ending:
    """Why a run stopped before its end: `ename` and `problem` as Jupyter shows errors, `status` as NotebookError has it."""

    status: str
    ename: str
    problem: str


class StopSwitch:
    """Asks a run to stop: from any thread, and also before it has begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._on = False
        self._tell: Callable[[], object] | None = None

    def turn(self) -> None:
        """Ask; no effect when the run is over."""
        with self._lock:
            self._on = True
            if self._tell:
                with suppress(RuntimeError):  # its loop is closed
                    self._tell()

    def watch(self) -> asyncio.Event:
        """The event that is set when somebody asks, or has asked; called on the loop of the run."""
        event, loop = asyncio.Event(), asyncio.get_running_loop()
        with self._lock:
            self._tell = lambda: loop.call_soon_threadsafe(event.set)
            if self._on:
                event.set()
        return event


@dataclass(frozen=True)
class Order:
    """What is to be run and how. Times are in seconds; `deadline` is of the monotonic clock."""

    source: Path
    output: Path
    parameters: dict[str, JsonValue]
    working_dir: Path
    environment: Mapping[str, str]
    timeout_s: float | None
    deadline: float | None
    stop: StopSwitch
    server: KernelServer | None
    finish: Callable[[nbformat.NotebookNode, Ending | None, int | None], None]


def execute(notebook: nbformat.NotebookNode, order: Order) -> None:
    """
    Run the notebook and save its executed copy; blocks, so it belongs in a thread of its own with an empty context.

    How it ended is told to `order.finish`, with the index of the cell to blame, before the copy is saved for good.
    """
    papermill_engines.register(_ENGINE, _Engine)
    papermill_translators.register(_LANGUAGE, _JsonTranslator)
    with suppress(PapermillExecutionError):  # the order's `finish` has heard more than this says
        papermill.execute_notebook(
            notebook,
            None,  # papermill would format the path with the parameters, and write the file in place
            parameters=order.parameters,
            engine_name=_ENGINE,
            kernel_name=NATIVE_KERNEL_NAME,
            language=_LANGUAGE,
            progress_bar=False,
            order=order,
        )


class _JsonTranslator(PythonTranslator):  # type: ignore[misc]
    """Parameters as people write them in Python; papermill's own escapes every letter outside of ASCII."""

    @classmethod
    def translate(cls, val: Any) -> str:
        return pprint.pformat(val, width=100, sort_dicts=False)

    @classmethod
    def codify(cls, parameters: dict[str, Any], comment: str = "Parameters") -> str:
        return str(super(PythonTranslator, cls).codify(parameters, comment))  # never through black

    @classmethod
    def inspect(cls, parameters_cell: nbformat.NotebookNode) -> list[Parameter]:
        """The declared names, which is all that papermill asks for."""
        names = (node.id for node in ast.walk(ast.parse(parameters_cell.source)) if isinstance(node, ast.Name))
        return [Parameter(name, "None", "", "") for name in names]


class _Engine(Engine):  # type: ignore[misc]
    @classmethod
    def execute_notebook(cls, nb: nbformat.NotebookNode, kernel_name: str, *_: Any, order: Order, **__: Any) -> Any:
        nb.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": kernel_name}
        nb.metadata.papermill |= {"input_path": str(order.source), "output_path": str(order.output)}
        manager = _Manager(nb, order.output)
        manager.notebook_start()
        asyncio.run(_Client(manager, order).run())
        return nb


class _Manager(NotebookExecutionManager):  # type: ignore[misc]
    """Papermill's metadata of cells and notebook, saved whole, and not twice per cell."""

    def __init__(self, nb: nbformat.NotebookNode, output: Path) -> None:
        super().__init__(nb, progress_bar=False)
        self._output = output
        self._save_again_at = 0.0

    def save(self, **_: Any) -> None:
        """Papermill saves before and after each cell; here only when the file is out of date."""
        if time.monotonic() >= self._save_again_at:
            self.write()

    def write(self) -> None:
        began = time.monotonic()
        content: str = nbformat.writes(self.nb)
        write_bytes(self._output, content.encode("utf-8", "replace"))
        self._save_again_at = time.monotonic() + max(SAVE_EVERY_S, 20 * (time.monotonic() - began))

    def cell_failed(self, index: int, ending: Ending, log: str) -> None:
        cell = self.nb.cells[index]
        if cell.cell_type == "code" and not any(output.get("ename") == ending.ename for output in cell.outputs):
            traceback = [*([log] if log else []), f"{ending.ename}: {ending.problem}"]
            error = {"output_type": "error", "ename": ending.ename, "evalue": ending.problem, "traceback": traceback}
            cell.outputs.append(nbformat.NotebookNode(error))
        self.cell_exception(cell, index)
        self.cell_complete(cell, index)

    def notebook_complete(self, *, failed: bool = False, **_: Any) -> None:
        """As papermill's, but cells that did not run stay `pending`."""
        self.end_time = self.now()
        self.nb.metadata.papermill |= {
            "end_time": self.end_time.isoformat(),
            "duration": (self.end_time - self.start_time).total_seconds(),
            "exception": failed,
        }


def _note(text: str) -> nbformat.NotebookNode:
    return nbformat.NotebookNode(output_type="stream", name="stderr", text=text)


def _overwrite(said: str, new: str) -> str:
    """What a terminal shows: text after a carriage return replaces its line, as progress bars want it."""
    if "\r" not in new and not said.endswith("\r"):
        return said + new
    line = said.rfind("\n") + 1
    return said[:line] + _OVERWRITTEN.sub("", said[line:] + new)


def _self_ended(call: str) -> Ending:
    return Ending("failed", "SystemExit", f"the notebook ended itself with {call}; the cells below did not run")


class _StoppedError(Exception):
    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class _Client(NotebookClient):
    """nbclient sends cells and understands messages; what happens around that is decided here."""

    def __init__(self, manager: _Manager, order: Order) -> None:
        # The kernel's death and time-outs are watched here: at once, and in fractions of a second.
        super().__init__(manager.nb, log=_MESSAGES, store_widget_state=False, iopub_timeout=IDLE_S)
        self._manager = manager
        self._order = order
        self._index: int | None = None
        self._kept: dict[int, int] = {}
        self._cut: set[int] = set()
        self._heard = 0
        self.on_cell_executed = self._refuse_quit

    async def run(self) -> None:
        """Run all cells; the copy is saved and the kernel is gone when this returns."""
        self._stopped = asyncio.create_task(self._order.stop.watch().wait())
        self._kernel = Kernel(self._order.server)
        keeper = asyncio.create_task(self._keep_saved())
        ending = None
        try:
            await self._start()
            await self._run_cells()
        except _StoppedError as stopped:
            ending = stopped.ending
        except Exception as error:
            LOGGER.exception("The notebook cannot be run on")
            self._kernel.kill()
            ending = Ending("failed", type(error).__name__, str(error))
        try:
            self._finish(ending)
        finally:
            await self._kernel.close(self._stopped)
            for task in (keeper, self._stopped):
                task.cancel()

    async def _keep_saved(self) -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S / 4)
            if not threading.main_thread().is_alive():  # the interpreter waits for this thread to leave
                self._order.stop.turn()
            with suppress(OSError):  # the last save reports it
                self._manager.save()

    async def _start(self) -> None:
        work = self._kernel.start(self._order.working_dir, self._order.environment)
        try:
            language_info = await self._race(work, START_S)
        except OSError as error:
            raise _StoppedError(Ending("kernel did not start", type(error).__name__, str(error))) from error
        except _StoppedError as stopped:
            if stopped.ending.status != "kernel died":
                raise
            last_words = self._kernel.log().rpartition("\n")[2]
            problem = f"{stopped.ending.problem}, and said: {last_words}" if last_words else stopped.ending.problem
            raise _StoppedError(Ending("kernel did not start", "DeadKernelError", problem)) from None
        self.nb.metadata["language_info"] = language_info
        self.km, self.kc = self._kernel.manager, self._kernel.client

    async def _run_cells(self) -> None:
        for index, cell in enumerate(self.nb.cells):
            self._index = index
            self._manager.cell_start(cell, index)
            try:
                await self._race(self.async_execute_cell(cell, index))
            except CellExecutionError as error:
                if error.ename == "SystemExit":
                    raise _StoppedError(_self_ended(f"sys.exit({error.evalue})")) from None
                raise _StoppedError(Ending("failed", error.ename, error.evalue[:ERROR_TEXT_LIMIT])) from None
            messages = cell.metadata.get("execution")
            if messages and "iopub.status.idle" not in messages:
                cell.outputs.append(_note(_LOST_NOTE))
            self._manager.cell_complete(cell, index)
            if self.skip_cells_with_tag in cell.metadata.get("tags", []):
                cell.metadata.papermill["status"] = "skipped"
        self._index = None

    def _finish(self, ending: Ending | None) -> None:
        if ending and self._index is not None:
            self._manager.cell_failed(self._index, ending, self._kernel.log())
        self._manager.notebook_complete(failed=ending is not None)
        self._order.finish(self.nb, ending, self._index)
        self._manager.write()

    async def _race[T](self, work: Coroutine[Any, Any, T], start_s: float | None = None) -> T:
        """
        Wait for the work, unless the kernel dies, time runs out or somebody asks to stop; then the kernel is killed.

        Args:
            work: A cell, or the kernel's start.
            start_s: How long the start may take; the whole run has its own limit.
        """
        order = self._order
        limit_s = None if order.deadline is None else max(0.0, order.deadline - time.monotonic())
        ending = Ending("timeout", "Timeout", f"the notebook did not end within {order.timeout_s or 0:g} s")
        if start_s is not None and (limit_s is None or start_s <= limit_s):
            limit_s = start_s
            ending = Ending("kernel did not start", "Timeout", f"the kernel did not answer within {start_s:g} s")
        task = asyncio.create_task(work)
        await first_of({task, self._stopped, self._kernel.dead}, limit_s)
        if task.done():
            return task.result()
        died = self._kernel.dead.done() and not self._stopped.done()
        if self._stopped.done():
            ending = Ending("cancelled", "Cancelled", "the run was stopped from outside")
        elif died:
            ending = Ending("kernel died", "DeadKernelError", self._kernel.epitaph())
        self._kernel.kill()
        await self._take_in_the_rest(task)
        if died and task.done():  # it had answered before
            return task.result()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise _StoppedError(ending)

    async def _take_in_the_rest(self, task: asyncio.Task[Any]) -> None:
        """What a kernel that is gone had said before; that is much when it was faster than this."""
        heard = None
        while not task.done() and heard != self._heard:
            heard = self._heard
            await asyncio.wait({task}, timeout=_SILENCE_S)

    def process_message(self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int) -> Any:
        self._heard += 1
        return super().process_message(msg, cell, cell_index)

    async def _async_check_alive(self) -> None:
        """Nothing: nbclient would leave at the kernel's death without what is still to be heard."""

    def _refuse_quit(self, *, execute_reply: Mapping[str, Any], **_: Any) -> None:
        """`quit()` raises nothing: the kernel says so beside its answer, and leaves."""
        if any(part.get("source") == "ask_exit" for part in execute_reply["content"].get("payload", [])):
            raise _StoppedError(_self_ended("quit()"))

    def output(
        self, outs: list[nbformat.NotebookNode], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> nbformat.NotebookNode | None:
        """As nbclient's, but streams are joined as they come, and what is too much for a notebook is cut."""
        out = super().output(outs, msg, display_id, cell_index)
        if out is None:
            return None
        outs.pop()
        if not outs:  # the first one, perhaps after clear_output
            self._kept[cell_index] = 0
            self._cut.discard(cell_index)
        already_cut = cell_index in self._cut
        if not already_cut and self._fit(out, cell_index):
            self._append(outs, out, cell_index)
        elif display_id:
            self._display_id_map[display_id][cell_index].pop()  # or an update would look for it
        if cell_index in self._cut and not already_cut:
            outs.append(_note(_CUT_NOTE))
        return out

    def _fit(self, out: nbformat.NotebookNode, index: int) -> bool:
        """Cut the output to the room that is left; False when nothing of it can be kept."""
        if out.output_type == "error":
            out.evalue = out.evalue[:ERROR_TEXT_LIMIT]
            out.traceback = [line[:ERROR_TEXT_LIMIT] for line in out.traceback[:100]]
        room = min(CELL_OUTPUT_LIMIT - self._kept[index], NOTEBOOK_OUTPUT_LIMIT - sum(self._kept.values()))
        size = len(json.dumps(out.text if out.output_type == "stream" else out))
        if size > room:
            self._cut.add(index)
            if out.output_type != "stream":
                return False
            out.text = out.text[: len(out.text) * max(room, 0) // size]
        self._kept[index] += min(size, room)
        return True

    def _append(self, outs: list[nbformat.NotebookNode], out: nbformat.NotebookNode, index: int) -> None:
        if out.output_type != "stream":
            outs.append(out)
            return
        said, new = "", out.text
        if outs and outs[-1].output_type == "stream" and outs[-1].name == out.name:
            said = outs.pop().text
        out.text = _overwrite(said, new)
        self._kept[index] -= len(said) + len(new) - len(out.text)
        outs.append(out)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        if len(json.dumps(msg["content"])) <= CELL_OUTPUT_LIMIT:
            super()._update_display_id(display_id, msg)
