"""One sandbox for all tests here, put back to its beginning before each; its clock stands still unless it is moved."""

import datetime as dt

import pytest
import requests
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build

from sandbox.server import Sandbox
from tests.sandbox.site import Site

START = dt.datetime(2026, 6, 24, 8, 30, tzinfo=dt.timezone(dt.timedelta(hours=7)))


class StandingClock:
    """A clock that a test moves."""

    def __init__(self):
        self.seconds = START.timestamp()

    def now(self):
        return self.seconds

    def move(self, seconds):
        self.seconds += seconds


@pytest.fixture(scope="session")
def running_box():
    with Sandbox(clock=StandingClock()) as box:
        yield box


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    """httplib2 refuses every host while a proxy is set that it has no library for, those in no_proxy included."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def box(running_box, clock):
    running_box.reset()
    yield running_box
    assert running_box.faults_left == {}, "a fault was set up but never reached"


@pytest.fixture
def clock(running_box):
    running_box.clock.seconds = START.timestamp()
    return running_box.clock


@pytest.fixture
def site(box):
    """Plain HTTP to the sandbox, signed in to both services."""
    with Site(box) as site:
        yield site


def signed_in(box):
    """Credentials as a client makes them: no access token yet, refreshed from the sandbox."""
    settings = box.environment()
    return Credentials(
        token=None,
        refresh_token=settings["GOOGLE_REFRESH_TOKEN"],
        token_uri=settings["GOOGLE_TOKEN_URI"],
        client_id=settings["GOOGLE_CLIENT_ID"],
        client_secret=settings["GOOGLE_CLIENT_SECRET"],
    )


@pytest.fixture
def credentials(box):
    return signed_in(box)


@pytest.fixture(scope="module")
def _resources(running_box):
    """
    googleapiclient's resources, built once a file: describing their methods takes a third of a second.

    Not once for all files: tests of other files may run in between, and httplib2 does not open anew what the sandbox closed as idle.
    """
    options = {"credentials": signed_in(running_box), "static_discovery": True, "cache_discovery": False}
    with (
        build("sheets", "v4", client_options={"api_endpoint": running_box.url}, **options) as sheets,
        build("drive", "v3", client_options={"api_endpoint": running_box.url + "/drive/v3/"}, **options) as drive,
    ):
        spreadsheets = sheets.spreadsheets()
        yield {"spreadsheets": spreadsheets, "values": spreadsheets.values(), "files": drive.files()}


@pytest.fixture
def spreadsheets(box, _resources):
    """googleapiclient's `spreadsheets` resource."""
    return _resources["spreadsheets"]


@pytest.fixture
def values(box, _resources):
    """googleapiclient's `spreadsheets.values` resource."""
    return _resources["values"]


@pytest.fixture
def files(box, _resources):
    """googleapiclient's `files` resource of Drive."""
    return _resources["files"]


@pytest.fixture
def jira(box):
    """A requests session that is signed in to Jira."""
    settings = box.environment()
    with requests.Session() as session:
        session.auth = (settings["JIRA_USERNAME"], settings["JIRA_TOKEN"])
        yield session


@pytest.fixture
def plan(box):
    """A small plan of one tab, whose title needs quotes."""
    rows = [
        ["No", "Tanggal", "Topik", "Key"],
        [1, dt.date(2026, 7, 5), "Satu", "cp-aaa"],
        [],
        [2, "5 Juli 2026", "Dua", "cp-bbb"],
        [3, None, "Tiga"],
    ]
    return box.google.add_spreadsheet("Plan", "", {"Bu Tini's": rows, "Lain": [["x"]]})
