"""Tables for notebooks: what comes from a sheet stays text."""

from lib.plan.problems import Problem
from lib.report import tables
from tests.lib.plans import plan, row


def test_what_a_cell_holds_is_never_html():
    shown = tables.rows(plan(row(1, "<script>alert(1)</script>", caption="=IMPORTXML(1) $x$"))).to_html()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert tables.rows(plan(row(1)))._repr_html_().count("tex2jax_ignore") == 1


def test_long_texts_are_cut_in_tables_and_advice_never_is():
    assert tables.rows(plan(row(1, "x" * 500)))["Topik"].iloc[0] == "x" * 80 + "…"
    advice = "y" * 300
    assert tables.problems([Problem(where="A1", message=advice)])["What to do"].iloc[0] == advice


def test_line_breaks_are_shown():
    assert tables.rows(plan(row(1, caption="a\nb")))["Caption"].iloc[0] == "a ⏎ b"


def test_words_stand_to_the_left_and_no_column_or_row_is_left_out():
    header = [f"Kolom {n}" for n in range(40)]
    records = [dict.fromkeys(header, f"<td>{n}") for n in range(300)]
    shown = tables.table(records, header)._repr_html_()
    assert shown.count('<td style="text-align: left; vertical-align: top">&lt;td&gt;') == 40 * 300
    assert shown.count('<th style="text-align: left; vertical-align: top">Kolom ') == 40
    assert "..." not in shown
