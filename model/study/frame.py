# SPDX-License-Identifier: Apache-2.0
"""A tidy table of cases: a line for each, with its labels, figures, counts, wear and what is left after drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from symtrack.model.spec.validated import check, shown
from symtrack.model.study.case import Case, key
from symtrack.model.study.store import Result, Store

FIGURES = ("accuracy", "loss", "rms_error", "sp_rmse", "sp_rmse_pulsed")
COUNTS = (
    *("update_slots", "coincidences", "transfer_pulses", "reads", "reference_pulses", "cycles"),
    *("dac_vectors", "adc_products", "adc_reads"),
)
WEAR = tuple(f"{figure}_pulses_{array}" for array in ("P", "W", "R") for figure in ("mean", "most"))
PICOJOULES_MAX = 1e12  # a joule
COLUMNS = (*FIGURES, *COUNTS, "accuracy_after_drift", *WEAR, "seconds", "state_sha256", "key")


def frame(cases: Sequence[Case], store: Store, more: Mapping[str, Sequence[Any]] | None = None) -> pd.DataFrame:
    """The table of cases, those without a result with missing figures.

    ``more``: columns of further figures of the cases, such as gates, behind those that every table has.
    """
    rows = []
    for case in cases:
        name = key(case)
        rows.append(dict(case.labels) | _figures(store.get(name)) | {"key": name})
    labels = dict.fromkeys(name for case in cases for name, _ in case.labels)
    table = pd.DataFrame(rows, columns=[*labels, *COLUMNS])
    return table.assign(**dict(more or {}))


def _figures(result: Result | None) -> dict[str, Any]:
    """What a result has, by the names of the columns."""
    if result is None:
        return {}
    metrics = result["metrics"]
    found = {name: metrics.get(name) for name in (*FIGURES, "state_sha256")}
    found |= {name: count for name, count in metrics.get("counts", {}).items() if name in COUNTS}
    for array, wear in result.get("endurance", {}).items():
        found |= {f"mean_pulses_{array}": wear["mean"], f"most_pulses_{array}": wear["most"]}
    return found | {
        "accuracy_after_drift": result.get("retention", {}).get("accuracy"),
        "seconds": result.get("seconds"),
    }


def energy(table: pd.DataFrame, picojoules: Mapping[str, float]) -> pd.Series[float]:
    """Joules of every line from the energy of each of some events, by the names of their counts.

    Raises
    ------
    ValueError
        There is no such count.
    """
    if not isinstance(picojoules, Mapping):
        raise TypeError(f"energies = {shown(picojoules)}: must be a mapping of picojoules by names of counts")
    total = pd.Series(0.0, index=table.index)
    for name, each in picojoules.items():
        if name not in COUNTS:
            raise ValueError(f"energies: {name} = {shown(each)}: must be one of {', '.join(COUNTS)}")
        each = check(f"energies[{name!r}]", each, 0, PICOJOULES_MAX, whole=False)
        total = total + table[name].astype(float) * each * 1e-12
    return total
