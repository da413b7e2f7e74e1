"""How a spreadsheet's locale writes numbers and dates, from the Unicode CLDR that Babel brings."""

import re
from dataclasses import dataclass
from functools import cache

import babel
from babel.core import UnknownLocaleError, get_global
from babel.numbers import get_currency_symbol, get_territory_currencies


@dataclass(frozen=True, slots=True)
class Locale:
    """The habits of one locale; `date`, `time` and `currency` are patterns as Sheets writes them."""

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
    """From Monday."""
    short_days: tuple[str, ...]


@cache
def of(name: str) -> Locale:
    """The habits of the locale called `name`, e.g. `id_ID`; those of en_US if there is none of that name."""
    try:
        found = babel.Locale.parse(name)
    except (UnknownLocaleError, ValueError):
        return of("en_US")
    symbols = found.number_symbols["latn"]
    date = re.sub("y+", "yyyy", found.date_formats["short"].pattern)
    time = re.sub(r"\s*a$", " am/pm", found.time_formats["medium"].pattern)
    symbol, digits = _currency(found)
    return Locale(
        decimal=symbols["decimal"],
        group=symbols["group"],
        day_first=date.index("d") < date.index("M"),
        time_separators=":." if "." in time else ":",
        date=date,
        time=time,
        currency=f'"{symbol}"#,##0' + ("." + "0" * digits if digits else ""),
        currency_symbols=(symbol,),
        months=tuple(found.months["format"]["wide"].values()),
        short_months=tuple(found.months["format"]["abbreviated"].values()),
        days=tuple(found.days["format"]["wide"][day] for day in range(7)),
        short_days=tuple(found.days["format"]["abbreviated"][day] for day in range(7)),
    )


def _currency(locale: babel.Locale) -> tuple[str, int]:
    """The currency's symbol and how many decimals its cash has."""
    code = get_territory_currencies(locale.territory or "US")[-1]
    fractions = get_global("currency_fractions")
    return get_currency_symbol(code, locale), fractions.get(code, fractions["DEFAULT"])[2]
