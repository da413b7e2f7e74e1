"""A page for each client: its months with the line of their runs, what is to be corrected, the issues, and the checks that ran."""

import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lib.errors import FixInputError
from lib.messages import say
from lib.report import audit, checks, corrections, history, html_report, run_lines
from lib.report.corrections import ToDo
from lib.report.html_report import file_link, nothing
from lib.report.languages import label, labels
from lib.report.run_lines import Lines, PlanEnding
from lib.run import run_record
from lib.run.run_record import RunRecord
from lib.settings import Language

_TOLD = 3  # months of which all is told; of older ones the runs
_LISTED = 100  # runs of a month that are named
_UP = "../"  # from a page to the output folder
_MADE_OF = re.compile(rb'<main data-made-of="([0-9a-f]{64})">')
_HEAD_BYTES = 32_768  # in which a page says what it was made of


def rebuild(output_dir: Path, lines: Lines, language: Language = "") -> list[Path]:
    """
    Write the pages that are made of other runs, or in another language, than when they were written.

    Those of clients without any run go.

    Only the newest run of a month is read whole, and only for a page that is written; where rows wait for a person, earlier
    ones as well, which say since when.
    """
    pages: dict[Path, Lines] = {}
    for plan, line in lines.items():
        pages.setdefault(output_dir / run_lines.page_of(plan), {})[plan] = line
    for path in {*(output_dir / run_lines.FOLDER).glob("*.html")} - pages.keys():
        if _made_of(path):
            path.unlink(missing_ok=True)
    read = functools.cache(functools.partial(_read, output_dir))
    written = []
    for path, own in pages.items():
        digest = hashlib.sha256(f"{language}{own}".encode(errors="backslashreplace")).hexdigest()
        if _made_of(path) != digest:
            written.append(_save(path, own, digest, read, language))
    return written


def _made_of(path: Path) -> str:
    """The hash of what a page was made of; empty for what is no page of ours."""
    try:
        with path.open("rb") as file:
            match = _MADE_OF.search(file.read(_HEAD_BYTES))
    except OSError:
        return ""
    return match[1].decode() if match else ""


def _read(output_dir: Path, run: str) -> "_Told | None":
    try:
        record = run_record.read_result(output_dir / run)
    except (FixInputError, OSError):  # changed or archived since its head was read
        return None
    left = corrections.to_do(record)
    waits = any(one.row for one in left)  # for how long, only earlier runs know
    return _Told(record, corrections.to_do(record, history.read(record)) if waits else left)


@dataclass(frozen=True)
class _Told:
    """A run, and what it leaves to people."""

    record: RunRecord
    to_do: list[ToDo]

    def rows(self, plan: str) -> list[dict[str, Any]]:
        """Those of one of its plans."""
        return [row for row in self.record.rows if self.record.plan_name(row) == plan]

    def of(self, ending: PlanEnding) -> list[ToDo]:
        """What it leaves to people in one of its plans."""
        names = (ending.plan, ending.client)
        return [
            one
            for one in self.to_do
            if (self.record.plan_name(one.row) == ending.plan if one.row else one.client in names)
        ]


def _save(path: Path, lines: Lines, digest: str, read: Any, language: Language) -> Path:
    months = [
        {
            "name": run_lines.month_of(plan),
            "chips": run_lines.chips(line, up=_UP),
            "parts": _parts(line, number, read, language),
        }
        for number, (plan, line) in enumerate(lines.items())
    ]
    title = next(iter(lines.values()))[-1].client
    legend = Markup(run_lines.legend(language).data)  # noqa: S704  # made here
    values = {"made_of": digest, "months": months, "legend": legend, "up": label(say("All runs"), language)}
    return html_report.save_page(path, "client.html", title=title, language=language or "en", **values)


def _parts(line: Sequence[PlanEnding], number: int, read: Any, language: Language) -> dict[str, Markup]:
    """What a page tells of a month beside its line: heading -> content."""
    parts = {"": _runs(line, language)}
    made = next((one for one in reversed(line) if one.rows and not one.of_watch), None)
    told = read(made.run) if made and number < _TOLD else None
    if made is None or told is None:
        return parts
    watched = next((one for one in line[line.index(made) :] if one.of_watch), None)
    seen = read(watched.run) if watched else None
    to_do = told.of(made)
    known = {one.where for one in to_do}
    to_do += [one for one in (seen.of(watched) if seen and watched else []) if one.where not in known]
    rows = told.rows(made.plan)
    issues = [row for row in rows if row["key"]]
    number_of_issues = say("1 issue") if len(issues) == 1 else say("{count} issues", count=len(issues))
    shown = {
        say("What a person has to do"): audit.to_do_table(to_do, language),
        say("Issues"): html_report.details(label(number_of_issues, language), audit.issue_table(issues, language)),
        say("Checks"): _checks(told.record, made.plan, language),
    }
    made_here = {label(name, language): Markup(content.data) for name, content in shown.items()}  # noqa: S704
    return {**parts, **made_here}


def _runs(line: Sequence[PlanEnding], language: Language) -> Markup:
    newest = [*line][: -_LISTED - 1 : -1]
    listed = [[file_link(one.told, f"{_UP}{one.run}/{one.page}") if one.page else one.told] for one in newest]
    number = say("1 run") if len(line) == 1 else say("{count} runs", count=len(line))
    shown = html_report.details(label(number, language), html_report.table([label(say("run"), language)], listed))
    return Markup(shown.data)  # noqa: S704  # made here


def _checks(record: RunRecord, plan: str, language: Language) -> Any:
    found = checks.read(record, plan)
    rows = [
        [*labels((one.of, one.question), language), one.passed, one.odd or "·", one.stopped or "·"] for one in found
    ]
    columns = labels((say("check"), say("question"), say("passed"), say("odd"), say("stopped")), language)
    return html_report.table(columns, rows, numbers=columns[2:]) if rows else nothing(label(say("None."), language))
