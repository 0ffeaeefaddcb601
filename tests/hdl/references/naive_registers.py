# SPDX-License-Identifier: Apache-2.0
"""Naive register file for tests, from docs/integration.md: a dictionary of fields and a set of events per cycle."""

from __future__ import annotations

from dataclasses import dataclass

from symtrack.hdl.controller.registers import Field, Register, registers
from symtrack.model.spec.config import TileConfig

FLAGS = ("hidden_saturated", "pulses_clamped", "gave_up")


@dataclass
class Bus:
    """What is asked for in a cycle: the address of a read; address, word and strobes of a write."""

    read: int | None = None
    write: tuple[int, int, int] | None = None


@dataclass
class Answer:
    """Word of a read and whether it is refused, whether a write is; None where nothing is asked for."""

    read: tuple[int, bool] | None = None
    write: bool | None = None


COUNTERS = ("slots", "reads", "transfer_pulses", "reference_pulses", "unprogrammed")


class NaiveRegisters:
    """State after reset; `cycle` is one clock cycle."""

    def __init__(self, config: TileConfig) -> None:
        self.table = {register.offset: register for register in registers(config)}
        self.fields = {
            (register.name, item.name): item.reset
            for register in self.table.values()
            for item in register.fields
            if item.access == "rw"
        }
        self.events: set[str] = set()
        self.refusals: set[str] = set()  # of the bus in the cycle before, which become events now
        self.irq = False
        self.reset = False  # of the tile, in this cycle
        self.draining = False  # no stream offers another beat, until the reset
        self.drops = False  # the command that waits, in this cycle
        self.injected: dict[str, int] = {}  # into the memories, in this cycle
        self.command: dict[str, int] | None = None  # that waits
        self.seed: int | None = None  # that waits
        self.upper = dict.fromkeys(COUNTERS, 0)  # upper bits of counters when they were last read
        self.age: int | None = None  # of the operation that runs
        self.barked = False
        self.limit = 0  # of the watchdog in the cycle before
        self.flags = dict.fromkeys(FLAGS, 0)  # in the cycle before

    def setting(self, name: str) -> int:
        """The setting of that name."""
        return next(value for (_, item), value in self.fields.items() if item == name)

    @property
    def offer(self) -> dict[str, int] | None:
        """The command that is on offer to the tile."""
        return None if self.draining else self.command

    @property
    def seed_offer(self) -> int | None:
        """The seed that is on offer to the tile."""
        return None if self.draining else self.seed

    def cycle(
        self, bus: Bus, status: dict[str, int], *, column: int, ready: bool, offered: bool, seed_ready: bool
    ) -> Answer:
        """Answer what is asked for, and go on to the next cycle.

        ``status`` is that of the tile, ``ready`` and ``seed_ready`` say whether it takes a command and a seed in this
        cycle, and ``offered`` whether a beat of it waits.
        """
        answer, happened = Answer(), self._happened(status) | self.refusals
        self.refusals = set()
        irq = any(self.fields["interrupt", event] for event in self.events)
        started = ready and self.offer is not None
        if bus.read is not None:
            answer.read, error = self._read(bus.read, status, column)
            self.refusals |= error
        if (seed_ready and self.seed_offer is not None) or self.drops:
            self.seed = None
        if started or self.drops:
            self.command = None
        self._go_on(status, started=started)
        drained = self.draining and not offered and not self.reset
        self.draining = self.draining and not self.reset
        self.reset, self.drops, self.injected = drained, False, {}
        self.limit = self.fields["watchdog", "cycles"]
        cleared: set[str] = set()
        self.tested: set[str] = set()
        if bus.write is not None:
            error, cleared = self._write(*bus.write, waits=self.command is not None)
            answer.write = bool(error)
            self.refusals |= error
        self.events = (self.events - cleared) | happened | self.tested
        self.irq = irq
        self.flags = {name: status[name] for name in FLAGS}
        return answer

    def _happened(self, status: dict[str, int]) -> set[str]:
        """Events that come from the tile."""
        happened = {name for name in FLAGS if status[name] and not self.flags[name]}
        if status["memory_error"]:
            happened.add("memory_error")
        if self.age is not None:
            if not status["busy"]:
                happened.add("done")
            elif self.limit and self.age + 1 >= self.limit and not self.barked:
                happened.add("watchdog")
        return happened

    def _go_on(self, status: dict[str, int], *, started: bool) -> None:
        """The operation that runs becomes a cycle older, or ends, or another one begins."""
        if self.reset:
            self.age = None
        elif started:
            self.age, self.barked = 0, False
        elif self.age is not None and not status["busy"]:
            self.age = None
        elif self.age is not None:
            self.barked |= bool(self.limit) and self.age + 1 >= self.limit
            self.age += 1

    def _read(self, address: int, status: dict[str, int], column: int) -> tuple[tuple[int, bool], set[str]]:
        register = self.table.get(address & ~3)
        if register is None:
            return (0, True), {"unmapped"}
        if all(item.access == "wo" for item in register.fields):
            return (0, True), {"forbidden"}
        word = sum(
            self._value(register, item, status, column) << item.low for item in register.fields if item.access != "wo"
        )
        if register.name in COUNTERS:
            self.upper[register.name] = status[register.name] >> 32
        return (word, False), set()

    def _value(self, register: Register, item: Field, status: dict[str, int], column: int) -> int:
        name, at = register.name, (register.name, item.name)
        if at in self.fields:
            return self.fields[at]
        if name == "events":
            return int(item.name in self.events)
        if name == "status":
            waits = int(self.command is not None)
            busy = status["busy"] | waits | self.draining | (self.seed is not None)
            special = {"busy": busy, "waiting": waits, "column": column}
            return special[item.name] if item.name in special else status[item.name]
        if name in COUNTERS:
            return status[name] & 0xFFFFFFFF
        if name.endswith("_high"):
            return self.upper[name.removesuffix("_high")]
        kind, _, number = name.rpartition("_")
        if kind in ("column_signs", "row_signs"):
            signs = status["chopper" if kind == "column_signs" else "row_chopper"]
            return signs >> (32 * int(number)) & 0xFFFFFFFF
        return item.reset

    def _write(self, address: int, word: int, strobes: int, *, waits: bool) -> tuple[set[str], set[str]]:
        """The event of what is refused, and the events that are cleared."""
        register = self.table.get(address & ~3)
        if register is None:
            return {"unmapped"}, set()
        if all(item.access == "ro" for item in register.fields):
            return {"forbidden"}, set()
        mask = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
        if register.name != "events" and word & mask & ~sum(item.mask for item in register.fields):
            return {"refused"}, set()
        if register.name in ("command", "inject", "seed") and strobes not in (0, 15):
            return {"refused"}, set()
        values = {}
        for item in register.fields:
            old = self.fields.get((register.name, item.name), 0) << item.low
            values[item.name] = ((word & mask) | (old & ~mask)) >> item.low & ((1 << item.width) - 1)
            if item.high is not None and values[item.name] > item.high:
                return {"refused"}, set()
        if register.name == "seed" and strobes and not values["state"]:
            return {"refused"}, set()
        if register.name == "events":
            return set(), {name for name, value in values.items() if value}
        if register.name == "control":
            self.reset |= bool(values["reset"])
            self.draining |= bool(values["drain"] and not values["reset"])
            self.drops = bool(values["reset"] or values["drain"])
        elif register.name == "intr_test":
            self.tested = {name for name, value in values.items() if value}
        elif register.name == "inject":
            self.injected = values
        elif register.name == "command":
            if waits and strobes:
                return {"overrun"}, set()
            if strobes:
                self.command = values
        elif register.name == "seed":
            if self.seed is not None and strobes:
                return {"overrun"}, set()
            if strobes:
                self.seed = values["state"]
        else:
            self.fields.update({(register.name, name): value for name, value in values.items()})
        return set(), set()
