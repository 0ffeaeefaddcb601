# SPDX-License-Identifier: Apache-2.0
"""Drivers and monitors of the tile's streams: queues behind valid and ready, with random waits on both sides.

A source keeps ``valid`` and payload until its beat is taken; while it has nothing to say its payload is noise, because
the tile must not look at it. A sink's ``ready`` is free to come and go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from random import Random

from symtrack.cosim.engine.lockstep import Ports
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Settings
from symtrack.model.spec.streams import INTO_TILE, OUT_OF_TILE
from symtrack.model.tile.packing import pack

SOURCES, SINKS = INTO_TILE, OUT_OF_TILE  # as the host sees them

INJECTED = 0.02  # probability, per cycle and memory, that the next word gets a wrong parity or may get one

_VALID = {name: f"{name}__valid" for name in (*SOURCES, *SINKS)}
_READY = {name: f"{name}__ready" for name in (*SOURCES, *SINKS)}


def _is_payload(port: str) -> bool:
    stream, _, member = port.partition("__")
    return stream in SOURCES and member != "valid"


class Streams:
    """All streams of one tile.

    Parameters
    ----------
    config
        Configuration of the tile.
    ports
        Width of every input port by name.
    stall
        Given a stream's name, whether it waits in this cycle.
    noise
        Source of payloads nobody should look at, and of wrong parities of a tile with ``self_test``; without it they
        are zero.
    """

    def __init__(
        self,
        config: TileConfig,
        ports: dict[str, int],
        *,
        stall: Callable[[str], bool] = lambda stream: False,
        noise: Random | None = None,
    ) -> None:
        self.config = config
        self.widths = ports
        self.stall = stall
        self.noise = noise
        self.settings = Settings()
        self.outgoing: dict[str, deque[Ports]] = {name: deque() for name in SOURCES}
        self.incoming: dict[str, list[Ports]] = {name: [] for name in SINKS}
        self.offered: dict[str, bool] = dict.fromkeys(SOURCES, False)
        self.outputs: Ports = {}
        # What is asked for in every cycle.
        self._payloads = [(name, width) for name, width in ports.items() if _is_payload(name)]
        self._injected = [(name, width) for name, width in ports.items() if name.startswith("inject__")]
        self._settings: tuple[Settings | None, Ports] = (None, {})

    def clear(self) -> None:
        """Forget everything queued, as after a reset."""
        for name in SOURCES:
            self.outgoing[name].clear()
            self.offered[name] = False
        for name in SINKS:
            self.incoming[name].clear()

    def inputs(self, *, reset: bool = False) -> Ports:
        """What the host drives in the coming cycle."""
        if self._settings[0] is not self.settings:
            ports = {f"settings__{name}": int(value) for name, value in vars(self.settings).items()}
            self._settings = self.settings, ports
        values: Ports = {"rst": int(reset), **self._settings[1]}
        for name in SOURCES:
            queue = self.outgoing[name]
            self.offered[name] = bool(queue) and (self.offered[name] or not self.stall(name))
            values[_VALID[name]] = int(self.offered[name])
            if self.offered[name]:
                values |= {f"{name}__{key}": value for key, value in queue[0].items()}
        for name in SINKS:
            values[_READY[name]] = int(not self.stall(name))
        for name, width in self._payloads:
            if name not in values:
                values[name] = self.noise.getrandbits(width) if self.noise else 0
        for name, width in self._injected:
            values[name] = self.noise.getrandbits(width) if self.noise and self.noise.random() < INJECTED else 0
        return values

    def cycle(self, *, reset: bool = False) -> Generator[Ports, Ports, Ports]:
        """One clock cycle: moves a beat on every stream whose ``valid`` and ``ready`` are high; returns the outputs."""
        inputs = self.inputs(reset=reset)
        outputs = yield inputs
        for name in SOURCES:
            if self.offered[name] and outputs[_READY[name]] and not reset:
                self.outgoing[name].popleft()
                self.offered[name] = False
        for name in SINKS:
            if outputs[_VALID[name]] and inputs[_READY[name]] and not reset:
                prefix = f"{name}__"
                self.incoming[name].append(
                    {key.removeprefix(prefix): value for key, value in outputs.items() if key.startswith(prefix)}
                )
        self.outputs = outputs
        return outputs

    def send_vectors(self, magnitude: list[int], negative: list[int]) -> None:
        """Queue one side of an update, L lanes per beat; lanes beyond the end carry noise if there is any."""
        lanes, bits = self.config.lanes, self.config.magnitude_bits
        for first in range(0, len(magnitude), lanes):
            some = [int(value) for value in magnitude[first : first + lanes]]
            signs = [int(value) for value in negative[first : first + lanes]]
            while len(some) < lanes:
                some.append(self.noise.getrandbits(bits) if self.noise else 0)
                signs.append(self.noise.getrandbits(1) if self.noise else 0)
            self.outgoing["vectors"].append({"magnitude": pack(some, bits), "negative": pack(signs, 1)})

    def send_seeds(self, seeds: Iterable[int]) -> None:
        """Queue states of random sources; one for each, in the order of ``config.sources``, gives each its own."""
        self.outgoing["seeds"].extend({"state": seed} for seed in seeds)

    def send_codes(self, codes: list[int]) -> None:
        """Queue the ADC codes of one column."""
        lanes, bits = self.config.lanes, self.config.adc_bits
        for first in range(0, len(codes), lanes):
            some = [int(value) for value in codes[first : first + lanes]]
            while len(some) < lanes:
                some.append(self.noise.getrandbits(bits) if self.noise else 0)
            self.outgoing["codes"].append({"code": pack(some, bits)})
