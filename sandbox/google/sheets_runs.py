"""Format runs and chips written into a cell.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/cells#CellData
"""

from itertools import pairwise
from urllib.parse import urlsplit

from sandbox.google.cells import Cell
from sandbox.google.rich_text import Runs, chip_runs, format_runs, link_format, utf16_length
from sandbox.google.sheets_batch import RequestError
from sandbox.http.messages import JsonObject

_MAX_URI_BYTES = 2000
_DRIVE_HOSTS = ("docs.google.com", "drive.google.com")


def with_format_runs(cell: Cell, given: list[JsonObject]) -> Cell:
    """The cell with new `textFormatRuns`; a link over the whole text becomes part of the cell's format, as in Sheets."""
    if not given:
        return cell._replace(runs=None)
    runs = [(start, _with_link_style(run.get("format", {}))) for start, run in _starts(cell, given, "textFormatRuns")]
    if not any("link" in body for _, body in runs):
        return cell._replace(runs=format_runs(runs))
    text_format = (cell.format or {}).get("textFormat", {})
    if "link" in text_format:
        kept = {name: value for name, value in text_format.items() if name != "link"}
        cell = cell._replace(format={**(cell.format or {}), "textFormat": kept})
    if len(runs) == 1 and runs[0][0] == 0:
        return cell._replace(runs=None, link=None).with_text_format(**runs[0][1])
    return cell._replace(runs=format_runs(runs), link=None)


def with_chip_runs(cell: Cell, given: list[JsonObject]) -> Cell:
    """The cell with new `chipRuns`: each takes the place of an `@` in the text."""
    chips = [(start, run["chip"]) for start, run in _starts(cell, given, "chipRuns") if run.get("chip")]
    if not chips:
        return cell._replace(chips=None)
    text, done = "", 0
    runs: Runs = []
    units = str(cell.value).encode("utf-16-le", "surrogatepass")
    for start, chip in chips:
        if units[2 * start : 2 * start + 2] != "@".encode("utf-16-le"):
            raise RequestError(f"chipRuns: there is no placeholder '@' at index {start}.")
        between = units[2 * done : 2 * start].decode("utf-16-le", "surrogatepass")
        if between:
            runs.append((utf16_length(text), {}))
        text += between
        runs.append((utf16_length(text), chip))
        text, done = text + _chip_text(chip), start + 1
    if rest := units[2 * done :].decode("utf-16-le", "surrogatepass"):
        runs.append((utf16_length(text), {}))
    return cell._replace(value=text + rest, chips=chip_runs(runs, text + rest))


def _starts(cell: Cell, given: list[JsonObject], name: str) -> list[tuple[int, JsonObject]]:
    if not given:
        return []
    if not isinstance(cell.value, str) or cell.formula is not None:
        raise RequestError(f"{name} can only be set on a cell that holds text.")
    starts = [int(run.get("startIndex", 0)) for run in given]
    length = utf16_length(cell.value)
    if starts[0] < 0 or any(first >= second for first, second in pairwise(starts)):
        raise RequestError(f"{name}: each startIndex must be greater than the one before.")
    if starts[-1] >= length:
        raise RequestError(f"{name}: startIndex {starts[-1]} must be less than the length of the text, {length}.")
    return list(zip(starts, given, strict=True))


def _with_link_style(text_format: JsonObject) -> JsonObject:
    uri = text_format.get("link", {}).get("uri")
    return {**link_format(uri), **text_format} if uri else text_format


def _chip_text(chip: JsonObject) -> str:
    """What a chip shows; the sandbox shows addresses, since it knows neither names of people nor titles of files."""
    if "personProperties" in chip:
        email = str(chip["personProperties"].get("email", ""))
        if not email:
            raise RequestError("chipRuns: personProperties.email is required.")
        return email
    uri = str(chip.get("richLinkProperties", {}).get("uri", ""))
    if urlsplit(uri).hostname not in _DRIVE_HOSTS or len(uri.encode()) > _MAX_URI_BYTES:
        raise RequestError("chipRuns: only links to Drive files of at most 2000 bytes can be written as chips.")
    return uri
