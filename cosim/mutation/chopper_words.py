# SPDX-License-Identifier: Apache-2.0
"""Checks that the chopper's comparator ``word < limit`` uses every bit of its random word.

A chopper flips by chance if a word of 16 bits is below a limit. An error in the lowest bits of the word shows once in
thousands of reads. Here the words are put next to the limit, or differ from it in one bit, before every read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np

from symtrack.cosim.engine.lockstep import MismatchError
from symtrack.cosim.engine.native.engine import NativePeriphery, StateNotTakenError
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.model.spec.config import CHOPPER_RANDOM_BITS, TileConfig
from symtrack.model.spec.random_specs import SourceSpec
from symtrack.model.spec.settings import ChopperMode, Settings

MASKS = 2  # by which both sources of a row differ from the word and from zero


def edges(config: TileConfig) -> Iterator[int]:
    """The two words on either side of the chopper's limit, and every word that differs from one of them in one bit."""
    limit = config.chopper_flip_below
    for word in (limit - 1, limit):
        for mask in (0, *(1 << bit for bit in range(CHOPPER_RANDOM_BITS))):
            if 0 <= word ^ mask < 1 << CHOPPER_RANDOM_BITS:
                yield word ^ mask


def first_wrong_flip(library: Path, config: TileConfig) -> str | None:
    """The first difference from the golden model in a sweep of reads with each word of `edges`.

    Rows get the word from the first of their two sources, from the second, and from both. A state that the netlist does
    not take counts as a difference, too.

    Raises
    ------
    ToolError
        The netlist cannot be set to a state.
    """
    tile = NativePeriphery(NativeTile(library, config), record=True)
    assert tile.golden is not None
    rows = ChopperMode.RANDOM if config.row_chopper else ChopperMode.OFF
    settings = Settings(chopper=ChopperMode.RANDOM, row_chopper=rows)
    codes = np.zeros(config.rows, np.int64)
    split, rng = config.row_chopper_bank.split, Random(1)
    try:
        for word in edges(config):
            for other in (0, word, *(rng.getrandbits(CHOPPER_RANDOM_BITS) for _ in range(MASKS))):
                for _ in range(config.columns):
                    arrays = tile.golden.periphery.state_arrays()
                    arrays["chopper_source"] = np.array([_state(word, config.chopper_source)])
                    if config.row_chopper:
                        sources = config.row_chopper_bank.sources
                        words = [word ^ other] * split + [other] * (len(sources) - split)
                        states = [_state(one, spec) for one, spec in zip(words, sources, strict=True)]
                        arrays["row_chopper_sources"] = np.array(states)
                    tile.tile.operation(None, 0, record=False)  # the sources step a cycle after the last read
                    tile.restore(arrays)
                    tile.transfer(codes, settings)
    except (MismatchError, StateNotTakenError) as error:
        return str(error)
    return None


def _state(word: int, spec: SourceSpec) -> int:
    """A state of the source that gives this word; its lowest bit is one, because no state is zero."""
    return word << spec.polynomial.bit_length() - 1 - spec.bits | 1
