# SPDX-License-Identifier: Apache-2.0
"""The graph of imports: levels from the bottom up, a circle that is found, and a drawing that leaves nothing out."""

from __future__ import annotations

from graphlib import CycleError
from pathlib import Path

import pytest

from symtrack.scripts.documents.imports import folder_graph, levels, most_imported, reduced
from tests.paths import ROOT


def files(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_small_tree(tmp_path: Path) -> None:
    files(
        tmp_path,
        model__low__a="import numpy",
        model__high__b="def later():\n    from symtrack.model.low.a import something",
        scripts__c="from symtrack.model.high import b\nimport symtrack.model.low.a",
        scripts__face__d="import symtrack.scripts.c",
    )
    graph = folder_graph(tmp_path)
    assert graph == {"model/low": set(), "model/high": {"model/low"}, "scripts": {"model/high", "model/low"}}
    assert levels(graph) == [["model/low"], ["model/high"], ["scripts"]]
    assert reduced(graph)["scripts"] == {"model/high"}
    assert most_imported(tmp_path) == ["model/low/a.py", "model/high/b.py"]
    files(tmp_path, model__low__a="import symtrack.model.high.b")
    with pytest.raises(CycleError):
        levels(folder_graph(tmp_path))


def test_what_the_drawing_leaves_out_follows_from_the_rest() -> None:
    graph = folder_graph(ROOT)

    def reachable(arrows: dict[str, set[str]], folder: str) -> set[str]:
        return arrows[folder].union(*(reachable(arrows, target) for target in arrows[folder]))

    assert all(reachable(reduced(graph), folder) == reachable(graph, folder) for folder in graph)
