# SPDX-License-Identifier: Apache-2.0
"""Register file of the controller: settings, one waiting command, one waiting seed, status, events and the interrupt.

    events <- (events & ~cleared) | happened,   interrupt = any(events & enabled)

A write that is refused changes nothing but the events. A command waits in its register until the tile takes it, so that
settings are those of that moment, and so does a seed, which is in place before a command that waits with it draws a
word.
Latency: reads and refusals are answered in the same cycle, a write shows one cycle later, an event of the bus two
cycles later, an event of the tile one, the interrupt one after its event. Throughput: one read and one write per cycle.
"""

from collections.abc import Iterable
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from symtrack.hdl.controller.registers import ADDRESS_BITS, EVENTS, WORD, Field, Register, injected, registers
from symtrack.hdl.tile import ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.status import COUNTERS, FLAGS

Values = dict[tuple[str, str], Any]  # by register and field
Happens = dict[str, Signal]  # by event

BYTE_BITS = 2  # of an address, below those of the word
ACTIONS = (
    "events",
    "command",
    "seed",
    "control",
    "intr_test",
    "inject",
)  # registers that keep nothing of what is written
OF_BUS = ("unmapped", "forbidden", "refused", "overrun")  # events
STICKY = tuple(spec.name for spec in FLAGS)


