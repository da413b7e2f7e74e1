"""A double that shares code with the client shares its mistakes."""

import ast
import shutil
from pathlib import Path

import pytest

import sandbox

FOLDER = Path(sandbox.__file__).parent
IMPORTING = ("__import__", "import_module", "importlib.import_module")
OURS = {path.stem for path in FOLDER.parent.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


def imported(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write the full name, not a relative import"
            names.add(node.module or "")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in IMPORTING and node.args:
            names.add(ast.unparse(node.args[0]).strip("'"))
    return {name.partition(".")[0] for name in names}


def others(folder):
    """What the sandbox imports of this project beside itself, by file."""
    found = {path: imported(path) & OURS - {"sandbox"} for path in sorted(folder.rglob("*.py"))}
    return {str(path.relative_to(folder)): names for path, names in found.items() if names}


def test_the_sandbox_imports_only_itself_of_this_project():
    assert others(FOLDER) == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from lib.services import a1", {"lib"}),
        ("def f():\n    import hashmap, blocks.loading", {"hashmap", "blocks"}),
        ("import importlib\nimportlib.import_module('flows.clients')", {"flows"}),
    ],
)
def test_what_the_sandbox_must_not_import_is_found_however_deep_it_lies(tmp_path, code, found):
    copied = shutil.copytree(FOLDER, tmp_path / "sandbox", ignore=shutil.ignore_patterns("__pycache__"))
    (copied / "google" / "deep").mkdir()
    (copied / "google" / "deep" / "new.py").write_text(code)
    assert others(copied) == {"google/deep/new.py": found}


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_modules_are_short_enough_to_read(path):
    assert len(path.read_text().splitlines()) <= 300
