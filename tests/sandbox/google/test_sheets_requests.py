"""`spreadsheets.batchUpdate`: what each kind of request does, and that a batch is all or nothing."""

import pytest
from googleapiclient.errors import HttpError

from sandbox.google.cells import Formatted, Text
from sandbox.google.state import GridRange


@pytest.fixture
def book(box):
    """A spreadsheet with a tab `T` of three columns and six rows, and an empty tab `U`."""
    rows = [[f"{letter}{row}" for letter in "abc"] for row in range(1, 7)]
    return box.google.add_spreadsheet("Buku", "", {"T": rows, "U": []})


@pytest.fixture
def carry_out(spreadsheets, book):
    """Sends requests and gives back their replies."""

    def send(*requests):
        return spreadsheets.batchUpdate(spreadsheetId=book, body={"requests": list(requests)}).execute()["replies"]

    return send


@pytest.fixture
def refusal(carry_out):
    """Sends requests that are refused and gives back the message."""

    def send(*requests):
        with pytest.raises(HttpError) as caught:
            carry_out(*requests)
        assert caught.value.status_code == 400
        return caught.value.reason

    return send


@pytest.fixture
def column(box, book):
    """The first column of tab `T`."""
    return lambda: [row[0] for row in box.google.grid(book, "T")]


def rows(start, end, sheet=0):
    return {"sheetId": sheet, "dimension": "ROWS", "startIndex": start, "endIndex": end}


def columns(start, end):
    return {"sheetId": 0, "dimension": "COLUMNS", "startIndex": start, "endIndex": end}


def area(top, bottom, left, right, sheet=0):
    return {
        "sheetId": sheet,
        "startRowIndex": top,
        "endRowIndex": bottom,
        "startColumnIndex": left,
        "endColumnIndex": right,
    }


def name_range(name, where, **more):
    return {"addNamedRange": {"namedRange": {"name": name, "range": where, **more}}}


# All or nothing


def test_replies_mirror_the_requests(carry_out):
    replies = carry_out(
        {"insertDimension": {"range": rows(0, 1)}},
        {"findReplace": {"find": "a1", "replacement": "z", "sheetId": 0}},
        {"deleteDimension": {"range": rows(0, 1)}},
    )
    assert [list(reply) for reply in replies] == [[], ["findReplace"], []]


def test_a_refused_request_undoes_those_before_it(box, book, refusal, column, files):
    version = files.get(fileId=book, fields="version").execute()
    message = refusal({"deleteDimension": {"range": rows(0, 3)}}, {"deleteNamedRange": {"namedRangeId": "nope"}})
    assert message == "Invalid requests[1].deleteNamedRange: Cannot find named range with id: nope"
    assert column() == ["a1", "a2", "a3", "a4", "a5", "a6"]
    assert files.get(fileId=book, fields="version").execute() == version


def test_requests_see_what_those_before_them_did(carry_out, column):
    carry_out({"deleteDimension": {"range": rows(0, 1)}}, {"deleteDimension": {"range": rows(0, 1)}})
    assert column() == ["a3", "a4", "a5", "a6"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({}, "Invalid requests[0]: No request set."),
        ({"addChart": {}}, "Invalid requests[0].addChart: the sandbox does not know this kind"),
        ({"findreplace": {}}, "Invalid JSON payload received. Unknown name \"findreplace\" at 'requests[0]'"),
        (
            {"deleteDimension": {"range": rows(0, "x")}},
            "Invalid value at 'requests[0].delete_dimension.range.end_index'",
        ),
        (
            {"deleteDimension": {}, "deleteSheet": {}},
            "Invalid value at 'requests[0]' (oneof), oneof field 'kind' is already set. Cannot set 'deleteSheet'",
        ),
        (
            {"deleteDimension": {"range": rows(0, 1, sheet=5)}},
            "Invalid requests[0].deleteDimension: No grid with id: 5",
        ),
    ],
    ids=["nothing", "unknown-here", "unknown-at-google", "wrong-type", "two-kinds", "no-such-tab"],
)
def test_requests_that_say_nothing_sensible_are_refused(refusal, request_, message):
    assert refusal(request_).startswith(message)


def test_a_batch_needs_a_request(refusal):
    assert refusal() == "Must specify at least one request."


# Rows and columns


