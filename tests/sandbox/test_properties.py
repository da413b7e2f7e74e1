"""What holds for any input: references follow their rows, ranges and values survive the way there and back."""

import contextlib
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.google import a1, drive_query, field_mask
from sandbox.google.a1 import Span
from sandbox.google.cells import BLANK
from sandbox.google.parse_input import parse_input
from sandbox.google.sheets_requests import carried_out
from sandbox.google.sheets_values import Rendering, Writer, read, resolve
from sandbox.google.state import GridRange, NamedRange, Spreadsheet, Tab
from sandbox.http.messages import Refusal
from sandbox.jira import jql

TODAY = dt.date(2026, 6, 24)
QUICK = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ROWS = 8

edits = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "move"]), st.integers(0, 99), st.integers(1, 3), st.integers(0, 99)),
    max_size=6,
)


def as_request(kind, at, count, target, size):
    """A request that fits a tab of `size` rows, and the same edit of a list."""
    start = at % size
    end = min(start + count, size)
    lines = {"sheetId": 0, "dimension": "ROWS", "startIndex": start, "endIndex": end}
    if kind == "insert":
        return {"insertDimension": {"range": lines}}, lambda rows: [*rows[:start], *[""] * (end - start), *rows[start:]]
    if kind == "delete":
        return {"deleteDimension": {"range": lines}}, lambda rows: rows[:start] + rows[end:]
    place = target % (size + 1)
    if start < place < end:
        place = start
    landing = place if place <= start else place - (end - start)

    def move(rows):
        rest = rows[:start] + rows[end:]
        return rest[:landing] + rows[start:end] + rest[landing:]

    return {"moveDimension": {"source": lines, "destinationIndex": place}}, move


@QUICK
@given(edits, st.integers(0, ROWS - 1))
def test_rows_and_what_points_at_them_move_together(changes, marked):
    tab = Tab(0, "T", [], ROWS, 2)
    book = Spreadsheet("id", "Buku", [tab])
    writer = Writer(book, "RAW", TODAY)
    expected = [f"row {number}" for number in range(ROWS)]
    writer.write("T!A1:A8", {"values": [[value] for value in expected]})
    book = writer.book
    book.named_ranges.append(NamedRange("n", "n", GridRange(0, Span(marked, marked + 1, 0, 1))))
    for kind, at, count, target in changes:
        size = len(expected)
        if kind == "delete" and (at % size == 0 and count >= size):
            continue
        request, model = as_request(kind, at, count, target, size)
        book, _ = carried_out(book, [request], TODAY)
        expected = model(expected)
    tab = book.tabs[0]
    assert tab.row_count == len(expected)
    assert [tab.cell(row, 0).value or "" for row in range(tab.row_count)] == expected
    where = book.named_ranges[0].range
    wanted = f"row {marked}"
    assert (where and (where.span.top, where.span.bottom)) == (
        (expected.index(wanted), expected.index(wanted) + 1) if wanted in expected else None
    )


@QUICK
@given(st.lists(st.lists(st.one_of(st.none(), st.booleans(), st.text(), st.integers(-(2**50), 2**50)))))
def test_raw_values_come_back_as_they_were_written(rows):
    book = Spreadsheet("id", "Buku", [Tab(0, "T", [], 100, 100)])
    writer = Writer(book, "RAW", TODAY)
    writer.write("T!A1", {"values": rows})
    found = read(writer.book, resolve(writer.book, "T"), Rendering("UNFORMATTED_VALUE")).get("values", [])
    expected = [["" if value is None else value for value in row] for row in rows]
    width, height = max((len(row) for row in expected), default=0), len(expected)
    padded = [row + [""] * (width - len(row)) for row in found] + [[""] * width] * (height - len(found))
    assert padded == [row + [""] * (width - len(row)) for row in expected]


@QUICK
@given(st.text(), st.sampled_from(["id_ID", "en_US", "en_GB", "xx"]))
def test_whatever_is_typed_becomes_something(text, locale):
    made = parse_input(text, BLANK, locale, TODAY)
    assert made.empty == (text == "")


columns = st.integers(0, 18_277)
lines = st.integers(0, 99_999)


@given(lines, lines, columns, columns, st.text(min_size=1, max_size=20))
def test_a_range_that_is_written_is_read_back(top, bottom, left, right, title):
    span = Span(min(top, bottom), max(top, bottom) + 1, min(left, right), max(left, right) + 1)
    found_title, rest = a1.split_title(a1.write(title, span))
    assert (found_title, a1.parse_span(rest)) == (title, span)


@given(columns)
def test_column_letters_are_read_back(column):
    assert a1.column_index(a1.column_letters(column)) == column


@pytest.mark.parametrize(
    ("parse", "error"),
    [(drive_query.parse, drive_query.QueryError), (jql.parse, Refusal), (field_mask.parse, ValueError)],
    ids=["drive-query", "jql", "field-mask"],
)
@given(parts=st.lists(st.sampled_from([*"ab =!<>()'\"\\,.*/-10\n", "and ", "or ", "not ", "in ", "name", "order by "])))
def test_a_parser_reads_or_refuses_and_never_breaks(parse, error, parts):
    with contextlib.suppress(error):
        parse("".join(parts))
