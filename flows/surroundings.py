"""Whether the folders and settings that a command is going to use can be used, before anything begins."""

import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from lib.errors import FixInputError
from lib.settings import ROOT, Settings

LEAST_SPACE = 1_000_000  # bytes; the smallest run leaves some 100 kB


def check(names: Collection[str], given: Mapping[str, Any], *, sandbox_state: Path | None) -> None:
    """
    Whether the folders and settings can be used that a flow with parameters of these names will use.

    Args:
        names: The flow's parameters.
        given: What they are.
        sandbox_state: Where a sandbox keeps its state that is still to be started; None where the run is made here.

    Raises:
        FixInputError: One cannot.
    """
    if sandbox_state is not None:
        _check_folder("--sandbox-state", sandbox_state)
    settings = None if sandbox_state is not None else Settings.read()
    if settings and "google_credentials_block_name" in names:
        settings.check()
    if "output_dir" in names:
        where, folder = "--output-dir", given.get("output_dir")
        if not folder:
            where = "OUTPUT_DIR"
            folder = ROOT / (settings.output_dir if settings else os.environ.get("OUTPUT_DIR") or "output")
        _check_folder(where, Path(folder))


def _check_folder(where: str, folder: Path) -> None:
    """
    Whether files can be written into the folder, which need not be there yet.

    Raises:
        FixInputError: They cannot.
    """
    path = Path(os.path.abspath(folder))  # noqa: PTH100  # resolve() fails in a loop of links
    there = next(one for one in (path, *path.parents) if os.path.lexists(one))
    if not there.is_dir():
        kind = "leads nowhere" if there.is_symlink() and not there.exists() else "is a file"
        raise FixInputError(where, f"{there} {kind}; name a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise FixInputError(where, f"this user may not write into {there}; name another folder, or let it write there")
    space = shutil.disk_usage(there)
    if space.total and space.free < LEAST_SPACE:
        raise FixInputError(where, f"no space is left for {path}; make room there, or name another folder")
