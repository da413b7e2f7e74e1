"""From rows to the fields of issues, by the mapping that stands in the notebook."""

import json
from functools import partial

import pytest
from pydantic import ValidationError

from lib.errors import FixInputError
from lib.formats import Month
from lib.plan import issue_draft, plan_checks
from lib.plan.adf import plain_text
from lib.plan.field_mapping import component, date, fixed, look_up, number, option, summary, text, worker
from lib.plan.issue_draft import Drafts, IssueDraft, make_drafts
from tests.lib.plans import HEADER, plan, row

FORMS = ("Post", "Story", "Short Video", "Carousel")
IDS = {"Publication Date": "customfield_10040", "Content Form": "customfield_10043"}
BASE = {
    "summary": summary("Topik"),
    "Publication Date": date("Tanggal"),
    "duedate": date("Tanggal", days=-1),
    "Content Form": option("Bentuk", FORMS),
    "project": fixed({"key": "CP"}),
    "issuetype": fixed({"id": "10001"}),
}


def drafts_of(*rows, header=HEADER, mapping=BASE, ids=IDS, **beside) -> Drafts:
    read = plan(*rows, header=header, **beside)
    return make_drafts(read, mapping, ids, partial(plan_checks.check, read, month=Month(2026, 7), forms=FORMS))


def fields_of(*rows, **options):
    [draft] = drafts_of(*rows, **options).data
    return draft.as_jira()


def test_a_row_becomes_the_fields_of_its_mapping():
    fields = fields_of(row(1, "Kopi\npagi", date="1 Juli 2026", form="short-video"))
    assert fields["summary"] == "Kopi pagi"
    assert fields["customfield_10040"] == "2026-07-01"
    assert fields["duedate"] == "2026-06-30"
    assert fields["customfield_10043"] == {"value": "Short Video"}
    assert fields["project"] == {"key": "CP"}


def test_every_column_without_a_field_of_its_own_stands_in_the_description_in_sheet_order():
    shown = plain_text(fields_of([*row(7), "5 juta"], header=[*HEADER, "Anggaran"])["description"])
    assert shown == "No: 7\nCaption: halo\nAnggaran: 5 juta"


