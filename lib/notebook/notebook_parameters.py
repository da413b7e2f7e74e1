"""What a notebook takes: its cell tagged `parameters`, read without running it, as a pydantic model.

The cell is a contract. Each line is an assignment: a name, perhaps a type, perhaps a default, and what it means as a comment.
The cell runs before any import, so a type that is not Python's own stands in quotes.

    quota: dict[str, int] = {}  # content form -> rows that the client ordered
"""

import ast
import copy
import datetime as dt
import functools
import io
import json
import math
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union

import nbformat
from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticUndefined

from lib.errors import FixInputError

PARAMETERS_TAG = "parameters"
INJECTED_TAG = "injected-parameters"

_TYPES: dict[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "list": list[JsonValue],
    "dict": dict[str, JsonValue],
    "date": dt.date,
}
_TYPE_ADVICE = (
    "types are str, int, float, bool, list[…], dict[str, …] and `… | None`, and in quotes also 'date' and 'Literal[…]'"
)
_SECRET = re.compile(r"token|passw|passphrase|secret|api_?key|private_?key|access_?key|cookie|bearer", re.IGNORECASE)
_SHOWN = 80


class _Parameter(NamedTuple):
    name: str
    type: Any
    default: Any
    description: str | None
    written: str  # the type as it stands in the cell


class _CellError(ValueError):
    """Part of a parameters cell cannot be taken; the message says what to write instead."""


def read_source(source: Path) -> nbformat.NotebookNode:
    """
    Read a notebook that may be run: valid, in Python, and not a copy that a run left; outputs of an analyst are left out.

    Raises:
        FixInputError: It is not such a notebook.
    """
    try:
        notebook: nbformat.NotebookNode = copy.deepcopy(_notebook_in(source.read_text("utf-8")))
    except OSError as error:
        raise FixInputError(source.stem, f"{source} cannot be read: {error.strerror}") from None
    except (ValueError, AttributeError, nbformat.ValidationError) as error:
        reason = str(error).partition("\n")[0]
        raise FixInputError(source.stem, f"{source} is not a notebook: {reason}") from None
    metadata = notebook.metadata
    languages = {
        metadata.get(part, {}).get(key) for part, key in (("kernelspec", "language"), ("language_info", "name"))
    }
    if other := languages - {None, "python"}:
        raise FixInputError(source.stem, f"is written in {other.pop()}; only Python notebooks are run")
    if any(INJECTED_TAG in _tags(cell) for cell in notebook.cells):
        raise FixInputError(
            source.stem, f"{source} is the executed copy of a run; run the notebook that it was made from"
        )
    for cell in notebook.cells:  # an analyst has run and saved it in JupyterLab
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


@functools.lru_cache(maxsize=4)
def _notebook_in(text: str) -> nbformat.NotebookNode:
    """The notebook that is written so; a run reads the same one for each client."""
    notebook: nbformat.NotebookNode = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    return notebook


def parameters_model(source: Path) -> type[BaseModel]:
    """
    Read what the notebook takes; its JSON schema makes a form.

    Raises:
        FixInputError: The notebook, or its parameters cell, cannot be used.
    """
    return model_of(read_source(source), source.stem)


def model_of(notebook: nbformat.NotebookNode, name: str) -> type[BaseModel]:
    """The same for a notebook already read; `name` is the notebook's, for messages."""
    return _model(_parameters_cell(notebook, name), name)


@functools.lru_cache(maxsize=16)
def _model(cell: str, name: str) -> type[BaseModel]:
    parameters = _read_parameters(cell, name)
    fields: dict[str, Any] = {
        each.name: (
            each.type,
            Field(default=each.default, description=each.description, json_schema_extra={"written": each.written}),
        )
        for each in parameters
    }
    config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())
    return create_model(name, __config__=config, **fields)


def check(model: type[BaseModel], parameters: Mapping[str, JsonValue], name: str) -> dict[str, JsonValue]:
    """
    Check parameters against the model of notebook `name`.

    Returns:
        All of the notebook's parameters as JSON, with the defaults of those not given.

    Raises:
        FixInputError: A parameter is unknown, missing, of another type, out of range, or not JSON; all of them are named.
    """
    problems = [f"{key} {problem}" for key, value in parameters.items() if (problem := not_json(value))]
    if problems:
        raise FixInputError(name, "; ".join(problems))
    try:
        checked = model.model_validate_json(json.dumps(dict(parameters)))
    except ValidationError as error:
        raise FixInputError(name, "; ".join(_explain(error, model))) from None
    return checked.model_dump(mode="json")


def _tags(cell: nbformat.NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def _parameters_cell(notebook: nbformat.NotebookNode, name: str) -> str:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and PARAMETERS_TAG in _tags(cell)]
    if len(cells) != 1:
        raise FixInputError(name, f"has {len(cells) or 'no'} cells tagged `parameters`; tag exactly one")
    return str(cells[0].source)


def _read_parameters(source: str, name: str) -> list[_Parameter]:
    where = f"{name}, parameters cell"
    try:
        statements = ast.parse(source).body
    except SyntaxError as error:
        raise FixInputError(where, f"line {error.lineno} is not Python: {error.msg}") from None
    comments = _comments(source)
    parameters: dict[str, _Parameter] = {}
    for statement in statements:
        try:
            parameter = _read_statement(statement, comments)
        except _CellError as error:
            raise FixInputError(where, f"line {statement.lineno} {error}") from None
        if parameter.name in parameters:
            raise FixInputError(
                where, f"line {statement.lineno} assigns {parameter.name} again; one line per parameter"
            )
        parameters[parameter.name] = parameter
    if not parameters:
        raise FixInputError(
            where, "is empty; a notebook that is run takes at least one parameter, which its report shows"
        )
    return list(parameters.values())


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {each.start[0]: each.string.lstrip("# ").rstrip() for each in tokens if each.type == tokenize.COMMENT}


