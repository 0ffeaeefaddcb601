# SPDX-License-Identifier: Apache-2.0
"""Reads a cell library in the Liberty format: area, pins with their capacitance, functions, energies and leakage.

    table(load of the output, transition time of the input),                                     in pJ
    internal energy of a transition = sum over supplies of the mean over conditions of (rise + fall) / 2

where a condition is an input that causes the transition and a state of the others (`related_pin`, `when`), and what is
not there for it, rise or fall, has no energy. Of the leakage of a cell that has no single figure that is the sum over
supplies of the mean over states, or the default of the library. Tables are interpolated linearly in both and end where
their indices end. Units are those that the library declares; everything here is in pF, ns, nW, V and pJ, and an energy
has the unit of a capacitance times that of a voltage squared. Of the format only what the accounts need is kept. Its
groups, `name(arguments) { statements }`, are read here: eda-liberty-parser is an alpha version by its own word, and
liberty-tools needs a newer Python than this package.
"""

from __future__ import annotations

import hashlib
import math
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
_UNITS = {"ff": 1e-3, "pf": 1.0, "nf": 1e3}  # of capacitances, in pF
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
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise LibertyError(f"{self}: {name} = {text!r}: must be a number")
        return value

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(self.arguments)})"


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
class InternalPower:
    """The tables of transitions under one condition."""

    rise: tuple[Table, ...]
    fall: tuple[Table, ...]

    def at(self, load: float, time: float) -> float:
        """Mean energy of a rise and a fall; without tables one has none."""
        kinds = [[table.at(load, time) for table in tables] for tables in (self.rise, self.fall) if tables]
        return sum(sum(energies) / len(energies) for energies in kinds) / 2


@dataclass(frozen=True)
class Pin:
    """A pin of a cell.

    Attributes
    ----------
    capacitance : of an input, in pF.
    function : of an output, "" if it is none of the inputs.
    clock : the pin is a clock.
    energies : per supply its internal energies under each condition.
    """

    name: str
    output: bool
    capacitance: float
    function: str
    clock: bool
    energies: tuple[tuple[InternalPower, ...], ...]

    def energy(self, load: float, time: float) -> float:
        """Internal energy of a transition in pJ, the mean over rise and fall and over what may cause it."""
        means = (sum(power.at(load, time) for power in supply) / len(supply) for supply in self.energies)
        return sum(means, 0.0)


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes
    ----------
    area, leakage : in the unit of the library, and in nW.
    pins : by name.
    data, clocked_on, states : of a flip-flop the function of its next state, its clock and the names of its state and
        of the inverse; of a latch the same with the level that opens it. A plain name has no parentheses.
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
    """A library: its name, supply in V, cells by name, and the SHA-256 of its text."""

    name: str
    voltage: float
    cells: dict[str, Cell]
    sha256: str = ""


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
    except (ValueError, LookupError) as error:  # lookups beyond the end
        told = str(error) if isinstance(error, ValueError) else "it ends within a statement"
        raise LibertyError(f"{where}: must be a Liberty file with cells ({' '.join(told.split())[:160]})") from None


def library_of(text: str) -> Library:
    """The library in a text."""
    (top,) = parse(text)
    if top.kind != "library" or not top.of("cell"):
        raise ValueError("no group library with groups cell")
    scale = _load_unit(top)
    volts = _unit(top, "voltage_unit", "1V")
    nanowatts = _unit(top, "leakage_power_unit", "1nW") * 1e9
    nanoseconds = _unit(top, "time_unit", "1ns") * 1e9
    units = _Units(scale, nanoseconds, scale * volts**2, nanowatts)
    templates = {
        group.arguments[0]: group for group in top.groups if group.kind.endswith("_template") and group.arguments
    }
    cells = [_cell(group, units, templates, top) for group in top.of("cell")]
    name = next(iter(top.arguments), "")
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Library(name, _supply(top) * volts, {cell.name: cell for cell in cells}, digest)


def _supply(top: Group) -> float:
    """The supply of a library, that of its name or of its operating conditions, in its unit."""
    conditions = top.of("operating_conditions")
    default = top.text("default_operating_conditions")
    ordered = sorted(conditions, key=lambda group: group.arguments[:1] != [default])  # the default first
    for group, name in ((top, "nom_voltage"), *((group, "voltage") for group in ordered)):
        if name in group.attributes:
            value = group.number(name)
            if value <= 0:
                raise LibertyError(f"{group}: {name} = {group.text(name)!r}: must be more than 0")
            return value
    raise LibertyError(f"{top}: nom_voltage: must be there, or operating_conditions with a voltage")


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


def _unit(top: Group, name: str, default: str) -> float:
    """The value of a unit such as 1ns or 10mV, in the unit without a prefix."""
    text = top.text(name, default)
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*([munpf]?)[a-zA-Z]+", text)
    if match is None:
        raise LibertyError(f"{top}: {name} = {text!r}: must be a number and a unit such as {default}")
    return float(match[1]) * _SCALES[match[2]]