def test_rows_are_inserted_before_the_start(box, book, carry_out, column):
    carry_out({"insertDimension": {"range": rows(1, 3)}})
    assert column() == ["a1", "", "", "a2", "a3", "a4", "a5", "a6"]
    assert box.google.spreadsheets[book].tab("T").row_count == 1002


def test_columns_are_inserted_and_deleted(box, book, carry_out):
    carry_out({"insertDimension": {"range": columns(1, 2)}}, {"deleteDimension": {"range": columns(3, 4)}})
    assert box.google.grid(book, "T")[0] == ["a1", "", "b1"]


def test_inserted_rows_take_their_format_from_the_side_that_is_asked_for(box, book, carry_out):
    text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    carry_out(
        {"repeatCell": {"range": area(0, 1, 0, 1), "cell": text, "fields": "userEnteredFormat.numberFormat"}},
        {"insertDimension": {"range": rows(1, 2), "inheritFromBefore": True}},
        {"insertDimension": {"range": rows(3, 4)}},
    )
    assert [box.google.cell(book, f"T!A{row}").is_text for row in (1, 2, 3, 4)] == [True, True, False, False]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (0, ["a3", "a4", "a1", "a2", "a5", "a6"]),
        (2, ["a1", "a2", "a3", "a4", "a5", "a6"]),
        (4, ["a1", "a2", "a3", "a4", "a5", "a6"]),
        (6, ["a1", "a2", "a5", "a6", "a3", "a4"]),
    ],
)
def test_rows_move_to_where_they_are_sent(carry_out, column, target, expected):
    carry_out({"moveDimension": {"source": rows(2, 4), "destinationIndex": target}})
    assert column() == expected


def test_columns_move(box, book, carry_out):
    carry_out({"moveDimension": {"source": columns(0, 1), "destinationIndex": 3}})
    assert box.google.grid(book, "T")[0] == ["b1", "c1", "a1"]


@pytest.mark.parametrize(
    "request_",
    [
        {"insertDimension": {"range": rows(1001, 1002)}},
        {"insertDimension": {"range": rows(3, 3)}},
        {"insertDimension": {"range": rows(0, 1), "inheritFromBefore": True}},
        {"insertDimension": {"range": {"sheetId": 0, "startIndex": 0, "endIndex": 1}}},
        {"deleteDimension": {"range": rows(0, 1000)}},
        {"deleteDimension": {"range": rows(999, 1001)}},
        {"moveDimension": {"source": rows(2, 5), "destinationIndex": 3}},
        {"moveDimension": {"source": rows(2, 5), "destinationIndex": 1001}},
        {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 0}},
    ],
    ids=["past-the-end", "empty", "nothing-before", "no-dimension", "all-rows", "beyond-grid", "into-itself",
         "move-beyond", "append-nothing"],
)  # fmt: skip
def test_impossible_changes_of_rows_are_refused(refusal, request_):
    assert refusal(request_).startswith(f"Invalid requests[0].{next(iter(request_))}: ")


def test_rows_are_appended_to_the_grid(box, book, carry_out):
    carry_out({"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 5}})
    assert box.google.spreadsheets[book].tab("T").row_count == 1005


# What points at rows moves with them


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"insertDimension": {"range": rows(0, 2)}}, (4, 6)),
        ({"insertDimension": {"range": rows(3, 4)}}, (2, 5)),
        ({"insertDimension": {"range": rows(4, 5)}}, (2, 4)),
        ({"deleteDimension": {"range": rows(0, 1)}}, (1, 3)),
        ({"deleteDimension": {"range": rows(3, 5)}}, (2, 3)),
        ({"deleteDimension": {"range": rows(1, 6)}}, None),
        ({"moveDimension": {"source": rows(0, 1), "destinationIndex": 6}}, (1, 3)),
        ({"moveDimension": {"source": rows(2, 4), "destinationIndex": 0}}, (0, 2)),
        ({"insertDimension": {"range": rows(0, 1, sheet=7919)}}, (2, 4)),
    ],
    ids=["insert-before", "insert-inside", "insert-after", "delete-before", "delete-part", "delete-all", "move-past",
         "moved-itself", "other-tab"],
)  # fmt: skip
def test_a_named_range_moves_with_its_rows(box, book, carry_out, change, expected):
    carry_out(name_range("kunci", area(2, 4, 0, 3)), change)
    named = box.google.spreadsheets[book].named_ranges[0]
    found = None if named.range is None else (named.range.span.top, named.range.span.bottom)
    assert found == expected