def _read_statement(statement: ast.stmt, comments: Mapping[int, str]) -> _Parameter:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
            written = ast.unparse(annotation).strip("'\"")
            type_ = _type(annotation)
            _check_quotes(annotation)
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            type_ = _type_of_value(_literal(value))
            written = getattr(type_, "__name__", "any JSON value")
        case _:
            raise _CellError(
                "is no assignment to one name; the cell holds `name: type = default` lines and comments only"
            )
    _check_name(name)
    description = comments.get(statement.end_lineno or 0) or comments.get(statement.lineno)
    default = PydanticUndefined if value is None else _literal(value)
    return _Parameter(name, type_, _check_default(name, type_, default, written), description, written)


def _check_name(name: str) -> None:
    if _SECRET.search(name):
        raise _CellError(
            f"declares {name}, which looks like a secret; parameters are saved as plain text: pass the name of a block"
        )
    if name.startswith("_") or hasattr(BaseModel, name):
        raise _CellError(f"declares {name}, a name that is taken; choose another one")


def _check_default(name: str, type_: Any, default: Any, written: str) -> Any:
    """The default as the model holds it: a date for the text of a date."""
    if default is PydanticUndefined:
        return default
    if problem := not_json(default):
        raise _CellError(f"gives {name} a default that {problem}")
    try:
        return TypeAdapter(type_).validate_json(json.dumps(default), strict=True)
    except ValidationError as error:
        raise _CellError(
            f"gives {name} the default {_short(default)}, but it is {written}: {_reasons(error.errors())}"
        ) from None


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise _CellError(
            f"has the default {_short(ast.unparse(node))}; write the value itself (a date as '2026-07-31')"
        ) from None


def _type_of_value(value: Any) -> Any:
    kind = type(value).__name__
    return _TYPES.get(kind, JsonValue)


def _type(node: ast.expr) -> Any:
    """The type that an annotation means; nothing is evaluated."""
    match node:
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(quoted)):
            return _type(_parse_quoted(quoted))
        case ast.Name(id=name) if name in _TYPES:
            return _TYPES[name]
        case ast.Attribute(value=ast.Name(id="dt" | "datetime"), attr="date"):
            return dt.date
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[_type(left), _type(right)]  # noqa: UP007  # the types are values here
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inside):
            return _generic(name, inside, ast.unparse(node))
    raise _CellError(f"has the type {ast.unparse(node)}; {_TYPE_ADVICE}")


def _check_quotes(annotation: ast.expr) -> None:
    """What is not quoted is evaluated as the cell runs: there are Python's own names only, and no text has a `|`."""
    for node in ast.walk(annotation):
        match node:
            case ast.Name(id="str" | "int" | "float" | "bool" | "list" | "dict"):
                continue
            case ast.Name() | ast.BinOp(left=ast.Constant(value=str())) | ast.BinOp(right=ast.Constant(value=str())):
                raise _CellError(f"has the type {ast.unparse(annotation)}; write all of it in quotes: {_TYPE_ADVICE}")


def _parse_quoted(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        raise _CellError(f"has the type '{text}'; {_TYPE_ADVICE}") from None


def _generic(name: str, inside: ast.expr, written: str) -> Any:
    match name, inside:
        case "list", _:
            return list[_type(inside)]  # type: ignore[misc]  # a type that is only known now
        case "dict", ast.Tuple(elts=[ast.Name(id="str"), values]):
            return dict[str, _type(values)]  # type: ignore[misc]
        case "Literal", _:
            choices = _literal(inside)
            return Literal[choices]
    raise _CellError(f"has the type {written}; {_TYPE_ADVICE}")


def not_json(value: Any) -> str | None:
    """What is wrong with a value that JSON cannot carry as it is; None when it can."""
    match value:
        case None | bool() | int():
            return None
        case float():
            return None if math.isfinite(value) else f"is {value}, which is not a number; pass null"
        case str():
            halves = any("\ud800" <= letter <= "\udfff" for letter in value)
            return "holds half a character (a lone surrogate)" if halves else None
        case list():
            return next((problem for each in value if (problem := not_json(each))), None)
        case dict():
            if not all(isinstance(key, str) for key in value):
                return "has a key that is not text; JSON objects have text keys"
            return next((problem for each in (*value, *value.values()) if (problem := not_json(each))), None)
    return f"is of the type {type(value).__name__}, which JSON does not have; pass text, numbers, true, false, null, lists or objects"


def _explain(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    by_name: dict[str, list[Any]] = {}
    for each in error.errors(include_url=False):
        by_name.setdefault(str(each["loc"][0]), []).append(each)
    for name, errors in by_name.items():
        field = model.model_fields.get(name)
        if field is None:
            yield f"{name} is not a parameter; allowed: {', '.join(model.model_fields)}"
            continue
        extra = field.json_schema_extra
        written = extra["written"] if isinstance(extra, dict) else ""
        allowed = f"allowed: {written}" + (f" ({field.description})" if field.description else "")
        if errors[0]["type"] == "missing":
            yield f"{name} is missing; {allowed}"
        else:
            yield f"{name}: {_reasons(errors)}; {allowed}"


def _reasons(errors: Iterable[Any]) -> str:
    return " or ".join(dict.fromkeys(f"{each['msg']}, not {_short(each['input'])}" for each in errors))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
