"""What a run writes into Key cells: a claim token while a row's issue is being made, and then the issue's key."""

import re
import secrets

from lib.messages import say

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # base 32
_TOKEN = re.compile(rf"cp-[{ALPHABET}]{{13}}")
_KEY = re.compile(r"[A-Z][A-Z0-9_]*-[1-9][0-9]*")


def new_token() -> str:
    """A claim token for one row's issue: `cp-` and 13 random characters, 65 bits."""
    return "cp-" + "".join(secrets.choice(ALPHABET) for _ in range(13))


def is_token(text: str) -> bool:
    """Whether the cell holds one of our claim tokens."""
    return _TOKEN.fullmatch(text.strip()) is not None


def read_key(text: str) -> str | None:
    """The Jira key that the cell holds, also one pasted as an issue's address; None when it holds something else."""
    bare = re.sub(r"^https?://\S+/browse/", "", text.strip()).upper()
    return bare if _KEY.fullmatch(bare) else None


def header_note() -> str:
    """What a note on the header of the Key column tells planners, in both languages."""
    note = say(
        "This column is written by the content-plan-to-jira run: do not edit it. cp-… marks a row whose issue is being made; "
        "if it stays, the next run settles it."
    )
    return f"{note.indonesian}\n\n{note}"


def is_header_note(text: str) -> bool:
    """Whether a note says that, in any wording that it has had, and whatever people wrote beside it."""
    return "content-plan-to-jira" in text and "cp-…" in text
