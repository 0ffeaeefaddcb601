# SPDX-License-Identifier: Apache-2.0
"""Figures of tables from the results of cases.

A figure is mean ± sample standard deviation over the seeds that are in, and – where none is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def targets(
    found: Results,
    states: Sequence[int],
    ways: Mapping[str, Labels],
    spent: Sequence[str],
    reported: Mapping[int, Mapping[str, str]],
    form: str,
) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Rows of what it cost to reach a target, by states and ways, which are names with labels.

    First the paper's measure, a column for each way, with its own figures below; then a row for each way with all of
    what was ``spent``. Figures are of the runs that arrived.
    """
    measured, counted = [], []
    for number in states:
        cells = []
        for way, labels in ways.items():
            runs = found.pick(states=number, **labels)
            reached = [run["target"] for run in runs if run["target"]]
            some = f" ({len(reached)} of {len(runs)})" if len(reached) < len(runs) else ""
            slots = figure([target["paper_slots"] for target in reached], ",.0f")
            cells.append("never" if runs and not reached else slots + some)
            figures = [figure([target[name] for target in reached], form) for name in spent]
            counted.append((f"{number}", way, f"{len(reached)} of {len(runs)}", *figures))
        measured.append((f"{number}", "this model", *cells))
        measured.append(("", "paper", *(reported[number].get(way, NONE) for way in ways)))
    return measured, counted
