"""Authentication and permissions, and what Jira answers about its site."""

import pytest
import requests
from atlassian import Jira

from sandbox.jira.gateway import CLOUD_ID
from sandbox.seed import seed

LOGIN_REASON = "AUTHENTICATED_FAILED"


def ids(answer):
    return [user["accountId"] for user in answer.json()]


def test_the_token_says_who_we_are(site):
    me = site.jira("GET", "myself").json()
    assert (me["accountId"], me["emailAddress"], me["active"]) == (seed.BOT, seed.JIRA_USERNAME, True)


def test_atlassian_python_api_speaks_to_it(box, jira):
    settings = box.environment()
    client = Jira(
        settings["JIRA_URL"],
        username=settings["JIRA_USERNAME"],
        password=settings["JIRA_TOKEN"],
        cloud=True,
        api_version="3",
        advanced_mode=True,
        session=jira,
    )
    assert client.myself().json()["accountId"] == seed.BOT
    made = client.create_issue({"project": {"key": "CP"}, "issuetype": {"id": "10001"}, "summary": "Halo"})
    assert made.json()["key"] == "CP-5"


@pytest.mark.parametrize("path", ["myself", "field", "serverInfo", "issue/CP-1"])
def test_a_wrong_token_is_401_everywhere(site, path):
    answer = site.jira("GET", path, auth=(seed.JIRA_USERNAME, "wrong"))
    assert (answer.status_code, answer.headers["X-Seraph-LoginReason"]) == (401, LOGIN_REASON)


@pytest.mark.parametrize("header", ["Bearer abc", "Basic", "Basic ***", "Basic " + "w6k=", "Negotiate x"], ids=range(5))
def test_other_credentials_are_401(site, header):
    answer = site.jira("GET", "myself", auth=False, headers={"Authorization": header})
    assert (answer.status_code, answer.headers["X-Seraph-LoginReason"]) == (401, LOGIN_REASON)


def test_no_login_reason_is_given_without_credentials(site):
    answer = site.jira("GET", "myself", auth=False)
    assert answer.status_code == 401
    assert "X-Seraph-LoginReason" not in answer.headers


# The gateway


@pytest.fixture
def through_gateway(box, site):
    """A request to the API of a site with a scoped token, through the gateway."""
    box.jira.state.users[seed.BOT].scoped_token = "scoped"

    def get(path, *, token="scoped", cloud_id=CLOUD_ID):
        auth = (seed.JIRA_USERNAME, token) if token else None
        return requests.get(f"{box.url}/ex/jira/{cloud_id}/{path}", auth=auth)

    return get


def test_the_gateway_answers_with_the_address_of_the_site(box, through_gateway):
    assert through_gateway("rest/api/3/serverInfo").json()["baseUrl"] == box.url
    assert through_gateway("rest/api/3/myself").json()["accountId"] == seed.BOT
    assert through_gateway("rest/api/3/issue/CP-1").json()["key"] == "CP-1"


def test_a_scoped_token_is_taken_by_the_gateway_alone(site, through_gateway):
    assert site.jira("GET", "myself", auth=(seed.JIRA_USERNAME, "scoped")).status_code == 401
    assert through_gateway("rest/api/3/serverInfo", token=site.settings["JIRA_TOKEN"]).status_code == 401
    assert through_gateway("rest/api/3/serverInfo", token="").status_code == 401


def test_the_gateway_knows_one_site_and_no_pages(through_gateway):
    assert through_gateway("rest/api/3/myself", cloud_id="another").status_code == 404
    assert through_gateway("browse/CP-1").status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "myself", None, 401),
        ("GET", "serverInfo", None, 200),
        ("POST", "search/jql", {"jql": 'project = "CP"'}, 200),
        ("POST", "issue/bulkfetch", {"issueIdsOrKeys": ["CP-1"]}, 200),
        ("GET", "issue/CP-1", None, 404),
        ("GET", "issue/CP-1/comment", None, 404),
        ("PUT", "issue/CP-1", {"fields": {"summary": "x"}}, 404),
        ("GET", "project/CP/components", None, 404),
        ("GET", "issue/createmeta/CP/issuetypes/10001", None, 401),
        ("GET", "mypermissions?permissions=BROWSE_PROJECTS", None, 200),
        ("GET", "mypermissions?permissions=BROWSE_PROJECTS&projectKey=CP", None, 404),
        ("GET", "user/bulk?accountId=x", None, 401),
        ("GET", "field", None, 200),
        ("POST", "issue", {"fields": {"project": {"key": "CP"}, "issuetype": {"id": "10001"}, "summary": "x"}}, 400),
    ],
)
def test_an_anonymous_caller_sees_little(site, method, path, body, status):
    assert site.jira(method, path, body=body, auth=False).status_code == status


def test_an_anonymous_search_finds_nothing_and_is_no_error(site):
    answer = site.jira("POST", "search/jql", body={"jql": 'project = "CP"'}, auth=False)
    assert (answer.status_code, answer.json()) == (200, {"issues": [], "isLast": True})


def test_an_anonymous_caller_makes_nothing(box, site):
    before = len(box.jira.issues)
    body = {"issueUpdates": [{"fields": {"project": {"key": "CP"}, "issuetype": {"id": "10001"}, "summary": "x"}}]}
    answer = site.jira("POST", "issue/bulk", body=body, auth=False)
    errors = answer.json()["errors"][0]["elementErrors"]["errors"]
    assert (answer.status_code, list(errors), len(box.jira.issues)) == (400, ["project"], before)
    assert errors["project"].startswith("Anonymous users do not have permission")


