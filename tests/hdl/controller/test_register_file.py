# SPDX-License-Identifier: Apache-2.0
"""Tests of the register file in every cycle of random traffic: answers, settings, command, events and interrupt."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest

import symtrack.hdl.controller.register_file
from symtrack.hdl.controller.register_file import RegisterFile
from symtrack.hdl.controller.registers import EVENTS, Register, registers, settings_fields
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, simulate
from tests.hdl.references.naive_registers import Bus, NaiveRegisters

SOURCE = Path(symtrack.hdl.controller.register_file.__file__).read_text(encoding="utf-8")
CONFIGS = {
    "all options, many lines": TileConfig(
        rows=70,
        columns=33,
        lanes=3,
        row_chopper=1,
        programmer=1,
        counter_bits=48,
        bl_max=20,
        self_test=1,
        residual_memory=1,
    ),
    "no options": TileConfig(rows=3, columns=5, lanes=1, counter_bits=32),
    "one cell": TileConfig(rows=1, columns=1, lanes=1, counter_bits=8, programmer=1, bl_max=1),
}
MEMORIES = ("q", "qref", "hidden", "residual")
TAKEN, SHOWN = ("op", "bl", "column"), ("hidden_saturated", "pulses_clamped", "gave_up", "memory_error")
HITS = {"read", "written", "command", "overrun", "command after a reset", "no strobe", "irq", *EVENTS}
HITS |= {"outside", "a part", "drained", "command while draining"}
HITS |= {
    "seed",
    "seed after a reset",
    "seed while draining",
    "a seed behind another",
    "seed of zero",
    "a part of a seed",
}


class Traffic:
    """A bus and a tile at random: all registers, most words near what is legal, operations of some cycles."""

    def __init__(self, config: TileConfig, seed: int) -> None:
        self.rng, self.config = Random(seed), config
        self.table = registers(config)
        self.busy = self.flagged = self.reset = self.waits = 0
        self.command, self.control = (r.offset for r in self.table if r.name in ("command", "control"))
        self.seed = next(r.offset for r in self.table if r.name == "seed")
        names = (
            "command",
            "command",
            "seed",
            "seed",
            "control",
            "events",
            "status",
            "interrupt",
            "intr_test",
            "inject",
        )
        self.favourites = [register for name in names for register in self.table if register.name == name]

    def address(self) -> int:
        """The address of a register, or any address."""
        rng = self.rng
        register = rng.choice(self.favourites if rng.random() < 0.6 else self.table)
        return rng.choice(
            (register.offset, register.offset, register.offset + rng.randrange(4), rng.randrange(1 << 12))
        )

    def word(self, register: Register | None) -> int:
        """A word whose fields are near their limits, seldom with ones outside; a watchdog gets few cycles at most."""
        rng, word = self.rng, self.rng.getrandbits(32)
        if register is None or rng.random() < 0.1:
            return word
        word &= register.mask | (1 << rng.randrange(32) if rng.random() < 0.2 else 0)
        if register.name == "watchdog":
            return rng.randrange(12)
        for item in register.fields:
            top = (1 << item.width) - 1
            near = rng.choice((0, 1, top, *(() if item.high is None else (item.high, item.high, item.high + 1))))
            word = (word & ~item.mask) | (near << item.low & item.mask)
        return word

    def bus(self) -> Bus:
        """The requests of one cycle."""
        rng, bus = self.rng, Bus()
        if rng.random() < 0.6:
            bus.read = self.address()
        if self.reset and rng.random() < 0.5:
            bus.write = rng.choice((self.command, self.seed)), 1, 15
        elif self.waits and rng.random() < 0.3:  # another one of what may be waiting
            bus.write = self.waits, 1, 15
        elif rng.random() < 0.6:
            address = self.address()
            register = next((r for r in self.table if r.offset == address & ~3), None)
            bus.write = address, self.word(register), rng.choice((0, 15, 15, 15, 15, rng.randrange(16)))
        written = bus.write[0] & ~3 if bus.write else 0
        self.waits = written if written in (self.command, self.seed) else 0
        self.reset = bus.write is not None and bus.write[0] & ~3 == self.control and bus.write[1] & 3
        return bus

    def status(self, dut: Dut, *, started: bool) -> dict[str, int]:
        """The tile's status: busy for some cycles after a command; its flags rise until they fall."""
        rng = self.rng
        self.busy = rng.randrange(1, 20) if started else max(0, self.busy - 1)
        self.flagged = 0 if rng.random() < 0.1 else self.flagged | rng.getrandbits(3) & rng.getrandbits(3)
        values = {
            name.removeprefix("status__"): rng.getrandbits(port.width)
            for name, port in dut.ports.items()
            if name.startswith("status__")
        }
        values |= {name: self.flagged >> index & 1 for index, name in enumerate(SHOWN[:3])}
        return values | {"busy": int(self.busy > 0), "memory_error": int(rng.random() < 0.1)}


