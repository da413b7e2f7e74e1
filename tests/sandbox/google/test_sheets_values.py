"""Values read and written by A1 ranges."""

import datetime as dt

import pytest
from googleapiclient.errors import HttpError

from sandbox.google.cells import ErrorValue, Formatted, Formula, Text
from sandbox.google.state import OFFICE_TYPES


def refused(request):
    """The message of a 400."""
    with pytest.raises(HttpError) as caught:
        request.execute()
    assert caught.value.status_code == 400, caught.value
    return caught.value.reason


@pytest.fixture
def book(box):
    """Adds a spreadsheet of one tab `T`."""

    def add(*rows, locale="id_ID", **more):
        return box.google.add_spreadsheet("Buku", "", {"T": [list(row) for row in rows], **more}, locale=locale)

    return add


MOMENT = dt.datetime(2026, 7, 5, 14, 30)  # noqa: DTZ001 - sheets have no time zone in their cells


@pytest.mark.parametrize(
    ("content", "locale", "formatted", "unformatted", "formula"),
    [
        pytest.param("teks", "id_ID", "teks", "teks", "teks", id="text"),
        pytest.param(2, "id_ID", "2", 2, 2, id="whole-number"),
        pytest.param(1234.5, "id_ID", "1234,5", 1234.5, 1234.5, id="decimal-comma"),
        pytest.param(1234.5, "en_US", "1234.5", 1234.5, 1234.5, id="decimal-point"),
        pytest.param(1 / 3, "en_US", "0.3333333333", 1 / 3, 1 / 3, id="ten-digits"),
        pytest.param(True, "id_ID", "TRUE", True, True, id="boolean"),
        pytest.param(dt.date(2026, 7, 5), "id_ID", "05/07/2026", 46208, 46208, id="date-id"),
        pytest.param(dt.date(2026, 7, 5), "en_US", "7/5/2026", 46208, 46208, id="date-us"),
        pytest.param(dt.date(1900, 1, 1), "en_US", "1/1/1900", 2, 2, id="first-of-1900"),
        pytest.param(MOMENT, "id_ID", "05/07/2026 14.30.00", 46208.604166666664, 46208.604166666664, id="date-time"),
        pytest.param(dt.time(10, 0), "en_US", "10:00:00 AM", 10 / 24, 10 / 24, id="time"),
        pytest.param(Formatted(MOMENT.date(), "DATE", "dddd, d mmmm yyyy"), "id_ID", "Minggu, 5 Juli 2026", 46208, 46208,
                     id="names"),
        pytest.param(Formatted(46208.604166666664, "DATE_TIME", "d mmm yy h:mm am/pm"), "en_US", "5 Jul 26 2:30 PM",
                     46208.604166666664, 46208.604166666664, id="minutes-are-not-months"),
        pytest.param(Formatted(1500000, "CURRENCY", '"Rp"#,##0'), "id_ID", "Rp1.500.000", 1500000, 1500000, id="rupiah"),
        pytest.param(Formatted(-1500.5, "NUMBER", "#,##0.00"), "en_US", "-1,500.50", -1500.5, -1500.5, id="grouped"),
        pytest.param(Formatted(0.35, "PERCENT", "0%"), "id_ID", "35%", 0.35, 0.35, id="percent"),
        pytest.param(Formatted(7, "NUMBER", "000"), "id_ID", "007", 7, 7, id="leading-zeros"),
        pytest.param(Formatted(12345, "SCIENTIFIC", "0.00E+00"), "en_US", "1.23E+04", 12345, 12345, id="scientific"),
        pytest.param(ErrorValue("REF"), "id_ID", "#REF!", "#REF!", "=#REF!", id="error"),
        pytest.param(Formula("=4/2", 2), "id_ID", "2", 2, "=4/2", id="formula"),
        pytest.param("=A1+1", "id_ID", "#ERROR!", "#ERROR!", "=A1+1", id="formula-not-computed"),
        pytest.param(Text("=A1+1"), "id_ID", "=A1+1", "=A1+1", "=A1+1", id="text-like-a-formula"),
        pytest.param(12345678901234567, "en_US", "1.23456789E+16", 12345678901234568, 12345678901234568, id="precision"),
    ],
)  # fmt: skip
def test_values_are_rendered_as_sheets_renders_them(values, book, content, locale, formatted, unformatted, formula):
    made = book([content], locale=locale)
    wanted = {"FORMATTED_VALUE": formatted, "UNFORMATTED_VALUE": unformatted, "FORMULA": formula}
    found = {
        option: values.get(spreadsheetId=made, range="T", valueRenderOption=option).execute()["values"][0][0]
        for option in wanted
    }
    assert found == wanted


