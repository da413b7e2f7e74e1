"""How runs ended for each client and month, as a line of runs: for the audit, the index and the clients' pages. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from IPython.display import HTML
from markupsafe import Markup

from lib.exactly_once.reconcile import Outcome
from lib.formats import Month, match_key, parse_month, show_moment
from lib.messages import say
from lib.report import html_report
from lib.report.history import WAITING
from lib.report.html_report import file_link
from lib.report.languages import label
from lib.run.run_folder import file_stem
from lib.run.run_record import RunRecord
from lib.settings import Language

SHOWN = 10  # runs of a line, the newest ones
MONTHS = 3  # of a client, the newest ones
FOLDER = "clients"  # of the clients' pages, in the output folder
SIGNS: Mapping[str, str] = {"good": "✓", "attention": "!", "bad": "✕"}


@dataclass(frozen=True)
class PlanEnding:
    """
    How a run ended for one client's plan of a month.

    Attributes:
        plan: Its name among the run's plans.
        run: Name of its folder; `page` is the file in it that people look at, empty when there is none.
        kind: good, attention or bad.
        waiting: Rows that wait for a person.
        rows: Rows that were read.
        told: When it was, of which flow, and what came of the rows.
        of_watch: Its rows are compared with their issues, not made into issues.
        sandbox: Its client is invented.
    """

    client: str
    month: str
    plan: str
    run: str
    page: str
    kind: str
    waiting: int
    rows: int
    told: str
    of_watch: bool
    sandbox: bool


type Plan = tuple[str, str, bool]  # client, as its name is matched; month; whether it is invented
type Lines = dict[Plan, list[PlanEnding]]


def endings(record: RunRecord) -> list[PlanEnding]:
    """How a run ended for each of its plans; nothing of plans that were not there, and of passes in which nothing was new."""
    if record.result.get("nothing_new"):
        return []
    only = record.months[0] if len(record.months) == 1 else ""
    page = record.page if (record.folder / record.page).is_file() else ""
    found = []
    for name, plan in record.plans.items():
        counts = {key: value for key, value in plan.items() if isinstance(value, int)}
        rows, waiting = counts.get("rows", 0), sum(counts.get(outcome, 0) for outcome in WAITING)
        month = str(plan.get("month") or only)
        if not month or not (rows or plan.get("error")):
            continue
        kind = "bad" if plan.get("error") else "attention" if waiting else "good"
        found.append(
            PlanEnding(
                client=str(plan.get("client") or name),
                month=month,
                plan=name,
                run=record.name,
                page=page,
                kind=kind,
                waiting=waiting,
                rows=rows,
                told=f"{show_moment(record.started_at)}, {record.flow}: {_came_of_it(plan, counts)}",
                of_watch="month" in plan,
                sandbox=bool(record.result.get("sandbox")),
            )
        )
    return found


def _came_of_it(plan: Mapping[str, Any], counts: Mapping[str, int]) -> str:
    named = [f"{counts[outcome]} {outcome}" for outcome in Outcome if counts.get(outcome)]
    return ", ".join([*(["stopped"] if plan.get("error") else []), *named]) or "no rows"


def lines(found: Iterable[PlanEnding]) -> Lines:
    """Clients by name; of each the months, newest first; of each the runs in the order given."""
    by_plan: Lines = {}
    for one in found:
        by_plan.setdefault((match_key(one.client), one.month, one.sandbox), []).append(one)
    order = sorted(by_plan, key=lambda plan: _age(plan[1]), reverse=True)
    return {plan: by_plan[plan] for plan in sorted(order, key=lambda plan: plan[0])}


def _age(month: str) -> tuple[int, int]:
    try:
        read: Month = parse_month(month)
    except ValueError:
        return (0, 0)
    return read.year, read.month


def page_of(plan: Plan) -> str:
    """The page of a line's client, in the output folder: the same for every writing of its name, and for no other client."""
    return f"{FOLDER}/{file_stem(plan[0])}.html"


def newest(found: Lines) -> list[tuple[str, str, list[tuple[str, Markup]]]]:
    """For a page in the output folder: each client, its page there, and the lines of its newest months."""
    by_client: dict[str, list[tuple[Plan, list[PlanEnding]]]] = {}
    for plan, line in found.items():
        by_client.setdefault(plan[0], []).append((plan, line))
    return [
        (parts[0][1][-1].client, page_of(parts[0][0]), [(month_of(plan), chips(line)) for plan, line in parts[:MONTHS]])
        for parts in by_client.values()
    ]


def month_of(plan: Plan) -> str:
    """A line's month, and whether it is the sandbox's."""
    return f"{plan[1]}{', sandbox' if plan[2] else ''}"


def legend(language: Language = "") -> HTML:
    """What the signs mean."""
    meanings = (
        (SIGNS["good"], say("no row waits for a person")),
        (SIGNS["attention"], say("so many rows wait for a correction or a decision")),
        (SIGNS["bad"], say("the plan could not be read or finished")),
    )
    return html_report.legend((sign, label(meaning, language)) for sign, meaning in meanings)


def chips(line: Iterable[PlanEnding], *, up: str = "", here: str = "") -> Markup:
    """
    The newest runs of a line as links, oldest first, each a sign for how it ended.

    Args:
        line: The runs, oldest first.
        up: From the page's folder to the output folder, such as `../`.
        here: The run whose page this is.
    """
    shown = [*line][-SHOWN:]
    return Markup(" ").join(_chip(one, up, here) for one in shown)


def _chip(one: PlanEnding, up: str, here: str) -> Markup:
    text = f"{SIGNS[one.kind]}{f' {one.waiting}' if one.kind == 'attention' else ''}"
    title = f"{one.told}{'; this run' if one.run == here else ''}"
    shown: Markup | str = file_link(text, f"{up}{one.run}/{one.page}") if one.page and one.run != here else text
    mark = " here" if one.run == here else ""
    return Markup('<span class="chip {}{}" title="{}">{}</span>').format(one.kind, mark, title, shown)


def show(record: RunRecord, earlier: Iterable[RunRecord]) -> HTML:
    """
    The line of runs of each of a run's clients, up to this run, for its report.

    Args:
        record: The run.
        earlier: Runs of the same flow and months, newest first.
    """
    own = [one for one in endings(record) if one.client]
    before = [one for run in [*earlier][::-1] for one in endings(run)]
    found = lines([*before, *own])
    wanted = dict.fromkeys((match_key(one.client), one.month, one.sandbox) for one in own)
    rows = [
        [
            file_link(found[plan][-1].client, f"../{page_of(plan)}"),
            plan[1],
            chips(found[plan], up="../", here=record.name),
        ]
        for plan in wanted
    ]
    if not rows:
        return html_report.nothing()
    return HTML(html_report.table(["client", "month", "runs"], rows).data + legend().data)
