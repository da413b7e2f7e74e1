"""A plan and its drafts as DataFrames for analysts: whole, typed, and indexed by the sheet's row numbers.

The way from the sheet to Jira does not go through these: a date or number that cannot be read must stay the cell that it is.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lib.dates import parse_date
from lib.formats import FormatError
from lib.plan import adf
from lib.plan.content_plan import KEY, Column, ContentPlan, PlanRow
from lib.plan.issue_draft import Drafts
from lib.report import tables
from lib.report.tables import Table

_DATE = "Tanggal"


def frame(plan: ContentPlan) -> Table:
    """
    The rows of a plan, a column per header in sheet order, and Key; empty cells are missing values, and nothing is cut.

    Dates are `datetime64` (Tanggal), numbers `Int64` or `Float64`, ticks `boolean`, texts `string`, with the addresses behind
    their words. A column of mixed content, or of dates of which one cannot be read, holds objects: what can be read as it was
    read, the rest as text.
    """
    index = pd.Index([row.row for row in plan.rows], name="Row")
    columns = {column.label: _column(plan.rows, column, index) for column in plan.columns}
    columns[KEY] = pd.Series([row.key or None for row in plan.rows], index=index, dtype="string")
    tables.show_whole()
    return Table(columns, index=index)


def drafts_frame(drafts: Drafts, custom_fields: Mapping[str, str]) -> Table:
    """
    The fields of each draft as people would say them, a column per field, custom ones by their name in `custom_fields`.

    A refused row has none, and in the column `Refused` why.
    """
    index = pd.Index([draft.row for draft in drafts.data], name="Row")
    names = {field_id: name for name, field_id in custom_fields.items()}
    records = [
        {names.get(name, name): adf.plain_value(value) for name, value in draft.as_jira().items()}
        for draft in drafts.data
    ]
    made = Table.from_records(records, index=index)
    why = ["; ".join(f"{p.where} {p.message}" for p in draft.problems if p.level == "error") for draft in drafts.data]
    made["Refused"] = pd.Series([text or None for text in why], index=index, dtype="string")
    tables.show_whole()
    return made


def _column(rows: Sequence[PlanRow], column: Column, index: pd.Index) -> pd.Series:
    """One column's cells in the type that all of them have."""
    cells = [_cell(row, column.label) for row in rows]
    if column.name == _DATE:
        dates = [_day(cell) for cell in cells]
        all_read = all(date is None or isinstance(date, pd.Timestamp) for date in dates)
        return pd.Series(dates, index=index, dtype="datetime64[s]" if all_read else object)
    if column.data_type == "number":
        whole = all(cell is None or float(cell).is_integer() for cell in cells)
        return pd.Series(cells, index=index, dtype="Int64" if whole else "Float64")
    types = {"text": "string", "boolean": "boolean", "empty": "string"}
    return pd.Series(cells, index=index, dtype=types.get(column.data_type, object))


def _cell(row: PlanRow, label: str) -> Any:
    value = row.values.get(label)  # noqa: PD011  # a dict
    return row.content(label) or None if isinstance(value, str | None) else value


def _day(value: Any) -> Any:
    """A date as such; what is none stays what it is."""
    try:
        return None if value is None else pd.Timestamp(parse_date(value).day)
    except FormatError:
        return value
