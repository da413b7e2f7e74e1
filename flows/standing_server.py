"""The standing server of `make server`: where it keeps its files, and whether it runs."""

import contextlib
import fcntl
import os
import socket
import time
import urllib.parse
from pathlib import Path

from dotenv import dotenv_values

from flows.server_port import HOST
from lib.errors import FixInputError

SERVER_FILE, CLIENT_FILE, LOCK_FILE = "server.env", "client.env", "server.lock"
_TRIES, _PAUSE_S = 10, 0.1  # a command that looks holds the lock for a moment


def home() -> Path:
    """The folder of its files and its database."""
    return Path(os.environ.get("PREFECT_HOME") or Path.home() / ".content-plans").resolve()


def hold(folder: Path) -> int:
    """
    Hold the folder's lock until this process ends, whatever program it becomes; its descriptor.

    Raises:
        FixInputError: A server of this folder runs.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.set_inheritable(lock, True)
    for _ in range(_TRIES):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        time.sleep(_PAUSE_S)
    os.close(lock)
    raise FixInputError("PREFECT_HOME", f"a server of {folder} runs already; use that one, or name another folder")


def settings_of_client() -> dict[str, str]:
    """Address and login of this user's standing server, if it runs and listens."""
    folder = home()
    if not _is_held(folder / LOCK_FILE):
        return {}
    known = {name: value or "" for name, value in dotenv_values(folder / CLIENT_FILE).items()}
    port = urllib.parse.urlsplit(known.get("PREFECT_API_URL", "")).port or 0
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return {}
    return {name: known[name] for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING")}


def _is_held(lock: Path) -> bool:
    """Whether a process of this user holds the lock."""
    try:
        looked_at = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if os.fstat(looked_at).st_uid != os.getuid():
            return False
        fcntl.flock(looked_at, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(looked_at)
    return False
