"""The transform notebook and what it is given: by flows for a whole plan, by an analyst for a few rows."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from lib.files import DRAFTS, ROWS
from lib.formats import Month
from lib.settings import Settings

NOTEBOOK = "content_plan_to_jira"


def parameters(
    settings: Settings, folder: Path, month: Month, quota: Mapping[str, int], workflow: str
) -> dict[str, JsonValue]:
    """Its parameters for the rows file in a folder, of the run of that name; the drafts go beside it."""
    return {
        "rows_path": str(folder / ROWS),
        "drafts_path": str(folder / DRAFTS),
        "target_month": str(month),
        "project_key": settings.jira_project_key,
        "issue_type_id": settings.jira_issue_type_id,
        "priority_id": settings.jira_priority_id,
        "reporter": settings.jira_reporter,
        "quota": dict(quota),
        "workflow": workflow,
    }
