# SPDX-License-Identifier: Apache-2.0
"""Tests of the drain: a beat on offer is never withdrawn, none is offered anew while it drains, none is lost."""

from __future__ import annotations

from random import Random

import pytest

import symtrack.hdl.controller.drain
from symtrack.hdl.controller.drain import Drain
from tests.cosim.helpers.bent import elaborated_with
from tests.hdl.helpers.simulate import Dut, simulate


def play(seed: int, cycles: int = 2000) -> int:
    """Random offers, readiness and drains; the number of beats that stayed on offer while the stream was drained."""
    rng, stayed = Random(seed), 0

    async def program(dut: Dut) -> None:
        nonlocal stayed
        valid = draining = waits = False
        for _ in range(cycles):
            draining = rng.random() < (0.9 if draining else 0.1)
            tready = rng.random() < 0.3
            valid = valid or rng.random() < 0.3  # a tile never withdraws a beat, either
            dut.set(draining=draining, valid=valid, tready=tready)
            offered = valid and (waits or not draining)
            assert dut.read("tvalid", "offered") == (offered, waits)
            assert dut.get("ready") == (tready and (waits or not draining))
            stayed += offered and draining
            waits = offered and not tready
            valid = valid and not (offered and tready)
            await dut.tick()

    simulate(Drain(), program)
    return stayed


def test_every_cycle() -> None:
    assert play(1) > 100


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("~self.draining | self.offered", "~self.draining"),
        ("~self.draining | self.offered", "self.offered"),
        ("self.tvalid & ~self.tready", "self.tvalid"),
        ("self.tready & passes", "self.tready"),
    ],
)
def test_an_error_is_found(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drain, "elaborate", elaborated_with(symtrack.hdl.controller.drain, Drain, old, new))
    with pytest.raises(AssertionError):
        play(1)