def play(config: TileConfig, seed: int, cycles: int, made: type = RegisterFile) -> Counter[str]:
    """Play random cycles in which everything is compared; returns what happened in them."""
    traffic, naive, hits = Traffic(config, seed), NaiveRegisters(config), Counter[str]()
    rng = traffic.rng
    names = [item.name for item in settings_fields(config)]

    async def program(dut: Dut) -> None:
        started, was_reset = False, False
        for cycle in range(cycles):
            bus, status = traffic.bus(), traffic.status(dut, started=started)
            column, ready = rng.randrange(config.columns), not status["busy"] and rng.random() < 0.5
            offered, seed_ready = rng.random() < 0.7, rng.random() < 0.4
            address, word, strobes = bus.write or (0, 0, 0)
            dut.set(
                **{f"status__{name}": value for name, value in status.items()},
                column=column,
                command__ready=ready,
                seeds__ready=seed_ready,
                offered=offered,
                read=bus.read is not None,
                read_address=bus.read or 0,
                write=bus.write is not None,
                write_address=address,
                write_data=word,
                write_strobes=strobes,
            )
            told = f"cycle {cycle}: {bus}"
            assert dut.get("irq") == naive.irq, told
            assert dut.read("reset", "draining") == (naive.reset, naive.draining), told
            if config.self_test:
                memories = {name: dut.get(f"inject__{name}") for name in MEMORIES}
                assert memories == {name: naive.injected.get(name, 0) for name in MEMORIES}, told
                if any(memories.values()):
                    hits["injected"] += 1
                    assert dut.get("inject__lane") == naive.injected["lane"], told
            assert dut.get("command__valid") == (naive.offer is not None), told
            if naive.offer is not None:
                assert {name: dut.get(f"command__{name}") for name in TAKEN} == naive.offer, told
            assert dut.get("seeds__valid") == (naive.seed_offer is not None), told
            assert naive.seed_offer in (None, dut.get("seeds__state")), told
            assert {name: dut.get(f"settings__{name}") for name in names} == {n: naive.setting(n) for n in names}, told
            started, was_reset = ready and naive.offer is not None and not naive.reset, naive.reset
            hits["drained"] += naive.draining and naive.reset
            hits["command while draining"] += naive.draining and naive.command is not None and not naive.drops
            hits["seed while draining"] += naive.draining and naive.seed is not None and not naive.drops
            follows = seed_ready and naive.seed_offer is not None
            answer = naive.cycle(bus, status, column=column, ready=ready, offered=offered, seed_ready=seed_ready)
            if answer.read is not None:
                assert dut.read("read_data", "read_error") == answer.read, told
                hits["read"] += 1
            if answer.write is not None:
                assert dut.get("write_error") == answer.write, told
                hits["written"] += not answer.write
                hits["no strobe"] += not strobes
                written = next((r for r in traffic.table if r.writable and r.offset == address & ~3), None)
                if written and answer.write:
                    hits["outside"] += bool(word & ~written.mask)
                    hits["a part"] += written.name == "command" and not word & ~written.mask and strobes not in (0, 15)
                if address & ~3 == traffic.seed:
                    whole = strobes == 15
                    hits["seed of zero"] += whole and not word and answer.write
                    hits["a part of a seed"] += strobes not in (0, 15) and answer.write
                    hits["seed"] += whole and not answer.write
                    hits["seed after a reset"] += whole and not answer.write and was_reset
                    hits["a seed behind another"] += whole and not answer.write and follows
                ordered = naive.command is not None and not answer.write and address & ~3 == traffic.command and strobes
                hits["command"] += bool(ordered)
                hits["command after a reset"] += bool(ordered and was_reset)
            hits.update(naive.events)
            hits["tested"] += bool(naive.tested)
            hits["irq"] += naive.irq
            await dut.tick()

    simulate(made(config), program)
    return hits


