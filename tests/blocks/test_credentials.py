"""The credentials blocks: what they tell of themselves, where they look, and what they never show."""

import ast
import asyncio
import io
import json
import os
import sys
import webbrowser
from types import SimpleNamespace

import httpx
import nbformat
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google_auth_oauthlib.flow import InstalledAppFlow, WSGITimeoutError
from oauthlib.oauth2 import AccessDeniedError
from prefect import get_client
from prefect.client.schemas.actions import BlockDocumentUpdate
from prefect.exceptions import PrefectHTTPStatusError
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from pydantic import ValidationError

from blocks import google_credentials, loading
from blocks.google_credentials import SCOPES, GoogleCredentials
from blocks.jira_credentials import JiraCredentials
from lib import settings
from lib.errors import CredentialsError, FixInputError
from lib.notebook.runner import run_notebook

SECRET = "s3cr3t-planted-value"


class TestGoogle(BlockStandardTestSuite):
    """Prefect's own suite for blocks, but for the logo, which it would download."""

    test_has_a_valid_image = None

    @pytest.fixture
    def block(self):
        return GoogleCredentials


class TestJira(TestGoogle):
    """The same for Jira."""

    @pytest.fixture
    def block(self):
        return JiraCredentials


@pytest.fixture
def outside(monkeypatch, tmp_path):
    """As outside the sandbox: the project's folder is an empty one, so that no file of the tester's is read."""
    monkeypatch.delenv("CONTENT_PLAN_SANDBOX")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(google_credentials, "ROOT", tmp_path)
    monkeypatch.setenv("GOOGLE_TOKEN_FILE", str(tmp_path / "token.json"))
    return tmp_path


def set_environment(monkeypatch, values):
    for name, value in values.items():
        monkeypatch.setenv(name, value)


def test_both_blocks_work_from_the_environment_alone(box, monkeypatch):
    set_environment(monkeypatch, box.environment())
    google, jira = GoogleCredentials().test_connection(), JiraCredentials().test_connection()
    assert google == {"ok": True, "service": "Google", "method": "refresh token"}
    assert (jira["ok"], jira["site"]) == (True, box.url)
    assert jira["account"]


def test_what_a_block_holds_goes_before_the_environment(box, monkeypatch):
    environment = box.environment()
    set_environment(monkeypatch, {**environment, "JIRA_TOKEN": "wrong", "GOOGLE_REFRESH_TOKEN": "wrong"})
    jira = JiraCredentials(token=environment["JIRA_TOKEN"])
    google = GoogleCredentials(refresh_token=environment["GOOGLE_REFRESH_TOKEN"])
    assert jira.test_connection()["ok"]
    assert google.test_connection()["ok"]


def test_a_client_is_made_once_and_shared_by_equal_blocks(box, monkeypatch):
    set_environment(monkeypatch, box.environment())
    assert JiraCredentials().get_client() is JiraCredentials().api
    assert GoogleCredentials().get_client() is GoogleCredentials().api
    assert GoogleCredentials(refresh_token="other", client_id="c", client_secret="s").api is not GoogleCredentials().api


@pytest.mark.parametrize(
    ("block", "changed", "says"),
    [
        (JiraCredentials, {"JIRA_TOKEN": "wrong"}, "JIRA_TOKEN"),
        (JiraCredentials, {"JIRA_URL": ""}, "JIRA_URL is not set"),
        (GoogleCredentials, {"GOOGLE_REFRESH_TOKEN": "old"}, "Log in again"),
        (GoogleCredentials, {"GOOGLE_CLIENT_ID": ""}, "set GOOGLE_CLIENT_ID"),
        (GoogleCredentials, {"GOOGLE_REFRESH_TOKEN": ""}, "there are no credentials"),
    ],
)
def test_a_failed_connection_names_what_is_wrong_and_what_to_do(box, monkeypatch, block, changed, says):
    set_environment(monkeypatch, {**box.environment(), **changed})
    status = block().test_connection()
    assert status["ok"] is False
    assert says in status["problem"]


