# SPDX-License-Identifier: Apache-2.0
"""Test bench of the controller: scenarios for its clients, which are compared with the golden periphery.

The tile inside is watched, too, whatever the clients do: every port in every cycle beside the golden tile.

The job is a dictionary: ``config``, ``scenario``, a function of this module, and its arguments.
"""

from __future__ import annotations

import os
import pickle
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge
from cocotbext.axi import AxiResp, AxiStreamSink

from symtrack.hdl.controller.registers import EVENTS, Register, injected
from symtrack.model.spec.settings import ChopperMode, Op, Scope, Settings
from tests.cosim.helpers.controller_client import Client


async def access_at_random(client: Client, count: int, ended: Callable[[], bool]) -> None:
    """Read constants, and registers that nothing else writes after writing them; at most ``count`` times."""
    rng, kept = Random(3), {"interrupt": 0, "watchdog": 0}
    constants = [r for r in client.registers.values() if all(f.access == "ro" for f in r.fields) and r.offset < 0x20]
    for _ in range(count):
        kind = rng.randrange(4)
        if kind == 0:
            register = rng.choice(constants)
            assert await client.read(register.name) == register.reset, register.name
        elif kind == 1:
            name = rng.choice(list(kept))
            value = rng.getrandbits(len(EVENTS)) if name == "interrupt" else rng.choice((0, rng.getrandbits(32)))
            assert await client.write(name, value) == AxiResp.OKAY
            kept[name] = value
        elif kind == 2:
            name = rng.choice(list(kept))
            assert await client.read(name) == kept[name], name
        else:
            register = rng.choice(constants)
            assert await client.write(register.name, rng.getrandbits(32)) == AxiResp.SLVERR
    assert not ended()


async def sequence(client: Client, *, operations: int, accesses: int, wrong: str = "") -> dict[str, int]:
    """Scenario: operations of all kinds in turn, with accesses at random in between and waits everywhere."""
    rng, config = client.rng, client.config
    await check_registers(client)
    done = False
    others = cocotb.start_soon(access_at_random(client, accesses, lambda: done))
    for number in range(operations):
        client.wait(rng.choice((0.0, 0.0, 0.3, 0.7)))
        if number == operations // 2 and wrong:
            getattr(client.golden, wrong)[...] += 1
        if rng.random() < 0.3:
            seeds = config.replace(seed=rng.getrandbits(32)).seeds
            await client.load(seeds)
            client.golden.load_seeds(seeds)
        client.resize()
        kind = number % 4
        if kind == 0:
            await client.update()
        elif kind == 1 or (kind == 3 and not config.programmer):
            await client.transfer()
        elif kind == 2:
            await client.calibrate(rng.choice((0, 1, 9)), rng.choice((0, 1)), random=rng.random() < 0.5)
        else:
            await client.program()
    client.wait(0.0)
    await others
    done = True
    await client.compare_status()
    return {"operations": operations, "accesses": client.accesses}


async def flips(client: Client, *, transfers: int) -> dict[str, int]:
    """Scenario: transfers with regular flips of columns and rows; the signs are read after each."""
    regular = {"chopper": ChopperMode.REGULAR, "scope": Scope.COLUMN, "row_chopper": ChopperMode.REGULAR}
    columns, rows = set(), set()
    for _ in range(transfers):
        await client.transfer(**regular)
        await client.compare_status()
        columns |= set(np.flatnonzero(client.golden.chopper < 0))
        rows |= set(np.flatnonzero(client.golden.row_chopper < 0))
    return {"columns": len(columns), "rows": len(rows)}


async def check_registers(client: Client) -> None:
    """Check every register after reset, and that what is written to it is read back, with all strobes."""
    rng = client.rng
    for register in client.registers.values():
        if not register.readable:
            continue
        expected = register.reset - (register.name == "status")
        assert await client.read(register.name) == expected, register.name
        if register.name == "events" or not register.writable:
            continue
        for _ in range(4):
            word, old = 0, await client.read(register.name)
            for field in register.fields:
                high = (1 << field.width) - 1 if field.high is None else field.high
                word |= rng.randint(0, high) << field.low
            strobes = rng.randrange(16)
            size = strobes.bit_count()
            mask = sum(0xFF << (8 * k) for k in range(4) if strobes >> k & 1)
            if size == 0:
                continue
            if strobes in (1, 2, 4, 8, 3, 6, 12, 7, 14, 15):  # what a master can do in one access
                first = (strobes & -strobes).bit_length() - 1
                data = (word >> (8 * first)).to_bytes(4, "little")[:size]
                assert (await client.bus.write(register.offset + first, data)).resp == AxiResp.OKAY
                assert await client.read(register.name) == (word & mask) | (old & ~mask), register.name
        assert await client.write(register.name, register.reset) == AxiResp.OKAY
    await client.write("events", (1 << len(EVENTS)) - 1)


