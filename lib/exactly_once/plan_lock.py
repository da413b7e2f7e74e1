"""Who works on a plan: one run at a time, on this machine and between machines.

Two locks, both held from before the rows are read until after the keys are written back. An OS file lock in a folder of the
user's, the same whatever HOME, PREFECT_HOME or the output folder are, ends with its process, however that ends. Two named
ranges in the spreadsheet hold between machines. The first has a fixed id, and Sheets refuses to add one whose id exists; its
name says who holds the plan since when. The second has an id of the holder's own, and Sheets refuses to delete one that does
not exist: so whoever gives back or breaks a lock deletes both in one atomic request, and can never delete somebody else's.

The holder's own range is also where it writes its claim tokens: it points it at the Key column, with which it moves, and a write into
a range that was deleted is refused. And it is the proof that a journal is not stale: a run that leaves rows unsettled leaves
its range, and whoever takes the plan next, on whatever machine, deletes it. A run that makes no issues, and took over from none that
does, says so in the name of its range: if it dies, nothing of it can be under way.

A lock left behind is broken only on proof that its holder is gone.
"""

import contextlib
import datetime as dt
import hashlib
import json
import os
import platform
import pwd
import re
import secrets
import stat
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from lib.errors import ConflictError, FixInputError
from lib.files import iso_utc, kind_of, make_folder, write_bytes
from lib.messages import NOTHING, Said, say

LOCK_ID = "contentplanlock"
HOLDER_ID = "contentplanholder"
_MAKES_NONE = "cpupdate_"  # begins the name of the own range of a holder that makes no issues
_GLANCE_S = 2  # for who only looks whether the lock is free
_NAME = re.compile(
    r"cplock_(?P<since>[0-9]{8}T[0-9]{6}Z)_(?P<machine>[0-9a-f]{12})_(?P<nonce>[0-9a-f]{12})_(?P<flow_run>[0-9a-f]{32}|none)_(?P<host>[A-Za-z0-9]*)"
)


@dataclass(frozen=True)
class Holder:
    """Who holds a plan: since when, on which machine, in which Prefect flow run (None outside of one)."""

    since: dt.datetime
    machine: str
    nonce: str
    flow_run: uuid.UUID | None
    host: str

    def __str__(self) -> str:
        return str(self.said)

    @property
    def said(self) -> Said:
        """The same in both languages."""
        run = say(", flow run {id}", id=self.flow_run) if self.flow_run else NOTHING
        host = self.host or say("another machine")
        return say("a run on {host}{run}, since {since}", host=host, run=run, since=iso_utc(self.since))

    @property
    def own_range(self) -> str:
        """Name of the holder's own named range, where it writes its claim tokens."""
        return f"cpholder_{self.nonce}"

    @property
    def range_name(self) -> str:
        """As the lock's name: letters, digits and underscores are all that Sheets takes."""
        flow_run = self.flow_run.hex if self.flow_run else "none"
        return f"cplock_{self.since:%Y%m%dT%H%M%SZ}_{self.machine}_{self.nonce}_{flow_run}_{self.host}"


