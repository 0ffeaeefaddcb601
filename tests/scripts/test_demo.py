# SPDX-License-Identifier: Apache-2.0
"""Tests of ``demo.py``, shortened: the demonstration ends well and leaves every file it promises."""

import json
from pathlib import Path

import pytest

from symtrack.hdl.output.package import package
from symtrack.model.spec.config import NAMED
from symtrack.scripts import demo
from tests.cosim.jobs.reading import Page


@pytest.mark.slow
def test_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" / "demo"
    assert demo.main(["--out", str(out), "--epochs", "1", "--steps", "50"]) == 0
    modules = [name for config in ("digits_hidden", "digits_output") for name in package(NAMED[config])]
    others = ["train_e-rider.json", "train_tt-v2.json", "training_curves.png", "compare_metrics.json", "report.html"]
    assert sorted(path.name for path in out.iterdir()) == sorted({*modules, *others})  # some files serve all tiles
    assert (out / "training_curves.png").read_bytes().startswith(b"\x89PNG")
    report = json.loads((out / "compare_metrics.json").read_text())
    assert (report["steps"], report["mismatches"], report["agree"]) == (50, 0, True)
    assert report["golden"]["state_sha256"] == report["rtl"]["state_sha256"]
    for algorithm in demo.ALGORITHMS:
        assert 0 < json.loads((out / f"train_{algorithm}.json").read_text())["accuracy"] < 1
    printed, error = capsys.readouterr()
    assert "RTL" in printed
    assert printed.splitlines()[-1].endswith(str(out / "report.html"))
    results = Page((out / "report.html").read_text()).rows(
        "SHA-256 of the final state: every array of devices and periphery"
    )
    assert results["golden"] == results["RTL"] == [report["rtl"]["state_sha256"]]
    assert error == ""
