"""What stands for an access token that cannot be had: against the sandbox's token service, and each of Google's words for it."""

import json

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.oauth2 import service_account

from lib.errors import CredentialsError, FixInputError, TooManyRequestsError, TryLaterError
from lib.services import google_token
from lib.services.google_api import GoogleApi
from tests.direct import google_api

ACCOUNT = "bot@project.example"


@pytest.fixture
def pauses():
    """What the client waited for, instead of waiting."""
    return []


@pytest.fixture
def plan(box):
    return box.google.add_spreadsheet("Rencana", box.google.add_folder("Folder"), tabs={"T": [["x"]]})


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("429", {}),
        ("500", {}),
        ("503-before", {}),
        ("reset-before", {}),
        ("reset-after", {}),
        ("truncated", {}),
        ("html", {}),
        ("redirect", {}),
    ],
)
def test_a_passing_fault_of_the_token_service_is_tried_again_and_passes(box, pauses, opened, plan, kind, options):
    box.fault("oauth.token", kind, times=2, **options)
    assert opened(google_api(box.environment(), sleep=pauses.append)).read_tab(plan, "T").tabs[0].cells.values == [
        ["x"]
    ]
    assert len(pauses) <= 2  # httplib2 itself sends again after a connection that was closed
    assert box.calls("oauth.token") == 3


def test_a_passing_fault_that_lasts_is_not_called_wrong_credentials(box, pauses, opened, plan):
    box.fault("oauth.token", "500", times=5)
    with pytest.raises(TryLaterError, match="token service: answered 500") as error:
        opened(google_api(box.environment(), sleep=pauses.append)).read_tab(plan, "T")
    assert len(pauses) == 4
    assert "{" not in str(error.value)


def test_the_token_services_retry_after_is_obeyed(box, pauses, opened, plan):
    box.fault("oauth.token", "429", retry_after=37)
    opened(google_api(box.environment(), sleep=pauses.append)).read_tab(plan, "T")
    assert pauses == [37.0]


def test_a_write_without_a_token_was_never_sent_and_is_safe_to_try_again(box, pauses, opened, plan):
    api = opened(google_api(box.environment(), sleep=pauses.append))
    box.fault("oauth.token", "reset-after", times=4)
    request = {"findReplace": {"find": "x", "replacement": "y", "allSheets": True}}
    api.update(plan, [request])
    assert box.google.grid(plan, "T") == [["y"]]
    assert box.calls("sheets.spreadsheets.batchUpdate") == 1


@pytest.fixture(scope="module")
def key():
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture
def account_api(box, key, opened, pauses):
    """A client for the sandbox as a service account that it does not know."""
    info = {"client_email": ACCOUNT, "private_key": key, "token_uri": f"{box.url}/token"}
    credentials = service_account.Credentials.from_service_account_info(info, scopes=["x"])
    return opened(GoogleApi(credentials, endpoint=box.url, sleep=pauses.append))


def test_a_refused_service_account_hears_nothing_of_a_refresh_token(account_api, pauses, plan):
    with pytest.raises(CredentialsError) as error:
        account_api.read_tab(plan, "T")
    assert str(error.value).startswith(f"Google, service account {ACCOUNT}: it is refused (invalid_grant: ")
    assert "the account was deleted or disabled" in str(error.value)
    assert "refresh token" not in str(error.value)
    assert pauses == []


def test_a_service_account_too_outlasts_a_passing_fault(account_api, box, pauses, plan):
    box.fault("oauth.token", "503-before", times=2)
    with pytest.raises(CredentialsError):
        account_api.read_tab(plan, "T")
    assert len(pauses) == 2


def failure(status, content, retry_after=None, account=""):
    return google_token.failure(status, content, retry_after, account=account)


