"""What stops a row, what is only odd, and where it says so."""

import pytest

from lib.formats import Month
from lib.plan.plan_checks import check, check_quota, find_form
from tests.lib.plans import HEADER, plan, row

FORMS = ("Post", "Story", "Short Video", "Carousel")
JULY = Month(2026, 7)


def found(cells, header=HEADER):
    read = plan(cells, header=header)
    return [
        (problem.level, problem.where.partition("!")[2], problem.message)
        for problem in check(read, read.rows[0], JULY, FORMS)
    ]


def test_a_good_row_has_no_problem():
    assert found(row(1)) == []


@pytest.mark.parametrize(
    ("cells", "cell", "says"),
    [
        (row(1, date=""), "B2", "5 Juli 2026"),
        (row(1, date="31 Juni 2026"), "B2", "no day of the calendar"),
        (row(1, date="7/13/2026"), "B2", "no day of the calendar"),
        (row(1, form=""), "C2", "Post, Story, Short Video or Carousel"),
        (row(1, form="Reels"), "C2", "'Reels' is not a content form"),
        (row(1, topic=" \u200b "), "D2", "is empty"),
        (row(1, topic="#REF!"), "D2", "repair its formula"),
        (row(1, caption="Loading..."), "E2", "repair its formula"),
    ],
)
def test_what_stops_a_row_is_told_with_its_cell_and_the_remedy(cells, cell, says):
    [(level, where, message)] = found(cells)
    assert (level, where) == ("error", cell)
    assert says in message


def test_all_that_is_wrong_with_a_row_is_told_at_once():
    assert [cell for _, cell, _ in found(row(1, "", date="", form=""))] == ["B2", "C2", "D2"]


@pytest.mark.parametrize(
    ("cells", "cell", "says"),
    [
        (row(1, date="3 Agustus 2026"), "B2", "outside Juli 2026"),
        (row(1, date="Sabtu, 5 Jul 2026"), "B2", "another weekday"),
    ],
)
def test_what_is_odd_is_a_warning(cells, cell, says):
    [(level, where, message)] = found(cells)
    assert (level, where) == ("warning", cell)
    assert says in message


def test_an_unreadable_time_is_only_odd():
    assert found([*row(1), "siang"], [*HEADER, "Waktu"])[0][:2] == ("warning", "G2")
    assert found([*row(1), "10.00 WIB"], [*HEADER, "Waktu"]) == []


@pytest.mark.parametrize("typed", ["Short Video", "short video", "SHORT-VIDEO", " Short  Video "])
def test_a_form_is_known_whatever_its_case_and_spaces(typed):
    assert find_form(typed, FORMS) == "Short Video"


def test_a_number_of_rows_that_differs_from_the_quota_is_a_warning():
    read = plan(row(1), row(2), row(3, form="story"))
    messages = [problem.message for problem in check_quota(read, {"post": 2, "Story": 2, "Carousel": 1})]
    assert messages == [
        "1 rows of form Story, the client's quota is 2",
        "0 rows of form Carousel, the client's quota is 1",
    ]
