"""Files that are written whole or not at all, with the rights that they shall have; JSON files; the names of a run's files."""

import datetime as dt
import errno
import hashlib
import io
import json
import os
import stat
import uuid
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lib.errors import FixInputError
from lib.settings import ROOT, OutputEnvironment

# Names of the files of a run; the numbered ones lie in a plan's folder, in the order in which the steps make them.
RESULT, MANIFEST = "result.json", "manifest.json"
ROWS, DRAFTS, ACTIONS, CLAIMS, ISSUES = (
    "01_rows.json",
    "02_drafts.json",
    "03_actions.json",
    "04_claims.json",
    "05_issues.json",
)
CORRECTIONS = "corrections.csv"  # beside the report, where there is something to correct
SEEN_ISSUES, FINDINGS = "02_issues.json", "03_findings.json"  # of the watch

_MOST_BYTES = 1 << 29  # of a JSON file; one of 10,000 rows has a hundredth of it
KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
}


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


def folder_mode(*, private: bool = False) -> int:
    """Mode of a run's folders, whatever the umask: for their owner alone, or with OUTPUT_FOR_GROUP for the group, too."""
    try:
        group = not private and OutputEnvironment.read().output_for_group
    except FixInputError:  # reported where all settings are read
        group = False
    return 0o770 if group else 0o700


def file_mode(*, private: bool = False) -> int:
    """Mode of a run's files, as that of its folders."""
    return folder_mode(private=private) & 0o666


def make_folder(path: Path, *, exist_ok: bool = False, private: bool = False) -> None:
    """
    Make a folder, and those above it that are missing, each with `folder_mode`.

    Raises:
        FileExistsError: Something else lies there, or a folder without `exist_ok`.
        OSError: It cannot be made.
    """
    if not path.parent.exists():
        make_folder(path.parent, exist_ok=True, private=private)
    mode = folder_mode(private=private)
    try:
        path.mkdir(mode)
    except FileExistsError:
        if not (exist_ok and path.is_dir()):
            raise
        return
    with suppress(PermissionError):  # some mounts have one mode for all
        path.chmod(mode | path.stat().st_mode & stat.S_ISGID)  # a folder that gives its group on goes on doing so


def new_file(path: Path, *, private: bool = False) -> io.BufferedWriter:
    """Open a file that is not there yet for writing, with `file_mode`."""
    mode = file_mode(private=private)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with suppress(PermissionError):
        os.fchmod(descriptor, mode)
    return os.fdopen(descriptor, "wb")


def spare_finished(path: Path) -> Path:
    """
    The path, or one in `output/scratch` when it lies in a finished run's folder.

    The executed notebook of a run can so be opened and run again without changing what the run left.
    """
    finished = next((parent for parent in path.resolve().parents if (parent / MANIFEST).exists()), None)
    if finished is None:
        return path
    spare = ROOT / "output" / "scratch" / finished.name / path.resolve().relative_to(finished)
    warnings.warn(f"{finished.name} is finished and stays as it is; written to {spare}", stacklevel=3)
    return spare


def write_bytes(path: Path, content: bytes, *, private: bool = False) -> Path:
    """Write the file whole or not at all: a reader sees the old content or the new. If `private`, no setting opens it."""
    make_folder(path.parent, exist_ok=True, private=private)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with new_file(temporary, private=private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # a full disk tells none, or the temporary one
        raise
    finally:
        temporary.unlink(missing_ok=True)
    return path


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
    return write_bytes(path, f"{text}\n".encode(errors="backslashreplace"))  # half a pair of UTF-16 as JSON writes it


def read_json(path: Path) -> dict[str, Any]:
    """
    Read a JSON file of a run folder.

    Raises:
        FixInputError: It is missing, or no JSON.
    """
    try:
        with open_file(path) as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        reason = "" if missing else f" ({error.strerror})"
        raise FixInputError(
            str(path), f"cannot be read{reason}; give the path of a run folder that a run finished"
        ) from None
    if len(content) > _MOST_BYTES:
        raise FixInputError(str(path), f"is larger than {_MOST_BYTES >> 20} MiB; no run writes such a file")
    return parse_json(path, content)


def open_file(path: Path) -> io.BufferedReader:
    """
    Open a file for reading.

    Raises:
        OSError: It cannot be opened, or is a pipe, a socket or a device, which might let the reader wait for ever.
    """
    if not stat.S_ISREG(found := path.stat().st_mode):
        raise OSError(errno.EINVAL, f"it is {KINDS.get(stat.S_IFMT(found), 'something else')}, not a file", str(path))
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")


def kind_of(path: Path) -> str:
    """What lies there, such as `a file` or `a named pipe`; of a link, that it is one."""
    try:
        return KINDS.get(stat.S_IFMT(path.lstat().st_mode), "something else")
    except OSError:
        return "something that cannot be looked at"


def parse_json(path: Path, text: str | bytes) -> dict[str, Any]:
    """
    The content of a JSON file of a run folder.

    Raises:
        FixInputError: It is none.
    """
    try:
        content = json.loads(text)
    except ValueError:
        raise FixInputError(str(path), "is no JSON; the file was changed after the run wrote it") from None
    except RecursionError:
        raise FixInputError(str(path), "is nested too deeply; the file was changed after the run wrote it") from None
    if not isinstance(content, dict):
        raise FixInputError(str(path), "is no file of a run folder")
    return content


def what_is_wrong(error: ValidationError) -> str:
    """What in a JSON file has not the shape that a run gives it, the first of it: where, and what it should be."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    text = ": ".join(filter(None, (where, first["msg"].removeprefix("Value error, "))))
    return f"{text}; the file was changed after the run wrote it"


def name_of(path: Path) -> str:
    r"""A path as text that can be written anywhere; bytes in it that are no UTF-8 become `\xff`."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def sha256(path: Path) -> str:
    """Hash of a file's content, in hexadecimal."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
