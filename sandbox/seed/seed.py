"""What is there at the start: accounts and projects always, clients and plans unless they are not wanted.

Every business, person, account and address is invented.
"""

import datetime as dt

from sandbox.google.a1 import Span
from sandbox.google.cells import Content
from sandbox.google.google import Google
from sandbox.jira.jira import Jira
from sandbox.jira.state import IssueType
from sandbox.seed import seed_messy
from sandbox.seed.seed_plans import BATIK, GIGI, KOPI, PLANS
from sandbox.seed.seed_words import TOPICS

MONTH = "Juli 2026"

GOOGLE_CLIENT_ID = "sandbox-client.apps.example"
GOOGLE_CLIENT_SECRET = "sandbox-not-a-secret"  # noqa: S105 - invented
GOOGLE_REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105 - invented
GOOGLE_SERVICE_ACCOUNT = "bot@sandbox-project.iam.example"
JIRA_USERNAME = "bot@agency.example"
JIRA_TOKEN = "sandbox-jira-token"  # noqa: S105 - invented

CLIENTS_SPREADSHEET_ID = "1HbtpjEfZHEvq-y1C8v7Hi0fxjLtxFsrbubUjjFwlP5X"
MESSY_CLIENTS_SPREADSHEET_ID = "1xCel9mTBfCKe5WzJ0sna7ccNUMAwOAMmZz2kvAtELMo"
CLIENTS_FOLDER_ID = "1Pyif7w6TJzj6fI78IuALfLRbRzqD_jcE"
SHARED_DRIVE_ID = "0AK3sTq7YbWmXUk9PVA"
FOLDER_IDS = {
    "Kopi Senja": "10W617JLBJo5QZLq17n8NQywfCWFO89Ub",
    "Toko Rimba": "1lU3hIig4jPb-evAru0SIf0kuyNYzchgD",
    "Batik Larasati": "1nfw5WGADW6xOI0RNyCJWSUdwdcjZxeml",
    "Klinik Gigi Cemara": "1YKBNQQYBJ6UuUYX5wm1eEik1NvmdXolQ",
    "Rumah Baca 'Aksara' & Anak": "1C5xzOpksR7J1UgHxEV2QkERzLxN9KvgW",
    "Warung Bu Tini / Cabang 2": "1og02wQXB5JH3yJQUfTfueuiUMkZOBaLy",
}
LAST_MONTH = dt.datetime(2026, 6, 1, 9, tzinfo=dt.timezone(dt.timedelta(hours=7))).timestamp()

PROJECT_KEY, ISSUE_TYPE_ID, PRIORITY_ID = "CP", "10001", "3"
BOT = "712020:4b1c2d30-0000-4000-8000-0000000000b0"
REPORTER = "712020:4b1c2d30-0005-4000-8000-00000000c001"
USERS = {
    "712020:4b1c2d30-0001-4000-8000-00000000a001": "Associate Pagi",
    "712020:4b1c2d30-0002-4000-8000-00000000a002": "Associate Sore",
    "712020:4b1c2d30-0003-4000-8000-00000000e001": "Editor Utara",
    "712020:4b1c2d30-0004-4000-8000-00000000e002": "Editor Selatan",
    REPORTER: "Produksi Konten",
}
INACTIVE_USER = "712020:4b1c2d30-0009-4000-8000-00000000d009"
COMPONENTS = {
    "10101": "Kopi Senja",
    "10102": "Toko Rimba",
    "10103": "Batik Larasati",
    "10104": "Klinik Gigi Cemara",
    "10105": "Rumah Baca 'Aksara' & Anak",
}
CONTENT_FORM = "customfield_10043"
CONTENT_FORMS = {"10501": "Post", "10502": "Story", "10503": "Short Video", "10504": "Carousel"}

_BASIC_SCREEN = [
    "summary", "issuetype", "project", "description", "priority", "reporter", "assignee", "labels", "duedate",
]  # fmt: skip
_CONTENT_SCREEN = [
    *_BASIC_SCREEN, "components", "customfield_10015", "customfield_10040", "customfield_10041", "customfield_10042",
    "customfield_10043",
]  # fmt: skip