def test_metadata_follows_its_row_and_goes_with_it(site, book):
    def anchor(row):
        location = {"dimensionRange": rows(row, row + 1)}
        return {
            "createDeveloperMetadata": {
                "developerMetadata": {"metadataKey": "baris", "visibility": "PROJECT", "location": location}
            }
        }

    site.batch(book, anchor(1), anchor(4), {"insertDimension": {"range": rows(0, 1)}})
    site.batch(book, {"deleteDimension": {"range": rows(5, 6)}})
    body = {"dataFilters": [{"developerMetadataLookup": {"metadataKey": "baris"}}]}
    found = site.sheets("POST", f"{book}/developerMetadata:search", body=body).json()["matchedDeveloperMetadata"]
    assert [one["developerMetadata"]["location"]["dimensionRange"]["startIndex"] for one in found] == [2]


# Named ranges as a lock


def test_a_named_range_gets_an_id_of_its_own(box, book, carry_out):
    (reply,) = carry_out(name_range("kunci", area(0, 1, 0, 1)))
    made = reply["addNamedRange"]["namedRange"]
    assert made["namedRangeId"]
    assert made["range"] == area(0, 1, 0, 1)


def test_a_named_ranges_id_may_be_chosen_once(box, book, carry_out, refusal):
    carry_out(name_range("pertama", area(0, 1, 0, 1), namedRangeId="lock"))
    message = refusal(name_range("kedua", area(0, 1, 0, 1), namedRangeId="lock"))
    assert message.startswith("Invalid requests[0].addNamedRange: ")
    assert "already exists" in message
    assert [named.name for named in box.google.spreadsheets[book].named_ranges] == ["pertama"]


def test_a_named_ranges_name_may_be_used_once(carry_out, refusal):
    carry_out(name_range("kunci", area(0, 1, 0, 1)))
    assert refusal(name_range("KUNCI", area(0, 1, 0, 1))) == (
        "Invalid requests[0].addNamedRange: Cannot add named range with name: KUNCI, a named range with that name "
        "already exists."
    )


@pytest.mark.parametrize("name", ["", "dua kata", "A1", "ABC123", "R1C1", "1satu", "a-b", "true", "x" * 251, "a.b"])
def test_bad_names_of_ranges_are_refused(refusal, name):
    assert refusal(name_range(name, area(0, 1, 0, 1))).startswith("Invalid requests[0].addNamedRange: Invalid name: ")


@pytest.mark.parametrize("name", ["kunci", "_k", "Lock_2026_host", "çok"])
def test_good_names_of_ranges_are_taken(carry_out, name):
    assert carry_out(name_range(name, area(0, 1, 0, 1)))


def test_a_named_range_is_updated_by_its_mask_only(box, book, carry_out):
    carry_out(name_range("lama", area(0, 1, 0, 1), namedRangeId="lock"))
    changed = {"namedRangeId": "lock", "name": "baru", "range": area(5, 6, 0, 1)}
    carry_out({"updateNamedRange": {"namedRange": changed, "fields": "name"}})
    named = box.google.spreadsheets[book].named_ranges[0]
    assert (named.name, named.range) == ("baru", GridRange.from_json(area(0, 1, 0, 1)))


def test_a_deleted_named_range_can_be_taken_again(box, book, carry_out, refusal):
    carry_out(name_range("kunci", area(0, 1, 0, 1), namedRangeId="lock"))
    carry_out({"deleteNamedRange": {"namedRangeId": "lock"}})
    assert "Cannot find named range" in refusal({"deleteNamedRange": {"namedRangeId": "lock"}})
    carry_out(name_range("kunci", area(0, 1, 0, 1), namedRangeId="lock"))


# Cells


def test_update_cells_writes_what_the_mask_names_and_clears_the_rest_of_the_range(box, book, carry_out):
    cell = {"userEnteredValue": {"stringValue": "5/7/2026"}, "note": "catatan"}
    carry_out(
        {"updateCells": {"range": area(0, 2, 0, 2), "rows": [{"values": [cell]}], "fields": "userEnteredValue,note"}}
    )
    assert [row[:2] for row in box.google.grid(book, "T")[:3]] == [["5/7/2026", ""], ["", ""], ["a3", "b3"]]
    assert box.google.cell(book, "T!A1").note == "catatan"


