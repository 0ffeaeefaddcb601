"""Jobs in which a neighbour of the tile fails: it stops, loses a beat, or withdraws what it has offered."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from cosim.bench import Bench
from cosim.lockstep import Ports
from cosim.streams import SINKS, Program, Streams
from model.config import Op, Settings

HELD = 2000  # cycles in which nothing moves


def stopped(bench: Bench, *, stream: str, op: int) -> dict[str, Any]:
    """One neighbour stops during an operation, for `HELD` cycles: what the tile does, and whether it then goes on."""
    return bench.run(_stopped(bench, stream, Op(op)))


def lost(bench: Bench, *, stream: str) -> dict[str, Any]:
    """The last beat of an operation is lost; that of the same operation later takes its place."""
    return bench.run(_lost(bench, stream))


def withdrawn(bench: Bench) -> dict[str, Any]:
    """Vectors and codes are offered while the tile cannot take them, and withdrawn."""
    return bench.run(_withdrawn(bench))


def _begin(streams: Streams, op: Op, beats: dict[str, int] | None = None) -> None:
    config, rng = streams.config, Random(1)
    counts = {"vectors": config.column_beats + config.row_beats, "codes": config.row_beats} | (beats or {})
    streams.outgoing["command"].append({"op": int(op), "bl": config.bl_max, "column": 0})
    if op == Op.UPDATE:
        for size in (config.columns, config.rows):
            streams.send_vectors([config.magnitude_format.high] * size, [0] * size)
        while len(streams.outgoing["vectors"]) > counts["vectors"]:
            streams.outgoing["vectors"].pop()
    else:
        streams.send_codes([rng.randint(1, config.code_format.high) for _ in range(config.rows)])
        while len(streams.outgoing["codes"]) > counts["codes"]:
            streams.outgoing["codes"].pop()


def _until(streams: Streams, condition: Callable[[Ports], bool], most: int = 5000) -> Program:
    for cycle in range(most):
        outputs = yield from streams.cycle()
        if condition(outputs):
            return cycle
    raise AssertionError(f"nothing came in {most} cycles")


def _idle(outputs: Ports) -> bool:
    return not outputs["status__busy"]


def _stopped(bench: Bench, stream: str, op: Op) -> Program:
    fails = True
    streams = Streams(bench.config, bench.widths, stall=lambda name: fails and name == stream)
    yield from _until(streams, _idle)
    streams.settings = Settings(gain=1, rounds=1)
    _begin(streams, op)
    yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
    for _ in range(bench.config.update_cycles(4 * bench.config.bl_max) + bench.config.transfer_cycles):
        yield from streams.cycle()  # as far as it gets
    seen: list[Ports] = []
    for _ in range(HELD):
        seen.append((yield from streams.cycle()))
    fails = False
    cycles = yield from _until(streams, _idle)
    return {"busy": all(outputs["status__busy"] for outputs in seen), "held": _still(seen), "cycles": cycles}


def _still(seen: list[Ports]) -> bool:
    """No output changes while nothing moves."""
    return all(outputs == seen[0] for outputs in seen)


def _lost(bench: Bench, stream: str) -> Program:
    streams = Streams(bench.config, bench.widths)
    yield from _until(streams, _idle)
    op = Op.UPDATE if stream == "vectors" else Op.TRANSFER
    config = bench.config
    whole = {"vectors": config.column_beats + config.row_beats, "codes": config.row_beats}[stream]
    _begin(streams, op, {stream: whole - 1})
    yield from _until(streams, lambda outputs: bool(outputs["status__busy"]))
    waiting = []
    for _ in range(HELD):
        outputs = yield from streams.cycle()
        waiting.append(outputs["status__busy"])
    asks = streams.outputs[f"{stream}__ready"]
    _begin(streams, op)  # its first beat is taken for the one that was lost
    streams.outgoing["command"].clear()
    yield from _until(streams, _idle)
    return {"busy": all(waiting[10:]), "asks": asks, "left": len(streams.outgoing[stream]), "whole": whole}


def _withdrawn(bench: Bench) -> Program:
    streams = Streams(bench.config, bench.widths)
    yield from _until(streams, _idle)
    taken = 0
    for _ in range(50):
        inputs = streams.inputs() | {"vectors__valid": 1, "codes__valid": 1}
        outputs = yield inputs
        taken += outputs["vectors__ready"] + outputs["codes__ready"]
    return {"taken": taken, "busy": outputs["status__busy"], "sinks": sum(outputs[f"{name}__valid"] for name in SINKS)}
