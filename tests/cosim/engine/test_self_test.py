# SPDX-License-Identifier: Apache-2.0
"""Tests of ``inject``: RTL and golden tell the same wrong parities in the same cycles, whatever is played."""

from __future__ import annotations

from typing import Any

import pytest

from symtrack.cosim.compare.scenario import play
from symtrack.model.spec.config import TileConfig
from symtrack.model.tile.parity import Parity, memories

CONFIG = TileConfig(rows=5, columns=3, lanes=2, programmer=1, row_chopper=1, self_test=1, residual_memory=1)
MEMORIES = memories(CONFIG)


def told(monkeypatch: pytest.MonkeyPatch, seed: int) -> dict[str, int]:
    """Random stimulus in lock-step; how often the golden tile has read a wrong word of each memory."""
    counts, reads = dict.fromkeys(MEMORIES, 0), Parity.is_wrong

    def counted(self: Parity, name: str, address: int) -> bool:
        wrong = reads(self, name, address)
        counts[name] += wrong
        return wrong

    monkeypatch.setattr(Parity, "is_wrong", counted)
    _, outcome = play(CONFIG, "random", engine="native", cycles=10_000, seed=seed)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    return counts


def test_what_is_injected_is_told_when_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert min(told(monkeypatch, 1).values()) >= 10


@pytest.mark.parametrize("memory", MEMORIES)
def test_a_golden_parity_that_is_not_written_is_found(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Parity.write

    def other(self: Parity, name: str, address: int) -> Any:
        return None if name == memory else write(self, name, address)

    monkeypatch.setattr(Parity, "write", other)
    with pytest.raises(AssertionError, match="status__memory_error is 0x1 in the RTL, 0x0 in the golden model"):
        told(monkeypatch, 1)
