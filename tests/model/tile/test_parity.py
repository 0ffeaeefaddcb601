# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden parity: one word in one lane, once, until it is written or cleared."""

from __future__ import annotations

import pytest

from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.parity import Parity, memories

CONFIG = TileConfig(rows=5, columns=3, lanes=3, self_test=1, residual_memory=1)
MEMORIES = memories(CONFIG)


def wrong(parity: Parity) -> set[tuple[str, int]]:
    return {(name, address) for name in MEMORIES for address in range(CONFIG.depth) if parity.is_wrong(name, address)}


@pytest.mark.parametrize("name", MEMORIES)
def test_the_next_word_that_is_written_is_wrong_until_it_is_written_again(name: str) -> None:
    parity = Parity(CONFIG)
    parity.arm(name, 2)
    assert wrong(parity) == set()
    for memory in MEMORIES:
        parity.write(memory, 1)
        parity.write(memory, 4)
    assert wrong(parity) == {(name, 1)}
    parity.reset()
    assert wrong(parity) == {(name, 1)}
    parity.write(name, 1)
    assert wrong(parity) == set()


def test_clearing_a_word_heals_it_and_a_reset_disarms() -> None:
    parity = Parity(CONFIG)
    parity.arm("q", 0)
    parity.write("q", 0)
    parity.arm("q", 0)
    parity.clear(0)
    assert wrong(parity) == set()
    parity.reset()
    parity.write("q", 3)
    assert wrong(parity) == set()


def test_a_lane_that_is_not_there_has_no_parity() -> None:
    parity = Parity(CONFIG)
    parity.arm("hidden", 3)
    parity.write("hidden", 0)
    assert wrong(parity) == set()
