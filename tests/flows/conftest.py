"""For flows: the report of a run takes seconds, so only tests marked `report` have it made."""

import asyncio

import pytest

from flows import run_in_folder
from flows.content_plan_to_jira import content_plan_to_jira
from sandbox import seed


@pytest.fixture(autouse=True)
def _report_on_request(request, monkeypatch):
    async def none(*_given):
        return ""

    if request.node.get_closest_marker("report") is None:
        monkeypatch.setattr(run_in_folder, "_make_report", none)


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
