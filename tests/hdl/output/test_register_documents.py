# SPDX-License-Identifier: Apache-2.0
"""Tests of the register documents: Markdown and JSON say what the register map says."""

from __future__ import annotations

import json

import pytest

from symtrack.hdl.controller.registers import registers
from symtrack.hdl.output.register_documents import register_json, register_markdown
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


def test_text_and_json_have_every_field() -> None:
    config = NAMED["small"]
    table, text = json.loads(register_json(config)), register_markdown(config)
    assert [register["name"] for register in table] == [register.name for register in registers(config)]
    for register in registers(config):
        assert f"| {register.offset:#05x} | **{register.name}** |" in text
        for field in register.fields:
            assert f"| `{field.name}` | {field.access} |" in text
