# SPDX-License-Identifier: Apache-2.0
"""Table of the stimulus scenarios that exercise a tile; each is a job ``scenario(bench, *, cycles, seed, ...)``.

random     operations, settings, vectors and codes of every kind at random, with random idle and back-pressure on every
           stream and resets in the middle of everything
operations dense updates and transfers in turn, without waits
varied     the same with a sweep of transfers after every update, with other vectors, codes and settings every time, and
           long calibrations at the end
alone      updates in which a single line of one side decides which quadrants there are
slots      dense updates back to back: a long stretch of the random generators
training   the updates and transfers of a network that learns its task
"""

from __future__ import annotations

from symtrack.cosim.stimulus.operations import alone, operations, slots, varied
from symtrack.cosim.stimulus.random import random
from symtrack.cosim.stimulus.training import training

SCENARIOS = {
    "alone": alone,
    "operations": operations,
    "random": random,
    "slots": slots,
    "training": training,
    "varied": varied,
}
