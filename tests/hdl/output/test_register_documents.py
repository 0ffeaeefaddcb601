# SPDX-License-Identifier: Apache-2.0
"""Tests of the register documents: Markdown, JSON and SystemRDL say what the register map says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import FieldNode
from systemrdl.rdltypes import AccessType, OnWriteType

from symtrack.hdl.controller.registers import registers
from symtrack.hdl.output import register_documents as register_files
from symtrack.hdl.output.register_documents import register_json, register_markdown, register_rdl
from symtrack.model.spec.config import NAMED, TileConfig

CONFIGS = {name: NAMED[name] for name in ("tiny", "small", "digits_hidden")} | {
    "large": TileConfig(rows=130, columns=65, counter_bits=48, row_chopper=1, programmer=1)
}


@pytest.mark.parametrize("name", CONFIGS)
def test_fields_do_not_overlap_and_fit_their_words(name: str) -> None:
    table = registers(CONFIGS[name])
    offsets = [register.offset for register in table]
    assert len(set(offsets)) == len(offsets) == len({register.name for register in table})
    for register in table:
        assert register.offset % 4 == 0
        assert sum(field.mask for field in register.fields) < 1 << 32
        total = 0
        for field in register.fields:
            assert total & field.mask == 0
            total |= field.mask
            assert field.reset < 1 << field.width


# sw, hw, onwrite
PROPERTIES = {
    "ro": (AccessType.r, AccessType.w, None),
    "rw": (AccessType.rw, AccessType.r, None),
    "wo": (AccessType.w, AccessType.r, None),
    "w1c": (AccessType.rw, AccessType.rw, OnWriteType.woclr),
}


def compiled(config: TileConfig, folder: Path) -> set[tuple[object, ...]]:
    """Every field of the compiled SystemRDL."""
    file = folder / "registers.rdl"
    file.write_text(register_rdl(config, "top"), encoding="utf-8")
    compiler = RDLCompiler()
    compiler.compile_file(str(file))
    return {
        (
            register.inst_name,
            register.absolute_address,
            field.inst_name,
            field.low,
            field.width,
            *(field.get_property(name) for name in ("reset", "sw", "hw", "onwrite")),
        )
        for register in compiler.elaborate().top.registers()
        for field in register.children()
        if isinstance(field, FieldNode)
    }


def expected(config: TileConfig) -> set[tuple[object, ...]]:
    return {
        (register.name, register.offset, field.name, field.low, field.width, field.reset, *PROPERTIES[field.access])
        for register in registers(config)
        for field in register.fields
    }


@pytest.mark.parametrize("name", CONFIGS)
def test_systemrdl_is_compiled_to_the_same_map(name: str, tmp_path: Path) -> None:
    assert compiled(CONFIGS[name], tmp_path) == expected(CONFIGS[name])


@pytest.mark.parametrize(
    ("access", "bent"),
    [
        ("ro", "sw = r; hw = rw;"),
        ("rw", "sw = r; hw = r;"),
        ("wo", "sw = rw; hw = r;"),
        ("w1c", "sw = rw; hw = rw;"),
        ("w1c", "sw = rw; onwrite = woset; hw = rw;"),
    ],
)
def test_another_access_is_another_map(access: str, bent: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(register_files.ACCESS, access, bent)
    assert compiled(NAMED["tiny"], tmp_path) != expected(NAMED["tiny"])


def test_text_and_json_have_every_field() -> None:
    config = NAMED["small"]
    table, text = json.loads(register_json(config)), register_markdown(config)
    assert [register["name"] for register in table] == [register.name for register in registers(config)]
    for register in registers(config):
        assert f"| {register.offset:#05x} | **{register.name}** |" in text
        for field in register.fields:
            assert f"| `{field.name}` | {field.access} |" in text
