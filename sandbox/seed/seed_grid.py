"""A plan that says much beside its values: links, chips, notes, struck and hidden rows, merges, two tabs, one hidden."""

import datetime as dt

from sandbox.google.cells import Content, Formatted, Styled
from sandbox.google.google import Google
from sandbox.google.rich_text import Chip, Rich, Run

CLIENT = "Serba Ada"
SPREADSHEET_ID = "1SerbaAda0kJ2wQm7TzR4cVb9XnL5pHsD8fGyUaE3oIq"
HIDDEN_TAB, TAB = "Juni 2026", "Juli 2026"
HEADER: tuple[Content, ...] = ("No", "Tanggal", "Waktu", "Bentuk", "Topik", "Caption", "Reference", "Key")
BOARD, BRIEF = "https://pin.example/papan-juli", "https://docs.google.com/document/d/1SerbaAda/edit"
STRUCK_ROW, USER_HIDDEN_ROW, FILTERED_ROW, MERGED_ROWS = 6, 7, 8, (9, 11)
_MERGED_COLUMNS = "ABCDEFH"


def add_plan(google: Google, client: str, folder: str) -> None:
    """The plan, whose first tab is hidden and holds last month."""
    tabs: dict[str, list[list[Content]]] = {
        HIDDEN_TAB: [list(HEADER), [1, dt.date(2026, 6, 3), "10.00", "Post", "Konten Juni", "Takarir", None, None]],
        TAB: [list(HEADER), *_rows()],
    }
    made = google.add_spreadsheet(f"Content Plan - {client} - Juli 2026", folder, tabs, spreadsheet_id=SPREADSHEET_ID)
    google.hide_tab(made, HIDDEN_TAB)
    google.hide_rows(made, TAB, USER_HIDDEN_ROW)
    google.hide_rows(made, TAB, FILTERED_ROW, by="filter")
    first, last = MERGED_ROWS
    for column in _MERGED_COLUMNS:
        google.merge(made, f"'{TAB}'!{column}{first}:{column}{last}")


def _rows() -> list[list[Content]]:
    moodboard = Rich("Lihat ", Run("moodboard", link=BOARD), " dan ", Run("video", link="https://vid.example/1"))
    brief = Rich(Chip("Brief Juli", uri=BRIEF, mime_type="application/vnd.google-apps.document"), " dari ",
                 Chip("Raras", email="raras@agency.example"))  # fmt: skip
    cells: list[tuple[Content, Content, Content, Content]] = [
        (dt.date(2026, 7, 1), "10.00", "Tautan dalam rumus", f'=HYPERLINK("{BOARD}";"moodboard")'),
        (dt.date(2026, 7, 2), "10.00", "Tautan dalam teks", moodboard),
        (dt.date(2026, 7, 3), "10.00", "Chip berkas dan orang", brief),
        (
            dt.date(2026, 7, 6),
            "10.00",
            Styled("Catatan pada sel", note="Tanya Raras dulu"),
            Styled("papan", link=BOARD),
        ),
        (dt.date(2026, 7, 7), "10.00", Styled("Batal tayang", strikethrough=True), None),
        (dt.date(2026, 7, 8), "10.00", "Baris disembunyikan", None),
        (dt.date(2026, 7, 9), "10.00", "Baris tersaring", None),
        (dt.date(2026, 7, 10), "10.00", "Satu konten dalam tiga baris", "Versi pagi"),
        (None, None, None, "Versi siang"),
        (None, None, None, "Versi malam"),
        (Formatted(46216.4375, "DATE_TIME"), None, "Jam dalam tanggal", None),
        (Formatted(46217.9999998, "DATE"), "10.00", "Hampir tanggal 15", None),
        (dt.date(2026, 7, 16), "10.00", "\u2800\u3164", None),
        (dt.date(2026, 7, 17), "10.00", "TBA", None),
        (dt.date(2026, 7, 20), "10.00", "Gambar dalam sel", '=IMAGE("https://img.example/contoh.png")'),
    ]
    return [
        [
            number if topic else None,
            day,
            time,
            "Post" if topic else None,
            topic,
            "Takarir" if topic else None,
            link,
            None,
        ]
        for number, (day, time, topic, link) in enumerate(cells, start=1)
    ]
