#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Calibrate an array by zero-shifting: pulses against error for a sweep of dw_min, theory beside measurement."""

import argparse
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import log
from statistics import linear_regression
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from symtrack.model.analysis.zero_shifting import METHODS, SCOPES, Theory, ZeroShifting, calibrate, prepared, reached
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.presets import load_device
from symtrack.model.devices.pulsed import BOUND_MAX, Pulsed
from symtrack.model.devices.soft_bounds import SoftBounds
from symtrack.model.files import picture
from symtrack.scripts.common import (
    Parser,
    integer,
    name_or_toml,
    number,
    other,
    output_file,
    picture_file,
    picture_format,
    progress,
    run,
    write_bytes,
    write_report,
)

DEVICE = "soft-bounds"
UP_DOWN = 0.4
OWN = ("dw_min_std", "dw_min_dtod", "up_down", "up_down_dtod")  # options that are parameters of the device
SWEEP = (5e-3, 2e-3, 1e-3, 5e-4, 1e-4)
CURVE = 200  # points of a curve in report and picture, at most

EPILOG = """
Error: RMS over the cells of w - w*, relative to the RMS of the symmetric points
w*, w being the mid-point of an up and a down pulse (random signs: the weight
after two pulses). Keys of --json, lengths in pulses per cell:
pulses_measured     first length with an error within --relative-error, null if
                    it is never reached because the floor lies above it
pulses_systematic   the same for what the errors of the cells have in common
pulses_first_touch  the same for the weights after single pulses
floor               RMS error after pairs, over the last tenth of the pulses
pulses_exponent     k of pulses_measured ~ (1 / dw_min)^k
floor_exponent      k of floor ~ dw_min^k
The residual w - w* after the last pulse is the reference offset of an array that
takes its calibrated weights as zero. Hand it to training with
{train} --reference-mean=RESIDUAL_MEAN --reference-std=RESIDUAL_STD
where the figures are residual_mean and residual_std of an entry of "results".
"""


@dataclass(frozen=True, kw_only=True)
class CalibrationJob:
    """An array to calibrate, with what theory predicts for it."""

    dw_min: float
    array: DeviceArray
    theory: Theory
    pulses: int


def parser() -> Parser:
    """The parser of the command line."""
    result = Parser(__doc__ or "", EPILOG.format(train=other("train")))
    add = result.add_argument
    add("--rows", type=integer(1, 1024), default=16, help="rows of the array")
    add("--columns", type=integer(1, 1024), default=16, help="columns of the array")
    add(
        "--device",
        type=name_or_toml,
        metavar="NAME_OR_TOML",
        help=f"a preset or a device's file; without it soft bounds of +-1 with up_down {UP_DOWN}",
    )
    add("--dw-min", type=number(1e-6, 1), nargs="+", metavar="STEP", help="step sizes, one run each")
    add("--relative-error", type=number(1e-6, 1), default=0.01, help="error to be reached, relative to w*")
    add("--method", choices=METHODS, default="cyclic", help="alternating pulses or random signs")
    add("--signs", choices=SCOPES, default="cell", help="one random sign for every cell or for the array of a pulse")
    add("--up-down", type=number(-0.99, 0.99), help="asymmetry; 0.4 is a down step of 0.6 up steps")
    add("--tau", type=number(1e-3, BOUND_MAX), help="bounds, -tau and tau")
    add("--start", type=number(-2, 2), default=-0.5, help="weight of all cells before calibration")
    add("--pulses", type=integer(2, 10**9), help="per cell, even; without it, until the floor is reached")
    add("--dw-min-std", type=number(0, 100), help="cycle-to-cycle noise, relative to dw_min")
    add("--dw-min-dtod", type=number(0, 10), help="device-to-device spread of the step, relative")
    add("--up-down-dtod", type=number(0, 10), help="device-to-device spread of the asymmetry")
    add("--tau-dtod", type=number(0, 10), help="device-to-device spread of the bounds, relative")
    add("--seed", type=integer(0, 2**32 - 1), default=1, help="seed of devices, write noise and random signs")
    add("--json", type=output_file, metavar="FILE", help="write the results to this file")
    text = "write a picture of error over pulses to this file (PNG, PDF, SVG)"
    add("--plot", type=picture_file, metavar="FILE", help=text)
    add(
        "--offsets",
        type=output_file,
        metavar="FILE",
        help="write dw_min[n] and the residuals[n, R, C] to this file (npz)",
    )
    return result


