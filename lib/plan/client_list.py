"""The agency's client list: who the clients are, and where their plans lie."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lib.errors import FixInputError
from lib.formats import FormatError, match_key, one_line, parse_number
from lib.plan.content_plan import HEADER_SEARCH_ROWS
from lib.services import a1
from lib.services.models import CellValue, ReadsSheets, Spreadsheet

TAB = "Clients"
_NAME, _FOLDER, _TAB = "Name", "Content Plan Folder ID", "Tab"


@dataclass(frozen=True)
class Client:
    """One client of the list; `quota` is the rows per content form ordered for a month, `tab` that of its plans if it is named."""

    name: str
    folder_id: str
    cell: str
    quota: dict[str, int] = field(default_factory=dict)
    tab: str = ""


async def read(google: ReadsSheets, spreadsheet_id: str) -> list[Client]:
    """
    Read the client list.

    Raises:
        FixInputError: It cannot be read, or lists nobody.
    """
    spreadsheet = await google.read_spreadsheet(spreadsheet_id)
    return parse(await google.read_values(spreadsheet.id, tab_of(spreadsheet)), title=spreadsheet.title)


def tab_of(spreadsheet: Spreadsheet) -> str:
    """
    The title of the tab that lists the clients.

    Raises:
        FixInputError: There is none.
    """
    tab = next((tab for tab in spreadsheet.tabs if match_key(tab.title) == match_key(TAB)), None)
    if tab is None:
        seen = ", ".join(tab.title for tab in spreadsheet.tabs)
        raise FixInputError(spreadsheet.title, f"has no tab {TAB!r}; there are {seen}")
    return tab.title


def parse(values: Sequence[Sequence[CellValue]], *, title: str) -> list[Client]:
    """
    Turn the cells of the tab Clients into clients, in sheet order.

    Columns `Name` and `Content Plan Folder ID` (an id, or the folder's address) may stand anywhere; `Kuota <form>` is a quota, `Tab` the title of
    the tab that holds the client's plans.

    Raises:
        FixInputError: A column is missing, or no client is listed.
    """
    where = f"{title}, tab {a1.quoted(TAB)}"
    for number, row in enumerate(values[:HEADER_SEARCH_ROWS]):
        headers = [match_key(cell) for cell in row]
        if match_key(_NAME) in headers and match_key(_FOLDER) in headers:
            clients = [_client(headers, cells, index + 1) for index, cells in enumerate(values) if index > number]
            listed = [client for client in clients if client.name]
            if not listed:
                raise FixInputError(where, f"lists no client; write one name per row below {_NAME!r}")
            return listed
    raise FixInputError(where, f"has no header with the columns {_NAME!r} and {_FOLDER!r}")


def _client(headers: Sequence[str], cells: Sequence[CellValue], row: int) -> Client:
    by_header = {header: cells[index] if index < len(cells) else None for index, header in enumerate(headers)}
    folder = one_line(by_header[match_key(_FOLDER)])
    quota: dict[str, int] = {}
    for header, cell in by_header.items():
        if match := re.fullmatch(r"(?:kuota|quota) (.+)", header):
            try:
                wanted = parse_number(cell)
            except FormatError:
                wanted = None  # a remark instead of a number is no quota
            if wanted is not None:
                quota[match[1]] = int(wanted)
    address = a1.address(TAB, row, headers.index(match_key(_FOLDER)))
    in_address = re.search(r"/folders/([A-Za-z0-9_-]+)", folder)
    folder_id, tab = in_address[1] if in_address else folder, one_line(by_header.get(match_key(_TAB)))
    return Client(one_line(by_header[match_key(_NAME)]), folder_id, address, quota, tab)


def select(clients: Sequence[Client], names: Iterable[str] | None) -> tuple[list[Client], dict[str, str]]:
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
        name: f"is not in the client list{_separated(name)}; there are {known}"
        for key, name in wanted.items()
        if key not in by_name
    }
    for key, name in wanted.items():
        if len(by_name.get(key, [])) > 1:
            cells = " and ".join(client.cell for client in by_name[key])
            problems[name] = f"stands in the client list more than once (see {cells}); remove all but one"
    chosen = [c for c in clients if match_key(c.name) in wanted and len(by_name[match_key(c.name)]) == 1]
    return chosen, problems


def _separated(name: str) -> str:
    """How names are separated, where somebody seems to have written several as one."""
    parts = [part.strip() for part in re.split("[,;\n]", name)]
    if len(parts) == 1:
        return ""
    quoted = " ".join(f'"{part}"' for part in parts if part)
    return f" (if these are several, quote each by itself: --client-names {quoted}; in Prefect, give each an item of its own)"
