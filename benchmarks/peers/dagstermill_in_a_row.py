# /// script
# requires-python = "==3.13.*"
# # No dependency group of the project: dagstermill wants jupyter-client<8, and the project's ipykernel a newer one.
# dependencies = ["dagster==1.13.27", "dagstermill==0.29.27", "ipykernel<7", "pandas==3.1.1", "requests==2.34.2"]
# ///
"""The same notebook by dagstermill, client after client, a run of a Dagster job each; the plain calls around it."""

import json
import os
import sys
from itertools import chain
from pathlib import Path

import dagster
import dagstermill

ROOT = str(Path(__file__).parents[2])
sys.path.insert(0, ROOT)
os.environ["PYTHONPATH"] = ROOT  # of the notebook's kernel

from benchmarks.peers import plain_calls  # noqa: E402

transform = dagstermill.define_dagstermill_op(
    "transform",
    str(Path(__file__).with_name("plain_transform.ipynb")),
    ins={"rows_path": dagster.In(str), "drafts_path": dagster.In(str)},
    output_notebook_name="executed",
)


@dagster.job(resource_defs={"output_notebook_io_manager": dagstermill.ConfigurableLocalOutputNotebookIOManager()})  # type: ignore[untyped-decorator]
def plan_to_drafts() -> None:
    transform()


def main(month: str) -> None:
    with dagster.DagsterInstance.local_temp() as instance:
        for client, plan in plain_calls.find_plans(month).items():
            folder = Path("output", client)
            folder.mkdir(parents=True)
            rows, drafts = (folder / "rows.json").resolve(), (folder / "drafts.json").resolve()
            rows.write_text(json.dumps(plain_calls.read_rows(plan)))
            paths = {"rows_path": {"value": str(rows)}, "drafts_path": {"value": str(drafts)}}
            dagster.execute_job(
                dagster.reconstructable(plan_to_drafts),
                instance,
                run_config={"ops": {"transform": {"inputs": paths}}},
                raise_on_error=True,
            )
            batches = plain_calls.batches(json.loads(drafts.read_text()))
            keys = chain.from_iterable(plain_calls.create_batch(batch) for batch in batches)
            plain_calls.write_keys(plan, list(keys))


if __name__ == "__main__":
    main(sys.argv[1])
