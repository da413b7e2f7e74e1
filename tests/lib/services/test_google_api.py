"""The Google client against the sandbox: what it reads and writes, and what it makes of trouble."""

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.auth.credentials import AnonymousCredentials

from lib.errors import ConflictError, CredentialsError, FixInputError, TryLaterError, UncertainWriteError
from lib.exactly_once.key_cells import replace_text
from lib.services.google_api import SPREADSHEET, GoogleApi
from lib.services.models import EXCEL
from tests.direct import google_api


@pytest.fixture
def pauses():
    """What the client waited for, instead of waiting."""
    return []


@pytest.fixture
def api(box, pauses, opened):
    return opened(google_api(box.environment(), sleep=pauses.append))


@pytest.fixture
def sheet(box):
    """A spreadsheet of one's own: (spreadsheet id, folder id)."""
    folder = box.google.add_folder("Folder")
    cells = [["Nama", "Tanggal"], ["Kopi", dt.date(2026, 7, 5)], [], ["'quoted'", 0.5]]
    return box.google.add_spreadsheet(
        "Rencana", folder, tabs={"Juli '26 & co": cells, "Dua": [["x"]]}, locale="id_ID"
    ), folder


def values(api, spreadsheet_id, title):
    """What a tab stores."""
    [tab] = api.read_tab(spreadsheet_id, title).tabs
    return tab.cells.values


def test_a_spreadsheet_is_read_with_its_tabs_in_order(api, sheet):
    read = api.read_spreadsheet(sheet[0])
    assert (read.title, read.locale, read.time_zone) == ("Rencana", "id_ID", "Asia/Jakarta")
    assert [tab.title for tab in read.tabs] == ["Juli '26 & co", "Dua"]
    assert read.tabs[0].columns > 1
    assert read.named_ranges == {}


def test_without_another_address_google_is_asked_by_resources_without_long_docstrings():
    spreadsheets, values, files = GoogleApi(AnonymousCredentials())._service()
    assert spreadsheets.get(spreadsheetId="a").uri.startswith("https://sheets.googleapis.com/v4/spreadsheets/a?")
    assert values.get(spreadsheetId="a", range="b").uri.startswith(
        "https://sheets.googleapis.com/v4/spreadsheets/a/values/b?"
    )
    assert files.list().uri.startswith("https://www.googleapis.com/drive/v3/files?")
    assert max(len(method.__doc__) for method in (spreadsheets.get, spreadsheets.batchUpdate, files.list)) < 20_000


def test_values_are_read_as_stored_and_as_seen(api, sheet):
    [tab] = api.read_tab(sheet[0], "Juli '26 & co").tabs
    assert tab.cells.values == [["Nama", "Tanggal"], ["Kopi", 46208], [], ["'quoted'", 0.5]]
    assert tab.cells.texts[1][1] in ("05/07/2026", "5/7/2026", "2026-07-05")


def test_an_empty_tab_has_no_rows(api, box, sheet):
    empty = box.google.add_spreadsheet("Leer", sheet[1], tabs={"T": []})
    assert values(api, empty, "T") == []


LOST = [
    *((kind, {}) for kind in ("500", "503-after", "reset-after", "truncated", "html", "redirect")),
    *(("status-after", {"status": status}) for status in (403, 404, 409, 413, 431, 499, 501, 520, 599)),
    ("status-after", {"status": 400, "body": "json"}),
    ("status-after", {"status": 403, "body": "empty"}),
]


def test_files_are_found_in_their_folders(api, box, sheet):
    spreadsheet_id, folder = sheet
    [file] = api.find_files([folder])
    assert (file.id, file.name, file.mime_type, file.parents) == (spreadsheet_id, "Rencana", SPREADSHEET, (folder,))
    assert file.mime_type != EXCEL
    other = box.google.add_folder("It's \\ another")
    assert api.find_files([other]) == []


def test_all_pages_of_a_folder_are_read(api, box, sheet):
    folder = box.google.add_folder("Many")
    for number in range(1_030):
        box.google.add_spreadsheet(f"Plan {number}", folder, tabs={"T": []})
    assert len(api.find_files([folder, sheet[1]])) == 1_031
    assert box.calls("drive.files.list") == 2


@pytest.fixture
def column(api, sheet):
    """A named range: column B of the second tab, from row 2 on."""
    tab = api.read_spreadsheet(sheet[0]).tabs[1].id
    place = {"sheetId": tab, "startRowIndex": 1, "startColumnIndex": 1, "endColumnIndex": 2}
    api.update(sheet[0], [{"addNamedRange": {"namedRange": {"namedRangeId": "b", "name": "Kolom", "range": place}}}])
    return "Kolom"


