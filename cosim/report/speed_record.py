# SPDX-License-Identifier: Apache-2.0
"""Record of speed by version: docs/performance.md, whose tables keep the rows of other versions.

A row is one measure of one version, and all rows of a version in a table come from one run on one machine. So ratios
compare between versions, and speeds where the machines are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

MEASURES = {
    "cocotb": "cocotb, every cycle compared",
    "native": "native",
    "native_recorded": "native, every cycle compared",
}


@dataclass(frozen=True, kw_only=True)
class RecordTable:
    """A table of the record.

    Attributes
    ----------
    text : what stands above it.
    columns : its headings, of which those named in ``numbers`` are numbers.
    """

    text: str
    columns: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def head(self) -> str:
        """Headings and the line below them."""
        lines = ("---:" if name in self.numbers else "---" for name in self.columns)
        return f"| {' | '.join(self.columns)} |\n|{'|'.join(lines)}|\n"


ENGINES = RecordTable(
    text="""\
# Speed by version

What the RTL engines make of one stimulus: dense updates with full trains and transfers in turn, without waits. Figures
are medians of runs that were made in turn, the spread is that between the fastest and the slowest, relative to the
median. Seconds are of processor time; still, whatever else the machine does slows all of them down, so look at the
ratio first. The simulators are those that users get, and building them does not count.

`.venv/bin/symtrack benchmark --record docs/performance.md` measures the version at hand and writes its rows anew; those
of other versions stay. Run it before a release, and after changes of `hdl/tile` or of `cosim/engine`.

""",
    columns=("version", "tile", "measure", "cycles/s", "times cocotb", "spread", "machine"),
    numbers=("cycles/s", "times cocotb", "spread"),
)
SIZES = RecordTable(
    text="""
## The cost of a cycle against the size of the tile

The same stimulus on the native engine, measured by the same command. A cycle costs what the logic of all lines and
lanes takes in C++, and its share of the Python around an operation, of which a small tile has more.

""",
    columns=(
        *("version", "tile", "lanes", "cycles/s", "µs a cycle", "spread"),
        *("every cycle compared", "spread of these", "machine"),
    ),
    numbers=("lanes", "cycles/s", "µs a cycle", "spread", "every cycle compared", "spread of these"),
)
NETWORKS = RecordTable(
    text="""
## Whole trainings beside aihwkit

Milliseconds of processor time a sample of the golden model, one thread, on images of 28 x 28 pixels: soft bounds with
noise and 1200 states, offsets of 0.3 ± 0.1, trains of up to 5 slots. aihwkit trains the same networks with its AGAD in
turn with ours; it has no E-RIDER, so that ours is held against its AGAD as well. The ratio is the median of those of
the turns, whose goal is what this version set out for. Our coincidences a sample say how much the devices do.

`.venv/bin/symtrack benchmark --against PYTHON --record docs/performance.md` measures it, where PYTHON is that of an
environment that holds aihwkit. Run it after changes of `model/devices`, `model/tile` or `model/network`.

""",
    columns=(
        *(
            "version",
            "network",
            "algorithm",
            "images",
            "batch",
            "coincidences",
            "ms a sample",
            "spread",
            "Python's share",
        ),
        *("aihwkit", "aihwkit's ms", "its spread", "ratio", "goal", "machine"),
    ),
    numbers=(
        *("batch", "coincidences", "ms a sample", "spread", "Python's share", "aihwkit's ms", "its spread", "ratio"),
        "goal",
    ),
)
LAYER_UPDATES = RecordTable(
    text="""
## Updates of a layer beside aihwkit

Milliseconds of processor time an update, from vectors to cells: update management, trains, pulses. Inputs and errors
are uniform from -1 to 1; of the sparse layers a tenth of both is not zero, of the layer of images 19 % of the inputs.
A pair of lines meets as often in both programs. Measured by the command above.

