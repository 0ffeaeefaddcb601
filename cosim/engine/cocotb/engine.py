# SPDX-License-Identifier: Apache-2.0
"""The cocotb engines: build a simulator, start it on a job in a process of its own and read the outcome."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from xml.etree.ElementTree import ParseError

import cocotb_tools.config
from cocotb_tools.check_results import get_results

from symtrack.cosim.engine.cocotb.build import DUMP, icarus_command, verilator_command
from symtrack.cosim.engine.job import Job, Outcome
from symtrack.cosim.tools.toolchain import ToolError, libpython
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import module_name
from symtrack.model.cache import VARIABLE, cache_root

FOLDER, OUTCOME = "SYMTRACK_JOB", "outcome.pickle"
# What cocotb, its interface to the simulator and older versions of both read of the environment.
_TO_COCOTB = re.compile(
    r"(COCOTB|GPI|PYGPI)_\w+|MODULE|TOPLEVEL|TOPLEVEL_LANG|TESTCASE|RANDOM_SEED|COVERAGE|LIBPYTHON_LOC"
)


def run_job(
    job: Job,
    *,
    verilog: str | None = None,
    waves: Path | None = None,
    progress: Callable[[int], None] = lambda cycles: None,
    simulator: Callable[..., list[str]] = verilator_command,
) -> Outcome:
    """Play ``job`` on the Verilog of its configuration, or on ``verilog``, any text with the same top module and ports.

    Parameters
    ----------
    waves
        Where to leave a VCD of the run.
    progress
        Told from time to time how much of the job is done, in its own unit.
    simulator
        What gives the command that starts the simulator, for a text, its top module, and ``waves``.

    Raises
    ------
    ToolError
        The simulator cannot be built, or it ended without an outcome; the message says where its log is.
    """
    top = module_name(job.config)
    text = tile_verilog(job.config) if verilog is None else verilog
    command = simulator(text, top, waves=waves is not None)
    job = dataclasses.replace(job, own_netlist=verilog is None)
    with tempfile.TemporaryDirectory(prefix="symtrack-") as name:
        folder = Path(name)
        (folder / "job.pickle").write_bytes(pickle.dumps(job))
        with _watched(folder / "progress", progress):
            play(command, top, "symtrack.cosim.engine.cocotb.bench", folder)
        result: Outcome = pickle.loads((folder / OUTCOME).read_bytes())
        if waves is not None:
            unfinished = waves.with_name(f".{waves.name}.part")
            shutil.copy(folder / DUMP, unfinished)
            unfinished.replace(waves)
    return result


run_icarus_job = partial(run_job, simulator=icarus_command)


def play(command: Sequence[str], top: str, module: str, folder: Path) -> None:
    """Run a simulator with the cocotb test of ``module``, which gets ``folder`` as `FOLDER` and leaves `OUTCOME` there.

    Raises
    ------
    ToolError
        The test failed, or left no outcome; the message has the last error of its log.
    """
    log, results = folder / "simulation.log", folder / "results.xml"
    environment = bench_environment(top, module, results)
    environment[FOLDER] = str(folder)
    with log.open("wb") as file:
        try:
            code = subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file, check=False
            ).returncode
        except OSError as error:
            raise ToolError(f"{command[0]}: must be a program that can be run ({error.strerror})") from None
    try:
        tests, failures = get_results(results)
    except (RuntimeError, ParseError):  # there is no file, or it is cut off
        tests, failures = 0, 0
    if code or tests == 0 or failures or not (folder / OUTCOME).is_file():
        raise ToolError(f"the simulation ended without an outcome ({_how(code, tests, failures)}): {_last_error(log)}")


def bench_environment(top: str, module: str, results: Path) -> dict[str, str]:
    """The environment of a simulator that cocotb runs the test of ``module`` in: that of this process without all that
    would tell cocotb something else.
    """
    libraries = str(cocotb_tools.config.libs_dir)
    searched = [libraries, *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    return {name: value for name, value in os.environ.items() if not _TO_COCOTB.fullmatch(name)} | {
        "COCOTB_TEST_MODULES": module,
        "COCOTB_TOPLEVEL": top,
        "COCOTB_RESULTS_FILE": str(results),
        "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_REWRITE_ASSERTION_FILES": "",  # rewriting every imported module costs seconds
        "TOPLEVEL_LANG": "verilog",
        "GPI_USERS": f"{libpython()};{cocotb_tools.config.pygpi_entry_point()}",
        "PYGPI_PYTHON_BIN": sys.executable,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LD_LIBRARY_PATH": os.pathsep.join(searched),
        VARIABLE: str(cache_root()),  # may be told relative to the folder of this process
    }


def _how(code: int, tests: int, failures: int) -> str:
    """How a simulation ended."""
    if code < 0:
        name = next((one.name for one in signal.Signals if one == -code), f"signal {-code}")
        return f"killed by {name}" + (", as where memory runs out" if name == "SIGKILL" else "")
    return f"{tests} tests, {failures} failed" + (f", exit code {code}" if code else "")


def _last_error(log: Path) -> str:
    """The last line of a simulation's log that names an error of the simulator or an exception, or its last line."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    told = [line.strip() for line in lines if re.search(r"^\s*(%Error\b|[\w.]*(Error|Exception)\b).*:", line)]
    return (told or [line.strip() for line in lines if line.strip()] or ["it wrote no log"])[-1]


@contextlib.contextmanager
def _watched(file: Path, progress: Callable[[int], None]) -> Iterator[None]:
    """Passes on what the simulation leaves in ``file`` while it runs."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            with contextlib.suppress(OSError, ValueError):
                progress(int(file.read_text(encoding="ascii")))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
