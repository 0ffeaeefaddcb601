"""Tests of who imports whom: hdl and model share only the specification, and folders do not import in a circle."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.paths import ROOT

SIDES = ("model", "hdl", "cosim", "scripts")


def imported(file: Path) -> set[str]:
    """Dotted names that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def imports(folder: str) -> set[str]:
    """What the files of a folder import of the package, without its name."""
    names = set().union(*(imported(path) for path in sorted((ROOT / folder).rglob("*.py"))))
    assert names, folder
    return {name.removeprefix("symtrack.") for name in names if name.startswith("symtrack.")}


@pytest.mark.parametrize("folder", ["hdl", "tests/hdl/tile", "tests/hdl/parts", "tests/hdl/controller"])
def test_of_the_model_hdl_and_its_tests_import_the_specification_as_data_only(folder: str) -> None:
    names = {name for name in imports(folder) if name.startswith("model.")}
    assert {name.split(".")[1] for name in names} <= {"spec"}


@pytest.mark.parametrize(
    ("folder", "packages"),
    [("model", ("hdl", "cosim", "scripts")), ("cosim", ("scripts",)), ("hdl", ("cosim", "scripts"))],
)
def test_lower_packages_do_not_import_upper_ones(folder: str, packages: tuple[str, ...]) -> None:
    for package in packages:
        assert not [name for name in imports(folder) if name.split(".")[0] == package]


def module_of(name: str) -> Path | None:
    """The file of a dotted name of the package, that of what it is a member of if it is no module itself."""
    parts = name.removeprefix("symtrack.").split(".")
    for end in (len(parts), len(parts) - 1):
        path = ROOT.joinpath(*parts[:end])
        if path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
        if (path / "__init__.py").is_file():
            return path / "__init__.py"
    return None


def folder_graph() -> dict[str, set[str]]:
    """Every folder of the package with the folders that its files import."""
    graph: dict[str, set[str]] = {}
    for side in SIDES:
        for file in sorted((ROOT / side).rglob("*.py")):
            if file.is_relative_to(ROOT / "scripts" / "face"):
                continue
            here = str(file.parent.relative_to(ROOT))
            users = graph.setdefault(here, set())
            for name in imported(file):
                path = module_of(name) if name.startswith("symtrack.") else None
                if path is not None and path.name != "__init__.py":
                    users.add(str(path.parent.relative_to(ROOT)))
            users.discard(here)
    return graph


def test_folders_do_not_import_in_a_circle() -> None:
    graph = folder_graph()
    assert len(graph) > 25
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_generating_verilog_needs_no_golden_model_and_no_compiler() -> None:
    """The two sides are independent when they run, too."""
    code = """
import sys
from symtrack.scripts.generate_verilog import main
main(["--config", "tiny", "--out", sys.argv[1]])
allowed = ("symtrack.model.spec", "symtrack.model.cache", "symtrack.model.files")
golden = [name for name in sys.modules if name.startswith("symtrack.model.") and not name.startswith(allowed)]
heavy = [name for name in ("numba", "scipy", "sklearn", "cocotb", "matplotlib") if name in sys.modules]
print("left out" if not golden + heavy else golden + heavy)
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "left out", done.stderr
