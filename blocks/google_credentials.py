"""Credentials for Google Sheets and Drive, as a Prefect block."""

if __name__ == "__main__":  # Prefect takes seconds to import
    from lib import command, error_line

    error_line.show_all()
    about = "Log in to Google with the browser and save the token: `make login`."
    command.read(command.function_of([], about), program="python blocks/google_credentials.py")

import datetime as dt
import functools
import json
import os
import sys
import warnings
import webbrowser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from google.oauth2 import service_account
from google.oauth2.credentials import Credentials
from prefect.blocks.abstract import CredentialsBlock
from prefect.types import SecretDict
from pydantic import ConfigDict, Field, HttpUrl, SecretStr

from blocks.loading import not_connected
from lib import error_line, service_url
from lib.errors import CredentialsError, FixInputError, WorkflowError
from lib.files import write_bytes
from lib.services.google_api import GoogleApi
from lib.services.reading import GoogleReader
from lib.settings import GOOGLE_TOKEN_URI, ROOT, GoogleEnvironment, Settings, in_sandbox

if TYPE_CHECKING:
    from google_auth_oauthlib.flow import InstalledAppFlow

SCOPES = ("https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive.readonly")
LOGIN_TIMEOUT_S = 300


class GoogleCredentials(CredentialsBlock):
    """
    Who we are at Google, found in this order.

    1. What the block holds: a service account's key, or a refresh token with its client.
    2. A saved `token.json` (GOOGLE_TOKEN_FILE).
    3. GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET and GOOGLE_REFRESH_TOKEN.
    4. The service account's key file in GOOGLE_APPLICATION_CREDENTIALS.
    5. A login in the browser with `client_secret_*.json`, only where there is a person at a screen; saves `token.json`.

    With GOOGLE_API_ENDPOINT set (development) files are not looked at. A service account sees what is shared with its address.

    Example:
        ```python
        from blocks.google_credentials import GoogleCredentials

        google_credentials = GoogleCredentials.load("BLOCK_NAME")
        print(google_credentials.test_connection())
        ```
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    _block_type_name = "Google Credentials (content plans)"
    _block_type_slug = "content-plan-google-credentials"
    _logo_url = HttpUrl("https://www.gstatic.com/images/branding/product/2x/sheets_2020q4_48dp.png")
    _documentation_url = HttpUrl("https://developers.google.com/identity/protocols/oauth2")
    _description = "Credentials for Google Sheets and Drive, with token.json and GOOGLE_… variables as fallback."

    client_id: str = Field(default="", description="OAuth client id.")
    client_secret: SecretStr = Field(default=SecretStr(""), description="OAuth client secret.")
    refresh_token: SecretStr = Field(default=SecretStr(""), description="Refresh token for Sheets and Drive.")
    service_account_info: SecretDict | None = Field(
        default=None, title="Service account key", description="Content of a service account's key file."
    )
    api_endpoint: service_url.Endpoint = Field(
        default="", description="Base URL for development; Google's own when empty."
    )
    token_uri: service_url.Endpoint = Field(
        default="", description="Token endpoint for development; Google's own when empty."
    )

    @property
    def api(self) -> GoogleApi:
        """The client, made when it is first asked for; blocks with the same content share one in a process."""
        return _api(self._find_login(), self._endpoint())

    def get_client(self) -> GoogleApi:
        """
        The client; it logs in with the first request.

        Raises:
            CredentialsError: There is no way to log in; the message lists them.
        """
        return self.api

    def get_reader(self) -> GoogleReader:
        """
        A client for notebooks, which cannot write.

        Raises:
            CredentialsError: As of `get_client`.
        """
        return GoogleReader(self.api)

    def test_connection(self) -> dict[str, Any]:
        """Whether Google lets us in: `ok`, `service`, `method`; or the `problem`, what to do, and whether it is `passing`."""
        try:
            return self.check_connection()
        except WorkflowError as error:
            return not_connected("Google", error)

    def check_connection(self) -> dict[str, Any]:
        """
        The same where Google lets us in.

        Raises:
            WorkflowError: It does not, or could not say just now.
        """
        if spreadsheet_id := Settings.read().clients_spreadsheet_id:
            self.api.read_spreadsheet(spreadsheet_id)
        else:
            self.api.find_files(["root"])
        return {"ok": True, "service": "Google", "method": self._find_login().kind}

    def get_credentials(self) -> Any:
        """
        The google-auth credentials, by the first way that there is.

        Raises:
            CredentialsError: There is none, or a file of credentials cannot be used.
        """
        return self._find_login().credentials()

    def _find_login(self) -> "_Login":
        environment = GoogleEnvironment.read()
        token_uri = self.token_uri or environment.google_token_uri
        if self.service_account_info:
            return _Login.of_service_account(self.service_account_info.get_secret_value(), token_uri)
        if self.refresh_token.get_secret_value():
            secret = self.client_secret if self.client_secret.get_secret_value() else environment.google_client_secret
            return _Login.of_user(self.client_id or environment.google_client_id, secret, self.refresh_token, token_uri)
        files = not self._endpoint() and not in_sandbox()
        if files and (saved := _saved_token(environment.google_token_file)):
            return saved
        if environment.google_refresh_token.get_secret_value():
            return _Login.of_user(
                environment.google_client_id,
                environment.google_client_secret,
                environment.google_refresh_token,
                token_uri,
            )
        if environment.google_application_credentials:
            return _Login.of_service_account(_read_json(environment.google_application_credentials), token_uri)
        if files and _somebody_is_there():
            return log_in(environment.google_token_file)
        raise CredentialsError(
            "Google",
            "there are no credentials. Set GOOGLE_CLIENT_ID, GOOGLE_CLIENT_SECRET and GOOGLE_REFRESH_TOKEN, or "
            "GOOGLE_APPLICATION_CREDENTIALS, or run `make login` on a machine with a browser; see README, Connecting",
        )

    def _endpoint(self) -> str:
        return self.api_endpoint or GoogleEnvironment.read().google_api_endpoint


@dataclass(frozen=True)
class _Login:
    """One way to log in; `info` is JSON as in the files that Google hands out."""

    kind: str
    info: str = field(repr=False)

    @classmethod
    def of_user(cls, client_id: str, secret: SecretStr, refresh_token: SecretStr, token_uri: str) -> "_Login":
        named = {"GOOGLE_CLIENT_ID": client_id, "GOOGLE_CLIENT_SECRET": secret.get_secret_value()}
        if missing := [name for name, value in named.items() if not value]:
            raise CredentialsError("Google", f"a refresh token needs its client: set {' and '.join(missing)}")
        info = {
            "client_id": client_id,
            "client_secret": secret.get_secret_value(),
            "refresh_token": refresh_token.get_secret_value(),
            "token_uri": token_uri,
        }
        return cls("refresh token", json.dumps(info))

    @classmethod
    def of_service_account(cls, info: Mapping[str, Any], token_uri: str) -> "_Login":
        return cls("service account", json.dumps({**info, "token_uri": token_uri}))

    def credentials(self) -> Any:
        info = json.loads(self.info)
        if self.kind == "service account":
            try:
                return service_account.Credentials.from_service_account_info(info, scopes=SCOPES)
            except ValueError:
                message = "the service account's key is incomplete; download the JSON key again"
                raise CredentialsError("Google", message) from None
        return Credentials(  # not from_authorized_user_info: that one overrules token_uri
            token=info.get("token"),
            refresh_token=info["refresh_token"],
            token_uri=info["token_uri"],
            client_id=info["client_id"],
            client_secret=info["client_secret"],
            expiry=_expiry(info),
        )


@functools.lru_cache(maxsize=8)
def _api(login: _Login, endpoint: str) -> GoogleApi:
    return GoogleApi(login.credentials(), endpoint=endpoint)


def log_in(token_file: Path) -> _Login:
    """
    Let a person log in with the browser and save the token file, readable by its owner alone.

    Raises:
        CredentialsError: There is not exactly one client_secret_*.json, or not everything was granted.
    """
    from google_auth_oauthlib.flow import InstalledAppFlow  # noqa: PLC0415  # takes long, and most runs log nobody in

    secrets = sorted(ROOT.glob("client_secret*.json"))
    if len(secrets) != 1:
        seen = ", ".join(path.name for path in secrets) or "none"
        message = f"a login needs exactly one client_secret_*.json in {ROOT} (seen: {seen}); download it from the Cloud console"
        raise CredentialsError("Google", message)
    os.environ.setdefault("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")  # an unticked box is checked below, in words
    try:
        flow = InstalledAppFlow.from_client_secrets_file(str(secrets[0]), scopes=list(SCOPES))
    except (ValueError, AttributeError, TypeError):
        message = "is no client secret of Google; download it again from the Cloud console, for a desktop app"
        raise CredentialsError(secrets[0].name, message) from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        granted = _let_log_in(flow)
    missing = set(SCOPES) - set(granted.granted_scopes or SCOPES)
    if missing or not granted.refresh_token:
        message = f"not granted: {', '.join(sorted(missing)) or 'offline access'}; log in again and tick all boxes"
        raise CredentialsError("Google", message)
    write_bytes(token_file, granted.to_json().encode(), private=True)
    return _Login("token file", granted.to_json())


def _let_log_in(flow: "InstalledAppFlow") -> Any:
    """
    What a person granted in the browser.

    Raises:
        CredentialsError: Nothing, in time.
    """
    from google_auth_oauthlib.flow import WSGITimeoutError  # noqa: PLC0415  # as above
    from oauthlib.oauth2 import OAuth2Error  # noqa: PLC0415

    try:
        return flow.run_local_server(port=0, prompt="consent", timeout_seconds=LOGIN_TIMEOUT_S)
    except WSGITimeoutError:
        problem = f"nobody logged in within {LOGIN_TIMEOUT_S} s; run `make login` again, and open the printed address"
    except webbrowser.Error:
        problem = "there is no browser here; run `make login` on a machine with one, and copy token.json"
    except OAuth2Error as refused:
        problem = f"the login was refused ({refused.error}); run `make login` again and grant access"
    raise CredentialsError("Google", problem)


def _saved_token(path: Path) -> _Login | None:
    """The saved token if it can be used; one that lacks a scope is an error, not a reason to look further."""
    if not path.exists():
        return None
    info = _read_json(path)
    if missing := set(SCOPES) - set(info.get("scopes") or SCOPES):
        message = f"was not granted {', '.join(sorted(missing))}; run `make login` again"
        raise CredentialsError(f"Google, {path.name}", message)
    if not all(info.get(name) for name in ("client_id", "client_secret", "refresh_token")):
        return None
    try:
        token_uri = service_url.checked(str(info.get("token_uri") or GOOGLE_TOKEN_URI), path=True)
    except ValueError as error:
        raise FixInputError(f"{path.name}, token_uri", f"{error}, or run `make login` again") from None
    return _Login("token file", json.dumps({**info, "token_uri": token_uri}))


def _expiry(info: Mapping[str, Any]) -> dt.datetime | None:
    """When the saved access token ends, naive in UTC as google-auth wants it; long ago when that cannot be read."""
    if not info.get("token"):
        return None
    try:
        return dt.datetime.fromisoformat(str(info["expiry"])).astimezone(dt.UTC).replace(tzinfo=None)
    except (KeyError, ValueError):
        return dt.datetime(2000, 1, 1)  # noqa: DTZ001  # google-auth compares naive times


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FixInputError(path.name, f"cannot be read ({type(error).__name__}); download or make it again") from None
    return dict(content)


def _somebody_is_there() -> bool:
    """Whether a login page would be seen by anybody: a terminal with a person, and a screen or a Mac."""
    screen = sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    return sys.stdin.isatty() and bool(screen)


def main() -> int:
    """The command `make login`; the exit code."""
    token_file = GoogleEnvironment.read().google_token_file
    with error_line.shown(WorkflowError, OSError):
        log_in(token_file)
    print(f"Logged in; the token is saved in {token_file}.")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