def test_texts_are_written_down_a_column_as_they_are(api, box, sheet, column):
    box.google.write(sheet[0], "Dua!B3", [["stays"]])
    shown = api.write_column(sheet[0], column, ["cp-abc", None, "=1+1", "MAR-12"], "Dua")
    written = [["x", ""], ["", "cp-abc"], ["", "stays"], ["", "=1+1"], ["", "MAR-12"]]
    assert box.google.grid(sheet[0], "Dua") == written
    assert shown == [["x"], *written[1:]], "the whole tab, also what was not written"


def test_what_all_tabs_show_is_read_in_one_request(api, box, sheet):
    shown = {tab.title: tab.cells.values for tab in api.read_texts(sheet[0]).tabs}
    assert box.calls("sheets.spreadsheets.get") == 1
    assert shown == {title: api.read_tab(sheet[0], title).tabs[0].cells.texts for title in shown}
    assert shown["Dua"] == [["x"]]


def test_a_write_goes_with_its_column_wherever_that_is_moved(api, box, sheet, column):
    place = {"sheetId": api.read_spreadsheet(sheet[0]).tabs[1].id, "startIndex": 0, "endIndex": 1}
    for dimension in ("COLUMNS", "ROWS"):
        box.google.edit(sheet[0], [{"insertDimension": {"range": {**place, "dimension": dimension}}}])
    api.write_column(sheet[0], column, ["cp-abc"], "Dua")
    assert box.google.grid(sheet[0], "Dua") == [["", "", ""], ["", "x", ""], ["", "", "cp-abc"]]
    read = api.read_tab(sheet[0], "Dua")
    assert read.tabs[0].cells.values == [[], ["", "x"], ["", "", "cp-abc"]]
    assert read.corners == {column: (2, 2)}


def test_a_range_that_is_gone_is_neither_read_nor_written(api, box, sheet, column):
    api.update(sheet[0], [{"deleteNamedRange": {"namedRangeId": "b"}}])
    with pytest.raises(ConflictError):
        api.write_column(sheet[0], column, ["cp-abc"], "Dua")
    assert api.read_tab(sheet[0], "Dua").corners == {}
    assert box.google.grid(sheet[0], "Dua") == [["x"]]


def test_the_time_of_a_read_is_googles(api, clock, sheet):
    clock.move(3600)
    read_at = api.read_spreadsheet(sheet[0]).read_at
    assert read_at is not None
    assert read_at.timestamp() == clock.now()


def test_a_text_is_replaced_wherever_it_stands_and_the_answer_shows_what_stands_there_then(api, box, sheet):
    box.google.write(sheet[0], "Dua!B2", [["cp-one", "cp-two and more"]])
    tab = api.read_spreadsheet(sheet[0]).tabs[1]
    requests = [replace_text("cp-one", "CP-1", tab.id), replace_text("cp-two", "CP-2", tab.id)]
    [read] = api.update_and_read(sheet[0], requests, "Dua").tabs
    assert read.cells.values == [["x"], ["", "CP-1", "cp-two and more"]]
    assert box.google.grid(sheet[0], "Dua")[1] == ["", "CP-1", "cp-two and more"]


def test_a_refused_request_is_a_conflict_and_nothing_is_applied(api, box, sheet):
    tab = api.read_spreadsheet(sheet[0]).tabs[1]
    with pytest.raises(ConflictError, match="Google refuses"):
        api.update(sheet[0], [replace_text("x", "y", tab.id), {"deleteNamedRange": {"namedRangeId": "none"}}])
    assert box.google.grid(sheet[0], "Dua") == [["x"]]


@pytest.mark.parametrize(
    "kind", ["429", "500", "503-before", "503-after", "reset-before", "reset-after", "truncated", "html", "redirect"]
)
def test_a_read_is_tried_again_after_any_trouble(api, box, sheet, kind):
    box.fault("sheets.spreadsheets.get", kind, times=2)
    assert values(api, sheet[0], "Dua") == [["x"]]


def test_the_servers_retry_after_is_obeyed(api, box, sheet, pauses):
    box.fault("sheets.spreadsheets.get", "429", retry_after=37)
    values(api, sheet[0], "Dua")
    assert pauses == [37.0]


def test_a_wait_that_is_too_long_is_left_to_the_task(api, box, sheet, pauses):
    box.fault("sheets.spreadsheets.get", "429", retry_after=600)
    with pytest.raises(TryLaterError) as error:
        values(api, sheet[0], "Dua")
    assert (error.value.retry_after_s, pauses) == (600.0, [])


