"""Who holds a plan, as machines and people read it."""

import datetime as dt
import subprocess
import sys
import uuid

import pytest

from lib import plan_lock
from lib.errors import ConflictError
from lib.plan_lock import LocalLock, new_holder, parse_holder

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
    code = f"import sys; from pathlib import Path; from lib.plan_lock import LocalLock; {hold}"
    lock, other = LocalLock("a", tmp_path), LocalLock("b", tmp_path)
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
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