async def errors(client: Client) -> dict[str, int]:
    """Scenario: every refusal, its event, and that nothing else has changed."""
    provoked = 0

    async def refused(event: str, access: Callable[[], Awaitable[Any]]) -> None:
        nonlocal provoked
        assert (await access()).resp == AxiResp.SLVERR, event
        assert await client.read("events") == 1 << list(EVENTS).index(event), event
        assert await client.write("events", 0) == AxiResp.OKAY
        assert await client.read("events"), "a zero clears nothing"
        assert await client.write("events", 1 << list(EVENTS).index(event)) == AxiResp.OKAY
        assert await client.read("events") == 0
        provoked += 1

    bus, table = client.bus, client.registers
    await client.write("events", (1 << len(EVENTS)) - 1)
    mapped = {register.offset for register in table.values()}
    holes = [offset for offset in range(0, 0x1000, 4) if offset not in mapped]
    word = (5).to_bytes(4, "little")
    for offset in (holes[0], holes[-1], 0xFFC):
        await refused("unmapped", lambda offset=offset: bus.read(offset, 4))
        await refused("unmapped", lambda offset=offset: bus.write(offset, word))
    for register in table.values():
        if not register.writable:
            await refused("forbidden", lambda register=register: bus.write(register.offset, word))
        if not register.readable:
            await refused("forbidden", lambda register=register: bus.read(register.offset, 4))
        if register.writable:
            before = await client.read(register.name) if register.readable else 0
            for bit in (bit for bit in range(32) if not register.allowed >> bit & 1):
                data = (1 << bit).to_bytes(4, "little")
                await refused("refused", lambda data=data, register=register: bus.write(register.offset, data))
            assert not register.readable or await client.read(register.name) == before
        for field in register.fields:
            if field.high is None or field.high == (1 << field.width) - 1:
                continue
            before = await client.read(register.name) if register.readable else 0
            for value in (field.high + 1, (1 << field.width) - 1):
                data = (value << field.low).to_bytes(4, "little")
                await refused("refused", lambda data=data, register=register: bus.write(register.offset, data))
            assert not register.readable or await client.read(register.name) == before
    for first, size in ((0, 1), (0, 2), (0, 3), (1, 1), (1, 3), (2, 2), (3, 1)):
        offset, part = table["command"].offset + first, bytes(size)
        await refused("refused", lambda offset=offset, part=part: bus.write(offset, part))
    seed = table["seed"].offset
    for first, part in ((0, bytes(4)), (0, b"\1"), (0, b"\1\1"), (2, b"\1\1"), (3, b"\1")):
        await refused("refused", lambda first=first, part=part: bus.write(seed + first, part))
    assert not await client.busy(), "no refused command started, and no refused seed waits"
    assert await client.write("events", 0xFFFFFFFF) == AxiResp.OKAY
    assert await client.read("events") == 0, "all ones clear all events"

    # One command runs, one waits, the next is refused.
    await client.set(Settings(calibration_pulses=40))
    for sink in client.sinks.values():
        sink.pause = True
    for _ in range(2):
        assert await client.command(Op.CALIBRATE) == AxiResp.OKAY
    await refused("overrun", lambda: bus.write(table["command"].offset, bytes([2, 0, 0, 0])))
    assert await client.read("status") & 3 == 3
    assert await client.write("seed", 5) == AxiResp.OKAY, "it waits for the end of the operation"
    await refused("overrun", lambda: bus.write(seed, bytes([5, 0, 0, 0])))
    watchdog = 1 << list(EVENTS).index("watchdog")
    assert await client.write("watchdog", 10**6) == AxiResp.OKAY
    assert await client.write("interrupt", watchdog) == AxiResp.OKAY
    await ClockCycles(client.dut.aclk, 100)
    assert not client.dut.irq.value
    assert await client.write("watchdog", 50) == AxiResp.OKAY, "less than has gone by already"
    while not client.dut.irq.value:
        await RisingEdge(client.dut.aclk)
    await client.write("events", watchdog)
    for limit in (20, 200, 0):  # the same operation is told once
        assert await client.write("watchdog", limit) == AxiResp.OKAY
        await ClockCycles(client.dut.aclk, 300)
        assert not client.dut.irq.value
    assert await client.write("watchdog", 50) == AxiResp.OKAY
    for sink in client.sinks.values():
        sink.pause = False
    await client.idle()
    events = await client.read("events")
    assert events == 1 << list(EVENTS).index("done"), "the second operation, which nothing held up, took 40 slots"
    await client.write("events", events)
    await ClockCycles(client.dut.aclk, 2)
    assert not client.dut.irq.value
    assert await client.read("slots") == 80

    # A reset of the tile clears its state and a waiting command, and leaves the settings.
    for sink in client.sinks.values():
        sink.pause = True
    for _ in range(2):
        assert await client.command(Op.CALIBRATE) == AxiResp.OKAY
    assert await client.write("control", 1) == AxiResp.OKAY
    for sink in client.sinks.values():
        sink.pause = False
        sink.clear()
    await client.idle()
    assert await client.read("slots") == 0
    assert await client.read("calibration") == 40
    assert await client.read("events") == 0
    return {"provoked": provoked}


