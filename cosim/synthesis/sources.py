# SPDX-License-Identifier: Apache-2.0
"""Compares the two kinds of random sources: what they cost, how independent their words are, how well is learned.

Costs are those of the sources of an update with the XORs of their lines; statistics are those of
`symtrack.cosim.compare.generator`, of the golden twin; digits are trained as for the table of narrow words.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import mean, stdev

from symtrack.cosim.compare.generator import DEFAULT_GRID, pulse_statistics
from symtrack.cosim.synthesis.growth import SQUARE
from symtrack.cosim.synthesis.options import ALGORITHMS, accuracy, case
from symtrack.cosim.synthesis.report import WHOLE, costs
from symtrack.model.files import markdown
from symtrack.model.spec.config import NAMED, TileConfig

KINDS = {"`shared_sources` 0": {"shared_sources": 0}, "`shared_sources` 1": {"shared_sources": 1}}
TILES = {"small": NAMED["small"], "32x32": SQUARE.replace(programmer=0)}
PARTS: dict[str, tuple[str, ...]] = {
    "sources of an update, with XORs": ("update.rows", "update.columns"),
    "update": ("update",),
    "tile": (WHOLE,),
}
SEEDS = tuple(range(1, 11))
SLOTS, PAIRS = 1 << 24, 8
POINTS = [(p, q) for p in DEFAULT_GRID for q in DEFAULT_GRID]
ABOUT = """\
Random words of lines are a third of the gates of an update. With `shared_sources` a source has two words a step and a
sparse polynomial, see [the tile](tile.md#3-random-words), so there are half as many, each of them cheaper; the first
table has the whole tile with all parts. Words are others, so pulses and results are, too."""
ABOUT_STATISTICS = f"""\
How often a row and a column fire together, over {SLOTS:,} slots of each of {PAIRS} pairs of lines and {len(POINTS)}
pairs of probabilities, and how the counts of {3 * PAIRS} pairs of cells are correlated, both against independent words,
of `small` (`symtrack pulse-statistics`; [what else is tested](trust.md#the-random-generator)):"""
ABOUT_LEARNED = f"""\
Accuracy on digits in percent, as above, mean ± standard deviation of {len(SEEDS)} seeds, and the mean difference of
runs of one seed with its standard error:"""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What was found out about a kind of sources.

    Attributes
    ----------
    costs : LUTs, gates and flip-flops by tile and part.
    relative_error, correlation, standard_errors : the worst that `pulse_statistics` found.
    accuracies : of all seeds, by algorithm.
    """

    costs: dict[tuple[str, str], tuple[float, float, float]]
    relative_error: float
    correlation: float
    standard_errors: float
    accuracies: dict[str, list[float]]


def compared(progress: Callable[[int], None] = lambda count: None) -> dict[str, Kind]:
    """Both of `KINDS`; what has been synthesized or trained is not again."""
    found = {}
    for name, fields in KINDS.items():
        of_tiles = {tile: config.replace(**fields) for tile, config in TILES.items()}
        told = pulse_statistics(
            of_tiles["small"], points=POINTS, slots=SLOTS, pairs=PAIRS, seed=1, engine="native", rtl_slots=0
        )
        found[name] = Kind(
            costs={(tile, part): cost for tile, config in of_tiles.items() for part, cost in _costs_of(config).items()},
            relative_error=told["worst_relative_error"],
            correlation=told["worst_pair_correlation"],
            standard_errors=told["worst_pair_standard_errors"],
            accuracies={
                algorithm: [accuracy(case(algorithm, _told(fields), seed)) for seed in SEEDS]
                for algorithm in ALGORITHMS
            },
        )
        progress(1)
    return found


def _told(fields: dict[str, int]) -> dict[str, int]:
    """The fields that are not as they are by default."""
    return {name: value for name, value in fields.items() if value != getattr(TileConfig(), name)}


def _costs_of(config: TileConfig) -> dict[str, tuple[float, float, float]]:
    """LUTs, gates and flip-flops of all `PARTS`."""
    generic, fpga = (costs(config, target) for target in ("generic", "ecp5"))
    return {
        part: (
            sum(fpga[block].luts for block in blocks),
            sum(generic[block].gates for block in blocks),
            sum(generic[block].flip_flops for block in blocks),
        )
        for part, blocks in PARTS.items()
    }


def section(found: dict[str, Kind]) -> list[str]:
    """The part of docs/options.md about sources."""
    before, after = found.values()
    rows = [
        [tile, part, *(text for pair in zip(cost, after.costs[tile, part], strict=True) for text in _both(*pair))]
        for (tile, part), cost in before.costs.items()
    ]
    head = ["tile", "part"]
    for name in ("LUTs", "gates", "flip-flops"):
        head += [name, "shared"]
    statistics = [
        [name, f"{kind.relative_error:.2%}", f"{kind.correlation:.4f}", f"{kind.standard_errors:.1f}"]
        for name, kind in found.items()
    ]
    learned = [
        [name, *(f"{100 * mean(values):.1f} ± {100 * stdev(values):.1f}" for values in kind.accuracies.values())]
        for name, kind in found.items()
    ]
    learned.append(
        ["difference", *(_difference(before.accuracies[name], after.accuracies[name]) for name in ALGORITHMS)]
    )
    worst = ["sources", "worst probability, relative", "worst correlation of counts", "most standard errors"]
    return [
        "## Sources of random words",
        ABOUT,
        markdown(head, rows, left=2),
        ABOUT_STATISTICS,
        markdown(worst, statistics),
        ABOUT_LEARNED,
        markdown(["sources", *(f"{name} %" for name in ALGORITHMS)], learned),
    ]


def _both(before: float, after: float) -> tuple[str, str]:
    return f"{before:,.0f}", f"{after:,.0f} ({after / before - 1:+.0%})"


def _difference(before: list[float], after: list[float]) -> str:
    differences = [100 * (b - a) for a, b in zip(before, after, strict=True)]
    return f"{mean(differences):+.1f} ± {stdev(differences) / len(differences) ** 0.5:.1f}"
