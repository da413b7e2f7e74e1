"""Who may import whom, and who speaks to the outside. Notebooks count: their code cells are read too."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path, PurePath

import pytest

from lib.services.reading import GoogleReader, JiraReader

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "hashmap": set(),
    "lib": {"lib"},
    "lib tasks": {"lib", "blocks"},
    "blocks": {"blocks", "lib"},
    "notebooks": {"lib", "blocks", "hashmap"},
    "flows": {"flows", "lib", "blocks", "hashmap", "sandbox"},
    "sandbox": {"sandbox"},
    "benchmarks": {"benchmarks", "sandbox", "flows", "lib"},
    "benchmarks peers": {"benchmarks"},
}
OURS = {"hashmap", "lib", "blocks", "notebooks", "flows", "sandbox", "benchmarks", "tests"}
IMPORTING = ("__import__", "import_module", "importlib.import_module")
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
    "urllib.request",
    "ftplib",
    "smtplib",
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
PATTERNS = (
    "hashmap.py",
    *("lib/**/*.py", "blocks/**/*.py", "flows/**/*.py", "notebooks/**/*.*", "sandbox/**/*.py", "benchmarks/**/*.*"),
)
# Each room may import those before it; the empty one is what lies in the folder itself.
FLOORS = {
    "lib": [
        {""},
        {"services", "notebook", "run"},
        {"plan"},
        {"exactly_once"},
        {"watch", "update"},
        {"report"},
        {"tasks"},
    ],
    "sandbox": [{"http"}, {"google", "jira"}, {"seed", "faults"}, {""}],
}
APART = {
    frozenset({"google", "jira"}),
    frozenset({"services", "notebook"}),
    frozenset({"services", "run"}),
    frozenset({"notebook", "run"}),
}
# What a notebook may import: what computes and shows. It reads Google with a client that cannot write. One that needs more of
# the standard library says so here, name by name: a module brings along what it imports itself.
NOTEBOOKS_IMPORT = re.compile(
    r"functools\.partial|datetime\.(date|timedelta)|collections\.(Counter|defaultdict)|hashmap\.\w+"
    r"|lib\.(dates|formats|settings)\.\w+|lib\.(report|plan|watch)\.\w+(\.\w+)?|lib\.run\.run_record(\.\w+)?"
    r"|blocks\.google_credentials\.GoogleCredentials|blocks\.jira_credentials\.JiraCredentials"
)
CREDENTIALS = {"GoogleCredentials", "JiraCredentials"}
NOTEBOOKS_BUILTINS = {
    *(
        "abs",
        "all",
        "any",
        "bool",
        "dict",
        "display",
        "enumerate",
        "filter",
        "float",
        "int",
        "isinstance",
        "len",
        "list",
    ),
    *(
        "map",
        "max",
        "min",
        "print",
        "range",
        "repr",
        "reversed",
        "round",
        "set",
        "sorted",
        "str",
        "sum",
        "tuple",
        "zip",
    ),
}
READER = "from blocks.google_credentials import GoogleCredentials\ngoogle = GoogleCredentials().get_reader()\n"
TOUCHES_FILES = set(dir(Path)) - set(dir(PurePath)) - set(dir(str)) | {"savefig"}


def files(root: Path) -> list[Path]:
    found = {path for pattern in PATTERNS for path in root.glob(pattern) if path.suffix in (".py", ".ipynb")}
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def notebooks(root: Path) -> list[Path]:
    return [path for path in files(root) if path.relative_to(root).parts[0] == "notebooks"]


def part_of(path: Path, root: Path) -> str:
    inside = path.relative_to(root)
    within = " ".join(inside.parts[:2])  # a room that has rules of its own
    return within if within in MAY_IMPORT else inside.parts[0].removesuffix(".py")


def source(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imported(path: Path) -> set[str]:
    return imported_in(ast.parse(source(path)))


def imported_in(tree: ast.Module) -> set[str]:
    """The full names, as they are called where they come from, also of what is imported by a call."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: write the full name, not a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in IMPORTING and node.args:
            names.add(ast.unparse(node.args[0]).strip("'"))
    return names


def is_within(name: str, package: str) -> bool:
    return f"{name}.".startswith(f"{package}.")


def defined(path: Path) -> set[str]:
    """The names that a module has of its own, not by importing them."""
    names = set()
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Assign() | ast.AnnAssign():
                names |= {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and _is_set(part)}
    return names


