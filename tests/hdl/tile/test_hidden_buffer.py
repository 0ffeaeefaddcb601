# SPDX-License-Identifier: Apache-2.0
"""Tests of the hidden buffer with whole columns against exact fractions, in all its modes and at its limits."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest

from symtrack.hdl.tile.hidden_buffer import HiddenBuffer
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Settings
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, reseeded, simulate_again
from tests.hdl.references.naive_blocks import Accumulator, Dither

NARROW = TileConfig(
    rows=5,
    columns=2,
    lanes=3,
    adc_bits=5,
    reference_fraction_bits=2,
    gain_bits=5,
    hidden_bits=11,
    threshold_shift=6,
    pulses_max=5,
    momentum_bits=3,
)


def compare(
    config: TileConfig,
    *,
    seed: int = 0,
    transfers: int = 60,
    flip: Flip | None = None,
    naive: TileConfig | None = None,
    forget: tuple[bool, ...] = (False, True),
    accumulate: tuple[bool, ...] = (False, True, True),
    direct: tuple[bool, ...] = (False, False, True),
) -> dict[str, int]:
    """Columns in any order with new settings each time, compared beat by beat; returns how often each case came."""
    rng, accumulator, dither = Random(seed), Accumulator(naive or config), Dither(naive or config)
    seen = {"saturated": 0, "clamped": 0, "written": 0, "kept": 0}

    async def program(dut: Dut) -> None:
        for address in range(config.depth):
            dut.set(clear=1, clear_address=address)
            await dut.tick()
        dut.set(clear=0)
        for _ in range(transfers):
            column, gain = rng.randrange(config.columns), rng.getrandbits(config.gain_bits)
            settings = Settings(
                gain=rng.choice((0, gain, 2**config.gain_bits - 1)),
                forget=rng.choice(forget),
                momentum=rng.getrandbits(config.momentum_bits),
                accumulate=rng.choice(accumulate),
                direct=rng.choice(direct),
            )
            dut.set(direct=settings.direct, gain=settings.gain, forget=settings.forget)
            dut.set(momentum=settings.momentum, accumulate=settings.accumulate, read=0, step=0, load=0, advance=0)
            await dut.tick()  # for the multiples of the gain
            waiting = list(range(config.row_beats))
            stages: list[tuple[object, ...] | None] = [None] * 8  # 4 to 11
            while waiting or any(stages):
                fourth, fifth, tenth, last = stages[0], stages[1], stages[6], stages[7]
                advance = rng.random() < 0.7
                enter = bool(waiting) and rng.random() < 0.7
                beat = waiting[0] if waiting else 0
                address = column * config.row_beats + beat
                form = config.difference_format
                differences = [
                    rng.choice((form.low, form.high, rng.randint(form.low, form.high))) for _ in range(config.lanes)
                ]
                dut.set(read=enter and advance, read_address=address, advance=advance)
                used = rng.getrandbits(config.lanes) | rng.getrandbits(config.lanes)
                differences = [d if used >> lane & 1 else 0 for lane, d in enumerate(differences)]
                dut.set(
                    difference=fourth[-2] if fourth else [form.low] * config.lanes, used=fourth[-1] if fourth else 0
                )
                dut.set(step=fifth is not None and advance, load=tenth is not None and advance)
                dut.set(write_address=last[0] if last else 0)
                if tenth and advance:
                    assert dut.read("pulses", "amount", "saturated", "clamped") == tenth[1:-2]
                await dut.tick()
                if not advance:
                    continue
                stages = [None, *stages[:-1]]
                if enter:
                    pairs = zip(differences, dither.fractions(), strict=True)
                    results = [
                        accumulator.add((address, lane), d, settings, fraction)
                        if used >> lane & 1
                        else (0, False, False)
                        for lane, (d, fraction) in enumerate(pairs)
                    ]
                    pulses = [result[0] for result in results]
                    saturated, clamped = (any(result[k] for result in results) for k in (1, 2))
                    stages[0] = (address, pulses, sum(map(abs, pulses)), saturated, clamped, differences, used)
                    waiting.pop(0)
                    seen["saturated"] += saturated
                    seen["clamped"] += clamped
                    seen["written"] += any(pulses)
                    seen["kept"] += not all(pulses)

    simulate_again(HiddenBuffer, config, program, flip)
    return seen


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("seed", [1, 2])
def test_awkward_sizes(name: str, seed: int) -> None:
    compare(AWKWARD[name], seed=seed, transfers=30)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("forget", [False, True])
@pytest.mark.parametrize("direct", [False, True])
def test_every_case_of_a_narrow_buffer(seed: int, forget: bool, direct: bool) -> None:
    seen = compare(NARROW, seed=seed, forget=(forget,), direct=(direct,), transfers=150)
    assert all(count >= 5 for count in seen.values()), seen


@pytest.mark.parametrize(("bits", "shift", "most"), [(4, 0, 1), (4, 2, 127), (12, 0, 127), (40, 38, 1), (40, 20, 127)])
def test_formats(bits: int, shift: int, most: int) -> None:
    compare(NARROW.replace(hidden_bits=bits, threshold_shift=shift, pulses_max=most, gain_bits=16), transfers=80)


def test_accumulate_off_leaves_everything_alone() -> None:
    seen = compare(NARROW, accumulate=(False,))
    assert seen["saturated"] == seen["clamped"] == seen["written"] == 0


def one_beat(config: TileConfig, beats: list[tuple[int, Settings]]) -> list[tuple[int, int, int]]:
    """n, saturated, clamped of beats to the one cell of a tile, one after the other; each is taken at once."""

    async def program(dut: Dut) -> list[tuple[int, int, int]]:
        results = []
        dut.set(clear=1)
        await dut.tick()
        dut.set(clear=0, advance=1, used=1)
        for difference, settings in beats:
            dut.set(gain=settings.gain, forget=settings.forget)
            await dut.tick()
            dut.set(momentum=settings.momentum, accumulate=settings.accumulate, direct=settings.direct)
            for stage in range(3, 12):
                dut.set(difference=[difference if stage == 4 else 0])
                dut.set(read=stage == 3, step=stage == 5, load=stage == 10)
                if stage == 10:
                    results.append((dut.get("pulses")[0], *dut.read("saturated", "clamped")))
                await dut.tick()
        return results

    return simulate_again(HiddenBuffer, config, program)


def test_saturation_clamp_subtract_and_forget_by_hand() -> None:
    """H of 11 bits is within [-1024, 1023] and a pulse stands for 64."""
    config = NARROW.replace(rows=1, columns=1, lanes=1)
    add, off = Settings(gain=31), Settings(gain=31, accumulate=False)
    assert one_beat(config, [(40, add), (0, add), (0, add), (0, add), (0, add)]) == [
        (5, 1, 1),  # 1240 -> 1023, 15 pulses -> 5, 703 stay
        (5, 0, 1),  # 703 -> 383
        (5, 0, 0),  # 383 -> 63
        (0, 0, 0),
        (0, 0, 0),
    ]
    assert one_beat(config, [(-40, add), (0, off), (0, add)]) == [(-5, 1, 1), (0, 0, 0), (-5, 0, 1)]
    half = Settings(gain=1, forget=True, momentum=4)
    assert one_beat(config, [(-127, half), (0, half), (-1, half), (0, half)]) == [
        (-1, 0, 0),  # -127 -> trunc(-63.5) = -63
        (0, 0, 0),
        (-1, 0, 0),  # -64 -> -32
        (0, 0, 0),
    ]


def test_direct_writes_leave_h_alone_and_step_the_dither_of_every_beat() -> None:
    """A pulse stands for 64. Words of six bits are u; the k-th beat uses the k-th word, whatever its settings."""
    config = reseeded(NARROW.replace(rows=1, columns=1, lanes=1), 1)
    add, direct, off = Settings(gain=1), Settings(gain=1, direct=True), Settings(gain=1, direct=True, accumulate=False)
    dither = Dither(config)
    u = [int(64 * dither.fractions()[0]) for _ in range(8)]
    assert all(0 < u[k] < 63 for k in (1, 3, 4, 5)), "other words would give other pulses"
    assert one_beat(
        config,
        [
            (40, add),  # H = 40
            (64 - u[1], direct),  # 64 -> 1
            (127, off),
            (63 - u[3], direct),  # 63 -> 0
            (-u[4], direct),  # 0 -> 0
            (-u[5] - 1, direct),  # -1 -> -1 by the floor
            (23, add),  # H = 63 still gives nothing
            (1, add),  # and 64 one pulse
        ],
    ) == [(n, 0, 0) for n in (0, 1, 0, 0, 0, -1, 0, 1)]
    large = Settings(gain=31, direct=True)
    assert one_beat(config, [(127, large), (-128, large), (0, add)]) == [(5, 1, 1), (-5, 1, 1), (0, 0, 0)]


@pytest.mark.parametrize("shift", [0, 1, 6, 16, 20])
def test_dither_is_uniform_over_a_threshold(shift: int) -> None:
    """u = word * 2**(t - bits): a write of exactly -u ends at 0 and one less at -1; t = 0 has no dither."""
    config = NARROW.replace(rows=1, columns=1, lanes=1, adc_bits=16, hidden_bits=30, threshold_shift=shift)
    config = config.replace(reference_fraction_bits=6, pulses_max=1)
    words, direct, beats, expected = Dither(config), Settings(gain=1, direct=True), [], []
    for _ in range(40):
        u = words.fractions()[0] * (1 << shift)
        assert u == int(u)
        beats.append((-int(u) - len(beats) % 2, direct))
        expected.append((-(len(expected) % 2), 0, 0))
    assert one_beat(config, beats) == expected
    assert shift == 0 or len({beat for beat, _ in beats}) > min(3, 1 << shift) / 2


@pytest.mark.slow
def test_direct_writes_have_the_mean_of_the_product() -> None:
    """1,500 writes of -1.7 and of 0.3 pulses, within 4.5 standard deviations of a rounding at random."""
    config, beats = NARROW.replace(rows=1, columns=1, lanes=1, threshold_shift=4), 1500
    for product in (-27, 5):
        counts = [n for n, _, _ in one_beat(config, [(product, Settings(gain=1, direct=True))] * beats)]
        mean = Fraction(product, 16)
        low = product // 16
        assert set(counts) == {low, low + 1}
        p = float(mean - low)
        assert abs(sum(counts) - beats * float(mean)) <= 4.5 * (beats * p * (1 - p)) ** 0.5


@pytest.mark.parametrize("change", [{"threshold_shift": 5}, {"pulses_max": 4}, {"hidden_bits": 12}])
@pytest.mark.parametrize("direct", [False, True])
def test_a_twin_with_another_format_is_found(change: dict[str, int], direct: bool) -> None:
    with pytest.raises(AssertionError):
        compare(NARROW, naive=NARROW.replace(**change), direct=(direct,))


def test_another_dither_is_found_by_direct_writes_only() -> None:
    twin = reseeded(NARROW, 2)
    compare(NARROW, naive=twin, direct=(False,))
    with pytest.raises(AssertionError):
        compare(NARROW, naive=twin, direct=(True,))


@pytest.mark.parametrize(
    "port",
    [
        *("difference", "gain", "read", "read_address", "write_address", "momentum", "forget", "accumulate"),
        *("direct", "load", "used"),
    ],
)
def test_a_flipped_bit_is_found(port: str) -> None:
    """In a buffer whose every unit of H is a pulse, so that nothing stays unseen for long."""
    config = TileConfig(
        rows=1,
        columns=2,
        lanes=1,
        adc_bits=3,
        reference_fraction_bits=2,
        gain_bits=1,
        hidden_bits=11,
        threshold_shift=0,
        pulses_max=127,
        momentum_bits=3,
    )
    mask = 0b111 if port == "momentum" else 1
    forget = (False, True) if port == "forget" else (True,)
    accumulate = (False, True) if port == "accumulate" else (True,)
    direct = (False, True) if port == "direct" else (False,)
    for cycle in range(20, 160):
        try:
            compare(
                config,
                flip=Flip(port, mask, cycle),
                transfers=16,
                forget=forget,
                accumulate=accumulate,
                direct=direct,
            )
        except AssertionError:
            return
    pytest.fail(f"{port}: found in none of 140 cycles")
