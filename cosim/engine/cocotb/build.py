# SPDX-License-Identifier: Apache-2.0
"""Builds the simulators that cocotb plays on: Verilator with cocotb's main program, or a program of Icarus Verilog."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import cocotb
import cocotb_tools.config

from symtrack.cosim.tools import build_cache as build
from symtrack.cosim.tools.toolchain import find_program, find_verilator, run

LIBRARIES = "libraries"  # a link to cocotb's, beside what is compiled
DUMP = "dump.vcd"  # where simulators leave the waveforms, in the folder that they run in


def verilator_command(verilog: str, top: str, *, waves: bool) -> list[str]:
    """The command that starts Verilator's simulator of ``verilog``; errors as of `cocotb_simulator`."""
    return [str(cocotb_simulator(verilog, top, waves=waves) / top), *(["--trace"] if waves else [])]


def icarus_command(verilog: str, top: str, *, waves: bool) -> list[str]:
    """The command that starts Icarus Verilog on ``verilog``, by SystemVerilog as cocotb does by default.

    It has four values, so a register is unknown until it is written, if it has no initial value in the text.

    Raises
    ------
    ToolError
        Icarus Verilog is missing or rejects the text.
    """
    compiler, player = (find_program(name) for name in ("iverilog", "vvp"))
    dumped = f'module dump;\n  initial begin $dumpfile("{DUMP}"); $dumpvars(0, {top}); end\nendmodule\n'
    texts = {"timescale.v": "`timescale 1ns / 1ps\n", "tile.v": verilog} | ({"dump.v": dumped} if waves else {})
    options = ["-g2012", "-s", top, *(["-s", "dump"] if waves else []), "-o", top]

    def produce(work: Path) -> Iterable[Path]:
        for name, text in texts.items():
            (work / name).write_text(text, encoding="utf-8")
        run([compiler, *options, *texts], None, work / "build.log", folder=work)
        return [work / name for name in (*texts, "build.log", top)]

    told = subprocess.run([compiler, "-V"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]
    folder = build.cached((told, *options, *texts.values()), produce)
    return [player, "-n", "-m", str(cocotb_tools.config.lib_entry("vpi", "icarus")), str(folder / top)]


def cocotb_simulator(
    verilog: str,
    top: str,
    *,
    waves: bool,
    coverage: bool = False,
    shown: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> Path:
    """Folder with the simulator of ``verilog``, an executable named ``top``, built if it is not there yet.

    coverage: it leaves ``coverage.dat`` where it runs. shown: of modules inside, those of their variables that can be
    read, too.

    Raises
    ------
    ToolError
        A program is missing, or Verilator or the compiler rejects the text.
    """
    tool = find_verilator()
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    flags = [*build.FLAGS, "--exe", "--vpi", *(["--trace-vcd"] if waves else [])]
    flags += ["--coverage-line", "--coverage-toggle"] if coverage else []
    control = f'{build.CONTROL}public_flat_rw -module "{top}" -var "*"\n'
    for module, names in shown.items():
        control += "".join(f'public_flat_rd -module "{module}" -var "{name}"\n' for name in names)
    link = ["-o", top, "-LDFLAGS", f"-L{LIBRARIES} -lcocotbvpi_verilator"]

    def produce(work: Path) -> Iterable[Path]:
        (work / LIBRARIES).symlink_to(cocotb_tools.config.libs_dir)
        shutil.copy(main, work)
        files = build.verilate(work, tool, verilog, top, control, [*flags, *link], work / main.name)
        build.make(work, tool, flags)
        return [*files, work / top]

    identity = (tool.version, cocotb.__version__, *build.compile_options(), *flags, *link, control, verilog)
    return build.cached(identity, produce)
