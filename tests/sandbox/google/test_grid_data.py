"""What a grid holds beside values: links, rich text, chips, notes, strike-through, hidden rows and tabs, merges."""

import pytest
from googleapiclient.errors import HttpError

from sandbox import state_file
from sandbox.google import a1
from sandbox.google.cells import Formula, Styled, Text
from sandbox.google.rich_text import Chip, Rich, Run
from sandbox.http.messages import Refusal
from tests.sandbox.vendor_schemas import check_google

URL, OTHER = "https://a.example/papan", "https://b.example/"
FILE = "https://docs.google.com/document/d/1abc/edit"
STYLE = {"underline": True, "foregroundColorStyle": {"themeColor": "LINK"}}
LINK = {**STYLE, "link": {"uri": URL}}


@pytest.fixture
def cell(box, spreadsheets):
    """Puts content into a cell of a new spreadsheet and gives back its CellData."""

    def read(content):
        made = box.google.add_spreadsheet("B", "", {"T": [[content]]})
        found = spreadsheets.get(spreadsheetId=made, includeGridData=True).execute()
        check_google("sheets", "Spreadsheet", found)
        return found["sheets"][0]["data"][0]["rowData"][0]["values"][0]

    return read


@pytest.fixture
def update(box, spreadsheets):
    """Writes a CellData into a cell that held `Lihat papan ini` and gives back what it is then."""
    made = box.google.add_spreadsheet("B", "", {"T": [["Lihat papan ini"]]})

    def write(body, fields="*"):
        rows = [{"values": [body]}]
        requests = [{"updateCells": {"start": {"sheetId": 0}, "rows": rows, "fields": fields}}]
        spreadsheets.batchUpdate(spreadsheetId=made, body={"requests": requests}).execute()
        found = spreadsheets.get(spreadsheetId=made, includeGridData=True).execute()
        return found["sheets"][0]["data"][0]["rowData"][0]["values"][0]

    return write


# Links


@pytest.mark.parametrize(
    ("content", "link", "text"),
    [
        (f'=HYPERLINK("{URL}";"papan")', URL, "papan"),
        (f'=hyperlink("{URL}", "papan")', URL, "papan"),
        (f'=HYPERLINK("{URL}")', URL, URL),
        (Formula(f'=HYPERLINK("{URL}","papan")', "lain"), URL, "lain"),
        (URL, URL, URL),
        (Styled("papan", link=URL), URL, "papan"),
        (Rich(Run("papan", link=URL)), URL, "papan"),
        (Rich(Run("pa", link=URL, strikethrough=True), Run("pan", link=URL)), URL, "papan"),
        (Rich("Lihat ", Run("papan", link=URL)), None, "Lihat papan"),
        (Rich(Run("satu", link=URL), Run("dua", link=OTHER)), None, "satudua"),
        (Text(f'=HYPERLINK("{URL}")'), None, f'=HYPERLINK("{URL}")'),
        (f"lihat {URL}", None, f"lihat {URL}"),
    ],
    ids=["formula", "comma", "without-text", "other-value", "typed", "whole-cell", "one-run", "two-runs-one-link",
         "part", "two-links", "text", "address-in-text"],
)  # fmt: skip
def test_a_cell_has_a_hyperlink_if_all_of_it_links_to_one_address(cell, content, link, text):
    found = cell(content)
    assert (found.get("hyperlink"), found["formattedValue"]) == (link, text)


def test_a_formula_that_shows_an_image_shows_no_text(cell):
    found = cell(f'=IMAGE("{URL}")')
    assert found["userEnteredValue"] == {"formulaValue": f'=IMAGE("{URL}")'}
    assert not {"effectiveValue", "formattedValue"} & found.keys()


# Rich text


def test_runs_start_at_zero_and_count_in_utf_16(cell):
    found = cell(Rich("🎉 Lihat ", Run("papan", link=URL), " lalu ", Run("hapus", strikethrough=True)))
    assert found["textFormatRuns"] == [
        {"format": {}},
        {"startIndex": 9, "format": LINK},
        {"startIndex": 14, "format": {}},
        {"startIndex": 20, "format": {"strikethrough": True}},
    ]