def test_dates_can_be_asked_for_as_text_among_unformatted_values(values, book):
    made = book([MOMENT.date(), 5])
    found = values.get(
        spreadsheetId=made,
        range="T",
        valueRenderOption="UNFORMATTED_VALUE",
        dateTimeRenderOption="FORMATTED_STRING",
    ).execute()
    assert found["values"] == [["05/07/2026", 5]]


def test_rows_are_ragged(values, book):
    made = book(["1"], [None, None, "title"], [], [None, None, "2"], ["num", None, None, "0", None], [None])
    found = values.get(spreadsheetId=made, range="T!A1:F20").execute()["values"]
    assert found == [["1"], ["", "", "title"], [], ["", "", "2"], ["num", "", "", "0"]]


def test_an_empty_range_has_no_values(values, book):
    made = book(["x"])
    assert values.get(spreadsheetId=made, range="T!A2:D6").execute() == {"range": "T!A2:D6", "majorDimension": "ROWS"}


def test_columns_can_be_the_major_dimension(values, book):
    made = book(["a", "b"], ["c"])
    found = values.get(spreadsheetId=made, range="T", majorDimension="COLUMNS").execute()
    assert (found["majorDimension"], found["values"]) == ("COLUMNS", [["a", "c"], ["b"]])


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        pytest.param("T", "T!A1:Z1000", id="tab"),
        pytest.param("'T'!A1:1", "T!A1:Z1", id="to-the-edge"),
        pytest.param("T!A:C", "T!A1:C1000", id="columns"),
        pytest.param("T!2:3", "T!A2:Z3", id="rows"),
        pytest.param("T!B5:C", "T!B5:C1000", id="open-end"),
        pytest.param("T!C3:A1", "T!A1:C3", id="corners-the-other-way"),
        pytest.param("T!A1:ZZ2000", "T!A1:Z1000", id="cut-at-the-edge"),
        pytest.param("B2", "T!B2", id="first-tab"),
        pytest.param("$B$2:$C$3", "T!B2:C3", id="absolute"),
        pytest.param("'Bu Tini''s'!A1", "'Bu Tini''s'!A1", id="quotes-needed"),
        pytest.param("Bu Tini's!A1", "'Bu Tini''s'!A1", id="quotes-not-given"),
        pytest.param("'A1'!B1", "'A1'!B1", id="tab-like-a-cell"),
        pytest.param("A1", "T!A1", id="cell-before-tab"),
        pytest.param("named", "'A1'!B2:B3", id="named-range"),
        pytest.param("🌵 x!A1", "'🌵 x'!A1", id="emoji"),
        pytest.param("'A/B: C'!A1", "'A/B: C'!A1", id="slash-and-colon"),
    ],
)
def test_a_range_is_answered_as_sheets_writes_it(box, values, book, asked, answered):
    made = book(["x"], **{"Bu Tini's": [["y"]], "A1": [["z"]], "🌵 x": [["w"]], "A/B: C": [["v"]]})
    where = {"sheetId": 2 * 7919, "startRowIndex": 1, "endRowIndex": 3, "startColumnIndex": 1, "endColumnIndex": 2}
    box.google.edit(made, [{"addNamedRange": {"namedRange": {"name": "named", "range": where}}}])
    assert values.get(spreadsheetId=made, range=asked).execute()["range"] == answered


@pytest.mark.parametrize("text", ["Nope!A1", "T!", "T!A", "T!A1:", "T!1", "'T!A1", "T!A0", "T!A1:B2:C3", "t!A1"])
def test_an_unknown_range_cannot_be_parsed(values, book, text):
    made = book(["x"])
    if text == "T!":
        assert values.get(spreadsheetId=made, range=text).execute()["range"] == "T!A1:Z1000"
    else:
        assert refused(values.get(spreadsheetId=made, range=text)) == f"Unable to parse range: {text}"


