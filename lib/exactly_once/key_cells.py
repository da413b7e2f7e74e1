"""The cells of a plan's Key column: the requests that prepare and write them, and what a tab shows when they are written. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from lib.exactly_once import plan_lock
from lib.exactly_once.plan_lock import Holder
from lib.plan import keys
from lib.plan.content_plan import ContentPlan
from lib.services.models import Place, Tab

ROWS_BELOW = 50  # that are prepared below a plan's last one, for what is added before the next run


def column_of(plan: ContentPlan) -> int:
    """Index of the Key column, or of the one that is to be it."""
    return plan.new_key_column if plan.key_column is None else plan.key_column


def request_key_column(plan: ContentPlan, tab: Tab, holder: Holder) -> list[dict[str, Any]]:
    """
    Requests that make the Key column plain text, say whose column it is, and, the last one, point the holder's range at it.

    Plain text, since a key such as MAR-12 would turn into a date; not far below the plan's last row, for each cell with a format
    comes with each answer that has the tab.
    """
    column = column_of(plan)
    where = {"sheetId": tab.id, "startColumnIndex": column, "endColumnIndex": column + 1}
    header = {**where, "startRowIndex": plan.header_row - 1, "endRowIndex": plan.header_row}
    last = max((row.row for row in plan.rows), default=plan.header_row)
    below = {**where, "startRowIndex": plan.header_row, "endRowIndex": min(last + ROWS_BELOW, tab.rows)}
    text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    missing = column + 1 - tab.columns
    more = {"appendDimension": {"sheetId": tab.id, "dimension": "COLUMNS", "length": missing}}
    return [
        *([more] if missing > 0 else []),
        {"repeatCell": {"range": below, "cell": text, "fields": "userEnteredFormat.numberFormat"}},
        {"repeatCell": {"range": header, "cell": {"note": keys.header_note()}, "fields": "note"}},
        plan_lock.request_point(holder, tab.id, column, plan.header_row - 1),
    ]


def replace_text(find: str, replacement: str, tab_id: int, place: Place | None = None) -> dict[str, Any]:
    """A request that replaces a whole cell's text wherever in the tab it stands, or in one cell if it stands there."""
    within: dict[str, Any] = {"sheetId": tab_id}
    if place is not None:
        row, column = place
        rows = {"startRowIndex": row, "endRowIndex": row + 1}
        within = {"range": {**within, **rows, "startColumnIndex": column, "endColumnIndex": column + 1}}
    return {
        "findReplace": {
            "find": find,
            "replacement": replacement,
            "matchEntireCell": True,
            "matchCase": True,
            **within,
        }
    }


def is_as_written(
    shown: Sequence[Sequence[str]], before: Sequence[Sequence[str]], written: Mapping[Place, str]
) -> bool:
    """Whether a tab shows what it showed before, but for the texts that were written."""
    meant = [[*row] for row in before]
    for (row, column), text in written.items():
        meant.extend([] for _ in range(row + 1 - len(meant)))
        meant[row].extend("" for _ in range(column + 1 - len(meant[row])))
        meant[row][column] = text
    return _trimmed(shown) == _trimmed(meant)


def _trimmed(grid: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    """The texts without the empty ones at the ends of rows, and without empty rows at the end."""
    rows = [tuple(row[: max((n for n, text in enumerate(row, start=1) if text), default=0)]) for row in grid]
    return rows[: max((n for n, row in enumerate(rows, start=1) if row), default=0)]
