import json
import os

import pytest

from lib.errors import FixInputError
from lib.report import comparison, comparison_report
from tests import odd, runs

HEADER = ["Tanggal", "Bentuk", "Topik", "Caption"]
IN_FOLDER = {"Kopi Senja": {"folder": "kopi-senja"}}


def adf(text):
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


def leave(output, cells, rows, drafts=(), **result):
    folder = runs.leave(output, rows, plans=IN_FOLDER, **result)
    runs.leave_plan(folder, "Kopi Senja", [HEADER, *cells], drafts)
    return folder


def told(compared, kind):
    return [(one.row, one.what, one.then, one.now) for one in compared.of(kind)]


def test_equal_runs_differ_in_nothing(tmp_path):
    cells = [["1 Juli 2026", "Post", "Satu", "a"], ["2 Juli 2026", "Post", "Dua", "b"]]
    folders = [leave(tmp_path, cells, [runs.row(2, "existing"), runs.row(3, "existing")]) for _ in range(2)]
    compared = comparison.read(*folders)
    assert compared.differences == []
    assert compared.counts() == {"same rows": 2}
    assert "differences: none" in comparison_report.bottom_line(compared)


def test_a_row_is_followed_by_its_issue_its_content_and_its_number(tmp_path):
    then = leave(
        tmp_path,
        [
            ["1 Juli 2026", "Post", "Satu", "a"],
            ["2 Juli 2026", "Post", "Dua", "b"],
            ["3 Juli 2026", "Post", "Tiga", "c"],
        ],
        [runs.row(2, "existing"), runs.row(3, "ready"), runs.row(4, "refused")],
    )
    now = leave(
        tmp_path,
        [
            ["9 Juli 2026", "Post", "Baru", "z"],
            ["1 Juli 2026", "Post", "Satu", "diubah"],
            ["3 Juli 2026", "Post", "Tiga", "c"],
            ["2 Juli 2026", "Post", "Dua", "b"],
        ],
        [
            runs.row(2, "ready"),
            {**runs.row(3, "existing"), "key": "CP-2"},
            runs.row(4, "ready"),
            runs.row(5, "ready"),
        ],
    )
    compared = comparison.read(then, now)
    assert told(compared, "row") == [(2, "row", "(not there)", "row 2"), (3, "Caption", "a", "diubah")]
    assert told(compared, "outcome") == [(4, "outcome", "refused", "ready")]
    assert compared.same == 1


def test_rows_that_went_on_as_expected_are_counted_and_the_news_is_told(tmp_path):
    then = runs.leave(tmp_path, [runs.row(n) for n in range(2, 146)] + [runs.row(1, "refused"), runs.row(150, "ready")])
    lost = runs.row(2, "flagged")
    now = runs.leave(tmp_path, [lost, *(runs.row(n, "existing") for n in range(3, 146)), runs.row(1), runs.row(150)])
    compared = comparison.read(then, now)
    assert told(compared, "outcome") == [(2, "outcome", "created", "flagged"), (2, "key", "CP-2", ""),
                                         (1, "outcome", "refused", "created"), (1, "key", "", "CP-1")]  # fmt: skip
    assert compared.counts() == {"same rows": 0, "rows as expected": 144, "outcome": 4}
    assert "0 rows are the same, 144 went on as expected; differences: 4 in outcomes" in comparison_report.bottom_line(
        compared
    )
    shown = comparison_report.show_expected(compared).data
    assert "<summary>143 × created → existing</summary>" in shown
    assert "<summary>1 × ready → created</summary>" in shown
    assert comparison_report.show(compared, "outcome").data.count('data-label="then → now"') == 4


def test_a_key_that_became_another_one_is_never_expected(tmp_path):
    then = runs.leave(tmp_path, [runs.row(2)])
    now = runs.leave(tmp_path, [{**runs.row(2, "existing"), "key": "CP-9"}])
    assert told(comparison.read(then, now), "outcome") == [
        (2, "outcome", "created", "existing"),
        (2, "key", "CP-2", "CP-9"),
    ]


def test_only_news_is_a_matter_for_attention(tmp_path):
    then, now = runs.leave(tmp_path, [runs.row(2)]), runs.leave(tmp_path, [runs.row(2, "existing")])
    assert 'class="sentence good' in comparison_report.show_bottom_line(comparison.read(then, now)).data


def test_parameters_code_and_drafts_that_differ_are_named(tmp_path):
    cells = [["1 Juli 2026", "Post", "Satu", "a"]]
    drafts = [[{"row": 2, "fields": {"summary": text, "description": adf(text)}}] for text in ("lama", "baru")]
    then = leave(tmp_path, cells, [runs.row(2)], drafts[0], parameters={"validate_only": False})
    changed = {"versions": {}, "commit": "0123abc", "files": {"hashmap.py": "11" * 32}}
    now = leave(tmp_path, cells, [runs.row(2)], drafts[1], parameters={"validate_only": True}, sources=changed)
    compared = comparison.read(then, now)
    assert told(compared, "parameter") == [(None, "validate_only", "False", "True")]
    assert (None, "hashmap.py", "0" * 12, "1" * 12) in told(compared, "source")
    assert told(compared, "draft") == [(2, "summary", "lama", "baru"), (2, "description", "lama", "baru")]


