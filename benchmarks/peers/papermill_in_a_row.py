"""Stock papermill, client after client, with a cold kernel each; the plain calls around it."""

import json
import sys
from itertools import chain
from pathlib import Path

import papermill

from benchmarks.peers import plain_calls

NOTEBOOK = Path(__file__).with_name("plain_transform.ipynb")


def main(month: str) -> None:
    for client, plan in plain_calls.find_plans(month).items():
        folder = Path("output", client)
        folder.mkdir(parents=True)
        rows, drafts = (folder / "rows.json").resolve(), (folder / "drafts.json").resolve()
        rows.write_text(json.dumps(plain_calls.read_rows(plan)))
        parameters = {"rows_path": str(rows), "drafts_path": str(drafts)}
        papermill.execute_notebook(NOTEBOOK, folder / "executed.ipynb", parameters, progress_bar=False)
        batches = plain_calls.batches(json.loads(drafts.read_text()))
        keys = chain.from_iterable(plain_calls.create_batch(batch) for batch in batches)
        plain_calls.write_keys(plan, list(keys))


if __name__ == "__main__":
    main(sys.argv[1])
