"""What stops a row, what is only odd, and where it says so."""

import pytest

from lib.formats import Month
from lib.plan.plan_checks import check, check_quota, find_form
from tests.lib.plans import HEADER, plan, row

FORMS = ("Post", "Story", "Short Video", "Carousel")
JULY = Month(2026, 7)


def found(cells, header=HEADER, month=JULY):
    read = plan(cells, header=header)
    return [
        (problem.level, problem.where.partition("!")[2], problem.message)
        for problem in check(read, read.rows[0], month, FORMS)
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
        (row(1, topic="\u2800"), "D2", "is empty"),
        (row(1, topic="\u3164\u200d \ufe0f"), "D2", "is empty"),
        (row(1, form="\uffa0"), "C2", "is empty"),
        (row(1, date="\u2800"), "B2", "is empty"),
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
        (row(1, date="30 Juni 2026"), "B2", "outside Juli 2026"),
        (row(1, date=46265), "B2", "outside Juli 2026"),
        (row(1, date="Sabtu, 5 Jul 2026"), "B2", "another weekday"),
        (row(1, date="5 Julii 2026"), "B2", "read as Minggu, 5 Juli 2026"),
    ],
)
def test_what_is_odd_is_a_warning(cells, cell, says):
    [(level, where, message)] = found(cells)
    assert (level, where) == ("warning", cell)
    assert says in message


@pytest.mark.parametrize(
    ("typed", "month", "says"),
    [
        (46149, JULY, "7 Mei 2026, which lies outside Juli 2026, and Minggu, 5 Juli 2026; write the one that is meant with its month as a word"),
        (46149.4375, JULY, "7 Mei 2026, which"), ("7/5/2026", JULY, "7 Mei 2026, which"), ("07-05-26", JULY, "7 Mei 2026, which"),
        (46241, JULY, "7 Agustus 2026, which lies outside Juli 2026, and Rabu, 8 Juli 2026"), (46241, JULY, "(with an apostrophe before it)"),
        ("7/8/2026", JULY, "Rabu, 8 Juli 2026"), ("26-07-27", JULY, "Senin, 26 Juli 2027, which lies outside Juli 2026, and Senin, 27 Juli 2026"),
        (46024, Month(2026, 2), "2 Januari 2026, which lies outside Februari 2026, and Minggu, 1 Februari 2026"),
        ("9 Januari 2026", Month(2027, 1), "lies 12 months outside Januari 2027"), (46031, Month(2027, 1), "12 months"), ("31 Mei 2026", JULY, "2 months"),
        ("1 September 2026", JULY, "2 months"), ("5 Juli 2062", JULY, "432 months"), ("30 November 2026", Month(2027, 1), "2 months"),
    ],
)  # fmt: skip
def test_a_date_that_was_swapped_or_is_far_away_stops_its_row(typed, month, says):
    [(level, where, message)] = found(row(1, date=typed), month=month)
    assert (level, where) == ("error", "B2")
    assert says in message


@pytest.mark.parametrize(
    ("typed", "month"),
    [
        ("7/5/2026", Month(2026, 5)), (46149, Month(2026, 5)), ("26-07-27", Month(2027, 7)), ("27-07-26", JULY), ("26/07/26", JULY), (46210, JULY),
        ("7/7/2026", JULY), ("2026-07-08", JULY), ("6 Juli 2026 10.30", JULY), (46209.4375, JULY), (46211.9999998, JULY),
    ],
)  # fmt: skip
def test_a_date_in_the_plans_month_has_one_reading(typed, month):
    assert found(row(1, date=typed), month=month) == []


@pytest.mark.parametrize(
    ("date", "time", "level", "says"),
    [
        (46209.4375, "10.00", "error", "is another time than '10.30' in 'Juli'!B2"), ("6 Juli 2026 10.30 WIB", "10.30 WITA", "error", "'10.30 WIB' in"),
        ("6 Juli 2026 10.30", 0.5, "error", "another time"), ("6 Juli 2026 10.30", "siang", "warning", "is not used beside it"),
        ("6 Juli 2026 jam 7 malam", "19.00", "warning", "is not used beside it"),
    ],
)  # fmt: skip
def test_a_time_beside_the_date_that_differs_from_waktu_is_told(date, time, level, says):
    told = [
        (found_level, where)
        for found_level, where, m in found([*row(1, date=date), time], [*HEADER, "Waktu"])
        if says in m
    ]
    assert told == [(level, "G2")]