@pytest.mark.parametrize(
    ("block", "operation"),
    [
        (JiraCredentials, "getCurrentUser"),
        (GoogleCredentials, "oauth.token"),
        (GoogleCredentials, "drive.files.list"),
    ],
)
@pytest.mark.parametrize("kind", ["429", "500", "503-before", "reset-after"])
def test_a_passing_fault_is_told_as_passing_and_wrong_credentials_are_not(box, monkeypatch, block, operation, kind):
    set_environment(monkeypatch, {**box.environment(), "CLIENTS_SPREADSHEET_ID": ""})
    google_credentials._api.cache_clear()  # with its token, which the sandbox may give out again
    monkeypatch.setattr(block().api, "_sleep", lambda _s: None)
    box.fault(operation, kind, times=5)
    status = block().test_connection()
    assert (status["ok"], status["passing"]) == (False, True)
    assert "This may pass by itself" in status["problem"]
    assert "{" not in status["problem"]
    set_environment(monkeypatch, {"JIRA_TOKEN": "wrong", "GOOGLE_REFRESH_TOKEN": "wrong"})
    status = block().test_connection()
    assert (status["ok"], status["passing"]) == (False, False)
    assert "pass by itself" not in status["problem"]


def test_a_service_account_is_a_further_way(box, monkeypatch, tmp_path):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    info = {
        "type": "service_account",
        "client_email": "bot@project.example",
        "private_key": pem.decode(),
        "private_key_id": "1",
        "token_uri": "x",
    }
    path = tmp_path / "key.json"
    path.write_text(json.dumps(info))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("GOOGLE_TOKEN_URI", f"{box.url}/token")
    for credentials in (
        GoogleCredentials().get_credentials(),
        GoogleCredentials(service_account_info=info).get_credentials(),
    ):
        assert credentials.service_account_email == "bot@project.example"
        assert set(credentials.scopes) == set(SCOPES)
    path.write_text("{")
    with pytest.raises(FixInputError, match=r"key\.json"):
        GoogleCredentials().get_credentials()


def saved_token(folder, **changed):
    token = {
        "token": "ya29.x",
        "refresh_token": "1//saved",
        "client_id": "c",
        "client_secret": "s",
        "scopes": list(SCOPES),
        "expiry": "2026-07-05T10:00:00Z",
    }
    (folder / "token.json").write_text(json.dumps({**token, **changed}))


def test_a_saved_token_goes_before_the_environment(outside, box, monkeypatch):
    set_environment(
        monkeypatch,
        {n: v for n, v in box.environment().items() if n not in ("GOOGLE_API_ENDPOINT", "GOOGLE_TOKEN_URI")},
    )
    saved_token(outside)
    assert GoogleCredentials().get_credentials().refresh_token == "1//saved"
    saved_token(outside, refresh_token=None)
    assert GoogleCredentials().get_credentials().refresh_token == box.environment()["GOOGLE_REFRESH_TOKEN"]


def test_a_saved_token_without_a_scope_says_which(outside):
    saved_token(outside, scopes=[SCOPES[0]])
    with pytest.raises(CredentialsError, match=r"drive\.readonly.*make login"):
        GoogleCredentials().get_credentials()


def test_token_files_are_not_read_with_an_endpoint_of_ones_own(outside, box, monkeypatch):
    set_environment(monkeypatch, box.environment())
    saved_token(outside, scopes=["wrong"])
    assert GoogleCredentials().test_connection()["ok"]


def test_no_login_page_is_opened_where_nobody_is(outside, monkeypatch):
    (outside / "client_secret_1.json").write_text("{}")
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(CredentialsError, match="make login"):
        GoogleCredentials().get_credentials()


@pytest.mark.parametrize("files", [[], ["client_secret_1.json", "client_secret_2.json"]], ids=["none", "two"])
def test_a_login_needs_exactly_one_client_file(outside, files):
    for name in files:
        (outside / name).write_text("{}")
    with pytest.raises(CredentialsError, match="exactly one client_secret"):
        google_credentials.log_in(outside / "token.json")


@pytest.mark.parametrize("content", ["", "{}", '{"installed": {"client_id": "a"}}', '{"web": 3}', "[]"])
def test_a_client_file_that_is_none_is_named(outside, content):
    (outside / "client_secret_1.json").write_text(content)
    with pytest.raises(CredentialsError, match=r"client_secret_1\.json: is no client secret of Google; download"):
        google_credentials.log_in(outside / "token.json")


def refuse(error):
    def run(*_given, **_more):
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (WSGITimeoutError("late"), "nobody logged in within 300 s; run `make login` again"),
        (webbrowser.Error("none"), "there is no browser here; run `make login` on a machine with one"),
        (AccessDeniedError(), r"the login was refused \(access_denied\); run `make login` again"),
    ],
)
def test_a_login_that_did_not_come_about_says_what_to_do(outside, monkeypatch, error, says):
    installed = {
        "client_id": "a",
        "client_secret": "b",
        "auth_uri": "http://127.0.0.1/",
        "token_uri": "http://127.0.0.1/",
    }
    (outside / "client_secret_1.json").write_text(json.dumps({"installed": installed}))
    monkeypatch.setattr(InstalledAppFlow, "run_local_server", refuse(error))
    with pytest.raises(CredentialsError, match=says):
        google_credentials.log_in(outside / "token.json")


