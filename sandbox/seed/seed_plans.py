"""The six clients' plans for July 2026, with the oddities that hands leave in sheets.

README.md lists where each oddity is; a test compares the two.
"""

import datetime as dt
from dataclasses import dataclass, field

from sandbox.google.cells import Content, ErrorValue, Formatted, Formula, Text
from sandbox.seed import seed_words as words

YEAR, MONTH_NUMBER = 2026, 7
_DAYS = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu")

STANDARD = (
    "No", "Tanggal", "Waktu", "Bentuk", "Creator", "Format", "Purpose/Theme", "Strategic Application",
    "Kebutuhan Personil", "Topik", "Shoot Guide", "Visualisasi Konten", "Reference", "Asset", "Caption", "Approval",
    "Link Referensi", "Key",
)  # fmt: skip

NBSP, ZERO_WIDTH = "\u00a0", "\u200b"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
LONG_TOPIC = (
    "Cerita lengkap Bu Sekar membatik selama tiga puluh tahun: dari belajar mencanting di teras rumah neneknya, menjual "
    "kain pertamanya di pasar malam, hampir menyerah ketika banjir merusak semua pewarna, sampai akhirnya membuka rumah "
    "batik sendiri bersama dua belas tetangga yang kini menjadi pembatik tetap di sanggar kami"
)
LONG_GUIDE = " ".join(
    f"{number}. Ambil gambar rak nomor {number}, lalu dekatkan kamera ke jahitan, tahan tiga detik, catat nama produknya."
    for number in range(1, 301)
)[:30_000]


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan: which columns it has under which names, where its header is, and what is odd in it."""

    client: str
    title: str
    spreadsheet_id: str
    columns: tuple[str, ...] = STANDARD
    names: dict[str, str] = field(default_factory=dict)
    """Headers that are written otherwise than usual."""
    above: tuple[tuple[Content, ...], ...] = ()
    """Rows above the header."""
    blank_after: tuple[int, ...] = ()
    """Numbers of rows (from 1) that a blank row follows."""
    odd: dict[tuple[int, str], Content] = field(default_factory=dict)
    """Cells that are not what the words would make them: (row number from 1, column) -> content."""
    locale: str = "id_ID"
    tab: str = "Content Plan"
    more_tabs: dict[str, list[list[Content]]] = field(default_factory=dict)

    def cells(self) -> list[list[Content]]:
        """The plan's first tab, row by row."""
        header: list[Content] = [self.names.get(column, column) for column in self.columns]
        rows: list[list[Content]] = [list(row) for row in self.above] + [header]
        for number, (form, topic) in enumerate(words.TOPICS[self.client], start=1):
            usual = _usual(self.client, number, form, topic)
            rows.append([self.odd.get((number, column), usual.get(column)) for column in self.columns])
            if number in self.blank_after:
                rows.append([])
        return rows


