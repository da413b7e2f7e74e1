"""Flows for real: Prefect's engine on a database of the tests' own, the sandbox's Google and Jira."""

import pytest
from prefect.settings import PREFECT_SERVER_ANALYTICS_ENABLED, temporary_settings
from prefect.testing.utilities import prefect_test_harness


@pytest.fixture(scope="session")
def prefect_engine():
    """One temporary Prefect server for all flows of the session."""
    with (
        temporary_settings({PREFECT_SERVER_ANALYTICS_ENABLED: False}),
        prefect_test_harness(server_startup_timeout=120),
    ):
        yield


@pytest.fixture
def services(box, monkeypatch, prefect_engine):
    """The environment points at the sandbox; nothing waits longer than it must."""
    for name, value in {**box.environment(), "RETRY_DELAY_SECONDS": "0"}.items():
        monkeypatch.setenv(name, value)
    return box
