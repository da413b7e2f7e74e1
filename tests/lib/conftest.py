"""Fixtures for the tests of lib."""

import pytest

from tests.desk import Desk


@pytest.fixture
def desk(box, run_clock, tmp_path, opened):
    return Desk(box, run_clock, tmp_path, opened)
