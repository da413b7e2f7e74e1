"""The validation of every field, with Jira's messages; a refused issue uses up no key."""

import pytest

from sandbox.seed import seed
from tests.sandbox.site import document, issue_fields

PAGI = "712020:4b1c2d30-0001-4000-8000-00000000a001"
FORM, EDITOR, PUBLISHED = "customfield_10043", "customfield_10042", "customfield_10040"
GDPR = "'accountId' must be the only user identifying query parameter in GDPR strict mode."
NOT_ADF = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
EMOJI = "\U0001f3a8"


def off_screen(name):
    return f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."


ACCEPTED = [
    ("summary", "x" * 255, "x" * 255),
    ("summary", EMOJI * 127, EMOJI * 127),
    ("summary", "  a\tb  ", "  a\tb  "),
    ("labels", ["b", "a", "b"], ["a", "b"]),
    ("labels", ["x" * 255], ["x" * 255]),
    ("labels", None, []),
    ("components", [{"name": "Toko Rimba"}, {"id": "10102"}], [{"id": "10102"}]),
    ("components", [], []),
    ("assignee", {"accountId": PAGI}, {"accountId": PAGI}),
    ("assignee", {"id": PAGI}, {"accountId": PAGI}),
    ("assignee", None, None),
    ("reporter", {"accountId": seed.REPORTER}, {"accountId": seed.REPORTER}),
    ("priority", {"name": "high"}, {"id": "2"}),
    ("priority", {"id": "5"}, {"id": "5"}),
    ("duedate", "2028-02-29", "2028-02-29"),
    ("duedate", None, None),
    (PUBLISHED, "2026-07-05", "2026-07-05"),
    (EDITOR, {"accountId": seed.INACTIVE_USER}, {"accountId": seed.INACTIVE_USER}),
    (FORM, {"value": "Post"}, {"id": "10501"}),
    (FORM, {"id": "10504"}, {"id": "10504"}),
    (FORM, None, None),
    ("description", None, None),
]
REFUSED = [
    ("summary", None, "You must specify a summary of the issue."),
    ("summary", "", "You must specify a summary of the issue."),
    ("summary", "   ", "You must specify a summary of the issue."),
    ("summary", "a\nb", "The summary is invalid because it contains newline characters."),
    ("summary", "a\rb", "The summary is invalid because it contains newline characters."),
    ("summary", "a\n", "The summary is invalid because it contains newline characters."),
    ("summary", "x" * 256, "Summary can't exceed 255 characters."),
    ("summary", EMOJI * 128, "Summary can't exceed 255 characters."),
    ("summary", 5, "Operation value must be a string"),
    ("description", "teks", NOT_ADF),
    ("description", {"type": "paragraph"}, NOT_ADF),
    (
        "description",
        document("x" * 32_767),
        "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
    ),
    ("labels", "a", "data was not an array"),
    ("labels", ["a b"], "The label 'a b' contains spaces which is invalid."),
    ("labels", ["a\u00a0b"], "The label 'a\u00a0b' contains spaces which is invalid."),
    ("labels", ["x" * 256], f"The label '{'x' * 256}' exceeds the maximum length of 255 characters."),
    ("labels", [5], "Operation value must be a string"),
    ("components", "Toko Rimba", "data was not an array"),
    ("components", ["Toko Rimba"], "expected Object"),
    ("components", [{"id": "1"}], "Component id '1' is not valid"),
    ("components", [{"name": "toko rimba"}], "Component name 'toko rimba' is not valid"),
    ("components", [{}], "Could not find valid 'id' or 'name' in component object."),
    ("assignee", {"accountId": "nobody"}, "User 'nobody' does not exist."),
    ("assignee", {"accountId": seed.INACTIVE_USER}, f"User '{seed.INACTIVE_USER}' cannot be assigned issues."),
    ("assignee", {"name": "pagi"}, GDPR),
    ("assignee", PAGI, "data was not an object"),
    ("reporter", {"accountId": "nobody"}, "The reporter specified is not a user."),
    ("reporter", None, "Reporter is required."),
    ("priority", "High", "data was not an object"),
    ("priority", {"id": "9"}, "Priority id '9' is not valid"),
    ("priority", {"name": "Urgent"}, "Priority name 'Urgent' is not valid"),
    ("priority", {}, "Could not find valid 'id' or 'name' in priority object."),
    ("duedate", "05/07/2026", "Error parsing date string: 05/07/2026"),
    ("duedate", "2026-06-31", "Error parsing date string: 2026-06-31"),
    ("duedate", "2026-07-05T00:00:00Z", "Error parsing date string: 2026-07-05T00:00:00Z"),
    ("duedate", "", "Error parsing date string: "),
    ("duedate", 46208, "Operation value must be a string"),
    (PUBLISHED, "5 Juli 2026", "Error parsing date string: 5 Juli 2026"),
    (EDITOR, {"accountId": "nobody"}, "User 'nobody' was not found in the system."),
    (EDITOR, "nobody", "data was not an object"),
    (FORM, "Post", "Could not find valid 'id' or 'value' in the Parent Option object."),
    (FORM, {"value": "Reels"}, "Option value 'Reels' is not valid"),
    (FORM, {"value": "post"}, "Option value 'post' is not valid"),
    (FORM, {"id": "1"}, "Option id '1' is not valid"),
    ("status", {"id": "3"}, off_screen("status")),
    ("fixVersions", [], off_screen("fixVersions")),
    ("customfield_10099", "x", off_screen("customfield_10099")),
    ("Publication Date", "2026-07-05", off_screen("Publication Date")),
]


