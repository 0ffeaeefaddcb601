# SPDX-License-Identifier: Apache-2.0
"""Studies: many experiments, each of which runs once, in several processes or on several machines."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from symtrack.experiment import Experiment
from symtrack.model.files import write_bytes
from symtrack.model.spec.validated import check, path_of, shown
from symtrack.model.study import frame
from symtrack.model.study.case import Case, key
from symtrack.model.study.hardware import gates_of, joules_of
from symtrack.model.study.runner import missing, run_all, shard
from symtrack.model.study.store import Store
from symtrack.scripts.common import progress

JOBS_MAX = 1024
GATES, JOULES = "gates", "periphery_joules"
WRITERS = {".csv": "to_csv", ".parquet": "to_parquet"}
Label = str | int | float


class Study:
    """Experiments with labels, and their results in a folder.

    Every experiment has a key, the SHA-256 of all that its result depends on: data, network, algorithm, devices, rates,
    seed, length, and the versions of what is computed. An experiment whose key is in the folder is not run again,
    whoever ran it. Several processes, also of several machines that share the folder, may run the same study at once;
    copying the files of one folder into another merges both.

    Parameters
    ----------
    folder : str or Path
        Where results are kept; it is made with the first of them.

    Raises
    ------
    ValueError
        There is a file in place of the folder.

    Examples
    --------
    >>> study = symtrack.Study("build/offsets")
    >>> for offset in (0.0, 0.2, 0.4):
    ...     for seed in (1, 2, 3):
    ...         run = symtrack.Experiment(data, network=[32], reference_mean=offset, seed=seed)
    ...         study.add(run, epochs=5, offset=offset, seed=seed)
    >>> study.run(jobs=2)
    >>> study.to_frame().groupby("offset").accuracy.mean()
    """

    def __init__(self, folder: str | Path) -> None:
        place = path_of("folder", folder)
        if place.exists() and not place.is_dir():
            raise ValueError(f"folder = {str(folder)!r}: must be a folder, or the name of a new one")
        self.store = Store(place)
        self.cases: list[Case] = []

    def add(
        self,
        experiment: Experiment,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        evaluate: int | None = None,
        target: float | None = None,
        **labels: Label,
    ) -> None:
        """Plan a training of an experiment from its start; the experiment itself stays as it is.

        Parameters
        ----------
        experiment
            What is trained.
        epochs, steps
            How long; exactly one of them.
        evaluate
            Steps between evaluations; an epoch unless told otherwise.
        target
            The run ends at the first evaluation with at most this loss.
        labels
            Names and values by which the table tells it from others.

        Raises
        ------
        TypeError, ValueError
            An argument is not what it must be.
        """
        if not isinstance(experiment, Experiment):
            raise TypeError(f"experiment = {shown(experiment)}: must be an Experiment")
        for name, value in labels.items():
            if name in (*frame.COLUMNS, GATES):
                raise ValueError(f"{name} = {shown(value)}: must be another name, the table has a column of that one")
        plain = {name: _label(name, value) for name, value in labels.items()}
        self.cases.append(
            Case(
                experiment="study",
                labels=tuple(plain.items()),
                run=experiment.spec,
                epochs=epochs,
                steps=steps,
                evaluate_every=evaluate,
                target=target,
            )
        )

    def __len__(self) -> int:
        """Experiments that are planned."""
        return len(self.cases)

    @property
    def left(self) -> int:
        """Experiments that have no result yet."""
        self.store.refresh()
        return sum(self.store.get(key(case)) is None for case in self.cases)

    def run(self, *, jobs: int = 1, part: tuple[int, int] = (1, 1)) -> None:
        """Run what has no result yet; Ctrl-C loses only what is in work.

        Programs that run more than one job must be files with an ``if __name__ == "__main__":``, as their processes
        import them. A notebook runs several if it takes what it needs from modules.

        Parameters
        ----------
        jobs
            Processes.
        part
            ``(i, n)``: only part i, from 1 on, of n parts, for machines that share no folder.

        Raises
        ------
        TypeError, ValueError
            An argument is not what it must be.
        """
        jobs = check("jobs", jobs, 1, JOBS_MAX)
        if jobs > 1 and not _importable(self.cases):
            allowed = "1 unless processes can import the program: put it, or what it defines, into a file"
            raise ValueError(f"jobs = {jobs}: must be {allowed}")
        if not isinstance(part, tuple) or len(part) != 2:
            raise TypeError(f"part = {part!r}: must be (i, n), part i of n parts")
        number, of = part
        of = check("part[1]", of, 1, 10_000)
        cases = shard(self.cases, check("part[0]", number, 1, of), of)
        count = len(missing(cases, self.store))
        with progress("study", count, few=True) as advance:
            run_all(cases, self.store, jobs, advance)

    def to_frame(self, energies: Mapping[str, float] | None = None) -> pd.DataFrame:
        """A table with a line for every experiment: labels, accuracy, loss, counts, cycles, wear, gates, joules, key.

        Figures of what has no result yet are missing. The columns are those of `model.study.frame`; ``gates`` are those
        of all tiles of the experiment, by the closed form of `model.analysis.gates`, and ``periphery_joules`` what they
        take, by that of `model.analysis.event_fit`.

        Parameters
        ----------
        energies
            Picojoules of each of some events, by the names of their counts, such as ``{"coincidences": 0.1}``; the
            table then has a column ``joules``.

        Raises
        ------
        ValueError
            There is no such count.
        """
        self.store.refresh()
        gates, joules = [gates_of(case.run) for case in self.cases], [self._joules(case) for case in self.cases]
        more: dict[str, Sequence[Any]] = {GATES: gates, JOULES: joules}
        table = frame.frame(self.cases, self.store, more)
        return table if energies is None else table.assign(joules=frame.energy(table, energies))

    def _joules(self, case: Case) -> float | None:
        found = self.store.get(key(case))
        return joules_of(case.run, found["tiles"]) if found and "tiles" in found else None

    def save(self, file: str | Path) -> None:
        """Write the table as ``.csv``, or as ``.parquet``, which needs pyarrow (``symtrack[parquet]``).

        Raises
        ------
        ValueError
            The file has another ending, or pyarrow is not installed.
        """
        file = path_of("file", file)
        writer = WRITERS.get(file.suffix)
        if writer is None:
            raise ValueError(f"file = {str(file)!r}: must end with {' or '.join(WRITERS)}")
        content = io.BytesIO()
        try:
            getattr(self.to_frame(), writer)(content, index=False)
        except ImportError:
            raise ValueError(f"file = {str(file)!r}: must end with .csv unless pyarrow is installed") from None
        try:
            write_bytes(file, content.getvalue())
        except OSError as error:
            raise ValueError(f"file = {str(file)!r}: must be in a writable folder ({error.strerror})") from None


def _label(name: str, value: Any) -> Label:
    """A label as what a file holds of it, also if it is one of numpy's numbers."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    if not isinstance(value, Real):
        raise TypeError(f"{name} = {shown(value)}: must be a text or a number")
    if not math.isfinite(value):
        raise ValueError(f"{name} = {shown(value)}: must be finite")
    return int(value) if isinstance(value, Integral) else float(value)


def _importable(cases: Sequence[Case]) -> bool:
    """Whether new processes can import the program, or need nothing of it, as in a notebook that only uses symtrack."""
    program = sys.modules["__main__"]
    if getattr(program, "__spec__", None) is not None:
        return True
    if (file := getattr(program, "__file__", None)) is not None:
        return Path(file).is_file()  # "<stdin>" is none
    runs = [case.run for case in cases]
    parts = [part for run in runs for part in (run.task, run.algorithm, run.devices, run.slow_devices)]
    return all(type(part).__module__ != program.__name__ for part in parts)
