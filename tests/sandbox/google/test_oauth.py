"""The token endpoint, and what tokens are good for."""

import base64
import json

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request

from sandbox.seed import seed


def refresh(box, **changes):
    settings = box.environment()
    form = {
        "grant_type": "refresh_token",
        "client_id": settings["GOOGLE_CLIENT_ID"],
        "client_secret": settings["GOOGLE_CLIENT_SECRET"],
        "refresh_token": settings["GOOGLE_REFRESH_TOKEN"],
        **changes,
    }
    return requests.post(box.url + "/token", data={name: value for name, value in form.items() if value is not None})


def signed(claims):
    parts = [{"alg": "RS256"}, claims, {}]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


def assertion(box, **changes):
    claims = {
        "iss": seed.GOOGLE_SERVICE_ACCOUNT,
        "aud": "https://oauth2.googleapis.com/token",
        "iat": 1_000,
        "exp": 4_600,
        "scope": "https://www.googleapis.com/auth/spreadsheets",
        **changes,
    }
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signed(claims)}
    return requests.post(box.url + "/token", data=form)


def test_a_refresh_token_becomes_an_access_token_for_an_hour(box):
    answer = refresh(box).json()
    assert (answer["token_type"], answer["expires_in"]) == ("Bearer", 3599)
    assert "https://www.googleapis.com/auth/spreadsheets" in answer["scope"].split()


def test_every_access_token_is_another(box):
    assert refresh(box).json()["access_token"] != refresh(box).json()["access_token"]


@pytest.fixture
def transport():
    with requests.Session() as session:
        yield Request(session)


def test_google_auth_refreshes_here(credentials, transport):
    credentials.refresh(transport)
    assert credentials.token.startswith("ya29.")


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        pytest.param({"client_id": "other"}, 401, "invalid_client", id="unknown-client"),
        pytest.param({"client_secret": "other"}, 401, "invalid_client", id="wrong-secret"),
        pytest.param({"refresh_token": "other"}, 400, "invalid_grant", id="unknown-refresh-token"),
        pytest.param({"refresh_token": None}, 400, "invalid_request", id="no-refresh-token"),
        pytest.param({"scope": "https://www.googleapis.com/auth/gmail.send"}, 400, "invalid_scope", id="never-granted"),
        pytest.param({"grant_type": "password"}, 400, "unsupported_grant_type", id="other-grant"),
        pytest.param({"grant_type": None}, 400, "invalid_request", id="no-grant"),
    ],
)
def test_a_bad_refresh_is_refused(box, changes, status, error):
    answer = refresh(box, **changes)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_google_auth_tells_a_dead_refresh_token(box, credentials, transport):
    box.google.state.refresh_tokens.clear()
    with pytest.raises(RefreshError) as caught:
        credentials.refresh(transport)
    assert (caught.value.retryable, caught.value.args[1]["error"]) == (False, "invalid_grant")


def test_a_service_account_gets_a_token_for_its_assertion(box):
    answer = assertion(box)
    token = answer.json()["access_token"]
    found = requests.get(
        f"{box.url}/v4/spreadsheets/{seed.CLIENTS_SPREADSHEET_ID}", headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, found.status_code) == (200, 200)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"iss": "other@x.example"}, "invalid_grant", id="unknown-account"),
        pytest.param({"exp": 9_000}, "invalid_grant", id="lives-too-long"),
        pytest.param({"aud": "https://else.example"}, "invalid_grant", id="for-somebody-else"),
        pytest.param({"scope": ""}, "invalid_scope", id="no-scope"),
    ],
)
def test_a_bad_assertion_is_refused(box, changes, error):
    answer = assertion(box, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_token_expires_by_the_boxs_clock(box, clock, site):
    assert site.drive().status_code == 200
    clock.move(3598)
    assert site.drive().status_code == 200
    clock.move(1)
    assert site.drive().status_code == 401


@pytest.mark.parametrize("path", ["/v4/spreadsheets/x", "/drive/v3/files"])
def test_an_unknown_token_is_401_in_googles_envelope(box, path):
    answer = requests.get(box.url + path, headers={"Authorization": "Bearer nobody"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, 401)
    assert "Bearer" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("path", ["/v4/spreadsheets/x", "/drive/v3/files"])
def test_no_token_at_all_is_a_strangers_403(box, path):
    answer = requests.get(box.url + path)
    assert answer.status_code == 403
    assert "unregistered callers" in answer.json()["error"]["message"]


def test_googleapiclient_refreshes_after_401_and_goes_on(box, values, plan):
    assert values.get(spreadsheetId=plan, range="Lain").execute()["values"] == [["x"]]
    box.google.expire_tokens()
    assert values.get(spreadsheetId=plan, range="Lain").execute()["values"] == [["x"]]


def test_a_scope_that_was_not_granted_is_missing(box, site):
    token = refresh(box, scope="https://www.googleapis.com/auth/drive.metadata.readonly").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    drive = requests.get(box.url + "/drive/v3/files", headers=headers)
    sheets = requests.get(f"{box.url}/v4/spreadsheets/{seed.CLIENTS_SPREADSHEET_ID}", headers=headers)
    assert (drive.status_code, sheets.status_code) == (200, 403)
    assert sheets.json()["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_reading_is_enough_to_read_and_not_to_write(box, plan):
    token = refresh(box, scope="https://www.googleapis.com/auth/drive.readonly").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    read = requests.get(f"{box.url}/v4/spreadsheets/{plan}/values/Lain", headers=headers)
    written = requests.post(f"{box.url}/v4/spreadsheets/{plan}/values/Lain:clear", headers=headers)
    assert (read.status_code, written.status_code) == (200, 403)
