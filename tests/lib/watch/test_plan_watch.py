"""A plan against its issues: what changed since, said column by column."""

import dataclasses

import pytest

from lib.errors import FixInputError
from lib.exactly_once.reconcile import Outcome, plan_label, row_property
from lib.plan import adf
from lib.services.models import Issue
from lib.watch import plan_watch
from tests.lib.plans import HEADER, plan, row

LABEL = plan_label("sheet-1")


def made_from(read):
    """The issues of a plan whose rows hold their keys: CP-1 for its first row, and so on."""
    return [
        Issue(f"id-{n}", f"CP-{n}", str(r.values["Topik"]), (LABEL,), row_property(read, r, f"cp-{'a' * 13}", "run"))
        for n, r in enumerate(read.rows, start=1)
    ]


def keyed(*rows):
    return [[*cells[:-1], f"CP-{n}"] for n, cells in enumerate(rows, start=1)]


def test_a_plan_as_its_issues_were_made_has_nothing_to_say():
    read = plan(*keyed(row(1, "Satu"), row(2, "Dua")))
    found = plan_watch.compare(read, made_from(read)).data
    assert [(f.outcome, f.changes, f.problems) for f in found] == [(Outcome.EXISTING, [], [])] * 2


def test_a_changed_row_is_flagged_with_old_and_new_per_column():
    before = plan(*keyed(row(1, "Satu"), row(2, "Dua")))
    after = plan(*keyed(row(1, "Satu", caption="baru", date="6 Juli 2026"), row(2, "Dua")))
    [changed, same] = plan_watch.compare(after, made_from(before)).data
    assert (changed.outcome, changed.key, same.outcome) == (Outcome.FLAGGED, "CP-1", Outcome.EXISTING)
    assert [(c.column, c.cell, c.old, c.new) for c in changed.changes] == [
        ("Tanggal", "'Juli'!B2", "5 Juli 2026", "6 Juli 2026"),
        ("Caption", "'Juli'!E2", "halo", "baru"),
    ]
    assert changed.problems[0].message == (
        "Tanggal was changed after CP-1 was made: 5 Juli 2026 → 6 Juli 2026; change the issue by hand, or the cell back"
    )


def test_a_row_whose_key_is_not_written_yet_waits_for_the_next_run():
    read = plan(*keyed(row(1, "Satu"), row(2, "Dua")))
    marked = plan([*row(1, "Satu")[:-1], f"cp-{'a' * 13}"], keyed(row(1), row(2, "Dua"))[1])
    [issue, other] = made_from(read)
    issue = dataclasses.replace(issue, labels=(LABEL, f"cp-{'a' * 13}"))
    [waiting, same] = plan_watch.compare(marked, [issue, other]).data
    assert (waiting.outcome, waiting.key, same.outcome) == (Outcome.UNCERTAIN, "CP-1", Outcome.EXISTING)
    assert "CP-1 exists, but the key is not in its row yet" in waiting.problems[-1].message


def test_a_text_that_was_filled_or_emptied_says_so():
    before = plan(*keyed(row(1, caption=""), row(2, "Dua")))
    after = plan(*keyed(row(1, caption="baru"), row(2, "Dua", caption="")))
    found = plan_watch.compare(after, made_from(before)).data
    assert [str(f.changes[0]) for f in found] == ["(empty) → baru", "halo → (empty)"]


def test_a_row_that_moved_and_a_renamed_column_are_no_changes():
    before = plan(*keyed(row(1, "Satu"), row(2, "Dua")))
    one, two = keyed(row(1, "Satu"), row(2, "Dua"))
    after = plan(two, one, header=[*HEADER[:4], "Teks", "Key"])
    assert {f.outcome for f in plan_watch.compare(after, made_from(before)).data} == {Outcome.EXISTING}


def test_a_change_in_a_renamed_column_is_still_seen():
    before = plan(*keyed(row(1, caption="halo")))
    after = plan(*keyed(row(1, caption="lain")), header=[*HEADER[:4], "Teks", "Key"])
    [found] = plan_watch.compare(after, made_from(before)).data
    assert [(c.column, str(c)) for c in found.changes] == [("Teks", "(empty) → lain"), ("Caption", "halo → (empty)")]


