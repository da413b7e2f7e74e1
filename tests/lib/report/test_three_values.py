"""What an analyst sees of one row and its issue: what was sent, what the plan says, what Jira says."""

import asyncio
import re
from html import unescape

import pytest

from lib.errors import FixInputError
from lib.files import ROWS
from lib.plan import rows_file
from lib.report import explore, three_values
from lib.services.reading import JiraReader
from tests.direct import make_drafts
from tests.lib.update.test_plan_update import DUE, office

__all__ = ["office"]

MONTH = "Juli 2026"


@pytest.fixture
def shown(office, monkeypatch, tmp_path):
    """Look at a row; field -> its cells."""

    async def transform(plan, month, rows):
        few = plan.model_copy(update={"rows": rows})
        rows_file.save(few, tmp_path / ROWS, workflow="explore")
        return await make_drafts(tmp_path, month)(few)

    def look(row=0):
        check = office.desk.next_run()
        check.check()
        jira = JiraReader(office.desk.jira.api)
        page = asyncio.run(three_values.show(jira, check.plan_run.plan, MONTH, {"Publikasi": "customfield_10040"}, row))
        rows = re.findall(r"<tr[^>]*>(.*?)</tr>", page.data, re.DOTALL)
        cells = [
            [unescape(cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in rows
        ]
        return {name: values for name, *values in filter(None, cells)}

    monkeypatch.setattr(explore, "transform", transform)
    return look


def test_each_field_is_shown_three_ways_with_what_an_update_would_do(office, shown):
    office.write("B2", "20 Juli 2026")
    office.write("D2", "Topik baru")
    office.edit(summary="Dari produksi")
    before = office.sent()
    fields = shown()
    assert fields["summary"] == ["'Topik 1'", "'Topik baru'", "'Dari produksi'", "conflict"]
    assert fields[DUE] == ["'2026-07-01'", "'2026-07-19'", "'2026-07-01'", "updated"]
    assert fields["Publikasi"][-1] == "updated"
    assert fields["description"][-1] == three_values.AS_SENT
    assert office.sent() == before


def test_a_row_is_taken_by_its_number(office, shown):
    assert shown(3)["summary"][1] == "'Topik 2'"
    with pytest.raises(FixInputError, match="holds no content"):
        shown(99)


def test_a_row_without_its_issue_is_named(office, shown):
    office.write("F2", "")
    with pytest.raises(FixInputError, match=r"row 2.*has no issue yet"):
        shown(2)


def test_a_plan_without_issues_says_so(office, shown):
    for cell in ("F2", "F3"):
        office.write(cell, "")
    assert shown() == {}
