# SPDX-License-Identifier: Apache-2.0
"""Tests of studies: cases can be run, results are made once and kept whole, and tables show those that are in."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symtrack.model.files import markdown
from symtrack.model.network.algorithms import ALGORITHMS, CustomAlgorithm, Rates
from symtrack.model.network.chain import Chain
from symtrack.model.network.writing import StartWeights
from symtrack.model.semantics import EARLIER, SEMANTICS
from symtrack.model.spec.settings import ChopperMode, Reference
from symtrack.model.study import document, figures, paper, questions, runner, small_tables, tuning
from symtrack.model.study.case import FLOAT, GOLDEN, RTL, Case, in_rtl, key
from symtrack.model.study.execution import floating, golden
from symtrack.model.study.record import RECORD, adopt, record
from symtrack.model.study.runner import missing, newest, run_all, runner_of, shard
from symtrack.model.study.small import DIGITS_TILE, EXPERIMENTS, SEEDS, WIDTHS
from symtrack.model.study.store import Result, Store
from symtrack.model.tasks.task import TASKS
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny
from tests.paths import ROOT


@pytest.fixture(autouse=True)
def _tiny_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "tiny", tiny.task)


def case(seed: int = 1, experiment: str = "float", **arguments) -> Case:
    """64 steps of the tiny task."""
    run = arguments.pop("run", {})
    offset = {"reference_mean": 0.3, "reference_std": 0.1}
    labels = (("algorithm", "e-rider"), ("arithmetic", "golden"), ("seed", seed))
    length = {} if "steps" in arguments else {"epochs": 2}
    run = TrainingSpec(task="tiny", seed=seed, **offset, **run)
    return Case(**{"experiment": experiment, "labels": labels, "run": run, **length, **arguments})


def regressions() -> list[Case]:
    """Short runs of a task that other processes know, too."""
    runs = [TrainingSpec(task="noisy-quadratic", seed=seed) for seed in (2, 1)]
    return [Case(experiment="e", labels=(("seed", run.seed),), run=run, steps=3) for run in runs]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if name == "offsets" else []) for name in EXPERIMENTS]
)
def test_experiments_can_be_run(name: str) -> None:
    cases = EXPERIMENTS[name]()
    assert {one.experiment for one in cases} == {name}
    assert len({one.labels for one in cases}) == len(cases)
    tried = set()
    for one in cases:
        assert dict(one.labels)["seed"] == one.run.seed
        assert one.run.seed in SEEDS
        device = one.run.devices.dw_min if one.run.devices else None
        kind = one.run.task, one.run.algorithm, device, tuple(one.run.tiles.items())
        if kind not in tried:
            tried.add(kind)
            Trainer(replace(one.run, calibration=0))


def test_equal_tiles_of_the_widths_are_left_out() -> None:
    cases = EXPERIMENTS["widths"]()
    for layer in TASKS["digits"]().tile_configs:
        for name in {name for values in WIDTHS.values() for tiles in values for name in tiles}:
            assert getattr(layer, name) == getattr(DIGITS_TILE, name)
    assert sum(not one.run.tiles for one in cases) == len(WIDTHS) * len(SEEDS)
    assert len({key(one) for one in cases if not one.run.tiles}) == len(SEEDS)


def test_no_result_depends_on_gain_bits() -> None:
    states = [golden(case(run={"tiles": tiles}))["metrics"] for tiles in ({}, {"gain_bits": 16})]
    assert states[0] == states[1]


def test_key() -> None:
    one = case()
    assert key(one) == key(replace(one, experiment="widths", labels=(("seed", 9),)))
    tiles = {"latch_shift": 1, "chopper_period": 4}
    turned = dict(reversed(tiles.items()))
    assert key(case(run={"tiles": tiles})) == key(case(run={"tiles": turned}))
    others = [
        case(2),
        case(epochs=3),
        case(kind=FLOAT),
        case(target=0.1),
        case(evaluate_every=8),
        case(run={"algorithm": "agad"}),
        case(run={"tiles": tiles}),
        case(run={"tiles": tiles | {"latch_shift": 2}}),
    ]
    assert len({key(other) for other in [one, *others]}) == len(others) + 1


def test_a_key_has_the_definition_of_the_algorithm_and_the_semantics(monkeypatch: pytest.MonkeyPatch) -> None:
    before, other = key(case()), key(case(run={"algorithm": "agad"}))
    with monkeypatch.context() as changed:
        changed.setitem(ALGORITHMS, "e-rider", replace(ALGORITHMS["e-rider"], filter=False))
        assert key(case()) != before
        assert key(case(run={"algorithm": "agad"})) == other
    with monkeypatch.context() as changed:
        changed.setitem(ALGORITHMS, "e-rider", replace(ALGORITHMS["e-rider"], rates={"learning_rate": 0.2}))
        assert key(case()) != before
        assert key(case(run={"rates": Rates(fast_rate=0.2)})) != key(case())
    for part in SEMANTICS:
        with monkeypatch.context() as changed:
            changed.setitem(SEMANTICS, part, SEMANTICS[part] + 1)
            assert key(case()) != before
    assert key(case()) == before


def test_a_case_has_one_length() -> None:
    with pytest.raises(ValueError, match=r"steps = 3, epochs = 2: exactly one"):
        case(epochs=2, steps=3)
    with pytest.raises(ValueError, match="kind = 'float'"):
        case(steps=3, kind=FLOAT)


def test_a_result_is_that_of_the_trainer() -> None:
    result = golden(case(evaluate_every=24))
    assert result["metrics"]["state_sha256"] == tiny.digest(steps=64)
    assert [point[0] for point in result["curve"]] == [24, 48, 64]
    assert "target" not in result
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_target() -> None:
    losses = [point[2] for point in golden(case(evaluate_every=8))["curve"]]
    best = min(losses)
    tiles = {"bl_max": 5}
    result = golden(case(evaluate_every=8, target=best))
    reached = 8 * (losses.index(best) + 1)
    assert [point[2] for point in result["curve"]] == losses[: reached // 8]
    assert result["target"]["steps"] == reached
    assert result["target"]["paper_slots"] == reached * tiny.task().tile_configs[0].bl_max
    assert result["target"]["update_slots"] == result["metrics"]["counts"]["update_slots"] > 0
    assert golden(case(evaluate_every=8, target=0.0))["target"] is None
    run = {"tiles": tiles, "calibration": 7, "algorithm": "tt-v2"}
    calibrated = golden(case(evaluate_every=8, target=99.0, run=run))["target"]
    assert (calibrated["paper_slots"], calibrated["calibration_slots"]) == (8 * 5 + 7, 2 * 7)


def test_everything_that_a_calibration_does_is_counted() -> None:
    run = {"calibration": 7, "algorithm": "tt-v2"}
    one = case(target=99.0, evaluate_every=8, run=run)
    spent = golden(one)["target"]
    trainer = Trainer(one.run)
    before = trainer.metrics().counts
    trainer.run(8)
    counted = trainer.metrics().counts
    cells = sum(config.rows * config.columns for config in tiny.task().tile_configs)
    assert counted["reads"] > before["reads"] > 0
    assert (before["update_slots"], before["coincidences"]) == (2 * 7, 7 * cells)
    sweeps = before["reads"] // sum(config.columns for config in tiny.task().tile_configs)
    commands = [
        config.calibration_cycles(7, 0) + config.calibration_cycles(0, sweeps) for config in tiny.task().tile_configs
    ]
    assert before["cycles"] == sum(commands)
    assert {name: spent[name] for name in counted} == counted


def test_floating() -> None:
    one = case(kind=FLOAT)
    result = floating(one, lambda given: [(32, 0.5, 1.0), (64, 0.25 * given.run.seed, 0.75)])
    assert result["metrics"] == {"accuracy": 0.25, "loss": 0.75, "seed": 1}
    assert result["curve"][0] == [32, 0.5, 1.0, None]


def test_what_nothing_runs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"kind = 'float': must be one of golden, rtl, which can be run here"):
        runner_of(case(kind=FLOAT), {RTL: golden})
    with pytest.raises(ValueError, match=r"kind = 'other': must be one of golden, float, digital, rtl"):
        case(kind="other")


def test_runs_are_made_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases, store = [case(2), case(1), case(1, experiment="widths"), case(1, epochs=1), case(3)], Store(tmp_path)
    assert list(missing(cases, store).values()) == [cases[1], cases[3], cases[0], cases[4]]
    made = []

    def interrupted(one: Case) -> Result:
        made.append(one)
        if len(made) == 3:
            raise KeyboardInterrupt
        return {"n": len(made)}

    monkeypatch.setattr(runner, "golden", interrupted)
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run_all(cases, store, progress=done.append)
    assert done == [1, 1]
    assert list(missing(cases, Store(tmp_path)).values()) == [cases[0], cases[4]]
    run_all(cases, store, progress=done.append)
    assert made == [cases[1], cases[3], cases[0], cases[0], cases[4]]
    again = Store(tmp_path)
    assert [again.get(key(one)) for one in cases] == [{"n": n} for n in (4, 1, 1, 2, 5)]
    assert len(again) == 4


def test_an_error_names_the_case(tmp_path: Path) -> None:
    bad = case(run={"tiles": {"lanes": 99}})
    with pytest.raises(ValueError, match="lanes = 99") as caught:
        run_all([bad], Store(tmp_path))
    assert caught.value.__notes__ == ["in float: algorithm = e-rider, arithmetic = golden, seed = 1"]
    assert len(Store(tmp_path)) == 0
    assert list((tmp_path / "claims").iterdir()) == []


def test_processes_give_the_same_results(tmp_path: Path) -> None:
    cases, done, store = regressions(), [], Store(tmp_path)
    run_all(cases, store, 2, done.append)
    assert sum(done) == 2
    assert not missing(cases, Store(tmp_path))
    for one in cases:
        found = store.get(key(one))
        assert found is not None
        assert found["metrics"] == golden(one)["metrics"]


def test_a_record_is_gone_on_from(tmp_path: Path) -> None:
    cases, store = [case(1, target=0.0, evaluate_every=32), case(2), case(3)], Store(tmp_path / "store")
    results = [golden(one) for one in cases[:2]] + [None]
    file = tmp_path / RECORD
    file.write_text(record(zip(cases, results, strict=True)))
    adopt(file, [*cases, case(2, epochs=3)], store)
    assert list(missing([*cases, case(2, epochs=3)], store).values()) == [case(2, epochs=3), cases[2]]
    adopted = [store.get(key(one)) for one in cases]
    assert record(zip(cases, adopted, strict=True)) == file.read_text()
    own = Store(tmp_path / "own")
    own.add(key(cases[1]), {"metrics": {"accuracy": 0.5}})
    adopt(file, cases, own)
    assert own.get(key(cases[1])) == {"metrics": {"accuracy": 0.5}}


def test_a_record_of_earlier_semantics_is_shown_as_such_and_repeated(tmp_path: Path) -> None:
    cases, file, store = [case(1), case(2)], tmp_path / RECORD, Store(tmp_path / "store")
    earlier = golden(cases[0]) | {"semantics": EARLIER[0]}
    file.write_text(record(zip(cases, [earlier, None], strict=True)))
    (line,) = json.loads(file.read_text())
    assert (line["key"], line["semantics"]) == (key(cases[0], EARLIER[0]), EARLIER[0])
    assert line["key"] != key(cases[0])
    adopt(file, cases, store)
    assert list(missing(cases, store).values()) == cases
    found = [newest(one, store) for one in cases]
    assert record(zip(cases, found, strict=True)) == file.read_text()
    assert figures.Results(cases, found).state() == "1 of 2 runs, 1 of an earlier version"
    adopt(file, cases, store)
    assert len(store) == 1
    run_all(cases, store)
    found = [newest(one, store) for one in cases]
    assert figures.Results(cases, found).state() == "2 of 2 runs"
    assert [set(line) & {"semantics"} for line in json.loads(record(zip(cases, found, strict=True)))] == [set(), set()]


@pytest.mark.parametrize("text", ["", "[", "{}x", "[1]", '[{"seed": 1}]'])
def test_what_is_no_record_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(ValueError, match=r"results.json': must be a list of runs with their keys"):
        adopt(tmp_path / RECORD, [case()], Store(tmp_path))


def test_nothing_is_adopted_without_a_record(tmp_path: Path) -> None:
    adopt(tmp_path / RECORD, [case()], Store(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_figures() -> None:
    assert figures.figure([]) == "–"
    assert figures.figure([0.25]) == "0.250"
    assert figures.percent([0.965, 0.969, 0.973]) == "96.9 ± 0.4"
    assert markdown(("a", "long"), [("wide", "1"), ("b", "22")]) == (
        "| a    | long |\n| ---- | ---: |\n| wide |    1 |\n| b    |   22 |"
    )


def test_document(tmp_path: Path) -> None:
    cases = {name: make()[:180] for name, make in EXPERIMENTS.items()}
    cases |= {name: make({}) for name, make in (paper.EXPERIMENTS | questions.EXPERIMENTS).items()}
    made = {"accuracy": 0.9, "loss": 0.3, "rms_error": 0.05, "sp_rmse": 0.1, "sp_rmse_pulsed": None, "counts": {}}
    store, out = Store(tmp_path / "store"), tmp_path / "out"
    out.mkdir()
    document.write(cases, store, out)
    assert (out / "results.json").read_text() == "[\n\n]\n"
    assert "## Pulse slots to a loss: 0 of 36 runs" in (out / "results.md").read_text()
    spent = dict.fromkeys(small_tables.SPENT, 1234)
    for one in cases["weight-programming"][:3] + cases["slots"][:2]:
        target = {"target": spent if one.run.seed == 1 else None} if one.target else {}
        store.add(key(one), {"metrics": made, "curve": []} | target)
    document.write(cases, store, out)
    text = (out / "results.md").read_text()
    assert "## Weight programming: 3 of 180 runs" in text
    assert "| analog-sgd | this model       | 0.050 ± 0.000 | " in text
    assert "| this model |   1,234 (1 of 2) | " in text
    assert "| 2000   | tt-v2 after 4000 |  1 of 2 | 1,234 |" in text
    lines = json.loads((out / "results.json").read_text())
    assert [line["experiment"] for line in lines] == ["weight-programming"] * 3 + ["slots"] * 2
    assert lines[3]["target"] == spent
    assert lines[4]["target"] is None
    assert lines[0]["rms_error"] == 0.05
    for picture in ("weight-programming", "widths"):
        assert (out / "figures" / f"results-{picture}.png").read_bytes().startswith(b"\x89PNG")


def every_key(case: Case) -> list[tuple[str, dict[str, int]]]:
    """The keys of a case with all semantics, the newest first, beside these."""
    return [(key(case, semantics), semantics) for semantics in (SEMANTICS, *EARLIER)]


def test_no_case_has_a_rate_without_effect_and_all_keys_are_those_of_the_record() -> None:
    """Results were recorded of runs that had such rates; their keys stay, and those of other rates are others."""
    every = [case for make in EXPERIMENTS.values() for case in make()]
    lines = json.loads((ROOT / "docs" / RECORD).read_text())
    recorded = {line["key"]: line.get("semantics", SEMANTICS) for line in lines}
    keys = [every_key(case) for case in every]
    assert all(any(recorded.get(one) == semantics for one, semantics in some) for some in keys)
    tuned = tuning.best(tuning.read(ROOT / "docs" / tuning.RECORD))
    larger = [case for make in (paper.EXPERIMENTS | questions.EXPERIMENTS).values() for case in make(tuned)]
    keys += [every_key(case) for case in (*in_rtl(larger), *larger)]
    assert recorded.keys() <= {one for some in keys for one, _ in some}
    for case in every:
        if case.run.rates:
            case.run.rates.check(case.run.algorithm)
    dropped = [case for case in every if "rates" in case.recorded and case.recorded["rates"] != case.run.rates]
    assert {case.run.algorithm for case in dropped} == {"analog-sgd", "agad", "tt-v2"}
    first = dropped[0]
    other = replace(first, run=replace(first.run, seed=7))
    assert key(replace(first, recorded={})) != key(first) != key(other)


OWN = CustomAlgorithm(name="own", version=1, chopper=ChopperMode.REGULAR, reference=Reference.LATCHED)


def own_case(**changes: Any) -> Case:
    fields = {"task": tiny.task(), "algorithm": OWN, "reference_mean": 0.3} | changes
    return Case(experiment="own", labels=(("seed", 1),), run=TrainingSpec(**fields), steps=20)


def test_own_tasks_algorithms_and_weights_are_cases(tmp_path: Path) -> None:
    weights = StartWeights.of([np.full((3, 5), 0.1), np.full((2, 4), 0.2)])
    other_data = replace(tiny.task(), train_y=1 - tiny.task().train_y)
    cases = [
        own_case(),
        own_case(algorithm=replace(OWN, version=2)),
        own_case(algorithm=Chain(name="own", version=1)),
        own_case(task=other_data),
        own_case(weights=weights),
        own_case(weights=StartWeights.of([np.full((3, 5), 0.1), np.full((2, 4), 0.3)])),
    ]
    assert len({key(case) for case in cases}) == len(cases)
    assert key(own_case()) == key(cases[0])
    store = Store(tmp_path)
    run_all(cases[:3], store, jobs=2)  # through processes, to which objects go by pickle
    results = [store.get(key(case)) for case in cases[:3]]
    for case, result in zip(cases, results, strict=False):
        trainer = Trainer(case.run)
        trainer.run(20)
        assert result is not None
        assert result["metrics"]["state_sha256"] == trainer.metrics().state_sha256
    assert list(missing(cases, store).values()) == cases[3:]


def test_shards_have_every_case_once() -> None:
    cases = [case(seed) for seed in range(1, 12)]
    parts = [shard(cases, number, 3) for number in (1, 2, 3)]
    assert sorted(one.run.seed for part in parts for one in part) == list(range(1, 12))
    assert all(len(part) < len(cases) for part in parts)


def test_a_result_says_what_hardware_was_asked_for() -> None:
    result = golden(case())
    counts, wear = result["metrics"]["counts"], result["endurance"]
    layers = tiny.task().architecture.layers
    passes = 3 * 64  # W, P and R of 64 samples
    assert counts["dac_vectors"] == passes * (2 * len(layers) - 1)
    rows, columns = [layer.rows for layer in layers], [layer.columns for layer in layers]
    assert counts["adc_products"] == passes * (sum(rows) + sum(columns[1:]))
    assert counts["adc_reads"] >= counts["reads"] * min(rows)
    cells = sum(row * column for row, column in zip(rows, columns, strict=True))
    assert [sum(wear[name]["cells_by_bits"]) for name in ("P", "W")] == [cells, cells]
    assert wear["P"]["mean"] * cells == pytest.approx(counts["coincidences"], abs=cells * 0.001)
    assert wear["W"]["mean"] * cells == pytest.approx(counts["transfer_pulses"], abs=cells * 0.001)
    assert 0 <= result["retention"]["accuracy"] <= 1


def test_the_first_seed_of_every_choice_is_played_in_rtl() -> None:
    named = [(("settings", name), ("seed", seed)) for name in ("a", "b") for seed in (1, 2)]
    cases = [replace(case(dict(labels)["seed"]), labels=labels) for labels in named] + [case(3, kind=FLOAT)]
    chosen = in_rtl(cases, 7)
    assert [(one.kind, one.steps, one.epochs, one.run.seed) for one in chosen] == [(RTL, 7, None, 1)] * 2
    assert {key(one) for one in chosen}.isdisjoint(map(key, cases))
    assert {one.kind for one in cases} == {GOLDEN, FLOAT}
