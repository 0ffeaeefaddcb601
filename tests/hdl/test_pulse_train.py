"""A line fires where its magnitude exceeds its word, and the words are those of its two registers."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from hdl.pulse_train import PulseTrains
from model.config import BankSpec, TileConfig
from tests.hdl.naive import Lines
from tests.hdl.simulate import Dut, Flip, simulate


def bank(lines: int, bits: int = 12) -> BankSpec:
    return TileConfig(rows=lines, lanes=1, magnitude_bits=bits, seed=lines).row_bank


def compare(spec: BankSpec, *, naive: BankSpec | None = None, flip: Flip | None = None, slots: int = 120) -> None:
    """Every line of every cycle, with random waits; magnitudes of all sizes, zero and the largest among them."""
    rng, lines = Random(spec.lines), Lines(naive or spec)
    high = (1 << spec.sources[0].bits) - 1

    async def program(dut: Dut) -> None:
        words = lines.words()
        for _ in range(slots):
            magnitude = [rng.choice((0, 1, rng.randint(0, high), high)) for _ in range(spec.lines)]
            enable = rng.getrandbits(spec.lines) | rng.getrandbits(spec.lines)
            advance = rng.random() < 0.7
            dut.set(magnitude=magnitude, enable=enable, advance=advance)
            expected = sum((magnitude[line] > words[line] and enable >> line & 1) << line for line in range(spec.lines))
            assert dut.get("fires") == expected
            await dut.tick()
            if advance:
                words = lines.words()

    simulate(PulseTrains(spec), program, flip)


@pytest.mark.parametrize("lines", [1, 2, 3, 17])
@pytest.mark.parametrize("bits", [1, 7, 12, 16])
def test_fires(lines: int, bits: int) -> None:
    compare(bank(lines, bits))


def test_another_polynomial_in_one_source_is_found() -> None:
    spec = bank(17)
    for index in range(len(spec.sources)):
        sources = list(spec.sources)
        sources[index] = replace(sources[index], polynomial=bank(40).sources[-1].polynomial)
        with pytest.raises(AssertionError):
            compare(spec, naive=replace(spec, sources=tuple(sources)))


def test_another_pairing_and_a_lost_slot_are_found() -> None:
    spec = bank(17)
    with pytest.raises(AssertionError):
        compare(spec, naive=replace(spec, split=spec.split - 1))
    with pytest.raises(AssertionError):
        compare(spec, flip=Flip("advance", 1, 30))


def test_a_line_fires_as_often_as_its_magnitude_says() -> None:
    """3,000 slots of 17 lines; the bound is 4.5 standard deviations of a binomial count."""
    spec, slots = bank(17), 3000
    magnitude = [line * 256 for line in range(17)]
    magnitude[16] = 4095

    async def program(dut: Dut) -> list[int]:
        counts = [0] * 17
        dut.set(magnitude=magnitude, enable=(1 << 17) - 1, advance=1)
        for _ in range(slots):
            fires = dut.get("fires")
            counts = [count + (fires >> line & 1) for line, count in enumerate(counts)]
            await dut.tick()
        return counts

    counts = simulate(PulseTrains(spec), program)
    assert counts[0] == 0
    for line in range(1, 17):
        p = magnitude[line] / 4096
        assert abs(counts[line] - slots * p) <= 4.5 * (slots * p * (1 - p)) ** 0.5 + 0.5
