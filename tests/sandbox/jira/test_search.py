"""JQL, pages, and an index that lags behind."""

import pytest

from tests.sandbox.site import issue_fields

LAG = 2.0


@pytest.fixture
def found(box, site):
    """The keys a query finds, in its order."""

    def keys(jql):
        answer = search(site, jql=jql, fields=["key"], maxResults=1000)
        assert answer.status_code == 200, answer.text
        return [issue["key"] for issue in answer.json()["issues"]]

    return keys


def search(site, **body):
    return site.jira("POST", "search/jql", body=body)


@pytest.fixture
def issues(box, clock, site):
    """Three issues that the index has seen: two of a plan, one of another project."""
    keys = [
        site.created(labels=["plan-a", "cp-x"]),
        site.created(labels=["plan-a"]),
        site.created(project={"key": "MAR"}),
    ]
    clock.move(LAG)
    return keys


@pytest.mark.parametrize(
    ("jql", "expected"),
    [
        ('project = "CP" and labels = "plan-a"', "ab"),
        ('PROJECT = "cp" AND Labels IN ("plan-a")', "ab"),
        ('project = "10010" and created >= "2026-06-20"', "c"),
        ('project in ("CP", "Marketing") and created >= "2026-06-20"', "abc"),
        ('labels in ("nobody" ,"cp-x")', "a"),
        ('labels = "nobody"', ""),
        ('labels = "PLAN-A"', ""),
        ('key = "{a}"', "a"),
        ('issuekey in ("{b}","{c}")', "bc"),
        ('created < "2026-06-24 08:30" and labels = "plan-a"', ""),
        ('created <= "2026/06/24 08:30" and labels = "plan-a"', "ab"),
        ('updated >= "2026-06-24 08:30" and labels = "plan-a"', "ab"),
        ('updated > "2026-06-24 08:30" and labels = "plan-a"', ""),
    ],
)
def test_queries_find_what_they_say(found, issues, jql, expected):
    names = dict(zip("abc", issues, strict=True))
    assert sorted(found(jql.format(**names))) == sorted(names[letter] for letter in expected)


def test_times_are_compared_to_the_minute(clock, found, site):
    clock.move(59)
    key = site.created(labels=["baru"])
    clock.move(LAG)
    assert found('labels = "baru" and created <= "2026-06-24 08:30"') == [key]


@pytest.mark.parametrize(
    ("jql", "message"),
    [
        ("", "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."),
        ("order by created", "Unbounded JQL queries are not allowed here."),
        ('project = "NOPE"', "The value 'NOPE' does not exist for the field 'project'."),
        ('project = "999"', "A value with ID '999' does not exist for the field 'project'."),
        ('key = "CP-999"', "An issue with key 'CP-999' does not exist for field 'key'."),
        ('issuekey in ("CP-1", "CP-999")', "An issue with key 'CP-999' does not exist for field 'issuekey'."),
        ('created > "soon"', "Date value 'soon' for field 'created' is invalid."),
        ('created > "2026-06-31"', "Date value '2026-06-31' for field 'created' is invalid."),
    ],
)
def test_what_jira_does_not_find_is_refused_in_its_words(site, jql, message):
    answer = search(site, jql=jql)
    assert (answer.status_code, answer.json()["errorMessages"][0][: len(message)]) == (400, message)


@pytest.mark.parametrize(
    "jql",
    [
        "labels = x",
        "labels = 'x'",
        r'labels = "a\"b"',
        'labels != "x"',
        'labels not in ("x")',
        'labels in "x"',
        "labels in ()",
        "labels is empty",
        'labels = "x" or labels = "y"',
        'not labels = "x"',
        '(labels = "x")',
        'labels = "x" labels = "y"',
        'labels = "x" and',
        'labels = "x" and order by key',
        'labels = "x" order by key and labels = "y"',
        'summary ~ "x"',
        'nope = "x"',
        'key > "CP-1"',
        'created = "2026-06-24"',
        'created > "-1d"',
        "assignee = currentUser()",
        'project = "CP" order by priority',
        'project = "CP" order by key sideways',
        'project = "CP" order by key,',
        'project = "CP" order by',
        'project = "CP" x',
        "project",
    ],
)
def test_jql_that_the_sandbox_does_not_support_is_an_error(site, jql):
    answer = search(site, jql=jql)
    assert answer.status_code == 501, answer.text
    assert answer.json()["errorMessages"][0].startswith("The sandbox does not support ")


def test_unsupported_jql_is_in_the_log_of_the_sandbox_too(caplog, site):
    search(site, jql='summary ~ "x"')
    assert [record.name for record in caplog.records if "does not support the JQL" in record.getMessage()] == [
        "sandbox"
    ]


