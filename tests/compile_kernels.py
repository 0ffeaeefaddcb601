# SPDX-License-Identifier: Apache-2.0
"""Compiles the kernels that most tests need, so that the processes that share the tests do not all compile them.

`make test` does it while it checks the sources, which takes one core as long.
"""

from __future__ import annotations

from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

if __name__ == "__main__":
    Trainer(TrainingSpec(algorithm="e-rider")).run(3)
