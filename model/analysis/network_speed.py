# SPDX-License-Identifier: Apache-2.0
"""Speed of whole trainings: the networks of the paper with images, and the same beside aihwkit, turn by turn.

    ms per sample = processor time of the steps of a turn / samples in them
    Python share  = (time of the steps - time inside compiled calls) / time of the steps, the second time that of a twin
                    which makes the same steps under a profiler, as that takes time between the calls

A turn trains every network for so many steps, ours and then theirs, so that what else the machine does meets both. The
ratio is that of a turn, theirs / ours, of which the median counts. aihwkit has no E-RIDER: ours is held against its
AGAD.
"""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from symtrack.model import compiled
from symtrack.model.analysis.speed import spread
from symtrack.model.arithmetic.formats import VALUE_ONE
from symtrack.model.network.standard_networks import network
from symtrack.model.tasks import data_sets
from symtrack.model.tasks.task import Task, image_set
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

THEIRS = Path(__file__).with_name("aihwkit_networks.py")  # runs in the other environment
SHARE_OF_INK = 0.19  # of the pixels of MNIST's images, the rest is zero
SIZE, CLASSES = 28, 10


@dataclass(frozen=True, kw_only=True)
class Work:
    """A network to train.

    Attributes
    ----------
    title : what it is called in tables.
    options : of `model.network.standard_networks.network`.
    batch : samples of a step.
    steps : of a turn.
    goal : aihwkit's milliseconds over ours, at least.
    """

    title: str
    options: dict[str, Any]
    batch: int
    steps: int
    goal: float = 4.0


WORKS = {
    "perceptron": Work(
        title="784-256-128-10", options={"hidden": (256, 128), "activation": "sigmoid"}, batch=10, steps=60
    ),
    "lenet5": Work(title="LeNet-5", options={"architecture": "lenet5"}, batch=8, steps=10),
}
ALGORITHMS = ("agad", "e-rider")
BL = 5


def images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images float64[count, 28, 28] from 0 to 1 and labels, as sparse as MNIST's where these have not been fetched."""
    if not are_fetched():
        rng = np.random.default_rng(seed)
        ink = rng.random((count, SIZE, SIZE)) * (rng.random((count, SIZE, SIZE)) < SHARE_OF_INK)
        return ink, rng.integers(0, CLASSES, count)
    task = image_set("mnist", hidden=(10,))
    return task.train_x[:count].reshape(-1, SIZE, SIZE) / VALUE_ONE, task.train_y[:count]


def are_fetched() -> bool:
    """Whether the images are MNIST's."""
    try:
        data_sets.fetched("mnist")
    except ValueError:
        return False
    return True


def task(work: Work, samples: tuple[np.ndarray, np.ndarray]) -> Task:
    """The task of a network with these images."""
    pixels, labels = samples
    x = np.rint(pixels.reshape(len(pixels), -1) * VALUE_ONE).astype(np.int64)
    architecture = network((SIZE, SIZE), CLASSES, **work.options)
    data = {"train_x": x, "train_y": labels, "test_x": x[:1], "test_y": labels[:1]}
    return Task(name=work.title, architecture=architecture, tile_configs=architecture.tiles(), **data)


def trainer(work: Work, algorithm: str, samples: tuple[np.ndarray, np.ndarray], *, threads: int, seed: int) -> Trainer:
    """A trainer with soft bounds of 1200 states and an offset, whose longest train has `BL` slots."""
    spec = TrainingSpec(
        task=task(work, samples),
        algorithm=algorithm,
        batch=work.batch,
        reference_mean=0.3,
        reference_std=0.1,
        tiles={"bl_max": BL},
        seed=seed,
    )
    return Trainer(spec, threads=threads)


def measured(run: Trainer, steps: int, *, threads: int = 1) -> tuple[float, float]:
    """Milliseconds and coincidences a sample of some steps."""
    clock = time.process_time if threads == 1 else time.perf_counter
    before, start = run.metrics().counts["coincidences"], clock()
    run.run(steps)
    elapsed, samples = clock() - start, steps * run.spec.batch
    return 1e3 * elapsed / samples, (run.metrics().counts["coincidences"] - before) / samples


def compiled_ms(run: Trainer, steps: int) -> float:
    """Milliseconds a sample inside compiled calls, in some steps."""
    profile = cProfile.Profile(time.process_time)
    profile.enable()
    run.run(steps)
    profile.disable()
    rows: dict[tuple[str, int, str], Any] = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    kernels = compiled.functions()
    inside: float = sum(row[2] for place, row in rows.items() if place in kernels)
    return 1e3 * inside / (steps * run.spec.batch)


