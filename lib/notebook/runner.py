"""Run a notebook with checked parameters, and leave an executed copy that says what happened, however the run ends.

Safe from coroutines: papermill has a thread with an event loop and an empty context of its own, so it neither blocks the
caller's loop nor finds one that somebody else is running (jupyter_core keeps its loop in a context variable, and threads
started by asyncio or Prefect copy the context).
"""

import asyncio
import contextvars
import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nbformat
from pydantic import JsonValue

from lib import error_line
from lib.errors import FixInputError, NotebookError
from lib.files import iso_utc, utc_now
from lib.notebook import kernel_server, notebook_engine
from lib.notebook.notebook_engine import Ending, Order, StopSwitch
from lib.notebook.notebook_parameters import PARAMETERS_TAG, check, model_of, parameters_model, read_source

__all__ = ["NotebookRun", "parameters_model", "run_notebook"]

COMPLETED = "completed"
_GIVE_UP_S = 15.0
_PROBLEM_LENGTH = 300
_MARKER_TAG = "papermill-error-cell-tag"  # by which papermill knows, and takes out, such cells
_ANCHOR = "papermill-error-cell"


@dataclass(frozen=True)
class NotebookRun:
    """
    How a run went; the executed copy holds the same as `metadata.run`.

    Attributes:
        path: The executed copy.
        status: `completed`, or how it ended otherwise, as in NotebookError.
        started_at: Aware, in UTC.
        ended_at: When the last cell ended, or the run was stopped.
        duration_s: Between the two.
        cells: How many cells the source notebook has.
        failed_cell: Number of the cell to blame, counting all cells of the source notebook from 1.
        error: What happened, one line.
    """

    path: Path
    status: str
    started_at: dt.datetime
    ended_at: dt.datetime
    duration_s: float
    cells: int
    failed_cell: int | None = None
    error: str | None = None


async def run_notebook(
    source: Path,
    output: Path,
    parameters: Mapping[str, JsonValue],
    *,
    timeout_s: float | None = None,
    working_dir: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> NotebookRun:
    """
    Run the notebook in a kernel of its own, and return when its executed copy is saved and all of its processes are gone.

    Args:
        source: The notebook; it is never written to.
        output: The executed copy. While the run lasts it is replaced every few seconds, always as a whole.
        parameters: Values for what the notebook's parameters cell declares. They stand in the copy as plain text.
        timeout_s: For the whole run, the kernel's start included; None for no limit. The copy then says so.
        working_dir: Where the kernel works; the notebook's own folder, as in JupyterLab, when None.
        environment: The kernel's whole environment; that of this process when None.

    Raises:
        FixInputError: The notebook or a parameter cannot be used; no kernel was started, nothing was written.
        NotebookError: The notebook did not run to its end; the copy is saved.
        asyncio.CancelledError: The caller was cancelled; the copy is saved.
    """
    name, began = source.stem, time.monotonic()
    notebook, values = _read(source, output, parameters)
    report = _Report(output, utc_now(), began, notebook)
    order = Order(
        source=source,
        output=report.path,
        parameters=values,
        working_dir=working_dir or source.parent,
        environment=dict(os.environ if environment is None else environment),
        timeout_s=timeout_s,
        deadline=None if timeout_s is None else began + timeout_s,
        stop=StopSwitch(),
        server=kernel_server.current(),
        finish=report.finish,
    )
    try:
        await _in_own_thread(lambda: notebook_engine.execute(notebook, order), order.stop, name)
    except OSError as error:
        problem = f"{output} cannot be written: {error_line.message_of(error)}"
        raise NotebookError(name, "not saved", None, problem) from error
    run = report.run
    if run.status != COMPLETED:
        raise NotebookError(name, run.status, run.failed_cell, run.error or "")
    return run


def _read(
    source: Path, output: Path, parameters: Mapping[str, JsonValue]
) -> tuple[nbformat.NotebookNode, dict[str, JsonValue]]:
    """The notebook and all of its parameters, checked."""
    notebook = read_source(source)
    if source.resolve() == output.resolve():
        raise FixInputError(source.stem, "would be overwritten by its executed copy; give another output path")
    return notebook, check(model_of(notebook, source.stem), parameters, source.stem)


async def _in_own_thread(work: Callable[[], None], stop: StopSwitch, name: str) -> None:
    """Do blocking work in a thread with an empty context; when cancelled, stop it and wait until it has saved its file."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  # it is raised in the caller's thread
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=contextvars.Context().run, args=(run,), name=f"notebook {name}").start()
    waiting = asyncio.wrap_future(done)
    try:
        await asyncio.wait({waiting})
    except asyncio.CancelledError:
        stop.turn()
        give_up_at = time.monotonic() + _GIVE_UP_S
        while not waiting.done() and time.monotonic() < give_up_at:
            with suppress(asyncio.CancelledError):  # anyio, and so a Prefect time-out, cancels again and again
                await asyncio.wait({waiting}, timeout=1)
        raise
    finally:
        stop.turn()  # also when the coroutine is thrown away
    waiting.result()


class _Report:
    """Hears how a run goes, and writes into the executed copy how it ended."""

    run: NotebookRun

    def __init__(self, output: Path, started_at: dt.datetime, began: float, source: nbformat.NotebookNode) -> None:
        self.path = output.absolute()
        self._started_at = started_at
        self._began = began
        self.cells = len(source.cells)
        tagged = (PARAMETERS_TAG in cell.metadata.get("tags", []) for cell in source.cells)
        self._parameters_cell = list(tagged).index(True)

    def number(self, index: int) -> int:
        """Number in the source notebook of a cell of the copy; papermill's cell of values counts as the parameters cell."""
        return index + 1 if index <= self._parameters_cell else index

    def finish(self, notebook: nbformat.NotebookNode, ending: Ending | None, index: int | None) -> None:
        """Take down how the run ended, and show it at the top of the copy and where it stopped."""
        self.run = NotebookRun(
            path=self.path,
            status=ending.status if ending else COMPLETED,
            started_at=self._started_at,
            ended_at=utc_now(),
            duration_s=round(time.monotonic() - self._began, 3),
            cells=self.cells,
            failed_cell=None if index is None else self.number(index),
            error=_one_line(ending) if ending else None,
        )
        record = asdict(self.run) | {key: iso_utc(getattr(self.run, key)) for key in ("started_at", "ended_at")}
        del record["path"]
        notebook.metadata["run"] = record
        if ending is None:
            return
        where = "before its first cell" if index is None else f"in [cell {self.run.failed_cell}](#{_ANCHOR})"
        text = (self.run.error or "").replace("`", "'")
        if index is not None:
            notebook.cells.insert(index, _marker(f'<span id="{_ANCHOR}"></span>**The run stopped at the next cell.**'))
        notebook.cells.insert(0, _marker(f"**This run ended as “{ending.status}” {where}.**\n\n```text\n{text}\n```"))


def _marker(text: str) -> Any:
    return nbformat.v4.new_markdown_cell(text, metadata={"tags": [_MARKER_TAG]})


def _one_line(ending: Ending) -> str:
    line = " ".join(f"{ending.ename}: {ending.problem}".split()).removesuffix(":")
    return line if len(line) <= _PROBLEM_LENGTH else f"{line[:_PROBLEM_LENGTH]}…"
