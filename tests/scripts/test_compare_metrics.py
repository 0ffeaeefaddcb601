"""Golden beside RTL: the report of both engines on the small layer, and that only agreement gives exit code 0."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cosim import engines
from scripts import compare_metrics

KEYS = {
    *("config", "task", "algorithm", "engine", "seed", "cycles", "compared_cycles"),
    *("mismatches", "first_mismatch", "wall_s", "golden", "rtl"),
}
SIDE = {"accuracy", "loss", "sp_rmse", "state_sha256", "counts"}
COUNTS = {"update_slots", "coincidences", "transfer_pulses", "reads", "reference_pulses", "cycles"}
ARGUMENTS = "--config digits_output --task digits --algorithm e-rider --steps 60 --seed 3"


def compare(engine: str, file: Path, *more: str) -> dict:
    assert compare_metrics.main([*ARGUMENTS.split(), "--engine", engine, "--json", str(file), *more]) == 0
    return json.loads(file.read_text())


def check(report: dict, engine: str) -> None:
    assert set(report) >= KEYS
    expected = ["digits_output", "digits", "e-rider", engine, 3, 60]
    assert [report[key] for key in ("config", "task", "algorithm", "engine", "seed", "steps")] == expected
    assert (report["mismatches"], report["first_mismatch"], report["agree"]) == (0, None, True)
    assert report["wall_s"] > 0
    for side in ("golden", "rtl"):
        assert set(report[side]) == SIDE
        assert set(report[side]["counts"]) == COUNTS
        assert len(report[side]["state_sha256"]) == 64
    assert report["golden"] == report["rtl"]
    assert report["golden"]["counts"]["update_slots"] > 0
    assert report["golden"]["counts"]["reads"] > 0


def test_both_engines_end_in_the_state_of_the_golden_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reports = {}
    for engine in ("cocotb", "native"):
        reports[engine] = compare(engine, tmp_path / f"{engine}.json")
        check(reports[engine], engine)
        assert reports[engine]["compared_cycles"] > 1000
        out, error = capsys.readouterr()
        assert "golden" in out
        assert error == ""
    assert reports["cocotb"]["rtl"] == reports["native"]["rtl"]
    unrecorded = compare("native", tmp_path / "unrecorded.json", "--unrecorded")
    check(unrecorded, "native")
    assert unrecorded["rtl"] == reports["native"]["rtl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cocotb.json", "native.json", "unrecorded.json"]


def test_disagreement_is_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An RTL run of another seed stands for one that computes something else."""

    def other_seed(job, **options):
        return engines.run_native(replace(job, arguments={**job.arguments, "seed": 4}), **options)

    monkeypatch.setitem(engines.ENGINES, "native", other_seed)
    file = tmp_path / "report.json"
    assert compare_metrics.main([*ARGUMENTS.split(), "--engine", "native", "--json", str(file)]) == 1
    report = json.loads(file.read_text())
    assert (report["agree"], report["mismatches"]) == (False, 0)
    assert report["golden"]["state_sha256"] != report["rtl"]["state_sha256"]
