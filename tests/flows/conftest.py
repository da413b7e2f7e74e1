"""For flows: the report of a run takes seconds, so only tests marked `report` have it made."""

import pytest

from flows import run_in_folder


@pytest.fixture(autouse=True)
def _report_on_request(request, monkeypatch):
    async def none(*_given):
        return ""

    if request.node.get_closest_marker("report") is None:
        monkeypatch.setattr(run_in_folder, "_make_report", none)
