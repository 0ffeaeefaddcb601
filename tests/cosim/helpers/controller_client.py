# SPDX-License-Identifier: Apache-2.0
"""Clients of the controller: cocotbext-axi's master, sources and sinks, and the golden periphery beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink, AxiStreamSource

from symtrack.hdl.controller.registers import registers, settings_fields
from symtrack.hdl.controller.stream_layout import stream_layouts
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op, Settings
from symtrack.model.tile.interface import PulseSlots, Transfer
from symtrack.model.tile.operations import Periphery
from tests.cosim.helpers.tile_watch import Watch
from tests.model.helpers.tile_driver import (
    Cells,
    assert_same,
    part,
    random_codes,
    random_programming,
    random_settings,
    random_update,
)

Words = list[int]


class Client:
    """The clients that drive the controller, and the golden periphery that everything is compared with."""

    def __init__(self, dut: Any, config: TileConfig, seed: int) -> None:
        self.dut, self.config, self.rng = dut, config, Random(seed)
        self.layouts = stream_layouts(config)
        self.registers = {register.name: register for register in registers(config)}
        clock, reset = dut.aclk, dut.aresetn
        modes = {"reset_active_level": False}
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), clock, reset, **modes)
        self.sources = {
            name: AxiStreamSource(AxiStreamBus.from_prefix(dut, f"s_axis_{name}"), clock, reset, **modes)
            for name in ("vectors", "codes")
        }
        self.sinks = {
            name: AxiStreamSink(AxiStreamBus.from_prefix(dut, f"m_axis_{name}"), clock, reset, **modes)
            for name in ("pulses", "read", "writes")
        }
        self.watch = Watch(dut, config)
        self.accesses = 0

    async def start(self) -> None:
        """Start the clock, reset, and wait until the memories are cleared."""
        cocotb.start_soon(Clock(self.dut.aclk, 10, "ns").start())
        cocotb.start_soon(self.watch.run())
        await self.reset()

    async def reset(self) -> None:
        """Reset everything, load the seeds and wait until the memories are cleared."""
        self.dut.aresetn.value = 0
        await ClockCycles(self.dut.aclk, 4)
        for end in (*self.sources.values(), *self.sinks.values()):
            end.clear()
        self.golden, self.settings = Periphery(self.config), Settings()
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 2)
        assert await self.busy()
        await self.load(self.config.seeds)
        await self.idle()

    async def load(self, seeds: Iterable[int]) -> None:
        """Load states of random sources."""
        for seed in seeds:
            assert await self.write("seed", seed) == AxiResp.OKAY

    def wait(self, probability: float) -> None:
        """Let every stream and channel wait with this probability in each cycle from now on."""
        channels = (self.bus.write_if.aw_channel, self.bus.write_if.w_channel, self.bus.write_if.b_channel)
        channels += (self.bus.read_if.ar_channel, self.bus.read_if.r_channel)
        for end in (*self.sources.values(), *self.sinks.values(), *channels):
            rng = Random(self.rng.random())
            end.set_pause_generator(iter(lambda rng=rng: rng.random() < probability, None))

    async def read(self, name: str) -> int:
        """Read the word of a register."""
        self.accesses += 1
        answer = await self.bus.read(self.registers[name].offset, 4)
        assert answer.resp == AxiResp.OKAY, name
        return int.from_bytes(answer.data, "little")

    async def write(self, name: str, word: int) -> AxiResp:
        """Write a register; returns the response."""
        self.accesses += 1
        return (await self.bus.write(self.registers[name].offset, word.to_bytes(4, "little"))).resp

    async def send(self, stream: str, beats: Words) -> None:
        """Queue beats of tdata, byte by byte."""
        size = self.layouts[stream].bits // 8
        await self.sources[stream].send(b"".join(beat.to_bytes(size, "little") for beat in beats))

    async def receive(self, stream: str) -> Words:
        """Receive the beats of a frame, which ends with tlast."""
        size, data = self.layouts[stream].bits // 8, bytes((await self.sinks[stream].recv()).tdata)
        return [int.from_bytes(data[first : first + size], "little") for first in range(0, len(data), size)]

    async def busy(self) -> int:
        return await self.read("status") & 1

    async def idle(self, most: int = 4000) -> None:
        """Wait for the end of the operation."""
        for _ in range(most):
            if not await self.busy():
                return
        raise AssertionError("the controller hangs")

    async def set(self, settings: Settings) -> None:
        """Write all settings."""
        words: dict[str, int] = {}
        for register in self.registers.values():
            for field in register.fields:
                if field in tuple(settings_fields(self.config)):
                    value = int(getattr(settings, field.name)) << field.low
                    words[register.name] = words.get(register.name, 0) | value
        for name, word in words.items():
            assert await self.write(name, word) == AxiResp.OKAY
        self.settings = settings

    async def command(self, op: Op, *, bl: int = 0, column: int = 0) -> AxiResp:
        fields = {"op": int(op), "bl": bl, "column": column}
        command = self.registers["command"]
        return await self.write("command", sum(value << command.field(name).low for name, value in fields.items()))

    # ---- operations, each in RTL and golden, on the lines in use ------------------------------------------

    def resize(self) -> None:
        """Use other rows and columns from the next operation on."""
        config, rng = self.config, self.rng
        self.golden.use(rng.choice((0, rng.randint(1, config.rows))), rng.choice((0, rng.randint(1, config.columns))))

    def drawn(self, **changes: Any) -> Settings:
        """Random settings, with the lines that are in use."""
        used = {"used_rows": self.golden.used.rows, "used_columns": self.golden.used.columns}
        return random_settings(self.config, self.rng, **used, **changes)

    async def disturb(self) -> None:
        """Write other settings in the middle of an operation, of other lines, too."""
        config, rng = self.config, self.rng
        used = {"used_rows": rng.randint(0, config.rows), "used_columns": rng.randint(0, config.columns)}
        await self.set(random_settings(config, rng, **used))

    async def update(self) -> None:
        config, layout, used = self.config, self.layouts["vectors"], self.golden.used
        values = random_update(part(config, (used.rows, used.columns)), self.rng)
        await self.set(self.drawn(target=values.target))
        beats = []
        for magnitude, negative in (
            (values.x_magnitude, values.x_negative),
            (values.delta_magnitude, values.delta_negative),
        ):
            for first in range(0, len(magnitude), config.lanes):
                some, signs = _padded(magnitude, first, config.lanes), _padded(negative, first, config.lanes)
                beats.append(layout.put(magnitude=some, negative=sum(sign << k for k, sign in enumerate(signs))))
        await self.send("vectors", beats)
        assert await self.command(Op.UPDATE, bl=values.bl) == AxiResp.OKAY
        await self.disturb()
        await self.idle()
        expected = self.golden.update(**vars(values))
        assert_same(await self._slots(expected.up.size), expected)

    async def transfer(self, **changes: Any) -> None:
        codes, settings = self._codes(), self.drawn(**changes)
        await self.set(settings)
        assert await self.command(Op.TRANSFER) == AxiResp.OKAY
        await self._accepted()
        await self.disturb()
        column = self.golden.next_column
        expected = self.golden.transfer(codes, settings)
        assert_same(await self._column(codes, column, 0), expected)
        await self.idle()

    async def calibrate(self, pulses: int, sweeps: int, *, random: bool) -> None:
        used = self.golden.used
        codes = np.array([self._codes() for _ in range(sweeps * used.columns)])
        changes = {"calibration_pulses": pulses, "calibration_sweeps": sweeps, "calibration_random": random}
        await self.set(self.drawn(**changes))
        assert await self.command(Op.CALIBRATE) == AxiResp.OKAY
        column = self.golden.next_column
        expected = self.golden.calibrate(pulses, codes, random=random)
        for number, code in enumerate(codes):
            read = await self._column(code, (column + number) % used.columns, 0)
            assert_same(read, expected.reads[number])
        await self.idle()
        slots = await self._slots(pulses)
        assert slots.up.tolist() == expected.up.tolist()
        assert slots.rows.all()
        assert slots.columns.all()

    async def program(self) -> None:
        config, used, seed = self.config, self.golden.used, self.rng.random()
        sizes = {"used_rows": used.rows, "used_columns": used.columns}
        settings, column = replace(random_programming(config, self.rng), **sizes), self.rng.randrange(used.columns)
        drawn = part(config, (used.rows, used.columns))
        twins = [Cells(drawn, seed, self.golden.qref[column, : used.rows]) for _ in range(2)]
        rounds = self.golden.program(column, settings, twins[0])
        await self.set(settings)
        assert await self.command(Op.PROGRAM, column=column) == AxiResp.OKAY
        for _ in range(rounds):
            twins[1].write((await self._column(twins[1].read(), column, 1)).pulses)
        await self.idle()
        assert twins[0].written == twins[1].written

    def _codes(self) -> np.ndarray:
        return random_codes(self.config, self.rng)[: self.golden.used.rows]

    async def _accepted(self) -> None:
        while await self.read("status") >> 1 & 1:
            pass

    async def _column(self, codes: np.ndarray, column: int, array: int) -> Transfer:
        """Answer one read; what is written then."""
        config, layout, used = self.config, self.layouts["writes"], self.golden.used
        (request,) = await self.receive("read")
        assert self.layouts["read"].get(request, "column") == column
        assert self.layouts["read"].get(request, "array") == array
        beats = [
            self.layouts["codes"].put(code=_padded(codes, k, config.lanes)) for k in range(0, used.rows, config.lanes)
        ]
        await self.send("codes", beats)
        beats = await self.receive("writes")
        assert [layout.get(beat, "beat") for beat in beats] == list(range(used.row_beats))
        assert {layout.get(beat, "array") for beat in beats} == {array}
        assert {layout.get(beat, "column") for beat in beats} == {column}

        def rows(name: str) -> list[int]:
            return [value for beat in beats for value in layout.get(beat, name)][: used.rows]

        latch = [layout.get(beat, "latch") >> lane & 1 for beat in beats for lane in range(config.lanes)]
        return Transfer(
            column=column,
            pulses=np.array(rows("pulses"), np.int64),
            latched=np.array(latch[: used.rows], np.uint8),
            reference=np.array(rows("reference"), np.int64),
            residual=np.array(rows("residual"), np.int64) if config.residual_memory else None,
        )

    async def _slots(self, count: int) -> PulseSlots:
        layout = self.layouts["pulses"]
        beats = await self.receive("pulses") if count else []
        assert len(beats) == count

        def lines(name: str, size: int) -> np.ndarray:
            words = [layout.get(beat, name) for beat in beats]
            assert not any(word >> size for word in words), "a line beyond those in use fires"
            return np.array([[word >> line & 1 for line in range(size)] for word in words], np.uint8).reshape(-1, size)

        return PulseSlots(
            rows=lines("rows", self.golden.used.rows),
            columns=lines("columns", self.golden.used.columns),
            up=lines("up", 1)[:, 0],
            quadrant=np.array([layout.get(beat, "quadrant") for beat in beats], np.uint8),
        )

    async def compare_status(self) -> None:
        """Compare counters, flags, signs and the next column with the golden periphery."""
        golden = self.golden
        for name in ("slots", "reads", "transfer_pulses", "reference_pulses", "unprogrammed"):
            low = await self.read(name)
            assert low | await self.read(f"{name}_high") << 32 == getattr(golden.status, name), name
        status = await self.read("status")
        for field in self.registers["status"].fields[2:5]:
            assert status >> field.low & 1 == getattr(golden.status, field.name), field.name
        choppers = golden.chopper_state
        assert status >> 16 == choppers.column
        for name, signs in (("column_signs", choppers.sign), ("row_signs", choppers.row_sign)):
            word = await self.read(f"{name}_0")
            assert [word >> line & 1 for line in range(len(signs))] == (signs < 0).tolist()
        assert all(sink.empty() for sink in self.sinks.values())


def _padded(values: np.ndarray, first: int, lanes: int) -> Words:
    some = [int(value) for value in values[first : first + lanes]]
    return some + [0] * (lanes - len(some))
