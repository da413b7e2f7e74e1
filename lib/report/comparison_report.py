"""A comparison of two runs as a report: what was taken away is struck out, what came in is underlined."""

import difflib
import re

from IPython.display import HTML
from markupsafe import Markup, escape

from lib.report import html_report
from lib.report.comparison import Comparison, Difference

_AROUND = 6  # words shown beside a difference
_WORD = re.compile(r"\S+\s*|\s+")


def bottom_line(comparison: Comparison) -> str:
    """What was compared, and how much differs; one sentence."""
    counts = comparison.counts()
    same, went_on = counts.pop("same rows"), counts.pop("rows as expected", 0)
    listed = ", ".join(f"{count} in {kind}s" for kind, count in counts.items()) or "none"
    onward = f", {went_on} went on as expected" if went_on else ""
    return f"{comparison.then.name} → {comparison.now.name}: {same} rows are the same{onward}; differences: {listed}."


def show_bottom_line(comparison: Comparison) -> HTML:
    """The bottom line, in green when nothing differs."""
    news = any(not one.expected for one in comparison.differences)
    return html_report.sentence(bottom_line(comparison), kind="attention" if news else "good")


def show(comparison: Comparison, *kinds: str) -> HTML:
    """The differences of these kinds: parameter, source, client, row, draft, outcome."""
    rows = [
        [one.client, one.row, one.topic, one.what, word_diff(one.then, one.now)]
        for kind in kinds
        for one in comparison.of(kind)
    ]
    if not rows:
        return html_report.nothing("Nothing differs.")
    return html_report.table(["client", "row", "topic", "what", "then → now"], rows, numbers=["row"], cards=True)


def transitions(comparison: Comparison) -> dict[str, list[Difference]]:
    """The rows that went on as expected, by how: `created → existing`."""
    found: dict[str, list[Difference]] = {}
    for one in comparison.expected:
        found.setdefault(f"{one.then} → {one.now}", []).append(one)
    return found


def show_expected(comparison: Comparison) -> HTML:
    """The rows that went on as expected, how many of each kind; a click lists them."""
    parts = [
        html_report.details(
            f"{len(rows)} × {transition}",
            html_report.table(["client", "row", "topic"], [[r.client, r.row, r.topic] for r in rows], numbers=["row"]),
        ).data
        for transition, rows in transitions(comparison).items()
    ]
    return HTML("\n".join(parts)) if parts else html_report.nothing()


def word_diff(then: str, now: str) -> Markup:
    """Both texts as one: words taken away are struck out, new ones underlined, long stretches of the same left out."""
    old, new = _WORD.findall(then), _WORD.findall(now)
    parts: list[Markup] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            parts.append(escape(_shortened(old[i1:i2], first=i1 == 0, last=i2 == len(old))))
            continue
        if i2 > i1:
            parts.append(Markup("<del>{}</del>").format("".join(old[i1:i2])))
        if j2 > j1:
            parts.append(Markup("<ins>{}</ins>").format("".join(new[j1:j2])))
    return Markup().join(parts)


def _shortened(words: list[str], *, first: bool, last: bool) -> str:
    before = "" if first else "".join(words[:_AROUND])
    after = "" if last else "".join(words[-_AROUND:])
    kept = (0 if first else _AROUND) + (0 if last else _AROUND)
    return f"{before}… {after}" if len(words) > kept + 1 else "".join(words)
