# SPDX-License-Identifier: Apache-2.0
"""Kept Verilog: converted once for what it follows from, made again where the file is not as it was written."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import pytest

import symtrack.cosim.tools.verilog_texts as texts
from symtrack.hdl.output import verilog as converter
from symtrack.model.source_files import sources
from symtrack.model.spec.config import NAMED, PARTS, TileConfig
from tests.cosim.helpers.bent import with_other_polynomial

TINY = NAMED["tiny"]


@pytest.fixture
def conversions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[TileConfig]:
    """What is converted, in a cache of its own, and the text is only the name of the module."""
    converted: list[TileConfig] = []

    def convert(config: TileConfig, *, clock_enables: bool) -> str:
        time.sleep(0.1)  # another thread comes meanwhile
        converted.append(config)
        return f"module {converter.module_name(config)}{'_enabled' * clock_enables};\nendmodule\n"

    monkeypatch.setenv("SYMTRACK_CACHE", str(tmp_path))
    monkeypatch.setattr(converter, "tile_verilog", convert)
    texts._text.cache_clear()
    return converted


def again(config: TileConfig) -> str:
    """The text as another process gets it."""
    texts._text.cache_clear()
    return texts.tile_verilog(config)


def test_equal_configurations_are_converted_once(conversions: list[TileConfig]) -> None:
    text = texts.tile_verilog(TINY)
    assert texts.tile_verilog(TINY.replace()) == again(TINY.replace()) == text
    assert conversions == [TINY]


def test_clock_enables_make_another_text(conversions: list[TileConfig]) -> None:
    plain, enabled = (texts.tile_verilog(TINY, clock_enables=kind) for kind in (False, True))
    assert plain != enabled
    assert [texts.tile_verilog(TINY, clock_enables=kind) for kind in (False, True)] == [plain, enabled]
    assert again(TINY) == plain
    assert conversions == [TINY, TINY]


def test_every_field_makes_another_text(conversions: list[TileConfig]) -> None:
    base = TileConfig(row_chopper=0)
    digests = {texts._digest(base, "tile"), texts._digest(base, "controller")}
    for spec in fields(TileConfig):
        if spec.name == "name":
            changed = base.replace(name="other")
        else:
            step = (
                2.0**-5 if spec.name == "chopper_probability" else -1 if spec.name in (*PARTS, "symmetric_point") else 1
            )
            changed = base.replace(**{spec.name: getattr(base, spec.name) + step})
        digests.add(texts._digest(changed, "tile"))
    assert len(digests) == 2 + len(fields(TileConfig)) - 1, "the seed is no part of the hardware"
    assert texts._digest(base.replace(seed=2), "tile") == texts._digest(base, "tile")


def test_tiles_of_one_shape_have_one_text(conversions: list[TileConfig]) -> None:
    """Byte for byte, with the same name of the module, whether it is looked up or made anew."""
    other = TINY.replace(seed=77)
    assert texts.tile_verilog(TINY) == texts.tile_verilog(other)
    assert conversions == [TINY]
    assert texts.converter.controller_verilog(TINY) == texts.converter.controller_verilog(other)


def test_other_random_sources_make_another_text(conversions: list[TileConfig]) -> None:
    texts.tile_verilog(TINY)
    bent = with_other_polynomial(TINY, 0)
    assert bent == TINY
    texts.tile_verilog(bent)
    assert conversions == [TINY, bent]
    assert conversions[1] is bent


@pytest.mark.parametrize("name", ["source_digest", "_versions"])
def test_other_sources_and_other_versions_make_another_text(
    name: str, conversions: list[TileConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts.tile_verilog(TINY)
    monkeypatch.setattr(texts, name, lambda *_: "another")
    texts.tile_verilog(TINY)
    assert len(conversions) == 2


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: b"", lambda data: b"\xff" + data])
def test_a_damaged_file_is_made_again(
    damage: Callable[[bytes], bytes], conversions: list[TileConfig], tmp_path: Path
) -> None:
    text = texts.tile_verilog(TINY)
    (file,) = tmp_path.glob("verilog/*.v")
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    assert again(TINY) == text
    assert file.read_bytes() == whole
    assert len(conversions) == 2


def test_two_at_once_convert_once(conversions: list[TileConfig]) -> None:
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(texts.tile_verilog, [TINY, TINY])
    assert first == second
    assert len(conversions) == 1


def test_where_nothing_can_be_kept_it_is_converted(
    conversions: list[TileConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SYMTRACK_CACHE", str(tmp_path / "file"))
    assert texts.tile_verilog(TINY) == texts.tile_verilog(TINY)
    assert len(conversions) == 1
    again(TINY)
    assert len(conversions) == 2


def test_what_cannot_be_converted_is_told(conversions: list[TileConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(config: TileConfig, *, clock_enables: bool) -> str:
        raise OSError("Yosys, which writes the Verilog, fails: no memory")

    monkeypatch.setattr(converter, "tile_verilog", fail)
    with pytest.raises(OSError, match="no memory"):
        texts.tile_verilog(TINY)


def test_the_text_of_a_controller_is_that_of_the_generator() -> None:
    config = TileConfig(rows=1, columns=1, lanes=1)
    assert texts.controller_verilog(config) == converter.controller_verilog(config)
    assert texts.controller_verilog(config) != texts.tile_verilog(config)


def test_all_sources_of_the_generator_are_in_the_digest() -> None:
    code = (
        "import symtrack.hdl.output.verilog, sys, json; "
        "print(json.dumps([m.__file__ for n, m in sys.modules.items() if n.startswith('symtrack')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {Path(file).resolve() for file in json.loads(done.stdout)}
    loaded = {file for file in loaded if file.name != "__init__.py"}
    assert len(loaded) > 30
    assert loaded == sources(Path(converter.__file__))
