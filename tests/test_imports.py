# SPDX-License-Identifier: Apache-2.0
"""Tests of who imports whom, and that the packages of others which are imported are declared dependencies.

hdl and model share only the specification, folders do not import in a circle, and the package does not import tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from graphlib import CycleError
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from symtrack.scripts.documents.imports import folder_graph, imported, levels
from tests.paths import ROOT

SIDES = ("model", "hdl", "cosim", "scripts")
ELSEWHERE = {  # what runs in an environment that holds aihwkit, and what it takes there
    Path("model/analysis/aihwkit_networks.py"): {"aihwkit", "numpy", "torch"},
    Path("model/exchange/aihwkit_recording.py"): {"aihwkit", "numpy", "torch"},
}


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


@pytest.mark.parametrize("file", ELSEWHERE, ids=str)
def test_what_runs_in_another_environment_takes_nothing_of_ours(file: Path) -> None:
    found = {name.partition(".")[0] for name in imported(ROOT / file)}
    assert found - set(sys.stdlib_module_names) == ELSEWHERE[file]


def package_imports() -> dict[str, set[str]]:
    """What the package imports, by the first part of its name, and the files that do so."""
    found: dict[str, set[str]] = {}
    for side in SIDES:
        for path in sorted((ROOT / side).rglob("*.py")):
            for name in imported(path) if path.relative_to(ROOT) not in ELSEWHERE else ():
                found.setdefault(name.partition(".")[0], set()).add(str(path.relative_to(ROOT)))
    return found


def distribution(requirement: str) -> str:
    """The name in a requirement, in the form in which names are compared."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower()


def test_imported_packages_are_declared_dependencies() -> None:
    """Only what is for work on symtrack itself may take packages that an installation without extras does not have."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    always = {distribution(name) for name in project["project"]["dependencies"]}
    declared: dict[str, set[str]] = {
        "build-system": {distribution(name) for name in project["build-system"]["requires"]}
    }
    for extra, names in project["project"]["optional-dependencies"].items():
        declared[extra] = {distribution(name) for name in names}
    known = packages_distributions()
    extras = {}
    for name, files in package_imports().items():
        if name in sys.stdlib_module_names or name == "symtrack":
            continue
        of = {distribution(one) for one in known.get(name, [name])}
        if not of & always:
            extras[name] = {extra for extra, names in declared.items() if of & names}
            assert extras[name], f"{name} is imported by {sorted(files)} and is no dependency of pyproject.toml"
    assert extras == {
        "cosmic_ray": {"mutation"},
        "hypothesis": {"test"},
        "pyslang": {"test"},
        "setuptools": {"build-system", "test"},
        "tensorboardX": {"tensorboard"},
        "torch": {"torch"},
    }


def test_the_package_does_not_import_its_tests() -> None:
    """There is one exception: `scripts.results` loads the training in floating point by its path.

    That is written from the equations, so that it can judge the golden model, and belongs to the tests, which compare
    both. The document of results shows both, too, so the same code must make its runs. It needs a checkout.
    """
    assert "tests" not in package_imports()
    loads = r"spec_from_file_location|sys\.path(\.\w|\[| ?\+?=)|runpy|__import__"
    loaders = {
        str(path.relative_to(ROOT))
        for side in SIDES
        for path in (ROOT / side).rglob("*.py")
        if re.search(loads, path.read_text(encoding="utf-8"))
    }
    assert loaders == {"scripts/results.py"}


def test_folders_do_not_import_in_a_circle() -> None:
    graph = folder_graph(ROOT)
    assert len(graph) > 25
    try:
        levels(graph)
    except CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_generating_verilog_needs_no_golden_model_and_no_compiler() -> None:
    """The two sides are independent when they run, too."""
    code = """
import sys
from symtrack.scripts.generate_verilog import main
main(["--config", "tiny", "--out", sys.argv[1]])
allowed = tuple(f"symtrack.model.{name}" for name in ("spec", "cache", "files", "interrupts"))  # none computes a tile
golden = [name for name in sys.modules if name.startswith("symtrack.model.") and not name.startswith(allowed)]
heavy = [name for name in ("numba", "scipy", "sklearn", "cocotb", "matplotlib") if name in sys.modules]
print("left out" if not golden + heavy else golden + heavy)
"""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "left out", done.stderr


@pytest.mark.parametrize("name", SIDES)
@pytest.mark.parametrize("form", ["from {}.spec import config", "import {}", "import {}.spec.config as c"])
def test_imports_by_bare_names_are_caught(name: str, form: str) -> None:
    """By the linter, wherever a file may be; those of the package are not."""
    for prefix, caught in (("", True), ("symtrack.", False)):
        command = [sys.executable, "-m", "ruff", "check", "--quiet", "--output-format", "concise"]
        done = subprocess.run(
            [*command, "--select", "TID251", "--stdin-filename", "scripts/new.py", "-"],
            input=form.format(prefix + name) + "\n",
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == caught, done.stdout + done.stderr
        assert (f"the package is symtrack: import symtrack.{name}" in done.stdout) == caught


def test_the_linter_looks_for_them() -> None:
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert "TID251" in ruff["lint"]["select"]
    assert set(ruff["lint"]["flake8-tidy-imports"]["banned-api"]) == set(SIDES)


FOUND = """
import sys
from importlib.metadata import packages_distributions
from importlib.util import find_spec

known = packages_distributions()
for name in sys.argv[1:]:
    spec = find_spec(name)
    places = [] if spec is None else [spec.origin or "", *(spec.submodule_search_locations or [])]
    print(name, *places, *known.get(name, []))
"""


def found(folder: Path, *path: Path) -> dict[str, str]:
    """Where Python finds the folders of the checkout by their bare names, and which packages have put them there."""
    names = sorted(path.name for path in ROOT.iterdir() if path.is_dir() and path.name.isidentifier())
    assert {"build", "hdl", "tests"} <= set(names)
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables |= {"PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-c", FOUND, *names]
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=True)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)


def test_the_installation_adds_no_name_but_its_own(tmp_path: Path) -> None:
    """``import build``, for one, is not a folder of ours; the wheel has a test of its own."""
    assert not {name for name, places in found(tmp_path).items() if str(ROOT) in places or "symtrack" in places}
    assert {"build", "hdl", "tests"} <= set(found(tmp_path, ROOT))
