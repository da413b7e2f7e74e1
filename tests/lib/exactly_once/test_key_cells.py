"""The requests that prepare the Key column."""

import datetime as dt

import pytest

from lib.exactly_once import key_cells
from lib.exactly_once.plan_lock import Holder
from lib.services.models import Tab
from tests.lib.plans import HEADER, plan, row

HOLDER = Holder(dt.datetime(2026, 6, 25, tzinfo=dt.UTC), "0" * 12, "1" * 12, None, "komputer")


@pytest.mark.parametrize(("rows", "end"), [(1000, 53), (53, 53), (20, 20)])
def test_cells_below_the_plan_are_prepared_as_far_as_there_are_rows(rows, end):
    """Google may refuse a range that ends outside of the tab; the sandbox cuts it."""
    tab = Tab(7, "Juli", len(HEADER), rows=rows)
    requests = key_cells.request_key_column(plan(row(1), row(2)), tab, HOLDER)
    [text, _note] = [each["repeatCell"]["range"] for each in requests if "repeatCell" in each]
    assert (text["startRowIndex"], text["endRowIndex"]) == (1, end)
