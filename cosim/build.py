"""Verilator builds, one folder per design, named by a hash of everything that goes into it.

``build/verilator/<hash>/`` holds Verilog, waivers and the simulator. A finished folder is used again and never
changed; an unfinished build lives under another name and is moved into place at its end.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import cocotb
import cocotb_tools.config

from cosim.toolchain import find_verilator, run

ROOT = Path(__file__).resolve().parent.parent / "build" / "verilator"

CONTROL = """\
`verilator_config
// Waived, both come from the form of the generated text: operators on operands of unequal width, which Verilog
// extends as intended, and registers that have an initial value and a reset.
lint_off -rule WIDTHEXPAND
lint_off -rule PROCASSINIT
// What the test bench reaches through VPI: the ports, and the state that is compared at the end of a run.
public_flat_rw -module "{top}" -var "*"
public_flat_rd -module "*" -var "words"
public_flat_rd -module "*" -var "state"
public_flat_rd -module "*" -var "flipped"
public_flat_rd -module "*" -var "sweep"
"""

FLAGS = ("--cc", "--exe", "--vpi", "--prefix", "Vtop", "-O3", "--x-assign", "fast", "--no-timing")


def cocotb_simulator(verilog: str, top: str, *, waves: bool) -> Path:
    """Folder with the simulator of ``verilog`` for cocotb, built if it is not there yet.

    Raises
    ------
    ToolError
        A program is missing, or Verilator or the compiler rejects the text.
    """
    tool = find_verilator()
    libraries = cocotb_tools.config.libs_dir
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    flags = [*FLAGS, *(["--trace-vcd"] if waves else [])]
    control = CONTROL.format(top=top)
    link = f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"
    identity = "\0".join((tool.version, cocotb.__version__, link, *flags, control, top, verilog))
    folder = ROOT / hashlib.sha256(identity.encode()).hexdigest()[:16]
    if folder.is_dir():
        return folder

    ROOT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=ROOT, prefix="unfinished-") as name:
        work = Path(name)
        source, waivers, log = work / "tile.v", work / "control.vlt", work / "build.log"
        source.write_text(verilog, encoding="utf-8")
        waivers.write_text(control, encoding="utf-8")
        command = [tool.executable, *flags, "-Mdir", str(work), "--top-module", top, "-o", top]
        run([*command, "-LDFLAGS", link, str(main), str(waivers), str(source)], tool.environment, log)
        runtime = _runtime_objects(tool.version, flags)
        for item in runtime.glob("*.o"):
            shutil.copy(item, work)
        jobs = str(os.cpu_count() or 1)
        run(["make", "-C", str(work), "-j", jobs, "-f", "Vtop.mk", "OPT_FAST=-O2"], tool.environment, log)
        _publish(work.glob("verilated*.o"), runtime)
        _publish([source, waivers, log, work / top], folder)
    return folder


def _runtime_objects(version: str, flags: list[str]) -> Path:
    """Where Verilator's own run-time library is kept: it is the same for every design built with these flags."""
    return ROOT / f"runtime-{hashlib.sha256(' '.join((version, *flags)).encode()).hexdigest()[:16]}"


def _publish(files: Iterable[Path], folder: Path) -> None:
    """Make ``folder`` with copies of ``files`` appear at once; an equal one that is already there stays."""
    if folder.is_dir():
        return
    ready = Path(tempfile.mkdtemp(dir=ROOT, prefix="unfinished-"))
    for item in files:
        shutil.copy(item, ready)
    try:
        ready.rename(folder)
    except OSError:
        shutil.rmtree(ready)
        if not folder.is_dir():
            raise
