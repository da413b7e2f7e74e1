"""
The timestamped folder of one run and the files in it, each written whole or not at all.

`python -m lib.run_folder verify output/<run>` says whether a finished run's files are as they were written.
"""

import datetime as dt
import errno
import hashlib
import importlib.metadata
import io
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import uuid
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lib import error_line
from lib.errors import FixInputError
from lib.settings import ROOT, OutputEnvironment
from lib.terminal import printable, steady

MANIFEST = "manifest.json"
_MOST_BYTES = 1 << 29  # of a JSON file; one of 10,000 rows has a hundredth of it
_KINDS = {
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


def create(output_dir: Path, flow_name: str, now: dt.datetime) -> Path:
    """Make `<YYYYMMDD_HHMMSS>_<flow-name>` below `output_dir`, with `_2`, `_3` … when another run took that name."""
    make_folder(output_dir, exist_ok=True)
    return _make_distinct(output_dir, f"{now.astimezone(dt.UTC):%Y%m%d_%H%M%S}_{flow_name}")


def client_folder(run_folder: Path, client: str) -> Path:
    """Make the client's subfolder: its name in lower case letters, digits and dashes, distinct among the clients."""
    return _make_distinct(run_folder, re.sub(r"[^a-z0-9]+", "-", client.casefold()).strip("-")[:60] or "client")


def _make_distinct(parent: Path, name: str) -> Path:
    number = 1
    while True:
        folder = parent / (name if number == 1 else f"{name}_{number}")
        try:
            make_folder(folder)
        except FileExistsError:
            number += 1
        else:
            return folder


def folder_mode(*, private: bool = False) -> int:
    """Mode of a run's folders, whatever the umask: for their owner alone, or with OUTPUT_FOR_GROUP for the group, too."""
    try:
        group = not private and OutputEnvironment.read().output_for_group
    except FixInputError:  # told where all settings are read
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


@dataclass(frozen=True)
class Sources:
    """What a run is made by: package versions, the commit, and the SHA-256 of the files that people change."""

    versions: dict[str, str]
    commit: str | None
    files: dict[str, str]

    @classmethod
    def now(cls) -> Self:
        """As they are at this moment; asked for when a run begins."""
        return cls(versions=_versions(), commit=_commit(), files=_source_files())


def write_manifest(run_folder: Path, *, workflow: str, parameters: Mapping[str, Any], sources: Sources) -> Path:
    """List every file of the run with its SHA-256, and the parameters, versions, commit and files that made them."""
    records = [
        {"path": name, "sha256": sha256(path), "bytes": path.stat().st_size}
        for name, path in _listed(run_folder).items()
    ]
    made_by = {"parameters": dict(parameters), **asdict(sources)}
    return write_json(run_folder / MANIFEST, records, workflow=workflow, source=run_folder.name, **made_by)


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
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(stat.S_IFMT(found), 'something else')}, not a file", str(path))
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")


def kind_of(path: Path) -> str:
    """What lies there, such as `a file` or `a named pipe`; of a link, that it is one."""
    try:
        return _KINDS.get(stat.S_IFMT(path.lstat().st_mode), "something else")
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
    said = ": ".join(filter(None, (where, first["msg"].removeprefix("Value error, "))))
    return f"{said}; the file was changed after the run wrote it"