def test_a_project_we_may_not_see_does_not_exist(box, site):
    box.jira.state.projects["MAR"].permissions.remove("BROWSE_PROJECTS")
    messages = [search(site, jql=jql).json()["errorMessages"][0] for jql in ('project = "MAR"', 'key = "MAR-11"')]
    assert messages == [
        "The value 'MAR' does not exist for the field 'project'.",
        "An issue with key 'MAR-11' does not exist for field 'key'.",
    ]


def test_issues_come_newest_first_unless_ordered(found, issues):
    assert found('labels = "plan-a"') == [issues[1], issues[0]]
    assert found('labels = "plan-a" ORDER BY key') == [issues[0], issues[1]]
    assert found('labels = "plan-a" order by updated desc, issuekey ASC') == [issues[0], issues[1]]


def test_keys_are_ordered_as_numbers(clock, found, site):
    site.jira("POST", "issue/bulk", body={"issueUpdates": [{"fields": issue_fields()} for _ in range(8)]})
    clock.move(LAG)
    assert found('project = "CP" order by key')[-3:] == ["CP-10", "CP-11", "CP-12"]


# The index


def test_a_new_issue_is_found_only_after_the_lag(clock, found, site):
    key = site.created(labels=["baru"])
    assert found('labels = "baru"') == []
    clock.move(LAG - 0.001)
    assert found('labels = "baru"') == []
    clock.move(0.001)
    assert found('labels = "baru"') == [key]


def test_an_edit_is_seen_only_after_the_lag(clock, site, found):
    site.jira("PUT", "issue/CP-1", body={"fields": {"labels": ["baru"], "summary": "Baru"}})
    assert (found('labels = "baru"'), found('key = "CP-1" and labels = "plan-juni-2026"')) == ([], ["CP-1"])
    shown = site.jira("POST", "search/jql", body={"jql": 'key = "CP-1"', "fields": ["summary"]}).json()["issues"][0]
    assert shown["fields"]["summary"] == "Salam pembuka Juni"
    clock.move(LAG)
    assert (found('labels = "baru"'), found('key = "CP-1" and labels = "plan-juni-2026"')) == (["CP-1"], [])


def test_a_deleted_issue_is_shown_until_the_index_has_noticed(box, clock, found):
    box.jira.delete_issue("CP-1")
    assert "CP-1" in found('labels = "plan-juni-2026"')
    clock.move(LAG)
    assert "CP-1" not in found('labels = "plan-juni-2026"')


def test_a_moved_issue_is_found_in_its_new_project_after_the_lag(box, clock, found):
    box.jira.move_issue("CP-1", "MAR")
    assert "CP-1" in found('project = "CP"')
    clock.move(LAG)
    assert "MAR-12" in found('project = "MAR" and labels = "plan-juni-2026"')
    assert found('key = "CP-1"') == ["MAR-12"]


# Answers


def test_an_answer_holds_ids_only_unless_fields_are_named(site):
    found = search(site, jql='key = "CP-1"').json()
    assert found == {"issues": [{"id": "10001"}], "isLast": True}


def test_fields_and_properties_are_given_when_named(box, site):
    box.jira.issue("CP-1").properties["p"] = {"a": 1}
    answer = search(site, jql='key = "CP-1"', fields=["summary", "labels"], properties=["p", "q"])
    (issue,) = answer.json()["issues"]
    assert issue["fields"] == {"summary": "Salam pembuka Juni", "labels": ["plan-juni-2026"]}
    assert issue["properties"] == {"p": {"a": 1}}
    assert issue["key"] == "CP-1"


def test_pages_follow_one_another_without_a_total(site):
    found, token = [], None
    while token != "":
        body = {"jql": 'project = "CP" order by key', "fields": ["key"], "maxResults": 3}
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
    body = {"jql": 'labels = "x"', "fields": fields, "maxResults": 5000}
    assert len(site.jira("POST", "search/jql", body=body).json()["issues"]) == size


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"properties": list("abcdef")}, 400),
        ({"maxResults": 0}, 400),
        ({"maxResults": 5001}, 400),
        ({"maxResults": "many"}, 400),
        ({"nextPageToken": "nope"}, 400),
        ({"fields": "summary"}, 400),
        ({"jql": ["project"]}, 400),
        ({"reconcileIssues": [10001]}, 501),
        ({"expand": "names"}, 501),
    ],
)
def test_what_search_does_not_take_is_refused(site, more, status):
    assert search(site, **{"jql": 'project = "CP"', **more}).status_code == status


def test_a_token_belongs_to_its_query(site):
    token = site.jira("POST", "search/jql", body={"jql": 'project = "CP"', "maxResults": 1}).json()["nextPageToken"]
    body = {"jql": 'project = "MAR"', "maxResults": 1, "nextPageToken": token}
    assert site.jira("POST", "search/jql", body=body).status_code == 400
