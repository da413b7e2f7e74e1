"""What one run left in its folder, read back: for the audit, the index, a comparison and a rerun."""

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lib.errors import FixInputError
from lib.run_folder import parse_json, read_json
from lib.step_files import RESULT

_FOLDER = re.compile(r"(\d{8}_\d{6})_([a-z0-9-]+?)(?:_\d+)?")
_PART = 65_536  # characters read at once
_BEFORE_DATA = '\n  "data": ['  # so do our files begin their records; no text in JSON holds a bare line break


@dataclass(frozen=True)
class NotebookEnding:
    """How an executed notebook of the run ended: as in `lib.notebook.NotebookRun`."""

    client: str
    path: str
    status: str
    duration_s: float
    cells: int
    failed_cell: int | None
    error: str | None


@dataclass(frozen=True)
class RunRecord:
    """One run: its folder, its `result.json`, and how its notebooks ended. `data` is empty where only the head was read."""

    folder: Path
    result: dict[str, Any]
    notebooks: list[NotebookEnding] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The run as its folder is called."""
        return self.folder.name

    @property
    def flow(self) -> str:
        """The flow's name."""
        return str(self.result.get("flow", ""))

    @property
    def state(self) -> str:
        """How it ended: completed, needs attention, failed or cancelled."""
        return str(self.result.get("state") or ("failed" if self.result.get("error") else "completed"))

    @property
    def months(self) -> list[str]:
        """The months of its plans."""
        return list(self.result.get("months", []))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One record per row; none for flows whose records are no rows."""
        return [record for record in self.result.get("data", []) if "outcome" in record]

    @property
    def plans(self) -> dict[str, dict[str, Any]]:
        """What is known of each plan, by client (and month, in a watch)."""
        plans: dict[str, dict[str, Any]] = self.result.get("clients", {})
        return plans

    def plan_name(self, row: Mapping[str, Any]) -> str:
        """
        The plan, as in `plans`, that a row or a problem is in; its client where that is not known.

        A watch knows a client's plans by month, too: there the spreadsheet tells them apart.
        """
        client, wanted = str(row["client"]), row.get("spreadsheet_id")
        if client in self.plans or not wanted:
            return client
        return next((name for name, plan in self.plans.items() if plan.get("spreadsheet_id") == wanted), client)

    @property
    def counts(self) -> dict[str, int]:
        """Rows, and rows per outcome."""
        return {name: count for name, count in self.result.get("summary", {}).items() if isinstance(count, int)}

    @property
    def client_names(self) -> list[str]:
        """Its clients, in the order of the list."""
        return list(self.result.get("summary", {}).get("clients", {}))

    @property
    def started_at(self) -> dt.datetime:
        """Aware, in UTC."""
        return dt.datetime.fromisoformat(self.result["start_time"])

    @property
    def duration_s(self) -> float:
        """In seconds, whole ones."""
        return (dt.datetime.fromisoformat(self.result["end_time"]) - self.started_at).total_seconds()


def read(folder: Path) -> RunRecord:
    """
    Read a finished run; of an output folder, the newest one.

    Raises:
        FixInputError: There is no such run, or its `result.json` cannot be read.
    """
    if finished := newest_finished(folder):
        folder = finished[0]
    elif not (folder / RESULT).exists() and not _FOLDER.fullmatch(folder.name):
        raise FixInputError(
            str(folder), "no run has finished here; make one (`make demo`) and run this again, or name a run folder"
        )
    result = read_json(folder / RESULT)
    elsewhere = (plan.get("folder") or "" for plan in result.get("clients", {}).values())
    others = [folder / name for name in elsewhere if name.startswith("..")]  # of clients that ran on workers
    return RunRecord(folder, result, [ending for part in (folder, *others) for ending in _endings(part, folder)])


def newest_finished(output_dir: Path) -> list[Path]:
    """The finished runs of an output folder, newest first; none of a folder that is a run itself, or is not there."""
    if not output_dir.is_dir() or (output_dir / RESULT).exists():
        return []
    return [path for path in run_folders(output_dir) if (path / RESULT).exists()]


def read_head(folder: Path) -> RunRecord:
    """
    Read a finished run without its rows, however many there are.

    Raises:
        FixInputError: As `read`.
    """
    path = folder / RESULT
    try:
        head = _head(path)
    except (OSError, UnicodeDecodeError):
        raise FixInputError(str(path), "cannot be read; the run is not finished, or was stopped hard") from None
    return RunRecord(folder, parse_json(path, head))


def _head(path: Path) -> str:
    """A file of ours without its records."""
    head = ""
    with path.open(encoding="utf-8", newline="") as file:
        while part := file.read(_PART):
            head += part
            before, found, _ = head.partition(_BEFORE_DATA)
            if found:
                return f"{before}{_BEFORE_DATA}]}}"
    return head


def run_folders(output_dir: Path) -> list[Path]:
    """All run folders, finished or not, newest first."""
    found = (path for path in output_dir.iterdir() if _FOLDER.fullmatch(path.name) and path.is_dir())
    return sorted(found, key=_age, reverse=True)


def find_flow_run(output_dir: Path, flow_run_id: str, since: dt.datetime) -> RunRecord | None:
    """The finished run that a flow run of Prefect made; machines' clocks may differ by an hour."""
    for folder in run_folders(output_dir):
        if begun_at(folder) < since - dt.timedelta(hours=1):
            return None
        try:
            found = read_head(folder).result.get("flow_run_id") == flow_run_id
        except FixInputError:
            continue
        if found:
            return read(folder)
    return None


def begun_at(folder: Path) -> dt.datetime:
    """When a run began, by its folder's name; aware, in UTC."""
    match = _FOLDER.fullmatch(folder.name)
    if match is None:
        raise FixInputError(str(folder), "is no run folder; one is called <YYYYMMDD_HHMMSS>_<flow-name>")
    return dt.datetime.strptime(match[1], "%Y%m%d_%H%M%S").replace(tzinfo=dt.UTC)


def flow_of(folder: Path) -> str:
    """The flow of a run, by its folder's name."""
    match = _FOLDER.fullmatch(folder.name)
    return match[2] if match else ""


def _age(folder: Path) -> tuple[str, int]:
    number = re.search(r"_(\d+)$", folder.name)
    return folder.name[:15], int(number[1]) if number else 1


def _endings(part: Path, folder: Path) -> Iterator[NotebookEnding]:
    """Of the notebooks in a run's folder, or in that of one of its clients elsewhere."""
    for path in sorted(part.glob("*/*.ipynb" if part == folder else "*.ipynb")):
        if path.parent.name.startswith("."):  # JupyterLab's checkpoints
            continue
        try:
            metadata = json.loads(path.read_bytes())["metadata"]
        except (OSError, ValueError, KeyError):
            metadata = {}
        run = metadata.get("run", {})
        yield NotebookEnding(
            client=path.parent.name,
            path=path.relative_to(folder, walk_up=True).as_posix(),
            status=run.get("status", "did not end"),
            duration_s=run.get("duration_s", 0),
            cells=run.get("cells", 0),
            failed_cell=run.get("failed_cell"),
            error=run.get("error"),
        )
