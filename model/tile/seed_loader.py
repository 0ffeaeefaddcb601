# SPDX-License-Identifier: Apache-2.0
"""Golden seed loader: takes states from a stream and moves them through the chain of all random sources.

    state_k <- state_(k + 1),   state_(n - 1) <- seed      for every seed that is not zero;   a seed of zero is refused

So n seeds in the order of the sources give each source its own. Formats: seeds are unsigned, 32 bits. Latency: a seed
that has been on offer for a cycle is looked at in one in which no operation runs, and goes in at the end of the next,
in which it is taken. Throughput: a seed in ``model.spec.config.SEED_CYCLES`` cycles. Source: docs/tile.md, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from symtrack.model.spec.polynomials import DEGREE
from symtrack.model.tile.random_source import Sources


class SeedLoader:
    """What was found out about the seed on offer.

    Attributes
    ----------
    loads, refuses : in this cycle the seed on offer goes in, or is dropped; at most one of them.
    """

    def __init__(self) -> None:
        self.loads = False
        self.refuses = False
        self._seen: int | None = None  # the seed that was on offer in the cycle before

    def step(self, seed: int, *, valid: bool, resting: bool, banks: Sequence[Sources]) -> None:
        """One clock edge: ``seed`` is on offer if ``valid``, ``resting``: no operation runs; banks as for `load_seeds`.

        A seed that was looked at goes in even if it is withdrawn, which no stream may do.
        """
        if self.loads:
            shift(banks, seed)
        taken = self.loads or self.refuses
        looks = self._seen is not None and resting and not taken
        self.loads, self.refuses = looks and self._seen != 0, looks and self._seen == 0
        self._seen = seed if valid and not taken else None


def shift(banks: Sequence[Sources], seed: int) -> None:
    """Move all states one source on; the last source takes ``seed``."""
    for bank in reversed([bank for bank in banks if bank.state.size]):
        first = int(bank.state[0])
        bank.state[:-1] = bank.state[1:]
        bank.state[-1] = seed
        seed = first


def load_seeds(banks: Sequence[Sources], seeds: Sequence[int]) -> None:
    """Give every source its state; banks in the order of `model.spec.config.TileConfig.sources`.

    Raises
    ------
    TypeError, ValueError
        There is not one seed for each source, or one is not an integer from 1 to 2**32 - 1.
    """
    count = sum(bank.state.size for bank in banks)
    if len(seeds) != count:
        raise ValueError(f"seeds = {len(seeds)} states: must be {count}, one for each source")
    for index, seed in enumerate(seeds):
        if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)):
            raise TypeError(f"seeds[{index}] = {seed!r}: must be an integer from 1 to {(1 << DEGREE) - 1}")
        if not 1 <= seed < 1 << DEGREE:
            raise ValueError(f"seeds[{index}] = {int(seed)}: must be from 1 to {(1 << DEGREE) - 1}")
    for seed in seeds:
        shift(banks, int(seed))
