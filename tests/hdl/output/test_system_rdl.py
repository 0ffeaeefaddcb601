# SPDX-License-Identifier: Apache-2.0
"""Tests of the SystemRDL: compiled, it has our fields, and says of each how hardware and software reach it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import FieldNode
from systemrdl.rdltypes import AccessType, InterruptType, OnWriteType, PrecedenceType

from symtrack.hdl.controller.registers import EVENTS, registers, settings_fields
from symtrack.hdl.output import system_rdl
from symtrack.hdl.output.system_rdl import register_rdl
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode, Op, Reference, Scope, Target
from tests.hdl.output.test_register_documents import CONFIGS

SAID = ("sw", "hw", "onwrite", "stickybit", "precedence", "swmod", "singlepulse", "swacc")
PLAIN = dict.fromkeys(SAID) | {"stickybit": False, "swmod": False, "singlepulse": False, "swacc": False}
PLAIN["precedence"] = PrecedenceType.sw
CONSTANT = PLAIN | {"sw": AccessType.r, "hw": AccessType.na}
TOLD = PLAIN | {"sw": AccessType.r, "hw": AccessType.w}
KEPT = PLAIN | {"sw": AccessType.rw, "hw": AccessType.r}
EVENT = PLAIN | {
    "sw": AccessType.rw,
    "hw": AccessType.w,
    "onwrite": OnWriteType.woclr,
    "stickybit": True,
    "precedence": PrecedenceType.hw,
}
ORDERED = PLAIN | {"sw": AccessType.w, "hw": AccessType.r, "swmod": True}
PULSED = PLAIN | {"sw": AccessType.w, "hw": AccessType.r, "singlepulse": True}
CODES = {
    "target": Target,
    "scope": Scope,
    "chopper": ChopperMode,
    "row_chopper": ChopperMode,
    "reference": Reference,
    "op": Op,
}
OPTIONS = CONFIGS["large"]


def compiled(config: TileConfig, folder: Path) -> dict[tuple[str, str], FieldNode]:
    """Every field of the compiled SystemRDL, by register and name."""
    file = folder / "registers.rdl"
    file.write_text(register_rdl(config, "top"), encoding="utf-8")
    compiler = RDLCompiler()
    compiler.compile_file(str(file))
    return {
        (register.inst_name, field.inst_name): field
        for register in compiler.elaborate().top.registers()
        for field in register.fields()
    }


def said(field: FieldNode) -> dict[str, Any]:
    return {name: field.get_property(name) for name in SAID}


@pytest.mark.parametrize("name", CONFIGS)
def test_it_has_the_same_map(name: str, tmp_path: Path) -> None:
    found = {
        (*key, field.parent.absolute_address, field.low, field.width, field.get_property("reset"))
        for key, field in compiled(CONFIGS[name], tmp_path).items()
    }
    assert found == {
        (register.name, field.name, register.offset, field.low, field.width, field.reset)
        for register in registers(CONFIGS[name])
        for field in register.fields
    }


def holds(config: TileConfig, folder: Path) -> None:
    """What is said of fields, by what they are for: written out here, since `system_rdl` has a table of its own."""
    fields = compiled(config, folder)
    for event in EVENTS:
        field = fields["events", event]
        assert said(field) == EVENT
        assert (field.get_property("intr"), field.get_property("intr type")) == (True, InterruptType.level)
        assert field.get_property("enable") == fields["interrupt", event]
        assert said(fields["interrupt", event]) == KEPT
        assert not fields["interrupt", event].get_property("intr")
    for name in ("identification", "version", "configuration", "size", "formats", "arithmetic", "writes", "options"):
        for key in [key for key in fields if key[0] == name]:
            assert said(fields[key]) == CONSTANT
            assert not fields[key].implements_storage
    for key in [key for key in fields if key[0] == "status" or "_signs_" in key[0]]:
        assert said(fields[key]) == TOLD
    for name in ("slots", "reads", "transfer_pulses", "reference_pulses", "unprogrammed"):
        above = config.counter_bits > 32
        assert said(fields[name, "low"]) == TOLD | {"swacc": above}
        assert said(fields[f"{name}_high", "high"]) == (TOLD if above else CONSTANT)
    for name in ("op", "bl", "column"):
        assert said(fields["command", name]) == ORDERED
    assert said(fields["control", "reset"]) == PULSED
    names = {field.name for field in settings_fields(config)}
    for key in [key for key in fields if key[1] in names and key[0] not in ("options", "command")]:
        assert said(fields[key]) == KEPT
    assert said(fields["watchdog", "cycles"]) == KEPT
    for name, kind in CODES.items():
        (field,) = (fields[key] for key in fields if key[1] == name and key[0] in ("modes", "command"))
        most = {"op": Op.PROGRAM if config.programmer else Op.CALIBRATE}
        most |= {} if config.row_chopper else {"row_chopper": ChopperMode.OFF}
        values = {code.name: code.value for code in field.get_property("encode")}
        assert values == {code.name.lower(): code.value for code in kind if code <= most.get(name, code)}
    assert not fields["gain", "gain"].get_property("encode")


@pytest.mark.parametrize("name", CONFIGS)
def test_hardware_and_software_reach_fields_as_in_our_register_file(name: str, tmp_path: Path) -> None:
    holds(CONFIGS[name], tmp_path)


@pytest.mark.parametrize(
    ("manner", "old", "new"),
    [
        ("constant", "hw = na", "hw = w"),
        ("told", "hw = w", "hw = rw"),
        ("kept", "sw = rw", "sw = r"),
        ("counted", "swacc;", ""),
        ("ordered", "swmod;", ""),
        ("pulsed", "singlepulse;", ""),
        ("event", "woclr", "woset"),
        ("event", "stickybit;", "stickybit = false;"),
        ("event", "level intr", "posedge intr"),
        ("event", "hw = w", "hw = rw"),
        ("event", "precedence = hw;", ""),
    ],
)
def test_another_word_is_noticed(
    manner: str, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = system_rdl.ACCESS[manner]
    assert text.count(old) == 1
    monkeypatch.setitem(system_rdl.ACCESS, manner, text.replace(old, new))
    with pytest.raises(AssertionError):
        holds(OPTIONS, tmp_path)


def test_the_largest_values_are_told(tmp_path: Path) -> None:
    fields = compiled(NAMED["tiny"], tmp_path)
    assert fields["command", "column"].get_property("desc").endswith("; at most 4")
    assert "at most" not in fields["gain", "gain"].get_property("desc")
