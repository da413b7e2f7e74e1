import datetime as dt
import os
import zipfile

import pytest
from filelock import FileLock

from lib import archive, run_record
from lib.errors import ConflictError
from lib.run_folder import utc_now
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
