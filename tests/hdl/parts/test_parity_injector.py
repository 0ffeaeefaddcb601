# SPDX-License-Identifier: Apache-2.0
"""Tests of the parity injector: one stored word per injection, in the lane that was asked for."""

from __future__ import annotations

from random import Random

import pytest

import symtrack.hdl.parts.parity_injector
from symtrack.hdl.parts.parity_injector import ParityInjector
from tests.cosim.helpers.bent import elaborated_with
from tests.hdl.helpers.simulate import Dut, simulate


def play(lanes: int) -> int:
    """Random injections and writes; the number of words that were stored with a wrong parity."""
    rng, stored = Random(lanes), 0

    async def program(dut: Dut) -> None:
        nonlocal stored
        armed = -1
        for _ in range(500):
            arm, lane, written = rng.random() < 0.2, rng.getrandbits(dut.ports["lane"].width), rng.random() < 0.3
            dut.set(arm=arm, lane=lane, written=written)
            assert dut.get("flips") == (1 << armed if 0 <= armed < lanes else 0)
            stored += written and 0 <= armed < lanes
            armed = lane if arm else -1 if written else armed
            await dut.tick()

    simulate(ParityInjector(lanes=lanes), program)
    return stored


@pytest.mark.parametrize("lanes", [1, 3, 4])
def test_every_cycle(lanes: int) -> None:
    assert play(lanes) > 10


@pytest.mark.parametrize(
    ("old", "new"),
    [("1 << self.lane", "1"), ("with m.Elif(self.written)", "with m.If(self.written)"), ("self.flips.eq(0)", "[]")],
)
def test_an_error_is_found(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bent = elaborated_with(symtrack.hdl.parts.parity_injector, ParityInjector, old, new)
    monkeypatch.setattr(ParityInjector, "elaborate", bent)
    with pytest.raises(AssertionError):
        play(3)
