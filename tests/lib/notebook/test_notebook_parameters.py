"""A notebook's parameters cell as a contract: what it may hold, and what a run may be given."""

import datetime as dt
import math

import nbformat
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.errors import FixInputError
from lib.notebook.notebook_engine import _JsonTranslator
from lib.notebook.notebook_parameters import check, model_of, parameters_model, read_source


def notebook(*cells):
    """A notebook of code cells; those given as text are tagged `parameters`."""
    new = nbformat.v4.new_code_cell
    tagged = [new(cell, metadata={"tags": ["parameters"]}) if isinstance(cell, str) else new(**cell) for cell in cells]
    return nbformat.v4.new_notebook(cells=tagged)


def model(*cells):
    return model_of(notebook(*cells), "plan")


def field(line):
    return next(iter(model(line).model_fields.values()))


@pytest.mark.parametrize(
    ("line", "annotation", "default"),
    [
        pytest.param("a: str = 'x'", str, "x", id="str"),
        pytest.param("a: int = -1", int, -1, id="negative-int"),
        pytest.param("a: float = 1", float, 1.0, id="float-from-int"),
        pytest.param("a: bool = False", bool, False, id="bool"),
        pytest.param("a: str | None = None", str | None, None, id="or-none"),
        pytest.param("a: 'date' = '2026-07-31'", dt.date, dt.date(2026, 7, 31), id="date"),
        pytest.param("a: 'dt.date' = '2026-07-31'", dt.date, dt.date(2026, 7, 31), id="dt.date"),
        pytest.param("a: list['date'] | None = None", list[dt.date] | None, None, id="quoted-inside"),
        pytest.param("a: list[str] = ['x']", list[str], ["x"], id="list"),
        pytest.param("a: dict[str, str] = {'x': 'y'}", dict[str, str], {"x": "y"}, id="dict"),
        pytest.param("a: dict[str, list[int]] = {}", dict[str, list[int]], {}, id="nested"),
        pytest.param("a = 1", int, 1, id="type-of-the-value"),
        pytest.param("a = 'a=b  # no comment'", str, "a=b  # no comment", id="equals-and-hash-in-text"),
        pytest.param("a: str = '''x\ny'''", str, "x\ny", id="text-of-two-lines"),
    ],
)
def test_types_and_defaults_are_read(line, annotation, default):
    assert field(line).annotation == annotation
    assert field(line).default == default
    exec(line, {})  # as JupyterLab and a kernel do, before any import


@pytest.mark.parametrize(
    ("line", "description"),
    [
        pytest.param("a: int = 1  # how many", "how many", id="behind"),
        pytest.param("a: list[str] = [\n    'x',  # inner\n]  # names", "names", id="behind-several-lines"),
        pytest.param("a: list[str] = [  # names\n    'x',\n]", "names", id="behind-the-first-line"),
        pytest.param("# above\na: int = 1", None, id="none"),
    ],
)
def test_the_trailing_comment_describes_a_parameter(line, description):
    assert field(line).description == description


