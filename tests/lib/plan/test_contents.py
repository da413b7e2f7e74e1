"""Contents that stand in several rows, since their cells are merged: one row each, and nothing of theirs is lost."""

import pytest

from tests.lib.plans import HEADER, plan, row

NO, DATE, FORM, TOPIC, CAPTION, KEY = range(6)


def merged(first, end, *columns):
    """Each of these columns by itself, over rows from `first` on, as the sheet numbers them, up to but without `end`."""
    return [(first - 1, end - 1, column, column + 1) for column in columns]


def seen(read):
    return [(r.row, read.text(r, "Topik"), read.text(r, "Caption"), r.key) for r in read.rows]


ONE = [row(1, "Kopi", caption="pagi"), ["", "", "", "", "siang", ""], ["", "", "", "", "malam", ""]]


@pytest.mark.parametrize("key", [(), (KEY,)], ids=["key-in-each-row", "key-merged"])
def test_a_content_over_three_rows_is_one_row_and_what_differs_is_joined(key):
    read = plan(*ONE, row(2, "Teh"), merges=merged(2, 5, NO, DATE, FORM, TOPIC, *key))
    assert seen(read) == [(2, "Kopi", "pagi\nsiang\nmalam", ""), (5, "Teh", "halo", "")]


def test_its_key_is_the_merged_one():
    made = [row(1, "Kopi", caption="pagi", key="CP-7"), *ONE[1:]]
    read = plan(*made, merges=merged(2, 5, NO, DATE, FORM, TOPIC, KEY))
    assert seen(read) == [(2, "Kopi", "pagi\nsiang\nmalam", "CP-7")]
    without = plan(*ONE, merges=merged(2, 5, NO, DATE, FORM, TOPIC, KEY))
    assert read.rows[0].fingerprint == without.rows[0].fingerprint


def test_rows_that_have_keys_of_their_own_stay_rows():
    made = [row(1, "Kopi", key="CP-1"), ["", "", "", "", "siang", "CP-2"]]
    assert [r.key for r in plan(*made, merges=merged(2, 4, NO, DATE, FORM, TOPIC)).rows] == ["CP-1", "CP-2"]


@pytest.mark.parametrize(
    "second",
    [
        ["", "6 Juli 2026", "", "", "siang", ""],
        ["", "", "Story", "", "siang", ""],
    ],
    ids=["another-date", "another-form"],
)
def test_a_topic_merged_over_contents_of_their_own_makes_none_of_them_one(second):
    columns = [c for c in (NO, DATE, FORM, TOPIC) if not second[c]]
    read = plan(row(1, "Kopi", caption="pagi"), second, merges=merged(2, 4, *columns))
    assert [(r.row, read.text(r, "Topik"), read.text(r, "Caption")) for r in read.rows] == [
        (2, "Kopi", "pagi"),
        (3, "Kopi", "siang"),
    ]


def test_the_empty_slots_of_a_day_are_blank_rows():
    slots = [row(1, "Pagi"), ["", "", "Story", "Siang", "", ""], ["", "", "", "", "", ""], [4, "", "", "", "", ""]]
    read = plan(*slots, row(5, "Besok"), merges=merged(2, 6, DATE))
    assert [read.text(r, "Topik") for r in read.rows] == ["Pagi", "Siang", "Besok"]
    assert [read.text(r, "Tanggal") for r in read.rows] == ["5 Juli 2026"] * 3


def test_topics_that_differ_under_one_key_are_one_content():
    rows = [row(1, "Kopi"), ["", "", "", "Teh", "", ""], ["", "", "", "Susu", "", ""]]
    read = plan(*rows, merges=merged(2, 5, NO, DATE, FORM, CAPTION, KEY))
    assert seen(read) == [(2, "Kopi\nTeh\nSusu", "halo", "")]


def test_topics_that_differ_and_have_keys_of_their_own_are_contents_of_one_day():
    rows = [row(1, "Kopi"), ["", "", "", "Teh", "", ""]]
    read = plan(*rows, merges=merged(2, 4, NO, DATE, FORM))
    assert [r[:2] for r in seen(read)] == [(2, "Kopi"), (3, "Teh")]


def test_empty_cells_that_are_merged_make_no_content_one():
    rows = [row(1, "Kopi", caption=""), ["", "", "", "Teh", "", ""]]
    read = plan(*rows, merges=merged(2, 4, NO, DATE, FORM, CAPTION))
    assert [r[:2] for r in seen(read)] == [(2, "Kopi"), (3, "Teh")]


def test_a_content_of_which_all_is_merged_but_its_topic_is_one():
    rows = [row(1, "Kopi"), ["", "", "", "dan susu", "", ""], row(2, "Teh")]
    read = plan(*rows, merges=merged(2, 4, NO, DATE, FORM, CAPTION))
    assert seen(read) == [(2, "Kopi\ndan susu", "halo", ""), (4, "Teh", "halo", "")]


def test_a_key_cell_that_two_contents_share_is_told_of_the_second():
    rows = [row(1, "Kopi", key="CP-1"), row(2, "Teh", date="6 Juli 2026")]
    read = plan(*rows, merges=merged(2, 4, KEY))
    assert [(r.key, r.shares_key_of) for r in read.rows] == [("CP-1", 0), ("", 2)]


def test_a_number_that_stands_alone_in_a_merged_content_stays_a_number():
    rows = [[1, 46208, "Post", "Kopi", "", ""], ["", "", "", "", 7, ""]]
    [only] = plan(*rows, merges=merged(2, 4, NO, DATE, FORM, TOPIC)).rows
    assert (only.values["Tanggal"], only.values["Caption"]) == (46208, 7)
    assert only.text("Caption") == "7"


