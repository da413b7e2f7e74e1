"""What one run left in its folder, read back: for the audit, the index, a comparison and a rerun."""

import datetime as dt
import io
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from lib.error_record import ErrorRecord, errors_of
from lib.errors import FixInputError
from lib.files import MANIFEST, RESULT, kind_of, name_of, open_file, parse_json, read_json, what_is_wrong
from lib.formats import JAKARTA

_FOLDER = re.compile(r"([0-9]{8}_[0-9]{6})_([a-z0-9-]+?)(?:_[0-9]+)?")
_BEGUN = re.compile(r"[0-9]{8}_[0-9]{6}")
REPORT = "audit.html"  # of a run that does not say what its report is called
_PART = 65_536  # characters read at once
_MOST_HEAD = 1 << 26  # characters before the records
_BEFORE_DATA = '\n  "data": ['  # so do our files begin their records; no text in JSON holds a bare line break


@dataclass(frozen=True)
class NotebookEnding:
    """How an executed notebook of the run ended: as in `lib.notebook.runner.NotebookRun`."""

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
    def page(self) -> str:
        """File name of its report, which `report` gives the address of."""
        return Path(str(self.result.get("report") or REPORT)).name.strip(".") or REPORT

    @property
    def errors(self) -> list[ErrorRecord]:
        """What stopped the run, or some of its plans."""
        return errors_of(self.result)

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


