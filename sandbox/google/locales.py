"""How a spreadsheet's locale writes numbers and dates: the two locales the sandbox knows well, and a fallback."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Locale:
    """The habits of one locale."""

    decimal: str
    group: str
    day_first: bool
    time_separators: str
    date: str
    time: str
    currency: str
    currency_symbols: tuple[str, ...]
    months: tuple[str, ...]
    short_months: tuple[str, ...]
    days: tuple[str, ...]
    short_days: tuple[str, ...]


ENGLISH_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_INDONESIAN_MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip

US = Locale(
    decimal=".",
    group=",",
    day_first=False,
    time_separators=":",
    date="M/d/yyyy",
    time="h:mm:ss am/pm",
    currency='"$"#,##0.00',
    currency_symbols=("$",),
    months=ENGLISH_MONTHS,
    short_months=tuple(name[:3] for name in ENGLISH_MONTHS),
    days=_ENGLISH_DAYS,
    short_days=tuple(name[:3] for name in _ENGLISH_DAYS),
)
GB = Locale(
    decimal=".",
    group=",",
    day_first=True,
    time_separators=":",
    date="dd/MM/yyyy",
    time="HH:mm:ss",
    currency='"£"#,##0.00',
    currency_symbols=("£",),
    months=ENGLISH_MONTHS,
    short_months=US.short_months,
    days=_ENGLISH_DAYS,
    short_days=US.short_days,
)
# Names as Unicode CLDR writes them for `id`: https://www.unicode.org/cldr/charts/48/summary/id.html
INDONESIA = Locale(
    decimal=",",
    group=".",
    day_first=True,
    time_separators=":.",
    date="dd/MM/yyyy",
    time="H.mm.ss",
    currency='"Rp"#,##0',
    currency_symbols=("Rp",),
    months=_INDONESIAN_MONTHS,
    short_months=("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    days=("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    short_days=("Sen", "Sel", "Rab", "Kam", "Jum", "Sab", "Min"),
)
_KNOWN = {"en_US": US, "en_GB": GB, "id_ID": INDONESIA, "in_ID": INDONESIA}


def of(name: str) -> Locale:
    """The habits of the locale called `name`; those of en_US if it is unknown here."""
    return _KNOWN.get(name, US)
