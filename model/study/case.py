# SPDX-License-Identifier: Apache-2.0
"""A case of a study: one training run as data, and the key of all that its result depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from symtrack.model.network.algorithms import Rates, definition
from symtrack.model.semantics import SEMANTICS
from symtrack.model.spec.validated import integral
from symtrack.model.training import checkpoint
from symtrack.model.training.spec import TrainingSpec

GOLDEN, FLOAT, DIGITAL, RTL = "golden", "float", "digital", "rtl"
KINDS = {
    GOLDEN: "the golden model",
    FLOAT: "the same equations in floating point, with random numbers of their own",
    DIGITAL: "the same network in floating point and without devices, learned by stochastic gradient descent",
    RTL: "the golden model, and once more with RTL in its loop, of which every cycle is compared",
}
RTL_STEPS = 200  # of each choice of an experiment
RESULT_VERSION = 2  # another one whenever what a result says changes; what runs compute has `model.semantics`


@dataclass(frozen=True, kw_only=True)
class Case:
    """One run of an experiment.

    Attributes
    ----------
    labels : names and values that tell it from the others.
    steps, epochs : how long it is; one of them is given.
    kind : what runs it, one of `KINDS`. The versions in floating point know epochs only.
    evaluate_every : steps between evaluations, None for an epoch.
    target : the run ends at the first evaluation with at most this loss.
    recorded : fields in place of those of the run in its `key`. Results were recorded of runs that had settings without
        an effect on their algorithm; their keys stay.

    Raises
    ------
    ValueError
        Both or neither of steps and epochs are given, there is no such kind, or it has no steps or no target.
    """

    experiment: str
    labels: tuple[tuple[str, str | int | float], ...]
    run: TrainingSpec
    steps: int | None = None
    epochs: int | None = None
    kind: str = GOLDEN
    evaluate_every: int | None = None
    target: float | None = None
    recorded: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("steps", "epochs", "evaluate_every"):
            if (count := getattr(self, name)) is not None:
                object.__setattr__(self, name, integral(name, count))
        if (self.steps is None) == (self.epochs is None):
            raise ValueError(f"steps = {self.steps}, epochs = {self.epochs}: exactly one must be given")
        if self.kind not in KINDS:
            raise ValueError(f"kind = {self.kind!r}: must be one of {', '.join(KINDS)}")
        if self.kind in (FLOAT, DIGITAL) and (self.steps is not None or self.target is not None):
            text = f"must have epochs and no target, not {self.steps} and {self.target}"
            raise ValueError(f"kind = {self.kind!r}: {text}")


def key(case: Case, semantics: Mapping[str, int] = SEMANTICS) -> str:
    """SHA-256 of what the result depends on: cases that only differ in name and labels share theirs.

    Fields that are as `Run` has them are left out, so that a new one leaves the keys of earlier results as they are.
    ``semantics`` are those that the result was computed with.
    """
    result, plain = {"version": str(RESULT_VERSION)}, TrainingSpec()
    result |= checkpoint.describe("definition", definition(case.run.algorithm))
    if case.run.rates is None and "rates" not in case.recorded:
        result |= checkpoint.describe("default rates", Rates.of(case.run.algorithm))
    result |= {f"semantics.{name}": str(version) for name, version in semantics.items()}
    for spec in fields(case):
        if spec.name not in ("experiment", "labels", "run", "recorded", "kind"):
            result |= checkpoint.describe(spec.name, getattr(case, spec.name))
    result |= checkpoint.describe("floating", case.kind == FLOAT)  # as keys said it before there were other kinds
    if case.kind not in (GOLDEN, FLOAT):
        result |= checkpoint.describe("kind", case.kind)
    for spec in fields(case.run):
        value = case.recorded.get(spec.name, getattr(case.run, spec.name))
        if value != getattr(plain, spec.name):
            ordered = tuple(sorted(value.items())) if isinstance(value, dict) else value
            result |= checkpoint.describe(f"run.{spec.name}", ordered)
    return hashlib.sha256(json.dumps(result, sort_keys=True).encode()).hexdigest()


def labels(**values: str | int | float) -> tuple[tuple[str, str | int | float], ...]:
    """Labels of a case, by name."""
    return tuple(values.items())


def in_rtl(cases: Sequence[Case], steps: int = RTL_STEPS) -> list[Case]:
    """The first steps of some of these runs once more, with RTL in the loop: of every choice of settings and algorithm
    the first case, which has the first seed.
    """
    found: dict[tuple[Any, ...], Case] = {}
    for case in cases:
        named = dict(case.labels)
        if case.kind == GOLDEN:
            chosen = tuple(named.get(name) for name in ("workload", "settings", "algorithm"))
            found.setdefault(
                chosen, replace(case, kind=RTL, steps=steps, epochs=None, evaluate_every=None, target=None)
            )
    return list(found.values())