def _moment(text: str) -> str:
    """An aware moment that the calendar has here, too."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("it has no time zone")
    try:
        moment.astimezone(JAKARTA)
    except OverflowError:
        raise ValueError("it lies outside of the calendar") from None
    return text


class _Error(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")
    message: str
    kind: str
    client: str
    service: str
    indonesian: str = ""


class _Batch(BaseModel):
    model_config = ConfigDict(strict=True)
    rows: int
    seconds: float


class _Plan(BaseModel):
    model_config = ConfigDict(strict=True)
    folder: str | None = None
    error: str | None = None
    rows: int = 0
    seconds: dict[str, float] = {}
    batches: list[_Batch] | None = None


class _Calls(BaseModel):
    model_config = ConfigDict(strict=True)
    calls: int
    too_many_requests: int
    repeated: int
    failed: int
    seconds: float
    by_quota: dict[str, int] = {}


class _Row(BaseModel):
    model_config = ConfigDict(strict=True)
    client: str
    row: int | float | None
    outcome: str
    key: str | None
    topic: str | None = None


class _Summary(BaseModel):
    model_config = ConfigDict(strict=True)
    clients: dict[str, Any] = {}


class _Sources(BaseModel):
    model_config = ConfigDict(strict=True)
    commit: str | None = None
    versions: dict[str, str] = {}
    files: dict[str, str] = {}


class _Result(BaseModel):
    """The shape of what is read of a `result.json`; anything else in it is nobody's but its flow's."""

    model_config = ConfigDict(strict=True)
    start_time: Annotated[str, AfterValidator(_moment)]
    end_time: Annotated[str, AfterValidator(_moment)]
    flow: str
    state: str | None = None
    error: str | None = None
    errors: list[_Error] = []
    bottom_line: str | None = None
    report: str | None = None
    rerun_of: str | None = None
    months: list[str] = []
    parameters: dict[str, Any] = {}
    summary: _Summary = _Summary()
    clients: dict[str, _Plan] = {}
    sources: _Sources = _Sources()
    api_calls: dict[str, _Calls] = {}
    data: list[dict[str, Any]]


def _checked(path: Path, result: dict[str, Any]) -> dict[str, Any]:
    """
    The result, when it can be used.

    Raises:
        FixInputError: What in it cannot.
    """
    try:
        known = _Result.model_validate(result)
        for record in known.data:
            if "outcome" in record:
                _Row.model_validate(record)
    except ValidationError as error:
        raise FixInputError(str(path), what_is_wrong(error)) from None
    return result


def read(folder: Path) -> RunRecord:
    """
    Read a finished run; of an output folder, the newest one that can be read.

    Raises:
        FixInputError: There is no such run, or its `result.json` cannot be read.
    """
    if finished := newest_finished(folder):
        folder = finished[0]
    elif not is_run(folder):
        raise FixInputError(
            str(folder), "no run has finished here; make one (`make demo`) and run this again, or name a run folder"
        )
    result = read_result(folder).result
    elsewhere = (plan.get("folder") or "" for plan in result.get("clients", {}).values())
    others = [folder / name for name in elsewhere if name.startswith("..")]  # of clients that ran on workers
    return RunRecord(folder, result, [ending for part in (folder, *others) for ending in _endings(part, folder)])


def read_result(folder: Path) -> RunRecord:
    """
    Read a finished run without the endings of its notebooks.

    Raises:
        FixInputError: Its `result.json` cannot be read.
    """
    return RunRecord(folder, _checked(folder / RESULT, read_json(folder / RESULT)))


def newest_finished(output_dir: Path) -> list[Path]:
    """The finished runs of an output folder that can be read, newest first; none of a folder that is a run, or is not there."""
    if not output_dir.is_dir() or (output_dir / RESULT).exists():
        return []
    return [path for path in run_folders(output_dir) if _can_be_read(path)]


def _can_be_read(folder: Path) -> bool:
    try:
        read_head(folder)
    except FixInputError:
        return False
    return True


def is_run(folder: Path) -> bool:
    """Whether this is the folder of a run, by its name or by what lies in it; else it may be one of runs."""
    return is_finished(folder) or _FOLDER.fullmatch(folder.name) is not None


def is_finished(folder: Path) -> bool:
    """Whether the run has left a result, be it one that cannot be read any more."""
    return os.path.lexists(folder / RESULT)


def read_head(folder: Path) -> RunRecord:
    """
    Read a finished run without its rows, however many there are.

    Raises:
        FixInputError: As `read`.
    """
    path = folder / RESULT
    try:
        head = _head(path)
    except (FileNotFoundError, NotADirectoryError):
        raise FixInputError(str(path), "cannot be read; the run is not finished, or was stopped hard") from None
    except OSError as error:
        raise FixInputError(str(path), f"cannot be read ({error.strerror}); look at what lies there") from None
    except UnicodeDecodeError:
        raise FixInputError(str(path), "is no text in UTF-8; the file was changed after the run wrote it") from None
    return RunRecord(folder, _checked(path, parse_json(path, head)))


def _head(path: Path) -> str:
    """
    A file of ours without its records.

    Raises:
        FixInputError: It is longer than any of ours.
    """
    head = ""
    with io.TextIOWrapper(open_file(path), encoding="utf-8", newline="") as file:
        while part := file.read(_PART):
            seen = max(0, len(head) - len(_BEFORE_DATA))
            head += part
            if (end := head.find(_BEFORE_DATA, seen)) >= 0:
                return f"{head[:end]}{_BEFORE_DATA}]}}"
            if len(head) > _MOST_HEAD:
                raise FixInputError(str(path), "is larger than any that a run writes; look at what lies there")
    return head


def run_folders(output_dir: Path) -> list[Path]:
    """All run folders, finished or not, newest first; links to such folders are some, too."""
    found = (path for path in output_dir.iterdir() if _begun(path) and path.is_dir())
    return sorted(found, key=_age, reverse=True)


def odd_entries(output_dir: Path) -> dict[str, str]:
    """What lies among the run folders and is none, though it looks like one: its name -> why it is none."""
    found = {name_of(Path(path.name)): _oddness(path) for path in output_dir.iterdir()}
    return {name: why for name, why in sorted(found.items()) if why}


def _oddness(path: Path) -> str:
    """Why this is no run folder; empty for one, and for what nobody would take for one."""
    if _begun(path):
        if path.is_dir():
            return ""
        kind = kind_of(path)
        return f"is {kind} that leads to no folder" if path.is_symlink() else f"is {kind}, not a folder"
    called = not path.name.startswith(".") and path.is_dir()
    if _FOLDER.fullmatch(path.name):
        return "has no date and time in its name that the calendar has"
    if _BEGUN.match(path.name) or (called and any(os.path.lexists(path / name) for name in (RESULT, MANIFEST))):
        return "is not called as run folders are, <YYYYMMDD_HHMMSS>_<flow-name>"
    return ""


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
    begun = _begun(folder)
    if begun is None:
        raise FixInputError(str(folder), "is no run folder; one is called <YYYYMMDD_HHMMSS>_<flow-name>")
    return begun


def _begun(folder: Path) -> dt.datetime | None:
    match = _FOLDER.fullmatch(folder.name)
    try:
        begun = dt.datetime.strptime(match[1] if match else "", "%Y%m%d_%H%M%S").replace(tzinfo=dt.UTC)
        begun.astimezone(JAKARTA)
    except (ValueError, OverflowError):
        return None
    return begun


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
        run = _ended(path)
        yield NotebookEnding(
            client=path.parent.name,
            path=path.relative_to(folder, walk_up=True).as_posix(),
            status=run.get("status", "did not end"),
            duration_s=run.get("duration_s", 0),
            cells=run.get("cells", 0),
            failed_cell=run.get("failed_cell"),
            error=run.get("error"),
        )


def _ended(path: Path) -> dict[str, Any]:
    """What an executed notebook says of its own ending; nothing when it cannot be read."""
    try:
        metadata = read_json(path).get("metadata")
    except FixInputError:
        return {}
    run = metadata.get("run") if isinstance(metadata, dict) else None
    return run if isinstance(run, dict) else {}