def test_make_login_without_a_client_file_ends_in_one_line(outside, capsys):
    with pytest.raises(SystemExit) as ended:
        google_credentials.main()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert told.startswith("error: Google: a login needs exactly one client_secret_*.json in ")
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    "block",
    [JiraCredentials(token=SECRET), GoogleCredentials(client_secret=SECRET, refresh_token=SECRET, client_id="c")],
)
def test_a_secret_is_never_shown(block):
    assert SECRET not in repr(block)
    assert SECRET not in str(block.model_dump())
    assert SECRET not in block.model_dump_json()


def test_in_the_sandbox_no_block_is_looked_for(monkeypatch):
    async def aload(*_):
        raise AssertionError("a block was looked for")

    monkeypatch.setattr(JiraCredentials, "aload", aload)
    assert asyncio.run(loading.load(JiraCredentials, "any")) == JiraCredentials()


class Away:
    """Prefect's API as a block's loading meets it: away for so many tries, or answering with a status."""

    def __init__(self, monkeypatch, tries=0, status=None):
        self.asked, self.tries, self.status = 0, tries, status
        self.block = JiraCredentials(url="https://example.com", username="a", token=SECRET)
        monkeypatch.setattr(JiraCredentials, "aload", self.answer)
        monkeypatch.setattr(loading, "PAUSE_S", 0)

    async def answer(self, _name):
        self.asked += 1
        request = httpx.Request("GET", "http://127.0.0.1/api")
        if self.asked <= self.tries:
            raise httpx.ConnectError("All connection attempts failed", request=request)
        if self.status:
            answer = httpx.Response(self.status, request=request)
            raise PrefectHTTPStatusError("no", request=request, response=answer)
        return self.block


def test_a_flow_run_asks_for_a_block_once(outside, monkeypatch):
    api = Away(monkeypatch)
    for flow_run in ("one", "other"):
        monkeypatch.setattr(loading.runtime, "flow_run", SimpleNamespace(id=flow_run))
        for _ in range(3):
            assert asyncio.run(loading.load(JiraCredentials, "any")) is api.block
    asyncio.run(loading.load(JiraCredentials, "another"))
    assert api.asked == 3


def test_outside_a_flow_run_a_block_is_asked_for_each_time(outside, monkeypatch):
    api = Away(monkeypatch)
    monkeypatch.setattr(loading.runtime, "flow_run", SimpleNamespace(id=None))
    for _ in range(2):
        asyncio.run(loading.load(JiraCredentials, "any"))
    assert api.asked == 2


def test_an_api_that_is_away_is_waited_for(outside, monkeypatch, caplog):
    api = Away(monkeypatch, tries=3)
    assert asyncio.run(loading.load(JiraCredentials, "any")) is api.block
    assert api.asked == 4
    assert caplog.text.count("Prefect's API cannot be asked (All connection attempts failed); asking again for") == 1


@pytest.mark.parametrize(
    ("tries", "status", "advice"),
    [
        (99, None, "start Prefect's server, or correct PREFECT_API_URL, and run it again"),
        (0, 500, "start Prefect's server, or correct PREFECT_API_URL, and run it again"),
        (0, 401, "set PREFECT_API_AUTH_STRING to what the server has, and run it again"),
    ],
)
def test_an_api_that_cannot_be_asked_is_told_with_the_next_step(outside, monkeypatch, tries, status, advice):
    api = Away(monkeypatch, tries, status)
    with pytest.raises(CredentialsError) as error:
        asyncio.run(loading.load(JiraCredentials, "any", outage_s=0))
    assert "Block 'any': Prefect's API cannot be asked (" in str(error.value)
    assert str(error.value).endswith(advice)
    assert api.asked == 1


def test_the_env_file_counts_outside_the_sandbox_alone(outside, monkeypatch):
    (outside / ".env").write_text("JIRA_URL=https://from-file.example\nJIRA_USERNAME=a\n")
    monkeypatch.setenv("JIRA_USERNAME", "b")
    read = settings.JiraEnvironment.read()
    assert (read.jira_url, read.jira_username) == ("https://from-file.example", "b")
    monkeypatch.setenv("CONTENT_PLAN_SANDBOX", "1")
    assert settings.JiraEnvironment.read().jira_url == ""


