"""Which column of the plans became which field of the issues, and which went into the description: from what the notebooks made. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from IPython.display import HTML

from lib import files
from lib.errors import FixInputError
from lib.files import DRAFTS, ROWS
from lib.formats import one_line, plural
from lib.plan import rows_file
from lib.plan.content_plan import Column
from lib.plan.issue_draft import shown_field
from lib.report import html_report
from lib.run.run_record import RunRecord
from lib.services import a1

DESCRIPTION = "description"


@dataclass
class Lineage:
    """
    Where the cells of plans that were mapped alike went.

    Attributes:
        columns: Label -> the fields that were made from it.
        fixed: The fields that hold for all issues of a client.
        clients: Whose plans these are.
        drafts: Issues that were drafted.
        described: Label -> in how many of their descriptions it stands.
    """

    columns: dict[str, tuple[str, ...]]
    fixed: tuple[str, ...]
    clients: list[str] = field(default_factory=list)
    drafts: int = 0
    described: Counter[str] = field(default_factory=Counter)


def read(record: RunRecord) -> list[Lineage]:
    """The plans of a run by how they were mapped; those of which no notebook made drafts are left out."""
    found: dict[Any, Lineage] = {}
    for name, plan in record.plans.items():
        folder = record.folder / (plan.get("folder") or "")
        try:
            columns, drafts = rows_file.load(folder / ROWS).columns, files.read_json(folder / DRAFTS)["data"]
            one = _of_plan(columns, [draft for draft in drafts if draft["fields"]])
        except (FixInputError, KeyError, TypeError, AttributeError):  # it came to neither, or somebody changed them
            continue
        if not one.drafts:
            continue
        same = found.setdefault((tuple(one.columns.items()), one.fixed), Lineage(one.columns, one.fixed))
        same.clients.append(name)
        same.drafts += one.drafts
        same.described += one.described
    return [*found.values()]


def _of_plan(columns: Iterable[Column], drafts: list[dict[str, Any]]) -> Lineage:
    labels = {a1.column_letter(column.index): column.label for column in columns}
    fields = dict.fromkeys(name for draft in drafts for name in draft["cells"])
    of_label: dict[str, list[str]] = {label: [] for label in labels.values()}
    for name in fields:
        cell = next(draft["cells"][name] for draft in drafts if name in draft["cells"])
        of_label[labels[re.sub("[0-9]+$", "", cell.rpartition("!")[2])]].append(name)
    fixed = dict.fromkeys(
        name for draft in drafts for name, value in draft["fields"].items() if value is not None and name not in fields
    )
    fixed.pop(DESCRIPTION, None)
    described = Counter(
        label
        for sections in (_sections(draft["fields"].get(DESCRIPTION)) for draft in drafts)
        for label in of_label
        if one_line(label) in sections
    )
    return Lineage({label: tuple(names) for label, names in of_label.items()}, tuple(fixed), [], len(drafts), described)


def _sections(document: Mapping[str, Any] | None) -> set[str]:
    """The labels in a description: what each of its paragraphs begins with, in bold."""
    begins = (block.get("content", [{}])[:1] for block in (document or {}).get("content", []))
    bold = (node for nodes in begins for node in nodes if {"type": "strong"} in node.get("marks", []))
    return {node["text"].strip().removesuffix(":") for node in bold}


def show(record: RunRecord, custom_fields: Mapping[str, str]) -> HTML:
    """
    A table per way in which plans were mapped.

    Args:
        record: The run.
        custom_fields: Field name -> id, to call fields as people do.
    """
    names = {identifier: name for name, identifier in custom_fields.items()}
    found = [(f"{_named(one)}: {plural(len(one.columns), 'column')}", _table(one, names)) for one in read(record)]
    if not found:
        return html_report.nothing()
    if len(found) == 1:
        return found[0][1]
    return HTML("\n".join(html_report.details(summary, content).data for summary, content in found))


def _named(one: Lineage) -> str:
    more = f" and {len(one.clients) - 3} more" if len(one.clients) > 3 else ""  # noqa: PLR2004  # names that a line has room for
    return f"{', '.join(one.clients[:3])}{more}"


def _table(one: Lineage, names: Mapping[str, str]) -> HTML:
    rows = [
        [
            label,
            ", ".join(shown_field(name, names) for name in made) or (DESCRIPTION if one.described[label] else "·"),
            one.described[label] or "·",
        ]
        for label, made in one.columns.items()
    ]
    shown = html_report.table(["column", "became", "stands in descriptions"], rows, numbers=["stands in descriptions"])
    fixed = ", ".join(shown_field(name, names) for name in one.fixed)
    text = f"{plural(one.drafts, 'issue')} drafted. The same for all issues of a client: {fixed or 'no field'}."
    return HTML(shown.data + html_report.sentence(text).data)
