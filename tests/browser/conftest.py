"""Chromium for tests, from the system's package: a test of a page fails on a console error or a request off this machine."""

import contextlib
import os
import re
import shutil
import urllib.parse
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

SHOTS = Path(__file__).parents[2] / "screenshots"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
_HERE = {"127.0.0.1", "localhost", ""}


@pytest.fixture
def chromium():
    """Where Chromium is; the test is skipped where there is none, unless the packages are required."""
    if CHROMIUM is None:
        message = "Chromium is not installed: apt-get install chromium"
        if os.environ.get("SYSTEM_PACKAGES") == "required":
            pytest.fail(message)
        pytest.skip(message)
    return CHROMIUM


@pytest.fixture
def opened_page(chromium, request):
    """A context manager: a page of a new browser, watched; at its end a screenshot is kept."""

    @contextlib.contextmanager
    def go(address, *, shot="", dark=False, allowed=(), width=1280):
        errors, requests = [], []
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
            page.set_default_timeout(60_000)
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("request", lambda sent: requests.append(sent.url))
            page.goto(address)
            yield page
            SHOTS.mkdir(exist_ok=True)
            name = re.sub(r"[^a-z0-9]+", "-", f"{request.node.name.removeprefix('test_')} {shot}".casefold()).strip("-")
            page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
            browser.close()
        away = [url for url in requests if (urllib.parse.urlparse(url).hostname or "") not in _HERE]
        assert [url for url in away if url.startswith("http")] == []
        assert [error for error in errors if not any(part in error for part in allowed)] == []

    return go
