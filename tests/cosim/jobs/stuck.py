# SPDX-License-Identifier: Apache-2.0
"""Simulation jobs in which a neighbour of the tile fails: it stops, loses or withdraws a beat, or is stuck."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Ports, Program
from symtrack.cosim.engine.streams import SINKS, Streams
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Op, Settings
from symtrack.model.tile.packing import unpack_signed

HELD = 2000  # cycles in which nothing moves
SETTINGS = Settings(gain=1, rounds=1, calibration_pulses=4, calibration_sweeps=1)


def stopped(bench: Bench, *, stream: str, op: int) -> dict[str, Any]:
    """One neighbour stops during an operation, for `HELD` cycles: what the tile does, and whether it then goes on."""
    return bench.run(_stopped(bench, stream, Op(op)))


def lost(bench: Bench, *, stream: str) -> dict[str, Any]:
    """The last beat of an operation is lost; that of the same operation later takes its place."""
    return bench.run(_lost(bench, stream))


def extra(bench: Bench, *, stream: str) -> dict[str, Any]:
    """A beat too many follows an operation; it is the first one of the same operation later."""
    return bench.run(_extra(bench, stream))


def withdrawn(bench: Bench) -> dict[str, Any]:
    """Vectors and codes are offered while the tile cannot take them, and withdrawn; then operations have others."""
    return bench.run(_withdrawn(bench))


def code(bench: Bench, *, reads: int, stuck: int, settings: Settings) -> list[list[int]]:
    """A stuck ADC code in the first row, zero in all others: returns the write pulses of every row, read after read."""
    return bench.run(_code(bench, reads, stuck, settings))


def programmed(bench: Bench, *, stuck: int, rounds: int) -> dict[str, int]:
    """Programming of a column of R, whose Qref is zero, with one code that is stuck: status and pulses of its row."""
    return bench.run(_programmed(bench, stuck, rounds))


def _whole(config: TileConfig) -> dict[str, int]:
    """The numbers of beats of an update and of a read."""
    return {"vectors": config.column_beats + config.row_beats, "codes": config.row_beats}


def _begin(streams: Streams, op: Op, beats: dict[str, int] | None = None) -> None:
    config, rng = streams.config, Random(1)
    reads = config.columns if op == Op.CALIBRATE else 1
    counts = _whole(config) | {"codes": config.row_beats * reads} | (beats or {})
    streams.outgoing["command"].append({"op": int(op), "bl": config.bl_max, "column": 0})
    if op == Op.UPDATE:
        for size in (config.columns, config.rows):
            streams.send_vectors([config.magnitude_format.high] * size, [0] * size)
        while len(streams.outgoing["vectors"]) > counts["vectors"]:
            streams.outgoing["vectors"].pop()
    else:
        for _ in range(reads):
            streams.send_codes([rng.randint(1, config.code_format.high) for _ in range(config.rows)])
        while len(streams.outgoing["codes"]) > counts["codes"]:
            streams.outgoing["codes"].pop()


def _until(streams: Streams, condition: Callable[[Ports], bool], most: int = 5000) -> Program:
    for cycle in range(most):
        outputs = yield from streams.cycle()
        if condition(outputs):
            return cycle
    raise AssertionError(f"nothing came in {most} cycles")


def until_idle(streams: Streams) -> Program:
    """Play until the tile is idle; returns the number of cycles."""
    return (yield from _until(streams, lambda outputs: not outputs["status__busy"]))


def _stopped(bench: Bench, stream: str, op: Op) -> Program:
    fails = True
    streams = Streams(bench.config, bench.widths, stall=lambda name: fails and name == stream)
    yield from until_idle(streams)
    streams.settings = SETTINGS
    _begin(streams, op)
    yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
    for _ in range(bench.config.update_cycles(4 * bench.config.bl_max) + bench.config.transfer_cycles):
        yield from streams.cycle()  # as far as it gets
    seen: list[Ports] = []
    for _ in range(HELD):
        seen.append((yield from streams.cycle()))
    fails = False
    cycles = yield from until_idle(streams)
    return {"busy": all(outputs["status__busy"] for outputs in seen), "held": _still(seen), "cycles": cycles}


def _still(seen: list[Ports]) -> bool:
    """Check that no output changes while nothing moves."""
    return all(outputs == seen[0] for outputs in seen)


def _lost(bench: Bench, stream: str) -> Program:
    streams = Streams(bench.config, bench.widths)
    yield from until_idle(streams)
    op = Op.UPDATE if stream == "vectors" else Op.TRANSFER
    whole = _whole(bench.config)[stream]
    _begin(streams, op, {stream: whole - 1})
    yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
    waiting = []
    for _ in range(HELD):
        outputs = yield from streams.cycle()
        waiting.append(outputs["status__busy"])
    asks = streams.outputs[f"{stream}__ready"]
    _begin(streams, op)  # its first beat is taken for the one that was lost
    streams.outgoing["command"].clear()
    yield from until_idle(streams)
    return {"busy": all(waiting[10:]), "asks": asks, "left": len(streams.outgoing[stream]), "whole": whole}


def _extra(bench: Bench, stream: str) -> Program:
    streams = Streams(bench.config, bench.widths)
    op = Op.UPDATE if stream == "vectors" else Op.TRANSFER
    yield from until_idle(streams)
    _begin(streams, op)
    streams.outgoing[stream].append(dict(streams.outgoing[stream][0]))
    yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
    yield from until_idle(streams)
    taken = 0
    for _ in range(HELD):
        outputs = yield from streams.cycle()
        taken += outputs[f"{stream}__ready"]
    waits = len(streams.outgoing[stream])
    _begin(streams, op, {stream: _whole(bench.config)[stream] + 1})
    yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
    yield from until_idle(streams)
    return {"waits": waits, "taken": taken, "busy": outputs["status__busy"], "left": len(streams.outgoing[stream])}


def _withdrawn(bench: Bench) -> Program:
    streams = Streams(bench.config, bench.widths)
    yield from until_idle(streams)
    taken = 0
    for _ in range(50):
        inputs = streams.inputs() | {"vectors__valid": 1, "codes__valid": 1}
        outputs = yield inputs
        taken += outputs["vectors__ready"] + outputs["codes__ready"]
    sinks = sum(outputs[f"{name}__valid"] for name in SINKS)
    streams.settings = SETTINGS
    for op in Op:
        _begin(streams, op)
        yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
        yield from until_idle(streams)
    left = sum(map(len, streams.outgoing.values()))
    return {"taken": taken, "busy": outputs["status__busy"], "sinks": sinks, "left": left}


def _code(bench: Bench, reads: int, stuck: int, settings: Settings) -> Program:
    config = bench.config
    streams = Streams(config, bench.widths)
    yield from until_idle(streams)
    streams.settings = settings
    pulses = []
    for _ in range(reads):
        yield from _operation(streams, Op.TRANSFER, [stuck, *[0] * (config.rows - 1)])
        pulses.append(_pulses(streams))
    return pulses


def _programmed(bench: Bench, stuck: int, rounds: int) -> Program:
    config = bench.config
    streams = Streams(config, bench.widths)
    yield from until_idle(streams)
    streams.settings = Settings(rounds=rounds)
    codes = [stuck, *[0] * (config.rows - 1)]
    yield from _operation(streams, Op.PROGRAM, codes * rounds)
    pulses = _pulses(streams)
    return {name: streams.outputs[f"status__{name}"] for name in ("gave_up", "unprogrammed", "reads")} | {
        "pulses": sum(map(abs, pulses[0 :: config.rows])),
        "others": sum(map(abs, pulses)) - sum(map(abs, pulses[0 :: config.rows])),
    }


def _operation(streams: Streams, op: Op, codes: list[int]) -> Program:
    rows = streams.config.rows
    streams.outgoing["command"].append({"op": int(op), "bl": streams.config.bl_max, "column": 0})
    for first in range(0, len(codes), rows):
        streams.send_codes(codes[first : first + rows])
    yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
    yield from until_idle(streams)


def _pulses(streams: Streams) -> list[int]:
    """The pulses of all reads since the last call, row after row."""
    config = streams.config
    beats = [
        unpack_signed(beat["pulses"], config.pulses_format.width, config.lanes) for beat in streams.incoming["writes"]
    ]
    streams.incoming["writes"].clear()
    columns = np.concatenate(beats).reshape(-1, config.row_beats * config.lanes)[:, : config.rows]
    return [int(n) for n in columns.reshape(-1)]