@pytest.mark.parametrize(
    ("text", "named"), [("T!AA1", "T!AA1"), ("T!A1001:B1002", "T!A1001:B1002"), ("T!A1001:B", "T!A1001:B")]
)
def test_a_range_past_the_edge_exceeds_the_grid(values, book, text, named):
    message = refused(values.get(spreadsheetId=book(["x"]), range=text))
    assert message == f"Range ({named}) exceeds grid limits. Max rows: 1000, max columns: 26"


def test_a_long_query_comes_as_a_post_and_is_a_get(box, values, book):
    made = book(["x"])
    ranges = [f"T!A{row}:Z{row}" for row in range(1, 201)]
    found = values.batchGet(spreadsheetId=made, ranges=ranges).execute()["valueRanges"]
    assert ([part["range"] for part in found], found[0]["values"]) == (ranges, [["x"]])
    assert box.journal[-1].method == "GET"


def test_fields_cut_the_answer(values, book):
    made = book(["x"])
    found = values.batchGet(spreadsheetId=made, ranges=["T", "T"], fields="valueRanges(values)").execute()
    assert found == {"valueRanges": [{"values": [["x"]]}, {"values": [["x"]]}]}


@pytest.mark.parametrize("fields", ["nope", "values,range.x", "values(", "values,,range"])
def test_fields_that_do_not_exist_are_refused(values, book, fields):
    with pytest.raises(HttpError) as caught:
        values.get(spreadsheetId=book(["x"]), range="T", fields=fields).execute()
    violation = caught.value.error_details[0]["fieldViolations"][0]
    assert violation["description"].startswith(
        "Error expanding 'fields' parameter. Cannot find matching fields for path"
    )


def test_unknown_query_parameters_are_refused(site, book):
    answer = site.sheets("GET", f"{book(['x'])}/values/T", params={"valuesRenderOption": "FORMULA"})
    assert answer.status_code == 400
    assert 'Unknown name "valuesRenderOption"' in answer.json()["error"]["message"]


# Writing


def update(values, book, where, rows, option="RAW", **more):
    return values.update(
        spreadsheetId=book, range=where, valueInputOption=option, body={"values": rows}, **more
    ).execute()


def test_null_leaves_a_cell_alone_and_empty_text_clears_it(box, values, book):
    made = book(["a", "b", "c"])
    answer = update(values, made, "T!A1:C1", [[None, "", "C"]])
    assert box.google.grid(made, "T") == [["a", "", "C"]]
    assert answer == {
        "spreadsheetId": made,
        "updatedRange": "T!A1:C1",
        "updatedRows": 1,
        "updatedColumns": 2,
        "updatedCells": 2,
    }


def test_a_column_of_nulls_reaches_one_row(box, values, book):
    made = book(["a"], ["b"], ["c"])
    update(values, made, "T!B1:B3", [[None], [None], ["KEY"]])
    assert box.google.grid(made, "T") == [["a", ""], ["b", ""], ["c", "KEY"]]


def test_a_single_cell_is_where_writing_starts(box, values, book):
    made = book(["a"])
    answer = update(values, made, "T!B2", [["1", "2"], ["3"]])
    assert (answer["updatedRange"], box.google.grid(made, "T")) == (
        "T!B2:C3",
        [["a", "", ""], ["", "1", "2"], ["", "3", ""]],
    )


