"""The RTL behind the methods of the golden periphery, so that the same training loop runs on either.

An update or a transfer is played cycle by cycle on a bench, in lock-step with the golden tile, without waits.
"""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from cosim.bench import Bench
from cosim.lockstep import Ports
from cosim.streams import Streams
from model.config import Op, Settings, TileConfig
from model.fixed import Int
from model.lanes import unpack_signed
from model.periphery import PulseSlots, Transfer


class RtlPeriphery:
    """One tile in RTL; the methods are those of `model.periphery.Periphery`.

    Attributes
    ----------
    cycles : clock cycles of the operations so far, idle ones between them not counted.
    """

    def __init__(self, bench: Bench) -> None:
        self.config: TileConfig = bench.config
        self.cycles = 0
        self._bench = bench
        self._streams = Streams(bench.config, bench.widths)
        bench.run(self._wait_idle())

    @property
    def chopper(self) -> Int:
        """c, +1 or -1 per column."""
        bits = self._streams.outputs["status__chopper"]
        return np.array([-1 if bits >> j & 1 else 1 for j in range(self.config.columns)], np.int64)

    @property
    def next_column(self) -> int:
        """The column that the next transfer reads."""
        return self._streams.outputs["read__column"]

    def update(
        self, x_negative: Int, x_magnitude: Int, delta_negative: Int, delta_magnitude: Int, bl: int
    ) -> PulseSlots:
        """Play one update; the lines of its slots."""
        streams = self._streams
        streams.outgoing["command"].append({"op": int(Op.UPDATE), "bl": bl})
        streams.send_vectors(list(x_magnitude), list(x_negative))
        streams.send_vectors(list(delta_magnitude), list(delta_negative))
        self._bench.run(self._operation())
        slots = streams.incoming["pulses"]
        return PulseSlots(
            rows=_lines([slot["rows"] for slot in slots], self.config.rows),
            columns=_lines([slot["columns"] for slot in slots], self.config.columns),
            up=np.array([slot["up"] for slot in slots], np.uint8),
            quadrant=np.array([slot["quadrant"] for slot in slots], np.uint8),
        )

    def transfer(self, codes: Int, settings: Settings) -> Transfer:
        """Play one transfer of the next column with these ADC codes."""
        config, streams = self.config, self._streams
        streams.settings = settings
        streams.outgoing["command"].append({"op": int(Op.TRANSFER), "bl": 0})
        streams.send_codes(list(codes))
        self._bench.run(self._operation())
        beats = streams.incoming["writes"]
        pulses = [n for beat in beats for n in unpack_signed(beat["pulses"], config.pulses_format.width, config.lanes)]
        width = config.reference_format.width
        reference = [word for beat in beats for word in unpack_signed(beat["reference"], width, config.lanes)]
        return Transfer(
            column=beats[0]["column"],
            pulses=np.array(pulses[: config.rows], np.int64),
            latched=bool(beats[0]["latch"]),
            reference=np.array(reference[: config.rows], np.int64),
        )

    def state_arrays(self) -> dict[str, Int]:
        """State under the golden names: memories and registers from inside the RTL, the rest from its ports.

        Raises
        ------
        KeyError
            The netlist does not show a memory or register under its name.
        """
        inside = self._bench.read_state()
        outputs = self._streams.outputs
        ports = ("slots", "reads", "transfer_pulses", "hidden_saturated", "pulses_clamped")
        hidden = ("q", "qref", "hidden", "row_sources", "column_sources", "flipped", "sweep", "chopper_source")
        return {
            **{name: inside[name] for name in hidden},
            "chopper": self.chopper,
            "column": np.array(self.next_column, np.int64),
            **{name: np.array(outputs[f"status__{name}"], np.int64) for name in ports},
        }

    def _wait_idle(self) -> Generator[Ports, Ports, None]:
        yield from self._streams.cycle()
        while self._streams.outputs["status__busy"]:
            yield from self._streams.cycle()

    def _operation(self) -> Generator[Ports, Ports, None]:
        """From the cycle of the command to the first idle one, which is looked at but not counted."""
        for beats in self._streams.incoming.values():
            beats.clear()
        yield from self._streams.cycle()
        self.cycles += 1
        yield from self._streams.cycle()
        while self._streams.outputs["status__busy"]:
            self.cycles += 1
            yield from self._streams.cycle()


def _lines(words: list[int], count: int) -> np.ndarray:
    """Bits [slots, count] of one word per slot."""
    size = -(-count // 8)
    raw = b"".join(word.to_bytes(size, "little") for word in words)
    bytes_ = np.frombuffer(raw, np.uint8).reshape(len(words), size)
    return np.unpackbits(bytes_, axis=1, bitorder="little")[:, :count]
