"""What planners have to correct: in the report in one language or two, and as plain text for a chat."""

import datetime as dt
import html
import re

import pytest
from markupsafe import escape

from lib.error_record import ErrorRecord, in_result
from lib.messages import Said, say
from lib.report import audit, chat, corrections, history, languages
from lib.run import run_record
from tests import runs

EMPTY = say("is empty; write the topic, it becomes the issue's summary")
EMPTY_ID = "kosong; tulis Topik, yang akan menjadi judul issue"


def refused(number, said=EMPTY, **more):
    problem = runs.problem(str(said), f"'Juli'!J{number}", indonesian=said.indonesian)
    return runs.row(number, "refused", problems=[problem], **more)


def left(tmp_path, rows, **more):
    return run_record.read(runs.leave(tmp_path, rows, **more))


def texts(record, language=""):
    """Each block as it is copied, by what stands above it."""
    found = re.findall(
        r'<summary>(.*?)</summary><pre class="copy" lang="(..)">(.*?)</pre>',
        chat.blocks(record, language).data,
        re.DOTALL,
    )
    return {html.unescape(summary): (shown, html.unescape(text)) for summary, shown, text in found}


def test_a_block_says_in_indonesian_where_what_is_wrong_and_what_to_write(tmp_path):
    record = left(
        tmp_path, [runs.row(3), refused(7, topic="Kopi pagi"), refused(8, topic=""), refused(9, client="Toko")]
    )
    blocks = texts(record)
    assert list(blocks) == ["Kopi Senja: 2 to correct", "Toko: 1 to correct"]
    language, text = blocks["Kopi Senja: 2 to correct"]
    assert language == "id"
    assert text == (
        "Content Plan - Kopi Senja - Juli 2026: 2 yang perlu diperbaiki\n\n"
        f"1. Sel J7 ('Kopi pagi'): {EMPTY_ID}\nhttps://sheets.example.com/d/1/edit#gid=5&range=J7\n\n"
        f"2. Sel J8 (Post, Kamis, 9 Juli 2026): {EMPTY_ID}\nhttps://sheets.example.com/d/1/edit#gid=5&range=J8"
    )


def test_a_block_is_in_english_where_the_report_is(tmp_path):
    [(language, text)] = texts(left(tmp_path, [refused(7)]), "en").values()
    assert language == "en"
    assert "1 to correct" in text
    assert f"1. Cell J7 ('Topik 7'): {EMPTY}" in text


def test_a_report_in_indonesian_alone_names_its_columns_and_kinds_so(tmp_path):
    runs.leave(tmp_path, [refused(7)], at=runs.START - dt.timedelta(days=1))
    record = left(tmp_path, [refused(7)])
    shown = audit.to_do(record, history.read(record), "id").data
    columns = ["jenis", "klien", "sel", "yang harus dilakukan", "konten", "sejak"]
    assert re.findall(r"<th [^>]*>(.*?)</th>", shown) == columns
    assert re.findall(r'data-label="(.*?)"', shown) == columns
    assert ">ditolak<" in shown
    assert ">2 proses<" in shown
    assert list(texts(record, "id")) == ["Kopi Senja: 1 yang perlu diperbaiki"]
    assert [label for label in columns if label in audit.to_do(record, history.read(record)).data] == []


def test_a_message_that_nobody_wrote_in_indonesian_is_told_in_english(tmp_path):
    [(_, text)] = texts(left(tmp_path, [refused(7, Said("is odd"))])).values()
    assert "Sel J7 ('Topik 7'): is odd" in text


def test_a_plan_that_stopped_is_told_with_where_it_lies(tmp_path):
    stopped = in_result([ErrorRecord.of(say("has no rows below its header; fill the plan"), "fix_input", "Kopi Senja")])
    [(_, text)] = texts(left(tmp_path, [runs.row(7)], **stopped)).values()
    assert text.endswith(
        "1. tidak ada baris di bawah judul kolom; isi content plan-nya\nhttps://sheets.example.com/d/1/edit"
    )


