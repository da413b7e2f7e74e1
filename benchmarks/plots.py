"""The results as plots: how long each peer took, and whether the time of a row stays the same."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from benchmarks.rounds import Medians
from benchmarks.runs import Run, title_of

COMPARISON, GROWTH = "wall-seconds.svg", "growth.svg"
_COLOURS = ("#4e79a7", "#f28e2b", "#59a14f", "#b07aa1", "#76b7b2", "#edc948")


def draw(medians: Sequence[Medians], growth: Sequence[Run], folder: Path) -> list[str]:
    """Draw what there is into that folder; the names of the files."""
    drawn = []
    if compared := [one for one in medians if one.work and one.ended == "done"]:
        _save(_bars(compared), folder / COMPARISON)
        drawn.append(COMPARISON)
    if grown := [run for run in growth if run.ended == "done"]:
        _save(_lines(grown), folder / GROWTH)
        drawn.append(GROWTH)
    return drawn


def _bars(medians: Sequence[Medians]) -> Figure:
    peers = list(dict.fromkeys(one.peer for one in medians))
    colours = {peer: _COLOURS[number % len(_COLOURS)] for number, peer in enumerate(peers)}
    figure = Figure(figsize=(9, 1.2 + 0.3 * len(medians)), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(range(len(medians)), [one.wall_s for one in medians], color=[colours[one.peer] for one in medians])
    axes.bar_label(bars, [f" {one.wall_s:,.1f}" for one in medians])
    axes.set_yticks(range(len(medians)), [f"{one.work}, {one.latency_ms} ms, {title_of(one.peer)}" for one in medians])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("seconds, logarithmic")
    axes.set_title("Wall time of each work (seconds)", loc="left")
    return figure


def _lines(runs: Sequence[Run]) -> Figure:
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, measure, label in ((left, _ms_a_row, "milliseconds a row"), (right, _memory, "memory (MB)")):
        for peer, kind in dict.fromkeys((run.peer, run.work) for run in runs):
            of = [run for run in runs if (run.peer, run.work) == (peer, kind)]
            name = f"{title_of(peer)}, {'one plan' if kind == 'rows' else 'many plans'}"
            axes.plot([run.rows for run in of], [measure(run) for run in of], marker="o", label=name)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("rows")
        axes.set_title(f"{label[0].upper()}{label[1:]}", loc="left")
    left.legend(frameon=False, fontsize=8)
    return figure


def _ms_a_row(run: Run) -> float:
    return 1000 * run.wall_s / run.rows


def _memory(run: Run) -> float:
    return run.peak_mb


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasSVG(figure)
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
