# SPDX-License-Identifier: Apache-2.0
"""Tests of the generated Verilog: reproducible, with the ports of docs/tile.md, clean for Verilator."""

from __future__ import annotations

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from symtrack.cosim.tools.toolchain import find_verilator
from symtrack.cosim.tools.verilog_texts import tile_verilog as kept_verilog
from symtrack.hdl.output.lint_waivers import VERILATOR_DEFAULT
from symtrack.hdl.output.name_map import blocks
from symtrack.hdl.output.verilog import controller_ports, module_name, tile_ports, tile_verilog
from symtrack.hdl.tile import ports
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import Settings
from tests.hdl.helpers.simulate import AWKWARD, few
from tests.paths import ROOT

CONFIGS = {**NAMED, **AWKWARD}


def text(name: str) -> str:
    return kept_verilog(CONFIGS[name])


@pytest.mark.parametrize("name", ["tiny", "one cell", pytest.param("17x7, rows chopped", marks=pytest.mark.slow)])
def test_two_conversions_give_the_same_text(name: str) -> None:
    assert tile_verilog(CONFIGS[name]) == tile_verilog(CONFIGS[name]) == text(name)


@pytest.mark.parametrize("name", CONFIGS)
def test_ports_are_those_of_the_header(name: str) -> None:
    header, body = re.search(
        rf"^module {module_name(CONFIGS[name])}\((.*?)\);(.*?)^endmodule", text(name), re.DOTALL | re.MULTILINE
    ).groups()
    declared = {
        port: (int(high or 0) + 1, direction == "output")
        for direction, high, port in re.findall(
            r"^\s*(input|output)\s+(?:\[(\d+):0\]\s+)?(\w+)\s*;", body, re.MULTILINE
        )
    }
    assert sorted(re.findall(r"\w+", header)) == sorted(declared)
    assert declared.pop("clk") == declared.pop("rst") == (1, False)
    listed = tile_ports(CONFIGS[name])
    assert {port.name: (port.width, port.output) for port in listed} == declared
    assert len(listed) == len(declared)


def documented() -> dict[str, tuple[str, str]]:
    """Direction and width of every port in the table of docs/tile.md."""
    found = {}
    for line in (ROOT / "docs" / "tile.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        names = re.findall(r"`(\w+__\w+)`", cells[1]) if len(cells) == 6 else []
        directions = cells[2].split(", ") if names else []
        if len(directions) == 1:
            directions *= len(names)
        for name, direction in zip(names, directions, strict=True):
            assert name not in found
            found[name] = (direction, cells[3])
    return found


def test_settings_are_those_of_the_configuration_in_their_order() -> None:
    config = TileConfig()
    assert list(ports.settings(config).members) == [field.name for field in fields(Settings)]


@pytest.mark.parametrize("name", CONFIGS)
def test_what_wakes_combinational_blocks_changes_at_the_start(name: str) -> None:
    """In SystemVerilog a register that is declared with a value never changes to it."""
    woken = set(re.findall(r"^ +if \((\\\S+) \) begin end$", text(name), re.MULTILINE))
    assert woken
    for register in map(re.escape, woken):
        assert re.search(rf"^  reg {register}  *;\n  initial {register}  *= 0;$", text(name), re.MULTILINE)


OPTIONAL = {  # signals that the AXI specifications leave to each side, by bus
    "s_axil": {f"{channel}{name}" for channel in ("aw", "ar") for name in ("prot", "id")} | {"bid", "rid"},
    "s_axis": {"tkeep", "tstrb", "tid", "tdest", "tuser"},
}


def test_the_guide_names_the_signals_that_are_left_out() -> None:
    names = {port.name for port in controller_ports(NAMED["tiny"])}
    absent = {signal for signals in OPTIONAL.values() for signal in signals}
    assert not {name for name in names if name.rpartition("_")[2] in absent}
    guide = " ".join((ROOT / "docs" / "integration.md").read_text(encoding="utf-8").split())
    found = re.search(r"Left out are (.*?) of AXI4-Lite, and (.*?) of the streams", guide)
    assert found
    told = found.groups()
    lite, streams = (set(re.findall(r"`(\w+)`", part)) for part in told)
    assert lite == {"awprot", "arprot"}  # AXI4-Lite has no identifiers but as an extension
    assert streams == OPTIONAL["s_axis"]
    assert {"s_axil_wstrb", "s_axis_codes_tlast", "m_axis_writes_tlast"} <= names


def registers(name: str) -> dict[str, int]:
    """Width of every register by its path below the top module."""
    found = {}
    for inner, body in blocks(text(name), module_name(CONFIGS[name])):
        for high, register in re.findall(r"^\s*reg\s+(?:\[(\d+):0\]\s+)?(\w+)\s", body, re.MULTILINE):
            found[f"{inner}.{register}"] = int(high or 0) + 1
    return found


@pytest.mark.parametrize("name", CONFIGS)
def test_state_lies_where_simulations_look_for_it(name: str) -> None:
    config, found = CONFIGS[name], registers(name)
    banks = {
        "update.rows": config.row_bank,
        "update.columns": config.column_bank,
        "transfer.hidden_buffer.dither": config.dither_bank,
        "chopper.rows": config.row_chopper_bank,
    }
    sources = {f"{path}.source_{k}.state" for path, bank in banks.items() for k in range(len(bank.sources))}
    assert {path for path in found if path.endswith(".state")} == sources | (
        {"chopper.source.state"} if config.chopper_draws else set()
    )
    assert found["chopper.flipped"] == found["chopper.signs"] == config.columns
    assert found["chopper.sweep"] == (config.sweeps - 1).bit_length()
    rows = config.rows if config.row_chopper else None
    assert found.get("chopper.row_flipped") == found.get("chopper.row_signs") == rows


def test_ports_are_those_of_the_table() -> None:
    config, table = TileConfig(rows=13, columns=11, lanes=5, residual_memory=1), documented()
    listed = tile_ports(config)
    assert {port.name: "out" if port.output else "in" for port in listed} == {
        name: direction for name, (direction, _) in table.items()
    }
    for port in listed:
        width = table[port.name][1]
        if re.fullmatch(r"\d+", width):
            assert port.width == int(width), port
        elif re.fullmatch(r"L×\d+", width):
            assert port.width == 5 * int(width[2:]), port
        elif width in ("L", "R", "C"):
            assert port.width == {"L": 5, "R": 13, "C": 11}[width], port
        elif width == "`rows`, `columns`":
            assert port.width == (13 if port.name.endswith("rows") else 11), port
        elif width.startswith("`"):
            assert port.width == getattr(config, width.strip("`")), port


@pytest.mark.parametrize("name", few(CONFIGS))
def test_lint(name: str, tmp_path: Path) -> None:
    tool, file = find_verilator(), tmp_path / "tile.v"
    file.write_text(text(name), encoding="utf-8")
    command = [tool.executable, "--lint-only", *(f"-Wno-{rule}" for rule in VERILATOR_DEFAULT)]
    done = subprocess.run(
        [*command, "--top-module", module_name(CONFIGS[name]), str(file)],
        env=tool.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    messages = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("%")]
    assert (done.returncode, messages) == (0, []), done.stderr[:2000]
