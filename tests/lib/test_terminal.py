"""Text that a terminal shows and does not obey."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.terminal import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Juli\n2026", r"Juli\n2026"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31mred", r"\x9b31mred"),
        ("a\rb\tc\u2028d\x85e", r"a\rb\tc\u2028d\x85e"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("name\udcff", r"name\udcff"),
        ("[red]x[/red] [/Senja] :coffee:", "[red]x[/red] [/Senja] :coffee:"),
        ("咖啡 ☕ 👩\u200d🍳 é – ✓", "咖啡 ☕ 👩\u200d🍳 é – ✓"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_what_acts_on_a_terminal_becomes_escapes_and_all_else_stays(text, shown):
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_any_text_is_one_line_that_can_be_sent(text):
    shown = printable(text)
    shown.encode()
    assert len(shown.splitlines()) <= 1
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in shown)
