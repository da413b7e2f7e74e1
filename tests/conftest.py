"""Fixtures for all tests: a clean environment, and a sandbox that accounts for its faults."""

import contextlib
import datetime as dt
import functools
import gc
import logging
import os
import signal
from unittest import mock

import hypothesis
import pytest
from googleapiclient.schema import Schemas
from prefect.client import base as client_base
from prefect.settings import PREFECT_API_TLS_INSECURE_SKIP_VERIFY, PREFECT_SERVER_ANALYTICS_ENABLED, temporary_settings

from flows import prefect_settings, run_in_folder, server_choice
from lib.exactly_once import plan_lock
from lib.notebook import fork_kernels, kernel_server
from lib.notebook.notebook_parameters import PARAMETERS_TAG, check, model_of, read_source
from lib.services.google_api import GoogleApi
from lib.services.jira_api import JiraApi
from lib.settings import ROOT, environment_without_secrets
from lib.tasks import utility_tasks
from sandbox.server import Sandbox
from tests.proof import events
from tests.servers import Databases

_OURS = (
    "GOOGLE_",
    "JIRA_",
    "CLIENTS_SPREADSHEET_ID",
    "OUTPUT_DIR",
    "OUTPUT_URL",
    "OUTPUT_FOR_GROUP",
    "ALERT_URL",
    "SETTLE_SECONDS",
    "RETRY_DELAY_SECONDS",
    "KERNEL_ENVIRONMENT",
    "CONTENT_PLAN_",
)
# A shell's background job ignores Ctrl-C, and so would every command that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
hypothesis.settings.register_profile("untimed", deadline=None)  # a busy machine is no wrong answer
hypothesis.settings.load_profile("untimed")
_START = dt.datetime(2026, 6, 25, 1, 0, tzinfo=dt.UTC).timestamp()
FIRST_WAIT_S = 2
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def pytest_collection_finish():
    """Modules and tests stay: they are not looked through for garbage again, a tenth of the time that tests take."""
    gc.collect()
    fork_kernels.collect_rarely()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    """No setting of the person who runs the tests counts, and no proxy stands before the sandbox."""
    for name in list(os.environ):
        if name.startswith(_OURS) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("CONTENT_PLAN_SANDBOX", "1")


@pytest.fixture(scope="session", autouse=True)
def _shared_database(tmp_path_factory):
    own = tmp_path_factory.getbasetemp()
    Databases.made_in = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session", autouse=True)
def _no_manual_of_google():
    """Google's client writes the manual of all its methods whenever one is built: 0.2 s in each of hundreds of tests."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("prettyPrintByName", "prettyPrintSchema"):
            patched.setattr(Schemas, name, lambda *_: "")
        yield


@pytest.fixture(autouse=True)
def _own_locks(monkeypatch, tmp_path_factory):
    """Spreadsheets of the sandbox have the same ids in every test, and a cancelled run holds its locks until its process ends."""
    folder = tmp_path_factory.mktemp("locks")
    monkeypatch.setattr(plan_lock, "lock_folder", lambda: folder)


@pytest.fixture(autouse=True)
def _report_on_request(request, monkeypatch):
    """The report of a run takes seconds: only tests marked `report` have it made in this process."""

    async def none(*_given):
        return ""

    if request.node.get_closest_marker("report") is None:
        monkeypatch.setattr(run_in_folder, "_make_report", none)


@pytest.fixture(scope="session")
def kernels():
    """One server for the kernels of all flows of the session; no test's own mark is in its environment."""
    server = kernel_server.KernelServer()
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("KERNEL_ENVIRONMENT", raising=False)
        server.start(environment_without_secrets())
    yield server
    server.close()


@contextlib.contextmanager
def kernels_from(server):
    """As `kernel_server.kept`, with a server that stays."""
    token = kernel_server._CURRENT.set(server)
    try:
        yield server
    finally:
        kernel_server._CURRENT.reset(token)


@pytest.fixture(autouse=True)
def _kernel_on_request(request, monkeypatch):
    """A kernel takes seconds: in tests marked neither `kernel` nor `report` the cells of a flow's notebooks run in this process."""

    @functools.wraps(utility_tasks.run_notebook.fn)
    async def here(name, _output, parameters, _timeout_s=None):
        source = read_source(ROOT / "notebooks" / f"{name}.ipynb")
        values = check(model_of(source, name), parameters, name)
        variables = {}
        for cell in source.cells:
            if cell.cell_type == "code":
                exec(cell.source, variables)
            if PARAMETERS_TAG in cell.metadata.get("tags", ()):
                variables |= values

    server = None
    if any(request.node.get_closest_marker(marker) for marker in ("kernel", "report")):
        server = request.getfixturevalue("kernels")
    else:
        monkeypatch.setattr(utility_tasks.run_notebook, "fn", here)
    monkeypatch.setattr(run_in_folder, "kernels_kept", lambda: kernels_from(server))


@pytest.fixture(autouse=True)
def _no_server_of_a_command(monkeypatch):
    """A command's temporary server is its process's to the end: here the session's would be that one, and want its login."""
    monkeypatch.setattr(server_choice, "choose", lambda: None)


