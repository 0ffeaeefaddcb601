# SPDX-License-Identifier: Apache-2.0
"""Tests of the configuration: it refuses in words what makes no sense, and what is derived from it is consistent."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from symtrack.model.spec.config import ADDED, NAMED, PARTS, TileConfig
from symtrack.model.spec.settings import ChopperMode, Reference, Scope, Settings, Target
from symtrack.model.training.checkpoint import describe

RANGES = [
    (spec.name, spec.metadata["low"], spec.metadata["high"]) for spec in fields(TileConfig) if "low" in spec.metadata
]
HELPERS = {  # what else has to change so that a limit of one field contradicts no other field
    "rows": {"lanes": 1},
    "lanes": {"rows": 1024},
    "filter_shift": {"reference_fraction_bits": 12},
    "reference_fraction_bits": {"filter_shift": 0},
    "latch_shift": {"adc_bits": 8},
    "hidden_bits": {"threshold_shift": 0},
    "threshold_shift": {"hidden_bits": 40},
    "self_test": {"parity": 1},
}


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_limits_are_allowed(name: str, low: int, high: int) -> None:
    for value in (low, high):
        assert getattr(TileConfig(**(HELPERS.get(name, {}) | {name: value})), name) == value


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_outside_of_the_limits_is_an_error(name: str, low: int, high: int) -> None:
    for value in (low - 1, high + 1, -(2**70)):
        with pytest.raises(ValueError, match=f"^{name} = {value}: must be from {low} to {high}$"):
            TileConfig(**(HELPERS.get(name, {}) | {name: value}))


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
@pytest.mark.parametrize("value", [1.0, "4", None, True])
def test_other_types_are_errors(name: str, low: int, high: int, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{name} = {value!r}: must be an integer from {low} to {high}$"):
        TileConfig(**{name: value})


@pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), 1e-9, 1 - 1e-9])
def test_chopper_probability_outside_of_its_limits(value: float) -> None:
    with pytest.raises(ValueError, match=rf"^chopper_probability = {value!r}: must be a number from 0 to 1, "):
        TileConfig(chopper_probability=value)


@pytest.mark.parametrize("value", ["0.5", None, True])
def test_chopper_probability_of_another_type(value: object) -> None:
    with pytest.raises(TypeError, match=f"^chopper_probability = {value!r}: must be a number from 0 to 1$"):
        TileConfig(chopper_probability=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": 3, "lanes": 4}, "lanes = 4: must be at most rows = 3"),
        ({"filter_shift": 7}, "reference_fraction_bits = 6: must be at least filter_shift = 7"),
        (
            {"latch_shift": 12, "adc_bits": 7},
            "latch_shift = 12: must be at most adc_bits .* - 2 = 11, or every reference",
        ),
        (
            {"latch_shift": 1, "adc_bits": 2, "reference_fraction_bits": 0, "filter_shift": 0},
            "latch_shift = 1: .* = 0, or",
        ),
        ({"hidden_bits": 17}, "threshold_shift = 16: must be at most hidden_bits - 2 = 15"),
        ({"self_test": 1, "parity": 0}, "self_test = 1: must be 0 with parity = 0"),
    ],
)
def test_contradictions(changes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        TileConfig(**changes)
    with pytest.raises(ValueError, match=f"^{message}"):
        TileConfig().replace(**changes)


@pytest.mark.parametrize("config", [*NAMED.values(), TileConfig(chopper_probability=1 / 3)], ids=lambda c: c.name)
def test_repr_can_be_typed_back(config: TileConfig) -> None:
    assert eval(repr(config)) == config
    assert TileConfig.from_dict({spec.name: getattr(config, spec.name) for spec in fields(config)}) == config


def test_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        TileConfig().rows = 3  # type: ignore[misc]


def test_names_and_fingerprints() -> None:
    assert all(config.name == name and TileConfig.load(name) is config for name, config in NAMED.items())
    other = NAMED["small"].replace(rows=15)
    assert other.name == f"custom_{other.fingerprint[:8]}"
    assert len({config.fingerprint for config in (*NAMED.values(), other)}) == len(NAMED) + 1
    assert other.fingerprint == NAMED["small"].replace(rows=15).fingerprint


@pytest.mark.parametrize("name", NAMED)
def test_the_seed_is_no_part_of_the_hardware(name: str) -> None:
    config, other = NAMED[name], NAMED[name].replace(seed=77)
    assert other != config
    assert (other.name, other.fingerprint) == (name, config.fingerprint)
    assert other.sources == config.sources
    assert not set(other.seeds) & {*config.seeds, *(source.seed for source in config.sources)}
    assert describe("tile", other) != describe("tile", config), "runs with other seeds are other runs"


def test_a_name_of_its_own_names_a_configuration_and_changes_nothing_else() -> None:
    plain, named = TileConfig(rows=9), TileConfig(rows=9, name="edge_2")
    assert (named.name, named.own_name, plain.own_name) == ("edge_2", "edge_2", "")
    assert named == plain
    assert hash(named) == hash(plain)
    assert named.fingerprint == plain.fingerprint
    assert describe("tile", named) == describe("tile", plain)
    assert named.replace(rows=8).name == eval(repr(named)).name == "edge_2"
    assert NAMED["tiny"].replace(name="edge_2") == NAMED["tiny"]


def test_a_name_that_follows_from_fields_follows_their_changes() -> None:
    changed = NAMED["tiny"].replace(gain_bits=7)
    assert changed.name == f"custom_{changed.fingerprint[:8]}"
    assert changed.replace(gain_bits=NAMED["tiny"].gain_bits).name == "tiny"
    assert changed.replace(gain_bits=8).name != changed.name


@pytest.mark.parametrize(
    "name", ["Edge", "2_edge", "edge-2", "edge 2", "edge\n", "é", "custom_edge", "edge_controller", "e" * 41]
)
def test_a_name_that_is_no_identifier_is_an_error(name: str) -> None:
    with pytest.raises(ValueError, match=f"^name = {re.escape(repr(name))}: must be at most 40 lower-case letters"):
        TileConfig(name=name)


@pytest.mark.parametrize("name", [3, None, True])
def test_a_name_of_another_type(name: object) -> None:
    with pytest.raises(TypeError, match=f"^name = {name!r}: must be a text$"):
        TileConfig(name=name)  # type: ignore[arg-type]


def test_a_name_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('rows = 7\nlanes = 3\nname = "edge"\n', encoding="utf-8")
    assert TileConfig.load(path).name == "edge"
    path.write_text('rows = 7\nlanes = 3\nname = "tiny"\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"mine.toml: name = 'tiny': must be one of its own, since 'custom_\w{8}' is"):
        TileConfig.load(path)


FINGERPRINTS = {  # since 0.1.0: checkpoints, keys of results and the register `configuration` have them
    "tiny": "b52d763f",
    "small": "d9e1f848",
    "digits_hidden": "1f5c1ab3",
    "digits_output": "77758e78",  # since 0.2.0, in which the seed is no part of it any more
    "odd": "dc9d333a",
    "agad_minimal": "f2ca4975",
    "e_rider_minimal": "e42c7225",
}


@pytest.mark.parametrize("name", NAMED)
def test_fields_that_came_later_leave_fingerprints_as_they_were(name: str) -> None:
    config = NAMED[name]
    assert config.fingerprint.startswith(FINGERPRINTS[name])
    described = describe("tile", config)
    as_before = {field for field, value in ADDED.items() if getattr(config, field) == value}
    assert not {f"tile.{field}" for field in (*as_before, "name")} & described.keys()
    needed = ({"self_test"} if not config.parity else set()) | ({"symmetric_point"} if config.programmer else set())
    for field in set(ADDED) - needed:
        other = config.replace(**{field: 1 - getattr(config, field)})
        assert other.fingerprint != config.fingerprint
        assert describe("tile", other) != described


def test_toml_holds_what_differs(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("rows = 7\nlanes = 3\nchopper_probability = 0.25\n", encoding="utf-8")
    assert TileConfig.load(path) == TileConfig.load(str(path)) == TileConfig(rows=7, lanes=3, chopper_probability=0.25)


def test_a_file_of_version_0_1_0_is_still_the_same_configuration() -> None:
    assert TileConfig.load(Path(__file__).with_name("odd_0.1.0.toml")) == NAMED["odd"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"rowz = 7\n", "unknown field 'rowz': must be one of rows, columns, lanes"),
        (b"rows = 0\n", "^rows = 0: must be from 1 to 1024"),
        (b"rows = 'x'\n", "^rows = 'x': must be an integer from 1 to 1024"),
        (b"rows = \n", "must be valid TOML"),
        (b"\xff\xfe", "must be valid TOML"),
    ],
)
def test_bad_toml(tmp_path: Path, text: bytes, message: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(text)
    with pytest.raises((ValueError, TypeError), match=message):
        TileConfig.load(path)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("smal", "^config = 'smal': must be one of tiny, small, .*, or the path of a .toml file$"),
        ("missing.toml", r"^config = 'missing.toml': must be a readable file \(No such file or directory\)$"),
    ],
)
def test_unknown_source(source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TileConfig.load(source)


def test_formats_hold_every_value_of_the_datapath() -> None:
    for config in (*NAMED.values(), TileConfig(adc_bits=16, reference_fraction_bits=12), TileConfig(adc_bits=2)):
        fraction = config.reference_fraction_bits
        low, high = (limit << fraction for limit in (config.code_format.low, config.code_format.high))
        assert config.reference_format.low <= low < high <= config.reference_format.high
        assert config.difference_format.low <= -(high - low) < high - low <= config.difference_format.high
        assert config.pulses_format.low <= -config.pulses_max < config.pulses_max <= config.pulses_format.high
        assert config.magnitude_format.high == (1 << config.magnitude_bits) - 1
        assert config.hidden_format.high >> config.threshold_shift >= 1
        assert (1 << config.bl_bits) > config.bl_max >= 1 << (config.bl_bits - 1)


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 5, 15, 16, 17, 64, 65, 1024])
def test_banks_with_shared_sources_give_every_line_its_own_pair(lines: int) -> None:
    """About half as many sources, each with first operands or second ones, all of which serve a line but the last."""
    config = TileConfig(rows=lines, lanes=min(lines, 64), row_chopper=1, shared_sources=1)
    alone = config.replace(shared_sources=0)
    for name, size in (("row_bank", lines), ("row_chopper_bank", lines), ("dither_bank", config.lanes)):
        bank, before = getattr(config, name), getattr(alone, name)
        pairs = [bank.pair(line) for line in range(bank.lines)]
        assert bank.lines == len(set(pairs)) == size
        assert bank.split % 2 == 0
        assert all(first < bank.split <= second < 2 * len(bank.sources) for first, second in pairs)
        assert {second // 2 for _, second in pairs} == set(range(bank.split // 2, len(bank.sources)))
        assert {first // 2 for first, _ in pairs} == set(range(bank.split // 2))
        assert len(bank.sources) <= len(before.sources) / 2 + 1
        assert {source.bits for source in bank.sources} == {source.bits for source in before.sources}
    assert config.chopper_source.words == 1


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 5, 15, 16, 17, 64, 65, 1024])
def test_banks_give_every_line_its_own_pair(lines: int) -> None:
    config = TileConfig(rows=lines, lanes=min(lines, 64), row_chopper=1)
    for bank, size in ((config.row_bank, lines), (config.row_chopper_bank, lines), (config.dither_bank, config.lanes)):
        pairs = [bank.pair(line) for line in range(bank.lines)]
        assert bank.lines == len(set(pairs)) == size
        assert {k for pair in pairs for k in pair} == set(range(len(bank.sources)))
        assert all(first < bank.split <= second for first, second in pairs)
        assert len(bank.sources) <= 2 * size**0.5 + 2


@pytest.mark.parametrize("shared", [0, 1])
@pytest.mark.parametrize("config", [*NAMED.values(), TileConfig(rows=1, columns=1, lanes=1)], ids=lambda c: c.name)
def test_no_two_sources_of_a_tile_are_alike(config: TileConfig, shared: int) -> None:
    config = config.replace(row_chopper=1, shared_sources=shared, **dict.fromkeys(PARTS, 1))
    banks = (config.row_bank, config.column_bank, config.dither_bank, config.row_chopper_bank)
    sources = [config.chopper_source, *(source for bank in banks for source in bank.sources)]
    assert len({source.polynomial for source in sources}) == len({source.seed for source in sources}) == len(sources)
    assert [{source.bits for source in bank.sources} for bank in banks] == [
        {config.magnitude_bits},
        {config.magnitude_bits},
        {config.dither_bits},
        {16},
    ]


def test_choppers_of_rows_leave_the_other_sources_as_they_are() -> None:
    without, chopped = NAMED["odd"], NAMED["odd"].replace(row_chopper=1)
    for name in ("row_bank", "column_bank", "chopper_source", "dither_bank"):
        assert getattr(without, name) == getattr(chopped, name)
    assert without.row_chopper_bank.sources == ()
    assert chopped.row_chopper_bank.lines == 17


@pytest.mark.parametrize(("threshold_shift", "bits"), [(0, 0), (1, 1), (16, 16), (20, 16)])
def test_dither_has_at_most_16_bits_and_none_below_one_unit_of_h(threshold_shift: int, bits: int) -> None:
    config = TileConfig(threshold_shift=threshold_shift)
    assert config.dither_bits == bits
    assert {source.bits for source in config.dither_bank.sources} == ({bits} if bits else set())


def test_choppers_repeat_after_two_periods_of_sweeps() -> None:
    assert TileConfig(chopper_period=7).sweeps == 14


def test_cycle_counts_and_geometry() -> None:
    config = TileConfig(rows=17, columns=7, lanes=4)
    assert (config.row_beats, config.column_beats, config.depth) == (5, 2, 35)
    assert config.clear_cycles == 35
    assert config.update_cycles(62) == 5 + 2 + 62 + 5
    assert config.transfer_cycles == 5 + 13
    assert config.calibration_cycles(9, 2) == 1 + 4 + 9 + 2 * 7 * (5 + 12)
    assert config.programming_cycles(3) == 1 + 3 * (5 + 12)


def test_cycle_counts_of_a_part() -> None:
    config = TileConfig(rows=17, columns=7, lanes=4)
    used = config.used(9, 5)
    assert (used.rows, used.columns, used.row_beats, used.column_beats) == (9, 5, 3, 2)
    assert used.update_cycles(62) == 3 + 2 + 62 + 5
    assert used.transfer_cycles == 1 + used.read_cycles == 3 + 13
    assert used.calibration_cycles(9, 2) == 1 + 4 + 9 + 2 * 5 * (3 + 12)
    assert used.calibration_cycles(0, 1) == 1 + 5 * (3 + 12)
    assert used.programming_cycles(3) == 1 + 3 * (3 + 12)
    assert config.used() == config.used(0, 8) == config.used(18, 0) == config.used(17, 7)
    assert config.used(1, 0) != config.used(0, 1)


@pytest.mark.parametrize(("probability", "below"), [(0, 0), (0.5, 32768), (1, 65536), (2**-16, 1)])
def test_chopper_flip_below(probability: float, below: int) -> None:
    assert TileConfig(chopper_probability=probability).chopper_flip_below == below


def test_settings_default_to_the_fast_array_and_off() -> None:
    on = {"filter": True, "accumulate": True, "rounds": 1}
    assert vars(Settings()) == dict.fromkeys(vars(Settings()), 0) | on
    assert (Target.FAST, ChopperMode.OFF, Scope.COLUMN, Reference.ZERO) == (0, 0, 0, 0)


def test_equal_configurations_have_equal_fingerprints() -> None:
    assert TileConfig(chopper_probability=1) == TileConfig(chopper_probability=1.0)
    assert TileConfig(chopper_probability=1).fingerprint == TileConfig(chopper_probability=1.0).fingerprint
    assert TileConfig(rows=8).fingerprint != TileConfig(rows=9).fingerprint
