import datetime as dt
import errno
import os
import shutil
import threading
import warnings
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from lib import error_line, files
from lib.errors import ConflictError, TryLaterError
from lib.files import utc_now
from lib.run import archive, run_record
from tests import odd, runs

DAY = dt.timedelta(days=1)
KEEP = {"keep": 90 * DAY, "keep_failed": 365 * DAY}


def test_old_runs_go_failed_ones_stay_longer_and_unfinished_ones_for_good(tmp_path):
    now = runs.START
    old = runs.leave(tmp_path, [runs.row(1)], at=now - 100 * DAY)
    failed = runs.leave(tmp_path, [runs.row(1)], at=now - 100 * DAY, error="Jira: no")
    ancient = runs.leave(tmp_path, [runs.row(1)], at=now - 400 * DAY, error="Jira: no")
    running = tmp_path / f"{now - 500 * DAY:%Y%m%d_%H%M%S}_content-plan-to-jira"
    running.mkdir()
    young = runs.leave(tmp_path, [runs.row(1)], at=now - 5 * DAY)
    own = runs.leave(tmp_path, [], flow="output-maintenance", at=now)
    found = {one.folder: one.kept for one in archive.candidates(tmp_path, now, **KEEP, own=own)}
    assert list(found) == [running, ancient, old, failed, young]
    assert [folder for folder, kept in found.items() if not kept] == [ancient, old]
    assert "still running" in found[running]
    assert "100 days old, and failed runs are kept for 365" in found[failed]


def test_an_archived_folder_is_whole_in_its_zip_file_and_gone(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(1)])
    (folder / "kopi-senja").mkdir()
    (folder / "kopi-senja/audit ☕.ipynb").write_bytes(b"x" * 100_000)
    before = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    path = archive.archive(folder)
    assert not folder.exists()
    with zipfile.ZipFile(path) as archived:
        assert {name: archived.read(name) for name in archived.namelist()} == before
        archived.extractall(tmp_path)
    assert run_record.read(folder).counts["rows"] == 1


@pytest.mark.parametrize("content", [b"no zip", None], ids=["broken", "of-another-run"])
def test_a_folder_stays_while_its_archive_is_not_the_same(tmp_path, content):
    folder = runs.leave(tmp_path, [runs.row(1)])
    path = tmp_path / "archive" / f"{folder.name}.zip"
    path.parent.mkdir()
    if content is None:
        with zipfile.ZipFile(path, "w") as archived:
            archived.writestr(f"{folder.name}/result.json", "{}")
    else:
        path.write_bytes(content)
    with pytest.raises(ConflictError, match=folder.name):
        archive.archive(folder)
    assert run_record.read(folder).counts["rows"] == 1


def test_a_run_with_nothing_new_is_kept_no_longer_than_a_completed_one(tmp_path):
    at = utc_now() - dt.timedelta(days=91)
    new = runs.leave(tmp_path, [runs.row(1)], at=at, state="needs attention", nothing_new=False)
    told = runs.leave(tmp_path, [runs.row(1)], at=at, state="needs attention", nothing_new=True)
    keep = {"keep": dt.timedelta(days=90), "keep_failed": dt.timedelta(days=365)}
    kept = {one.folder: bool(one.kept) for one in archive.candidates(tmp_path, utc_now(), **keep)}
    assert kept == {new: True, told: False}


def stop(*_given):
    raise KeyboardInterrupt


def test_an_archiving_that_was_interrupted_is_finished(tmp_path, monkeypatch):
    folder = runs.leave(tmp_path, [runs.row(1)])
    with monkeypatch.context() as stopped:
        stopped.setattr(archive, "_verify", stop)
        with pytest.raises(KeyboardInterrupt):
            archive.archive(folder)
    assert folder.exists()
    assert archive.archive(folder).exists()
    assert not folder.exists()


