# SPDX-License-Identifier: Apache-2.0
"""Tests of the controller in RTL, driven by cocotbext-axi's AXI4-Lite master, stream sources and sinks."""

from __future__ import annotations

import pickle
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from symtrack.cosim.coverage.measure import points, source_verilog
from symtrack.cosim.engine.cocotb.build import cocotb_simulator
from symtrack.cosim.engine.cocotb.engine import OUTCOME, play
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import controller_verilog
from symtrack.hdl.controller.controller import Controller
from symtrack.hdl.controller.registers import EVENTS, registers
from symtrack.hdl.output.verilog import controller_name
from symtrack.model.spec.config import NAMED, TileConfig
from tests.cosim.helpers.tile_watch import tile_names

PLAIN = NAMED["odd"].replace(row_chopper=1, counter_bits=40, chopper_period=2)
CONFIG = PLAIN.replace(self_test=1, stream_pad=1, residual_memory=1)


def run(
    folder: Path, scenario: str, config: TileConfig = CONFIG, *, counted: str | None = None, **arguments: Any
) -> dict[str, int]:
    """The outcome of a scenario of `tests.cosim.helpers.controller_bench`. counted: Verilog whose points are
    counted.
    """
    top = controller_name(config)
    shown = {f"{top}.tile": tile_names(config)}
    verilog = counted or controller_verilog(config)
    simulator = cocotb_simulator(verilog, top, waves=False, coverage=counted is not None, shown=shown)
    job = {"config": config, "scenario": scenario, "seed": 5, **arguments}
    (folder / "job.pickle").write_bytes(pickle.dumps(job))
    play([str(simulator / top)], top, "tests.cosim.helpers.controller_bench", folder)
    result: dict[str, int] = pickle.loads((folder / OUTCOME).read_bytes())
    return result


def test_every_error_is_answered_and_told(tmp_path: Path) -> None:
    table = registers(CONFIG)
    refusable = [f for r in table for f in r.fields if f.high is not None and f.high < (1 << f.width) - 1]
    closed = sum(not register.writable for register in table) + sum(not register.readable for register in table)
    assert len(refusable) >= 4
    outside = sum(32 - register.allowed.bit_count() for register in table if register.writable)
    assert outside >= 100
    commands, seeds = 7 + 1, 5 + 1  # parts and a zero, and one too many
    assert run(tmp_path, "errors")["provoked"] == 6 + closed + 2 * len(refusable) + outside + commands + seeds


@pytest.mark.parametrize("config", [CONFIG, pytest.param(PLAIN, marks=pytest.mark.slow)], ids=["options", "plain"])
def test_operations_between_random_accesses_equal_the_golden_periphery(config: TileConfig, tmp_path: Path) -> None:
    result = run(tmp_path, "sequence", config, operations=24, accesses=2000)
    assert result["accesses"] > 2000


def test_every_event_and_a_wrong_parity_of_every_memory_are_provoked(tmp_path: Path) -> None:
    assert run(tmp_path, "self_test") == {"events": len(EVENTS), "memories": 4, "lanes": CONFIG.lanes}


@pytest.mark.parametrize("bit", ["drain", "reset"])
def test_a_drain_withdraws_no_beat_and_a_reset_does(bit: str, tmp_path: Path) -> None:
    result = run(tmp_path, "drains", rounds=12, bit=bit)
    assert result["offered"] >= 8
    assert (result["withdrawn"] == 0) == (bit == "drain")


def test_signs_are_read_as_they_are_after_flips(tmp_path: Path) -> None:
    """Each line is negative in turn."""
    result = run(tmp_path, "flips", transfers=6 * CONFIG.columns)
    assert result == {"columns": CONFIG.columns, "rows": CONFIG.rows}


def test_a_wrong_golden_memory_is_found(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="differs"):
        run(tmp_path, "sequence", operations=40, accesses=0, wrong="q")


def test_random_traffic_neither_hangs_it_nor_leads_it_astray(tmp_path: Path) -> None:
    result = run(tmp_path, "fuzz", cycles=10_000)
    assert result["compared"] >= 10_000
    assert result["refused"] > 50
    assert result["commands"] > 10


def test_a_wrong_golden_tile_is_found_in_random_traffic(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"MismatchError: cycle \d+: \w+ is"):
        run(tmp_path, "fuzz", cycles=20_000, wrong="q")


@pytest.mark.slow
def test_random_traffic_for_a_million_cycles(tmp_path: Path) -> None:
    result = run(tmp_path, "fuzz", cycles=1_000_000)
    assert result["compared"] >= 1_000_000
    assert result["refused"] > 10_000
    assert result["commands"] > 1_000


# What random traffic does not reach around the tile, and why.
OPERATIONS = "few operations come between two resets: see those between random accesses, and after flips"
WATCHDOG = "a limit of cycles that random traffic sets is hardly ever reached: see the tests of the watchdog"
MISSED = {
    r"toggle axi_lite [br]resp\[0\]": "constant: OKAY and SLVERR differ in the upper bit",
    r"toggle registers status___05F(row_)?chopper\[\d+\]": OPERATIONS,
    r"toggle registers status___05F(slots|reads|transfer_pulses|unprogrammed)\[([6-9]|\d\d)\]": "upper bits of counts",
    r"toggle registers status___05Freference_pulses\[\d+\]": OPERATIONS,
    r"toggle registers \w+_high\[\d\]": "upper bits of counts",
    r"toggle registers (settings___05F|setting_)(calibration_\w+|rounds)\[\d+\]": "upper bits of long operations",
    r"toggle registers (happens_|events_|status___05F)memory_error": "no bit flips: see the tests of parity",
    r"toggle registers (happens|events)_watchdog": WATCHDOG,
    r"toggle registers older\[\d\d\]": WATCHDOG,
    r"toggle axi_lite (room|arready)": "a client that waits for each answer has one read under way",
    r"toggle registers (due|told)": WATCHDOG,
    r"branch registers cond_then": WATCHDOG,
}


@pytest.mark.slow
def test_what_random_traffic_reaches_around_the_tile(tmp_path: Path) -> None:
    top = controller_name(PLAIN)
    text = source_verilog(Controller(PLAIN), top)
    run(tmp_path, "fuzz", PLAIN, counted=text, cycles=100_000)
    data = (tmp_path / "coverage.dat").read_text(encoding="utf-8")
    around = [point for point in points(data, text, top) if point.block in ("axi_lite", "registers")]
    unreached = Counter(point.kind for point in around if not point.count)
    assert unreached["line"] == 0
    assert unreached["branch"] == 1
    assert unreached["toggle"] <= 552
    missed = [f"{point.kind} {point.block} {point.name.partition(':')[0]}" for point in around if not point.count]
    assert {point for point in missed if not any(re.fullmatch(pattern, point) for pattern in MISSED)} == set()
    assert all(any(re.fullmatch(pattern, point) for point in missed) for pattern in MISSED)
