# SPDX-License-Identifier: Apache-2.0
"""Plays a record of golden cycles on Verilog in Icarus Verilog, which has four values."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from symtrack.cosim.campaign.replay import ReplayRecord, write_replay


def replay(folder: Path, played: ReplayRecord, verilog: str, standard: str = "2005") -> list[str]:
    """Run the test bench in Icarus Verilog, by a standard; returns what it prints."""
    file = folder / "tile.v"
    file.write_text(verilog, encoding="utf-8")
    bench = write_replay(folder, played)
    subprocess.run(
        ["iverilog", f"-g{standard}", "-Wall", "-o", "replay", bench.name, file.name], cwd=folder, check=True
    )
    done = subprocess.run(["vvp", "-n", "replay"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def without_a_reset(verilog: str, module: str, register: str) -> str:
    """The Verilog without the reset of a register of a module."""
    before, start, rest = verilog.partition(f"module \\{module} (")
    body, end, after = rest.partition("endmodule")
    following = re.escape(re.search(rf"^    {register} <= (\S+) ;", body, re.MULTILINE)[1])
    bent, count = re.subn(rf"^    if \(rst\) begin\n +{following} +=.*\n    end\n", "", body, flags=re.MULTILINE)
    assert count == 1
    return "".join((before, start, bent, end, after))
