"""Drafts against the project's create screen."""

from lib.plan.create_screen import compare, fit
from lib.plan.issue_draft import IssueDraft
from lib.services.models import CreateField

WHERE = "Jira project CP"


def draft(**fields):
    base = {"summary": "Kopi", "project": {"key": "CP"}, "issuetype": {"id": "1"}, **fields}
    return IssueDraft.model_validate({"row": 2, "fields": base})


def screen(*fields):
    known = [
        CreateField(name, name.title(), required=True, type="string") for name in ("summary", "project", "issuetype")
    ]
    return [*known, CreateField("labels", "Labels", required=False, type="array", items="string"), *fields]


def test_a_value_takes_the_form_that_its_field_has():
    option = {"customfield_1": {"value": "Post"}}
    user = {"customfield_2": {"accountId": "a"}}
    forms = {
        ("option", ""): {"value": "Post"},
        ("string", ""): "Post",
        ("array", "option"): [{"value": "Post"}],
    }
    for (kind, items), expected in forms.items():
        [fitted] = fit([draft(**option)], [CreateField("customfield_1", "F", required=False, type=kind, items=items)])
        assert fitted.as_jira()["customfield_1"] == expected
    [fitted] = fit([draft(**user)], [CreateField("customfield_2", "F", required=False, type="array", items="user")])
    assert fitted.as_jira()["customfield_2"] == [{"accountId": "a"}]


def test_a_refused_draft_stays_as_it_is():
    refused = IssueDraft.model_validate({"row": 2, "fields": None, "problems": [{"where": "A1", "message": "x"}]})
    assert fit([refused], screen()) == [refused]
    assert compare([refused], [], where=WHERE) == []


def test_a_screen_that_has_everything_says_nothing():
    assert compare([draft()], screen(), where=WHERE) == []


def test_what_the_screen_lacks_wants_or_has_no_option_for_is_told_once():
    fields = [
        CreateField("customfield_1", "Content Form", required=False, type="option", options=("Post", "Story")),
        CreateField("customfield_9", "Budget", required=True, type="number"),
    ]
    drafts = [
        draft(customfield_1={"value": "Reels"}, customfield_2="x"),
        draft(customfield_1={"value": "Post"}, customfield_2="y"),
    ]
    messages = [problem.message for problem in compare(drafts, screen(*fields), where=WHERE)]
    assert [message.split(" ")[0] for message in messages] == ["customfield_2", "Budget", "Content"]
    assert "no option Reels; there are Post, Story" in messages[2]


def test_a_screen_without_labels_is_told_since_they_carry_the_marks():
    bare = [field for field in screen() if field.id != "labels"]
    assert ["labels is not on" in problem.message for problem in compare([draft()], bare, where=WHERE)] == [True]
