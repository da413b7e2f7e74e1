"""Who may import whom, and who speaks to the outside. Notebooks count: their code cells are read too."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lib.services.reading import GoogleReader

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "hashmap": set(),
    "lib": {"lib"},
    "lib tasks": {"lib", "blocks"},
    "blocks": {"blocks", "lib"},
    "notebooks": {"lib", "blocks", "hashmap"},
    "flows": {"flows", "lib", "blocks", "hashmap", "sandbox"},
    "sandbox": {"sandbox"},
}
OURS = {"hashmap", "lib", "blocks", "notebooks", "flows", "sandbox", "tests"}
SPEAKS_HTTP = {
    "requests",
    "urllib3",
    "httplib2",
    "httpx",
    "aiohttp",
    "googleapiclient",
    "google_auth_httplib2",
    "atlassian",
    "http",
}
# Part -> third-party packages that it must not import, and the files that may all the same.
FORBIDDEN = {
    "lib": (
        {"prefect"} | SPEAKS_HTTP,
        {"lib/services/google_api.py", "lib/services/google_token.py", "lib/services/jira_api.py"},
    ),
    "lib tasks": (SPEAKS_HTTP, set()),
    "blocks": (SPEAKS_HTTP, set()),
    "notebooks": ({"prefect"} | SPEAKS_HTTP, set()),
    "flows": (SPEAKS_HTTP | {"pandas", "papermill", "nbformat"}, set()),
}
PATTERNS = ("hashmap.py", "lib/**/*.py", "blocks/**/*.py", "flows/**/*.py", "notebooks/*.ipynb", "sandbox/**/*.py")
# Each room may import those before it; the empty one is what lies in the folder itself.
FLOORS = {
    "lib": [{""}, {"services", "notebook", "run"}, {"plan"}, {"exactly_once"}, {"watch"}, {"report"}, {"tasks"}],
    "sandbox": [{"http"}, {"google", "jira", "seed", "faults", ""}],
}
APART = {
    frozenset({"google", "jira"}),
    frozenset({"services", "notebook"}),
    frozenset({"services", "run"}),
    frozenset({"notebook", "run"}),
}
# What a notebook may import: what computes and shows. It reads Google with a client that cannot write.
NOTEBOOKS_IMPORT = re.compile(
    r"(functools|datetime|math|re|collections|itertools|pandas|matplotlib)(\.\w+)*|hashmap\.\w+"
    r"|lib\.(formats|settings|files|report|plan|watch|run)\.[\w.]+|blocks\.google_credentials\.GoogleCredentials"
)
NOTEBOOKS_NAME_NOT = {"exec", "eval", "compile", "open", "getattr", "setattr", "globals", "locals", "vars"}


def files(root: Path) -> list[Path]:
    return sorted(path for pattern in PATTERNS for path in root.glob(pattern))


def part_of(path: Path, root: Path) -> str:
    inside = path.relative_to(root)
    return "lib tasks" if inside.parts[:2] == ("lib", "tasks") else inside.parts[0].removesuffix(".py")


def source(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imported(path: Path) -> set[str]:
    return imported_in(ast.parse(source(path)))


def imported_in(tree: ast.Module) -> set[str]:
    """The full names, as they are called where they come from."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the full name, not a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


def wrong_imports(path: Path, root: Path) -> set[str]:
    """What a file imports that its part may not."""
    part = part_of(path, root)
    forbidden, exempt = FORBIDDEN.get(part, (set(), set()))
    if str(path.relative_to(root)) in exempt:
        forbidden = set()
    return (tops(path) & OURS) - MAY_IMPORT[part] | tops(path) & forbidden


def imports_from_above(path: Path, root: Path) -> set[str]:
    """What a file imports from a room above its own, or from one that it has nothing to do with."""
    top, *rooms, _ = path.relative_to(root).parts
    own = rooms[0] if rooms else ""
    floor = next((number for number, names in enumerate(FLOORS[top]) if own in names), None)
    assert floor is not None, f"{top}/{own} has no floor"
    below = set().union(*FLOORS[top][: floor + 1])
    wrong = set()
    for name in imported(path):
        if name.partition(".")[0] == top:
            part = name.split(".")[1]
            room = part if part in set().union(*FLOORS[top]) else ""
            if room not in below or frozenset({own, room}) in APART:
                wrong.add(name)
    return wrong


def writes(notebook: Path) -> set[str]:
    """By what a notebook could write to Google or Jira, or get at something that can."""
    lines = source(notebook).splitlines()
    magics = {line for line in lines if line.lstrip().startswith(("!", "%"))}
    tree = ast.parse("\n".join(line for line in lines if line not in magics))
    found = magics | {name for name in imported_in(tree) if not NOTEBOOKS_IMPORT.fullmatch(name)}
    readers = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in NOTEBOOKS_NAME_NOT or name.startswith("__"):
                found.add(name)
            case ast.Attribute(attr=name) if name.startswith("_"):
                found.add(name)
            case ast.Attribute(ast.Call(ast.Name("GoogleCredentials") as block), "get_reader"):
                readers.add(block)
            case ast.alias("GoogleCredentials", str(other)):
                found.add(other)
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "GoogleCredentials"]
    return found | {name.id for name in used if name not in readers}


