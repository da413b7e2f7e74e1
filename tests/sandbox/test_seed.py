"""What is planted, and that README.md tells the truth about it."""

import re
import unicodedata
from pathlib import Path

import pytest

import sandbox
from sandbox.faults.faults import KINDS
from sandbox.google.a1 import column_letters
from sandbox.google.state import SHEET
from sandbox.seed import seed, seed_grid, seed_messy
from sandbox.seed.seed_plans import KOPI, PLANS, RIMBA
from sandbox.seed.seed_words import TOPICS

README = (Path(sandbox.__file__).parent / "README.md").read_text("utf-8")


def told_cells():
    """The rows of the README's table of oddities: (client, cell)."""
    return [match.groups() for match in re.finditer(r"^\| (.+?) \| `([A-Z]+\d+)` \|", README, re.MULTILINE)]


def planted_cells():
    found = []
    for plan in PLANS:
        for number, column in plan.odd:
            row = len(plan.above) + 1 + number + sum(blank < number for blank in plan.blank_after)
            found.append((plan.client, f"{column_letters(plan.columns.index(column))}{row}"))
    return found


def plain(name):
    """A name as a person reads it: one kind of dash, one space, no case."""
    return " ".join(unicodedata.normalize("NFKC", name).replace("–", "-").casefold().split())


def test_the_readme_names_every_oddity_where_it_stands():
    assert told_cells() == planted_cells()


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.client)
def test_a_plans_oddities_are_in_its_cells(box, plan):
    odd = {address for client, address in planted_cells() if client == plan.client}
    grid = box.google.grid(plan.spreadsheet_id, plan.tab)
    for address in odd:
        letters, number = re.fullmatch(r"([A-Z]+)(\d+)", address).groups()
        row = grid[int(number) - 1]
        assert any(value != "" for value in row), f"{plan.client} {address} stands in a blank row"
        assert letters <= column_letters(len(plan.columns) - 1) or len(letters) > 1


def test_the_six_plans_have_a_hundred_and_fifty_rows():
    assert [len(TOPICS[plan.client]) for plan in PLANS] == [60, 34, 24, 16, 8, 8]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.client)
def test_each_client_has_one_plan_for_the_month_in_its_folder(box, plan):
    folder = seed.FOLDER_IDS[plan.client]
    wanted = plain(f"Content Plan - {plan.client} - {seed.MONTH}")
    found = [
        file.id
        for file in box.google.files.values()
        if file.parent == folder and file.mime_type == SHEET and plain(file.name) == wanted
    ]
    assert found == [plan.spreadsheet_id]


def test_the_client_list_leads_to_the_folders(box):
    header, *rows = box.google.grid(seed.CLIENTS_SPREADSHEET_ID, "Clients")
    name, folder = header.index("Name"), header.index("Content Plan Folder ID")
    assert {row[name]: row[folder] for row in rows} == seed.FOLDER_IDS


def test_quotas_differ_for_two_clients_only(box):
    header, *rows = box.google.grid(seed.CLIENTS_SPREADSHEET_ID, "Clients")
    differing = []
    for row in rows:
        forms = [form for form, _ in TOPICS[row[header.index("Name")]]]
        quotas = {form: row[header.index(f"Kuota {form}")] for form in seed.CONTENT_FORMS.values()}
        if any(quotas[form] != forms.count(form) for form in quotas):
            differing.append(row[header.index("Name")])
    assert differing == ["Kopi Senja", "Batik Larasati"]


def test_the_first_rows_of_a_plan_are_what_a_planner_writes(box):
    grid = box.google.grid(KOPI.spreadsheet_id, KOPI.tab)
    assert (grid[0][0], grid[1], grid[3][:4]) == (
        "CONTENT PLAN KOPI SENJA",
        [""] * 18,
        ["No", "Tanggal", "Waktu", "Bentuk"],
    )
    assert (grid[14], grid[36]) == ([""] * 18, [""] * 18)


def test_one_cell_is_as_long_as_a_cell_gets_in_practice(box):
    assert len(box.google.cell(RIMBA.spreadsheet_id, f"'{RIMBA.tab}'!L11").value) == 30_000


def test_every_messy_client_is_told(box):
    header, *rows = box.google.grid(seed.MESSY_CLIENTS_SPREADSHEET_ID, "Clients")
    names = [row[header.index("Name")] for row in rows]
    assert names == list(seed_messy.CLIENTS)
    for name in names:
        assert f"| {name} |" in README


def test_the_plan_of_one_client_holds_one_of_each_thing_that_is_no_value(site):
    hidden, plan = site.sheets("GET", seed_grid.SPREADSHEET_ID, params={"includeGridData": "true"}).json()["sheets"]
    assert (hidden["properties"]["hidden"], plan["properties"]["title"]) == (True, seed_grid.TAB)
    rows = [row.get("values", []) for row in plan["data"][0]["rowData"]]
    cells = [cell for row in rows for cell in row]
    assert all(any(name in cell for cell in cells) for name in ("hyperlink", "textFormatRuns", "chipRuns", "note"))
    struck = [cell for cell in cells if cell and cell["effectiveFormat"]["textFormat"]["strikethrough"]]
    assert [cell["formattedValue"] for cell in struck] == ["Batal tayang"]
    metadata = plan["data"][0]["rowMetadata"]
    assert (
        metadata[seed_grid.USER_HIDDEN_ROW - 1]["hiddenByUser"]
        is metadata[seed_grid.FILTERED_ROW - 1]["hiddenByFilter"]
        is True
    )
    assert len(plan["merges"]) == len(seed_grid.HEADER) - 1


def test_the_copied_plan_has_keys_of_last_months_issues(box):
    title = seed_messy.title("Salinan Juni")
    made = next(book.id for book in box.google.spreadsheets.values() if book.title == title)
    keys = [row[-1] for row in box.google.grid(made, "Plan")[1:]]
    assert keys == ["CP-1", "CP-2", "CP-3", "CP-4"]
    assert all(box.jira.issue(key).labels == ["plan-juni-2026"] for key in keys)


def test_last_months_issues_are_in_the_index_from_the_start(site):
    answer = site.jira("POST", "search/jql", body={"jql": 'project = "CP"', "fields": ["summary", "created"]})
    assert len(answer.json()["issues"]) == 4


def test_the_next_issue_of_marketing_looks_like_a_date(site):
    assert site.created(project={"key": "MAR"}) == "MAR-12"


def test_kinds_of_faults_are_told():
    assert [kind for kind in KINDS if f"`{kind}`" not in README] == []
