# SPDX-License-Identifier: Apache-2.0
"""Tests of ``generate_verilog.py``: the files it writes, that they are whole, and the same every time."""

import itertools
import json
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
from systemrdl import RDLCompiler

from symtrack.cosim.tools.lint import verilator_warnings
from symtrack.cosim.tools.verilog_texts import controller_verilog, tile_verilog
from symtrack.hdl.output.notice import LICENSE, notice
from symtrack.hdl.output.package import describe
from symtrack.hdl.output.verilog import controller_ports, module_name, tile_ports
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.scripts import generate_verilog

KEYS = [
    "module",
    "config",
    "fingerprint",
    "ports",
    "controller",
    "reset",
    "clock_enables",
    "memory",
    "streams",
    "formats",
]
KEYS += ["cycles", "random_sources", "symtrack_version", "license"]


def generate(out: Path, config: str) -> dict[str, str]:
    assert generate_verilog.main(["--config", config, "--out", str(out)]) == 0
    return {path.name: path.read_text() for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of `tiny`."""
    return generate(tmp_path_factory.mktemp("tiny"), "tiny")


def names(top: str) -> list[str]:
    registers = [f"{top}_controller_registers.{kind}" for kind in ("h", "json", "md", "rdl")]
    others = [
        f"{top}.json",
        f"{top}.sdc",
        f"{top}.toml",
        f"{top}.v",
        f"{top}_controller.v",
        f"{top}_controller.core",
        f"{top}_controller.rules.verible_lint",
        f"{top}_controller.sdc",
        f"{top}_controller.vlt",
        f"{top}_controller.xml",
        f"{top}_controller_package.sv",
        f"{top}_controller_parameters.vh",
        f"{top}_controller_rules.sv",
        f"{top}_controller_tb.v",
        f"{top}_names.json",
        "symtrack_apb4_bridge.v",
        "symtrack_map.h",
        "symtrack_wishbone_bridge.v",
    ]
    return sorted(others + registers)


@pytest.mark.parametrize("name", ["tiny", pytest.param("digits_output", marks=pytest.mark.slow)])
def test_all_files_are_written(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, top = NAMED[name], module_name(NAMED[name])
    files = generate(tmp_path / "new" / "folder", name)
    assert sorted(files) == names(top)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(files)
    for file, text in files.items():
        assert any(file in line and f" {len(text.splitlines())} lines" in line for line in printed)
    assert TileConfig.load(tmp_path / "new" / "folder" / f"{top}.toml") == config

    description = json.loads(files[f"{top}.json"])
    assert list(description) == KEYS
    assert TileConfig.from_dict(description["config"]) == config
    assert description["module"] == top
    assert description["fingerprint"] == config.fingerprint
    assert len(description["ports"]) == len(tile_ports(config)) + 2
    assert len(description["controller"]["ports"]) == len(controller_ports(config))
    for module in description, description["controller"]:
        text = files[f"{module['module']}.v"]
        (header,) = re.findall(rf"^module {module['module']}\((.*?)\);", text, re.DOTALL | re.MULTILINE)
        assert sorted(re.findall(r"\w+", header)) == sorted(port["name"] for port in module["ports"])
        for port in module["ports"]:
            width = "" if port["width"] == 1 else f"[{port['width'] - 1}:0] "
            assert f"  {port['direction']} {width}{port['name']};" in text
    for stream, side in (("vectors", "s"), ("codes", "s"), ("pulses", "m"), ("read", "m"), ("writes", "m")):
        bits = description["streams"][stream]["bits"]
        assert f"[{bits - 1}:0] {side}_axis_{stream}_tdata;" in files[f"{top}_controller.v"]
        parts = description["streams"][stream]["parts"]
        assert [part["low"] % 8 for part in parts] == [0] * len(parts)
        assert bits == parts[-1]["low"] + parts[-1]["room"]
    header = files[f"{top}_controller_parameters.vh"]
    assert f"\n`define SYMTRACK_CONTROLLER {top}_controller\n" in header
    parameters = {name: int(value) for name, value in re.findall(r"parameter (\w+) = (\d+)", header)}
    assert [parameters[name] for name in ("ROWS", "COLUMNS", "LANES")] == [config.rows, config.columns, config.lanes]
    for stream, layout in description["streams"].items():
        assert parameters[f"{stream.upper()}_BITS"] == layout["bits"]
        for part in layout["parts"]:
            at = f"{stream}_{part['name']}".upper()
            step = parameters[f"{at}_STEP"] if part["lane"] is not None else 0
            assert parameters[f"{at}_LOW"] + (part["lane"] or 0) * step == part["low"]
            assert parameters[f"{at}_WIDTH"] == part["width"]
    registers = json.loads(files[f"{top}_names.json"])
    assert registers["fingerprint"] == config.fingerprint
    assert {"q", "qref", "hidden", "chopper_source"} <= {entry["name"] for entry in registers["state"]}
    assert description["cycles"]["transfer"] == config.transfer_cycles
    assert len(description["random_sources"]["rows"]["sources"]) == len(config.row_bank.sources)


def test_clock_enables_are_in_the_hardware_and_its_description(tiny: dict[str, str], tmp_path: Path) -> None:
    assert generate_verilog.main(["--config", "tiny", "--out", str(tmp_path), "--clock-enables"]) == 0
    found = {path.name: path.read_text() for path in tmp_path.iterdir()}
    top = module_name(NAMED["tiny"])
    assert found.keys() == tiny.keys()
    assert {name for name in found if found[name] != tiny[name]} == {f"{top}.v", f"{top}_controller.v", f"{top}.json"}
    assert [json.loads(files[f"{top}.json"])["clock_enables"] for files in (tiny, found)] == [False, True]


@pytest.mark.slow
def test_every_file_tells_what_generated_it_and_whose_its_licence_is(tiny: dict[str, str]) -> None:
    config, top, files = NAMED["tiny"], module_name(NAMED["tiny"]), dict(tiny)
    (registers,) = [file for file in files if file.endswith("_registers.json")]
    assert isinstance(json.loads(files.pop(registers)), list)  # has no place for it
    for file, text in files.items():
        head = "\n".join(text.splitlines()[:4])
        if file.endswith(".json"):
            data = json.loads(text)
            assert (data["symtrack_version"], data["license"]) == (version("symtrack"), LICENSE)
        else:
            for line in notice():
                assert line in head, file
    assert [version("symtrack") in notice()[0], "user's own choice" in notice()[2]] == [True, True]
    assert files[f"{top}_controller.core"].startswith("CAPI=2:\n# Generated by symtrack ")
    for file, plain in ((f"{top}.v", tile_verilog(config)), (f"{top}_controller.v", controller_verilog(config))):
        lines = files[file].splitlines(keepends=True)
        assert "".join(lines[3:]) == plain
        assert all(line.startswith("// ") for line in lines[:3])


@pytest.mark.slow
def test_the_notice_disturbs_no_reader(tiny: dict[str, str], tmp_path: Path) -> None:
    """SystemRDL and C; FuseSoC, Verilator and the example have tests of their own."""
    for kind in ("h", "rdl"):
        name = f"symtrack_tiny_controller_registers.{kind}"
        (tmp_path / name).write_text(tiny[name])
    compiler = RDLCompiler()
    compiler.compile_file(str(tmp_path / "symtrack_tiny_controller_registers.rdl"))
    assert compiler.elaborate().top.inst_name == "symtrack_tiny_controller"
    source = tmp_path / "include.c"
    source.write_text(
        '#include "symtrack_tiny_controller_registers.h"\nint main(void) { return SYMTRACK_TINY_MODES; }\n'
    )
    command = ["g++", "-x", "c", "-std=c99", "-pedantic", "-Wall", "-Werror", "-fsyntax-only", str(source)]
    subprocess.run(command, check=True)
    for name in ("symtrack_tiny", "symtrack_tiny_controller"):
        assert verilator_warnings(tiny[f"{name}.v"], name) == []


@pytest.mark.parametrize("name", ["tiny", "odd"])
def test_the_coefficients_give_the_cycles_of_an_operation(name: str) -> None:
    config = NAMED[name]
    cycles = describe(config)["cycles"]
    for pulses, sweeps in itertools.product((0, 1, 400), (0, 1, 32)):
        each = cycles["calibration"]
        total = each["command"] + (each["any_slots"] if pulses else 0) + pulses * each["slot"] + sweeps * each["sweep"]
        assert total == config.calibration_cycles(pulses, sweeps)
    for rounds in (1, 2, 64):
        each = cycles["programming"]
        assert each["command"] + rounds * each["round"] == config.programming_cycles(rounds)


def test_same_text_twice_and_over_old_files(tiny: dict[str, str], tmp_path: Path) -> None:
    for name in ("symtrack_tiny.v", "symtrack_tiny.toml"):
        (tmp_path / name).write_text("old")
    assert generate(tmp_path, "tiny") == tiny


def test_a_file_needs_only_what_differs(tiny: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("rows = 3\ncolumns = 5\nlanes = 1\nchopper_period = 3\nprogrammer = 1\n")
    assert generate(tmp_path / "a", str(file)) == tiny
    file.write_text("rows = 2\ncolumns = 2\nlanes = 1\nchopper_probability = 0.1\n")
    config = TileConfig(rows=2, columns=2, lanes=1, chopper_probability=0.1)
    top = module_name(config)
    files = generate(tmp_path / "c", str(file))
    assert sorted(files) == names(top)
    assert TileConfig.load(tmp_path / "c" / f"{top}.toml") == config
