"""Old run folders as verified zip files. A folder is removed only once its archive was read back and found to be the same."""

import contextlib
import datetime as dt
import hashlib
import os
import shutil
import uuid
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from lib import files
from lib.errors import ConflictError, FixInputError, TryLaterError
from lib.files import MANIFEST
from lib.run import run_folder, run_record

ARCHIVE = "archive"  # beside the run folders
_REMOVING = ".removing"  # ends the hidden name of a folder whose archive is good
_LOCK_TIMEOUT_S = 60
_QUIET = dt.timedelta(days=1)  # after the last change of a folder whose run has left no manifest

type _Seen = dict[str, tuple[int, int]]  # size and time of each file


# What zipfile raises for a file that is no archive, is cut off, encrypted, or packed in a way that it does not know.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Candidate:
    """A run folder, how its run ended, and why it is kept; empty when it may be archived. An `odd` one needs a person."""

    folder: Path
    state: str
    kept: str = ""
    odd: bool = False

    @property
    def name(self) -> str:
        """Of the folder, as text that can be written anywhere."""
        return files.name_of(Path(self.folder.name))


def candidates(
    output_dir: Path, now: dt.datetime, *, keep: dt.timedelta, keep_failed: dt.timedelta, own: Path | None = None
) -> Iterator[Candidate]:
    """
    All run folders, oldest first, with what is to become of them; then what only looks like one.

    A run without a result may still be going on, whatever its age, and is never archived. One with nothing in it that an earlier
    one did not tell is kept as completed ones are, whatever its state. A folder that cannot be read is kept, and keeps no other.
    """
    for folder in reversed(run_record.run_folders(output_dir)):
        if folder == own:
            continue
        try:
            found = _candidate(folder, now, keep, keep_failed)
        except Exception as error:  # noqa: BLE001  # each folder stands alone
            found = Candidate(folder, "unreadable", f"{type(error).__name__}: {error}", odd=True)
        if os.path.lexists(folder):  # else another archiving took it meanwhile
            yield found
    for name, why in run_record.odd_entries(output_dir).items():
        yield Candidate(output_dir / name, "no run", f"it {why}", odd=True)


def _candidate(folder: Path, now: dt.datetime, keep: dt.timedelta, keep_failed: dt.timedelta) -> Candidate:
    if folder.is_symlink():
        return Candidate(folder, "a link", "it is a link to a folder elsewhere, which is archived where it lies")
    try:
        record = run_record.read_head(folder)
    except FixInputError as error:
        if run_record.is_finished(folder):
            return Candidate(folder, "unreadable", str(error), odd=True)
        return Candidate(folder, "not finished", "it has no result: it is still running, or was stopped hard")
    nothing_new = record.result.get("nothing_new", False)
    limit = keep if nothing_new or record.state == "completed" else keep_failed
    age = now - run_record.begun_at(folder)
    if age < dt.timedelta():
        return Candidate(folder, record.state, "its name lies in the future: the clock of its machine was ahead")
    if age <= limit:
        told_age = f"it is {age.days} days old, and {record.state} runs are kept for {limit.days}"
        return Candidate(folder, record.state, told_age)
    if others := run_folder.others_of(folder):
        listed = ", ".join(f"{name} is {kind}" for name, kind in list(others.items())[:5])
        return Candidate(folder, record.state, f"it holds what no archive takes ({listed}); remove that", odd=True)
    if not (folder / MANIFEST).is_file() and now.timestamp() - _last_change(folder) < _QUIET.total_seconds():
        return Candidate(
            folder, record.state, "it has no manifest yet and was changed a short while ago: it may still run"
        )
    return Candidate(folder, record.state)


def _last_change(folder: Path) -> float:
    return max(path.stat().st_mtime for path in (folder, *run_folder.files_of(folder).values()))


def archive(folder: Path) -> Path:
    """
    Put a run folder into `archive/<name>.zip`, read that back, and remove the folder.

    Raises:
        ConflictError: The archive differs from the folder, or an archive of that name holds something else, or the folder was
            changed meanwhile; the folder stays.
        TryLaterError: Another archiving is under way, or has archived it; nothing was done.
        OSError: A disk is full, or may not be written; the folder stays.
    """
    into = _make_archive(folder.parent)
    path = into / f"{folder.name}.zip"
    try:
        with FileLock(into / ".lock", timeout=_LOCK_TIMEOUT_S, mode=files.file_mode()):
            if not folder.exists():
                raise TryLaterError(folder.name, "another archiving was faster; there is nothing left to do")
            seen, made = _look(folder), not path.exists()
            if made:
                _write(folder, path)
            try:
                _verify(folder, path)
                _remove(folder, seen)
            except ConflictError:
                if made:
                    path.unlink()  # the next one would differ from it
                raise
    except Timeout:
        raise TryLaterError(str(into), "another archiving is under way; the next one takes up this folder") from None
    return path


