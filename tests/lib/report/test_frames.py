"""Plans and drafts as DataFrames: whole, typed, indexed by the sheet's row numbers."""

import datetime as dt

import pandas as pd

from lib.plan.issue_draft import Drafts, IssueDraft
from lib.report.frames import drafts_frame, frame
from tests.lib.plans import HEADER, plan, row

WIDE = [*HEADER, "Anggaran", "Disetujui", "Campur"]


def test_columns_have_the_type_of_their_cells_and_rows_the_sheets_numbers():
    read = plan([*row(1, date=46208), 1500000, True, 1], [], [*row(2, "Teh", date="6 Juli 2026", key="CP-7"), None, False, "dua"],
                header=WIDE)  # fmt: skip
    made = frame(read)
    assert list(made.index) == [2, 4]
    assert made.index.name == "Row"
    assert list(made.columns) == [label for label in WIDE if label != "Key"] + ["Key"]
    types = {label: str(made[label].dtype) for label in made.columns}
    assert types["Tanggal"].startswith("datetime64")
    assert (types["No"], types["Anggaran"], types["Disetujui"]) == ("Int64", "Int64", "boolean")
    assert (types["Topik"], types["Key"], types["Campur"]) == ("string", "string", "object")
    assert made["Tanggal"].dt.date.tolist() == [dt.date(2026, 7, 5), dt.date(2026, 7, 6)]
    assert made["Anggaran"].isna().tolist() == [False, True]
    assert made["Key"].isna().tolist() == [True, False]
    assert made.loc[4, "Topik"] == "Teh"
    assert made["Campur"].tolist() == [1, "dua"]


def test_nothing_is_cut_and_words_have_their_addresses():
    long = "kata " * 500 + "akhir"
    made = frame(plan(row(1, caption=long), row(2, caption="papan"), linked={(2, 4): "papan (https://a.example)"}))
    assert made["Caption"].tolist() == [long, "papan (https://a.example)"]
    assert "akhir" in made.to_html()


def test_a_date_that_cannot_be_read_stays_what_it_is_beside_those_that_can():
    made = frame(plan(row(1, date="5 Juli 2026"), row(2, date="minggu depan"), row(3, date=None)))
    assert made["Tanggal"].tolist() == [pd.Timestamp(2026, 7, 5), "minggu depan", None]


def test_numbers_with_fractions_are_numbers():
    made = frame(plan([*row(1), 1.5], [*row(2), 2], header=[*HEADER, "Anggaran"]))
    assert made["Anggaran"].tolist() == [1.5, 2.0]


def test_drafts_have_a_column_per_field_by_name_and_refused_rows_say_why():
    fields = {
        "summary": "Kopi",
        "project": {"key": "CP"},
        "issuetype": {"id": "1"},
        "customfield_10043": {"value": "Post"},
    }
    problem = {"where": "'Juli'!D3", "message": "is empty; write the topic"}
    drafts = Drafts(data=[
        IssueDraft.model_validate({"row": 2, "fields": fields}),
        IssueDraft.model_validate({"row": 3, "fields": None, "problems": [problem]}),
    ])  # fmt: skip
    made = drafts_frame(drafts, {"Content Form": "customfield_10043"})
    assert list(made.index) == [2, 3]
    assert made.loc[2, "Content Form"] == "Post"
    assert made["Refused"].tolist() == [pd.NA, "'Juli'!D3 is empty; write the topic"]
    assert made.loc[3, ["summary", "Content Form"]].isna().all()
