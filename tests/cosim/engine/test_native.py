# SPDX-License-Identifier: Apache-2.0
"""Tests of the native engine: it plays what the cocotb engine plays, cycle for cycle."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symtrack.cosim.engine.native.build
import symtrack.cosim.tools.build_cache
from symtrack.cosim.compare.scenario import play
from symtrack.cosim.compare.training import compare
from symtrack.cosim.engine.cocotb import engine as cocotb_engine
from symtrack.cosim.engine.job import Job
from symtrack.cosim.engine.lockstep import STATES_EVERY, Fault, MismatchError
from symtrack.cosim.engine.native import engine as native_engine
from symtrack.cosim.engine.native.build import native_library
from symtrack.cosim.engine.native.engine import NativePeriphery
from symtrack.cosim.engine.native.tile import NativeTile
from symtrack.cosim.engine.stepped_periphery import check_target
from symtrack.cosim.tools.toolchain import ToolError
from symtrack.cosim.tools.verilog_texts import tile_verilog
from symtrack.model.spec.config import NAMED, TileConfig
from symtrack.model.spec.settings import ChopperMode, Op, Reference, Scope, Settings, Target
from symtrack.model.tile.operations import Periphery
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.cosim.helpers.bent import with_other_polynomial

TINY = NAMED["tiny"]


@pytest.mark.parametrize("name", ["tiny", pytest.param("odd", marks=pytest.mark.slow)])
def test_both_engines_give_the_same_trace(name: str) -> None:
    job = Job(NAMED[name], "tests.cosim.jobs.tracing:digests", {"cycles": 3000, "seed": 23})
    traces = [engine.run_job(job) for engine in (cocotb_engine, native_engine)]
    for outcome in traces:
        assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
        assert len(outcome.result) >= 3000
    assert traces[0].result == traces[1].result
    assert traces[0].verdict == traces[1].verdict


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "tiny" else pytest.mark.slow) for name in NAMED]
)
def test_random_stimulus_finds_no_difference(name: str) -> None:
    report, outcome = play(NAMED[name], "random", engine="native", cycles=40_000, seed=3)
    assert outcome.verdict.passed, str(outcome.verdict.first_mismatch)
    assert report["compared_cycles"] >= 40_000
    compares = report["cycles"] // STATES_EVERY + 1
    assert report["states_compared"] > compares * 3 * NAMED[name].rows * NAMED[name].columns
    assert outcome.result.get("reset in update", 0) > 0
    assert outcome.result.get("reset in transfer", 0) > 0


@pytest.mark.parametrize(("first", "last"), [(200, 260), pytest.param(260, 400, marks=pytest.mark.slow)])
def test_the_state_agrees_wherever_a_run_ends(first: int, last: int) -> None:
    """Also between the stages of a transfer: the same program, longer by one cycle from run to run."""
    verilog = tile_verilog(TINY)
    for cycles in range(first, last):
        _, outcome = play(TINY, "random", engine="native", cycles=cycles, seed=3, verilog=verilog)
        assert outcome.verdict.passed, f"{cycles} cycles: {outcome.verdict.first_mismatch}"
        assert outcome.verdict.states_compared > 3 * TINY.rows * TINY.columns


@pytest.mark.slow
def test_mutants_are_caught_by_both_engines_at_the_same_cycle() -> None:
    text = tile_verilog(TINY)
    mutants = {
        "clock edge": text.replace("posedge clk", "negedge clk"),
        "polynomial": tile_verilog(with_other_polynomial(TINY, 0)),
        "gate": text.replace("= signs ^ flips", "= signs | flips"),  # a column that has flipped stays so
    }
    for name, mutant in mutants.items():
        assert mutant != text, name
        job = Job(TINY, "symtrack.cosim.stimulus.random:random", {"cycles": 25_000, "seed": 2})
        verdicts = [engine.run_job(job, verilog=mutant).verdict for engine in (cocotb_engine, native_engine)]
        assert verdicts[0].first_mismatch is not None, name
        assert verdicts[0] == verdicts[1]
    operations = Job(TINY, "symtrack.cosim.stimulus.operations:slots", {"cycles": 1000, "seed": 1})
    for name in ("clock edge", "polynomial"):
        by_cycle, by_operation = (
            engine.run_job(operations, verilog=mutants[name]).verdict.first_mismatch
            for engine in (cocotb_engine, native_engine)
        )
        assert by_cycle is not None
        assert by_operation is not None
        assert (by_cycle.cycle, by_cycle.signal) == (by_operation.cycle, by_operation.signal)
        assert (by_cycle.golden, by_cycle.rtl) == (by_operation.golden, by_operation.rtl)
    assert "pulses__rows" in by_operation.table()
    assert by_operation.tile == "tiny"


def test_whole_operations_equal_the_golden_periphery() -> None:
    for name in ("tiny", "odd", "digits_output"):
        config = NAMED[name]
        rng = np.random.default_rng(5)
        golden = Periphery(config)
        library = native_library(tile_verilog(config), config)
        tile = NativePeriphery(NativeTile(library, config), record=False)
        settings = Settings(chopper=ChopperMode.REGULAR, reference=Reference.LATCHED, gain=900, forget=True)
        high, form = config.magnitude_format.high, config.code_format
        for _ in range(60):
            vectors = (
                rng.integers(0, 2, config.columns),
                rng.integers(0, high + 1, config.columns),
                rng.integers(0, 2, config.rows),
                rng.integers(0, high + 1, config.rows),
                int(rng.integers(0, config.bl_max + 1)),
            )
            for left, right in zip(
                vars(golden.update(*vectors)).values(), vars(tile.update(*vectors)).values(), strict=True
            ):
                np.testing.assert_array_equal(left, right)
            codes = rng.integers(form.low, form.high + 1, config.rows)
            for left, right in zip(
                vars(golden.transfer(codes, settings)).values(),
                vars(tile.transfer(codes, settings)).values(),
                strict=True,
            ):
                np.testing.assert_array_equal(left, right)
            assert tile.next_column == golden.next_column
            np.testing.assert_array_equal(tile.chopper, golden.chopper)
        assert tile.cycles == golden.cycles
        state = tile.state_arrays()
        for key, value in golden.state_arrays().items():
            np.testing.assert_array_equal(state[key], value, key)
        state["hidden"][0, 0] ^= 1
        assert not np.array_equal(state["hidden"], golden.state_arrays()["hidden"])


@pytest.mark.parametrize("record", [True, False])
def test_training_with_all_layers_in_rtl_ends_in_the_golden_state(record: bool) -> None:
    report = compare(
        TrainingSpec(seed=2, reference_mean=0.3, reference_std=0.1), engine="native", steps=150, record=record
    )
    assert report["agree"]
    assert report["rtl"] == report["golden"]
    idle = 2 * 150 * 2  # the idle cycle after each operation of each layer
    clear = sum(NAMED[name].clear_cycles + 1 for name in ("digits_hidden", "digits_output"))
    assert report["cycles"] == report["golden"]["counts"]["cycles"] + idle + clear
    assert report["compared_cycles"] == (report["cycles"] if record else 0)


def test_an_interrupted_run_with_rtl_in_the_loop_ends_in_the_same_state(tmp_path: Path) -> None:
    """The run that goes on has the same samples, too; with another state it is no agreement."""
    run, file = TrainingSpec(seed=2, reference_mean=0.3, reference_std=0.1), tmp_path / "run.npz"

    def interrupt(done: int) -> None:
        if done == 37:
            raise KeyboardInterrupt

    arguments = {"run": run, "steps": 90, "samples": 9, "checkpoint": file}
    job = Job(run.problem().tile_configs[0], "symtrack.cosim.stimulus.training:training", arguments)
    with pytest.raises(KeyboardInterrupt):
        native_engine.run_job(job, progress=interrupt)
    report = compare(run, engine="native", steps=90, samples=9, resume=file)
    assert report["agree"]
    assert report["rtl"] == report["golden"]
    assert report["rtl"]["counts"]["reads"] == 2 * 90
    assert report["cycles"] - report["compared_cycles"] == 2 * 2  # in which the state spreads in each tile
    assert report["cycles"] < report["rtl"]["counts"]["cycles"]
    assert len(report["history"]["rtl"]["samples"]) == 10
    trainer = Trainer(run)
    trainer.restore(file)
    assert trainer.steps == 37
    trainer.network.layers[0].scale += 1
    trainer.save(file)
    assert not compare(run, engine="native", steps=90, samples=9, resume=file)["agree"]


@pytest.mark.slow
@pytest.mark.parametrize("scope", Scope)
def test_a_state_in_the_midst_of_a_sweep_is_taken(scope: Scope) -> None:
    """It goes on with golden in every cycle, whichever column is next; the choppers flip with and after it."""
    config = TileConfig(rows=11, columns=3, lanes=2, row_chopper=1, chopper_probability=0.6)
    library, rng = native_library(tile_verilog(config), config), np.random.default_rng(1)
    settings = Settings(
        chopper=ChopperMode.RANDOM, scope=scope, row_chopper=ChopperMode.RANDOM, reference=Reference.FILTERED
    )
    flipped = set()
    for column in range(config.columns):
        golden = Periphery(config)
        tile = NativePeriphery(NativeTile(library, config), record=True)
        for number in range(3 * config.columns):
            codes = rng.integers(-100, 100, config.rows)
            golden.transfer(codes, settings)
            if number == config.columns + column:
                tile.restore(golden.state_arrays())
                assert golden.next_column == (column + 1) % config.columns
                flipped |= {name for name, value in golden.state_arrays().items() if "flipped" in name and value.any()}
            elif number > config.columns + column:
                tile.transfer(codes, settings)
        np.testing.assert_equal(tile.state_arrays(), golden.state_arrays())
    assert flipped == {"flipped", "row_flipped"}


def test_a_fault_is_seen_where_the_cocotb_engine_sees_it() -> None:
    fault = Fault("rtl", "pulses__columns", 1, 222)
    job = Job(TINY, "symtrack.cosim.stimulus.operations:slots", {"cycles": 500, "seed": 1}, (fault,))
    verdicts = [engine.run_job(job).verdict for engine in (cocotb_engine, native_engine)]
    assert verdicts[0] == verdicts[1]
    assert verdicts[0].first_mismatch is not None
    assert (verdicts[0].first_mismatch.signal, verdicts[0].first_mismatch.cycle) == ("pulses__columns", 222)


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize(
    ("port", "constant"), [("status__busy", 1), pytest.param("writes__valid", 0, marks=pytest.mark.slow)]
)
def test_rtl_that_never_ends_or_loses_beats_is_a_mismatch(port: str, constant: int, record: bool) -> None:
    library = native_library(_stuck(tile_verilog(TINY), port, constant), TINY)

    def transfer() -> None:
        NativePeriphery(NativeTile(library, TINY), record=record).transfer(np.zeros(TINY.rows, np.int64), Settings())

    with pytest.raises(MismatchError) as found:
        transfer()
    assert found.value.difference.signal == port


def test_a_tile_without_its_seeds_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its ports where cycles are recorded, else by its pulses; and a tile of another seed by its pulses, too."""
    library, golden = native_library(tile_verilog(TINY), TINY), Periphery(TINY)
    sides = [
        np.full(size, value) for size in (TINY.columns, TINY.rows) for value in (0, TINY.magnitude_format.high // 2)
    ]
    expected = golden.update(*sides, TINY.bl_max)

    def pulses(config: TileConfig) -> np.ndarray:
        return NativePeriphery(NativeTile(library, config), record=False).update(*sides, TINY.bl_max).columns

    assert np.array_equal(pulses(TINY), expected.columns)
    other = TINY.replace(seed=2)
    assert not np.array_equal(pulses(other), expected.columns)
    assert np.array_equal(pulses(other), Periphery(other).update(*sides, TINY.bl_max).columns)
    operation = NativeTile.operation

    def unseeded(tile: NativeTile, op: Op | None, bl: int, *, record: bool, seed: bool = False) -> Any:
        return operation(tile, op, bl, record=record)

    monkeypatch.setattr(NativeTile, "operation", unseeded)
    assert not np.array_equal(pulses(TINY), expected.columns)
    with pytest.raises(MismatchError, match="seeds__ready"):
        NativePeriphery(NativeTile(library, TINY), record=True)


@pytest.mark.parametrize("form", [list, lambda bits: np.array(bits, np.uint64)])
def test_a_slot_of_the_wrong_array_is_a_mismatch(form: Callable[[list[int]], Any]) -> None:
    for target in Target:
        right = [int(target)] * 5
        check_target(TINY, 7, target, form(right))
        check_target(TINY, 7, target, form([]))
        for slot in range(5):
            with pytest.raises(MismatchError) as found:
                check_target(TINY, 7, target, form([*right[:slot], 1 - target, *right[slot + 1 :]]))
            difference = found.value.difference
            assert (difference.cycle, difference.signal, difference.tile) == (7, "pulses__slow", TINY.name)
            assert (difference.golden, difference.rtl) == (target, 1 - target)


def test_rtl_that_steps_the_wrong_array_is_a_mismatch_without_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also after transfers with the same settings, which drive no ports but that of the target again."""
    tile = NativeTile(native_library(tile_verilog(TINY), TINY), TINY)
    periphery, settings = NativePeriphery(tile, record=False), Settings()
    high = TINY.magnitude_format.high
    sides = [np.full(size, value) for size in (TINY.columns, TINY.rows) for value in (0, high)]
    for target in (Target.SLOW, Target.FAST, Target.SLOW):
        assert len(periphery.update(*sides, 3, target).up) == 3
        periphery.transfer(np.zeros(TINY.rows, np.int64), settings)
        assert tile.inputs[tile.layout.inputs["settings__target"][0]] == settings.target
    drive = tile.set
    monkeypatch.setattr(tile, "set", lambda name, value: drive(name, value ^ (name == "settings__target")))
    with pytest.raises(MismatchError, match="pulses__slow is 0x1 in the RTL, 0x0 in the golden model"):
        periphery.update(*sides, 3)


def _stuck(verilog: str, port: str, value: int) -> str:
    """The netlist with an output port of the top module tied to a constant."""
    top = verilog.index("module symtrack_tiny(")
    head, body = verilog[:top], verilog[top:]
    name = port.removeprefix("status__")
    cut = re.sub(rf"\.{name}\({port}\)", f".{name}()", body, count=1)
    assert cut != body
    declaration = f"  wire {port};\n"
    return head + cut.replace(declaration, f"{declaration}  assign {port} = 1'h{value};\n", 1)


def test_faults_leave_the_other_layers_golden() -> None:
    arguments = {"steps": 3, "seed": 1}
    fault = Fault("rtl", "writes__beat", 1, 400)
    job = Job(NAMED["digits_output"], "symtrack.cosim.stimulus.training:training", arguments, (fault,))
    verdict = native_engine.run_job(job).verdict
    assert verdict.first_mismatch is not None
    assert (verdict.first_mismatch.signal, verdict.first_mismatch.cycle) == ("writes__beat", 400)


@pytest.mark.slow
def test_a_foreign_netlist_may_have_other_memories_and_more_ports() -> None:
    text, places = re.subn(r"(reg \[WIDTH - 1:0\] mem) \[.*?\];", r"\1 [5000:0];", tile_verilog(TINY).rstrip())
    assert places == 1
    job = Job(TINY, "symtrack.cosim.stimulus.operations:slots", {"cycles": 300, "seed": 1}, own_netlist=False)
    verdict = native_engine.run_job(job, verilog=f"{text} // no line end").verdict
    assert verdict.passed, str(verdict.first_mismatch)
    assert verdict.states_hidden == ["q", "qref", "hidden"]


def test_a_netlist_that_ends_the_simulation_gives_one_line() -> None:
    text = tile_verilog(TINY).rstrip()
    body = "  always @(posedge clk) if (status__slots > 3) $finish;\nendmodule"
    ended = text[: text.rindex("module symtrack_tiny(")] + text[text.rindex("module symtrack_tiny(") :].replace(
        "endmodule", body, 1
    )
    for scenario in ("slots", "random"):
        job = Job(TINY, f"symtrack.cosim.stimulus.scenarios:{scenario}", {"cycles": 4000, "seed": 3}, own_netlist=False)
        with pytest.raises(ToolError, match=r"the netlist ended the simulation \(\$finish or \$stop\)"):
            native_engine.run_job(job, verilog=ended)


def test_tiles_can_be_dropped_in_any_order() -> None:
    library = native_library(tile_verilog(TINY), TINY)
    tiles = [NativeTile(library, TINY) for _ in range(4)]
    for index in (1, 2, 0, 0):
        del tiles[index]
    NativeTile(library, TINY).cycle()


def test_a_library_belongs_to_its_list_of_states(monkeypatch: pytest.MonkeyPatch) -> None:
    verilog = tile_verilog(TINY)
    used: list[Sequence[str]] = []
    monkeypatch.setattr(
        symtrack.cosim.tools.build_cache, "cached", lambda identity, produce: used.append(identity) or Path()
    )
    native_library(verilog, TINY)
    items = symtrack.cosim.engine.native.build.all_items(TINY)
    monkeypatch.setattr(symtrack.cosim.engine.native.build, "all_items", lambda config: [*items[1:], items[0]])
    native_library(verilog, TINY)
    assert used[0] != used[1]


def test_a_broken_library_and_a_folder_that_cannot_be_written_give_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "tile.so"
    library.write_text("not a library")
    with pytest.raises(ToolError, match="must hold a whole build, remove it to build again"):
        NativeTile(library, TINY)
    monkeypatch.setattr(symtrack.cosim.tools.build_cache, "root", lambda: library / "verilator")
    with pytest.raises(ToolError, match=r"must be a folder that builds can be written to \(Not a directory\)"):
        native_library(tile_verilog(TINY), TINY)


def test_what_the_engine_cannot_do_is_said_in_one_line(tmp_path: Path) -> None:
    job = Job(TINY, "tests.cosim.jobs.idle:nothing")
    with pytest.raises(ToolError, match="the native engine has no waves: use --engine cocotb"):
        native_engine.run_job(job, waves=tmp_path / "run.vcd")
    with pytest.raises(ToolError, match=r"failed with exit code \d+: .*%Error"):
        native_engine.run_job(job, verilog=tile_verilog(TINY).replace("endmodule", "", 1))
