"""Who may import whom, and who speaks to the outside. Notebooks count: their code cells are read too."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
FILES = sorted(
    path
    for pattern in (
        "hashmap.py",
        "lib/**/*.py",
        "blocks/**/*.py",
        "flows/**/*.py",
        "notebooks/*.ipynb",
        "sandbox/**/*.py",
    )
    for path in ROOT.glob(pattern)
)


def part_of(path: Path) -> str:
    part = path.relative_to(ROOT).parts[0].removesuffix(".py")
    return "lib tasks" if path.is_relative_to(ROOT / "lib/tasks") else part


def source(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text()
    cells = json.loads(path.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source(path))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the full name, not a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_part_may(path):
    part = part_of(path)
    ours = {name.partition(".")[0] for name in imported(path)} & OURS
    assert ours <= MAY_IMPORT[part]
    forbidden, exempt = FORBIDDEN.get(part, (set(), set()))
    if str(path.relative_to(ROOT)) not in exempt:
        assert not {name.partition(".")[0] for name in imported(path)} & forbidden


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


@pytest.mark.parametrize(
    "path",
    sorted(path for top in FLOORS for path in ROOT.glob(f"{top}/**/*.py")),
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_a_room_imports_none_above_it(path):
    top, *rooms, _ = path.relative_to(ROOT).parts
    own = rooms[0] if rooms else ""
    floor = next(number for number, names in enumerate(FLOORS[top]) if own in names)
    below = set().union(*FLOORS[top][: floor + 1])
    for name in imported(path):
        if name.partition(".")[0] == top:
            part = name.split(".")[1]
            room = part if (ROOT / top / part).is_dir() else ""
            assert room in below, name
            assert {own, room} not in APART, name


@pytest.mark.parametrize("path", sorted(ROOT.glob("notebooks/*.ipynb")), ids=lambda path: path.name)
def test_a_notebook_never_writes_to_google_or_jira(path):
    tasks = {name for name in imported(path) if re.search(r"_tasks\b", name)}
    assert not tasks, "creation goes through the flow"
    assert not re.search(r"\.(create|create_in_bulk|write_column|update)\(", source(path))


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
