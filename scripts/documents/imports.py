# SPDX-License-Identifier: Apache-2.0
"""The graph of imports: which folder of the package imports which, and the files that most others import."""

from __future__ import annotations

import ast
import textwrap
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

SIDES = ("model", "hdl", "cosim", "scripts")
FACE = "scripts/face"  # the package itself: above all others, but for the version that all may ask for
MOST = 5
WIDTH = 120
INTRODUCTION = """\
# Folders, and who imports whom

This page is made from the code by `scripts/write_docs.py`: what a folder is, is the first sentence of its
`__init__.py`; a test shows that no folders import each other in a circle. [architecture.md](architecture.md) explains
why they are what they are. Below each heading the folders stand from the bottom up.
"""
GRAPH = """\
## The graph

An arrow leads from a folder to one that it imports; arrows that longer ways imply are left out. `model` itself is the
few files that all of it needs: caches, compiled kernels, files that appear whole. The package's face, `scripts/face`,
lies above all others.
"""


def imported(file: Path) -> set[str]:
    """Dotted names that a file imports, wherever in the file; the source must not import relatively."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def module_of(root: Path, name: str) -> Path | None:
    """The file of a dotted name of the package, that of what it is a member of if it is no module itself."""
    parts = name.removeprefix("symtrack.").split(".")
    for end in (len(parts), len(parts) - 1):
        path = root.joinpath(*parts[:end])
        if end and path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
        if (path / "__init__.py").is_file():
            return path / "__init__.py"
    return None


def file_graph(root: Path) -> dict[Path, set[Path]]:
    """Every file of the package with those that it imports; the face and packages' own files are left out."""
    graph: dict[Path, set[Path]] = {}
    for side in SIDES:
        for file in sorted((root / side).rglob("*.py")):
            if file.is_relative_to(root / FACE):
                continue
            found = {module_of(root, name) for name in imported(file) if name.split(".")[0] == "symtrack"}
            graph[file] = {path for path in found if path is not None and path.name != "__init__.py"} - {file}
    return graph


def folder_graph(root: Path) -> dict[str, set[str]]:
    """Every folder of the package with the folders that its files import."""
    graph: dict[str, set[str]] = {}
    for file, targets in file_graph(root).items():
        here = str(file.parent.relative_to(root))
        graph.setdefault(here, set()).update(str(path.parent.relative_to(root)) for path in targets)
        graph[here].discard(here)
    return graph


def most_imported(root: Path) -> list[str]:
    """The files that most files of the package import."""
    counts = Counter(str(path.relative_to(root)) for targets in file_graph(root).values() for path in targets)
    return sorted(counts, key=lambda name: (-counts[name], name))[:MOST]


def levels(graph: dict[str, set[str]]) -> list[list[str]]:
    """Folders from the bottom up: a level imports only levels below it. Raises `graphlib.CycleError` for a circle."""
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    found = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found.append(ready)
        sorter.done(*ready)
    return found


def reduced(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The graph without arrows that longer ways already imply."""

    def below(folder: str) -> set[str]:
        return graph[folder].union(*(below(target) for target in graph[folder]))

    return {
        folder: {one for one in targets if not any(one in below(other) for other in targets)}
        for folder, targets in graph.items()
    }


def folders_markdown(root: Path) -> str:
    """The document about folders: what each is, whom it imports, a drawing, and the files that most others import."""
    graph = folder_graph(root)
    order = {folder: level for level, folders in enumerate(levels(graph)) for folder in folders}
    used = set[str]().union(*graph.values())
    lines = [INTRODUCTION]
    for side in SIDES:
        lines += [f"## {side}", "", *_sentence(root / side / "__init__.py"), ""]
        for folder in sorted((one for one in graph if one.startswith(f"{side}/")), key=lambda one: (order[one], one)):
            lines += _item(root, folder, graph[folder])
        lines.append("")
    lines += [GRAPH, "```mermaid", "flowchart TD"]
    for side in SIDES:
        lines.append(f"  subgraph {side}_all [{side}]")
        own = [folder for folder in sorted(graph) if folder.split("/")[0] == side]
        lines += [f"    {_node(folder)}[{folder}]" for folder in own if graph[folder] or folder in used]
        lines.append("  end")
    for folder, targets in reduced(graph).items():
        lines += [f"  {_node(folder)} --> {_node(target)}" for target in sorted(targets)]
    lines += ["```", "", "## Files that most others import", ""]
    for name in most_imported(root):
        text = ast.get_docstring(ast.parse((root / name).read_text(encoding="utf-8"))) or ""
        lines += _wrapped(f"`{name}`: {text.partition(chr(10))[0]}")
    return "\n".join(lines) + "\n"


def _node(folder: str) -> str:
    return folder.replace("/", "_")


def _sentence(file: Path) -> list[str]:
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return textwrap.wrap(text.partition("\n\n")[0], WIDTH)


def _item(root: Path, folder: str, targets: set[str]) -> list[str]:
    text = " ".join(_sentence(root / folder / "__init__.py"))
    names = ", ".join(f"`{target}`" for target in sorted(targets))
    return _wrapped(f"`{folder}`: {text} Imports {names or 'nothing of the package'}.")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="* ", subsequent_indent="  ", break_on_hyphens=False)
