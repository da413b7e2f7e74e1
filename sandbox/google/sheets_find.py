"""Find and replace.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/request#findreplacerequest

The search sees what a person sees; the replacement is read like typed-in text.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sandbox.google.cells import MAX_CELL_CHARACTERS, Cell
from sandbox.google.number_format import formatted_value
from sandbox.google.parse_input import parse_input
from sandbox.google.sheets_batch import Batch, RequestError
from sandbox.google.state import Tab
from sandbox.http.messages import JsonObject

type Replacer = Callable[[str], tuple[str, int]]


@dataclass(slots=True)
class _Counts:
    """What was changed."""

    values: int = 0
    formulas: int = 0
    rows: int = 0
    sheets: int = 0
    occurrences: int = 0

    def to_json(self) -> JsonObject:
        counts = {
            "valuesChanged": self.values,
            "formulasChanged": self.formulas,
            "rowsChanged": self.rows,
            "sheetsChanged": self.sheets,
            "occurrencesChanged": self.occurrences,
        }
        return {name: count for name, count in counts.items() if count}  # zeros are left out, as in all Google JSON


def find_replace(batch: Batch, request: JsonObject) -> JsonObject:
    replace = _replacer(request)
    counts = _Counts()
    for tab, bounds in _scope(batch, request):
        candidates = _each_row(batch, tab, bounds, request)
        rows = {row for row in candidates if _replace_in_row(batch, tab, row, bounds, replace, request, counts)}
        for row in rows:
            _index_row(batch, tab, row)
        counts.rows += len(rows)
        counts.sheets += bool(rows)
    return {"findReplace": counts.to_json()}


def _scope(batch: Batch, request: JsonObject) -> Iterator[tuple[Tab, tuple[int, int, int, int]]]:
    scopes = [name for name in ("range", "sheetId", "allSheets") if name in request and request[name] is not False]
    if len(scopes) != 1:
        raise RequestError("Exactly one of range, sheetId or allSheets must be set as the scope.")
    if scopes == ["range"]:
        yield batch.area(request["range"])
    elif scopes == ["sheetId"]:
        tab = batch.tab(request["sheetId"])
        yield tab, (0, tab.row_count, 0, tab.column_count)
    else:
        for tab in batch.spreadsheet.tabs:
            yield tab, (0, tab.row_count, 0, tab.column_count)


def _each_row(batch: Batch, tab: Tab, bounds: tuple[int, int, int, int], request: JsonObject) -> list[int]:
    """The rows to look through; only those that may hold the text when whole cells are looked for as they are."""
    within = range(bounds[0], min(bounds[1], len(tab.rows)))
    vague = request.get("searchByRegex") or request.get("includeFormulas")
    if vague or not (request.get("matchEntireCell") and request.get("matchCase")):
        return list(within)
    if tab.sheet_id not in batch.rows_by_text:
        batch.rows_by_text[tab.sheet_id] = {}
        for row in range(len(tab.rows)):
            _index_row(batch, tab, row)
    return sorted(row for row in batch.rows_by_text[tab.sheet_id].get(request.get("find", ""), ()) if row in within)


def _index_row(batch: Batch, tab: Tab, row: int) -> None:
    index = batch.rows_by_text.get(tab.sheet_id)
    if index is not None:
        for cell in tab.rows[row]:
            index.setdefault(formatted_value(cell, batch.spreadsheet.locale), set()).add(row)


def _replace_in_row(
    batch: Batch,
    tab: Tab,
    row: int,
    bounds: tuple[int, int, int, int],
    replace: Replacer,
    request: JsonObject,
    counts: _Counts,
) -> bool:
    changed = False
    for column in range(bounds[2], min(bounds[3], len(tab.rows[row]))):
        cell = tab.rows[row][column]
        if cell.empty or (cell.formula is not None and not request.get("includeFormulas")):
            continue
        locale = batch.spreadsheet.locale
        text, found = replace(cell.formula if cell.formula is not None else formatted_value(cell, locale))
        if not found:
            continue
        if len(text) > MAX_CELL_CHARACTERS:
            raise RequestError("Your input contains more than the maximum of 50000 characters in a single cell.")
        fresh = Cell(format=cell.format, note=cell.note)
        tab.rows[row][column] = parse_input(text, fresh, locale, batch.today)
        changed = True
        counts.occurrences += found
        if cell.formula is None:
            counts.values += 1
        else:
            counts.formulas += 1
    return changed


def _replacer(request: JsonObject) -> Replacer:
    wanted, replacement = request.get("find", ""), request.get("replacement", "")
    if not wanted:
        raise RequestError("The text to find must not be empty.")
    regex, entire = request.get("searchByRegex"), request.get("matchEntireCell")
    if regex:
        replacement = re.sub(r"\$(\d+)", r"\\g<\1>", replacement.replace("\\", "\\\\"))
    try:
        pattern = re.compile(wanted if regex else re.escape(wanted), 0 if request.get("matchCase") else re.IGNORECASE)
        pattern.sub(replacement if regex else "", "")
    except re.error as error:
        raise RequestError(f"The regular expression could not be read: {error}") from error

    def replace(text: str) -> tuple[str, int]:
        if entire and not pattern.fullmatch(text):
            return text, 0
        if entire and not regex:
            return replacement, 1
        return pattern.subn(replacement if regex else lambda _: replacement, text, count=1 if entire else 0)

    return replace
