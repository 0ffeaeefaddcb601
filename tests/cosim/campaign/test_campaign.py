# SPDX-License-Identifier: Apache-2.0
"""Tests of the random verification campaign: it plays legal configurations, agrees with golden, shrinks failures."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from amaranth.back.verilog import YosysError
from hypothesis import strategies as st

import symtrack.cosim.tools.build_cache
from symtrack.cosim.campaign import random_configurations as campaign
from symtrack.cosim.campaign.random_configurations import (
    CELLS,
    KINDS,
    LEAST,
    Failure,
    Trial,
    batch,
    configurations,
    written,
)
from symtrack.cosim.engine.job import Outcome
from symtrack.cosim.engine.lockstep import Difference, Verdict
from symtrack.cosim.tools.journal import Journal
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import PARTS, TileConfig
from symtrack.scripts import verify
from tests.cosim.helpers.bent import with_other_polynomial
from tests.paths import ROOT

SIZE = 6
SWITCHES = ("row_chopper", "programmer", "self_test", "residual_memory", "shared_sources", "symmetric_point", *PARTS)
NATIVE = {"native": 50_000, "varied": 50_000}  # of 24 configurations in the slow tests: a million cycles each
BOTH = {**NATIVE, "cocotb": 1000}  # of a few, since building is what takes long; `make verify` plays all on both


def test_configurations_are_of_every_kind() -> None:
    """Constructors check that they are legal; here fields take many values, among them the ends of their ranges."""
    found: list[TileConfig] = []

    @hypothesis.seed(1)
    @hypothesis.settings(max_examples=400, database=None, deadline=None)
    @hypothesis.given(configurations())
    def collect(config: TileConfig) -> None:
        found.append(config)

    collect()
    assert max(config.rows * config.columns for config in found) <= CELLS
    of_the_tile = {spec.name for spec in fields(TileConfig)} - {"name", "stream_pad"}
    assert of_the_tile == set(LEAST), "every field can be made small"
    for name in LEAST:
        assert min(getattr(config, name) for config in found) >= LEAST[name]
        values = {getattr(config, name) for config in found}
        assert len(values) >= (2 if name in SWITCHES else 5), name
    assert any(config.rows % config.lanes for config in found)
    assert any(config.depth == 1 for config in found)
    assert any(config.dither_bits == 0 for config in found)


@pytest.mark.parametrize(
    ("number", "size", "lengths"),
    [
        (15, 2, {"native": 5_000, "varied": 5_000}),
        *(
            pytest.param(*batch, marks=pytest.mark.slow)
            for batch in ((0, 6, BOTH), *((k, 6, NATIVE) for k in (1, 2, 3)))
        ),
    ],
)
def test_random_configurations_agree_with_golden(number: int, size: int, lengths: dict[str, int]) -> None:
    totals, failure = batch(number, size, lengths)
    assert failure is None, failure
    assert totals.configurations == size
    assert all(totals.cycles[kind] >= size * cycles for kind, cycles in lengths.items())
    assert totals.runs == len(lengths) * size
    assert totals.words > 0


def test_batches_have_twenty_different_configurations(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch begins with the smallest configuration; all others differ."""
    monkeypatch.setattr(campaign, "play", fake(lambda config: False))
    batches = [batch(number, SIZE, {"native": 100}, lambda config: "")[0].fingerprints for number in range(4)]
    assert len(set.union(*batches)) >= 20


def fake(fails: Callable[[TileConfig], bool]) -> Callable[..., tuple[dict[str, Any], Outcome]]:
    """A replacement of `play`: a difference in cycle 100 plus the last two digits of the seed, where it ``fails``."""

    def play(config: TileConfig, scenario: str, *, engine: str, cycles: int, seed: int, verilog: str) -> Any:
        at = config.clear_cycles + 100 + seed % 100
        wrong = fails(config) and at < config.clear_cycles + cycles
        difference = Difference(at, "read__column", 0, 1, []) if wrong else None
        verdict = Verdict(at if wrong else cycles, at if wrong else cycles, 1, [], int(wrong), difference)
        return {"result": {"update": 1}}, Outcome(verdict, {"update": 1}, 1.0)

    return play


