"""Transitions: which an issue has, and what becomes of it."""

import pytest

from sandbox.jira.state import Transition


@pytest.fixture
def issue(box):
    return box.jira.add_issue("CP", {"summary": "Satu"})


@pytest.fixture
def send(site, issue):
    return lambda **body: site.jira("POST", f"issue/{issue.key}/transitions", body=body)


def names(site, issue, **params):
    answer = site.jira("GET", f"issue/{issue.key}/transitions", params=params).json()
    return [one["name"] for one in answer["transitions"]]


def test_a_transition_changes_the_status_and_its_author_stands_in_the_history(box, site, issue, send):
    assert names(site, issue) == ["To Do", "In Progress", "Done", "Cancelled"]
    assert names(site, issue, transitionId="41") == ["Cancelled"]
    assert send(transition={"id": "41"}).status_code == 204
    assert issue.fields["status"] == {"id": "10002"}
    [history] = issue.histories
    assert [(change.field, change.new) for change in history.changes] == [("status", {"id": "10002"})]
    assert box.jira.state.users[history.author].token


def test_only_from_where_it_may_begin(box, site, issue, send):
    box.jira.state.transitions = [Transition("7", "Ulang", "10000", sources=["10001"])]
    assert names(site, issue) == []
    refused = send(transition={"id": "7"})
    assert (refused.status_code, "not valid for the current state" in refused.text) == (400, True)


def test_nothing_goes_without_the_permission(box, site, issue, send):
    box.jira.state.projects["CP"].permissions.remove("TRANSITION_ISSUES")
    assert names(site, issue) == []
    assert send(transition={"id": "31"}).status_code == 400
    assert issue.fields["status"] == {"id": "10000"}


def test_a_field_that_the_screen_requires_and_one_that_it_lacks_are_refused_by_name(box, send, issue):
    box.jira.state.transitions = [Transition("7", "Batal", "10002", required=["resolution"])]
    assert send(transition={"id": "7"}).json()["errors"] == {"resolution": "Resolution is required."}
    assert "summary" in send(transition={"id": "7"}, fields={"summary": "x"}).json()["errors"]
    assert issue.histories == []


def test_a_transition_must_be_named(send):
    assert send(fields={}).json()["errorMessages"] == ["Missing 'transition' identifier"]
