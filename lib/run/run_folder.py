"""
The timestamped folder of one run and the files in it, each written whole or not at all.

`python -m lib.run verify output/<run> --manifest <its SHA-256>` says whether a finished run's files are as they were written.
"""

import datetime as dt
import hashlib
import importlib.metadata
import platform
import re
import shutil
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from lib.errors import FixInputError
from lib.files import KINDS, MANIFEST, kind_of, make_folder, name_of, read_json, sha256, what_is_wrong, write_json
from lib.settings import ROOT


def create(output_dir: Path, flow_name: str, now: dt.datetime) -> Path:
    """Make `<YYYYMMDD_HHMMSS>_<flow-name>` below `output_dir`, with `_2`, `_3` … when another run took that name."""
    make_folder(output_dir, exist_ok=True)
    return _make_distinct(output_dir, f"{now.astimezone(dt.UTC):%Y%m%d_%H%M%S}_{flow_name}")


def client_folder(run_folder: Path, client: str) -> Path:
    """Make the client's subfolder: its name in lower case letters, digits and dashes, distinct among the clients."""
    return _make_distinct(run_folder, _slug(client) or "client")


def file_stem(name: str) -> str:
    """A name as that of a file, `kopi-senja`: another name has another one, by a hash where its letters alone do not say so."""
    slug = _slug(name)
    digest = hashlib.sha256(name.encode(errors="backslashreplace")).hexdigest()
    return slug if slug and slug.replace("-", " ") == name else f"{slug}_{digest[:8]}"


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:60]


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


def _within(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or path.as_posix() != name or name == ".":
        raise ValueError(f"'{name}' is no path of a file below the run folder")
    return name


class _Listed(BaseModel):
    model_config = ConfigDict(strict=True)
    path: Annotated[str, AfterValidator(_within)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _once(records: list[_Listed]) -> list[_Listed]:
    seen: set[str] = set()
    for one in records:
        if one.path in seen:
            raise ValueError(f"'{one.path}' is listed twice")
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


def verify(run_folder: Path, manifest_sha256: str = "") -> Verdict:
    """
    Compare a run's files with its manifest, and the project's files with those that made the run.

    Links are not followed, pipes not opened.

    Args:
        run_folder: Of a finished run.
        manifest_sha256: The manifest's own hash as the run told it elsewhere, in its log and on its page in Prefect: who alters
            a file can put its new hash into the manifest. When left out, the manifest is believed.

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
        f"{name}: {change}" for name in written if name in there and (change := _change(there[name], written[name]))
    ]
    altered += [f"{name}: was added" for name in there if name not in written]
    altered += [
        f"{name}: is {kind}, not the file that the run wrote" for name, kind in others.items() if name in written
    ]
    altered += [f"{name}: was added, and is {kind}" for name, kind in others.items() if name not in written]
    found = sha256(path)
    if manifest_sha256 and found != manifest_sha256:
        altered.append(f"{MANIFEST}: is not the one that the run wrote, whose SHA-256 was {manifest_sha256}")
    then, now = manifest.files, _source_files()
    changed = [name for name in sorted({*then, *now}) if then.get(name) != now.get(name)] if then else []
    return Verdict(len(there), sorted(altered), changed, manifest.commit, found)


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
            if kind == KINDS[stat.S_IFREG]:
                files[name] = path
            elif kind != KINDS[stat.S_IFDIR]:
                others[name] = kind
    return dict(sorted(files.items())), dict(sorted(others.items()))


def _listed(run_folder: Path) -> dict[str, Path]:
    """The files that the manifest answers for: all but itself, and what JupyterLab keeps of a notebook that was opened."""
    return {name: path for name, path in files_of(run_folder).items() if name != MANIFEST and not _is_checkpoint(name)}


def _is_checkpoint(name: str) -> bool:
    return ".ipynb_checkpoints" in name.split("/")


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