def test_tries_are_bounded_and_pauses_grow(api, box, sheet, pauses):
    box.fault("sheets.spreadsheets.get", "500", times=5)
    with pytest.raises(TryLaterError, match="answered 500"):
        values(api, sheet[0], "Dua")
    assert len(pauses) == 4
    assert pauses == sorted(pauses)


@pytest.mark.parametrize(("kind", "options"), LOST)
def test_a_write_whose_answer_was_lost_is_not_sent_again(api, box, sheet, column, kind, options):
    """httplib2 itself repeats a request when the connection was closed without a byte of an answer, at most once."""
    box.fault("sheets.spreadsheets.values.batchUpdate", kind, **options)
    with pytest.raises(UncertainWriteError):
        api.write_column(sheet[0], column, ["cp-abc"], "Dua")
    assert box.calls("sheets.spreadsheets.values.batchUpdate") == 1


@pytest.mark.parametrize("status", [501, 507, 520, 524, 529, 599])
def test_a_read_is_tried_again_after_a_status_that_nobody_knows(api, box, sheet, status):
    box.fault("sheets.spreadsheets.get", "status-before", status=status)
    assert values(api, sheet[0], "Dua") == [["x"]]


def test_a_write_that_was_refused_for_its_rate_is_sent_again(api, box, sheet, column):
    box.fault("sheets.spreadsheets.values.batchUpdate", "429")
    api.write_column(sheet[0], column, ["cp-abc"], "Dua")
    assert box.calls("sheets.spreadsheets.values.batchUpdate") == 2


def test_an_expired_token_is_renewed_on_the_way(api, box, sheet):
    box.fault("sheets.spreadsheets.get", "401")
    assert values(api, sheet[0], "Dua") == [["x"]]
    assert box.calls("oauth.token") == 2


def test_a_slow_answer_past_the_time_out_is_trouble(box, sheet, opened):
    api = opened(google_api(box.environment(), timeout_s=1, sleep=lambda _s: None))
    box.fault("sheets.spreadsheets.get", "slow", delay_s=60)
    assert values(api, sheet[0], "Dua") == [["x"]]


def test_a_server_that_is_not_there_is_told_as_such(box, opened):
    api = opened(google_api({**box.environment(), "GOOGLE_API_ENDPOINT": "http://127.0.0.1:9"}, sleep=lambda _s: None))
    with pytest.raises(TryLaterError, match="cannot be reached"):
        values(api, "x", "y")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"GOOGLE_REFRESH_TOKEN": "old"}, r"invalid_grant.*Log in again"),
        ({"GOOGLE_CLIENT_SECRET": "wrong"}, "GOOGLE_CLIENT_SECRET"),
    ],
)
def test_a_refused_login_says_what_to_do_and_is_not_repeated(box, pauses, changed, says, opened):
    api = opened(google_api({**box.environment(), **changed}, sleep=pauses.append))
    with pytest.raises(CredentialsError, match=says):
        values(api, "x", "y")
    assert pauses == []


def test_a_spreadsheet_without_access_says_to_share_it(api, box, sheet):
    box.google.spreadsheets[sheet[0]].access = "none"
    with pytest.raises(CredentialsError, match="share it, with edit rights"):
        values(api, sheet[0], "Dua")


def test_a_spreadsheet_that_is_not_there_is_told_with_its_id(api):
    with pytest.raises(FixInputError, match=r"1notthere.*not found"):
        values(api, "1notthere", "Dua")


def test_threads_never_get_each_others_data(box, sheet, opened):
    """One object serves many threads: a shared connection once handed one request another's answer."""
    api = opened(google_api(box.environment()))
    ids = [box.google.add_spreadsheet(f"S{n}", sheet[1], tabs={"T": [[n]]}) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: values(api, ids[n % 8], "T"), range(200)))
    assert answers == [[[n % 8]] for n in range(200)]
    assert isinstance(api, GoogleApi)
    assert threading.active_count() < 40


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("dailyLimitExceeded", "daily limit of the Google Cloud project is used up; run it again tomorrow"),
        ("domainPolicy", "the Workspace's rules forbid apps to use Drive; ask its administrator"),
        ("downloadQuotaExceeded", "downloaded too often today"),
        ("quotaExceeded", "quota of the Google Cloud project is used up"),
    ],
)
def test_a_refusal_that_sharing_does_not_mend_is_told_by_its_reason(api, box, reason, said):
    box.fault("drive.files.list", "403", reason=reason)
    with pytest.raises(FixInputError, match=said) as error:
        api.find_files(["root"])
    assert "share" not in str(error.value)


def test_a_file_that_is_not_shared_is_still_told_so(api, box):
    box.fault("drive.files.list", "403", reason="insufficientFilePermissions")
    with pytest.raises(CredentialsError, match="share it"):
        api.find_files(["root"])
