"""Prefect tasks that call no service: running a notebook, saving a JSON file."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from pydantic import JsonValue

from lib import files
from lib.notebook import kernel_server, runner
from lib.report import html_report
from lib.settings import ROOT, Language, environment_without_secrets


@task(name="utility.notebook.run", cache_policy=NO_CACHE)
async def run_notebook(
    name: str, output: Path, parameters: Mapping[str, JsonValue], timeout_s: float | None = None
) -> Path:
    """
    Run `notebooks/<name>.ipynb` and leave the executed copy at `output`; not retried, since the same rows fail alike.

    The kernel works in the project's folder and gets no secrets. Of the notebooks of one run, one more than there are cores
    run at once; the time limit counts from when its turn has come.
    """
    async with kernel_server.place():
        await runner.run_notebook(
            ROOT / "notebooks" / f"{name}.ipynb",
            output,
            parameters,
            timeout_s=timeout_s,
            working_dir=ROOT,
            environment=environment_without_secrets(),
        )
    return output


@task(name="utility.notebook.to-html", cache_policy=NO_CACHE)
async def notebook_to_html(notebook_path: Path, path: Path, title: str, language: Language = "") -> Path:
    """Write an executed notebook as a self-contained page without its code, what planners read in it in this language."""
    return await asyncio.to_thread(html_report.save_notebook, notebook_path, path, title, language)


@task(name="utility.json.save", cache_policy=NO_CACHE)
async def save_json(
    path: Path,
    data: Sequence[Mapping[str, Any]],
    workflow: str,
    source: str,
    sections: Mapping[str, Any] | None = None,
) -> Path:
    """Write a JSON file with `metadata` and `data`, whole or not at all."""
    return files.write_json(path, data, workflow=workflow, source=source, **(sections or {}))