def test_a_removal_that_was_interrupted_leaves_nothing_that_looks_like_a_run(tmp_path, monkeypatch):
    folder = runs.leave(tmp_path, [runs.row(1)])

    def remove_one_file(folder):
        next(path for path in folder.rglob("*") if path.is_file()).unlink()
        stop()

    with monkeypatch.context() as stopped:
        stopped.setattr(archive.shutil, "rmtree", remove_one_file)
        with pytest.raises(KeyboardInterrupt):
            archive.archive(folder)
    (tmp_path / "archive" / f".{folder.name}.zip.0123").write_bytes(b"of an archiving that was killed")
    assert run_record.run_folders(tmp_path) == []
    assert len(list(tmp_path.glob(f".{folder.name}*"))) == 1
    assert archive.remove_leftovers(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} == {"archive"}
    assert {path.name for path in (tmp_path / "archive").iterdir()} == {".lock", f"{folder.name}.zip"}


def test_leftovers_of_an_archiving_under_way_are_left_to_it(tmp_path):
    left = tmp_path / ".20260625_010000_content-plan-to-jira.removing"
    left.mkdir()
    (tmp_path / "archive").mkdir()
    with FileLock(tmp_path / "archive/.lock"):
        assert archive.remove_leftovers(tmp_path) == []
    assert left.exists()


def test_a_leftover_that_cannot_be_removed_is_told(tmp_path, monkeypatch):
    (tmp_path / ".20260625_010000_content-plan-to-jira.removing").mkdir()

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(archive.shutil, "rmtree", refuse)
    [problem] = archive.remove_leftovers(tmp_path)
    assert "Permission denied" in problem


def test_a_file_from_before_1980_is_archived_like_any_other(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(1)])
    os.utime(folder / "result.json", (0, 0))
    assert archive.archive(folder).exists()
    assert not folder.exists()


def test_what_cannot_be_read_or_is_no_run_is_kept_and_named_and_all_others_are_archived(tmp_path):
    names = odd.leave_all(tmp_path)
    old = runs.leave(tmp_path, [runs.row(1)])
    later = runs.START + 100 * DAY
    found = {one.name: one for one in archive.candidates(tmp_path, later, **KEEP)}
    assert {name for name, one in found.items() if one.odd} == set(names)
    assert [name for name, one in found.items() if not one.kept] == [old.name]
    for name, (_, why) in zip(names, odd.UNREADABLE.values(), strict=False):
        assert why in found[name].kept


def test_a_link_to_a_run_is_not_followed(tmp_path):
    elsewhere = runs.leave(tmp_path / "other disk", [runs.row(1)])
    output = tmp_path / "output"
    output.mkdir()
    (output / odd.NAME).symlink_to(elsewhere)
    [one] = archive.candidates(output, runs.START + 100 * DAY, **KEEP)
    assert "a link to a folder elsewhere" in one.kept
    assert not one.odd


@pytest.mark.parametrize("make", [os.mkfifo, odd.bind, lambda path: path.symlink_to("/etc")], ids=range(3))
def test_a_folder_that_holds_what_no_archive_takes_is_kept(tmp_path, make):
    folder = runs.leave(tmp_path, [runs.row(1)])
    make(folder / "odd")
    [one] = archive.candidates(tmp_path, runs.START + 100 * DAY, **KEEP)
    assert one.odd
    assert "it holds what no archive takes (odd is a" in one.kept
    with pytest.raises(ConflictError, match="holds odd"):
        archive.archive(folder)
    assert (folder / "result.json").exists()


def test_a_file_whose_name_is_no_utf_8_is_archived_under_a_name_that_is(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(1)])
    (folder / os.fsdecode(b"caf\xe9\n.txt")).write_text("x")
    path = archive.archive(folder)
    with zipfile.ZipFile(path) as archived:
        assert f"{folder.name}/caf\\xe9\n.txt" in archived.namelist()
    assert not folder.exists()


def whole(output, name, before):
    """Whether everything of a run is in its folder, or in its archive."""
    folder, path = output / name, output / "archive" / f"{name}.zip"
    if folder.is_dir() and {file.name: file.read_bytes() for file in folder.iterdir()} == before:
        return True
    if not path.is_file():
        return False
    with zipfile.ZipFile(path) as archived:
        return {Path(one).name: archived.read(one) for one in archived.namelist()} == before