""",
    columns=(
        *("version", "layer", "BL", "batch", "coincidences", "ms an update", "spread"),
        *("aihwkit", "aihwkit's ms", "its spread", "ratio", "goal", "machine"),
    ),
    numbers=(
        *("BL", "batch", "coincidences", "ms an update", "spread", "aihwkit's ms", "its spread", "ratio"),
        "goal",
    ),
)
TABLES = (ENGINES, SIZES, NETWORKS, LAYER_UPDATES)

Row = tuple[str, ...]


def rows(document: str, table: RecordTable) -> list[str]:
    """The lines of a table in a record; none if there is nothing yet.

    Raises
    ------
    ValueError
        There is something, but no table of this form.
    """
    if document and table.head not in document:
        raise ValueError(f"must have a table with the columns {', '.join(table.columns)}, or not exist")
    below = document.partition(table.head)[2].splitlines()
    return list(takewhile(lambda line: line.startswith("|"), below))


def engine_rows(entry: Mapping[str, Any]) -> list[Row]:
    """Figures of one tile, those of `symtrack.cosim.compare.speed.cosim_speed`, without version and machine."""
    result: list[Row] = []
    for key, measure in MEASURES.items():
        ratio = entry[key] / entry["cocotb"]
        figures = f"{entry[key]:,.0f}", f"{ratio:.0f}", f"{entry['spread'][key]:.0%}"
        result.append((f"{entry['rows']}x{entry['columns']}", measure, *figures))
    return result


def size_rows(entries: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Figures of tiles on the native engine, those of `cosim_speed` for it, without version and machine."""
    return [
        (
            *(f"{entry['rows']}x{entry['columns']}", f"{entry['lanes']}"),
            *(f"{entry['native']:,.0f}", f"{1e6 / entry['native']:.2f}", f"{entry['spread']['native']:.0%}"),
            *(f"{entry['native_recorded']:,.0f}", f"{entry['spread']['native_recorded']:.0%}"),
        )
        for entry in entries
    ]


def network_rows(entries: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Figures of `symtrack.model.analysis.network_speed.networks` beside aihwkit, without version and machine."""
    return [
        (
            *(entry["network"], entry["algorithm"], entry["images"], f"{entry['batch']}"),
            *(f"{entry['coincidences_per_sample']:,.0f}", f"{entry['ms_per_sample']:.3f}", f"{entry['spread']:.0%}"),
            *(f"{entry['python_share']:.0%}", entry["aihwkit"], f"{entry['aihwkit_ms_per_sample']:.3f}"),
            *(f"{entry['aihwkit_spread']:.0%}", f"{entry['ratio']:.1f}", f"{entry['goal']:g}"),
        )
        for entry in entries
    ]


def layer_rows(entries: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Figures of `symtrack.model.analysis.layer_speed.layers` beside aihwkit, without version and machine."""
    return [
        (
            *(entry["layer"], f"{entry['bl']}", f"{entry['batch']}", f"{entry['coincidences_per_update']:,.0f}"),
            *(f"{entry['ms_per_update']:.4f}", f"{entry['spread']:.0%}"),
            *(entry["aihwkit"], f"{entry['aihwkit_ms_per_update']:.4f}", f"{entry['aihwkit_spread']:.0%}"),
            *(f"{entry['ratio']:.1f}", f"{entry['goal']:g}" if entry["goal"] else "–"),
        )
        for entry in entries
    ]


def speed_record(document: str, table: RecordTable, new: Sequence[Row], *, version: str, machine: str) -> str:
    """The document with the rows of this version on this machine first in a table, and all others as they were.

    Raises
    ------
    ValueError
        The document is not empty, and has no tables of this form.
    """
    text = []
    for one in TABLES:
        kept = rows(document, one)
        if one is table:
            first, last = f"| {version} |", f"| {machine.replace('|', '/')} |"
            own = [f"{first} {' | '.join(row)} {last}" for row in new]
            kept = [*own, *(row for row in kept if not (row.startswith(first) and row.endswith(last)))]
        text.append(one.text + one.head + "".join(f"{row}\n" for row in kept))
    return "".join(text)
