"""The calls that the work cannot do without, as somebody writes them for one month: nothing is claimed, checked or settled."""

import datetime as dt
import os
import threading
from typing import Any

import requests

TAB = "Content Plan"
BATCH = 50  # issues that Jira takes in one request
FOLDERS = 50  # of one Drive query
EPOCH = dt.date(1899, 12, 30)  # of a sheet's days
FORMS = {"Post": "10501", "Story": "10502", "Short Video": "10503", "Carousel": "10504"}

type Json = dict[str, Any]

_local = threading.local()
_token = ""


def http() -> requests.Session:
    """This thread's connection."""
    if not hasattr(_local, "http"):
        _local.http = requests.Session()
        _local.http.trust_env = False
    session: requests.Session = _local.http
    return session


def log_in() -> None:
    """Get the access token that the calls of Google use."""
    global _token  # noqa: PLW0603  # one script, one account
    form = {
        "grant_type": "refresh_token",
        "client_id": os.environ["GOOGLE_CLIENT_ID"],
        "client_secret": os.environ["GOOGLE_CLIENT_SECRET"],
        "refresh_token": os.environ["GOOGLE_REFRESH_TOKEN"],
    }
    answer = http().post(os.environ["GOOGLE_TOKEN_URI"], data=form)
    answer.raise_for_status()
    _token = answer.json()["access_token"]


def google(method: str, path: str, **arguments: Any) -> Json:
    address = f"{os.environ['GOOGLE_API_ENDPOINT']}/{path}"
    answer = http().request(method, address, headers={"Authorization": f"Bearer {_token}"}, **arguments)
    answer.raise_for_status()
    told: Json = answer.json()
    return told


def jira(path: str, body: Json) -> Json:
    account = (os.environ["JIRA_USERNAME"], os.environ["JIRA_TOKEN"])
    answer = http().post(f"{os.environ['JIRA_URL']}/rest/api/3/{path}", json=body, auth=account)
    answer.raise_for_status()
    told: Json = answer.json()
    return told


def find_plans(month: str) -> dict[str, str]:
    """Client -> id of its plan for the month."""
    log_in()
    listed = google("GET", f"v4/spreadsheets/{os.environ['CLIENTS_SPREADSHEET_ID']}/values/Clients")["values"][1:]
    clients = {folder: name for name, folder in listed}
    folders, plans = list(clients), {}
    for start in range(0, len(folders), FOLDERS):
        within = " or ".join(f"'{folder}' in parents" for folder in folders[start : start + FOLDERS])
        query = {"q": f"({within}) and trashed = false", "fields": "files(id,name,parents)", "pageSize": 1000}
        for file in google("GET", "drive/v3/files", params=query)["files"]:
            name = clients[file["parents"][0]]
            if file["name"] == f"Content Plan - {name} - {month}":
                plans[name] = file["id"]
    return plans


def read_rows(plan: str) -> list[Json]:
    """The rows, column -> cell."""
    params = {"valueRenderOption": "UNFORMATTED_VALUE"}
    header, *rows = google("GET", f"v4/spreadsheets/{plan}/values/{TAB}", params=params)["values"]
    return [dict(zip(header, row, strict=False)) for row in rows]


def fields_of(row: Json) -> Json:
    """The fields of the row's issue; columns without a field of their own make its description."""
    day = EPOCH + dt.timedelta(days=int(row["Tanggal"]))
    own = ("Tanggal", "Topik", "Bentuk", "Key")
    lines = [
        {"type": "paragraph", "content": [{"type": "text", "text": " ".join(f"{name}: {cell}".split())}]}
        for name, cell in row.items()
        if name not in own and cell not in ("", None)
    ]
    return {
        "project": {"key": os.environ["JIRA_PROJECT_KEY"]},
        "issuetype": {"id": os.environ["JIRA_ISSUE_TYPE_ID"]},
        "summary": row["Topik"],
        "description": {"type": "doc", "version": 1, "content": lines},
        "customfield_10040": day.isoformat(),
        "customfield_10015": (day - dt.timedelta(days=7)).isoformat(),
        "duedate": (day - dt.timedelta(days=1)).isoformat(),
        "customfield_10043": {"id": FORMS[row["Bentuk"]]},
    }


def create_issue(fields: Json) -> str:
    """Make one issue; its key."""
    return str(jira("issue", {"fields": fields})["key"])


def create_batch(batch: list[Json]) -> list[str]:
    """Make the issues of one request; their keys, in the order of the answer."""
    answer = jira("issue/bulk", {"issueUpdates": [{"fields": fields} for fields in batch]})
    return [issue["key"] for issue in answer["issues"]]


def batches(drafts: list[Json]) -> list[list[Json]]:
    return [drafts[start : start + BATCH] for start in range(0, len(drafts), BATCH)]


def write_keys(plan: str, keys: list[str], first: int = 2) -> None:
    """Write keys down the column Key, from that row of the sheet."""
    area = f"{TAB}!R{first}:R{first + len(keys) - 1}"
    body = {"range": area, "majorDimension": "COLUMNS", "values": [keys]}
    google("PUT", f"v4/spreadsheets/{plan}/values/{area}", params={"valueInputOption": "RAW"}, json=body)