@pytest.mark.parametrize("name", CONFIGS)
def test_every_cycle(name: str) -> None:
    hits = play(CONFIGS[name], 1, 3000)
    wanted = HITS | ({"tested", "injected"} if CONFIGS[name].self_test else set())
    assert {name for name in wanted if hits[name] < 3} == set(), hits


def bent(old: str, new: str) -> type:
    """The register file with one error in its source."""
    assert SOURCE.count(old) == 1, old
    space: dict[str, Any] = {"__name__": "bent"}
    exec(compile(SOURCE.replace(old, new), "bent", "exec"), space)
    return space["RegisterFile"]  # type: ignore[no-any-return]


def differs(config: TileConfig, made: type) -> bool:
    """Whether some cycle shows that this is not the register file."""
    try:
        play(config, 2, 3000, made)
    except AssertionError:
        return True
    return False


ERRORS = [
    ("kept.eq(count[WORD:])", "kept.eq(0)"),
    (
        'values[register.name, "negative"] = signs[first : first + WORD]',
        'values[register.name, "negative"] = signs[first : first + WORD] if not first else Const(0)',
    ),
    ("happens[name].eq(flag & ~before)", "happens[name].eq(0)"),
    (
        "            fresh[register.name, field.name] > field.high\n",
        '            (field.name == "bl") & (fresh[register.name, field.name] > field.high)\n',
    ),
    ('hits["command"] & self.write_strobes[0]', 'hits["command"]'),
    (" & self._strobed()\n", "\n"),
    ("outside.any(), *part", "*part"),
    ("register.allowed", "register.mask"),
    ("if register.whole else []", "if False else []"),
    (
        "(events & ~cleared) | Cat((happens | late).values())",
        "(events | Cat((happens | late).values())) & ~cleared",
    ),
    ("(events & enabled).any()", "(events & enabled)[5]"),
    ("self.waiting & ~accepted & ~drops", "self.waiting & ~accepted"),
    ("self.waiting & ~accepted & ~drops", "self.waiting & ~drops"),
    ("self.seed_waiting & ~seeded & ~drops", "self.seed_waiting & ~seeded"),
    ("self.seed_waiting & ~seeded & ~drops", "self.seed_waiting & ~drops"),
    ("late_order | late_seed", "late_order"),
    ('hits["seed"] & self.write_strobes[0]', 'hits["seed"]'),
    ("with m.If(loads | seeded | drops):", "with m.If(loads | seeded):"),
    ("with m.If(loads | seeded | drops):", "with m.If(loads | drops):"),
    ('done["seed"] & seeds & ~overrun', "self.write & seeds & ~overrun"),
    ('done["seed"] & seeds & ~overrun', 'done["seed"] & seeds'),
    ("*too_large, *zero,", "*too_large,"),
    ("self.seed_waiting & ~self.draining", "self.seed_waiting"),
    ("with m.If(ordered | accepted | drops):", "with m.If(ordered | accepted):"),
    ("with m.If(ordered | accepted | drops):", "with m.If(ordered | accepted | self.reset):"),
    ("self.waiting & ~self.draining", "self.waiting"),
    ("self.draining & ~self.offered & ~self.reset", "self.draining & ~self.reset"),
    ("self.draining & ~self.offered & ~self.reset", "self.draining & ~self.offered"),
    ("with m.If(drain & ~reset):", "with m.If(drain):"),
    ("self.seed_waiting | self.draining", "self.seed_waiting"),
    ("self.seed_waiting | self.draining", "self.draining"),
    ("older >= limit", "older > limit"),
    ("late).values()) | tested", "late).values())"),
    ('done["inject"] & ', ""),
    ("status.busy | self.waiting |", "status.busy |"),
    ('happens["memory_error"].eq(status.memory_error)', 'happens["memory_error"].eq(0)'),
]
# These are found late in a run.
LATE = ("accepted & ~drops", "ordered | accepted", "~self.offered")


@pytest.mark.parametrize(
    ("old", "new"),
    [pytest.param(*one, marks=pytest.mark.slow if any(part in one[0] for part in LATE) else []) for one in ERRORS],
)
def test_an_error_is_found(old: str, new: str) -> None:
    made = bent(old, new)
    assert any(differs(config, made) for config in CONFIGS.values())
