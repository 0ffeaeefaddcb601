# SPDX-License-Identifier: Apache-2.0
"""Reads a cell library in the Liberty format: area, pins with their capacitance, functions, energies and leakage.

    internal energy of a transition = table(load of the output, transition time of the input),   in pJ

Tables are interpolated linearly in both and end where their indices end. Units are those that the library declares;
everything here is in pF, ns, nW, V and pJ, and an energy has the unit of a capacitance times that of a voltage squared.
Of the format only what the accounts need is kept. Its groups, `name(arguments) { statements }`, are read here:
eda-liberty-parser is an alpha version by its own word, and liberty-tools needs a newer Python than this package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DEBIAN = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")
DEBIAN_PACKAGE = "qflow-tech-osu018"
_TOKEN = re.compile(r'"(?P<text>[^"]*)"|(?P<mark>[(){};:,])|(?P<word>[^\s"(){};:,]+)')
_SKIPPED = re.compile(r"/\*.*?\*/|\\\r?\n", re.DOTALL)
_UNITS = {"f": 1e-3, "p": 1.0, "n": 1e3}  # of capacitances, in pF
_SCALES = {"": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15}


class LibertyError(ValueError):
    """A file is no library that can be used; the message is one line."""


@dataclass
class Group:
    """A group of the format: its kind, its arguments, its attributes by name and the groups in it."""

    kind: str
    arguments: list[str]
    attributes: dict[str, list[str]] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)

    def of(self, kind: str) -> list[Group]:
        """The groups of a kind directly inside."""
        return [group for group in self.groups if group.kind == kind]

    def text(self, name: str, default: str = "") -> str:
        """A simple attribute."""
        return self.attributes.get(name, [default])[0]

    def number(self, name: str, default: float = 0.0) -> float:
        """A simple attribute that is a number."""
        return float(self.text(name, str(default)))


@dataclass(frozen=True)
class Table:
    """Energies in pJ over loads in pF (rows) and transition times in ns (columns); either may have one entry."""

    loads: NDArray[np.float64]
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    _over_loads: dict[float, NDArray[np.float64]] = field(default_factory=dict, repr=False)

    def at(self, load: float, time: float) -> float:
        """The energy at a load and a transition time."""
        if time not in self._over_loads:  # which is the same for all cells
            self._over_loads[time] = np.array([np.interp(time, self.times, row) for row in self.values])
        return float(np.interp(load, self.loads, self._over_loads[time]))


@dataclass(frozen=True)
class Pin:
    """A pin of a cell.

    Attributes
    ----------
    capacitance : of an input, in pF.
    function : of an output, "" if it is none of the inputs.
    clock : the pin is a clock.
    energies : per group of internal energies the tables of rise and fall.
    """

    name: str
    output: bool
    capacitance: float
    function: str
    clock: bool
    energies: tuple[tuple[Table, ...], ...]

    def energy(self, load: float, time: float) -> float:
        """Mean internal energy of a transition in pJ, over rise and fall and over the inputs that may cause it."""
        means = [sum(table.at(load, time) for table in group) / len(group) for group in self.energies]
        return sum(means) / len(means) if means else 0.0


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes
    ----------
    area, leakage : in the unit of the library, and in nW.
    pins : by name.
    data, clocked_on, states : of a flip-flop the function of its next state, its clock and the names of its state and
        of the inverse; of a latch the same with the level that opens it.
    latch : it is a latch.
    """

    name: str
    area: float
    leakage: float
    pins: dict[str, Pin]
    data: str = ""
    clocked_on: str = ""
    states: tuple[str, ...] = ()
    latch: bool = False

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the inputs, in the order of the library."""
        return tuple(pin.name for pin in self.pins.values() if not pin.output)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Names of the outputs."""
        return tuple(pin.name for pin in self.pins.values() if pin.output)


@dataclass(frozen=True)
class Library:
    """A library: its name, supply in V and cells by name."""

    name: str
    voltage: float
    cells: dict[str, Cell]


