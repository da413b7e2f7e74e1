"""Settings of the Prefect server that a process starts for itself when PREFECT_API_URL names none.

Prefect's own let every web page that is open in a browser ask it, without a login, and the credentials blocks are there.
"""

import contextlib
import functools
import secrets
from collections.abc import Iterator
from pathlib import Path

from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_SERVER_API_AUTH_STRING,
    PREFECT_SERVER_CORS_ALLOWED_ORIGINS,
    get_current_settings,
    temporary_settings,
)

OTHERS = 0o077  # the bits of a file's mode that are for other users
_NO_PAGE = "https://no-page.invalid"  # an empty list of origins is taken for one that is not set


@contextlib.contextmanager
def closed_to_others() -> Iterator[None]:
    """Whoever starts that server in here, or asks it, has its login; nothing changes where PREFECT_API_URL names another one."""
    if get_current_settings().api.url:
        yield
        return
    close_folder(get_current_settings().home)
    own = {
        PREFECT_SERVER_API_AUTH_STRING: _login(),
        PREFECT_API_AUTH_STRING: _login(),
        PREFECT_SERVER_CORS_ALLOWED_ORIGINS: _NO_PAGE,
    }
    with temporary_settings(own):
        yield


def settings_of_client(address: str) -> dict[str, str]:
    """What this process has to know of its own server there; its pages are not served, so nothing links to them."""
    names = ("PREFECT_API_AUTH_STRING", "PREFECT_SERVER_API_AUTH_STRING")
    return {"PREFECT_API_URL": address, "PREFECT_UI_URL": "", **dict.fromkeys(names, _login())}


def is_temporary() -> bool:
    """Whether the Prefect server that is asked here is one of this process's own."""
    login = get_current_settings().server.api.auth_string
    return login is not None and login.get_secret_value() == _login()


@functools.cache
def _login() -> str:
    """The one of this process: its server is started once."""
    return new_login()


def new_login() -> str:
    """A name and a password, as Prefect's settings take them."""
    return f"content-plans:{secrets.token_urlsafe(32)}"


def close_folder(home: Path) -> None:
    """The folder of Prefect and the database in it are for their user alone; what belongs to somebody else stays as it is."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (home, *home.glob("prefect.db*")):
        with contextlib.suppress(OSError):
            path.chmod(path.stat().st_mode & ~OTHERS)
