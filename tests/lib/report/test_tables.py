"""Tables for notebooks: what comes from a sheet stays text."""

import re

from lib.plan.problems import Problem
from lib.report import frames, tables
from tests.lib.plans import plan, row


def test_what_a_cell_holds_is_never_html():
    shown = tables.rows(plan(row(1, "<script>alert(1)</script>", caption="=IMPORTXML(1) $x$"))).to_html()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert tables.rows(plan(row(1)))._repr_html_().count("tex2jax_ignore") == 1


def test_a_long_text_is_whole_within_its_column_and_a_cell_filled_to_the_brim_says_how_much_more_there_is():
    caption = "kata " * 400 + "akhir"
    made = tables.rows(plan(row(1, caption=caption), row(2, caption="x" * 50_000)))
    assert made["Caption"].tolist() == [caption, "x" * 50_000]
    shown = made._repr_html_()
    assert caption in shown
    assert "x" * tables.LONGEST + "… 47,800 more characters</td>" in shown
    assert "x" * (tables.LONGEST + 1) not in shown
    advice = "y" * 1_500
    assert advice in tables.problems([Problem(where="A1", message=advice)])._repr_html_()


def test_a_table_of_full_cells_leaves_a_notebook_small():
    made = tables.rows(plan(*[row(n, caption="x" * 50_000) for n in range(10)]))
    assert len(made._repr_html_()) + len(repr(made)) < 50_000


def test_a_column_has_room_for_its_longest_line_up_to_a_width():
    shown = tables.table(
        [{"Jam": "10.00", "Topik": "a" * 500, "Format": "x" * 20 + "\n" + "y"}], ["Jam", "Topik", "Format"]
    )
    assert re.findall(r"min-width: (\S+);", shown._repr_html_()) == ["4em", "25.5em", "11.5em"]


def test_line_breaks_are_shown():
    made = tables.rows(plan(row(1, caption="a\nb")))
    assert 'white-space: pre-wrap; overflow-wrap: break-word; max-width: 40em">a\nb</td>' in made._repr_html_()
    assert "a ⏎ b" in repr(made)


STYLE = "text-align: left; vertical-align: top; "


def test_words_stand_to_the_left_and_no_column_or_row_is_left_out():
    header = [f"Kolom {n}" for n in range(40)]
    records = [dict.fromkeys(header, f"<td>{n}") for n in range(300)]
    shown = tables.table(records, header)._repr_html_()
    assert len(re.findall(rf'<td style="{STYLE}[^"]*">&lt;td&gt;', shown)) == 40 * 300
    assert len(re.findall(rf'<th style="min-width: [0-9.]+em; {STYLE}[^"]*">Kolom ', shown)) == 40
    assert "..." not in shown


def test_what_an_analyst_makes_of_a_plan_is_shown_alike_with_its_labels():
    made = frames.frame(plan(row(1, caption="z" * 50_000), row(2, "Teh")))
    shown = made[made["Topik"] == "Teh"].drop(columns="Caption")._repr_html_()
    assert re.findall(rf'<t[dh] style="{STYLE}[^"]*">(3|Teh|2026-07-05)</t[dh]>', shown) == ["3", "2026-07-05", "Teh"]
    assert "47,800 more characters" in made._repr_html_()
    assert len(repr(made)) < 2_000
