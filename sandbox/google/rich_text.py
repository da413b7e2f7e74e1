"""Text of which parts have links, formats or smart chips: the runs of a cell.

https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/cells#TextFormatRun ·
https://developers.google.com/workspace/sheets/api/guides/chips
"""

from dataclasses import dataclass

from sandbox.http.messages import JsonObject

type Runs = list[tuple[int, JsonObject]]
"""Where each run starts, in UTF-16 code units, and its format or chip; it ends where the next one starts."""


@dataclass(frozen=True, slots=True)
class Run:
    """Part of a rich text with a link or struck through."""

    text: str
    link: str = ""
    strikethrough: bool = False

    @property
    def format(self) -> JsonObject:
        struck: JsonObject = {"strikethrough": True} if self.strikethrough else {}
        return struck | (link_format(self.link) if self.link else {})


@dataclass(frozen=True, slots=True)
class Chip:
    """A smart chip: of a person if it has an `email`, else of a file, a place or an event at `uri`."""

    text: str
    """What the cell shows, e.g. the file's name."""
    uri: str = ""
    email: str = ""
    mime_type: str = ""

    @property
    def body(self) -> JsonObject:
        if self.email:
            return {"personProperties": {"email": self.email, "displayFormat": "DEFAULT"}}
        return {"richLinkProperties": {"uri": self.uri} | ({"mimeType": self.mime_type} if self.mime_type else {})}


class Rich:
    """Text made of parts: `Rich("See ", Run("the board", link="https://a.example"), Chip("Brief", uri="https://…"))`."""

    def __init__(self, *parts: str | Run | Chip) -> None:
        self._parts = parts
        texts = [part if isinstance(part, str) else part.text for part in parts]
        self.text = "".join(texts)
        self._starts = [utf16_length("".join(texts[:place])) for place in range(len(parts))]

    def format_runs(self) -> list[JsonObject] | None:
        """The `textFormatRuns`; None if no part has a format."""
        formats = [part.format if isinstance(part, Run) else {} for part in self._parts]
        return format_runs(list(zip(self._starts, formats, strict=True))) if any(formats) else None

    def chip_runs(self) -> list[JsonObject] | None:
        """The `chipRuns`; None if no part is a chip."""
        chips = [part.body if isinstance(part, Chip) else {} for part in self._parts]
        return chip_runs(list(zip(self._starts, chips, strict=True)), self.text) if any(chips) else None


def utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def link_format(uri: str) -> JsonObject:
    """What a link does to the format of its text."""
    return {"underline": True, "foregroundColorStyle": {"themeColor": "LINK"}, "link": {"uri": uri}}


def format_runs(runs: Runs) -> list[JsonObject]:
    """The runs as Sheets returns them: the first one starts at 0, which is left out."""
    return [{**_start(start), "format": body} for start, body in _from_zero(runs)]


def chip_runs(runs: Runs, text: str) -> list[JsonObject]:
    """The runs as Sheets returns them: those between and after the chips are there, without a chip."""
    complete = _from_zero([*runs, (utf16_length(text), {})] if runs[-1][1] else runs)
    return [{**_start(start), **({"chip": body} if body else {})} for start, body in complete]


def _from_zero(runs: Runs) -> Runs:
    return runs if runs[0][0] == 0 else [(0, {}), *runs]


def _start(start: int) -> JsonObject:
    return {"startIndex": start} if start else {}


def whole_link(runs: list[JsonObject]) -> str | None:
    """What the text links to from its first to its last character; None if it has several links or a part has none."""
    links = {run["format"].get("link", {}).get("uri") for run in runs}
    return links.pop() if len(links) == 1 else None