NO_ACCESS = say("no access ({said}); share it, with edit rights, with the Google account we use", said="403")


@pytest.mark.parametrize(
    ("message", "kind", "asked", "listed"),
    [
        (NO_ACCESS, "credentials", 1, 1),
        (Said("the access token is refused; log in again"), "credentials", 0, 0),
        (Said("JIRA_URL: is no address"), "fix_input", 0, 1),
        (say("{holder} works on it", holder="a run"), "conflict", 0, 0),
    ],
    ids=["not-shared", "login", "setting", "locked"],
)
def test_of_what_stopped_a_plan_its_planner_is_asked_for_what_a_planner_mends(tmp_path, message, kind, asked, listed):
    record = left(tmp_path, [runs.row(7)], **in_result([ErrorRecord.of(message, kind, "Kopi Senja")]))
    assert len(texts(record)) == asked
    assert sum(one.to_correct for one in corrections.to_do(record)) == listed
    assert message.indonesian in audit.to_do(record, language="id").data


@pytest.mark.parametrize(
    "row",
    [
        runs.row(7),
        runs.row(7, "uncertain", problems=[runs.problem("not found yet")]),
        runs.row(7, "refused", problems=[runs.problem("odd", level="warning")]),
        runs.row(7, "refused", problems=[runs.problem("no entry", "hashmap.py WORKERS", kind="mapping")]),
        runs.row(7, "ready", problems=[runs.problem("not sent", kind="not_reached")]),
    ],
    ids=["good", "settled-by-the-next-run", "odd", "of-whoever-runs-this", "not-reached"],
)
def test_what_no_planner_corrects_is_in_no_block(tmp_path, row):
    assert texts(left(tmp_path, [row])) == {}
    assert "None." in chat.blocks(left(tmp_path, [row])).data


def test_a_long_list_ends_with_how_many_more_the_report_has(tmp_path):
    [(_, text)] = texts(left(tmp_path, [refused(number) for number in range(1, 63)])).values()
    assert "62 yang perlu diperbaiki" in text
    assert text.count("&range=") == 50
    assert text.endswith("\n\ndan 12 lagi, yang ada di laporan")


def test_what_was_typed_into_a_plan_stays_text(tmp_path):
    planted = "</pre><script>alert(1)</script>\nhttp://evil.example.com"
    record = left(tmp_path, [refused(7, Said(planted), topic=planted)])
    assert "<script" not in chat.blocks(record).data
    [(_, text)] = texts(record).values()
    assert f"('{planted[:31]} http" in text
    assert len(text.splitlines()) == 4


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("", f'{escape(EMPTY)}<div class="quiet" lang="id">{EMPTY_ID}</div>'),
        ("id", f'<span lang="id">{EMPTY_ID}</span>'),
        ("en", escape(EMPTY)),
    ],
)
def test_a_table_tells_a_message_in_the_language_of_the_report(tmp_path, language, expected):
    record = left(tmp_path, [refused(7)])
    assert f">{expected}</td>" in audit.to_do(record, None, language).data
    odd = runs.problem(str(EMPTY), level="warning", indonesian=EMPTY.indonesian)
    record = left(tmp_path, [runs.row(7, problems=[odd])])
    assert f">{expected}</td>" in audit.warnings(record, language).data


def test_a_message_without_indonesian_stands_once():
    assert languages.shown(Said("is odd"), "") == languages.shown(Said("is odd"), "id") == "is odd"


def test_the_table_of_corrections_has_both_languages(tmp_path):
    record = left(tmp_path, [refused(7)])
    head, line = corrections.as_csv(corrections.to_do(record)).decode("utf-8-sig").splitlines()
    assert head == "client,sheet,cell,link,what is wrong,apa yang salah,since"
    assert f'"{EMPTY}","{EMPTY_ID}"' in line
    head, line = corrections.as_csv(corrections.to_do(record), "id").decode("utf-8-sig").splitlines()
    assert head == "klien,tab,sel,tautan,what is wrong,apa yang salah,sejak"
    assert f'"{EMPTY}","{EMPTY_ID}"' in line
