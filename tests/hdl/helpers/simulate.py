# SPDX-License-Identifier: Apache-2.0
"""Runs one hardware component alone in Amaranth's simulator; also the awkward configurations to try blocks in.

A test is an ``async def program(dut)``: `Dut.set` drives inputs, `Dut.get` gives the outputs of the same cycle,
`Dut.tick` is the rising edge. Ports go by their flattened names; a port of lanes is a list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

import pytest
from amaranth.hdl import Cat, ClockDomain, Module, Shape, Value
from amaranth.lib import data, wiring
from amaranth.sim import Simulator

from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.random_specs import BankSpec

AWKWARD = {
    "shared sources": TileConfig(
        rows=5, columns=9, lanes=2, chopper_period=2, chopper_probability=0.5, row_chopper=1, shared_sources=1
    ),
    "one cell": TileConfig(
        rows=1,
        columns=1,
        lanes=1,
        bl_max=1,
        pulses_max=1,
        chopper_period=1,
        chopper_probability=0.0,
        filter_shift=0,
        reference_fraction_bits=0,
    ),
    "3x17, lanes do not divide": TileConfig(
        rows=3,
        columns=17,
        lanes=2,
        bl_max=20,
        chopper_period=1,
        chopper_probability=1.0,
        row_chopper=1,
        programmer=1,
    ),
    "one row": TileConfig(
        rows=1, columns=5, lanes=1, chopper_period=3, row_chopper=1, programmer=1, threshold_shift=1, latch_shift=12
    ),
    "one column in one beat": TileConfig(
        rows=3,
        columns=1,
        lanes=3,
        bl_max=20,
        filter_shift=0,
        chopper_period=2,
        row_chopper=1,
        threshold_shift=0,
        seed=7,
    ),
    "as many lanes as rows": TileConfig(
        rows=5, columns=3, lanes=5, chopper_period=2, filter_shift=6, threshold_shift=20, latch_shift=1, seed=8
    ),
    "17x7": NAMED["odd"],
    "17x7, rows chopped": NAMED["odd"].replace(row_chopper=1, latch_shift=8, chopper_probability=0.3, seed=9),
}

# Of these and the named ones, what the fast tier takes where a configuration takes seconds.
FEW = ("tiny", "one cell", "3x17, lanes do not divide", "17x7, rows chopped")


def few(configs: Iterable[str]) -> list[Any]:
    """The names as parameters of a test, all but `FEW` marked slow."""
    return [pytest.param(name, marks=[] if name in FEW else pytest.mark.slow) for name in configs]


Result = TypeVar("Result")


@dataclass(frozen=True)
class Flip:
    """One deliberate error: the bits ``mask`` of an input are inverted at the edge that ends ``cycle``."""

    port: str
    mask: int
    cycle: int


@dataclass(frozen=True)
class Port:
    """A port with its width, and its lanes where it has some."""

    value: Value
    width: int
    lanes: tuple[Value, ...]

    @classmethod
    def of(cls, value: Any, shape: Any) -> Port:
        """The port that ``value`` is, of a member's shape."""
        lanes = range(shape.length) if isinstance(shape, data.ArrayLayout) else ()
        return cls(Value.cast(value), Shape.cast(shape).width, tuple(Value.cast(value[index]) for index in lanes))


