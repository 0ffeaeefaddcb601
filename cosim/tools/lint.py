# SPDX-License-Identifier: Apache-2.0
"""Lints Verilog with Verilator, slang and Verible, all warnings on, except for those that are waived."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.hdl.output.lint_waivers import SLANG_WAIVED, VERIBLE_WAIVED, VERILATOR_WAIVED, verible_rules


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


def find_verible() -> str | None:
    """The path of Verible's lint, which lies beside Python where it comes from its package; None if there is none."""
    searched = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    return shutil.which("verible-verilog-lint", path=searched)


def verible_findings(verilog: str, top: str, waived: tuple[str, ...] = tuple(VERIBLE_WAIVED)) -> list[str]:
    """What Verible's lint finds with its default rules except for ``waived`` ones, one per line.

    Raises
    ------
    ValueError
        There is no Verible.
    """
    tool = find_verible()
    if tool is None:
        raise ValueError("verible-verilog-lint: must be installed (the package verible)")
    with tempfile.TemporaryDirectory() as folder:
        file, rules = Path(folder) / f"{top}.v", Path(folder) / "rules"
        file.write_text(verilog, encoding="utf-8")
        rules.write_text(verible_rules(waived), encoding="utf-8")
        command = [tool, "--rules_config", str(rules), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line.removeprefix(str(file)) for line in (done.stdout + done.stderr).splitlines()]