def device_of(options: argparse.Namespace) -> Pulsed:
    """The device to calibrate: that of --device or a plain one, changed as the other options say."""
    plain = SoftBounds(
        up_down=UP_DOWN,
        w_max=1.0,
        w_min=-1.0,
        mult_noise=False,
        dw_min_std=0.0,
        dw_min_dtod=0.0,
        up_down_dtod=0.0,
        w_max_dtod=0.0,
        w_min_dtod=0.0,
    )
    given: dict[str, Any] = {name: getattr(options, name) for name in OWN if getattr(options, name) is not None}
    if options.tau is not None:
        given |= {"w_max": options.tau, "w_min": -options.tau}
    if options.tau_dtod is not None:
        given |= {"w_max_dtod": options.tau_dtod, "w_min_dtod": options.tau_dtod}
    return replace(load_device(options.device) if options.device else plain, **given)


def jobs(options: argparse.Namespace, base: Pulsed) -> Iterator[CalibrationJob]:
    """The calibrations to do, one per step size. Raises ValueError for settings without a calibration."""
    if options.pulses is not None and options.pulses % 2:
        raise ValueError(f"pulses = {options.pulses}: must be even, pulses go in pairs")
    for dw_min in options.dw_min or (SWEEP if options.device is None else [base.dw_min]):
        array, theory = prepared(
            replace(base, dw_min=dw_min),
            rows=options.rows,
            columns=options.columns,
            start=options.start,
            relative_error=options.relative_error,
            seed=options.seed,
        )
        yield CalibrationJob(
            dw_min=dw_min, array=array, theory=theory, pulses=options.pulses or theory.long(options.relative_error)
        )


def entry(options: argparse.Namespace, job: CalibrationJob, course: ZeroShifting) -> dict[str, Any]:
    """An entry of ``results``; lengths are in pulses per cell, errors in weights unless called relative."""
    theory = job.theory
    limit = options.relative_error * theory.scale
    pairs, systematic = reached(course.rms, limit), reached(course.systematic, limit)
    measured = None if pairs is None else 2 * pairs
    expected = theory.pulses(options.relative_error)
    points = np.unique(np.geomspace(1, course.rms.size - 1, CURVE).astype(int))
    rms = float(np.sqrt(np.mean(course.residual**2)))
    return {
        "device": options.device or DEVICE,
        "dw_min": job.dw_min,
        "relative_error": options.relative_error,
        "pulses_measured": measured,
        "pulses_theory": expected,
        "ratio": measured / expected if measured is not None and expected else None,
        "pulses_systematic": None if systematic is None else 2 * systematic,
        "pulses_first_touch": reached(course.touch, limit),
        "pulses_total": None if measured is None else measured * options.rows * options.columns,
        "pulses": job.pulses,
        "residual_rms": rms,
        "residual_relative": rms / theory.scale,
        "residual_mean": float(np.mean(course.residual)),
        "residual_std": float(np.std(course.residual)),
        "floor": course.floor,
        "floor_theory": theory.floor(options.method),
        "symmetric_point_rms": theory.scale,
        "curve_pulses": (2 * points).tolist(),
        "curve_relative_error": (course.rms[points] / theory.scale).tolist(),
    }


def exponent(results: Sequence[dict[str, Any]], key: str) -> float | None:
    """k of ``key`` ~ dw_min^k, or of ~ (1 / dw_min)^k for pulses; None with less than two different points."""
    points = [(log(one["dw_min"]), log(one[key])) for one in results if one[key]]
    if len({x for x, _ in points}) < 2:
        return None
    slope = linear_regression(*zip(*points, strict=True)).slope
    return -slope if key.startswith("pulses") else slope


