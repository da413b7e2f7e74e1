"""Workers whose account Jira lets nobody assign: the issue is made without them, and says who is missing."""

from lib.plan import assignees
from lib.plan.issue_draft import IssueDraft

WORKERS = {"Associate Pagi": "712020:a", "Associate Sore": "712020:b"}


def draft(account):
    fields = {
        "summary": "x",
        "project": {"key": "CP"},
        "issuetype": {"id": "1"},
        "customfield_1": {"accountId": account},
    }
    return IssueDraft.model_validate({"row": 2, "fields": {**fields, "assignee": {"accountId": account}}})


def test_each_account_is_asked_for_once_and_refused_rows_want_none():
    refused = IssueDraft.model_validate({"row": 3, "fields": None, "problems": [{"where": "A1", "message": "x"}]})
    assert assignees.wanted([draft("a"), refused, draft("b"), draft("a")]) == ["a", "b"]


def test_only_the_assignee_that_jira_would_refuse_is_left_out():
    [without, with_him] = assignees.fit([draft("a"), draft("b")], {"a": False, "b": True})
    assert "assignee" not in without.as_jira()
    assert without.as_jira()["customfield_1"] == {"accountId": "a"}
    assert with_him == draft("b")


def test_the_worker_is_named():
    [problem] = assignees.problems({"712020:a": False, "712020:b": True}, WORKERS, "CP")
    assert problem.where == "hashmap.py, WORKERS['Associate Pagi']"
    assert problem.level == "warning"
    assert "cannot be assigned issues of project CP" in problem.message
