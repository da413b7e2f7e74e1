"""What the last pass over plans saw at which Drive version: what the watch's cache and that of updates have in common.

A cache in the output folder, and only a hint: what is lost, or not believed, costs one look at the plan.
"""

from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ValidationError

from lib.files import write_bytes


class SeenPlan(BaseModel):
    """One plan as it was seen at that version."""

    version: str


class Content[Seen: SeenPlan](BaseModel):
    """What a cache's file holds."""

    made_for: str = ""
    plans: dict[str, Seen] = {}

    def emptied(self) -> Self:
        """What stays when what the findings depend on is another."""
        return type(self)()


class PlanCache[Seen: SeenPlan, Held: Content[Any]]:
    """
    The cache of one output folder.

    Args:
        path: Its file.
        made_for: What the findings depend on beside the plans, such as the site and the notebook; another one empties it.
        kind: What the file holds.
    """

    def __init__(self, path: Path, made_for: str, kind: type[Held]) -> None:
        self._path = path
        try:
            content = kind.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            content = kind()
        self._content = content if content.made_for == made_for else content.emptied()
        self._content.made_for = made_for

    def plan(self, spreadsheet_id: str, version: str) -> Seen | None:
        """The plan, if it was seen at this version."""
        seen: Seen | None = self._content.plans.get(spreadsheet_id)
        return seen if seen and version and seen.version == version else None

    def keep_plan(self, spreadsheet_id: str, seen: Seen) -> None:
        """Remember a plan that is done with."""
        self._content.plans[spreadsheet_id] = seen

    def save(self) -> None:
        """Write the cache, whole or not at all."""
        write_bytes(self._path, self._content.model_dump_json(indent=2).encode())
