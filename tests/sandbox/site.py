"""Plain requests to the sandbox, for tests that look at the wire."""

import json

import requests

from sandbox.seed import seed


class Site:
    """Both services of one sandbox, signed in."""

    def __init__(self, box):
        self.box = box
        self.settings = box.environment()
        self._session = requests.Session()
        self._token = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._session.close()

    def token(self):
        """A fresh access token."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.settings["GOOGLE_CLIENT_ID"],
            "client_secret": self.settings["GOOGLE_CLIENT_SECRET"],
            "refresh_token": self.settings["GOOGLE_REFRESH_TOKEN"],
        }
        return self._session.post(self.box.url + "/token", data=form).json()["access_token"]

    def google(self, method, path, *, params=None, body=None, headers=None):
        if not self._token:
            self._token = self.token()
        signed = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        return self._session.request(method, self.box.url + path, params=params, json=body, headers=signed)

    def sheets(self, method, path, *, params=None, body=None):
        return self.google(method, "/v4/spreadsheets/" + path, params=params, body=body)

    def batch(self, spreadsheet_id, *requests_, **more):
        """A `spreadsheets.batchUpdate`."""
        return self.sheets("POST", f"{spreadsheet_id}:batchUpdate", body={"requests": list(requests_), **more})

    def drive(self, params=None, path=""):
        return self.google("GET", "/drive/v3/files" + path, params=params)

    def jira(self, method, path, *, params=None, body=None, auth=None, **more):
        credentials = (self.settings["JIRA_USERNAME"], self.settings["JIRA_TOKEN"]) if auth is None else auth or None
        return self._session.request(
            method, self.box.url + "/rest/api/3/" + path, params=params, json=body, auth=credentials, **more
        )

    def create(self, **fields):
        """POST one issue of project CP; fields that are None are left out."""
        return self.jira("POST", "issue", body={"fields": issue_fields(**fields)})

    def created(self, **fields):
        """The key of an issue made by `create`."""
        answer = self.create(**fields)
        assert answer.status_code == 201, answer.text
        return answer.json()["key"]


def issue_fields(**fields):
    """What a sound issue of project CP is made from."""
    usual = {
        "project": {"key": seed.PROJECT_KEY},
        "issuetype": {"id": seed.ISSUE_TYPE_ID},
        "summary": "Satu topik",
    }
    return {name: value for name, value in {**usual, **fields}.items() if value is not None}


def document(*texts):
    """An Atlassian Document of one paragraph for each text."""
    content = [{"type": "paragraph", "content": [{"type": "text", "text": text}]} for text in texts]
    return {"type": "doc", "version": 1, "content": content}


def shown(answer):
    """An answer for an assertion's message."""
    return f"{answer.status_code}: {json.dumps(answer.json(), indent=1)[:2000]}"
