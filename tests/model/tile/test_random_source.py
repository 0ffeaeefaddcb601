"""The fast sources equal a register that is shifted bit by bit."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.polynomials import dense_primitive
from symtrack.model.spec.random_specs import SourceSpec
from symtrack.model.tile.random_source import Bank, Sources
from tests.model.references.naive_tile import Register, Registers

BANKS = ["row_bank", "column_bank", "dither_bank", "row_chopper_bank"]


def naive_words(spec: SourceSpec, count: int) -> list[int]:
    """Galois register: a word is the top bits, a step shifts once for each of them."""
    register, words = Register(spec), []
    for _ in range(count):
        words.append(register.word)
        register.step()
    return words


@pytest.mark.parametrize("bits", range(1, 17))
def test_equals_bit_serial_register(bits: int) -> None:
    specs = tuple(SourceSpec(dense_primitive(k), seed, bits) for k, seed in enumerate((1, 0xFFFFFFFF, 0x80000000)))
    words = Sources(specs).words(200)
    assert words.dtype == np.int64
    assert words.T.tolist() == [naive_words(spec, 200) for spec in specs]


@pytest.mark.parametrize("side", BANKS)
@pytest.mark.parametrize("name", NAMED)
def test_all_sources_and_lines_of_a_tile(name: str, side: str) -> None:
    bank = getattr(NAMED[name].replace(row_chopper=1), side)
    words, naive = Bank(bank).line_words(50), Registers(bank)
    assert Bank(bank).words(50).T.tolist() == [naive_words(spec, 50) for spec in bank.sources]
    assert words.shape == (50, bank.lines)
    for row in words.tolist():
        assert row == [naive.word(line) for line in range(bank.lines)]
        naive.step()


def test_a_bank_of_no_lines_has_no_state() -> None:
    for config in (TileConfig(threshold_shift=0), TileConfig()):
        bank = Bank(config.dither_bank if config.threshold_shift == 0 else config.row_chopper_bank)
        assert bank.state.shape == (0,)
        assert bank.line_words(3).shape == (3, 0)


def test_one_flipped_bit_is_found() -> None:
    spec = SourceSpec(dense_primitive(0), 77, 12)
    for changed in (SourceSpec(spec.polynomial ^ 1 << 9, 77, 12), SourceSpec(spec.polynomial, 76, 12)):
        assert Sources((changed,)).words(20)[:, 0].tolist() != naive_words(spec, 20)


def test_words_do_not_depend_on_how_they_are_asked_for() -> None:
    whole, parts = (Bank(NAMED["odd"].row_bank) for _ in range(2))
    expected = whole.words(40)
    assert np.array_equal(np.concatenate([parts.words(n) for n in (0, 1, 7, 1, 31)]), expected)
    assert np.array_equal(whole.state, parts.state)


def test_words_of_up_to_three_lines_are_independent() -> None:
    """The sources of one, two or three lines never cancel; those of four do at the corners of a rectangle."""
    bank = TileConfig(rows=17, lanes=1).row_bank
    masks = [1 << bank.pair(line)[0] | 1 << bank.pair(line)[1] for line in range(17)]
    for count in (1, 2, 3):
        assert all(np.bitwise_xor.reduce(group) for group in combinations(masks, count))
    assert not np.bitwise_xor.reduce([masks[0], masks[1], masks[bank.split], masks[bank.split + 1]])


@pytest.mark.parametrize("side", BANKS)
def test_lines_are_fair_and_pairwise_independent(side: str) -> None:
    spec = getattr(NAMED["small"].replace(row_chopper=1), side)
    bits, slots = spec.sources[0].bits, 1 << 16
    words = Bank(spec).line_words(slots)
    fires = (words < 1 << (bits - 2)).astype(np.int64)  # probability one quarter
    counts = fires.T @ fires
    expected = np.where(np.eye(spec.lines, dtype=bool), 1 / 4, 1 / 16)
    z = (counts - slots * expected) / np.sqrt(slots * expected * (1 - expected))
    assert np.abs(z).max() < 4.5
