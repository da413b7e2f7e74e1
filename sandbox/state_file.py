"""The state between two starts, in one JSON file that is written whole or not at all."""

import dataclasses
import json
import logging
import os
import threading
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.google.cells import BLANK, Cell, ErrorValue
from sandbox.google.state import GoogleState
from sandbox.http.messages import Json
from sandbox.jira.state import JiraState
from sandbox.state import SandboxState

VERSION = 1
_LOG = logging.getLogger("sandbox")


class StateFileError(Exception):
    """A state file cannot be used; the message names it and what to do."""


@dataclasses.dataclass(slots=True)
class _Contents:
    version: int
    google: GoogleState
    jira: JiraState


def load(state: SandboxState, path: Path) -> None:
    """Fill the state from a file that `save` has written; StateFileError if it cannot be read."""
    try:
        contents = _read(path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateFileError(
            f"{path} is not a state file of this sandbox ({error}); start with --reset to begin anew, or name another "
            "file with --state"
        ) from error
    with state.timeline.lock:
        state.google.state, state.jira.state = contents.google, contents.jira


def _read(path: Path) -> _Contents:
    raw = json.loads(path.read_text("utf-8"))
    if raw["version"] != VERSION:
        raise ValueError(f"version {raw['version']}, not {VERSION}")
    contents: _Contents = _decode(raw, _Contents)
    return contents


def save(state: SandboxState, path: Path) -> None:
    """Write the state under a temporary name, then put it in place of the old file."""
    with state.timeline.lock:
        text = json.dumps(_encode(_Contents(VERSION, state.google.state, state.jira.state)), ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, "utf-8")
    temporary.replace(path)


class Saver:
    """Saves some time after a change, however many changes there are, and once more at the end."""

    def __init__(self, state: SandboxState, path: Path, changes: Callable[[], int], *, every_s: float = 0.5) -> None:
        self._state, self._path, self._changes, self._every_s = state, path, changes, every_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-saver", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        save(self._state, self._path)

    def _run(self) -> None:
        saved = self._changes()
        while not self._stop.wait(self._every_s):
            seen = self._changes()
            if seen != saved:
                try:
                    save(self._state, self._path)
                    saved = seen
                except OSError:
                    _LOG.exception("could not write %s; trying again", self._path)


def _encode(value: Any) -> Json:
    """Dataclasses and named tuples by their fields; cells without what is empty in them."""
    if isinstance(value, Cell):
        if value is BLANK:
            return 0
        return {name: _encode(part) for name, part in value._asdict().items() if part not in (None, "")}
    if isinstance(value, ErrorValue):
        return {"error": value.type, "message": value.message}
    if dataclasses.is_dataclass(value):
        return {field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _encode(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encode(part) for part in value]
    if isinstance(value, float) and value == float("inf"):
        return "inf"
    return value


def _decode(raw: Json, kind: Any) -> Any:
    if kind is Cell:
        return _decode_cell(raw)
    if dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _decode(part, hints[name]) for name, part in raw.items()})  # type: ignore[operator]
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in {types.UnionType, typing.Union}:
        return None if raw is None else _decode(raw, next(one for one in arguments if one is not type(None)))
    if origin is list:
        return [_decode(part, arguments[0]) for part in raw]
    if origin is dict:
        return {arguments[0](key): _decode(part, arguments[1]) for key, part in raw.items()}
    if isinstance(kind, type) and issubclass(kind, tuple):
        hints = typing.get_type_hints(kind)
        return kind(*(_decode(part, hints[name]) for name, part in zip(hints, raw, strict=True)))
    return float(raw) if kind is float else raw


def _decode_cell(raw: Json) -> Cell:
    if raw == 0:
        return BLANK
    value = raw.get("value")
    if isinstance(value, dict):
        value = ErrorValue(value["error"], value["message"])
    elif isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    return Cell(**{**raw, "value": value})
