"""Settings of Prefect's own: those of our servers, and one that it cannot use ends a command in one line."""

import importlib
import os
import sys
import tomllib
import warnings
from collections.abc import Callable, Mapping
from typing import Any, cast

from pydantic import ValidationError

from lib import error_line
from lib.errors import FixInputError

# States of task runs are recorded together: each in a transaction of its own is two thirds of a server's work for a task run.
# A server that is killed loses those of its last second; states of flow runs are not among them.
TASK_RUNS_TOGETHER = {
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "50",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",  # s
}


def import_prefect() -> None:
    """
    Import Prefect, which reads settings of its own.

    Raises:
        SystemExit: It cannot use one; exit code 1.
    """
    stream, sys.stderr = sys.stderr, cast("Any", _WithoutPlugins(sys.stderr))
    try:
        with warnings.catch_warnings(record=True) as warned:
            importlib.import_module("prefect.settings").get_current_settings()
    except ValidationError as error:
        with error_line.shown(FixInputError):
            raise _refused_setting(error) from None
    except tomllib.TOMLDecodeError as error:
        with error_line.shown(FixInputError):
            text = "; ".join(str(one.message) for one in warned) or "Prefect's settings"
            raise FixInputError(text.partition(". ")[0], f"{error}; correct the file") from None
    finally:
        sys.stderr = stream
    for one in warned:
        warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)


def use(settings: Mapping[str, str]) -> None:
    """Let all of this process, and what it starts, know these settings from now on."""
    os.environ.update(settings)
    refresh: Callable[[], None] = importlib.import_module("prefect.context").refresh_global_settings_context
    refresh()


def _refused_setting(error: ValidationError) -> FixInputError:
    """Which setting of Prefect's: it tells the value, and its class in place of its name."""
    first = error.errors()[0]
    value = str(first["input"])
    names = [name for name, text in os.environ.items() if name.startswith("PREFECT_") and text.upper() == value.upper()]
    where = names[0] if names else f"Prefect's setting {'.'.join(map(str, first['loc']))}"
    advice = "correct it where it is set: the environment, .env, or Prefect's profile (`prefect config view`)"
    return FixInputError(where, f"{first['msg']}, not '{value}'; {advice}")


class _WithoutPlugins:
    """Standard error without what Prefect writes of a setting before it raises it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._within = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write it, but for that."""
        self._within = text.startswith("Failed to initialize plugins:") or (self._within and text == "\n")
        if not self._within:
            self._stream.write(text)
        return len(text)
