"""Web pages to look at both services: server-rendered, without any request to elsewhere."""

import datetime as dt
import json
from collections.abc import Callable
from typing import NamedTuple
from zoneinfo import ZoneInfo

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from sandbox.app import Service
from sandbox.google.a1 import column_letters
from sandbox.google.cells import Cell
from sandbox.google.number_format import formatted_value
from sandbox.google.state import SHEET, SHORTCUT, DriveFile, GoogleState, Spreadsheet, Tab
from sandbox.http.messages import Json, JsonObject
from sandbox.jira.adf_html import to_html
from sandbox.jira.fields import FIELDS
from sandbox.jira.render import Renderer, current_view
from sandbox.jira.state import Issue
from sandbox.seed import seed

_JOURNAL_TAIL = 50
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
_ZONE = ZoneInfo("Asia/Jakarta")
_HEADINGS = ("Name", "Content Plan Folder ID")


class _ShownCell(NamedTuple):
    text: str
    kind: str
    note: str
    key: str


class Pages:
    """The pages of one sandbox."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._state = service.state
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("sandbox"), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )

    def overview(self, _: Request) -> Response:
        google, jira = self._state.google.state, self._state.jira.state
        journal = [
            {**entry.to_json(), "at": _moment(entry.at), "status": entry.status or "cut"}
            for entry in reversed(self._service.journal[-_JOURNAL_TAIL:])
        ]
        books = [
            {
                "id": book.id,
                "title": book.title,
                "tabs": ", ".join(tab.title for tab in book.tabs),
                "version": google.files[book.id].version,
                "changed": _moment(google.files[book.id].modified_at),
            }
            for book in google.spreadsheets.values()
        ]
        lists = (seed.CLIENTS_SPREADSHEET_ID, seed.MESSY_CLIENTS_SPREADSHEET_ID)
        return self._page(
            "overview.html",
            title="Overview",
            counts=[
                ("spreadsheets", len(google.spreadsheets)),
                ("issues", len(jira.issues)),
                ("requests", len(self._service.journal)),
            ],
            lists=[_client_list(google, google.spreadsheets[one]) for one in lists if one in google.spreadsheets],
            books=books,
            faults=self._service.faults.left,
            journal=journal,
        )

    def spreadsheet(self, request: Request) -> Response:
        google = self._state.google.state
        book = google.spreadsheets.get(request.path_params["id"])
        if book is None:
            return self._message("No such spreadsheet", "There is no spreadsheet with this id in the sandbox.", 404)
        keys = self._state.jira.state.keys
        return self._page(
            "spreadsheet.html",
            title=book.title,
            locale=book.locale,
            time_zone=book.time_zone,
            access=book.access,
            version=google.files[book.id].version,
            named=[named.name for named in book.named_ranges],
            tabs=[_tab(book, tab, lambda text: text if text in keys else "") for tab in book.tabs],
        )

    def issues(self, _: Request) -> Response:
        renderer = Renderer(self._state.jira.state, self._state.base_url)
        listed = [_issue_line(renderer, issue) for issue in reversed(self._state.jira.state.issues.values())]
        return self._page("issues.html", title="Issues", issues=listed)

    def issue(self, request: Request) -> Response:
        state = self._state.jira.state
        issue = state.find(request.path_params["key"])
        if issue is None:
            return self._message("No such issue", "There is no issue with this key in the sandbox.", 404)
        renderer = Renderer(state, self._state.base_url)
        names = [name for name in FIELDS if name not in {"summary", "description", "comment"}]
        fields = renderer.issue(current_view(issue), names, [])["fields"]
        comments = [
            {
                "author": state.users[comment.author].name if comment.author in state.users else comment.author,
                "created": _moment(comment.created_at),
                "body": to_html(comment.body),
                "properties": _pretty(comment.properties) if comment.properties else "",
            }
            for comment in issue.comments
        ]
        return self._page(
            "issue.html",
            title=issue.key,
            key=issue.key,
            summary=issue.summary,
            fields=[(FIELDS[name].name, _plain(value)) for name, value in fields.items() if value not in (None, [])],
            description=to_html(issue.fields.get("description")),
            properties=[(name, _pretty(value)) for name, value in issue.properties.items()],
            comments=comments,
        )

    def login(self, _: Request) -> Response:
        return self._message("Log in to continue", "A redirect led here: what asked for data gets a page.")

    def _message(self, title: str, message: str, status: int = 200) -> Response:
        return self._page("message.html", status, title=title, message=message)

    def _page(self, name: str, status: int = 200, **values: Json) -> Response:
        return HTMLResponse(self._templates.get_template(name).render(values), status, _HEADERS)


def routes(service: Service) -> list[Route]:
    """The pages, under the paths people know: `/browse/KEY` as in Jira."""
    pages = Pages(service)

    def locked(page: Callable[[Request], Response]) -> Callable[[Request], Response]:
        def view(request: Request) -> Response:
            with service.state.timeline.lock:
                service.state.timeline.settle()
                return page(request)

        return view

    return [
        Route("/", locked(pages.overview)),
        Route("/spreadsheets/{id}", locked(pages.spreadsheet)),
        Route("/issues", locked(pages.issues)),
        Route("/browse/{key}", locked(pages.issue)),
        Route("/login", locked(pages.login)),
    ]


def _client_list(google: GoogleState, book: Spreadsheet) -> JsonObject:
    """The clients of a client list with the files in their folders."""
    rows = book.tabs[0].rows
    header = [str(cell.value or "") for cell in rows[0]] if rows else []
    if not set(_HEADINGS) <= set(header):
        return {"id": book.id, "name": book.title, "rows": []}
    name_at, folder_at = (header.index(heading) for heading in _HEADINGS)
    clients = []
    for number in range(1, len(rows)):
        folder = str(book.tabs[0].cell(number, folder_at).value or "")
        files = [_file(google, file) for file in google.files.values() if folder and file.parent == folder]
        note = "no folder" if not folder else "nothing there"
        clients.append({"name": book.tabs[0].cell(number, name_at).value or "", "files": files, "note": note})
    return {"id": book.id, "name": book.title, "rows": clients}


def _file(google: GoogleState, file: DriveFile) -> JsonObject:
    target = file.target_id or file.id
    notes = {
        "trashed": file.trashed,
        "shortcut": file.mime_type == SHORTCUT,
        "not a Google sheet": file.mime_type not in {SHEET, SHORTCUT},
    }
    link = f"/spreadsheets/{target}" if target in google.spreadsheets else ""
    return {"name": file.name, "link": link, "note": ", ".join(note for note, holds in notes.items() if holds)}


def _tab(book: Spreadsheet, tab: Tab, key_of: Callable[[str], str]) -> JsonObject:
    width = max((len(row) for row in tab.rows), default=0)
    rows = [
        [_shown(book, tab.cell(place, column), key_of) for column in range(width)] for place in range(len(tab.rows))
    ]
    while rows and not any(cell.text for cell in rows[-1]):
        rows.pop()
    return {
        "id": tab.sheet_id,
        "title": tab.title,
        "hidden": tab.hidden,
        "letters": [column_letters(column) for column in range(width)],
        "rows": rows,
    }


def _shown(book: Spreadsheet, cell: Cell, key_of: Callable[[str], str]) -> _ShownCell:
    text = formatted_value(cell, book.locale)
    kind = "number" if isinstance(cell.value, float) else ""
    return _ShownCell(text, kind, cell.note, key_of(text))


def _issue_line(renderer: Renderer, issue: Issue) -> JsonObject:
    names = ["assignee", "components", "duedate", "customfield_10040"]
    fields = renderer.issue(current_view(issue), names, [])["fields"]
    return {
        "key": issue.key,
        "summary": issue.summary,
        "publication": fields["customfield_10040"] or "",
        "due": fields["duedate"] or "",
        "components": ", ".join(component["name"] for component in fields["components"]),
        "assignee": (fields["assignee"] or {}).get("displayName", ""),
        "created": _moment(issue.created_at),
    }


def _plain(value: Json) -> str:
    """A field's value in a few words."""
    if isinstance(value, list):
        return ", ".join(_plain(item) for item in value)
    if isinstance(value, dict):
        for name in ("displayName", "name", "value", "key", "id"):
            if name in value:
                return str(value[name])
    return str(value)


def _pretty(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, _ZONE).strftime("%Y-%m-%d %H:%M:%S")
