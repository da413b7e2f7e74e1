"""What was sent, what the plan says, what Jira says: every combination, and any sequence of people on both sides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.formats import parse_month
from lib.plan import adf, sent
from lib.plan.field_mapping import clearing, date, fixed, option, summary, text
from lib.plan.issue_draft import make_drafts
from lib.plan.plan_checks import check
from lib.update import three_way
from lib.update.three_way import State
from tests.lib.plans import plan, row

FORMS = ("Post", "Story")
NOTE = "customfield_10050"


def draft(*, topic="Kopi", caption="halo", when="5 Juli 2026", form="Post", note=None):
    mapping = {
        "project": fixed({"key": "CP"}),
        "issuetype": fixed({"id": "1"}),
        "summary": summary("Topik"),
        "duedate": date("Tanggal", days=-1),
        "customfield_10043": option("Bentuk", FORMS),
        "assignee": fixed({"accountId": "a"}),
    }
    mapping |= {NOTE: note} if note else {}
    made = plan(row(1, topic, caption=caption, date=when, form=form))
    drafts = make_drafts(made, mapping, {}, lambda one: check(made, one, month=parse_month("Juli 2026"), forms=FORMS))
    return drafts.data[0]


def told(decisions):
    return {decision.field: decision.state.value for decision in decisions}


def compared(now, memory, jira):
    return told(three_way.compare(now, memory, jira))


OLD = draft()
SENT = sent.remember(OLD.as_jira())
AS_SENT = {**OLD.as_jira(), "assignee": {"accountId": "a", "displayName": "Raras"}}


def test_nothing_is_said_of_what_is_in_step():
    assert three_way.compare(OLD, SENT, AS_SENT) == []


@pytest.mark.parametrize(
    ("was", "plan_says", "jira_says", "state"),
    [
        ("A", "A", "A", None),
        ("A", "B", "A", "updated"),
        ("A", "A", "B", "kept"),
        ("A", "B", "B", "settled"),
        ("A", "B", "C", "conflict"),
        ("A", "A", None, "kept"),
        ("A", "B", None, "conflict"),
        (None, "B", None, "updated"),
        (None, "B", "B", "settled"),
        (None, "B", "C", "conflict"),
    ],
)
def test_every_combination_of_three_values(was, plan_says, jira_says, state):
    memory = {**SENT, "summary": was}
    found = compared(draft(topic=plan_says), memory, {**AS_SENT, "summary": jira_says})
    assert found.pop("description", None) is None
    assert found == ({"summary": state} if state else {})


def test_what_nobody_knows_is_a_conflict_and_no_guess():
    memory = {**SENT, "duedate": three_way.UNKNOWN, "description": three_way.UNKNOWN}
    for jira in ({"duedate": "2026-07-09", "description": None}, {"duedate": None, "description": {"content": []}}):
        assert compared(OLD, memory, {**AS_SENT, **jira}) == {"duedate": "conflict", "description": "conflict"}
    assert compared(OLD, memory, AS_SENT) == {"duedate": "settled", "description": "settled"}


def test_the_mapping_may_name_an_option_in_another_way():
    said = {**AS_SENT, "customfield_10043": {"id": "10501", "value": "Post"}}
    by_id = {**SENT, "customfield_10043": {"id": "10501"}}
    assert compared(OLD, by_id, said) == {"customfield_10043": "settled"}
    assert compared(draft(form="Story"), by_id, said) == {"customfield_10043": "updated"}


PEOPLE = {"type": "paragraph", "content": [{"type": "text", "text": "Dari produksi"}]}


def around(document):
    return {"type": "doc", "version": 1, "content": [PEOPLE, *document["content"], PEOPLE]}


def test_a_description_is_changed_between_what_people_wrote():
    said = {**AS_SENT, "description": around(AS_SENT["description"])}
    assert compared(OLD, SENT, said) == {}
    now = draft(caption="lain")
    [decision] = three_way.compare(now, SENT, said)
    assert (decision.field, decision.state) == ("description", State.UPDATED)
    assert decision.value == around(now.as_jira()["description"])
    assert three_way.compare(now, three_way.remember(SENT, [decision]), {**said, "description": decision.value}) == []


def test_a_description_that_a_person_changed_inside_is_theirs():
    said = {**AS_SENT, "description": draft(caption="ditulis orang").as_jira()["description"]}
    assert compared(OLD, SENT, said) == {"description": "kept"}
    assert compared(draft(caption="lain"), SENT, said) == {"description": "conflict"}
    assert compared(draft(caption="ditulis orang"), SENT, said) == {"description": "settled"}
    assert compared(draft(caption="lain"), SENT, {**AS_SENT, "description": None}) == {"description": "conflict"}


def test_a_cell_that_cannot_be_read_stops_its_fields_alone():
    now = draft(when="kapan-kapan", caption="lain")
    assert now.refused
    assert compared(now, SENT, AS_SENT) == {"description": "updated", "duedate": "refused"}
    emptied = draft(topic="", caption="lain")
    assert compared(emptied, SENT, AS_SENT) == {"description": "updated", "summary": "refused"}
    assert "summary" not in three_way.fields_to_send(three_way.compare(emptied, SENT, AS_SENT))


def test_a_description_with_a_cell_that_cannot_be_read_stays():
    assert compared(draft(caption="#REF!"), SENT, AS_SENT) == {"description": "refused"}


@pytest.mark.parametrize(("source", "state"), [(text("Caption"), "conflict"), (clearing(text("Caption")), "updated")])
def test_an_emptied_cell_clears_its_field_only_where_the_mapping_says_so(source, state):
    before, now = draft(note=source), draft(note=source, caption="")
    memory, said = sent.remember(before.as_jira()), {**before.as_jira(), "assignee": {"accountId": "a"}}
    [decision] = three_way.compare(now, memory, said)
    assert (decision.field, decision.state.value, decision.plan) == (NOTE, state, None)
    taken = three_way.take([decision], "plan", None)
    assert three_way.fields_to_send(taken) == {NOTE: None}
    assert compared(now, three_way.remember(memory, taken), {**said, NOTE: None}) == {}
    assert compared(now, memory, {**said, NOTE: None}) == {NOTE: "settled"}
    assert compared(now, memory, {**said, NOTE: "lain"}) == {NOTE: "conflict"}


def test_what_the_mapping_lost_is_left_as_it_is():
    memory = {**SENT, "customfield_10041": {"accountId": "b"}}
    assert compared(OLD, memory, {**AS_SENT, "customfield_10041": {"accountId": "b"}}) == {}


@pytest.mark.parametrize(("side", "state"), [("plan", "updated"), ("jira", "settled")])
@pytest.mark.parametrize("field", [None, "summary", "duedate"])
def test_a_person_decides_for_one_side(side, state, field):
    now, said = draft(topic="B"), {**AS_SENT, "summary": "C"}
    taken = three_way.take(three_way.compare(now, SENT, said), side, field)
    assert told(taken) == {"summary": "conflict" if field == "duedate" else state}
    if field != "duedate":
        memory = three_way.remember(SENT, taken)
        after = {**said, **three_way.fields_to_send(taken)}
        assert compared(now, memory, after) == ({} if side == "plan" else {"summary": "kept"})


def test_a_conflict_stays_one_until_a_person_decides():
    now, said = draft(topic="B"), {**AS_SENT, "summary": "C"}
    found = three_way.compare(now, SENT, said)
    assert three_way.compare(now, three_way.remember(SENT, found), said) == found


topics = st.sampled_from(["A", "B", "C", "D"])
steps = st.lists(st.tuples(st.sampled_from(["plan", "jira", "pass", "pass"]), topics), max_size=12)


@given(steps)
def test_no_value_of_a_person_is_ever_lost_and_a_second_pass_sends_nothing(steps):
    memory, plan_says, jira_says, of_a_person = {"summary": "A"}, "A", "A", False
    for who, topic in [*steps, ("pass", "A"), ("pass", "A")]:
        if who == "plan":
            plan_says = topic
        elif who == "jira":
            of_a_person, jira_says = of_a_person or topic != jira_says, topic
        else:
            found = _summary(plan_says, memory, jira_says)
            if found and found.state is State.UPDATED:
                assert not of_a_person or jira_says == memory["summary"]
                jira_says, of_a_person = found.value, False
            memory = three_way.remember(memory, [found] if found else [])
            again = _summary(plan_says, memory, jira_says)
            assert again is None or again.state in (State.KEPT, State.CONFLICT)


def _summary(plan_says, memory, jira_says):
    found = three_way.compare(draft(topic=plan_says), {**SENT, **memory}, {**AS_SENT, "summary": jira_says})
    return next((one for one in found if one.field == "summary"), None)


def test_an_issue_remembers_what_fits():
    long = {f"customfield_{n}": "x" * 5000 for n in range(20)} | {
        "description": adf.describe([adf.Section("a", "b\n\n" * 9000, "")]).document
    }
    assert len(str(sent.remember(long))) < 8000