STEPS = [
    "archive.FileLock", "archive._look", "archive._write", "archive.zipfile.ZipFile", "archive.zipfile.ZipFile.write",
    "archive.os.fsync", "archive.Path.replace", "archive._verify", "files.sha256", "archive._remove",
    "archive.Path.rename", "archive.shutil.rmtree", "archive.os.unlink",
]  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    "strike", [KeyboardInterrupt, OSError(errno.ENOSPC, "No space left on device")], ids=["stopped", "full"]
)
def test_nothing_is_lost_wherever_an_archiving_is_struck_and_the_next_one_finishes_it(
    tmp_path, monkeypatch, step, after, strike
):
    folder = runs.leave(tmp_path, [runs.row(1)])
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    *owners, name = step.split(".")
    owner = {"archive": archive, "files": files}[owners[0]]
    for one in owners[1:]:
        owner = getattr(owner, one)
    real, struck = getattr(owner, name), []

    def strikes(*given, **options):
        if struck:
            return real(*given, **options)
        struck.append(True)
        if after:
            real(*given, **options)
        raise strike

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, strikes)
        try:
            archive.archive(folder)
        except (KeyboardInterrupt, OSError) as error:
            stopped = error
    assert struck, "this step was never reached"
    assert whole(tmp_path, folder.name, before), stopped
    assert archive.remove_leftovers(tmp_path) == []
    if folder.exists():
        archive.archive(folder)
    assert whole(tmp_path, folder.name, before)
    assert {path.name for path in tmp_path.iterdir()} == {"archive"}
    assert {path.name for path in (tmp_path / "archive").iterdir()} == {".lock", f"{folder.name}.zip"}


def test_a_full_disk_is_told_with_the_archive_that_it_did_not_take(tmp_path, monkeypatch):
    folder = runs.leave(tmp_path, [runs.row(1)])

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive.os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device") as failed:
        archive.archive(folder)
    told = error_line.message_of(failed.value)
    assert told.startswith(f"{tmp_path}/archive/{folder.name}.zip: no space is left there")
    assert [path.name for path in (tmp_path / "archive").iterdir()] == [".lock"]


def test_two_at_once_archive_each_folder_once(tmp_path):
    folders = [runs.leave(tmp_path, [runs.row(1)], at=runs.START + DAY * number) for number in range(6)]
    told = []

    def all_of_them():
        for folder in folders:
            try:
                told.append(archive.archive(folder).stem)
            except TryLaterError as error:
                assert "was faster" in str(error)  # noqa: PT017  # either may be

    threads = [threading.Thread(target=all_of_them) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [folder.name for folder in folders]
    assert run_record.run_folders(tmp_path) == []


def test_an_archiving_that_holds_the_lock_for_long_is_left_to_it(tmp_path, monkeypatch):
    folder = runs.leave(tmp_path, [runs.row(1)])
    (tmp_path / "archive").mkdir()
    monkeypatch.setattr(archive, "_LOCK_TIMEOUT_S", 0)
    with FileLock(tmp_path / "archive/.lock"), pytest.raises(TryLaterError, match="the next one takes up this folder"):
        archive.archive(folder)
    assert folder.exists()


def test_a_folder_that_is_changed_while_it_is_archived_stays_and_has_no_archive(tmp_path, monkeypatch):
    folder = runs.leave(tmp_path, [runs.row(1)])
    verify = archive._verify

    def verify_and_change(*given):
        verify(*given)
        (folder / "late.json").write_text("{}")

    with monkeypatch.context() as patched:
        patched.setattr(archive, "_verify", verify_and_change)
        with pytest.raises(ConflictError, match="was changed while it was archived"):
            archive.archive(folder)
    assert (folder / "late.json").exists()
    with zipfile.ZipFile(archive.archive(folder)) as archived:
        assert f"{folder.name}/late.json" in archived.namelist()


def make_encrypted(path, folder):
    with zipfile.ZipFile(path, "w") as archived:
        for file in folder.iterdir():
            archived.write(file, f"{folder.name}/{file.name}")
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := content.find(mark, start + 1)) >= 0:
            content[start + offset] |= 1
    path.write_bytes(content)


def make_cut_off(path, folder):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archived:
        for file in folder.iterdir():
            archived.write(file, f"{folder.name}/{file.name}")
    content = bytearray(path.read_bytes())
    content[60:200] = bytes(140)
    path.write_bytes(content)


