# SPDX-License-Identifier: Apache-2.0
"""Record of a study: one line of JSON for every finished run, from which another machine goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from symtrack.model.semantics import EARLIER, SEMANTICS
from symtrack.model.study.case import Case, key
from symtrack.model.study.runner import missing
from symtrack.model.study.store import Result, Store

RECORD = "results.json"
FIGURES = ("accuracy", "loss", "rms_error", "sp_rmse", "sp_rmse_pulsed", "state_sha256", "counts")
PARTS = ("target", "endurance", "tiles", "retention", "rtl", "seconds")


def record(runs: Iterable[tuple[Case, Result | None]]) -> str:
    """Key, labels, earlier semantics, figures, and what else there is of it, `PARTS`."""
    lines = []
    for case, result in runs:
        if result:
            earlier = {"semantics": result["semantics"]} if "semantics" in result else {}
            line = {"key": key(case, **earlier), "experiment": case.experiment, **dict(case.labels)} | earlier
            line |= {name: value for name in FIGURES if (value := result["metrics"].get(name)) is not None}
            lines.append(json.dumps(line | {name: result[name] for name in PARTS if name in result}))
    return "[\n" + ",\n".join(lines) + "\n]\n"


def adopt(file: Path, cases: Sequence[Case], store: Store) -> None:
    """Put what a record has of runs with the keys of ``cases`` into the store, where it has no result of its own.

    Such a result has no curve and the metrics of the record only. One of earlier semantics stays one of those: the run
    is missing still, see `model.study.runner.newest`. Nothing is done without a file.

    Raises
    ------
    ValueError
        The file is not a record.
    """
    if not file.exists():
        return
    try:
        recorded = {line["key"]: line for line in json.loads(file.read_bytes())}
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{str(file)!r}: must be a list of runs with their keys") from None
    found = []
    for case in missing(cases, store).values():
        for semantics in (SEMANTICS, *EARLIER):
            name = key(case, semantics)
            if store.get(name) is not None:
                break
            if line := recorded.get(name):
                result: Result = {"metrics": {name: line[name] for name in FIGURES if name in line}, "curve": []}
                result |= {part: line[part] for part in PARTS if part in line}
                found.append((name, result, {"experiment": case.experiment, **dict(case.labels)}))
                break
    store.add_all(found)