@pytest.mark.parametrize(("name", "value", "kept"), ACCEPTED)
def test_values_that_fit_are_kept(box, site, name, value, kept):
    body = {"fields": {**issue_fields(), name: value}}
    answer = site.jira("POST", "issue", body=body)
    assert answer.status_code == 201, answer.text
    assert box.jira.issue(answer.json()["key"]).fields[name] == kept


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_values_that_do_not_fit_are_refused_by_name(box, site, name, value, message):
    before = len(box.jira.issues)
    answer = site.jira("POST", "issue", body={"fields": {**issue_fields(), name: value}})
    assert answer.status_code == 400, answer.text
    assert answer.json() == {"errorMessages": [], "errors": {name: message}}
    assert len(box.jira.issues) == before


@pytest.mark.parametrize(("name", "value", "message"), [case for case in REFUSED if case[0] != "reporter"])
def test_an_edit_is_refused_in_the_same_words(box, site, name, value, message):
    before = dict(box.jira.issue("CP-1").fields)
    answer = site.jira("PUT", "issue/CP-1", body={"fields": {name: value}})
    assert (answer.status_code, answer.json()["errors"]) == (400, {name: message})
    assert box.jira.issue("CP-1").fields == before


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"project": None}, "project", "Specify a valid project ID or key"),
        ({"project": "CP"}, "project", "Specify a valid project ID or key"),
        ({"project": {"key": "NONE"}}, "project", "Specify a valid project ID or key"),
        ({"issuetype": None}, "issuetype", "Specify a valid issue type"),
        ({"issuetype": {"id": "1"}}, "issuetype", "Specify a valid issue type"),
        ({"issuetype": "Content"}, "issuetype", "Specify a valid issue type"),
    ],
)
def test_an_issue_needs_a_project_and_a_type(site, changes, name, message):
    answer = site.create(**{**issue_fields(), **changes})
    assert (answer.status_code, answer.json()["errors"]) == (400, {name: message})


def test_all_invalid_fields_are_reported_at_once(site):
    answer = site.create(summary="a\nb", labels=["a b"], duedate="x", nope=1)
    assert set(answer.json()["errors"]) == {"summary", "labels", "duedate", "nope"}


def test_a_field_of_another_screen_cannot_be_set(site):
    answer = site.create(issuetype={"name": "Task"}, components=[])
    assert answer.json()["errors"] == {"components": off_screen("components")}


def test_a_required_field_of_a_type_must_be_filled(box, site):
    box.jira.state.projects["CP"].issue_types[0].required.append(PUBLISHED)
    answer = site.create()
    assert answer.json()["errors"] == {PUBLISHED: "Publication Date is required."}


def test_a_project_without_permission_is_403(site):
    answer = site.create(project={"key": "TEAM"}, issuetype={"id": "10002"})
    assert (answer.status_code, answer.json()["errorMessages"]) == (
        403,
        ["You do not have permission to create issues in this project."],
    )


@pytest.mark.parametrize(
    ("name", "permission"),
    [("reporter", "MODIFY_REPORTER"), ("assignee", "ASSIGN_ISSUES")],
    ids=["reporter", "assignee"],
)
def test_a_reporter_or_assignee_needs_the_permission_to_name_one(box, site, name, permission):
    box.jira.state.projects["CP"].permissions.remove(permission)
    answer = site.create(**{name: {"accountId": PAGI}})
    assert answer.json()["errors"] == {name: off_screen(name)}


def test_what_is_left_out_gets_its_default(box, site):
    issue = box.jira.issue(site.created())
    kept = {name: issue.fields[name] for name in ("priority", "reporter", "labels", "components", "status")}
    assert kept == {
        "priority": {"id": "3"},
        "reporter": {"accountId": seed.BOT},
        "labels": [],
        "components": [],
        "status": {"id": "10000"},
    }


# Atlassian Document Format


def doc(*content, **more):
    return {"type": "doc", "version": 1, "content": list(content), **more}


def para(*content):
    return {"type": "paragraph", "content": list(content)}


