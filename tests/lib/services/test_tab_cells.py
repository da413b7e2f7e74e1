"""Cells as Sheets returns them: values as stored, and what stands behind and beside them."""

import re

import pytest

from lib.services import tab_cells
from lib.services.google_api import GoogleApi
from sandbox.google.cells import Cell, Styled
from sandbox.google.rich_text import Chip, Rich, Run
from tests.direct import google_api

URL = "https://a.example/board"
DOC = "https://docs.google.com/document/d/1x/edit"


@pytest.fixture
def api(box, opened) -> GoogleApi:
    return opened(google_api(box.environment()))


@pytest.fixture
def read(api, box):
    """What the API's client makes of one row of such cells."""

    def go(*cells):
        made = box.google.add_spreadsheet("Plan", box.google.add_folder("F"), tabs={"T": [list(cells)]})
        [tab] = api.read_tab(made, "T").tabs
        return tab.cells

    return go


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(f'=HYPERLINK("{URL}";"moodboard")', f"moodboard ({URL})", id="formula"),
        pytest.param(f'=HYPERLINK("{URL}","moodboard")', f"moodboard ({URL})", id="formula-of-en_US"),
        pytest.param(f'=HYPERLINK("{URL}")', URL, id="formula-without-a-word"),
        pytest.param(Styled("papan", link=URL), f"papan ({URL})", id="whole-cell"),
        pytest.param(Styled(12, link=URL), f"12 ({URL})", id="number"),
        pytest.param(Rich("Lihat ", Run("papan", link=URL), " ini"), f"Lihat papan ({URL}) ini", id="part"),
        pytest.param(Rich("🎬🎬 ", Run("papan", link=URL), " 🎬"), f"🎬🎬 papan ({URL}) 🎬", id="beside-emoji"),
        pytest.param(
            Rich(Run("a", link=URL), " dan ", Run("b", link=DOC)), f"a ({URL}) dan b ({DOC})", id="two-of-a-text"
        ),
        pytest.param(
            Rich("x ", Run("pa", link=URL), Run("pan", link=URL, strikethrough=True)),
            f"x papan ({URL})",
            id="one-in-two-runs",
        ),
        pytest.param(Rich(Run("papan ", link=URL), "ini"), f"papan ({URL}) ini", id="a-space-in-the-link"),
        pytest.param(Styled("a.example/board/2", link=URL), f"a.example/board/2 ({URL})", id="another-address"),
        pytest.param(
            Styled("bit.example/aB", link="https://bit.example/ab"),
            "bit.example/aB (https://bit.example/ab)",
            id="case",
        ),
        pytest.param(Rich(Run("Raras", link="mailto:r@a.example")), "Raras (r@a.example)", id="mail"),
        pytest.param(Rich(Run("telepon", link="tel:+62811")), "telepon (+62811)", id="telephone"),
        pytest.param(Rich(Chip("Brief", uri=DOC), " ok"), f"Brief ({DOC}) ok", id="file-chip"),
        pytest.param(
            Rich(Chip("Monas", uri="https://maps.example/monas")), "Monas (https://maps.example/monas)", id="place-chip"
        ),
        pytest.param(Rich("oleh ", Chip("Raras", email="r@a.example")), "oleh Raras (r@a.example)", id="person-chip"),
        pytest.param(f'=IMAGE("{URL}.png")', f"(image: {URL}.png)", id="image"),
        pytest.param(f'=image("{URL}.png"; 4; 50; 50)', f"(image: {URL}.png)", id="image-with-a-size"),
        pytest.param("=IMAGE(A1)", "(image)", id="image-from-a-cell"),
        pytest.param(f'=IMAGE("{URL}/"&A2&".png")', "(image)", id="image-whose-address-is-computed"),
        pytest.param(
            Cell(None, f'=IFERROR(IMAGE("{URL}.png"),"")'), f"(image: {URL}.png)", id="image-inside-a-formula"
        ),
        pytest.param(Styled(f'=IMAGE("{URL}.png")', link=DOC), f"(image: {URL}.png) ({DOC})", id="image-with-a-link"),
        pytest.param(
            Rich(Chip("Brief", uri=DOC), " lihat ", Run("papan", link=URL)),
            f"Brief ({DOC}) lihat papan ({URL})",
            id="chip-and-link",
        ),
        pytest.param(Rich("lihat", Run(" ", link=URL), "ini"), f"lihat ({URL})ini", id="a-link-on-a-space"),
    ],
)
def test_the_address_behind_words_stands_behind_them(read, content, text):
    cells = read(content)
    assert (cells.linked.get((0, 0)) or cells.texts[0][0]) == text


