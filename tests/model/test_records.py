# SPDX-License-Identifier: Apache-2.0
"""Tests of the model's dataclasses: they cannot be changed, and those with many fields take names only."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import FrozenInstanceError, fields, is_dataclass
from inspect import isabstract
from typing import Any

import pytest

import symtrack.model

CHANGED = {
    "symtrack.model.network.network.Pass",  # filled layer by layer
    "symtrack.model.training.callbacks.Progress",  # goes on with the run
}
BY_POSITION = CHANGED | {
    *(
        "symtrack.model.analysis.coincidence.Correlation",
        "symtrack.model.spec.random_specs.BankSpec",
        "symtrack.model.spec.random_specs.SourceSpec",
        "symtrack.model.spec.fixed.Format",
    ),
    *(
        "symtrack.model.devices.fitting.data.Recording",
        "symtrack.model.devices.fitting.guess.Guess",
        "symtrack.model.devices.fitting.models.Model",
    ),
    *(
        "symtrack.model.devices.fitting.models.Start",
        "symtrack.model.devices.fitting.fit.Fit",
        "symtrack.model.arithmetic.activations.Activation",
    ),
    *(
        "symtrack.model.tasks.evaluation.Evaluation",
        "symtrack.model.tile.interface.Calibration",
        "symtrack.model.tile.interface.PulseSlots",
    ),
    *(
        "symtrack.model.tile.interface.Transfer",
        "symtrack.model.tile.transfer._Beat",
        "symtrack.model.training.schedule.Schedule",
        "symtrack.model.study.figures.Results",
    ),
    *(
        "symtrack.model.tile.interface.UpdateVectors",
        "symtrack.model.tile.interface.UpdateBatch",
    ),
    "symtrack.model.tasks.data_sets.File",
    "symtrack.model.cache.Usage",
}


def records() -> dict[str, Any]:
    """Every dataclass of the model that can be made."""
    found = {}
    for module in pkgutil.walk_packages(symtrack.model.__path__, "symtrack.model."):
        for name, value in vars(importlib.import_module(module.name)).items():
            own = isinstance(value, type) and value.__module__ == module.name
            if own and is_dataclass(value) and not isabstract(value):
                found[f"{module.name}.{name}"] = value
    return found


RECORDS = records()


def test_the_exceptions_are_there() -> None:
    assert set(RECORDS) > BY_POSITION


@pytest.mark.parametrize("name", sorted(set(RECORDS) - CHANGED))
def test_it_cannot_be_changed(name: str) -> None:
    empty = object.__new__(RECORDS[name])
    with pytest.raises(FrozenInstanceError):
        empty.a_field = 1


@pytest.mark.parametrize("name", sorted(name for name in set(RECORDS) - BY_POSITION if fields(RECORDS[name])))
def test_it_is_made_with_names(name: str) -> None:
    cls = RECORDS[name]
    with pytest.raises(TypeError, match="takes 1 positional argument"):
        cls(*(1 for _ in fields(cls)))
