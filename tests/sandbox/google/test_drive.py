"""Drive: the query language, pages, shared drives, shortcuts."""

import pytest
from googleapiclient.errors import HttpError

from sandbox.google import drive_query
from sandbox.google.state import FOLDER, SHEET

EVERYWHERE = {"supportsAllDrives": True, "includeItemsFromAllDrives": True}


@pytest.fixture
def tree(box):
    """A folder in My Drive and one on a shared drive, each with two spreadsheets; one more in the bin."""
    google = box.google
    google.state.files.clear()
    google.state.drives.clear()
    home, shared = google.add_folder("Rumah"), google.add_drive("Bersama")
    away = google.add_folder("Jauh", parent=shared)
    for folder in (home, away):
        for name in ("Rencana - Kopi - Juli 2026", "Lain 'satu' \\ dua"):
            google.add_spreadsheet(name, folder)
    google.add_spreadsheet("Rencana lama", home, trashed=True)
    return {"home": home, "away": away, "shared": shared}


def names(files, **options):
    return sorted(file["name"] for file in files.list(**options).execute()["files"])


def refusal(files, status=400, **options):
    with pytest.raises(HttpError) as caught:
        files.list(**options).execute()
    assert caught.value.status_code == status, caught.value
    return caught.value.error_details[0]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("trashed = false", 3),
        ("trashed = true", 1),
        ("trashed != true", 3),
        ("", 4),
        (f"mimeType='{FOLDER}'", 1),
        (f"mimeType != '{FOLDER}'", 3),
        ("mimeType contains 'application/vnd.google-apps'", 4),
        ("name = 'Rencana - Kopi - Juli 2026'", 1),
        ("name = 'rencana - kopi - juli 2026'", 0),
        ('name = "Rencana - Kopi - Juli 2026"', 1),
        ("name = 'Lain \\'satu\\' \\\\ dua'", 1),
        ("name contains 'Renc'", 2),
        ("name contains 'encana'", 0),
        ("name contains 'kopi juli'", 1),
        ("name contains 'Kopi - Ju'", 1),
        ("not name contains 'Rencana'", 2),
        ("name = 'Rumah' or name contains 'Lain'", 2),
        ("(name = 'Rumah' or name contains 'Rencana') and trashed = false", 2),
        ("name = 'Rumah' or name contains 'Rencana' and trashed = true", 2),
        ("modifiedTime > '2026-01-01T00:00:00'", 4),
        ("modifiedTime <= '2026-06-24T08:30:00+07:00'", 4),
        ("modifiedTime < '2026-06-24T08:30:00+07:00'", 0),
    ],
)
def test_queries_find_what_they_say(files, tree, query, expected):
    assert len(names(files, q=query)) == expected


@pytest.mark.parametrize(
    "query",
    [
        "name like 'x'",
        "title = 'x'",
        "name = x",
        "name = 'x",
        "name = 'it's'",
        "trashed = 'false'",
        "trashed = False",
        "'a' in owners",
        "name = 'a' and",
        "(name = 'a'",
        "name = 'a' name = 'b'",
        "modifiedTime > 'yesterday'",
        "name > 'a'",
        "name = 'a' && name = 'b'",
        "name = 'a\\n'",
    ],
)
def test_what_drive_does_not_understand_it_refuses(files, tree, query):
    assert refusal(files, q=query)["reason"] == "invalid"


def test_children_are_found_by_their_folder_trashed_ones_too(files, tree):
    query = f"'{tree['home']}' in parents"
    assert len(names(files, q=query)) == 3
    assert len(names(files, q=f"{query} and trashed = false")) == 2


def test_several_folders_can_be_asked_for_at_once(files, tree):
    query = f"'{tree['home']}' in parents or '{tree['away']}' in parents"
    assert len(names(files, q=query, **EVERYWHERE)) == 5


def test_an_unknown_folder_is_not_found(files, tree):
    error = refusal(files, 404, q="'nope' in parents")
    assert (error["reason"], error["message"], error["location"]) == ("notFound", "File not found: .", "fileId")


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, 0),
        ({"supportsAllDrives": True}, 0),
        (EVERYWHERE, 2),
        ({**EVERYWHERE, "corpora": "allDrives"}, 2),
    ],
    ids=["no-flags", "one-flag", "both-flags", "all-drives"],
)
def test_shared_drives_are_seen_by_those_who_ask_for_them(files, tree, options, count):
    assert len(names(files, q=f"'{tree['away']}' in parents", **options)) == count


