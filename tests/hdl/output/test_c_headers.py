# SPDX-License-Identifier: Apache-2.0
"""Tests of the C headers: the map of all configurations and the header of one say what the register map says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from symtrack.hdl.controller.registers import registers
from symtrack.hdl.output.c_headers import MAP_FILE, map_header, prefix, register_header
from symtrack.hdl.output.verilog import controller_name
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.output.test_register_documents import CONFIGS


def accepted(folder: Path, config: TileConfig, checks: list[str]) -> bool:
    """Whether the C compiler takes both headers and what is claimed of them."""
    (folder / MAP_FILE).write_text(map_header(), encoding="utf-8")
    (folder / "registers.h").write_text(register_header(config), encoding="utf-8")
    source = folder / "check.c"
    lines = ['#include "symtrack_map.h"', '#include "registers.h"', *checks, ""]
    source.write_text("\n".join(lines), encoding="utf-8")
    compiler = shutil.which("gcc") or shutil.which("cc") or "gcc"
    command = [compiler, "-std=c11", "-Wall", "-Werror", "-fsyntax-only", str(source)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def same(left: str, right: int) -> str:
    return f'_Static_assert({left} == {right}u, "");'


@pytest.mark.parametrize("name", CONFIGS)
def test_the_headers_are_c_and_have_every_offset_mask_reset_and_limit(name: str, tmp_path: Path) -> None:
    config, checks = CONFIGS[name], []
    for register in registers(config):
        own, shared = f"{prefix(config)}{register.name.upper()}", f"SYMTRACK_{register.name.upper()}"
        checks += [same(of, register.offset) for of in (own, shared)]
        for field in register.fields:
            at = f"{own}_{field.name.upper()}"
            checks += [same(f"{of}_{field.name.upper()}_SHIFT", field.low) for of in (own, shared)]
            checks += [same(f"{at}_MASK", field.mask), same(f"{at}_RESET", field.reset)]
            if field.access in ("ro", "w1c"):
                checks += [f"#ifdef {at}_MAX", f"#error {at}_MAX", "#endif"]
            else:
                checks.append(same(f"{at}_MAX", (1 << field.width) - 1 if field.high is None else field.high))
            if field.width == 1:
                mask = f"{shared}_{field.name.upper()}_MASK"
                checks += [f"#ifdef {mask}", same(mask, field.mask), "#endif"]
    assert accepted(tmp_path, config, checks)
    assert not accepted(tmp_path, config, [same(f"{prefix(config)}EVENTS", 0)])


def test_every_event_and_flag_has_its_mask_in_the_map() -> None:
    """Fields of one bit in every configuration; of others the map says where they begin."""
    defined = map_header()
    for register in registers(NAMED["tiny"]):
        if register.name in ("events", "interrupt", "control"):
            for field in register.fields:
                assert f"#define SYMTRACK_{register.name.upper()}_{field.name.upper()}_MASK" in defined
    assert "_GAIN_GAIN_MASK" not in defined
    assert "_COLUMN_SIGNS_0_NEGATIVE_MASK" not in defined


def test_names_follow_the_module() -> None:
    config = NAMED["digits_hidden"]
    assert prefix(config) == "SYMTRACK_DIGITS_HIDDEN_"
    assert f"#ifndef {controller_name(config).upper()}_REGISTERS_H" in register_header(config)
    assert prefix(config.replace(bl_max=9)) == f"SYMTRACK_CUSTOM_{config.replace(bl_max=9).fingerprint[:8].upper()}_"
