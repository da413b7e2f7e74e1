"""Who holds a plan, as machines and people read it."""

import datetime as dt
import os
import subprocess
import sys
import uuid

import pytest

from lib.errors import ConflictError, FixInputError
from lib.exactly_once import plan_lock
from lib.exactly_once.plan_lock import LocalLock, new_holder, parse_holder
from tests.processes import started

NOW = dt.datetime(2026, 7, 5, 10, 0, 0, 123, tzinfo=dt.UTC)

LOCK_FOLDER = plan_lock.lock_folder  # the true one; tests have another


@pytest.mark.parametrize("flow_run", [None, uuid.uuid4()], ids=["alone", "in-prefect"])
def test_a_holder_survives_its_named_range(tmp_path, flow_run):
    holder = new_holder(LocalLock("sheet", tmp_path), NOW, flow_run)
    assert parse_holder(holder.range_name) == holder
    assert holder.range_name.isidentifier()
    assert len(holder.range_name) <= 250
    assert "since 2026-07-05T10:00:00Z" in str(holder)


@pytest.mark.parametrize("name", ["", "mine", "cplock_x", "cplock_20260705T100000Z_abc_def_none_h"])
def test_somebody_elses_name_is_no_holder(name):
    assert parse_holder(name) is None


def test_the_lock_folder_is_the_same_whatever_the_environment_says(monkeypatch, tmp_path):
    usual = LOCK_FOLDER()
    for name in ("HOME", "XDG_STATE_HOME", "PREFECT_HOME", "OUTPUT_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    assert LOCK_FOLDER() == usual


def test_those_who_share_the_folder_are_one_machine_and_others_are_not(tmp_path):
    one, same, other = LocalLock("a", tmp_path / "x"), LocalLock("b", tmp_path / "x"), LocalLock("a", tmp_path / "y")
    assert one.machine() == same.machine() != other.machine()


def test_sandboxes_do_not_lock_each_others_spreadsheets(tmp_path):
    here, there = (LocalLock("a", tmp_path, endpoint=f"http://127.0.0.1:{port}") for port in (8089, 8090))
    here.acquire("p")
    there.acquire("p")
    with pytest.raises(ConflictError):
        LocalLock("a", tmp_path, endpoint="http://127.0.0.1:8089").acquire("p")
    here.release()
    there.release()


def test_a_lock_is_held_by_one_and_ends_with_its_process(tmp_path):
    hold = "lock = LocalLock('a', Path(sys.argv[1])); lock.acquire('p'); print('held', flush=True); input()"
    code = f"import sys; from pathlib import Path; from lib.exactly_once.plan_lock import LocalLock; {hold}"
    lock, other = LocalLock("a", tmp_path), LocalLock("b", tmp_path)
    command = [sys.executable, "-c", code, str(tmp_path)]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ConflictError, match="another run on this machine"):
            lock.acquire("p")
        other.acquire("other plan")
        process.kill()
    lock.acquire("p")
    lock.release()
    other.release()


def test_a_journal_survives_its_process_and_a_torn_one_counts_as_none(tmp_path):
    lock = LocalLock("a", tmp_path)
    lock.write_journal({"claims": {"cp-x": None}})
    assert LocalLock("a", tmp_path).read_journal() == {"claims": {"cp-x": None}}
    next(tmp_path.glob("*.json")).write_text('{"cla')
    assert lock.read_journal() == {}
    lock.clear_journal()
    lock.clear_journal()


def test_locks_are_for_their_user_alone_whatever_the_umask_and_the_setting(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTPUT_FOR_GROUP", "true")
    (tmp_path / "old").mkdir()
    (tmp_path / "old").chmod(0o755)
    before = os.umask(0)
    try:
        for folder in (tmp_path / "state/locks", tmp_path / "old"):
            lock = LocalLock("a", folder)
            lock.acquire("p")
            lock.write_journal({})
            lock.machine()
            lock.release()
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_dir()} == {0o700}


@pytest.fixture
def open_to_all(tmp_path):
    tmp_path.chmod(0o1777)
    return tmp_path


def test_a_lock_folder_of_somebody_else_is_refused_where_everybody_may_make_one(open_to_all, monkeypatch):
    LocalLock("a", open_to_all / "locks")
    stranger = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: stranger)
    with pytest.raises(FixInputError, match=r"locks: belongs to the user with id .* remove it, or make that folder"):
        LocalLock("a", open_to_all / "locks")


@pytest.mark.parametrize("there", [True, False])
def test_a_link_in_place_of_the_lock_folder_is_refused_where_everybody_may_make_one(open_to_all, there):
    if there:
        (open_to_all / "elsewhere").mkdir()
    (open_to_all / "locks").symlink_to(open_to_all / "elsewhere")
    with pytest.raises(FixInputError, match="locks: is a link"):
        LocalLock("a", open_to_all / "locks")
    assert (open_to_all / "elsewhere").exists() == there


def test_a_file_in_place_of_the_lock_folder_is_named(tmp_path):
    (tmp_path / "locks").touch()
    with pytest.raises(FixInputError, match="locks: is a file, where the locks of runs go; move it away"):
        LocalLock("a", tmp_path / "locks")
