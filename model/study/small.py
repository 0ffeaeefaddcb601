# SPDX-License-Identifier: Apache-2.0
"""Experiments on small data, digits and MNIST-1D, and on weight programming: all their runs as cases.

weight-programming   20 x 20 cells of 20 states learn a matrix, all algorithms under reference offsets
offsets              digits and MNIST-1D under the offsets of arXiv 2602.21321, three devices
slots                pulses until the digits are learned, zero-shifting and TT-v2 against E-RIDER
widths               digits with E-RIDER, one word width or setting of the tile at a time
float                digits, the golden model beside the same equations in floating point
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

from symtrack.model.devices.presets import PRESETS
from symtrack.model.devices.pulsed import with_reference_offset
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.network.algorithms import ALGORITHMS, Rates, without_effect
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.settings import Target
from symtrack.model.study.case import FLOAT, GOLDEN, Case, labels
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec

SEEDS = (1, 2, 3)
DEFAULT_DEVICE = "1200 states"

# ---- weight-programming: the set-up of the reference figures -------------------------------------------------------
PROGRAMMING_STEPS = 6000
PROGRAMMING_EVERY = 500
PROGRAMMING_OFFSETS = ((0.0, 0.0), (0.0, 0.1), (0.0, 0.25), (0.0, 0.5), (0.4, 0.4), (0.2, 0.2))
PROGRAMMING_DEVICES = SoftBoundsReference(
    dw_min=0.1,
    w_max=1.0,
    w_min=-1.0,
    dw_min_dtod=0.3,
    dw_min_dtod_log_normal=True,
    up_down_dtod=0.1,
    w_max_dtod=0.3,
    w_min_dtod=0.3,
    dw_min_std=0.3,
)
PROGRAMMING_SLOW_DEVICES = replace(PROGRAMMING_DEVICES, w_max_dtod=0.0, w_min_dtod=0.0)
PROGRAMMING_TILES = {"chopper_period": 10, "filter_shift": 1, "threshold_shift": 35, "hidden_bits": 40}
PROGRAMMING_SCHEDULE = Schedule(((3, 0.2),))
PROGRAMMING_FAST_RATE = 0.1  # of all algorithms
PROGRAMMING_BUFFERED = {"learning_rate": 0.1, "granularity": 200.0}
PROGRAMMING_DIRECT = {"learning_rate": 0.05}

# ---- offsets -------------------------------------------------------------------------------------------------------
OFFSET_EPOCHS = {"digits": 12, "mnist1d": 5}
OFFSET_NETWORKS: dict[str, dict[str, Any]] = {"digits": {}, "mnist1d": {"hidden": (64,), "activation": "relu"}}
OFFSET_TILES = {
    "reram-array-hfo2": {"threshold_shift": 20, "hidden_bits": 28},
    "reram-array-om": {"threshold_shift": 18, "hidden_bits": 26},
    DEFAULT_DEVICE: {},
}
# Steps of few states are large: gamma as in the released script of the paper, and a slower output scale.
FEW_STATES = {"scale_rate": 0.001, "gamma": 0.01}
OFFSET_RATES: dict[tuple[str, str], dict[str, float]] = {
    (task, device): FEW_STATES for task in OFFSET_EPOCHS for device in ("reram-array-hfo2", "reram-array-om")
}
OFFSET_RATES |= {("digits", DEFAULT_DEVICE): {}, ("mnist1d", DEFAULT_DEVICE): {"fast_rate": 1.0}}
OFFSET_MEANS, OFFSET_STDS = (0.0, 0.2, 0.3, 0.4), (0.05, 0.4, 1.0)
OFFSET_ALGORITHMS = ("tt-v2", "agad", "e-rider-a", "e-rider-b", "e-rider")

# ---- slots ---------------------------------------------------------------------------------------------------------
SLOT_RANGE, SLOT_STATES = 1.2, (2000, 1000, 500)  # weight from bound to bound, and steps of that
SLOT_OFFSET = (0.3, 0.3)
SLOT_CALIBRATIONS = (4000, 6000, 8000)
SLOT_TILES = {"bl_max": 5, "gain_bits": 16}  # the gain of 2000 states needs 13 bits
SLOT_TARGET, SLOT_EPOCHS, SLOT_EVERY = 0.3, 20, 200

# ---- widths and float ----------------------------------------------------------------------------------------------
DIGITS_OFFSET, DIGITS_EPOCHS = (0.3, 0.1), 12
DIGITS_TILE = TileConfig()  # what the tiles of digits have in all that is varied: one run for all that are like it
FLOAT_ALGORITHMS = ("e-rider", "agad", "tt-v2")
WIDE_GAIN = {"gain_bits": 16}  # coarser codes need a larger gain for the same learning rate; no result depends on it
WIDTHS: dict[str, tuple[dict[str, int], ...]] = {
    "adc_bits": (*({"adc_bits": bits} | WIDE_GAIN for bits in (5, 6, 7, 8)), {"adc_bits": 9}),
    "reference_fraction_bits": (
        *({"reference_fraction_bits": bits} | WIDE_GAIN for bits in (2, 3, 4)),
        {"reference_fraction_bits": 6},
    ),
    "latch_shift": tuple({"latch_shift": shift} for shift in (0, 4, 6, 7, 8)),
    "threshold_shift, hidden_bits": tuple(
        {"threshold_shift": shift, "hidden_bits": shift + extra}
        for shift, extra in ((6, 4), (8, 4), (10, 4), (12, 4), (16, 8))
    ),
    "filter_shift": tuple({"filter_shift": shift, "reference_fraction_bits": 6} for shift in range(7)),
    "chopper_period": tuple({"chopper_period": period} for period in (1, 2, 5, 10, 20, 50, 100)),
}


def _rates(algorithm: str, **given: float) -> tuple[Rates, Rates]:
    """Those of the algorithm with what of ``given`` has an effect on it, and with all, as the keys have them."""
    found = ALGORITHMS[algorithm]
    used = {name: value for name, value in given.items() if name not in without_effect(found)}
    return Rates.of(algorithm, **used), Rates(**{**found.rates, **given})  # type: ignore[arg-type]


def weight_programming() -> list[Case]:
    """All algorithms and offsets."""
    cases = []
    for algorithm, (mean, std), seed in product(ALGORITHMS, PROGRAMMING_OFFSETS, SEEDS):
        given = PROGRAMMING_DIRECT if ALGORITHMS[algorithm].direct else PROGRAMMING_BUFFERED
        rates, recorded = _rates(algorithm, fast_rate=PROGRAMMING_FAST_RATE, **given)
        no_p = ALGORITHMS[algorithm].target == Target.SLOW
        run = TrainingSpec(
            task="weight-programming",
            algorithm=algorithm,
            tiles=PROGRAMMING_TILES,
            devices=with_reference_offset(PROGRAMMING_DEVICES, mean=mean, std=std),
            slow_devices=None if no_p else PROGRAMMING_SLOW_DEVICES,
            rates=rates,
            schedule=PROGRAMMING_SCHEDULE,
            seed=seed,
            tile_seed=seed,
        )
        named = labels(algorithm=algorithm, mean=mean, std=std, seed=seed)
        every = PROGRAMMING_EVERY
        cases.append(
            Case(
                experiment="weight-programming",
                labels=named,
                run=run,
                steps=PROGRAMMING_STEPS,
                evaluate_every=every,
                recorded={"rates": recorded, "slow_devices": PROGRAMMING_SLOW_DEVICES},
            )
        )
    return cases


def offsets() -> list[Case]:
    """Tasks, devices, offsets and algorithms."""
    cases = []
    everything = product(OFFSET_EPOCHS, OFFSET_TILES, OFFSET_MEANS, OFFSET_STDS, OFFSET_ALGORITHMS, SEEDS)
    for task, device, mean, std, algorithm, seed in everything:
        rates, recorded = _rates(algorithm, **OFFSET_RATES[task, device])
        run = TrainingSpec(
            task=task,
            algorithm=algorithm,
            network=OFFSET_NETWORKS[task],
            tiles=OFFSET_TILES[device],
            devices=PRESETS.get(device),
            reference_mean=mean,
            reference_std=std,
            rates=rates,
            seed=seed,
            tile_seed=seed,
        )
        named = labels(task=task, device=device, mean=mean, std=std, algorithm=algorithm, seed=seed)
        epochs = OFFSET_EPOCHS[task]
        case = Case(experiment="offsets", labels=named, run=run, epochs=epochs, recorded={"rates": recorded})
        cases.append(case)
    return cases


def slots() -> list[Case]:
    """States, and the ways to a reference."""
    cases = []
    mean, std = SLOT_OFFSET
    ways = [("tt-v2", pulses) for pulses in SLOT_CALIBRATIONS] + [("e-rider", 0)]
    for states, (algorithm, calibration), seed in product(SLOT_STATES, ways, SEEDS):
        device = SoftBoundsReference(dw_min=SLOT_RANGE / states, reference_mean=mean, reference_std=std)
        run = TrainingSpec(
            algorithm=algorithm, calibration=calibration, tiles=SLOT_TILES, devices=device, seed=seed, tile_seed=seed
        )
        named = labels(states=states, algorithm=algorithm, calibration=calibration, seed=seed)
        cases.append(
            Case(
                experiment="slots",
                labels=named,
                run=run,
                epochs=SLOT_EPOCHS,
                evaluate_every=SLOT_EVERY,
                target=SLOT_TARGET,
            )
        )
    return cases


def widths() -> list[Case]:
    """One parameter of the tile at a time."""
    cases = []
    mean, std = DIGITS_OFFSET
    for parameter, seed in product(WIDTHS, SEEDS):
        for tiles in WIDTHS[parameter]:
            changed = {name: value for name, value in tiles.items() if value != getattr(DIGITS_TILE, name)}
            run = TrainingSpec(tiles=changed, reference_mean=mean, reference_std=std, seed=seed, tile_seed=seed)
            value = ", ".join(str(tiles[name]) for name in parameter.split(", "))
            named = labels(parameter=parameter, value=value, seed=seed)
            cases.append(Case(experiment="widths", labels=named, run=run, epochs=DIGITS_EPOCHS))
    return cases


def floating() -> list[Case]:
    """Golden model and floating point."""
    cases = []
    mean, std = DIGITS_OFFSET
    for algorithm, is_float, seed in product(FLOAT_ALGORITHMS, (False, True), SEEDS):
        run = TrainingSpec(algorithm=algorithm, reference_mean=mean, reference_std=std, seed=seed, tile_seed=seed)
        named = labels(algorithm=algorithm, arithmetic="float" if is_float else "golden", seed=seed)
        cases.append(
            Case(experiment="float", labels=named, run=run, epochs=DIGITS_EPOCHS, kind=FLOAT if is_float else GOLDEN)
        )
    return cases


EXPERIMENTS: dict[str, Callable[[], list[Case]]] = {
    "weight-programming": weight_programming,
    "offsets": offsets,
    "slots": slots,
    "widths": widths,
    "float": floating,
}
