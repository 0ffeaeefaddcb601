# SPDX-License-Identifier: Apache-2.0
"""Simulation jobs that play no cycle, or only cycles in which nothing happens."""

from __future__ import annotations

from collections.abc import Generator

from symtrack.cosim.engine.job import Bench
from symtrack.cosim.engine.lockstep import Ports
from symtrack.cosim.engine.streams import Streams


def nothing(bench: Bench) -> None:
    """Return at once."""


def rest(bench: Bench, *, cycles: int) -> None:
    """So many idle cycles, then a reset, which clears all words."""

    def program() -> Generator[Ports, Ports, None]:
        streams = Streams(bench.config, bench.widths)
        for _ in range(cycles):
            yield from streams.cycle()
        yield from streams.cycle(reset=True)
        for _ in range(bench.config.clear_cycles):
            yield from streams.cycle()

    bench.run(program())