class Dut:
    """A component in a running simulation."""

    def __init__(self, component: wiring.Component, context: Any, reset: Value, flip: Flip | None) -> None:
        self.ports = {
            "__".join(map(str, path)): Port.of(value, member.shape)
            for path, member, value in component.signature.flatten(component)
        }
        self.cycle = 0
        self._context, self._reset, self._flip = context, reset, flip
        self._set: dict[str, int] = {}  # since the design has settled last
        self._together: dict[tuple[str, ...], Value] = {}

    def set(self, **values: int | list[int]) -> None:
        """Drive inputs; the others keep what they have."""
        for name, value in values.items():
            port = self.ports[name]
            if isinstance(value, list):
                assert len(value) == len(port.lanes)
                each = port.width // len(value)
                value = sum((lane & ((1 << each) - 1)) << (index * each) for index, lane in enumerate(value))
            self._set[name] = value & ((1 << port.width) - 1)

    def _settle(self) -> None:
        """Let all that has been set take effect at once: settling is what takes long."""
        if not self._set:
            return
        names, word, low = tuple(self._set), 0, 0
        if names not in self._together:
            self._together[names] = Cat(self.ports[name].value for name in names)
        for name, value in self._set.items():
            word |= value << low
            low += self.ports[name].width
        self._set = {}
        self._context.set(self._together[names], word)

    def get(self, name: str) -> Any:
        """A port's value in this cycle, as a list where it has lanes."""
        self._settle()
        port = self.ports[name]
        if port.lanes:
            return [self._context.get(lane) for lane in port.lanes]
        return self._context.get(port.value)

    def read(self, *names: str) -> tuple[Any, ...]:
        """Several ports at once."""
        return tuple(self.get(name) for name in names)

    def peek(self, value: Value) -> int:
        """A value inside of the component in this cycle."""
        self._settle()
        found: int = self._context.get(value)
        return found

    async def tick(self) -> None:
        """The rising edge that ends this cycle."""
        self._settle()
        flip = self._flip
        if flip is None or flip.cycle != self.cycle:
            await self._context.tick()
        else:
            port = self.ports[flip.port].value
            value = self._context.get(port)
            self._context.set(port, value ^ flip.mask)
            await self._context.tick()
            self._context.set(port, value)
        self.cycle += 1

    async def reset(self) -> None:
        """A cycle with ``rst`` high."""
        self._context.set(self._reset, 1)
        await self.tick()
        self._context.set(self._reset, 0)


class Bench:
    """A component in a simulator that plays one program after the other, each from the component's reset state."""

    def __init__(self, component: wiring.Component) -> None:
        m = Module()
        m.domains.sync = domain = ClockDomain("sync")
        m.submodules.dut = component
        self._component, self._reset = component, domain.rst
        self._simulator: Simulator | None = Simulator(m)
        self._simulator.add_clock(1e-8, domain=domain)
        self._simulator.add_testbench(self._bench)
        self._program: Callable[[Any], Awaitable[None]] | None = None

    async def _bench(self, context: Any) -> None:
        assert self._program is not None
        await self._program(context)

    def play(self, program: Callable[[Dut], Awaitable[Result]], flip: Flip | None = None) -> Result:
        """What ``program`` returns. One that raises leaves the simulator in the midst: it is not used again."""
        simulator, self._simulator = self._simulator, None
        assert simulator is not None, "a program before this one has raised"
        results: list[Result] = []

        async def whole(context: Any) -> None:
            results.append(await program(Dut(self._component, context, self._reset, flip)))

        if self._program is not None:
            simulator.reset()
        self._program = whole
        simulator.run()
        self._simulator = simulator
        return results[0]


def simulate(
    component: wiring.Component, program: Callable[[Dut], Awaitable[Result]], flip: Flip | None = None
) -> Result:
    """What ``program`` returns after it was played on ``component``."""
    return Bench(component).play(program, flip)


def simulate_again(
    kind: type[wiring.Component],
    config: TileConfig,
    program: Callable[[Dut], Awaitable[Result]],
    flip: Flip | None = None,
) -> Result:
    """As `simulate` with ``kind(config)``, which is made ready once for the programs of many tests.

    Not for a component with a block inside that a test has changed: that would not be seen.
    """
    key = kind, kind.elaborate, config, _sources(config)
    bench = _benches.pop(key, None) or Bench(kind(config))
    result = bench.play(program, flip)
    _benches[key] = bench
    if len(_benches) > KEPT:
        del _benches[next(iter(_benches))]
    return result


def _sources(config: TileConfig) -> str:
    """What a configuration keeps beside its fields, which a test may have replaced."""
    names = (name for name, value in vars(TileConfig).items() if isinstance(value, cached_property))
    return repr([(name, getattr(config, name)) for name in names])


def reseeded(config: TileConfig, seed: int) -> TileConfig:
    """The configuration with other states after a reset, those of a seed; equal to it as far as fields go."""
    other, states = config.replace(), iter(config.replace(seed=seed).seeds)
    for name in ("row_bank", "column_bank", "chopper_source", "dither_bank", "row_chopper_bank"):
        found = getattr(config, name)
        if isinstance(found, BankSpec):
            found = replace(found, sources=tuple(replace(source, seed=next(states)) for source in found.sources))
        else:
            found = replace(found, seed=next(states))
        other.__dict__[name] = found
    return other


KEPT = 16
_benches: dict[tuple[Any, ...], Bench] = {}  # those used last, in that order
