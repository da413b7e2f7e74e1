"""A double that shares code with the client shares its mistakes."""

import ast
from pathlib import Path

import pytest

import sandbox

FOLDER = Path(sandbox.__file__).parent
OURS = {path.stem for path in FOLDER.parent.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}


def imported(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: write the full name, not a relative import"
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_the_sandbox_imports_only_itself_of_this_project(path):
    assert imported(path) & OURS <= {"sandbox"}


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: path.stem)
def test_modules_are_short_enough_to_read(path):
    assert len(path.read_text().splitlines()) <= 300