def test_a_client_that_only_one_run_took_is_named(tmp_path):
    then = runs.leave(tmp_path, [runs.row(1), runs.row(2, client="Toko Rimba")])
    now = runs.leave(tmp_path, [runs.row(1)], plans={"Kopi Senja": {"error": "Kopi Senja: no"}})
    compared = comparison.read(then, now)
    assert [(one.client, one.then, one.now) for one in compared.of("client")] == [
        ("Kopi Senja", "", "Kopi Senja: no"),
        ("Toko Rimba", "in this run", "not in this run"),
    ]


def test_plans_that_a_watch_knows_by_month_are_compared_too(tmp_path):
    months = {f"Kopi Senja, {month}": {"spreadsheet_id": month, "folder": None} for month in ("Juli", "Agustus")}
    rows = [{**runs.row(2, "existing"), "spreadsheet_id": month} for month in ("Juli", "Agustus")]
    then = runs.leave(tmp_path, rows, clients=months)
    now = runs.leave(tmp_path, [rows[0], {**rows[1], "outcome": "flagged"}], clients=months)
    compared = comparison.read(then, now)
    assert [(one.client, one.then, one.now) for one in compared.differences] == [
        ("Kopi Senja, Agustus", "existing", "flagged")
    ]
    assert compared.same == 1


def test_a_run_is_not_compared_with_itself(tmp_path):
    folder = runs.leave(tmp_path, [runs.row(1)])
    with pytest.raises(FixInputError, match="the same run twice"):
        comparison.read(folder, folder / ".." / folder.name)


def test_of_an_output_folder_the_newest_two_of_one_flow_are_compared(tmp_path):
    output = tmp_path / "output"
    with pytest.raises(FixInputError, match=r"output: no flow has finished twice here; run one again"):
        comparison.read(output, output)
    older = runs.leave(output, [runs.row(2, "refused")])
    runs.leave(output, [], flow="performance-report")
    newer = runs.leave(output, [runs.row(2)])
    runs.leave(output, [], flow="compare-runs")
    read = comparison.read(output, output)
    assert (read.then.folder, read.now.folder) == (older, newer)


def test_of_a_long_text_the_words_that_differ_are_shown(tmp_path):
    same = " ".join(f"kata{n}" for n in range(50))
    shown = comparison_report.word_diff(f"{same} lama <b>", f"{same} baru <b>")
    assert "<del>lama </del><ins>baru </ins>" in shown
    assert "&lt;b&gt;" in shown
    assert "kata49" in shown
    assert "kata10" not in shown


@pytest.mark.parametrize(("make", "why"), odd.UNREADABLE.values(), ids=odd.UNREADABLE)
def test_a_run_that_cannot_be_read_is_not_compared_and_says_why(tmp_path, make, why):
    make(tmp_path)
    with pytest.raises(FixInputError, match=r"result\.json"):
        comparison.read(runs.leave(tmp_path, [runs.row(1)]), tmp_path / odd.NAME)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '{"data": {}}',
        '{"data": [5]}',
        '{"data": [{"texts": {}}]}',
        '{"data": [{"row": [], "texts": {}}]}',
        '{"data": [{"row": 2, "texts": [1]}]}',
        '{"data": [{"row": 2, "texts": {"Topik": {}}}]}',
        "[" * 200_000,
        None,
    ],
    ids=range(9),
)
def test_rows_that_no_run_wrote_are_named(tmp_path, content):
    folders = [leave(tmp_path, [["1 Juli 2026", "Post", "Satu", "a"]], [runs.row(2)]) for _ in range(2)]
    [path] = folders[1].glob("kopi-senja/*_rows.json")
    path.unlink()
    path.write_text(content) if content is not None else os.mkfifo(path)
    with pytest.raises(FixInputError, match=r"_rows\.json: "):
        comparison.read(*folders)


@pytest.mark.parametrize(
    "row", [{"outcome": 5}, {"client": None}, {"key": []}, {"row": "two"}], ids=lambda row: next(iter(row))
)
def test_a_row_of_a_result_that_no_run_wrote_is_named(tmp_path, row):
    folders = [runs.leave(tmp_path, [runs.row(2)]), runs.leave(tmp_path, [runs.row(2)])]
    path = folders[1] / "result.json"
    record = {**runs.row(2), **row}
    path.write_text(path.read_text().rpartition('"data": [')[0] + f'"data": [{json.dumps(record)}]}}')
    with pytest.raises(FixInputError, match=rf"result\.json: {next(iter(row))}"):
        comparison.read(*folders)


def test_parameters_that_are_no_document_or_nested_without_end_are_compared_all_the_same(tmp_path):
    nested = json.loads("[" * 700 + "]" * 700)
    given = {"a": {"type": "doc"}, "b": nested}
    folders = [runs.leave(tmp_path, [runs.row(2)], parameters=one) for one in ({}, given)]
    assert [one.what for one in comparison.read(*folders).of("parameter")] == ["a", "b"]
