"""Protected ranges: nobody but their editors changes their cells, whatever the request."""

import pytest
from googleapiclient.errors import HttpError

TAB = "T"
US = "bot@agency.example"


@pytest.fixture
def book(box):
    """A spreadsheet whose cells B2:B4 a person has protected from all others."""
    made = box.google.add_spreadsheet(
        "Buku", "", {TAB: [[f"{letter}{row}" for letter in "abc"] for row in range(1, 7)]}
    )
    box.google.protect(made, f"{TAB}!B2:B4")
    return made


@pytest.fixture
def send(spreadsheets, book):
    return lambda *requests: spreadsheets.batchUpdate(spreadsheetId=book, body={"requests": list(requests)}).execute()


def area(top, bottom, left, right):
    return {
        "sheetId": 0,
        "startRowIndex": top,
        "endRowIndex": bottom,
        "startColumnIndex": left,
        "endColumnIndex": right,
    }


def lines(dimension, start, end):
    return {"sheetId": 0, "dimension": dimension, "startIndex": start, "endIndex": end}


def shown(spreadsheets, book):
    answer = spreadsheets.get(spreadsheetId=book, fields="sheets(protectedRanges)").execute()
    return [one for sheet in answer["sheets"] for one in sheet.get("protectedRanges", [])]


@pytest.mark.parametrize(
    "request_",
    [
        {
            "updateCells": {
                "start": {"rowIndex": 1, "columnIndex": 1},
                "rows": [{"values": [{}]}],
                "fields": "note,userEnteredValue",
            }
        },
        {"repeatCell": {"range": area(0, 6, 0, 3), "cell": {"note": "x"}, "fields": "note"}},
        {"findReplace": {"find": "b3", "replacement": "x", "sheetId": 0}},
        {"sortRange": {"range": area(0, 6, 0, 3), "sortSpecs": [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}]}},
        {"deleteDimension": {"range": lines("ROWS", 2, 3)}},
        {"insertDimension": {"range": lines("ROWS", 2, 3)}},
        {"moveDimension": {"source": lines("ROWS", 5, 6), "destinationIndex": 2}},
    ],
)
def test_a_request_that_changes_a_protected_cell_is_refused_whole(box, book, send, request_):
    before = box.google.grid(book, TAB)
    with pytest.raises(HttpError) as refused:
        send({"repeatCell": {"range": area(0, 1, 0, 1), "cell": {}, "fields": "userEnteredValue"}}, request_)
    assert refused.value.status_code == 400
    assert "You are trying to edit a protected cell or object." in refused.value.reason
    assert box.google.grid(book, TAB) == before


def test_values_are_refused_there_and_taken_beside_it(box, book, values):
    def write(where):
        body = {"valueInputOption": "RAW", "data": [{"range": where, "values": [["x"]]}]}
        values.batchUpdate(spreadsheetId=book, body=body).execute()

    with pytest.raises(HttpError, match="protected cell"):
        write(f"{TAB}!B3")
    with pytest.raises(HttpError, match="protected cell"):
        values.clear(spreadsheetId=book, range=f"{TAB}!A1:C6", body={}).execute()
    write(f"{TAB}!B5")
    assert [row[1] for row in box.google.grid(book, TAB)] == ["b1", "b2", "b3", "b4", "x", "b6"]


def test_rows_around_it_come_and_go_and_it_moves_along(box, book, send, spreadsheets):
    send({"insertDimension": {"range": lines("ROWS", 0, 1)}}, {"deleteDimension": {"range": lines("ROWS", 5, 6)}})
    [one] = shown(spreadsheets, book)
    assert (one["range"]["startRowIndex"], one["range"]["endRowIndex"]) == (2, 5)
    assert "requestingUserCanEdit" not in one
    assert "editors" not in one


@pytest.mark.parametrize("options", [{"editors": [US]}, {"warning": True}])
def test_editors_and_everybody_where_it_only_warns_may_write(box, book, send, spreadsheets, options):
    box.google.protect(book, f"{TAB}!C1:C2", **options)
    send({"repeatCell": {"range": area(0, 1, 2, 3), "cell": {"note": "x"}, "fields": "note"}})
    assert box.google.cell(book, f"{TAB}!C1").note == "x"
    assert [one.get("requestingUserCanEdit", False) for one in shown(spreadsheets, book)] == [False, True]


def test_who_protects_may_edit_and_change_it_and_others_may_not(box, book, send, spreadsheets):
    send({"addProtectedRange": {"protectedRange": {"protectedRangeId": 7, "range": {"sheetId": 0}}}})
    send(
        {
            "updateProtectedRange": {
                "protectedRange": {"protectedRangeId": 7, "description": "kita"},
                "fields": "description",
            }
        }
    )
    others, ours = shown(spreadsheets, book)
    assert (ours["description"], ours["editors"]) == ("kita", {"users": [US]})
    for kind, body in (
        (
            "updateProtectedRange",
            {"protectedRange": {"protectedRangeId": others["protectedRangeId"]}, "fields": "range"},
        ),
        ("deleteProtectedRange", {"protectedRangeId": others["protectedRangeId"]}),
    ):
        with pytest.raises(HttpError, match="protected cell"):
            send({kind: body})
    send({"deleteProtectedRange": {"protectedRangeId": 7}})
    assert len(shown(spreadsheets, book)) == 1


@pytest.mark.parametrize(
    ("protected", "message"),
    [
        ({"range": area(0, 1, 0, 1), "warningOnly": True, "editors": {"users": [US]}}, "Editors are not supported"),
        ({"range": area(0, 1, 0, 1), "unprotectedRanges": [area(0, 1, 0, 1)]}, "only supported on protected sheets"),
        ({"range": area(0, 1, 0, 1), "protectedRangeId": 9}, "already exists"),
        ({"namedRangeId": "x"}, "by range only"),
    ],
)
def test_what_google_does_not_take_is_refused(send, protected, message):
    send({"addProtectedRange": {"protectedRange": {"protectedRangeId": 9, "range": area(0, 1, 0, 1)}}})
    with pytest.raises(HttpError, match=message):
        send({"addProtectedRange": {"protectedRange": protected}})


def test_a_hole_in_a_protected_sheet_may_be_written(box, book, send):
    whole = {
        "range": {"sheetId": 0},
        "unprotectedRanges": [area(0, 1, 0, 1)],
        "editors": {"users": ["tini@agency.example"]},
    }
    box.google.edit(book, [{"addProtectedRange": {"protectedRange": whole}}])
    note = {"cell": {"note": "x"}, "fields": "note"}
    send({"repeatCell": {"range": area(0, 1, 0, 1), **note}})
    with pytest.raises(HttpError, match="protected cell"):
        send({"repeatCell": {"range": area(0, 1, 2, 3), **note}})
