# SPDX-License-Identifier: Apache-2.0
"""symtrack: RTL-backed hardware co-design of dynamic symmetric point tracking for analog in-memory training.

    >>> import symtrack
    >>> spec = symtrack.TrainingSpec(algorithm="e-rider", reference_mean=0.3, reference_std=0.1)
    >>> symtrack.compare_metrics(spec, engine="native", steps=200).agree
    True
    >>> run = symtrack.Experiment(symtrack.Dataset.classification(X, y), network=[32])
    >>> run.fit(epochs=5).accuracy

The names in ``__all__`` are the face of the package: a function bears the name of the command line that does the same.
Each is imported when it is first used, so that ``import symtrack`` itself costs nothing. What functions return is in
the modules `symtrack.hardware`, `symtrack.learning`, `symtrack.experiment`, `symtrack.study` and `symtrack.devices`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same names as in _MODULES, for editors and type checkers
    from symtrack.devices import calibrate as calibrate
    from symtrack.devices import fit_device as fit_device
    from symtrack.exchange import from_aihwkit as from_aihwkit
    from symtrack.exchange import to_aihwkit as to_aihwkit
    from symtrack.experiment import Experiment as Experiment
    from symtrack.exploration import explore as explore
    from symtrack.hardware import generate_verilog as generate_verilog
    from symtrack.hardware import run_cosim as run_cosim
    from symtrack.hardware import synthesize as synthesize
    from symtrack.learning import compare_metrics as compare_metrics
    from symtrack.learning import train as train
    from symtrack.model.devices.presets import PRESETS as PRESETS
    from symtrack.model.devices.presets import load_device as load_device
    from symtrack.model.network.algorithms import CustomAlgorithm as CustomAlgorithm
    from symtrack.model.network.algorithms import Rates as Rates
    from symtrack.model.network.chain import Chain as Chain
    from symtrack.model.network.writing import Writing as Writing
    from symtrack.model.spec.config import TileConfig as TileConfig
    from symtrack.model.spec.settings import Settings as Settings
    from symtrack.model.tasks.dataset import Dataset as Dataset
    from symtrack.model.tile.operations import Periphery as Periphery
    from symtrack.model.tile.tile import TileModel as TileModel
    from symtrack.model.training.callbacks import Callback as Callback
    from symtrack.model.training.callbacks import CSVLogger as CSVLogger
    from symtrack.model.training.callbacks import EarlyStopping as EarlyStopping
    from symtrack.model.training.callbacks import ProgressBar as ProgressBar
    from symtrack.model.training.callbacks import TensorBoardLogger as TensorBoardLogger
    from symtrack.model.training.spec import TrainingSpec as TrainingSpec
    from symtrack.study import Study as Study

_MODULES = {
    # hardware
    "TileConfig": "symtrack.model.spec.config",
    "Settings": "symtrack.model.spec.settings",
    "TileModel": "symtrack.model.tile.tile",
    "Periphery": "symtrack.model.tile.operations",
    "generate_verilog": "symtrack.hardware",
    "run_cosim": "symtrack.hardware",
    "synthesize": "symtrack.hardware",
    # experiments
    "Dataset": "symtrack.model.tasks.dataset",
    "Experiment": "symtrack.experiment",
    "Study": "symtrack.study",
    "explore": "symtrack.exploration",
    "CustomAlgorithm": "symtrack.model.network.algorithms",
    "Chain": "symtrack.model.network.chain",
    "Writing": "symtrack.model.network.writing",
    "Callback": "symtrack.model.training.callbacks",
    "CSVLogger": "symtrack.model.training.callbacks",
    "EarlyStopping": "symtrack.model.training.callbacks",
    "ProgressBar": "symtrack.model.training.callbacks",
    "TensorBoardLogger": "symtrack.model.training.callbacks",
    # other packages
    "from_aihwkit": "symtrack.exchange",
    "to_aihwkit": "symtrack.exchange",
    # learning
    "TrainingSpec": "symtrack.model.training.spec",
    "Rates": "symtrack.model.network.algorithms",
    "train": "symtrack.learning",
    "compare_metrics": "symtrack.learning",
    # devices
    "PRESETS": "symtrack.model.devices.presets",
    "load_device": "symtrack.model.devices.presets",
    "calibrate": "symtrack.devices",
    "fit_device": "symtrack.devices",
}

__all__ = ["__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("symtrack")
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
