# SPDX-License-Identifier: Apache-2.0
"""Joules of a run from the counts of its events: the digital periphery as measured, array and converters from a table.

    digital = slots * slot + reads * read + overhead * cycle,    overhead = cycles - slots - reads * cycles of a read
    ADC     = reads * rows * adc
    DAC     = (slots * (rows + columns) + reads) * dac
    array   = (coincidences + transfer pulses + reference pulses) * pulse + reads * rows * cell

with the energies of a slot, of a read and of any other cycle as ``symtrack energy`` measures them, in pJ, clock,
memories and leakage in them. Products of a network are no events of the periphery, and none of this counts them. Nor is
there any idle time: neither the clock nor the leakage of a tile that waits is in it. The DACs of all lines count in a
slot, whether they fire or not, and of a read that of its column, each for a clock period. The table has defaults for
all that the project cannot measure; `SOURCES` says where they come from and which are assumptions.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from symtrack.model.spec.config import TileConfig, UsedLines
from symtrack.model.spec.validated import Validated, number

PICO = 1e-12
PARTS = ("data", "clock", "memory", "leakage")
EVENTS = ("slot", "read", "overhead")


@dataclass(frozen=True, kw_only=True)
class EnergyTable(Validated):
    """What energies depend on beside netlist and activity; a file may have any of it, as TOML or JSON.

    Raises
    ------
    TypeError, ValueError
        A field is not what it may be; the message names the field, its value and what is allowed.
    """

    transition_ns: float = number(0.01, 2.0, 0.2, "transition time of data at which energies of cells are read, in ns")
    clock_transition_ns: float = number(0.01, 2.0, 0.1, "that of clocks, in ns")
    wire_ff: float = number(0.0, 1000.0, 10.0, "capacitance of the wire to a pin, in fF")
    clock_mhz: float = number(1e-3, 1e4, 100.0, "clock frequency, on which leakage per cycle depends, in MHz")
    sram_read_pj: float = number(0.0, 1e3, 2.5, "energy of a bit that a memory reads, in pJ")
    sram_write_pj: float = number(0.0, 1e3, 2.5, "energy of a bit that a memory writes, in pJ")
    adc_pj: float = number(0.0, 1e6, 1.67, "energy of a conversion of a row by its ADC, in pJ")
    dac_pj: float = number(0.0, 1e6, 0.039, "energy of the driver of a line in one clock period, in pJ")
    cell_read_pj: float = number(0.0, 1e6, 0.0018, "energy of a cell that is read, in pJ")
    pulse_pj: float = number(0.0, 1e6, 0.005, "energy of a pulse at a cell, in pJ")

    @classmethod
    def load(cls, path: Path) -> EnergyTable:
        """The table in a file, .toml or .json, with the defaults for what it does not have."""
        where = f"table = {str(path)!r}"
        readers = {".toml": tomllib.loads, ".json": json.loads}
        if path.suffix not in readers:
            raise ValueError(f"{where}: must be the path of a .toml or .json file")
        try:
            values = readers[path.suffix](path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise ValueError(f"{where}: must be a readable file ({error.strerror})") from None
        except (ValueError, RecursionError) as error:
            kind = path.suffix.removeprefix(".").upper()
            raise ValueError(f"{where}: must be valid {kind} ({str(error)[:80]})") from None
        names = [spec.name for spec in fields(cls)]
        if not isinstance(values, dict):
            raise ValueError(f"{where}: must be a table with any of {', '.join(names)}")
        for name in values:
            if name not in names:
                raise ValueError(f"{where}: unknown field {name!r}: must be one of {', '.join(names)}")
        return cls(**values)


SOURCES = {
    "transition_ns": "assumption: between the entries of most tables of the library",
    "clock_transition_ns": "assumption: as sharp as a clock tree makes it",
    "wire_ff": "assumption: 50 µm at 0.2 fF/µm, for want of a layout",
    "clock_mhz": "assumption",
    "sram_read_pj": "assumption: 10 pJ for 64 bits of an 8 KB memory at 45 nm and 0.9 V (Horowitz, ISSCC 2014), times "
    "180/45 for its wires and (1.8/0.9)² for the supply",
    "sram_write_pj": "assumption: as a read",
    "adc_pj": "8 bits at 32 nm: 8 ADCs of 1.2 GS/s in 16 mW (Shafiee et al., ISAAC, ISCA 2016)",
    "dac_pj": "1 bit at 32 nm: 1024 DACs in 4 mW (Shafiee et al., ISAAC, ISCA 2016), for the 10 ns of a slot at 100 "
    "MHz; another clock_mhz needs another one; all lines count, whether they fire or not",
    "cell_read_pj": "8 arrays of 128x128 cells in 2.4 mW, for 100 ns (Shafiee et al., ISAAC, ISCA 2016)",
    "pulse_pj": "assumption: 1 V at 1 MΩ for 5 ns, the pulse of Rasch et al. 2024",
}


@dataclass(frozen=True, kw_only=True)
class EventEnergies:
    """Energies of the events of a tile, in pJ by `PARTS`, as ``symtrack energy`` measures them.

    Attributes
    ----------
    fingerprint : of the configuration, `TileConfig.fingerprint`.
    rows, columns : of the tile.
    read_cycles : clock cycles of a read.
    slot, read, overhead : of a slot of an update, of a column that is read, and of any other cycle of an operation.
    """

    fingerprint: str
    rows: int
    columns: int
    read_cycles: int
    slot: Mapping[str, float]
    read: Mapping[str, float]
    overhead: Mapping[str, float]

    @classmethod
    def of(cls, config: TileConfig, events: Mapping[str, Mapping[str, float]]) -> EventEnergies:
        """Those of a tile, by `EVENTS`."""
        return cls(
            fingerprint=config.fingerprint,
            rows=config.rows,
            columns=config.columns,
            read_cycles=config.read_cycles,
            **{name: dict(events[name]) for name in EVENTS},
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, of which ``EventEnergies(**data)`` makes the same."""
        return asdict(self)

    def digital(self, *, slots: int, reads: int, cycles: int, read_cycles: int | None = None) -> dict[str, float]:
        """Energy of the periphery in pJ by `PARTS`, with the counts of a run on the tile.

        read_cycles: of a read of the lines in use, by default of all lines; its energy is in proportion.

        Raises
        ------
        ValueError
            The slots and reads take more cycles than there are.
        """
        length = read_cycles or self.read_cycles
        overhead = cycles - slots - reads * length
        if overhead < 0:
            needed = f"{slots + reads * length}, those of {slots} slots and {reads} reads of {length} cycles"
            raise ValueError(f"cycles = {cycles}: must be at least {needed}")
        counts = {"slot": slots, "read": reads * length / self.read_cycles, "overhead": overhead}
        return {part: sum(counts[name] * getattr(self, name)[part] for name in EVENTS) for part in PARTS}