def test_runs_are_written_as_they_are_read(update):
    body = {"textFormatRuns": [{"startIndex": 6, "format": {"link": {"uri": URL}}}, {"startIndex": 11}]}
    found = update(body, "textFormatRuns")
    assert found["textFormatRuns"] == [
        {"format": {}},
        {"startIndex": 6, "format": LINK},
        {"startIndex": 11, "format": {}},
    ]
    assert update({"userEnteredValue": {"stringValue": "baru"}}, "userEnteredValue").get("textFormatRuns") is None


def test_a_link_written_over_the_whole_text_becomes_part_of_the_cells_format(update):
    found = update({"textFormatRuns": [{"format": {"link": {"uri": URL}}}]}, "textFormatRuns")
    assert (found["hyperlink"], found.get("textFormatRuns")) == (URL, None)
    assert found["userEnteredFormat"]["textFormat"] == LINK


def test_a_link_on_a_part_takes_the_place_of_the_cells_own(update):
    update({"userEnteredFormat": {"textFormat": {"link": {"uri": URL}, "bold": True}}}, "userEnteredFormat")
    found = update({"textFormatRuns": [{"startIndex": 6, "format": {"link": {"uri": OTHER}}}]}, "textFormatRuns")
    assert found.get("hyperlink") is None
    assert found["userEnteredFormat"] == {"textFormat": {"bold": True}}


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"userEnteredValue": {"numberValue": 1}, "textFormatRuns": [{}]}, "textFormatRuns can only be set"),
        ({"userEnteredValue": {"formulaValue": "=A1"}, "chipRuns": [{}]}, "chipRuns can only be set"),
        ({"userEnteredValue": {"stringValue": "ab"}, "textFormatRuns": [{"startIndex": 2}]}, "must be less than"),
        ({"userEnteredValue": {"stringValue": "ab"}, "textFormatRuns": [{"startIndex": 1}, {}]}, "must be greater"),
        ({"userEnteredValue": {"stringValue": "ab"}, "chipRuns": [{"chip": {"personProperties": {"email": "a@b"}}}]},
         "no placeholder '@' at index 0"),
        ({"userEnteredValue": {"stringValue": "@"}, "chipRuns": [{"chip": {"richLinkProperties": {"uri": URL}}}]},
         "only links to Drive files"),
        ({"userEnteredValue": {"stringValue": "@"}, "chipRuns": [{"chip": {"personProperties": {}}}]},
         "email is required"),
    ],
    ids=["runs-of-a-number", "chips-of-a-formula", "past-the-end", "not-in-order", "no-placeholder", "not-in-drive",
         "nobody"],
)  # fmt: skip
def test_runs_that_cannot_be_are_refused(update, body, message):
    with pytest.raises(HttpError, match=message):
        update(body)


# Smart chips


def test_chips_show_their_text_with_runs_between_and_after_them(cell):
    sheet = "application/vnd.google-apps.ritz"
    found = cell(
        Rich(Chip("Brief 🎉", uri=FILE, mime_type=sheet), " oleh ", Chip("Raras", email="raras@agency.example"))
    )
    assert found["formattedValue"] == found["userEnteredValue"]["stringValue"] == "Brief 🎉 oleh Raras"
    assert found["chipRuns"] == [
        {"chip": {"richLinkProperties": {"uri": FILE, "mimeType": sheet}}},
        {"startIndex": 8},
        {"startIndex": 14, "chip": {"personProperties": {"email": "raras@agency.example", "displayFormat": "DEFAULT"}}},
        {"startIndex": 19},
    ]
    assert not {"hyperlink", "textFormatRuns"} & found.keys()


def test_text_before_a_chip_is_a_run_of_its_own(cell):
    found = cell(Rich("di ", Chip("Monas", uri="https://maps.google.com/?cid=1")))
    assert found["chipRuns"] == [
        {},
        {"startIndex": 3, "chip": {"richLinkProperties": {"uri": "https://maps.google.com/?cid=1"}}},
        {"startIndex": 8},
    ]


