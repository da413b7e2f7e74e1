"""The client list, and finding a month's plan in a client's folder."""

import asyncio

import pytest

from lib.errors import ConflictError, FixInputError
from lib.formats import Month
from lib.plan.client_list import Client, parse, select
from lib.plan.plan_files import find_files, find_plan
from lib.services.google_api import SPREADSHEET
from lib.services.models import EXCEL, OFFICE, DriveFile, Spreadsheet, Tab, TabCells

KOPI = Client("Kopi Senja", "folder-1", "'Clients'!B2")
JULY = Month(2026, 7)


def file(name, file_id="id-1", parents=("folder-1",), mime_type=SPREADSHEET):
    return DriveFile(file_id, name, mime_type, parents, "1")


def listed(values, **beside):
    """The client list with these cells."""
    tab = Tab(1, "Clients", 9, cells=TabCells(values, [], **beside))
    return Spreadsheet("list", "List", "", "id_ID", "Asia/Jakarta", [tab], {})


def test_clients_are_read_in_order_with_further_columns_beside():
    values = [["Agensi"], [], ["PIC", "Name", "Kuota Post", "Content Plan Folder ID", "kuota story"],
              ["x", "Kopi  Senja", 4, "folder-1", "2 "], [], ["y", "Toko", "banyak"]]  # fmt: skip
    clients = parse(listed(values))
    assert [(c.name, c.folder_id, c.quota) for c in clients] == [
        ("Kopi Senja", "folder-1", {"post": 4, "story": 2}),
        ("Toko", "", {}),
    ]
    assert clients[1].cell == "'Clients'!D6"


def test_a_folders_address_is_as_good_as_its_id():
    values = [["Name", "Content Plan Folder ID"], ["A", "https://drive.google.com/drive/folders/1aB-c_9?usp=sharing"]]
    assert parse(listed(values))[0].folder_id == "1aB-c_9"


@pytest.mark.parametrize(
    "written",
    [
        "https://drive.google.com/drive/u/0/folders/1aB-c_9",
        "https://drive.google.com/open?id=1aB-c_9&usp=drive_fs",
        "drive.google.com/drive/folders/1aB-c_9/",
        "https://drive.google.com/drive/#folders/1aB-c_9",
        "https://www.google.com/url?q=https%3A%2F%2Fdrive.google.com%2Fdrive%2Ffolders%2F1aB-c_9&sa=D",
    ],
)
def test_every_form_of_a_folders_address_is_as_good_as_its_id(written):
    assert parse(listed([["Name", "Content Plan Folder ID"], ["A", written]]))[0].folder_id == "1aB-c_9"


def test_a_folder_may_be_a_link_or_a_chip():
    read = listed(
        [["Name", "Content Plan Folder ID"], ["A", "Kopi Senja"]],
        linked={(1, 1): "Kopi Senja (https://drive.google.com/drive/folders/1aB-c_9)"},
    )
    assert parse(read)[0].folder_id == "1aB-c_9"


def test_a_folder_that_is_merged_over_clients_is_that_of_each():
    values = [["Name", "Content Plan Folder ID"], ["A", "1aB"], ["B"]]
    read = Spreadsheet(
        "list", "List", "", "id_ID", "Asia/Jakarta", [Tab(1, "Clients", 9, [(1, 3, 1, 2)], cells=TabCells(values))], {}
    )
    assert [client.folder_id for client in parse(read)] == ["1aB", "1aB"]


def test_the_tab_of_plans_and_what_becomes_of_deleted_rows_may_be_named():
    values = [
        ["Name", "Content Plan Folder ID", "Tab", "deleted rows"],
        ["A", "1aB", "Plan", " Cancelled"],
        ["B", "2aB"],
    ]
    assert [(one.tab, one.deleted_rows) for one in parse(listed(values))] == [("Plan", "Cancelled"), ("", "")]


@pytest.mark.parametrize("values", [[], [["Nama", "Folder"]], [["Name"]]], ids=["empty", "other-names", "one-column"])
def test_a_list_without_its_columns_is_refused_by_name(values):
    with pytest.raises(FixInputError, match=r"List.*'Content Plan Folder ID'"):
        parse(listed(values))


def test_an_empty_list_is_refused():
    with pytest.raises(FixInputError, match="lists no client"):
        parse(listed([["Name", "Content Plan Folder ID"], ["", "x"]]))


def test_clients_are_chosen_whatever_case_and_spaces_and_unknown_ones_are_named():
    toko = Client("Toko Rimba", "f", "c")
    assert select([KOPI, toko], ["kopi  SENJA", "Foo"]) == (
        [KOPI],
        {"Foo": "is not in the client list; there are Kopi Senja, Toko Rimba"},
    )
    assert select([KOPI, toko], None) == ([KOPI, toko], {})


def test_a_client_listed_twice_is_not_taken_and_both_cells_are_named():
    twin = Client("KOPI senja", "folder-2", "'Clients'!B9")
    chosen, problems = select([KOPI, twin], None)
    assert chosen == []
    assert "'Clients'!B2 and 'Clients'!B9" in problems["Kopi Senja"]


