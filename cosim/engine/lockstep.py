# SPDX-License-Identifier: Apache-2.0
"""Lock-step checker: compares every output of the RTL in every cycle, and its state, with the golden tile.

The first difference stops the run with `MismatchError`, which names the cycle, the signal and both values, and holds
the cycles before it. A run that compared nothing counts as failed (`Verdict.passed`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.tile import TileModel

HISTORY = 12
STATES_EVERY = 1024  # cycles; reading the state takes as long as a few dozen of them

Ports = dict[str, int]
State = dict[str, NDArray[Any]]
Program = Generator[Ports, Ports, Any]
"""Yields the inputs of a cycle and gets its outputs."""


class UnknownWord(int):
    """A word with unknown bits, as four-valued simulators have them: it equals no word, and is written by its bits."""

    bits: str

    def __new__(cls, bits: str) -> UnknownWord:
        word = super().__new__(cls, -1)
        word.bits = bits
        return word

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.bits,)

    def __format__(self, spec: str) -> str:
        return self.bits


@dataclass(frozen=True)
class Fault:
    """One deliberate error, to show that the checker can fail.

    where: ``rtl`` inverts the bits ``mask`` of the input or output port ``name`` between the RTL and the bench;
    ``golden`` inverts them in element ``index`` of the golden memory ``name``. cycle: when, counted from 0.
    """

    where: str
    name: str
    mask: int
    cycle: int
    index: int = 0


@dataclass(frozen=True)
class Difference:
    """The first difference of a run; in history the RTL's outputs, the inputs, and golden's outputs by cycle.

    tile: whose, where there are several; cycles are its own. rtl: -1 where a bit of it is unknown (`UnknownWord`).
    """

    cycle: int
    signal: str
    golden: int
    rtl: int
    history: list[dict[str, Any]] = field(repr=False, default_factory=list)
    tile: str = ""

    def __str__(self) -> str:
        where = f"{self.tile}, " if self.tile else ""
        values = f"{self.rtl:#x} in the RTL, {self.golden:#x} in the golden model"
        return f"{where}cycle {self.cycle}: {self.signal} is {values}"

    def table(self) -> str:
        """The last cycles as aligned text: a port a line, a cycle a column; ``a/b`` is golden/RTL where they differ."""
        if not self.history:
            return ""
        names = [name for name in self.history[0]["rtl"] if len({str(c["rtl"].get(name)) for c in self.history}) > 1]
        if self.signal in self.history[0]["rtl"] and self.signal not in names:
            names.append(self.signal)
        rows = [["cycle", *(str(entry["cycle"]) for entry in self.history)]]
        for name in names:
            cells = []
            for entry in self.history:
                rtl, golden = entry["rtl"][name], entry["golden"].get(name)
                cells.append(f"{rtl:x}" if golden is None or golden == rtl else f"{golden:x}/{rtl:x}")
            rows.append([name, *cells])
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


class MismatchError(AssertionError):
    """RTL and golden differ."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(str(difference))
        self.difference = difference


class Checker:
    """Golden tile that sees the inputs of the RTL and judges its outputs.

    Parameters
    ----------
    config
        Configuration of both.
    faults
        Deliberate errors; those on the RTL's side are applied by `inject`, those in the golden state here.
    """

    def __init__(self, config: TileConfig, faults: tuple[Fault, ...] = ()) -> None:
        self.golden = TileModel(config)
        self.faults = faults
        self.cycles = 0
        self.compared = 0
        self.states_compared = 0
        self.history: deque[dict[str, Any]] = deque(maxlen=HISTORY)

    def inject(self, ports: Ports) -> Ports:
        """``ports`` of this cycle with the RTL-side faults in them."""
        hit = [f for f in self.faults if f.where == "rtl" and f.cycle == self.cycles and f.name in ports]
        return ports if not hit else {**ports, **{f.name: ports[f.name] ^ f.mask for f in hit}}

    def cycle(self, inputs: Ports, outputs: Ports) -> None:
        """Compare one cycle: ``inputs`` as the host meant them, ``outputs`` as the RTL gave them."""
        for fault in self.faults:
            if fault.where == "golden" and fault.cycle == self.cycles:
                self.golden.memory(fault.name)[fault.index] ^= fault.mask
        expected = self.golden.step(inputs)
        self.history.append({"cycle": self.cycles, "rtl": {**inputs, **outputs}, "golden": expected})
        if outputs != expected:
            if outputs.keys() != expected.keys():
                raise KeyError(f"ports differ: {sorted(outputs.keys() ^ expected.keys())}")
            signal = next(name for name, value in expected.items() if outputs[name] != value)
            raise MismatchError(Difference(self.cycles, signal, expected[signal], outputs[signal], list(self.history)))
        self.cycles += 1
        self.compared += 1

    @property
    def state_due(self) -> bool:
        """Whether it is time to compare the state, too, of which an error may show in no output for long."""
        return self.cycles % STATES_EVERY == 0

    def state(self, rtl: State) -> None:
        """Compare the state arrays that the RTL shows with the golden ones of the same name."""
        self.states_compared += compare_states(self.cycles, rtl, self.golden.state_arrays(), list(self.history))


def lock_step(program: Program, checker: Checker, read_state: Callable[[], State]) -> Generator[Ports, Ports, Any]:
    """The loop of every engine over the cycles of a program.

    Yields the inputs that the RTL gets in a cycle and is sent its outputs, after the rising edge that ends it. Returns
    what the program returns; raises `MismatchError` at the first difference.
    """
    try:
        inputs = next(program)
        while True:
            outputs = checker.inject((yield checker.inject(inputs)))
            checker.cycle(inputs, outputs)
            if checker.state_due:
                checker.state(read_state())
            inputs = program.send(outputs)
    except StopIteration as end:
        return end.value


def play_in_lock_step(
    program: Program, checker: Checker, read_state: Callable[[], State], cycle: Callable[[Ports], Ports]
) -> Any:
    """Play a program where ``cycle`` gives the outputs of the RTL for its inputs; what the program returns."""
    steps = lock_step(program, checker, read_state)
    try:
        inputs = next(steps)
        while True:
            inputs = steps.send(cycle(inputs))
    except StopIteration as end:
        return end.value


def compare_states(
    cycle: int, rtl: State, golden: State, history: Sequence[dict[str, Any]] = (), *, tile: str = ""
) -> int:
    """Compare every array of ``rtl`` with the golden one of its name; the number of words, or `MismatchError`."""
    words = 0
    for name, value in rtl.items():
        expected = np.asarray(golden[name]).reshape(-1)
        found = np.asarray(value).reshape(-1)
        differing = np.flatnonzero(expected != found)
        if differing.size:
            word = int(differing[0])
            values = int(expected[word]), int(found[word])
            raise MismatchError(Difference(cycle, f"{name}[{word}]", *values, list(history), tile))
        words += expected.size
    return words


@dataclass
class Verdict:
    """Outcome of a lock-step run; `asdict` of it is what reports print.

    states_hidden: state arrays that a foreign netlist does not show, and that were therefore not compared.
    """

    cycles: int = 0
    compared_cycles: int = 0
    states_compared: int = 0
    states_hidden: list[str] = field(default_factory=list)
    mismatches: int = 0
    first_mismatch: Difference | None = None

    @property
    def passed(self) -> bool:
        """Something was compared and nothing differed."""
        return self.compared_cycles > 0 and self.mismatches == 0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)