def test_choices_stand_in_the_form():
    schema = model("kind: \"Literal['post', 'story']\" = 'post'").model_json_schema()
    assert schema["properties"]["kind"]["enum"] == ["post", "story"]


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        pytest.param("import os", "no assignment", id="import"),
        pytest.param("print('x')", "no assignment", id="call"),
        pytest.param("a, b = 1, 2", "no assignment", id="two-names"),
        pytest.param("a = b = 1", "no assignment", id="twice-assigned"),
        pytest.param("a.b = 1", "no assignment", id="attribute"),
        pytest.param("if True:\n    a = 1", "no assignment", id="if"),
        pytest.param("a: int = open('x').read()", "write the value itself", id="call-as-default"),
        pytest.param("a = 60 * 60", "write the value itself", id="arithmetic"),
        pytest.param("a = f'{1}'", "write the value itself", id="f-string"),
        pytest.param("a: os.PathLike = 'x'", "types are", id="foreign-type"),
        pytest.param("a: list[(lambda: 1)()] = []", "types are", id="code-as-type"),
        pytest.param("a: 'x y' = 1", "types are", id="quoted-nonsense"),
        pytest.param("a: 'Annotated[int, Field(ge=1)]' = 1", "types are", id="limit"),
        pytest.param("a: dict[int, str] = {}", "types are", id="keys-that-are-not-text"),
        pytest.param("a: date = '2026-07-31'", "write all of it in quotes", id="bare-date"),
        pytest.param("a: dt.date = '2026-07-31'", "write all of it in quotes", id="bare-dt.date"),
        pytest.param("a: Literal['x'] = 'x'", "write all of it in quotes", id="bare-choice"),
        pytest.param("a: 'date' | None = None", "write all of it in quotes", id="quotes-or-none"),
        pytest.param("a: None | 'date' = None", "write all of it in quotes", id="none-or-quotes"),
        pytest.param("a: int = '7'", "Input should be a valid integer, not '7'", id="default-of-another-type"),
        pytest.param("a = (1, 2)", "type tuple", id="tuple"),
        pytest.param("a = {1: 2}", "not text", id="int-key"),
        pytest.param("a = 1e999", "not a number", id="infinity"),
        pytest.param("a = 1\na = 2", "line 2 assigns a again", id="twice"),
        pytest.param("%matplotlib inline", "not Python", id="magic"),
        pytest.param("# nothing", "at least one parameter", id="empty"),
        pytest.param("copy = 1", "name that is taken", id="name-of-pydantic"),
        pytest.param("_a = 1", "name that is taken", id="underscore"),
        pytest.param("api_token = ''", "looks like a secret", id="token"),
        pytest.param("jiraPassword = ''", "looks like a secret", id="password"),
        pytest.param("CLIENT_SECRET: str", "looks like a secret", id="secret"),
        pytest.param("apikey = ''", "looks like a secret", id="api-key"),
    ],
)
def test_anything_else_in_the_cell_is_refused(cell, problem):
    with pytest.raises(FixInputError) as caught:
        model(cell)
    assert caught.value.where == "plan, parameters cell"
    assert problem in caught.value.problem


def test_reading_a_cell_does_not_run_it(tmp_path):
    trace = tmp_path / "trace"
    with pytest.raises(FixInputError):
        model(f"a: __import__('pathlib').Path({str(trace)!r}).touch() = 1")
    assert not trace.exists()


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        pytest.param([{"source": "a = 1"}], "has no cells tagged", id="none"),
        pytest.param(["a = 1", "b = 1"], "has 2 cells tagged", id="two"),
    ],
)
def test_there_is_exactly_one_parameters_cell(cells, found):
    with pytest.raises(FixInputError, match=found):
        model(*cells)


PLAN = model("""
name: str  # whose plan
posts: int = 12  # how many
kind: "Literal['post', 'story']" = 'post'
day: "dt.date | None" = None
names: list[str] = []
share: float = 0.5
anything = None
""")


