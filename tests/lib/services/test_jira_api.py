"""The Jira client against the sandbox: what it reads and creates, and what it makes of trouble."""

import logging
import time

import pytest

from lib.errors import (
    CredentialsError,
    FixInputError,
    RefusedError,
    TooLargeError,
    TooManyRequestsError,
    TryLaterError,
    UncertainWriteError,
)
from lib.services.jira_api import JiraApi
from lib.services.models import PROPERTY
from sandbox.jira.gateway import CLOUD_ID
from sandbox.seed import seed
from tests.direct import jira_api

NO_ANSWER = ["500", "503-before", "503-after", "reset-before", "reset-after", "truncated", "html", "redirect"]
NOT_JIRAS = [
    *((status, "page") for status in (400, 401, 403, 404, 408, 409, 413, 425, 431, 499, 501, 507, 520, 524, 530, 599)),
    (400, "json"),
    (403, "empty"),
    (404, "json"),
]


@pytest.fixture
def pauses():
    """What the client waited for, instead of waiting."""
    return []


@pytest.fixture
def api(box, pauses, opened):
    return opened(jira_api(box.environment(), sleep=pauses.append))


def update(summary="Kopi pagi", *labels, **fields):
    """One element of a bulk create."""
    base = {"project": {"key": "CP"}, "issuetype": {"id": "10001"}, "summary": summary, "labels": list(labels)}
    return {"fields": {**base, **fields}, "properties": [{"key": PROPERTY, "value": {"plan": "p", "topic": summary}}]}


def test_we_are_known_and_our_permissions_are_told(api):
    assert api.read_myself().account_id
    assert api.read_myself().site.startswith("http://127.0.0.1")
    assert api.read_permissions("CP", ["BROWSE_PROJECTS", "CREATE_ISSUES"]) == {"BROWSE_PROJECTS", "CREATE_ISSUES"}
    assert api.read_permissions("TEAM", ["BROWSE_PROJECTS", "CREATE_ISSUES"]) == {"BROWSE_PROJECTS"}


def test_the_create_screen_is_read_with_types_and_options(api):
    fields = {field.id: field for field in api.read_fields("CP", "10001")}
    assert fields["summary"].required
    assert (fields["customfield_10043"].type, fields["customfield_10043"].options) == (
        "option",
        ("Post", "Story", "Short Video", "Carousel"),
    )
    assert fields["customfield_10041"].type == "user"


def test_one_issue_is_made_and_read_back(api, box):
    key = api.create({**update("Satu", "cp-x")["fields"]})
    [issue] = api.fetch([key])
    assert (issue.key, issue.summary, issue.labels) == (key, "Satu", ("cp-x",))
    assert box.jira.issue(key).fields["summary"] == "Satu"


def test_issues_are_made_in_bulk_with_what_they_remember(api):
    answer = api.create_in_bulk([update(f"Topik {n}", f"l{n}") for n in range(3)])
    assert answer.refused == {}
    assert [(i.summary, i.row["topic"]) for i in api.fetch(answer.keys)] == [
        (f"Topik {n}", f"Topik {n}") for n in range(3)
    ]


def test_refused_elements_are_told_by_position_and_field(api, box):
    before = len(box.jira.issues)
    answer = api.create_in_bulk([update("a"), update("two\nlines"), update("c", customfield_10043={"value": "Reels"})])
    assert list(answer.refused) == [1, 2]
    assert "newline" in answer.refused[1]["summary"]
    assert "customfield_10043" in answer.refused[2]
    assert len(answer.keys) == len(box.jira.issues) - before == 1


def test_a_batch_in_which_every_element_is_refused_is_an_answer_too(api):
    assert list(api.create_in_bulk([update("x\ny"), update("z\nz")]).refused) == [0, 1]


def test_a_batch_refused_whole_is_refused_and_nothing_was_made(api, box):
    before = len(box.jira.issues)
    box.fault("createIssues", "refuse-whole")
    with pytest.raises(RefusedError):
        api.create_in_bulk([update("a"), update("b")])
    assert len(box.jira.issues) == before