@pytest.mark.parametrize(
    ("date", "time"),
    [(46209.4375, 0.4375), (46209.4375, "10:30 AM"), ("6 Juli 2026 10.30 WIB", "10.30"), (46209.4375, "")],
)
def test_the_same_time_twice_or_once_is_no_problem(date, time):
    assert found([*row(1, date=date), time], [*HEADER, "Waktu"]) == []


def test_an_unreadable_time_is_only_odd():
    assert found([*row(1), "siang"], [*HEADER, "Waktu"])[0][:2] == ("warning", "G2")
    assert found([*row(1), "10.00 WIB"], [*HEADER, "Waktu"]) == []


@pytest.mark.parametrize("typed", ["Short Video", "short video", "SHORT-VIDEO", " Short  Video "])
def test_a_form_is_known_whatever_its_case_and_spaces(typed):
    assert find_form(typed, FORMS) == "Short Video"


@pytest.mark.parametrize("topic", ["-", "–", "--", ".", "…", "?", "???", "x", "X", "xxx", "TBA", "tba.", "(TBD)", "[ TBC ]", "N/A", "n.a.", "*", "_", "/", "0", 0, 7, "Menyusul", "belum ada", "#", "→"])  # fmt: skip
def test_a_topic_that_says_none_is_a_warning(topic):
    [(level, where, message)] = found(row(1, topic=topic))
    assert (level, where) == ("warning", "D2")
    assert f"{str(topic)!r} says no topic" in message


@pytest.mark.parametrize(
    "topic",
    ["Q&A", "5G", "17 Agustus", "TBA: lokasi pameran", "Xx Kopi", "🎉", "❤️", "Belum tidur?", "珈琲", "A - Z", 2026],
)
def test_a_short_topic_is_a_topic(topic):
    assert found(row(1, topic=topic)) == []


def test_a_number_of_rows_that_differs_from_the_quota_is_a_warning():
    read = plan(row(1), row(2), row(3, form="story"))
    messages = [problem.message for problem in check_quota(read, {"post": 2, "Story": 2, "Carousel": 1})]
    assert messages == [
        "1 rows of form Story, the client's quota is 2",
        "0 rows of form Carousel, the client's quota is 1",
    ]


def looks(cells, **beside):
    """Where, level and message of what is said of one row whose cells look so."""
    read = plan(cells, **beside)
    return [(p.where, p.level, p.message) for p in check(read, read.rows[0], JULY, ("Post", "Story"))]


def test_a_topic_that_is_struck_through_stops_its_row():
    [(where, level, message)] = looks(row(1), struck={(1, HEADER.index("Topik"))})
    assert (where, level) == ("'Juli'!D2", "error")
    assert "struck through" in message


def test_another_cell_that_is_struck_through_is_a_warning():
    [(where, level, message)] = looks(row(1), struck={(1, HEADER.index("Caption"))})
    assert (where, level) == ("'Juli'!E2", "warning")
    assert "struck through" in message


@pytest.mark.parametrize("how", ["by hand", "by a filter"])
def test_a_hidden_row_is_a_warning_that_says_how_it_is_hidden(how):
    assert looks(row(1), hidden={1: how}) == [
        ("'Juli'!D2", "warning", f"the row is hidden {how}; hidden rows get their issues, too")
    ]


def test_a_key_cell_that_is_merged_with_another_contents_stops_the_second():
    read = plan(row(1), row(2), merges=[(1, 3, 5, 6)])
    said = [[(p.where, p.level) for p in check(read, each, JULY, ("Post",))] for each in read.rows]
    assert said == [[], [("'Juli'!F3", "error")]]
