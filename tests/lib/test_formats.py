"""Months, text and numbers as people type them."""

import datetime as dt
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats import (
    FormatError,
    Month,
    clean_text,
    cut,
    is_seen,
    length_in_jira,
    match_key,
    one_line,
    parse_month,
    parse_number,
    this_month,
)


@pytest.mark.parametrize(
    "typed", ["Juli 2026", "July 2026", "2026-07", "juli  2026", "JUL 2026", "2026-7", "Jul. 2026", "Juli-2026"]
)
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
    ("typed", "locale", "number"),
    [
        ("Rp 1.500.000,00", "id_ID", 1_500_000.0), ("1,500,000.50", "id_ID", 1_500_000.5), ("(1.200)", "id_ID", -1200.0),
        ("-3", "id_ID", -3.0), ("−3", "id_ID", -3.0), ("12,5%", "id_ID", 0.125), ("12.5%", "en_US", 0.125), ("1.500", "id_ID", 1500.0),
        ("1,500", "en_US", 1500.0), ("12.5", "id_ID", 12.5), ("Rp1.500.000,-", "id_ID", 1_500_000.0),
        ("-Rp 5.000", "id_ID", -5000.0), ("1 500 000", "id_ID", 1_500_000.0), ("$1,234.56", "en_US", 1234.56), (",5", "id_ID", 0.5),
        (1500, "id_ID", 1500.0), (1.5, "id_ID", 1.5), ("0", "id_ID", 0.0),
        ("Rp 500.000", "en_US", 500_000.0), ("Rp500.000", "en_US", 500_000.0), ("Rp. 500.000,-", "en_US", 500_000.0), ("rp 500,000", "en_US", 500_000.0),
        ("Rp 500,000", "id_ID", 500_000.0), ("IDR 500.000", "en_GB", 500_000.0), ("500.000 IDR", "en_US", 500_000.0), ("500.000 rupiah", "en_US", 500_000.0),
        ("US$ 1,500", "id_ID", 1500.0), ("$1,500", "id_ID", 1500.0), ("1,500 USD", "id_ID", 1500.0), ("US$ 1.500", "id_ID", 1500.0), ("€ 1.500", "en_US", 1500.0),
        ("S$ 2,500", "id_ID", 2500.0), ("RM 2,500", "id_ID", 2500.0), ("(Rp 1.200)", "en_US", -1200.0), ("-Rp 1.200", "en_US", -1200.0), ("Rp -1.200", "en_US", -1200.0),
        ("Rp 1.500.000", "en_US", 1_500_000.0), ("US$ 1,500,000", "id_ID", 1_500_000.0), ("US$ 1,500.50", "id_ID", 1500.5), ("Rp 1.500,50", "en_US", 1500.5),
        ("US$ 1.50", "id_ID", 1.5), ("Rp 1,5", "en_US", 1.5), ("US$ 0.125", "id_ID", 0.125), ("0.125", "id_ID", 0.125), ("0,125", "en_US", 0.125), ("0.500", "id_ID", 0.5),
        ("1500.125", "en_US", 1500.125), ("1,500.125", "id_ID", 1500.125), ("12.500%", "en_US", 0.125), ("Rp 500.000.-", "id_ID", 500_000.0), ("Rp 500.000,=", "id_ID", 500_000.0),
    ],
)  # fmt: skip
def test_a_number_is_read_by_its_currency_its_form_and_the_sheets_locale(typed, locale, number):
    assert parse_number(typed, locale=locale) == number


@pytest.mark.parametrize("typed", ["", "  ", None, "\u200b"])
def test_an_empty_number_is_none(typed):
    assert parse_number(typed) is None


@pytest.mark.parametrize("typed", ["12.5K", "abc", "1.50.000", "7 - 8", "--3", "١٢", "1e5", "%", "()", "-", ".", True])
def test_an_unreadable_number_is_refused(typed):
    with pytest.raises(FormatError, match="not a number"):
        parse_number(typed)


@pytest.mark.parametrize(
    ("typed", "locale"),
    [
        ("1.500", "en_US"), ("1,500", "id_ID"), ("1,500", "de_DE"), ("-12.500", "en_GB"), ("(1.500)", "en_US"), ("1500.000", "id_ID"), ("Rp 1500.000", "id_ID"),
        ("Rp 1500.000", "en_US"), ("1500,000", "en_US"),
    ],
)  # fmt: skip
def test_a_number_with_two_readings_is_refused_with_both(typed, locale):
    with pytest.raises(FormatError, match=r"two readings, 1\d+ and 1.+; write digits alone"):
        parse_number(typed, locale=locale)


@pytest.mark.parametrize("typed", ["Rp 1.500,000", "US$ 1,500.000"])
def test_a_sum_of_money_has_no_three_decimals(typed):
    with pytest.raises(FormatError, match="no sum of money"):
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


@pytest.mark.parametrize("character", ["⠀", "ㅤ", "ﾠ", "ᅟ", "ᅠ", "឴", "\u180e", "͏", "\u200b", "\u200d", "\u2060", "\u2064", "️", "\ufeff", "￼", "𝅙", "\U0001d173", "\U000e0020", "󠄀", "\U0001bca0", "\xad", "\u061c", "\u202e", "𓑁", *list("\xa0\u2003\u3000\u1680\u2028\x85\t\n\x00\x1f")])  # fmt: skip
def test_a_text_of_characters_without_ink_is_not_seen(character):
    assert not is_seen(f" {character}{character}\n{character}")
    assert is_seen(f"{character}a")
    assert clean_text(f"a{character}b") != ""


@pytest.mark.parametrize(
    "text", ["-", "0", ".", "❤\ufe0f", "👩\u200d👩\u200d👧", "ㅤa", "é", "ㅋ", "–", "\u00b7", "\u2423"]
)
def test_a_text_with_any_ink_is_seen(text):
    assert is_seen(text)


def test_of_unicodes_spaces_and_format_characters_those_of_four_scripts_alone_have_ink():
    characters = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) in ("Cf", "Zs", "Zl", "Zp")]
    scripts = {unicodedata.name(each).split()[0] for each in characters if is_seen(each)}
    assert scripts == {"ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"}


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
