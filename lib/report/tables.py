"""Tables and sentences for notebooks. What comes from a sheet is text here, never HTML and never a formula."""

import re
from collections.abc import Iterable, Mapping

import pandas as pd
from IPython.display import HTML, Markdown

from lib.exactly_once.reconcile import NEEDS_A_PERSON
from lib.plan import adf
from lib.plan.client_list import Client
from lib.plan.content_plan import ContentPlan
from lib.plan.field_mapping import Source
from lib.plan.issue_draft import Drafts, IssueDraft
from lib.plan.problems import Problem
from lib.report import html_report
from lib.watch.plan_watch import Findings

_SHOWN = 80  # characters of a cell in a table


class _Table(pd.DataFrame):
    """A table of words: JupyterLab would move them to the right, and pandas leave out columns and rows."""

    def _repr_html_(self) -> str:
        html = self.to_html(max_rows=None, max_cols=None, index=False, border=0)
        return re.sub(r"<(t[dh])>", r'<\1 style="text-align: left; vertical-align: top">', html)


def table(records: Iterable[Mapping[str, object]], columns: Iterable[str], *, longest: int = _SHOWN) -> pd.DataFrame:
    """A table with these columns; texts are cut after `longest` characters, the JSON beside the notebook has them whole."""
    show_whole()
    wanted = list(columns)
    rows = [[_short(record.get(column, ""), longest) for column in wanted] for record in records]
    return _Table(rows, columns=wanted, index=[""] * len(rows), dtype=object)


def show_whole() -> None:
    """Let notebooks show texts of any length, as they are."""
    pd.set_option("display.max_rows", 200)
    pd.set_option("display.max_columns", None)
    pd.set_option("display.max_colwidth", None)
    pd.set_option("display.html.use_mathjax", False)  # a price in dollars is no formula


def rows(plan: ContentPlan, count: int = 10) -> pd.DataFrame:
    """The first rows of a plan as people see them, with their numbers in the sheet."""
    records = [
        {"Row": row.row, **{c.label: row.text(c.label) for c in plan.columns}, "Key": row.key}
        for row in plan.rows[:count]
    ]
    return table(records, ["Row", *(column.label for column in plan.columns), "Key"])


def columns(plan: ContentPlan, mapping: Mapping[str, Source]) -> pd.DataFrame:
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


def problems(found: Iterable[Problem]) -> pd.DataFrame:
    """Where something is wrong or odd, what, and what to write instead."""
    return table(({"Cell": p.where, "What to do": p.message} for p in found), ["Cell", "What to do"], longest=1_000)


def refused(drafts: Drafts) -> pd.DataFrame:
    """The rows that our checks stopped, with the cell and the reason."""
    stopped = [
        problem for draft in drafts.data if draft.refused for problem in draft.problems if problem.level == "error"
    ]
    return problems(stopped)


def warnings(drafts: Drafts) -> pd.DataFrame:
    """What is odd, in the plan or in rows that go on."""
    odd = [problem for draft in drafts.data for problem in draft.problems if problem.level == "warning"]
    return problems([*drafts.problems, *odd])


def issues(drafts: Drafts, fields: Iterable[str], count: int = 10) -> pd.DataFrame:
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


def clients(listed: Iterable[Client]) -> pd.DataFrame:
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


def changes(findings: Findings) -> pd.DataFrame:
    """What is different from what the issues were made from: one line per changed column."""
    records = [
        {"Row": f.row, "Issue": f.key, "Column": c.column, "Then": c.old, "Now": c.new}
        for f in findings.data
        for c in f.changes
    ]
    return table(records, ["Row", "Issue", "Column", "Then", "Now"])


def flagged(findings: Findings) -> pd.DataFrame:
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


def _short(value: object, longest: int) -> object:
    text = value.replace("\n", " ⏎ ") if isinstance(value, str) else value
    return f"{text[:longest]}…" if isinstance(text, str) and len(text) > longest else text