def test_update_cells_from_a_start_leaves_the_rest_alone(box, book, carry_out):
    rows_ = [{"values": [{"userEnteredValue": {"numberValue": 5}}, {"userEnteredValue": {"formulaValue": "=A1"}}]}]
    start = {"sheetId": 0, "rowIndex": 2, "columnIndex": 1}
    carry_out({"updateCells": {"start": start, "rows": rows_, "fields": "userEnteredValue"}})
    assert box.google.grid(book, "T")[2] == ["a3", 5, "#ERROR!"]


def test_a_note_can_be_written_without_touching_the_value(box, book, carry_out):
    start = {"sheetId": 0, "rowIndex": 0, "columnIndex": 0}
    carry_out({"updateCells": {"start": start, "rows": [{"values": [{"note": "n"}]}], "fields": "note"}})
    cell = box.google.cell(book, "T!A1")
    assert (cell.value, cell.note) == ("a1", "n")


def test_repeat_cell_keeps_other_parts_of_the_format(box, book, carry_out):
    bold = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    where = area(0, 2, 0, 1)
    carry_out(
        {"repeatCell": {"range": where, "cell": bold, "fields": "userEnteredFormat"}},
        {"repeatCell": {"range": where, "cell": text, "fields": "userEnteredFormat.numberFormat"}},
    )
    expected = {"textFormat": {"bold": True}, "numberFormat": {"type": "TEXT"}}
    assert [box.google.cell(book, address).format for address in ("T!A1", "T!A2", "T!B1")] == [expected, expected, None]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"repeatCell": {"range": area(0, 1, 0, 1), "cell": {}}}, "At least one field must be listed in 'fields'."),
        ({"repeatCell": {"range": area(0, 1, 0, 1), "cell": {}, "fields": "nope"}}, "Invalid field: nope"),
        (
            {"repeatCell": {"range": area(1000, 1001, 0, 1), "cell": {}, "fields": "note"}},
            "Range (T!A1001) exceeds grid limits. Max rows: 1000, max columns: 26",
        ),
        (
            {"updateCells": {"start": {"rowIndex": 1000}, "rows": [{"values": [{}]}], "fields": "note"}},
            "Attempting to write row: 1000, beyond the last requested row of: 999",
        ),
        (
            {"updateCells": {"range": area(0, 1, 0, 1), "rows": [{"values": [{}, {}]}], "fields": "note"}},
            "Attempting to write more rows or columns than the range has.",
        ),
        (
            {"updateCells": {"start": {}, "rows": [{"values": [{}]}], "fields": "dataValidation"}},
            "The sandbox does not know how to write dataValidation of a cell.",
        ),
    ],
    ids=["no-mask", "unknown-field", "past-the-grid", "start-past-the-grid", "more-than-the-range", "not-faked"],
)
def test_cells_that_cannot_be_written_are_refused(refusal, request_, message):
    assert refusal(request_).startswith(f"Invalid requests[0].{next(iter(request_))}: {message}")


def test_rows_are_sorted_numbers_first_blanks_last(box, carry_out, spreadsheets):
    made = box.google.add_spreadsheet("S", "", {"T": [["b", 1], [None, 2], [10, 3], ["A", 4], [9, 5], [True, 6]]})

    def sort(order):
        spec = {"dimensionIndex": 0, "sortOrder": order}
        body = {"requests": [{"sortRange": {"range": area(0, 6, 0, 2), "sortSpecs": [spec]}}]}
        spreadsheets.batchUpdate(spreadsheetId=made, body=body).execute()
        return [row[1] for row in box.google.grid(made, "T")]

    assert (sort("ASCENDING"), sort("DESCENDING")) == ([5, 3, 4, 1, 6, 2], [6, 1, 4, 3, 5, 2])


def test_sorting_part_of_the_columns_leaves_the_others(box, book, carry_out):
    spec = {"dimensionIndex": 0, "sortOrder": "DESCENDING"}
    carry_out({"sortRange": {"range": area(0, 6, 0, 1), "sortSpecs": [spec]}})
    assert [row[:2] for row in box.google.grid(book, "T")][:2] == [["a6", "b1"], ["a5", "b2"]]


