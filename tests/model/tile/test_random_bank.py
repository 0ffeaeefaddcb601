# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden random bank: words of lines come from two of few sources and are independent all the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.random_source import Sources

BANKS = ["row_bank", "column_bank", "dither_bank", "row_chopper_bank"]


def test_a_bank_of_no_lines_has_no_state() -> None:
    for config in (TileConfig(threshold_shift=0), TileConfig()):
        bank = Bank(config.dither_bank if config.threshold_shift == 0 else config.row_chopper_bank)
        assert bank.state.shape == (0,)
        assert bank.line_words(3).shape == (3, 0)


@pytest.mark.parametrize("shared", [0, 1])
def test_words_of_up_to_three_lines_are_independent(shared: int) -> None:
    """The operands of one, two or three lines never cancel; those of four do at the corners of a rectangle."""
    bank = TileConfig(rows=17, lanes=1, shared_sources=shared).row_bank
    masks = [1 << bank.pair(line)[0] | 1 << bank.pair(line)[1] for line in range(17)]
    for count in (1, 2, 3):
        assert all(np.bitwise_xor.reduce(group) for group in combinations(masks, count))
    assert not np.bitwise_xor.reduce([masks[0], masks[1], masks[bank.split], masks[bank.split + 1]])


@pytest.mark.parametrize("shared", [0, 1])
def test_operands_are_independent_bit_by_bit(shared: int) -> None:
    """All bits of all words of a step are different sums of bits of states, none of which others add up to."""
    config = TileConfig(rows=17, columns=9, lanes=4, row_chopper=1, shared_sources=shared)
    for side in BANKS:
        spec = getattr(config, side)
        for source in spec.sources:
            words = []
            for place in range(32):  # what each bit of the state puts into the words, which are linear in it
                words.append(Sources((replace(source, seed=1 << place),)).words(1)[0].tolist())
            rows = [
                sum((words[place][number] >> bit & 1) << place for place in range(32))
                for number in range(source.words)
                for bit in range(source.bits)
            ]
            assert rank(rows) == source.words * source.bits


def rank(rows: list[int]) -> int:
    """The number of independent rows over GF(2)."""
    basis: list[int] = []
    for row in rows:
        for other in basis:
            row = min(row, row ^ other)
        basis += [row] if row else []
    return len(basis)


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("side", BANKS)
def test_lines_are_fair_and_pairwise_independent(side: str, shared: int) -> None:
    spec = getattr(NAMED["small"].replace(row_chopper=1, shared_sources=shared), side)
    bits, slots = spec.sources[0].bits, 1 << 16
    words = Bank(spec).line_words(slots)
    fires = (words < 1 << (bits - 2)).astype(np.int64)  # probability one quarter
    counts = fires.T @ fires
    expected = np.where(np.eye(spec.lines, dtype=bool), 1 / 4, 1 / 16)
    z = (counts - slots * expected) / np.sqrt(slots * expected * (1 - expected))
    assert np.abs(z).max() < 4.5


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("distance", [1, 2, 3])
def test_lines_are_independent_of_those_of_earlier_slots(distance: int, shared: int) -> None:
    """Of all pairs of lines of both sides, in the same slot and in slots of some distance."""
    config, slots = NAMED["small"].replace(shared_sources=shared), 1 << 16
    words = np.concatenate([Bank(bank).line_words(slots) for bank in (config.row_bank, config.column_bank)], axis=1)
    fires = (words < 1 << (config.magnitude_bits - 2)).astype(np.int64)
    for gap in (0, distance):
        counts = fires[gap:].T @ fires[: slots - gap]
        expected = np.full(counts.shape, 1 / 16)
        if not gap:
            expected[np.diag_indices_from(expected)] = 1 / 4
        z = (counts - (slots - gap) * expected) / np.sqrt(slots * expected * (1 - expected))
        assert np.abs(z).max() < 5


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("exponent", [1, 3])
def test_runs_of_a_line_are_as_long_as_those_of_chance(exponent: int, shared: int) -> None:
    """How often a line fires k times in a row, which is geometric: with chi-squared over the lengths."""
    config, slots = NAMED["small"].replace(shared_sources=shared), 1 << 17
    p = 2.0**-exponent
    for bank in (config.row_bank, config.column_bank):
        fires = Bank(bank).line_words(slots) < 1 << (config.magnitude_bits - exponent)
        for line in fires.T:
            edges = np.diff(np.concatenate([[0], line.astype(np.int8), [0]]))
            lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
            longest = next(k for k in range(1, 40) if slots * p**k * (1 - p) < 100)
            found = np.bincount(np.minimum(lengths, longest), minlength=longest + 1)[1:]
            share = np.array([p**k * (1 - p) for k in range(longest - 1)] + [p ** (longest - 1)])
            expected = lengths.size * share
            chi_squared = float(((found - expected) ** 2 / expected).sum())
            assert chi_squared < longest + 5 * (2 * longest) ** 0.5 + 10
