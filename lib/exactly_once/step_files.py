"""The JSON files of one client, numbered in the order in which the steps make them."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lib import files
from lib.exactly_once.claims import Claim
from lib.exactly_once.issue_maker import Work
from lib.exactly_once.reconcile import Action
from lib.files import ACTIONS, CLAIMS, ISSUES, ROWS
from lib.plan import rows_file
from lib.plan.content_plan import ContentPlan


class StepFiles:
    """Saves what the steps of one plan tell, each before it is used: a run that stops leaves what it knew."""

    def __init__(self, folder: Path, *, workflow: str, source: str) -> None:
        self.folder = folder
        self._workflow = workflow
        self._source = source

    def rows(self, plan: ContentPlan) -> None:
        """The rows as they were read."""
        rows_file.save(plan, self.folder / ROWS, workflow=self._workflow)

    def actions(self, actions: Sequence[Action]) -> None:
        """What was decided for each row."""
        records = [{**asdict(action), "problems": [p.model_dump() for p in action.problems]} for action in actions]
        self._save(ACTIONS, records)

    def claims(self, claims: Sequence[Claim], held: Sequence[str]) -> None:
        """The tokens about to be written into Key cells, and beside each what its cell `held` when it was read."""
        self._save(CLAIMS, [{**asdict(claim), "before": text} for claim, text in zip(claims, held, strict=True)])

    def issues(self, works: Sequence[Work]) -> None:
        """What became of each row that was to be made into an issue."""
        records = [
            {
                "row": work.row.row,
                "token": work.token,
                "key": work.issue.key if work.issue else None,
                "refused": work.reasons,
                "not_sent": work.unsent or None,
                "answer_lost_at": files.iso_utc(work.lost_at) if work.lost_at else None,
            }
            for work in works
        ]
        self._save(ISSUES, records)

    def _save(self, name: str, records: list[dict[str, Any]], **sections: Any) -> None:
        files.write_json(self.folder / name, records, workflow=self._workflow, source=self._source, **sections)