@pytest.mark.parametrize(
    ("date", "time", "shown"),
    [
        (46209.4375, "", "10.30"), ("6 Juli 2026 pkl 10.30 WIB", "\u200b", "10.30 WIB"), ("6 Juli 2026 10:30 AM", None, "10:30 AM"),
        (46209.4375, "pukul 10.30", "pukul 10.30"), (46209, "", "–"), ("6 Juli 2026", "siang", "siang"), ("6 Juli 2026 10.00-12.00", "", "10.00-12.00"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("label", ["Waktu", "Jam"])
def test_a_time_in_the_date_stands_where_waktu_would(date, time, shown, label):
    cells, header = [*row(1, date=date), time], [*HEADER, label]
    fields = fields_of(cells, header=header)
    assert plain_text(fields["description"]) == f"No: 1\nCaption: halo\n{label}: {shown}"
    assert fields["customfield_10040"] == "2026-07-06"
    mapped = {**BASE, "customfield_10090": text(label)}
    assert fields_of(cells, header=header, mapping=mapped).get("customfield_10090", "–") == shown


def test_a_time_in_the_date_is_kept_where_a_plan_has_no_waktu():
    assert plain_text(fields_of(row(1, date=46209.4375))["description"]) == "No: 1\nWaktu: 10.30\nCaption: halo"
    assert plain_text(fields_of(row(1, date=46209))["description"]) == "No: 1\nCaption: halo"


def test_a_time_in_another_date_that_a_field_takes_is_told():
    mapping = {**BASE, "customfield_10091": date("Batas")}
    [draft] = drafts_of([*row(1), "6 Juli 2026 10.30"], header=[*HEADER, "Batas"], mapping=mapping).data
    assert draft.as_jira()["customfield_10091"] == "2026-07-06"
    assert [(p.where, p.level, p.message) for p in draft.problems] == [
        ("'Juli'!G2", "warning", "the time '10.30' in this cell is not used")
    ]


LINKED = {"linked": {(1, 4): "halo (https://a.example)", (1, 3): "Kopi pagi (https://b.example)"}}


def test_addresses_behind_words_stand_in_the_description_also_of_columns_with_a_field():
    [draft] = drafts_of(row(1), **LINKED).data
    fields = draft.as_jira()
    assert fields["summary"] == "Kopi pagi"
    assert plain_text(fields["description"]) == (
        "No: 1\nTopik: Kopi pagi (https://b.example)\nCaption: halo (https://a.example)"
    )


def test_notes_on_cells_stand_in_the_description_beside_their_column():
    [draft] = drafts_of(row(1), notes={(1, 1): "tayang pagi", (1, 4): "cek"}).data
    said = plain_text(draft.as_jira()["description"])
    assert said == "No: 1\nTanggal (note): tayang pagi\nCaption: halo\nCaption (note): cek"


def test_an_address_is_content_of_its_row_and_a_note_is_none():
    bare, linked, noted = (plan(row(1), **beside).rows[0] for beside in ({}, LINKED, {"notes": {(1, 4): "cek"}}))
    assert bare.fingerprint == noted.fingerprint != linked.fingerprint


def test_a_field_without_an_id_is_named_and_its_column_stays_in_the_description():
    drafts = drafts_of(row(1), ids={"Publication Date": "customfield_10040"})
    assert [(p.where, p.level) for p in drafts.problems] == [("hashmap.py CUSTOM_FIELDS", "warning")]
    assert "Bentuk: Post" in plain_text(drafts.data[0].as_jira()["description"])


@pytest.mark.parametrize("emoji", ["", "😀"])
def test_a_long_topic_is_cut_in_the_summary_and_whole_in_the_description(emoji):
    topic = emoji + "kata " * 80
    [draft] = drafts_of(row(1, topic)).data
    fields = draft.as_jira()
    assert len(fields["summary"].encode("utf-16-le")) // 2 <= 255
    assert fields["summary"].endswith("…")
    assert topic.strip() in plain_text(fields["description"])
    assert [(p.level, p.where) for p in draft.problems] == [("warning", "'Juli'!D2")]


def test_a_refused_row_says_why_and_has_no_fields():
    [draft] = drafts_of(row(1, "", date="31 Juni 2026")).data
    assert draft.refused
    assert [problem.where for problem in draft.problems] == ["'Juli'!B2", "'Juli'!D2"]


def test_a_cell_that_its_field_cannot_take_refuses_the_row_with_its_address():
    mapping = {
        **BASE,
        "customfield_10099": number("Anggaran"),
        "customfield_10098": option("Format", ("Foto", "Video")),
    }
    header = [*HEADER, "Anggaran", "Format"]
    [draft] = drafts_of([*row(1), "12.5K", "Lukisan"], header=header, mapping=mapping).data
    assert [problem.where for problem in draft.problems] == ["'Juli'!G2", "'Juli'!H2"]
    assert fields_of([*row(1), "Rp 5.000", "foto"], header=header, mapping=mapping)["customfield_10099"] == 5000.0


def test_a_mapping_that_misspells_a_column_makes_no_drafts():
    with pytest.raises(LookupError, match="'Captoin' is no column"):
        drafts_of(row(1), mapping={**BASE, "customfield_10097": text("Captoin")})


def test_an_analyst_can_map_another_column_in_one_line():
    mapping = {**BASE, "customfield_10097": text("Caption")}
    fields = fields_of(row(1, caption="a\nb"), mapping=mapping)
    assert fields["customfield_10097"] == "a b"
    assert "Caption" not in plain_text(fields["description"])


def test_clients_and_workers_without_an_entry_are_named_and_the_field_is_left_out():
    mapping = {
        **BASE,
        "components": component("Kopi Senja", {}),
        "assignee": worker("Kopi Senja", {"kopi  senja": "Budi"}, {}, "FIELD_ASSOCIATE"),
        "reporter": worker("Kopi Senja", {}, {}, "CONTENT_EDITOR"),
    }
    drafts = drafts_of(row(1), mapping=mapping)
    assert [p.where for p in drafts.problems] == [
        "hashmap.py COMPONENTS",
        "hashmap.py WORKERS",
        "hashmap.py CONTENT_EDITOR",
    ]
    assert not {"components", "assignee", "reporter"} & drafts.data[0].as_jira().keys()


def test_mappings_are_looked_up_whatever_the_case_and_spaces():
    assert look_up({"Kopi  SENJA": "1"}, "kopi senja") == "1"
    assert look_up({"Kopi Senja": ""}, "Kopi Senja") is None


def test_each_field_knows_the_cell_it_was_made_from():
    [draft] = drafts_of(row(1)).data
    assert draft.cells == {
        "summary": "'Juli'!D2",
        "customfield_10040": "'Juli'!B2",
        "duedate": "'Juli'!B2",
        "customfield_10043": "'Juli'!C2",
    }


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"summary": "two\nlines"}, "one line"),
        ({"summary": ""}, "one line"),
        ({"summary": "x" * 256}, "255"),
        ({"description": "plain text"}, "dictionary"),
        ({"description": {"type": "doc"}}, "ADF"),
        ({"duedate": "5/7/2026"}, "isoformat"),
        ({"labels": ["has space"]}, "pattern"),
        ({"Content Form": {"value": "Post"}}, "not a Jira field"),
    ],
)
def test_fields_that_jira_would_not_take_are_refused_when_they_are_drafted(changed, says):
    fields = {"summary": "x", "project": {"key": "CP"}, "issuetype": {"id": "1"}, **changed}
    with pytest.raises(ValidationError, match=says):
        IssueDraft.model_validate({"row": 2, "fields": fields})


def test_drafts_survive_their_file(tmp_path):
    drafts = drafts_of(row(1), row(2, ""))
    path = issue_draft.save(drafts, tmp_path / "drafts.json", workflow="n", source="s")
    assert issue_draft.load(path, plan(row(1), row(2, "")).rows, notebook="n") == drafts
    assert json.loads(path.read_text())["metadata"]["record_count"] == 2


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "left no drafts.json"),
        ("{", "not JSON"),
        ('{"data": [{"row": 2, "fields": {"summary": "x"}}]}', "project"),
        ('{"data": [{"row": 2, "fields": null}]}', "neither fields nor an error"),
        ('{"data": []}', "rows 2"),
        ('{"data": 5}', "data"),
    ],
    ids=["missing", "torn", "no-project", "no-reason", "row-lost", "wrong-shape"],
)
def test_a_broken_notebook_is_stopped_before_jira_hears_anything(tmp_path, content, says):
    path = tmp_path / "drafts.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FixInputError, match=says):
        issue_draft.load(path, plan(row(1)).rows, notebook="n.ipynb")