@pytest.mark.parametrize("kind", NO_ANSWER)
def test_a_create_whose_answer_was_lost_is_uncertain_and_never_sent_again(api, box, kind, pauses):
    box.fault("createIssues", kind)
    with pytest.raises(UncertainWriteError):
        api.create_in_bulk([update("a")])
    assert (box.calls("createIssues"), pauses) == (1, [])


@pytest.mark.parametrize("when", ["status-before", "status-after"])
@pytest.mark.parametrize(("status", "body"), NOT_JIRAS)
def test_an_answer_that_is_not_jiras_own_says_nothing_of_a_create(api, box, when, status, body):
    box.fault("createIssues", when, status=status, body=body)
    with pytest.raises(TooLargeError if status == 413 else UncertainWriteError):
        api.create_in_bulk([update("a")])
    assert box.calls("createIssues") == 1


@pytest.mark.parametrize("status", [501, 520, 524, 599])
def test_a_read_is_tried_again_after_a_status_that_nobody_knows(api, box, status):
    box.fault("bulkFetchIssues", "status-before", status=status)
    assert api.fetch([box.jira.issues[0].key])[0].key == box.jira.issues[0].key


def test_the_time_of_a_look_is_jiras(api, clock):
    clock.move(3600)
    read_at = api.search('labels = "x"').read_at
    assert read_at is not None
    assert read_at.timestamp() == clock.now()


@pytest.mark.parametrize("kind", NO_ANSWER)
def test_a_single_create_whose_answer_was_lost_is_uncertain_too(api, box, kind):
    box.fault("createIssue", kind)
    with pytest.raises(UncertainWriteError):
        api.create(update("a")["fields"])
    assert box.calls("createIssue") == 1


def test_a_bulk_create_refused_for_its_rate_is_sent_once_and_says_how_long_to_wait(api, box, pauses):
    """Who sends it again looks first whether it still may."""
    box.fault("createIssues", "429", retry_after=11)
    with pytest.raises(TooManyRequestsError) as error:
        api.create_in_bulk([update("a")])
    assert (error.value.retry_after_s, box.calls("createIssues"), pauses) == (11.0, 1, [])


def test_a_bulk_create_is_not_sent_when_it_is_too_late(api, box):
    with pytest.raises(TryLaterError, match="not sent"):
        api.create_in_bulk([update("a")], send_before=time.monotonic())
    assert box.calls("createIssues") == 0


def test_a_single_create_refused_for_its_rate_is_sent_again_after_the_servers_time(api, box, pauses):
    box.fault("createIssue", "429", retry_after=11)
    assert api.create(update("a")["fields"])
    assert pauses == [11.0]


def test_a_create_that_cannot_have_been_sent_may_be_tried_later(box, pauses, opened):
    api = opened(JiraApi("http://127.0.0.1:9", "a@b.example", "token", sleep=pauses.append))
    with pytest.raises(TryLaterError, match="cannot be reached"):
        api.create_in_bulk([update("a")])
    assert pauses == []


def test_an_answer_about_too_many_issues_is_not_believed(api, box):
    box.fault("createIssues", "other-issue")
    answer = api.create_in_bulk([update("a")])
    assert box.jira.issues[-1].key not in answer.keys


@pytest.mark.parametrize("kind", [*NO_ANSWER, "429"])
def test_a_read_is_tried_again_after_any_trouble(api, box, kind):
    box.fault("bulkFetchIssues", kind, times=2)
    assert api.fetch([box.jira.issues[0].key])[0].key == box.jira.issues[0].key


def test_a_slow_answer_past_the_time_out_is_uncertain(box, opened):
    api = opened(jira_api(box.environment(), timeout_s=(30, 0.2)))
    box.fault("createIssues", "slow", delay_s=60)
    with pytest.raises(UncertainWriteError, match="ReadTimeout"):
        api.create_in_bulk([update("a")])


