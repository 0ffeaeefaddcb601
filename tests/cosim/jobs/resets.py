# SPDX-License-Identifier: Apache-2.0
"""Simulation job that cuts an operation off by a reset, again and again, one cycle later every time.

In between it plays others, in turn, to their end.
"""

from __future__ import annotations

from random import Random

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Program
from symtrack.cosim.engine.streams import Streams
from symtrack.model.spec.settings import Op, Settings
from tests.cosim.jobs.stuck import until_idle

SETTINGS = Settings(gain=1, calibration_pulses=5, calibration_sweeps=1, rounds=2)


def cut_off(bench: Bench, *, op: int, waits: bool) -> int:
    """Cut operations off by resets; returns the cycles of the operation in which a reset fell."""
    return bench.run(_cut_off(bench, Op(op), waits))


def _cut_off(bench: Bench, op: Op, waits: bool) -> Program:
    rng = Random()
    streams = Streams(bench.config, bench.widths, stall=lambda name: waits and rng.random() < 0.5, noise=Random(1))
    streams.settings = SETTINGS
    cycles = 0
    while True:
        yield from until_idle(streams)
        _queue(streams, Op(cycles % len(Op)))
        while streams.outgoing["command"]:
            yield from streams.cycle()
        yield from until_idle(streams)
        rng.seed(1)  # the same waits as before
        _queue(streams, op)
        started = False
        for _ in range(cycles):
            outputs = yield from streams.cycle()
            if started and not outputs["status__busy"]:
                return cycles - 1
            started = bool(outputs["status__busy"])
        yield from streams.cycle(reset=True)
        streams.clear()
        cycles += 1


def _queue(streams: Streams, op: Op) -> None:
    config, rng = streams.config, Random(1)
    streams.outgoing["command"].append({"op": int(op), "bl": config.bl_max, "column": 0})
    if op == Op.UPDATE:
        for size in (config.columns, config.rows):
            streams.send_vectors([config.magnitude_format.high] * size, [line % 2 for line in range(size)])
    else:
        reads = {Op.CALIBRATE: SETTINGS.calibration_sweeps * config.columns, Op.PROGRAM: SETTINGS.rounds}
        for _ in range(reads.get(op, 1)):
            streams.send_codes([rng.randint(1, config.code_format.high) for _ in range(config.rows)])
