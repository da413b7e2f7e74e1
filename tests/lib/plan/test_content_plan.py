"""From the cells of a tab to rows: the shapes that plans have in practice."""

import pytest

from lib.errors import FixInputError
from lib.plan.content_plan import REQUIRED, ContentPlan
from lib.plan.keys import header_note
from lib.plan.parsing import parse
from lib.services.models import TabCells
from lib.update import status_columns
from tests.lib.plans import HEADER, SOURCE, plan, row


def numbers(read: ContentPlan) -> list[int]:
    return [row.row for row in read.rows]


def labels(read: ContentPlan) -> list[str]:
    return [column.label for column in read.columns]


def test_rows_keep_their_numbers_and_blank_ones_are_skipped():
    read = plan(row(1), [], ["", None, "  ", "\u200b", "\u2800"], row(2), [])
    assert numbers(read) == [2, 5]


@pytest.mark.parametrize(
    "above",
    [[], [["Content Plan Juli"], []], [[], [], ["Klien:", "Kopi Senja"]]],
    ids=["first-row", "title", "third-row"],
)
def test_the_header_is_found_wherever_it_stands(above):
    cells = [*above, HEADER, row(1)]
    read = parse(SOURCE, TabCells(cells))
    assert read.header_row == len(above) + 1
    assert numbers(read) == [len(above) + 2]


def test_columns_may_have_any_order_and_other_names():
    read = plan(["Halo", "post", "5/7/2026"], header=["judul", "BENTUK  KONTEN", "tgl."])
    assert [column.name for column in read.columns] == ["Topik", "Bentuk", "Tanggal"]
    assert read.text(read.rows[0], "Topik") == "Halo"


def test_a_column_of_the_very_name_goes_before_one_of_another_name():
    read = plan(["x", "5/7/2026", "Post", "y"], header=["Judul", "Tanggal", "Bentuk", "Topik"])
    assert read.text(read.rows[0], "Topik") == "y"
    assert read.text(read.rows[0], "Judul") == "x"


def test_a_header_that_has_little_beside_key_is_told_what_it_lacks():
    with pytest.raises(FixInputError, match=r"no column Bentuk and no column Topik.*Seen: Tanggal, Apa, Key"):
        plan(["5 Juli 2026", "Post", ""], header=["Tanggal", "Apa", "Key"])


def test_unknown_columns_are_kept_in_sheet_order():
    read = plan([1, "5/7/2026", "Post", "Kopi", "Rp 5.000"], header=["No", "Tanggal", "Bentuk", "Topik", "Anggaran"])
    assert labels(read) == ["No", "Tanggal", "Bentuk", "Topik", "Anggaran"]
    assert read.text(read.rows[0], "Anggaran") == "Rp 5.000"


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_required_column_is_named_with_what_was_seen(name):
    header = [label for label in HEADER if label != name]
    with pytest.raises(FixInputError, match=f"no column {name}.*Seen: No"):
        plan(["x"] * len(header), header=header)


@pytest.mark.parametrize("name", ["Topik", "Key"])
def test_a_required_column_that_stands_there_twice_is_named_with_both_cells(name):
    with pytest.raises(FixInputError, match=r"G1.*both are called|and 'Juli'!G1"):
        plan([*row(1), "x"], header=[*HEADER, name])


def test_another_column_that_stands_there_twice_is_kept_under_a_name_of_its_own():
    read = plan([*row(1), "kedua"], header=[*HEADER, "Caption"])
    assert labels(read)[-1] == "Caption (2)"
    assert read.rows[0].text("Caption (2)") == "kedua"
    assert [(p.where, p.level) for p in read.problems] == [("'Juli'!G1", "warning")]


def test_content_below_an_empty_header_is_kept_and_told():
    read = plan([*row(1), "catatan"], header=[*HEADER, ""])
    assert labels(read)[-1] == "(column G)"
    assert "no header" in read.problems[0].message


@pytest.mark.parametrize(
    "cells",
    [[], [["Halo"]], [["x"] * 5] * 30, [row(1), row(2)]],
    ids=["empty-tab", "title-only", "no-names", "data-without-header"],
)
def test_a_tab_without_a_header_is_refused_with_the_columns_it_needs(cells):
    with pytest.raises(FixInputError, match="Tanggal, Bentuk, Topik"):
        parse(SOURCE, TabCells(cells))


def test_rows_that_hold_only_a_number_or_an_unticked_box_count_as_blank_and_are_told():
    read = plan([*row(1), False], [2, "", "", "", "", "", False], [3], [*row(4), True], header=[*HEADER, "Approval"])
    assert numbers(read) == [2, 5]
    assert "3-4" in read.problems[0].message


def test_a_row_that_holds_only_a_key_is_a_row():
    assert numbers(plan(row(1), ["", "", "", "", "", "CP-7"])) == [2, 3]


