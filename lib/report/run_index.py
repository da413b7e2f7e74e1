"""`index.html` of the output folder: all runs, newest first, with what came of them and links to their reports, and each client's line."""

import base64
import datetime as dt
import hashlib
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock
from markupsafe import Markup

from lib import files
from lib.errors import FixInputError
from lib.exactly_once.reconcile import Outcome
from lib.files import RESULT
from lib.formats import JAKARTA
from lib.report import audit, client_pages, html_report, run_lines
from lib.report.run_lines import Lines, PlanEnding
from lib.run import run_record
from lib.run.run_record import REPORT, RunRecord
from lib.settings import Language
from lib.terminal import printable

INDEX = "index.html"
NOT_FINISHED = "not finished"  # still running, or stopped so hard that it could not say so
UNREADABLE = "unreadable"  # somebody changed what it left
_LOCK_TIMEOUT_S = 60
_SCRIPT = Path(__file__).with_name("templates") / "index.js"


@dataclass
class Entry:
    """What the index shows of one run; `numbers` are its clients' places in the index's list of clients."""

    name: str
    flow: str
    state: str
    begun: str
    links: dict[str, str]
    months: str = ""
    counts: dict[str, int] = field(default_factory=dict)
    duration: str = ""
    clients: list[str] = field(default_factory=list)
    remark: str = ""
    rerun_of: str | None = None
    numbers: str = ""
    endings: list[PlanEnding] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)  # the runs of its clients on workers


def rebuild(output_dir: Path, language: Language = "") -> Path:
    """
    Write the index anew, and the pages of clients of whom there is something new, those in this language.

    Of two runs that end together, one waits for the other, so that neither leaves the other out. A folder that cannot be read stands in it with the reason, and keeps no other one out.

    Raises:
        TimeoutError: Another run kept it for a minute; the old index stays.
    """
    with FileLock(output_dir / ".index.lock", timeout=_LOCK_TIMEOUT_S, mode=files.file_mode()):
        entries = ((folder, _entry(folder)) for folder in run_record.run_folders(output_dir))
        runs = [entry for folder, entry in entries if folder.exists()]  # not archived meanwhile
        _link_reruns(runs)
        clients = sorted({name for run in runs for name in run.clients})
        numbers = {name: number for number, name in enumerate(clients)}
        for run in runs:
            run.numbers = " ".join(str(numbers[name]) for name in run.clients)
        script = _SCRIPT.read_text("utf-8")
        policy = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        states = sorted({run.state for run in runs})
        values = {"runs": runs, "clients": clients, "states": states, "outcomes": _outcomes(runs)}
        values["odd"] = {printable(name): why for name, why in run_record.odd_entries(output_dir).items()}
        lines = _lines(runs)
        values |= {"lines": run_lines.newest(lines), "legend": Markup(run_lines.legend().data)}  # noqa: S704  # made here
        client_pages.rebuild(output_dir, lines, language)
        return html_report.save_page(
            output_dir / INDEX, "index.html", title="Runs", script=script, script_hash=policy, **values
        )


def _outcomes(runs: list[Entry]) -> list[str]:
    """Those that occur: with columns for all others, too, the table would be wider than a window."""
    return [name for name in audit.split({}) if any(run.counts.get(name) for run in runs)]


def _lines(runs: list[Entry]) -> Lines:
    """The runs of each client and month, oldest first; what a run's clients did on workers stands in that run."""
    parts = {part for run in runs for part in run.parts}
    return run_lines.lines(ending for run in reversed(runs) if run.name not in parts for ending in run.endings)


def _link_reruns(runs: list[Entry]) -> None:
    """A run that was run again says so, too."""
    by_name = {run.name: run for run in runs}
    for run in runs:
        if first := by_name.get(run.rerun_of or ""):
            first.remark = " · ".join(filter(None, (first.remark, f"run again as {run.name}")))


def _entry(folder: Path) -> Entry:
    try:
        return _finished(folder)
    except FixInputError as error:
        state, remark = (UNREADABLE, error.problem) if run_record.is_finished(folder) else (NOT_FINISHED, "")
    except Exception as error:  # noqa: BLE001  # one odd folder must not keep all others out
        state, remark = UNREADABLE, f"{type(error).__name__}: {error}"
    begun = _short(run_record.begun_at(folder))
    return Entry(folder.name, run_record.flow_of(folder), state, begun, _links(folder, REPORT), remark=_brief(remark))


def _finished(folder: Path) -> Entry:
    record = run_record.read_head(folder)
    return Entry(
        folder.name,
        record.flow,
        record.state,
        _short(record.started_at),
        _links(folder, record.page),
        months=", ".join(record.months),
        counts={"rows": record.counts.get("rows", 0), **audit.split(record.counts)},
        duration=_duration(record.duration_s),
        clients=record.client_names,
        remark=_remark(record),
        rerun_of=record.result.get("rerun_of"),
        endings=run_lines.endings(record),
        parts=[str(plan["run"]) for plan in record.plans.values() if plan.get("run")],
    )


def _links(folder: Path, page: str) -> dict[str, str]:
    """What there is to look at: text -> file name; `page` is the run's report."""
    names = {"report": page, "notebook": Path(page).with_suffix(".ipynb").name, "JSON": RESULT}
    return {text: name for text, name in names.items() if (folder / name).is_file()}


def _remark(record: RunRecord) -> str:
    """What tells this run from another one of the same flow and month."""
    result = record.result
    marks = ["sandbox" if result.get("sandbox") else ""]
    marks.append("validate only" if result.get("parameters", {}).get("validate_only") else "")
    marks.append(f"rerun of {result['rerun_of']}" if result.get("rerun_of") else "")
    marks.append(f"{refused} to correct" if (refused := record.counts.get(Outcome.REFUSED)) else "")
    marks.append(str(result.get("bottom_line", "")) if result.get("error") or result.get("done") else "")
    marks.append("a link to a folder elsewhere" if record.folder.is_symlink() else "")
    return _brief(" · ".join(filter(None, marks)))


def _brief(text: str) -> str:
    return textwrap.shorten(text, 250, placeholder=" …")


def _short(moment: dt.datetime) -> str:
    """A moment in Jakarta that fits a column: `2026-07-05 14.05`."""
    return f"{moment.astimezone(JAKARTA):%Y-%m-%d %H.%M}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
