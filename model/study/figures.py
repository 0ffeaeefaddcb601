# SPDX-License-Identifier: Apache-2.0
"""Figures of tables from the results of cases.

A figure is mean ± sample standard deviation over the seeds that are in, and – where none is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from symtrack.model.study.case import RTL, Case
from symtrack.model.study.store import Result

Labels = dict[str, str | int | float]
NONE = "–"


@dataclass(frozen=True)
class Results:
    """Cases of an experiment beside their results, None where there is none yet.

    ``planned``: how many there will be once all rates are tuned; None: those that there are.
    """

    cases: Sequence[Case]
    results: Sequence[Result | None]
    planned: int | None = None

    @property
    def count(self) -> int:
        """How many runs the experiment has in the end."""
        return len(self.cases) if self.planned is None else self.planned

    def pick(self, **labels: str | int | float) -> list[Result]:
        """Results that are in, of all cases with these labels but those in RTL, which are shorter."""
        pairs = zip(self.cases, self.results, strict=True)
        return [
            found for case, found in pairs if found and case.kind != RTL and labels.items() <= dict(case.labels).items()
        ]

    def values(self, key: str, **labels: str | int | float) -> list[float]:
        """A metric of them, where they have it."""
        values = [found["metrics"].get(key) for found in self.pick(**labels)]
        return [float(value) for value in values if value is not None]

    def done(self) -> int:
        """How many are in."""
        return sum(found is not None for found in self.results)

    def state(self) -> str:
        """How many are in, and how many of them are of earlier semantics."""
        there = [found for found in self.results if found is not None]
        earlier = sum("semantics" in found for found in there)
        return f"{len(there)} of {self.count} runs" + (f", {earlier} of an earlier version" if earlier else "")


def figure(values: Sequence[float], form: str = ".3f", factor: float = 1.0) -> str:
    """Mean and sample standard deviation."""
    if not values:
        return NONE
    spread = f" ± {factor * stdev(values):{form}}" if len(values) > 1 else ""
    return f"{factor * mean(values):{form}}{spread}"


def percent(values: Sequence[float]) -> str:
    """Of shares."""
    return figure(values, ".1f", 100)