def _load_unit(top: Group) -> float:
    """The unit of capacitances, in pF."""
    found = top.attributes.get("capacitive_load_unit", ["1", "pf"])
    try:
        factor, unit = found
        return float(factor) * _UNITS[unit.lower()]
    except (ValueError, LookupError):
        told = f"capacitive_load_unit ({', '.join(found)})"
        raise LibertyError(f"{top}: {told}: must be a number and one of {', '.join(_UNITS)}") from None


def _cell(group: Group, units: _Units, templates: dict[str, Group], top: Group) -> Cell:
    if not group.arguments:
        raise LibertyError("group cell: must have a name")
    pins = {}
    for pin in group.of("pin"):
        for name in pin.arguments:
            try:
                pins[name] = _pin(name, pin, units, templates, top)
            except LibertyError as error:
                raise LibertyError(f"{group}: {error}") from None
    latch = bool(group.of("latch"))
    state = next(iter(group.of("latch") or group.of("ff")), Group("ff", []))
    return Cell(
        name=group.arguments[0],
        area=group.number("area"),
        leakage=_leakage(group, top) * units.leakage,
        pins=pins,
        data=plain(state.text("data_in" if latch else "next_state")),
        clocked_on=plain(state.text("enable" if latch else "clocked_on")),
        states=tuple(state.arguments),
        latch=latch,
    )


def plain(function: str) -> str:
    """A function that is the name of a pin alone without its parentheses; others as they are."""
    match = re.fullmatch(r"[\s(]*([A-Za-z_][\w\[\]]*)[\s)]*", function)
    return match[1] if match else function


def _leakage(cell: Group, top: Group) -> float:
    """The leakage of a cell in the unit of the library."""
    states = [group for group in cell.of("leakage_power") if "value" in group.attributes]
    if "cell_leakage_power" in cell.attributes or not states:
        return cell.number("cell_leakage_power", top.number("default_cell_leakage_power"))
    supplies: dict[str, list[float]] = {}
    for group in states:
        supplies.setdefault(group.text("related_pg_pin"), []).append(group.number("value"))
    return sum(sum(values) / len(values) for values in supplies.values())


def _pin(name: str, group: Group, units: _Units, templates: dict[str, Group], top: Group) -> Pin:
    """A pin; groups of internal energies of one supply and condition go together."""
    supplies: dict[str, dict[tuple[str, str], tuple[list[Table], list[Table]]]] = {}
    for entry in group.of("internal_power"):
        condition = entry.text("related_pin"), entry.text("when")
        for one in entry.groups:
            if one.kind in ("rise_power", "fall_power", "power"):
                try:
                    table = _table(one, units, templates)
                except LibertyError as error:
                    raise LibertyError(f"{group}: {error}") from None
                conditions = supplies.setdefault(entry.text("related_pg_pin"), {})
                rise, fall = conditions.setdefault(condition, ([], []))
                rise += [table] if one.kind != "fall_power" else []
                fall += [table] if one.kind != "rise_power" else []
    output = group.text("direction") == "output"
    default = 0.0 if output else top.number("default_input_pin_cap")
    return Pin(
        name=name,
        output=output,
        capacitance=group.number("capacitance", default) * units.load,
        function=group.text("function"),
        clock=group.text("clock") == "true",
        energies=tuple(
            tuple(InternalPower(tuple(rise), tuple(fall)) for rise, fall in conditions.values())
            for conditions in supplies.values()
        ),
    )


def _table(group: Group, units: _Units, templates: dict[str, Group]) -> Table:
    """The table of a group; which index is which is in its template."""
    template = templates.get(next(iter(group.arguments), ""), Group("", []))
    if "values" not in group.attributes:
        raise LibertyError(f"{group}: values: must be there")
    name = "values"
    try:
        values = np.array([_numbers(row) for row in group.attributes[name]])
        indices = {}
        for number in (1, 2):
            name = f"index_{number}"
            kept = group.attributes.get(name) or template.attributes.get(name)
            if kept:
                load = "capacitance" in template.text(f"variable_{number}")
                indices["load" if load else "time"] = np.array(_numbers(kept[0])) * (units.load if load else units.time)
        name = "values"
        loads, times = (indices.get(kind, np.zeros(1)) for kind in ("load", "time"))
        first_is_load = "capacitance" in template.text("variable_1")
        if not first_is_load and "load" in indices:
            values = values.reshape(times.size, loads.size).T
        return Table(loads, times, values.reshape(loads.size, times.size) * units.energy)
    except ValueError as error:
        raise LibertyError(f"{group}: {name}: must be numbers, as many as the indices ask for ({error})") from None


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
