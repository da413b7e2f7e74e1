"""Where people open what we know by its id alone: a Drive folder, or a spreadsheet that could not be read."""

import urllib.parse


def folder(folder_id: str, endpoint: str = "") -> str:
    """A Drive folder's page; that of the sandbox, which has one page for all folders, when `endpoint` is its address."""
    return f"{endpoint.rstrip('/')}/" if endpoint else f"https://drive.google.com/drive/folders/{_quoted(folder_id)}"


def spreadsheet(spreadsheet_id: str, endpoint: str = "") -> str:
    """A spreadsheet's page; that of the sandbox when `endpoint` is its address."""
    own = f"{endpoint.rstrip('/')}/spreadsheets/{_quoted(spreadsheet_id)}"
    return own if endpoint else f"https://docs.google.com/spreadsheets/d/{_quoted(spreadsheet_id)}/edit"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")
