# SPDX-License-Identifier: Apache-2.0
"""The reference trainings whose final state is recorded; run as a script it prints their digests as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny

OFFSET = {"reference_mean": 0.3, "reference_std": 0.1}


def digits(algorithm: str, **settings: object) -> Callable[[int], Trainer]:
    spec = TrainingSpec(algorithm=algorithm, **{**OFFSET, "seed": 11, **settings})
    return lambda threads: Trainer(spec, threads=threads)


def small(algorithm: str, **settings: object) -> Callable[[int], Trainer]:
    return lambda threads: tiny.trainer(algorithm, threads=threads, **settings)


# name: trainer, steps, and whether it is short enough to run without a compiler
RUNS: dict[str, tuple[Callable[[int], Trainer], int, bool]] = {
    "digits e-rider": (digits("e-rider"), 400, False),
    "digits e-rider, 96 hidden": (digits("e-rider", network={"hidden": (96,)}), 40, False),
    "digits agad": (digits("agad"), 200, False),
    "digits tt-v2": (digits("tt-v2"), 200, False),
    "digits e-rider-b, calibrated": (digits("e-rider-b", calibration=200), 100, False),
    "weight programming c-tt-v2": (digits("c-tt-v2", task="weight-programming"), 300, False),
    "noisy quadratic rider": (digits("rider", task="noisy-quadratic"), 300, False),
    "tiny analog-sgd": (small("analog-sgd"), 60, True),
    "tiny tt-v1": (small("tt-v1"), 60, True),
    "tiny residual": (small("residual"), 60, True),
    "tiny e-rider": (small("e-rider"), 60, True),
    "tiny e-rider-a": (small("e-rider-a"), 60, True),
    "tiny e-rider, stale": (small("e-rider", residual="stale"), 60, True),
    "tiny images e-rider": (small("e-rider", task=tiny.images()), 30, True),
}


def digest(name: str, threads: int = 1) -> str:
    """SHA-256 of the final state."""
    make, steps, _ = RUNS[name]
    trainer = make(threads)
    trainer.run(steps)
    return trainer.metrics().state_sha256


if __name__ == "__main__":
    names = sys.argv[1:] or list(RUNS)
    print(json.dumps({name: digest(name) for name in names}, indent=1))
