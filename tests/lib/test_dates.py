"""Dates and times as people type them."""

import contextlib
import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.dates import is_same_time, parse_date, parse_time
from lib.formats import FormatError, show_date

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


def test_a_wrong_weekday_is_told_and_the_date_is_kept():
    assert parse_date("Sabtu, 5 Jul 2026").day == FIFTH_OF_JULY
    assert "Minggu, 5 Juli 2026" in parse_date("Sabtu, 5 Jul 2026").note
    assert parse_date("Minggu, 5 Juli 2026").note == ""


@pytest.mark.parametrize(
    ("month", "names"),
    [
        (1, "Januari Jan Januri Jnr January Janu"), (2, "Februari Feb Peb Pebr Pebruari Febr Febuari Pebuari February"),
        (3, "Maret Mar Mrt Mart March Maart Maert"), (4, "April Apr Aprl Apri Aprill"), (5, "Mei May"), (6, "Juni Jun June Junii"),
        (7, "Juli Jul July Julii"), (8, "Agustus Agu Agt Ags Agst Agus Agust Agustu Aug August Augustus Agutus Agsutus Agustsu"),
        (9, "September Sep Sept Spt Septem Septmber Setember"), (10, "Oktober Okt Oct October Oktbr Oktobr Okober"),
        (11, "November Nov Nop Nopember Novem Nofember Nopmber Nvmbr"), (12, "Desember Des Dec December Dsmbr Desmber Desembar"),
    ],
)  # fmt: skip
def test_months_are_known_in_short_and_misspelt(month, names):
    for name in names.split():
        for typed in (f"9 {name} 2026", f"9 {name.upper()}. 26", f"9-{name}-2026", f"{name} 9, 2026"):
            assert parse_date(typed).day == dt.date(2026, month, 9), typed


def test_a_misspelt_month_that_is_only_similar_is_told():
    assert parse_date("9 Agsutus 2026").note == "'9 Agsutus 2026' is read as Minggu, 9 Agustus 2026"
    assert parse_date("9 Agst 2026").note == ""


@pytest.mark.parametrize("word", ["Ju", "Ma", "Jum", "Xyz", "Konten", "Bulan", "Kamis"])
def test_a_word_that_is_no_month_is_none(word):
    with pytest.raises(FormatError, match="is not a date"):
        parse_date(f"9 {word} 2026")


@pytest.mark.parametrize(
    "typed",
    [
        "Jum'at, 10 Juli 2026", "Jum’at, 10 Juli 2026", "Jum`at, 10 Juli 2026", "Jum´at 10 Juli 2026", "Jumʼat, 10/7/2026", "Jum at, 10 Juli 2026",
        "Jumaat 10 Juli 2026", "Jum. 10 Juli 2026", "JUMAT / 10 Juli 2026", "Jumat - 10/7/2026", "Jumat: 10-7-26", "Hari Jumat, tgl 10 Juli 2026",
        "Hari Jum'at tanggal 10 Juli 2026", "(Jumat) 10 Juli 2026", "Fri, 10 July 2026", "Friday 10/07/2026", "10 Juli 2026 (Jumat)",
        "10 Juli 2026 (Jum`at)", "10 Juli 2026, Jumat", "10/7/2026 Jum'at", "10-07-26 - Jumat", "10 Juli 2026 [Jum]", "2026-07-10 (Fri)",
        "10 Juli 2026/Jumat.", "Jumat, 10 Juli 2026 (Jumat)",
    ],
)  # fmt: skip
def test_a_weekday_may_stand_before_or_behind_a_date(typed):
    read = parse_date(typed)
    assert (read.day, read.note) == (dt.date(2026, 7, 10), "")
    assert parse_date(typed.replace("10", "11")).note.endswith("names another weekday: that day is Sabtu, 11 Juli 2026")


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("6 Juli 2026 10.30 WIB", "10.30 WIB"), ("6 Juli 2026 pkl 10.00 WIB", "10.00 WIB"), ("6 Juli 2026 pkl. 10:00", "10:00"),
        ("6 Juli 2026, pukul 9", "pukul 9"), ("6 Juli 2026 jam 10.00", "10.00"), ("6 Juli 2026 10:00 AM", "10:00 AM"), ("6/7/2026 7 pm", "7 pm"),
        ("6 Juli 2026 (10.30 WITA)", "10.30 WITA"), ("6 Juli 2026 - 10.30", "10.30"), ("6 Juli 2026 | 10.30", "10.30"), ("6 Juli 2026 @10.30", "10.30"),
        ("6 Juli 2026\n10.30", "10.30"), ("6-7-26 10:30", "10:30"), ("06.07.2026 10.30", "10.30"), ("06.07.2026 09.05", "09.05"),
        ("06.07.2026, 10.30", "10.30"), ("2026-07-06T10:30", "10:30"), ("2026-07-06 10:30:15", "10:30:15"), ("2026-07-06 00:00:00", "00:00:00"),
        ("Senin, 6 Juli 2026 pkl 10.00 WIB", "10.00 WIB"), ("6 Juli 2026 (Senin) 10.00", "10.00"), ("6 Juli 2026 10.00 (Senin)", "10.00"),
        ("Pukul 10.00 WIB, Senin 6 Juli 2026", "10.00 WIB"), ("10:30 6 Juli 2026", "10:30"), ("10.30, 6/7/2026", "10.30"),
        ("6 Juli 2026 10.00-12.00 WIB", "10.00-12.00 WIB"), ("6 Juli 2026 10.00 s/d 12.00", "10.00 s/d 12.00"), ("6 Juli 2026 jam 7 malam", "jam 7 malam"),
        (46209.4375, "10.30"), (46209.4375 + 15 / 86_400, "10.30.15"), (46209.99999, "23.59.59"), (46209, ""), ("6 Juli 2026", ""), (46208.9999998, ""),
    ],
)  # fmt: skip
def test_a_time_beside_a_date_is_handed_on_as_it_was_typed(typed, time):
    read = parse_date(typed)
    assert (read.day, read.time, read.note) == (dt.date(2026, 7, 6), time, "")


