# SPDX-License-Identifier: Apache-2.0
"""Tests of the memory codes: parity detects one flip, SECDED corrects one and detects two."""

from __future__ import annotations

from itertools import combinations
from random import Random

import pytest

from symtrack.cosim.synthesis.protection import Code, Decoder, Encoder, codes
from tests.hdl.helpers.simulate import Dut, simulate


def encoded(code: Code, words: list[int]) -> list[int]:
    kept = []

    async def program(dut: Dut) -> None:
        for word in words:
            dut.set(data=word)
            await dut.tick()
            kept.append(dut.get("kept"))

    simulate(Encoder(code), program)
    return kept


def decoded(code: Code, kept: list[int]) -> list[tuple[int, int]]:
    result = []

    async def program(dut: Dut) -> None:
        for word in kept:
            dut.set(kept=word)
            await dut.tick()
            result.append((dut.get("data"), dut.get("wrong")))

    simulate(Decoder(code), program)
    return result


@pytest.mark.parametrize("bits", [1, 3, 15])
@pytest.mark.parametrize("name", codes(1, 1))
def test_every_single_and_double_flip_is_treated_as_the_code_promises(name: str, bits: int) -> None:
    code = codes(2, bits)[name]
    word = Random(bits).getrandbits(code.words * code.bits)
    (kept,) = encoded(code, [word])
    assert decoded(code, [kept]) == [(word, 0)]
    of_word = code.kept // code.words
    one = decoded(code, [kept ^ 1 << bit for bit in range(code.kept)])
    two = decoded(code, [kept ^ 1 << a ^ 1 << b for a, b in combinations(range(of_word), 2)])
    if code.corrects:
        assert one == [(word, 0)] * code.kept
        assert {wrong for _, wrong in two} == {1}
    else:
        assert [wrong for _, wrong in one] == [1 << bit // of_word for bit in range(code.kept)]
        assert {wrong for _, wrong in two} == {0}


def test_bits_of_the_default_formats() -> None:
    assert [code.kept for code in codes(4, 15).values()] == [64, 84, 68]
    assert [code.kept for code in codes(4, 24).values()] == [100, 120, 104]
