# SPDX-License-Identifier: Apache-2.0
"""Tests that choppers look at every bit of their random words, and that an error of a single bit is found."""

from __future__ import annotations

import pytest

from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.mutation.chopper_words import edges, first_wrong_flip
from symtrack.cosim.tools.build_cache import temporary_builds
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED

TINY = NAMED["tiny"].replace(row_chopper=1, chopper_probability=0.2)


def test_words_are_those_at_the_limit_and_those_that_differ_in_one_bit() -> None:
    limit, words = TINY.chopper_flip_below, list(edges(TINY))
    assert {limit - 1, limit} <= set(words)
    for bit in range(16):
        assert {limit ^ 1 << bit, (limit - 1) ^ 1 << bit} <= set(words)
    assert len(words) == 34
    never, always = (list(edges(TINY.replace(chopper_probability=p))) for p in (0.0, 1.0))
    assert len(never) == len(always) == 17
    assert all(0 <= word < 1 << 16 for word in (*never, *always))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        pytest.param({"columns": 1, "rows": 5}, marks=pytest.mark.slow),
        pytest.param({"row_chopper": 0}, marks=pytest.mark.slow),
        pytest.param({"chopper_probability": 2.0**-16}, marks=pytest.mark.slow),
    ],
)
def test_flips_are_those_of_golden(changes: dict[str, float]) -> None:
    config = TINY.replace(**changes)
    assert first_wrong_flip(native_library(tile_verilog(config), config), config) is None


@pytest.mark.parametrize("what", [pytest.param("columns", marks=pytest.mark.slow), "rows"])
@pytest.mark.slow
def test_a_limit_that_is_off_by_one_is_found(what: str) -> None:
    """The same netlist with the next smaller probability, for the comparison of columns or for the others."""
    text, limit = tile_verilog(TINY), TINY.chopper_flip_below
    right, wrong = (f"< 14'h{value:04x}" for value in (limit, limit - 1))
    first, *others = text.split(right)
    assert len(others) == 1 + TINY.rows
    bent = first + wrong + right.join(others) if what == "columns" else first + right + wrong.join(others)
    with temporary_builds():
        found = first_wrong_flip(native_library(bent, TINY), TINY)
    assert found is not None
    assert ("status__row_chopper" if what == "rows" else "status__chopper") in found
