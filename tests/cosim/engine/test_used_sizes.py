# SPDX-License-Identifier: Apache-2.0
"""Tests of tiles that use a part of their lines: lock-step over random sizes, and networks on one macro."""

from __future__ import annotations

import pytest

from symtrack.cosim.compare.scenario import play
from symtrack.cosim.compare.training import compare
from symtrack.cosim.engine.native import engine as native_engine
from symtrack.model.network.macro import Macro
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.training.spec import TrainingSpec
from tests.paths import ROOT

COMPLETE = TileConfig.load(ROOT / "cosim" / "mutation" / "complete.toml")
TILES = {**NAMED, "complete": COMPLETE}
MILLION = 1_000_000 // len(TILES) + 1  # cycles of each, a million in all


def lock_step(config: TileConfig, scenario: str, cycles: int, seed: int) -> dict[str, int]:
    report, outcome = play(config, scenario, engine="native", cycles=cycles, seed=seed)
    verdict = outcome.verdict
    assert verdict.passed, str(verdict.first_mismatch)
    assert verdict.compared_cycles == report["cycles"] >= cycles
    return outcome.result


@pytest.mark.parametrize(
    "name", ["tiny", "odd", *(pytest.param(n, marks=pytest.mark.slow) for n in TILES if n not in ("tiny", "odd"))]
)
def test_random_sizes(name: str) -> None:
    result = lock_step(TILES[name], "random", 20_000, seed=11)
    assert result["on a part"] > 20
    assert result["next column not in use"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", TILES)
def test_random_sizes_for_a_million_cycles(name: str) -> None:
    """Of all tiles together, with waits and resets; and as many in whole operations without waits."""
    assert lock_step(TILES[name], "random", MILLION, seed=12)["on a part"] > 1000
    lock_step(TILES[name], "varied", MILLION, seed=13)


SPEC = TrainingSpec(network={"hidden": [12]}, macro=Macro(16, 65), reference_mean=0.3, reference_std=0.1)


@pytest.mark.parametrize(
    "algorithm", ["e-rider", *(pytest.param(n, marks=pytest.mark.slow) for n in ("agad", "c-tt-v2", "analog-sgd"))]
)
def test_two_layers_of_different_sizes_are_trained_on_one_netlist(
    algorithm: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []

    def seen(verilog: str, config: TileConfig) -> object:
        built.append(verilog)
        return library(verilog, config)

    library = native_engine.native_library
    monkeypatch.setattr(native_engine, "native_library", seen)
    run = TrainingSpec(**{**vars(SPEC), "algorithm": algorithm})
    report = compare(run, engine="native", steps=60, samples=3)
    assert report["first_mismatch"] is None
    assert report["agree"]
    assert report["rtl"] == report["golden"]
    assert report["compared_cycles"] == report["cycles"] > 5000
    assert len(built) == 2
    assert built[0] == built[1], "both layers have one netlist"


def test_the_cocotb_engine_plays_the_first_layer_on_its_macro() -> None:
    report = compare(SPEC, engine="cocotb", steps=6)
    assert report["rtl"] == report["golden"]
    assert report["compared_cycles"] > 0