def _make_archive(output_dir: Path) -> Path:
    into = output_dir / ARCHIVE
    if os.path.lexists(into) and not into.is_dir():
        raise ConflictError(str(into), f"is {files.kind_of(into)}, where archives go; move it away")
    files.make_folder(into, exist_ok=True)
    return into


def _look(folder: Path) -> _Seen:
    """What a change of the folder would change."""
    if others := run_folder.others_of(folder):
        name, kind = next(iter(others.items()))
        raise ConflictError(str(folder), f"holds {name}, {kind}, which no archive takes; remove it")
    found = {name: path.stat() for name, path in run_folder.files_of(folder).items()}
    return {name: (one.st_size, one.st_mtime_ns) for name, one in found.items()}


def _remove(folder: Path, seen: _Seen) -> None:
    """Under its own name, a folder half removed would differ from its archive for ever."""
    hidden = folder.rename(folder.with_name(f".{folder.name}{_REMOVING}"))
    try:
        unchanged = _look(hidden) == seen
    except BaseException:
        hidden.rename(folder)
        raise
    if not unchanged:
        hidden.rename(folder)
        raise ConflictError(str(folder), "was changed while it was archived; the next archiving takes it up")
    shutil.rmtree(hidden)


def remove_leftovers(output_dir: Path) -> list[str]:
    """Remove what an interrupted archiving left, unless another one is under way; what could not be removed, and why."""
    problems = []
    into = _make_archive(output_dir)
    with contextlib.suppress(Timeout), FileLock(into / ".lock", timeout=0, mode=files.file_mode()):
        for left in sorted([*into.glob(".*.zip.*"), *output_dir.glob(f".*{_REMOVING}")]):
            try:
                _remove_leftover(left, into)
            except (OSError, ConflictError) as error:
                problems.append(f"{files.name_of(Path(left.name))}: {error}")
    return problems


def _remove_leftover(left: Path, into: Path) -> None:
    """Only what is ours: a file half written, or a folder whose archive is there."""
    if left.parent == into:
        left.unlink()
        return
    archived = into / f"{left.name.removeprefix('.').removesuffix(_REMOVING)}.zip"
    if left.is_symlink() or not left.is_dir():
        raise ConflictError("", f"is {files.kind_of(left)} that no archiving left; remove it")
    contents = run_folder.files_of(left)
    if contents and not archived.is_file():
        raise ConflictError("", f"has no archive {ARCHIVE}/{archived.name}; give the folder its own name again")
    if contents and not _holds(archived, contents):
        raise ConflictError("", f"has what {ARCHIVE}/{archived.name} does not hold; move one of them away")
    shutil.rmtree(left)


def _holds(path: Path, contents: Mapping[str, Path]) -> bool:
    """Whether these files of a folder, which may be half removed, are in its archive as they are."""
    try:
        with files.open_file(path) as file, zipfile.ZipFile(file) as archived:
            return all(_sha256_in(archived, f"{path.stem}/{n}") == files.sha256(one) for n, one in contents.items())
    except (*_BROKEN, KeyError):
        return False


def _write(folder: Path, path: Path) -> None:
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with files.new_file(temporary) as file:
            # ZIP knows no time before 1980, which is what a file of an unset clock or of a mount may have.
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as archived:
                for name, one in run_folder.files_of(folder).items():
                    archived.write(one, f"{folder.name}/{name}")
            file.flush()
            os.fsync(file.fileno())  # on the disk before the folder is removed from it
        temporary.replace(path)
    except OSError as error:
        if error.filename is None:  # a full disk tells none
            error.filename = str(path)
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _verify(folder: Path, path: Path) -> None:
    contents = run_folder.files_of(folder)
    differs = ConflictError(str(path), f"differs from {folder}; the folder stays. Move one of them away")
    try:
        with files.open_file(path) as file, zipfile.ZipFile(file) as archived:
            sizes = sorted((entry.filename, entry.file_size) for entry in archived.infolist())
            if sizes != sorted((f"{folder.name}/{name}", one.stat().st_size) for name, one in contents.items()):
                raise differs
            same = all(_sha256_in(archived, f"{folder.name}/{n}") == files.sha256(one) for n, one in contents.items())
    except _BROKEN as error:
        raise ConflictError(str(path), f"cannot be read ({error}); remove it, the folder is still there") from None
    if not same:
        raise differs


def _sha256_in(archived: zipfile.ZipFile, name: str) -> str:
    with archived.open(name) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]  # it has readinto