@pytest.mark.parametrize(
    ("given_values", "problem"),
    [
        pytest.param({}, "name is missing; allowed: str (whose plan)", id="missing"),
        pytest.param({"nmae": "x", "name": "x"}, "nmae is not a parameter; allowed: name, posts, kind,", id="unknown"),
        pytest.param({"name": 1}, "name: Input should be a valid string, not 1; allowed: str", id="another-type"),
        pytest.param({"name": None}, "name: Input should be a valid string, not None", id="null"),
        pytest.param(
            {"name": "x", "posts": "12"}, "posts: Input should be a valid integer, not '12'", id="number-as-text"
        ),
        pytest.param(
            {"name": "x", "posts": True}, "posts: Input should be a valid integer, not True", id="bool-for-int"
        ),
        pytest.param(
            {"name": "x", "kind": "reel"}, "kind: Input should be 'post' or 'story', not 'reel'", id="no-choice"
        ),
        pytest.param({"name": "x", "day": "2026-02-30"}, "day: Input should be a valid date", id="no-such-day"),
        pytest.param(
            {"name": "x", "day": dt.date(2026, 7, 1)}, "day is of the type date, which JSON", id="date-object"
        ),
        pytest.param({"name": "x", "names": ("a",)}, "names is of the type tuple", id="tuple"),
        pytest.param({"name": "x", "names": ["a", 1]}, "names: Input should be a valid string, not 1", id="list-item"),
        pytest.param({"name": "x", "posts": np.int64(3)}, "posts is of the type int64", id="numpy"),
        pytest.param({"name": "x", "share": math.nan}, "share is nan, which is not a number", id="nan"),
        pytest.param({"name": "x", "anything": [{"a": math.inf}]}, "anything is inf", id="nested-infinity"),
        pytest.param({"name": "x", "anything": {1: 2}}, "anything has a key that is not text", id="int-key"),
        pytest.param({"name": "\ud800"}, "name holds half a character", id="lone-surrogate"),
        pytest.param({"posts": "many", "x": 1}, "name is missing", id="several-1"),
        pytest.param({"posts": "many", "x": 1}, "posts: Input should be a valid integer, not 'many'", id="several-2"),
        pytest.param({"posts": "many", "x": 1}, "x is not a parameter", id="several-3"),
    ],
)
def test_a_wrong_parameter_is_refused_by_name_with_what_is_allowed(given_values, problem):
    with pytest.raises(FixInputError) as caught:
        check(PLAN, given_values, "plan")
    assert caught.value.where == "plan"
    assert problem in caught.value.problem


def test_all_parameters_are_passed_as_json_with_their_defaults():
    assert check(PLAN, {"name": "Kopi Senja", "day": "2026-07-01", "share": 1}, "plan") == {
        "name": "Kopi Senja",
        "posts": 12,
        "kind": "post",
        "day": "2026-07-01",
        "names": [],
        "share": 1.0,
        "anything": None,
    }


NAMES = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | NAMES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_every_json_value_arrives_as_it_was(value):
    names = {}
    exec(_JsonTranslator.codify({"value": check(model("value = None"), {"value": value}, "plan")["value"]}), names)
    assert names["value"] == value
    assert repr(names["value"]) == repr(value)


def test_values_are_readable_in_the_copy():
    assert _JsonTranslator.codify({"name": "Café „Höhe“ ☕ {x}", "size": 1.5}) == (
        "# Parameters\nname = 'Café „Höhe“ ☕ {x}'\nsize = 1.5\n"
    )


def save(path, content):
    path.write_text(content if isinstance(content, str) else nbformat.writes(content))
    return path


def executed(**changes):
    return {"source": "a = 1", "metadata": {"tags": ["injected-parameters"]}, **changes}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("", "is not a notebook", id="empty-file"),
        pytest.param("[]", "is not a notebook", id="other-json"),
        pytest.param('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "is not a notebook", id="no-cells"),
        pytest.param(notebook("a = 1", executed()), "is the executed copy of a run", id="injected-parameters"),
        pytest.param(
            nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}),
            "is written in R",
            id="other-language",
        ),
    ],
)
def test_what_is_no_source_notebook_is_refused(tmp_path, content, problem):
    with pytest.raises(FixInputError, match=problem) as caught:
        read_source(save(tmp_path / "plan.ipynb", content))
    assert caught.value.where == "plan"


def test_outputs_that_an_analyst_saved_are_left_out(tmp_path):
    shown = [nbformat.v4.new_output("stream", text="1")]
    path = save(tmp_path / "plan.ipynb", notebook("a = 1", {"source": "1", "outputs": shown, "execution_count": 3}))
    cells = [cell for cell in read_source(path).cells if cell.cell_type == "code"]
    assert [(cell.outputs, cell.execution_count) for cell in cells] == [([], None)] * len(cells)


def test_a_notebook_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(FixInputError, match="No such file"):
        parameters_model(tmp_path / "plan.ipynb")