def _is_set(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def is_own(name: str) -> bool:
    """Whether a full name of ours is a module, or is defined where it says, and not merely imported there."""
    module, _, attribute = name.rpartition(".")
    path = ROOT / module.replace(".", "/")
    if (path / f"{attribute}.py").exists():
        return True
    public = not attribute.startswith("_")
    return public and path.with_suffix(".py").exists() and attribute in defined(path.with_suffix(".py"))


def wrong_imports(path: Path, root: Path) -> set[str]:
    """What a file imports that its part may not."""
    part = part_of(path, root)
    forbidden, exempt = FORBIDDEN.get(part, (set(), set()))
    if str(path.relative_to(root)) in exempt:
        forbidden = set()
    names = imported(path)
    ours = {name.partition(".")[0] for name in names} & OURS
    whole = {
        name for name in names if name in OURS - {"hashmap"} or (name.partition(".")[0] in OURS and name.endswith("*"))
    }
    return ours - MAY_IMPORT[part] | {no for no in forbidden if any(is_within(n, no) for n in names)} | whole


def imports_from_above(path: Path, root: Path) -> set[str]:
    """What a file imports from a room above its own, or from one that it has nothing to do with."""
    top, *rooms, _ = path.relative_to(root).parts
    own = rooms[0] if rooms else ""
    floor = next((number for number, names in enumerate(FLOORS[top]) if own in names), None)
    assert floor is not None, f"{top}/{own} has no floor"
    below = set().union(*FLOORS[top][: floor + 1])
    wrong = set()
    for name in imported(path):
        if is_within(name, top) and name != top:
            part = name.split(".")[1]
            room = part if part in set().union(*FLOORS[top]) else ""
            if room not in below or frozenset({own, room}) in APART:
                wrong.add(name)
    return wrong


def writes(notebook: Path) -> set[str]:
    """By what a notebook could write to Google, Jira or a file of its own choice, or get at something that can."""
    lines = source(notebook).splitlines()
    magics = {line for line in lines if line.lstrip().startswith(("!", "%"))}
    try:
        tree = ast.parse("\n".join(line for line in lines if line not in magics))
    except SyntaxError as error:
        return {*magics, str(error)}
    names = imported_in(tree)
    found = magics | {name for name in names if not NOTEBOOKS_IMPORT.fullmatch(name)}
    found |= {name for name in names if name.partition(".")[0] in OURS and not is_own(name)}
    modules, known = modules_of(tree), names_of(tree)
    readers = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name not in known | NOTEBOOKS_BUILTINS:
                found.add(name)
            case ast.Attribute(ast.Name(id=name), attr) if name in modules:
                found |= set() if is_own(f"{modules[name]}.{attr}") else {f"{name}.{attr}"}
            case ast.Attribute(attr=name) if name.startswith(("_", "to_")) or name in TOUCHES_FILES:
                found.add(name)
            case ast.Attribute(ast.Call(ast.Name("GoogleCredentials" | "JiraCredentials") as block), "get_reader"):
                readers.add(block)
            case ast.alias("GoogleCredentials" | "JiraCredentials", str(other)):
                found.add(other)
    used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in CREDENTIALS]
    return found | {name.id for name in used if name not in readers}


