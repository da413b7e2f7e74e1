"""Every operation is walked, and what goes over the wire is held against the vendors' own descriptions."""

import json
import re

import pytest

from sandbox.app import OPERATIONS
from sandbox.seed import seed
from sandbox.seed.seed_plans import KOPI
from tests.sandbox import vendor_schemas as vendors
from tests.sandbox.site import document, issue_fields

WALKS = {}
REFUSALS = {}
BOOK = KOPI.spreadsheet_id
FIELDS_OF_AN_ISSUE = {
    "assignee": "UserDetails",
    "reporter": "UserDetails",
    "creator": "UserDetails",
    "customfield_10041": "UserDetails",
    "project": "ProjectDetails",
    "priority": "Priority",
    "status": "StatusDetails",
    "issuetype": "IssueTypeDetails",
    "comment": "PageOfComments",
}
EVERYTHING = {
    "description": document("Satu", "Dua"),
    "priority": {"name": "High"},
    "reporter": {"accountId": seed.REPORTER},
    "assignee": {"accountId": "712020:4b1c2d30-0001-4000-8000-00000000a001"},
    "labels": ["b", "a"],
    "components": [{"id": "10101"}, {"name": "Toko Rimba"}],
    "duedate": "2026-07-04",
    "customfield_10015": "2026-06-28",
    "customfield_10040": "2026-07-05",
    "customfield_10041": {"accountId": "712020:4b1c2d30-0002-4000-8000-00000000a002"},
    "customfield_10042": {"accountId": seed.INACTIVE_USER},
    "customfield_10043": {"value": "Short Video"},
}


def walk(operation):
    """The decorated function makes requests of an operation that succeed; it gives back the answers."""

    def keep(function):
        WALKS[operation] = function
        return function

    return keep


def refused(operation):
    """The decorated function makes requests of an operation that are refused."""

    def keep(function):
        REFUSALS[operation] = function
        return function

    return keep


def google_matches(operation, answer):
    method = vendors.google_method(operation)
    api = operation.partition(".")[0]
    if answer.request.body and answer.request.headers.get("content-type") == "application/json":
        vendors.check_google(api, method["request"]["$ref"], json.loads(answer.request.body))
    assert answer.status_code == 200, answer.text
    vendors.check_google(api, method["response"]["$ref"], answer.json())


def jira_matches(operation, answer):
    request = vendors.jira_request_schema(operation)
    if request is not None:
        vendors.check_jira(request, json.loads(answer.request.body))
    schema = vendors.jira_answer_schema(operation, answer.status_code)
    assert answer.status_code < 300, answer.text
    if answer.status_code == 204:
        assert answer.content == b""
    elif schema is not None:
        vendors.check_jira(schema, answer.json())
        _check_issues(answer.json())


def _check_issues(body):
    """The fields of issues, which the document leaves open: each against the schema of its kind."""
    found = body.get("issues", [body]) if isinstance(body, dict) else []
    for issue in found:
        for name, value in issue.get("fields", {}).items() if isinstance(issue.get("fields"), dict) else ():
            if value is not None and name in FIELDS_OF_AN_ISSUE:
                vendors.check_jira({"$ref": f"#/components/schemas/{FIELDS_OF_AN_ISSUE[name]}"}, value)
            if name == "components":
                for component in value:
                    vendors.check_jira({"$ref": "#/components/schemas/ProjectComponent"}, component)


# OAuth


@walk("oauth.token")
def _(site):
    assert site.token()
    return [site.drive()]


# Sheets


@walk("sheets.spreadsheets.get")
def _(site):
    site.box.google.edit(BOOK, [{"addNamedRange": {"namedRange": {"name": "satu", "range": {"sheetId": 0}}}}])
    return [
        site.sheets("GET", BOOK),
        site.sheets("GET", BOOK, params={"includeGridData": "true"}),
        site.sheets("GET", BOOK, params={"ranges": ["'Content Plan'!A1:C5", "Catatan"], "includeGridData": "true"}),
        site.sheets("GET", BOOK, params={"fields": "properties(title,locale),sheets(properties,data.rowData.values)"}),
    ]


