"""Issues made in bulk, fetched, edited, moved and deleted; their properties and comments."""

import pytest

from sandbox.seed import seed
from tests.sandbox.site import document, issue_fields


def bulk(site, *fields, **more):
    updates = [{"fields": issue_fields(**one)} for one in fields]
    return site.jira("POST", "issue/bulk", body={"issueUpdates": updates, **more})


def fetched(site, *ids_or_keys, **more):
    answer = site.jira("POST", "issue/bulkfetch", body={"issueIdsOrKeys": list(ids_or_keys), **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["issues"]


# Made in bulk


def test_bulk_creates_in_order_and_counts_up(box, site):
    answer = bulk(site, {"summary": "a"}, {"summary": "b"}, {"summary": "c"})
    assert answer.status_code == 201
    assert [issue["key"] for issue in answer.json()["issues"]] == ["CP-5", "CP-6", "CP-7"]
    assert [issue.summary for issue in box.jira.issues[-3:]] == ["a", "b", "c"]


def test_a_refused_element_uses_up_no_key(site):
    answer = bulk(site, {"summary": "a"}, {"summary": "b\nb"}, {"summary": "c"}, {"labels": ["x y"]})
    body = answer.json()
    assert (answer.status_code, [issue["key"] for issue in body["issues"]]) == (201, ["CP-5", "CP-6"])
    assert body["errors"] == [
        {
            "status": 400,
            "elementErrors": {
                "errorMessages": [],
                "errors": {"summary": "The summary is invalid because it contains newline characters."},
            },
            "failedElementNumber": 1,
        },
        {
            "status": 400,
            "elementErrors": {
                "errorMessages": [],
                "errors": {"labels": "The label 'x y' contains spaces which is invalid."},
            },
            "failedElementNumber": 3,
        },
    ]


def test_all_refused_is_a_400_of_the_same_shape(box, site):
    before = len(box.jira.issues)
    answer = bulk(site, {"summary": ""}, {"summary": ""})
    assert (answer.status_code, answer.json()["issues"], len(answer.json()["errors"])) == (400, [], 2)
    assert len(box.jira.issues) == before


def test_fifty_are_taken_and_fifty_one_are_not(box, site):
    assert bulk(site, *[{"summary": str(number)} for number in range(50)]).status_code == 201
    before = len(box.jira.issues)
    assert bulk(site, *[{"summary": str(number)} for number in range(51)]).status_code == 400
    assert len(box.jira.issues) == before


@pytest.mark.parametrize("body", [[], {}, {"issueUpdates": []}, {"issueUpdates": {}}, [{"fields": {}}]])
def test_a_body_that_is_no_bulk_is_refused(site, body):
    assert site.jira("POST", "issue/bulk", body=body).status_code == 400


def test_text_that_is_not_sent_as_json_is_refused(site):
    answer = site.jira("POST", "issue", data="{}", headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_properties_come_with_the_issue(box, site):
    update = {"fields": issue_fields(), "properties": [{"key": "content-plan.row", "value": {"row": 5}}]}
    key = site.jira("POST", "issue/bulk", body={"issueUpdates": [update]}).json()["issues"][0]["key"]
    assert box.jira.issue(key).properties == {"content-plan.row": {"row": 5}}


@pytest.mark.parametrize(
    "properties",
    [
        [{"key": "k" * 256, "value": 1}],
        [{"key": "k", "value": "x" * 32_767}],
        [{"key": "", "value": 1}],
        [{"key": "k"}],
        [{"value": 1}],
        {"k": 1},
        ["k"],
    ],
)
def test_properties_that_do_not_fit_refuse_the_issue(box, site, properties):
    before = len(box.jira.issues)
    answer = site.jira("POST", "issue", body={"fields": issue_fields(), "properties": properties})
    assert (answer.status_code, len(box.jira.issues)) == (400, before)
    assert answer.json()["errorMessages"]


def test_labels_may_be_set_by_update(box, site):
    body = {"fields": issue_fields(), "update": {"labels": [{"add": "b"}, {"add": "a"}]}}
    key = site.jira("POST", "issue", body=body).json()["key"]
    assert box.jira.issue(key).labels == ["a", "b"]


def test_a_field_may_not_be_in_both_fields_and_update(site):
    body = {"fields": issue_fields(labels=["a"]), "update": {"labels": [{"add": "b"}]}}
    assert "labels" in site.jira("POST", "issue", body=body).json()["errors"]


# Fetched


def test_bulkfetch_answers_by_ascending_id_without_the_missing(site):
    keys = [site.created(summary=str(number)) for number in range(3)]
    found = fetched(site, keys[2], "CP-999", keys[0], "NONE-1", "10001", fields=["summary"])
    assert [issue["key"] for issue in found] == ["CP-1", keys[0], keys[2]]
    assert found[1]["fields"] == {"summary": "0"}


def test_bulkfetch_sees_a_new_issue_at_once(site):
    key = site.created(labels=["baru"])
    assert fetched(site, key, fields=["labels"])[0]["fields"] == {"labels": ["baru"]}


def test_bulkfetch_finds_keys_in_any_case_and_each_issue_once(site):
    assert [issue["key"] for issue in fetched(site, "cp-1", "CP-1", "10001")] == ["CP-1"]


@pytest.mark.parametrize(
    ("count", "fields", "status"),
    [
        (100, None, 200),
        (101, None, 400),
        (101, ["*all"], 400),
        (101, ["-comment"], 400),
        (101, ["comment"], 400),
        (101, ["summary"], 200),
        (1000, ["summary", "labels"], 200),
        (1001, ["summary"], 400),
    ],
)
def test_bulkfetch_takes_a_hundred_or_a_thousand_if_it_is_light(site, count, fields, status):
    body = {"issueIdsOrKeys": [f"CP-{number}" for number in range(count)], **({"fields": fields} if fields else {})}
    assert site.jira("POST", "issue/bulkfetch", body=body).status_code == status


def test_bulkfetch_gives_the_properties_that_are_named(box, site):
    box.jira.issue("CP-1").properties.update({"a": 1, "b": 2})
    assert fetched(site, "CP-1", fields=["summary"], properties=["a", "c"])[0]["properties"] == {"a": 1}
    body = {"issueIdsOrKeys": ["CP-1"], "properties": list("abcdef")}
    assert site.jira("POST", "issue/bulkfetch", body=body).status_code == 400


def test_an_issue_shows_names_for_ids(site):
    key = site.created(
        components=[{"id": "10102"}],
        customfield_10043={"id": "10502"},
        assignee={"accountId": next(iter(seed.USERS))},
        priority={"id": "1"},
    )
    fields = site.jira("GET", f"issue/{key}").json()["fields"]
    assert fields["components"][0]["name"] == "Toko Rimba"
    assert fields["customfield_10043"]["value"] == "Story"
    assert fields["assignee"]["displayName"] == "Associate Pagi"
    assert (fields["priority"]["name"], fields["status"]["name"]) == ("Highest", "To Do")
    assert (fields["issuetype"]["name"], fields["project"]["key"]) == ("Content", "CP")
    assert fields["created"] == "2026-06-24T08:30:00.000+0700"


@pytest.mark.parametrize(
    ("fields", "present", "absent"),
    [
        ("summary,labels", {"summary", "labels"}, {"project"}),
        ("*all,-comment", {"summary", "project"}, {"comment"}),
        ("-summary", {"project", "comment"}, {"summary"}),
        ("*navigable", {"summary"}, {"comment"}),
        ("summary,nope", {"summary"}, {"nope"}),
    ],
)
def test_fields_can_be_chosen(site, fields, present, absent):
    found = set(site.jira("GET", "issue/CP-1", params={"fields": fields}).json()["fields"])
    assert present <= found
    assert not absent & found


# Edited, moved, deleted


def test_an_edit_changes_what_it_names(box, clock, site):
    clock.move(60)
    body = {"fields": {"summary": "Baru"}, "update": {"labels": [{"add": "x"}, {"remove": "plan-juni-2026"}]}}
    answer = site.jira("PUT", "issue/CP-1", body=body)
    issue = box.jira.issue("CP-1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (issue.summary, issue.labels, issue.updated_at) == ("Baru", ["x"], clock.now())


def test_an_edit_is_all_or_nothing(box, site):
    answer = site.jira("PUT", "issue/CP-1", body={"fields": {"summary": "Baru", "duedate": "x"}})
    assert (answer.status_code, box.jira.issue("CP-1").summary) == (400, "Salam pembuka Juni")


def test_an_edit_can_give_the_issue_back(site):
    answer = site.jira("PUT", "issue/CP-1?returnIssue=true", body={"fields": {"summary": "Baru"}})
    assert (answer.status_code, answer.json()["fields"]["summary"]) == (200, "Baru")


def test_components_are_added_and_removed(box, site):
    def change(**verb):
        site.jira("PUT", "issue/CP-1", body={"update": {"components": [verb]}})
        return box.jira.issue("CP-1").fields["components"]

    assert change(add={"id": "10101"}) == [{"id": "10101"}]
    assert change(add={"name": "Toko Rimba"}) == [{"id": "10101"}, {"id": "10102"}]
    assert change(remove={"id": "10101"}) == [{"id": "10102"}]


@pytest.mark.parametrize(
    "update",
    [{"labels": [{"add": "a b"}]}, {"labels": [{"shout": "a"}]}, {"labels": {"add": "a"}}, {"duedate": [{"add": "x"}]},
     {"nope": [{"set": 1}]}, {"components": [{"add": "Toko Rimba"}]}],
)  # fmt: skip
def test_operations_that_do_not_fit_are_refused(site, update):
    answer = site.jira("PUT", "issue/CP-1", body={"update": update})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(update))


def test_editing_needs_the_permission(box, site):
    box.jira.state.projects["CP"].permissions.remove("EDIT_ISSUES")
    assert site.jira("PUT", "issue/CP-1", body={"fields": {"summary": "x"}}).status_code == 403


def test_a_moved_issue_answers_under_both_keys(box, site):
    key = box.jira.move_issue("CP-1", "MAR")
    assert key == "MAR-12"
    assert site.jira("GET", "issue/CP-1").json()["key"] == "MAR-12"
    assert [issue["key"] for issue in fetched(site, "CP-1", "MAR-12")] == ["MAR-12"]
    assert fetched(site, "CP-1", fields=["project"])[0]["fields"]["project"]["key"] == "MAR"


def test_a_deleted_issue_is_gone_and_its_key_is_not_used_again(box, site):
    key = site.created()
    box.jira.delete_issue(key)
    assert site.jira("GET", f"issue/{key}").status_code == 404
    assert fetched(site, key) == []
    assert site.created() != key


# Comments


def test_a_comment_keeps_its_body_and_properties(box, clock, site):
    clock.move(30)
    body = {"body": document("Berubah"), "properties": [{"key": "content-plan.change", "value": {"hash": "x"}}]}
    made = site.jira("POST", "issue/CP-1/comment", body=body).json()
    comment = box.jira.issue("CP-1").comments[0]
    assert (comment.body, comment.properties) == (document("Berubah"), {"content-plan.change": {"hash": "x"}})
    assert (made["author"]["accountId"], made["body"]) == (seed.BOT, document("Berubah"))
    assert "properties" not in made
    shown = site.jira("GET", "issue/CP-1/comment?expand=properties").json()
    assert shown["comments"][0]["properties"] == [{"key": "content-plan.change", "value": {"hash": "x"}}]


def test_comments_come_in_pages(clock, site):
    for number in range(3):
        clock.move(1)
        site.jira("POST", "issue/CP-1/comment", body={"body": document(str(number))})
    found = site.jira("GET", "issue/CP-1/comment", params={"startAt": 1, "maxResults": 1, "orderBy": "-created"}).json()
    assert (found["total"], [comment["body"] for comment in found["comments"]]) == (3, [document("1")])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"body": "teks"}, "Operation value must be an Atlassian Document (see the Atlassian Document Format)"),
        ({}, "Comment body can not be empty!"),
        ({"body": {"type": "doc", "version": 1, "content": []}}, "Comment body can not be empty!"),
        (
            {"body": document("x" * 32_767)},
            "The entered text is too long. It exceeds the allowed limit of 32,767 characters.",
        ),
        ({"body": document("x"), "properties": [{"key": "k" * 256, "value": 1}]},
         "The property key must not be empty and must not exceed 255 characters."),
    ],
)  # fmt: skip
def test_a_comment_that_does_not_fit_is_refused(box, site, body, message):
    answer = site.jira("POST", "issue/CP-1/comment", body=body)
    assert (answer.status_code, answer.json()["errors"]) == (400, {"comment": message})
    assert box.jira.issue("CP-1").comments == []
