"""Which column became which field, and which stands in descriptions: as the notebook's drafts say, not as the code is now."""

from lib.plan import adf
from lib.report import lineage
from lib.run import run_record
from tests import runs

HEADER = ["Tanggal", "Bentuk", "Topik", "Caption", "Catatan <b>", "Key"]
FIELDS = {"duedate": "A", "customfield_10015": "A", "summary": "C"}


def draft(row, *, cells=None, described=("Bentuk", "Caption", "Catatan <b>"), refused=False):
    sections = [adf.Section(label, "teks", "") for label in described]
    fields = {
        "summary": "x",
        "project": {"key": "CP"},
        "assignee": None,
        "description": adf.describe(sections).document,
    }
    where = {name: f"'Juli'!{letter}{row}" for name, letter in (cells or FIELDS).items()}
    return {"row": row, "fields": None if refused else fields, "cells": where, "problems": []}


def leave(output, *drafts, clients=("Kopi Senja",)):
    rows = [runs.row(2, client=client) for client in clients]
    folder = runs.leave(output, rows, plans={client: {"folder": "kopi-senja"} for client in clients})
    if drafts:
        runs.leave_plan(folder, "Kopi Senja", [HEADER, ["1 Juli 2026", "Post", "T", "c", "d", ""]], drafts)
    return run_record.read(folder)


def test_each_column_stands_with_its_fields_and_in_how_many_descriptions_it_is(tmp_path):
    [found] = lineage.read(leave(tmp_path, draft(2), draft(3, described=["Caption"]), draft(4, refused=True)))
    assert found.columns == {
        "Tanggal": ("duedate", "customfield_10015"),
        "Bentuk": (),
        "Topik": ("summary",),
        "Caption": (),
        "Catatan <b>": (),
    }
    assert (found.drafts, found.described) == (2, {"Caption": 2, "Bentuk": 1, "Catatan <b>": 1})
    assert found.fixed == ("project",)


def test_fields_are_called_as_people_know_them_and_labels_stay_text(tmp_path):
    shown = lineage.show(leave(tmp_path, draft(2)), {"Start Date": "customfield_10015"}).data
    assert "<td>Tanggal</td><td>duedate, Start Date (customfield_10015)</td>" in shown
    assert "Catatan &lt;b&gt;" in shown
    assert "1 issue drafted. The same for all issues of a client: project." in shown


def test_plans_that_were_mapped_alike_stand_together_and_others_apart(tmp_path):
    alike = lineage.read(leave(tmp_path, draft(2), clients=("Kopi Senja", "Toko Rimba")))
    assert [(one.clients, one.drafts) for one in alike] == [(["Kopi Senja", "Toko Rimba"], 2)]
    record = leave(tmp_path, draft(2, cells={"summary": "D"}))
    other = run_record.read(tmp_path / record.name)
    assert [one.columns["Caption"] for one in lineage.read(other)] == [("summary",)]


def test_a_run_that_drafted_nothing_has_nothing_to_show(tmp_path):
    assert lineage.read(leave(tmp_path)) == []
    assert "nothing" in lineage.show(leave(tmp_path), {}).data
    assert lineage.read(leave(tmp_path, draft(2, refused=True))) == []
    broken = leave(tmp_path, draft(2))
    (broken.folder / "kopi-senja/02_drafts.json").write_text('{"data": [{"fields": {"summary": "x"}}]}')
    assert lineage.read(broken) == []
