"""JQL, pages, and an index that lags behind."""

import pytest

from sandbox.seed import seed
from tests.sandbox.site import issue_fields

LAG = 2.0


@pytest.fixture
def found(box, site):
    """The keys a query finds, in its order."""

    def search(jql, **more):
        answer = site.jira("POST", "search/jql", body={"jql": jql, "fields": ["key"], "maxResults": 1000, **more})
        assert answer.status_code == 200, answer.text
        return [issue["key"] for issue in answer.json()["issues"]]

    return search


def refusal(site, jql):
    answer = site.jira("GET", "search/jql", params={"jql": jql})
    assert answer.status_code == 400, answer.text
    (message,) = answer.json()["errorMessages"]
    return message


@pytest.fixture
def issues(box, clock, site):
    """Three issues that differ in everything, which the index has seen."""
    with_all = {
        "labels": ["plan-a", "cp-x"],
        "components": [{"id": "10101"}],
        "assignee": {"accountId": next(iter(seed.USERS))},
        "priority": {"id": "1"},
    }
    keys = [
        site.created(summary="Menu baru kopi senja", **with_all),
        site.created(summary="Kopi pagi", labels=["plan-a"], components=[{"id": "10102"}]),
        site.created(summary="Batik pesisir", project={"key": "MAR"}),
    ]
    clock.move(LAG)
    return keys


@pytest.mark.parametrize(
    ("jql", "expected"),
    [
        ("project = CP and labels = plan-a", "ab"),
        ("project = MAR and created >= '2026-06-20'", "c"),
        ("PROJECT = cp AND Labels = 'plan-a'", "ab"),
        ("labels in (plan-a, cp-x)", "ab"),
        ('labels = "cp-x"', "a"),
        ("labels = nobody", ""),
        ("labels = PLAN-A", ""),
        ("labels in (plan-a) and labels != cp-x", "b"),
        ("labels not in (cp-x) and labels = plan-a", "b"),
        ("labels is empty and created > '2026-06-20'", "c"),
        ("labels is not EMPTY and created > 2026-06-20", "ab"),
        ("component = 10101", "a"),
        ("component in ('Kopi Senja', \"Toko Rimba\")", "ab"),
        ("summary ~ kopi", "ab"),
        ("summary ~ 'kopi menu'", "a"),
        ("summary ~ 'pes*'", "c"),
        ("summary ~ 'pes'", ""),
        ("summary !~ kopi and created > 2026-06-20", "c"),
        ("assignee = currentUser()", ""),
        (f"assignee = '{next(iter(seed.USERS))}'", "a"),
        ("assignee is EMPTY and labels = plan-a", "b"),
        ("reporter = currentUser() and project = MAR", "c"),
        ("priority = Highest", "a"),
        ("status = 'To Do' and labels = plan-a", "ab"),
        ("issuetype = Content and labels = plan-a", "ab"),
        ("(labels = cp-x or project = MAR) and created > 2026-06-20", "ac"),
        ("labels = cp-x or project = MAR and summary ~ batik", "ac"),
        ("not labels = cp-x and labels = plan-a", "b"),
        ("key = {a}", "a"),
        ("issuekey in ({b}, {c})", "bc"),
        ("id = {c}", "c"),
        ("key > {a} and labels = plan-a", "b"),
        ("key >= {a} and key <= {b}", "ab"),
        ("created >= -1h and project in (CP, MAR)", "abc"),
        ("created < '2026-06-24 08:30' and labels = plan-a", ""),
        ("created = '2026/06/24 08:30' and labels = plan-a", "ab"),
        ("updated >= now() and labels = plan-a", "ab"),
    ],
)
def test_queries_find_what_they_say(found, issues, jql, expected):
    names = dict(zip("abc", issues, strict=True))
    assert sorted(found(jql.format(**names))) == sorted(names[letter] for letter in expected)


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("", "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."),
        (
            "order by created",
            "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
        ),
        ("nope = 1", "Field 'nope' does not exist or you do not have permission to view it."),
        ("project = NOPE", "The value 'NOPE' does not exist for the field 'project'."),
        ("project = 999", "A value with ID '999' does not exist for the field 'project'."),
        ("key = CP-999", "An issue with key 'CP-999' does not exist for field 'key'."),
        ("issuekey in (CP-1, CP-999)", "An issue with key 'CP-999' does not exist for field 'issuekey'."),
        ("component = Nope", "The value 'Nope' does not exist for the field 'component'."),
        ("status = Nope", "The value 'Nope' does not exist for the field 'status'."),
        ("labels ~ x", "The operator '~' is not supported by the 'labels' field."),
        ("summary = x", "The operator '=' is not supported by the 'summary' field."),
        ("created > soon", "Date value 'soon' for field 'created' is invalid."),
        ("assignee = nobody()", "Unable to find JQL function 'nobody()'."),
        ("project = CP order by nope", "Field 'nope' does not exist or you do not have permission to view it."),
        ("project", "Error in the JQL Query: Expecting operator before the end of the query. The valid operators are"),
        ("project x CP", "Error in the JQL Query: Expecting operator but got 'x'. The valid operators are '=',"),
        (
            "project =",
            "Error in the JQL Query: Expecting either a value, list or function before the end of the query.",
        ),
        ("project = CP and", "Error in the JQL Query: Expecting a field name before the end of the query."),
        ("project = CP labels = x", "Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'labels'."),
        ("(project = CP", "Error in the JQL Query: Expecting ')' before the end of the query."),
        ("project in CP", "Error in the JQL Query: Expecting '(' but got 'CP'."),
        ("labels in (x y)", "Error in the JQL Query: Expecting ')' but got 'y'."),
        (
            "labels = a@b",
            "Error in the JQL Query: The character '@' is a reserved JQL character. You must enclose it in a",
        ),
        (
            "project = select",
            "Error in the JQL Query: 'select' is a reserved JQL word. You must surround it in quotation",
        ),
        ("labels = 'x", "Error in the JQL Query: The character ''' is a reserved JQL character."),
        ("labels = and", "Error in the JQL Query: 'and' is a reserved JQL word."),
        ("project = CP order by " + ", ".join(["key"] * 8), "The maximum number of ORDER BY fields is 7."),
    ],
)
def test_what_jql_does_not_know_is_refused_in_its_words(site, jql, message):
    assert refusal(site, jql).startswith(message)


