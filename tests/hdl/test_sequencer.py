"""The states follow the table of section 4, and commands are sampled when they are accepted."""

from __future__ import annotations

from random import Random

import pytest

from hdl.sequencer import Sequencer
from model.config import TileConfig
from tests.hdl.simulate import AWKWARD, Dut, Flip, simulate

NEXT = {"LOAD": "PULSE", "PULSE": "IDLE", "READ": "STREAM", "STREAM": "IDLE"}
SETTINGS = {
    "target": 1,
    "chopper": 2,
    "scope": 1,
    "row_chopper": 2,
    "reference": 2,
    "filter": 1,
    "latch": 1,
    "direct": 1,
    "gain": "gain_bits",
    "forget": 1,
    "momentum": "momentum_bits",
    "accumulate": 1,
}


def compare(config: TileConfig, *, seed: int = 0, flip: Flip | None = None) -> set[tuple[str, str]]:
    """All outputs of 500 cycles with random commands and a reset; the transitions that were seen."""
    rng, seen = Random(seed), set()
    widths = {name: width if isinstance(width, int) else getattr(config, width) for name, width in SETTINGS.items()}

    async def program(dut: Dut) -> None:
        state, address, bl, sampled = "CLEAR", 0, 0, dict.fromkeys(SETTINGS, 0)
        for cycle in range(500):
            settings = {name: rng.getrandbits(width) for name, width in widths.items()}
            valid, op = rng.random() < 0.4, rng.randrange(4)
            length = rng.choice((rng.getrandbits(config.bl_bits), config.bl_max, 2**config.bl_bits - 1))
            done = rng.random() < 0.3
            dut.set(**{f"settings__{name}": value for name, value in settings.items()})
            dut.set(command__valid=valid, command__op=op, command__bl=length)
            dut.set(loaded=done and state == "LOAD", pulsed=done and state == "PULSE")
            dut.set(streamed=done and state == "STREAM", read__ready=done)
            start = state == "IDLE" and valid
            assert dut.read("command__ready", "busy", "start") == (state == "IDLE", state != "IDLE", start)
            assert dut.read("clear", "load", "pulse", "read__valid", "stream") == tuple(
                state == name for name in ("CLEAR", "LOAD", "PULSE", "READ", "STREAM")
            )
            assert dut.get("bl") == bl
            assert {name: dut.get(f"sampled__{name}") for name in SETTINGS} == sampled
            if state == "CLEAR":
                assert dut.get("clear_address") == address
            if cycle == 300:
                await dut.reset()
                state, address, bl, sampled = "CLEAR", 0, 0, dict.fromkeys(SETTINGS, 0)
                continue
            await dut.tick()
            before = state
            if state == "CLEAR":
                address += 1
                state = "IDLE" if address == config.depth else "CLEAR"
            elif start:
                bl, sampled = min(length, config.bl_max), settings
                state = {0: "LOAD", 1: "READ"}.get(op, "IDLE")
            elif done:
                state = NEXT.get(state, state)
            seen.add((before, state))

    simulate(Sequencer(config), program, flip)
    return seen


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("seed", [1, 2])
def test_states(name: str, seed: int) -> None:
    seen = compare(AWKWARD[name], seed=seed)
    assert {("IDLE", "LOAD"), ("IDLE", "READ"), ("PULSE", "IDLE"), ("STREAM", "IDLE")} <= seen


@pytest.mark.parametrize(
    "port", ["command__valid", "command__op", "command__bl", "loaded", *(f"settings__{name}" for name in SETTINGS)]
)
def test_a_flipped_bit_is_found(port: str) -> None:
    caught = 0
    for cycle in range(50, 80):
        try:
            compare(AWKWARD["as many lanes as rows"], flip=Flip(port, 1, cycle))
        except AssertionError:
            caught += 1
        if caught:
            return
    pytest.fail(f"{port}: found in {caught} of 30 cycles")
