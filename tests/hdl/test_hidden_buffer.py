"""H of whole columns against exact fractions: saturation, clamp, forget, subtract, and nothing with accumulate off."""

from __future__ import annotations

from random import Random

import pytest

from hdl.hidden_buffer import HiddenBuffer
from model.config import Settings, TileConfig
from tests.hdl.naive import Accumulator
from tests.hdl.simulate import AWKWARD, Dut, Flip, simulate

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
) -> dict[str, int]:
    """Column after column in any order with new settings; how often each case of stages 3 and 4 came."""
    rng, accumulator = Random(seed), Accumulator(naive or config)
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
            )
            dut.set(gain=settings.gain, forget=settings.forget)
            dut.set(momentum=settings.momentum, accumulate=settings.accumulate)
            waiting = list(range(config.row_beats))
            third, fourth = None, None
            while waiting or third or fourth:
                ready = rng.random() < 0.7
                advance = fourth is None or ready
                enter = bool(waiting) and rng.random() < 0.7
                beat = waiting[0] if waiting else 0
                address = column * config.row_beats + beat
                differences, references = (
                    [rng.choice((form.low, form.high, rng.randint(form.low, form.high))) for _ in range(config.lanes)]
                    for form in (config.difference_format, config.reference_format)
                )
                dut.set(enter=enter, address=address, beat=beat, difference=differences, reference=references)
                dut.set(advance=advance, accepted=fourth is not None and ready)
                assert dut.get("valid") == (fourth is not None)
                assert dut.get("load") == (third is not None and advance)
                if fourth:
                    assert dut.read("pulses", "out_reference", "out_beat") == fourth[:3]
                if third and advance:
                    assert dut.read("saturated", "clamped") == third[3:]
                await dut.tick()
                if not advance:
                    continue
                third, fourth = None, third
                if enter:
                    results = [accumulator.add((address, lane), d, settings) for lane, d in enumerate(differences)]
                    pulses = [result[0] for result in results]
                    saturated, clamped = (any(result[k] for result in results) for k in (1, 2))
                    third = (pulses, references, waiting.pop(0), saturated, clamped)
                    seen["saturated"] += saturated
                    seen["clamped"] += clamped
                    seen["written"] += any(pulses)
                    seen["kept"] += not all(pulses)

    simulate(HiddenBuffer(config), program, flip)
    return seen


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("seed", [1, 2])
def test_awkward_sizes(name: str, seed: int) -> None:
    compare(AWKWARD[name], seed=seed, transfers=30)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("forget", [False, True])
def test_every_case_of_a_narrow_buffer(seed: int, forget: bool) -> None:
    seen = compare(NARROW, seed=seed, forget=(forget,), transfers=150)
    assert all(count >= 5 for count in seen.values()), seen


@pytest.mark.parametrize(("bits", "shift", "most"), [(4, 0, 1), (4, 2, 127), (12, 0, 127), (40, 38, 1), (40, 20, 127)])
def test_formats(bits: int, shift: int, most: int) -> None:
    compare(NARROW.replace(hidden_bits=bits, threshold_shift=shift, pulses_max=most, gain_bits=16), transfers=80)


def test_accumulate_off_leaves_everything_alone() -> None:
    seen = compare(NARROW, accumulate=(False,))
    assert seen["saturated"] == seen["clamped"] == seen["written"] == 0


def one_beat(config: TileConfig, beats: list[tuple[int, Settings]]) -> list[tuple[int, int, int]]:
    """n, saturated, clamped of beats to the one cell of a tile, one after the other."""

    async def program(dut: Dut) -> list[tuple[int, int, int]]:
        results = []
        dut.set(clear=1)
        await dut.tick()
        dut.set(clear=0, advance=1)
        for difference, settings in beats:
            dut.set(enter=1, difference=[difference], gain=settings.gain, forget=settings.forget)
            dut.set(momentum=settings.momentum, accumulate=settings.accumulate)
            await dut.tick()
            dut.set(enter=0)
            flags = dut.read("saturated", "clamped")
            await dut.tick()
            results.append((dut.get("pulses")[0], *flags))
            dut.set(accepted=1)
            await dut.tick()
            dut.set(accepted=0)
        return results

    return simulate(HiddenBuffer(config), program)


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


@pytest.mark.parametrize("change", [{"threshold_shift": 5}, {"pulses_max": 4}, {"hidden_bits": 12}])
def test_a_twin_with_another_format_is_found(change: dict[str, int]) -> None:
    with pytest.raises(AssertionError):
        compare(NARROW, naive=NARROW.replace(**change))


@pytest.mark.parametrize("port", ["difference", "gain", "address", "momentum", "forget", "accumulate", "accepted"])
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
    for cycle in range(20, 60):
        try:
            compare(config, flip=Flip(port, mask, cycle), transfers=16, forget=forget, accumulate=accumulate)
        except AssertionError:
            return
    pytest.fail(f"{port}: found in none of 40 cycles")
