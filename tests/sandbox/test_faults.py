"""Faults: what each kind does to the caller and to the service, and that those no request has met are listed."""

import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
import requests
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from googleapiclient.errors import HttpError

from sandbox.app import OPERATIONS
from sandbox.faults.faults import KINDS
from tests.processes import wait_until
from tests.sandbox.site import issue_fields

BULK = {"issueUpdates": [{"fields": issue_fields(summary=f"nomor {number}")} for number in range(3)]}


def create(site, **more):
    return site.jira("POST", "issue/bulk", body=BULK, **more)


def made(box):
    """How many issues the bulk requests of a test have made."""
    return sum(issue.summary.startswith("nomor") for issue in box.jira.issues)


# The queue


def test_faults_happen_in_the_order_they_were_queued(box, site):
    box.fault("getCurrentUser", "500")
    box.fault("getCurrentUser", "429", times=2)
    assert [site.jira("GET", "myself").status_code for _ in range(4)] == [500, 429, 429, 200]


def test_a_fault_lets_requests_pass_first(box, site):
    box.fault("getCurrentUser", "500", after=2)
    assert [site.jira("GET", "myself").status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_fault_waits_at_its_own_operation(box, site):
    box.fault("getServerInfo", "500")
    assert site.jira("GET", "myself").status_code == 200
    assert box.faults_left == {"getServerInfo": ["500"]}
    assert site.jira("GET", "serverInfo").status_code == 500
    assert box.faults_left == {}


def test_faults_that_no_request_met_are_listed(box):
    box.fault("createIssues", "reset-after", times=2)
    box.fault("createIssues", "500")
    box.fault("drive.files.list", "429")
    assert box.faults_left == {"createIssues": ["reset-after", "reset-after", "500"], "drive.files.list": ["429"]}
    box.reset()


@pytest.mark.parametrize(
    ("operation", "kind", "options", "message"),
    [
        ("createIssue", "explode", {}, "no fault is called 'explode'"),
        ("createissue", "500", {}, "no operation is called 'createissue'"),
        ("createIssue", "500", {"delay_s": 1}, "500 does not take delay_s"),
        ("createIssue", "500", {"times": 0}, "times must be at least 1"),
        ("createIssue", "shuffle", {}, "shuffle needs an answer with a list of issues"),
        ("getCurrentUser", "refuse", {}, "refuse is for"),
        ("drive.files.list", "anonymous", {}, "anonymous is for Jira's operations"),
        ("getIssue", "late-apply", {}, "late-apply is for writes"),
        ("createIssue", "edit", {}, "an edit fault needs edit="),
        ("createIssue", "edit", {"edit": {}, "when": "later"}, "when is before or after"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused_when_queued(box, operation, kind, options, message):
    with pytest.raises(ValueError, match=message):
        box.fault(operation, kind, **options)


def test_the_journal_records_requests(box, clock, site):
    box.fault("getCurrentUser", "500")
    clock.move(5)
    site.jira("GET", "myself", params={"expand": "groups"})
    entry = box.journal[-1]
    assert (entry.operation, entry.method, entry.path) == ("getCurrentUser", "GET", "/rest/api/3/myself")
    assert (entry.status, entry.fault, entry.at) == (500, "500", clock.now())
    assert box.calls("getCurrentUser") == 1


# Answers in the service's stead


@pytest.mark.parametrize("kind", ["429", "500", "503-before", "413", "401", "403", "refuse-whole", "redirect"])
def test_nothing_is_applied_when_the_service_refuses(box, site, kind):
    box.fault("createIssues", kind)
    answer = create(site, allow_redirects=False)
    assert answer.status_code == {"503-before": 503, "refuse-whole": 400, "redirect": 302}.get(kind, 0) or int(kind)
    assert made(box) == 0


@pytest.mark.parametrize(
    ("operation", "path"),
    [("sheets.spreadsheets.get", "/v4/spreadsheets/x"), ("drive.files.list", "/drive/v3/files")],
    ids=["sheets", "drive"],
)
@pytest.mark.parametrize("kind", ["429", "500", "503-before", "401", "403", "refuse-whole"])
def test_google_refuses_in_its_own_envelope(box, site, operation, path, kind):
    box.fault(operation, kind)
    answer = site.google("GET", path)
    assert answer.json()["error"]["code"] == answer.status_code


def test_too_many_requests_may_say_how_long_to_wait(box, site):
    for operation in ("getCurrentUser", "drive.files.list"):
        box.fault(operation, "429", retry_after=7)
        box.fault(operation, "429")
    jira = [site.jira("GET", "myself").headers.get("Retry-After") for _ in range(2)]
    drive = [site.drive().headers.get("Retry-After") for _ in range(2)]
    assert (jira, drive) == (["7", None], ["7", None])


def test_jira_names_the_limit_that_was_reached(box, site):
    box.fault("getCurrentUser", "429")
    assert site.jira("GET", "myself").headers["RateLimit-Reason"] == "jira-burst-based"


def test_googleapiclient_reads_a_sheets_quota(box, values, plan):
    box.fault("sheets.spreadsheets.values.get", "429")
    with pytest.raises(HttpError) as caught:
        values.get(spreadsheetId=plan, range="Lain").execute()
    assert caught.value.error_details[0]["reason"] == "RATE_LIMIT_EXCEEDED"


def test_drive_may_forbid_for_the_sake_of_a_limit(box, files):
    box.fault("drive.files.list", "403", reason="userRateLimitExceeded")
    with pytest.raises(HttpError) as caught:
        files.list().execute()
    assert caught.value.error_details[0]["reason"] == "userRateLimitExceeded"


def test_a_token_that_expires_mid_run_is_401(box, site):
    box.fault("createIssues", "401")
    answer = create(site)
    assert answer.headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    assert create(site).status_code == 201


def test_a_token_endpoint_can_fail(box, credentials):
    box.fault("oauth.token", "refuse-whole")
    with requests.Session() as session, pytest.raises(RefreshError, match="invalid_grant"):
        credentials.refresh(Request(session))


def test_a_redirect_leads_to_a_page(box, site):
    box.fault("createIssues", "redirect")
    answer = create(site)
    assert (answer.status_code, answer.request.method, answer.url) == (200, "GET", box.url + "/login")
    assert made(box) == 0


def test_a_whole_request_can_be_refused_without_a_word_on_its_elements(box, site):
    box.fault("createIssues", "refuse-whole", messages=["Jira is being upgraded."])
    assert create(site).json() == {"errorMessages": ["Jira is being upgraded."], "errors": {}}


# Lost answers


@pytest.mark.parametrize(
    ("kind", "error", "applied"),
    [
        ("reset-before", requests.ConnectionError, False),
        ("reset-after", requests.ConnectionError, True),
        ("truncated", requests.exceptions.ChunkedEncodingError, True),
        ("late-apply", requests.ConnectionError, False),
    ],
)
def test_an_answer_is_lost_before_or_after_the_write(box, site, kind, error, applied):
    box.fault("createIssues", kind)
    with pytest.raises(error):
        create(site)
    assert made(box) == (3 if applied else 0)
    assert box.journal[-1].fault == kind


def test_a_lost_answer_has_no_status(box, site):
    box.fault("createIssues", "reset-after")
    with pytest.raises(requests.ConnectionError):
        create(site)
    assert box.journal[-1].status is None


def test_the_server_goes_on_after_cut_connections(box, site):
    box.fault("getCurrentUser", "reset-before", times=5)
    for _ in range(5):
        with pytest.raises(requests.ConnectionError):
            site.jira("GET", "myself")
    assert site.jira("GET", "myself").status_code == 200


@pytest.mark.parametrize("kind", ["reset-after", "truncated"])
def test_a_lost_answer_of_google_is_a_connection_error(box, values, plan, kind):
    values.get(spreadsheetId=plan, range="Lain").execute()  # signs in, so that the lost answer is not a 401
    box.fault("sheets.spreadsheets.values.clear", kind)
    with pytest.raises(Exception, match=r"reset|closed|IncompleteRead|bytes read"):
        values.clear(spreadsheetId=plan, range="Lain", body={}).execute()
    assert box.google.grid(plan, "Lain") == []


@pytest.mark.parametrize(("kind", "status"), [("503-after", 503), ("html", 200)])
def test_an_answer_may_hide_that_the_write_was_applied(box, site, kind, status):
    box.fault("createIssues", kind)
    answer = create(site)
    assert (answer.status_code, made(box)) == (status, 3)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize(("kind", "applied"), [("status-before", 0), ("status-after", 3)])
@pytest.mark.parametrize(("body", "begins"), [("page", "<html>"), ("empty", ""), ("json", '{"message"')])
@pytest.mark.parametrize("status", [403, 520])
def test_a_gateway_answers_with_any_status(box, site, kind, applied, body, begins, status):
    box.fault("createIssues", kind, status=status, body=body)
    answer = create(site)
    assert (answer.status_code, made(box)) == (status, applied)
    assert answer.text.startswith(begins)
    assert bool(answer.text) == bool(begins)


def test_answers_carry_the_time_of_the_box(box, site, clock):
    clock.move(86_400)
    assert parsedate_to_datetime(create(site).headers["Date"]).timestamp() == clock.now()


# Time


def test_a_slow_answer_arrives(box, site):
    box.fault("createIssues", "slow", delay_s=0.2)
    start = time.monotonic()
    assert create(site).status_code == 201
    assert time.monotonic() - start >= 0.2


def test_a_caller_who_does_not_wait_cannot_tell(box, site):
    box.fault("createIssues", "slow", delay_s=60)
    with pytest.raises(requests.ReadTimeout):
        create(site, timeout=(30, 0.1))
    wait_until(lambda: made(box) == 3)


def test_a_slow_service_applies_the_write_when_nobody_waits_any_more(box, site):
    box.fault("createIssues", "slow-before-apply", delay_s=2)
    with pytest.raises(requests.ReadTimeout):
        create(site, timeout=(30, 0.1))
    assert made(box) == 0
    wait_until(lambda: made(box) == 3)


def test_other_requests_are_answered_meanwhile(box, site):
    box.fault("createIssues", "slow-before-apply", delay_s=60)
    with pytest.raises(requests.ReadTimeout):
        create(site, timeout=(30, 0.05))
    assert site.jira("GET", "myself", timeout=30).status_code == 200
    assert made(box) == 0


def test_a_request_under_way_does_not_reach_past_a_reset(box, site):
    box.fault("createIssues", "slow-before-apply", delay_s=0.2)
    with pytest.raises(requests.ReadTimeout):
        create(site, timeout=(30, 0.05))
    box.reset()
    time.sleep(0.3)
    assert made(box) == 0


def test_a_late_write_is_applied_by_the_clock(box, clock, site):
    box.fault("createIssues", "late-apply", delay_s=30)
    with pytest.raises(requests.ConnectionError):
        create(site)
    clock.move(29)
    assert made(box) == 0
    clock.move(1)
    assert made(box) == 3


def test_a_late_write_carries_the_time_it_was_due(box, clock, site):
    due = clock.now() + 30
    box.fault("createIssues", "late-apply", delay_s=30)
    with pytest.raises(requests.ConnectionError):
        create(site)
    clock.move(100)
    keys = [site.created() for _ in range(1)]
    late = [issue for issue in box.jira.issues if issue.summary.startswith("nomor")]
    assert ([issue.created_at for issue in late], keys) == ([due] * 3, ["CP-8"])


def test_a_late_write_to_a_sheet_meets_the_sheet_of_its_time(box, clock, site, plan):
    box.fault("sheets.spreadsheets.batchUpdate", "late-apply", delay_s=10)
    tab = box.google.spreadsheets[plan].tabs[0].sheet_id
    request = {"findReplace": {"find": "cp-aaa", "replacement": "CP-1", "matchEntireCell": True, "sheetId": tab}}
    with pytest.raises(requests.ConnectionError):
        site.batch(plan, request)
    box.google.insert_rows(plan, "Bu Tini's", 2)
    clock.move(10)
    assert [row[3] for row in box.google.grid(plan, "Bu Tini's")] == ["Key", "", "CP-1", "", "cp-bbb", ""]


def test_late_writes_are_part_of_a_snapshot(box, clock, site):
    box.fault("createIssues", "late-apply", delay_s=30)
    with pytest.raises(requests.ConnectionError):
        create(site)
    waiting = box.snapshot()
    box.reset()
    clock.move(31)
    assert made(box) == 0
    box.restore(waiting)
    assert made(box) == 3


# Answers that are not what they seem


def test_issues_may_be_answered_in_another_order(box, site):
    box.fault("createIssues", "shuffle")
    keys = [issue["key"] for issue in create(site).json()["issues"]]
    assert keys != ["CP-5", "CP-6", "CP-7"]
    assert sorted(keys) == ["CP-5", "CP-6", "CP-7"]


def test_two_issues_are_shuffled_too(box, site):
    box.fault("bulkFetchIssues", "shuffle")
    answer = site.jira("POST", "issue/bulkfetch", body={"issueIdsOrKeys": ["CP-1", "CP-2"], "fields": ["summary"]})
    assert [issue["key"] for issue in answer.json()["issues"]] == ["CP-2", "CP-1"]


def test_an_issue_may_be_missing_from_the_answer(box, site):
    box.fault("createIssues", "short", index=1)
    assert [issue["key"] for issue in create(site).json()["issues"]] == ["CP-5", "CP-7"]
    assert made(box) == 3


def test_an_answer_may_name_an_issue_that_is_not_ours(box, site):
    box.fault("createIssues", "other-issue", index=2)
    box.fault("createIssues", "other-issue", key="MAR-11")
    assert [issue["key"] for issue in create(site).json()["issues"]] == ["CP-5", "CP-6", "CP-1"]
    assert create(site).json()["issues"][0]["key"] == "MAR-11"


def test_elements_are_refused_as_the_fault_wants_it(box, site):
    box.fault("createIssues", "refuse", indices=[0, 2], errors={"duedate": "No."})
    body = create(site).json()
    assert [issue["key"] for issue in body["issues"]] == ["CP-5"]
    assert [(error["failedElementNumber"], error["elementErrors"]["errors"]) for error in body["errors"]] == [
        (0, {"duedate": "No."}),
        (2, {"duedate": "No."}),
    ]
    assert [issue.summary for issue in box.jira.issues[-1:]] == ["nomor 1"]


def test_a_single_issue_is_refused_too(box, site):
    box.fault("createIssue", "refuse")
    assert list(site.create().json()["errors"]) == ["summary"]
    box.fault("editIssue", "refuse", errors={"labels": "No."})
    answer = site.jira("PUT", "issue/CP-1", body={"fields": {"summary": "Baru"}})
    assert (answer.json()["errors"], box.jira.issue("CP-1").summary) == ({"labels": "No."}, "Salam pembuka Juni")


def test_a_search_may_be_answered_as_to_an_anonymous_caller(box, site):
    box.fault("searchAndReconsileIssuesUsingJqlPost", "anonymous")
    body = {"jql": 'project = "CP"'}
    assert site.jira("POST", "search/jql", body=body).json() == {"issues": [], "isLast": True}
    assert len(site.jira("POST", "search/jql", body=body).json()["issues"]) == 4


# Edits by others


def test_somebody_inserts_a_row_just_before_our_write(box, site, plan):
    box.fault("sheets.spreadsheets.values.update", "edit", edit=lambda: box.google.insert_rows(plan, "Bu Tini's", 2))
    site.sheets("PUT", f"{plan}/values/'Bu Tini''s'!D2?valueInputOption=RAW", body={"values": [["CP-1"]]})
    assert [row[3] for row in box.google.grid(plan, "Bu Tini's")] == ["Key", "CP-1", "cp-aaa", "", "cp-bbb", ""]


def test_somebody_edits_just_after_our_write(box, site, plan):
    edit = {"spreadsheetId": plan, "range": "Lain!A1", "values": [["theirs"]]}
    box.fault("sheets.spreadsheets.values.update", "edit", edit=edit, when="after")
    site.sheets("PUT", f"{plan}/values/Lain!A1?valueInputOption=RAW", body={"values": [["ours"]]})
    assert box.google.grid(plan, "Lain") == [["theirs"]]


def test_an_edit_and_another_fault_can_befall_one_request(box, site, plan):
    edit = {"spreadsheetId": plan, "range": "Lain!A1", "values": [["theirs"]]}
    box.fault("sheets.spreadsheets.values.get", "edit", edit=edit)
    box.fault("sheets.spreadsheets.values.get", "503-before")
    assert site.sheets("GET", f"{plan}/values/Lain").status_code == 503
    assert box.google.grid(plan, "Lain") == [["theirs"]]
    assert box.journal[-1].fault == "edit+503-before"


@pytest.mark.parametrize(
    ("edit", "look", "expected"),
    [
        ({"issueKey": "CP-1", "fields": {"summary": "Baru"}}, lambda box: box.jira.issue("CP-1").summary, "Baru"),
        ({"issueKey": "CP-1", "moveTo": "MAR"}, lambda box: box.jira.issue("CP-1").key, "MAR-12"),
        ({"issueKey": "CP-1", "delete": True}, lambda box: box.jira.issues[0].key, "CP-2"),
    ],
)
def test_people_change_issues_too(box, site, edit, look, expected):
    box.fault("getCurrentUser", "edit", edit=edit)
    site.jira("GET", "myself")
    assert look(box) == expected


# Everything that is promised exists


def test_every_kind_is_tested_here():
    source = Path(__file__).read_text("utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in source] == []


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_meets_its_fault(box, operation):
    described = OPERATIONS[operation]
    box.fault(operation, "500")
    path = described.path.replace("{range:path}", "A1").replace("{", "").replace("}", "")
    answer = requests.request(described.method, box.url + path)
    assert (answer.status_code, box.faults_left) == (500, {})