async def self_test(client: Client) -> dict[str, int]:
    """Scenario: every event raises the interrupt as if it had happened, and every injected parity is told when its word
    is read again.
    """
    dut, provoked, told, lanes = client.dut, 0, set(), set()
    await client.write("events", (1 << len(EVENTS)) - 1)
    for index in range(len(EVENTS)):
        assert await client.write("interrupt", 1 << index) == AxiResp.OKAY
        assert not dut.irq.value
        assert await client.write("intr_test", 1 << index) == AxiResp.OKAY
        await ClockCycles(dut.aclk, 2)
        assert dut.irq.value
        assert await client.read("events") == 1 << index
        await client.write("events", 1 << index)
        assert await client.read("events") == 0
        provoked += 1
    await client.write("interrupt", 0)
    inject, error = client.registers["inject"], 1 << list(EVENTS).index("memory_error")
    memories = injected(client.config)
    for lane in range(client.config.lanes):
        memory = list(memories)[lane % len(memories)]
        word = inject.field(memory).mask | lane << inject.field("lane").low
        assert await client.write("inject", word) == AxiResp.OKAY
        for number in range(2 * client.config.columns):
            await client.transfer(accumulate=True, direct=False)
            events = await client.read("events")
            assert bool(events & error) == (number == client.config.columns), (memory, lane, number)
            await client.write("events", events)
        told.add(memory)
        lanes.add(lane)
    await client.compare_status()
    return {"events": provoked, "memories": len(told), "lanes": len(lanes)}


async def _withdrawn(client: Client, stream: str, counts: Counter[str]) -> None:
    """Count the cycles in which a stream changes or withdraws a beat that has not been taken."""
    dut, before = client.dut, None
    names = (f"m_axis_{stream}_{part}" for part in ("tvalid", "tready", "tdata", "tlast"))
    valid, ready, data, last = (getattr(dut, name) for name in names)
    while True:
        await FallingEdge(dut.aclk)  # clients act on the rising one
        beat = (int(data.value), int(last.value)) if int(valid.value) else None
        counts["withdrawn"] += before is not None and beat != before
        before = beat if beat is not None and not int(ready.value) else None


async def drains(client: Client, *, rounds: int, bit: str) -> dict[str, int]:
    """Scenario: operations are cut off at any moment by a drain or a reset, while streams wait at random.

    bit: of `control`. While it drains, a beat on offer stays, the controller is busy, and a command waits; that command
    is the first operation of the tile that was reset.
    """
    rng, config, counts = client.rng, client.config, Counter[str]()
    feeds = {name: layout.bits for name, layout in client.layouts.items() if name in client.sources}
    word = client.registers["control"].field(bit).mask

    def hold(stops: bool) -> None:
        client.wait(0.0)
        for sink in client.sinks.values():
            sink.set_pause_generator(iter(lambda: stops, None))

    for stream in client.sinks:
        cocotb.start_soon(_withdrawn(client, stream, counts))
    for number in range(rounds):
        settings = Settings(calibration_pulses=20, calibration_sweeps=2, gain=1)
        await client.set(settings)
        client.wait(0.5)
        op = (Op.CALIBRATE, Op.TRANSFER, Op.UPDATE)[number % 3]
        for name, bits in feeds.items():
            await client.send(name, [rng.getrandbits(bits) for _ in range(40)])
        assert await client.command(op, bl=config.bl_max) == AxiResp.OKAY
        await ClockCycles(client.dut.aclk, rng.randrange(60))
        hold(True)
        await ClockCycles(client.dut.aclk, 20)
        offered = any(int(getattr(client.dut, f"m_axis_{name}_tvalid").value) for name in client.sinks)
        assert await client.write("control", word) == AxiResp.OKAY
        assert await client.busy()
        await ClockCycles(client.dut.aclk, 50)
        stays = any(int(getattr(client.dut, f"m_axis_{name}_tvalid").value) for name in client.sinks)
        assert stays == (offered and bit == "drain")
        counts["offered"] += offered
        for source in client.sources.values():
            source.clear()
        assert await client.command(Op.CALIBRATE) == AxiResp.OKAY  # waits while it drains
        hold(False)
        for _ in range(1000):
            if await client.read("slots"):
                break
        else:
            raise AssertionError("the command that waited has not begun")
        for sink in client.sinks.values():
            sink.clear()
        assert await client.write("control", word) == AxiResp.OKAY
        await client.idle()
        assert await client.read("slots") == await client.read("reads") == 0
    await client.reset()
    await sequence(client, operations=8, accesses=0)
    return dict(counts)


