"""Where the web addresses in a text begin and end."""

import functools
import re
import unicodedata
from collections.abc import Iterator

from linkify_it import LinkifyIt

_BEGINNING = re.compile("https?:(?=//)")
_NEXT = re.compile(r"[,;|]+(?=https?://|www\.)")  # such a sign alone keeps two addresses apart
_AROUND = "*_~`|"  # as chat programs and Markdown mark bold, italic or code
# Categories of characters outside ASCII at which an address ends: brackets, quotes, other punctuation (but not dashes, as
# in titles of articles), symbols and emoji, spaces, invisible ones. Letters of any script belong to it.
_ENDS = frozenset({"Ps", "Pe", "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf"})


def find(line: str) -> Iterator[tuple[int, int]]:
    """Beginning and end of each http(s) address in a line, in order; what is written around one does not belong to it."""
    end = 0
    for match in _BEGINNING.finditer(line):
        if match.start() < end:
            continue
        written = _written(line, match.start())
        length = _linkify().test_schema_at(written, match[0], len(match[0]))
        if length:
            # linkify-it takes a colon at the end for a part of the path.
            address = written[: len(match[0]) + length].rstrip(":")
            end = match.start() + len(address)
            yield match.start(), end


def _written(line: str, begin: int) -> str:
    """What stands at `begin` up to the first place where no address goes on, whatever linkify-it says of the ASCII in it."""
    text = line[begin:].split(maxsplit=1)[0]
    ends = [_NEXT]
    if begin and line[begin - 1] in _AROUND:
        ends.append(re.compile(rf"{re.escape(line[begin - 1])}+(?=$|[.,;:!?)])"))
    stop = min((found.start() for end in ends if (found := end.search(text))), default=len(text))
    return text[: next((place for place in range(stop) if _is_end(text, place)), stop)]


def _is_end(text: str, place: int) -> bool:
    if text[place] == "’":  # an apostrophe inside of a word
        return not text[place + 1 : place + 2].isalnum()
    return text[place] > "\x7f" and unicodedata.category(text[place]) in _ENDS


@functools.cache
def _linkify() -> LinkifyIt:
    """Of the library's rules only where an address ends is used: a name without http(s):// in front is no link."""
    return LinkifyIt()