def test_chips_are_written_in_the_places_of_at_signs(update):
    person, file = {"personProperties": {"email": "r@a.example"}}, {"richLinkProperties": {"uri": FILE}}
    body = {
        "userEnteredValue": {"stringValue": "@ 🎉 @!"},
        "chipRuns": [{"chip": person}, {"startIndex": 5, "chip": file}],
    }
    found = update(body, "userEnteredValue,chipRuns")
    assert found["formattedValue"] == f"r@a.example 🎉 {FILE}!"
    assert found["chipRuns"] == [
        {"chip": person},
        {"startIndex": 11},
        {"startIndex": 15, "chip": file},
        {"startIndex": 15 + len(FILE)},
    ]


# Notes and formats


def test_a_styled_cell_has_its_note_and_is_struck_through(cell):
    found = cell(Styled("Batal", note="tanya Raras", strikethrough=True))
    assert (found["note"], found["formattedValue"]) == ("tanya Raras", "Batal")
    assert found["userEnteredFormat"] == {"textFormat": {"strikethrough": True}}
    assert found["effectiveFormat"]["textFormat"]["strikethrough"] is True


def test_a_cell_that_is_not_struck_through_says_so(cell):
    assert cell("Jadi")["effectiveFormat"]["textFormat"]["strikethrough"] is False


# Rows, tabs, merges


@pytest.fixture
def book(box):
    rows = [[f"{letter}{row}" for letter in "abc"] for row in range(1, 7)]
    return box.google.add_spreadsheet("Buku", "", {"T": rows, "U": [["u"]]})


@pytest.fixture
def hidden(spreadsheets, book):
    """The rows of tab `T` that are hidden, from 1, each with the property that says so."""

    def read():
        found = spreadsheets.get(spreadsheetId=book, ranges="T!A1:A9", fields="sheets.data.rowMetadata").execute()
        rows = found["sheets"][0]["data"][0]["rowMetadata"]
        assert len(rows) == 9
        return {number: (row.keys() - {"pixelSize"}).pop() for number, row in enumerate(rows, 1) if len(row) > 1}

    return read


def test_rows_are_hidden_by_people_and_by_filters(box, book, hidden):
    box.google.hide_rows(book, "T", 2)
    box.google.hide_rows(book, "T", 5, 6, by="filter")
    assert hidden() == {2: "hiddenByUser", 5: "hiddenByFilter", 6: "hiddenByFilter"}


def rows(start, end):
    return {"sheetId": 0, "dimension": "ROWS", "startIndex": start, "endIndex": end}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"insertDimension": {"range": rows(0, 2)}}, {4: "hiddenByUser", 7: "hiddenByFilter"}),
        ({"deleteDimension": {"range": rows(1, 2)}}, {4: "hiddenByFilter"}),
        ({"moveDimension": {"source": rows(1, 2), "destinationIndex": 6}}, {4: "hiddenByFilter", 6: "hiddenByUser"}),
        ({"updateDimensionProperties": {"range": rows(0, 9), "properties": {}, "fields": "hiddenByUser"}},
         {5: "hiddenByFilter"}),
        ({"updateDimensionProperties": {"range": rows(0, 1), "properties": {"hiddenByUser": True}, "fields": "*"}},
         {1: "hiddenByUser", 2: "hiddenByUser", 5: "hiddenByFilter"}),
    ],
    ids=["insert", "delete", "move", "show", "hide"],
)  # fmt: skip
def test_hidden_rows_move_with_their_rows(box, book, hidden, change, expected):
    box.google.hide_rows(book, "T", 2)
    box.google.hide_rows(book, "T", 5, by="filter")
    box.google.edit(book, [change])
    assert hidden() == expected


def test_hidden_rows_and_rich_cells_survive_a_restart(tmp_path, box, book):
    box.google.hide_rows(book, "T", 2)
    box.google.put(book, "T!A1", Rich("a", Run("b", link=URL), Chip("c", uri=FILE)))
    state_file.save(box._state, tmp_path / "state.json")
    before = box.google.spreadsheets[book]
    state_file.load(box._state, tmp_path / "state.json")
    assert box.google.spreadsheets[book] == before
    assert box.google.spreadsheets[book] is not before


def test_a_hidden_tab_says_so(box, spreadsheets, book):
    box.google.hide_tab(book, "T")
    found = spreadsheets.get(spreadsheetId=book, fields="sheets.properties(title,hidden)").execute()
    assert found["sheets"] == [{"properties": {"title": "T", "hidden": True}}, {"properties": {"title": "U"}}]


