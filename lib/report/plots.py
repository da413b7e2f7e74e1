"""Plots that answer a question, as SVG: their text stays text, and takes the colour of the page that it stands on."""

import io
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
from IPython.display import HTML, SVG
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lib.exactly_once.reconcile import Outcome
from lib.formats import match_key, parse_month
from lib.report import audit
from lib.report.html_report import nothing
from lib.run.run_record import RunRecord

_INK = "#010203"  # stands for the page's own text colour
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "plots",
    "text.parse_math": False,  # a dollar sign in a client's name is no formula
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "text.color": _INK,
    "axes.labelcolor": _INK,
    "axes.edgecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlelocation": "left",
    "legend.frameon": False,
}
_WIDTH = 9.0  # inches
_NAME = 34  # characters of a client's name
_FORMS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#76b7b2", "#edc948", "#9c755f", "#bab0ac")
_OUTCOMES = {
    Outcome.CREATED: "#2e9e5b",
    Outcome.EXISTING: "#7fb3d5",
    Outcome.UPDATED: "#4a7fb5",
    Outcome.READY: "#a9b4bd",
    audit.NOT_REACHED: "#6e7b85",
    Outcome.REFUSED: "#e8963e",
    Outcome.REJECTED: "#d64541",
    Outcome.UNCERTAIN: "#8e5fb0",
    Outcome.FLAGGED: "#e3c02b",
}


def content_per_day(record: RunRecord) -> SVG | HTML:
    """How many pieces of content are published on each day of the month, by form."""
    if len(record.months) != 1 or not any(row.get("publication_date") for row in record.rows):
        return nothing("There are no rows of one month with their dates.")
    month = parse_month(record.months[0])
    first = f"{month.year:04}-{month.month:02}"
    days: dict[str, Counter[int]] = defaultdict(Counter)
    spelled: dict[str, str] = {}  # the same form in another case is the same form
    for row in record.rows:
        if (date := row.get("publication_date")) and date.startswith(first):
            form = spelled.setdefault(match_key(row.get("form")), row.get("form") or "no form")
            days[form][int(date[8:])] += 1
    if not days:
        return nothing(f"No row has a date in {month}.")

    def draw(axes: Axes) -> None:
        below = [0] * 31
        for number, (form, counts) in enumerate(sorted(days.items())):
            heights = [counts[day] for day in range(1, 32)]
            axes.bar(range(1, 32), heights, bottom=below, label=_cut(form), color=_FORMS[number % len(_FORMS)])
            below = [base + height for base, height in zip(below, heights, strict=True)]
        axes.set_xlim(0.4, 31.6)
        axes.set_xticks(range(1, 32))
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel(f"day of {month}")
        axes.legend(ncols=min(len(days), 5), loc="upper left", bbox_to_anchor=(0, -0.18))

    return _svg(f"Pieces of content per day, {month}", 3.2, draw)


def outcomes_per_client(record: RunRecord) -> SVG | HTML:
    """How many rows of each client ended how."""
    clients = record.result.get("summary", {}).get("clients", {})
    if not record.counts.get("rows"):
        return nothing("The run counts no row.")

    def draw(axes: Axes) -> None:
        left = [0] * len(clients)
        for outcome, colour in _OUTCOMES.items():
            widths = [audit.split(counts)[outcome] for counts in clients.values()]
            if any(widths):
                bars = axes.barh(range(len(clients)), widths, left=left, label=str(outcome), color=colour)
                axes.bar_label(bars, [str(width or "") for width in widths], label_type="center", color="#111111")
            left = [base + width for base, width in zip(left, widths, strict=True)]
        _name_rows(axes, [_cut(name) for name in clients])
        axes.set_xlabel("rows")
        axes.legend(ncols=8, loc="lower left", bbox_to_anchor=(0, 1.0), fontsize=8)

    return _svg("Rows per client, by outcome", 0.9 + 0.28 * len(clients), draw, pad=24)


def time_per_step(record: RunRecord) -> SVG | HTML:
    """Where the time went, all clients together."""
    total: Counter[str] = Counter()
    for plan in record.plans.values():
        total.update(plan.get("seconds", {}))
    if not any(total.values()):
        return nothing("No step was timed.")
    return bars("Time per step, all clients together (seconds)", total, "seconds")


def bars(title: str, values: Mapping[str, float], unit: str) -> SVG:
    """One horizontal bar per value, in the order given, with the value at its end."""

    def draw(axes: Axes) -> None:
        drawn = axes.barh(range(len(values)), list(values.values()), color=_FORMS[0])
        axes.bar_label(drawn, [f" {value:,.1f}" for value in values.values()])
        _name_rows(axes, list(values))
        axes.set_xlabel(unit)

    return _svg(title, 0.8 + 0.28 * len(values), draw)


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name horizontal bars, the first one on top."""
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _svg(title: str, height: float, draw: Callable[[Axes], None], *, pad: float = 8) -> SVG:
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the browser has the glyphs that matplotlib's font lacks
        figure = Figure(figsize=(_WIDTH, height + 0.5), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        draw(axes)
        axes.set_title(title, fontsize=11, fontweight="bold", pad=pad)
        written = io.StringIO()
        figure.savefig(
            written, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Title": title}
        )
    drawing = written.getvalue()
    drawing = (
        drawing[drawing.index("<svg") :]
        .replace(_INK, "currentColor")
        .replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
    )
    return SVG(drawing)


def _cut(name: str) -> str:
    return name if len(name) <= _NAME else f"{name[:_NAME]}…"
