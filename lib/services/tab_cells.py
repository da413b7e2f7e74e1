"""The cells of one tab as Sheets returns them with their grid: values, and what people see of, behind and beside them.

Source: https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/cells#CellData
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lib.services.models import CellValue, TabCells

FIELDS = (
    "startRow,startColumn,rowMetadata(hiddenByUser,hiddenByFilter),rowData(values("
    "effectiveValue,formattedValue,hyperlink,note,userEnteredValue(formulaValue),effectiveFormat(textFormat(strikethrough)),"
    "textFormatRuns(startIndex,format(link,strikethrough)),chipRuns))"
)
TEXTS = "startRow,startColumn,rowData(values(formattedValue))"
_MAY_LEAD = ("hyperlink", "textFormatRuns", "chipRuns")  # parts of a cell that may hold an address, as a formula may
BY_HAND, BY_FILTER = "by hand", "by a filter"

_IMAGE = re.compile(r"\bIMAGE\(\s*(?:\"([^\"]*)\"\s*(?=[,;)]))?", re.IGNORECASE)
_AROUND = "()[]<>{}\"'“”‘’.,;:!?"  # of a word
_SPOKEN = ("mailto:", "tel:")  # an address that is shown without its scheme


def read(data: Sequence[Mapping[str, Any]], spreadsheet_url: str) -> TabCells:
    """
    The cells of a tab.

    Args:
        data: Its `data` in the answer; what was asked for by one range comes as one block.
        spreadsheet_url: To which links inside of the spreadsheet (`#gid=…`) are added.
    """
    cells = TabCells()
    for block in data[:1]:
        top, left = block.get("startRow", 0), block.get("startColumn", 0)
        cells.values.extend([] for _ in range(top))
        cells.texts.extend([] for _ in range(top))
        for row, entry in enumerate(block.get("rowData", []), start=top):
            values, texts = _row(cells, row, left, entry.get("values", []), spreadsheet_url)
            cells.values.append(values)
            cells.texts.append(texts)
        for row, entry in enumerate(block.get("rowMetadata", []), start=top):
            if entry.get("hiddenByUser") or entry.get("hiddenByFilter"):
                cells.hidden[row] = BY_HAND if entry.get("hiddenByUser") else BY_FILTER
    last = max((row for row, _ in (*cells.linked, *cells.notes)), default=-1)
    while len(cells.values) > last + 1 and not cells.values[-1]:
        cells.values.pop()
        cells.texts.pop()
    return cells


def _row(
    cells: TabCells, row: int, left: int, entries: Sequence[Mapping[str, Any]], url: str
) -> tuple[list[CellValue], list[str]]:
    values: list[CellValue] = [""] * left
    texts = [""] * left
    length = 0
    for column, entry in enumerate(entries, start=left):
        value, shown = _value(entry)
        values.append(value)
        texts.append(shown)
        if not entry:
            continue
        if formula := entry.get("userEnteredValue", {}).get("formulaValue"):
            cells.formulas[row, column] = formula
        if note := entry.get("note"):
            cells.notes[row, column] = note
        if full := _with_addresses(entry, shown if not isinstance(value, str) else value, url):
            cells.linked[row, column] = full
            length = column + 1
        if value != "":
            length = column + 1
            if _is_struck(entry, shown):
                cells.struck.add((row, column))
    return values[:length], texts[:length]


def _value(entry: Mapping[str, Any]) -> tuple[CellValue, str]:
    """What is stored, as `UNFORMATTED_VALUE` says it, and what is shown, which counts for both where that alone was asked for."""
    shown: str = entry.get("formattedValue", "")
    stored: Mapping[str, Any] = entry.get("effectiveValue") or {}
    for kind in ("stringValue", "numberValue", "boolValue"):
        if kind in stored:
            value: CellValue = stored[kind]
            return value, shown
    return shown, shown  # an error is what it shows


def _is_struck(entry: Mapping[str, Any], shown: str) -> bool:
    """Whether all that is seen of the text is struck through."""
    whole = bool(entry.get("effectiveFormat", {}).get("textFormat", {}).get("strikethrough"))
    runs = entry.get("textFormatRuns")
    if not runs:
        return whole
    return all(
        _at(runs, place).get("format", {}).get("strikethrough", whole)
        for part, place in _parts(shown, runs)
        if part.strip()
    )


def _with_addresses(entry: Mapping[str, Any], text: str, url: str) -> str:
    """The text with the addresses behind its words, `moodboard (https://…)`; empty when it says them all by itself."""
    formula = entry.get("userEnteredValue", {}).get("formulaValue", "")
    if not formula and entry.keys().isdisjoint(_MAY_LEAD):  # as most cells
        return ""
    image = _IMAGE.search(formula)
    if image and not entry.get("effectiveValue"):
        shown = f"(image: {image[1]})" if image[1] else "(image)"
        return _written(shown, _absolute(entry.get("hyperlink", ""), url))
    written = "".join(_written(part, address) for part, address in _linked_parts(entry, text, url))
    return written if written != text else ""


def _linked_parts(entry: Mapping[str, Any], text: str, url: str) -> list[tuple[str, str]]:
    """The text in parts, each with where it leads to."""
    chips, runs = entry.get("chipRuns", []), entry.get("textFormatRuns", [])
    whole = entry.get("hyperlink", "") if not chips and not any("link" in run.get("format", {}) for run in runs) else ""
    parts: list[tuple[str, str]] = []
    for part, place in _parts(text, [*chips, *runs]):
        link = _at(runs, place).get("format", {}).get("link", {}).get("uri", "")
        address = _chip_address(_at(chips, place).get("chip", {}), url) or _absolute(link or whole, url)
        if parts and parts[-1][1] == address:  # one link, parts of it in bold
            parts[-1] = (parts[-1][0] + part, address)
        else:
            parts.append((part, address))
    return parts


def _at(runs: Sequence[Mapping[str, Any]], place: int) -> Mapping[str, Any]:
    """The run that holds at a place."""
    return next((run for run in reversed(runs) if run.get("startIndex", 0) <= place), {})


def _chip_address(chip: Mapping[str, Any], url: str) -> str:
    person = chip.get("personProperties", {}).get("email", "")
    return person or _absolute(chip.get("richLinkProperties", {}).get("uri", ""), url)


def _parts(text: str, runs: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int]]:
    """The parts of a text between the beginnings of runs, each with its place, in UTF-16 code units as runs count."""
    units = text.encode("utf-16-le", "surrogatepass")
    for begin, end in itertools.pairwise([*sorted({0, *(run.get("startIndex", 0) for run in runs)}), len(units)]):
        yield units[2 * begin : 2 * end].decode("utf-16-le", "surrogatepass"), begin


def _absolute(address: str, url: str) -> str:
    return f"{url.partition('#')[0]}{address}" if address.startswith("#") else address


def _written(part: str, address: str) -> str:
    """A part with its address behind its last word, unless it says it by itself."""
    for scheme in _SPOKEN:
        address = address.removeprefix(scheme)
    if not address:
        return part
    if not part.strip():
        return f"{part}({address})"
    if _bare(address) in {_bare(word.strip(_AROUND)) for word in part.split()}:
        return part
    word = part.rstrip()
    return f"{word} ({address}){part[len(word) :]}"


def _bare(address: str) -> str:
    """An address without what people leave out of it; the case of a host does not count, that of a path does."""
    host, slash, path = re.sub(r"^https?://", "", address, flags=re.IGNORECASE).partition("/")
    return f"{host.casefold().removeprefix('www.')}{slash}{path}".removesuffix("/")
