# SPDX-License-Identifier: Apache-2.0
"""Tests that one design holds the Verilog parameters of two configurations; their values have tests elsewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.hdl.output.verilog import controller_name
from symtrack.hdl.output.verilog_parameters import verilog_parameters
from symtrack.model.spec.config import NAMED

NAMES = ("tiny", "odd")


def linted(folder: Path, texts: dict[str, str]) -> str:
    """What Verilator says of two modules in one file, each with the header and the controller of a configuration."""
    lines = []
    for name, text in texts.items():
        (folder / f"{name}.vh").write_text(text)
        lines += [f"module {controller_name(NAMED[name])}(input aclk); endmodule", f"module {name} #("]
        lines += [
            f'`include "{name}.vh"',
            ") (input aclk);",
            "`SYMTRACK_CONTROLLER controller(.aclk(aclk));",
            "endmodule",
        ]
    (folder / "design.v").write_text("\n".join([*lines, ""]))
    tool = find_verilator()
    command = [tool.executable, "--lint-only", "-Wall", "-Wno-UNUSED", "-Wno-MULTITOP", "-Wno-DECLFILENAME", "design.v"]
    return subprocess.run(command, cwd=folder, env=tool.environment, capture_output=True, text=True, check=False).stderr


def test_one_design_holds_two_configurations(tmp_path: Path) -> None:
    texts = {name: verilog_parameters(NAMED[name]) for name in NAMES}
    assert linted(tmp_path, texts) == ""
    bent = {name: re.sub("`(ifdef|undef|endif).*\n", "", text) for name, text in texts.items()}
    assert "REDEFMACRO" in linted(tmp_path, bent)
