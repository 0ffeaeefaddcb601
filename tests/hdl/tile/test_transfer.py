# SPDX-License-Identifier: Apache-2.0
"""Tests of the transfer path in whole transfers: every beat of writes, BEAT_LATENCY, waits and sticky flags."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest

from symtrack.hdl.tile.transfer import TransferPath
from symtrack.model.spec.config import BEAT_LATENCY, TileConfig
from symtrack.model.spec.settings import Reference, Settings
from tests.hdl.helpers.simulate import AWKWARD, Dut, Flip, simulate_again
from tests.hdl.references.naive_blocks import Accumulator, Dither, Estimate, Residuals, bits

PAYLOAD = ("column", "beat", "pulses", "latch", "reference", "last")
RESIDUALS = {f"{name}, residuals": config.replace(residual_memory=1) for name, config in AWKWARD.items()}


def compare(
    config: TileConfig, *, seed: int = 0, speed: float = 1.0, transfers: int = 30, flip: Flip | None = None
) -> None:
    """Transfers of columns in turn, random settings and lines in use; ``speed`` is the chance of valid and ready."""
    rng, code = Random(seed), config.code_format
    estimate, accumulator, dither = Estimate(config), Accumulator(config), Dither(config)
    residuals, payload = Residuals(), (*PAYLOAD, *(("residual",) if config.residual_memory else ()))

    async def program(dut: Dut) -> None:
        flags, column = [False, False], 0
        for address in range(config.depth):
            dut.set(clear=1, clear_address=address)
            await dut.tick()
        dut.set(clear=0)
        for _ in range(transfers):
            used = config.used(
                rng.choice((0, rng.randint(1, config.rows))), rng.choice((0, rng.randint(1, config.columns)))
            )
            restart = column >= used.columns
            column = 0 if restart else column
            dut.set(restart=restart, last_row=used.rows - 1, end_of_sweep=column == used.columns - 1)
            negative, flipped, latch = (rng.getrandbits(1) for _ in range(3))
            latch &= rng.getrandbits(1)
            row_signs, row_flipped = (rng.getrandbits(config.rows) for _ in range(2))
            mode, smooth = rng.randrange(4), rng.random() < 0.8
            gain, momentum = rng.getrandbits(config.gain_bits), rng.getrandbits(config.momentum_bits)
            settings = Settings(
                direct=rng.random() < 0.3,
                gain=gain,
                momentum=momentum,
                forget=rng.random() < 0.5,
                accumulate=rng.random() < 0.8,
            )
            dut.set(run=0, column=column, negative=negative, flipped=flipped, codes__valid=1)
            dut.set(row_signs=row_signs, row_flipped=row_flipped)
            dut.set(settings__reference=mode, settings__filter=smooth, settings__latch=latch)
            dut.set(settings__direct=settings.direct, settings__gain=gain, settings__momentum=momentum)
            dut.set(settings__forget=settings.forget, settings__accumulate=settings.accumulate)
            assert dut.read("codes__ready", "writes__valid", "finished") == (0, 0, 0)
            await dut.tick()
            dut.set(restart=0)
            await dut.tick()
            dut.set(run=1)
            stages: deque[tuple[object, ...] | None] = deque([None] * (BEAT_LATENCY - 1))
            places: deque[tuple[object, ...]] = deque()  # what is offered, and the spare register behind it
            entered = left = cycle = 0
            clipped = list(flags)
            while left < used.row_beats:
                valid, ready = rng.random() < speed, rng.random() < speed
                codes = [
                    rng.choice((code.low, code.high, rng.randint(code.low, code.high))) for _ in range(config.lanes)
                ]
                dut.set(codes__valid=valid, codes__code=codes, writes__ready=ready)
                room = len(places) < 2
                assert dut.get("codes__ready") == (entered < used.row_beats and room)
                assert dut.get("writes__valid") == bool(places)
                assert dut.get("finished") == (bool(places) and ready and left == used.row_beats - 1)
                if places:
                    assert dut.read(*(f"writes__{name}" for name in payload)) == places[0]
                    if ready:
                        places.popleft()
                        left += 1
                enters = None
                if valid and dut.get("codes__ready"):
                    pulses, references, fresh, held = [], [], [], []
                    for lane, (word, fraction) in enumerate(zip(codes, dither.fractions(), strict=True)):
                        row = entered * config.lanes + lane
                        if row >= used.rows:
                            pulses.append(0)
                            references.append(0)
                            held.append(0)
                            continue
                        d, reference, is_new = estimate.read(
                            (column, row),
                            word,
                            negative=negative ^ row_signs >> row & 1,
                            latch=latch or flipped ^ row_flipped >> row & 1,
                            mode=mode,
                            smooth=smooth,
                        )
                        n, saturated, clamped = accumulator.add((column, row), d, settings, fraction)
                        pulses.append(n)
                        references.append(reference)
                        fresh.append(is_new)
                        held.append(residuals.read((column, row), d, accumulate=settings.accumulate))
                        clipped = [clipped[0] or saturated, clipped[1] or clamped]
                    enters = column, entered, pulses, bits(fresh), references, entered == used.row_beats - 1
                    enters += (held,) if config.residual_memory else ()
                    entered += 1
                if room:
                    stages.appendleft(enters)
                    leaves = stages.pop()
                    places.extend([leaves] if leaves else [])
                await dut.tick()
                cycle += 1
                assert cycle < 2000
            flags[:] = clipped
            dut.set(run=0)
            column = 0 if column == used.columns - 1 else column + 1
            assert list(dut.read("hidden_saturated", "pulses_clamped")) == flags
            if speed == 1.0:  # with the cycles of the command and of READ
                assert cycle + 2 == used.row_beats + BEAT_LATENCY + 2

    simulate_again(TransferPath, config, program, flip)


@pytest.mark.parametrize("name", [*AWKWARD, "one cell, residuals", "17x7, rows chopped, residuals"])
@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_transfers(name: str, speed: float) -> None:
    compare((AWKWARD | RESIDUALS)[name], seed=len(name), speed=speed)


@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_columns_longer_than_the_pipeline(speed: float) -> None:
    compare(TileConfig(rows=2 * BEAT_LATENCY + 7, columns=2, lanes=1), speed=speed, transfers=12)


@pytest.mark.parametrize("seed", [1, 2])
def test_flags_stay(seed: int) -> None:
    """A narrow buffer with a small gain, so that the first clip comes late."""
    config = TileConfig(
        rows=7,
        columns=2,
        lanes=4,
        adc_bits=4,
        reference_fraction_bits=2,
        gain_bits=3,
        hidden_bits=10,
        threshold_shift=8,
    )
    compare(config, seed=seed, speed=0.8, transfers=60)


def whole_column(config: TileConfig, settings: dict[str, int], lines: dict[str, int]) -> tuple[int, list[int]]:
    """``writes__latch`` as one bit per lane of all beats, and the references, of a transfer with Q = 32 everywhere."""

    async def transfer(dut: Dut) -> tuple[int, list[int]]:
        latches, references, beat = 0, [], 0
        dut.set(run=1, codes__valid=1, writes__ready=1, codes__code=[2] * config.lanes)
        while beat < config.row_beats:
            if dut.get("writes__valid"):
                latches |= dut.get("writes__latch") << beat * config.lanes
                references += dut.get("writes__reference")
                beat += 1
            await dut.tick()
        dut.set(run=0)
        return latches, references

    async def program(dut: Dut) -> tuple[int, list[int]]:
        for address in range(config.depth):
            dut.set(clear=1, clear_address=address)
            await dut.tick()
        dut.set(clear=0, settings__filter=1, last_row=config.rows - 1, end_of_sweep=1)
        await dut.tick()
        await transfer(dut)
        await dut.tick()
        dut.set(settings__filter=0)
        dut.set(**{f"settings__{name}": value for name, value in settings.items()}, **lines)
        await dut.tick()
        return await transfer(dut)

    return simulate_again(TransferPath, config, program)


@pytest.mark.parametrize(("rows", "lanes"), [(5, 2), (5, 5), (1, 1), (7, 4)])
def test_latches_of_a_column_by_hand(rows: int, lanes: int) -> None:
    """A flip of the column or of the row latches, both do not; the setting latches all; lanes beyond R never do."""
    config = TileConfig(rows=rows, columns=1, lanes=lanes, filter_shift=2)
    every, flips = (1 << rows) - 1, 0b1010101 & ((1 << rows) - 1)
    padding = [0] * (-rows % lanes)
    for settings, lines, latched, shown in (
        ({}, {}, 0, 0),
        ({}, {"flipped": 1}, every, every),
        ({}, {"row_flipped": flips}, flips, flips),
        ({}, {"row_flipped": flips, "flipped": 1}, every ^ flips, every ^ flips),
        ({"latch": 1}, {"row_flipped": flips, "flipped": 1}, every, every),
        ({"reference": Reference.FILTERED}, {}, every, every),
        ({"reference": 3}, {}, 0, 0),
    ):
        latches, references = whole_column(config, settings, lines)
        assert latches == latched, (settings, lines)
        assert references == [32 * (shown >> row & 1) for row in range(rows)] + padding, (settings, lines)


@pytest.mark.parametrize(
    "port",
    [
        *("codes__code", "writes__ready", "codes__valid", "run", "negative", "row_signs", "last_row", "end_of_sweep"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("flipped", "row_flipped")),  # show late
        *(f"settings__{name}" for name in ("reference", "filter", "latch", "direct", "gain", "accumulate")),
    ],
)
def test_a_flipped_bit_is_found(port: str) -> None:
    config = TileConfig(rows=3, columns=2, lanes=2, hidden_bits=40, threshold_shift=24, pulses_max=127)
    mask = {"codes__code": 0x1FF, "settings__gain": 0xFFF}.get(port, 1)
    for cycle in range(8, 200):
        try:
            compare(config, seed=1, transfers=10, flip=Flip(port, mask, cycle))
        except (AssertionError, IndexError):
            return
    pytest.fail(f"{port}: found in none of 192 cycles")
