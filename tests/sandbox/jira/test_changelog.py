"""What was changed of an issue, by whom, from what."""

import json

import pytest

from sandbox.seed import seed
from sandbox.state_file import load, save
from tests.sandbox.site import document

EDITOR = "712020:4b1c2d30-0002-4000-8000-00000000a002"


def histories(site, *keys, **more):
    answer = site.jira("POST", "changelog/bulkfetch", body={"issueIdsOrKeys": list(keys), **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(site, key):
    [log] = histories(site, key)["issueChangeLogs"]
    return [(one["author"]["accountId"], item) for one in log["changeHistories"] for item in one["items"]]


def put(site, key, **fields):
    answer = site.jira("PUT", f"issue/{key}", body={"fields": fields})
    assert answer.status_code == 204, answer.text


@pytest.mark.parametrize(
    ("field", "sent", "items"),
    [
        ("summary", "Baru", [{"toString": "Baru"}]),
        ("description", document("Satu", "Dua"), [{"toString": "Satu\nDua"}]),
        ("duedate", "2026-07-04", [{"to": "2026-07-04", "toString": "4/Jul/26"}]),
        ("customfield_10043", {"value": "Story"}, [{"to": "10502", "toString": "Story"}]),
        ("priority", {"name": "High"}, [{"from": "3", "fromString": "Medium", "to": "2", "toString": "High"}]),
        ("labels", ["b", "a"], [{"toString": "a b"}]),
        ("components", [{"id": "10101"}], [{"to": "10101"}]),
        ("customfield_10042", {"accountId": EDITOR}, [{"to": EDITOR}]),
    ],
)
def test_each_edit_is_put_down_by_id_and_as_people_read_it(box, site, field, sent, items):
    key = box.jira.add_issue("CP", {"summary": "Lama"}).key
    put(site, key, **{field: sent})
    found = [item for _, item in told(site, key)]
    assert [item["fieldId"] for item in found] == [field] * len(items)
    for item, expected in zip(found, items, strict=True):
        known = {"fromString": "Lama"} if field == "summary" else {"fromString": ""} if field == "labels" else {}
        shown = {name: value for name, value in item.items() if name not in ("field", "fieldId", "fieldtype")}
        wanted = {**known, **expected}
        assert {name: shown.get(name) for name in wanted} == wanted


def test_who_made_an_edit_is_told_and_what_changes_nothing_is_none(box, site):
    key = box.jira.add_issue("CP", {"summary": "Lama"}).key
    put(site, key, summary="Lama")
    assert histories(site, key) == {"issueChangeLogs": []}
    box.jira.edit_issue(key, by=EDITOR, summary="Dari orang")
    put(site, key, summary="Dari kami")
    box.jira.edit_issue(key, summary="Dari orang lain")
    authors = [author for author, _ in told(site, key)]
    assert authors[:2] == [EDITOR, seed.BOT]
    assert authors[2] not in ("", seed.BOT)


def test_pages_go_by_histories_of_all_issues_together(box, site, clock):
    keys = [box.jira.add_issue("CP", {}).key for _ in range(2)]
    for text in ("a", "b"):
        for key in keys:
            clock.move(1)
            box.jira.edit_issue(key, summary=text)
    first = histories(site, *keys, maxResults=3)
    rest = histories(site, *keys, maxResults=3, nextPageToken=first["nextPageToken"])
    assert [len(log["changeHistories"]) for log in first["issueChangeLogs"]] == [2, 1]
    assert [len(log["changeHistories"]) for log in rest["issueChangeLogs"]] == [1]
    assert "nextPageToken" not in rest


def test_an_issue_that_may_not_be_edited_stays_as_it_is(box, site):
    issue = box.jira.add_issue("CP", {"summary": "Lama"})
    issue.editable = False
    answer = site.jira("PUT", f"issue/{issue.key}", body={"fields": {"summary": "Baru"}})
    assert (answer.status_code, issue.summary, issue.histories) == (400, "Lama", [])


def test_fields_verbs_and_properties_go_in_one_request_or_not_at_all(box, site):
    issue = box.jira.add_issue("CP", {"summary": "Lama", "labels": ["x"]})
    body = {
        "fields": {"summary": "Baru", "duedate": "kapan"},
        "update": {"labels": [{"add": "y"}]},
        "properties": [{"key": "content-plan.row", "value": {"n": 1}}],
    }
    assert site.jira("PUT", f"issue/{issue.key}", body=body).status_code == 400
    assert (issue.summary, issue.labels, issue.properties) == ("Lama", ["x"], {})
    body["fields"]["duedate"] = "2026-07-01"
    assert site.jira("PUT", f"issue/{issue.key}", body=body).status_code == 204
    assert (issue.summary, issue.labels, issue.properties) == ("Baru", ["x", "y"], {"content-plan.row": {"n": 1}})


def test_a_status_says_which_category_it_is_of(box, site):
    key = box.jira.add_issue("CP", {"status": {"id": "10001"}}).key
    shown = site.jira("GET", f"issue/{key}", params={"fields": "status"}).json()["fields"]["status"]
    assert (shown["name"], shown["statusCategory"]["key"]) == ("Done", "done")


def test_histories_outlive_a_restart_and_older_state_files_have_none(box, tmp_path):
    key = box.jira.add_issue("CP", {"summary": "Lama"}).key
    box.jira.edit_issue(key, summary="Baru")
    path = tmp_path / "state.json"
    save(box._service.state, path)
    before = box.jira.issue(key).histories
    load(box._service.state, path)
    assert box.jira.issue(key).histories == before != []
    raw = json.loads(path.read_text())
    raw["jira"].pop("next_history_id")
    for issue in raw["jira"]["issues"].values():
        issue.pop("histories")
        issue.pop("editable")
    path.write_text(json.dumps(raw))
    load(box._service.state, path)
    assert box.jira.issue(key).histories == []