def test_one_shared_drive_can_be_searched(files, tree):
    assert len(names(files, corpora="drive", driveId=tree["shared"], **EVERYWHERE)) == 3


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        ({"includeItemsFromAllDrives": True}, 403, "teamDrivesParameterRequired"),
        ({"corpora": "drive", **EVERYWHERE}, 400, "invalid"),
        ({"corpora": "allDrives", "driveId": "x", **EVERYWHERE}, 400, "invalid"),
        ({"corpora": "allDrives", "supportsAllDrives": True}, 403, "teamDriveIncludeItemsRequired"),
        ({"corpora": "drive", "driveId": "x", **EVERYWHERE}, 404, "notFound"),
        ({"corpora": "everything"}, 400, "invalid"),
        ({"pageSize": 0}, 400, "invalidParameter"),
        ({"pageSize": 1001}, 400, "invalidParameter"),
        ({"orderBy": "size of heart"}, 400, "invalid"),
        ({"pageToken": "nope"}, 400, "invalid"),
        ({"fields": "files(id,nope)"}, 400, "invalidParameter"),
    ],
)
def test_parameters_that_do_not_go_together_are_refused(files, tree, options, status, reason):
    assert refusal(files, status, **options)["reason"] == reason


def test_pages_follow_one_another(files, tree):
    found, token, pages = [], None, 0
    while pages == 0 or token:
        answer = files.list(pageSize=2, pageToken=token, fields="nextPageToken,files(name)", orderBy="name").execute()
        found += [file["name"] for file in answer["files"]]
        token, pages = answer.get("nextPageToken"), pages + 1
    assert (pages, found) == (2, ["Lain 'satu' \\ dua", "Rencana - Kopi - Juli 2026", "Rencana lama", "Rumah"])


def test_a_page_token_belongs_to_its_query(files, tree):
    token = files.list(pageSize=1, fields="nextPageToken").execute()["nextPageToken"]
    assert refusal(files, pageSize=1, pageToken=token, q="trashed = false")["location"] == "pageToken"


def test_files_can_be_ordered(box, clock, files, tree):
    clock.move(60)
    box.google.rename(tree["home"], "Aaa")
    by_time = files.list(orderBy="modifiedTime desc", pageSize=1).execute()["files"][0]["name"]
    folders_first = files.list(orderBy="folder,name desc").execute()["files"]
    assert (by_time, folders_first[0]["name"], folders_first[1]["name"]) == ("Aaa", "Aaa", "Rencana lama")


def test_answers_name_four_fields_unless_asked_for_more(files, tree):
    found = files.list(pageSize=1).execute()
    assert set(found) == {"kind", "incompleteSearch", "files", "nextPageToken"}
    assert set(found["files"][0]) == {"kind", "id", "name", "mimeType"}


def test_a_file_tells_more_when_asked(files, tree):
    query = f"'{tree['home']}' in parents and name contains 'Kopi'"
    found = files.list(q=query, fields="files(id,parents,version,trashed,capabilities/canEdit)").execute()["files"][0]
    assert found.pop("id")
    assert found == {"parents": [tree["home"]], "version": "1", "trashed": False, "capabilities": {"canEdit": True}}


def test_a_shortcut_names_its_target(box, files, tree):
    target = box.google.add_spreadsheet("Sasaran", "")
    made = box.google.add_shortcut("Pintasan", tree["home"], target)
    found = files.get(fileId=made, fields="mimeType,shortcutDetails").execute()
    assert found == {
        "mimeType": "application/vnd.google-apps.shortcut",
        "shortcutDetails": {"targetId": target, "targetMimeType": SHEET},
    }


def test_a_file_of_a_shared_drive_needs_the_flag(files, tree):
    with pytest.raises(HttpError) as caught:
        files.get(fileId=tree["away"]).execute()
    assert (caught.value.status_code, caught.value.error_details[0]["reason"]) == (404, "notFound")
    assert files.get(fileId=tree["away"], supportsAllDrives=True, fields="driveId").execute() == {
        "driveId": tree["shared"]
    }


def test_a_file_without_access_is_hidden(box, files, tree):
    made = box.google.add_spreadsheet("Rahasia", tree["home"], access="none")
    assert "Rahasia" not in names(files)
    with pytest.raises(HttpError) as caught:
        files.get(fileId=made).execute()
    assert caught.value.reason == f"File not found: {made}."


def test_a_read_only_file_says_so(box, files, tree):
    made = box.google.add_spreadsheet("Hanya baca", tree["home"], access="read")
    assert files.get(fileId=made, fields="capabilities(canEdit)").execute() == {"capabilities": {"canEdit": False}}


def test_a_search_of_all_drives_may_be_incomplete(box, files, tree):
    box.google.state.incomplete_search = True
    assert files.list(corpora="allDrives", **EVERYWHERE).execute()["incompleteSearch"] is True
    assert files.list().execute()["incompleteSearch"] is False


@pytest.mark.parametrize(
    ("name", "wanted", "expected"),
    [
        ("HelloWorld", "Hello", True),
        ("HelloWorld", "World", False),
        ("Content Plan – Kopi Senja – Juli 2026", "Kopi Senja", True),
        ("Content Plan – Kopi Senja – Juli 2026", "Senja Kopi", False),
        ("Rumah Baca 'Aksara'", "aksara", True),
        ("apa saja", "", True),
    ],
)
def test_contains_matches_the_beginnings_of_words(name, wanted, expected):
    assert drive_query.name_contains(name, wanted) is expected