def read_library(path: Path) -> Library:
    """The library in a file.

    Raises
    ------
    LibertyError
        The file cannot be read, or is no library with cells; the message names it and what is allowed.
    """
    where = f"liberty = {str(path)!r}"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        how = f", for example with: apt-get install {DEBIAN_PACKAGE}" if path == DEBIAN else ""
        raise LibertyError(f"{where}: must be a readable Liberty file ({error.strerror}){how}") from None
    try:
        return library_of(text)
    except (ValueError, IndexError, StopIteration) as error:
        told = str(error) or "it ends within a group"
        raise LibertyError(f"{where}: must be a Liberty file with cells ({' '.join(told.split())[:80]})") from None


def library_of(text: str) -> Library:
    """The library in a text."""
    (top,) = parse(text)
    if top.kind != "library" or not top.of("cell"):
        raise ValueError("no group library with groups cell")
    factor, unit = top.attributes.get("capacitive_load_unit", ["1", "pf"])
    scale = float(factor) * _UNITS[unit.lower()[0]]
    volts = _unit(top.text("voltage_unit", "1V"))
    nanowatts = _unit(top.text("leakage_power_unit", "1nW")) * 1e9
    nanoseconds = _unit(top.text("time_unit", "1ns")) * 1e9
    units = _Units(scale, nanoseconds, scale * volts**2, nanowatts)
    templates = {group.arguments[0]: group for group in top.groups if group.kind.endswith("_template")}
    cells = [_cell(group, units, templates) for group in top.of("cell")]
    return Library(top.arguments[0], top.number("nom_voltage", 1.0) * volts, {cell.name: cell for cell in cells})


def parse(text: str) -> list[Group]:
    """The outermost groups of a text."""
    tokens = [
        (match.lastgroup or "", match[match.lastgroup or 0]) for match in _TOKEN.finditer(_SKIPPED.sub(" ", text))
    ]
    root = Group("", [])
    stack = [root]
    place = 0
    while place < len(tokens):
        kind, name = tokens[place]
        place += 1
        if (kind, name) == ("mark", "}"):
            stack.pop()
        elif kind == "word":
            mark = tokens[place]
            if mark == ("mark", ":"):
                stack[-1].attributes[name] = [tokens[place + 1][1]]
                place += 2
            elif mark == ("mark", "("):
                end = tokens.index(("mark", ")"), place)
                values = [value for kind, value in tokens[place + 1 : end] if kind != "mark"]
                place = end + 1
                if place < len(tokens) and tokens[place] == ("mark", "{"):
                    group = Group(name, values)
                    stack[-1].groups.append(group)
                    stack.append(group)
                    place += 1
                else:
                    stack[-1].attributes[name] = values
        elif (kind, name) != ("mark", ";"):
            raise ValueError(f"{name!r} is no statement")
    if len(stack) != 1:
        raise ValueError("a group has no end")
    return root.groups


@dataclass(frozen=True)
class _Units:
    load: float  # in pF
    time: float  # in ns
    energy: float  # in pJ
    leakage: float  # in nW


def _unit(text: str) -> float:
    """The value of a unit such as 1ns or 10mV, in the unit without a prefix."""
    match = re.fullmatch(r"([\d.]+)\s*([munpf]?)[a-zA-Z]+", text)
    if match is None:
        raise ValueError(f"unit {text!r}")
    return float(match[1]) * _SCALES[match[2]]


def _cell(group: Group, units: _Units, templates: dict[str, Group]) -> Cell:
    pins = {}
    for pin in group.of("pin"):
        for name in pin.arguments:
            pins[name] = _pin(name, pin, units, templates)
    latch = bool(group.of("latch"))
    state = next(iter(group.of("latch") or group.of("ff")), Group("ff", []))
    return Cell(
        name=group.arguments[0],
        area=group.number("area"),
        leakage=group.number("cell_leakage_power") * units.leakage,
        pins=pins,
        data=state.text("data_in" if latch else "next_state"),
        clocked_on=state.text("enable" if latch else "clocked_on"),
        states=tuple(state.arguments),
        latch=latch,
    )


