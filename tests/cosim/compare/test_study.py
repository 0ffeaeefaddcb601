# SPDX-License-Identifier: Apache-2.0
"""Tests of cases with RTL in the loop."""

from pathlib import Path

from symtrack.cosim.compare.study import in_loop
from symtrack.model.study.case import GOLDEN, RTL, Case, in_rtl, key
from symtrack.model.study.runner import run_all
from symtrack.model.study.store import Store
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer
from tests.model.helpers import tiny


def test_the_first_steps_of_a_run_are_played_in_rtl(tmp_path: Path) -> None:
    run = TrainingSpec(task=tiny.task(), reference_mean=0.3, reference_std=0.1)
    whole = Case(experiment="e", labels=(("seed", 1),), run=run, epochs=1)
    (case,) = in_rtl([whole], 20)
    assert (whole.kind, case.kind) == (GOLDEN, RTL)
    store = Store(tmp_path)
    run_all([case], store, runners={RTL: in_loop})
    result = store.get(key(case))
    assert result is not None
    trainer = Trainer(run)
    trainer.run(20)
    assert result["metrics"]["state_sha256"] == trainer.metrics().state_sha256
    assert result["rtl"]["agree"]
    assert result["rtl"]["mismatches"] == 0
    assert result["rtl"]["compared_cycles"] > 1000