def test_ragged_rows_and_cells_beyond_the_header_are_read():
    read = plan(["1", "5/7/2026", "Post", "Kopi"], [*row(2), "lebih"])
    assert read.text(read.rows[0], "Caption") == ""
    assert read.rows[1].text("(column G)") == "lebih"


def test_merged_cells_count_for_each_of_their_rows_and_for_no_other():
    cells = [
        [1, "5 Juli 2026", "Post", "Pagi"],
        [2, "", "Story", "Siang"],
        [3, "", "Story", "Sore"],
        [4, "", "Post", "Malam"],
    ]
    read = plan(*cells, [5, "9 Juli 2026", "Post", "Besok"], merges=[(1, 4, 1, 2)])
    assert [read.text(r, "Tanggal") for r in read.rows] == [*["5 Juli 2026"] * 3, "", "9 Juli 2026"]
    assert [read.text(r, "Topik") for r in read.rows] == ["Pagi", "Siang", "Sore", "Malam", "Besok"]


def test_merged_cells_count_for_each_of_their_columns_and_for_no_other():
    read = plan(
        [1, "5 Juli 2026", "Post", "Kopi", "", "CP-1"], [2, "6 Juli 2026", "Post", "Teh", ""], merges=[(1, 2, 3, 5)]
    )
    assert [(read.text(r, "Topik"), read.text(r, "Caption"), read.text(r, "Key")) for r in read.rows] == [
        ("Kopi", "Kopi", "CP-1"),
        ("Teh", "", ""),
    ]


def test_cells_merged_over_rows_and_columns_count_for_all_of_them():
    read = plan(
        [1, "5 Juli 2026", "Post", "Kopi"],
        [2, "6 Juli 2026", "Post", ""],
        [3, "7 Juli 2026", "Post", "Teh"],
        merges=[(1, 3, 3, 5)],
    )
    assert [(read.text(r, "Topik"), read.text(r, "Caption")) for r in read.rows] == [("Kopi", "Kopi")] * 2 + [
        ("Teh", "")
    ]


def test_cells_merged_across_the_key_column_leave_the_key_as_it_is():
    read = plan([*row(1)[:4], "libur", "", "nanti"], header=[*HEADER, "Catatan"], merges=[(1, 2, 4, 7)])
    assert [read.text(read.rows[0], name) for name in ("Caption", "Key", "Catatan")] == ["libur", "", "libur"]


@pytest.mark.parametrize("key", ["CP-7", "cp-abcdefghijklm"])
def test_a_key_in_cells_that_are_merged_is_no_content_of_its_row(key):
    cells = row(1), ["", "", "", "", "", "", "beside"]
    with_key, without = (
        plan([*cells[0][:5], each, ""], cells[1], header=[*HEADER, "Catatan"], merges=[(1, 2, 5, 7)])
        for each in (key, "")
    )
    assert with_key.rows[0].key == key
    assert with_key.rows[0].fingerprint == without.rows[0].fingerprint


def test_merged_cells_beyond_the_last_header_make_no_column():
    wide = plan([*row(1)[:3], "Kopi"], header=["No", "Tanggal", "Bentuk", "Topik"], merges=[(1, 2, 3, 6)])
    assert labels(wide) == ["No", "Tanggal", "Bentuk", "Topik"]


def test_a_number_in_merged_cells_is_stored_and_shown_in_all_of_them():
    values = [["Tanggal", "Waktu", "Bentuk", "Topik"], [46208, "", "Post", "Kopi"], ["", "", "Story", "Teh"]]
    texts = [values[0], ["5 Juli 2026", "", "Post", "Kopi"], ["", "", "Story", "Teh"]]
    read = parse(SOURCE, TabCells(values, texts), [(1, 3, 0, 2)])
    assert [(read.value(r, name), read.text(r, name)) for r in read.rows for name in ("Tanggal", "Waktu")] == [
        (46208, "5 Juli 2026")
    ] * 4


@pytest.mark.parametrize("header", [["Caption", "Caption"], ["Captions", "captions"], ["Aset", "Assets"]])
def test_of_two_columns_that_could_be_meant_the_first_is(header):
    read = plan([*row(1)[:4], "kiri", "kanan"], header=[*HEADER[:4], *header])
    name = "Asset" if "Aset" in header else "Caption"
    assert [(c.index, c.name) for c in read.columns if c.index > 3] == [(4, name), (5, None)]
    assert read.text(read.rows[0], name) == "kiri"


