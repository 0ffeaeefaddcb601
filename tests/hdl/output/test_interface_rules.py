# SPDX-License-Identifier: Apache-2.0
"""Tests that a controller keeps the rules that are bound to it, and that every rule finds who breaks it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from symtrack.hdl.output.interface_rules import Rule, interface_rules, rules
from symtrack.model.spec.config import NAMED, TileConfig
from tests.hdl.helpers.rule_faults import faults
from tests.hdl.helpers.rules_bench import Row, RulesBench, RulesPlayer
from tests.paths import ROOT

CYCLES = 4000
CONFIGS = {
    "all options, a lane beyond the last row": TileConfig(
        rows=3, columns=5, lanes=2, adc_bits=8, chopper_period=3, programmer=1, residual_memory=1, row_chopper=1
    ),
    "no options, padded": TileConfig(rows=4, columns=4, lanes=4, adc_bits=6, pulses_max=3, stream_pad=1),
}


@dataclass(frozen=True)
class Played:
    """A controller in simulation: the rules that it broke, and the record of its ports."""

    config: TileConfig
    broken: set[str]
    rows: list[Row]
    trace: Path


@pytest.fixture(scope="module", params=CONFIGS)
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    config, folder = CONFIGS[request.param], tmp_path_factory.mktemp("bench")
    run = RulesBench(config, folder).play(CYCLES, folder / "trace")
    return Played(config, run.broken, run.rows, folder / "trace")


@pytest.mark.slow
def test_a_controller_keeps_the_rules(played: Played) -> None:
    """Under random traffic, in which every stream moves many beats."""
    assert played.broken == set()
    assert len(played.rows) == CYCLES + 1
    for stream in ("s_axis_vectors", "s_axis_codes", "m_axis_pulses", "m_axis_read", "m_axis_writes"):
        assert sum(row[f"{stream}_tvalid"] & row[f"{stream}_tready"] for row in played.rows) > 40, stream


@pytest.mark.slow
def test_every_rule_finds_who_breaks_it(played: Played, tmp_path: Path) -> None:
    """Bits of the record are inverted in one cycle: a rule of that name tells it in that cycle."""
    player, broken = RulesPlayer(played.config, tmp_path), set()
    assert player.play(played.trace) == set()
    for fault in faults(played.config, played.rows):
        cycle, flips = fault.place(played.rows)
        found = player.play(played.trace, cycle, flips)
        assert fault.rule in found, f"cycle {cycle}, {flips}: {found}"
        broken.add(fault.rule)
    assert broken == {rule.name for rule in rules(played.config)}


@pytest.mark.parametrize("config", [*CONFIGS.values(), *NAMED.values()])
def test_every_rule_has_a_name_and_a_message_of_its_own(config: TileConfig) -> None:
    found, text = rules(config), interface_rules(config)
    assert len({rule.name for rule in found}) == len({rule.wrong for rule in found}) == len(found)
    assert {rule.name for rule in found if rule.host} == {
        f"{port}_{rule}"
        for port in ("s_axil_aw", "s_axil_w", "s_axil_ar", "s_axis_vectors", "s_axis_codes")
        for rule in ("stays", "stable")
    }
    assert re.findall(r"^ *(\w+): (?:assert|assume) property", text, re.MULTILINE) == [rule.name for rule in found]


def test_rules_that_nothing_can_break_are_left_out() -> None:
    def names(**fields: int) -> set[str]:
        return {rule.name for rule in rules(TileConfig(rows=4, columns=256, lanes=2).replace(**fields))}

    assert "m_axis_writes_column" not in names()  # all values of its eight bits are columns
    assert "m_axis_writes_column" in names(columns=255)
    assert "m_axis_writes_lanes" not in names()
    assert "m_axis_writes_lanes" in names(rows=3)
    assert "m_axis_writes_kept" not in names()
    assert "m_axis_writes_kept" in names(programmer=1)
    assert "m_axis_writes_padding" not in names()


def documented() -> list[str]:
    """The rules in the table of docs/integration.md, with ``*`` for what differs from port to port."""
    text = (ROOT / "docs" / "integration.md").read_text(encoding="utf-8")
    rows = text.split("| rule | of | what it says |")[1].split("\n\n")[0].splitlines()[2:]
    return [name for row in rows for name in re.findall(r"`([\w*]+)`", row.split("|")[1])]


def test_the_documents_list_the_rules() -> None:
    found: list[Rule] = [rule for config in CONFIGS.values() for rule in rules(config)]
    patterns = {name: re.compile(name.replace("*", r"\w+")) for name in documented()}
    assert {rule.name for rule in found} == {
        rule.name for rule in found if any(pattern.fullmatch(rule.name) for pattern in patterns.values())
    }
    for name, pattern in patterns.items():
        assert any(pattern.fullmatch(rule.name) for rule in found), name
