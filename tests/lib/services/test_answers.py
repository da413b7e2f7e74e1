"""What both clients make of answers to a read that are not the service's, come from elsewhere, or ask for time."""

import asyncio
import datetime as dt
import http.server
import logging
import threading
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from google.auth.credentials import AnonymousCredentials

from lib.errors import CredentialsError, FixInputError, TooManyRequestsError, TryLaterError
from lib.services import retry
from lib.services.google_api import GoogleApi
from lib.services.jira_api import JiraApi
from lib.tasks import api_tasks, google_tasks

PAGE = ("text/html", "<html><body>Log in to the network</body></html>")
JIRAS = ("application/json", '{"errorMessages": ["No."], "errors": {}}')
GOOGLES = ("application/json", '{"error": {"code": 403, "message": "No.", "status": "PERMISSION_DENIED"}}')
MYSELF = ("application/json", '{"accountId": "1", "displayName": "Bot"}')
TAB = ("application/json", '{"sheets": [{"properties": {"title": "T"}, "data": [{}]}]}')


class AnyCredentials(AnonymousCredentials):
    """Are renewed without asking anybody."""

    def refresh(self, request):
        pass


class Site(http.server.ThreadingHTTPServer):
    """Answers with what is queued: (status, headers, (type, body))."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answers)
        self.queue, self.heard = [], []
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Answers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.heard.append(self.headers)
        status, headers, (kind, body) = self.server.queue.pop(0)
        self.send_response(status)
        content = body.encode()
        for name, value in {"Content-Type": kind, "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    with Site() as site:
        yield site
        site.shutdown()


@pytest.fixture
def pauses():
    return []


@pytest.fixture(params=["google", "jira"])
def read(request, site, pauses, opened):
    """One read by one of the clients, and what a good answer to it is."""
    if request.param == "jira":
        api = opened(JiraApi(site.url, "a@b.example", "token", sleep=pauses.append))
        return SimpleNamespace(go=api.read_myself, good=MYSELF, own=JIRAS)
    api = opened(GoogleApi(AnyCredentials(), endpoint=site.url, sleep=pauses.append))
    return SimpleNamespace(go=lambda: api.read_tab("1", "T"), good=TAB, own=GOOGLES)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 302, 308])
def test_what_passes_is_tried_again(site, read, pauses, status):
    site.queue += [(status, {}, PAGE), (status, {}, PAGE), (200, {}, read.good)]
    assert read.go()
    assert len(pauses) == 2


@pytest.mark.parametrize("status", [401, 403, 404, 407, 451])
def test_a_page_of_somebody_between_is_not_called_wrong_credentials(site, read, pauses, status):
    site.queue += [(status, {}, PAGE)] * 3  # Google's library asks for another token after a 401
    with pytest.raises(FixInputError) as error:
        read.go()
    assert not isinstance(error.value, CredentialsError)
    assert f"answered {status}, and not in" in str(error.value)
    assert "a proxy, firewall or login page stands between" in str(error.value)
    assert pauses == []


def test_the_services_own_refusal_is_told_as_its_own(site, read):
    site.queue += [(403, {}, read.own)]
    with pytest.raises(CredentialsError, match="No"):
        read.go()


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}, PAGE), ({"ATL-TraceId": "1"}, PAGE),
     ({}, ("text/html", "Client must be authenticated to access this resource."))],
)  # fmt: skip
def test_jiras_word_for_a_wrong_token_is_no_json(site, opened, headers, body):
    site.queue += [(401, headers, body)]
    with pytest.raises(CredentialsError, match="JIRA_TOKEN"):
        opened(JiraApi(site.url, "a@b.example", "token")).read_myself()


def test_a_redirect_is_not_followed_and_its_host_gets_no_token(site, read, pauses):
    with Site() as elsewhere:
        target = f"{elsewhere.url.replace('127.0.0.1', 'localhost')}/rest/api/3/myself"
        site.queue += [(307, {"Location": target}, PAGE)] * 5
        with pytest.raises(TryLaterError, match="answered 307"):
            read.go()
        assert elsewhere.heard == []
        elsewhere.shutdown()
    assert len(site.heard) == 5


def test_a_redirect_of_jira_says_where_to(site, opened):
    site.queue += [(302, {"Location": "https://renamed.atlassian.net/"}, PAGE)] * 5
    with pytest.raises(
        TryLaterError, match=r"points to renamed\.atlassian\.net, where our token is not sent; check JIRA_URL"
    ):
        opened(JiraApi(site.url, "a@b.example", "token", sleep=lambda _s: None)).read_myself()


def in_seconds(seconds):
    return format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", [429, 503])
def test_the_time_that_a_service_asks_for_is_waited_for_and_told(site, read, pauses, caplog, status):
    site.queue += [(status, {"Retry-After": "37"}, PAGE), (200, {}, read.good)]
    with caplog.at_level(logging.WARNING):
        assert read.go()
    assert pauses == [37.0]
    assert "trying again in 37.0 s, as long as it asks (attempt 2)" in caplog.text


@pytest.mark.parametrize("status", [429, 503])
def test_a_time_as_a_date_is_waited_for(site, read, pauses, status):
    site.queue += [(status, {"Retry-After": in_seconds(60)}, PAGE), (200, {}, read.good)]
    assert read.go()
    assert 30 < pauses[0] <= 60


@pytest.mark.parametrize(
    "asked",
    [
        "-5",
        "0",
        "soon",
        "nan",
        "inf",
        "",
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "Wed, 21 Oct 2015 07:28:00",
        "Wed, 99 Foo 2015",
    ],
)
def test_a_time_of_the_past_or_that_nobody_can_read_is_as_if_there_were_none(site, read, pauses, asked):
    site.queue += [(429, {"Retry-After": asked}, PAGE), (200, {}, read.good)]
    assert read.go()
    assert 0 < pauses[0] <= 2


def test_a_time_that_is_too_long_is_told_and_not_waited_for_by_the_client(site, read, pauses):
    site.queue += [(429, {"Retry-After": "86400"}, PAGE)]
    with pytest.raises(TooManyRequestsError, match=r"too many requests \(it asks to wait 1440 min\)"):
        read.go()
    assert pauses == []


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("1.5", 1.5),
        (" 7 ", 7.0),
        ("-1", 0.0),
        ("86400", 86400.0),
        ("1e400", None),
        ("x", None),
        (None, None),
    ],
)
def test_seconds_are_read(header, seconds):
    assert retry.retry_after_s(header) == seconds


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000", ""])
def test_a_date_is_read_in_any_spelling(zone):
    text = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)).strftime(f"%a, %d %b %Y %H:%M:%S {zone}").strip()
    assert 50 < retry.retry_after_s(text) <= 100


def again(seconds, monkeypatch):
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(api_tasks, "asyncio", SimpleNamespace(sleep=sleep))  # not that of servers in other threads
    state = SimpleNamespace(data=TooManyRequestsError("Jira, myself", "too many requests", seconds))
    return asyncio.run(api_tasks.retryable(google_tasks.read_data, None, state)), slept


def test_a_task_waits_as_long_as_it_is_asked_to_and_says_so(monkeypatch, caplog):
    with caplog.at_level(logging.WARNING):
        assert again(600.0, monkeypatch) == (True, [600.0 - api_tasks.DELAY_S])
    assert "Jira, myself: too many requests (it asks to wait 10 min); waiting 600 s before the task" in caplog.text


def test_a_task_does_not_wait_a_day_and_does_not_ask_before_that(monkeypatch, caplog):
    with caplog.at_level(logging.WARNING):
        assert again(86400.0, monkeypatch) == (False, [])
    assert "(it asks to wait 1440 min): not waited for" in caplog.text


@pytest.mark.parametrize("part", ["tok\u2026en", "to\nken"])
def test_a_token_with_a_character_that_none_has_is_refused_before_it_is_sent(site, part):
    with pytest.raises(CredentialsError, match="copy it again"):
        JiraApi(site.url, "a@b.example", part)
    assert site.heard == []
