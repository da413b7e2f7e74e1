"""Where claims have to stand, and what is put back when they do not."""

from lib.exactly_once.claims import Claim, displaced, key_cells, place, standing
from tests.lib.plans import plan, row

A, B = "cp-aaaaaaaaaaaaa", "cp-bbbbbbbbbbbbb"


def test_rows_are_found_where_they_stand_now():
    before = plan(row(1, "Satu"), row(2, "Dua"))
    now = plan(row(9, "Baru"), row(2, "Dua"), row(1, "Satu"))
    assert {number: found.row for number, found in place(before.rows, now).items()} == {2: 4, 3: 3}


def test_a_changed_row_is_not_found():
    assert place(plan(row(1, "Satu")).rows, plan(row(1, "Satu!"))) == {}


def test_rows_that_are_alike_are_taken_in_their_order_and_not_for_one_with_a_key():
    before = plan(row(1, key="CP-1"), row(1), row(1))
    found = place([r for r in before.rows if not r.key], before)
    assert {number: r.row for number, r in found.items()} == {3: 3, 4: 4}


def test_a_claim_stands_beside_the_content_it_was_meant_for():
    now = plan(row(1, "Satu", key=A), row(2, "Dua", key=B))
    claims = [Claim(2, A, now.rows[0].fingerprint), Claim(3, B, now.rows[0].fingerprint)]
    assert standing(claims, now) == {A}


def test_a_claim_that_was_copied_does_not_stand():
    now = plan(row(1, "Satu", key=A), row(2, "Dua", key=A))
    assert standing([Claim(2, A, now.rows[0].fingerprint)], now) == set()


def test_a_key_that_a_claim_displaced_is_put_back():
    before = plan(row(1, "Satu", key="CP-1"), row(2, "Dua"))
    now = plan(row(9, "Disisipkan"), row(1, "Satu", key=A), row(2, "Dua"))
    assert displaced([A], key_cells(before), now) == {A: "CP-1"}


def test_an_empty_cell_is_emptied_again():
    before = plan(row(1, "Satu"))
    assert displaced([A], key_cells(before), plan(row(9, "Lain", key=A))) == {A: ""}
    assert displaced([A], key_cells(before), plan(row(1, "Satu"))) == {A: ""}


def test_of_rows_that_are_alike_the_missing_key_is_put_back():
    before = plan(row(1, key="CP-1"), row(1, key="CP-2"))
    now = plan(row(1, key="CP-1"), row(1, key=A))
    assert displaced([A], key_cells(before), now) == {A: "CP-2"}
