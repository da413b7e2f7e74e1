"""What is said of Prefect's API and its database before anything is begun."""

import contextlib
import os
import sqlite3

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows import prefect_api
from lib.errors import FixInputError


@pytest.fixture
def database(tmp_path):
    """A database like Prefect's, of some size."""
    path = tmp_path / "prefect.db"
    with contextlib.closing(sqlite3.connect(path)) as made, made:
        made.execute("PRAGMA journal_mode = WAL")
        made.execute("CREATE TABLE run (name TEXT)")
        made.executemany("INSERT INTO run VALUES (?)", [(f"run {number}" * 20,) for number in range(1000)])
    return path


def test_a_good_database_and_one_that_is_not_there_yet_are_left_as_they_are(database, tmp_path):
    before = database.read_bytes()
    prefect_api.check_database(database)
    assert database.read_bytes() == before
    prefect_api.check_database(tmp_path / "new/prefect.db")
    assert not (tmp_path / "new").exists()


def test_a_damaged_database_is_named(database):
    content = bytearray(database.read_bytes())
    content[20_000:60_000] = b"\xff" * 40_000
    database.write_bytes(content)
    with pytest.raises(FixInputError, match=rf"Prefect's database {database}: is damaged \(.*move the file away"):
        prefect_api.check_database(database)


def test_a_locked_database_is_named(database, monkeypatch):
    monkeypatch.setattr(prefect_api, "LOCK_WAIT_S", 0.1)
    with contextlib.closing(sqlite3.connect(database)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(FixInputError, match=rf"{database}: is locked by another process .*fuser .*PREFECT_API_URL"):
            prefect_api.check_database(database)
    prefect_api.check_database(database)


def test_what_is_no_file_or_no_folder_is_named(tmp_path, monkeypatch):
    (tmp_path / "prefect.db").mkdir()
    with pytest.raises(FixInputError, match=r"cannot be opened \(.*PREFECT_HOME"):
        prefect_api.check_database(tmp_path / "prefect.db")
    (tmp_path / "file").touch()
    with pytest.raises(FixInputError, match=f"PREFECT_HOME {tmp_path}/file: it is a file; name a folder"):
        prefect_api.check_database(tmp_path / "file/prefect.db")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(FixInputError, match=f"PREFECT_HOME {tmp_path}: this user may not write there; name a folder"):
        prefect_api.check_database(tmp_path / "new/prefect.db")


def test_an_address_is_asked_as_prefect_is(prefect_engine):
    prefect_api.check()
    for wrong in (prefect_api.address().removesuffix("/api"), prefect_api.address() + "/v2"):
        with (
            temporary_settings({PREFECT_API_URL: wrong}),
            pytest.raises(FixInputError, match=r"\(404\); it ends in /api"),
        ):
            prefect_api.check()