def plant_site(google: Google, jira: Jira) -> None:
    """Accounts, users and projects: what every client needs, and nothing that it works on."""
    google.add_account(
        client_id=GOOGLE_CLIENT_ID, client_secret=GOOGLE_CLIENT_SECRET, refresh_token=GOOGLE_REFRESH_TOKEN
    )
    google.add_service_account(GOOGLE_SERVICE_ACCOUNT)
    jira.add_user(BOT, "Robot Konten", email=JIRA_USERNAME, token=JIRA_TOKEN)
    for account_id, name in USERS.items():
        jira.add_user(account_id, name, email=f"{name.lower().replace(' ', '.')}@agency.example")
    jira.add_user(INACTIVE_USER, "Editor Lama", email="editor.lama@agency.example", active=False)
    jira.add_user("557058:sandbox-automation", "Automation for Jira", kind="app")
    jira.state.options[CONTENT_FORM] = dict(CONTENT_FORMS)
    jira.add_project(
        "CP", "Content Production", [IssueType(ISSUE_TYPE_ID, "Content", _CONTENT_SCREEN),
                                     IssueType("10002", "Task", _BASIC_SCREEN)],
        project_id="10000", lead=REPORTER,
    )  # fmt: skip
    jira.add_project(
        "MAR", "Marketing", [IssueType(ISSUE_TYPE_ID, "Content", _CONTENT_SCREEN)], project_id="10010", lead=REPORTER
    )
    jira.add_project("TEAM", "Team", [IssueType("10002", "Task", _BASIC_SCREEN)], project_id="10020",
                     without=("CREATE_ISSUES",))  # fmt: skip
    for component_id, name in COMPONENTS.items():
        jira.add_component("CP", component_id, name)


def plant(google: Google, jira: Jira) -> None:
    """The client list, the plans it leads to, a second list of whole-plan mistakes, and last month's issues."""
    clients = google.add_folder("Clients", folder_id=CLIENTS_FOLDER_ID)
    shared = google.add_drive("Agensi Bersama", drive_id=SHARED_DRIVE_ID)
    for plan in PLANS:
        folder_id = FOLDER_IDS[plan.client]
        google.add_folder(plan.client, parent=shared if plan is GIGI else clients, folder_id=folder_id)
        google.add_spreadsheet(
            plan.title,
            folder_id,
            {plan.tab: plan.cells(), **plan.more_tabs},
            locale=plan.locale,
            spreadsheet_id=plan.spreadsheet_id,
        )
        google.add_spreadsheet(f"Content Plan - {plan.client} - Juni 2026", folder_id, {"Content Plan": _last_month()})
        google.add_spreadsheet(f"Aset {plan.client}", folder_id)
    google.spreadsheets[KOPI.spreadsheet_id].tabs[0].merges.append(Span(0, 1, 0, 3))
    tabs: dict[str, list[list[Content]]] = {
        "Clients": _client_rows(),
        "Arsip": [["Name"], ["Bengkel Pak Har (berhenti)"]],
    }
    google.add_spreadsheet("Client List", clients, tabs, spreadsheet_id=CLIENTS_SPREADSHEET_ID)
    _plant_issues(jira)
    seed_messy.plant(google, MESSY_CLIENTS_SPREADSHEET_ID, clients)


def _client_rows() -> list[list[Content]]:
    """The clients with their quotas; those of two clients differ from what their plans hold."""
    rows: list[list[Content]] = [
        ["Name", "PIC", "Content Plan Folder ID", *(f"Kuota {form}" for form in CONTENT_FORMS.values()), "Catatan"]
    ]
    for plan, person in zip(PLANS, ("Dimas", "Raras", "Yoga", "Sekar", "Anindya", "Bagas"), strict=True):
        forms = [form for form, _ in TOPICS[plan.client]]
        quotas: list[Content] = [forms.count(form) for form in CONTENT_FORMS.values()]
        if plan is KOPI:
            quotas[1] = forms.count("Story") + 2
        if plan is BATIK:
            quotas[3] = None
        note = "Folder di shared drive" if plan is GIGI else None
        rows.append([plan.client, person, FOLDER_IDS[plan.client], *quotas, note])
    return rows


def _last_month() -> list[list[Content]]:
    header: list[Content] = ["No", "Tanggal", "Bentuk", "Topik", "Key"]
    return [header, [1, dt.date(2026, 6, 3), "Post", "Konten Juni yang sudah tayang", None]]


def _plant_issues(jira: Jira) -> None:
    """Issues of last month: `seed_messy` has a plan that was copied with their keys. MAR's next key is MAR-12."""
    for number, topic in enumerate(seed_messy.COPIED_TOPICS, start=1):
        fields = {
            "summary": topic,
            "labels": ["plan-juni-2026"],
            "duedate": f"2026-06-{number * 3:02d}",
            "customfield_10040": f"2026-06-{number * 3 + 1:02d}",
            "status": {"id": "10001"},
        }
        jira.add_issue("CP", fields, reporter=REPORTER)
    jira.state.projects["MAR"].next_number = 11
    jira.add_issue("MAR", {"summary": "Rencana acara Agustus", "labels": ["acara"]}, reporter=REPORTER)
    for issue in jira.state.issues.values():
        issue.created_at = issue.updated_at = LAST_MONTH
        issue.index[-1].visible_at = issue.index[-1].updated_at = LAST_MONTH
