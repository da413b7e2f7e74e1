"""A second client list, whose clients are the mistakes that concern a plan as a whole."""

import datetime as dt

from sandbox.google.cells import Content
from sandbox.google.google import Google
from sandbox.seed import seed_grid

HEADER: tuple[Content, ...] = ("No", "Tanggal", "Waktu", "Bentuk", "Topik", "Caption", "Key")
QUOTED_NAME = 'Toko "Pojok" / O\'Brien & Rekan \\ Pusat'
COPIED_TOPICS = ("Salam pembuka Juni", "Menu buka puasa", "Tips hemat listrik", "Kuis akhir bulan")

_NO_ACCESS, _FAR_AWAY = "1_b85T0Mq9F1mZ52fw1am-hnSnFBm05IxOoPKxzjjiWg", "1ea4Mg6Gt0GJqD_AOYtDK2LTBrojomB_rn5nU0RtAVK3"
_MISSING_FOLDER = "1QHueN02o39EJoKEQFDgYQlurwPogcv0x"


def title(client: str, month: str = "Juli 2026") -> str:
    return f"Content Plan - {client} - {month}"


def plant(google: Google, spreadsheet_id: str, parent: str) -> None:
    """The list and everything it leads to, in a folder of its own under `parent`."""
    top = google.add_folder("Clients (berantakan)", parent=parent)
    folders = {client: google.add_folder(client, parent=top) for client in CLIENTS if client not in _WITHOUT_FOLDER}
    for client, make in CLIENTS.items():
        if client in folders:
            make(google, client, folders[client])
    ids: dict[str, Content] = {**folders, "Folder Hilang": _MISSING_FOLDER, "Tanpa Folder": None}
    rows: list[list[Content]] = [["Content Plan Folder ID", "Name"], *([ids[client], client] for client in CLIENTS)]
    google.add_spreadsheet("Client List (berantakan)", top, {"Clients": rows}, spreadsheet_id=spreadsheet_id)


def _rows(count: int = 3) -> list[list[Content]]:
    forms = ("Post", "Story", "Short Video", "Carousel")
    rows: list[list[Content]] = [list(HEADER)]
    for number in range(1, count + 1):
        day = dt.date(2026, 7, number * 5)
        rows.append([number, day, "10.00", forms[number % 4], f"Topik nomor {number}", "Takarir singkat", None])
    return rows


def _nothing(_google: Google, _client: str, _folder: str) -> None:
    """No folder, so nothing in it."""


def _only_last_month(google: Google, client: str, folder: str) -> None:
    google.add_spreadsheet(title(client, "Juni 2026"), folder, {"Plan": _rows()})


def _two_plans(google: Google, client: str, folder: str) -> None:
    google.add_spreadsheet(title(client), folder, {"Plan": _rows()})
    google.add_spreadsheet(title(client).replace(" - ", " – "), folder, {"Plan": _rows(2)})


def _without_topic(google: Google, client: str, folder: str) -> None:
    rows = [[cell for place, cell in enumerate(row) if HEADER[place] != "Topik"] for row in _rows()]
    google.add_spreadsheet(title(client), folder, {"Plan": rows})


def _header_only(google: Google, client: str, folder: str) -> None:
    google.add_spreadsheet(title(client), folder, {"Plan": [list(HEADER)]})


def _copied(google: Google, client: str, folder: str) -> None:
    """Last month's plan with new dates and the old keys: its issues belong to another plan."""
    rows = _rows(len(COPIED_TOPICS))
    for number, topic in enumerate(COPIED_TOPICS, start=1):
        rows[number][HEADER.index("Topik")] = topic
        rows[number][HEADER.index("Key")] = f"CP-{number}"
    google.add_spreadsheet(title(client), folder, {"Plan": rows})


def _plain(google: Google, client: str, folder: str) -> None:
    google.add_spreadsheet(title(client), folder, {"Plan": _rows()})


def _no_access(google: Google, client: str, folder: str) -> None:
    """The plan was shared by a shortcut only: we see the shortcut and may not open what it points at."""
    google.add_spreadsheet(title(client), "", {"Plan": _rows()}, access="none", spreadsheet_id=_NO_ACCESS)
    google.add_shortcut(title(client), folder, _NO_ACCESS)


def _excel(google: Google, client: str, folder: str) -> None:
    google.add_office_file(title(client), folder)


def _trashed_duplicate(google: Google, client: str, folder: str) -> None:
    google.add_spreadsheet(title(client), folder, {"Plan": _rows(2)}, trashed=True)
    google.add_spreadsheet(title(client), folder, {"Plan": _rows()})


def _shortcut(google: Google, client: str, folder: str) -> None:
    google.add_spreadsheet(title(client), "", {"Plan": _rows()}, spreadsheet_id=_FAR_AWAY)
    google.add_shortcut(title(client), folder, _FAR_AWAY)


def _read_only(google: Google, client: str, folder: str) -> None:
    google.add_spreadsheet(title(client), folder, {"Plan": _rows()}, access="read")


_WITHOUT_FOLDER = {"Tanpa Folder", "Folder Hilang"}
CLIENTS = {
    "Tanpa Folder": _nothing,
    "Folder Hilang": _nothing,
    "Belum Ada Rencana": _only_last_month,
    "Dua Rencana": _two_plans,
    "Tanpa Topik": _without_topic,
    "Baru Judul": _header_only,
    "Salinan Juni": _copied,
    QUOTED_NAME: _plain,
    "Akses Ditutup": _no_access,
    "Masih Excel": _excel,
    "Duplikat Terhapus": _trashed_duplicate,
    "Lewat Pintasan": _shortcut,
    "Hanya Baca": _read_only,
    seed_grid.CLIENT: seed_grid.add_plan,
}
