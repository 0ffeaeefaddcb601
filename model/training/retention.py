# SPDX-License-Identifier: Apache-2.0
"""Quality of a trained network after its cells have drifted for some time, see `model.network.writing.Drift`."""

from __future__ import annotations

from symtrack.model.arithmetic.converters import NoiseStream
from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.network.writing import Drift, drifted
from symtrack.model.tasks.evaluation import Evaluation
from symtrack.model.training.trainer import Trainer


def after_retention(trainer: Trainer, drift: Drift) -> Evaluation:
    """Quality on the test set after the drift, which is undone: training goes on as if nothing had been."""
    network = trainer.network
    state = network.state_arrays() | network.counters()
    try:
        drifted(network, drift, trainer.spec.seed)
        noise = NoiseStream(derive_key(trainer.spec.seed, "retention", trainer.steps))
        return trainer.task.evaluate(network, noise, trainer.steps)
    finally:
        network.restore(state)
