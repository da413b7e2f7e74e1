"""What tests do with the programs that they start."""

import signal
import sys

import pytest

from tests.processes import started


def test_a_program_is_killed_when_its_test_fails():
    with pytest.raises(AssertionError), started([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        assert process.poll() is not None
    assert process.returncode == -signal.SIGKILL
