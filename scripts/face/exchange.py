# SPDX-License-Identifier: Apache-2.0
"""Exchange with other packages: configurations of aihwkit as experiments, and experiments as configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symtrack.arguments import check_options, device_of, task_of
from symtrack.experiment import Experiment
from symtrack.model.arithmetic.converters import Converters
from symtrack.model.devices.pulsed import Pulsed
from symtrack.model.exchange.aihwkit_configuration import taken
from symtrack.model.exchange.aihwkit_export import Exported, exported
from symtrack.model.exchange.aihwkit_runs import REGRESSIONS, Taken
from symtrack.model.network.algorithms import Choppers, CustomAlgorithm, Rates
from symtrack.model.network.architecture import Architecture
from symtrack.model.spec.validated import shown
from symtrack.model.tasks.dataset import Dataset, Networks
from symtrack.model.tasks.task import Problem
from symtrack.model.training.schedule import Schedule
from symtrack.model.training.spec import TrainingSpec


@dataclass(frozen=True, kw_only=True)
class Imported(Taken):
    """A configuration of aihwkit as symtrack has it.

    Attributes
    ----------
    algorithm : str or Keeping
        Name of the algorithm; with ``forget_buffer = False`` that algorithm as a `Keeping`, whose writes take away from
        H what they have written.
    device, slow_device : Pulsed
        Devices of P and of W; of W alone for ``analog-sgd``.
    converters : Converters
        Of products and reads.
    choppers : Choppers
        In place of those of the algorithm.
    rates, tiles, network : mapping
        Hyperparameters, fields of tiles and options of networks that the configuration says.
    notes : list of str
        A line for every value that became another one, or works in another way.
    ignored : list of str
        A line for every value that has no effect.
    """

    def experiment(
        self,
        data: Dataset | str | Problem,
        *,
        network: Networks | None = None,
        algorithm: str | CustomAlgorithm | None = None,
        device: str | Path | Pulsed | None = None,
        slow_device: str | Path | Pulsed | None = None,
        rates: Mapping[str, float] | Rates | None = None,
        batch: int = 1,
        schedule: Sequence[tuple[int, float]] = (),
        tiles: Mapping[str, Any] | None = None,
        converters: Converters | None = None,
        choppers: Choppers | None = None,
        **more: Any,
    ) -> Experiment:
        """An experiment with this configuration; the arguments are those of `Experiment`.

        What is given takes the place of what the configuration says, None leaves that. Of ``rates`` as a mapping, of
        ``tiles`` and of options of the network only what is given; see `spec` for what another algorithm changes.
        """
        check_options(rates=rates, schedule=schedule, tiles=tiles, converters=converters)
        check_options(**({} if choppers is None else {"choppers": choppers}))
        network = self._network(data, network)
        task, options = task_of(data, network)
        spec = self.spec(
            task=task,
            network=options,
            algorithm=algorithm,
            devices=device_of("device", device),
            slow_devices=device_of("slow_device", slow_device),
            rates=rates,
            batch=batch,
            schedule=Schedule(tuple((epoch, factor) for epoch, factor in schedule)),
            tiles=tiles,
            converters=converters,
            choppers=choppers,
        )
        return Experiment(
            data,
            network=network,
            algorithm=spec.algorithm,
            device=spec.devices,
            slow_device=spec.slow_devices,
            rates=spec.rates,
            batch=batch,
            schedule=schedule,
            tiles=spec.tiles,
            converters=spec.converters,
            choppers=spec.choppers,
            **more,
        )

    def _network(self, data: Any, network: Any) -> Any:
        fixed = hasattr(data, "architecture") or (isinstance(data, str) and data in REGRESSIONS)
        if fixed or isinstance(network, Architecture) or not self.network:
            return network
        given = {} if network is None else dict(network) if isinstance(network, Mapping) else {"hidden": list(network)}
        if network is None and isinstance(data, Dataset):
            given = {"hidden": (32,)}
        return {**self.network, **given}


def from_aihwkit(rpu_config: Any, *, learning_rate: float = 0.1) -> Imported:
    """Read a configuration of aihwkit; that package needs not be there.

    Parameters
    ----------
    rpu_config : object, mapping, str or Path
        A configuration or a device of aihwkit, its plain data, or the path of a JSON file with them.
    learning_rate : float
        That of the optimiser, which is no part of a configuration.

    Returns
    -------
    Imported
        What it is here, with ``notes`` of what was rounded; its ``experiment`` and ``spec`` make runs.

    Raises
    ------
    TypeError, ValueError
        A field has no counterpart; the message names it, its value and what is allowed.

    Examples
    --------
    >>> run = symtrack.from_aihwkit(AGADReRamSBPreset(), learning_rate=0.05)
    >>> print(*run.notes, sep="\\n")
    >>> run.experiment("digits", network=[32]).fit(epochs=1).accuracy
    """
    return Imported(**vars(taken(rpu_config, learning_rate=learning_rate)))


def to_aihwkit(run: TrainingSpec | Experiment) -> Exported:
    """Write a run as a configuration of aihwkit.

    Parameters
    ----------
    run : TrainingSpec or Experiment
        With one of the algorithms ``analog-sgd``, ``tt-v1``, ``tt-v2``, ``c-tt-v2`` and ``agad``.

    Returns
    -------
    Exported
        Plain data as ``config`` and ``json()``, a program that makes the objects as ``python()``, and ``notes``.

    Raises
    ------
    TypeError, ValueError
        Something has no counterpart; the message names it, its value and what is allowed.
    """
    spec = run.spec if isinstance(run, Experiment) else run
    if not isinstance(spec, TrainingSpec):
        raise TypeError(f"run = {shown(run)}: must be a TrainingSpec or an Experiment")
    return exported(spec)