def test_the_least_case_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "play", fake(lambda config: config.columns >= 3 and config.lanes >= 2))
    totals, failure = batch(7, 30, {"native": 5000}, lambda config: "")
    assert failure is not None
    assert totals.cycles["native"] > 0
    found, least = failure.case, TileConfig(rows=2, columns=3, lanes=2, adc_bits=2, magnitude_bits=1, bl_max=1)
    assert (found.config.rows, found.config.columns, found.config.lanes) == (2, 3, 2)
    for name in ("adc_bits", "magnitude_bits", "bl_max"):
        assert getattr(found.config, name) == getattr(least, name)
    assert found.seed % 100 == 0, "of the programs that were tried, the one that fails first"
    assert found.cycles == 101, "and it ends where it does"


CONFIG = TileConfig(rows=3, columns=2, lanes=1)
FAILURE = Failure(Trial(CONFIG, "native", 120, 5), "cycle 130: read__column is 0x1 in the RTL, 0x0 in golden")


def stand_in(
    asked: Path, number: int, size: int, lengths: dict[str, int], failure: Failure | Exception | None = None
) -> tuple[campaign.Totals, Failure | None]:
    """A replacement of `batch` in its own process: one of ten configurations is in every batch; batch 0 may fail."""
    with asked.open("a") as file:
        file.write(f"{number} ")
    names = {"least", *(f"{number}, {index}" for index in range(9))}
    totals = campaign.Totals(names, 20, Counter(native=10**4), words=5, seconds=1.0, bins=Counter(update=3))
    if failure is None:
        return totals, None
    if number:
        time.sleep(0.5)  # ends later
        return totals, None
    if isinstance(failure, Exception):
        raise failure
    return totals, failure


CASE = ""  # the Verilog of what is no control


