"""Whole transfers: section 6 for every beat of writes, BEAT_LATENCY, waits on both sides and the sticky flags."""

from __future__ import annotations

from random import Random

import pytest

from hdl.transfer import TransferPath
from model.config import BEAT_LATENCY, Settings, TileConfig
from tests.hdl.naive import Accumulator, Estimate
from tests.hdl.simulate import AWKWARD, Dut, Flip, simulate

PAYLOAD = ("column", "beat", "pulses", "latch", "reference")


def compare(
    config: TileConfig, *, seed: int = 0, speed: float = 1.0, transfers: int = 30, flip: Flip | None = None
) -> None:
    """Transfers of the columns in turn with random settings; ``speed`` is the chance of valid and ready."""
    rng, estimate, accumulator, code = Random(seed), Estimate(config), Accumulator(config), config.code_format

    async def program(dut: Dut) -> None:
        flags = [False, False]
        for address in range(config.depth):
            dut.set(clear=1, clear_address=address)
            await dut.tick()
        dut.set(clear=0)
        for transfer in range(transfers):
            column = transfer % config.columns
            negative, latch, mode = rng.getrandbits(1), rng.getrandbits(1), rng.randrange(4)
            gain, momentum = rng.getrandbits(config.gain_bits), rng.getrandbits(config.momentum_bits)
            settings = Settings(gain=gain, momentum=momentum, forget=rng.random() < 0.5, accumulate=rng.random() < 0.8)
            dut.set(run=0, column=column, negative=negative, latch=latch, codes__valid=1)
            dut.set(settings__reference=mode, settings__gain=gain, settings__momentum=momentum)
            dut.set(settings__forget=settings.forget, settings__accumulate=settings.accumulate)
            assert dut.read("codes__ready", "writes__valid", "finished") == (0, 0, 0)
            await dut.tick()
            dut.set(run=1)
            due: list[tuple[int, tuple[object, ...]]] = []
            entered = left = cycle = 0
            clipped = list(flags)
            held = None
            while left < config.row_beats:
                valid, ready = rng.random() < speed, rng.random() < speed
                codes = [
                    rng.choice((code.low, code.high, rng.randint(code.low, code.high))) for _ in range(config.lanes)
                ]
                dut.set(codes__valid=valid, codes__code=codes, writes__ready=ready)
                shown = dut.get("writes__valid")
                payload = dut.read(*(f"writes__{name}" for name in PAYLOAD))
                assert dut.get("codes__ready") == (entered < config.row_beats and (ready or not shown))
                assert dut.get("finished") == (shown and ready and left == config.row_beats - 1)
                if shown:
                    assert held is None or payload == held
                    since, expected = due[0]
                    assert payload == expected
                    assert cycle - since == BEAT_LATENCY if speed == 1.0 else cycle - since >= BEAT_LATENCY
                else:
                    assert held is None, "a beat was lost while it waited"
                    assert speed < 1.0 or not due or cycle - due[0][0] < BEAT_LATENCY
                held = payload if shown and not ready else None
                if shown and ready:
                    due.pop(0)
                    left += 1
                if valid and dut.get("codes__ready"):
                    pulses, references = [], []
                    for lane, word in enumerate(codes):
                        key = (column, entered * config.lanes + lane)
                        word = word if key[1] < config.rows else 0
                        d, reference = estimate.read(key, word, negative=negative, latch=latch, mode=mode)
                        n, saturated, clamped = accumulator.add(key, d, settings)
                        pulses.append(n)
                        references.append(reference)
                        clipped = [clipped[0] or saturated, clipped[1] or clamped]
                    due.append((cycle, (column, entered, pulses, latch, references)))
                    entered += 1
                await dut.tick()
                cycle += 1
                assert cycle < 2000
            flags[:] = clipped
            dut.set(run=0)
            assert list(dut.read("hidden_saturated", "pulses_clamped")) == flags
            if speed == 1.0:  # with the cycles of the command and of READ
                assert cycle + 2 == config.row_beats + 6

    simulate(TransferPath(config), program, flip)


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("speed", [1.0, 0.6])
def test_transfers(name: str, speed: float) -> None:
    compare(AWKWARD[name], seed=len(name), speed=speed)


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


@pytest.mark.parametrize(
    "port", ["codes__code", "writes__ready", "codes__valid", "run", "negative", "latch", "settings__gain"]
)
def test_a_flipped_bit_is_found(port: str) -> None:
    config = TileConfig(rows=3, columns=2, lanes=2, hidden_bits=40, threshold_shift=24, pulses_max=127)
    mask = {"codes__code": 0x1FF, "settings__gain": 0xFFF}.get(port, 1)
    for cycle in range(8, 60):
        try:
            compare(config, seed=1, transfers=10, flip=Flip(port, mask, cycle))
        except (AssertionError, IndexError):
            return
    pytest.fail(f"{port}: found in none of 52 cycles")