def test_a_link_to_a_place_in_the_spreadsheet_says_which_spreadsheet(read, box):
    cells = read(Rich(Run("papan", link="#gid=7&range=A1")))
    assert re.fullmatch(rf"papan \({box.google.base_url}/spreadsheets/\S+#gid=7&range=A1\)", cells.linked[0, 0])


@pytest.mark.parametrize(
    "content",
    [
        URL,
        Styled(URL, link=URL),
        Styled("a.example/board", link=URL),
        Styled("WWW.A.example/board/", link="https://a.example/board"),
        Rich("(lihat: ", Run("a.example/board", link=URL), ")"),
        Rich("lihat ", Run("a.example/board", link=URL)),
        Rich(Run("r@a.example", link="mailto:r@a.example")),
        Rich(Chip("r@a.example", email="r@a.example")),
        "Kopi",
        12,
        None,
    ],
)
def test_a_text_that_says_its_address_itself_is_left_as_it_is(read, content):
    assert read(content, "x").linked == {}


def test_notes_are_read_also_of_empty_cells_and_make_no_content(read):
    cells = read(Styled("x", note="tanya dulu"), None, Styled(None, note="kosong"))
    assert cells.notes == {(0, 0): "tanya dulu", (0, 2): "kosong"}
    assert cells.values == [["x"]]


@pytest.mark.parametrize(
    ("content", "struck"),
    [
        (Styled("x", strikethrough=True), True),
        (Styled(12, strikethrough=True), True),
        (Rich(Run("x", strikethrough=True)), True),
        (Rich(Run("x ", strikethrough=True), " ", Run("y", strikethrough=True)), True),
        (Rich(Run("x", strikethrough=True), " y"), False),
        ("x", False),
    ],
)
def test_a_cell_is_struck_through_when_all_of_its_text_is(read, content, struck):
    assert ((0, 0) in read(content).struck) == struck


def test_hidden_rows_are_known_by_how_they_were_hidden(api, box):
    made = box.google.add_spreadsheet("Plan", box.google.add_folder("F"), tabs={"T": [["a"], ["b"], ["c"]]})
    box.google.hide_rows(made, "T", 2)
    box.google.hide_rows(made, "T", 3, by="filter")
    [tab] = api.read_tab(made, "T").tabs
    assert tab.cells.hidden == {1: tab_cells.BY_HAND, 2: tab_cells.BY_FILTER}


def test_a_block_that_begins_further_down_and_right_keeps_its_places():
    entry = {"effectiveValue": {"stringValue": "x"}, "formattedValue": "x", "note": "n"}
    cells = tab_cells.read([{"startRow": 1, "startColumn": 1, "rowData": [{"values": [entry]}]}], "")
    assert cells.values == [[], ["", "x"]]
    assert cells.texts == [[], ["", "x"]]
    assert cells.notes == {(1, 1): "n"}


def test_rows_below_the_last_value_are_kept_where_they_hold_an_image_or_a_note(api, box):
    rows = [["a"], [None, f'=IMAGE("{URL}")'], [None, Styled(None, note="n")], [None]]
    made = box.google.add_spreadsheet("Plan", box.google.add_folder("F"), tabs={"T": rows})
    [tab] = api.read_tab(made, "T").tabs
    assert [len(row) for row in tab.cells.values] == [1, 2, 0]
