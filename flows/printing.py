"""What a command prints when its run has ended: rows per outcome, what people have to look at, and where the report is.

Everything goes through `say`, for names and cells are anybody's text.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from flows.reporting_flow import Result
from lib.exactly_once.reconcile import NEEDS_A_PERSON, Outcome
from lib.files import RESULT
from lib.formats import cut, one_line, plural
from lib.terminal import printable
from lib.update.three_way import State

_PLAIN_WIDTH = 130  # where output is no terminal
_PROBLEMS_SHOWN = 10
_TOLD = (Outcome.REFUSED, *NEEDS_A_PERSON)
_OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.UPDATED)  # which most flows never have
_FIELDS = {
    State.UPDATED: "fields carried over",
    State.WAITING: "fields not sent",
    State.KEPT: "fields that a person changed in Jira, kept",
}
_SHOWN_OF_VALUE = 60  # characters
_ROOM_FOR_NAMES = 24  # columns of a terminal; a longer name takes more lines
_NARROW_ROOM = 16


def console() -> Console:
    """Standard output; wide enough for the table where it is no terminal."""
    return Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH, emoji=False)


def say(to: Console, text: str, *, style: str = "", indent: int = 0) -> None:
    """Print a text as it is, on one line where a program reads it, and on lines broken between words on a terminal."""
    shown = Text(printable(text), style)
    if to.is_terminal:
        to.print(Padding.indent(shown, indent) if indent else shown)
    else:
        to.print(Text(" " * indent) + shown, soft_wrap=True)


def _say_place(to: Console, name: str, place: object) -> None:
    """Print a path or an address, which is copied as one piece."""
    to.print(Text(printable(f"{name}: {place}")), soft_wrap=True)


def show_outcomes(result: Result) -> None:
    """Print a table of rows per outcome and client if there are any, what people have to look at, and how it ended."""
    to = console()
    if result["summary"]["clients"]:
        _show_counts(to, result)
    _show_problems(to, result)
    show_end(to, result)


def show_updates(result: Result) -> None:
    """As `show_outcomes`, and before what people have to look at: which fields were changed, would be, or are a person's."""
    to = console()
    if result["summary"]["clients"]:
        _show_counts(to, result)
    for state in (State.UPDATED, State.WAITING, State.KEPT):
        found = [(row, one) for row in result["data"] for one in row.get("fields", []) if one["state"] == state]
        if found:
            say(to, f"{_FIELDS[state]}: {len(found):,}", style="bold")
        for row, one in found[:_PROBLEMS_SHOWN]:
            old, new = (cut(one_line(one[side]), _SHOWN_OF_VALUE) for side in ("jira", "plan"))
            values = f"{old} → {new}" if state is not State.KEPT else f"{old}; the plan says {new}"
            say(to, f"{row['client']}, {one['cell']}: {row['key']}, {one['field']}: {values}", indent=2)
        if len(found) > _PROBLEMS_SHOWN:
            say(to, f"… and {len(found) - _PROBLEMS_SHOWN:,} more in {RESULT}", indent=2)
    _show_problems(to, result)
    show_end(to, result)


def _show_counts(to: Console, result: Result) -> None:
    """As a table if there is room: with all outcomes, or those that occur; else a line of words per client."""
    summary = result["summary"]
    clients = {printable(client): counts for client, counts in summary["clients"].items()}
    all_outcomes = _outcomes(summary)
    occurring = [name for name in all_outcomes if summary.get(name)]
    say(to, str(result.get("flow", "")), style="italic")
    longest = max(map(cell_len, clients))
    if not to.is_terminal:
        to.width = max(to.width, longest + _width_of_numbers(all_outcomes, summary, boxed=True))
    for outcomes, boxed in ((all_outcomes, True), (occurring, True), (occurring, False)):
        room = to.width - _width_of_numbers(outcomes, summary, boxed=boxed)
        least = _ROOM_FOR_NAMES if boxed else _NARROW_ROOM
        if room >= min(least, longest):
            to.print(_table(clients, summary, outcomes, boxed=boxed))
            return
    for client, counts in {**clients, "all": summary}.items():
        told = ", ".join(f"{counts[name]:,} {name}" for name in all_outcomes if counts.get(name))
        say(to, client, style="bold")
        say(to, ": ".join(filter(None, (plural(counts.get("rows", 0), "row"), told))), indent=2)


