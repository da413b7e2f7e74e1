"""Which tab of a spreadsheet is taken as the plan."""

import pytest

from lib.errors import FixInputError
from lib.formats import parse_month
from lib.plan import tabs
from lib.services.models import Spreadsheet, Tab, TabCells

PLAN = [["Tanggal", "Bentuk", "Topik"], ["5 Juli 2026", "Post", "Satu"]]
BRIEF = [["Brief"], ["Nada bicara: hangat"]]
NO_TOPIC = [["Tanggal", "Bentuk"], ["5 Juli 2026", "Post"]]


class Sheets:
    """A spreadsheet of these tabs. A title that begins with a dot is hidden, without the dot."""

    def __init__(self, **contents):
        self.spreadsheet = Spreadsheet(
            id="s",
            title="Plan",
            url="",
            locale="id_ID",
            time_zone="Asia/Jakarta",
            tabs=[
                Tab(n, title.removeprefix("."), 26, hidden=title.startswith("."), cells=TabCells(cells))
                for n, (title, cells) in enumerate(contents.items())
            ],
            named_ranges={},
        )

    def choose(self, wanted="", month="Juli 2026"):
        return tabs.choose(self.spreadsheet, parse_month(month), wanted).title


@pytest.mark.parametrize(
    ("contents", "chosen"),
    [
        ({".Juni 2026": PLAN, "Juli 2026": PLAN}, "Juli 2026"),
        ({"Juni 2026": PLAN, "Juli 2026": PLAN, "Agustus 2026": PLAN}, "Juli 2026"),
        ({"Brief": BRIEF, "Konten": PLAN}, "Konten"),
        ({"Brief": BRIEF, "Konten": PLAN, ".Arsip": PLAN}, "Konten"),
        ({".Juli 2026": PLAN, "Konten": PLAN}, "Konten"),
        ({"Brief Juli": BRIEF, "Konten Juli": PLAN, "Lama": PLAN}, "Konten Juli"),
        ({"Juni 2026": PLAN}, "Juni 2026"),
        ({"Apa saja": BRIEF}, "Apa saja"),
        ({"Juli 2025": PLAN, "Konten": BRIEF, "Juli '26": PLAN}, "Juli '26"),
    ],
)
def test_the_visible_tab_that_names_the_month_or_the_only_one_with_a_header_is_the_plan(contents, chosen):
    assert Sheets(**contents).choose() == chosen


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        ({"Satu": PLAN, "Dua": PLAN}, ["more than one tab", "'Satu': has a header; 'Dua': has a header", "--tab"]),
        ({"Juli": PLAN, "Juli 2026": PLAN, "Brief": BRIEF}, ["more than one", "'Juli': has a header; 'Juli 2026'"]),
        (
            {"Brief": BRIEF, "Isi": NO_TOPIC},
            ["none of its tabs", "'Brief': no header", "'Isi': there is no column Topik"],
        ),
        ({".Juli 2026": PLAN, "Brief": BRIEF, "Isi": BRIEF}, ["hidden tabs do not count", "'Brief'", "'Isi'"]),
    ],
)
def test_tabs_between_which_nothing_decides_are_listed_with_what_each_lacks(contents, says):
    with pytest.raises(FixInputError) as refused:
        Sheets(**contents).choose()
    for part in says:
        assert part in str(refused.value)


@pytest.mark.parametrize("wanted", ["Satu", " satu ", "SATU"])
def test_a_tab_that_is_named_is_taken_also_when_it_is_hidden(wanted):
    assert Sheets(**{"Juli 2026": PLAN, ".Satu": PLAN}).choose(wanted) == "Satu"


def test_a_tab_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(FixInputError, match=r"has no tab 'Tiga'; there are 'Satu', 'Dua'"):
        Sheets(Satu=PLAN, Dua=PLAN).choose("Tiga")


@pytest.mark.parametrize(
    ("title", "named"),
    [
        ("Juli 2026", True),
        ("JULI", True),
        ("Plan Jul '26", True),
        ("Konten_Juli_2026", True),
        ("2026-07", True),
        ("07/2026", True),
        ("July 2026 (final)", True),
        ("Juli 2025", False),
        ("2025-07", False),
        ("Juni 2026", False),
        ("Julia", False),
        ("Brief", False),
        ("Sheet7", False),
    ],
)
def test_a_title_names_the_month_in_any_spelling_and_no_other_year(title, named):
    assert tabs.names_month(title, parse_month("Juli 2026")) is named
