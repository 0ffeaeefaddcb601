# SPDX-License-Identifier: Apache-2.0
"""Tests of differences between algorithms, paired over offsets and seeds, and errors of accuracies.

standard error   sqrt(stdev**2 / n + p (1 - p) / N): of n seeds, and of a test set of N samples
interval         mean of the differences ± t stdev / sqrt(n), 95 %
p                Wilcoxon's signed-rank test, two-sided: how likely differences like these are without an effect
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, stdev

CONFIDENCE = 0.95
EXACT_PAIRS = 50
TEST_SAMPLES = 10_000  # of MNIST and Fashion-MNIST


@dataclass(frozen=True, kw_only=True)
class Paired:
    """How far the second of two algorithms is ahead: pairs, mean difference, its interval, and p; the last two are None
    where there are too few pairs.
    """

    pairs: int
    difference: float
    half_width: float | None
    p: float | None


def standard_error(accuracies: Sequence[float], samples: int = TEST_SAMPLES) -> float:
    """Of the mean of the accuracies of some seeds, shares; with one seed that of the test set alone."""
    share = mean(accuracies)
    seeds = stdev(accuracies) ** 2 / len(accuracies) if len(accuracies) > 1 else 0.0
    return sqrt(seeds + share * (1 - share) / samples)


def paired(first: Sequence[float], second: Sequence[float]) -> Paired:
    """Compare figures pair by pair.

    Raises
    ------
    ValueError
        There are no pairs, or one side has more.
    """
    from scipy import stats  # a second to import, and only documents need it

    if not first or len(first) != len(second):
        raise ValueError(f"figures of {len(first)} and {len(second)} runs: must be as many, and one at least")
    differences = [b - a for a, b in zip(first, second, strict=True)]
    count = len(differences)
    if count < 3:
        return Paired(pairs=count, difference=mean(differences), half_width=None, p=None)
    t = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    sizes = {abs(difference) for difference in differences}
    exact = count <= EXACT_PAIRS and len(sizes) == count and 0.0 not in sizes  # its tables know no ties
    method = "exact" if exact else "asymptotic"
    p = float(stats.wilcoxon(differences, method=method).pvalue) if any(differences) else 1.0
    return Paired(pairs=count, difference=mean(differences), half_width=t * stdev(differences) / sqrt(count), p=p)