@pytest.mark.parametrize("end", ["tambahan", ""])
def test_a_change_beyond_what_the_issue_remembers_is_noticed(end):
    long = "kata " * 200
    before = plan(*keyed(row(1, caption=f"{long}akhir")))
    after = plan(*keyed(row(1, caption=f"{long}{end}")))
    [found] = plan_watch.compare(after, made_from(before)).data
    assert [(c.column, c.new) for c in found.changes] == [("Caption", "(changed further down)")]


def test_a_renamed_column_beside_or_of_a_long_text_is_no_change():
    long = "kata " * 200
    before = plan(*keyed(row(1, caption=long)))
    for header in ([*HEADER[:4], "Teks", "Key"], ["Urutan", *HEADER[1:]]):
        [found] = plan_watch.compare(plan(*keyed(row(1, caption=long)), header=header), made_from(before)).data
        assert (found.outcome, found.changes) == (Outcome.EXISTING, [])


def test_a_long_text_is_shown_where_it_differs():
    long = "kata " * 60
    before, after = (plan(*keyed(row(1, caption=f"{long}{end}"))) for end in ("lama", "baru"))
    [found] = plan_watch.compare(after, made_from(before)).data
    said = str(found.changes[0])
    assert "lama → …" in said
    assert said.endswith("baru")
    assert len(said) < 120


@pytest.mark.parametrize("at", [0, 99, 100, 101, 180, 500, 2_000])
@pytest.mark.parametrize(
    ("old", "new"), [("LAMA", "BARU"), ("", "BARU"), ("LAMA", "")], ids=["changed", "longer", "shorter"]
)
def test_a_difference_is_shown_wherever_it_is(at, old, new):
    said = str(plan_watch.CellChange(column="Caption", cell="E2", old="a" * at + old, new="a" * at + new))
    assert all(word in said for word in (old, new))
    was, _, now = said.partition(" → ")
    assert was != now
    assert max(len(was), len(now)) <= 202


@pytest.mark.parametrize(
    ("same", "shown"),
    [(0, 0), (99, 99), (100, 100), (101, 40), (250, 40)],
    ids=["at-once", "nearly-far", "just-not-far", "far", "further"],
)
def test_a_difference_that_comes_late_is_shown_from_40_characters_before_it(same, shown):
    before = "".join(chr(ord("a") + n % 26) for n in range(same))
    change = plan_watch.CellChange(column="Caption", cell="B2", old=f"{before}LAMA", new=f"{before}BARU")
    start = ("…" if shown < same else "") + before[same - shown :]
    assert str(change) == f"{start}LAMA → {start}BARU"


@pytest.mark.parametrize(("length", "end"), [(199, ""), (200, ""), (201, "…")])
def test_no_more_than_200_characters_of_a_text_are_shown(length, end):
    change = plan_watch.CellChange(column="Caption", cell="B2", old="lama", new="x" * length)
    assert str(change) == f"lama → {'x' * min(length, 200)}{end}"


def test_a_text_of_wide_characters_says_that_it_was_cut():
    change = plan_watch.CellChange(column="Caption", cell="B2", old="lama", new="☕" * 10 + "😀" * 100)
    assert str(change) == f"lama → {'☕' * 10}{'😀' * 95}…"


def test_an_issue_without_row_that_looks_like_two_rows_with_issues_flags_the_first_alone():
    before = plan(*keyed(row(1, "Satu"), row(2, "Satu", date="9 Juli 2026"), row(3, "Satu", date="12 Juli 2026")))
    after = plan(*keyed(row(1, "Satu"), row(2, "Satu", date="9 Juli 2026")))
    found = plan_watch.compare(after, made_from(before)).data
    assert [(f.row, f.outcome, [p.message[:4] for p in f.problems]) for f in found] == [
        (2, Outcome.FLAGGED, ["CP-3"]),
        (3, Outcome.EXISTING, []),
    ]


def test_an_issue_that_could_be_of_two_rows_is_written_into_one():
    before = plan(*keyed(row(1, "Satu")))
    after = plan(row(1, "Satu"), row(1, "Satu"), row(3, "Lain", date="9 Juli 2026", form="Story", caption="lain"))
    found = plan_watch.compare(after, made_from(before)).data
    assert [f.row for f in found] == [2, 3, 4], "no row is called deleted"
    assert sum("CP-1" in problem.message for f in found[:1] for problem in f.problems) == 1
    assert all(f.outcome is Outcome.FLAGGED for f in found)