@pytest.mark.parametrize("account", ["", ACCOUNT])
@pytest.mark.parametrize(
    ("status", "content"),
    [
        (500, {"error": "internal_failure", "error_description": "Backend Error"}),
        (500, {"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}}),
        (502, None),
        (503, {"error": "invalid_grant"}),
        (503, [{"error": "x"}]),
        (520, None),
        (408, None),
        (302, None),
        (400, {"error": "server_error"}),
        (400, {"error": "temporarily_unavailable"}),
        (403, {"error": "rate_limit_exceeded", "error_description": "Rate Limit Exceeded"}),
        (403, {"error": {"code": 403, "message": "Try later.", "status": "RESOURCE_EXHAUSTED"}}),
    ],
)
def test_what_passes_is_to_be_tried_later(status, content, account):
    error = failure(status, content, "7", account)
    assert isinstance(error, TryLaterError)
    assert error.retry_after_s == 7.0
    assert "{" not in str(error)


def test_too_many_requests_of_any_shape_are_waited_for():
    for content in (None, {"error": "quota"}, {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}):
        error = failure(429, content, "11")
        assert isinstance(error, TooManyRequestsError)
        assert error.retry_after_s == 11.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407])
@pytest.mark.parametrize("content", [None, [], "text", {"message": "blocked by policy"}])
def test_a_page_of_somebody_between_is_not_called_wrong_credentials(status, content):
    error = failure(status, content)
    assert isinstance(error, FixInputError)
    assert not isinstance(error, CredentialsError)
    assert "a proxy or firewall" in str(error)
    assert "GOOGLE_TOKEN_URI" in str(error)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, "expired, was revoked"),
        ({"error": "invalid_grant", "error_subtype": "invalid_rapt"}, "asks for a new login"),
        ({"error": "invalid_client", "error_description": "The OAuth client was not found."}, "GOOGLE_CLIENT_SECRET"),
        ({"error": "deleted_client"}, "the client still exists"),
        ({"error": "invalid_scope", "error_description": "Bad Request"}, "tick Sheets and Drive"),
        ({"error": "admin_policy_enforced"}, "ask its administrator"),
        ({"error": "invalid_request", "error_description": "Missing: refresh_token"}, "GOOGLE_REFRESH_TOKEN"),
        (
            {"error": {"code": 403, "message": "Blocked.", "status": "PERMISSION_DENIED"}},
            r"PERMISSION_DENIED: Blocked\.",
        ),
    ],
)
def test_a_refused_refresh_token_says_what_to_do(content, says):
    error = failure(400, content)
    assert isinstance(error, CredentialsError)
    assert says.replace("\\", "") in str(error)
    assert "{" not in str(error)
    assert "service account" not in str(error).replace("or use a service account", "")


@pytest.mark.parametrize(
    ("code", "description", "says"),
    [
        ("invalid_grant", "Invalid JWT Signature.", "its key was deleted or disabled"),
        ("invalid_grant", "Invalid grant: account not found", "the account was deleted or disabled"),
        (
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp",
            "clock of this machine is wrong",
        ),
        ("invalid_grant", "Invalid JWT: Failed audience check.", "GOOGLE_TOKEN_URI"),
        ("invalid_grant", "Invalid email or User ID", "client_email"),
        ("invalid_grant", "", "the clock of this machine is off by minutes (set it), its key or the account itself"),
        ("invalid_scope", "Invalid OAuth scope or ID token audience provided.", "Sheets and Drive"),
        ("unauthorized_client", "Client is unauthorized", "enabled"),
        ("disabled_client", "The OAuth client was disabled.", "enabled"),
        ("access_denied", "", "ask its administrator"),
    ],
)
def test_a_refused_service_account_says_what_to_do(code, description, says):
    error = failure(400, {"error": code, "error_description": description}, account=ACCOUNT)
    assert isinstance(error, CredentialsError)
    assert ACCOUNT in str(error)
    assert says in str(error)
    assert "refresh" not in str(error).lower()


def test_what_the_service_says_is_one_short_line():
    said = str(failure(400, {"error": "invalid_grant", "error_description": "a\nb\t" + "c" * 5000}))
    assert len(said) < 600
    assert "\n" not in said
    assert json.dumps(said)