@pytest.mark.parametrize("path", files(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_part_may(path):
    assert wrong_imports(path, ROOT) == set()


@pytest.mark.parametrize(
    "path", [p for p in files(ROOT) if p.relative_to(ROOT).parts[0] in FLOORS], ids=lambda p: str(p.relative_to(ROOT))
)
def test_a_room_imports_none_above_it(path):
    assert imports_from_above(path, ROOT) == set()


def plant(root: Path, name: str, code: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True)
    path.write_text(code)
    return path


@pytest.mark.parametrize(
    ("planted", "code", "seen"),
    [
        ("lib/plan/new/deep.py", "import requests, flows", {"requests", "flows"}),
        ("lib/plan/new.py", "def f():\n    import prefect", {"prefect"}),
        ("lib/tasks/more/new.py", "from urllib3 import PoolManager\nfrom flows import clients", {"urllib3", "flows"}),
        ("blocks/more/new.py", "from flows.resolve import NAME", {"flows"}),
        ("flows/more/new.py", "import httpx", {"httpx"}),
        ("sandbox/google/more/new.py", "from lib.plan import adf", {"lib"}),
    ],
)
def test_what_a_file_must_not_import_is_found_however_deep_it_lies(tmp_path, planted, code, seen):
    plant(tmp_path, planted, code)
    [found] = files(tmp_path)
    assert wrong_imports(found, tmp_path) == seen


@pytest.mark.parametrize(
    ("planted", "code"),
    [
        ("lib/plan/new.py", "from lib.exactly_once import plan_run"),
        ("lib/plan/deep/new.py", "from lib.report.audit import counts"),
        ("lib/services/new.py", "from lib.plan.content_plan import parse"),
        ("lib/new.py", "from lib.services import models"),
        ("sandbox/google/new.py", "from sandbox.jira import jql"),
        ("sandbox/jira/deep/new.py", "from sandbox.google.cells import Cell"),
        ("sandbox/http/new.py", "from sandbox.world import World"),
    ],
)
def test_what_comes_from_a_room_above_is_found(tmp_path, planted, code):
    assert imports_from_above(plant(tmp_path, planted, code), tmp_path)


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_cannot_write_to_google_or_jira(path):
    assert writes(path) == set()


@pytest.mark.parametrize(
    "cell",
    [
        "from blocks.jira_credentials import JiraCredentials\nJiraCredentials().get_client().add_comment('CP-1', {}, '')",
        "from blocks.google_credentials import GoogleCredentials\nGoogleCredentials().get_client().update('id', [])",
        "from blocks.google_credentials import GoogleCredentials\nGoogleCredentials().api.update('id', [])",
        "from blocks.google_credentials import GoogleCredentials\nblock = GoogleCredentials()\nblock.api.update('id', [])",
        "from blocks.google_credentials import GoogleCredentials as Google\nGoogle().api.update('id', [])",
        "from lib.services.google_api import GoogleApi",
        "from lib.tasks import jira_tasks",
        "from lib.exactly_once.plan_sheet import PlanSheet",
        "import requests\nrequests.post('https://a.example')",
        "from urllib.request import urlopen",
        "import subprocess",
        "__import__('requests').post('https://a.example')",
        "google._GoogleReader__api.update('id', [])",
        "open('plan.json', 'w')",
        "!curl -X POST https://a.example",
    ],
)
def test_a_cell_that_could_write_is_found(tmp_path, cell):
    notebook = json.loads((ROOT / "notebooks/content_plan_audit.ipynb").read_text())
    planted = {"cell_type": "code", "source": cell}
    path = plant(tmp_path, "notebooks/planted.ipynb", json.dumps({**notebook, "cells": [*notebook["cells"], planted]}))
    assert writes(path)


def test_what_a_notebook_reads_google_with_has_nothing_that_writes():
    offered = {name for name in dir(GoogleReader) if not name.startswith("_")}
    assert offered == {"read_spreadsheet", "read_values", "read_texts", "read_ranges", "find_files"}


@pytest.mark.parametrize("package", ["lib", "blocks", "flows", "sandbox"])
def test_a_package_does_nothing_when_it_is_imported(package):
    assert (ROOT / package / "__init__.py").read_text() == ""


def test_a_lock_file_names_public_hosts_alone():
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}


def test_the_hashmap_holds_just_its_five_dictionaries():
    tree = ast.parse((ROOT / "hashmap.py").read_text())
    names = [node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)]
    assert names == ["WORKERS", "COMPONENTS", "CONTENT_EDITOR", "FIELD_ASSOCIATE", "CUSTOM_FIELDS"]
    assert len(tree.body) == 1 + len(names)


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_loads_no_client_unless_it_reads_a_plan_itself(path):
    """Each kernel imports anew, and these would cost every notebook half a second."""
    statements = [
        ast.unparse(node) for node in ast.parse(source(path)).body if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    shown = f"import sys; print(sorted({SPEAKS_HTTP - {'http'} | {'nbformat', 'nbconvert'}} & set(sys.modules)))"
    ended = subprocess.run(
        [sys.executable, "-c", "\n".join([*statements, shown])], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert (ended.stdout.strip() == "[]") == (path.name != "explore_content_plan.ipynb"), ended.stdout