def test_cells_merged_over_rows_and_columns_at_once_belong_to_their_content():
    header = [*HEADER[:5], "Asset", "Key"]
    rows = [
        [1, "5 Juli 2026", "Post", "Kopi", "isi", "", ""],
        ["", "", "", "", "", "", ""],
        [2, "6 Juli 2026", "Post", "Teh", "", "", ""],
    ]
    merges = [*merged(2, 4, NO, DATE, FORM), (1, 3, TOPIC, TOPIC + 1), (1, 3, CAPTION, CAPTION + 2)]
    read = plan(*rows, header=header, merges=merges)
    assert [(r.row, read.text(r, "Caption"), read.text(r, "Asset")) for r in read.rows] == [
        (2, "isi", "isi"),
        (4, "", ""),
    ]


def test_links_notes_and_strike_through_of_merged_cells_are_those_of_their_content():
    read = plan(
        *ONE,
        merges=merged(2, 5, NO, DATE, FORM, TOPIC),
        linked={(1, CAPTION): "pagi (https://a.example)"},
        notes={(1, TOPIC): "satu", (3, CAPTION): "dua"},
        struck={(1, TOPIC), (2, CAPTION)},
        hidden={1: "by hand"},
    )
    [only] = read.rows
    assert only.content("Caption") == "pagi (https://a.example)\nsiang\nmalam"
    assert only.notes == {"Topik": "satu", "Caption": "dua"}
    assert (only.struck, only.hidden) == (["Topik", "Caption"], "by hand")


IMAGE = "(image: https://a.example/1.png)"


@pytest.mark.parametrize("below", [[], [row(2, "Teh")]], ids=["last-content", "another-below"])
def test_an_image_in_a_further_row_of_a_content_is_its_content(below):
    rows = [row(1, "Kopi", caption="pagi"), ["", "", "", "", "", ""]]
    read = plan(*rows, *below, merges=merged(2, 4, NO, DATE, FORM, TOPIC), linked={(2, CAPTION): IMAGE})
    assert read.rows[0].content("Caption") == f"pagi\n{IMAGE}"


def test_what_only_looks_like_an_empty_row_is_told():
    rows = [row(1, "Kopi"), ["", "", "", "", "", ""], ["", "", "", "", "", ""], row(2, "Teh")]
    read = plan(*rows, linked={(2, CAPTION): IMAGE}, notes={(3, CAPTION): "tanya dulu", (4, CAPTION): "ada"})
    assert [r.row for r in read.rows] == [2, 5]
    told = [problem.message for problem in read.problems]
    assert any(f"E3 {IMAGE!r}" in message for message in told)
    assert any("E4 'tanya dulu'" in message and "ada" not in message for message in told)


def test_a_note_on_a_key_cell_is_told():
    read = plan(row(1, "Kopi"), notes={(1, KEY): "jangan dulu", (0, KEY): "of the run"})
    assert ["F2 'jangan dulu'" in problem.message for problem in read.problems] == [True]


def test_a_note_on_a_cell_that_several_contents_share_is_on_each():
    rows = [row(1, "Kopi"), ["", "", "Story", "Teh", "", ""]]
    read = plan(*rows, merges=merged(2, 4, DATE), notes={(1, DATE): "libur"})
    assert [r.notes for r in read.rows] == [{"Tanggal": "libur"}] * 2
    assert read.problems == []


def test_an_image_below_no_header_is_kept():
    read = plan([*row(1), ""], header=[*HEADER, ""], linked={(1, 6): IMAGE})
    assert read.rows[0].content("(column G)") == IMAGE


def test_the_first_slot_of_a_day_may_be_the_empty_one():
    rows = [[1, "5 Juli 2026", "", "", "", ""], [2, "", "Post", "Kopi", "", ""], [3, "", "Story", "Teh", "", ""]]
    read = plan(*rows, merges=merged(2, 5, NO, DATE))
    assert [(r.row, read.text(r, "Tanggal")) for r in read.rows] == [(3, "5 Juli 2026"), (4, "5 Juli 2026")]


def test_the_same_text_in_each_row_of_a_content_stands_there_once():
    rows = [row(1, "Kopi"), ["", "", "", "", "halo", ""]]
    assert seen(plan(*rows, merges=merged(2, 4, NO, DATE, FORM, TOPIC))) == [(2, "Kopi", "halo", "")]


def test_a_topic_merged_with_the_column_beside_it_is_struck_with_it():
    header = ["No", "Tanggal", "Bentuk", "Tema", "Topik"]
    read = plan([1, "5 Juli 2026", "Post", "Kopi", ""], header=header, merges=[(1, 2, 3, 5)], struck={(1, 3)})
    assert read.rows[0].struck == ["Tema", "Topik"]


def test_a_row_that_is_hidden_inside_of_a_content_is_told():
    read = plan(*ONE, merges=merged(2, 5, NO, DATE, FORM, TOPIC), hidden={2: "by a filter"})
    assert read.rows[0].hidden == "by a filter"


def test_a_note_on_a_row_that_is_no_content_is_told_beside_its_words():
    read = plan(row(1, "Kopi"), ["", "", "", "", "MINGGU 2", ""], row(2, "Teh"), notes={(2, CAPTION): "libur"})
    told = [problem.message for problem in read.problems]
    assert any("E3 'MINGGU 2'" in message for message in told)
    assert any("E3 'libur'" in message for message in told)
