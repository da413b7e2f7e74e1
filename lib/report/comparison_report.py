"""A comparison of two runs as a report: what was taken away is struck out, what came in is underlined."""

import difflib
import re

from IPython.display import HTML
from markupsafe import Markup, escape

from lib.report import html_report
from lib.report.comparison import Comparison

_AROUND = 6  # words shown beside a difference
_WORD = re.compile(r"\S+\s*|\s+")


def bottom_line(comparison: Comparison) -> str:
    """What was compared, and how much differs; one sentence."""
    counts = comparison.counts()
    same = counts.pop("same rows")
    listed = ", ".join(f"{count} in {kind}s" for kind, count in counts.items()) or "none"
    return f"{comparison.then.name} → {comparison.now.name}: {same} rows are the same; differences: {listed}."


def show_bottom_line(comparison: Comparison) -> HTML:
    """The bottom line, in green when nothing differs."""
    return html_report.sentence(bottom_line(comparison), kind="attention" if comparison.differences else "good")


def show(comparison: Comparison, *kinds: str) -> HTML:
    """The differences of these kinds: parameter, source, client, row, draft, outcome."""
    rows = [
        [one.client, one.row, one.topic, one.what, word_diff(one.then, one.now)]
        for kind in kinds
        for one in comparison.of(kind)
    ]
    if not rows:
        return html_report.nothing("Nothing differs.")
    return html_report.table(["client", "row", "topic", "what", "then → now"], rows, numbers=["row"])


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