def table(results: Sequence[dict[str, Any]]) -> Table:
    """A table of the results, one line per step size."""
    result = Table(box=None)
    for heading in ("dw_min", "pulses", "theory", "ratio", "all cells", "left", "floor", "theory"):
        result.add_column(heading, justify="right")
    for one in results:
        measured = one["pulses_measured"]
        result.add_row(
            f"{one['dw_min']:g}",
            "never" if measured is None else f"{measured:,}",
            f"{one['pulses_theory']:,.0f}",
            "-" if one["ratio"] is None else f"{one['ratio']:.4f}",
            "-" if measured is None else f"{one['pulses_total']:,}",
            *(f"{one[key]:.2e}" for key in ("residual_rms", "floor", "floor_theory")),
        )
    return result


def plot(results: Sequence[dict[str, Any]], title: str, *, form: str = "png") -> bytes:
    """A picture of the error over pulses: measured, theory and floor of every step size."""
    from matplotlib.figure import Figure  # a second to import, and only pictures need it

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for index, one in enumerate(results):
        color = f"C{index % 10}"
        pulses = one["curve_pulses"]
        axes.loglog(pulses, one["curve_relative_error"], color=color, label=f"dw_min {one['dw_min']:g}")
        axes.plot(pulses[-1], one["floor"] / one["symmetric_point_rms"], "<", color=color)
        axes.axhline(one["floor_theory"] / one["symmetric_point_rms"], color=color, lw=0.8, ls=":")
        axes.axvline(max(one["pulses_theory"], 1), color=color, lw=0.8, ls="--")
        if one["pulses_measured"]:
            axes.plot(one["pulses_measured"], one["relative_error"], "o", color=color)
    axes.axhline(results[0]["relative_error"], color="0.6", lw=0.8)
    for style, text in (("--", "pulses, theory"), (":", "floor after a pair, theory")):
        axes.plot([], [], style, color="0.4", lw=0.8, label=text)
    axes.plot([], [], "<", color="0.4", label="floor after a pair")
    axes.set(title=title, xlabel="pulses per cell", ylabel="RMS error / RMS symmetric point")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")
    return picture(figure, dpi=120, form=form)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line."""
    command = parser()
    options = command.parse_args(argv)
    with command.checks():
        device = device_of(options)
        work = list(jobs(options, device))
    results, residuals = [], []
    with progress("calibration", sum(job.pulses for job in work)) as advance:
        for job in work:
            course = calibrate(
                job.array,
                method=options.method,
                scope=options.signs,
                pulses=job.pulses,
                seed=options.seed,
                advance=advance,
            )
            results.append(entry(options, job, course))
            residuals.append(course.residual)
    outputs = ("json", "plot", "offsets")
    report = {key: value for key, value in vars(options).items() if key not in (*outputs, "dw_min", "pulses")}
    report |= {"device": options.device or DEVICE, "tau": device.w_max, "tau_dtod": device.w_max_dtod}
    report |= {name: getattr(device, name) for name in OWN}
    for key, source in (("pulses", "pulses_measured"), ("systematic", "pulses_systematic"), ("floor", "floor")):
        report[f"{key}_exponent"] = exponent(results, source)
    report["results"] = results
    size = f"{options.rows}x{options.columns}"
    title = f"{report['device']}, {options.method}, {size}, cycle-to-cycle {device.dw_min_std:g}"
    try:
        if options.json:
            write_report(options.json, report)
        if options.plot:
            write_bytes(options.plot, plot(results, title, form=picture_format(options.plot)))
        if options.offsets:
            file = io.BytesIO()
            np.savez(file, dw_min=np.array([job.dw_min for job in work]), residuals=np.stack(residuals))
            write_bytes(options.offsets, file.getvalue())
    finally:  # what cannot be written is shown
        Console().print(table(results))
        for key, base in (("pulses", "(1 / dw_min)"), ("floor", "dw_min")):
            if report[f"{key}_exponent"] is not None:
                print(f"{key} ~ {base}^{report[f'{key}_exponent']:.3f}")
    return 0


if __name__ == "__main__":
    run(main)
