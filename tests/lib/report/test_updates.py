"""The tables of an update's audit: what waits first, each field with its values and links."""

import re

import pytest

from lib.report import updates
from lib.run import run_record
from lib.update.three_way import State
from tests import runs


def field(state, *, name="summary", sent="'Lama'", plan="'Dari rencana'", jira="'Dari produksi'"):
    return {"field": name, "cell": "'Juli'!D7", "state": state.value, "sent": sent, "plan": plan, "jira": jira}


@pytest.fixture
def left(tmp_path):
    def leave(*fields, **more):
        row = runs.row(7, "existing", fields=list(fields), **more)
        return run_record.read(runs.leave(tmp_path, [row], flow="content-plan-update"))

    return leave


def shown(html):
    return re.sub(r"<[^>]*>", "", html.data)


TABLES = {
    updates.conflicts: (State.CONFLICT, State.REPLACED),
    updates.carried_over: (State.UPDATED,),
    updates.not_sent: (State.WAITING, State.REJECTED),
    updates.kept: (State.KEPT,),
}


@pytest.mark.parametrize("table", TABLES)
def test_each_field_stands_in_the_table_of_its_state_with_its_links(left, table):
    record = left(*(field(state, name=f"field-{state.value}") for state in State))
    html = table(record)
    named = re.findall(r"field-\w+", html.data)
    assert named == [f"field-{state.value}" for state in TABLES[table]]
    assert 'href="https://sheets.example.com/d/1/edit#gid=5&amp;range=D7"' in html.data
    assert 'href="https://jira.example.com/browse/CP-7"' in html.data


@pytest.mark.parametrize("table", TABLES)
def test_where_nothing_is_to_be_shown_the_page_leaves_it_out(left, table):
    assert "nothing" in table(left()).data


def test_a_conflict_shows_three_values_and_of_long_ones_where_they_differ(left):
    same = "kata yang sama " * 100
    html = updates.conflicts(left(field(State.CONFLICT, plan=f"'{same}satu'", jira=f"'{same}dua'")))
    assert "Lama" in html.data
    assert (html.data.count("<b>satu</b>"), html.data.count("<b>dua</b>")) == (1, 1)
    assert html.data.count("kata yang sama") < 20


def test_what_was_carried_over_is_shown_as_old_and_new(left):
    html = updates.carried_over(left(field(State.UPDATED, jira="'Kopi pagi'", plan="'Kopi sore'")))
    assert "Kopi <del>pagi</del><ins>sore</ins>" in html.data


def test_an_empty_value_is_no_text_in_quotes(left):
    assert "(empty)" in shown(updates.kept(left(field(State.KEPT, jira="(empty)"))))


@pytest.mark.parametrize("planted", ["<script>alert(1)</script>", "</ins><img src=x>", "<del>", "a\n<b>b"])
@pytest.mark.parametrize("table", TABLES)
def test_what_people_typed_stays_text(left, table, planted):
    value = f"'{planted}'"
    fields = [field(s, name=planted, sent=value, plan=value, jira=value) for s in TABLES[table]]
    fields += [field(s, plan=f"'x {planted}'", jira=f"'{planted} y'") for s in TABLES[table]]
    html = table(left(*fields, topic=planted)).data
    for tag in ("<script", "<img", "onerror"):
        assert tag not in html
    assert planted.strip().replace("<", "&lt;").replace(">", "&gt;").split("\n")[0] in html


def test_of_very_many_fields_the_first_are_shown(left):
    html = updates.kept(left(*(field(State.KEPT) for _ in range(updates._SHOWN + 1))))
    assert html.data.count("D7</a>") == updates._SHOWN
    assert "The first 500 of 501 fields" in html.data
