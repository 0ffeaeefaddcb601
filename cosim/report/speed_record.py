# SPDX-License-Identifier: Apache-2.0
"""Record of the engines' speed by version: docs/performance.md, whose table keeps the rows of other versions.

A row is one measure of one version, and all rows of a version come from one run on one machine. So ratios compare
between versions, and cycles per second where the machines are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MEASURES = {
    "cocotb": "cocotb, every cycle compared",
    "native": "native",
    "native_recorded": "native, every cycle compared",
}
COLUMNS = ("version", "tile", "measure", "cycles/s", "times cocotb", "spread", "machine")
HEAD = f"| {' | '.join(COLUMNS)} |\n|---|---|---|---:|---:|---:|---|\n"
INTRODUCTION = """\
# Speed by version

What the RTL engines make of one stimulus: dense updates with full trains and transfers in turn, without waits. Figures
are medians of runs that were made in turn, the spread is that between the fastest and the slowest, relative to the
median. Whatever else the machine does slows all of them down, so look at the ratio first. The simulators are those that
users get, and building them does not count.

`.venv/bin/symtrack benchmark --record docs/performance.md` measures the version at hand and writes its rows anew; those
of other versions stay. Run it before a release, and after changes of `hdl/tile` or of `cosim/engine`.

"""


def rows_of_others(document: str, *, version: str) -> str:
    """The rows of all versions but one in a record; none if there is nothing yet.

    Raises
    ------
    ValueError
        There is something, but no table of this form.
    """
    if document and HEAD not in document:
        raise ValueError(f"must have a table with the columns {', '.join(COLUMNS)}, or not exist")
    rows = document.partition(HEAD)[2].splitlines(keepends=True)
    return "".join(row for row in rows if not row.startswith(f"| {version} |"))


def speed_record(entry: Mapping[str, Any], *, version: str, machine: str, others: str = "") -> str:
    """The document with the rows of this version first, and then those of the ``others``.

    entry: figures of one tile, those of `symtrack.cosim.compare.speed.cosim_speed`.
    """
    rows = []
    for key, measure in MEASURES.items():
        ratio = entry[key] / entry["cocotb"]
        figures = f"{entry[key]:,.0f}", f"{ratio:.0f}", f"{entry['spread'][key]:.0%}"
        rows.append((version, f"{entry['rows']}x{entry['columns']}", measure, *figures, machine.replace("|", "/")))
    return INTRODUCTION + HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows) + others
