"""The works that are timed: invented clients with a plan each, whose rows are like those that agencies write."""

import datetime as dt
from dataclasses import dataclass

from sandbox.google.cells import Content
from sandbox.google.google import Google
from sandbox.jira.jira import Jira
from sandbox.seed import seed, seed_words
from sandbox.seed.seed_plans import MONTH_NUMBER, STANDARD, YEAR

MONTH = seed.MONTH
TAB = "Content Plan"
_FORMS = tuple(seed_words.FORMATS)
_DAYS = 31


@dataclass(frozen=True)
class Work:
    """So many clients with so many rows each."""

    name: str
    clients: int
    rows: int

    @property
    def all_rows(self) -> int:
        return self.clients * self.rows

    def __str__(self) -> str:
        clients = "one plan" if self.clients == 1 else f"{self.clients:,} clients"
        return f"{clients} of {self.rows:,} rows" if self.clients == 1 else f"{clients} × {self.rows:,} rows"


WORKS = {work.name: work for work in (Work("W1", 12, 40), Work("W2", 1, 3_000), Work("W3", 100, 40))}


def client_name(number: int) -> str:
    return f"Klien {number}"


def topic(client: int, row: int) -> str:
    """The topic of a row, which no other row of any plan has."""
    return f"Cerita {row} dari klien {client}"


def plant(google: Google, jira: Jira, work: Work) -> list[str]:
    """The work's client list and plans, and an issue of the month before; the plans' ids."""
    jira.add_issue(
        seed.PROJECT_KEY, {"summary": "Cerita bulan lalu", "labels": ["plan-juni-2026"]}, reporter=seed.REPORTER
    )
    parent = google.add_folder("Clients", folder_id=seed.CLIENTS_FOLDER_ID)
    listed: list[list[Content]] = [["Name", "Content Plan Folder ID"]]
    plans = []
    for number in range(1, work.clients + 1):
        name = client_name(number)
        folder = google.add_folder(name, parent=parent)
        listed.append([name, folder])
        rows: list[list[Content]] = [list(STANDARD), *(_row(number, row, work.rows) for row in range(1, work.rows + 1))]
        plans.append(google.add_spreadsheet(f"Content Plan - {name} - {MONTH}", folder, {TAB: rows}))
    google.add_spreadsheet("Client List", parent, {"Clients": listed}, spreadsheet_id=seed.CLIENTS_SPREADSHEET_ID)
    return plans


def _row(client: int, row: int, total: int) -> list[Content]:
    def pick(choices: tuple[str, ...]) -> str:
        return choices[(row * 7 + client) % len(choices)]

    form, title = _FORMS[row % len(_FORMS)], topic(client, row)
    cells: dict[str, Content] = {
        "No": row,
        "Tanggal": dt.date(YEAR, MONTH_NUMBER, 1 + (row - 1) * _DAYS // total),
        "Waktu": f"{9 + row % 11:02d}.00 WIB",
        "Bentuk": form,
        "Creator": pick(seed_words.CREATORS),
        "Format": pick(seed_words.FORMATS[form]),
        "Purpose/Theme": pick(seed_words.PURPOSES),
        "Strategic Application": pick(seed_words.STRATEGIES),
        "Kebutuhan Personil": pick(seed_words.PEOPLE),
        "Topik": title,
        "Shoot Guide": pick(seed_words.SHOOT_GUIDES),
        "Visualisasi Konten": pick(seed_words.VISUALS),
        "Asset": pick(seed_words.ASSETS).format(number=row),
        "Caption": pick(seed_words.CAPTIONS).format(topic=title),
        "Approval": pick(seed_words.APPROVALS),
        "Link Referensi": f"https://referensi.example/{client}/{row}" if row % 3 else None,
    }
    return [cells.get(column) for column in STANDARD]
