"""Edits by other people, as plain data: for a fault that another process queues, and for POST /sandbox/edit.

| edit | what happens |
| --- | --- |
| `{"spreadsheetId": id, "requests": [...]}` | the requests of a `spreadsheets.batchUpdate`, with all rights |
| `{"spreadsheetId": id, "range": "Plan!A5", "values": [[...]]}` | values typed in; `"typed": false` writes them raw |
| `{"fileId": id, "name": ..., "trashed": ..., "access": ...}` | a Drive file renamed, trashed, its sharing changed |
| `{"issueKey": key, "fields": {...}}` | fields of an issue changed |
| `{"issueKey": key, "moveTo": "MAR"}`, `{"issueKey": key, "delete": true}` | an issue moved or deleted |
"""

from sandbox.http.messages import JsonObject
from sandbox.state import SandboxState


def carry_out(state: SandboxState, edit: JsonObject) -> None:
    """Do what the edit says; ValueError if it says nothing that is known, KeyError if its target does not exist."""
    with state.timeline.lock:
        match edit:
            case {"spreadsheetId": spreadsheet_id, "requests": requests}:
                state.google.edit(spreadsheet_id, requests)
            case {"spreadsheetId": spreadsheet_id, "range": area, "values": values}:
                state.google.write(spreadsheet_id, area, values, typed=edit.get("typed", True))
            case {"fileId": file_id}:
                _file(state, file_id, edit)
            case {"issueKey": key, "fields": fields}:
                state.jira.edit_issue(key, **fields)
            case {"issueKey": key, "moveTo": project}:
                state.jira.move_issue(key, project)
            case {"issueKey": key, "delete": True}:
                state.jira.delete_issue(key)
            case _:
                raise ValueError(f"not an edit the sandbox knows: {', '.join(edit) or 'it is empty'}")


def _file(state: SandboxState, file_id: str, edit: JsonObject) -> None:
    if "name" in edit:
        state.google.rename(file_id, edit["name"])
    if "trashed" in edit:
        state.google.trash(file_id, trashed=bool(edit["trashed"]))
    if "access" in edit:
        state.google.set_access(file_id, edit["access"])