@pytest.mark.parametrize(
    "name",
    ["Content Plan - Kopi Senja - Juli 2026", "content plan – KOPI  SENJA – juli 2026", "Content Plan-Kopi Senja-July 2026",
     " Content  Plan - Kopi\u00a0Senja - Jul 2026"],
)  # fmt: skip
def test_a_plan_is_found_however_its_name_is_typed(name):
    assert find_plan([file("Content Plan - Kopi Senja - Juni 2026", "other"), file(name)], KOPI, JULY).id == "id-1"


def test_a_month_without_a_plan_is_told_with_the_names_seen():
    with pytest.raises(
        FixInputError, match=r"'Content Plan - Kopi Senja - Juli 2026'. Seen: 'Content Plan - Kopi - Juli 2026'"
    ):
        find_plan([file("Content Plan - Kopi - Juli 2026")], KOPI, JULY)


def test_two_plans_are_told_with_their_ids_and_none_is_guessed():
    with pytest.raises(FixInputError, match=r"\(a\).*\(b\)"):
        find_plan(
            [file("Content Plan - Kopi Senja - Juli 2026", "a"), file("Content Plan – Kopi Senja – Juli 2026", "b")],
            KOPI,
            JULY,
        )


def test_a_shortcut_to_the_plan_beside_the_plan_is_the_same_plan():
    name = "Content Plan - Kopi Senja - Juli 2026"
    assert find_plan([file(name), file(name)], KOPI, JULY).id == "id-1"


@pytest.mark.parametrize("kind", OFFICE)
@pytest.mark.parametrize("extension", ["", ".xlsx", ".xls", ".XLSM", ".ods"])
def test_an_office_file_is_named_with_how_it_becomes_a_sheet(kind, extension):
    name = f"Content Plan - Kopi Senja - Juli 2026{extension}"
    with pytest.raises(FixInputError, match=rf"'{name}': .*Save as Google Sheets"):
        find_plan([file(name, mime_type=kind)], KOPI, JULY)


@pytest.mark.parametrize(
    "converted", ["Content Plan - Kopi Senja - Juli 2026", "Content Plan - Kopi Senja - Juli 2026.xlsx"]
)
def test_what_was_converted_goes_before_the_file_that_it_was_made_from(converted):
    uploaded = [
        file("Content Plan - Kopi Senja - Juli 2026.xlsx", "excel", mime_type=EXCEL),
        file("Content Plan - Kopi Senja - Juli 2026.ods", "ods", mime_type=OFFICE[3]),
    ]
    assert find_plan([uploaded[0], file(converted), uploaded[1]], KOPI, JULY).id == "id-1"


def test_two_uploaded_files_and_no_sheet_are_more_than_one_plan():
    name = "Content Plan - Kopi Senja - Juli 2026"
    with pytest.raises(FixInputError, match="more than one plan"):
        find_plan(
            [file(f"{name}.xlsx", "a", mime_type=EXCEL), file(f"{name}.xls", "b", mime_type=OFFICE[1])], KOPI, JULY
        )


class Drive:
    """A drive in which one folder cannot be looked into, and spoils every query that names it."""

    def __init__(self):
        self.asked = []

    async def find_files(self, folder_ids):
        self.asked.append(list(folder_ids))
        if "secret" in folder_ids:
            raise FixInputError("Google", "File not found")
        if "odd" in folder_ids:
            raise ConflictError("Google", "Invalid Value")
        return [file(f"plan of {folder}", parents=(folder,)) for folder in folder_ids]


def test_many_folders_share_a_query():
    drive = Drive()
    files, errors = asyncio.run(find_files(drive, [f"f{n}" for n in range(85)]))
    assert [len(asked) for asked in drive.asked] == [40, 40, 5]
    assert [found.name for found in files["f84"]] == ["plan of f84"]
    assert errors == {}


def test_a_folder_that_cannot_be_looked_into_spoils_no_other():
    files, errors = asyncio.run(find_files(Drive(), ["a", "secret", "odd", "b"]))
    assert [bool(files[folder]) for folder in ("a", "b", "secret", "odd")] == [True, True, False, False]
    assert {folder: error.problem for folder, error in errors.items()} == {
        "secret": "File not found",
        "odd": "Invalid Value",
    }


def test_names_written_as_one_are_told_how_they_are_separated():
    listed = [Client("Kopi Senja", "f", "A2"), Client("PT Teh, Tbk", "g", "A3")]
    chosen, problems = select(listed, ["Kopi Senja, Toko Rimba", "pt teh, tbk"])
    assert [client.name for client in chosen] == ["PT Teh, Tbk"], "a comma may belong to a name"
    [problem] = problems.values()
    assert 'quote each by itself: --client-names "Kopi Senja" "Toko Rimba"; in Prefect, give each an item' in problem
