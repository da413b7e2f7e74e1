"""Which tab of a spreadsheet holds the plan of a month."""

import re
from collections.abc import Sequence

from lib.errors import FixInputError
from lib.formats import Month, find_month, match_key, plain_line
from lib.messages import NOTHING, Said, as_said, join, say
from lib.plan import header
from lib.plan.content_plan import PlanSource
from lib.services import a1
from lib.services.models import Spreadsheet, Tab


def choose(spreadsheet: Spreadsheet, month: Month | None, wanted: str = "") -> Tab:
    """
    The tab that was asked for; else the visible one whose title names the month; else the only visible one with a header.

    The only visible tab is taken as it is: reading it says what it lacks.

    Args:
        spreadsheet: The tabs that there are, with what their cells show.
        month: The plan's month; None when it is not known.
        wanted: Title of the tab, whatever its case and spaces; empty when nobody named one.

    Raises:
        FixInputError: There is no tab of that title, or none or several could be the plan; the message lists them.
    """
    if wanted:
        return _titled(spreadsheet, wanted)
    visible = [tab for tab in spreadsheet.tabs if not tab.hidden]
    named = [tab for tab in visible if month and names_month(tab.title, month)]
    if len(named) == 1:
        return named[0]
    if len(visible) == 1:
        return visible[0]
    lacking = {tab.id: _what_lacks(spreadsheet, tab) for tab in named or visible}
    fit = [tab for tab in named or visible if not lacking[tab.id]]
    if len(fit) == 1:
        return fit[0]
    told = (
        say("{tab}: {lack}", tab=a1.quoted(tab.title), lack=lacking[tab.id] or say("has a header"))
        for tab in named or visible
    )
    problem = say(
        "{which}{hidden}: {seen}. Name the right one in the column Tab of the client list, or with --tab",
        which=say("more than one tab may be the plan of {month}", month=month)
        if fit
        else say("none of its tabs is a plan"),
        hidden=say("; hidden tabs do not count") if len(visible) < len(spreadsheet.tabs) else "",
        seen=join("; ", told),
    )
    raise FixInputError(spreadsheet.title, problem)


def _titled(spreadsheet: Spreadsheet, wanted: str) -> Tab:
    exact = [tab for tab in spreadsheet.tabs if tab.title == wanted]
    alike = exact or [tab for tab in spreadsheet.tabs if match_key(tab.title) == match_key(wanted)]
    if alike:
        return alike[0]
    problem = say("has no tab {tab}; there are {tabs}", tab=a1.quoted(wanted), tabs=_titles(spreadsheet.tabs))
    raise FixInputError(spreadsheet.title, problem)


def _titles(tabs: Sequence[Tab]) -> str:
    return ", ".join(a1.quoted(tab.title) for tab in tabs)


def names_month(title: str, month: Month) -> bool:
    """Whether a tab's title names the month, with its year or with none: `Juli 2026`, `Plan Jul '26`, `JULI`, `2026-07`."""
    text = plain_line(title).casefold()
    if numbers := re.findall(r"\b(20[0-9]{2})[-/.]([0-9]{1,2})\b|\b([0-9]{1,2})[-/.](20[0-9]{2})\b", text):
        return any((int(a or d), int(b or c)) == (month.year, month.month) for a, b, c, d in numbers)
    years = {int(year) for year in re.findall(r"(?<![0-9])(20[0-9]{2})(?![0-9])", text)}
    years |= {2000 + int(year) for year in re.findall(r"'([0-9]{2})\b", text)}
    months = {find_month(word) for word in re.findall(r"[a-z]+", text)}
    return month.month in months and (not years or month.year in years)


def _what_lacks(spreadsheet: Spreadsheet, tab: Tab) -> Said:
    """Why a tab is no plan; empty when it has a plan's header."""
    values = tab.cells.values if tab.cells else []
    source = PlanSource(client="", spreadsheet_id=spreadsheet.id, title="", tab=tab.title, tab_id=tab.id)
    try:
        header.read_columns(source, values, [], header.find(source, values))
    except FixInputError as error:
        return as_said(error.problem)
    return NOTHING
