"""The agency's client list: who the clients are, and where their plans lie."""

import re
import urllib.parse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lib.errors import ConflictError, FixInputError
from lib.formats import FormatError, match_key, one_line, parse_number
from lib.messages import NOTHING, Said, join, say
from lib.plan import grid
from lib.plan.content_plan import HEADER_SEARCH_ROWS
from lib.plan.grid import Grid
from lib.services import a1
from lib.services.models import ReadsSheets, Spreadsheet, TabCells

TAB = "Clients"
_NAME, _FOLDER, _TAB, _DELETED = "Name", "Content Plan Folder ID", "Tab", "Deleted Rows"


@dataclass(frozen=True)
class Client:
    """One client of the list; `quota` is the rows per content form ordered for a month, `tab` that of its plans if it is named, `deleted_rows` what becomes of issues of deleted rows."""

    name: str
    folder_id: str
    cell: str
    quota: dict[str, int] = field(default_factory=dict)
    tab: str = ""
    deleted_rows: str = ""


async def read(google: ReadsSheets, spreadsheet_id: str) -> list[Client]:
    """
    Read the client list.

    Raises:
        FixInputError: It cannot be read, or lists nobody.
    """
    try:
        return parse(await google.read_tab(spreadsheet_id, TAB))
    except ConflictError:  # there is no tab of that title, to the letter
        spreadsheet = await google.read_spreadsheet(spreadsheet_id)
        return parse(await google.read_tab(spreadsheet_id, tab_of(spreadsheet)))


def tab_of(spreadsheet: Spreadsheet) -> str:
    """
    The title of the tab that lists the clients.

    Raises:
        FixInputError: There is none.
    """
    tab = next((tab for tab in spreadsheet.tabs if match_key(tab.title) == match_key(TAB)), None)
    if tab is None:
        seen = ", ".join(tab.title for tab in spreadsheet.tabs)
        raise FixInputError(spreadsheet.title, say("has no tab '{tab}'; there are {tabs}", tab=TAB, tabs=seen))
    return tab.title


def parse(read: Spreadsheet) -> list[Client]:
    """
    Turn the cells of the tab Clients, the only one that was read, into clients, in sheet order.

    Columns `Name` and `Content Plan Folder ID` (an id, an address, or a link or chip of the folder) may stand anywhere; `Kuota <form>` is a quota, `Tab` the title of
    the tab that holds the client's plans, `Deleted Rows` what updates do with issues of deleted rows.

    Raises:
        FixInputError: A column is missing, or no client is listed.
    """
    where = f"{read.title}, tab {a1.quoted(TAB)}"
    cells = next((Grid(tab.cells, tab.merges) for tab in read.tabs if tab.cells), Grid(TabCells(), ()))
    for number, row in enumerate(cells.values[:HEADER_SEARCH_ROWS]):
        headers = [match_key(cell) for cell in row]
        if match_key(_NAME) in headers and match_key(_FOLDER) in headers:
            clients = [_client(headers, cells, index) for index in range(number + 1, len(cells.values))]
            listed = [client for client in clients if client.name]
            if not listed:
                raise FixInputError(
                    where, say("lists no client; write one name per row below '{column}'", column=_NAME)
                )
            return listed
    raise FixInputError(
        where, say("has no header with the columns '{name}' and '{folder}'", name=_NAME, folder=_FOLDER)
    )


def _client(headers: Sequence[str], cells: Grid, row: int) -> Client:
    by_header = {header: grid.cell(cells.values, row, index) for index, header in enumerate(headers)}
    folder = headers.index(match_key(_FOLDER))
    quota: dict[str, int] = {}
    for header, cell in by_header.items():
        if match := re.fullmatch(r"(?:kuota|quota) (.+)", header):
            try:
                wanted = parse_number(cell)
            except FormatError:
                wanted = None  # a remark instead of a number is no quota
            if wanted is not None:
                quota[match[1]] = int(wanted)
    address = a1.address(TAB, row + 1, folder)
    folder_id = _folder_id(cells.linked(row, folder) or one_line(by_header[match_key(_FOLDER)]))
    return Client(
        one_line(by_header[match_key(_NAME)]),
        folder_id,
        address,
        quota,
        one_line(by_header.get(match_key(_TAB))),
        one_line(by_header.get(match_key(_DELETED))),
    )


def _folder_id(written: str) -> str:
    """The id in a folder's address, of whatever form, or behind a folder's name; else what is written, which should be the id."""
    written = urllib.parse.unquote(written)
    found = re.search(r"[/#]folders/([A-Za-z0-9_-]+)", written) or re.search(r"[?&]id=([A-Za-z0-9_-]+)", written)
    return found[1] if found else written


def select(clients: Sequence[Client], names: Iterable[str] | None) -> tuple[list[Client], dict[str, Said]]:
    """
    The clients of these names, whatever their case and spaces; all when None.

    Also why a name asked for cannot be taken, by name: nobody has it, or two clients have.
    """
    by_name: dict[str, list[Client]] = {}
    for client in clients:
        by_name.setdefault(match_key(client.name), []).append(client)
    wanted = (
        {key: found[0].name for key, found in by_name.items()} if names is None else {match_key(n): n for n in names}
    )
    known = ", ".join(client.name for client in clients)
    problems = {
        name: say("is not in the client list{separated}; there are {known}", separated=_separated(name), known=known)
        for key, name in wanted.items()
        if key not in by_name
    }
    for key, name in wanted.items():
        if len(by_name.get(key, [])) > 1:
            cells = join(say(" and "), (client.cell for client in by_name[key]))
            problems[name] = say(
                "stands in the client list more than once (see {cells}); remove all but one", cells=cells
            )
    chosen = [c for c in clients if match_key(c.name) in wanted and len(by_name[match_key(c.name)]) == 1]
    return chosen, problems


def _separated(name: str) -> Said:
    """How names are separated, where somebody seems to have written several as one."""
    parts = [part.strip() for part in re.split("[,;\n]", name)]
    if len(parts) == 1:
        return NOTHING
    quoted = " ".join(f'"{part}"' for part in parts if part)
    return say(
        " (if these are several, quote each by itself: --client-names {names}; in Prefect, give each an item of its own)",
        names=quoted,
    )
