# SPDX-License-Identifier: Apache-2.0
"""Questions at the size of arXiv 2602.21321 beside its two tables, all runs as cases.

figure-4     what it costs LeNet-5 to reach a training loss of 0.2, batch 64: zero-shifting and TT-v2, AGAD, E-RIDER
figure-5     accuracy against flip probability, eta and gamma
tracking     accuracy against the error of the symmetric points, all else equal
mnist-widths how narrow the words and how wide the ranges of the converters may be
"""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import product
from typing import Any

from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Algorithm, CustomAlgorithm
from symtrack.model.network.learning_tile import Programming
from symtrack.model.study.case import Case, labels
from symtrack.model.study.paper import (
    SEEDS,
    SLOT_RANGE,
    SLOTS,
    TUNING_OFFSET,
    WORKLOADS,
    Settings,
    Tuned,
    run_of,
)
from symtrack.model.training.reference_start import ReferenceStart
from symtrack.model.training.spec import TrainingSpec

# ---- figure 4 ------------------------------------------------------------------------------------------------------
SLOT_STATES, SLOT_OFFSET = (2000, 1000, 500), (0.3, 0.3)
SLOT_CALIBRATIONS = (4000, 6000, 8000)
SLOT_TARGET, SLOT_SEEN, SLOT_EVERY, SLOT_EPOCHS = 0.2, 1000, 25, 10
WAYS: dict[str, tuple[str, int, bool]] = {  # algorithm, pulses of zero-shifting, and whether R is a device
    **{f"tt-v2 after {pulses}": ("tt-v2", pulses, False) for pulses in SLOT_CALIBRATIONS},
    "agad": ("agad", 0, False),
    "e-rider": ("e-rider", 0, False),
    "e-rider, R of devices": ("e-rider", 0, True),
}
# ---- figure 5 ------------------------------------------------------------------------------------------------------
GRID_PERIODS, GRID_SHIFTS, GRID_GAMMAS, GRID_EPOCHS = (2, 5, 10, 20), (0, 2, 4), (0.01, 0.1, 0.5), 3
# ---- tracking ------------------------------------------------------------------------------------------------------
TRACKING_EPOCHS, TRACKING_NOISE, TRACKING_SHARES = 3, (0.05, 0.1, 0.2, 0.4), (0.0, 0.5, 1.0)
HELD = CustomAlgorithm(
    name="e-rider with Q held",
    version=1,
    **{
        spec.name: getattr(replace(ALGORITHMS["e-rider"], filter=False), spec.name)
        for spec in fields(Algorithm)
        if spec.name != "rates"
    },
)
# ---- widths --------------------------------------------------------------------------------------------------------
WIDTH_EPOCHS, WIDTH_SEEDS = 3, SEEDS[:2]
MNIST_WIDTHS: dict[str, tuple[dict[str, Any], ...]] = {
    "adc_bits": tuple({"adc_bits": bits} for bits in (5, 6, 7, 8, 9)),
    "adc_bits, reads within 2": tuple({"adc_bits": bits, "read_bound": 2.0} for bits in (4, 5, 6, 7, 9)),
    "output_bound": tuple({"output_bound": bound, "read_bound": 2.0} for bound in (3.0, 6.0, 12.0, 24.0)),
    "reference_fraction_bits": tuple(
        {"reference_fraction_bits": bits, "filter_shift": min(bits, 2)} for bits in (0, 2, 4, 6)
    ),
    "latch_shift": tuple({"latch_shift": shift} for shift in (0, 4, 6, 8)),
    "hidden_bits": tuple({"hidden_bits": bits} for bits in (18, 20, 24, 28, 40)),  # fewer have no gain
}
# --------------------------------------------------------------------------------------------------------------------


def figure_4(tuned: Tuned) -> list[Case]:
    """States, and the ways to the loss."""
    cases = []
    for states, (way, (algorithm, pulses, devices)), seed in product(SLOT_STATES, WAYS.items(), SEEDS):
        settings = tuned.get((SLOTS, algorithm))
        if settings is None:
            continue
        run = run_of(
            replace(WORKLOADS[SLOTS], device=SoftBoundsReference(dw_min=SLOT_RANGE / states)),
            algorithm,
            settings,
            SLOT_OFFSET,
            seed,
            calibration=pulses,
            programming=Programming() if devices else None,
            samples={"seen": SLOT_SEEN},
        )
        named = labels(workload=SLOTS, settings="tuned", states=states, algorithm=way, seed=seed)
        cases.append(
            Case(
                experiment="figure-4",
                labels=named,
                run=run,
                epochs=SLOT_EPOCHS,
                evaluate_every=SLOT_EVERY,
                target=SLOT_TARGET,
            )
        )
    return cases


def _mnist(tuned: Tuned, changed: Settings, seed: int, **others: Any) -> TrainingSpec:
    """E-RIDER on the perceptron with its tuned settings but for those that are changed."""
    return run_of(
        WORKLOADS["mnist"], "e-rider", {**tuned["mnist", "e-rider"], **changed}, TUNING_OFFSET, seed, **others
    )


def figure_5(tuned: Tuned) -> list[Case]:
    """The grid, one seed."""
    if ("mnist", "e-rider") not in tuned:
        return []
    cases = []
    for period, shift, gamma in product(GRID_PERIODS, GRID_SHIFTS, GRID_GAMMAS):
        changed = {"chopper_period": period, "filter_shift": shift, "gamma": gamma}
        named = labels(algorithm="e-rider", **changed, seed=SEEDS[0])
        run = _mnist(tuned, changed, SEEDS[0])
        cases.append(Case(experiment="figure-5", labels=named, run=run, epochs=GRID_EPOCHS))
    return cases


def tracking(tuned: Tuned) -> list[Case]:
    """Q held at a share of the symmetric points, at them with noise, and tracked."""
    if ("mnist", "e-rider") not in tuned:
        return []
    starts: dict[str, ReferenceStart | None] = {
        **{f"held at {share:g} of it": ReferenceStart(share=share) for share in TRACKING_SHARES},
        **{f"held with noise {noise:g}": ReferenceStart(noise=noise) for noise in TRACKING_NOISE},
        "tracked from zero": None,
        "tracked from it": ReferenceStart(),
    }
    cases = []
    for (name, start), seed in product(starts.items(), SEEDS):
        run = _mnist(tuned, {}, seed, reference_start=start)
        run = replace(run, algorithm=HELD) if name.startswith("held") else run
        named = labels(algorithm="e-rider", reference=name, seed=seed)
        cases.append(Case(experiment="tracking", labels=named, run=run, epochs=TRACKING_EPOCHS))
    return cases


def mnist_widths(tuned: Tuned) -> list[Case]:
    """One parameter of the tiles or of the converters at a time."""
    if ("mnist", "e-rider") not in tuned:
        return []
    cases = []
    for (parameter, values), seed in product(MNIST_WIDTHS.items(), WIDTH_SEEDS):
        for changed in values:
            analog = {name: value for name, value in changed.items() if name in ("output_bound", "read_bound")}
            run = _mnist(tuned, {}, seed, converters=Converters(**analog))
            tiles = {**run.tiles, **{name: value for name, value in changed.items() if name not in analog}}
            value = changed[parameter.split(",")[0]]
            named = labels(algorithm="e-rider", parameter=parameter, value=value, seed=seed)
            case = Case(experiment="mnist-widths", labels=named, run=replace(run, tiles=tiles), epochs=WIDTH_EPOCHS)
            cases.append(case)
    return cases


EXPERIMENTS = {"figure-4": figure_4, "figure-5": figure_5, "tracking": tracking, "mnist-widths": mnist_widths}
