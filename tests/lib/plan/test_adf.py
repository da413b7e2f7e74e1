"""Descriptions: every character as it was typed, valid for Jira whatever the cells hold."""

import importlib.resources
import json
import re

import fastjsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats import FormatError, clean_text
from lib.plan import adf
from lib.plan.adf import LIMIT, Section, describe, plain_text, size

# Atlassian's own schema, unmodified, as published with @atlaskit/adf-schema.
SCHEMA = json.loads(importlib.resources.files("adf_bridge").joinpath("data/adf-schema.json").read_text())
validate = fastjsonschema.compile(SCHEMA)


def section(text, label="Caption"):
    return Section(label, text, "'Juli'!O7")


def texts_of(node):
    return (
        [node["text"]] if node["type"] == "text" else [t for child in node.get("content", []) for t in texts_of(child)]
    )


@pytest.mark.parametrize(
    "text",
    ["", "one", "a\nb", "a\n\nb", "\n\n\n", "# 5 apples", "2*3*4", "    four spaces", "<script>alert(1)</script>", "=IMPORTXML(1)", "a\x00b",
     "👩\u200d👩\u200d👧", "https://x.example/a?b=c&d=(e).", "see https://x.example, and http://y.example/z!", "\u200b", "\ud800", "&amp;"],
)  # fmt: skip
def test_a_document_is_valid_for_any_cell(text):
    validate(describe([section(text)]).document)


@given(st.lists(st.tuples(st.text(max_size=20), st.text(max_size=200)), min_size=1, max_size=5))
def test_a_document_is_valid_for_any_text_at_all(cells):
    document = describe([section(text, label) for label, text in cells]).document
    validate(document)
    assert all(text and "\n" not in text for text in texts_of(document))


@given(st.text(max_size=300))
def test_no_character_of_a_clean_text_is_lost(text):
    shown = plain_text(describe([section(text)]).document)
    assert "".join(shown.split()) == "".join(f"Caption: {clean_text(text) or '–'}".split())


def test_columns_keep_their_order_and_labels():
    document = describe([section("1", "No"), section("", "Asset"), section("halo\nkawan\n\nselesai")]).document
    assert plain_text(document).split("\n") == ["No: 1", "Asset: –", "Caption: halo", "kawan", "selesai"]


def test_a_link_is_a_link_and_its_punctuation_is_not():
    document = describe([section("Lihat https://x.example/a_(b)?c=1, ya.")]).document
    links = [node for node in document["content"][0]["content"][1:] if node.get("marks")]
    assert [(node["text"], node["marks"][0]["attrs"]["href"]) for node in links] == [
        ("https://x.example/a_(b)?c=1", "https://x.example/a_(b)?c=1")
    ]


def test_a_cell_of_30000_characters_comes_through_whole():
    text = "Kopi senja. " * 2_500
    described = describe([section("x" * 50, f"Column {number}") for number in range(14)] + [section(text)])
    assert (described.cut, described.rest) == ([], [])
    assert text.strip() in plain_text(described.document)


LONG = pytest.mark.parametrize(
    "text",
    [pytest.param("x" * 50_000, id="plain"), pytest.param("😀" * 30_000, id="emoji"), pytest.param("a\n" * 20_000, id="lines"),
     pytest.param("\\" * 40_000, id="escaped"), pytest.param("https://a.example/x " * 2_500, id="links")],
)  # fmt: skip


@LONG
@pytest.mark.parametrize("counted", [adf.text_size, adf.size])
def test_what_is_too_long_is_cut_to_jiras_limit_and_says_so(text, counted):
    described = describe([section("short", "Asset"), section(text)], counted)
    validate(described.document)
    assert counted(described.document) <= LIMIT
    assert counted(described.document) > LIMIT - 500, "more was cut than had to be"
    assert [cut.label for cut in described.cut] == ["Caption"]
    assert "a comment goes on" in plain_text(described.document)
    assert "short" in plain_text(described.document)


@LONG
def test_what_is_cut_off_stands_whole_in_comments_that_fit_however_a_site_counts(text):
    described = describe([section("b" * 40_000, "Asset"), section(text)], adf.size)
    written = adf.comments(described.rest)
    for document in written:
        validate(document)
        assert size(document) <= LIMIT
    kept = plain_text(described.document).split("Caption: ")[1].split("… [cut: ")[0]
    parts = [part for document in written for part in plain_text(document).split("Caption (continued): ")[1:]]
    without_breaks = re.sub(r"\s", "", "".join([kept, *parts]))
    assert without_breaks == re.sub(r"\s", "", text)


@pytest.mark.parametrize("counted", [adf.text_size, adf.size])
def test_no_address_is_cut_in_two(counted):
    address = "https://a.example/board"
    described = describe([section(f"teks 🎬 papan ({address}/1) " * 1_500)], counted)
    nodes = [
        node
        for page in (described.document, *adf.comments(described.rest))
        for block in page["content"]
        for node in block["content"]
    ]
    hrefs = {mark["attrs"]["href"] for node in nodes for mark in node.get("marks", []) if mark["type"] == "link"}
    assert hrefs == {f"{address}/1"}


def test_a_text_that_fits_has_no_comments():
    assert adf.comments(describe([section("halo")]).rest) == []


def test_too_many_columns_are_refused():
    with pytest.raises(FormatError, match="too many"):
        describe([section("", f"A column with quite a long label, number {number}") for number in range(1_000)])


def test_the_limit_counts_as_jira_does():
    assert size({"a": "😀"}) == len('{"a":"') + 2 + len('"}')
    assert adf.size({"a": "é"}) == len('{"a":"é"}')
