"""For what people see in a terminal."""

import logging
import sys

import pytest
from prefect.logging.configuration import DEFAULT_LOGGING_SETTINGS_PATH, load_logging_config
from prefect.logging.handlers import PrefectConsoleHandler

from tests.terminal.window import Window


@pytest.fixture
def window():
    """Opens windows of a width."""
    opened = []

    def open_window(columns=80):
        opened.append(Window(columns))
        return opened[-1]

    yield open_window
    for one in opened:
        one.end()


@pytest.fixture
def in_window(window, monkeypatch):
    """A window that this process writes to, its log lines by Prefect's own console."""
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def enter(columns=80):
        seen = window(columns)
        styles = load_logging_config(DEFAULT_LOGGING_SETTINGS_PATH)["handlers"]["console"]["styles"]
        handler = PrefectConsoleHandler(stream=seen.stream, styles=styles)
        monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
        monkeypatch.setattr("rich.console._STD_STREAMS", (seen.stream.fileno(),))  # whose width counts
        monkeypatch.setattr(sys, "stdout", seen.stream)
        monkeypatch.setattr(sys, "stderr", seen.stream)
        return seen

    return enter
