# SPDX-License-Identifier: Apache-2.0
"""Quality of a network after some training steps, as its task measures it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Evaluation:
    """Quality after some training steps; a figure is None where a task does not have it.

    Attributes
    ----------
    accuracy : share of right answers on the test set.
    loss : mean cross-entropy on the test set, or the mean squared error of a regression, halved.
    rms_error : sqrt(mean((W - T)**2)), a weight.
    """

    step: int
    accuracy: float | None
    loss: float
    rms_error: float | None = None
