"""Which processes a test has started, kernels included: all that it starts inherits a mark."""

import contextlib
import os
import subprocess
import time
import uuid
from pathlib import Path


@contextlib.contextmanager
def none_is_left(monkeypatch, limit_s=30):
    """At the end nobody wears the mark that is given out at the beginning."""
    monkeypatch.setenv("MARK_OF_TEST", uuid.uuid4().hex)
    monkeypatch.setenv("KERNEL_ENVIRONMENT", "MARK_OF_TEST")
    yield
    wait_until(lambda: processes_with(own_mark()) == [], limit_s)


@contextlib.contextmanager
def started(command, **options):
    """A program as `subprocess.Popen` starts it; killed when the test fails or its time is up: Popen alone would wait for its end."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def own_mark():
    return os.environ["MARK_OF_TEST"].encode()


def wait_until(true, limit_s=30, pause_s=0.02):
    until = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < until, f"still not so after {limit_s} s"
        time.sleep(pause_s)


def processes_with(mark):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes() and int(process.name) != os.getpid():
                found.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    return found
