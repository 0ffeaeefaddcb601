# SPDX-License-Identifier: Apache-2.0
"""Sections of the document about experiments on small data (`model.study.small`): Markdown tables and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from statistics import mean, stdev
from typing import Any

from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.files import markdown
from symtrack.model.files import picture as picture_bytes
from symtrack.model.network.algorithms import ALGORITHMS
from symtrack.model.study import published
from symtrack.model.study import small as study
from symtrack.model.study.figures import NONE, Labels, Results, figure, percent, targets
from symtrack.model.tasks.regression import EPOCH

SPENT = {
    "steps": "steps",
    "paper_slots": "paper's slots",
    "update_slots": "update slots",
    "coincidences": "coincidences",
    "transfer_pulses": "pulses to W",
    "reads": "reads",
    "reference_pulses": "pulses to R",
    "calibration_slots": "calibration slots",
    "cycles": "cycles",
}
# aihwkit 1.1.0 on the CPU in the same set-up, by algorithm and the offsets (0, 0) (0, .1) (0, .25) (0, .5) (.4, .4)
AIHWKIT_2_SEEDS = {
    "analog-sgd": (0.173, 0.183, 0.218, 0.369, 0.412),
    "tt-v2": (0.064, 0.074, 0.159, 0.360, 0.412),
    "c-tt-v2": (0.205, 0.208, 0.204, 0.202, 0.203),
    "agad": (0.068, 0.069, 0.070, 0.070, 0.072),
}
AIHWKIT_3_SEEDS = {
    "analog-sgd": (0.184, 0.187, 0.219, 0.386, 0.411),
    "tt-v2": (0.058, 0.068, 0.152, 0.367, 0.408),
    "c-tt-v2": (0.055, 0.056, 0.057, 0.058, 0.059),
    "agad": (0.048, 0.049, 0.049, 0.048, 0.050),
}


def weight_programming(found: Results) -> str:
    """Root mean square errors, aihwkit's below those of the same algorithm."""
    offsets = study.PROGRAMMING_OFFSETS
    rows = []
    for algorithm in ALGORITHMS:
        errors = [figure(found.values("rms_error", algorithm=algorithm, mean=m, std=s)) for m, s in offsets]
        rows.append((algorithm, "this model", *errors))
        for text, reference in (("aihwkit, 2 seeds", AIHWKIT_2_SEEDS), ("aihwkit, 3 seeds", AIHWKIT_3_SEEDS)):
            if algorithm in reference:
                padded = [f"{value:.3f}" for value in reference[algorithm]]
                rows.append(("", text, *padded, *[NONE] * (len(offsets) - len(padded))))
    device, tiles = study.PROGRAMMING_DEVICES, study.PROGRAMMING_TILES
    direct = ", ".join(name for name, algorithm in ALGORITHMS.items() if algorithm.direct)
    points = study.PROGRAMMING_SCHEDULE.points
    schedule = ", ".join(f"learning rate times {factor} from update {epoch * EPOCH} on" for epoch, factor in points)
    return f"""\
A tile of 20 x 20 cells of {2 / device.dw_min:.0f} states learns a matrix: RMS(W − T) after {study.PROGRAMMING_STEPS} \
updates, by the reference offset (mean, spread) of P.

P: soft bounds with reference, {settings(differing(device))}, and the offset. W: the same without spread of the bounds \
and without offset; analog-sgd has no P, and its W is as P of the others. Tiles: {settings(tiles)}. fast_rate \
{study.PROGRAMMING_FAST_RATE}; buffered writes with {settings(study.PROGRAMMING_BUFFERED)}, direct ones ({direct}) \
with {settings(study.PROGRAMMING_DIRECT)}; {schedule}.

aihwkit 1.1.0 on the CPU in the same set-up: 2 seeds of a first trial, whose c-tt-v2 is untuned, and 3 seeds run again \
with PyTorch 2.10 (auto_scale, auto_granularity 200, desired_bl 31, regular flips with in_chop_prob 0.1, none for \
tt-v2). It has none of the other algorithms.

{markdown(("algorithm", "source", *(f"({m:g}, {s:g})" for m, s in offsets)), rows, left=2)}

![RMS error by offset](figures/results-weight-programming.png)"""