class RegisterFile(wiring.Component):
    """The registers.

    Members
    -------
    read, read_address, read_data, read_error, write, write_address, write_data, write_strobes, write_error
        as `hdl.controller.axi_lite.AxiLite` has them
    settings, command, seeds : to the tile
    status, column : of the tile; the next column to be read
    reset : the tile is reset at the end of this cycle
    draining, offered : streams may offer no other beat until it is; some of them has one on offer
    irq : an event that is enabled has happened
    inject : to a tile with ``self_test``
    """

    def __init__(self, config: TileConfig) -> None:
        self.config = config
        super().__init__(
            {
                "read": In(1),
                "read_address": In(ADDRESS_BITS),
                "read_data": Out(WORD),
                "read_error": Out(1),
                "write": In(1),
                "write_address": In(ADDRESS_BITS),
                "write_data": In(WORD),
                "write_strobes": In(WORD // 8),
                "write_error": Out(1),
                "settings": Out(ports.settings(config)),
                "command": Out(ports.command(config)),
                "seeds": Out(ports.seeds(config)),
                "status": In(ports.status(config)),
                "column": In(config.column_bits),
                "reset": Out(1),
                "draining": Out(1),
                "offered": In(1),
                "irq": Out(1),
                **({"inject": Out(ports.inject(config))} if config.self_test else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        self.waiting = Signal()  # a command does
        self.seed_waiting = Signal()
        table = registers(self.config)
        values = self._values(m, table)
        happens = {event: Signal(name=f"happens_{event}") for event in EVENTS}
        m.d.comb += [
            self.command.valid.eq(self.waiting & ~self.draining),
            self.seeds.valid.eq(self.seed_waiting & ~self.draining),
        ]
        self._reads(m, table, values, happens)
        self._writes(m, table, values, happens)
        self._operations(m, values, happens)
        return m

    def _values(self, m: Module, table: tuple[Register, ...]) -> Values:
        """The value that every field is read as, by register and field."""
        values: Values = {}
        for register in table:
            for field in register.fields:
                at = register.name, field.name
                if field.access == "ro":
                    values[at] = Const(field.reset, field.width)
                elif hasattr(self.settings, field.name):
                    values[at] = Signal(field.width, name=f"setting_{field.name}", init=field.reset)
                    m.d.comb += getattr(self.settings, field.name).eq(values[at])
                else:
                    values[at] = Signal(field.width, name="_".join(at), init=field.reset)
        status = self.status
        values |= {("status", name): getattr(status, name) for name in STICKY}
        values["status", "column"] = self.column
        values["status", "waiting"] = self.waiting
        values["status", "busy"] = status.busy | self.waiting | self.seed_waiting | self.draining
        for name in (spec.name for spec in COUNTERS):
            count = getattr(status, name)
            values[name, "low"] = count[:WORD]
            if len(count) > WORD:
                kept = Signal(len(count) - WORD, name=f"{name}_high")
                values[f"{name}_high", "high"] = kept
                with m.If(self.read & _at(self.read_address, next(r for r in table if r.name == name))):
                    m.d.sync += kept.eq(count[WORD:])
        for register in table:
            for name, signs in (("column_signs_", status.chopper), ("row_signs_", status.row_chopper)):
                if register.name.startswith(name):
                    first = WORD * int(register.name.removeprefix(name))
                    values[register.name, "negative"] = signs[first : first + WORD]
        return values

    def _reads(self, m: Module, table: tuple[Register, ...], values: Values, happens: Happens) -> None:
        hits = {register.name: _at(self.read_address, register) for register in table}
        words = {register.offset >> BYTE_BITS: _word(register, values) for register in table if register.readable}
        unmapped, forbidden = Signal(), Signal()
        m.d.comb += [
            unmapped.eq(~_any(hits.values())),
            forbidden.eq(_any(hits[register.name] for register in table if not register.readable)),
            self.read_data.eq(_chosen(words, self.read_address[BYTE_BITS:])),
            self.read_error.eq(unmapped | forbidden),
            happens["unmapped"].eq(self.read & unmapped),
            happens["forbidden"].eq(self.read & forbidden),
        ]

    def _writes(self, m: Module, table: tuple[Register, ...], values: Values, happens: Happens) -> None:
        hits = {register.name: _at(self.write_address, register) for register in table}
        fresh = {
            (register.name, field.name): self._written(m, register, field, values[register.name, field.name])
            for register in table
            if register.writable
            for field in register.fields
        }
        unmapped, forbidden, refused, overrun = Signal(), Signal(), Signal(), Signal()
        # Per register, so that no write waits for the checks of others.
        beyond = {register.name: self._beyond(register, fresh) for register in table if register.writable}
        done = {name: self.write & hits[name] & ~beyond[name] for name in beyond}
        order = hits["command"] & self.write_strobes[0]
        accepted = self.command.valid & self.command.ready
        seeds = hits["seed"] & self.write_strobes[0]
        seeded = self.seeds.valid & self.seeds.ready
        drops = Signal()  # the command and the seed that wait are dropped
        late_order = order & self.waiting & ~accepted & ~drops
        late_seed = seeds & self.seed_waiting & ~seeded & ~drops
        m.d.comb += [
            unmapped.eq(~_any(hits.values())),
            forbidden.eq(_any(hits[register.name] for register in table if not register.writable)),
            refused.eq(_any(hits[name] & beyond[name] for name in beyond)),
            overrun.eq(late_order | late_seed),
            self.write_error.eq(unmapped | forbidden | refused | overrun),
            happens["refused"].eq(self.write & refused),
            happens["overrun"].eq(self.write & overrun & ~refused),
        ]
        for name, error in (("unmapped", unmapped), ("forbidden", forbidden)):
            with m.If(self.write & error):
                m.d.comb += happens[name].eq(1)

        for register in table:
            if register.name not in ACTIONS and register.writable:
                with m.If(done[register.name]):
                    for field in register.fields:
                        at = register.name, field.name
                        m.d.sync += values[at].eq(fresh[at])
        reset, drain = (done["control"] & fresh["control", name] for name in ("reset", "drain"))
        drained = self.draining & ~self.offered & ~self.reset
        m.d.sync += [self.reset.eq(reset | drained), drops.eq(reset | drain)]
        with m.If(drain & ~reset):
            m.d.sync += self.draining.eq(1)
        with m.Elif(self.reset):
            m.d.sync += self.draining.eq(0)

        ordered = done["command"] & order & ~overrun
        with m.If(ordered):
            for name in ("op", "bl", "column"):
                m.d.sync += getattr(self.command, name).eq(fresh["command", name])
        with m.If(ordered | accepted | drops):
            m.d.sync += self.waiting.eq(ordered)

        loads = done["seed"] & seeds & ~overrun
        with m.If(loads):
            m.d.sync += self.seeds.state.eq(fresh["seed", "state"])
        with m.If(loads | seeded | drops):
            m.d.sync += self.seed_waiting.eq(loads)

        tested: Value = Const(0)
        if self.config.self_test:
            tested = Mux(done["intr_test"], Cat(fresh["intr_test", event] for event in EVENTS), 0)
            m.d.sync += self.inject.lane.eq(fresh["inject", "lane"])
            for name in injected(self.config):
                m.d.sync += getattr(self.inject, name).eq(done["inject"] & fresh["inject", name])

        cleared = Signal(len(EVENTS))
        # What a write is refused for is known late in its cycle.
        late = {event: Signal(name=f"late_{event}") for event in OF_BUS}
        m.d.sync += [late[event].eq(happens[event]) for event in OF_BUS]
        events = Cat(values["events", event] for event in EVENTS)
        enabled = Cat(values["interrupt", event] for event in EVENTS)
        m.d.comb += cleared.eq(Mux(done["events"], Cat(fresh["events", event] for event in EVENTS), 0))
        m.d.sync += [
            events.eq((events & ~cleared) | Cat((happens | late).values()) | tested),
            self.irq.eq((events & enabled).any()),
        ]

    def _strobed(self) -> Value:
        """A one for every bit that is written."""
        return Cat(strobe.replicate(8) for strobe in self.write_strobes)

    def _beyond(self, register: Register, fresh: dict[tuple[str, str], Signal]) -> Value:
        """Whether a write of this register is refused."""
        too_large = [
            fresh[register.name, field.name] > field.high
            for field in register.fields
            if field.high is not None and field.high < (1 << field.width) - 1
        ]
        outside = ~Const(register.allowed, WORD) & self.write_data & self._strobed()
        zero = [
            self.write_strobes.any() & ~fresh[register.name, field.name].any()
            for field in register.fields
            if field.nonzero
        ]
        part = [self.write_strobes.any() & ~self.write_strobes.all()] if register.whole else []
        return _any([*too_large, *zero, outside.any(), *part])

    def _written(self, m: Module, register: Register, field: Field, value: Value) -> Signal:
        """The value of a field after a write: where no strobe is, a field that can be read keeps its bits."""
        bits = slice(field.low, field.low + field.width)
        strobes = self._strobed()[bits]
        fresh = Signal(field.width, name=f"fresh_{register.name}_{field.name}")
        old = value if field.access == "rw" else 0
        m.d.comb += fresh.eq((self.write_data[bits] & strobes) | (old & ~strobes))
        return fresh

    def _operations(self, m: Module, values: Values, happens: Happens) -> None:
        status = self.status
        running = Signal()
        accepted = self.command.valid & self.command.ready
        m.d.comb += happens["done"].eq(running & ~status.busy)
        with m.If(self.reset):
            m.d.sync += running.eq(0)
        with m.Elif(accepted):
            m.d.sync += running.eq(1)
        with m.Elif(~status.busy):
            m.d.sync += running.eq(0)

        # Whether the limit will be reached in the next cycle, which has the age ``older`` then.
        limit = values["watchdog", "cycles"]
        older = Signal(WORD, init=2)
        due = Signal()
        told = Signal()
        barks = running & status.busy & due & ~told
        m.d.comb += happens["watchdog"].eq(barks)
        with m.If(accepted | ~running):
            m.d.sync += [older.eq(2), due.eq(limit == 1), told.eq(0)]
        with m.Else():
            m.d.sync += [
                older.eq(Mux(older.all(), older, older + 1)),
                due.eq(limit.any() & (older >= limit)),
                told.eq(told | barks),
            ]

        m.d.comb += happens["memory_error"].eq(status.memory_error)
        for name in STICKY:
            before = Signal(name=f"{name}_before")
            flag = getattr(status, name)
            m.d.sync += before.eq(flag)
            m.d.comb += happens[name].eq(flag & ~before)


def _at(address: Value, register: Register) -> Value:
    """Whether an address selects this offset; the low bits of the address are left to the strobes."""
    word = address[BYTE_BITS:]
    return word == register.offset >> BYTE_BITS if register.offset else ~word.any()


def _chosen(words: dict[int, Value], address: Value) -> Value:
    """The word at an address, zero where there is none; a tree over the address bits chooses it without a decoder."""
    if not words or not len(address):
        return words.get(0, Const(0))
    half = 1 << (len(address) - 1)
    low, high = ({at % half: word for at, word in words.items() if at // half == side} for side in (0, 1))
    return Mux(address[-1], _chosen(high, address[:-1]), _chosen(low, address[:-1]))


def _any(bits: Iterable[Value]) -> Value:
    return Cat(*bits).any()


def _word(register: Register, values: Values) -> Value:
    """The word that is read."""
    parts, low = [], 0
    for field in sorted(register.fields, key=lambda field: field.low):
        if field.access == "wo":
            continue
        parts += [Const(0, field.low - low), values[register.name, field.name]]
        low = field.low + field.width
    return Cat(*parts)