@pytest.mark.parametrize(
    ("where", "rows", "message"),
    [
        ("T!A1:B2", [["a"], ["b"], ["c"]], "Requested writing within range [T!A1:B2], but tried writing to row [3]"),
        ("T!A1:B2", [["a", "b", "c"]], "Requested writing within range [T!A1:B2], but tried writing to column [C]"),
        ("T!A1000", [["a"], ["b"]], "Requested writing within range [T!A1000], but tried writing to row [1001]"),
        ("T!A1001", [["a"]], "Range (T!A1001) exceeds grid limits. Max rows: 1000, max columns: 26"),
        ("T!A1", [[["a"]]], 'Invalid values[0][0]: list_value ["a"]'),
        ("T!A1", [[{"a": 1}]], 'Invalid values[0][0]: struct_value {"a": 1}'),
        ("T!A1", [["x" * 50_001]], "Your input contains more than the maximum of 50000 characters in a single cell."),
    ],
    ids=["too-many-rows", "too-many-columns", "past-the-last-row", "outside", "list", "object", "too-long"],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(box, values, book, where, rows, message):
    made = book(["keep"])
    request = values.update(spreadsheetId=made, range=where, valueInputOption="RAW", body={"values": rows})
    assert refused(request) == message
    assert box.google.grid(made, "T") == [["keep"]]


def test_a_batch_of_writes_is_all_or_nothing(box, values, book):
    made = book(["keep"])
    body = {
        "valueInputOption": "RAW",
        "data": [{"range": "T!A1", "values": [["new"]]}, {"range": "Nope!A1", "values": [["x"]]}],
    }
    message = refused(values.batchUpdate(spreadsheetId=made, body=body))
    assert (message, box.google.grid(made, "T")) == ("Invalid data[1]: Unable to parse range: Nope!A1", [["keep"]])


def test_a_batch_of_writes_adds_up_what_it_did(values, book):
    made = book(["x"], Lain=[["y"]])
    data = [{"range": "T!A1:B2", "values": [["a", "b"], ["c"]]}, {"range": "Lain!C1", "values": [[1]]}]
    answer = values.batchUpdate(spreadsheetId=made, body={"valueInputOption": "RAW", "data": data}).execute()
    totals = {name: value for name, value in answer.items() if name.startswith("total")}
    assert totals == {"totalUpdatedRows": 3, "totalUpdatedColumns": 3, "totalUpdatedCells": 4, "totalUpdatedSheets": 2}
    assert [part["updatedRange"] for part in answer["responses"]] == ["T!A1:B2", "Lain!C1"]


def test_the_way_of_entering_must_be_named(site, book):
    answer = site.sheets("PUT", f"{book(['x'])}/values/T!A1", body={"values": [["y"]]})
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "'valueInputOption' is required but not specified",
    )


def test_names_google_does_not_know_are_refused_before_anything_else(site, book):
    answer = site.sheets("PUT", f"{book(['x'])}/values/T!A1?valueInputOption=RAW", body={"value": [["y"]]})
    assert answer.status_code == 400
    assert 'Unknown name "value"' in answer.json()["error"]["message"]


def test_clearing_leaves_formats_and_notes(box, values, book):
    made = book([Formatted(5, "TEXT"), "b"])
    box.google.edit(made, [{"updateCells": {"rows": [{"values": [{"note": "n"}]}], "fields": "note",
                                            "start": {"sheetId": 0}}}])  # fmt: skip
    answer = values.clear(spreadsheetId=made, range="T!A1:B5", body={}).execute()
    cell = box.google.cell(made, "T!A1")
    assert answer == {"spreadsheetId": made, "clearedRange": "T!A1:B5"}
    assert (cell.value, cell.is_text, cell.note) == (None, True, "n")


def test_every_write_moves_the_files_version(box, clock, values, book, files):
    made = book(["x"])
    before = files.get(fileId=made, fields="version,modifiedTime").execute()
    clock.move(60)
    update(values, made, "T!A1", [["y"]])
    after = files.get(fileId=made, fields="version,modifiedTime").execute()
    assert int(after["version"]) == int(before["version"]) + 1
    assert after["modifiedTime"] > before["modifiedTime"]


def test_reading_does_not_move_the_version(values, book, files):
    made = book(["x"])
    before = files.get(fileId=made, fields="version").execute()
    values.get(spreadsheetId=made, range="T").execute()
    assert files.get(fileId=made, fields="version").execute() == before


# Who may


@pytest.mark.parametrize(("access", "read", "written"), [("write", 200, 200), ("read", 200, 403), ("none", 403, 403)])
def test_access_decides_what_may_be_done(box, site, plan, access, read, written):
    box.google.set_access(plan, access)
    found = site.sheets("GET", f"{plan}/values/Lain")
    changed = site.sheets("POST", f"{plan}/values/Lain:clear")
    assert (found.status_code, changed.status_code) == (read, written)
    if written == 403:
        assert changed.json() == {
            "error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}
        }


def test_an_unknown_spreadsheet_is_not_found(site):
    answer = site.sheets("GET", "nope")
    assert answer.status_code == 404
    assert answer.json() == {
        "error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
    }


@pytest.mark.parametrize("mime_type", OFFICE_TYPES)
def test_an_uploaded_office_file_is_listed_but_not_opened(box, site, mime_type):
    made = box.google.add_office_file("Content Plan - X - Juli 2026", mime_type=mime_type)
    assert site.drive(path=f"/{made}").json()["mimeType"] == mime_type
    answer = site.sheets("GET", made)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("This operation is not supported for this document")
