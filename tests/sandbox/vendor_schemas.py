"""The vendors' own descriptions of their APIs, to hold the sandbox's answers and our requests against.

Google's discovery documents come with google-api-python-client, Jira's OpenAPI document with jira-as.
"""

import json
from functools import cache
from importlib import resources

import fastjsonschema

_INT64 = {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^-?[0-9]+$"}]}
_FORMATS = {
    "int64": _INT64,
    "uint64": _INT64,
    "int32": {"type": "integer"},
    "uint32": {"type": "integer", "minimum": 0},
}


@cache
def discovery(api):
    folder = resources.files("googleapiclient") / "discovery_cache" / "documents"
    return json.loads((folder / f"{api}.json").read_text("utf-8"))


@cache
def openapi():
    return json.loads((resources.files("jira_as") / "specs" / "jira-platform-swagger-v3.json").read_text("utf-8"))


def google_method(operation):
    """The discovery document's description of a method."""
    api, *path, name = operation.split(".")
    node = discovery("sheets.v4" if api == "sheets" else "drive.v3")
    for resource in path:
        node = node["resources"][resource]
    return node["methods"][name]


@cache
def jira_operations():
    """Every operation of Jira's document: id -> (method, path, description)."""
    return {
        described["operationId"]: (method.upper(), path, described)
        for path, methods in openapi()["paths"].items()
        for method, described in methods.items()
        if isinstance(described, dict) and "operationId" in described
    }


def check_google(api, schema, body):
    """Raise if `body` is not a `schema` of `sheets` or `drive`, names it does not have included."""
    _google_validator("sheets.v4" if api == "sheets" else "drive.v3", schema)(_without_nulls(body))


def check_jira(schema, body):
    """Raise if `body` does not fit a piece of Jira's document."""
    _jira_validator(json.dumps(schema))(body)


def jira_answer_schema(operation, status):
    """The schema of an operation's JSON answer; None if the document describes none for this status."""
    described = jira_operations()[operation][2]["responses"]
    assert str(status) in described, f"{operation} does not answer {status}, only {', '.join(described)}"
    return described[str(status)].get("content", {}).get("application/json", {}).get("schema")


def jira_request_schema(operation):
    described = jira_operations()[operation][2].get("requestBody")
    return described["content"]["application/json"]["schema"] if described else None


@cache
def _google_validator(api, schema):
    definitions = {name: _google_schema(described) for name, described in discovery(api)["schemas"].items()}
    return _compiled({"$ref": f"#/definitions/{schema}", "definitions": definitions})


def _google_schema(described):
    """A schema of the discovery document as strict JSON Schema."""
    if "$ref" in described:
        return {"$ref": "#/definitions/" + described["$ref"]}
    kind = described.get("type")
    if kind == "any":
        return {}
    if kind == "array":
        return {"type": "array", "items": _google_schema(described["items"])}
    if kind != "object":
        plain = dict(_FORMATS.get(described.get("format"), {"type": kind}))
        return {**plain, "enum": described["enum"]} if "enum" in described else plain
    if "additionalProperties" in described:
        return {"type": "object", "additionalProperties": _google_schema(described["additionalProperties"])}
    properties = {name: _google_schema(inner) for name, inner in described.get("properties", {}).items()}
    return {"type": "object", "properties": properties, "additionalProperties": False}


@cache
def _jira_validator(schema):
    wanted = json.loads(schema)
    needed = {name: openapi()["components"]["schemas"][name] for name in _names(wanted)}
    definitions = {name: _plain(described) for name, described in needed.items()}
    return _compiled({**_plain(wanted), "definitions": definitions})


def _names(schema, found=None):
    """The names of all schemas that a schema leads to."""
    found = set() if found is None else found
    if isinstance(schema, list):
        for item in schema:
            _names(item, found)
    elif isinstance(schema, dict):
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        if name and name not in found:
            found.add(name)
            _names(openapi()["components"]["schemas"][name], found)
        for inner in schema.values():
            _names(inner, found)
    return found


def _plain(schema):
    """OpenAPI 3.0 as JSON Schema: references moved, `nullable` spelt out, formats left to others."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": "#/definitions/" + schema["$ref"].rpartition("/")[2]}
    kept = {
        name: _plain(inner) for name, inner in schema.items() if name not in {"format", "example", "xml", "default"}
    }
    if kept.pop("nullable", False):
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def _compiled(schema):
    return fastjsonschema.compile({"$schema": "http://json-schema.org/draft-07/schema#", **schema}, use_default=False)


def _without_nulls(value):
    """Google reads null as absent."""
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