def raising(error: Exception, *, control: bool, times: int = 10**6) -> tuple[Callable[..., Any], list[str]]:
    """A replacement of `play` that raises for the first cases, with ``control`` for controls, too; and the Verilog
    played.
    """
    played: list[str] = []
    fine = fake(lambda config: False)

    def play(config: TileConfig, scenario: str, *, verilog: str, **more: Any) -> Any:
        played.append(verilog)
        if len(played) <= times and (control or verilog == CASE):
            raise error
        return fine(config, scenario, verilog=verilog, **more)

    return play, played


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ToolError("verilator: an error"), "ToolError: verilator: an error"),
        (IndexError("index 7 is out of bounds"), "IndexError: index 7 is out of bounds"),
        (OverflowError(), "OverflowError: "),
        (AssertionError("of golden"), "AssertionError: of golden"),
    ],
)
def test_an_exception_of_a_case_is_a_failure(error: Exception, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "play", raising(error, control=False)[0])
    monkeypatch.setattr(campaign, "tile_verilog", lambda config: "of a control")
    _, failure = batch(1, 3, {"native": 100}, lambda config: CASE)
    assert failure is not None
    assert failure.text == text
    assert failure.case.config == CONFIG.replace(**LEAST)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ToolError("g++: killed"), "ToolError: g++: killed"),
        (OSError(28, "disk full"), "OSError: [Errno 28] disk full"),
        (MemoryError(), "MemoryError: "),
        (YosysError("Traceback\n  in it\nfull\n"), "YosysError: full"),
    ],
)
def test_a_failure_of_the_machine_is_not_one_of_the_case(
    error: Exception, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither if the smallest configuration fails, too, nor if it does not and the case does not fail again."""
    play, played = raising(error, control=True)
    monkeypatch.setattr(campaign, "play", play)
    with pytest.raises(ToolError, match=f"^the least configuration cannot be played, either: {re.escape(text)}$"):
        batch(1, 3, {"native": 100}, lambda config: CASE)
    assert [verilog == CASE for verilog in played] == [True, False]
    play, played = raising(error, control=True, times=1)
    monkeypatch.setattr(campaign, "play", play)
    assert batch(1, 3, {"native": 100}, lambda config: CASE)[1] is None
    assert [verilog == CASE for verilog in played] == [True, False, True, True, True]


def test_a_control_is_always_built(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    campaign.control("native")
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "make", full)
    with pytest.raises(ToolError, match="No space left on device"):
        campaign.control("native")


def test_a_run_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches in the file are not played again, those of other code or of another seed are."""
    asked, log = tmp_path / "asked", tmp_path / "log.jsonl"
    monkeypatch.setattr(campaign, "batch", partial(stand_in, asked))

    def totals(seed: int = 0) -> campaign.Totals:
        asked.write_text("")
        cycles = {"native": 19_000}
        with Journal(log, campaign.key(19, cycles, seed, 10)) as journal:
            found, failure = campaign.campaign(
                19, cycles, seed, jobs=1, size=10, journal=journal, progress=lambda done: None
            )
        assert failure is None
        assert found.configurations == 19, "different ones"
        return found

    totals()
    assert asked.read_text() == "0 1 "
    log.write_text("".join(log.read_text().splitlines(keepends=True)[:1]))
    again = totals()
    assert (again.cycles, again.bins) == ({"native": 2 * 10**4}, {"update": 6})
    assert asked.read_text() == "1 "
    totals(seed=1)
    assert asked.read_text() == f"{1 << 16} {(1 << 16) + 1} "
    monkeypatch.setattr(campaign, "_code", lambda: [b"other"])
    totals()
    assert asked.read_text() == "0 1 "


@pytest.mark.parametrize("failure", [FAILURE, ToolError("full")])
def test_a_batch_beside_one_that_fails_is_kept(failure: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "batch", partial(stand_in, tmp_path / "asked", failure=failure))
    with Journal(tmp_path / "log", "key") as journal:
        again = partial(
            campaign.campaign, 19, {"native": 19}, 0, jobs=2, size=10, journal=journal, progress=lambda done: None
        )
        if failure is FAILURE:
            totals, found = again()
            assert (totals.configurations, found) == (19, FAILURE)
        else:
            with pytest.raises(ToolError, match="full"):
                again()
    with Journal(tmp_path / "log", "key") as journal:
        assert [entry["batch"] for entry in journal.entries] == [1]


def test_a_failure_is_written_with_its_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(verify, "campaign", lambda *arguments, **more: (campaign.Totals(), FAILURE))
    monkeypatch.chdir(tmp_path)
    assert verify.main(["--out", "failing dir", "--json", "found.json"]) == 1
    told = capsys.readouterr().err
    assert "fails: cycle 130" in told
    assert f"--config '{tmp_path}/failing dir/failing.toml' --engine native" in told
    assert TileConfig.load(tmp_path / "failing dir" / "failing.toml") == CONFIG
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["failures"], found["failure"]) == (1, FAILURE.text)
    assert found["command"] in told
    monkeypatch.setattr(
        verify, "campaign", lambda *arguments, **more: (campaign.Totals({"a"}, 2, Counter(native=9)), None)
    )
    assert verify.main(["--json", "found.json"]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert (found["configurations"], found["runs"], found["cycles"]) == (1, 2, {"native": 9})
    assert (found["failures"], found["failure"], found["command"]) == (0, None, None)


def bent(config: TileConfig) -> str:
    """Verilog with another polynomial in a source of the rows, where there are three of them."""
    return tile_verilog(with_other_polynomial(config, 0) if config.rows >= 3 else config)


def bent_batch(number: int, size: int, lengths: dict[str, int]) -> tuple[campaign.Totals, Failure | None]:
    """A `batch` on `bent` Verilog, in a process of its own."""
    return batch(number, size, lengths, bent)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_the_rtl_is_found_and_made_small(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole campaign finds the error, which is then played alone; kinds other than native start from a small case."""
    monkeypatch.setattr(campaign, "batch", bent_batch)
    if kind != "native":
        monkeypatch.setattr(campaign, "configurations", lambda: st.just(CONFIG.replace(**LEAST).replace(rows=4)))
        monkeypatch.setattr(campaign, "SEEDS", 2)
    with Journal(tmp_path / "log", "key") as journal:
        _, failure = campaign.campaign(
            10, {kind: 40_000}, 1, jobs=1, size=10, journal=journal, progress=lambda done: None
        )
    assert (tmp_path / "log").read_text() == ""
    assert failure is not None
    assert failure.case.kind == kind
    config = failure.case.config
    assert (config.rows, config.columns, config.lanes) == (3, 1, 1)
    command = [sys.executable, *written(failure, tmp_path, bent(config))]
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert again.returncode == 1, again.stderr
    assert "first mismatch" in again.stdout


def test_bad_input_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        verify.main(["--configurations", "0"])
    assert stopped.value.code == 2
    assert "--configurations: '0': must be" in capsys.readouterr().err
    log = tmp_path / "log.jsonl"
    log.write_text("other\n")
    with pytest.raises(SystemExit) as stopped:
        verify.main(["--log", str(log)])
    assert stopped.value.code == 2
    assert f"{log}, line 1: must be" in capsys.readouterr().err