def offsets(found: Results) -> str:
    """A table per task and device."""
    parts = []
    for task, epochs in study.OFFSET_EPOCHS.items():
        for device, tiles in study.OFFSET_TILES.items():
            rows = []
            for algorithm in study.OFFSET_ALGORITHMS:
                for m in study.OFFSET_MEANS:
                    labels: Labels = {"task": task, "device": device, "algorithm": algorithm, "mean": m}
                    cells = [percent(found.values("accuracy", **labels, std=s)) for s in study.OFFSET_STDS]
                    rows.append((algorithm if m == study.OFFSET_MEANS[0] else "", f"{m:g}", *cells))
            heading = ("algorithm", "mean", *(f"spread {s:g}" for s in study.OFFSET_STDS))
            changed = (
                settings(study.OFFSET_NETWORKS[task] | tiles | study.OFFSET_RATES[task, device])
                or "network, tiles and rates as they are"
            )
            what = f"### {task}, {device}\n\n{epochs} epochs, {changed}."
            parts.append(f"{what}\n\n{markdown(heading, rows, left=2)}")
    return (
        "Test accuracy in % under reference offsets of P, rows by their mean and columns by their device-to-device "
        "spread, as in the tables of arXiv 2602.21321 (whose networks, data and epochs are others).\n\n"
        "All other rates are those of the algorithm, devices of W those of P without the offset.\n\n"
    ) + "\n\n".join(parts)


def slots(found: Results) -> str:
    """The paper's measure, then everything that was counted."""
    ways: dict[str, Labels] = {
        f"tt-v2 after {pulses}": {"algorithm": "tt-v2", "calibration": pulses} for pulses in study.SLOT_CALIBRATIONS
    }
    ways["e-rider"] = {"algorithm": "e-rider", "calibration": 0}
    measured, counted = targets(found, study.SLOT_STATES, ways, tuple(SPENT), published.SLOTS, ",.0f")
    m, s = study.SLOT_OFFSET
    return f"""\
What it costs until the digits have a test loss of {study.SLOT_TARGET}: TT-v2 after so many pulses of zero-shifting to \
every cell, and E-RIDER without any.

Soft bounds of {study.SLOT_RANGE}/states, offset {m} ± {s}, {settings(study.SLOT_TILES)}, evaluated every \
{study.SLOT_EVERY} steps, given up after {study.SLOT_EPOCHS} epochs. Where some seeds did not arrive, figures are of \
those that did.

The paper's measure, BL_max slots for every step and the calibration pulses. Its own figures are of LeNet-5 on MNIST \
to a training loss of 0.2 with batches of 64, and only their ratios can be compared:

{markdown(("states", "source", *ways), measured, left=2)}

Everything counted until then, summed over the tiles. Calibration slots are each a pulse to every cell of P in one \
cycle, and are part of the slots, coincidences and cycles:

{markdown(("states", "way", "reached", *SPENT.values()), counted, left=2)}"""


def widths(found: Results) -> str:
    """A table per parameter."""
    heading = ("accuracy %", "loss", "SP error, pulsed cells")
    parts = []
    for parameter in study.WIDTHS:
        rows = []
        for value in values_of(found, parameter):
            labels = {"parameter": parameter, "value": value}
            loss, error = (figure(found.values(key, **labels)) for key in ("loss", "sp_rmse_pulsed"))
            rows.append((value, percent(found.values("accuracy", **labels)), loss, error))
        parts.append(markdown((parameter, *heading), rows))
    m, s = study.DIGITS_OFFSET
    return (
        "How narrow the words of the tile may be, and how its filter and chopper are set best: digits with e-rider, "
        f"one parameter at a time.\n\n{study.DEFAULT_DEVICE}, offset {m} ± {s}, {study.DIGITS_EPOCHS} epochs, "
        "everything else as the task has it; only gain_bits is 16 where coarser codes need a larger gain, on which no "
        "result depends.\n\n![accuracy by parameter](figures/results-widths.png)\n\n"
    ) + "\n\n".join(parts)


