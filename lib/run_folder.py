"""The timestamped folder of one run and the files in it, each written whole or not at all."""

import datetime as dt
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lib.settings import ROOT

MANIFEST = "manifest.json"
FORMAT_STANDARDS = {
    "timestamps": "ISO 8601 in UTC: YYYY-MM-DDTHH:MM:SSZ",
    "dates": "YYYY-MM-DD",
    "text": "UTF-8, line feeds as line breaks, at most two in a row, trimmed",
    "numbers": "JSON numbers; null where a cell is empty",
}


def utc_now() -> dt.datetime:
    """Now, aware, in UTC."""
    return dt.datetime.now(dt.UTC)


def iso_utc(moment: dt.datetime) -> str:
    """`2026-07-05T10:00:00Z`; `moment` must be aware."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def create(output_dir: Path, flow_name: str, now: dt.datetime) -> Path:
    """Make `<YYYYMMDD_HHMMSS>_<flow-name>` below `output_dir`, with `_2`, `_3` … when another run took that name."""
    output_dir.mkdir(parents=True, exist_ok=True)
    return _make_distinct(output_dir, f"{now.astimezone(dt.UTC):%Y%m%d_%H%M%S}_{flow_name}")


def client_folder(run_folder: Path, client: str) -> Path:
    """Make the client's subfolder: its name in lower case letters, digits and dashes, distinct among the clients."""
    return _make_distinct(run_folder, re.sub(r"[^a-z0-9]+", "-", client.casefold()).strip("-")[:60] or "client")


def _make_distinct(parent: Path, name: str) -> Path:
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}_{number}")
        try:
            folder.mkdir()
        except FileExistsError:
            number += 1
        else:
            return folder


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> Path:
    """Write the file whole or not at all, for its owner alone if `private`: a reader sees the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(temporary, "xb", opener=_open_private if private else None) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, mode=0o600)


def write_json(
    path: Path,
    data: Sequence[Mapping[str, Any]],
    *,
    workflow: str,
    source: str,
    metadata: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Path:
    """
    Write a JSON file as all of ours are: `metadata`, further `sections`, then `data`, an array of records.

    Args:
        path: The file.
        data: The records.
        workflow: Name of the flow or notebook that makes them.
        source: What they were made from, such as a spreadsheet id.
        metadata: What else readers should know of the records.
        sections: Further top-level entries.

    Raises:
        ValueError: A value is not JSON, or is NaN or infinite; nothing was written.
    """
    content = {
        "metadata": {
            "workflow": workflow,
            "executed_at": iso_utc(utc_now()),
            "source": source,
            "record_count": len(data),
            "format_standards": FORMAT_STANDARDS,
            **(metadata or {}),
        },
        **sections,
        "data": list(data),
    }
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    return write_bytes(path, f"{text}\n".encode())


def write_manifest(run_folder: Path, *, workflow: str, parameters: Mapping[str, Any]) -> Path:
    """List every file of the run with its SHA-256, and the parameters, versions and commit that made them."""
    files = sorted(path for path in run_folder.rglob("*") if path.is_file() and path.name != MANIFEST)
    records = [
        {"path": path.relative_to(run_folder).as_posix(), "sha256": sha256(path), "bytes": path.stat().st_size}
        for path in files
    ]
    made_by: dict[str, Any] = {"parameters": dict(parameters), "versions": _versions(), "commit": _commit()}
    return write_json(run_folder / MANIFEST, records, workflow=workflow, source=run_folder.name, **made_by)


def sha256(path: Path) -> str:
    """Hash of a file's content, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _versions() -> dict[str, str]:
    names = ("prefect", "papermill", "pandas", "atlassian-python-api", "google-api-python-client")
    return {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in names}}


def _commit() -> str | None:
    """The commit of the code, with `+changes` when files differ from it; None outside of a git checkout."""
    git = shutil.which("git")
    if git is None:
        return None
    described = [git, "-C", str(ROOT), "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"]
    answer = subprocess.run(described, capture_output=True, text=True, check=False)  # noqa: S603  # fixed arguments
    return answer.stdout.strip() or None
