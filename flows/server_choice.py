"""Which Prefect server a command uses."""

import sys

from flows import prefect_api, prefect_settings, standing_server, temporary_server
from lib.settings import in_sandbox


def choose() -> None:
    """
    Use the server that PREFECT_API_URL names, else this user's standing one, else a temporary one, which is not waited for; say which.

    Raises:
        FixInputError: The temporary one's database cannot be used.
    """
    if url := prefect_api.address():
        _say(url)
    elif standing := standing_server.settings_of_client():
        prefect_settings.use(standing)
        _say(f"{prefect_api.address()}, started by `make server`")
    else:
        prefect_api.check_own_database()
        temporary_server.start()
        advice = "" if in_sandbox() else "; commands begin sooner while one of `make server` runs"
        _say(f"a temporary one of this command{advice}")


def _say(which: str) -> None:
    print(f"Prefect server: {which}", file=sys.stderr, flush=True)
