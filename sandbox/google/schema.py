"""Google's own description of its messages, which decides whether a request fits them.

The discovery documents come with google-api-python-client. Google refuses names it does not know, wrong enum values and
wrong types before it looks at anything else, so the sandbox does too.
https://developers.google.com/discovery/v1/type-format
"""

import json
import re
from functools import cache
from importlib import resources

from sandbox.google import field_mask
from sandbox.google.errors import bad_mask, bad_request
from sandbox.google.field_mask import Mask
from sandbox.http.messages import Call, Json, JsonObject

_INT_RANGES = {"int32": (-(2**31), 2**31 - 1), "uint32": (0, 2**32 - 1)}
type Violations = list[tuple[str, str]]


@cache
def document(api: str) -> JsonObject:
    """The discovery document of `sheets.v4` or `drive.v3`."""
    folder = resources.files("googleapiclient") / "discovery_cache" / "documents"
    loaded: JsonObject = json.loads((folder / f"{api}.json").read_text("utf-8"))
    return loaded


def read_body(call: Call, schema: str) -> JsonObject:
    """The request's JSON, checked against a schema of the Sheets API; nulls are left out, as Google takes them."""
    try:
        body = json.loads(call.body or b"{}")
    except ValueError as error:
        raise bad_request([("", f"Invalid JSON payload received. {error}")]) from error
    violations: Violations = []
    _check(body, {"$ref": schema}, "", violations)
    if violations:
        raise bad_request(violations)
    cleaned: JsonObject = _without_nulls(body)
    return cleaned


def check_query(call: Call, method: str) -> None:
    """Refuse query parameters that the Sheets method does not have, and enum values it does not know."""
    api = document("sheets.v4")
    known = {**api["parameters"], **_method(method)["parameters"]}
    violations: Violations = []
    for name, value in call.query:
        if name.startswith("$"):
            continue
        described = known.get(name)
        if described is None or described.get("location") == "path":
            text = f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
            violations.append(("", f"{text}Field '{name}' could not be found in request message."))
        elif value not in described.get("enum", [value]):
            violations.append((_snake(name), f"Invalid value at '{_snake(name)}' (TYPE_ENUM), \"{value}\""))
    if violations:
        raise bad_request(violations)


def read_mask(text: str, schema: str) -> Mask:
    """A `fields` parameter for an answer of the Sheets API; 400 if it names what that answer cannot hold."""
    if not text:
        return {}
    try:
        mask = field_mask.parse(text)
    except ValueError:
        raise bad_mask(text) from None
    unknown = unknown_path(mask, "sheets.v4", schema)
    if unknown:
        raise bad_mask(unknown)
    return mask


def unknown_path(mask: Mask, api: str, schema: str) -> str | None:
    """The first path of `mask` that a message of type `schema` does not have."""
    return _unknown(mask, {"$ref": schema}, document(api)["schemas"], "")


def _unknown(mask: Mask, kind: JsonObject, schemas: JsonObject, path: str) -> str | None:
    while "items" in kind or "$ref" in kind:
        kind = kind["items"] if "items" in kind else schemas[kind["$ref"]]
    if kind.get("type") == "any" or "additionalProperties" in kind:
        return None
    known = kind.get("properties", {})
    for name, inner in mask.items():
        here = f"{path}.{name}" if path else name
        if name == "*":
            continue
        if name not in known:
            return here
        found = _unknown(inner, known[name], schemas, here) if inner else None
        if found:
            return found
    return None


@cache
def _method(name: str) -> JsonObject:
    node = document("sheets.v4")
    *resources_, method = name.removeprefix("sheets.").split(".")
    for resource in resources_:
        node = node["resources"][resource]
    found: JsonObject = node["methods"][method]
    return found


def _check(value: Json, kind: JsonObject, path: str, violations: Violations) -> None:
    """Collect what of `value` does not fit `kind`, a piece of the discovery document."""
    if value is None or kind.get("type") == "any":
        return
    if "$ref" in kind:
        kind = document("sheets.v4")["schemas"][kind["$ref"]]
    expected = kind.get("type")
    if expected == "object":
        _check_object(value, kind, path, violations)
    elif expected == "array":
        if not isinstance(value, list):
            violations.append((path, _unexpected(path, value)))
            return
        for place, item in enumerate(value):
            _check(item, kind["items"], f"{path}[{place}]", violations)
    else:
        problem = _scalar_problem(value, kind)
        if problem:
            violations.append((path, f"Invalid value at '{path}' ({problem}), {json.dumps(value)}"))


def _check_object(value: Json, kind: JsonObject, path: str, violations: Violations) -> None:
    if not isinstance(value, dict):
        violations.append((path, _unexpected(path, value)))
        return
    if "additionalProperties" in kind:
        return
    known = kind.get("properties", {})
    for name, inner in value.items():
        if name in known:
            _check(inner, known[name], f"{path}.{_snake(name)}" if path else _snake(name), violations)
            continue
        where = f" at '{path}'" if path else ""
        text = f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.'
        violations.append((path, text))


def _scalar_problem(value: Json, kind: JsonObject) -> str:
    """The type that `value` is not; empty if it fits. Numbers may come as text, as protocol buffers' JSON allows."""
    expected, width = kind["type"], kind.get("format", "")
    if expected == "boolean":
        return "" if isinstance(value, bool) else "TYPE_BOOL"
    if expected == "string" and width in {"int64", "uint64"}:
        expected = "integer"
    if expected == "string":
        known = kind.get("enum")
        if not isinstance(value, str):
            return "TYPE_STRING"
        return "TYPE_ENUM" if known and value not in known else ""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return f"TYPE_{width.upper()}"
    try:
        number = float(value)
    except ValueError:
        return f"TYPE_{width.upper()}"
    least, most = _INT_RANGES.get(width, (float("-inf"), float("inf")))
    whole = expected != "integer" or number.is_integer()
    return "" if whole and least <= number <= most else f"TYPE_{width.upper()}"


def _unexpected(path: str, value: Json) -> str:
    return f"Invalid value at '{path}' (TYPE_MESSAGE), {json.dumps(value)}"


def _without_nulls(value: Json, *, in_values: bool = False) -> Json:
    """Google reads null as absent, except among cell values, where it means: leave this cell alone."""
    if isinstance(value, dict):
        return {
            name: _without_nulls(inner, in_values=name == "values")
            for name, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [_without_nulls(item, in_values=in_values) for item in value if item is not None or in_values]
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", lambda found: "_" + found[1].lower(), name)
