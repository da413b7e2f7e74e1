"""Dates, times, text and numbers as people type them."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats import (
    FormatError,
    Month,
    clean_text,
    cut,
    length_in_jira,
    match_key,
    one_line,
    parse_date,
    parse_month,
    parse_number,
    parse_time,
    show_date,
    this_month,
)

FIFTH_OF_JULY = dt.date(2026, 7, 5)


@pytest.mark.parametrize(
    "typed",
    [
        "5 Juli 2026", "05/07/2026", "5/7/2026", "5-7-26", "05.07.2026", "5 Jul 2026", "Minggu, 5 Jul 2026", "Ahad 5 Juli 2026",
        "Sunday, July 5, 2026", "5th July 2026", "2026-07-05", "2026/07/05", "5 JULI 2026", "5 juli 2026.", "Tgl 5 Juli 2026",
        "５ Juli 2026", "5\u00a0Juli\u00a02026", "\u200b5 Juli 2026", "5 Juli '26", "5Juli2026", "5 – 7 – 2026", "05 07 2026",
    ],
)  # fmt: skip
def test_a_date_is_read_in_every_form_that_planners_use(typed):
    assert parse_date(typed).day == FIFTH_OF_JULY


@pytest.mark.parametrize(
    ("typed", "day"),
    [
        ("Jum'at, 6 Maret 2026", dt.date(2026, 3, 6)),
        ("Jum’at, 6 Maret 2026", dt.date(2026, 3, 6)),
        ("05 Agt 2026", dt.date(2026, 8, 5)),
        ("5 Agu 2026", dt.date(2026, 8, 5)),
        ("5 Pebruari 2026", dt.date(2026, 2, 5)),
        ("5 Nop 2026", dt.date(2026, 11, 5)),
        ("Sen, 2/3/26", dt.date(2026, 3, 2)),
        ("29/2/2028", dt.date(2028, 2, 29)),
        (46204, dt.date(2026, 7, 1)),
        (46204.0, dt.date(2026, 7, 1)),
    ],
)
def test_a_date_is_read_with_other_names_and_as_a_serial_number(typed, day):
    assert parse_date(typed).day == day


@pytest.mark.parametrize(
    "typed",
    [
        "5/13/2026", "13/31/2026", "31 Juni 2026", "31/6/2026", "29/2/2026", "32/1/2026", "0/7/2026", "2026-02-30", "5/7", "5 Juli",
        "Mei 2026", "Juli", "5 - 7 Juli 2026", "5 & 6 Juli 2026", "besok", "TBD", "20260705", "26-07-05", "1/2/03", "5/7-2026",
        "5 Foo 2026", "5 Juli 1926", "", "2026-07-05T23:00:00Z", 5, 20260705, 0.5, True, None,
    ],
)  # fmt: skip
def test_an_impossible_or_ambiguous_date_is_refused_with_advice(typed):
    with pytest.raises(FormatError, match="5 Juli 2026"):
        parse_date(typed)


@pytest.mark.parametrize("read", [parse_date, parse_time])
@pytest.mark.parametrize("nothing", [None, "", " \n"])
def test_an_empty_cell_is_refused_as_empty_with_what_to_write(read, nothing):
    with pytest.raises(FormatError, match=r"^is empty; write "):
        read(nothing)


def test_a_wrong_weekday_and_a_time_are_told_and_the_date_is_kept():
    assert parse_date("Sabtu, 5 Jul 2026").day == FIFTH_OF_JULY
    assert "Minggu, 5 Juli 2026" in parse_date("Sabtu, 5 Jul 2026").note
    assert "Waktu" in parse_date("5 Juli 2026 10.00").note
    assert "Waktu" in parse_date(46204.5).note
    assert parse_date("Minggu, 5 Juli 2026").note == ""


@given(
    st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)),
    st.sampled_from(["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%Y-%m-%d"]),
)
def test_day_and_month_are_never_swapped(day, form):
    assert parse_date(day.strftime(form)).day == day


@given(st.dates(dt.date(2000, 1, 1), dt.date(2099, 12, 31)))
def test_what_we_show_is_read_back(day):
    assert parse_date(show_date(day)).day == day


@given(st.text())
def test_any_text_is_a_date_or_refused(text):
    with contextlib.suppress(FormatError):
        assert 2000 <= parse_date(text).day.year <= 2099


@pytest.mark.parametrize("typed", ["Juli 2026", "July 2026", "2026-07", "juli  2026", "JUL 2026", "2026-7"])
def test_a_month_is_read_in_both_languages(typed):
    assert parse_month(typed) == Month(2026, 7)
    assert str(parse_month(typed)) == "Juli 2026"


@pytest.mark.parametrize("typed", ["Juli", "2026-13", "2026-00", "7/2026", "Juli 26", ""])
def test_an_unreadable_month_is_refused(typed):
    with pytest.raises(FormatError, match="2026-07"):
        parse_month(typed)


def test_the_month_changes_when_it_does_in_jakarta():
    last_hours_of_june_in_utc = dt.datetime(2026, 6, 30, 17, 30, tzinfo=dt.UTC)
    assert this_month(last_hours_of_june_in_utc) == Month(2026, 7)
    assert this_month(dt.datetime(2026, 6, 30, 16, 30, tzinfo=dt.UTC)) == Month(2026, 6)
    assert Month(2026, 12).next() == Month(2027, 1)


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("10.00", dt.time(10)), ("10:00", dt.time(10)), ("10.00 WIB", dt.time(10)), ("07:30", dt.time(7, 30)), (10 / 24, dt.time(10)),
        (0, dt.time(0)), ("pukul 9", dt.time(9)), (10, dt.time(10)), ("23.59 wita", dt.time(23, 59)),
    ],
)  # fmt: skip
def test_a_time_is_read(typed, time):
    assert parse_time(typed) == time


@pytest.mark.parametrize("typed", ["25.00", "10.60", "pagi", "07.30-08.00", "10.3", -1, 24, True, None])
def test_an_unreadable_time_is_refused(typed):
    with pytest.raises(FormatError, match=r"10\.00"):
        parse_time(typed)


@pytest.mark.parametrize(
    ("typed", "locale", "number"),
    [
        ("Rp 1.500.000,00", "id_ID", 1_500_000.0), ("1,500,000.50", "id_ID", 1_500_000.5), ("(1.200)", "id_ID", -1200.0),
        ("-3", "id_ID", -3.0), ("−3", "id_ID", -3.0), ("12,5%", "id_ID", 0.125), ("12.5%", "en_US", 0.125), ("1.500", "id_ID", 1500.0),
        ("1.500", "en_US", 1.5), ("1,500", "id_ID", 1.5), ("1,500", "en_US", 1500.0), ("12.5", "id_ID", 12.5), ("Rp1.500.000,-", "id_ID", 1_500_000.0),
        ("-Rp 5.000", "id_ID", -5000.0), ("1 500 000", "id_ID", 1_500_000.0), ("$1,234.56", "en_US", 1234.56), (",5", "id_ID", 0.5),
        (1500, "id_ID", 1500.0), (1.5, "id_ID", 1.5), ("0", "id_ID", 0.0),
    ],
)  # fmt: skip
def test_a_number_is_read_by_the_sheets_locale(typed, locale, number):
    assert parse_number(typed, locale=locale) == number


@pytest.mark.parametrize("typed", ["", "  ", None, "\u200b"])
def test_an_empty_number_is_none(typed):
    assert parse_number(typed) is None


@pytest.mark.parametrize("typed", ["12.5K", "abc", "1.50.000", "7 - 8", "--3", "١٢", "1e5", "%", "()", "-", ".", True])
def test_an_unreadable_number_is_refused(typed):
    with pytest.raises(FormatError, match="not a number"):
        parse_number(typed)


@given(st.integers(-(10**12), 10**12))
def test_a_number_survives_indonesian_grouping(number):
    assert parse_number(f"{number:,}".replace(",", "."), locale="id_ID") == number


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("a\r\nb\rc\u2028d\ve", "a\nb\nc\nd\ne"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("  a \u00a0 b\t c  ", "a b c"),
        ("a \n b", "a\nb"),
        ("a\u200bb\ufeffc\u00add", "abcd"),
        ("a\x00b\x07c\x7f", "abc"),
        ("👩\u200d👩\u200d👧 ok", "👩\u200d👩\u200d👧 ok"),
        ("❤\ufe0f", "❤\ufe0f"),
        ("Ko\u200dpi", "Kopi"),
        ("e\u0301", "é"),
        ("\ud800x", "x"),
        (46204, "46204"),
        (None, ""),
    ],
    ids=["breaks", "many-breaks", "spaces", "around-breaks", "invisible", "control", "family", "heart", "joiner-in-word", "nfc", "surrogate", "number", "none"],
)  # fmt: skip
def test_text_is_cleaned(typed, cleaned):
    assert clean_text(typed) == cleaned


@given(st.text())
def test_cleaning_twice_changes_nothing(text):
    assert clean_text(clean_text(text)) == clean_text(text)
    assert "\n\n\n" not in clean_text(text)
    assert "\n" not in one_line(text)


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 30))
def test_a_cut_text_fits_and_is_a_beginning(text, limit):
    assert length_in_jira(cut(text, limit)) <= limit
    assert text.startswith(cut(text, limit))


def test_a_cut_never_falls_into_an_emoji():
    family = "👩\u200d👩\u200d👧"
    assert cut(f"a{family}", length_in_jira(family)) == "a"


def test_names_match_whatever_their_case_spaces_and_dashes():
    assert match_key(" Kopi\u00a0 SENJA ") == match_key("kopi senja")
    assert match_key("Content Plan – Kopi") == match_key("content plan - kopi")
    assert match_key(None) == ""