def test_a_merge_keeps_its_first_cell_only(box, spreadsheets, book):
    box.google.merge(book, "T!A2:B3")
    found = spreadsheets.get(spreadsheetId=book, ranges="T", fields="sheets.merges").execute()
    corners = {"startRowIndex": 1, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 2}
    assert found == {"sheets": [{"merges": [{"sheetId": 0, **corners}]}]}
    assert box.google.grid(book, "T")[1:3] == [["a2", "", "c2"], ["", "", "c3"]]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("MERGE_ALL", {"A2:B3"}), ("MERGE_COLUMNS", {"A2:A3", "B2:B3"}), ("MERGE_ROWS", {"A2:B2", "A3:B3"})],
)
def test_cells_are_merged_as_a_whole_by_columns_or_by_rows(box, book, kind, expected):
    where = {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 2}
    box.google.edit(book, [{"mergeCells": {"range": where, "mergeType": kind}}])
    merges = box.google.spreadsheets[book].tab("T").merges
    assert {a1.write("T", span).removeprefix("T!") for span in merges} == expected
    box.google.edit(book, [{"unmergeCells": {"range": where}}])
    assert box.google.spreadsheets[book].tab("T").merges == []


def test_part_of_a_merge_cannot_be_unmerged(box, book):
    box.google.merge(book, "T!A2:B3")
    part = {"sheetId": 0, "startRowIndex": 1, "endRowIndex": 2}
    with pytest.raises(Refusal):
        box.google.edit(book, [{"unmergeCells": {"range": {**part, "endColumnIndex": 1}}}])


# The spreadsheet in the answer of a batch


@pytest.fixture
def answer(spreadsheets, book):
    def send(fields=None, **options):
        body = {"requests": [{"updateCells": {"start": {}, "rows": [{"values": [{"note": "n"}]}], "fields": "note"}}]}
        body |= {"includeSpreadsheetInResponse": True, **options}
        return spreadsheets.batchUpdate(spreadsheetId=book, body=body, fields=fields).execute()

    return send


@pytest.mark.parametrize(
    ("fields", "options", "cells"),
    [
        (None, {}, False),
        (None, {"responseIncludeGridData": True}, True),
        ("*", {}, True),
        ("updatedSpreadsheet", {}, True),
        ("updatedSpreadsheet.sheets.data.rowData.values.note", {}, True),
        ("updatedSpreadsheet.sheets.properties", {"responseIncludeGridData": True}, False),
    ],
)
def test_a_mask_decides_about_the_cells_of_the_updated_spreadsheet(answer, fields, options, cells):
    sheet = answer(fields, **options)["updatedSpreadsheet"]["sheets"][0]
    assert ("data" in sheet) == cells
    assert not cells or sheet["data"][0]["rowData"][0]["values"][0]["note"] == "n"


def test_ranges_limit_the_updated_spreadsheet(answer):
    found = answer(responseRanges=["T!B2:C3"], responseIncludeGridData=True)["updatedSpreadsheet"]
    ((data,),) = [sheet["data"] for sheet in found["sheets"]]
    assert (data["startRow"], data["startColumn"]) == (1, 1)
    assert [[cell["formattedValue"] for cell in row["values"]] for row in data["rowData"]] == [
        ["b2", "c2"],
        ["b3", "c3"],
    ]


def test_a_mask_may_leave_the_updated_spreadsheet_out(answer):
    assert answer("replies,spreadsheetId").keys() == {"replies", "spreadsheetId"}


def test_an_unknown_range_of_the_answer_undoes_the_batch(box, book, answer):
    with pytest.raises(HttpError, match="Unable to parse range: Tiada"):
        answer(responseRanges=["Tiada"])
    assert box.google.cell(book, "T!A1").note == ""


def test_empty_rows_and_cells_at_the_end_are_left_out_but_not_those_between(box, spreadsheets):
    made = box.google.add_spreadsheet("B", "", {"T": [["a", None, None], [], [None, "b"], [None], []]})
    found = spreadsheets.get(spreadsheetId=made, ranges="T!A1:C9", fields="sheets.data.rowData.values.formattedValue")
    assert found.execute()["sheets"][0]["data"] == [
        {"rowData": [{"values": [{"formattedValue": "a"}]}, {}, {"values": [{}, {"formattedValue": "b"}]}]}
    ]
