"""What the environment, or the file `.env` of the project, says. Nothing is read before somebody asks.

In the sandbox (`CONTENT_PLAN_SANDBOX=1`) only the environment counts: no `.env`, no blocks, no token files.
"""

import functools
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from dotenv.parser import parse_stream
from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from lib import service_url
from lib.errors import FixInputError

ROOT = Path(__file__).resolve().parents[1]
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SANDBOX_SWITCH = "CONTENT_PLAN_SANDBOX"
GOOGLE_TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  # an address

type Language = Literal["", "id", "en"]  # empty: both


def in_sandbox() -> bool:
    """Whether this process may only use what its environment gives it."""
    return os.environ.get(SANDBOX_SWITCH, "") not in ("", "0")


class _Environment(BaseSettings):
    model_config = SettingsConfigDict(env_ignore_empty=True, extra="ignore", env_file_encoding="utf-8", frozen=True)

    @classmethod
    def read(cls) -> Self:
        """
        What is set now; `.env` counts where the environment says nothing.

        Raises:
            FixInputError: A value cannot be used, or a line of `.env` cannot be read.
        """
        file = None if in_sandbox() else ROOT / ".env"
        read: Self = _read(cls, file, _content(file), tuple(os.environ.items()))
        return read


@functools.lru_cache(maxsize=16)
def _read(of: type[_Environment], file: Path | None, _content: object, _environment: object) -> Any:
    """What these say; a run asks hundreds of times, and pydantic takes milliseconds to say the same again."""
    if file is not None:
        check_env_file(file)
    try:
        return of(_env_file=file)
    except ValidationError as error:
        first = error.errors()[0]
        name, advice = str(first["loc"][0]).upper(), "correct it in the environment or in .env"
        given = "" if first["type"] == service_url.ERROR else f", not '{first['input']}'"  # it may hold a password
        raise FixInputError(name, f"{first['msg']}{given}; {advice}") from None


def _content(file: Path | None) -> bytes | int | None:
    """What stands in the file; the number of the error where it cannot be read."""
    try:
        return file.read_bytes() if file else None
    except OSError as error:
        return error.errno


def check_env_file(path: Path) -> None:
    """
    Whether every line of the file can be read: a line that cannot would be passed over, and its setting missed.

    Raises:
        FixInputError: Which line, and how it is written.
    """
    try:
        with path.open(encoding="utf-8") as file:
            lines = (one for one in parse_stream(file) if one.error or (one.key and one.value is None))
            broken = next((one.original for one in lines), None)
    except FileNotFoundError:
        return
    except UnicodeDecodeError:
        raise FixInputError(str(path), "is no text in UTF-8; save it as UTF-8") from None
    except OSError as error:
        raise FixInputError(
            str(path), f"cannot be read ({error.strerror}); it is a text file that this user may read"
        ) from None
    if broken is not None:
        line = broken.line + len(broken.string) - len(broken.string.lstrip("\n"))
        raise FixInputError(
            f"{path}, line {line}", "is no setting; write NAME=value, in quotes a value that has spaces or #"
        )


class OutputEnvironment(_Environment):
    """Who may read and change what runs leave."""

    output_for_group: bool = Field(
        default=False, description="Whether run folders are open to their group, too; else to their owner alone."
    )


class ReportEnvironment(_Environment):
    """How reports speak to planners."""

    report_language: Language = Field(
        default="", description="Of what planners read in reports: id or en; messages in both when empty."
    )


