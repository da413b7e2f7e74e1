"""Addresses of services: what is taken, and what is refused with what to write instead."""

import pytest

from lib import service_url, settings
from lib.errors import CredentialsError, FixInputError
from lib.services.jira_api import JiraApi

HTTPS = "https://example.atlassian.net"


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        (HTTPS, HTTPS),
        (f"  {HTTPS}/ \n", HTTPS),
        ("HTTPS://example.atlassian.net", HTTPS),
        (f"{HTTPS}:8443", f"{HTTPS}:8443"),
        ("http://127.0.0.1:8089", "http://127.0.0.1:8089"),
        ("http://localhost:8089/", "http://localhost:8089"),
        ("http://[::1]:8089", "http://[::1]:8089"),
        ("https://10.0.0.5", "https://10.0.0.5"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_good_address_is_taken_without_spaces_and_slash_at_its_ends(written, taken):
    assert service_url.checked(written) == taken


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("example.atlassian.net", "does not begin with https://"),
        ("example.atlassian.net/browse/CP-1", "does not begin with https://"),
        ("https:/example.atlassian.net", "does not begin with https://"),
        ("https//example.atlassian.net", "does not begin with https://"),
        ("https:example.atlassian.net", "does not begin with https://"),
        ("htps://example.atlassian.net", "does not begin with https://"),
        ("ftp://example.atlassian.net", "does not begin with https://"),
        ("//example.atlassian.net", "does not begin with https://"),
        ("https:\\\\example.atlassian.net", "does not begin with https://"),
        ('"https://example.atlassian.net"', "does not begin with https://"),
        ("http://example.atlassian.net", "in clear"),
        ("http://example.atlassian.net:8080/", "in clear"),
        ("https://example.atlassian.net/jira/browse/CP-1", "more in it than the host"),
        ("https://example.atlassian.net/ex/jira/1a2b-3c", "more in it than the host"),
        ("https://example.atlassian.net?a=b", "more in it than the host"),
        ("https://example.atlassian.net/#x", "more in it than the host"),
        ("https://me:secret@example.atlassian.net", "user name or password"),
        ("https://me:se/cret@example.atlassian.net", "user name or password"),
        ("https://https://example.atlassian.net", "does not name a host in full"),
        ("https://example.atlassian.net x", "space"),
        ("https://example.atlassian.net\nX: y", "space"),
    ],
)
def test_another_one_is_refused_with_what_was_meant(written, says):
    with pytest.raises(ValueError, match=f"write {HTTPS}") as error:
        service_url.checked(written)
    assert says in str(error.value)
    assert "cret" not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "written",
    [
        "https://", "https://agency", "agency", "https://a,b.net", "https://a..net", "https://-a.net", "https://a.net:0",
        "https://a.net:99999", "https://a.net:port", "https://[::1", "https://ex ample.net", "https://éxample.net", "://",
    ],
)  # fmt: skip
def test_one_that_nobody_understands_is_refused_with_an_example(written):
    with pytest.raises(ValueError, match="write https://"):
        service_url.checked(written)


@pytest.mark.parametrize("host", ["localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "192.168.1.4", "jira"])
def test_only_this_machine_is_spoken_to_in_clear(host):
    with pytest.raises(ValueError, match=r"in clear|does not name a host in full"):
        service_url.checked(f"http://{host}:8080")


@pytest.fixture
def outside(monkeypatch, tmp_path):
    """As outside the sandbox, with a project's folder of its own."""
    monkeypatch.delenv("CONTENT_PLAN_SANDBOX")
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "value", "write"),
    [
        ("JIRA_URL", "example.atlassian.net", HTTPS),
        ("JIRA_URL", "http://example.atlassian.net", HTTPS),
        ("GOOGLE_API_ENDPOINT", "http://sheets.example.com", "https://sheets.example.com"),
        ("GOOGLE_TOKEN_URI", "oauth2.googleapis.com/token", "https://oauth2.googleapis.com/token"),
        ("GOOGLE_TOKEN_URI", "http://oauth2.googleapis.com/token", "https://oauth2.googleapis.com/token"),
        ("OUTPUT_URL", "plans.example.com/output", "https://plans.example.com/output"),
        ("OUTPUT_URL", "http://me:secret@plans.example.com/output", "https://plans.example.com/output"),
    ],
)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_settings_are_refused_by_name_wherever_they_stand(outside, monkeypatch, place, name, value, write):
    if place == "environment":
        monkeypatch.setenv(name, value)
    else:
        (outside / ".env").write_text(f"{name}={value}\n")
    with pytest.raises(FixInputError) as error:
        settings.Settings.read()
    assert str(error.value).startswith(f"{name}: ")
    assert f"write {write};" in str(error.value)
    assert "secret" not in str(error.value)


def test_a_page_for_people_may_be_in_clear_and_have_a_path(monkeypatch):
    monkeypatch.setenv("OUTPUT_URL", "http://plans:8888/files/output/")
    assert settings.Settings.read().output_url == "http://plans:8888/files/output"


def test_a_setting_of_another_type_is_refused_in_one_line(monkeypatch):
    monkeypatch.setenv("SETTLE_SECONDS", "soon")
    with pytest.raises(FixInputError, match=r"^SETTLE_SECONDS: .*not 'soon'; correct it"):
        settings.Settings.read()


def test_no_client_is_made_for_an_address_that_cannot_be_used():
    with pytest.raises(FixInputError, match=f"write {HTTPS}"):
        JiraApi("example.atlassian.net", "a@b.example", "token")
    with pytest.raises(CredentialsError, match="JIRA_URL is not set"):
        JiraApi(" ", "a@b.example", "token")


def test_the_gateway_of_scoped_tokens_is_an_address_of_jira():
    assert (
        service_url.checked("https://api.atlassian.com/ex/jira/1a2b-3c/") == "https://api.atlassian.com/ex/jira/1a2b-3c"
    )