def test_cells_are_cut_and_pasted(box, book, carry_out):
    target = {"sheetId": 0, "rowIndex": 6, "columnIndex": 0}
    carry_out({"cutPaste": {"source": area(0, 1, 0, 3), "destination": target, "pasteType": "PASTE_NORMAL"}})
    grid = box.google.grid(book, "T")
    assert (grid[0], grid[6]) == (["", "", ""], ["a1", "b1", "c1"])


def test_copies_fill_the_destination(box, book, carry_out):
    carry_out({"copyPaste": {"source": area(0, 1, 0, 1), "destination": area(6, 9, 0, 2), "pasteType": "PASTE_NORMAL"}})
    assert [row[:2] for row in box.google.grid(book, "T")[6:]] == [["a1", "a1"]] * 3


def test_values_can_be_pasted_without_their_format(box, carry_out, spreadsheets):
    made = box.google.add_spreadsheet("S", "", {"T": [[Formatted(5, "TEXT"), None]]})
    request = {"copyPaste": {"source": area(0, 1, 0, 1), "destination": area(0, 1, 1, 2), "pasteType": "PASTE_VALUES"}}
    spreadsheets.batchUpdate(spreadsheetId=made, body={"requests": [request]}).execute()
    cell = box.google.cell(made, "T!B1")
    assert (cell.value, cell.format) == (5.0, None)


# Tabs


def test_tabs_are_added_renamed_and_deleted(box, book, carry_out, refusal):
    (reply,) = carry_out({"addSheet": {"properties": {"title": "Baru", "index": 0}}})
    made = reply["addSheet"]["properties"]
    assert (made["title"], made["index"], made["gridProperties"]) == ("Baru", 0, {"rowCount": 1000, "columnCount": 26})
    carry_out(
        {"updateSheetProperties": {"properties": {"sheetId": made["sheetId"], "title": "Lain"}, "fields": "title"}}
    )
    assert [tab.title for tab in box.google.spreadsheets[book].tabs] == ["Lain", "T", "U"]
    carry_out({"deleteSheet": {"sheetId": made["sheetId"]}}, {"deleteSheet": {"sheetId": 7919}})
    assert "You can't remove all the visible sheets" in refusal({"deleteSheet": {"sheetId": 0}})


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"addSheet": {"properties": {"title": "t"}}}, 'A sheet with the name "t" already exists.'),
        ({"addSheet": {"properties": {"sheetId": 0}}}, "A sheet with the id 0 already exists."),
        (
            {"updateSheetProperties": {"properties": {"sheetId": 0, "title": "U"}, "fields": "title"}},
            'A sheet with the name "U" already exists.',
        ),
        (
            {"updateSheetProperties": {"properties": {"sheetId": 0, "hidden": True}}},
            "At least one field must be listed",
        ),
        (
            {"updateSheetProperties": {"properties": {"sheetId": 0}, "fields": "gridProperties.rowCount"}},
            "A sheet must have at least one row",
        ),
    ],
    ids=["title-taken", "id-taken", "rename-onto-another", "no-mask", "no-rows"],
)
def test_tabs_that_cannot_be_are_refused(refusal, request_, message):
    assert refusal(request_).startswith(f"Invalid requests[0].{next(iter(request_))}: {message}")


def test_a_smaller_grid_loses_what_lies_outside(box, book, carry_out):
    smaller = {"sheetId": 0, "gridProperties": {"rowCount": 2, "columnCount": 2}}
    carry_out({"updateSheetProperties": {"properties": smaller, "fields": "gridProperties(rowCount,columnCount)"}})
    assert box.google.grid(book, "T") == [["a1", "b1"], ["a2", "b2"]]


# Find and replace


def find(find_, replacement, **more):
    scope = {} if more.keys() & {"range", "sheetId", "allSheets"} else {"sheetId": 0}
    return {"findReplace": {"find": find_, "replacement": replacement, **scope, **more}}


@pytest.fixture
def replaced(box, spreadsheets):
    """The cells of one column and the reply after a find and replace."""

    def run(cells, request_, locale="id_ID"):
        made = box.google.add_spreadsheet("F", "", {"T": [[cell] for cell in cells]}, locale=locale)
        answer = spreadsheets.batchUpdate(spreadsheetId=made, body={"requests": [request_]}).execute()
        return [row[0] for row in box.google.grid(made, "T")], answer["replies"][0]["findReplace"]

    return run


