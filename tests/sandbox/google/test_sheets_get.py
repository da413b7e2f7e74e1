"""`spreadsheets.get`: metadata, grids and field masks."""

import datetime as dt

import pytest
from googleapiclient.errors import HttpError

from sandbox.google.a1 import Span
from sandbox.google.cells import ErrorValue, Formatted, Formula

TEXT_FORMAT = {
    "foregroundColor": {},
    "fontFamily": "Arial",
    "fontSize": 10,
    "bold": False,
    "italic": False,
    "strikethrough": False,
    "underline": False,
    "foregroundColorStyle": {"rgbColor": {}},
}


@pytest.fixture
def book(box):
    rows = [
        ["Judul", None],
        [dt.date(2026, 7, 5), Formula('=HYPERLINK("https://a.example")', "a")],
        [ErrorValue("N_A")],
    ]
    made = box.google.add_spreadsheet("Buku", "", {"Satu": rows, "Dua": [["x"]]}, locale="en_GB")
    tabs = box.google.spreadsheets[made].tabs
    tabs[0].merges.append(Span(0, 1, 0, 2))
    tabs[1].hidden = True
    return made


def test_metadata_says_what_a_spreadsheet_consists_of(box, spreadsheets, book):
    found = spreadsheets.get(spreadsheetId=book).execute()
    assert found["spreadsheetUrl"].endswith(book)
    assert (found["properties"]["title"], found["properties"]["locale"]) == ("Buku", "en_GB")
    assert found["properties"]["timeZone"] == "Asia/Jakarta"
    assert found["sheets"] == [
        {
            "properties": {
                "sheetId": 0,
                "title": "Satu",
                "index": 0,
                "sheetType": "GRID",
                "gridProperties": {"rowCount": 1000, "columnCount": 26},
            },
            "merges": [
                {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 2}
            ],
        },
        {
            "properties": {
                "sheetId": 7919,
                "title": "Dua",
                "index": 1,
                "sheetType": "GRID",
                "gridProperties": {"rowCount": 1000, "columnCount": 26},
                "hidden": True,
            }
        },
    ]


def test_named_ranges_are_part_of_the_metadata(box, spreadsheets, book):
    where = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1}
    box.google.edit(book, [{"addNamedRange": {"namedRange": {"namedRangeId": "n1", "name": "kunci", "range": where}}}])
    found = spreadsheets.get(spreadsheetId=book, fields="namedRanges").execute()
    assert found == {"namedRanges": [{"namedRangeId": "n1", "name": "kunci", "range": where}]}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("properties.title", {"properties": {"title": "Buku"}}),
        ("properties(title,locale)", {"properties": {"title": "Buku", "locale": "en_GB"}}),
        ("properties/title", {"properties": {"title": "Buku"}}),
        (
            "sheets.properties(title,hidden)",
            {"sheets": [{"properties": {"title": "Satu"}}, {"properties": {"title": "Dua", "hidden": True}}]},
        ),
        ("sheets(properties.index),properties.locale",
         {"properties": {"locale": "en_GB"}, "sheets": [{"properties": {"index": 0}}, {"properties": {"index": 1}}]}),
        ("namedRanges", {}),
    ],
)  # fmt: skip
def test_masks_are_honoured_to_the_last_name(spreadsheets, book, fields, expected):
    assert spreadsheets.get(spreadsheetId=book, fields=fields).execute() == expected


def test_a_mask_decides_about_cells_whatever_include_grid_data_says(spreadsheets, book):
    without = spreadsheets.get(spreadsheetId=book, includeGridData=True, fields="sheets.properties.title").execute()
    given = spreadsheets.get(spreadsheetId=book, fields="sheets.data.rowData.values.formattedValue").execute()
    assert without == {"sheets": [{"properties": {"title": "Satu"}}, {"properties": {"title": "Dua"}}]}
    assert given["sheets"][0]["data"][0]["rowData"][1] == {
        "values": [{"formattedValue": "05/07/2026"}, {"formattedValue": "a"}]
    }


def test_cells_show_what_was_entered_and_what_it_comes_to(spreadsheets, book):
    found = spreadsheets.get(spreadsheetId=book, ranges="Satu!A1:B3", includeGridData=True).execute()
    plain = {"effectiveFormat": {"textFormat": TEXT_FORMAT}}
    date = {"numberFormat": {"type": "DATE", "pattern": "dd/MM/yyyy"}, "textFormat": TEXT_FORMAT}
    title, serial, shown = {"stringValue": "Judul"}, {"numberValue": 46208}, {"stringValue": "a"}
    assert found["sheets"][0]["data"][0]["rowData"] == [
        {"values": [{"userEnteredValue": title, "effectiveValue": title, "formattedValue": "Judul", **plain}]},
        {
            "values": [
                {
                    "userEnteredValue": serial,
                    "effectiveValue": serial,
                    "formattedValue": "05/07/2026",
                    "userEnteredFormat": {"numberFormat": {"type": "DATE"}},
                    "effectiveFormat": date,
                },
                {
                    "userEnteredValue": {"formulaValue": '=HYPERLINK("https://a.example")'},
                    "effectiveValue": shown,
                    "formattedValue": "a",
                    "hyperlink": "https://a.example",
                    **plain,
                },
            ]
        },
        {
            "values": [
                {
                    "userEnteredValue": {"formulaValue": "=#N/A"},
                    "effectiveValue": {"errorValue": {"type": "N_A", "message": ""}},
                    "formattedValue": "#N/A",
                    **plain,
                }
            ]
        },
    ]


def test_ranges_choose_tabs_and_say_where_they_start(spreadsheets, book):
    found = spreadsheets.get(spreadsheetId=book, ranges=["Satu!B2:B3"], includeGridData=True).execute()
    (sheet,) = found["sheets"]
    data = sheet["data"][0]
    assert (data["startRow"], data["startColumn"], len(data["rowMetadata"]), len(data["rowData"])) == (1, 1, 2, 1)


def test_links_and_notes_are_shown(box, spreadsheets):
    made = box.google.add_spreadsheet("L", "", {"T": [[Formatted("x", "TEXT")]]})
    box.google.write(made, "T!B1", [["https://a.example/b"]])
    cell = {"note": "catatan"}
    box.google.edit(made, [{"updateCells": {"start": {}, "rows": [{"values": [cell]}], "fields": "note"}}])
    fields = "sheets.data.rowData.values(note,hyperlink,userEnteredFormat.numberFormat)"
    found = spreadsheets.get(spreadsheetId=made, fields=fields).execute()
    assert found["sheets"][0]["data"][0]["rowData"][0]["values"] == [
        {"note": "catatan", "userEnteredFormat": {"numberFormat": {"type": "TEXT"}}},
        {"hyperlink": "https://a.example/b"},
    ]


def test_a_mask_with_an_unknown_name_is_refused(spreadsheets, book):
    with pytest.raises(HttpError) as caught:
        spreadsheets.get(spreadsheetId=book, fields="sheets.sheetProperties").execute()
    assert "path 'sheets.sheetProperties'" in caught.value.error_details[0]["fieldViolations"][0]["description"]


def test_an_unknown_range_is_refused(spreadsheets, book):
    with pytest.raises(HttpError, match="Unable to parse range: Tiga"):
        spreadsheets.get(spreadsheetId=book, ranges="Tiga").execute()