def parse_holder(range_name: str) -> Holder | None:
    """Read a lock's name; None when it is not one of ours."""
    match = _NAME.fullmatch(range_name)
    if match is None:
        return None
    return Holder(
        dt.datetime.strptime(match["since"], "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC),
        match["machine"],
        match["nonce"],
        None if match["flow_run"] == "none" else uuid.UUID(match["flow_run"]),
        match["host"],
    )


def lock_folder() -> Path:
    """The folder of this user's locks on this machine: by the password file, since $HOME may differ from run to run."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if home.is_dir() and os.access(home, os.W_OK):
        return home / ".local/state/content-plan-workflows"
    return Path(f"/var/tmp/content-plan-workflows-{os.getuid()}")  # noqa: S108  # the same for every run of this user


def _make_own(folder: Path) -> None:
    """Make the folder for this user alone; what somebody else may have put into its place is not used."""
    with contextlib.suppress(FileExistsError):
        make_folder(folder, private=True)
    found, above = folder.lstat(), folder.parent.stat()
    if above.st_mode & stat.S_IWOTH and (stat.S_ISLNK(found.st_mode) or found.st_uid != os.getuid()):
        problem = "is a link" if stat.S_ISLNK(found.st_mode) else f"belongs to the user with id {found.st_uid}"
        advice = "locks lie there when this user has no home folder that may be written; remove it, or make that folder"
        raise FixInputError(str(folder), f"{problem}, which may be anybody's in a folder open to all; {advice}")
    if not folder.is_dir():
        raise FixInputError(str(folder), f"is {kind_of(folder)}, where the locks of runs go; move it away")
    if (mode := folder.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
        with contextlib.suppress(PermissionError):
            folder.chmod(stat.S_IMODE(mode) & stat.S_IRWXU)


class LocalLock:
    """
    The part of a plan's lock that lies on this machine, and a journal of what is under way in the plan.

    Args:
        spreadsheet_id: The plan's spreadsheet.
        folder: Where the lock lies; None for the user's folder.
        endpoint: Where Sheets is, when not at Google: each sandbox has spreadsheets of the same ids.

    Raises:
        FixInputError: The folder may be somebody else's, or is none.
    """

    def __init__(self, spreadsheet_id: str, folder: Path | None = None, *, endpoint: str = "") -> None:
        self.folder = folder or lock_folder()
        _make_own(self.folder)
        self._name = hashlib.sha256(f"{endpoint}{spreadsheet_id}".encode()).hexdigest()[:32]
        self._lock = filelock.FileLock(self.folder / f"{self._name}.lock", timeout=_GLANCE_S, mode=0o600)
        self._journal = self.folder / f"{self._name}.json"

    def acquire(self, plan: str) -> None:
        """
        Take the lock or stop.

        Raises:
            ConflictError: Another run on this machine works on the plan.
        """
        try:
            self._lock.acquire()
        except filelock.Timeout:
            since = self.read_journal().get("since") or say("just now")
            working = say(
                "another run on this machine works on it, since {since}; wait until it has ended, then run again",
                since=since,
            )
            raise ConflictError(plan, working) from None

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def machine(self) -> str:
        """What tells machines apart: those that share this folder share its locks, and count as one."""
        path = self.folder / "machine-id"
        if not path.exists():
            own = uuid.uuid4().hex.encode()
            draft = write_bytes(self.folder / f"machine-id.{uuid.uuid4().hex}", own, private=True)
            with contextlib.suppress(FileExistsError):  # another run was first
                path.hardlink_to(draft)
            draft.unlink()
        system = Path("/etc/machine-id")
        content = path.read_bytes() + (system.read_bytes() if system.exists() else b"")
        return hashlib.sha256(content).hexdigest()[:12]

    def read_journal(self) -> dict[str, Any]:
        """What the last run that worked on the plan left; empty when it ended in order."""
        try:
            journal = json.loads(self._journal.read_bytes())
        except (FileNotFoundError, ValueError):
            return {}
        return journal if isinstance(journal, dict) else {}

    def write_journal(self, journal: Mapping[str, Any]) -> None:
        """Put down, before it happens, what is about to be done; on disk when this returns."""
        write_bytes(self._journal, json.dumps(journal, ensure_ascii=False, indent=2).encode(), private=True)

    def clear_journal(self) -> None:
        """Nothing is under way any more."""
        self._journal.unlink(missing_ok=True)


def new_holder(local: LocalLock, now: dt.datetime, flow_run: uuid.UUID | None) -> Holder:
    """This run as a holder."""
    host = re.sub(r"[^A-Za-z0-9]", "", platform.node())[:40]
    return Holder(now.replace(microsecond=0), local.machine(), secrets.token_hex(6), flow_run, host)


def may_have_made(named_ranges: Mapping[str, str]) -> list[str]:
    """Ids, of named ranges by id, of those that belong to holders of whom requests that make issues may be under way."""
    return [
        range_id
        for range_id, name in named_ranges.items()
        if range_id.startswith(HOLDER_ID) and not name.startswith(_MAKES_NONE)
    ]


def request_lock(holder: Holder, tab_id: int, *, makes_issues: bool = True) -> list[dict[str, Any]]:
    """
    The batchUpdate requests that take the spreadsheet's lock; Sheets refuses them while there is one.

    Both ranges are the whole tab: one of a single cell would go with its row or column. A holder that makes no issues must take
    over from none that `may_have_made` some.
    """
    whole = {"sheetId": tab_id}
    own_range = holder.own_range if makes_issues else f"{_MAKES_NONE}{holder.nonce}"
    named = [(LOCK_ID, holder.range_name), (f"{HOLDER_ID}{holder.nonce}", own_range)]
    return [
        {"addNamedRange": {"namedRange": {"namedRangeId": range_id, "name": name, "range": whole}}}
        for range_id, name in named
    ]


def request_point(holder: Holder, tab_id: int, column: int, top: int) -> dict[str, Any]:
    """Point the holder's own range at a column from the row at `top` on, both from 0; Sheets refuses it when it is gone."""
    below = {"sheetId": tab_id, "startColumnIndex": column, "endColumnIndex": column + 1, "startRowIndex": top}
    named = {"namedRangeId": f"{HOLDER_ID}{holder.nonce}", "name": holder.own_range, "range": below}
    return {"updateNamedRange": {"namedRange": named, "fields": "range"}}


def request_unlock(range_name: str, holders: Iterable[str], *, leave: bool = False) -> list[dict[str, Any]]:
    """
    The batchUpdate requests that take away the lock of that name; Sheets refuses them when it is another one by now.

    Args:
        range_name: The lock's name; empty when there is none.
        holders: Ids of the named ranges, whatever they are: all that holders left go, too.
        leave: Leave the holder's own range, whose journal is to be believed for as long as it stands.
    """
    holder = parse_holder(range_name)
    own = [f"{HOLDER_ID}{holder.nonce}"] if holder else []
    renamed = [{"namedRangeId": own_id, "name": holder.own_range} for own_id in own if holder and leave]
    left = [range_id for range_id in holders if range_id.startswith(HOLDER_ID) and range_id not in own]
    gone = [*([] if leave else [*own, *left]), *([LOCK_ID] if range_name else [])]
    return [
        *(
            {"updateNamedRange": {"namedRange": named, "fields": "name"}} for named in renamed
        ),  # refused when it is gone
        *({"deleteNamedRange": {"namedRangeId": range_id}} for range_id in gone),
    ]
