"""The file that carries a plan's rows from the flow to the notebook: rows as records, the columns and their types beside them."""

import json
from pathlib import Path

from pydantic import ValidationError

from lib.errors import FixInputError
from lib.files import write_json
from lib.plan.content_plan import ContentPlan

_ROWS = "rows"
_SELDOM = ("linked", "notes", "struck", "hidden", "shares_key_of")  # of a row: only where there is something


def save(plan: ContentPlan, path: Path, *, workflow: str) -> Path:
    """Write the rows file, whole or not at all."""
    content = plan.model_dump(mode="json")
    rows = [{name: part for name, part in row.items() if part or name not in _SELDOM} for row in content.pop(_ROWS)]
    return write_json(path, rows, workflow=workflow, source=plan.spreadsheet_id, metadata={"plan": content})


def load(path: Path) -> ContentPlan:
    """
    Read a rows file.

    Raises:
        FixInputError: It is missing, or no rows file.
    """
    try:
        content = json.loads(path.read_bytes())
        return ContentPlan.model_validate({**content["metadata"]["plan"], _ROWS: content["data"]})
    except FileNotFoundError:
        raise FixInputError(str(path), "does not exist; give the path of a rows file from a run folder") from None
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise FixInputError(str(path), f"is no rows file of a run ({type(error).__name__})") from None