async def fuzz(client: Client, *, cycles: int, wrong: str = "") -> dict[str, int]:
    """Scenario: random legal and illegal traffic on the bus and all streams; then a reset, and operations as if nothing
    were.
    """
    rng, table = client.rng, list(client.registers.values())
    longest = client.config.update_cycles(4 * client.config.bl_max) + 300 * client.config.read_cycles
    feeds = {name: client.layouts[name].bits for name in client.sources}
    counts = {"accesses": 0, "refused": 0, "commands": 0}
    if wrong:
        client.watch.checker.golden.memory(wrong)[...] += 1
    drains = [cocotb.start_soon(_drain(sink)) for sink in client.sinks.values()]
    spent = 0
    begin = cocotb.utils.get_sim_time("ns")
    while spent < cycles:
        if rng.random() < 0.02:
            client.wait(rng.choice((0.0, 0.2, 0.8)))
        for name, bits in feeds.items():
            if client.sources[name].count() < 64:
                await client.send(name, [rng.getrandbits(bits) for _ in range(rng.randint(1, 9))])
        register: Register = rng.choice(table)
        offset = rng.choice((register.offset, register.offset, register.offset, rng.randrange(0x1000 - 3)))
        if register.name == "control" and (wrong or rng.random() < 0.95):  # which clears what is wrong
            continue
        if register.name == "calibration":
            data = bytes([rng.randrange(60), 0, rng.choice((0, 0, 1, 1, 1, 6)), 0])
        elif register.name == "rounds":
            data = bytes([rng.randrange(6), 0, 0, 0])
        elif register.name == "control":
            data = bytes([rng.choice((0, 1, 2, 2, 3)), 0, 0, 0])
        else:
            legal = register.mask if register.writable and rng.random() < 0.9 else 2**32 - 1
            data = (rng.getrandbits(32) & legal).to_bytes(4, "little")
            if register.name == "command" and rng.random() < 0.8:
                data = bytes([rng.randrange(4), rng.randrange(4), rng.randrange(client.config.columns), 0])
        read = rng.random() < 0.4
        answer = await (client.bus.read(offset, 4) if read else client.bus.write(offset, data))
        counts["accesses"] += 1
        counts["refused"] += answer.resp != AxiResp.OKAY
        counts["commands"] += not read and offset == client.registers["command"].offset and answer.resp == AxiResp.OKAY
        spent = int(cocotb.utils.get_sim_time("ns") - begin) // 10
    client.wait(0.0)
    # Whatever runs and waits ends, since the streams are fed and drained; each within the longest operation.
    for _ in range(2 * longest):
        for name, bits in feeds.items():
            if client.sources[name].count() < 64:
                await client.send(name, [rng.getrandbits(bits) for _ in range(9)])
        if not await client.busy():
            break
    else:
        raise AssertionError("an operation does not end")
    for drain in drains:
        drain.cancel()
    await client.reset()
    await sequence(client, operations=12, accesses=0)
    return counts | {"cycles": spent, "compared": client.watch.checker.compared}


async def _drain(sink: AxiStreamSink) -> None:
    while True:
        await sink.recv()


@cocotb.test()
async def job(dut: Any) -> None:
    """The cocotb test: plays the job of the folder named in the environment."""
    folder = Path(os.environ["SYMTRACK_JOB"])
    work: dict[str, Any] = pickle.loads((folder / "job.pickle").read_bytes())
    client = Client(dut, work.pop("config"), work.pop("seed"))
    scenario = globals()[work.pop("scenario")]
    await client.start()
    result = await scenario(client, **work)
    (folder / "outcome.pickle").write_bytes(pickle.dumps(result))
