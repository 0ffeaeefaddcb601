# SPDX-License-Identifier: Apache-2.0
"""The table of engines by name; an engine is imported when it is asked for, so that one needs nothing of another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from symtrack.cosim.engine.job import Engine


class Engines(Mapping[str, Engine]):
    """Engines by name, each given as ``module:function`` or as the function itself."""

    def __init__(self, **engines: str | Engine) -> None:
        self._engines = dict(engines)

    def __getitem__(self, name: str) -> Engine:
        engine = self._engines[name]
        if isinstance(engine, str):
            module, _, function = engine.partition(":")
            engine = self._engines[name] = getattr(import_module(module), function)
        return engine

    def __setitem__(self, name: str, engine: str | Engine) -> None:
        self._engines[name] = engine

    def __delitem__(self, name: str) -> None:
        del self._engines[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._engines)

    def __len__(self) -> int:
        return len(self._engines)


WITH_WAVES = ("cocotb", "icarus")  # the engines that write waveforms
ENGINES = Engines(
    cocotb="symtrack.cosim.engine.cocotb.engine:run_job",
    icarus="symtrack.cosim.engine.cocotb.engine:run_icarus_job",
    native="symtrack.cosim.engine.native.engine:run_job",
)
