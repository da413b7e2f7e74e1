"""Messages to planners, in English and in Indonesian.

English stands where a message is said, so that a search finds it; its Indonesian stands in `lib/locale/id.po`, by the English
(gettext's file, read by Babel).
"""

import functools
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Self

_CATALOGUE = Path(__file__).with_name("locale") / "id.po"


class Said(str):
    """
    A message in English, as which it counts everywhere, that knows its Indonesian, too.

    Attributes:
        indonesian: Empty where nobody wrote it down.
    """

    __slots__ = ("indonesian",)
    indonesian: str

    def __new__(cls, english: str, indonesian: str = "") -> Self:
        """Both texts."""
        said = super().__new__(cls, english)
        said.indonesian = indonesian
        return said


NOTHING = Said("")


def say(english: str, /, **values: object) -> Said:
    """
    The message, with each `{name}` replaced by its value.

    Args:
        english: What the catalogue has it by: a text as it is, never one that is put together.
        values: A message among them is said in the language of the whole.
    """
    indonesian = _catalogue().get(english, "")
    in_indonesian = {name: _in_indonesian(value) for name, value in values.items()}
    return Said(english.format(**values), indonesian.format(**in_indonesian))


def of_catalogue(text: str) -> Said:
    """A text that stands elsewhere than in code, such as a notebook's prose, with its Indonesian if the catalogue has it."""
    return Said(text, _catalogue().get(text, ""))


def join(separator: str, parts: Iterable[str]) -> Said:
    """The parts as one message; empty ones are left out."""
    told = [part for part in parts if part]
    return Said(separator.join(told), str(_in_indonesian(separator)).join(str(_in_indonesian(part)) for part in told))


def as_said(text: str) -> Said:
    """The message, or a text that nobody wrote in Indonesian as one."""
    return text if isinstance(text, Said) else Said(text)


def _in_indonesian(value: object) -> object:
    return value.indonesian or value if isinstance(value, Said) else value


@functools.cache
def _catalogue() -> Mapping[str, str]:
    """English -> Indonesian."""
    from babel.messages.pofile import read_po  # noqa: PLC0415  # most processes say nothing, and need not wait for it

    with _CATALOGUE.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id}
