"""Web addresses in text: whole, and nothing of what is written around them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.plan import links


def found(line):
    return [line[begin:end] for begin, end in links.find(line)]


@pytest.mark.parametrize(
    "address",
    [
        "https://x.example", "https://x.example/", "http://localhost:8080/x", "http://10.0.0.1/x", "https://x.example:8443/a#b",
        "https://x.example/Kopi_(minuman)", "https://x.example/a_(b)?c=1", "https://x.example/a[1]", "https://x.example/{id}",
        "https://x.example/@-6.2,106.8,17z", "https://x.example/?q=a,b;c|d", "https://x.example/a--b_",
        "https://x.example/file/d/1_-/view?usp=sharing", "https://x.example/kafé", "https://x.example/コーヒー", "https://x.example/Jum’at",
        "https://x.example/Kopi_–_Teh", "https://arsip.example/web/2026/https://x.example/y", "https://x.example/?u=https://y.example",
        "https://x.example/a%20b?c=%2C", "https://user@x.example/a", "https://x.example/…",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""), ("Lihat ", " ya"), ("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"), ('"', '"'), ("'", "'"), ("“", "”"), ("‘", "’"),
        ("„", "“"), ("«", "»"), ("‹", "›"), ("「", "」"), ("（", "）"), ("【", "】"), ("*", "*"), ("_", "_"), ("`", "`"), ("~", "~"), ("|", "|"),
        ("", "."), ("", ","), ("", "!"), ("", "?"), ("", ":"), ("", ";"), ("", "…"), ("", "..."), ("", "…dan"), ("", "。"), ("", "，"),
        ("", ")."), ("", "”."), ("(“", "”)"), ("lihat:", ""), ("→", "←"), ("👉", "👈"), ("IG", ""), ("", "\u200b"), ("Referensi (", "), lalu"),
    ],
)  # fmt: skip
def test_an_address_is_found_whole_without_what_stands_around_it(before, address, after):
    wanted = address.rstrip("…_" if before == "_" else "…")
    assert found(before + address + after) == [wanted]


@pytest.mark.parametrize("between", [",", ";", "|", ", ", " ", " dan ", "，", "、", "”, “", "),(", "→", "…"])
def test_addresses_that_a_sign_keeps_apart_are_two(between):
    addresses = ["https://x.example/a", "http://y.example/b?c=(d)"]
    assert found(between.join(addresses)) == addresses


def test_an_apostrophe_inside_an_address_belongs_to_it():
    assert found("(https://x.example/it's)") == ["https://x.example/it's"]


def test_what_follows_an_address_after_a_comma_is_not_part_of_it():
    assert found("https://x.example/a,www.y.example/b") == ["https://x.example/a"]


@pytest.mark.parametrize(
    "line", ["", "x.example/a", "www.x.example", "a@x.example", "ftp://x.example", "https://", "http://(x)", "https:x.example"]
)  # fmt: skip
def test_what_is_no_http_address_is_no_link(line):
    assert found(line) == []


@given(
    st.lists(
        st.sampled_from(["https://", "http://", "x.example", "/a", "(", ")", "“", "”", ",", "…", "*", " ", "é", "😀"])
    )
)
def test_links_lie_in_order_in_the_line_and_never_overlap(parts):
    places = [place for span in links.find("".join(parts)) for place in span]
    assert places == sorted(set(places))
