# SPDX-License-Identifier: Apache-2.0
"""Tests of the golden random sources: the fast ones equal a register that is shifted bit by bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from symtrack.model.spec.config import NAMED
from symtrack.model.spec.polynomials import dense_primitive, sparse_primitives
from symtrack.model.spec.random_specs import SourceSpec
from symtrack.model.tile.random_bank import Bank
from symtrack.model.tile.random_source import Sources, words_now
from tests.model.references.naive_tile import Register, Registers

BANKS = ["row_bank", "column_bank", "dither_bank", "row_chopper_bank"]


def naive_words(spec: SourceSpec, count: int) -> list[int]:
    """Galois register: a word is the top bits, a step shifts once for each of them; all words of so many steps."""
    register, words = Register(spec), []
    for _ in range(count):
        words += register.words
        register.step()
    return words


@pytest.mark.parametrize("bits", range(1, 17))
def test_equals_bit_serial_register(bits: int) -> None:
    specs = tuple(SourceSpec(dense_primitive(k), seed, bits) for k, seed in enumerate((1, 0xFFFFFFFF, 0x80000000)))
    words = Sources(specs).words(200)
    assert words.dtype == np.int64
    assert words.T.tolist() == [naive_words(spec, 200) for spec in specs]


@pytest.mark.parametrize("bits", range(1, 17))
def test_two_words_of_a_step_are_those_of_two_steps(bits: int) -> None:
    alone = tuple(SourceSpec(sparse_primitives()[k], seed, bits) for k, seed in enumerate((1, 0xFFFFFFFF, 0x80000000)))
    together = tuple(replace(spec, words=2) for spec in alone)
    sources = Sources(together)
    now = words_now(sources.registers).tolist()
    words = sources.words(100)
    assert words[0].tolist() == now
    assert words.reshape(100, 3, 2).transpose(1, 0, 2).reshape(3, 200).tolist() == Sources(alone).words(200).T.tolist()
    assert words[:, 2:4].ravel().tolist() == naive_words(together[1], 100)


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("side", BANKS)
@pytest.mark.parametrize("name", NAMED)
def test_all_sources_and_lines_of_a_tile(name: str, side: str, shared: int) -> None:
    bank = getattr(NAMED[name].replace(row_chopper=1, shared_sources=shared), side)
    words, naive = Bank(bank).line_words(50), Registers(bank)
    of_sources = Bank(bank).words(50).reshape(50, len(bank.sources), 1 + shared).transpose(1, 0, 2)
    assert [one.ravel().tolist() for one in of_sources] == [naive_words(spec, 50) for spec in bank.sources]
    assert words.shape == (50, bank.lines)
    for row in words.tolist():
        assert row == [naive.word(line) for line in range(bank.lines)]
        naive.step()


def test_one_flipped_bit_is_found() -> None:
    spec = SourceSpec(dense_primitive(0), 77, 12)
    for changed in (SourceSpec(spec.polynomial ^ 1 << 9, 77, 12), SourceSpec(spec.polynomial, 76, 12)):
        assert Sources((changed,)).words(20)[:, 0].tolist() != naive_words(spec, 20)


def test_words_do_not_depend_on_how_they_are_asked_for() -> None:
    whole, parts = (Bank(NAMED["odd"].row_bank) for _ in range(2))
    expected = whole.words(40)
    assert np.array_equal(np.concatenate([parts.words(n) for n in (0, 1, 7, 1, 31)]), expected)
    assert np.array_equal(whole.state, parts.state)