class Settings(OutputEnvironment, ReportEnvironment):
    """Where plans are listed, where issues go, and how a run behaves."""

    clients_spreadsheet_id: str = Field(default="", description="Spreadsheet with the tab Clients.")
    jira_project_key: str = Field(default="", description="Project that new issues go to.")
    jira_issue_type_id: str = Field(default="", description="Id of the issue type.")
    jira_priority_id: str = Field(default="", description="Id of the priority; Jira's default when empty.")
    jira_reporter: str = Field(
        default="", description="Account id, or a name in WORKERS; the token's owner when empty."
    )
    output_dir: Path = Field(default=Path("output"), description="Where run folders go.")
    output_url: service_url.Page = Field(
        default="", description="Where browsers find the output folder; Prefect's links are file:// when empty."
    )
    alert_url: SecretStr = Field(
        default=SecretStr(""),
        description="Where alerts of deployed runs go: an Apprise URL or a Slack webhook; none when empty.",
    )
    settle_seconds: float = Field(
        default=300, ge=0, description="How long after its being sent Jira may apply a request."
    )
    dispatch_max_concurrent: int = Field(
        default=12, ge=1, description="How many clients' runs are on workers at once, with dispatch=workers."
    )
    kernel_environment: str = Field(
        default="", description="Names of further environment variables that executed notebooks may read."
    )
    retry_delay_seconds: float = Field(default=30, ge=0, description="Pause before Prefect runs a failed task again.")

    @classmethod
    def read(cls) -> Self:
        """
        What is set now; the addresses of the services are looked at, too, before anything is sent to them.

        Raises:
            FixInputError: A value cannot be used.
        """
        GoogleEnvironment.read()
        JiraEnvironment.read()
        return super().read()

    def check(self) -> Self:
        """
        Itself, if it has all that a run needs.

        Raises:
            FixInputError: Some settings are missing; the message names them.
        """
        needed = ("clients_spreadsheet_id", "jira_project_key", "jira_issue_type_id")
        if missing := [name.upper() for name in needed if not getattr(self, name)]:
            raise FixInputError(
                "Settings", f"{', '.join(missing)} must be set, in the environment or in .env; see .env.example"
            )
        return self


class GoogleEnvironment(_Environment):
    """Google's part of the environment."""

    google_client_id: str = ""
    google_client_secret: SecretStr = SecretStr("")
    google_refresh_token: SecretStr = SecretStr("")
    google_token_file: Path = ROOT / "token.json"
    google_application_credentials: Path | None = None
    google_api_endpoint: service_url.Endpoint = ""
    google_token_uri: service_url.Endpoint = GOOGLE_TOKEN_URI


class JiraEnvironment(_Environment):
    """Jira's part of the environment."""

    jira_url: service_url.Site = ""
    jira_username: str = ""
    jira_token: SecretStr = SecretStr("")


_HARMLESS = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP", "VIRTUAL_ENV"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONHASHSEED", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONNOUSERSITE", "PYTHONSAFEPATH", "PYTHONFAULTHANDLER"),
    *("PYTHONWARNINGS", "PYTHONTZPATH", "MPLBACKEND", "MPLCONFIGDIR", "FONTCONFIG_FILE", "FONTCONFIG_PATH"),
    *("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_PATH", "JUPYTER_RUNTIME_DIR", "JUPYTER_PLATFORM_DIRS"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", SANDBOX_SWITCH),
}


def _names(fields: Mapping[str, FieldInfo], *, secret: bool) -> set[str]:
    return {name.upper() for name, field in fields.items() if (field.annotation is SecretStr) == secret}


def environment_without_secrets() -> dict[str, str]:
    """
    The environment for a process that needs no credentials, such as the kernel of a transform.

    It holds what Python, Jupyter and plots need, our settings that are no secrets and no addresses (which may hold a
    password), and the variables that KERNEL_ENVIRONMENT names; nothing else, whatever it is called.

    Raises:
        FixInputError: KERNEL_ENVIRONMENT has something else than names, or one of our own secrets.
    """
    ours = {name for name in _names(Settings.model_fields, secret=False) if not name.endswith("_URL")}
    passed = _HARMLESS | ours | _names_to_pass(Settings.read().kernel_environment)
    return {name: value for name, value in os.environ.items() if name in passed or name.startswith("LC_")}


def _names_to_pass(setting: str) -> set[str]:
    names = set(setting.replace(",", " ").split())
    classes = (Settings, GoogleEnvironment, JiraEnvironment)
    secrets = set[str]().union(*(_names(each.model_fields, secret=True) for each in classes))
    for name in sorted(names):
        if not _NAME.fullmatch(name):  # it may be a value: it is not shown
            problem = "has something that is no name of a variable; write names alone, such as REGION, PLOT_THEME"
            raise FixInputError("KERNEL_ENVIRONMENT", problem)
        if name in secrets:
            raise FixInputError("KERNEL_ENVIRONMENT", f"names {name}, a secret; take it out, no notebook needs it")
    return names
