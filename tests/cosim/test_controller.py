"""The controller and clients that nobody here wrote: cocotbext-axi's master, sources and sinks."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from cosim.cocotb_build import cocotb_simulator
from cosim.cocotb_engine import OUTCOME, play
from cosim.toolchain import ToolError
from hdl.registers import registers
from hdl.verilog import controller_name, controller_verilog
from model.config import NAMED, TileConfig
from tests.cosim.tile_watch import tile_names

CONFIG = NAMED["odd"].replace(row_chopper=1, counter_bits=40, chopper_period=2)


def run(folder: Path, scenario: str, config: TileConfig = CONFIG, **arguments: Any) -> dict[str, int]:
    """The outcome of a scenario of `tests.cosim.controller_bench`."""
    top = controller_name(config)
    shown = {f"{top}.tile": tile_names(config)}
    simulator = cocotb_simulator(controller_verilog(config), top, waves=False, shown=shown)
    job = {"config": config, "scenario": scenario, "seed": 5, **arguments}
    (folder / "job.pickle").write_bytes(pickle.dumps(job))
    play(simulator, top, "tests.cosim.controller_bench", folder)
    result: dict[str, int] = pickle.loads((folder / OUTCOME).read_bytes())
    return result


def test_every_error_is_answered_and_told(tmp_path: Path) -> None:
    table = registers(CONFIG)
    refusable = [f for r in table for f in r.fields if f.high is not None and f.high < (1 << f.width) - 1]
    closed = sum(not register.writable for register in table) + sum(not register.readable for register in table)
    assert len(refusable) >= 4
    assert run(tmp_path, "errors")["provoked"] == 6 + closed + 2 * len(refusable) + 1


def test_operations_between_random_accesses_equal_the_golden_periphery(tmp_path: Path) -> None:
    result = run(tmp_path, "sequence", operations=24, accesses=2000)
    assert result["accesses"] > 2000


def test_a_wrong_golden_memory_is_found(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="differs"):
        run(tmp_path, "sequence", operations=40, accesses=0, wrong="q")


def test_random_traffic_neither_hangs_it_nor_leads_it_astray(tmp_path: Path) -> None:
    result = run(tmp_path, "fuzz", cycles=20_000)
    assert result["compared"] >= 20_000
    assert result["refused"] > 100
    assert result["commands"] > 20


def test_a_wrong_golden_tile_is_found_in_random_traffic(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"MismatchError: cycle \d+: \w+ is"):
        run(tmp_path, "fuzz", cycles=20_000, wrong="q")


@pytest.mark.slow
def test_random_traffic_for_a_million_cycles(tmp_path: Path) -> None:
    result = run(tmp_path, "fuzz", cycles=1_000_000)
    assert result["compared"] >= 1_000_000
    assert result["refused"] > 10_000
    assert result["commands"] > 1_000
