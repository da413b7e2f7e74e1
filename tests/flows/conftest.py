"""For flows: the main one, run on the sandbox."""

import asyncio

import pytest

from flows.content_plan_to_jira import content_plan_to_jira
from sandbox.seed import seed


@pytest.fixture
def run(services, tmp_path):
    """Run the main flow on the sandbox; its result."""

    def go(**parameters):
        given = {
            "target_month": seed.MONTH,
            "delay_seconds": (0, 0),
            "output_dir": str(tmp_path / "output"),
            **parameters,
        }
        return asyncio.run(content_plan_to_jira(**given))

    return go
