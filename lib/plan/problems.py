"""What is wrong or odd, and where: as data, so that nobody has to read the message to know what to do about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from lib.messages import Said

type Level = Literal["error", "warning"]


class Kind(StrEnum):
    """Where a problem comes from, and so who can do something about it."""

    CELL = "cell"  # a cell of the plan, or its tab: whoever plans
    MAPPING = "mapping"  # hashmap.py or a setting: whoever runs this
    SITE = "site"  # what the Jira site has or allows: its administrator
    REJECTED = "rejected"  # Jira's answer to a row that was sent
    CONFLICT = "conflict"  # the plan and Jira say different things of a field, and both were changed
    NOT_REACHED = "not_reached"  # nothing is wrong with the row: the run ended before its issue was sent


class Problem(BaseModel):
    """Something that is wrong (`error`: the row is stopped) or odd (`warning`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    where: str = Field(description="Address of a cell such as 'Juli 2026'!B7, or the setting or mapping that is meant.")
    message: str = Field(description="What is wrong and what to write instead.")
    indonesian: str = Field(default="", description="The same in Indonesian; empty where nobody wrote it down.")
    level: Level = "error"
    kind: Kind = Kind.CELL

    @classmethod
    def of(cls, where: str, message: Said, *, level: Level = "error", kind: Kind = Kind.CELL) -> Self:
        """A problem in both languages."""
        return cls(where=where, message=message, indonesian=message.indonesian, level=level, kind=kind)


def said(problem: Mapping[str, Any]) -> Said:
    """The message of a problem as a file of a run has it."""
    return Said(problem["message"], problem.get("indonesian", ""))