def test_a_project_we_may_not_see_does_not_exist(box, site):
    box.jira.state.projects["MAR"].permissions.remove("BROWSE_PROJECTS")
    assert refusal(site, "project = MAR") == "The value 'MAR' does not exist for the field 'project'."
    assert refusal(site, "key = MAR-11").startswith("An issue with key 'MAR-11' does not exist")


def test_issues_come_newest_first_unless_ordered(found, issues):
    assert found("labels = plan-a") == [issues[1], issues[0]]
    assert found("labels = plan-a order by key") == [issues[0], issues[1]]
    assert found("labels = plan-a order by priority desc, key asc") == [issues[1], issues[0]]


def test_keys_are_ordered_as_numbers(clock, found, site):
    site.jira("POST", "issue/bulk", body={"issueUpdates": [{"fields": issue_fields()} for _ in range(8)]})
    clock.move(LAG)
    assert found("project = CP order by key")[-3:] == ["CP-10", "CP-11", "CP-12"]


# The index


def test_a_new_issue_is_found_only_after_the_lag(clock, found, site):
    key = site.created(labels=["baru"])
    assert found("labels = baru") == []
    clock.move(LAG - 0.001)
    assert found("labels = baru") == []
    clock.move(0.001)
    assert found("labels = baru") == [key]


def test_reconciling_sees_a_new_issue_at_once(box, found, site):
    key = site.created(labels=["baru"])
    assert found("labels = baru", reconcileIssues=[box.jira.issue(key).id]) == [key]


def test_an_edit_is_seen_only_after_the_lag(clock, site, found):
    site.jira("PUT", "issue/CP-1", body={"fields": {"labels": ["baru"], "summary": "Baru"}})
    assert (found("labels = baru"), found("key = CP-1 and labels = plan-juni-2026")) == ([], ["CP-1"])
    shown = site.jira("POST", "search/jql", body={"jql": "key = CP-1", "fields": ["summary"]}).json()["issues"][0]
    assert shown["fields"]["summary"] == "Salam pembuka Juni"
    assert found("labels = baru", reconcileIssues=[10001]) == ["CP-1"]
    clock.move(LAG)
    assert (found("labels = baru"), found("key = CP-1 and labels = plan-juni-2026")) == (["CP-1"], [])