def joules(
    counts: Mapping[str, int],
    events: EventEnergies,
    table: EnergyTable | None = None,
    *,
    used: UsedLines | None = None,
) -> dict[str, float]:
    """Energy of a run in joules from its counts, those of `model.training.metrics.counts`, without any idle time.

    Parameters
    ----------
    counts
        ``update_slots``, ``reads`` and ``cycles``, and for the array ``coincidences``, ``transfer_pulses`` and
        ``reference_pulses``, 0 where they are missing.
    events
        Energies of the events of the tile.
    table
        Energies of array and converters, by default those of `EnergyTable`.
    used
        The lines of the tile that are in use, by default all: those of a layer on a larger macro.

    Returns
    -------
    dict
        ``data``, ``clock``, ``memory``, ``leakage`` and their sum ``digital``; ``adc``, ``dac``, ``array`` and their
        sum ``analog``; and ``total``, in joules.

    Raises
    ------
    KeyError
        A count that is needed is missing.
    ValueError
        The counts are not those of such a tile: slots and reads take more cycles than there are.
    """
    table = table or EnergyTable()
    slots, reads, cycles = (counts[name] for name in ("update_slots", "reads", "cycles"))
    rows, columns = (used.rows, used.columns) if used else (events.rows, events.columns)
    length = used.read_cycles if used else None
    digital = events.digital(slots=slots, reads=reads, cycles=cycles, read_cycles=length)
    pulses = sum(counts.get(name, 0) for name in ("coincidences", "transfer_pulses", "reference_pulses"))
    analog = {
        "adc": reads * rows * table.adc_pj,
        "dac": (slots * (rows + columns) + reads) * table.dac_pj,
        "array": pulses * table.pulse_pj + reads * rows * table.cell_read_pj,
    }
    picojoules = {
        **digital,
        "digital": sum(digital.values()),
        **analog,
        "analog": sum(analog.values()),
        "total": sum(digital.values()) + sum(analog.values()),
    }
    return {name: value * PICO for name, value in picojoules.items()}
