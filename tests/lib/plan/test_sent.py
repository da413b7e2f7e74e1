"""What an issue remembers of what it was sent, and what it is recognised by in Jira's answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.plan import adf, sent

OURS = adf.describe([adf.Section("Caption", "Satu\nhttps://a.example dua", ""), adf.Section("Format", "4:5", "")])
REMEMBERED = sent.remember_value("description", OURS.document)


def paragraph(*content):
    return {"type": "paragraph", "content": list(content)}


def text(words, *marks):
    return {"type": "text", "text": words, **({"marks": [{"type": mark} for mark in marks]} if marks else {})}


def document(*blocks):
    return {"type": "doc", "version": 1, "content": list(blocks)}


ABOVE, BELOW = paragraph(text("Dari produksi")), {"type": "rule"}
CAPTION, FORMAT = OURS.document["content"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("Kopi", "Kopi"),
        ({"accountId": "a"}, {"accountId": "a", "displayName": "Raras", "active": True}),
        ({"value": "Post"}, {"self": "https://…", "value": "Post", "id": "10501"}),
        ([{"id": "2"}, {"id": "1"}], [{"id": "1", "name": "x"}, {"id": "2", "name": "y"}]),
        (3, 3.0),
        ("x" * 900, "x" * 900),
    ],
)
def test_a_value_is_recognised_in_jiras_words(value, said):
    kept = sent.remember({"f": value})["f"]
    assert sent.is_same("f", said, kept)
    assert not sent.is_same("f", None, kept)
    assert len(str(kept)) < 400


@pytest.mark.parametrize("said", [{"value": "Story", "id": "1"}, None, "Post"])
def test_another_value_is_not(said):
    assert not sent.is_same("f", said, {"value": "Post"})


@pytest.mark.parametrize("empty", [None, [], ""])
def test_a_field_that_jira_shows_empty_is_one_that_was_sent_nothing(empty):
    assert sent.is_same("f", empty, None)


def test_where_an_issue_is_and_its_labels_are_not_remembered():
    fields = {"project": {"key": "CP"}, "issuetype": {"id": "1"}, "labels": ["x"], "duedate": None, "summary": "a"}
    assert sent.remember(fields) == {"summary": "a"}


def test_our_part_is_found_between_what_people_wrote():
    assert sent.find(document(ABOVE, CAPTION, FORMAT, BELOW), REMEMBERED) == ([ABOVE], [BELOW])
    assert sent.find(OURS.document, REMEMBERED) == ([], [])


def test_our_part_is_found_however_jira_cuts_its_texts():
    title, first, *rest = CAPTION["content"]
    card = {"type": "inlineCard", "attrs": {"url": "https://a.example"}}
    pieces = [title, text(first["text"][:2]), text(first["text"][2:]), rest[0], card, *rest[2:]]
    assert first["text"] == "Satu"
    assert sent.find(document(paragraph(*pieces), {**FORMAT, "attrs": {"localId": "1"}}), REMEMBERED) == ([], [])


@pytest.mark.parametrize(
    "changed",
    [
        document(FORMAT, CAPTION),
        document(CAPTION, ABOVE, FORMAT),
        document(CAPTION),
        document(),
        document(CAPTION, paragraph(*FORMAT["content"], text("!"))),
        document(CAPTION, paragraph(FORMAT["content"][0], text("4:5", "strike"))),
        document(CAPTION, paragraph(*FORMAT["content"], {"type": "mention", "attrs": {"id": "a"}})),
        document(CAPTION, {"type": "heading", "attrs": {"level": 1}, "content": FORMAT["content"]}),
        document({"type": "panel", "content": [CAPTION, FORMAT]}),
        None,
    ],
)
def test_whatever_a_person_did_inside_of_it_shows(changed):
    assert sent.find(changed, REMEMBERED) is None


words = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


@given(
    st.lists(st.tuples(words, words), min_size=1, max_size=4), st.lists(words, max_size=3), st.lists(words, max_size=3)
)
def test_any_description_is_found_between_any_paragraphs(sections, above, below):
    made = adf.describe([adf.Section(label, words, "") for label, words in sections]).document
    before, after = ([paragraph(text(words)) for words in texts] for texts in (above, below))
    found = sent.find(document(*before, *made["content"], *after), sent.remember_value("description", made))
    assert found is not None
    assert len(found[0]) + len(found[1]) == len(above) + len(below)
