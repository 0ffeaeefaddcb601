# SPDX-License-Identifier: Apache-2.0
"""Tests of the documents: those that are generated are fresh, links lead somewhere, and named tests exist."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

from symtrack.cosim.formal.table import PROPERTIES
from symtrack.cosim.tools import build_cache
from symtrack.model import cache
from symtrack.model.markdown import WIDTH
from symtrack.scripts import write_docs
from tests.cosim.formal import test_proofs
from tests.paths import ROOT

DOCS = ROOT / "docs"
TOP = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]


def test_generated_documents_are_fresh() -> None:
    texts = write_docs.documents()
    assert len(texts) >= 4
    for name, text in texts.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name} is stale: run scripts/write_docs.py"


def test_the_drawings_show_what_happens() -> None:
    drawings = {name: text for name, text in write_docs.documents().items() if name.endswith(".svg")}
    integration = (DOCS / "integration.md").read_text(encoding="utf-8")
    for name, text in drawings.items():
        assert f"]({name})" in integration
        assert text.count("<polyline") >= 4  # bits
    assert ">400<" in drawings["figures/timing-registers.svg"]
    for pulses in (5, -3, 2):
        assert f"writes.pulses: {pulses:x}" in drawings["figures/timing-transfer.svg"]


@pytest.mark.parametrize("document", [*TOP, *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (document.parent / target).is_file(), target


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_tests_that_are_named_exist(document: Path) -> None:
    for name in re.findall(r"`(tests/[^`]+)`", document.read_text(encoding="utf-8")):
        file, _, function = name.partition("::")
        assert (DOCS.parent / file).exists(), name
        if function:
            assert f"def {function}(" in (DOCS.parent / file).read_text(encoding="utf-8"), name


def test_the_plan_names_tests_and_proofs_that_exist() -> None:
    text = (DOCS / "verification.md").read_text(encoding="utf-8")
    plan = text.partition("## Proofs")[0]
    rows = [line.split("|") for line in plan.splitlines() if line.startswith("| ") and "shown by" not in line]
    assert all(len(cells) == 5 for cells in rows)
    points = [cells[2] for cells in rows if "**" not in cells[1]]
    assert all(cells[3].strip() for cells in rows if "**" not in cells[1])
    assert len(points) >= 25
    blocks = {entry.block for entry in PROPERTIES}
    for cell in points:
        names = re.findall(r"`([^`]+)`", cell)
        assert names, cell
        for name in names:
            if name.startswith("scripts/prove.py --block "):
                assert name.split()[-1] in blocks, name
                continue
            file, _, function = name.partition("::")
            assert (DOCS.parent / file).is_file(), name
            if file.startswith("scripts/"):
                continue
            form = rf"def {function}\(" if function else "def test_"
            assert re.search(form, (DOCS.parent / file).read_text(encoding="utf-8")), name
    assert blocks <= {name.split()[-1] for cell in points for name in re.findall(r"`(scripts/prove[^`]+)`", cell)}


def slow_cases(test: Callable[..., None]) -> list[bool]:
    """Whether each case of a test, in each of its parameters, is slow; of a test without parameters whether it is."""
    marks = list(getattr(test, "pytestmark", ()))
    slow = any(mark.name == "slow" for mark in marks)
    cases = [case for mark in marks if mark.name == "parametrize" for case in mark.args[1]]
    return [slow or any(mark.name == "slow" for mark in getattr(case, "marks", ())) for case in cases] or [slow]


def test_the_plan_says_where_a_test_is_slow() -> None:
    rows = re.findall(
        r"^\|.*\|$", (DOCS / "verification.md").read_text(encoding="utf-8").partition("## Proofs")[0], re.M
    )
    slow = []
    for row in rows:
        names = re.findall(r"`(tests/[^`]+)\.py::(\w+)`", row)
        if any(any(slow_cases(getattr(import_module(file.replace("/", ".")), name))) for file, name in names):
            slow.append(row)
    assert len(slow) >= 9
    assert [row for row in slow if "slow" not in row.split("|")[3]] == []


def test_the_plan_counts_the_proofs_of_the_fast_tier() -> None:
    proved, broken = (
        slow_cases(test).count(False)
        for test in (test_proofs.test_a_property_is_proved, test_proofs.test_a_property_fails_with_its_twin)
    )
    numbers = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    told = (
        f"The fast tier proves {proved} of the {len(PROPERTIES)} properties, none of them of a whole tile, and plants"
    )
    told += f" the errors of {numbers[broken]}."
    assert told in " ".join((DOCS / "verification.md").read_text(encoding="utf-8").split())
    assert {entry.build.__name__ for entry in PROPERTIES if entry.block == "tile"}.isdisjoint(test_proofs.FAST)


def test_the_table_of_proofs_is_that_of_the_proofs() -> None:
    text = (DOCS / "verification.md").read_text(encoding="utf-8").partition("## Proofs")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("| ")]
    assert [row[:4] for row in rows[1:]] == [
        [entry.block, entry.name, entry.size, f"induction, {entry.depth} cycles"] for entry in PROPERTIES
    ]


@pytest.mark.parametrize("document", [*TOP, *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name)
def test_lines_are_wrapped(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    long = [line for line in text.splitlines() if len(line) > WIDTH and not line.lstrip().startswith("|")]
    assert not long, "wrap them with symtrack.model.markdown.wrapped; only rows of tables cannot be wrapped"


@pytest.mark.parametrize("document", [*TOP, *sorted(DOCS.glob("*.md"))], ids=lambda path: path.name)
def test_files_and_modules_that_are_named_exist(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    for name in re.findall(r"`((?:model|hdl|cosim|scripts|tests|docs)/[\w./]+)`", text):
        assert (ROOT / name).exists(), name
    for name in re.findall(r"`((?:model|hdl|cosim|scripts)\.[\w.]+)`", text):
        ways = [ROOT.joinpath(*name.split(".")[:parts]) for parts in (2, 3, 4)]
        assert any(way.with_suffix(".py").exists() for way in ways), name


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert headings[0] == version("symtrack").partition(".dev")[0]
    assert headings[-1] == "0.1.0"


def test_the_guide_tells_of_every_target_of_the_makefile() -> None:
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert set(re.findall(r"`make ([\w-]+)`", guide)) == set(targets.split()) - {"tools"}


def test_the_commands_tell_of_every_environment_variable() -> None:
    section = (DOCS / "commands.md").read_text(encoding="utf-8").partition("## Environment variables")[2]
    variables = re.findall(r"^\| `(\w+)` \|", section, re.M)
    assert variables == [cache.VARIABLE, build_cache.VARIABLE, "NUMBA_CACHE_DIR"]
    assert f"`{next(iter(build_cache.COMPILED))}` is the default" in section
    assert all(f"`{value}`" in section for value in build_cache.COMPILED)


def without_reset(source: Path) -> set[str]:
    """Names of the registers that a source makes without a reset, with what follows a fixed beginning as …."""
    names = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        for call in ast.walk(node) if isinstance(node, ast.Assign | ast.Expr) else ():
            words = {word.arg: word.value for word in call.keywords} if isinstance(call, ast.Call) else {}
            if "reset_less" not in words:
                continue
            match words.get("name"):
                case ast.Constant(value=name):
                    names.add(name)
                case ast.JoinedStr(values=[ast.Constant(value=name), *_]):
                    names.add(f"{name}…")
                case ast.JoinedStr(values=[ast.FormattedValue(), ast.Constant(value=end)]) if end != "_":
                    names.add(f"…{end}")
                case ast.JoinedStr():
                    names.add("NAME")
                case None:
                    assert isinstance(node, ast.Assign)
                    names.add(ast.unparse(node.targets[0]))
    return names


def test_the_registers_without_a_reset_are_those_of_the_sources() -> None:
    table = (DOCS / "tile.md").read_text(encoding="utf-8").partition("without a reset\n")[2]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): set(re.findall(r"`([^`]+)`", row[1])) for row in rows}
    general = {row[0].strip("`") for row in rows if "NAME" in row[1]}
    found = {str(path.relative_to(ROOT)): without_reset(path) for path in (ROOT / "hdl").rglob("*.py")}
    assert {file: names - {"NAME"} for file, names in found.items() if names} == told
    assert {file for file, names in found.items() if "NAME" in names} == general