@pytest.mark.parametrize(
    "typed",
    [
        "01.07.2026 - 05.07", "01.07.2026, 05.07", "01/07/2026 - 05.07", "05.07 - 26.07.2026", "05.07, 26.07.2026", "6 Juli 2026 30.07",
        "6 Juli 2026 10.75", "6 Juli 2026 10.00 11.00", "10.00 6 Juli 2026 10.00", "6 Juli 10.00", "6 Juli 2026 10", "Senin/Selasa 6 Juli 2026",
        "6 Juli 2026 revisi", "6 Juli 2026 - 8 Juli 2026", "6 Juli 2026 (Senin) dan 7 Juli 2026", "6.30", "10.00 WIB",
    ],
)  # fmt: skip
def test_what_may_be_more_than_one_date_or_time_is_refused(typed):
    with pytest.raises(FormatError, match="5 Juli 2026"):
        parse_date(typed)


@pytest.mark.parametrize("day", [46204, 46212, 36526, 73050])
@pytest.mark.parametrize("off", [-0.0000002, -1e-9, 0, 1e-9, 0.0000002])
def test_a_serial_number_that_misses_a_day_by_a_hair_is_that_day(day, off):
    assert parse_date(day + off) == parse_date(day)
    assert parse_time(46204 + 0.5 + off) == parse_time(0.5 + off) == dt.time(12)


@pytest.mark.parametrize(
    ("typed", "others"),
    [
        ("5/7/2026", [(2026, 5, 7)]), (46149, [(2026, 7, 5)]), (46208, [(2026, 5, 7)]), ("7/7/2026", []), ("13/7/2026", []),
        (46216, []), ("5 Juli 2026", []), ("2026-07-05", []), ("26-07-27", [(2026, 7, 27)]), ("27/07/26", [(2027, 7, 26)]), ("26-07-26", []),
        ("22-07-24", [(2022, 7, 24)]), ("5-7-26", [(2026, 5, 7)]), ("24-02-30", []),
    ],
)  # fmt: skip
def test_other_readings_of_a_date_in_numbers_are_handed_on(typed, others):
    assert [(day.year, day.month, day.day) for day in parse_date(typed).others] == others


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


@pytest.mark.parametrize(
    ("typed", "time"),
    [
        ("10.00", dt.time(10)), ("10:00", dt.time(10)), ("10.00 WIB", dt.time(10)), ("07:30", dt.time(7, 30)), (10 / 24, dt.time(10)),
        (0, dt.time(0)), ("pukul 9", dt.time(9)), (10, dt.time(10)), ("23.59 wita", dt.time(23, 59)), ("10:00 AM", dt.time(10)), ("10:00 pm", dt.time(22)), ("12.00 PM", dt.time(12)), ("12:30 a.m.", dt.time(0, 30)),
        ("7pm", dt.time(19)), ("15.00 PM", dt.time(15)), ("pkl 10.00 WIB", dt.time(10)), ("Pkl. 10:00", dt.time(10)), ("PK 10.00", dt.time(10)), ("10.00 (WIB)", dt.time(10)),
        ("jam 10", dt.time(10)), ("10:30:59", dt.time(10, 30)), (0.9999, dt.time(23, 59)), (46208.4375, dt.time(10, 30)), (0.43749999999, dt.time(10, 30)),
    ],
)  # fmt: skip
def test_a_time_is_read(typed, time):
    assert parse_time(typed) == time


@pytest.mark.parametrize(
    "typed",
    [
        "25.00",
        "10.60",
        "pagi",
        "07.30-08.00",
        "10.3",
        -1,
        24,
        46208,
        366,
        24.5,
        "13 AM",
        "0.30 PM",
        "24.00",
        "7 malam",
        "10.00-12.00",
        True,
        None,
    ],
)
def test_an_unreadable_time_is_refused(typed):
    with pytest.raises(FormatError, match=r"10\.00"):
        parse_time(typed)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.30", 0.4375, True), ("10.30 WIB", "10:30", True), ("10:30 PM", "22.30 WIB", True), ("pukul 9", "09.00", True), ("10.30 WIB", "10.30 WITA", False),
        ("10.30", "10.31", False), ("10.30 am", "10.30 pm", False),
    ],
)  # fmt: skip
def test_two_cells_hold_the_same_time_however_it_is_written(one, other, same):
    assert is_same_time(one, other) is same
    assert is_same_time(other, one) is same