def test_a_banner_over_the_table_is_no_content_of_each_column():
    read = plan(["", "MINGGU 1"], row(1), merges=[(1, 2, 1, 6)])
    assert [read.text(r, "Topik") for r in read.rows] == ["Kopi pagi"]
    assert "B2 'MINGGU 1'" in read.problems[0].message
    titled = parse(SOURCE, TabCells([["Content Plan Juli"], HEADER, row(1)]), [(0, 1, 0, 6), (1, 2, 4, 6)])
    assert labels(titled)[:4] == HEADER[:4]
    header = [*HEADER[:4], "", "Key"]
    assert labels(plan(row(1), header=header, merges=[(0, 1, 3, 5)])) == [*HEADER[:4], "(column E)"]


@pytest.mark.parametrize("above", [0, 19])
def test_the_header_is_looked_for_in_the_first_twenty_rows(above):
    assert parse(SOURCE, TabCells([*[["x"]] * above, HEADER, row(1)])).header_row == above + 1
    with pytest.raises(FixInputError, match="no header among the first 20 rows"):
        parse(SOURCE, TabCells([*[["x"]] * 20, HEADER, row(1)]))


@pytest.mark.parametrize(
    "again",
    [
        HEADER, [*HEADER[:5], ""], ["", *HEADER[1:]], ["no.", "TGL", "bentuk konten", "Judul", "caption", "Jira Key"], ["", "Tanggal ", "Bentuk", "TOPIK"],
    ],
)  # fmt: skip
def test_a_header_repeated_below_is_no_row(again):
    read = plan(row(1), [], again, row(2), again)
    assert (numbers(read), read.problems) == ([2, 5], [])


def test_a_row_that_says_more_than_the_header_is_a_row():
    assert numbers(plan(row(1), ["No", "Tanggal", "Bentuk", "Topik", "halo", ""], ["", "", "", "Topik"])) == [2, 3, 4]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["MINGGU 1"], "A3 'MINGGU 1'"), (["", "Minggu ke-2 (6 - 12 Juli 2026)"], "B3 'Minggu ke-2 (6 - 12 Juli 2026)'"), (["", "", "WEEK 3"], "C3 'WEEK 3'"),
        (["", "", "", "Minggu IV"], "D3 'Minggu IV'"), (["", "", "", "", "Catatan: revisi paling lambat tanggal 5"], "E3 'Catatan: revisi"),
        (["Total", 12], "A3 'Total'"), (["", "Disetujui oleh:", "", "", "Bu Tini"], "B3 'Disetujui oleh:'"), (["Keterangan", "Post = gambar"], "A3 'Keterangan'"),
        (["MINGGU 1", "", "", "", "", "", False], "A3 'MINGGU 1'"), (["", "x" * 90], f"B3 '{'x' * 60}…'"),
    ],
)  # fmt: skip
def test_words_in_a_row_without_date_and_topic_are_a_note_and_named_once(words, shown):
    read = plan(row(1), words, row(2), words, header=[*HEADER, "Approval"])
    assert numbers(read) == [2, 4]
    [problem] = read.problems
    assert (problem.where, problem.level) == ("'Juli'", "warning")
    assert shown in problem.message
    assert shown.replace("3 ", "5 ", 1) in problem.message


@pytest.mark.parametrize(
    "cells",
    [
        ["", "7 Juli 2026"], ["", 46210], [7, "", "", "", "halo"], ["", "", "Post"], ["", "", "post", "", "halo"], ["", "", "", "Kopi susu"], ["", "", "", "Minggu 1", "halo"],
        ["", "", "", "", "halo", "CP-7"], ["", "", "", "", "", "cp-abcdefghijklm"], ["", "#REF!"], ["", "besok", "Story", "Kopi"], ["", "Minggu 1", "", "Kopi"],
    ],
)  # fmt: skip
def test_a_row_that_is_half_filled_is_a_row(cells):
    read = plan(row(1), cells)
    assert (numbers(read), read.problems) == ([2, 3], [])


def test_of_two_rows_that_look_like_headers_alike_the_upper_one_is_it():
    read = parse(SOURCE, TabCells([HEADER, row(1), HEADER, row(2)]))
    assert read.header_row == 1


def test_numbers_are_shown_as_people_see_them_and_kept_as_they_are_stored():
    values = [HEADER, [1, 46208, "Post", "Kopi", 0.5, ""]]
    texts = [HEADER, ["1", "5 Juli 2026", "Post", "IGNORED", "50%", ""]]
    read = parse(SOURCE, TabCells(values, texts))
    assert (read.value(read.rows[0], "Tanggal"), read.text(read.rows[0], "Tanggal")) == (46208, "5 Juli 2026")
    assert read.text(read.rows[0], "Caption") == "50%"
    assert read.text(read.rows[0], "Topik") == "Kopi"
    assert {column.label: column.data_type for column in read.columns} == {
        "No": "number", "Tanggal": "number", "Bentuk": "text", "Topik": "text", "Caption": "number",
    }  # fmt: skip