def test_a_deleted_issue_is_shown_until_the_index_has_noticed(clock, found, site):
    site.jira("DELETE", "issue/CP-1")
    assert "CP-1" in found("labels = plan-juni-2026")
    assert "CP-1" not in found("labels = plan-juni-2026", reconcileIssues=[10001])
    clock.move(LAG)
    assert "CP-1" not in found("labels = plan-juni-2026")


def test_a_moved_issue_is_found_in_its_new_project_after_the_lag(box, clock, found):
    box.jira.move_issue("CP-1", "MAR")
    assert "CP-1" in found("project = CP")
    clock.move(LAG)
    assert "MAR-12" in found("project = MAR and labels = plan-juni-2026")
    assert found("key = CP-1") == ["MAR-12"]


# Answers


def test_an_answer_holds_ids_only_unless_fields_are_named(site):
    found = site.jira("GET", "search/jql", params={"jql": "key = CP-1"}).json()
    assert found == {"issues": [{"id": "10001"}], "isLast": True}


def test_fields_and_properties_are_given_when_named(box, site):
    box.jira.issue("CP-1").properties["p"] = {"a": 1}
    params = {"jql": "key = CP-1", "fields": "summary,labels", "properties": "p,q"}
    (issue,) = site.jira("GET", "search/jql", params=params).json()["issues"]
    assert issue["fields"] == {"summary": "Salam pembuka Juni", "labels": ["plan-juni-2026"]}
    assert issue["properties"] == {"p": {"a": 1}}
    assert issue["key"] == "CP-1"


def test_pages_follow_one_another_without_a_total(site):
    found, token = [], None
    while token != "":
        body = {"jql": "project = CP order by key", "fields": ["key"], "maxResults": 3}
        answer = site.jira("POST", "search/jql", body={**body, **({"nextPageToken": token} if token else {})}).json()
        assert "total" not in answer
        found += [issue["key"] for issue in answer["issues"]]
        token = answer.get("nextPageToken", "")
        assert answer["isLast"] is (token == "")
    assert found == ["CP-1", "CP-2", "CP-3", "CP-4"]


@pytest.mark.parametrize(("fields", "size"), [(["summary"], 100), (["key"], 120)])
def test_a_page_is_smaller_when_fields_are_asked_for(clock, site, fields, size):
    for _ in range(3):
        site.jira("POST", "issue/bulk", body={"issueUpdates": [{"fields": issue_fields(labels=["x"])}] * 40})
    clock.move(LAG)
    body = {"jql": "labels = x", "fields": fields, "maxResults": 5000}
    assert len(site.jira("POST", "search/jql", body=body).json()["issues"]) == size


@pytest.mark.parametrize(
    "more",
    [
        {"reconcileIssues": list(range(51))},
        {"reconcileIssues": ["CP-1"]},
        {"properties": list("abcdef")},
        {"maxResults": 0},
        {"maxResults": 5001},
        {"maxResults": "many"},
        {"nextPageToken": "nope"},
        {"fields": "summary"},
        {"jql": ["project = CP"]},
    ],
)
def test_what_search_does_not_take_is_refused(site, more):
    assert site.jira("POST", "search/jql", body={"jql": "project = CP", **more}).status_code == 400


def test_a_token_belongs_to_its_query(site):
    token = site.jira("POST", "search/jql", body={"jql": "project = CP", "maxResults": 1}).json()["nextPageToken"]
    body = {"jql": "project = MAR", "maxResults": 1, "nextPageToken": token}
    assert site.jira("POST", "search/jql", body=body).status_code == 400


def test_the_removed_search_says_where_to_go(site):
    answer = site.jira("GET", "search", params={"jql": "project = CP"})
    assert answer.status_code == 410
    assert "/rest/api/3/search/jql" in answer.json()["errorMessages"][0]
