# SPDX-License-Identifier: Apache-2.0
"""Tests of tiles without parts: RTL and golden model agree, nothing of a part is left, and asking for it is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from symtrack.cosim.engine.cocotb import engine as cocotb_engine
from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.native import engine as native_engine
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.controller.registers import registers
from symtrack.hdl.output.name_map import blocks, name_map
from symtrack.hdl.output.state_map import memories
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import NAMED, PARTS, TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Settings, effective
from symtrack.model.tile.operations import Periphery
from tests.cosim.helpers.bent import with_other_polynomial

WHOLE = TileConfig(
    rows=5, columns=3, lanes=2, chopper_period=2, chopper_probability=0.3, latch_shift=2, row_chopper=1, programmer=1
)
MINIMAL = ("agad_minimal", "e_rider_minimal")
SHARED = {
    "shared": WHOLE.replace(shared_sources=1),
    "all lanes": TileConfig(
        rows=17, columns=9, lanes=3, magnitude_bits=16, row_chopper=1, chopper_probability=0.3, shared_sources=1
    ),
    "one bit": TileConfig(rows=6, columns=1, lanes=6, magnitude_bits=1, threshold_shift=1, shared_sources=1),
}
POINTLESS = WHOLE.replace(programmer=0, symmetric_point=0, residual_memory=1, self_test=1)
CONFIGS = {
    "none": WHOLE.replace(residual_memory=1, **dict.fromkeys(PARTS, 0)),
    **{name: WHOLE.replace(**{name: 0}) for name in PARTS},
}


def job(config: TileConfig, cycles: int, scenario: str = "random") -> Job:
    where = f"symtrack.cosim.stimulus.scenarios:{scenario}"
    return Job(config, where, {"cycles": cycles, "seed": 5}, own_netlist=True)


def agree(config: TileConfig, cycles: int, scenario: str = "random") -> None:
    verdict = native_engine.run_job(job(config, cycles, scenario), verilog=tile_verilog(config)).verdict
    assert verdict.passed, str(verdict.first_mismatch)
    assert verdict.compared_cycles >= cycles
    assert verdict.states_hidden == []


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "none" else pytest.mark.slow) for name in CONFIGS]
)
def test_a_tile_without_a_part_is_in_lockstep(name: str) -> None:
    agree(CONFIGS[name], 20_000)
    agree(CONFIGS[name], 20_000, "varied")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "shared" else pytest.mark.slow) for name in SHARED]
)
def test_a_tile_with_shared_sources_is_in_lockstep(name: str) -> None:
    agree(SHARED[name], 20_000)
    agree(SHARED[name], 20_000, "varied")


def test_a_tile_with_shared_sources_is_in_lockstep_on_the_other_engine() -> None:
    verdict = cocotb_engine.run_job(job(SHARED["shared"], 2_000), verilog=tile_verilog(SHARED["shared"])).verdict
    assert verdict.passed, str(verdict.first_mismatch)
    assert verdict.compared_cycles >= 2_000


def test_another_polynomial_in_one_shared_source_is_found() -> None:
    bent = tile_verilog(with_other_polynomial(SHARED["shared"], 1))
    verdict = native_engine.run_job(job(SHARED["shared"], 2_000), verilog=bent).verdict
    assert verdict.first_mismatch is not None
    assert verdict.first_mismatch.signal == "pulses__rows"


def test_a_seed_of_zero_is_refused_and_others_load_all_shared_sources() -> None:
    """There are about half as many; all of the states that the host loads end where golden has them."""
    shared, alone = SHARED["shared"], SHARED["shared"].replace(shared_sources=0)
    assert len(shared.seeds) < 0.7 * len(alone.seeds)
    assert 0 not in shared.seeds
    periphery = Periphery(shared)
    with pytest.raises(ValueError, match=r"^seeds\[0\] = 0: must be from 1"):
        periphery.load_seeds([0, *shared.seeds[1:]])
    periphery.load_seeds(shared.seeds[::-1])
    found = periphery.state_arrays()
    names = ("row_sources", "column_sources", "chopper_source", "dither_sources", "row_chopper_sources")
    assert tuple(state for name in names for state in found[name].tolist()) == shared.seeds[::-1]


@pytest.mark.parametrize("scenario", ["random", "varied"])
def test_a_tile_without_symmetric_points_is_in_lockstep(scenario: str) -> None:
    agree(POINTLESS, 20_000, scenario)
    agree(POINTLESS.replace(self_test=0, **dict.fromkeys(PARTS, 0)), 10_000, scenario)


def test_a_tile_without_symmetric_points_is_in_lockstep_on_the_other_engine() -> None:
    verdict = cocotb_engine.run_job(job(POINTLESS, 2_000), verilog=tile_verilog(POINTLESS)).verdict
    assert verdict.passed, str(verdict.first_mismatch)
    assert verdict.compared_cycles >= 2_000


def test_a_wrong_chopped_read_is_found() -> None:
    text = tile_verilog(POINTLESS)
    place = re.search(r"^module \\\S+\.chopped_read .*?^endmodule$", text, re.MULTILINE | re.DOTALL)
    assert place
    bent = place[0].replace("6'h00 };", "6'h01 };")  # the fractional bits of d
    assert bent != place[0]
    verdict = native_engine.run_job(job(POINTLESS, 3_000), verilog=text.replace(place[0], bent)).verdict
    assert verdict.first_mismatch is not None


OF_THE_POINT = (
    r"symmetric_point|memory_q|low_pass|reference_latch|demodulator|flipped"
    r"|\.(latch|latched|filter|filtered|reference|fresh)(_\d+)?(_out)?$"
)


def test_nothing_is_left_of_symmetric_points() -> None:
    whole, without = (
        {place for place in places(config) if re.search(OF_THE_POINT, place)}
        for config in (WHOLE.replace(residual_memory=1, self_test=1), POINTLESS)
    )
    assert any("memory_q" in place for place in whole)
    assert any("flipped" in place for place in whole)
    assert without == set()
    assert {item.name for item in memories(POINTLESS)} == {"hidden", "residual"}
    assert "symmetric_point" not in tile_verilog(POINTLESS)


@pytest.mark.parametrize("name", MINIMAL)
def test_minimal_tiles_are_in_lockstep(name: str) -> None:
    agree(NAMED[name], 3_000)


@pytest.mark.slow
@pytest.mark.parametrize("name", MINIMAL)
@pytest.mark.parametrize("scenario", ["random", "varied"])
def test_minimal_tiles_are_in_lockstep_for_long(name: str, scenario: str) -> None:
    agree(NAMED[name], 50_000, scenario)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("read_data <= mem[read_address]", "read_data <= mem[read_address] ^ 1"),
        ("<= write_data;", "<= write_data | 2;"),
    ],
)
def test_a_wrong_word_of_a_minimal_tile_is_found(old: str, new: str) -> None:
    text = tile_verilog(NAMED["agad_minimal"])
    assert text.count(old) == 1
    verdict = native_engine.run_job(job(NAMED["agad_minimal"], 3_000), verilog=text.replace(old, new)).verdict
    assert verdict.first_mismatch is not None


GONE = {  # what there is of a part in a tile that has it, blocks and registers
    "direct_writes": r"^transfer\.hidden_buffer\.dither\b|\.dithered$|\.uniform$",
    "hidden_momentum": r"\.(low|high|scaled)(_\d)?$",
    "zero_shift": r"^update\.zero_shift\b|\.calibration_(pulses|random)$",
    "random_chopper": r"^chopper\.rows\b|by_chance$|^chopper\.random$",
    "parity": r"parity",
}


def places(config: TileConfig) -> set[str]:
    """The paths of all blocks and registers."""
    text = tile_verilog(config)
    found = {path for path, _ in blocks(text, module_name(config))}
    return found | {entry["path"] for entry in name_map(config, text)["state"]}


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_left_of_a_part(part: str) -> None:
    whole, without = (
        {place for place in places(config) if re.search(GONE[part], place)} for config in (WHOLE, CONFIGS["none"])
    )
    assert whole
    assert without == set()


def test_the_chopper_has_a_source_as_long_as_anyone_draws() -> None:
    for parts, there in (({"random_chopper": 0}, True), ({"zero_shift": 0}, True), (dict.fromkeys(PARTS, 0), False)):
        config = WHOLE.replace(**parts)
        assert ("chopper.source.state" in places(config)) == there == config.chopper_draws
        assert len(config.seeds) == len(config.sources)
        assert (config.chopper_source in config.sources) == there


def test_bits_that_are_always_zero_are_not_stored() -> None:
    for name, config in CONFIGS.items():
        bits = {item.name: item.width for item in memories(config)}
        parity = config.lanes * config.parity
        assert bits["q"] - bits["qref"] == config.lanes * config.latch_shift > 0, name
        assert bits["hidden"] == config.lanes * config.hidden_bits + parity
    weights = NAMED["agad_minimal"].rows * NAMED["agad_minimal"].columns
    assert sum(item.width * item.rows for item in memories(NAMED["agad_minimal"])) == (11 + 7 + 12) * weights


REFUSED = [
    ({"direct": True}, "direct = True: must be False for a tile without"),
    ({"momentum": 1}, "momentum = 1: must be from 0 to 0"),
    ({"chopper": ChopperMode.RANDOM}, "chopper = 2: must be from 0 to 1"),
    ({"row_chopper": ChopperMode.RANDOM}, "row_chopper = 2: must be from 0 to 1"),
    ({"calibration_pulses": 1}, "calibration_pulses = 1: must be from 0 to 0"),
    ({"calibration_random": True}, "calibration_random = True: must be False for a tile without"),
]


@pytest.mark.parametrize(("change", "told"), REFUSED, ids=lambda one: next(iter(one)) if isinstance(one, dict) else "")
def test_settings_of_a_part_are_refused_without_it(change: dict[str, int], told: str) -> None:
    config, ((name, value),) = CONFIGS["none"], change.items()
    codes = [0] * config.rows
    with pytest.raises(ValueError, match=f"^{told}"):
        Periphery(config).transfer(codes, Settings(**change))
    Periphery(WHOLE).transfer(codes, Settings(**change))
    limits = [
        next(
            field.high
            for register in registers(one)
            for field in register.fields
            if (field.name, field.access) == (name, "rw")
        )
        for one in (config, WHOLE)
    ]
    assert limits[0] is not None
    assert limits[0] < value
    assert limits[1] is None or limits[1] >= value


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"reference": Reference.LATCHED}, "reference = 1: must be from 0 to 0"),
        ({"filter": True}, "filter = True: must be False for a tile without"),
        ({"latch": True}, "latch = True: must be False for a tile without"),
        ({"calibration_sweeps": 1}, "calibration_sweeps = 1: must be from 0 to 0"),
    ],
    ids=lambda one: next(iter(one)) if isinstance(one, dict) else "",
)
def test_settings_of_symmetric_points_are_refused_without_them(change: dict[str, int], told: str) -> None:
    codes, plain = [0] * POINTLESS.rows, effective(Settings(), POINTLESS)
    with pytest.raises(ValueError, match=f"^{told}"):
        Periphery(POINTLESS).transfer(codes, replace(plain, **change))
    assert not Periphery(POINTLESS).transfer(codes, plain).reference.any()
    (name,) = change
    field = next(
        field
        for register in registers(POINTLESS)
        for field in register.fields
        if (field.name, field.access) == (name, "rw")
    )
    assert (field.high, field.reset) == (0, 0)


def test_what_needs_symmetric_points_is_refused_without_them() -> None:
    with pytest.raises(ValueError, match=r"^programmer = 1: must be 0 with symmetric_point = 0"):
        WHOLE.replace(symmetric_point=0)
    with pytest.raises(ValueError, match=r"^codes of 3 columns: must be up to 0 times 3 columns$"):
        Periphery(POINTLESS).calibrate(1, [[0] * 5] * 3)
    assert Periphery(POINTLESS).calibrate(3, []).up.tolist() == [1, 0, 1]


def test_slots_are_refused_without_zero_shifting() -> None:
    with pytest.raises(ValueError, match=r"^pulses = 1: must be from 0 to 0$"):
        Periphery(CONFIGS["none"]).calibrate(1, [])