def _usual(client: str, number: int, form: str, topic: str) -> dict[str, Content]:
    """The contents of a row's cells when nothing is odd about them."""
    total = len(words.TOPICS[client])
    day = dt.date(YEAR, MONTH_NUMBER, 1 + (number - 1) * 31 // total)
    link = f"https://referensi.example/{client.split(maxsplit=1)[0].lower()}/{number}"

    def pick(choices: tuple[str, ...]) -> str:
        return choices[(number * 7 + total) % len(choices)]

    return {
        "No": number,
        "Tanggal": _date(day, number),
        "Waktu": _time(number),
        "Bentuk": form,
        "Creator": pick(words.CREATORS),
        "Format": pick(words.FORMATS[form]),
        "Purpose/Theme": pick(words.PURPOSES),
        "Strategic Application": pick(words.STRATEGIES),
        "Kebutuhan Personil": pick(words.PEOPLE),
        "Topik": topic,
        "Shoot Guide": pick(words.SHOOT_GUIDES),
        "Visualisasi Konten": pick(words.VISUALS),
        "Reference": pick(("Akun pesaing A", "Konten kami bulan Mei", "", "Ide dari klien")),
        "Asset": pick(words.ASSETS).format(number=number),
        "Caption": pick(words.CAPTIONS).format(topic=topic),
        "Approval": pick(words.APPROVALS),
        "Link Referensi": link if number % 3 else None,
        "Budget": Formatted(50_000 * (number % 6 + 1), "CURRENCY", '"Rp"#,##0'),
        "Key": None,
    }


def _date(day: dt.date, number: int) -> Content:
    """Mostly a real date; some rows have it typed in the ways people type it."""
    match number % 9:
        case 2:
            return Text(f"{day.day} Juli {day.year}")
        case 4:
            return Text(f"{day:%d/%m/%Y}")
        case 6:
            return Text(f"{day.day}-{day.month}-{day:%y}")
        case 8:
            return Text(f"{_DAYS[day.weekday()]}, {day.day} Jul {day.year}")
    return day


def _time(number: int) -> Content:
    hour = 9 + number % 11
    match number % 5:
        case 1:
            return Text(f"{hour:02d}.00")
        case 2:
            return Text(f"{hour:02d}:30")
        case 3:
            return Text(f"{hour:02d}.00 WIB")
    return dt.time(hour, 30)


KOPI = Plan(
    "Kopi Senja",
    "Content Plan - Kopi Senja - Juli 2026",
    "1yYrO2tRqQAT4e4M4gK0IDyCy8zxIcmkdgC7vWfveU3Q",
    above=(("CONTENT PLAN KOPI SENJA", None, None, "Juli 2026"), (), ("Diperbarui tiap Senin oleh planner",)),
    blank_after=(10, 31),
    odd={
        (3, "Topik"): "Proses seduh V60\ndari biji sampai cangkir",
        (5, "Caption"): f"Senin{NBSP}semangat!{NBSP}Promo sampai pukul 10.00 {FAMILY}☕️",
        (7, "Topik"): f"POV: kamu barista{ZERO_WIDTH} di jam sibuk ",
        (9, "Asset"): ErrorValue("REF", "Reference does not exist"),
        (12, "Tanggal"): Text("31 Juni 2026"),
        (14, "Link Referensi"): Formula('=HYPERLINK("https://ulasan.example/juli";"Lihat ulasan")', "Lihat ulasan"),
        (16, "Reference"): Text("Anggaran Rp 1.500.000,00 untuk dua hari"),
        (18, "Topik"): None,
        (20, "Reference"): Formatted(0.35, "PERCENT", "0%"),
        (22, "Caption"): Text('=IMPORTXML("https://resep.example/kopi"; "//h1") jangan dihapus'),
        (25, "Topik"): Text("Reaksi pelanggan mencoba <script>alert('kopi susu rempah')</script>"),
        (33, "Topik"): f"Terima kasih 10 ribu pengikut {FAMILY}🎉",
        (41, "Tanggal"): Text("3 Agustus 2026"),
        (47, "Approval"): True,
        (52, "Caption"): "Baris satu\r\nBaris dua\n\n\nBaris lima",
    },
    more_tabs={"Catatan": [["Ide untuk Agustus"], ["Lomba 17-an"]]},
)
RIMBA = Plan(
    "Toko Rimba",
    "Content Plan -  Toko Rimba - Juli  2026",
    "18dhODk04nEWk6yh5bO6j9d0ZpFHmeMsuqpkXpGyVBRh",
    columns=("No", "Tanggal", "Waktu", "Topik", "Bentuk", "Creator", "Format", "Budget", "Purpose/Theme",
             "Strategic Application", "Kebutuhan Personil", "Shoot Guide", "Visualisasi Konten", "Reference", "Asset",
             "Caption", "Approval", "Link Referensi", "Key"),
    names={"Tanggal": "Tgl", "Waktu": "Jam", "Topik": "Topic"},
    blank_after=(8, 9),
    odd={
        (4, "Bentuk"): "Reels",
        (6, "Topik"): f"{NBSP}Pilih warna:{NBSP}hijau lumut atau cokelat tanah?{NBSP}",
        (9, "Shoot Guide"): Text(LONG_GUIDE),
        (13, "Tanggal"): None,
        (17, "Link Referensi"): Text("https://foto.example/a?x=1&y=2 dan https://foto.example/b"),
        (21, "Bentuk"): " short video",
        (26, "Topik"): Text("-"),
        (28, "Topik"): Text("Hadiah untuk guru: tas jinjing sederhana\n"),
        (30, "Key"): Text(" "),
    },
)  # fmt: skip
BATIK = Plan(
    "Batik Larasati",
    "content plan - batik larasati - JULI 2026",
    "1WpaM7yRaCjYmeyfKHLjNAwwrpcYhlMWfwaVEa_8ZCFb",
    columns=("Key", *STANDARD[:9], "Caption", "Topik", *STANDARD[10:14], *STANDARD[15:17]),
    names={"Bentuk": f"BENTUK{NBSP}", "Topik": "TOPIK", "Tanggal": "tanggal", "Purpose/Theme": "Purpose / Theme"},
    above=(("Rencana Konten",), ()),
    odd={
        (3, "Tanggal"): Text("05/07/2026"),
        (8, "Topik"): Text(LONG_TOPIC),
        (11, "Topik"): ErrorValue("REF", "Reference does not exist"),
        (15, "Caption"): Text("Indigo alami 💙\u2028Tanpa pewarna buatan"),
        (19, "Waktu"): Text("siang"),
        (23, "Caption"): Text("@larasati.batik +62 000-0000-0000 -- daftar lewat tautan"),
    },
    tab="Juli '26",
)
GIGI = Plan(
    "Klinik Gigi Cemara",
    "Content Plan – Klinik Gigi Cemara – Juli 2026",
    "1wAfcRCXG3BFSo09OppOTMDLPrQlpEtdXpJvspNG2muZ",
    columns=("Tanggal", "Waktu", "Bentuk", "Topik", "Caption", "Creator", "Kebutuhan Personil", "Visualisasi Konten",
             "Approval", "Link Referensi", "Key"),
    blank_after=(4,),
    odd={
        (5, "Caption"): Text("Senin: drg. Anin\nSelasa: drg. Bima\nRabu: libur\n\tJumat: drg. Anin"),
        (9, "Topik"): Text("Kenapa gigi ngilu saat minum es?  ❄️🦷"),
        (12, "Bentuk"): Text("carousel"),
        (14, "Caption"): Text("Biaya: 150.000 – 350.000 (belum termasuk obat)"),
    },
    locale="en_GB",
)  # fmt: skip
AKSARA = Plan(
    "Rumah Baca 'Aksara' & Anak",
    "Content Plan - Rumah Baca 'Aksara' & Anak - Juli 2026",
    "1Kzsqr9bMvCpiUiVeMRhxS_lNchtCESRPDD9McPamQFU",
    columns=("No", "Tanggal", "Waktu", "Bentuk", "Topik", "Shoot Guide", "Caption", "Link Referensi"),
    odd={(4, "Caption"): Text("\"Siapa cerdik, dia menang\" & 'siapa sabar, dia senang' \\o/")},
)
TINI = Plan(
    "Warung Bu Tini / Cabang 2",
    "Content Plan - Warung Bu Tini / Cabang 2 - Juli 2026",
    "1-D58f56-33K3Q8hsqgQIMXTMwpfubpmToO_EBtFUELg",
    columns=("No", "Tanggal", "Waktu", "Bentuk", "Topik", "Caption", "Asset", "Key"),
)

PLANS = (KOPI, RIMBA, BATIK, GIGI, AKSARA, TINI)