def _outcomes(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """The outcomes of a table: `updated` beside `existing`, where it occurs."""
    if not summary.get(Outcome.UPDATED):
        return _OUTCOMES
    return tuple(outcome.value for outcome in Outcome)


def _width_of_numbers(outcomes: Sequence[str], summary: Mapping[str, Any], *, boxed: bool) -> int:
    """What the columns of numbers take, and the frame around all."""
    names = ("rows", *outcomes)
    between = 3 if boxed else 1
    frame = between + 1 if boxed else 0
    return sum(max(len(name), len(f"{summary.get(name, 0):,}")) + between for name in names) + frame


def _table(clients: Mapping[str, Any], summary: Mapping[str, Any], outcomes: Sequence[str], *, boxed: bool) -> Table:
    frame: dict[str, Any] = {} if boxed else {"box": None, "pad_edge": False, "padding": (0, 1, 0, 0)}
    names = ("rows", *outcomes)
    numbers = [Column(name, justify="right", no_wrap=True) for name in names]
    table = Table(Column("client", overflow="fold"), *numbers, **frame)
    for client, counts in clients.items():
        table.add_row(Text(client), *(f"{counts[name]:,}" if counts.get(name) else "·" for name in names))
    table.add_section()
    table.add_row("all", *(f"{summary.get(name, 0):,}" for name in names))
    return table


def _show_problems(to: Console, result: Mapping[str, Any]) -> None:
    """What people have to look at: where, and what to do; the first ones of each kind."""
    failed = [
        {"client": name, "where": "", "message": plan["error"]}
        for name, plan in result.get("clients", {}).items()
        if plan.get("error")
    ]
    told = {name: result.get(name, []) for name in ("blocking", "warnings")}
    if not any(told.values()):
        told = {
            outcome: [
                {"client": record["client"], "row": record["row"], **problem}
                for record in result["data"]
                if record.get("outcome") == outcome
                for problem in record["problems"]
                if problem["level"] == "error"
            ]
            for outcome in _TOLD
        }
    for name, found in {"failed": failed, **told}.items():
        rows = {(problem["client"], problem["row"]) for problem in found if "row" in problem}
        if found:
            in_rows = f" in {plural(len(rows), 'row')}" if len(found) > len(rows) > 0 else ""
            say(to, f"{name}: {len(found):,}{in_rows}", style="bold")
        for problem in found[:_PROBLEMS_SHOWN]:
            where = ", ".join(filter(None, (problem["client"], problem["where"])))
            say(to, ": ".join(filter(None, (where, problem["message"]))), indent=2)
        if len(found) > _PROBLEMS_SHOWN:
            say(to, f"… and {len(found) - _PROBLEMS_SHOWN:,} more in {RESULT}", indent=2)


def show_end(to: Console, result: Result) -> None:
    """Print what was done, what failed, and where the report is."""
    text = result.get("bottom_line") or f"The run failed: {result.get('error')}"
    say(to, text, style="red" if result.get("error") else "bold")
    if result.get("run_folder"):
        _say_place(to, "Run folder", result["run_folder"])
        for page in sorted(Path(result["run_folder"]).glob("*.html")):
            _say_place(to, "Report", page)


def runs(output: Path, flow: str) -> set[Path]:
    """The folders of the flow's runs that there are."""
    name = re.compile(rf"\d+_\d+_{re.escape(flow)}(_\d+)?")
    try:
        return {folder for folder in output.iterdir() if name.fullmatch(folder.name)}
    except OSError:
        return set()


def stopped(made: Iterable[Path]) -> str:
    """What to print about a run that Ctrl-C ended: what there is of it (`made` are the folders that came since it began), and no more."""
    folder = max(made, default=None)
    if folder is None:
        return "Stopped before the run began; nothing was read or written."
    if pages := sorted(folder.glob("*.html")):
        there = f"{pages[0]} is the report of what was done until then"
    elif (folder / RESULT).exists():
        there = f"There is no report; {folder / RESULT} says what was done until then"
    else:
        there = f"There is neither report nor result; {folder} has what was saved until then"
    return printable(f"Stopped. {there}. Run the command again to go on.")
