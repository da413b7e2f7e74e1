"""Old run folders as verified zip files. A folder is removed only once its archive was read back and found to be the same."""

import contextlib
import datetime as dt
import hashlib
import shutil
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from lib import run_folder, run_record
from lib.errors import ConflictError, FixInputError

ARCHIVE = "archive"  # beside the run folders
_REMOVING = ".removing"  # ends the hidden name of a folder whose archive is good


@dataclass(frozen=True)
class Candidate:
    """A run folder, how its run ended, and why it is kept; empty when it may be archived."""

    folder: Path
    state: str
    kept: str = ""


def candidates(
    output_dir: Path, now: dt.datetime, *, keep: dt.timedelta, keep_failed: dt.timedelta, own: Path | None = None
) -> Iterator[Candidate]:
    """
    All run folders, oldest first, with what is to become of them.

    A run without a result may still be going on, whatever its age, and is never archived. One with nothing in it that an earlier
    one did not tell is kept as completed ones are, whatever its state.
    """
    for folder in reversed(run_record.run_folders(output_dir)):
        if folder == own:
            continue
        try:
            record = run_record.read_head(folder)
        except FixInputError:
            yield Candidate(folder, "not finished", "it has no result: it is still running, or was stopped hard")
            continue
        told = record.result.get("nothing_new", False)
        limit = keep if told or record.state == "completed" else keep_failed
        age = now - run_record.begun_at(folder)
        young = f"it is {age.days} days old, and {record.state} runs are kept for {limit.days}" if age <= limit else ""
        yield Candidate(folder, record.state, young)


def archive(folder: Path) -> Path:
    """
    Put a run folder into `archive/<name>.zip`, read that back, and remove the folder.

    Raises:
        ConflictError: The archive differs from the folder, or an archive of that name holds something else; the folder stays.
    """
    into = folder.parent / ARCHIVE
    into.mkdir(exist_ok=True)
    path = into / f"{folder.name}.zip"
    try:
        with FileLock(into / ".lock", timeout=0):
            if not path.exists():
                _write(folder, path)
            _verify(folder, path)
            # Half removed under its own name, it would differ from its archive for ever.
            shutil.rmtree(folder.rename(folder.with_name(f".{folder.name}{_REMOVING}")))
    except Timeout:
        raise ConflictError(str(into), "another archiving is under way; wait until it has ended") from None
    return path


def remove_leftovers(output_dir: Path) -> list[str]:
    """Remove what an interrupted archiving left, unless another one is under way; what could not be removed, and why."""
    problems = []
    into = output_dir / ARCHIVE
    into.mkdir(exist_ok=True)
    with contextlib.suppress(Timeout), FileLock(into / ".lock", timeout=0):
        for unfinished in into.glob(".*.zip.*"):
            unfinished.unlink()
        for folder in output_dir.glob(f".*{_REMOVING}"):
            try:
                shutil.rmtree(folder)
            except OSError as error:
                problems.append(f"{folder.name}: {error}")
    return problems


def _write(folder: Path, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        # ZIP knows no time before 1980, which is what a file of an unset clock or of a mount may have.
        with zipfile.ZipFile(temporary, "x", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archived:
            for name, file in run_folder.files_of(folder).items():
                archived.write(file, f"{folder.name}/{name}")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _verify(folder: Path, path: Path) -> None:
    files = run_folder.files_of(folder)
    wanted = {f"{folder.name}/{name}": run_folder.sha256(file) for name, file in files.items()}
    try:
        with zipfile.ZipFile(path) as archived:
            found = {name: _sha256_in(archived, name) for name in archived.namelist()}
    except zipfile.BadZipFile as error:
        raise ConflictError(str(path), f"cannot be read ({error}); remove it, the folder is still there") from None
    if found != wanted:
        raise ConflictError(str(path), f"differs from {folder}; the folder stays. Move one of them away")


def _sha256_in(archived: zipfile.ZipFile, name: str) -> str:
    with archived.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it has readinto
