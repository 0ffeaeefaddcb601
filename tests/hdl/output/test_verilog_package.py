# SPDX-License-Identifier: Apache-2.0
"""Tests of the SystemVerilog package: slang reads the numbers that JSON, register map and Verilog parameters have."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest

from symtrack.cosim.tools.lint import slang_warnings, verilator_warnings
from symtrack.cosim.tools.verilog_texts import controller_verilog
from symtrack.hdl.controller.registers import registers
from symtrack.hdl.controller.stream_layout import stream_layouts
from symtrack.hdl.output.c_headers import largest
from symtrack.hdl.output.lint_waivers import VERILATOR_WAIVED
from symtrack.hdl.output.package import describe
from symtrack.hdl.output.verilog import controller_name
from symtrack.hdl.output.verilog_package import package_name
from symtrack.hdl.output.verilog_parameters import verilog_parameters
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.helpers.rules_bench import texts
from tests.hdl.helpers.simulate import AWKWARD

CONFIGS = {
    **NAMED,
    **AWKWARD,
    "all options": TileConfig(
        rows=33, columns=5, lanes=3, row_chopper=1, programmer=1, self_test=1, residual_memory=1, counter_bits=48
    ),
    "padded": NAMED["odd"].replace(stream_pad=1),
}
FIRST = ("tiny", "one cell", "3x17, lanes do not divide")  # whose controllers other tests convert, too
slang = pytest.mark.skipif(find_spec("pyslang") is None, reason="pyslang is not installed")


@dataclass(frozen=True)
class Compiled:
    """What slang makes of a text; its objects are valid only as long as this one is kept."""

    tree: Any
    compilation: Any

    @classmethod
    def of(cls, text: str) -> Compiled:
        """The compilation of a text that slang has no complaint about."""
        from pyslang import ast, syntax

        tree, compilation = syntax.SyntaxTree.fromText(text), ast.Compilation()
        compilation.addSyntaxTree(tree)
        assert not list(compilation.getAllDiagnostics())
        return cls(tree, compilation)


def constants(scope: Any) -> dict[str, int]:
    """The parameters of a package or a module."""
    return {item.name: int(item.value.value) for item in scope if item.kind.name == "Parameter"}


@slang
@pytest.mark.parametrize("name", CONFIGS)
def test_it_has_the_numbers_of_the_other_files(name: str) -> None:
    config = CONFIGS[name]
    package = Compiled.of(texts(config)["package.sv"])
    found = constants(package.compilation.getPackage(package_name(config)))
    header = Compiled.of(f"module header #(\n{verilog_parameters(config)}) (); endmodule")
    expected = constants(header.compilation.getRoot().topInstances[0].body)
    assert expected["ROWS"] == config.rows
    for register in registers(config):
        at = f"REG_{register.name.upper()}"
        expected[at] = register.offset
        for field in register.fields:
            of = f"{at}_{field.name.upper()}"
            expected |= {f"{of}_SHIFT": field.low, f"{of}_MASK": field.mask, f"{of}_RESET": field.reset}
            if field.access in ("rw", "wo"):
                expected[f"{of}_MAX"] = largest(field)
    described = describe(config)
    for form, values in described["formats"].items():
        expected |= {f"FORMAT_{form}_{key}".upper(): int(value) for key, value in values.items()}
    for key, value in described["cycles"].items():
        nested = value if isinstance(value, dict) else {"": value}
        expected |= {f"CYCLES_{key}_{inner}".upper().rstrip("_"): cycles for inner, cycles in nested.items()}
    assert found == expected


@slang
@pytest.mark.parametrize("name", CONFIGS)
def test_structs_are_the_streams_bit_for_bit(name: str) -> None:
    config = CONFIGS[name]
    package = Compiled.of(texts(config)["package.sv"])
    items = package.compilation.getPackage(package_name(config))
    types = {item.name: item.targetType.type.canonicalType for item in items if item.kind.name == "TypeAlias"}
    for stream, layout in stream_layouts(config).items():
        struct = types[f"{stream}_t"]
        assert struct.bitWidth == layout.bits
        members = {member.name: member for member in struct}
        padding = {"padding"} if layout.bits > layout.parts[-1].low + layout.parts[-1].room else set()
        assert set(members) == {part.name for part in layout.parts} | padding
        for part in layout.parts:
            member = members[part.name]
            kind, low = member.type.canonicalType, member.bitOffset
            if part.lane is not None:
                assert (kind.range.lower, kind.range.upper) == (0, config.lanes - 1)
                assert not kind.range.isDescending or kind.range.right == 0
                kind = kind.elementType.canonicalType
                low += part.lane * kind.bitWidth
            assert (low, kind.bitWidth, kind.isSigned) == (part.low, part.room, part.signed), part


@slang
@pytest.mark.parametrize("name", [pytest.param(one, marks=[] if one in FIRST else pytest.mark.slow) for one in CONFIGS])
def test_package_and_rules_are_clean(name: str) -> None:
    config = CONFIGS[name]
    text = "\n".join([controller_verilog(config), *texts(config).values()])
    assert slang_warnings(text) == []
    assert verilator_warnings(text, controller_name(config)) == []
    bent = text.replace("pulses_t pulses;", "read_t pulses;", 1)
    assert bent != text
    assert slang_warnings(bent)
    assert verilator_warnings(bent, controller_name(config))


def test_the_two_files_of_two_configurations_go_into_one_design() -> None:
    both = [NAMED["tiny"], AWKWARD["one cell"]]
    files = [text for config in both for text in (controller_verilog(config), *texts(config).values())]
    top = "".join(f"  {controller_name(config)} {config.name}_inside();\n" for config in both)
    text = "\n".join([*files, f"module both;\n{top}endmodule\n"])
    assert verilator_warnings(text, "both", (*VERILATOR_WAIVED, "PINMISSING")) == []