@walk("sheets.spreadsheets.batchUpdate")
def _(site):
    lines = {"sheetId": 0, "dimension": "ROWS", "startIndex": 5, "endIndex": 6}
    block = {"sheetId": 0, "startRowIndex": 5, "endRowIndex": 7, "startColumnIndex": 0, "endColumnIndex": 3}
    corner = {"sheetId": 0, "rowIndex": 80, "columnIndex": 0}
    text = {"numberFormat": {"type": "TEXT"}}
    cell = {"userEnteredValue": {"stringValue": "x"}, "userEnteredFormat": text, "note": "n"}
    runs = [{"format": {"strikethrough": True}}, {"startIndex": 1, "format": {"link": {"uri": "https://a.example"}}}]
    linked = {"userEnteredValue": {"stringValue": "satu"}, "textFormatRuns": runs}
    person = {"chip": {"personProperties": {"email": "raras@agency.example"}}}
    chips = {"userEnteredValue": {"stringValue": "@ dan"}, "chipRuns": [person]}
    protected = {"protectedRangeId": 7}
    named = {"namedRangeId": "satu", "name": "nama", "range": block}
    metadata = {
        "metadataKey": "k",
        "metadataValue": "v",
        "visibility": "DOCUMENT",
        "location": {"dimensionRange": lines},
    }
    found = {"developerMetadataLookup": {"metadataKey": "k"}}
    requests = [
        {"insertDimension": {"range": lines, "inheritFromBefore": True}},
        {"deleteDimension": {"range": lines}},
        {"moveDimension": {"source": lines, "destinationIndex": 9}},
        {"appendDimension": {"sheetId": 0, "dimension": "COLUMNS", "length": 2}},
        {"sortRange": {"range": block, "sortSpecs": [{"dimensionIndex": 1, "sortOrder": "DESCENDING"}]}},
        {"cutPaste": {"source": block, "destination": corner, "pasteType": "PASTE_NORMAL"}},
        {"copyPaste": {"source": block, "destination": block, "pasteType": "PASTE_VALUES"}},
        {"updateCells": {"rows": [{"values": [cell]}], "fields": "*", "start": corner}},
        {"updateCells": {"rows": [{"values": [linked]}, {"values": [chips]}], "fields": "*", "start": corner}},
        {"mergeCells": {"range": {**block, "startRowIndex": 70, "endRowIndex": 72}, "mergeType": "MERGE_COLUMNS"}},
        {"unmergeCells": {"range": {**block, "startRowIndex": 70, "endRowIndex": 72, "endColumnIndex": 2}}},
        {"updateDimensionProperties": {"range": lines, "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}},
        {"repeatCell": {"range": block, "cell": cell, "fields": "userEnteredFormat.numberFormat,note"}},
        {"addNamedRange": {"namedRange": named}},
        {"updateNamedRange": {"namedRange": {**named, "name": "lain"}, "fields": "name"}},
        {"deleteNamedRange": {"namedRangeId": "satu"}},
        {"addProtectedRange": {"protectedRange": {**protected, "range": block, "description": "d"}}},
        {"updateProtectedRange": {"protectedRange": {**protected, "warningOnly": True}, "fields": "warningOnly"}},
        {"deleteProtectedRange": protected},
        {"addProtectedRange": {"protectedRange": {**protected, "range": {"sheetId": 0}, "unprotectedRanges": [block]}}},
        {"addSheet": {"properties": {"title": "Baru", "gridProperties": {"rowCount": 5, "columnCount": 4}}}},
        {"updateSheetProperties": {"properties": {"sheetId": 0, "title": "Lain"}, "fields": "title"}},
        {"createDeveloperMetadata": {"developerMetadata": metadata}},
        {"deleteDeveloperMetadata": {"dataFilter": found}},
        {"findReplace": {"find": "Post", "replacement": "Foto", "allSheets": True}},
        {"deleteSheet": {"sheetId": 7919}},
    ]
    return [
        site.batch(BOOK, *requests),
        site.batch(BOOK, requests[0], includeSpreadsheetInResponse=True, responseIncludeGridData=True),
    ]


@walk("sheets.spreadsheets.values.get")
def _(site):
    return [
        site.sheets("GET", f"{BOOK}/values/'Content Plan'!A1:R20"),
        site.sheets("GET", f"{BOOK}/values/Catatan", params={"majorDimension": "COLUMNS"}),
        site.sheets("GET", f"{BOOK}/values/Catatan!C3:D9", params={"valueRenderOption": "UNFORMATTED_VALUE"}),
    ]


@walk("sheets.spreadsheets.values.batchGet")
def _(site):
    params = {"ranges": ["Catatan", "'Content Plan'!A:C"], "valueRenderOption": "FORMULA"}
    return [site.sheets("GET", f"{BOOK}/values:batchGet", params=params)]


@walk("sheets.spreadsheets.values.update")
def _(site):
    params = {"valueInputOption": "USER_ENTERED", "includeValuesInResponse": "true"}
    body = {"values": [["1-2", None, True], [1.5, ""]]}
    return [site.sheets("PUT", f"{BOOK}/values/Catatan!B2", params=params, body=body)]


@walk("sheets.spreadsheets.values.batchUpdate")
def _(site):
    body = {
        "valueInputOption": "RAW",
        "data": [{"range": "Catatan!A5:B6", "values": [["a", "b"], ["c"]]}, {"range": "Catatan!D1", "values": [[1]]}],
        "includeValuesInResponse": True,
    }
    return [site.sheets("POST", f"{BOOK}/values:batchUpdate", body=body)]


@walk("sheets.spreadsheets.values.clear")
def _(site):
    return [site.sheets("POST", f"{BOOK}/values/Catatan!A1:B2:clear", body={})]


@walk("sheets.spreadsheets.developerMetadata.search")
def _(site):
    metadata = {"metadataKey": "k", "visibility": "DOCUMENT", "location": {"spreadsheet": True}}
    site.batch(BOOK, {"createDeveloperMetadata": {"developerMetadata": metadata}})
    body = {"dataFilters": [{"developerMetadataLookup": {"metadataKey": "k"}}]}
    return [site.sheets("POST", f"{BOOK}/developerMetadata:search", body=body)]


# Drive


@walk("drive.files.list")
def _(site):
    everywhere = {"supportsAllDrives": "true", "includeItemsFromAllDrives": "true", "corpora": "allDrives"}
    return [site.drive(), site.drive({**everywhere, "fields": "*", "pageSize": "3"})]


@walk("drive.files.get")
def _(site):
    return [site.drive(path=f"/{BOOK}"), site.drive({"fields": "*"}, f"/{BOOK}")]


# The Jira site


@walk("getServerInfo")
def _(site):
    return [site.jira("GET", "serverInfo"), site.jira("GET", "serverInfo", auth=False)]


@walk("getCurrentUser")
def _(site):
    return [site.jira("GET", "myself")]


@walk("getMyPermissions")
def _(site):
    wanted = "BROWSE_PROJECTS,CREATE_ISSUES,ADMINISTER"
    return [
        site.jira("GET", "mypermissions", params={"permissions": wanted}),
        site.jira("GET", "mypermissions", params={"permissions": wanted, "projectKey": "TEAM"}),
        site.jira("GET", "mypermissions", params={"permissions": wanted, "issueKey": "CP-1"}),
    ]


@refused("getMyPermissions")
def _(site):
    return [
        site.jira("GET", "mypermissions"),
        site.jira("GET", "mypermissions", params={"permissions": "FLY"}),
        site.jira("GET", "mypermissions", params={"permissions": "BROWSE_PROJECTS", "projectKey": "NONE"}),
    ]


@walk("getFields")
def _(site):
    return [site.jira("GET", "field")]


@walk("getProjectComponents")
def _(site):
    return [site.jira("GET", "project/CP/components")]


@walk("getCreateIssueMetaIssueTypeId")
def _(site):
    return [site.jira("GET", "issue/createmeta/CP/issuetypes/10001", params={"startAt": "2", "maxResults": "3"})]


@refused("getCreateIssueMetaIssueTypeId")
def _(site):
    path = "issue/createmeta/CP/issuetypes/"
    return [site.jira("GET", f"{path}10001", params={"maxResults": "201"}), site.jira("GET", f"{path}1")]


# Issues of Jira


@walk("createIssue")
def _(site):
    body = {"fields": issue_fields(**EVERYTHING), "properties": [{"key": "p", "value": {"a": 1}}]}
    return [site.jira("POST", "issue", body=body)]


@refused("createIssue")
def _(site):
    return [site.create(summary="a\nb", labels=["a b"]), site.jira("POST", "issue", body={})]


@walk("createIssues")
def _(site):
    updates = [{"fields": issue_fields(**EVERYTHING)}, {"fields": issue_fields(summary="")}]
    return [site.jira("POST", "issue/bulk", body={"issueUpdates": updates})]


@refused("createIssues")
def _(site):
    wrong = {"fields": issue_fields(summary="")}
    return [
        site.jira("POST", "issue/bulk", body={"issueUpdates": [wrong, wrong]}),
        site.jira("POST", "issue/bulk", body={"issueUpdates": [wrong] * 51}),
    ]


@walk("bulkFetchIssues")
def _(site):
    key = site.created(**EVERYTHING)
    body = {"issueIdsOrKeys": [key, "CP-1", "NONE-1"], "fields": ["*all"], "properties": ["p"]}
    return [site.jira("POST", "issue/bulkfetch", body=body)]


@refused("bulkFetchIssues")
def _(site):
    return [site.jira("POST", "issue/bulkfetch", body={"issueIdsOrKeys": []})]


@walk("getIssue")
def _(site):
    key = site.created(**EVERYTHING)
    site.jira("POST", f"issue/{key}/comment", body={"body": document("Halo")})
    return [site.jira("GET", f"issue/{key}"), site.jira("GET", f"issue/{key}", params={"fields": "summary"})]


@refused("getIssue")
def _(site):
    return [site.jira("GET", "issue/CP-999"), site.jira("GET", "issue/CP-1", auth=False)]


@walk("editIssue")
def _(site):
    body = {"fields": {"summary": "Baru"}, "update": {"labels": [{"add": "x"}, {"remove": "plan-juni-2026"}]}}
    return [site.jira("PUT", "issue/CP-1", body=body), site.jira("PUT", "issue/CP-1?returnIssue=true", body=body)]


@refused("editIssue")
def _(site):
    return [site.jira("PUT", "issue/CP-1", body={"fields": {"nope": 1}}), site.jira("PUT", "issue/CP-1", body={})]


@walk("getBulkChangelogs")
def _(site):
    site.box.jira.edit_issue("CP-1", duedate="2026-07-09", description=document("Lain"))
    site.jira(
        "PUT",
        "issue/CP-1",
        body={"fields": {"components": [{"id": "10101"}], "assignee": {"accountId": seed.REPORTER}}},
    )
    return [
        site.jira("POST", "changelog/bulkfetch", body={"issueIdsOrKeys": ["CP-1", "CP-2"]}),
        site.jira("POST", "changelog/bulkfetch", body={"issueIdsOrKeys": ["CP-1"], "maxResults": 1}),
    ]


@refused("getBulkChangelogs")
def _(site):
    body = {"issueIdsOrKeys": ["CP-1"], "maxResults": 10_001}
    return [site.jira("POST", "changelog/bulkfetch", body=one) for one in (body, {"issueIdsOrKeys": []})]


@walk("searchAndReconsileIssuesUsingJqlPost")
def _(site):
    body = {"jql": 'project = "CP" order by key', "fields": ["summary"], "maxResults": 2}
    return [site.jira("POST", "search/jql", body=body)]


@refused("searchAndReconsileIssuesUsingJqlPost")
def _(site):
    queries = ("", "order by key", 'project = "NOPE"', 'summary ~ "x"', "(")
    return [site.jira("POST", "search/jql", body={"jql": jql}) for jql in queries]


# Comments of Jira


def commented(site):
    """The id of a comment with a property on CP-1."""
    body = {"body": document("Halo"), "properties": [{"key": "q", "value": [1]}]}
    return site.jira("POST", "issue/CP-1/comment", body=body).json()["id"]


@walk("addComment")
def _(site):
    return [site.jira("POST", "issue/CP-1/comment?expand=properties", body={"body": document("Halo")})]


@refused("addComment")
def _(site):
    return [site.jira("POST", "issue/CP-1/comment", body={"body": body}) for body in ("Halo", None, document(""))]


@walk("getComments")
def _(site):
    commented(site)
    return [site.jira("GET", "issue/CP-1/comment", params={"expand": "properties", "orderBy": "-created"})]


@walk("getTransitions")
def _(site):
    return [site.jira("GET", "issue/CP-1/transitions"), site.jira("GET", "issue/CP-1/transitions?transitionId=31")]


@refused("getTransitions")
def _(site):
    return [site.jira("GET", "issue/CP-999/transitions")]


@walk("doTransition")
def _(site):
    return [site.jira("POST", "issue/CP-1/transitions", body={"transition": {"id": "41"}})]


@refused("doTransition")
def _(site):
    bodies = ({}, {"transition": {"id": "99"}}, {"transition": {"id": "31"}, "fields": {"summary": "x"}})
    return [site.jira("POST", "issue/CP-1/transitions", body=body) for body in bodies]


# Users of Jira


@walk("bulkGetUsers")
def _(site):
    return [site.jira("GET", "user/bulk", params={"accountId": [seed.REPORTER, seed.BOT, "nobody"]})]


@walk("findAssignableUsers")
def _(site):
    return [site.jira("GET", "user/assignable/search", params={"project": "CP", "query": "editor"})]


def test_every_operation_has_a_walk():
    assert set(OPERATIONS) - set(WALKS) - set(REFUSALS) == set()


def test_every_walk_has_an_operation():
    assert (set(WALKS) | set(REFUSALS)) - set(OPERATIONS) == set()


@pytest.mark.parametrize("name", [name for name in OPERATIONS if not name.startswith(("oauth.", "sheets.", "drive."))])
def test_jira_operations_stand_where_jira_has_them(name):
    assert (OPERATIONS[name].method, OPERATIONS[name].path) == vendors.jira_operations()[name][:2]


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name.startswith(("sheets.", "drive."))])
def test_google_operations_stand_where_google_has_them(name):
    method = vendors.google_method(name)
    prefix = "/drive/v3/" if name.startswith("drive.") else "/"
    ours = re.sub(r":path}", "}", OPERATIONS[name].path)
    assert (OPERATIONS[name].method, ours) == (method["httpMethod"], prefix + method["path"])


@pytest.mark.parametrize("name", sorted(WALKS))
def test_answers_are_what_the_vendor_describes(name, site):
    answers = WALKS[name](site)
    assert answers, "the walk made no request"
    for answer in answers:
        if name.startswith(("sheets.", "drive.")):
            google_matches(name, answer)
        elif name != "oauth.token":
            jira_matches(name, answer)
    assert site.box.calls(name) >= len(answers), "the walk reached another operation"


@pytest.mark.parametrize("name", sorted(REFUSALS))
def test_jira_refusals_are_error_collections(name, site):
    for answer in REFUSALS[name](site):
        assert answer.status_code >= 400, answer.text
        schema = {"$ref": "#/components/schemas/ErrorCollection"}
        if name == "createIssues" and "issues" in answer.json():
            schema = {"$ref": "#/components/schemas/CreatedIssues"}
        vendors.check_jira(schema, answer.json())