def modules_of(tree: ast.Module) -> dict[str, str]:
    """Name -> the module of ours that it stands for."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    named = {alias.asname or alias.name: f"{node.module}.{alias.name}" for node in imports for alias in node.names}
    return {name: full for name, full in named.items() if (ROOT / f"{full.replace('.', '/')}.py").exists()}


def names_of(tree: ast.Module) -> set[str]:
    """What the cells themselves give a name."""
    nodes = list(ast.walk(tree))
    found = {node.id for node in nodes if isinstance(node, ast.Name) and _is_set(node)}
    found |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    found |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    return found | {(node.asname or node.name).partition(".")[0] for node in nodes if isinstance(node, ast.alias)}


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
    path.parent.mkdir(parents=True, exist_ok=True)
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
        ("benchmarks/new.py", "from tests.desk import Desk", {"tests"}),
        ("benchmarks/peers/new.py", "from lib.plan import adf", {"lib"}),
        ("flows/new.py", "from benchmarks import works", {"benchmarks"}),
        ("notebooks/more/new.py", "from flows import clients", {"flows"}),
        ("lib/plan/more/new.py", "from urllib import parse, request", {"urllib.request"}),
        ("lib/plan/more/new.py", "__import__('requests')", {"requests"}),
        ("lib/more/new.py", "import importlib\nimportlib.import_module('flows.clients')", {"flows"}),
        ("lib/plan/new.py", "import lib", {"lib"}),
        ("lib/plan/new.py", "from lib.report import *", {"lib.report.*"}),
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
        ("lib/services/new.py", "from lib.plan.parsing import parse"),
        ("lib/new.py", "from lib.services import models"),
        ("sandbox/google/new.py", "from sandbox.jira import jql"),
        ("sandbox/jira/deep/new.py", "from sandbox.google.cells import Cell"),
        ("sandbox/http/new.py", "from sandbox.state import SandboxState"),
    ],
)
def test_what_comes_from_a_room_above_is_found(tmp_path, planted, code):
    assert imports_from_above(plant(tmp_path, planted, code), tmp_path)


def test_a_room_of_which_nobody_said_what_it_may_import_is_found(tmp_path):
    with pytest.raises(AssertionError, match="lib/new has no floor"):
        imports_from_above(plant(tmp_path, "lib/new/module.py", "import json"), tmp_path)


@pytest.mark.parametrize("path", notebooks(ROOT), ids=lambda path: path.name)
def test_a_notebook_cannot_write_to_google_or_jira(path):
    assert writes(path) == set()


@pytest.mark.parametrize(
    "cell",
    [
        "from blocks.jira_credentials import JiraCredentials\nJiraCredentials().get_client().add_comment('CP-1', {}, '')",
        "from blocks.google_credentials import GoogleCredentials\nGoogleCredentials().get_client().update('id', [])",
        "from blocks.jira_credentials import JiraCredentials\nJiraCredentials().api.set_labels('CP-1', [], [])",
        "from blocks.jira_credentials import JiraCredentials as Jira\nJira().api.set_labels('CP-1', [], [])",
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
        f"{READER}google._GoogleReader__api.update('id', [])",
        "open('plan.json', 'w')",
        "!curl -X POST https://a.example",
        "answer = !curl -X POST https://a.example",
        "%%bash\ncurl -X POST https://a.example",
        "get_ipython().system('curl -X POST https://a.example')",
        "from lib.settings import os\nos.system('curl -X POST https://a.example')",
        "from lib.report import explore\nexplore.runner.run_notebook",
        "from lib.report import explore as look\nlook.PlanSheet",
        "from lib.report.explore import GoogleReader",
        "from lib.plan import client_list as look\nlook.asyncio.create_subprocess_shell('curl')",
        "import re\nre.enum.sys.modules['requests'].post('https://a.example')",
        "from pandas.io.common import urlopen",
        f"{READER}match google:\n    case str(_GoogleReader__api=api): api.update('id', [])",
        "from lib.settings import ROOT\n(ROOT / 'plan.json').write_text('')",
        "from lib.settings import ROOT\n(ROOT / 'plan.json').open('w')",
        "from lib.settings import ROOT\n(ROOT / 'plan.json').unlink()",
        "record.rows.to_csv('plan.csv')",
        "from lib.run import archive\narchive.archive(ROOT / 'output')",
        "from lib.files import write_json",
    ],
)
def test_a_cell_that_could_write_is_found(tmp_path, cell):
    notebook = json.loads((ROOT / "notebooks/content_plan_audit.ipynb").read_text())
    planted = {"cell_type": "code", "source": cell}
    plant(tmp_path, "notebooks/as-it-is.ipynb", json.dumps(notebook))
    plant(tmp_path, "notebooks/deep/planted.ipynb", json.dumps({**notebook, "cells": [*notebook["cells"], planted]}))
    assert [bool(writes(path)) for path in notebooks(tmp_path)] == [False, True]


def test_what_a_notebook_reads_with_has_nothing_that_writes():
    offered = {name for name in dir(GoogleReader) if not name.startswith("_")}
    assert offered == {"read_spreadsheet", "read_texts", "read_tab", "find_files"}
    assert {name for name in dir(JiraReader) if not name.startswith("_")} == {"fetch", "read_states"}


@pytest.mark.parametrize("package", ["lib", "blocks", "flows", "sandbox", "benchmarks"])
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


@pytest.mark.parametrize("path", notebooks(ROOT), ids=lambda path: path.name)
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
