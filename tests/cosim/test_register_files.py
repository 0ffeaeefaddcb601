"""The register map in its four forms says what the table says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from systemrdl import RDLCompiler
from systemrdl.node import FieldNode

from cosim.register_files import register_header, register_json, register_markdown, register_rdl
from hdl.registers import registers
from model.config import NAMED, TileConfig

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


@pytest.mark.parametrize("name", CONFIGS)
def test_systemrdl_is_compiled_to_the_same_map(name: str, tmp_path: Path) -> None:
    config = CONFIGS[name]
    file = tmp_path / "registers.rdl"
    file.write_text(register_rdl(config, "top"), encoding="utf-8")
    compiler = RDLCompiler()
    compiler.compile_file(str(file))
    found = {
        (
            register.inst_name,
            register.absolute_address,
            field.inst_name,
            field.low,
            field.width,
            field.get_property("reset"),
        )
        for register in compiler.elaborate().top.registers()
        for field in register.children()
        if isinstance(field, FieldNode)
    }
    assert found == {
        (register.name, register.offset, field.name, field.low, field.width, field.reset)
        for register in registers(config)
        for field in register.fields
    }


def test_the_header_is_c_and_has_every_mask(tmp_path: Path) -> None:
    config = NAMED["small"]
    (tmp_path / "registers.h").write_text(register_header(config, "top"), encoding="utf-8")
    checks = []
    for register in registers(config):
        name = f"SYMTRACK_{register.name.upper()}"
        checks.append(f'_Static_assert({name} == {register.offset}, "");')
        for field in register.fields:
            at = f"{name}_{field.name.upper()}"
            checks.append(f'_Static_assert({at}_MASK == {field.mask}u && {at}_SHIFT == {field.low}, "");')
    source = tmp_path / "check.c"
    source.write_text('#include "registers.h"\n' + "\n".join(checks) + "\n", encoding="utf-8")
    compiler = shutil.which("gcc") or shutil.which("cc") or "gcc"
    subprocess.run([compiler, "-std=c11", "-Wall", "-Werror", "-fsyntax-only", str(source)], check=True)


def test_text_and_json_have_every_field() -> None:
    config = NAMED["small"]
    table, text = json.loads(register_json(config)), register_markdown(config)
    assert [register["name"] for register in table] == [register.name for register in registers(config)]
    for register in registers(config):
        assert f"| {register.offset:#05x} | **{register.name}** |" in text
        for field in register.fields:
            assert f"| `{field.name}` | {field.access} |" in text
