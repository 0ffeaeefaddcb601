# SPDX-License-Identifier: Apache-2.0
"""The face: few names, found without loading what they need, and results that say the same as the command lines."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path

import numba
import numpy as np
import pytest
from amaranth.lib.wiring import Component

import symtrack
from symtrack import devices, hardware, learning
from symtrack.cosim.compare.scenario import play
from symtrack.hdl.output.modules import Modules
from symtrack.model.training.trainer import Trainer
from symtrack.scripts import calibrate
from symtrack.scripts.documents.imports import imported
from tests.paths import ROOT

FACE = ROOT / "scripts" / "face"
HEAVY = ("numpy", "numba", "scipy", "amaranth", "sklearn", "matplotlib", "cocotb", "rich")
IMPORT_S = 0.3


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    code = f"import sys; sys.path[:0] = {sys.path!r}\n{code}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_importing_the_face_is_quick_and_loads_nothing_heavy() -> None:
    code = f"""
import time
begin = time.perf_counter()
import symtrack
seconds = time.perf_counter() - begin
dir(symtrack)
print(seconds, [name for name in {HEAVY!r} if name in sys.modules])
"""
    tries = [fresh(code).split(maxsplit=1) for _ in range(3)]  # the quickest, as the machine may be busy
    assert {loaded for _, loaded in tries} == {"[]"}
    assert min(float(seconds) for seconds, _ in tries) < IMPORT_S


@pytest.mark.parametrize("name", ["TileConfig", "Settings"])
def test_the_specification_needs_no_kernels(name: str) -> None:
    heavy = [heavy for heavy in HEAVY if heavy != "numpy"]  # of which word formats are arrays
    assert (
        fresh(f"import symtrack; symtrack.{name}\nprint([name for name in {heavy!r} if name in sys.modules])") == "[]"
    )


def test_every_name_is_there_and_few_are() -> None:
    assert dir(symtrack) == sorted(symtrack.__all__)
    assert len(symtrack.__all__) <= 30
    for name in symtrack.__all__:
        assert getattr(symtrack, name) is not None
    with pytest.raises(AttributeError, match="module 'symtrack' has no attribute 'nothing'"):
        symtrack.nothing  # noqa: B018


def test_type_checkers_and_the_table_know_the_same_names() -> None:
    tree = ast.parse((FACE / "__init__.py").read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    known = {
        alias.asname: node.module
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert known == symtrack._MODULES


def test_no_name_is_that_of_a_module_which_would_take_its_place() -> None:
    assert not {path.stem for path in FACE.glob("*.py")} & set(symtrack.__all__)


@pytest.mark.parametrize("folder", ["model", "hdl", "cosim"])
def test_nothing_below_imports_the_face(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        for name in imported(path):
            parts = name.split(".")
            assert parts[0] != "symtrack" or parts[1:2] in (["model"], ["hdl"], ["cosim"]), (path, name)


def test_the_verilog_is_that_of_the_command_line_and_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted: list[str] = []
    convert = Modules.verilog

    def counted(self: Modules, component: Component) -> str:
        converted.append(self.top)
        return convert(self, component)

    monkeypatch.setattr(Modules, "verilog", counted)
    verilog = symtrack.generate_verilog("tiny")
    assert converted == []
    assert f"module {verilog.module}(" in verilog.tile
    assert verilog.files[f"{verilog.module}.v"].endswith(f"\n{verilog.tile}")  # below its notice
    written = verilog.write(tmp_path / "new" / "folder")
    assert {path.name: path.read_text(encoding="utf-8") for path in written} == dict(verilog.files)
    assert converted == ["symtrack_tiny", "symtrack_tiny_controller"]
    assert verilog == symtrack.generate_verilog("tiny")  # what was converted is no part of the value


def test_a_training_is_that_of_a_trainer() -> None:
    spec = symtrack.TrainingSpec(
        network={"hidden": [4]}, samples={"train": 30, "test": 20}, reference_mean=0.3, reference_std=0.1
    )
    result = symtrack.train(spec, epochs=1, samples=3)
    trainer = Trainer(spec)
    trainer.run(30)
    assert result.steps == 30
    assert result.metrics == trainer.metrics()
    assert result.course.steps.tolist() == [0, 10, 20, 30]
    assert result.course.loss[-1] == result.metrics.loss
    assert np.isnan(result.course.rms_error).all()
    assert list(result.tiles) == ["layer0", "layer1"]
    tile, crossbar = result.tiles["layer0"], trainer.network.layers[0].tile
    assert (tile.fast * 2**30 == crossbar.fast.weights).all()
    assert (tile.slow * 2**30 == crossbar.slow.weights).all()
    assert (tile.reference * 2**30 == crossbar.reference).all()
    assert np.abs(tile.tracked * 2**30 - crossbar.to_weight(crossbar.periphery.state_arrays()["q"].T)).max() <= 0.5
    error = tile.tracked - tile.symmetric_point
    assert error.shape == (4, 65) == (tile.config.rows, tile.config.columns)
    assert tile.hidden.shape == tile.latched.shape == error.shape
    assert set(np.unique(tile.chopper)) <= {-1, 1}
    tile.slow_words[:] = 0  # a copy
    assert result.metrics == trainer.metrics()
    with pytest.raises(FrozenInstanceError):
        result.steps = 1  # type: ignore[misc]
    again = symtrack.train(spec, steps=30, samples=0)
    assert again.metrics == result.metrics
    assert again.course.steps.size == again.course.loss.size == 0


def test_lock_step_is_that_of_the_command_line() -> None:
    result = symtrack.run_cosim("tiny", "operations", engine="native", cycles=500, seed=2)
    report, _ = play(result.config, "operations", engine="native", cycles=500, seed=2)
    assert result.passed
    assert result.first_mismatch is None
    for name in ("cycles", "compared_cycles", "states_compared", "mismatches", "seed", "engine"):
        assert getattr(result, name) == report[name]
    assert result.cycles_per_second > 0


def test_a_calibration_is_that_of_the_command_line(tmp_path: Path) -> None:
    import json

    result = symtrack.calibrate("capacitor", rows=3, columns=5, pulses=200, relative_error=0.5, seed=4)
    arguments = "--device capacitor --rows 3 --columns 5 --pulses 200 --relative-error 0.5 --seed 4 --json"
    assert calibrate.main([*arguments.split(), str(tmp_path / "report.json")]) == 0
    (entry,) = json.loads((tmp_path / "report.json").read_text())["results"]
    assert result.pulses_measured == entry["pulses_measured"]
    assert result.pulses_theory == entry["pulses_theory"]
    assert (result.floor, result.floor_theory) == (entry["floor"], entry["floor_theory"])
    assert result.residual.shape == (3, 5)
    assert np.sqrt(np.mean(result.residual**2)) == pytest.approx(entry["residual_rms"], rel=1e-12)
    assert result.rms.shape == (101,)


@pytest.mark.slow
def test_a_fitted_device_is_found_again(tmp_path: Path) -> None:
    weight, lines = 0.0, ["pulse,direction,conductance", "0,1,0"]
    for pulse in range(1, 301):
        direction = 1 if (pulse - 1) // 50 % 2 == 0 else -1
        weight += direction * (0.02 if direction > 0 else 0.015) * (1 - direction * weight)
        lines.append(f"{pulse},{direction},{weight:.9f}")
    (tmp_path / "pulses.csv").write_text("\n".join(lines) + "\n")
    found = symtrack.fit_device(tmp_path / "pulses.csv", families=["soft-bounds", "constant-step"], scale=1, offset=0)
    assert found.family == next(iter(found.ranking)) == "soft-bounds"
    assert found.ranking["constant-step"] > 10
    assert found.device.dw_min == pytest.approx(0.02, rel=0.05)
    (tmp_path / "device.toml").write_text(found.toml())
    assert symtrack.load_device(tmp_path / "device.toml") == found.device
    assert found.symmetric_point == pytest.approx(1 / 7, abs=0.02)
    alone = symtrack.fit_device(tmp_path / "pulses.csv", families="soft-bounds", scale=1, offset=0)
    assert list(alone.ranking) == ["soft-bounds"]
    assert alone.device == found.device


@pytest.mark.slow
def test_a_comparison_has_both_sides(tmp_path: Path) -> None:
    spec = symtrack.TrainingSpec(task="digits", reference_mean=0.3, reference_std=0.1)
    result = symtrack.compare_metrics(spec, engine="native", steps=20, samples=2)
    assert result.agree
    assert result.golden == result.rtl == symtrack.train(spec, steps=20, samples=0).metrics
    assert result.golden_course.steps.tolist() == result.rtl_course.steps.tolist() == [0, 10, 20]
    assert result.compared_cycles == result.cycles > 0
    assert "<html" in result.page()


THREADS = numba.config.NUMBA_NUM_THREADS
SPEC = symtrack.TrainingSpec(network={"hidden": [4]}, samples={"train": 10, "test": 10})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: symtrack.generate_verilog("tiny", memory="sram"),
            "memory = 'sram': must be one of behavioural, ecp5, macro",
        ),
        (lambda: symtrack.generate_verilog("tinny"), "config = 'tinny': must be one of tiny, small"),
        (lambda: symtrack.run_cosim("tiny", "randon"), "scenario = 'randon': must be one of alone, operations"),
        (lambda: symtrack.run_cosim("tiny", engine="none"), "engine = 'none': must be one of cocotb, icarus, native"),
        (lambda: symtrack.run_cosim("tiny", cycles=0), "cycles = 0: must be from 1 to"),
        (
            lambda: symtrack.run_cosim("tiny", engine="native", waves=Path("a.vcd")),
            "engine = 'native': must be 'cocotb' or 'icarus' with waves",
        ),
        (lambda: symtrack.synthesize("tiny", "asic"), "target = 'asic': must be one of ecp5, generic"),
        (lambda: symtrack.train(SPEC), "steps = None, epochs = None: exactly one of them must be given"),
        (lambda: symtrack.train(SPEC, steps=1, epochs=1), "steps = 1, epochs = 1: exactly one of them must be given"),
        (lambda: symtrack.train(SPEC, epochs=0), "epochs = 0: must be from 1 to"),
        (lambda: symtrack.train(SPEC, steps=0), "steps = 0: must be from 1 to"),
        (lambda: symtrack.train(SPEC, steps=1, samples=-1), "samples = -1: must be from 0 to"),
        (lambda: symtrack.train(SPEC, steps=1, threads=0), f"^threads = 0: must be from 1 to {THREADS}$"),
        (lambda: symtrack.train(SPEC, steps=1, threads=THREADS + 1), f"threads = {THREADS + 1}: must be from 1 to"),
        (lambda: symtrack.compare_metrics(SPEC, engine="none", steps=1), "engine = 'none': must be one of"),
        (lambda: symtrack.compare_metrics(SPEC, steps=0), "steps = 0: must be from 1 to"),
        (lambda: symtrack.compare_metrics(SPEC, steps=1, record=False), "engine = 'cocotb': must be 'native' with"),
        (lambda: symtrack.calibrate("capacitor", start=3), "start = 3: must be within the bounds, from -1 to 1"),
        (lambda: symtrack.calibrate("capacitor", pulses=3), "pulses = 3: must be an even number"),
        (lambda: symtrack.fit_device("none.csv"), "data = 'none.csv': must be a readable file"),
        (lambda: symtrack.fit_device("none.csv", families=["soft"]), "families = 'soft': must be among constant-step"),
        (lambda: symtrack.fit_device("none.csv", families="soft"), "families = 'soft': must be among constant-step"),
        (lambda: symtrack.fit_device("none.csv", families=[]), "families = \\[\\]: must be at least one"),
    ],
)
def test_what_is_not_allowed_is_said_before_any_work(
    call: object, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(learning, "Trainer")
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def attributes(docstring: str | None) -> list[str]:
    """The entries of a docstring's section on attributes; an entry may be of several names."""
    section = inspect.cleandoc(docstring or "").partition("\nAttributes\n----------\n")[2]
    section = re.split(r"\n\n\w+\n-+\n", section)[0]  # up to the next one
    heads = [line for line in section.splitlines() if line and not line.startswith(" ")]
    return [name for head in heads for name in head.partition(" : ")[0].split(", ")]


def test_only_entries_of_the_section_are_documentation() -> None:
    text = """Has rows and lanes.

    Attributes
    ----------
    columns, rows_and_columns : int
        Not lanes.
    report
        What it is.

    Returns
    -------
    seed : int
    """
    assert attributes(text) == ["columns", "rows_and_columns", "report"]
    assert attributes("rows") == attributes(None) == []


@pytest.mark.parametrize("module", [hardware, learning, devices])
def test_results_are_frozen_and_documented(module: object) -> None:
    own = [thing for thing in vars(module).values() if is_dataclass(thing) and thing.__module__ == module.__name__]  # type: ignore[attr-defined]
    assert own
    for thing in own:
        assert thing.__dataclass_params__.frozen  # type: ignore[union-attr]
        assert attributes(thing.__doc__) == list(thing.__dataclass_fields__), thing