def test_the_key_is_read_like_any_column():
    read = plan(row(1, key="CP-7"), row(2))
    assert [read.text(each, "Key") for each in read.rows] == ["CP-7", ""]
    assert [read.value(each, "Key") for each in read.rows] == ["CP-7", None]


def test_a_known_column_that_the_plan_does_not_have_is_empty():
    read = plan(row(1))
    assert (read.text(read.rows[0], "Waktu"), read.value(read.rows[0], "Waktu")) == ("", None)


@pytest.mark.parametrize("read_cell", [ContentPlan.text, ContentPlan.value])
def test_a_column_that_no_plan_has_is_refused_with_those_there_are(read_cell):
    read = plan([*row(1), "5 juta"], header=[*HEADER, "Anggaran"])
    with pytest.raises(LookupError, match=r"'Budget' is no column; there are No, Tanggal, .*, Key, Anggaran"):
        read_cell(read, read.rows[0], "Budget")


def test_a_plan_without_a_key_column_gets_it_right_of_its_last_column():
    read = plan(["5/7/2026", "Post", "Kopi"], header=["Tanggal", "Bentuk", "Topik"])
    assert read.key_column is None
    assert read.address(1, "Key") == "'Juli'!D1"


OLD_NOTE = "This column is written by the content-plan-to-jira run: do not edit it. cp-… marks a row whose issue is being made."


@pytest.mark.parametrize(
    ("below", "note", "counts"),
    [
        (["CP-1", "cp-" + "a" * 13], "", True),
        (["CP-1", "selesai"], "", False),
        (["CP-1", "selesai"], header_note(), True),
        (["CP-1", "selesai"], f"{OLD_NOTE}\n\nSari: lihat ini", True),
        (["CP-1", "selesai"], "Issue terkait", False),
        (["CP-1", "selesai"], "Diisi sebelum content-plan-to-jira", False),
        (["CP-1", "selesai"], "cp-… itu apa?", False),
        (["CP-1", "selesai"], status_columns.NOTE, False),
        (["Sari", "Budi"], header_note(), False),
        (["", ""], header_note(), False),
    ],
    ids=[
        "keys alone",
        "another word",
        "our note",
        "an old note of ours",
        "a person's",
        "a person's of the run",
        "a person's of claim tokens",
        "of statuses",
        "no key",
        "nothing",
    ],
)
def test_a_key_column_without_its_header_is_known(below, note, counts):
    cells = [[*HEADER[:-1], ""], *(row(number, key=text) for number, text in enumerate(below, start=1))]
    read = parse(SOURCE, TabCells(cells, notes={(0, 5): note} if note else {}))
    assert (read.key_column, read.key_header) == ((5, False) if counts else (None, True))
    assert any("is gone from this column of keys" in problem.message for problem in read.problems) == counts


def test_of_two_columns_of_keys_without_a_header_the_one_with_our_note_is_key():
    cells = [[*HEADER[:-1], "", ""], [*row(1, key="MAR-7"), "CP-1"], [*row(2), "selesai"]]
    assert parse(SOURCE, TabCells(cells, notes={(0, 6): header_note()})).key_column == 6


def test_a_header_that_is_repeated_below_is_not_the_header_though_the_first_one_lost_its_key():
    cells = [[*HEADER[:-1], ""], row(1, key="CP-1"), HEADER, row(2, key="CP-2")]
    read = parse(SOURCE, TabCells(cells))
    assert (read.header_row, numbers(read)) == (1, [2, 4])


def test_addresses_are_those_that_people_read():
    source = SOURCE.model_copy(update={"tab": "Juli '26"})
    read = plan(row(1), source=source)
    assert read.address(2, "Tanggal") == "'Juli ''26'!B2"
    assert read.address(2, "Key") == "'Juli ''26'!F2"


def test_the_same_content_has_the_same_fingerprint_wherever_it_stands():
    first = plan(row(1), row(2, "Lain")).rows[0]
    moved = plan(row(3, "Baru"), row(1, key="CP-1")).rows[1]
    assert first.fingerprint == moved.fingerprint
    assert first.fingerprint != plan(row(1, caption="halo!")).rows[0].fingerprint
    assert plan(row(1.0)).rows[0].fingerprint == first.fingerprint


def test_a_row_is_clean_when_it_is_read_and_keeps_each_text_once():
    typed, clean = " Kopi\u200b  susu \r\ngula aren ", "Kopi susu\ngula aren"
    [read] = plan(row(1, caption=typed)).rows
    assert read.values["Caption"] == read.text("Caption") == clean
    assert set(read.texts) == {label for label, value in read.values.items() if not isinstance(value, str | None)}
    assert read.fingerprint == plan(row(1, caption=clean)).rows[0].fingerprint
