# SPDX-License-Identifier: Apache-2.0
"""Tests of parity: the tile reports every flipped bit of a memory, however it is read, and gives no false alarm."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.mutation.memory_flips import Flip, flips, silent
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import Op, Reference, Settings
from symtrack.model.tile.parity import memories

CONFIGS = {
    "many beats": TileConfig(rows=11, columns=3, lanes=2, row_chopper=1, programmer=1),
    "wide words": TileConfig(rows=4, columns=2, lanes=4, hidden_bits=40),
    "one cell": TileConfig(rows=1, columns=1, lanes=1, residual_memory=1),
    "residuals": TileConfig(rows=11, columns=3, lanes=2, residual_memory=1),
}
SETTINGS = {
    "as reset": Settings(),
    "filtered": Settings(reference=Reference.FILTERED, latch=True),
    "latched, nothing kept": Settings(reference=Reference.LATCHED, filter=False, accumulate=False),
    "unbuffered": Settings(direct=True, gain=3),
}


FAST = (("one cell", "as reset"),)


def library(config: TileConfig, pattern: str = "", by: str = "") -> Path:
    """The tile as a library, with a change of its Verilog if asked for."""
    text = tile_verilog(config)
    if pattern:
        text, count = re.subn(pattern, by, text)
        assert count > 0, pattern
    return native_library(text, config)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        pytest.param(name, settings, marks=[] if (name, settings) in FAST else pytest.mark.slow)
        for name in CONFIGS
        for settings in SETTINGS
    ],
)
def test_a_flip_of_any_bit_is_reported(name: str, settings: str) -> None:
    config = CONFIGS[name]
    forms = [config.reference_format, config.reference_format, config.hidden_format]
    forms += [config.difference_format] if config.residual_memory else []
    bits = sum(config.lanes * (form.width + 1) + 1 for form in forms)
    assert len(list(flips(config, Random(1)))) == (2 + config.programmer) * bits
    assert silent(library(config), config, 1, SETTINGS[settings]) == []


@pytest.mark.slow
def test_words_that_read_as_zero_are_reported() -> None:
    """A memory without power, or a column of it that is stuck, reads as zero."""
    config = CONFIGS["one cell"]
    found = silent(library(config, r"read_data <= mem\[read_address\];", "read_data <= 0;"), config, 1)
    expected = {Flip(op, name, 0, None) for op in (Op.TRANSFER, Op.CALIBRATE) for name in memories(config)}
    assert {flip for flip in found if flip.bit is None} == expected


@pytest.mark.slow
def test_a_memory_that_is_not_checked_is_found() -> None:
    config = NAMED["tiny"]
    point = "symtrack_tiny.transfer.symmetric_point"
    text = tile_verilog(config)
    head, at, body = text.partition(f"module \\{point} ")
    assert at
    bent, count = re.subn(r"assign wrong = [^;]*;", "assign wrong = 1'h0;", body, count=1)
    assert count == 1
    found = silent(native_library(head + at + bent, config), config, 1)
    assert {flip.memory for flip in found} == {"q", "qref"}
    assert all(flip.bit is not None for flip in found)


@pytest.mark.parametrize(
    ("mask", "silenced"),
    [
        pytest.param("programming", {Op.PROGRAM}, marks=pytest.mark.slow),
        pytest.param("~settings__accumulate", {Op.CALIBRATE, Op.PROGRAM}, marks=pytest.mark.slow),
        pytest.param("settings__accumulate", {Op.TRANSFER}, marks=pytest.mark.slow),
    ],
)
def test_operations_that_report_no_flip_are_found(mask: str, silenced: set[Op]) -> None:
    """The tile's register of an error is masked during an operation."""
    config = CONFIGS["many beats"]
    bent = library(config, r"(memory_error <= \S+) ;", rf"\1 & ~({mask});")
    found = silent(bent, config, 1)
    assert {flip.op for flip in found} == silenced
    assert all(flip.bit is not None for flip in found)
