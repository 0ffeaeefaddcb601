# SPDX-License-Identifier: Apache-2.0
"""Tests of the pulse trains: a line fires where its magnitude exceeds its word and it is enabled."""

from __future__ import annotations

from random import Random

import pytest

from symtrack.hdl.tile.pulse_train import PulseTrains
from symtrack.model.spec.config import TileConfig
from tests.hdl.helpers.simulate import Dut, simulate
from tests.hdl.references.naive_blocks import Lines, planes
from tests.hdl.references.naive_blocks import bits as packed


def compare(lines: int, bits: int, *, wrong: str = "", slots: int = 120) -> None:
    """Words and magnitudes of all sizes, many of them equal; one bit of the input ``wrong`` is flipped."""
    rng, high = Random(lines), (1 << bits) - 1

    async def program(dut: Dut) -> None:
        for _ in range(slots):
            words, magnitude = (
                [rng.choice((0, 1, high // 2, rng.randint(0, high), high)) for _ in range(lines)] for _ in range(2)
            )
            enable = rng.getrandbits(lines) | rng.getrandbits(lines)
            pairs = zip(magnitude, words, strict=True)
            expected = packed(m > w and enable >> line & 1 for line, (m, w) in enumerate(pairs))
            words[-1] ^= wrong == "words"
            magnitude[-1] ^= wrong == "magnitude"
            word_planes, magnitude_planes = planes(words, bits), planes(magnitude, bits)
            dut.set(words=word_planes, magnitude=magnitude_planes, enable=enable ^ (wrong == "enable"), compare=1)
            await dut.tick()
            dut.set(words=magnitude_planes, magnitude=word_planes, enable=~enable, compare=0)
            for every in (0, 1):
                dut.set(every=every)
                assert dut.get("fires") == (enable if every else expected)
            await dut.tick()
            assert dut.get("fires") == enable
            dut.set(every=0)
            assert dut.get("fires") == expected, "nothing new was compared"

    simulate(PulseTrains(lines=lines, magnitude_bits=bits), program)


@pytest.mark.parametrize("lines", [1, 2, 3, 17])
@pytest.mark.parametrize("bits", [1, 7, 12, 16])
def test_fires(lines: int, bits: int) -> None:
    compare(lines, bits)


@pytest.mark.parametrize("port", ["words", "magnitude", "enable"])
def test_a_flipped_bit_is_found(port: str) -> None:
    with pytest.raises(AssertionError):
        compare(17, 3, wrong=port)


def test_a_line_fires_as_often_as_its_magnitude_says() -> None:
    """3,000 slots of 17 lines; the bound is 4.5 standard deviations of a binomial count."""
    lines, slots = Lines(TileConfig(rows=17, lanes=1, seed=17).row_bank), 3000
    magnitude = [line * 256 for line in range(17)]
    magnitude[16] = 4095

    async def program(dut: Dut) -> list[int]:
        counts = [0] * 17
        dut.set(magnitude=planes(magnitude, 12), enable=(1 << 17) - 1, compare=1)
        for _ in range(slots):
            dut.set(words=planes(lines.words(), 12))
            await dut.tick()
            fires = dut.get("fires")
            counts = [count + (fires >> line & 1) for line, count in enumerate(counts)]
        return counts

    counts = simulate(PulseTrains(lines=17, magnitude_bits=12), program)
    assert counts[0] == 0
    for line in range(1, 17):
        p = magnitude[line] / 4096
        assert abs(counts[line] - slots * p) <= 4.5 * (slots * p * (1 - p)) ** 0.5 + 0.5
