# SPDX-License-Identifier: Apache-2.0
"""Builds the simulator of the cocotb engine: the Verilog and cocotb's own main program."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

import cocotb
import cocotb_tools.config

from symtrack.cosim.tools import build_cache as build
from symtrack.cosim.tools.toolchain import find_verilator

LIBRARIES = "libraries"  # a link to cocotb's, beside what is compiled


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