def test_search_reads_all_pages_in_order(api, box, clock, opened):
    for start in range(0, 90, 45):
        api.create_in_bulk([update(f"t{start + n}", "many") for n in range(45)])
    found = opened(jira_api(box.environment()))
    assert found.search('labels = "many"').ids == []  # the index lags
    clock.move(3)
    assert len(found.search('labels = "many"').ids) == 90
    newest = 'project = "CP" ORDER BY created DESC'
    assert len(found.search(newest, limit=1).ids) == 1
    assert found.search(newest, limit=1).keys == []
    assert found.search(newest, limit=1, keys=True).keys == [box.jira.issues[-1].key]


def test_an_answer_to_nobody_is_asked_for_again(api, box, pauses):
    assert api.read_myself().named
    box.fault("searchAndReconsileIssuesUsingJqlPost", "anonymous", times=2)
    assert api.search('project = "CP"').ids
    assert len(pauses) == 2
    box.fault("bulkFetchIssues", "anonymous", times=100)
    with pytest.raises(TryLaterError, match="for nobody"):
        api.fetch([box.jira.issues[0].key])
    box.clear_faults()


def test_an_answer_to_somebody_else_ends_the_run(api, box):
    assert api.read_myself().named
    for user in box.jira.state.users.values():
        if user.email == box.environment()["JIRA_USERNAME"]:
            user.account_id = "557058:other"
    with pytest.raises(CredentialsError, match="account changed"):
        api.fetch([box.jira.issues[0].key])


def test_where_answers_do_not_say_to_whom_they_are_given_none_is_expected_to(api, box, monkeypatch):
    monkeypatch.setattr(box.jira, "names_callers", False)
    assert not api.read_myself().named
    box.fault("searchAndReconsileIssuesUsingJqlPost", "anonymous")
    assert api.search('project = "CP"').ids == []


def test_issues_that_are_not_there_are_left_out(api, box):
    known = box.jira.issues[0].key
    assert [issue.key for issue in api.fetch([known, "CP-99999"])] == [known]


@pytest.mark.parametrize("missing", ["JIRA_URL", "JIRA_USERNAME", "JIRA_TOKEN"])
def test_a_missing_part_of_the_login_is_named(box, missing, opened):
    with pytest.raises(CredentialsError, match=missing):
        opened(jira_api({**box.environment(), missing: " "}))


@pytest.mark.parametrize(
    "ask",
    [lambda api: api.read_myself(), lambda api: api.search('labels = "x"'), lambda api: api.create_in_bulk([update()])],
)
def test_a_wrong_token_says_what_to_check_and_is_not_repeated(box, pauses, ask, opened):
    api = opened(jira_api({**box.environment(), "JIRA_TOKEN": "wrong"}, sleep=pauses.append))
    with pytest.raises(CredentialsError, match="JIRA_TOKEN"):
        ask(api)
    assert pauses == []


def test_an_unknown_project_says_which_setting_to_check(api):
    with pytest.raises(FixInputError, match="JIRA_PROJECT_KEY"):
        api.read_fields("NOPE", "10001")


def test_nothing_of_a_request_is_logged_even_at_debug(api, caplog):
    with caplog.at_level(logging.DEBUG):
        api.create_in_bulk([update("Topik rahasia")])
    logged = "\n".join(str(record.getMessage()) for record in caplog.records)
    assert "Topik rahasia" not in logged
    assert "Authorization" not in logged


def test_with_a_scoped_token_links_lead_to_the_site_and_not_to_the_gateway(box, opened):
    box.jira.state.users[seed.BOT].scoped_token = "scoped"
    environment = box.environment()
    gateway = f"{environment['JIRA_URL']}/ex/jira/{CLOUD_ID}"
    api = opened(jira_api({**environment, "JIRA_URL": gateway, "JIRA_TOKEN": "scoped"}))
    assert [api.read_myself().site for _ in range(2)] == [environment["JIRA_URL"]] * 2
    assert [entry.operation for entry in box.journal].count("getServerInfo") == 1
    assert api.fetch([box.jira.issues[0].key])