def _within(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.as_posix() != name or name == ".":
        raise ValueError(f"{name!r} is no path of a file below the run folder")
    return name


class _Listed(BaseModel):
    model_config = ConfigDict(strict=True)
    path: Annotated[str, AfterValidator(_within)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _once(records: list[_Listed]) -> list[_Listed]:
    seen: set[str] = set()
    for one in records:
        if one.path in seen:
            raise ValueError(f"{one.path!r} is listed twice")
        seen.add(one.path)
    return records


class _Manifest(BaseModel):
    """The shape of what is read of a `manifest.json`."""

    model_config = ConfigDict(strict=True)
    data: Annotated[list[_Listed], AfterValidator(_once)]
    files: dict[str, str] = {}
    commit: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What became of a run folder since it was written: `altered` files, and `sources` that have changed in the project."""

    files: int
    altered: list[str]
    sources: list[str]
    commit: str | None
    manifest_sha256: str


def verify(run_folder: Path) -> Verdict:
    """
    Compare a run's files with its manifest, and the project's files with those that made the run.

    The manifest itself is proven by its hash, which the run told Prefect and its log. Links are not followed, pipes not opened.

    Raises:
        FixInputError: There is no manifest, or none that a run wrote.
    """
    path = run_folder / MANIFEST
    try:
        manifest = _Manifest.model_validate(read_json(path))
    except ValidationError as error:
        raise FixInputError(str(path), what_is_wrong(error)) from None
    written = {record.path: record.sha256 for record in manifest.data}
    there = _listed(run_folder)
    others = {name: kind for name, kind in others_of(run_folder).items() if not _is_checkpoint(name)}
    altered = [f"{name}: is missing" for name in written if name not in there and name not in others]
    altered += [
        f"{name}: {told}" for name in written if name in there and (told := _change(there[name], written[name]))
    ]
    altered += [f"{name}: was added" for name in there if name not in written]
    altered += [
        f"{name}: is {kind}, not the file that the run wrote" for name, kind in others.items() if name in written
    ]
    altered += [f"{name}: was added, and is {kind}" for name, kind in others.items() if name not in written]
    then, now = manifest.files, _source_files()
    changed = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)] if then else []
    return Verdict(len(there), sorted(altered), changed, manifest.commit, sha256(path))


def _change(path: Path, written: str) -> str:
    """What became of a file with this hash; empty when it is as it was."""
    try:
        return "" if sha256(path) == written else "was changed"
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def files_of(run_folder: Path) -> dict[str, Path]:
    """All files of a run: path below the folder -> path, sorted. No link is followed."""
    return _walk(run_folder)[0]


def others_of(run_folder: Path) -> dict[str, str]:
    """What lies in a run's folder and is neither file nor folder, or cannot be read: path below the folder -> what it is."""
    return _walk(run_folder)[1]


def _walk(run_folder: Path) -> tuple[dict[str, Path], dict[str, str]]:
    """
    The files and the others.

    Raises:
        OSError: The folder itself cannot be read.
    """
    files: dict[str, Path] = {}
    others: dict[str, str] = {}

    def unreadable(error: OSError) -> None:
        folder = Path(error.filename)
        if folder == run_folder:
            raise error
        others[name_of(folder.relative_to(run_folder))] = f"a folder that cannot be read ({error.strerror})"

    for parent, folders, names in run_folder.walk(on_error=unreadable):
        for path in (parent / name for name in (*folders, *names)):
            name, kind = name_of(path.relative_to(run_folder)), kind_of(path)
            if kind == _KINDS[stat.S_IFREG]:
                files[name] = path
            elif kind != _KINDS[stat.S_IFDIR]:
                others[name] = kind
    return dict(sorted(files.items())), dict(sorted(others.items()))


def name_of(path: Path) -> str:
    r"""A path as text that can be written anywhere; bytes in it that are no UTF-8 become `\xff`."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def _listed(run_folder: Path) -> dict[str, Path]:
    """The files that the manifest answers for: all but itself, and what JupyterLab keeps of a notebook that was opened."""
    return {name: path for name, path in files_of(run_folder).items() if name != MANIFEST and not _is_checkpoint(name)}


def _is_checkpoint(name: str) -> bool:
    return ".ipynb_checkpoints" in name.split("/")


def sha256(path: Path) -> str:
    """Hash of a file's content, in hexadecimal."""
    with open_file(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _source_files() -> dict[str, str]:
    """The files whose change changes what a run makes, though no commit may tell: the mappings, the notebooks, the lock."""
    paths = [ROOT / "hashmap.py", *sorted(ROOT.glob("notebooks/*.ipynb")), ROOT / "uv.lock"]
    return {path.relative_to(ROOT).as_posix(): sha256(path) for path in paths if path.exists()}


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


@steady()
def main(argv: Sequence[str] | None = None) -> int:
    """`verify` on the command line; 0 when the folder is as it was written, 1 when it is not."""
    parser = error_line.OneLineParser(prog="python -m lib.run_folder", description="What became of a run folder since.")
    commands = parser.add_subparsers(required=True, metavar="verify")
    command = commands.add_parser("verify", help="compare the files with the manifest that the run wrote")
    command.add_argument(
        "run", type=error_line.path, help="a run folder, such as output/20260705_100000_content-plan-to-jira"
    )
    folder = parser.parse_args(argv).run
    try:
        verdict = verify(folder)
    except (FixInputError, OSError) as error:
        error_line.show(error)
        return 1
    for line in verdict.altered:
        print(printable(line))  # noqa: T201
    for name in verdict.sources:
        told = f"{name}: in the project, it has changed since this run (commit {verdict.commit})"
        print(printable(told))  # noqa: T201
    told = f"{len(verdict.altered)} files are not" if verdict.altered else f"all {verdict.files} files are"
    print(printable(f"{folder.name}: {told} as the run wrote them; manifest {verdict.manifest_sha256}"))  # noqa: T201
    return 1 if verdict.altered else 0


if __name__ == "__main__":
    error_line.show_all()
    raise SystemExit(main())