def _pin(name: str, group: Group, units: _Units, templates: dict[str, Group]) -> Pin:
    energies = []
    for entry in group.of("internal_power"):
        tables = [_table(one, units, templates) for one in entry.groups if one.kind in ("rise_power", "fall_power")]
        tables += [_table(one, units, templates) for one in entry.of("power")]
        if tables:
            energies.append(tuple(tables))
    return Pin(
        name=name,
        output=group.text("direction") == "output",
        capacitance=group.number("capacitance") * units.load,
        function=group.text("function"),
        clock=group.text("clock") == "true",
        energies=tuple(energies),
    )


def _table(group: Group, units: _Units, templates: dict[str, Group]) -> Table:
    """The table of a group; which index is which is in its template."""
    values = np.array([_numbers(row) for row in group.attributes["values"]])
    template = templates.get(next(iter(group.arguments), ""), Group("", []))
    indices = {}
    for number in (1, 2):
        kept = group.attributes.get(f"index_{number}") or template.attributes.get(f"index_{number}")
        if kept:
            load = "capacitance" in template.text(f"variable_{number}")
            indices["load" if load else "time"] = np.array(_numbers(kept[0])) * (units.load if load else units.time)
    loads, times = (indices.get(name, np.zeros(1)) for name in ("load", "time"))
    first_is_load = "capacitance" in template.text("variable_1")
    if not first_is_load and "load" in indices:
        values = values.reshape(times.size, loads.size).T
    return Table(loads, times, values.reshape(loads.size, times.size) * units.energy)


def _numbers(text: str) -> list[float]:
    return [float(number) for number in re.split(r"[,\s]+", text.strip()) if number]


@cache
def truth_table(function: str, inputs: tuple[str, ...]) -> int:
    """The outputs of a Boolean function as bits of a number: bit k is that for the inputs that k has as bits.

    The operators are those of the format: ``!a`` and ``a'``, ``a b``, ``a*b`` and ``a&b``, ``a^b``, ``a+b`` and
    ``a|b``, of which the earlier bind more tightly, but that ``^`` comes before ``and``.

    Raises
    ------
    LibertyError
        It is no such function of these inputs.
    """
    size = 1 << len(inputs)
    every = (1 << size) - 1
    words = {name: sum(1 << k for k in range(size) if k >> place & 1) for place, name in enumerate(inputs)}
    words |= {"0": 0, "1": every}
    tokens = re.findall(r"[A-Za-z_]\w*|[01]|[!'()*&+|^]|\S", function)
    place = 0

    def peek() -> str:
        return tokens[place] if place < len(tokens) else ""

    def take() -> str:
        nonlocal place
        place += 1
        return tokens[place - 1] if place <= len(tokens) else ""

    def operand() -> int:
        token = take()
        if token == "!":
            return every ^ operand()
        if token == "(":
            value = either()
            if take() != ")":
                raise LibertyError(f"function {function!r}: must have as many ) as (")
        elif token in words:
            value = words[token]
        else:
            raise LibertyError(f"function {function!r}: {token!r}: must be one of {', '.join(inputs)}")
        while peek() == "'":
            take()
            value ^= every
        return value

    def differing() -> int:
        value = operand()
        while peek() == "^":
            take()
            value ^= operand()
        return value

    def both() -> int:
        value = differing()
        while peek() not in ("", ")", "+", "|"):
            if peek() in ("*", "&"):
                take()
            value &= differing()
        return value

    def either() -> int:
        value = both()
        while peek() in ("+", "|"):
            take()
            value |= both()
        return value

    result = either()
    if place != len(tokens):
        raise LibertyError(f"function {function!r}: must end before {peek()!r}")
    return result
