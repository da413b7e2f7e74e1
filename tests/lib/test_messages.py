"""Messages to planners: each has its Indonesian, and each is said somewhere."""

import ast
import copy
import pickle
from pathlib import Path
from string import Formatter

import nbformat
import pytest
from babel.messages.pofile import read_po

from lib.errors import FixInputError, RefusedError
from lib.formats import FormatError
from lib.messages import Said, join, say
from lib.plan.keys import header_note
from lib.plan.problems import Problem
from lib.report.html_report import FOR_PLANNERS

ROOT = Path(__file__).parents[2]
PO = ROOT / "lib/locale/id.po"
FILES = {
    path: ast.parse(path.read_text()) for part in ("lib", "flows", "blocks") for path in (ROOT / part).rglob("*.py")
}
OWN = ROOT / "lib/messages.py"
# What stops a plan in these files is mended by whoever plans, but for what a notebook or a file of a run lacks.
OF_PLANNERS = {*(ROOT / "lib/plan").glob("*.py"), ROOT / "lib/exactly_once/plan_sheet.py"}
OF_PLANNERS -= {ROOT / "lib/plan/rows_file.py", ROOT / "lib/plan/issue_draft.py"}
READS = {ROOT / "flows/dispatch.py", ROOT / "flows/content_plan_update.py"}  # problems as a run left them


def catalogue():
    with PO.open("rb") as file:
        return {message.id: message for message in read_po(file) if message.id}


def name_of(call):
    """`say` of `say(…)`, `Problem` of `Problem(…)`; empty for a call of anything else."""
    return call.func.id if isinstance(call.func, ast.Name) else ""


def calls(tree):
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def imports_say(tree):
    return any(isinstance(n, ast.ImportFrom) and n.module == "lib.messages" for n in tree.body)


def text_of(node, tree):
    """A literal, also by the name of a constant of the module; None for a text that is put together."""
    if isinstance(node, ast.Name):
        constants = [n for n in tree.body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == node.id]
        node = constants[0].value if constants else node
    return node.value if isinstance(node, ast.Constant) else None


def said(tree):
    """(text, names of its values) of each `say(…)` of a file."""
    return [
        (text_of(call.args[0], tree), {keyword.arg for keyword in call.keywords})
        for call in calls(tree)
        if imports_say(tree) and name_of(call) == "say"
    ]


def fields(text):
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def prose_for_planners():
    """Of each notebook the cells of prose that reports have in Indonesian, too."""
    notebooks = [nbformat.read(path, as_version=4) for path in (ROOT / "notebooks").glob("*.ipynb")]
    cells = [cell for notebook in notebooks for cell in notebook.cells]
    return {cell.source for cell in cells if FOR_PLANNERS in cell.metadata.get("tags", [])}


ALL_SAID = [(path, *one) for path, tree in FILES.items() for one in said(tree)]


def test_every_message_has_its_indonesian_and_none_in_the_catalogue_is_said_nowhere():
    assert len(ALL_SAID) > 100
    assert len(prose_for_planners()) > 3
    known = {id_ for id_, message in catalogue().items() if message.string.strip()}
    assert {text for _, text, _ in ALL_SAID} | prose_for_planners() == known


def test_both_texts_of_a_message_have_the_same_places_and_each_is_given_a_value():
    for path, text, given in ALL_SAID:
        assert set(fields(text)) == given, f"{path.relative_to(ROOT)}: {text}"
    for english, message in catalogue().items():
        assert set(fields(message.string)) == set(fields(english)), english
        assert not message.fuzzy


def test_no_problem_and_no_unreadable_cell_is_told_in_english_alone():
    for path, tree in FILES.items():
        for call in calls(tree):
            where = f"{path.relative_to(ROOT)}, line {call.lineno}"
            if path not in READS:
                assert name_of(call) != "Problem", f"{where}: Problem.of(…) says it in both languages"
            if name_of(call) in ("FormatError", *(["FixInputError", "NoPlanError"] if path in OF_PLANNERS else [])):
                assert not isinstance(call.args[-1], ast.Constant | ast.JoinedStr), f"{where}: say(…) it"


def test_no_text_shows_a_value_as_python_writes_it():
    for path, tree in FILES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FormattedValue):
                assert node.conversion != ord("r"), f"{path.relative_to(ROOT)}, line {node.lineno}: '{{…}}', not !r"
            if isinstance(node, ast.Call) and path.parent.name != "notebook":
                assert name_of(node) != "repr", f"{path.relative_to(ROOT)}, line {node.lineno}"


def test_a_message_within_a_message_is_said_in_the_language_of_the_whole():
    inner = say("'{text}' is not a time; write it as 10.00 or 10:00", text="O'Brien {x}")
    whole = say("{problem}; it goes into the description as it stands", problem=inner)
    assert whole == "'O'Brien {x}' is not a time; write it as 10.00 or 10:00; it goes into the description as it stands"
    assert whole.indonesian == "'O'Brien {x}' bukan jam; tulis seperti 10.00 atau 10:00; masuk ke deskripsi apa adanya"


def test_a_text_without_indonesian_stays_english_within_a_message():
    assert say("not sent: {why}", why=Said("Jira is away")).indonesian == "belum dikirim: Jira is away"


def test_parts_are_joined_in_each_language_and_empty_ones_left_out():
    joined = join(say(" and "), ("A1", "", say("(empty)")))
    assert (joined, joined.indonesian) == ("A1 and (empty)", "A1 dan (kosong)")


@pytest.mark.parametrize("again", [copy.deepcopy, lambda said: pickle.loads(pickle.dumps(said))])
def test_a_copy_of_a_message_keeps_its_indonesian(again):
    assert again(say("(empty)")).indonesian == "(kosong)"


def test_an_error_says_where_in_both_languages():
    error = FixInputError(
        say("Drive folder {id}", id="1x"), say("is an Excel file; open it and choose File > Save as Google Sheets")
    )
    assert (
        str(error) == error.said == "Drive folder 1x: is an Excel file; open it and choose File > Save as Google Sheets"
    )
    assert (
        error.said.indonesian
        == "Folder Drive 1x: adalah file Excel; buka, lalu pilih File > Simpan sebagai Google Spreadsheet"
    )
    assert pickle.loads(pickle.dumps(error)).said.indonesian == error.said.indonesian


def test_an_error_that_nobody_said_in_indonesian_has_none():
    assert FixInputError("JIRA_URL", "is no address").said.indonesian == ""
    assert RefusedError("CP-1", "no", {"summary": "too long"}).said == "CP-1: no"


def test_a_check_of_an_analyst_may_be_in_english_alone():
    assert FormatError("is odd").said.indonesian == ""
    assert Problem(where="A1", message="is odd").indonesian == ""


def test_the_note_on_the_key_column_is_read_by_planners():
    indonesian, english = header_note().split("\n\n")
    assert indonesian.startswith("Kolom ini diisi otomatis oleh content-plan-to-jira: jangan diedit.")
    assert english.startswith("This column is written by the content-plan-to-jira run: do not edit it.")


def test_a_problem_is_kept_in_a_file_in_both_languages():
    problem = Problem.of("'Juli'!A1", say("the cell shows {value}; repair its formula", value="#REF!"), level="warning")
    assert Problem.model_validate_json(problem.model_dump_json()) == problem
    assert problem.model_dump()["indonesian"] == "menampilkan #REF!; perbaiki rumusnya"