def floating(found: Results) -> str:
    """Golden beside float."""
    rows = []
    for algorithm in study.FLOAT_ALGORITHMS:
        sides = [{"algorithm": algorithm, "arithmetic": arithmetic} for arithmetic in ("golden", "float")]
        accuracy = [percent(found.values("accuracy", **side)) for side in sides]
        rows.append((algorithm, *accuracy, *(figure(found.values("loss", **side)) for side in sides)))
    m, s = study.DIGITS_OFFSET
    heading = ("algorithm", "accuracy % golden", "float", "loss golden", "float")
    return f"""\
Whether integers cost anything: the golden model beside the same equations in floating point, with random numbers of \
its own (`tests/model/references/float_digits.py`).

Digits, {study.DEFAULT_DEVICE}, offset {m} ± {s}, {study.DIGITS_EPOCHS} epochs.

{markdown(heading, rows)}"""


def settings(values: Mapping[Any, Any]) -> str:
    """Names and values."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def differing(device: SoftBoundsReference) -> dict[str, Any]:
    """Parameters that are not the defaults of the family."""
    default = type(device)()
    values = {spec.name: getattr(device, spec.name) for spec in fields(device)}
    return {name: value for name, value in values.items() if value != getattr(default, name)}


def values_of(found: Results, parameter: str) -> list[str]:
    """Values of a parameter of the widths, in their order."""
    labels = [dict(case.labels) for case in found.cases]
    return list(dict.fromkeys(str(label["value"]) for label in labels if label["parameter"] == parameter))


def programming_picture(found: Results) -> bytes:
    """Errors over offsets, a line per algorithm."""
    from matplotlib.figure import Figure  # a second to import, and only pictures need it

    picture = Figure(figsize=(9, 4.2), layout="constrained")
    axes = picture.subplots()
    names = [f"{m:g} ± {s:g}" for m, s in study.PROGRAMMING_OFFSETS]
    for index, algorithm in enumerate(ALGORITHMS):
        errors = [found.values("rms_error", algorithm=algorithm, mean=m, std=s) for m, s in study.PROGRAMMING_OFFSETS]
        points = [(name, mean(some)) for name, some in zip(names, errors, strict=True) if some]
        if points:
            axes.plot(*zip(*points, strict=True), marker="os^v"[index % 4], label=algorithm)
    axes.set(xlabel="reference offset of P", ylabel="RMS(W − T)", yscale="log")
    axes.grid(alpha=0.3, which="both")
    if axes.lines:
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return picture_bytes(picture, dpi=110)


def widths_picture(found: Results) -> bytes:
    """Accuracy over the values, one field per parameter."""
    from matplotlib.figure import Figure

    picture = Figure(figsize=(10, 5.4), layout="constrained")
    fields = picture.subplots(2, -(-len(study.WIDTHS) // 2), sharey=True)
    for axes, parameter in zip(fields.flat, study.WIDTHS, strict=False):
        for index, value in enumerate(values_of(found, parameter)):
            shares = [100 * share for share in found.values("accuracy", parameter=parameter, value=value)]
            if shares:
                axes.errorbar(index, mean(shares), stdev(shares) if len(shares) > 1 else 0, fmt="o", color="tab:blue")
        names = values_of(found, parameter)
        axes.set_xticks(range(len(names)), [name.replace(", ", "\n") for name in names])
        axes.set(xlabel=parameter, xlim=(-0.5, max(len(names), 1) - 0.5))
        axes.grid(alpha=0.3)
    for axes in fields[:, 0]:
        axes.set_ylabel("test accuracy, %")
    return picture_bytes(picture, dpi=110)


SECTIONS: dict[str, tuple[str, Callable[[Results], str]]] = {
    "weight-programming": ("Weight programming", weight_programming),
    "offsets": ("Reference offsets", offsets),
    "slots": ("Pulse slots to a loss", slots),
    "widths": ("Word widths", widths),
    "float": ("Golden model and floating point", floating),
}
