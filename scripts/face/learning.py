# SPDX-License-Identifier: Apache-2.0
"""Training on analog tiles: on the golden model alone, or twice, golden and with RTL in the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from symtrack.cosim.compare.training import compare
from symtrack.cosim.engine.lockstep import Difference
from symtrack.cosim.engine.registry import ENGINES
from symtrack.cosim.report.comparison_page import page
from symtrack.hardware import choice
from symtrack.model.arithmetic.formats import WEIGHT_ONE
from symtrack.model.devices.sharing import THREADS_MAX
from symtrack.model.network.crossbar import Crossbar
from symtrack.model.spec.config import TileConfig
from symtrack.model.spec.fixed import Int
from symtrack.model.spec.validated import check
from symtrack.model.training.history import tiles_of
from symtrack.model.training.history import train as train_with_history
from symtrack.model.training.metrics import words
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Metrics, Trainer

STEPS_MAX = 10**9

Real = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Course:
    """Quality and tracking error on the way, n samples; NaN is what the task does not have.

    Attributes
    ----------
    steps : int64[n]
        Training steps before the sample.
    accuracy, loss, rms_error : float64[n]
        Share of right answers on the test set; mean cross-entropy there, or half the mean squared error of a
        regression; root mean square error of W, a weight.
    sp_rmse, sp_rmse_pulsed : float64[n]
        Root mean square error of the tracked symmetric points, a weight; the same over cells that were pulsed. Cells
        without a symmetric point are left out, and it is NaN where no cell has one.
    pulsed : float64[n]
        Share of the cells of P that were pulsed so far.
    """

    steps: NDArray[np.int64]
    accuracy: Real
    loss: Real
    rms_error: Real
    sp_rmse: Real
    sp_rmse_pulsed: Real
    pulsed: Real


@dataclass(frozen=True, kw_only=True, eq=False)
class TileArrays:
    """Copies of the arrays of a tile with R rows and C columns, as words and as float64 in natural units.

    Attributes
    ----------
    config : TileConfig
        The tile.
    fast_words, slow_words, reference_words : int64[R, C]
        P, W and R, visible weights with 30 fractional bits.
    symmetric_point_words : int64[R, C]
        True symmetric points of the cells of P, with 30 fractional bits.
    tracked_words, latched_words : int64[R, C]
        Q and Qref, with ``config.reference_fraction_bits`` below the LSB of the ADC.
    hidden_words : int64[R, C]
        H, of which ``2**config.threshold_shift`` are one write threshold.
    chopper : int64[C]
        Choppers c of the columns, +1 or -1.
    fast_pulses, slow_pulses : int64[R, C]
        Pulses that each cell of P and W got.
    lsb : float
        Weight of one LSB of the ADC.
    """

    config: TileConfig
    fast_words: Int
    slow_words: Int
    reference_words: Int
    symmetric_point_words: Int
    tracked_words: Int
    latched_words: Int
    hidden_words: Int
    chopper: Int
    fast_pulses: Int
    slow_pulses: Int
    lsb: float

    @property
    def fast(self) -> Real:
        """P as weights, float64[R, C]."""
        return self.fast_words / WEIGHT_ONE

    @property
    def slow(self) -> Real:
        """W as weights, float64[R, C]."""
        return self.slow_words / WEIGHT_ONE

    @property
    def reference(self) -> Real:
        """R as weights, float64[R, C]."""
        return self.reference_words / WEIGHT_ONE

    @property
    def symmetric_point(self) -> Real:
        """True symmetric points of P as weights, float64[R, C]."""
        return self.symmetric_point_words / WEIGHT_ONE

    @property
    def tracked(self) -> Real:
        """Q as weights, float64[R, C]: what was tracked of `symmetric_point`."""
        return np.multiply(self.tracked_words, self._reference_unit, dtype=np.float64)

    @property
    def latched(self) -> Real:
        """Qref as weights, float64[R, C]."""
        return np.multiply(self.latched_words, self._reference_unit, dtype=np.float64)

    @property
    def _reference_unit(self) -> float:
        return self.lsb / (1 << self.config.reference_fraction_bits)

    @property
    def hidden(self) -> Real:
        """H in write thresholds, float64[R, C]."""
        return self.hidden_words / (1 << self.config.threshold_shift)


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingResult:
    """What a training came to.

    Attributes
    ----------
    spec : TrainingSpec
        What was trained.
    steps : int
        Training steps, one batch each.
    metrics : Metrics
        ``accuracy``, ``loss``, ``rms_error``, ``sp_rmse``, ``sp_rmse_pulsed``, ``counts`` of what hardware pays for,
        and ``state_sha256``, the digest of the final state; docs/training.md has the formulas.
    course : Course
        Samples on the way.
    tiles : mapping of str to TileArrays
        The arrays of every tile at the end, by name.
    """

    spec: TrainingSpec
    steps: int
    metrics: Metrics
    course: Course
    tiles: Mapping[str, TileArrays]


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """A training made twice, golden and with RTL in the loop.

    Attributes
    ----------
    spec : TrainingSpec
        What was trained.
    engine : str
        What played the RTL.
    steps : int
        Training steps, one batch each.
    golden : Metrics
        Quality, counts and digest of the golden run.
    rtl : Metrics or None
        The same of the run with RTL; None if a difference stopped it.
    golden_course, rtl_course : Course
        Samples of both on the way.
    agree : bool
        Something was compared, nothing differed, and metrics, samples and final states are equal.
    cycles, compared_cycles, states_compared, mismatches, first_mismatch
        As of `CosimResult`.
    golden_seconds, rtl_seconds : float
        Processor time of either run, without builds, samples and the metrics at its end.
    report : dict
        The same as plain data, with the keys of ``compare-metrics --json``.
    """

    spec: TrainingSpec
    engine: str
    steps: int
    golden: Metrics
    rtl: Metrics | None
    golden_course: Course
    rtl_course: Course
    agree: bool
    cycles: int
    compared_cycles: int
    states_compared: int
    mismatches: int
    first_mismatch: Difference | None
    golden_seconds: float
    rtl_seconds: float
    report: Mapping[str, Any] = field(repr=False)

    def page(self) -> str:
        """An HTML page that shows both side by side. Raises ValueError if no samples were taken."""
        if self.report["history"] is None:
            raise ValueError("samples = 0: must be at least 1 for a page")
        return page(dict(self.report))


def train(
    spec: TrainingSpec,
    *,
    steps: int | None = None,
    epochs: int | None = None,
    samples: int = 10,
    threads: int = 1,
    progress: Callable[[int], None] = lambda steps: None,
) -> TrainingResult:
    """Train on the golden model. The same spec gives the same state, to the bit, on every machine.

    With g the gradient at the forward weight and F, G the symmetric and the asymmetric part of the cells' steps::

        P <- P - alpha * c * g o F(P) - alpha * |g| o G(P)
        Q <- (1 - eta) * Q + eta * P
        W <- W + beta * c * (P - Q) o F(W) - beta * |P - Q| o G(W)

    Source: arXiv 2602.21321, and docs/training.md for what other algorithms make of it.

    Parameters
    ----------
    spec : TrainingSpec
        What is trained how and on what.
    steps, epochs : int
        How long, in batches or in passes over the training samples; exactly one of them.
    samples : int
        About so many evaluations on the way; 0 leaves `TrainingResult.course` empty.
    threads : int
        Threads of an update, at most what numba offers on the machine; no result depends on it.
    progress
        Told after every step how many there were.

    Returns
    -------
    TrainingResult
        Metrics, the course, and the arrays of all tiles.

    Raises
    ------
    TypeError, ValueError
        The spec cannot be trained, or an argument is not allowed; the message says what is.

    Examples
    --------
    >>> spec = symtrack.TrainingSpec(task="digits", algorithm="e-rider")
    >>> result = symtrack.train(spec, epochs=1)
    >>> result.metrics.accuracy, result.tiles["layer0"].slow.shape
    """
    samples = check("samples", samples, 0, STEPS_MAX)
    threads = check("threads", threads, 1, THREADS_MAX)
    if (steps is None) == (epochs is None):
        raise ValueError(f"steps = {steps}, epochs = {epochs}: exactly one of them must be given")
    if steps is None:
        epochs = check("epochs", epochs, 1, STEPS_MAX)
    else:
        steps = check("steps", steps, 1, STEPS_MAX)
    trainer = Trainer(spec, threads=threads)
    if steps is None:
        assert epochs is not None
        steps = epochs * trainer.steps_per_epoch
        steps = check("steps", steps, 1, STEPS_MAX)
    history = train_with_history(trainer, steps, samples=samples, progress=progress)
    return TrainingResult(
        spec=spec,
        steps=steps,
        metrics=trainer.metrics(),
        course=_course(history["samples"] if history else []),
        tiles={name: _arrays(tile) for name, tile in tiles_of(trainer).items()},
    )


def compare_metrics(
    spec: TrainingSpec,
    *,
    engine: str = "cocotb",
    steps: int,
    samples: int = 10,
    record: bool = True,
    progress: Callable[[str, int, int], None] = lambda part, done, total: None,
) -> Comparison:
    """Train twice, on the golden model and with RTL in the loop, and compare all that can be compared.

    In RTL are the layer of ``spec.config`` (the first without it) with the cocotb engine, and all tiles with the native
    one. Every output port is compared in every cycle, and all states, samples and metrics.

    Parameters
    ----------
    spec : TrainingSpec
        What is trained how and on what.
    engine : str
        ``cocotb``, the simulator as a process of its own, or ``native``, the RTL as a library in this process.
    steps : int
        Training steps, one batch each.
    samples : int
        About so many evaluations of both runs on the way.
    record : bool
        False, with the native engine: only results are compared, not every cycle, which is faster.
    progress
        Told the part of the work, how much of it is done, and how much it is.

    Returns
    -------
    Comparison
        Both sides, and whether they agree.

    Raises
    ------
    TypeError, ValueError
        The spec cannot be trained, or an argument is not allowed.
    ToolError
        A program is missing, or the simulator cannot be built.

    Examples
    --------
    >>> spec = symtrack.TrainingSpec(algorithm="e-rider", reference_mean=0.3, reference_std=0.1)
    >>> comparison = symtrack.compare_metrics(spec, engine="native", steps=200)
    >>> comparison.agree, comparison.golden.state_sha256 == comparison.rtl.state_sha256
    (True, True)
    """
    choice("engine", engine, ENGINES)
    steps = check("steps", steps, 1, STEPS_MAX)
    samples = check("samples", samples, 0, STEPS_MAX)
    if not record and engine != "native":
        raise ValueError(f"engine = {engine!r}: must be 'native' with record = False")

    @contextmanager
    def bar(part: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: progress(part, done, total)

    report = compare(spec, engine=engine, steps=steps, samples=samples, record=record, bar=bar)
    history = report["history"] or {}
    courses = [_course((history.get(side) or {}).get("samples", [])) for side in ("golden", "rtl")]
    return Comparison(
        spec=spec,
        engine=engine,
        steps=steps,
        golden=Metrics(**report["golden"], seed=spec.seed),
        rtl=None if report["rtl"] is None else Metrics(**report["rtl"], seed=spec.seed),
        golden_course=courses[0],
        rtl_course=courses[1],
        agree=report["agree"],
        cycles=report["cycles"],
        compared_cycles=report["compared_cycles"],
        states_compared=report["states_compared"],
        mismatches=report["mismatches"],
        first_mismatch=None if report["first_mismatch"] is None else Difference(**report["first_mismatch"]),
        golden_seconds=report["golden_s"],
        rtl_seconds=report["rtl_s"],
        report=report,
    )


def _course(samples: Sequence[Mapping[str, Any]]) -> Course:
    def column(name: str) -> Real:
        values = (sample.get(name) for sample in samples)
        return np.array([np.nan if value is None else value for value in values], np.float64)

    names = ("accuracy", "loss", "rms_error", "sp_rmse", "sp_rmse_pulsed", "pulsed")
    steps = np.array([sample["step"] for sample in samples], np.int64)
    return Course(steps=steps, **{name: column(name) for name in names})


def _arrays(tile: Crossbar) -> TileArrays:
    state = tile.periphery.state_arrays()
    return TileArrays(
        config=tile.config,
        fast_words=np.array(tile.fast.weights),
        slow_words=np.array(tile.slow.weights),
        reference_words=np.array(tile.reference),
        symmetric_point_words=tile.fast.symmetric_point(),
        tracked_words=words(tile, "q").T,
        latched_words=words(tile, "qref").T,
        hidden_words=state["hidden"].T,
        chopper=np.array(tile.periphery.chopper),
        fast_pulses=tile.fast.pulse_numbers,
        slow_pulses=tile.slow.pulse_numbers,
        lsb=tile.converters.read_lsb / WEIGHT_ONE,
    )