def text(words, *marks):
    return {"type": "text", "text": words, **({"marks": [{"type": mark} for mark in marks]} if marks else {})}


ITEM = {"type": "listItem", "content": [para(text("a"))]}


@pytest.mark.parametrize(
    "body",
    [
        doc(),
        doc(para()),
        doc(para(text("a"), {"type": "hardBreak"}, text("b", "strong", "em"))),
        doc({"type": "heading", "attrs": {"level": 3}, "content": [text("a")]}),
        doc({"type": "bulletList", "content": [ITEM]}, {"type": "rule"}),
        doc({"type": "orderedList", "attrs": {"order": 3}, "content": [ITEM, ITEM]}),
        doc({"type": "codeBlock", "attrs": {"language": "python"}, "content": [text("a")]}),
        doc({"type": "codeBlock", "content": [text("satu\ndua")]}),
        doc(para({"type": "text", "text": "a", "marks": [{"type": "link", "attrs": {"href": "https://a.example"}}]})),
    ],
)
def test_sound_documents_are_taken(site, body):
    assert site.create(description=body).status_code == 201


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"type": "doc", "version": 2, "content": []}, "version must be 1"),
        ({"type": "doc", "version": 1}, "content must be a list"),
        (doc(text("a")), "text is not allowed in doc"),
        (doc(para(para())), "paragraph is not allowed in paragraph"),
        (doc(para(text(""))), "text must be a string that is not empty"),
        (doc(para(text("a\nb"))), "text must not contain a line break"),
        (doc(para({"type": "text"})), "text must be a string that is not empty"),
        (doc(para(text("a", "link"))), "link needs a href"),
        (doc(para(text("a", "code", "strong"))), "the marks code, strong cannot be combined here"),
        (doc(para(text("a", "em", "em"))), "the marks em, em cannot be combined here"),
        (doc({"type": "heading", "attrs": {"level": 7}}), "heading needs a level from 1 to 6"),
        (doc({"type": "heading"}), "heading needs a level from 1 to 6"),
        (doc({"type": "heading", "attrs": 1}), "attrs must be an object"),
        (doc({"type": "bulletList", "content": []}), "bulletList must not be empty"),
        (doc({"type": "bulletList", "content": [para()]}), "paragraph is not allowed in bulletList"),
        (doc({"type": "rule", "content": [para()]}), "rule does not take content"),
        (doc({"type": "codeBlock", "content": [text("a", "strong")]}), "the marks strong cannot be combined here"),
        (doc(para({"type": "text", "text": "a", "marks": "em"})), "marks must be a list of objects"),
        (doc({"type": "paragraph", "text": "a"}), "paragraph does not take text"),
        (doc({"type": "paragraph", "colour": "red"}), "paragraph does not take colour"),
        (doc({"type": "paragraph", "a\r\nb: ë": 1}), "paragraph does not take a\\r\\nb: \\xeb"),
    ],
)
def test_broken_documents_are_invalid_input_with_a_hint_where(site, body, where):
    answer = site.create(description=body)
    assert (answer.status_code, answer.json()) == (400, {"errorMessages": ["INVALID_INPUT"], "errors": {}})
    assert where in answer.headers["X-Sandbox-Hint"]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (doc({"type": "table", "content": []}), "'table' (doc.content[0])"),
        (doc({"type": ["paragraph"]}), "['paragraph']"),
        (doc(para("a")), "None"),
        (doc(para(text("a", "subsup"))), "the mark 'subsup'"),
        (doc(para({"type": "text", "text": "a", "marks": [{"type": []}]})), "the mark []"),
    ],
)
def test_documents_that_the_sandbox_does_not_support_are_refused_by_name(site, body, what):
    answer = site.create(description=body)
    (message,) = answer.json()["errorMessages"]
    assert answer.status_code == 400
    assert message.startswith(f"The sandbox does not support documents with {what}")


def test_the_limit_of_a_description_is_counted_on_its_json(site):
    frame = len('{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":""}]}]}')
    assert site.create(description=document("x" * (32_767 - frame))).status_code == 201
    assert site.create(description=document("x" * (32_768 - frame))).status_code == 400
    assert site.create(description=document(EMOJI * ((32_767 - frame) // 2 + 1))).status_code == 400


def test_the_limit_of_a_description_may_be_counted_on_its_text(box, site):
    box.jira.state.counts_json = False
    half = {"type": "text", "text": "x" * 16_383, "marks": [{"type": "strong"}]}
    assert site.create(description=doc(para(half, {"type": "hardBreak"}, half))).status_code == 201
    assert site.create(description=doc(para(half), para(half))).status_code == 201
    assert site.create(description=doc(para(half), para(half, text("x")))).status_code == 400
    assert site.create(description=document(EMOJI * 16_384)).status_code == 400
