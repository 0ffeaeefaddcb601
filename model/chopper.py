"""Choppers of the columns, and the demodulation of a read with them.

    d = c_j * (r - ref)
    at the end of a transfer of column j, with sweep counter s:
    flip = s = chopper_period - 1   (regular)   or   word < chopper_flip_below   (random)   or   0   (off)
    flipped_j <- flip,   c_j <- -c_j if flip,   j <- j + 1 mod C,   s <- s + 1 mod chopper_period when j returns to 0

Formats: r and ref are ``reference_format``, d is ``difference_format``, the word has `CHOPPER_RANDOM_BITS` bits.
Latency: the demodulation takes the filter's cycle, the state changes once per transfer; the source steps then in
every mode. Source: chopped transfer of c-TTv2 and AGAD (docs/tile.md, sections 6 and 7).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from model.config import Chopper, TileConfig
from model.fixed import Int
from model.random_source import Sources
from model.state import Arrays


@njit(cache=True)
def demodulate(sign: int, r: Int, reference: Int) -> Int:
    """The demodulated difference d."""
    return sign * (r - reference)


class ChopperState:
    """Registers of the choppers and of the order in which columns are read.

    Attributes
    ----------
    sign : int64[C], the choppers c, +1 or -1.
    flipped : int64[C], 1 where the chopper flipped after the previous read of the column.
    column, sweep : next column to be read, and completed sweeps modulo ``chopper_period``.
    source : the source of random flips.
    """

    def __init__(self, config: TileConfig) -> None:
        self._config = config
        self.sign = np.ones(config.columns, np.int64)
        self.flipped = np.zeros(config.columns, np.int64)
        self.column = 0
        self.sweep = 0
        self.source = Sources((config.chopper_source,))

    def finish_transfer(self, mode: Chopper) -> None:
        """What the end of a transfer does."""
        word = int(self.source.words(1)[0, 0])
        flip = False
        if mode == Chopper.REGULAR:
            flip = self.sweep == self._config.chopper_period - 1
        elif mode == Chopper.RANDOM:
            flip = word < self._config.chopper_flip_below
        self.flipped[self.column] = flip
        if flip:
            self.sign[self.column] *= -1
        self.column = (self.column + 1) % self._config.columns
        if self.column == 0:
            self.sweep = (self.sweep + 1) % self._config.chopper_period

    def state_arrays(self) -> dict[str, Int]:
        """Copies of all registers, by name."""
        return {
            "chopper": self.sign.copy(),
            "flipped": self.flipped.copy(),
            "column": np.array(self.column, np.int64),
            "sweep": np.array(self.sweep, np.int64),
            "chopper_source": self.source.state.copy(),
        }

    def restore(self, arrays: Arrays) -> None:
        """Back to the registers of `state_arrays`."""
        self.sign[:] = arrays["chopper"]
        self.flipped[:] = arrays["flipped"]
        self.column = int(arrays["column"])
        self.sweep = int(arrays["sweep"])
        self.source.state[:] = arrays["chopper_source"]