@pytest.mark.parametrize(
    ("cells", "options", "expected"),
    [
        (["token", "a token b", "Token"], {}, ["x", "a x b", "x"]),
        (["token", "a token b", "Token"], {"matchCase": True}, ["x", "a x b", "Token"]),
        (["token", "a token b", "Token"], {"matchEntireCell": True}, ["x", "a token b", "x"]),
        (["token", "a token b", "Token"], {"matchEntireCell": True, "matchCase": True}, ["x", "a token b", "Token"]),
    ],
    ids=["anywhere", "by-case", "whole-cell", "whole-cell-by-case"],
)
def test_text_is_found_as_asked(replaced, cells, options, expected):
    assert replaced(cells, find("token", "x", **options))[0] == expected


def test_everything_that_changed_is_counted(replaced):
    _, reply = replaced(["aXbXc", "X", "d"], find("X", "-", matchCase=True))
    assert reply == {"valuesChanged": 2, "rowsChanged": 2, "sheetsChanged": 1, "occurrencesChanged": 3}


def test_nothing_found_is_an_empty_reply(replaced):
    assert replaced(["a"], find("z", "y")) == (["a"], {})


def test_the_replacement_is_read_like_typed_in_text(replaced):
    grid, _ = replaced(["cp-1", "cp-2", "cp-3"], find("cp-1", "MAR-12", matchEntireCell=True))
    assert grid == [46093, "cp-2", "cp-3"]


def test_a_cell_formatted_as_text_keeps_the_replacement_as_text(replaced):
    grid, _ = replaced([Formatted("cp-1", "TEXT")], find("cp-1", "MAR-12", matchEntireCell=True))
    assert grid == ["MAR-12"]


def test_a_key_that_is_no_date_stays_text(replaced):
    assert replaced(["cp-1"], find("cp-1", "CP-12", matchEntireCell=True))[0] == ["CP-12"]


def test_the_search_sees_what_a_person_sees(replaced):
    assert replaced([1234.5, Formatted(0.35, "PERCENT", "0%")], find("35%", "x"))[0] == [1234.5, "x"]


def test_formulas_are_searched_only_when_asked_for(replaced):
    cells = ["=A1+1", Text("=A1+1")]
    assert replaced(cells, find("A1", "B1"))[1]["valuesChanged"] == 1
    _, reply = replaced(cells, find("A1", "B1", includeFormulas=True))
    assert (reply["formulasChanged"], reply["valuesChanged"]) == (1, 1)


def test_regular_expressions_can_use_groups(replaced):
    request_ = find(r"^cp-(\w+)$", "$1!", searchByRegex=True)
    assert replaced(["cp-abc", "xcp-abc"], request_)[0] == ["abc!", "xcp-abc"]


def test_a_replacement_without_regex_is_taken_as_it_stands(replaced):
    assert replaced(["a.b"], find("a.b", r"$1\1"))[0] == [r"$1\1"]


def test_a_range_limits_the_search(box, book, carry_out):
    carry_out(find("a", "z", range=area(1, 3, 0, 1)))
    assert [row[0] for row in box.google.grid(book, "T")] == ["a1", "z2", "z3", "a4", "a5", "a6"]


def test_all_sheets_are_searched_when_asked_for(box, spreadsheets):
    made = box.google.add_spreadsheet("F", "", {"T": [["x"]], "U": [["x"]]})
    body = {"requests": [find("x", "y", allSheets=True)]}
    reply = spreadsheets.batchUpdate(spreadsheetId=made, body=body).execute()["replies"][0]["findReplace"]
    assert (reply["sheetsChanged"], box.google.grid(made, "U")) == (2, [["y"]])


@pytest.mark.parametrize(
    "request_",
    [
        {"findReplace": {"find": "a", "replacement": "b"}},
        find("a", "b", sheetId=0, allSheets=True),
        find("a", "b", sheetId=99),
        find("", "b"),
        find("(", "b", searchByRegex=True),
        find("a", "$7", searchByRegex=True),
    ],
    ids=["no-scope", "two-scopes", "no-such-tab", "nothing-to-find", "bad-regex", "no-such-group"],
)
def test_a_search_that_cannot_be_is_refused(refusal, request_):
    assert refusal(request_).startswith("Invalid requests[0].findReplace: ")


def test_a_token_that_was_copied_is_counted_twice(replaced):
    _, reply = replaced(["cp-1", "cp-1"], find("cp-1", "CP-1", matchEntireCell=True))
    assert reply["occurrencesChanged"] == 2
