"""Which months the name of a plan's file may say, and in which spelling."""

import pytest

from lib.formats import Month
from lib.plan.client_list import Client
from lib.plan.plan_files import NoPlanError, find_plan, read_plan_name
from lib.services.models import DriveFile

AUGUST = Month(2026, 8)
KOPI = Client("Kopi Senja", "folder-1", "A2")


def file(name):
    return DriveFile(name, name, "application/vnd.google-apps.spreadsheet", ("folder-1",), "1")


@pytest.mark.parametrize(
    "spelling",
    ["Agustus 2026", "August 2026", "Agt 2026", "Ags 2026", "Agst 2026", "Agus 2026", "AGU 2026", "Aug 2026", "Agt. 2026", "Agt-2026", "2026-08", "2026-8"],
)  # fmt: skip
@pytest.mark.parametrize("dash", [" - ", " – ", "-", "  —  "])
def test_a_file_may_spell_its_month_as_a_target_month_is_spelt(spelling, dash):
    names = [dash.join(["Content Plan", client, spelling]) for client in ("Kopi Senja", "Kopi", "Kopi Senja 2")]
    assert find_plan([file(name) for name in names], KOPI, AUGUST).name == names[0]
    assert read_plan_name(names[0]) == ("Kopi Senja", AUGUST)


@pytest.mark.parametrize(
    "spelling", ["Nop 2026", "Agt 2027", "Agt", "2026", "Agt 26", "", "Teh - Agt 2026", "2026-08-01"]
)
def test_a_file_of_another_month_or_of_none_is_no_plan_of_it(spelling):
    with pytest.raises(NoPlanError, match="has no spreadsheet named 'Content Plan - Kopi Senja - Agustus 2026'"):
        find_plan([file(f"Content Plan - Kopi Senja - {spelling}")], KOPI, AUGUST)