class StandingClock:
    """A clock that stands still unless it is moved: for the sandbox (`now`), and for runs (`run_clock`)."""

    def __init__(self, start: float):
        self.seconds = start

    def now(self) -> float:
        return self.seconds

    def move(self, seconds: float) -> None:
        self.seconds += seconds


class RunClock:
    """The same time for `lib.clock.Clock`; sleeping moves it."""

    def __init__(self, clock: StandingClock):
        self._clock = clock
        self.slept: list[float] = []

    def now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock.seconds, dt.UTC)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._clock.move(seconds)


@pytest.fixture(scope="session")
def running_box():
    """One sandbox for the whole session; tests use `box`."""
    with Sandbox(clock=StandingClock(_START)) as box:
        yield box


@pytest.fixture
def clock(running_box):
    """The sandbox's clock, put back to its start."""
    running_box.clock.seconds = _START
    return running_box.clock


@pytest.fixture
def run_clock(clock):
    """The same clock for runs."""
    return RunClock(clock)


@pytest.fixture
def box(running_box, clock):
    """The sandbox as seeded; every fault that a test sets must be reached."""
    running_box.reset()
    yield running_box
    assert running_box.faults_left == {}, "a fault was set up but never reached"


@pytest.fixture
def opened():
    """Clients to be closed at the end of the test."""
    clients = []
    yield lambda client: clients.append(client) or client
    for client in clients:
        client.close()


@pytest.fixture(scope="session", autouse=True)
def _close_shared_clients():
    """Blocks share their clients for as long as the process lives; here they would end as warnings."""
    yield
    for client in gc.get_objects():
        if isinstance(client, GoogleApi | JiraApi):
            client.close()


@pytest.fixture(autouse=True)
def _quiet_libraries():
    """Debug lines of HTTP libraries would drown what a failing test shows."""
    for name in ("urllib3", "httpx", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)


@pytest.fixture(scope="session")
def prefect_engine():
    """One temporary Prefect server for all flows of the session."""
    from prefect.testing.utilities import prefect_test_harness  # noqa: PLC0415  # all of Prefect's server: seconds

    with (
        pytest.MonkeyPatch.context() as patched,
        mock.patch.dict(os.environ, prefect_settings.TASK_RUNS_TOGETHER),
        # It speaks plain HTTP; else each of Prefect's clients, several in every run, would read all certificate authorities.
        temporary_settings({PREFECT_SERVER_ANALYTICS_ENABLED: False, PREFECT_API_TLS_INSECURE_SKIP_VERIFY: True}),
        prefect_test_harness(server_startup_timeout=120),
    ):
        # Its SQLite refuses the run that begins while the last one's events are written; Prefect's client waits 2 s, then asks again.
        patched.setattr(client_base, "clamped_poisson_interval", lambda s, _jitter: 0.1 if s == FIRST_WAIT_S else s)
        yield


@pytest.fixture
def services(box, monkeypatch, prefect_engine):
    """The environment points at the sandbox; nothing waits longer than it must."""
    for name, value in {**box.environment(), "RETRY_DELAY_SECONDS": "0"}.items():
        monkeypatch.setenv(name, value)
    return box


# The longest files first: the last one to begin would be waited for. Their tests share nothing but the session's fixtures, if True.
_LONG = {
    "test_deploy.py": False,
    "test_whole_runs.py": True,
    "test_whole_updates.py": True,
    "test_command_line.py": True,
    "test_content_plan_watch.py": True,
    "test_reports.py": True,
    "test_exactly_once_proof.py": True,
}
_SEEDS_AT_ONCE = 20
_SEEDS = {"seed": "0-199", "update_seed": "0-19"}  # schedules that are played when nobody asks for others


def pytest_collection_modifyitems(items):
    """What goes to one process together (`--dist loadgroup`): a file, or each test of a long one."""
    order = list(_LONG)
    items.sort(key=lambda item: order.index(item.path.name) if item.path.name in _LONG else len(order))
    for item in items:
        group = item.path.name
        if _LONG.get(group):
            seed = item.callspec.params.get("seed") if hasattr(item, "callspec") else None
            group += f" {item.originalname} {'' if seed is None else seed // _SEEDS_AT_ONCE}"
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_addoption(parser):
    parser.addoption("--seeds", help="schedules of the proof to play, such as 0-199")
    parser.addoption(
        "--every-request", action="store_true", help="stop a whole update at each of its requests, not at some"
    )
    parser.addoption("--every-event", action="store_true", help="fail when a kind of event of the proof was never met")


def pytest_sessionfinish(session):
    """Each process tells the main one which events its schedules met; that one fails the session if some are missing."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["events"] = dict(events.MET)
    elif config.getoption("--every-event") and set(events.KINDS) - set(+events.MET):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    events.MET.update(getattr(node, "workeroutput", {}).get("events", {}))


def pytest_terminal_summary(terminalreporter, config):
    if config.getoption("--every-event"):
        terminalreporter.section("events met")
        for line in events.table(events.MET):
            terminalreporter.line(line)


def pytest_generate_tests(metafunc):
    for name in _SEEDS.keys() & set(metafunc.fixturenames):
        first, last = (metafunc.config.getoption("--seeds") or _SEEDS[name]).split("-")
        metafunc.parametrize(name, range(int(first), int(last) + 1))