def test_a_deleted_row_is_told_and_its_issue_named():
    before = plan(*keyed(row(1, "Satu"), row(2, "Dua", date="9 Juli 2026")))
    after = plan(*keyed(row(1, "Satu")))
    [_, gone] = plan_watch.compare(after, made_from(before)).data
    assert (gone.row, gone.key, gone.outcome) == (None, "CP-2", Outcome.FLAGGED)
    assert "made from a row that is not in the plan any more" in gone.problems[0].message
    assert "resolve.py sheet-1 --forget-issue CP-2" in gone.problems[0].message


def test_a_row_of_the_same_date_and_form_is_not_the_one_that_was_deleted():
    before = plan(*keyed(row(1, "Satu"), row(2, "Dua")))
    [same, gone] = plan_watch.compare(plan(*keyed(row(1, "Satu"))), made_from(before)).data
    assert [(f.row, f.outcome, f.key) for f in (same, gone)] == [
        (2, Outcome.EXISTING, "CP-1"),
        (None, Outcome.FLAGGED, "CP-2"),
    ]


def test_an_erased_and_a_copied_key_are_flagged_and_no_deleted_row():
    before = plan(*keyed(row(1, "Satu"), row(2, "Dua", date="9 Juli 2026")))
    after = plan(row(1, "Satu"), row(2, "Dua", date="9 Juli 2026", key="CP-2"), row(3, "Salinan", key="CP-2"))
    found = plan_watch.compare(after, made_from(before)).data
    assert [(f.row, f.outcome) for f in found] == [(2, "flagged"), (3, "existing"), (4, "flagged")]


def test_a_row_without_an_issue_counts_only_once_issues_were_made():
    nothing_made = plan_watch.compare(plan(row(1), row(2, "Dua")), []).data
    assert {f.outcome for f in nothing_made} == {Outcome.READY}
    before = plan(*keyed(row(1, "Satu")))
    after = plan(*keyed(row(1, "Satu")), row(2, "Dua", date="9 Juli 2026"))
    [_, new] = plan_watch.compare(after, made_from(before)).data
    assert (new.outcome, new.problems[0].message[:12]) == (Outcome.FLAGGED, "has no issue")


def test_a_change_is_told_from_another_one_and_known_again():
    before = plan(*keyed(row(1, caption="a")))
    hashes = [
        plan_watch.compare(plan(*keyed(row(1, caption=text))), made_from(before)).data[0].change_hash
        for text in ("b", "c", "b")
    ]
    assert hashes[0] == hashes[2] != hashes[1]


def test_the_comment_says_what_changed_and_where():
    before = plan(*keyed(row(1, caption="<b>lama</b>")))
    after = plan(*keyed(row(1, caption="=IMPORTXML(1)")))
    [finding] = plan_watch.compare(after, made_from(before)).data
    text = adf.plain_text(plan_watch.comment(after, finding))
    assert "row 2 of Content Plan - Kopi Senja - Juli 2026, https://docs.google.com/spreadsheets/d/sheet-1/edit" in text
    assert "Caption: <b>lama</b> → =IMPORTXML(1)" in text


def test_findings_survive_their_file(tmp_path):
    before = plan(*keyed(row(1), row(2, "Dua")))
    after = plan(*keyed(row(1, caption="baru")))
    findings = plan_watch.compare(after, made_from(before))
    path = plan_watch.save(findings, tmp_path / "findings.json", workflow="n", source="s")
    assert plan_watch.load(path, after.rows, notebook="n") == findings
    issues = plan_watch.save_issues(made_from(before), tmp_path / "issues.json", workflow="w", source="s")
    assert plan_watch.load_issues(issues) == made_from(before)


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "left no"), ("[]", "is no file of findings"), ('{"data": [], "problems": []}', "one finding per row")],
)
def test_a_broken_notebook_is_named(tmp_path, content, said):
    path = tmp_path / "findings.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FixInputError, match=said):
        plan_watch.load(path, plan(row(1)).rows, notebook="notebooks/content_plan_watch.ipynb")


@pytest.mark.parametrize(("content", "said"), [(None, "does not exist"), ('{"data": [{}]}', "is no issues file")])
def test_a_wrong_issues_file_is_named(tmp_path, content, said):
    path = tmp_path / "issues.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(FixInputError, match=said):
        plan_watch.load_issues(path)
