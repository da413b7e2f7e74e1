"""What becomes of text that is typed into a cell."""

import datetime as dt

import pytest

from sandbox.google.cells import BLANK, Cell, ErrorValue, from_serial
from sandbox.google.parse_input import parse_input

TODAY = dt.date(2026, 6, 24)
TEXT_CELL = Cell(format={"numberFormat": {"type": "TEXT"}})


def day(*parts):
    return dt.datetime(*parts)  # noqa: DTZ001 - sheets have no time zone in their cells


def moment(text, locale, cell=BLANK):
    """The moment that a typed text became."""
    made = parse_input(text, cell, locale, TODAY)
    assert isinstance(made.value, float), f"{text!r} became {made.value!r}"
    return from_serial(made.value)


@pytest.mark.parametrize(
    ("text", "locale", "expected"),
    [
        ("MAR-12", "id_ID", day(2026, 3, 12)),
        ("MAR-12", "en_US", day(2026, 3, 12)),
        ("mei-5", "id_ID", day(2026, 5, 5)),
        ("MAR-45", "en_US", day(1945, 3, 1)),
        ("MAR-2026", "en_US", day(2026, 3, 1)),
        ("12-MAR", "en_GB", day(2026, 3, 12)),
        ("1-2", "en_US", day(2026, 1, 2)),
        ("1-2", "id_ID", day(2026, 2, 1)),
        ("5/7/2026", "en_US", day(2026, 5, 7)),
        ("5/7/2026", "id_ID", day(2026, 7, 5)),
        ("5-7-26", "id_ID", day(2026, 7, 5)),
        ("5/7/45", "id_ID", day(1945, 7, 5)),
        ("2026-07-05", "id_ID", day(2026, 7, 5)),
        ("5 Juli 2026", "id_ID", day(2026, 7, 5)),
        ("5 Agu 2026", "id_ID", day(2026, 8, 5)),
        ("July 5, 2026", "en_US", day(2026, 7, 5)),
        ("5/7/2026 14:30", "id_ID", day(2026, 7, 5, 14, 30)),
        ("2:30 PM", "en_US", day(1899, 12, 30, 14, 30)),
        ("10.00", "id_ID", day(1899, 12, 30, 10, 0)),
    ],
)
def test_dates_and_times_are_recognised_by_the_locale(text, locale, expected):
    assert moment(text, locale) == expected


@pytest.mark.parametrize(
    ("text", "locale", "value", "kind"),
    [
        ("1500", "id_ID", 1500.0, None),
        ("1.500", "id_ID", 1500.0, None),
        ("1,5", "id_ID", 1.5, None),
        ("1,500", "en_US", 1500.0, None),
        ("-3", "id_ID", -3.0, None),
        ("(1.200)", "id_ID", -1200.0, None),
        ("35%", "id_ID", 0.35, "PERCENT"),
        ("Rp1.500.000", "id_ID", 1_500_000.0, "CURRENCY"),
        ("$5.50", "en_US", 5.5, "CURRENCY"),
        ("1e5", "en_US", 100_000.0, "SCIENTIFIC"),
        ("0812345678", "id_ID", 812345678.0, None),
        ("true", "id_ID", True, None),
    ],
)
def test_numbers_are_recognised_by_the_locale(text, locale, value, kind):
    made = parse_input(text, BLANK, locale, TODAY)
    assert (made.value, made.number_format and made.number_format.type) == (value, kind)


@pytest.mark.parametrize(
    "text",
    [
        "CP-12",
        "MAR-1234",
        "cp-abc",
        "31 Juni 2026",
        "32/1/2026",
        "halo",
        "1.50.0",
        "siang",
        "10:75",
        "MAR",
        "1 2",
        "A-1",
    ],
)
def test_other_text_stays_text(text):
    assert parse_input(text, BLANK, "id_ID", TODAY).value == text


@pytest.mark.parametrize("text", ["MAR-12", "1-2", "=1+1", "5/7/2026", "'x", "0812", "TRUE"])
def test_a_cell_formatted_as_text_keeps_what_is_typed(text):
    assert parse_input(text, TEXT_CELL, "id_ID", TODAY) == TEXT_CELL._replace(value=text)


def test_an_apostrophe_keeps_text_as_it_stands():
    assert parse_input("'MAR-12", BLANK, "id_ID", TODAY).value == "MAR-12"


@pytest.mark.parametrize("text", ["=A1", "+abc", "-catatan"])
def test_what_starts_like_a_formula_becomes_one(text):
    made = parse_input(text, BLANK, "id_ID", TODAY)
    assert made.formula is not None
    assert isinstance(made.value, ErrorValue)


def test_a_hyperlink_shows_its_label():
    made = parse_input('=HYPERLINK("https://a.example";"Lihat")', BLANK, "id_ID", TODAY)
    assert (made.value, made.link) == ("Lihat", "https://a.example")


def test_typing_nothing_clears_the_content_only():
    cell = Cell("x", format={"numberFormat": {"type": "TEXT"}}, note="n")
    assert parse_input("", cell, "id_ID", TODAY) == cell._replace(value=None)
