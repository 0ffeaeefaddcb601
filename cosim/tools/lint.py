# SPDX-License-Identifier: Apache-2.0
"""Lints Verilog with Verilator and slang, all warnings on, except for those that are waived."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.hdl.output.lint_waivers import SLANG_WAIVED, VERILATOR_WAIVED


def verilator_warnings(verilog: str, top: str, waived: tuple[str, ...] = tuple(VERILATOR_WAIVED)) -> list[str]:
    """Errors and warnings of Verilator's ``-Wall`` except for ``waived`` ones, one per line."""
    with tempfile.TemporaryDirectory() as folder:
        tool = find_verilator().in_folder(Path(folder))
        file = Path(folder) / "tile.v"
        file.write_text(verilog, encoding="utf-8")
        command = [tool.executable, "--lint-only", "-Wall", *(f"-Wno-{rule}" for rule in waived)]
        done = subprocess.run(
            [*command, "--top-module", top, str(file)],
            env=tool.environment,
            capture_output=True,
            text=True,
            check=False,
        )
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("%")]


def slang_warnings(verilog: str, waived: tuple[str, ...] = tuple(SLANG_WAIVED)) -> list[str]:
    """Errors and warnings of slang's ``-Weverything`` except for ``waived`` ones, one per line."""
    import pyslang  # only who lints needs it
    from pyslang import analysis, ast, syntax

    tree = syntax.SyntaxTree.fromText(verilog)
    compilation = ast.Compilation()
    compilation.addSyntaxTree(tree)
    found = list(compilation.getAllDiagnostics())
    if not any(item.isError() for item in found):
        compilation.freeze()
        manager = analysis.AnalysisManager()
        manager.analyze(compilation)
        found += manager.getDiagnostics()
    engine = pyslang.DiagnosticEngine(tree.sourceManager)
    engine.setWarningOptions(["everything", *(f"no-{rule}" for rule in waived)])
    client = pyslang.TextDiagnosticClient()
    engine.addClient(client)
    for item in found:
        engine.issue(item)
    return [line for line in client.getString().splitlines() if re.match(r"source:.*(warning|error): ", line)]