def test_a_notebook_without_credentials_sees_nothing_but_what_is_listed(tmp_path, monkeypatch):
    names = [
        *("JIRA_TOKEN", "GOOGLE_CLIENT_SECRET", "PREFECT_API_AUTH_STRING", "PREFECT_SERVER_DATABASE_CONNECTION_URL"),
        *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "PREFECT_CLIENT_CUSTOM_HEADERS", "PREFECT_REDIS_MESSAGING_URL"),
        *("PIP_INDEX_URL", "UV_INDEX_URL", "PGPASSFILE", "AWS_ACCESS_KEY_ID", "A_NAME_OF_NOBODY", "path"),
    ]
    passed = {"PLOT_THEME": "dark", "LC_TIME": "C.UTF-8", "MPLBACKEND": "agg", "JIRA_PROJECT_KEY": "ABC"}
    set_environment(monkeypatch, {**dict.fromkeys(names, SECRET), **passed, "KERNEL_ENVIRONMENT": "REGION, PLOT_THEME"})
    lines = [
        "import os, matplotlib.pyplot, pandas, lib.report.tables; os.environ['LC_TIME']",
        "{name: value for name, value in os.environ.items()}",
    ]
    cells = [nbformat.v4.new_code_cell(line) for line in lines]
    cells.insert(0, nbformat.v4.new_code_cell("unused = 1", metadata={"tags": ["parameters"]}))
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "tells.ipynb")
    environment = settings.environment_without_secrets()
    asyncio.run(run_notebook(tmp_path / "tells.ipynb", tmp_path / "copy.ipynb", {"unused": 2}, environment=environment))
    copy = nbformat.read(tmp_path / "copy.ipynb", as_version=4)
    seen = ast.literal_eval(copy.cells[-1].outputs[0].data["text/plain"])
    assert SECRET not in json.dumps(nbformat.from_dict(copy))
    assert seen.items() >= passed.items()
    assert seen["PATH"] == os.environ["PATH"]
    assert not seen.keys() & {*names, "REGION"}


@pytest.mark.parametrize("setting", [f"REGION={SECRET}", "JIRA_TOKEN", "REGION,JIRA_TOKEN", SECRET + "!"])
def test_only_names_of_variables_that_are_no_secrets_can_be_passed_on(monkeypatch, setting):
    set_environment(monkeypatch, {"KERNEL_ENVIRONMENT": setting})
    with pytest.raises(FixInputError, match="KERNEL_ENVIRONMENT: ") as refused:
        settings.environment_without_secrets()
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(
    ("block", "field", "address"),
    [
        (JiraCredentials, "url", "example.com"),
        (JiraCredentials, "url", f"https://me:{SECRET}@example.com"),
        (JiraCredentials, "url", "http://example.com"),
        (GoogleCredentials, "api_endpoint", "http://example.com"),
        (GoogleCredentials, "token_uri", "https:/example.com"),
    ],
)
def test_a_block_with_an_address_that_cannot_be_used_is_not_made(block, field, address):
    with pytest.raises(ValidationError) as error:
        block(**{field: address})
    assert "write https://example.com" in str(error.value)
    assert SECRET not in str(error.value)


def test_a_saved_address_that_cannot_be_used_is_refused_by_block_and_field(outside, prefect_engine):
    """What is typed into Prefect's page of blocks is not looked at when it is saved."""

    async def saved():
        await JiraCredentials.register_type_and_schema()
        block = JiraCredentials(url="https://example.com", username="a", token=SECRET)
        document = await block.asave("typed-in")
        async with get_client() as prefect:
            data = {"url": f"http://me:{SECRET}@example.com", "username": "a", "token": SECRET}
            await prefect.update_block_document(document, BlockDocumentUpdate(data=data))
        await loading.load(JiraCredentials, "typed-in")

    with pytest.raises(FixInputError) as error:
        asyncio.run(saved())
    assert str(error.value).startswith("Block 'typed-in', url: has a user name or password in it")
    assert "write https://example.com; correct it on Prefect's page of blocks" in str(error.value)
    assert SECRET not in str(error.value)


def test_a_saved_token_is_sent_to_no_address_in_clear(outside):
    saved_token(outside, token_uri="http://oauth2.example.com/token")
    with pytest.raises(FixInputError, match=r"token\.json, token_uri: .* write https://oauth2\.example\.com/token"):
        GoogleCredentials().get_credentials()