def test_permissions_are_those_of_the_project(site):
    def have(**where):
        params = {"permissions": "BROWSE_PROJECTS,CREATE_ISSUES", **where}
        found = site.jira("GET", "mypermissions", params=params).json()["permissions"]
        return {key: permission["havePermission"] for key, permission in found.items()}

    assert have(projectKey="CP") == {"BROWSE_PROJECTS": True, "CREATE_ISSUES": True}
    assert have(projectKey="TEAM") == {"BROWSE_PROJECTS": True, "CREATE_ISSUES": False}
    assert have(issueKey="CP-1") == {"BROWSE_PROJECTS": True, "CREATE_ISSUES": True}
    assert have() == {"BROWSE_PROJECTS": True, "CREATE_ISSUES": True}


def test_permissions_must_be_named(site):
    answer = site.jira("GET", "mypermissions", params={"projectKey": "CP"})
    assert (answer.status_code, answer.json()["errorMessages"]) == (
        400,
        ["The 'permissions' query parameter is required."],
    )


def test_create_screens_list_required_fields_and_choices(site):
    path = "issue/createmeta/CP/issuetypes/10001"
    found = {field["fieldId"]: field for field in site.jira("GET", path).json()["fields"]}
    needed = {name for name, field in found.items() if field["required"] and not field["hasDefaultValue"]}
    assert needed == {"summary", "issuetype", "project"}
    assert [option["value"] for option in found["customfield_10043"]["allowedValues"]] == [
        "Post", "Story", "Short Video", "Carousel",
    ]  # fmt: skip
    assert found["customfield_10040"]["schema"]["custom"].endswith(":datepicker")
    assert {component["id"] for component in found["components"]["allowedValues"]} == set(seed.COMPONENTS)


def test_create_screens_come_in_pages(site):
    path = "issue/createmeta/CP/issuetypes/10001"
    first = site.jira("GET", path, params={"maxResults": 5}).json()
    rest = site.jira("GET", path, params={"startAt": 5, "maxResults": 200}).json()
    assert (len(first["fields"]), first["total"]) == (5, 15)
    assert len({field["fieldId"] for field in first["fields"] + rest["fields"]}) == 15


def test_a_project_we_may_not_create_in_has_no_create_screen(site):
    assert site.jira("GET", "issue/createmeta/TEAM/issuetypes/10002").status_code == 400


def test_custom_fields_are_found_by_name(site):
    found = {field["name"]: field["id"] for field in site.jira("GET", "field").json()}
    assert found["Publication Date"] == "customfield_10040"
    assert found["Content Editor"] == "customfield_10042"


# Users


def test_many_users_come_in_pages_of_ten(site):
    wanted = [*seed.USERS, seed.BOT, seed.INACTIVE_USER]
    found = site.jira("GET", "user/bulk", params={"accountId": [*wanted, "nobody", *wanted]}).json()
    assert (found["total"], found["maxResults"], found["isLast"]) == (7, 10, True)
    active = {user["accountId"]: user["active"] for user in found["values"]}
    assert (active[seed.BOT], active[seed.INACTIVE_USER]) == (True, False)
    assert not any("emailAddress" in user for user in found["values"])


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"query": "editor"}, 2),
        ({"query": "utara"}, 1),
        ({"query": "tara"}, 0),
        ({"query": "associate", "maxResults": 1}, 1),
        ({"accountId": seed.REPORTER}, 1),
        ({"accountId": seed.INACTIVE_USER}, 0),
    ],
)
def test_assignable_users_are_searched_by_the_beginnings_of_words(site, params, count):
    found = site.jira("GET", "user/assignable/search", params={"project": "CP", **params})
    assert len(found.json()) == count


def test_only_active_people_can_be_assigned(site):
    found = site.jira("GET", "user/assignable/search", params={"project": "CP", "query": "editor"})
    assert ids(found) == list(seed.USERS)[2:4]


def test_who_lacks_the_permission_cannot_be_assigned(box, site):
    editor = list(seed.USERS)[2]
    box.jira.state.projects["CP"].not_assignable.append(editor)
    wanted = {"project": "CP", "accountId": editor}
    assert ids(site.jira("GET", "user/assignable/search", params=wanted)) == []
    assert ids(site.jira("GET", "user/assignable/search", params={**wanted, "project": "MAR"})) == [editor]
    assert site.jira("GET", "user/bulk", params={"accountId": editor}).json()["values"][0]["active"] is True
    answer = site.create(assignee={"accountId": editor})
    assert answer.json()["errors"] == {"assignee": f"User '{editor}' cannot be assigned issues."}
    assert site.create(customfield_10042={"accountId": editor}).status_code == 201


@pytest.mark.parametrize("params", [{"project": "CP"}, {"query": "editor"}, {}])
def test_a_search_for_assignees_needs_a_project_and_a_query(site, params):
    assert site.jira("GET", "user/assignable/search", params=params).status_code == 400


def test_the_api_of_version_2_is_not_faked(box, site):
    answer = site.google("GET", "/rest/api/2/myself")
    assert answer.status_code == 501
    assert "does not know GET /rest/api/2/myself" in answer.json()["errorMessages"][0]
    assert (box.journal[-1].operation, box.journal[-1].status) == ("", 501)
