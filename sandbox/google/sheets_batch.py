"""What the requests of a `spreadsheets.batchUpdate` share: the spreadsheet they change, and how they refuse."""

import datetime as dt
from dataclasses import dataclass, field

from sandbox.google import a1
from sandbox.google.a1 import Span
from sandbox.google.state import GridRange, Spreadsheet, Tab
from sandbox.http.messages import JsonObject


class RequestError(Exception):
    """One request cannot be carried out, so none of its batch is."""


@dataclass(slots=True)
class Batch:
    """A copy of the spreadsheet that the requests change; thrown away if one of them fails."""

    spreadsheet: Spreadsheet
    today: dt.date
    """The day it is in the spreadsheet's time zone: a date typed without its year gets this one's."""
    by: str = ""
    """The account that sends them; empty for a person who may do everything."""
    rows_by_text: dict[int, dict[str, set[int]]] = field(default_factory=dict)
    """Tab -> shown text -> rows that may hold it, while only find and replace has changed cells: it is asked for often."""

    def tab(self, sheet_id: int | None) -> Tab:
        tab = self.spreadsheet.by_id(sheet_id or 0)
        if tab is None:
            raise RequestError(f"No grid with id: {sheet_id or 0}")
        return tab

    def area(self, body: JsonObject) -> tuple[Tab, tuple[int, int, int, int]]:
        """The tab and the (top, bottom, left, right) of a GridRange, cut at the grid's edge."""
        wanted = GridRange.from_json(body)
        tab = self.tab(wanted.sheet_id)
        return tab, checked_bounds(tab, wanted.span)


def checked_bounds(tab: Tab, span: Span) -> tuple[int, int, int, int]:
    """`span` inside the grid; one that starts past the edge is refused, one that only ends there is cut."""
    if (span.top or 0) < 0 or (span.left or 0) < 0:
        raise RequestError("A range's start must not be negative.")
    if (span.top or 0) >= tab.row_count or (span.left or 0) >= tab.column_count:
        raise RequestError(beyond_grid(tab, span))
    return tab.bounds(span)


def beyond_grid(tab: Tab, span: Span) -> str:
    where = a1.write(tab.title, span)
    return f"Range ({where}) exceeds grid limits. Max rows: {tab.row_count}, max columns: {tab.column_count}"
