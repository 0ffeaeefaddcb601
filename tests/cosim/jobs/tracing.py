# SPDX-License-Identifier: Apache-2.0
"""Simulation job that plays the random scenario and keeps a digest of every port in every cycle."""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from random import Random
from typing import Any

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Ports, Program
from symtrack.cosim.stimulus.random import random_program


def digests(bench: Bench, *, cycles: int, seed: int) -> list[str]:
    """Play the random scenario; returns a digest of inputs and outputs per cycle."""
    trace: list[str] = []
    bench.run(_watched(random_program(bench, cycles, Random(seed)), trace))
    return trace


def _watched(program: Program, trace: list[str]) -> Generator[Ports, Ports, Any]:
    try:
        inputs = next(program)
        while True:
            outputs = yield inputs
            line = repr((sorted(inputs.items()), sorted(outputs.items())))
            trace.append(hashlib.sha256(line.encode()).hexdigest()[:16])
            inputs = program.send(outputs)
    except StopIteration as end:
        return end.value
