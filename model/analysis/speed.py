# SPDX-License-Identifier: Apache-2.0
"""Benchmarks of the golden model: speed of pulsed updates and of training, and the machine they ran on.

    coincidences per second = coincidences of one update / median time of an update
    spread                  = (slowest - fastest repeat) / median

One thread is timed by the processor time of the process, which other programs of the machine disturb least, several by
the wall clock. Every repeat makes so many updates that the clock's steps do not matter.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numba
import numpy as np

from symtrack.model.arithmetic.noise import derive_key
from symtrack.model.devices.array import DeviceArray
from symtrack.model.devices.measured import Measured
from symtrack.model.devices.presets import FAMILIES, family_name
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.devices.soft_bounds_reference import SoftBoundsReference
from symtrack.model.tasks.task import Task
from symtrack.model.training.spec import TrainingSpec
from symtrack.model.training.trainer import Trainer

BL = 31  # slots per quadrant, where nothing else is said
REPEAT_S = 0.03  # shortest repeat
DEVICE = SoftBoundsReference()
MEASURED = Measured(weights=(-0.6, 0.0, 0.6), up=(1.5, 1.0, 0.2), down=(0.3, 1.0, 1.4))
DENSITIES = ((1.0, 1.0), (0.1, 1.0), (0.1, 0.1))  # of inputs and of errors


def repeat_times(work: Callable[[], object], *, repeats: int, threads: int = 1) -> list[float]:
    """Seconds per call of ``work``, one figure per repeat; the first call, which may compile, is not counted."""
    clock = time.process_time if threads == 1 else time.perf_counter
    work()
    calls, elapsed = 1, 0.0
    while True:
        start = clock()
        for _ in range(calls):
            work()
        elapsed = clock() - start
        if elapsed >= REPEAT_S:
            break
        calls *= 2
    times = []
    for _ in range(repeats):
        start = clock()
        for _ in range(calls):
            work()
        times.append((clock() - start) / calls)
    return times


def spread(times: list[float]) -> float:
    """Range of the repeats relative to their median."""
    return (max(times) - min(times)) / median(times)


def random_lines(
    rows: int, columns: int, *, density: float, row_density: float, bl: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lines and quadrants of the slots of an update: uint8[4 * bl, R], uint8[4 * bl, C], uint8[4 * bl].

    Inputs and errors are uniform from -1 to 1, but only ``density`` of the inputs and ``row_density`` of the errors, at
    least one of each, are not zero; a line fires with the probability of its size in the quadrants of its sign: 7.75
    coincidences a cell on average at BL 31.
    """
    rng = np.random.default_rng(seed)
    delta, x = rng.uniform(-1, 1, rows), rng.uniform(-1, 1, columns)
    for values, share in ((x, density), (delta, row_density)):
        values[rng.permutation(values.size)[max(round(share * values.size), 1) :]] = 0
    quadrant = np.repeat(np.arange(4, dtype=np.uint8), bl)
    sides = []
    for values, side in ((delta, 1), (x, 0)):
        of_its_sign = (values < 0) == (quadrant >> side & 1)[:, None]
        sides.append((of_its_sign & (rng.random((4 * bl, values.size)) < np.abs(values))).astype(np.uint8))
    return sides[0], sides[1], quadrant


def update_speed(
    rows: int,
    columns: int,
    *,
    density: float,
    row_density: float = 1.0,
    threads: int,
    repeats: int,
    seed: int,
    bl: int = BL,
    device: Pulsed = DEVICE,
) -> dict[str, Any]:
    """One entry of ``golden_update``: devices with write noise, lines given."""
    cells = device.cells(rows=rows, columns=columns, seed=seed, array="benchmark")
    array = DeviceArray(cells=cells, key=derive_key(seed, "benchmark"), threads=threads)
    row_lines, column_lines, quadrant = random_lines(
        rows, columns, density=density, row_density=row_density, bl=bl, seed=seed
    )
    up = (quadrant >> 1 ^ quadrant) & np.uint8(1)
    coincidences = 0

    def there_and_back() -> None:  # alternating, so that the cells stay within their bounds as they do in training
        nonlocal coincidences
        coincidences = array.update(row_lines, column_lines, up, quadrant)
        array.update(row_lines, column_lines, up ^ 1, quadrant)

    times = [pair / 2 for pair in repeat_times(there_and_back, repeats=repeats, threads=threads)]
    return {
        "rows": rows,
        "columns": columns,
        "density": density,
        "row_density": row_density,
        "device": family_name(device),
        "threads": threads,
        "clock": "processor" if threads == 1 else "wall",
        "bl": bl,
        "coincidences": coincidences,
        "ms_per_update": 1e3 * median(times),
        "coincidences_per_second": coincidences / median(times),
        "spread": spread(times),
        "repeats": repeats,
    }


def golden_update(*, sizes: tuple[int, ...], repeats: int, seed: int) -> Iterator[dict[str, Any]]:
    """Square arrays, dense, with 10 % of the inputs, and with 10 % of inputs and errors, on one thread and on two."""
    for size in sizes:
        for density, row_density in DENSITIES:
            for threads in (1, 2):
                yield update_speed(
                    size, size, density=density, row_density=row_density, threads=threads, repeats=repeats, seed=seed
                )


def families(*, size: int, repeats: int, seed: int) -> Iterator[dict[str, Any]]:
    """Dense updates of a square array on one thread, every device family with its defaults."""
    for family in FAMILIES.values():
        device = MEASURED if family is Measured else family()
        yield update_speed(size, size, density=1.0, threads=1, repeats=repeats, seed=seed, device=device)


def growth(*, sizes: tuple[int, ...], lengths: tuple[int, ...], repeats: int, seed: int) -> Iterator[dict[str, Any]]:
    """Dense updates on one thread: every size at BL 31, then every BL at 128x128."""
    for rows, bl in [*((size, BL) for size in sizes), *((128, length) for length in lengths)]:
        yield update_speed(rows, rows, density=1.0, threads=1, repeats=repeats, seed=seed, bl=bl)


def training_speed(task: Task, *, steps: int, repeats: int, seed: int) -> dict[str, Any]:
    """The golden part of the ``training`` entry: E-RIDER, one thread, from repeats of ``steps`` training steps each."""
    trainer = Trainer(TrainingSpec(task=task, algorithm="e-rider", reference_mean=0.3, reference_std=0.1, seed=seed))
    return {
        "task": task.name,
        **epoch_figures("golden", epoch_times(trainer, steps=steps, repeats=repeats)),
        "repeats": repeats,
    }


def epoch_times(trainer: Trainer, *, steps: int, repeats: int) -> list[float]:
    """Processor seconds per epoch, from ``repeats`` times ``steps`` training steps."""
    trainer.run(2)  # compiles
    times = []
    for _ in range(repeats):
        start = time.process_time()
        trainer.run(steps)
        times.append((time.process_time() - start) * trainer.steps_per_epoch / steps)
    return times


def epoch_figures(side: str, times: list[float]) -> dict[str, float]:
    """Median and spread under the keys of ``side``."""
    return {f"{side}_s_per_epoch": median(times), f"{side}_spread": spread(times)}


VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}  # flags of a processor, the widest first


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = told.get("flags", "").split()
    return {
        "cpu": told.get("model name", platform.processor()),
        "vectors": next((name for flag, name in VECTORS.items() if flag in flags), ""),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": numba.__version__,
    }