class Aihwkit:
    """The same networks in another environment, a process that takes a turn when it is told to."""

    def __init__(self, python: str, samples: tuple[np.ndarray, np.ndarray], folder: Path) -> None:
        file = folder / "images.npz"
        np.savez(file, images=samples[0].astype(np.float32), labels=samples[1])
        command = [python, str(THEIRS), str(file), str(BL)]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise ValueError(f"{python!r}: must be a Python that can be run ({error.strerror})") from None
        self.version = str(self._answer()["aihwkit"])

    def milliseconds(self, name: str, work: Work) -> float:
        """Of a sample in a turn."""
        return self.asked(work=name, batch=work.batch, steps=work.steps)

    def asked(self, **question: Any) -> float:
        """The milliseconds that it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return float(self._answer()["ms"])

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ValueError(f"it ends with exit code {self._process.wait()} and without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def beside_ours(theirs: Aihwkit, unit: str, other: list[float], ours: list[float]) -> dict[str, Any]:
    """What an entry has of aihwkit's times, turn by turn beside ours, in this unit."""
    return {
        "aihwkit": theirs.version,
        f"aihwkit_{unit}": median(other),
        "aihwkit_spread": spread(other),
        "ratio": median(their / our for their, our in zip(other, ours, strict=True)),
    }


def networks(
    *,
    names: Sequence[str] = tuple(WORKS),
    against: str | None = None,
    turns: int,
    seed: int,
    threads: int = 1,
    advance: Callable[[int], None] = lambda count: None,
) -> Iterator[dict[str, Any]]:
    """One entry for every network and algorithm.

    Parameters
    ----------
    against
        Python of an environment that holds aihwkit; None leaves the comparison out.
    turns
        Measurements of each, after a first one that is not counted.

    Raises
    ------
    ValueError
        There is no aihwkit in the other environment.
    """
    samples = images(2000, seed)
    with beside(against, samples) as theirs:
        for name in names:
            yield from _turns(name, samples, theirs, turns=turns, seed=seed, threads=threads, advance=advance)


@contextmanager
def beside(against: str | None, samples: tuple[np.ndarray, np.ndarray]) -> Iterator[Aihwkit | None]:
    """The other environment, if there is one, which ends with the block.

    Raises
    ------
    ValueError
        There is no aihwkit in it.
    """
    if against is None:
        yield None
        return
    with TemporaryDirectory() as folder:
        theirs = Aihwkit(against, samples, Path(folder))
        try:
            yield theirs
        finally:
            theirs.close()


def _turns(
    name: str,
    samples: tuple[np.ndarray, np.ndarray],
    theirs: Aihwkit | None,
    *,
    turns: int,
    seed: int,
    threads: int,
    advance: Callable[[int], None],
) -> Iterator[dict[str, Any]]:
    work = WORKS[name]
    runs, twins = (
        {algorithm: trainer(work, algorithm, samples, threads=threads, seed=seed) for algorithm in ALGORITHMS}
        for _ in range(2)
    )
    ours: dict[str, list[tuple[float, float]]] = {algorithm: [] for algorithm in ALGORITHMS}
    inside: dict[str, list[float]] = {algorithm: [] for algorithm in ALGORITHMS}
    other: list[float] = []
    for turn in range(turns + 1):
        for algorithm, run in runs.items():
            ours[algorithm].append(measured(run, work.steps, threads=threads))
            inside[algorithm].append(compiled_ms(twins[algorithm], work.steps))
        if theirs:
            other.append(theirs.milliseconds(name, work))
        if turn == 0:
            ours, other = {algorithm: [] for algorithm in ALGORITHMS}, []
            inside = {algorithm: [] for algorithm in ALGORITHMS}
        advance(1)
    for algorithm in ALGORITHMS:
        times = [ms for ms, _ in ours[algorithm]]
        entry: dict[str, Any] = {
            "network": work.title,
            "algorithm": algorithm,
            "batch": work.batch,
            "threads": threads,
            "clock": "processor" if threads == 1 else "wall",
            "images": "MNIST" if are_fetched() else "random",
            "ms_per_sample": median(times),
            "spread": spread(times),
            "coincidences_per_sample": median(count for _, count in ours[algorithm]),
            "python_share": median(1.0 - part / ms for part, ms in zip(inside[algorithm], times, strict=True)),
            "turns": turns,
            "goal": work.goal,
        }
        yield entry | (beside_ours(theirs, "ms_per_sample", other, times) if theirs else {})
