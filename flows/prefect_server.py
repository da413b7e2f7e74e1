"""The standing Prefect server of `make server`, which nobody else can read.

Prefect's own way of starting one lets every web page that is open in a browser ask its API, where the credentials blocks are.
This one listens on this machine alone, wants a login, answers no foreign page, and keeps its database to its user.
"""

if __name__ == "__main__":  # Prefect takes seconds to import
    from flows import server_port
    from lib import error_line

    error_line.show_all()
    server_port.read()
    from flows import prefect_settings

    prefect_settings.import_prefect()

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet
from dotenv import dotenv_values

from blocks import own_server
from flows import prefect_settings, server_port, standing_server
from flows.standing_server import CLIENT_FILE, SERVER_FILE
from lib import error_line
from lib.errors import FixInputError


def prepare(home: Path, port: int) -> dict[str, str]:
    """
    Make the folder and the secrets of a standing server, once; the settings that it is started with.

    `server.env` has what the server alone may know, `client.env` what a shell needs that uses the server.

    Raises:
        FixInputError: The folder belongs to somebody else, or has a database that was made without a key.
    """
    own_server.close_folder(home)
    if home.stat().st_uid != os.getuid():
        raise FixInputError("PREFECT_HOME", f"{home} belongs to another user; name a folder of your own")
    known = home / SERVER_FILE
    if not known.exists():
        if (home / "prefect.db").exists():
            advice = "its blocks would be unreadable with a new one; name another folder, or remove the database"
            raise FixInputError("PREFECT_HOME", f"{home} has a database without its key {known.name}; {advice}")
        made = {
            "PREFECT_SERVER_API_AUTH_STRING": own_server.new_login(),
            "PREFECT_SERVER_ENCRYPTION_KEY": Fernet.generate_key().decode(),
        }
        _write(known, made)
    made = {name: value or "" for name, value in dotenv_values(known).items()}
    site = f"http://{server_port.HOST}:{port}"
    _write(
        home / CLIENT_FILE,
        {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": f"{site}/api",
            "PREFECT_API_AUTH_STRING": made["PREFECT_SERVER_API_AUTH_STRING"],
        },
    )
    return {
        **prefect_settings.TASK_RUNS_TOGETHER,
        **made,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"{site}/api",
        "PREFECT_API_AUTH_STRING": made["PREFECT_SERVER_API_AUTH_STRING"],
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"{site},http://localhost:{port}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    }


def _write(path: Path, settings: Mapping[str, str]) -> None:
    """For a shell (`. file`), whole or not at all, and for its user alone."""
    whole = path.with_name(f"{path.name}.new")
    whole.unlink(missing_ok=True)
    with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"export {name}='{value}'\n" for name, value in settings.items())
    whole.rename(path)


def main() -> None:
    """Become the standing server."""
    port = server_port.read()
    home = standing_server.home()
    with error_line.shown(FixInputError):
        standing_server.hold(home)
        settings = prepare(home, port)
    print(
        f"Prefect's pages: http://{server_port.HOST}:{port}; they ask for the PREFECT_API_AUTH_STRING in {home / CLIENT_FILE}."
    )
    print(
        f"Commands of flows/ use it while it runs. Before anything else that does, in its shell: . {home / CLIENT_FILE}",
        flush=True,
    )
    os.umask(own_server.OTHERS)
    program = str(Path(sys.executable).with_name("prefect"))
    command = [program, "server", "start", "--host", server_port.HOST, "--port", str(port)]
    os.execve(program, command, {**os.environ, **settings})  # noqa: S606  # our own command


if __name__ == "__main__":
    main()
