# SPDX-License-Identifier: Apache-2.0
"""What can be said of symtrack.torch where PyTorch is not installed; with it, `tests/torch` says the rest."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib

from tests.paths import ROOT

FACE = ROOT / "scripts" / "face" / "torch.py"


def test_without_torch_one_line_says_what_to_install() -> None:
    code = f"import sys; sys.path[:0] = {sys.path!r}; sys.modules['torch'] = None\nimport symtrack.torch"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    told = "ImportError: torch: must be installed for symtrack.torch, with: pip install 'symtrack[torch]'"
    assert done.stderr.splitlines()[-1] == told
    assert done.stderr.count("Traceback") == 1
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert [name.partition(">")[0] for name in extras["torch"]] == ["torch"]


def test_the_names_that_are_promised_are_there() -> None:
    made, promised = set(), []
    for path in FACE.parent.glob("torch*.py"):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                made.add(node.name)
            elif path == FACE and isinstance(node, ast.Assign) and node.targets[0].id == "__all__":
                promised += ast.literal_eval(node.value)
    assert promised
    assert set(promised) <= made


def test_nothing_else_needs_torch() -> None:
    code = f"import sys; sys.path[:0] = {sys.path!r}; sys.modules['torch'] = None\nimport symtrack\n"
    code += "[getattr(symtrack, name) for name in symtrack.__all__]"
    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
