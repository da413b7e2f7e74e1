"""Tables and sentences for notebooks. What comes from a sheet is text here, never HTML and never a formula."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown
from pandas.api.types import is_string_dtype

from lib.exactly_once.reconcile import NEEDS_A_PERSON
from lib.plan import adf
from lib.plan.client_list import Client
from lib.plan.content_plan import ContentPlan
from lib.plan.field_mapping import Source
from lib.plan.issue_draft import Drafts, IssueDraft
from lib.plan.problems import Problem
from lib.report import html_report
from lib.watch.plan_watch import Findings

LONGEST = 2_200  # characters of a cell that a page shows: those of the longest caption that Instagram takes; Sheets takes 50,000
_LINE = 80  # those where a table is plain text: its columns stand beside each other, each as wide as its longest cell
_WIDEST = 48  # characters of a line that a column has room for; in a narrow window the table is moved sideways
_PER_CHARACTER_EM = 0.5
_AROUND_EM = 1.5  # a cell's margins in JupyterLab
# Only what JupyterLab leaves in notebooks that were executed elsewhere: no `overflow-wrap: anywhere`, no widths in `ch`.
_STYLE = "text-align: left; vertical-align: top; white-space: pre-wrap; overflow-wrap: break-word; max-width: 40em"
_CELL = re.compile(r'<(t[dh])(?: style="(min-width: [^;]+;) *")?>')


class Table(pd.DataFrame):
    """
    A table of words, which stand to the left in JupyterLab, each text in lines within its column; so does what is made of it.

    It holds texts whole. Shown, a text ends after `LONGEST` characters and says how many more there are: a notebook keeps all
    that its cells showed, and a sheet's cell may hold twenty times that.
    """

    @property
    def _constructor(self) -> "type[Table]":
        return Table

    def _repr_html_(self) -> str:
        widths = [f"{_width_em(label, self.iloc[:, place]):g}em" for place, label in enumerate(self.columns)]
        html = self.to_html(formatters=self._formatters(_whole), col_space=widths, border=0, **self._rows())
        return _CELL.sub(lambda cell: f'<{cell[1]} style="{" ".join(filter(None, (cell[2], _STYLE)))}">', html)

    def __repr__(self) -> str:
        return str(self.to_string(formatters=self._formatters(_in_a_line), **self._rows()))

    def _formatters(self, show: Callable[[object], str]) -> dict[str, Callable[[object], str]]:
        """`show` for each column of texts; numbers and dates are shown as pandas does."""
        types = zip(self.columns, self.dtypes, strict=True)
        return {label: show for label, dtype in types if is_string_dtype(dtype)}

    def _rows(self) -> dict[str, Any]:
        """All rows of a table of `table`, which have no labels; of others as many as pandas is told to show, and their labels."""
        labelled = any(label != "" for label in self.index)
        return {"index": labelled, "max_rows": pd.get_option("display.max_rows") if labelled else None}


def table(records: Iterable[Mapping[str, object]], columns: Iterable[str]) -> Table:
    """A table with these columns, a row per record."""
    show_whole()
    wanted = list(columns)
    rows = [[record.get(column, "") for column in wanted] for record in records]
    return Table(rows, columns=wanted, index=[""] * len(rows), dtype=object)


def show_whole() -> None:
    """Let notebooks show texts of any length, as they are."""
    pd.set_option("display.max_rows", 200)
    pd.set_option("display.max_columns", None)
    pd.set_option("display.max_colwidth", None)
    pd.set_option("display.html.use_mathjax", False)  # a price in dollars is no formula


def rows(plan: ContentPlan, count: int = 10) -> Table:
    """The first rows of a plan as people see them, with their numbers in the sheet."""
    records = [
        {"Row": row.row, **{c.label: row.text(c.label) for c in plan.columns}, "Key": row.key}
        for row in plan.rows[:count]
    ]
    return table(records, ["Row", *(column.label for column in plan.columns), "Key"])


def columns(plan: ContentPlan, mapping: Mapping[str, Source]) -> Table:
    """Each column of the plan and the Jira fields that it fills; the others go into the description."""
    filled: dict[str, list[str]] = {}
    for field, source in mapping.items():
        filled.setdefault(plan.label(source.column) or "", []).append(field)
    records = [
        {
            "Column": column.label,
            "Known as": column.name or "",
            "Holds": column.data_type,
            "Goes to": ", ".join(filled.get(column.label, ["description"])),
        }
        for column in plan.columns
    ]
    return table(records, ["Column", "Known as", "Holds", "Goes to"])


def problems(found: Iterable[Problem]) -> Table:
    """Where something is wrong or odd, what, and what to write instead."""
    return table(({"Cell": p.where, "What to do": p.message} for p in found), ["Cell", "What to do"])


def refused(drafts: Drafts) -> Table:
    """The rows that our checks stopped, with the cell and the reason."""
    stopped = [
        problem for draft in drafts.data if draft.refused for problem in draft.problems if problem.level == "error"
    ]
    return problems(stopped)


def warnings(drafts: Drafts) -> Table:
    """What is odd, in the plan or in rows that go on."""
    odd = [problem for draft in drafts.data for problem in draft.problems if problem.level == "warning"]
    return problems([*drafts.problems, *odd])


def issues(drafts: Drafts, fields: Iterable[str], count: int = 10) -> Table:
    """The first issues that would be made, one row each, with these fields."""
    good = [draft for draft in drafts.data if not draft.refused]
    wanted = list(fields)
    return table(({"Row": draft.row, **_shown(draft, wanted)} for draft in good[:count]), ["Row", *wanted])


def issue(draft: IssueDraft, custom_fields: Mapping[str, str]) -> HTML:
    """One issue as Jira would show it: its fields by name, then its description; what stops it if it was refused."""
    if draft.refused:
        return html_report.table(["cell", "what to do"], [[p.where, p.message] for p in draft.problems])
    names = {identifier: name for name, identifier in custom_fields.items()}
    sent = draft.as_jira()
    description = sent.pop("description", None)
    rows = [[names.get(name, name), adf.plain_value(value)] for name, value in sent.items()]
    rendered = adf.as_html(description) if isinstance(description, dict) else ""
    return HTML(f"{html_report.table(['field', 'value'], rows).data}{rendered}")


def clients(listed: Iterable[Client]) -> Table:
    """The clients of the list, with what they ordered for a month."""
    records = [
        {
            "Client": c.name,
            "Folder": c.folder_id or "(none)",
            "Quota": ", ".join(f"{n} {f}" for f, n in c.quota.items()),
        }
        for c in listed
    ]
    return table(records, ["Client", "Folder", "Quota"])


def changes(findings: Findings) -> Table:
    """What is different from what the issues were made from: one line per changed column."""
    records = [
        {"Row": f.row, "Issue": f.key, "Column": c.column, "Then": c.old, "Now": c.new}
        for f in findings.data
        for c in f.changes
    ]
    return table(records, ["Row", "Issue", "Column", "Then", "Now"])


def flagged(findings: Findings) -> Table:
    """What else a person should look at, and what to do."""
    others = [f for f in findings.data if not f.changes and f.outcome in NEEDS_A_PERSON]
    return problems([*findings.problems, *(problem for f in others for problem in f.problems)])


def watch_line(findings: Findings) -> Markdown:
    """How many rows are as their issues were made from, and how many are not."""
    total, changed = len(findings.data), sum(bool(f.changes) for f in findings.data)
    other = sum(not f.changes and f.outcome in NEEDS_A_PERSON for f in findings.data)
    return Markdown(f"**{total} rows**: {changed} changed after their issue was made, {other} wait for a person.")


def bottom_line(drafts: Drafts) -> Markdown:
    """How many rows become issues and how many are refused; the sum closes."""
    total, stopped = len(drafts.data), sum(draft.refused for draft in drafts.data)
    return Markdown(f"**{total} rows**: {total - stopped} become issues, {stopped} are refused.")


def _shown(draft: IssueDraft, fields: Iterable[str]) -> dict[str, object]:
    sent = draft.as_jira()
    return {name: adf.plain_value(sent.get(name, "")) for name in fields}


def _whole(value: object) -> str:
    text = str(value)
    return f"{text[:LONGEST]}… {len(text) - LONGEST:,} more characters" if len(text) > LONGEST else text


def _in_a_line(value: object) -> str:
    text = str(value).replace("\n", " ⏎ ")
    return f"{text[:_LINE]}…" if len(text) > _LINE else text


def _width_em(label: object, cells: Iterable[object]) -> float:
    """Room for a column's longest line, as far as it is given room."""
    lines = (line for value in (label, *cells) for line in str(value)[:LONGEST].split("\n"))
    return min(max(map(len, lines)), _WIDEST) * _PER_CHARACTER_EM + _AROUND_EM
