"""What runs are called in Prefect's lists: flow, months, clients, and whether they only look."""

import pytest
from prefect import runtime

from flows import run_names
from lib.clock import SystemClock
from lib.formats import this_month


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"target_month": "Juli 2026"}, "flow Juli 2026 · all clients"),
        ({"target_month": "2026-07", "client_names": ["Kopi Senja"]}, "flow 2026-07 · Kopi Senja"),
        ({"target_month": "Juli 2026", "client_names": ["A", "B", "C"]}, "flow Juli 2026 · A, B, C"),
        ({"target_month": "Juli 2026", "client_names": [*"ABCD"], "validate_only": True}, "flow Juli 2026 · 4 clients · validate only"),
        ({"target_months": ["Juni 2026", "Juli 2026"]}, "flow Juni 2026 and Juli 2026 · all clients"),
        ({"target_month": "Juli 2026", "client_names": []}, "flow Juli 2026 · 0 clients"),
    ],
    ids=range(6),
)  # fmt: skip
def test_a_run_is_called_by_what_it_was_asked(monkeypatch, given, named):
    monkeypatch.setattr(runtime.flow_run, "parameters", given, raising=False)
    assert run_names.of_plans("flow", 0)() == named


def test_months_that_it_takes_by_itself_are_named(monkeypatch):
    monkeypatch.setattr(runtime.flow_run, "parameters", {"target_month": None}, raising=False)
    now = this_month(SystemClock().now())
    assert run_names.of_plans("flow", 1)() == f"flow {now.next()} · all clients"
    assert run_names.of_plans("flow", 0, 1)() == f"flow {now} and {now.next()} · all clients"