def make_doubled(path, folder):
    with zipfile.ZipFile(path, "w") as archived, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in [*folder.iterdir(), *folder.iterdir()]:
            archived.write(file, f"{folder.name}/{file.name}")


@pytest.mark.parametrize(
    "make",
    [
        make_encrypted,
        make_cut_off,
        make_doubled,
        lambda path, _: os.mkfifo(path),
        lambda path, _: odd.bind(path),
        lambda path, _: path.mkdir(),
        lambda path, _: path.symlink_to("/dev/zero"),
        lambda path, _: path.write_bytes(b""),
    ],
    ids=["encrypted", "cut off", "doubled", "pipe", "socket", "folder", "device", "empty"],
)
def test_what_lies_where_the_archive_goes_is_left_and_told(tmp_path, make):
    folder = runs.leave(tmp_path, [runs.row(1)])
    path = tmp_path / "archive" / f"{folder.name}.zip"
    path.parent.mkdir()
    make(path, folder)
    with pytest.raises((ConflictError, OSError), match=folder.name):
        archive.archive(folder)
    assert os.path.lexists(path)
    assert run_record.read(folder).counts["rows"] == 1


@pytest.mark.parametrize(
    "make", [lambda path: path.touch(), lambda path: path.symlink_to("gone"), os.mkfifo], ids=range(3)
)
def test_something_else_called_archive_is_named(tmp_path, make):
    make(tmp_path / "archive")
    with pytest.raises(ConflictError, match=r"archive: is a .*, where archives go; move it away"):
        archive.remove_leftovers(tmp_path)
    with pytest.raises(ConflictError, match="where archives go"):
        archive.archive(runs.leave(tmp_path, [runs.row(1)]))


def test_only_what_an_archiving_left_is_removed(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(1)])
    archived = runs.leave(tmp_path, [runs.row(1)])
    (tmp_path / ".elsewhere.removing").symlink_to(tmp_path)
    folder.rename(tmp_path / f".{folder.name}.removing")
    path = archive.archive(archived)
    with zipfile.ZipFile(path) as whole_one:
        whole_one.extractall(tmp_path)
    (archived / "result.json").write_text("changed")
    archived.rename(tmp_path / f".{archived.name}.removing")
    (tmp_path / "archive/.a.zip.b").mkdir()
    told = " | ".join(archive.remove_leftovers(tmp_path))
    assert f".{folder.name}.removing: has no archive" in told
    assert f".{archived.name}.removing: has what archive/{archived.name}.zip does not hold" in told
    assert ".elsewhere.removing: is a link that no archiving left" in told
    assert ".a.zip.b: " in told
    assert len(list(tmp_path.glob(".*.removing"))) == 3


def test_a_run_that_may_still_be_writing_is_kept_whatever_its_clock_said(tmp_path):
    """Its result is there before its report and its manifest are."""
    folder = runs.leave(tmp_path, [runs.row(1)], at=dt.datetime(1970, 1, 2, tzinfo=dt.UTC))
    (folder / "manifest.json").unlink()
    [one] = archive.candidates(tmp_path, utc_now(), **KEEP)
    assert "it may still run" in one.kept
    [one] = archive.candidates(tmp_path, utc_now() + 2 * DAY, **KEEP)
    assert one.kept == ""


def test_a_run_of_a_clock_that_was_ahead_is_kept(tmp_path):
    runs.leave(tmp_path, [runs.row(1)], at=runs.START + 500 * DAY)
    [one] = archive.candidates(tmp_path, runs.START, **KEEP)
    assert "its name lies in the future" in one.kept
    assert not one.odd


def test_a_folder_that_another_archiving_takes_meanwhile_is_no_candidate(tmp_path, monkeypatch):
    gone = runs.leave(tmp_path, [runs.row(1)])
    read = archive.run_record.read_head

    def archived_first(folder):
        shutil.rmtree(gone, ignore_errors=True)
        return read(folder)

    monkeypatch.setattr(archive.run_record, "read_head", archived_first)
    assert list(archive.candidates(tmp_path, utc_now(), **KEEP)) == []
